/* torture.c: the rounds, and what is collected from them. What is done to the workers in between
 * is in torture_faults.c. */
#include "torture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "engines/server_status.h"
#include "sentence.h"
#include "torture_faults.h"

#define START_LEAD_NS (30 * DMONITOR_NS_PER_MS)
#define LOOK_NS       (100 * DMONITOR_NS_PER_MS)
/* A round is no longer, so that its logs, and what they need, have a bound. */
#define ROUND_NS (10 * DMONITOR_NS_PER_S)
/* How long healing may take beyond two leases: a worker may be in the midst of connecting. */
#define HEALING_NS (30 * DMONITOR_NS_PER_S)

/* Wait until all workers rest, or fail. */
static int await_rest(struct torment *torment, int64_t limit_ns, const char *what)
{
	int64_t deadline_ns = dmonitor_clock_now_ns() + limit_ns;
	int failure;
	while ((failure = workers_await_ready(torment->workers, LOOK_NS)) == ETIMEDOUT) {
		failure = torment_look(torment);
		if (failure != 0)
			return failure;
		if (dmonitor_clock_now_ns() >= deadline_ns)
			return torment_stuck(torment, what);
	}
	if (failure == EINTR)
		return EINTR;
	return failure == 0 ? 0 : torment_worker_failed(torment);
}

static void add(struct audit_result *sum, const struct audit_result *more)
{
	sum->produced += more->produced;
	sum->consumed += more->consumed;
	sum->lost += more->lost;
	sum->doubled += more->doubled;
	sum->invented += more->invented;
	sum->out_of_order += more->out_of_order;
	sum->out_of_bounds += more->out_of_bounds;
	sum->two_owners += more->two_owners;
	sum->unknown += more->unknown;
	sum->taken += more->taken;
	sum->stale += more->stale;
	sum->history_checked |= more->history_checked;
}

static int audit_round(struct torment *torment, struct run_result *result)
{
	struct audit_result round;
	int failure = torture_audit(&torment->torture, &round);
	if (failure != 0)
		return torment_fail(torment, "no audit: %s", strerror(failure));
	add(&result->audited, &round);
	result->audit = audit_ok(&result->audited) ? RUN_AUDIT_OK : RUN_AUDIT_VIOLATED;
	if (audit_ok(&round))
		return 0;
	char what[KEYS_TEXT_BYTES];
	audit_describe(&round, what, sizeof(what));
	return torment_fail(torment, "audit of round %lld: %s",
	                    (long long)result->torture.rounds + 1, what);
}

static int64_t last_end(const struct torture *torture)
{
	int64_t latest_ns = 0;
	for (size_t i = 0; i < torture->workers; i++)
		if (torture->slots[i].last_end_ns > latest_ns)
			latest_ns = torture->slots[i].last_end_ns;
	return latest_ns;
}

/* One round, from all at rest to all at rest again. */
static int play_round(struct torment *torment, int64_t start_ns, int64_t end_ns,
                      struct run_result *result)
{
	struct torture_shared *shared = torment->torture.shared;
	workers_go(torment->workers, start_ns);
	int failure = torment_endure(torment, end_ns);
	if (failure != 0)
		return failure;
	torment_heal(torment);
	atomic_store(&shared->phase, TORTURE_REST);
	failure = await_rest(torment, 2 * torment->request->factors->lease_ns + HEALING_NS,
	                     "the round does not end");
	if (failure != 0)
		return failure;
	int64_t duration_ns = last_end(&torment->torture) - start_ns;
	result->duration_ns = (result->duration_ns > 0 ? result->duration_ns : 0) +
	                      (duration_ns > 0 ? duration_ns : 0);
	atomic_store(&shared->resting, 0);
	atomic_store(&shared->full, 0);
	failure = audit_round(torment, result);
	result->torture.rounds++;
	return failure;
}

static int play(struct torment *torment, struct run_result *result)
{
	int64_t left_ns = torment->request->factors->duration_ns;
	int failure = await_rest(torment, HEALING_NS, "not all connect");
	torment->start_ns = dmonitor_clock_now_ns() + START_LEAD_NS;
	while (failure == 0 && left_ns > 0) {
		int64_t start_ns = dmonitor_clock_now_ns() + START_LEAD_NS;
		atomic_store(&torment->torture.shared->phase, TORTURE_RUN);
		int64_t round_ns = left_ns < ROUND_NS ? left_ns : ROUND_NS;
		failure = play_round(torment, start_ns, start_ns + round_ns, result);
		left_ns -= dmonitor_clock_now_ns() - start_ns;
	}
	if (failure != 0)
		return failure;
	atomic_store(&torment->torture.shared->phase, TORTURE_END);
	workers_go(torment->workers, dmonitor_clock_now_ns());
	failure = workers_await_end(torment->workers, HEALING_NS);
	if (failure == EINTR)
		return EINTR;
	return failure == 0 ? 0 : torment_worker_failed(torment);
}

/* What the slots have gathered. */
static void collect(const struct torture *torture, struct run_result *result)
{
	struct torture_result *sums = &result->torture;
	sums->waits = sums->futile = sums->sessions_lost = 0;
	for (size_t i = 0; i < torture->workers; i++) {
		const struct torture_slot *slot = &torture->slots[i];
		sums->waits += (int64_t)slot->watch.waits;
		sums->futile += (int64_t)slot->watch.futile;
		sums->sessions_lost += (int64_t)slot->sessions_lost;
		result->operations += slot->logged;
		if (i < torture->producers)
			histogram_merge(&result->put, &slot->latency);
		else if (i < torture->producers + torture->consumers)
			histogram_merge(&result->get, &slot->latency);
	}
	sums->unknown = (int64_t)result->audited.unknown;
	sums->taken = (int64_t)result->audited.taken;
	sums->stale = (int64_t)result->audited.stale;
}

/* What the server tells; somebody else's has more to tell than is ours. */
static int ask_server(struct torment *torment, struct run_result *result)
{
	struct server_events events;
	if (torment->server == NULL)
		return 0;
	int failure = server_status_events(torment->endpoint, &events);
	if (failure != 0)
		return torment_fail(torment, "the server does not tell its counters: %s",
		                    strerror(failure));
	result->torture.passed_on = events.passed_on;
	result->torture.abandonments = events.abandonments;
	result->torture.sessions_resumed = events.resumed;
	return 0;
}

int torture_run(const struct run_request *request, const struct recording *recording,
                const char *endpoint, const struct server_process *server,
                struct run_result *result, char reason[KEYS_SENTENCE_BYTES])
{
	struct torment torment = { .request = request,
		                   .recording = recording,
		                   .endpoint = endpoint,
		                   .server = server,
		                   .result = &result->torture,
		                   .reason = reason };
	result->torture.rounds = result->torture.fault_total = 0;
	int failure = torment_init(&torment);
	if (failure == 0)
		failure = play(&torment, result);
	if (torment.torture.shared != NULL)
		collect(&torment.torture, result);
	if (failure == 0)
		failure = ask_server(&torment, result);
	torment_fini(&torment);
	return failure;
}
