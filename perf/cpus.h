/* cpus.h: sets of CPUs as text such as 0 or 0,2-3, and staying on them. */
#ifndef PERF_CPUS_H
#define PERF_CPUS_H

#include <sched.h>

/* Read ${text} into *${cpus}. Returns 0, or EINVAL: something else, or a CPU above CPU_SETSIZE. */
int cpus_read(const char *text, cpu_set_t *cpus);

/**
 * cpus_stay_on(text, before):
 * Keep the calling thread, and what it starts from now on, on the CPUs of ${text}; "any" changes
 * nothing. *${before}, unless NULL, gets the CPUs of until now, for cpus_go_back().
 *
 * Errors   EINVAL  this machine has none of them, or ${text} is no set
 */
int cpus_stay_on(const char *text, cpu_set_t *before);
void cpus_go_back(const cpu_set_t *before);

#endif
