/* run_worker.h: the body of one producer or consumer of a run, in its own process. */
#ifndef PERF_RUN_WORKER_H
#define PERF_RUN_WORKER_H

#include <stddef.h>
#include <stdint.h>

#include "../sim/workers.h"
#include "engine.h"
#include "worker_result.h"

/* What all workers of a run share; the context of both functions below. */
struct run_work {
	const struct factors *factors;
	const struct engine *engine;
	const char *endpoint; /* of the server; "" for engines that need none */
	int64_t seed;
	struct worker_results results;
};

/*
 * Connect and touch all memory; then, each time at a common start: the warm-up round if there is
 * one, the measured round, and closing. So it is ready three times, or four. Returns the exit
 * status for workers.h, and leaves a sentence in its result where it fails.
 */
workers_run_function run_worker;

/* "producer 0", "consumer 3" */
workers_name_function run_worker_name;

#endif
