/* test_clock.c: each clock is the one that it says: durations are not taken with the wall clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "../clock.h"

static int64_t read_ns(clockid_t clock)
{
	struct timespec now;

	assert_int_equal(clock_gettime(clock, &now), 0);
	return (int64_t)now.tv_sec * DMONITOR_NS_PER_S + now.tv_nsec;
}

static void now_is_monotonic(void **state)
{
	const int64_t before_ns = read_ns(CLOCK_MONOTONIC);
	const int64_t now_ns = dmonitor_clock_now_ns();

	(void)state;
	assert_true(before_ns <= now_ns);
	assert_true(now_ns <= read_ns(CLOCK_MONOTONIC));
}

static void wall_is_since_1970(void **state)
{
	const int64_t before_ns = read_ns(CLOCK_REALTIME);
	const int64_t now_ns = dmonitor_clock_wall_ns();

	(void)state;
	/* It may be set back meanwhile, but not by a day. */
	assert_true(before_ns - 86400 * DMONITOR_NS_PER_S <= now_ns);
	assert_true(now_ns <= read_ns(CLOCK_REALTIME) + 86400 * DMONITOR_NS_PER_S);
}

static void sleeping_ends_when_now_has_come(void **state)
{
	const int64_t due_ns = dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS;

	(void)state;
	dmonitor_clock_sleep_until(due_ns);
	assert_true(dmonitor_clock_now_ns() >= due_ns);
	/* What is over is not slept for. */
	dmonitor_clock_sleep_until(1);
}

static void milliseconds_are_rounded_up(void **state)
{
	const int64_t now_ns = dmonitor_clock_now_ns();

	(void)state;
	assert_int_equal(dmonitor_clock_milliseconds_to(INT64_MAX), -1);
	assert_int_equal(dmonitor_clock_milliseconds_to(now_ns), 0);
	assert_int_equal(dmonitor_clock_milliseconds_to(INT64_MAX - 1), INT32_MAX);
	assert_in_range(dmonitor_clock_milliseconds_to(now_ns + 60 * DMONITOR_NS_PER_S), 1, 60000);
	assert_true(dmonitor_clock_milliseconds_to(dmonitor_clock_now_ns() + DMONITOR_NS_PER_S) >
	            0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(now_is_monotonic),
		cmocka_unit_test(wall_is_since_1970),
		cmocka_unit_test(sleeping_ends_when_now_has_come),
		cmocka_unit_test(milliseconds_are_rounded_up),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
