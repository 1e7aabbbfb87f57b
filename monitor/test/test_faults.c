/*
 * test_faults.c: what the library says when the server dies, stands still or has given it up, and
 * when its own process was away. Leases are short so that the tests are.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "../clock.h"
#include "live.h"

static const struct dmonitor_options short_lease = { .lease_ms = 300 };

struct shared {
	bool entered;
	int result;
};

static void nobody_hangs_when_the_server_dies(void **state)
{
	dmonitor_session *a = live_connect(*state, &short_lease);
	dmonitor_session *b = live_connect(*state, &short_lease);
	dmonitor *mine = live_open(a, "m", 0), *theirs = live_open(b, "m", 0);

	assert_int_equal(dmonitor_enter(mine), 0);
	kill(live_server(), SIGKILL);
	assert_int_equal(dmonitor_enter(theirs), ESTALE);
	assert_int_equal(dmonitor_wait(mine, "c"), ESTALE);
	assert_false(dmonitor_entered(mine));
	assert_int_equal(dmonitor_token(mine), 0);
	assert_int_equal(dmonitor_exit(mine), ESTALE);
	assert_non_null(strstr(dmonitor_error(a), "lost"));
	assert_int_equal(dmonitor_disconnect(&a), ESTALE);
	assert_int_equal(dmonitor_disconnect(&b), ESTALE);
	assert_null(a);
}

static void a_session_claims_nothing_once_its_lease_may_be_over(void **state)
{
	dmonitor_session *session = live_connect(*state, &short_lease);
	dmonitor *monitor = live_open(session, "m", 0);

	assert_int_equal(dmonitor_enter(monitor), 0);
	kill(live_server(), SIGSTOP);
	while (dmonitor_entered(monitor))
		sched_yield();
	assert_int_equal(dmonitor_exit(monitor), ESTALE);
	kill(live_server(), SIGCONT);
	assert_int_equal(dmonitor_enter(monitor), ESTALE);
	dmonitor_disconnect(&session);
}

static void the_keeper_holds_the_lease_while_the_program_is_away(void **state)
{
	dmonitor_session *session = live_connect(*state, &short_lease);
	dmonitor *monitor = live_open(session, "m", 0);
	const int64_t begin_ns = dmonitor_clock_now_ns();

	assert_int_equal(dmonitor_enter(monitor), 0);
	/* Three leases long, this thread does not call the library for this session. */
	while (dmonitor_clock_now_ns() - begin_ns < 900 * DMONITOR_NS_PER_MS)
		usleep(1000);
	assert_true(live_received(*state, "BEAT") >= 4);
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_call_that_blocks_holds_the_lease_too(void **state)
{
	dmonitor_session *session = live_connect(*state, &short_lease);
	dmonitor *monitor = live_open(session, "m", 0);

	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_wait_for(monitor, "c", 900), ETIMEDOUT);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static int hold_and_stop(const char *endpoint, void *argument)
{
	volatile struct shared *shared = argument;
	/* Long enough that the test can look at the monitor while it is held. */
	const struct dmonitor_options options = { .lease_ms = 1500 };
	dmonitor_session *session = live_connect(endpoint, &options);
	dmonitor *monitor = live_open(session, "m", 0);

	if (dmonitor_enter(monitor) != 0)
		return 1;
	shared->entered = true;
	raise(SIGSTOP);
	shared->result = dmonitor_exit(monitor);
	return dmonitor_exit(monitor) != ESTALE;
}

static void a_stopped_holder_loses_its_lease_and_learns_it(void **state)
{
	struct shared *shared = live_shared(sizeof(*shared));
	const pid_t process = live_fork(*state, hold_and_stop, shared);
	dmonitor_session *session = live_connect(*state, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	int status;

	assert_int_equal(waitpid(process, &status, WUNTRACED), process);
	assert_true(WIFSTOPPED(status));
	assert_true(shared->entered);
	/* It holds for its lease, and not longer. */
	assert_int_equal(dmonitor_enter_for(monitor, 0), EBUSY);
	assert_int_equal(dmonitor_enter_for(monitor, 10000), 0);
	assert_true(dmonitor_abandoned(monitor));
	kill(process, SIGCONT);
	live_join(process);
	assert_int_equal(shared->result, ESTALE);
	/* And its late exit has changed nothing. */
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void an_enter_without_an_answer_is_given_up_and_settled(void **state)
{
	dmonitor_session *a = live_connect(*state, NULL), *b = live_connect(*state, NULL);
	dmonitor *mine = live_open(a, "m", 0), *theirs = live_open(b, "m", 0);

	kill(live_server(), SIGSTOP);
	assert_int_equal(dmonitor_enter_for(mine, 10), ECONNABORTED);
	kill(live_server(), SIGCONT);
	/* The server grants it, or has it time out; either way the library gives it back. */
	assert_int_equal(dmonitor_enter_for(theirs, 10000), 0);
	assert_false(dmonitor_abandoned(theirs));
	assert_int_equal(dmonitor_enter_for(mine, 0), EBUSY);
	assert_int_equal(dmonitor_exit(theirs), 0);
	assert_int_equal(dmonitor_enter(mine), 0);
	assert_int_equal(dmonitor_exit(mine), 0);
	assert_int_equal(dmonitor_disconnect(&a), 0);
	assert_int_equal(dmonitor_disconnect(&b), 0);
}

static void a_polling_client_clears_up_a_lost_reply(void **state)
{
	const struct dmonitor_options options = { .poll_interval_ms = 1 };
	dmonitor_session *session = live_connect(*state, &options);
	dmonitor *monitor = live_open(session, "m", 0);

	kill(live_server(), SIGSTOP);
	assert_int_equal(dmonitor_enter(monitor), ECONNABORTED);
	assert_false(dmonitor_entered(monitor));
	kill(live_server(), SIGCONT);
	/* The ENTER did arrive; entering again finds out. */
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static int stop_the_server_of_a_waiter(const char *endpoint, void *server)
{
	live_await_waiters(endpoint, "m", 1);
	return kill(*(const pid_t *)server, SIGSTOP);
}

/* It is outside then, and cannot know when it is inside again: it gives up all that it has. */
static void a_polling_waiter_does_not_wait_for_a_silent_server(void **state)
{
	const struct dmonitor_options options = { .poll_interval_ms = 1 };
	pid_t server = live_server();
	const pid_t process = live_fork(*state, stop_the_server_of_a_waiter, &server);
	dmonitor_session *session = live_connect(*state, &options), *other;
	dmonitor *monitor = live_open(session, "m", 0), *theirs;

	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_wait(monitor, "c"), ESTALE);
	live_join(process);
	assert_false(dmonitor_entered(monitor));
	assert_int_equal(dmonitor_exit(monitor), ESTALE);
	kill(server, SIGCONT);
	other = live_connect(*state, NULL);
	theirs = live_open(other, "m", 0);
	live_await_waiters(*state, "m", 0);
	assert_int_equal(dmonitor_enter_for(theirs, 10000), 0);
	assert_int_equal(dmonitor_disconnect(&other), 0);
	assert_int_equal(dmonitor_disconnect(&session), ESTALE);
}

static int hold_until_killed(const char *endpoint, void *argument)
{
	volatile struct shared *shared = argument;
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", 0);

	if (dmonitor_enter(monitor) != 0)
		return 1;
	shared->entered = true;
	for (;;)
		pause();
}

static void a_killed_holder_is_noticed_long_before_its_lease(void **state)
{
	struct shared *shared = live_shared(sizeof(*shared));
	const pid_t process = live_fork(*state, hold_until_killed, shared);
	dmonitor_session *session = live_connect(*state, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	int64_t begin_ns;

	while (!*(volatile bool *)&shared->entered)
		sched_yield();
	assert_int_equal(dmonitor_enter_for(monitor, 0), EBUSY);
	begin_ns = dmonitor_clock_now_ns();
	kill(process, SIGKILL);
	assert_int_equal(dmonitor_enter(monitor), 0);
	/* A lease is 5 s; the connection's end comes at once. */
	assert_true(dmonitor_clock_now_ns() - begin_ns < 3 * DMONITOR_NS_PER_S);
	assert_true(dmonitor_abandoned(monitor));
	waitpid(process, NULL, 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void an_id_cannot_be_two_living_clients(void **state)
{
	const struct dmonitor_options options = { .process_id = "me" };
	dmonitor_session *session = live_connect(*state, &options), *other = NULL;

	assert_int_equal(dmonitor_connect(*state, &options, &other), EADDRINUSE);
	assert_null(other);
	assert_non_null(strstr(dmonitor_error(NULL), "process_id"));
	assert_int_equal(dmonitor_disconnect(&session), 0);
	session = live_connect(*state, &options);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static int poll_as_me(const char *endpoint, void *argument)
{
	const struct dmonitor_options options = { .process_id = "me", .poll_interval_ms = 1 };
	dmonitor_session *session;
	dmonitor *monitor;

	(void)argument;
	while (live_received(endpoint, "HELLO") == 0)
		sched_yield();
	session = live_connect(endpoint, &options);
	monitor = live_open(session, "m", 0);
	return dmonitor_enter(monitor) != 0 || dmonitor_exit(monitor) != 0 ||
	       dmonitor_disconnect(&session) != 0;
}

/* The other may be its own earlier connection, whose end the server learns late. */
static void a_polling_client_waits_for_its_id(void **state)
{
	const struct dmonitor_options options = { .process_id = "me" };
	const pid_t process = live_fork(*state, poll_as_me, NULL);
	dmonitor_session *session = live_connect(*state, &options);

	while (live_sent(*state, "error") == 0)
		sched_yield();
	assert_int_equal(dmonitor_disconnect(&session), 0);
	live_join(process);
}

static void connecting_to_nothing_says_so(void **state)
{
	struct dmonitor_options options = { .connect_timeout_ms = 50 };
	dmonitor_session *session = NULL;

	(void)state;
	assert_int_equal(dmonitor_connect("ipc://@dmonitor-nobody", &options, &session),
	                 EHOSTUNREACH);
	assert_non_null(strstr(dmonitor_error(NULL), "dmonitor-nobody"));
	options.poll_interval_ms = 1;
	assert_int_equal(dmonitor_connect("ipc://@dmonitor-nobody", &options, &session),
	                 EHOSTUNREACH);
	assert_int_equal(dmonitor_connect("nonsense", NULL, &session), EINVAL);
	assert_int_equal(dmonitor_connect(NULL, NULL, &session), EINVAL);
	assert_int_equal(dmonitor_connect("ipc://@x", NULL, NULL), EINVAL);
	options = (struct dmonitor_options){ .process_id = "two\nlines" };
	assert_int_equal(dmonitor_connect("ipc://@x", &options, &session), EINVAL);
	options = (struct dmonitor_options){ .lease_ms = 100 };
	assert_int_equal(dmonitor_connect("ipc://@x", &options, &session), EINVAL);
	assert_null(session);
}

/* What an impostor at ${endpoint} answers to whatever comes first. */
static int answer_nonsense(const char *endpoint, void *argument)
{
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, ZMQ_REP);
	const char *answer = argument;
	char bytes[512];

	if (zmq_bind(socket, endpoint) != 0 || zmq_recv(socket, bytes, sizeof(bytes), 0) < 0 ||
	    zmq_send(socket, answer, strlen(answer), 0) < 0)
		return 1;
	for (;;)
		pause();
}

static void an_impostor_is_no_server(void **state)
{
	static const char *const answers[] = {
		"hello",
		"{}",
		"{\"status\":\"granted\"}",
		"{\"status\":\"welcome\"}",
		"{\"status\":\"error\",\"code\":\"bad_protocol\",\"message\":\"\",\"protocol\":3}",
	};
	char endpoint[64];

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		dmonitor_session *session = NULL;
		pid_t process;

		snprintf(endpoint, sizeof(endpoint), "ipc://@impostor-%ld-%zu", (long)getpid(), i);
		process = live_fork(endpoint, answer_nonsense, (void *)(uintptr_t)answers[i]);
		assert_int_equal(dmonitor_connect(endpoint, NULL, &session), EPROTO);
		kill(process, SIGKILL);
		waitpid(process, NULL, 0);
	}
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_start_tcp, live_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(nobody_hangs_when_the_server_dies),
		LIVE(a_session_claims_nothing_once_its_lease_may_be_over),
		LIVE(the_keeper_holds_the_lease_while_the_program_is_away),
		LIVE(a_call_that_blocks_holds_the_lease_too),
		LIVE(a_stopped_holder_loses_its_lease_and_learns_it),
		LIVE(an_enter_without_an_answer_is_given_up_and_settled),
		LIVE(a_polling_client_clears_up_a_lost_reply),
		LIVE(a_polling_waiter_does_not_wait_for_a_silent_server),
		LIVE(a_killed_holder_is_noticed_long_before_its_lease),
		LIVE(an_id_cannot_be_two_living_clients),
		LIVE(a_polling_client_waits_for_its_id),
		cmocka_unit_test(connecting_to_nothing_says_so),
		cmocka_unit_test(an_impostor_is_no_server),
	};

	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
