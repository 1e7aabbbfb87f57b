/*
 * test_processes.c: a buffer between several processes, some of which are killed: no item is lost,
 * doubled or torn but the one in the killed one's hands, and no wake-up is lost.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "../../monitor/clock.h"
#include "../../sim/distribution.h"
#include "../../sim/workers.h"
#include "../bounded_buffer.h"
#include "live.h"

enum { CAPACITY = 3, ROUNDS = 15, WORDS = 4096, ITEM_MAX = WORDS * sizeof(uint64_t) };

#define NAME "shared"

static const int64_t long_ns = 30 * DMONITOR_NS_PER_S;

/* What workers tell their test. */
struct shared {
	_Atomic uint64_t done; /* operations that have returned */
	int results[4];        /* of worker ... */
	struct bounded_buffer_watch watch;
};

static struct shared *shared;

/* Large items, all of whose words are the same: a torn one would show. */
static uint64_t item[WORDS];

static int put_number(bounded_buffer *buffer, uint64_t number)
{
	for (size_t i = 0; i < WORDS; i++)
		item[i] = number;
	return bounded_buffer_put(buffer, item, sizeof(item));
}

/* Get the next item, which must be whole. */
static int get_number(bounded_buffer *buffer, uint64_t *number)
{
	size_t size;
	const int error = bounded_buffer_get(buffer, item, sizeof(item), &size);

	if (error != 0)
		return error;
	for (size_t i = 1; i < WORDS; i++)
		if (item[i] != item[0])
			return EILSEQ;
	*number = item[0];
	return size == sizeof(item) ? 0 : EMSGSIZE;
}

struct user {
	dmonitor_session *session;
	bounded_buffer *buffer;
};

static struct user user_of(size_t capacity)
{
	struct user user = { .session = live_connect() };

	user.buffer = live_open(user.session, NAME, capacity, ITEM_MAX);
	return user;
}

static void end(struct user *user)
{
	assert_int_equal(bounded_buffer_close(&user->buffer), 0);
	assert_int_equal(dmonitor_disconnect(&user->session), 0);
}

/* A worker's way to a buffer. */
static int open_as_worker(struct user *user)
{
	const int error = dmonitor_connect(live_endpoint(), NULL, &user->session);

	if (error != 0)
		return error;
	return bounded_buffer_open(user->session, NAME, CAPACITY, ITEM_MAX,
	                           BOUNDED_BUFFER_SHARED_MEMORY, &user->buffer);
}

static int close_as_worker(struct user *user)
{
	bounded_buffer_close(&user->buffer);
	return dmonitor_disconnect(&user->session);
}

/* Fork before this process has a session of its own. */
static struct workers *start(size_t count, workers_run_function *run)
{
	const struct workers_plan plan = { .count = count, .run = run, .stop_fd = -1 };
	struct workers *workers;

	memset(shared, 0, sizeof(*shared));
	assert_int_equal(workers_start(&plan, &workers), 0);
	return workers;
}

static void go(struct workers *workers)
{
	if (workers_await_ready(workers, long_ns) != 0)
		fail_msg("%s", workers_error(workers));
	workers_go(workers, 0);
}

static void finish(struct workers *workers)
{
	if (workers_await_end(workers, long_ns) != 0)
		fail_msg("%s", workers_error(workers));
	workers_free(&workers);
}

static int put_for_ever(void *context, size_t index, struct worker *self)
{
	struct user user;
	int error = open_as_worker(&user);

	(void)context;
	(void)index;
	worker_ready(self);
	for (uint64_t number = 0; error == 0; number++)
		if ((error = put_number(user.buffer, number)) == 0)
			atomic_fetch_add(&shared->done, 1);
	return error;
}

static int get_for_ever(void *context, size_t index, struct worker *self)
{
	struct user user;
	uint64_t number;
	int error = open_as_worker(&user);

	(void)context;
	(void)index;
	worker_ready(self);
	for (uint64_t expected = 0; error == 0; expected++)
		if ((error = get_number(user.buffer, &number)) == 0) {
			if (number != expected)
				return EILSEQ;
			atomic_fetch_add(&shared->done, 1);
		}
	return error;
}

/* Let a worker get into the midst of something: nothing is checked by this, only varied. */
static void pass_some_time(struct distribution_random *random)
{
	for (uint64_t turns = distribution_next(random) % 200000; turns > 0; turns--)
		atomic_load(&shared->done);
}

static void killed_producers_item_is_whole_or_absent(void **state)
{
	struct distribution_random random;

	(void)state;
	distribution_seed(&random, 1, 0);
	for (int round = 0; round < ROUNDS; round++) {
		struct workers *workers = start(1, put_for_ever);
		struct user user = user_of(CAPACITY);
		uint64_t got = 0, number;
		size_t left = 0;

		go(workers);
		for (; got < 10; got++) {
			assert_int_equal(get_number(user.buffer, &number), 0);
			assert_int_equal(number, got);
		}
		pass_some_time(&random);
		assert_int_equal(workers_kill(workers, 0, SIGKILL), 0);
		assert_int_equal(workers_await_end(workers, long_ns), 0);
		assert_int_equal(bounded_buffer_length(user.buffer, &left), 0);
		for (; left > 0; left--, got++) {
			assert_int_equal(get_number(user.buffer, &number), 0);
			assert_int_equal(number, got);
		}
		assert_true(got == shared->done || got == shared->done + 1);
		workers_free(&workers);
		end(&user);
	}
}

static void killed_consumer_takes_one_item_with_it_at_most(void **state)
{
	struct distribution_random random;

	(void)state;
	distribution_seed(&random, 2, 0);
	for (int round = 0; round < ROUNDS; round++) {
		struct workers *workers = start(1, get_for_ever);
		struct user user = user_of(CAPACITY);
		uint64_t put = 0, next, number;
		size_t left = 0;

		go(workers);
		for (; put < 10; put++)
			assert_int_equal(put_number(user.buffer, put), 0);
		pass_some_time(&random);
		assert_int_equal(workers_kill(workers, 0, SIGKILL), 0);
		assert_int_equal(workers_await_end(workers, long_ns), 0);
		assert_int_equal(bounded_buffer_length(user.buffer, &left), 0);
		next = put - left;
		assert_true(next == shared->done || next == shared->done + 1);
		for (; left > 0; left--) {
			assert_int_equal(get_number(user.buffer, &number), 0);
			assert_int_equal(number, next++);
		}
		workers_free(&workers);
		end(&user);
	}
}

static int get_once(void *context, size_t index, struct worker *self)
{
	struct user user;
	uint64_t number;
	int error = open_as_worker(&user);

	(void)context;
	worker_ready(self);
	if (error == 0)
		error = get_number(user.buffer, &number);
	shared->results[index] = error;
	close_as_worker(&user);
	return error;
}

static void killed_waiter_takes_no_wake_up_with_it(void **state)
{
	struct workers *workers = start(2, get_once);
	struct user user = user_of(CAPACITY);
	int wait_status;

	(void)state;
	go(workers);
	live_await_waiters(NAME, 2);
	assert_int_equal(workers_kill(workers, 0, SIGKILL), 0);
	while (!workers_ended(workers, 0, &wait_status))
		workers_await_end(workers, DMONITOR_NS_PER_MS);
	assert_int_equal(put_number(user.buffer, 1), 0);
	finish(workers);
	end(&user);
}

/* Worker 0 waits first and has too little room; worker 1 waits after it and has enough. */
static int get_with_little_room_first(void *context, size_t index, struct worker *self)
{
	struct user user;
	size_t size = 0;
	int error = open_as_worker(&user);

	(void)context;
	worker_ready(self);
	if (error == 0 && index == 1)
		live_await_waiters(NAME, 1);
	if (error == 0)
		error = bounded_buffer_get(user.buffer, item, index == 0 ? 1 : sizeof(item), &size);
	shared->results[index] = error;
	close_as_worker(&user);
	return 0;
}

static void wake_up_that_is_of_no_use_is_passed_on(void **state)
{
	struct workers *workers = start(2, get_with_little_room_first);
	struct user user = user_of(CAPACITY);

	(void)state;
	go(workers);
	live_await_waiters(NAME, 2);
	assert_int_equal(put_number(user.buffer, 1), 0);
	finish(workers);
	assert_int_equal(shared->results[0], EMSGSIZE);
	assert_int_equal(shared->results[1], 0);
	end(&user);
}

static int put_beyond_capacity(void *context, size_t index, struct worker *self)
{
	struct user user;
	int error = open_as_worker(&user);

	(void)context;
	(void)index;
	worker_ready(self);
	for (uint64_t number = 0; error == 0 && number <= CAPACITY; number++)
		error = put_number(user.buffer, number);
	close_as_worker(&user);
	return error;
}

static void full_buffer_makes_put_wait_until_a_get(void **state)
{
	struct workers *workers = start(1, put_beyond_capacity);
	struct user user = user_of(CAPACITY);
	size_t length = 0;
	uint64_t number;

	(void)state;
	go(workers);
	live_await_waiters(NAME, 1);
	assert_int_equal(bounded_buffer_length(user.buffer, &length), 0);
	assert_int_equal(length, CAPACITY);
	assert_int_equal(get_number(user.buffer, &number), 0);
	finish(workers);
	assert_int_equal(bounded_buffer_length(user.buffer, &length), 0);
	assert_int_equal(length, CAPACITY);
	end(&user);
}

/* Workers 0 and 1 put; the others get as many, of whom the last waits without a limit and the rest
 * so briefly that most of their waits time out. Were a wake-up lost that way, it would wait for
 * ever. */
static int hurry(void *context, size_t index, struct worker *self)
{
	const int64_t timeout_ms = index == 3 ? -1 : 1;
	struct user user;
	size_t size;
	int error = open_as_worker(&user);

	(void)context;
	worker_ready(self);
	for (int i = 0; error == 0 && i < 150; i++)
		do
			error = index < 2 ? bounded_buffer_put_for(user.buffer, "x", 1, timeout_ms)
			                  : bounded_buffer_get_for(user.buffer, item, 8, &size,
			                                           timeout_ms);
		while (error == ETIMEDOUT);
	close_as_worker(&user);
	return error;
}

static void waiter_that_times_out_takes_no_wake_up_with_it(void **state)
{
	struct workers *workers = start(4, hurry);

	(void)state;
	go(workers);
	finish(workers);
}

/* Open and close all the time, so that often one opens what another just removes. Who has it open
 * must find it under its name: else the next one would get another buffer. */
static int come_and_go(void *context, size_t index, struct worker *self)
{
	struct user user;
	int error = open_as_worker(&user);

	(void)context;
	(void)index;
	worker_ready(self);
	for (int i = 0; error == 0 && i < 300; i++) {
		bounded_buffer_close(&user.buffer);
		error = bounded_buffer_open(user.session, NAME, CAPACITY, ITEM_MAX,
		                            BOUNDED_BUFFER_SHARED_MEMORY, &user.buffer);
		if (error == 0 && !live_has_segment(dmonitor_server_id(user.session), NAME))
			error = ENOENT;
	}
	close_as_worker(&user);
	return error;
}

static void who_opens_while_another_closes_is_not_left_alone(void **state)
{
	struct workers *workers = start(3, come_and_go);

	(void)state;
	go(workers);
	finish(workers);
}

static void killed_processes_do_not_count_as_having_it_open(void **state)
{
	struct workers *workers = start(1, get_for_ever);
	struct user user = user_of(CAPACITY);
	char id[256];

	(void)state;
	strcpy(id, dmonitor_server_id(user.session));
	go(workers);
	assert_int_equal(workers_kill(workers, 0, SIGKILL), 0);
	assert_int_equal(workers_await_end(workers, long_ns), 0);
	workers_free(&workers);
	assert_true(live_has_segment(id, NAME));
	end(&user);
	assert_false(live_has_segment(id, NAME));
}

static int start_server(void **state)
{
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	live_start(*state);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	live_stop();
	return munmap(shared, sizeof(*shared));
}

#define TEST(name, transport)                                                                      \
	cmocka_unit_test_prestate_setup_teardown(name, start_server, stop_server, transport)
static int get_watched(void *context, size_t index, struct worker *self)
{
	struct user user;
	uint64_t number;
	int error = open_as_worker(&user);

	(void)context;
	(void)index;
	if (error == 0)
		bounded_buffer_watch(user.buffer, &shared->watch);
	worker_ready(self);
	if (error == 0 && (error = get_number(user.buffer, &number)) == 0 &&
	    shared->watch.token != bounded_buffer_token(user.buffer))
		error = EILSEQ;
	close_as_worker(&user);
	return error;
}

/* Wait until the watch shows so many wake-ups, and waiting again. */
static void await_watch(uint64_t waits)
{
	while (__atomic_load_n(&shared->watch.waits, __ATOMIC_ACQUIRE) != waits ||
	       __atomic_load_n(&shared->watch.phase, __ATOMIC_ACQUIRE) != BOUNDED_BUFFER_WAITING)
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS);
}

static void watch_tells_what_another_process_does(void **state)
{
	struct workers *workers = start(1, get_watched);
	const struct bounded_buffer_watch *watch = &shared->watch;
	struct user user = user_of(CAPACITY);
	dmonitor *monitor;

	(void)state;
	assert_int_equal(watch->phase, BOUNDED_BUFFER_OUTSIDE);
	go(workers);
	await_watch(0);
	assert_int_equal(watch->begun + watch->moved + watch->futile, 0);
	live_await_waiters(NAME, 1);
	assert_int_equal(dmonitor_open(user.session, NAME, 0, &monitor), 0);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(dmonitor_signal(monitor, "not_empty"), 0); /* it is, still */
	assert_int_equal(dmonitor_exit(monitor), 0);
	await_watch(1);
	assert_int_equal(watch->futile, 1);
	assert_int_equal(put_number(user.buffer, 7), 0);
	finish(workers);
	assert_int_equal(watch->phase, BOUNDED_BUFFER_OUTSIDE);
	assert_int_equal(watch->begun, 1);
	assert_int_equal(watch->moved, 1);
	assert_int_equal(watch->waits, 2);
	assert_int_equal(watch->futile, 1);
	assert_int_equal(dmonitor_close(&monitor), 0);
	end(&user);
}

#define TESTS(transport)                                                                           \
	{                                                                                          \
		TEST(killed_producers_item_is_whole_or_absent, transport),                         \
		    TEST(killed_consumer_takes_one_item_with_it_at_most, transport),               \
		    TEST(killed_waiter_takes_no_wake_up_with_it, transport),                       \
		    TEST(wake_up_that_is_of_no_use_is_passed_on, transport),                       \
		    TEST(full_buffer_makes_put_wait_until_a_get, transport),                       \
		    TEST(waiter_that_times_out_takes_no_wake_up_with_it, transport),               \
		    TEST(who_opens_while_another_closes_is_not_left_alone, transport),             \
		    TEST(killed_processes_do_not_count_as_having_it_open, transport),              \
		    TEST(watch_tells_what_another_process_does, transport),                        \
	}

int main(void)
{
	static char tcp[] = "tcp", ipc[] = "ipc";
	const struct CMUnitTest over_tcp[] = TESTS(tcp), over_ipc[] = TESTS(ipc);

	return cmocka_run_group_tests(over_tcp, NULL, NULL) +
	       cmocka_run_group_tests(over_ipc, NULL, NULL);
}
