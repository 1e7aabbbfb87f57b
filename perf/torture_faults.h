/* torture_faults.h: who is tormented, and how: the plan's faults, done to the workers of a run. */
#ifndef PERF_TORTURE_FAULTS_H
#define PERF_TORTURE_FAULTS_H

#include "../sim/proxy.h"
#include "../sim/server_process.h"
#include "../sim/workers.h"
#include "run.h"
#include "torture_shared.h"
#include "torture_worker.h"

/* What still goes on at one worker. */
struct bout {
	bool lasts;
	enum fault_kind kind;
	int64_t until_ns;
};

/* A run with faults, in the harness. */
struct torment {
	const struct run_request *request;
	const struct recording *recording;   /* NULL: none */
	const char *endpoint;                /* of the server itself */
	const struct server_process *server; /* NULL: somebody else's */
	struct torture_result *result;
	char *reason; /* KEYS_SENTENCE_BYTES */
	struct torture torture;
	struct torture_work work;
	const char **endpoints; /* for each worker */
	struct workers *workers;
	struct proxy *proxy; /* NULL: no fault needs one */
	struct fault_plan plan;
	struct bout *bouts; /* one for each worker, and one for the server */
	size_t fault_room;
	int64_t start_ns;
	struct torture_fault *waited_for; /* the one that nobody has gone on after; or NULL */
	int64_t struck_at_ns;             /* when it was */
};

/* Map, fork, connect. On failure, too, torment_fini() is owed. ECANCELED with a reason. */
int torment_init(struct torment *torment);
void torment_fini(struct torment *torment);

/* Do what the plan says until ${end_ns}, or until a log is full. Errors: EINTR, ECANCELED. */
int torment_endure(struct torment *torment, int64_t end_ns);

/* End whatever lasts. */
void torment_heal(struct torment *torment);

/* Look whether anything has ended that should not have. Errors: EINTR, ECANCELED. */
int torment_look(struct torment *torment);

/* Do ${fault} to somebody, if there is anybody to do it to. Errors: ECANCELED. */
int torment_strike(struct torment *torment, const struct fault *fault);

/* How many faults last. */
size_t torment_lasting(const struct torment *torment);

/* What worker ${index} does just now. */
enum fault_place torment_place_of(const struct torment *torment, size_t index);

/* Ways to fail, all ECANCELED: with a sentence; with that of the worker who gave up; with ${what}
 * and where everybody is. */
__attribute__((format(printf, 2, 3))) int torment_fail(struct torment *torment, const char *format,
                                                       ...);
int torment_worker_failed(struct torment *torment);
int torment_stuck(struct torment *torment, const char *what);

#endif
