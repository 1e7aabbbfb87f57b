/*
 * test_resume.c: sessions over a network that cuts, loses, doubles and falls silent, by a proxy in
 * between: what is resumed, what is said again, and what is lost. A probation is long here, so that
 * a busy machine does not end what is to be resumed; for a polling client it is shorter than that
 * waits for an answer, because what it says before the server knows of the cut is held so long.
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
static const char *resume_ms;

static int start_server(const char *bind)
{
	const char *const arguments[] = { "--resume-ms", resume_ms, NULL };
	const struct server_process_options options = { .bind = bind, .arguments = arguments };
	char sentence[512];

	if (server_process_start(&options, &server, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
	direct = server_process_endpoint(server);
	return 0;
}

static int start_with(const char *probation_ms)
{
	char bind[128], sentence[512];

	resume_ms = probation_ms;
	assert_int_equal(server_process_endpoint_for("ipc", bind, sizeof(bind)), 0);
	start_server(bind);
	if (proxy_start(direct, LINKS, 1, &proxy, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
	return 0;
}

static int start(void **state)
{
	(void)state;
	return start_with("5000");
}

static int start_for_polling(void **state)
{
	(void)state;
	return start_with("1000");
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
	int64_t poll_interval_ms;
	bool waits;
	int result;
	uint64_t token;
	_Atomic bool done;
};

static void *call(void *argument)
{
	struct caller *caller = argument;
	const struct dmonitor_options options = { .poll_interval_ms = caller->poll_interval_ms };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(caller->link, &options, &session);

	caller->result = dmonitor_enter(monitor);
	if (caller->result == 0 && caller->waits)
		caller->result = dmonitor_wait(monitor, "c");
	caller->token = dmonitor_token(monitor);
	if (caller->result == 0)
		caller->result = dmonitor_exit(monitor);
	dmonitor_disconnect(&session);
	caller->done = true;
	return NULL;
}

static void start_caller(struct caller *caller)
{
	assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

static void both_enter_in_turn(struct caller *first, struct caller *second)
{
	pthread_join(first->thread, NULL);
	pthread_join(second->thread, NULL);
	assert_int_equal(first->result, 0);
	assert_int_equal(second->result, 0);
	assert_true(first->token < second->token);
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
	both_enter_in_turn(&first, &second);
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

/* Kill the server, and start another in its place. */
static void restart_server(void)
{
	char sentence[512], *bind = strdup(direct);

	kill(server_process_pid(server), SIGKILL);
	server_process_stop(&server, sentence, sizeof(sentence));
	start_server(bind);
	free(bind);
}

static void a_restarted_server_is_told_from_the_one_before(void **state)
{
	const struct dmonitor_options options = { .lease_ms = 60000 };
	struct caller waiter = { .link = 1, .waits = true };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, &options, &session);
	uint64_t token;

	(void)state;
	start_caller(&waiter);
	live_await_waiters(direct, "m", 1);
	assert_int_equal(dmonitor_enter(monitor), 0);
	token = dmonitor_token(monitor);
	restart_server();
	/* Nobody hangs, though the lease is a minute: the new server does not know the session. */
	assert_int_equal(dmonitor_exit(monitor), ESTALE);
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.result, ESTALE);
	assert_int_equal(dmonitor_disconnect(&session), ESTALE);
	monitor = connect_through(0, &options, &session);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_true(dmonitor_token(monitor) > token);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

enum { CUTS = 10 };

static const struct dmonitor_options polling = { .poll_interval_ms = 1 };

/* Cut ${caller}'s link when a check of it, or the answer, is on its way; and wait until it has come
 * back. */
static void cut_off_a_check(const struct caller *caller)
{
	const uint64_t connections = proxy_counts(proxy)->connections;
	const uint64_t delayed = proxy_counts(proxy)->delayed;

	order(PROXY_DELAY, caller->link, 10000);
	while (proxy_counts(proxy)->delayed == delayed && !caller->done)
		sched_yield();
	order(PROXY_CUT, caller->link, 0);
	while (proxy_counts(proxy)->connections == connections && !caller->done)
		sched_yield();
}

static void a_polling_client_in_line_keeps_its_place(void **state)
{
	struct caller first = { .link = 1, .poll_interval_ms = 1 }, second = { .link = 2 };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, NULL, &session);

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	start_caller(&first);
	while (live_received(direct, "CHECK_GRANT") == 0)
		sched_yield();
	start_caller(&second);
	live_await_line(direct, "m", 2);
	for (int i = 0; i < CUTS; i++)
		cut_off_a_check(&first);
	assert_int_equal(dmonitor_exit(monitor), 0);
	both_enter_in_turn(&first, &second);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_polling_waiter_is_awakened_after_a_cut(void **state)
{
	struct caller waiter = { .link = 1, .poll_interval_ms = 1, .waits = true };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, NULL, &session);

	(void)state;
	start_caller(&waiter);
	live_await_waiters(direct, "m", 1);
	for (int i = 0; i < CUTS; i++)
		cut_off_a_check(&waiter);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_signal(monitor, "c"), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.result, 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

/* The WAIT is cut off, or not yet said; each time it has waited in the end. */
static void a_polling_client_waits_though_its_wait_is_cut_off(void **state)
{
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, &polling, &session);

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	for (int i = 0; i < CUTS; i++) {
		const uint64_t token = dmonitor_token(monitor);

		order(PROXY_CUT, 0, 0);
		assert_int_equal(dmonitor_wait_for(monitor, "c", 1), ETIMEDOUT);
		assert_true(dmonitor_token(monitor) > token);
	}
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_polling_client_leaves_though_its_exit_is_cut_off(void **state)
{
	dmonitor_session *session, *other;
	dmonitor *monitor = connect_through(0, &polling, &session);
	dmonitor *theirs = connect_through(1, NULL, &other);

	(void)state;
	for (int i = 0; i < CUTS; i++) {
		int result;

		assert_int_equal(dmonitor_enter(monitor), 0);
		order(PROXY_CUT, 0, 0);
		result = dmonitor_exit(monitor);
		assert_true(result == 0 || result == ECONNABORTED);
		assert_int_equal(dmonitor_enter_for(theirs, 0), 0);
		assert_false(dmonitor_abandoned(theirs));
		assert_int_equal(dmonitor_exit(theirs), 0);
	}
	assert_int_equal(dmonitor_disconnect(&session), 0);
	assert_int_equal(dmonitor_disconnect(&other), 0);
}

/* Cut link 0 when the server has had an EXIT more than *${exits}. */
static void *cut_off_the_answer(void *exits)
{
	while (live_received(direct, "EXIT") == *(const int64_t *)exits)
		sched_yield();
	order(PROXY_CUT, 0, 0);
	return NULL;
}

static void a_polling_client_goes_on_when_it_cannot_know_how_it_left(void **state)
{
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, &polling, &session);
	bool unknown = false;

	(void)state;
	for (int i = 0; i < CUTS && !unknown; i++) {
		int64_t exits = live_received(direct, "EXIT");
		pthread_t thread;
		int result;

		assert_int_equal(dmonitor_enter(monitor), 0);
		assert_int_equal(pthread_create(&thread, NULL, cut_off_the_answer, &exits), 0);
		order(PROXY_DELAY, 0, 10000);
		result = dmonitor_exit(monitor);
		pthread_join(thread, NULL);
		assert_true(result == 0 || result == ECONNABORTED);
		unknown = result == ECONNABORTED;
	}
	assert_true(unknown);
	assert_int_equal(dmonitor_enter_for(monitor, 0), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_polling_client_tells_a_restarted_server_too(void **state)
{
	struct caller waiter = { .link = 1, .poll_interval_ms = 1, .waits = true };
	dmonitor_session *session;
	dmonitor *monitor = connect_through(0, &polling, &session);

	(void)state;
	start_caller(&waiter);
	live_await_waiters(direct, "m", 1);
	assert_int_equal(dmonitor_enter(monitor), 0);
	restart_server();
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.result, ESTALE);
	assert_int_equal(dmonitor_wait(monitor, "c"), ESTALE);
	assert_false(dmonitor_entered(monitor));
	/* What is lost stays lost. */
	assert_int_equal(dmonitor_enter(monitor), ESTALE);
	assert_int_equal(dmonitor_disconnect(&session), ESTALE);
}

/* What the server still has for it is given on, as it may not be used any more. */
static void a_polling_client_that_is_lost_keeps_nothing(void **state)
{
	dmonitor_session *session, *other;
	dmonitor *monitor = connect_through(0, &polling, &session);
	dmonitor *later = live_open(session, "later", 0), *theirs;

	(void)state;
	assert_int_equal(dmonitor_enter(monitor), 0);
	restart_server();
	while (dmonitor_enter(later) == ECONNABORTED)
		continue;
	assert_true(dmonitor_entered(later));
	assert_int_equal(dmonitor_exit(monitor), ESTALE);
	assert_false(dmonitor_entered(later));
	connect_through(1, NULL, &other);
	theirs = live_open(other, "later", 0);
	assert_int_equal(dmonitor_enter_for(theirs, 10000), 0);
	assert_int_equal(dmonitor_disconnect(&other), 0);
	assert_int_equal(dmonitor_disconnect(&session), ESTALE);
}

#define RESUME(test)  cmocka_unit_test_setup_teardown(test, start, stop)
#define POLLING(test) cmocka_unit_test_setup_teardown(test, start_for_polling, stop)

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
		POLLING(a_polling_client_in_line_keeps_its_place),
		POLLING(a_polling_waiter_is_awakened_after_a_cut),
		POLLING(a_polling_client_waits_though_its_wait_is_cut_off),
		POLLING(a_polling_client_leaves_though_its_exit_is_cut_off),
		POLLING(a_polling_client_goes_on_when_it_cannot_know_how_it_left),
		POLLING(a_polling_client_that_is_lost_keeps_nothing),
		POLLING(a_polling_client_tells_a_restarted_server_too),
	};

	return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
