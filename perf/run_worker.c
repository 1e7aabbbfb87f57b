/* run_worker.c: nothing here allocates, prints or locks between the common start and the last
 * operation, but for what the engine does: that is what is measured. */
#include "run_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "../sim/actor.h"
#include "cpus.h"
#include "sentence.h"

static void observe(void *observer, int64_t begin_ns, int64_t end_ns)
{
	struct worker_result *result = observer;
	histogram_add(&result->latency, end_ns - begin_ns);
	result->last_end_ns = end_ns;
}

void run_worker_name(void *context, size_t index, char *text, size_t room_bytes)
{
	const struct run_work *work = context;
	size_t producers = work->results.producers;
	if (index < producers)
		snprintf(text, room_bytes, "producer %zu", index);
	else
		snprintf(text, room_bytes, "consumer %zu", index - producers);
}

/* The actor that worker ${index} is, for one round. */
static struct actor actor_of(const struct run_work *work, enum round round, size_t index,
                             void *connection)
{
	const struct factors *factors = work->factors;
	size_t producers = work->results.producers;
	bool produces = index < producers;
	struct worker_result *result = &work->results.results[index];
	struct actor actor = {
		.role = produces ? ACTOR_PRODUCER : ACTOR_CONSUMER,
		.number = (uint32_t)(produces ? index : index - producers),
		.items = worker_results_share(&work->results, round, index),
		.item_bytes = (size_t)factors->payload_bytes,
		.port = { connection, work->engine->put, work->engine->get, work->engine->token },
		.seed = (uint64_t)work->seed + round,
		.log = worker_results_log(&work->results, round, index),
		.done = round == ROUND_MEASURED ? &result->done : &result->warmup_done,
	};
	char ignored[KEYS_TEXT_BYTES]; /* the text was checked when the scenario was read */
	(void)distribution_parse(produces ? factors->produce_time : factors->consume_time,
	                         &actor.work_ns, ignored, sizeof(ignored));
	if (round == ROUND_MEASURED) {
		actor.observe = observe;
		actor.observer = result;
	}
	return actor;
}

/* Write to all memory that the timed part writes to, so that it meets no page fault. */
static void touch(const struct run_work *work, size_t index)
{
	histogram_init(&work->results.results[index].latency);
	for (enum round round = ROUND_MEASURED; round <= ROUND_WARMUP; round++) {
		uint64_t share = worker_results_share(&work->results, round, index);
		memset(worker_results_log(&work->results, round, index), 0,
		       (size_t)share * sizeof(struct audit_entry));
	}
}

static int play(const struct run_work *work, size_t index, void *connection, struct worker *self)
{
	struct worker_result *result = &work->results.results[index];
	struct actor warmup = actor_of(work, ROUND_WARMUP, index, connection);
	struct actor measured = actor_of(work, ROUND_MEASURED, index, connection);
	int failure = 0;
	if (work->factors->warmup > 0) {
		worker_ready(self);
		failure = actor_run(&warmup);
	}
	if (failure == 0) {
		int64_t start_ns = worker_ready(self);
		int64_t cpu_ns = dmonitor_clock_cpu_ns(getpid());
		result->lateness_ns = dmonitor_clock_now_ns() - start_ns;
		result->last_end_ns = start_ns; /* a consumer may have nothing to get */
		failure = actor_run(&measured);
		result->cpu_ns = dmonitor_clock_cpu_ns(getpid()) - cpu_ns;
	}
	if (failure != 0)
		sentence(result->error, sizeof(result->error), "after %" PRIu64 " operations: %s",
		         result->warmup_done + result->done, strerror(failure));
	return failure;
}

int run_worker(void *context, size_t index, struct worker *self)
{
	const struct run_work *work = context;
	struct worker_result *result = &work->results.results[index];
	/* A worker's sleeps are part of the load; by default the kernel may stretch each by 50 us.
	 */
	prctl(PR_SET_TIMERSLACK, 1UL);
	int failure = cpus_stay_on(work->factors->worker_cpus, NULL);
	if (failure != 0) {
		sentence(result->error, sizeof(result->error), "cannot stay on CPUs %s: %s",
		         work->factors->worker_cpus, strerror(failure));
		return failure;
	}
	char label[64];
	run_worker_name(context, index, label, sizeof(label));
	struct engine_setup setup = { .endpoint = work->endpoint,
		                      .label = label,
		                      .factors = work->factors,
		                      .error = result->error,
		                      .error_bytes = sizeof(result->error),
		                      .trace = result->trace,
		                      .trace_bytes = sizeof(result->trace) };
	void *connection = NULL;
	failure = work->engine->open(&setup, &connection);
	if (failure != 0)
		return failure;
	touch(work, index);
	failure = play(work, index, connection, self);
	/* Whoever closes early would disturb those who still measure. */
	if (failure == 0)
		worker_ready(self);
	int close_failure = work->engine->close(&connection);
	if (failure == 0 && close_failure != 0)
		sentence(result->error, sizeof(result->error), "at the end: %s",
		         strerror(close_failure));
	return failure != 0 ? failure : close_failure;
}
