/* clock.c: the clocks, in nanoseconds. */
#include "clock.h"

#include <errno.h>
#include <time.h>

static int64_t read_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		return -1;
	return (int64_t)now.tv_sec * DMONITOR_NS_PER_S + now.tv_nsec;
}

int64_t dmonitor_clock_now_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t dmonitor_clock_wall_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

int64_t dmonitor_clock_cpu_ns(pid_t process)
{
	clockid_t clock;

	if (clock_getcpuclockid(process, &clock) != 0)
		return -1;
	return read_ns(clock);
}

int dmonitor_clock_milliseconds_to(int64_t due_ns)
{
	int64_t left_ns;

	if (due_ns == INT64_MAX)
		return -1;
	left_ns = due_ns - dmonitor_clock_now_ns();
	if (left_ns <= 0)
		return 0;
	if (left_ns >= INT32_MAX * DMONITOR_NS_PER_MS)
		return INT32_MAX;
	return (int)((left_ns + DMONITOR_NS_PER_MS - 1) / DMONITOR_NS_PER_MS);
}

void dmonitor_clock_sleep_until(int64_t due_ns)
{
	const struct timespec due = { .tv_sec = (time_t)(due_ns / DMONITOR_NS_PER_S),
		                      .tv_nsec = (long)(due_ns % DMONITOR_NS_PER_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		continue;
}
