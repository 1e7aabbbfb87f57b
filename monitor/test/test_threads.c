/*
 * test_threads.c: sessions of different threads are independent, and a handle may move from thread
 * to thread as long as they take turns. Worth most when built with the thread sanitizer.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "live.h"

enum { THREADS = 4, ROUNDS = 100 };

struct thread {
	pthread_t id;
	const char *endpoint;
	int64_t poll_interval_ms;
	_Atomic long
	    *counter; /* atomic for the sanitizer, which cannot see that only one is inside */
	int result;
};

static void *count_up(void *argument)
{
	struct thread *thread = argument;
	const struct dmonitor_options options = { .lease_ms = 2000,
		                                  .poll_interval_ms = thread->poll_interval_ms,
		                                  .flags = DMONITOR_ASYNC_EXIT };
	dmonitor_session *session = NULL;
	dmonitor *monitor = NULL;

	thread->result = dmonitor_connect(thread->endpoint, &options, &session);
	if (thread->result != 0)
		return NULL;
	thread->result = dmonitor_open(session, "m", 0, &monitor);
	for (int i = 0; i < ROUNDS && thread->result == 0; i++) {
		DMONITOR_WITH (monitor)
			atomic_store(thread->counter, atomic_load(thread->counter) + 1);
		thread->result = dmonitor_last_result(monitor);
	}
	if (thread->result == 0)
		thread->result = dmonitor_disconnect(&session);
	return NULL;
}

static void threads_with_sessions_of_their_own_exclude_each_other(void **state)
{
	struct thread threads[THREADS];
	_Atomic long counter = 0;

	for (int i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .endpoint = *state,
			                      .poll_interval_ms = i == 0,
			                      .counter = &counter };
		assert_int_equal(pthread_create(&threads[i].id, NULL, count_up, &threads[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i].id, NULL);
		assert_int_equal(threads[i].result, 0);
	}
	assert_int_equal(atomic_load(&counter), THREADS * ROUNDS);
}

static void *exit_monitor(void *monitor)
{
	return (void *)(intptr_t)dmonitor_exit(monitor);
}

static void a_handle_may_move_between_threads(void **state)
{
	dmonitor_session *session = live_connect(*state, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	pthread_t thread;
	void *result;

	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(dmonitor_enter(monitor), 0);
		assert_int_equal(pthread_create(&thread, NULL, exit_monitor, monitor), 0);
		pthread_join(thread, &result);
		assert_null(result);
		assert_false(dmonitor_entered(monitor));
	}
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_start_tcp, live_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(threads_with_sessions_of_their_own_exclude_each_other),
		LIVE(a_handle_may_move_between_threads),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
