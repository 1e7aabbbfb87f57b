/* run.c: the parent's side of a run. It holds no ZeroMQ context: it forks again for the next. */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../monitor/clock.h"
#include "../sim/server_process.h"
#include "../sim/workers.h"
#include "cpus.h"
#include "recording.h"
#include "run_worker.h"
#include "sentence.h"
#include "torture.h"

/* How long before a common start it is announced: enough for all to be asleep waiting for it. */
#define START_LEAD_NS (30 * DMONITOR_NS_PER_MS)
/* How often the harness looks up while the workers work. */
#define LOOK_NS (100 * DMONITOR_NS_PER_MS)

struct run {
	const struct run_request *request;
	struct run_result *result;
	struct run_work work;
	struct server_process *server; /* NULL: somebody else's, or none */
	struct workers *workers;
	struct recording *recording; /* NULL: none is wanted */
	int64_t deadline_ns;
};

static bool must_stop(const struct run *run)
{
	struct pollfd stop = { .fd = run->request->stop_fd, .events = POLLIN };
	return poll(&stop, 1, 0) == 1;
}

/* Note why the run is no good; the first reason counts. Always ECANCELED: the run ends. */
__attribute__((format(printf, 2, 3))) static int fail(struct run *run, const char *format, ...)
{
	struct run_result *result = run->result;
	if (result->status != RUN_OK)
		return ECANCELED;
	if (must_stop(run)) {
		/* What interrupts us may end a worker or the server before we look. */
		sentence(result->reason, sizeof(result->reason), "interrupted");
		result->status = RUN_INTERRUPTED;
		return ECANCELED;
	}
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(result->reason, sizeof(result->reason), format, arguments);
	va_end(arguments);
	result->status = RUN_FAILED;
	return ECANCELED;
}

static int start_server(struct run *run)
{
	const struct factors *factors = run->work.factors;
	char bind[KEYS_TEXT_BYTES];
	char error[KEYS_SENTENCE_BYTES];
	run->work.endpoint = "";
	if (!run->work.engine->needs_server)
		return 0;
	run->work.endpoint = factors->server;
	if (strcmp(factors->server, KEYS_SPAWN) != 0)
		return 0;
	const char *transport = factors->transport == TRANSPORT_IPC ? "ipc" : "tcp";
	int failure = server_process_endpoint_for(transport, bind, sizeof(bind));
	if (failure != 0)
		return fail(run, "no endpoint for %s: %s", transport, strerror(failure));
	cpu_set_t before;
	if (cpus_stay_on(factors->server_cpu, &before) != 0)
		return fail(run, "this machine has no CPU %s for the server", factors->server_cpu);
	char resume[32];
	sentence(resume, sizeof(resume), "%lld",
	         (long long)(factors->resume_ns / DMONITOR_NS_PER_MS));
	const char *arguments[] = { "--resume-ms", resume, NULL, NULL, NULL };
	if (run->recording != NULL) {
		arguments[2] = "--record";
		arguments[3] = recording_server_file(run->recording);
	}
	struct server_process_options options = { .program = run->request->server_program,
		                                  .bind = bind,
		                                  .arguments = arguments };
	failure = server_process_start(&options, &run->server, error, sizeof(error));
	cpus_go_back(&before);
	if (failure != 0)
		return fail(run, "%s", error);
	run->work.endpoint = server_process_endpoint(run->server);
	return 0;
}

static int start_workers(struct run *run)
{
	struct workers_plan plan = { .count = run->work.results.workers,
		                     .run = run_worker,
		                     .name = run_worker_name,
		                     .context = &run->work,
		                     .stop_fd = run->request->stop_fd };
	int failure = workers_start(&plan, &run->workers);
	if (failure != 0)
		return fail(run, "cannot start the workers: %s", strerror(failure));
	return 0;
}

/* A worker has failed: its own sentence says more than its exit status. */
static int fail_by_worker(struct run *run)
{
	const struct worker_results *results = &run->work.results;
	for (size_t i = 0; i < results->workers; i++) {
		int wait_status;
		if (workers_ended(run->workers, i, &wait_status) &&
		    results->results[i].error[0] != '\0') {
			char name[64];
			run_worker_name(&run->work, i, name, sizeof(name));
			return fail(run, "%s: %s", name, results->results[i].error);
		}
	}
	return fail(run, "%s", workers_error(run->workers));
}

static uint64_t done_so_far(const struct worker_results *results)
{
	uint64_t done = 0;
	for (size_t i = 0; i < results->workers; i++) {
		const struct worker_result *worker = &results->results[i];
		done += __atomic_load_n(&worker->done, __ATOMIC_RELAXED) +
		        __atomic_load_n(&worker->warmup_done, __ATOMIC_RELAXED);
	}
	return done;
}

/* End the server, if it is ours. ECANCELED if it had ended before, or ends badly. */
static int stop_server(struct run *run)
{
	char error[KEYS_SENTENCE_BYTES];
	if (server_process_stop(&run->server, error, sizeof(error)) == 0)
		return 0;
	return fail(run, "%s", error);
}

typedef int await_function(struct workers *workers, int64_t timeout_ns);

/* Wait for all workers, but not for ever, nor longer than the server lives. */
static int await(struct run *run, await_function *wait_for, const char *round)
{
	int failure;
	while ((failure = wait_for(run->workers, LOOK_NS)) != 0) {
		if (failure == EINTR)
			return fail(run, "interrupted");
		if (run->server != NULL && server_process_ended(run->server))
			return stop_server(run);
		if (failure != ETIMEDOUT)
			return fail_by_worker(run);
		if (dmonitor_clock_now_ns() >= run->deadline_ns)
			return fail(run, "the timeout is over: %s", workers_error(run->workers));
		if (run->request->watch != NULL)
			run->request->watch(run->request->watcher, round,
			                    done_so_far(&run->work.results));
	}
	return 0;
}

static int64_t go(struct run *run, int64_t lead_ns)
{
	int64_t start_ns = dmonitor_clock_now_ns() + lead_ns;
	workers_go(run->workers, start_ns);
	return start_ns;
}

/* Messages of a server of our own: nobody else talks to it. *${total} is -1 where there is none. */
static int count_messages(struct run *run, int64_t *total)
{
	struct engine_messages messages;
	*total = -1;
	if (run->server == NULL || run->work.engine->messages == NULL)
		return 0;
	int failure = run->work.engine->messages(run->work.endpoint, &messages);
	if (failure != 0)
		return fail(run, "the server does not tell its counters: %s", strerror(failure));
	*total = messages.received + messages.sent;
	return 0;
}

/* From all ready to all done; the counters of the server around it. */
static int measure(struct run *run, int64_t *start_ns)
{
	struct run_result *result = run->result;
	int64_t messages_before;
	int64_t messages_after;
	int failure = count_messages(run, &messages_before);
	if (failure != 0)
		return failure;
	int64_t cpu_before = run->server != NULL ? server_process_cpu_ns(run->server) : -1;
	*start_ns = go(run, START_LEAD_NS);
	failure = await(run, workers_await_ready, "measuring");
	if (failure != 0)
		return failure;
	int64_t cpu_after = run->server != NULL ? server_process_cpu_ns(run->server) : -1;
	failure = count_messages(run, &messages_after);
	if (failure != 0)
		return failure;
	if (cpu_before >= 0 && cpu_after >= 0)
		result->server_cpu_ns = cpu_after - cpu_before;
	if (messages_before >= 0 && messages_after >= 0)
		result->server_messages = messages_after - messages_before;
	return 0;
}

/* What the workers have measured. */
static void collect(struct run *run, int64_t start_ns)
{
	struct run_result *result = run->result;
	const struct worker_results *results = &run->work.results;
	result->duration_ns = 0;
	result->start_skew_ns = 0;
	result->workers_cpu_ns = 0;
	for (size_t i = 0; i < results->workers; i++) {
		const struct worker_result *worker = &results->results[i];
		int64_t duration_ns = worker->last_end_ns - start_ns;
		if (duration_ns > result->duration_ns)
			result->duration_ns = duration_ns;
		if (worker->lateness_ns > result->start_skew_ns)
			result->start_skew_ns = worker->lateness_ns;
		result->workers_cpu_ns += worker->cpu_ns;
		result->operations += worker->done;
		histogram_merge(i < results->producers ? &result->put : &result->get,
		                &worker->latency);
	}
	if (result->put.negative + result->get.negative > 0)
		fail(run, "the clock ran backwards");
}

static int play(struct run *run)
{
	int64_t start_ns;
	int failure = await(run, workers_await_ready, "connecting");
	if (failure == 0 && run->work.factors->warmup > 0) {
		go(run, START_LEAD_NS);
		failure = await(run, workers_await_ready, "warming up");
	}
	if (failure == 0)
		failure = measure(run, &start_ns);
	if (failure != 0)
		return failure;
	collect(run, start_ns);
	go(run, 0);
	return await(run, workers_await_end, "closing");
}

/* Audit one round of what the workers have done, if nothing was wrong before. */
static void audit(struct run *run, enum round round)
{
	struct run_result *result = run->result;
	if (result->audit == RUN_AUDIT_VIOLATED)
		return;
	int failure = worker_results_audit(&run->work.results, round,
	                                   (size_t)run->work.factors->capacity, &result->audited);
	if (failure != 0) {
		fail(run, "no audit: %s", strerror(failure));
		return;
	}
	result->audit = audit_ok(&result->audited) ? RUN_AUDIT_OK : RUN_AUDIT_VIOLATED;
	if (result->audit == RUN_AUDIT_VIOLATED) {
		char what[KEYS_TEXT_BYTES];
		audit_describe(&result->audited, what, sizeof(what));
		fail(run, "audit%s: %s", round == ROUND_WARMUP ? " of the warm-up" : "", what);
	}
}

static void audit_all(struct run *run)
{
	if (!run->work.engine->audited) {
		run->result->audit = RUN_AUDIT_UNCHECKED;
		return;
	}
	audit(run, ROUND_WARMUP);
	audit(run, ROUND_MEASURED);
}

/* Who was killed could not close: what it shared is removed here. */
static void remove_traces(const struct run *run)
{
	const struct worker_results *results = &run->work.results;
	for (size_t i = 0; i < results->workers && run->work.engine->remove != NULL; i++) {
		if (results->results[i].trace[0] != '\0')
			run->work.engine->remove(results->results[i].trace);
	}
}

/* A run of so many items, by the engine. */
static void run_items(struct run *run)
{
	struct run_result *result = run->result;
	int failure = worker_results_init(&run->work.results, run->request->factors);
	if (failure != 0) {
		fail(run, "no memory to share with the workers: %s", strerror(failure));
		return;
	}
	if (start_workers(run) == 0 && play(run) == 0)
		audit_all(run);
	workers_free(&run->workers);
	if (result->status != RUN_OK)
		remove_traces(run);
	worker_results_fini(&run->work.results);
}

/* A run of so much time, with or without faults. */
static void run_torture(struct run *run)
{
	char reason[KEYS_SENTENCE_BYTES] = "interrupted";
	int64_t cpu_before = run->server != NULL ? server_process_cpu_ns(run->server) : -1;
	if (run->work.factors->engine != ENGINE_MONITOR) {
		fail(run, "duration: only the engine monitor can be run by time");
		return;
	}
	if (torture_run(run->request, run->recording, run->work.endpoint, run->server, run->result,
	                reason) != 0)
		fail(run, "%s", reason);
	if (run->server != NULL && cpu_before >= 0)
		run->result->server_cpu_ns = server_process_cpu_ns(run->server) - cpu_before;
}

static int begin_recording(struct run *run)
{
	if (run->request->factors->record == RECORD_NO)
		return 0;
	int failure = recording_new(&run->recording);
	return failure == 0 ? 0 : fail(run, "nothing can be recorded: %s", strerror(failure));
}

/* The record is looked at whatever the audit says; it stays if a rule is broken. */
static void end_recording(struct run *run, bool spawned)
{
	char wrong[KEYS_SENTENCE_BYTES];
	int failure = 0;
	if (run->recording != NULL && spawned && run->result->status != RUN_INTERRUPTED)
		failure = recording_check(run->recording, run->request->server_program, wrong);
	if (failure != 0)
		fail(run, "%s", wrong);
	recording_free(&run->recording, failure == EPROTO);
}

void run_once(const struct run_request *request, struct run_result *result)
{
	struct run run = { .request = request, .result = result };
	run.work.factors = request->factors;
	run.work.engine = engine_of(request->factors->engine);
	run.work.seed = request->seed;
	run.deadline_ns = dmonitor_clock_now_ns() + request->factors->timeout_ns;
	*result = (struct run_result){
		.started_at_ns = dmonitor_clock_wall_ns(),
		.duration_ns = -1,
		.start_skew_ns = -1,
		.server_cpu_ns = -1,
		.workers_cpu_ns = -1,
		.server_messages = -1,
		.torture = { .fault_total = -1,
		             .rounds = -1,
		             .unknown = -1,
		             .taken = -1,
		             .stale = -1,
		             .waits = -1,
		             .futile = -1,
		             .passed_on = -1,
		             .abandonments = -1,
		             .sessions_lost = -1,
		             .sessions_resumed = -1 },
	};
	histogram_init(&result->put);
	histogram_init(&result->get);
	histogram_init(&result->torture.gone_on);
	if (begin_recording(&run) == 0 && start_server(&run) == 0) {
		if (request->factors->duration_ns > 0)
			run_torture(&run);
		else
			run_items(&run);
	}
	bool spawned = run.server != NULL;
	stop_server(&run);
	end_recording(&run, spawned);
}

void run_result_fini(struct run_result *result)
{
	free(result->torture.faults);
	result->torture.faults = NULL;
}
