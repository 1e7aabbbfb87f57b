/* run.h: the life of one run: a fresh server, workers, one common start, the audit, the numbers. */
#ifndef PERF_RUN_H
#define PERF_RUN_H

#include <stdint.h>

#include "../sim/audit.h"
#include "engine.h"
#include "histogram.h"
#include "keys.h"
#include "torture_result.h"

enum run_status { RUN_OK, RUN_FAILED, RUN_INTERRUPTED };
enum run_audit { RUN_AUDIT_NONE, RUN_AUDIT_OK, RUN_AUDIT_VIOLATED, RUN_AUDIT_UNCHECKED };

/* Called about ten times a second while the workers work, with the operations done so far of the
 * present round, and with the round's name. */
typedef void run_watch(void *watcher, const char *round, uint64_t done);

struct run_request {
	const struct factors *factors;
	int64_t seed;
	const char *server_program; /* NULL: where server_process.h finds it */
	int stop_fd;                /* the run is interrupted when it can be read; -1: never */
	run_watch *watch;           /* may be NULL */
	void *watcher;
};

/* -1 where a number is not known. */
struct run_result {
	enum run_status status;
	char reason[KEYS_SENTENCE_BYTES]; /* why it is not ok; "" */
	int64_t started_at_ns;            /* wall clock */
	enum run_audit audit;             /* RUN_AUDIT_NONE: it did not come to it */
	struct audit_result audited;      /* valid unless audit is NONE or UNCHECKED */
	uint64_t operations;              /* measured puts and gets */
	int64_t duration_ns;   /* from the common start to the end of the last operation */
	int64_t start_skew_ns; /* from the common start to the last worker's start */
	struct histogram put;
	struct histogram get;
	int64_t server_cpu_ns;
	int64_t workers_cpu_ns;
	int64_t server_messages; /* received and sent */
	struct torture_result torture;
};

/**
 * run_once(request, result):
 * Do one run and fill in *${result}, whatever comes. When it returns no process that it started is
 * left, and it must be called before this process has any ZeroMQ context. *${result} is to be given
 * to run_result_fini().
 *
 * Blocks   at most the factors' timeout, or their duration and what healing takes, and some seconds
 *          for the server to stop.
 */
void run_once(const struct run_request *request, struct run_result *result);

/* Free what *${result} holds. */
void run_result_fini(struct run_result *result);

#endif
