/* torture_worker.h: the worker's side of a run with faults: a producer, a consumer or a lock-holder
 * that goes on whatever happens to it, or takes the place of one that was killed. */
#ifndef PERF_TORTURE_WORKER_H
#define PERF_TORTURE_WORKER_H

#include "../sim/workers.h"
#include "recording.h"
#include "torture_shared.h"

/* What all workers of a run know before they are forked. */
struct torture_work {
	const struct torture *torture;
	const char *const *endpoints;      /* for each worker, where it finds the server */
	const struct recording *recording; /* NULL: none */
	uint64_t seed;
};

/* For struct workers_plan, with a struct torture_work as context: producers, consumers,
 * lock-holders, in this order. */
int torture_worker(void *context, size_t index, struct worker *self);
void torture_worker_name(void *context, size_t index, char *text, size_t room_bytes);

#endif
