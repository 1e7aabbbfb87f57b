/*
 * test_resume.c: sessions over a network that cuts, loses, doubles and falls silent, by a proxy in
 * between: what is resumed, what is said again, and what is lost. A probation is long here, so that
 * a busy machine does not end what is to be resumed.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../sim/proxy.h"
#include "../../sim/server_process.h"
#include "../clock.h"
#include "live.h"

enum { LINKS = 4, ROUNDS = 200 };

static struct server_process *server;
static struct proxy *proxy;
static const char *direct; /* the server's own endpoint */

static int start_server(const char *bind)
{
	static const char *const arguments[] = { "--resume-ms", "5000", NULL };
	const struct server_process_options options = { .bind = bind, .arguments = arguments };
	char sentence[512];

	if (server_process_start(&options, &server, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
	direct = server_process_endpoint(server);
	return 0;
}

static int start(void **state)
{
	char bind[128], sentence[512];

	(void)state;
	assert_int_equal(server_process_endpoint_for("ipc", bind, sizeof(bind)), 0);
	start_server(bind);
	if (proxy_start(direct, LINKS, 1, &proxy, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
	return 0;
}

static int stop(void **state)
{
	char sentence[512];

	(void)state;
	proxy_stop(&proxy);
	server_process_stop(&server, sentence, sizeof(sentence));
	return 0;
}

static void order(enum proxy_order what, size_t link, int64_t length_ms)
{
	assert_int_equal(proxy_order(proxy, what, link, length_ms * DMONITOR_NS_PER_MS), 0);
}

static dmonitor *connect_through(size_t link, const struct dmonitor_options *options,
                                 dmonitor_session **session)
{
	*session = live_connect(proxy_endpoint(proxy, link), options);
	return live_open(*session, "m", 0);
}

/* How many HELLOs the server has had. */
static int64_t greetings(void)
{
	return live_received(direct, "HELLO");
}

static void a_holder_whose_connection_is_cut_holds_on(void **state)
{
	dmonitor_session *session, *other;
	dmonitor *monitor = connect_through(0, NULL, &session), *theirs;
	uint64_t token;

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	token = dmonitor_token(monitor);
	order(PROXY_CUT, 0, 0);
	/* No call is made until the library has come back by itself. */
	while (greetings() < 2)
		sched_yield();
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_true(dmonitor_token(monitor) == token);
	theirs = connect_through(1, NULL, &other);
	assert_int_equal(dmonitor_enter_for(theirs, 0), EBUSY);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_enter(theirs), 0);
	assert_false(dmonitor_abandoned(theirs));
	assert_int_equal(dmonitor_disconnect(&other), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void while_the_connection_is_away_nothing_is_claimed(void **state)
{
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, NULL, &session);

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	order(PROXY_REFUSE, 0, 60000);
	while (dmonitor_entered(monitor))
		sched_yield();
	assert_int_equal(dmonitor_token(monitor), 0);
	order(PROXY_HEAL, 0, 0);
	while (!dmonitor_entered(monitor))
		sched_yield();
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

/* A thread that enters, or waits on "c", and leaves. */
struct caller {
	pthread_t thread;
	size_t link;
	bool waits;
	int result;
	uint64_t token;
};

static void *call(void *argument)
{
	struct caller *caller = argument;
	dmonitor_session *session;
	dmonitor *monitor = connect_through(caller->link, NULL, &session);

	caller->result = dmonitor_enter(monitor);
	if (caller->result == 0 && caller->waits)
		caller->result = dmonitor_wait(monitor, "c");
	caller->token = dmonitor_token(monitor);
	if (caller->result == 0)
		caller->result = dmonitor_exit(monitor);
	dmonitor_disconnect(&session);
	return NULL;
}

static void start_caller(struct caller *caller)
{
	assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

static void who_is_in_line_keeps_its_place(void **state)
{
	struct caller first = { .link = 1 }, second = { .link = 2 };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, NULL, &session);

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	start_caller(&first);
	live_await_line(direct, "m", 1);
	start_caller(&second);
	live_await_line(direct, "m", 2);
	order(PROXY_CUT, 1, 0);
	while (greetings() < 4)
		sched_yield();
	assert_int_equal(dmonitor_exit(monitor), 0);
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	assert_int_equal(first.result, 0);
	assert_int_equal(second.result, 0);
	assert_true(first.token < second.token);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_waiter_is_awakened_on_its_new_connection(void **state)
{
	struct caller waiter = { .link = 1, .waits = true };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, NULL, &session);

	(void)state;
	start_caller(&waiter);
	live_await_waiters(direct, "m", 1);
	order(PROXY_CUT, 1, 0);
	while (greetings() < 3)
		sched_yield();
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_signal(monitor, "c"), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.result, 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

/* Enter and leave many times while ${what} goes on; each enter is granted once, and no exit is lost
 * or done twice: that would leave the monitor held, or be refused. */
static void use_while(enum proxy_order what, unsigned flags)
{
	const struct dmonitor_options options = { .lease_ms = 900, .flags = flags };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, &options, &session);
	const int64_t before = live_sent(direct, "granted");

	for (int i = 0; i < ROUNDS; i++) {
		/* What is lost is found out by a beat, a third of a lease later, when all is well.
		 */
		if (i % 20 == 0)
			order(what, 0, 100);
		assert_int_equal(dmonitor_enter(monitor), 0);
		assert_int_equal(dmonitor_exit(monitor), 0);
	}
	order(PROXY_HEAL, 0, 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	assert_true(live_sent(direct, "granted") - before >= ROUNDS);
	assert_int_equal(live_length(direct, "m", "line_length"), 0);
}

static void nothing_is_lost_when_messages_are(void **state)
{
	(void)state;
	use_while(PROXY_DROP, 0);
	use_while(PROXY_DROP, DMONITOR_ASYNC_EXIT);
	assert_true(proxy_counts(proxy)->dropped > 0);
}

static void nothing_is_done_twice_when_messages_are(void **state)
{
	(void)state;
	use_while(PROXY_DUPLICATE, 0);
	use_while(PROXY_DUPLICATE, DMONITOR_ASYNC_EXIT);
	assert_true(proxy_counts(proxy)->duplicated > 0);
}

static void connections_that_are_cut_again_and_again_are_made_again(void **state)
{
	(void)state;
	use_while(PROXY_CUT, 0);
	use_while(PROXY_CUT, DMONITOR_ASYNC_EXIT);
	assert_true(proxy_counts(proxy)->cut >= 2 * ROUNDS / 20);
}

static void a_network_that_falls_silent_ends_the_session_with_its_lease(void **state)
{
	const struct dmonitor_options options = { .lease_ms = 300 };
	dmonitor_session *session, *other;
	dmonitor *monitor = connect_through(0, &options, &session);
	dmonitor *theirs = connect_through(1, NULL, &other);

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	order(PROXY_SILENCE, 0, 60000);
	/* The server gives it on only when its owner claims nothing any more. */
	assert_int_equal(dmonitor_enter(theirs), 0);
	assert_false(dmonitor_entered(monitor));
	assert_true(dmonitor_abandoned(theirs));
	assert_int_equal(dmonitor_exit(monitor), ESTALE);
	assert_int_equal(dmonitor_disconnect(&session), ESTALE);
	assert_int_equal(dmonitor_check(theirs), 0);
	assert_int_equal(dmonitor_disconnect(&other), 0);
}

static void a_restarted_server_is_told_from_the_one_before(void **state)
{
	const struct dmonitor_options options = { .lease_ms = 60000 };
	struct caller waiter = { .link = 1, .waits = true };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, &options, &session);
	char sentence[512], *bind = strdup(direct);
	uint64_t token;

	(void)state;
	start_caller(&waiter);
	live_await_waiters(direct, "m", 1);
	assert_int_equal(dmonitor_enter(monitor), 0);
	token = dmonitor_token(monitor);
	kill(server_process_pid(server), SIGKILL);
	server_process_stop(&server, sentence, sizeof(sentence));
	start_server(bind);
	/* Nobody hangs, though the lease is a minute: the new server does not know the session. */
	assert_int_equal(dmonitor_exit(monitor), ESTALE);
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.result, ESTALE);
	assert_int_equal(dmonitor_disconnect(&session), ESTALE);
	monitor = connect_through(0, &options, &session);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_true(dmonitor_token(monitor) > token);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	free(bind);
}

static void a_polling_client_goes_on_after_a_cut(void **state)
{
	const struct dmonitor_options options = { .poll_interval_ms = 1 };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, &options, &session);
	int result;

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	order(PROXY_CUT, 0, 0);
	/* Whether the EXIT arrived is not known, or it did; the next call finds out. */
	result = dmonitor_exit(monitor);
	assert_true(result == 0 || result == ECONNABORTED);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

#define RESUME(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESUME(a_holder_whose_connection_is_cut_holds_on),
		RESUME(while_the_connection_is_away_nothing_is_claimed),
		RESUME(who_is_in_line_keeps_its_place),
		RESUME(a_waiter_is_awakened_on_its_new_connection),
		RESUME(nothing_is_lost_when_messages_are),
		RESUME(nothing_is_done_twice_when_messages_are),
		RESUME(connections_that_are_cut_again_and_again_are_made_again),
		RESUME(a_network_that_falls_silent_ends_the_session_with_its_lease),
		RESUME(a_restarted_server_is_told_from_the_one_before),
		RESUME(a_polling_client_goes_on_after_a_cut),
	};

	return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
