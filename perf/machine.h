/* machine.h: what machine is this? Everything that cannot be read is "" or -1. */
#ifndef PERF_MACHINE_H
#define PERF_MACHINE_H

#include <stdint.h>

enum { MACHINE_TEXT_BYTES = 256 };

struct machine {
	char cpu_model[MACHINE_TEXT_BYTES];
	int64_t logical_cpus; /* online */
	int64_t memory_bytes;
	char kernel[MACHINE_TEXT_BYTES];
	char virtualisation[MACHINE_TEXT_BYTES]; /* "none", or by whom: "QEMU" */
	double load_average_1min;
};

void machine_look(struct machine *machine);

#endif
