/* torture_result.h: what a run with faults has come to, beyond what any run has. */
#ifndef PERF_TORTURE_RESULT_H
#define PERF_TORTURE_RESULT_H

#include "../sim/fault.h"
#include "histogram.h"

/* One fault, as it happened. */
struct torture_fault {
	enum fault_kind kind;
	enum fault_place place; /* what its victim did */
	size_t victim;          /* a worker; behind the last one: the server */
	size_t others;          /* faults that lasted at the time */
	int64_t at_ns;          /* after the first common start */
	int64_t length_ns;      /* for how long; 0: an instant */
	int64_t gone_on_ns;     /* until somebody else had done an operation begun after it */
};

/* -1 where a number is not known, or the run was without faults. */
struct torture_result {
	struct torture_fault *faults; /* in their order; struct run_result owns them */
	size_t fault_count;
	int64_t by_kind[FAULT_KINDS];
	int64_t fault_total;      /* controls apart */
	struct histogram gone_on; /* of all but the controls */
	int64_t rounds;
	int64_t unknown;
	int64_t taken;
	int64_t stale;
	int64_t waits;
	int64_t futile;
	int64_t passed_on;
	int64_t abandonments;
	int64_t sessions_lost;
	int64_t sessions_resumed;
};

#endif
