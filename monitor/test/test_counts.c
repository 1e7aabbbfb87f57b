/* test_counts.c: what a use costs in messages, counted by the server; and that waiting costs none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "live.h"

enum { TIMES = 20 };

/* All messages, in and out. */
static int64_t messages(const char *endpoint)
{
	return live_received(endpoint, NULL) + live_sent(endpoint, NULL);
}

/* Enter and exit so many times, and wait until the server has seen it all. */
static int64_t cost_of_pairs(const char *endpoint, unsigned flags)
{
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", flags);
	const int64_t before = messages(endpoint), exits = live_received(endpoint, "EXIT");
	int64_t cost;

	for (int i = 0; i < TIMES; i++) {
		assert_int_equal(dmonitor_enter(monitor), 0);
		assert_int_equal(dmonitor_signal(monitor, "c"), 0);
		assert_int_equal(dmonitor_broadcast(monitor, "d"), 0);
		assert_int_equal(dmonitor_exit(monitor), 0);
	}
	while (live_received(endpoint, "EXIT") < exits + TIMES)
		continue;
	cost = messages(endpoint) - before;
	assert_int_equal(dmonitor_disconnect(&session), 0);
	return cost;
}

static void an_asynchronous_pair_costs_three_messages(void **state)
{
	assert_int_equal(cost_of_pairs(*state, DMONITOR_ASYNC_EXIT), 3 * TIMES);
}

static void a_confirmed_pair_costs_four_messages(void **state)
{
	assert_int_equal(cost_of_pairs(*state, 0), 4 * TIMES);
}

static void a_wait_costs_two_more(void **state)
{
	dmonitor_session *session = live_connect(*state, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	const int64_t before = messages(*state);

	assert_int_equal(dmonitor_enter(monitor), 0);
	for (int i = 0; i < TIMES; i++)
		dmonitor_wait_for(monitor, "c", 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(messages(*state) - before, 4 + 2 * TIMES);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

enum { WAITING = 100 };

static int wait_for_it(const char *endpoint, void *argument)
{
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", 0);

	(void)argument;
	return dmonitor_enter(monitor) != 0 || dmonitor_wait(monitor, "c") != 0 ||
	       dmonitor_exit(monitor) != 0 || dmonitor_disconnect(&session) != 0;
}

/* While they wait for ten beats of each other, nothing else is said; then all are let go. */
static void a_hundred_who_wait_say_nothing_but_beats(void **state)
{
	pid_t processes[WAITING];
	dmonitor_session *session;
	dmonitor *monitor;
	int64_t before, beats;

	for (int i = 0; i < WAITING; i++)
		processes[i] = live_fork(*state, wait_for_it, NULL);
	live_await_waiters(*state, "m", WAITING);
	before = messages(*state);
	beats = live_received(*state, "BEAT");
	while (live_received(*state, "BEAT") < beats + WAITING)
		continue;
	assert_int_equal(messages(*state), before);
	session = live_connect(*state, NULL);
	monitor = live_open(session, "m", 0);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_broadcast(monitor, "c"), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	for (int i = 0; i < WAITING; i++)
		live_join(processes[i]);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

enum { MANY = 64, ROUNDS = 20 };

static int count_up(const char *endpoint, void *argument)
{
	volatile long *counter = argument;
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", DMONITOR_ASYNC_EXIT);

	for (int i = 0; i < ROUNDS; i++) {
		if (dmonitor_enter(monitor) != 0)
			return 1;
		++*counter;
		if (dmonitor_exit(monitor) != 0)
			return 1;
	}
	return dmonitor_disconnect(&session);
}

static void contention_costs_no_messages(void **state)
{
	long *counter = live_shared(sizeof(*counter));
	pid_t processes[MANY];

	for (int i = 0; i < MANY; i++)
		processes[i] = live_fork(*state, count_up, counter);
	for (int i = 0; i < MANY; i++)
		live_join(processes[i]);
	assert_int_equal(*counter, MANY * ROUNDS);
	assert_int_equal(live_received(*state, "ENTER"), MANY * ROUNDS);
	assert_int_equal(live_sent(*state, "granted"), MANY * ROUNDS);
	assert_int_equal(live_received(*state, "EXIT"), MANY * ROUNDS);
	assert_int_equal(live_sent(*state, "success"), 0);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_start_tcp, live_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(an_asynchronous_pair_costs_three_messages),
		LIVE(a_confirmed_pair_costs_four_messages),
		LIVE(a_wait_costs_two_more),
		LIVE(a_hundred_who_wait_say_nothing_but_beats),
		LIVE(contention_costs_no_messages),
	};

	return cmocka_run_group_tests_name("counts", tests, NULL, NULL);
}
