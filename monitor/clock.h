/*
 * clock.h: the clocks, in nanoseconds. The only file that reads one, so that everything else can
 * be given a time instead. None of these functions can fail on Linux.
 */
#ifndef DMONITOR_CLOCK_H
#define DMONITOR_CLOCK_H

#include <stdint.h>
#include <sys/types.h>

#define DMONITOR_NS_PER_US INT64_C(1000)
#define DMONITOR_NS_PER_MS INT64_C(1000000)
#define DMONITOR_NS_PER_S  INT64_C(1000000000)

/* Since some fixed instant of this boot; never goes back. All durations are taken with it. */
int64_t dmonitor_clock_now_ns(void);

/* Since 1970 (UTC). For stamps that people read, and for nothing else. */
int64_t dmonitor_clock_wall_ns(void);

/* CPU time that ${process} has used so far in all its threads; -1 if it is gone. */
int64_t dmonitor_clock_cpu_ns(pid_t process);

/* Milliseconds from now to ${due_ns}, as poll() and libzmq want them: rounded up, 0 if it has come,
 * -1 for INT64_MAX, which is never. */
int dmonitor_clock_milliseconds_to(int64_t due_ns);

/* Sleep until dmonitor_clock_now_ns() has reached ${due_ns}, however often signals interrupt. */
void dmonitor_clock_sleep_until(int64_t due_ns);

#endif
