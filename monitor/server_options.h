/* server_options.h: the command line of monitor_server. */
#ifndef DMONITOR_SERVER_OPTIONS_H
#define DMONITOR_SERVER_OPTIONS_H

#include <stddef.h>

#include "core.h"
#include "gate.h"

struct server_options {
	const char **endpoints; /* pointing into argv */
	size_t endpoint_count;
	struct dmonitor_core_options core;
	struct gate_limits gate;
	const char *state_path; /* pointing into argv; NULL: tokens are not reserved */
	int64_t state_block;    /* tokens reserved at a time */
	const char *record;     /* where to write what happens; NULL: nowhere */
};

/* Read the command line. Returns -1 to go on, or the status to exit with, all having been said. */
int server_options_read(int argc, char **argv, struct server_options *options);
void server_options_fini(struct server_options *options);

#endif
