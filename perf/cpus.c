/* cpus.c: the text is taskset's; the rest is sched_setaffinity(2). */
#include "cpus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

/* Read a CPU's number off the front of *${text}; -1 if none stands there. */
static int read_number(const char **text)
{
	int number = -1;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		number = (number < 0 ? 0 : number) * 10 + (**text - '0');
		if (number >= CPU_SETSIZE)
			return -1;
	}
	return number;
}

int cpus_read(const char *text, cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	for (;;) {
		int first = read_number(&text);
		int last = first;
		if (*text == '-') {
			text++;
			last = read_number(&text);
		}
		if (first < 0 || last < first)
			return EINVAL;
		for (int cpu = first; cpu <= last; cpu++)
			CPU_SET((size_t)cpu, cpus);
		if (*text == '\0')
			return 0;
		if (*text != ',')
			return EINVAL;
		text++;
		while (*text == ' ')
			text++;
	}
}

int cpus_stay_on(const char *text, cpu_set_t *before)
{
	cpu_set_t cpus;
	if (before != NULL && sched_getaffinity(0, sizeof(*before), before) != 0)
		return errno;
	if (strcmp(text, KEYS_ANY_CPU) == 0)
		return 0;
	if (cpus_read(text, &cpus) != 0)
		return EINVAL;
	return sched_setaffinity(0, sizeof(cpus), &cpus) == 0 ? 0 : errno;
}

void cpus_go_back(const cpu_set_t *before)
{
	/* These were ours a moment ago; if the machine has lost one since, any will do. */
	(void)sched_setaffinity(0, sizeof(*before), before);
}
