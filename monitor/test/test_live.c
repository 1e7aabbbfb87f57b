/*
 * test_live.c: the library against a real server, over tcp and ipc, told of outcomes and asking for
 * them. Each test runs in all four ways; what only one of them promises is in the files beside.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "live.h"

/* How the tests talk to the server now. */
static int64_t poll_interval_ms;

static dmonitor_session *connect_as(const char *endpoint, unsigned flags)
{
	const struct dmonitor_options options = { .poll_interval_ms = poll_interval_ms,
		                                  .flags = flags };

	return live_connect(endpoint, &options);
}

/* Shared by the processes of a test. */
struct shared {
	long counter;
	long inside;
	bool overlapped;
	bool ready;
	uint64_t tokens[8];
};

enum { PROCESSES = 8, ROUNDS = 50 };

static int count_up(const char *endpoint, void *argument)
{
	volatile struct shared *shared = argument;
	dmonitor_session *session = connect_as(endpoint, DMONITOR_ASYNC_EXIT);
	dmonitor *monitor = live_open(session, "counter", 0);

	for (int i = 0; i < ROUNDS; i++) {
		long seen;

		if (dmonitor_enter(monitor) != 0)
			return 1;
		if (++shared->inside != 1)
			shared->overlapped = true;
		seen = shared->counter;
		usleep(10); /* so that two inside would be seen */
		shared->counter = seen + 1;
		shared->inside--;
		if (dmonitor_exit(monitor) != 0)
			return 1;
	}
	return dmonitor_disconnect(&session);
}

static void only_one_is_inside(void **state)
{
	struct shared *shared = live_shared(sizeof(*shared));
	pid_t processes[PROCESSES];

	for (int i = 0; i < PROCESSES; i++)
		processes[i] = live_fork(*state, count_up, shared);
	for (int i = 0; i < PROCESSES; i++)
		live_join(processes[i]);
	assert_int_equal(shared->counter, PROCESSES * ROUNDS);
	assert_false(shared->overlapped);
}

static int await_ready(const char *endpoint, void *argument)
{
	volatile struct shared *shared = argument;
	dmonitor_session *session = connect_as(endpoint, 0);
	dmonitor *monitor = live_open(session, "m", 0);

	if (dmonitor_enter(monitor) != 0)
		return 1;
	while (!shared->ready)
		if (dmonitor_wait(monitor, "ready") != 0)
			return 2;
	shared->counter++;
	if (!dmonitor_entered(monitor) || dmonitor_exit(monitor) != 0)
		return 3;
	return dmonitor_disconnect(&session);
}

static void a_broadcast_lets_all_go_on(void **state)
{
	struct shared *shared = live_shared(sizeof(*shared));
	pid_t processes[3];
	dmonitor_session *session;
	dmonitor *monitor;

	for (int i = 0; i < 3; i++)
		processes[i] = live_fork(*state, await_ready, shared);
	live_await_waiters(*state, "m", 3);
	session = connect_as(*state, 0);
	monitor = live_open(session, "m", 0);
	assert_int_equal(dmonitor_enter(monitor), 0);
	shared->ready = true;
	assert_int_equal(dmonitor_broadcast(monitor, "ready"), 0);
	assert_int_equal(shared->counter, 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	for (int i = 0; i < 3; i++)
		live_join(processes[i]);
	assert_int_equal(shared->counter, 3);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_signal_lets_one_go_on(void **state)
{
	struct shared *shared = live_shared(sizeof(*shared));
	pid_t processes[2];
	dmonitor_session *session;
	dmonitor *monitor;

	for (int i = 0; i < 2; i++)
		processes[i] = live_fork(*state, await_ready, shared);
	live_await_waiters(*state, "m", 2);
	session = connect_as(*state, 0);
	monitor = live_open(session, "m", 0);
	shared->ready = true;
	for (long i = 1; i <= 2; i++) {
		assert_int_equal(dmonitor_enter(monitor), 0);
		assert_int_equal(dmonitor_signal(monitor, "ready"), 0);
		assert_int_equal(dmonitor_exit(monitor), 0);
		while (*(volatile long *)&shared->counter < i)
			usleep(100);
		assert_int_equal(live_length(*state, "m", "waiters_length"), 2 - i);
		/* It was given, and is not given again. */
		assert_int_equal(dmonitor_enter(monitor), 0);
		assert_int_equal(dmonitor_exit(monitor), 0);
		assert_int_equal(live_length(*state, "m", "waiters_length"), 2 - i);
	}
	for (int i = 0; i < 2; i++)
		live_join(processes[i]);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

/* Signals that were held back go out with the wait: who is awakened so awakens the waiter. */
static int await_and_pass_on(const char *endpoint, void *argument)
{
	dmonitor_session *session = connect_as(endpoint, 0);
	dmonitor *monitor = live_open(session, "m", 0);

	(void)argument;
	if (dmonitor_enter(monitor) != 0 || dmonitor_wait(monitor, "there") != 0 ||
	    dmonitor_signal(monitor, "back") != 0 || dmonitor_exit(monitor) != 0)
		return 1;
	return dmonitor_disconnect(&session);
}

static void a_wait_takes_the_signals_along(void **state)
{
	const pid_t process = live_fork(*state, await_and_pass_on, NULL);
	dmonitor_session *session;
	dmonitor *monitor;

	live_await_waiters(*state, "m", 1);
	session = connect_as(*state, 0);
	monitor = live_open(session, "m", 0);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_signal(monitor, "there"), 0);
	assert_int_equal(dmonitor_wait_for(monitor, "back", 5000), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	live_join(process);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_try_says_busy_and_a_time_out_leaves_the_line(void **state)
{
	dmonitor_session *a = connect_as(*state, 0), *b = connect_as(*state, 0);
	dmonitor *mine = live_open(a, "m", 0), *theirs = live_open(b, "m", 0);

	assert_int_equal(dmonitor_enter_for(mine, 0), 0);
	assert_int_equal(dmonitor_enter_for(theirs, 0), EBUSY);
	assert_int_equal(dmonitor_enter_for(theirs, 20), ETIMEDOUT);
	assert_int_equal(dmonitor_last_result(theirs), ETIMEDOUT);
	assert_true(strlen(dmonitor_error(b)) > 0);
	assert_false(dmonitor_entered(theirs));
	assert_int_equal(live_length(*state, "m", "line_length"), 0);
	assert_int_equal(dmonitor_exit(mine), 0);
	assert_int_equal(dmonitor_enter_for(theirs, INT64_MAX), 0);
	assert_int_equal(dmonitor_exit(theirs), 0);
	assert_int_equal(dmonitor_disconnect(&a), 0);
	assert_int_equal(dmonitor_disconnect(&b), 0);
}

static void a_wait_that_times_out_holds_the_monitor(void **state)
{
	dmonitor_session *session = connect_as(*state, 0);
	dmonitor *monitor = live_open(session, "m", 0);
	uint64_t token;

	assert_int_equal(dmonitor_enter(monitor), 0);
	token = dmonitor_token(monitor);
	assert_int_equal(dmonitor_wait_for(monitor, "c", 20), ETIMEDOUT);
	assert_true(dmonitor_entered(monitor));
	assert_true(dmonitor_token(monitor) > token);
	assert_int_equal(dmonitor_wait_for(monitor, "c", 0), ETIMEDOUT);
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_token(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	assert_null(session);
}

static void misuse_is_refused_and_harmless(void **state)
{
	dmonitor_session *session = connect_as(*state, 0);
	dmonitor *monitor = live_open(session, "m", 0), *other = NULL;
	char name[200];

	memset(name, 'x', 129);
	name[129] = '\0';
	assert_int_equal(dmonitor_exit(monitor), EPERM);
	assert_int_equal(dmonitor_wait(monitor, "c"), EPERM);
	assert_int_equal(dmonitor_signal(monitor, "c"), EPERM);
	assert_int_equal(dmonitor_broadcast(monitor, "c"), EPERM);
	assert_int_equal(dmonitor_check(monitor), EPERM);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_enter(monitor), EDEADLK);
	assert_true(dmonitor_entered(monitor));
	assert_int_equal(dmonitor_wait(monitor, "not a name"), EINVAL);
	assert_int_equal(dmonitor_signal(monitor, ""), EINVAL);
	assert_int_equal(dmonitor_signal(monitor, NULL), EINVAL);
	assert_int_equal(dmonitor_signal(monitor, name), ENAMETOOLONG);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_open(session, name, 0, &other), ENAMETOOLONG);
	assert_int_equal(dmonitor_open(session, "a b", 0, &other), EINVAL);
	assert_int_equal(dmonitor_open(session, "x", 1u << 20, &other), EINVAL);
	assert_int_equal(dmonitor_open(session, "m", DMONITOR_RECURSIVE, &other), EINVAL);
	assert_null(other);
	assert_int_equal(dmonitor_enter(NULL), EINVAL);
	assert_int_equal(dmonitor_close(&other), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_name_opened_twice_is_one_owner(void **state)
{
	dmonitor_session *session = connect_as(*state, 0);
	dmonitor *first = live_open(session, "m", 0), *second = live_open(session, "m", 0);

	assert_int_equal(dmonitor_enter(first), 0);
	assert_int_equal(dmonitor_enter(second), EDEADLK);
	assert_int_equal(dmonitor_close(&second), 0);
	assert_null(second);
	assert_true(dmonitor_entered(first));
	/* The last close exits. */
	assert_int_equal(dmonitor_close(&first), 0);
	first = live_open(session, "m", 0);
	assert_int_equal(dmonitor_enter_for(first, 0), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void a_recursive_enter_counts_and_wait_restores_the_levels(void **state)
{
	dmonitor_session *session = connect_as(*state, DMONITOR_RECURSIVE);
	dmonitor_session *other = connect_as(*state, 0);
	dmonitor *monitor = live_open(session, "m", 0), *theirs = live_open(other, "m", 0);
	uint64_t token;

	assert_int_equal(dmonitor_enter(monitor), 0);
	token = dmonitor_token(monitor);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_true(dmonitor_token(monitor) == token);
	assert_int_equal(dmonitor_wait_for(monitor, "c", 1), ETIMEDOUT);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_enter_for(theirs, 0), EBUSY);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_enter_for(theirs, 0), 0);
	assert_int_equal(dmonitor_exit(monitor), EPERM);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	assert_int_equal(dmonitor_disconnect(&other), 0);
}

/* Leave the block in each way; where it was left. */
static int leave(dmonitor *monitor, int way)
{
	int rounds = 0;

	DMONITOR_WITH (monitor) {
		rounds++;
		if (way == 1)
			return 10 + rounds;
		if (way == 2)
			break;
		if (way == 3)
			continue;
		if (way == 4)
			goto out;
		DMONITOR_WITH (monitor)
			rounds += 100; /* is skipped: already inside */
	}
	return 20 + rounds;
out:
	return 30 + rounds;
}

static void with_exits_however_the_block_is_left(void **state)
{
	static const int left[] = { 21, 11, 21, 21, 31 };
	dmonitor_session *session = connect_as(*state, 0);
	dmonitor *monitor = live_open(session, "m", 0);

	for (int way = 0; way < 5; way++) {
		assert_int_equal(leave(monitor, way), left[way]);
		assert_false(dmonitor_entered(monitor));
		assert_int_equal(dmonitor_last_result(monitor), 0);
		assert_int_equal(dmonitor_enter_for(monitor, 0), 0);
		assert_int_equal(dmonitor_exit(monitor), 0);
	}
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void tokens_rise_from_owner_to_owner(void **state)
{
	dmonitor_session *a = connect_as(*state, DMONITOR_ASYNC_EXIT), *b = connect_as(*state, 0);
	dmonitor *monitors[] = { live_open(a, "m", 0), live_open(b, "m", 0), live_open(b, "n", 0) };
	uint64_t token = 0;

	for (int i = 0; i < 30; i++) {
		assert_int_equal(dmonitor_enter(monitors[i % 3]), 0);
		assert_true(dmonitor_token(monitors[i % 3]) > token);
		token = dmonitor_token(monitors[i % 3]);
		assert_int_equal(dmonitor_exit(monitors[i % 3]), 0);
	}
	assert_int_equal(dmonitor_disconnect(&a), 0);
	assert_int_equal(dmonitor_disconnect(&b), 0);
}

static int die_inside(const char *endpoint, void *argument)
{
	dmonitor_session *session = connect_as(endpoint, 0);
	dmonitor *monitor = live_open(session, "m", 0);

	(void)argument;
	if (dmonitor_enter(monitor) != 0)
		return 1;
	_exit(0);
}

static void the_next_owner_learns_of_a_death_inside(void **state)
{
	dmonitor_session *session;
	dmonitor *monitor;

	live_join(live_fork(*state, die_inside, NULL));
	session = connect_as(*state, 0);
	monitor = live_open(session, "m", 0);
	assert_int_equal(dmonitor_enter_for(monitor, 10000), 0);
	assert_true(dmonitor_abandoned(monitor));
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_false(dmonitor_abandoned(monitor));
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static int use_what_was_inherited(const char *endpoint, void *argument)
{
	dmonitor **monitor = argument;
	dmonitor *own;
	dmonitor_session *session;

	if (dmonitor_enter(*monitor) != EINVAL || dmonitor_exit(*monitor) != EINVAL ||
	    dmonitor_entered(*monitor) || dmonitor_close(monitor) != 0 || *monitor != NULL)
		return 1;
	if (!LIVE_CHILD_CAN_CONNECT)
		return 0;
	session = connect_as(endpoint, 0);
	own = live_open(session, "own", 0);
	return dmonitor_enter(own) != 0 || dmonitor_disconnect(&session) != 0;
}

static void a_child_cannot_use_what_it_inherited(void **state)
{
	dmonitor_session *session = connect_as(*state, 0);
	dmonitor *monitor = live_open(session, "m", 0);

	assert_int_equal(dmonitor_enter(monitor), 0);
	live_join(live_fork_beside_threads(*state, use_what_was_inherited, &monitor));
	assert_int_equal(dmonitor_check(monitor), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void more_signals_than_fit_one_message_are_all_given(void **state)
{
	struct shared *shared = live_shared(sizeof(*shared));
	dmonitor_session *session;
	dmonitor *monitor;
	pid_t process = live_fork(*state, await_ready, shared);
	char name[129];

	live_await_waiters(*state, "m", 1);
	session = connect_as(*state, 0);
	monitor = live_open(session, "m", 0);
	memset(name, 'n', 128);
	name[128] = '\0';
	assert_int_equal(dmonitor_enter(monitor), 0);
	for (int i = 0; i < 700; i++)
		assert_int_equal(dmonitor_signal(monitor, name), 0);
	shared->ready = true;
	assert_int_equal(dmonitor_signal(monitor, "ready"), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	live_join(process);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

static void count_alarm(int signal_number)
{
	(void)signal_number;
}

/* Send SIGALRM to this process again and again from now on, or no longer. */
static void keep_ringing(bool rings)
{
	const struct itimerval every = { .it_interval = { .tv_usec = rings ? 20000 : 0 },
		                         .it_value = { .tv_usec = rings ? 20000 : 0 } };
	const struct sigaction action = { .sa_handler = rings ? count_alarm : SIG_DFL };

	if (rings)
		sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

static void a_signal_handler_ends_only_what_is_interruptible(void **state)
{
	dmonitor_session *a = connect_as(*state, 0);
	dmonitor_session *b = connect_as(*state, DMONITOR_INTERRUPTIBLE);
	dmonitor *plain = live_open(a, "m", 0), *interruptible = live_open(b, "m", 0);

	assert_int_equal(dmonitor_enter(plain), 0);
	keep_ringing(true);
	assert_int_equal(dmonitor_enter(interruptible), EINTR);
	assert_int_equal(live_length(*state, "m", "line_length"), 0);
	assert_int_equal(dmonitor_wait_for(plain, "c", 100), ETIMEDOUT);
	assert_int_equal(dmonitor_exit(plain), 0);
	assert_int_equal(dmonitor_enter(interruptible), 0);
	assert_int_equal(dmonitor_wait(interruptible, "c"), EINTR);
	assert_true(dmonitor_entered(interruptible));
	keep_ringing(false);
	assert_int_equal(dmonitor_exit(interruptible), 0);
	assert_int_equal(dmonitor_disconnect(&a), 0);
	assert_int_equal(dmonitor_disconnect(&b), 0);
}

#define TCP(test) cmocka_unit_test_setup_teardown(test, live_start_tcp, live_stop)
#define IPC(test) cmocka_unit_test_setup_teardown(test, live_start_ipc, live_stop)
#define ALL(way)                                                                                   \
	way(only_one_is_inside), way(a_broadcast_lets_all_go_on), way(a_signal_lets_one_go_on),    \
	    way(a_wait_takes_the_signals_along),                                                   \
	    way(a_try_says_busy_and_a_time_out_leaves_the_line),                                   \
	    way(a_wait_that_times_out_holds_the_monitor), way(misuse_is_refused_and_harmless),     \
	    way(a_name_opened_twice_is_one_owner),                                                 \
	    way(a_recursive_enter_counts_and_wait_restores_the_levels),                            \
	    way(with_exits_however_the_block_is_left), way(tokens_rise_from_owner_to_owner),       \
	    way(the_next_owner_learns_of_a_death_inside),                                          \
	    way(a_child_cannot_use_what_it_inherited),                                             \
	    way(more_signals_than_fit_one_message_are_all_given),                                  \
	    way(a_signal_handler_ends_only_what_is_interruptible)

int main(void)
{
	const struct CMUnitTest tcp[] = { ALL(TCP) };
	const struct CMUnitTest ipc[] = { ALL(IPC) };
	int failed = cmocka_run_group_tests_name("live, push, tcp", tcp, NULL, NULL) +
	             cmocka_run_group_tests_name("live, push, ipc", ipc, NULL, NULL);

	poll_interval_ms = 1;
	failed += cmocka_run_group_tests_name("live, polling, tcp", tcp, NULL, NULL) +
	          cmocka_run_group_tests_name("live, polling, ipc", ipc, NULL, NULL);
	return failed;
}
