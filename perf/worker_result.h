/*
 * worker_result.h: what the workers of one run leave behind, in memory that they share with the
 * harness, so that it can be read even if one of them is killed.
 */
#ifndef PERF_WORKER_RESULT_H
#define PERF_WORKER_RESULT_H

#include <stddef.h>
#include <stdint.h>

#include "../sim/audit.h"
#include "histogram.h"
#include "keys.h"

/* One worker's. Written by that worker alone; read by the harness once it rests, but for done. */
struct worker_result {
	uint64_t done;        /* measured operations so far */
	uint64_t warmup_done; /* the same of the warm-up round */
	int64_t lateness_ns;  /* how long after the common start it began */
	int64_t last_end_ns;  /* when its last measured operation ended (monotonic clock) */
	int64_t cpu_ns;       /* that its process used from its start to that instant */
	char error[KEYS_SENTENCE_BYTES]; /* why it failed; "" */
	char trace[KEYS_SENTENCE_BYTES]; /* for engine.remove, once it is dead; "" */
	struct histogram latency;
};

/* All of them: producers first, then consumers. */
struct worker_results {
	size_t producers;
	size_t workers;
	uint64_t items;        /* of all producers, in the measured part */
	uint64_t warmup_items; /* the same in the warm-up round */
	struct worker_result *results;
	struct audit_entry *log; /* room for every put and get, measured ones first */
	size_t bytes;
};

/* The logs of a round, for worker_results_log(). */
enum round { ROUND_MEASURED, ROUND_WARMUP };

/* Map the memory for a run of ${factors}, all zero. On 0 the caller owns it until
 * worker_results_fini(). Errors: those of mmap(2). */
int worker_results_init(struct worker_results *results, const struct factors *factors);
void worker_results_fini(struct worker_results *results);

/* How many operations worker ${index} is to do in a round, and where it logs them. */
uint64_t worker_results_share(const struct worker_results *results, enum round round, size_t index);
struct audit_entry *worker_results_log(const struct worker_results *results, enum round round,
                                       size_t index);

/* Audit what was done in a round. Errors: those of audit_run(). */
int worker_results_audit(const struct worker_results *results, enum round round, size_t capacity,
                         struct audit_result *result);

#endif
