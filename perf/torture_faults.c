/* torture_faults.c: when faults come and when they end. One at a time is waited for until somebody
 * has gone on; those that last go on beside it. */
#include "torture_faults.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "sentence.h"

#define LOOK_NS (100 * DMONITOR_NS_PER_MS)
/* Beyond the fault itself, lease and probation: then nobody goes on any more. */
#define STUCK_NS (10 * DMONITOR_NS_PER_S)

int torment_fail(struct torment *torment, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(torment->reason, KEYS_SENTENCE_BYTES, format, arguments);
	va_end(arguments);
	return ECANCELED;
}

int torment_worker_failed(struct torment *torment)
{
	for (size_t i = 0; i < torment->torture.workers; i++) {
		int wait_status;
		const char *error = torment->torture.slots[i].error;
		if (error[0] != '\0' && workers_ended(torment->workers, i, &wait_status)) {
			char name[64];
			torture_worker_name(&torment->work, i, name, sizeof(name));
			return torment_fail(torment, "%s: %s", name, error);
		}
	}
	return torment_fail(torment, "%s", workers_error(torment->workers));
}

int torment_stuck(struct torment *torment, const char *what)
{
	char places[KEYS_SENTENCE_BYTES / 2] = "";
	size_t length = 0;
	for (size_t i = 0; i < torment->torture.workers && length < sizeof(places); i++)
		length += (size_t)snprintf(places + length, sizeof(places) - length, " %s",
		                           fault_place_name(torment_place_of(torment, i)));
	return torment_fail(torment, "%s; the workers are:%s", what, places);
}

int torment_look(struct torment *torment)
{
	struct pollfd stop = { .fd = torment->request->stop_fd, .events = POLLIN };
	if (poll(&stop, 1, 0) == 1)
		return EINTR;
	if (torment->server != NULL && server_process_ended(torment->server))
		return torment_fail(torment, "the server has ended");
	if (workers_check(torment->workers) != 0)
		return torment_worker_failed(torment);
	if (torment->request->watch != NULL) {
		uint64_t done = 0;
		for (size_t i = 0; i < torment->torture.workers; i++)
			done +=
			    __atomic_load_n(&torment->torture.slots[i].logged, __ATOMIC_RELAXED);
		torment->request->watch(torment->request->watcher, "torturing", done);
	}
	return 0;
}

static int make_proxy(struct torment *torment, fault_set faults)
{
	char error[KEYS_TEXT_BYTES];
	bool needed = false;
	for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++)
		needed = needed || ((faults >> kind & 1) != 0 && fault_of_connection(kind));
	if (needed && proxy_start(torment->endpoint, torment->torture.workers,
	                          (uint64_t)torment->request->seed, &torment->proxy, error,
	                          sizeof(error)) != 0)
		return torment_fail(torment, "%s", error);
	for (size_t i = 0; i < torment->torture.workers; i++)
		torment->endpoints[i] =
		    needed ? proxy_endpoint(torment->proxy, i) : torment->endpoint;
	return 0;
}

int torment_init(struct torment *torment)
{
	const struct factors *factors = torment->request->factors;
	char ignored[KEYS_TEXT_BYTES]; /* the text was checked when the scenario was read */
	fault_set faults = 0;
	(void)fault_parse(factors->faults, &faults, ignored, sizeof(ignored));
	int failure = torture_shared_init(&torment->torture, factors);
	if (failure != 0)
		return torment_fail(torment, "no memory to share with the workers: %s",
		                    strerror(failure));
	size_t workers = torment->torture.workers;
	torment->endpoints = calloc(workers, sizeof(*torment->endpoints));
	torment->bouts = calloc(workers + 1, sizeof(*torment->bouts)); /* and the server's */
	if (torment->endpoints == NULL || torment->bouts == NULL)
		return torment_fail(torment, "no memory for the workers");
	failure = make_proxy(torment, faults);
	if (failure != 0)
		return failure;
	fault_plan_init(&torment->plan, (uint64_t)torment->request->seed, faults, workers,
	                factors->fault_interval_ns, factors->lease_ns);
	torment->work =
	    (struct torture_work){ &torment->torture, torment->endpoints, torment->recording,
		                   (uint64_t)torment->request->seed };
	struct workers_plan plan = { .count = workers,
		                     .run = torture_worker,
		                     .name = torture_worker_name,
		                     .context = &torment->work,
		                     .stop_fd = torment->request->stop_fd };
	failure = workers_start(&plan, &torment->workers);
	if (failure != 0)
		return torment_fail(torment, "cannot start the workers: %s", strerror(failure));
	return 0;
}

void torment_fini(struct torment *torment)
{
	if (torment->bouts != NULL && torment->torture.shared != NULL)
		torment_heal(torment); /* a server that is stopped does not stop */
	workers_free(&torment->workers);
	proxy_stop(&torment->proxy);
	free(torment->bouts);
	free(torment->endpoints);
	if (torment->torture.shared == NULL)
		return;
	/* Who was killed could not close; that there is nothing any more is the usual case. */
	for (size_t i = 0; i < torment->torture.workers; i++)
		if (torment->torture.slots[i].trace[0] != '\0')
			(void)bounded_buffer_remove(torment->torture.slots[i].trace,
			                            TORTURE_BUFFER_NAME);
	torture_shared_fini(&torment->torture);
}

/* Whether the next one may come now. */
static bool may_strike(const struct torment *torment)
{
	return torment->request->factors->overlap == OVERLAP_YES || torment_lasting(torment) == 0;
}

/* Whether somebody has gone on after the last fault. */
static bool has_gone_on(struct torment *torment)
{
	struct torture_shared *shared = torment->torture.shared;
	struct torture_fault *fault = torment->waited_for;
	if (fault == NULL)
		return true;
	int64_t gone_on_ns = atomic_load(&shared->gone_on_ns);
	if (gone_on_ns == 0) {
		/* Nobody puts any more, so perhaps nobody can go on: it is not known when. */
		if (atomic_load(&shared->full) == 0)
			return false;
		atomic_store(&shared->armed, 0);
		torment->waited_for = NULL;
		return true;
	}
	if (gone_on_ns < torment->struck_at_ns) { /* by who had looked before it was armed */
		atomic_store(&shared->gone_on_ns, 0);
		return false;
	}
	atomic_store(&shared->armed, 0);
	fault->gone_on_ns = gone_on_ns - torment->struck_at_ns;
	if (fault->kind != FAULT_CONTROL)
		histogram_add(&torment->result->gone_on, fault->gone_on_ns);
	torment->waited_for = NULL;
	return true;
}

static void end_bout(struct torment *torment, size_t index)
{
	struct bout *bout = &torment->bouts[index];
	bout->lasts = false;
	if (bout->kind == FAULT_PAUSE || bout->kind == FAULT_FREEZE)
		workers_kill(torment->workers, index, SIGCONT);
	else if (bout->kind == FAULT_STALL)
		kill(server_process_pid(torment->server), SIGCONT);
	else
		(void)proxy_order(torment->proxy, PROXY_HEAL, index, 0);
}

/* End what has lasted long enough; *${due_ns} becomes when to look again at the latest. */
static void end_bouts(struct torment *torment, int64_t *due_ns)
{
	int64_t now_ns = dmonitor_clock_now_ns();
	for (size_t i = 0; i <= torment->torture.workers; i++) {
		struct bout *bout = &torment->bouts[i];
		if (bout->lasts && bout->until_ns <= now_ns)
			end_bout(torment, i);
		else if (bout->lasts && bout->until_ns < *due_ns)
			*due_ns = bout->until_ns;
	}
}

void torment_heal(struct torment *torment)
{
	for (size_t i = 0; i <= torment->torture.workers; i++)
		if (torment->bouts[i].lasts)
			end_bout(torment, i);
}

/* Sleep until ${due_ns}, until somebody goes on, or until the run is to stop. */
static void sleep_until(const struct torment *torment, int64_t due_ns)
{
	struct pollfd polled[] = { { .fd = torment->torture.news_fd, .events = POLLIN },
		                   { .fd = torment->request->stop_fd, .events = POLLIN } };
	int64_t left_ns = due_ns - dmonitor_clock_now_ns();
	if (left_ns <= 0)
		return;
	struct timespec left = { .tv_sec = left_ns / DMONITOR_NS_PER_S,
		                 .tv_nsec = left_ns % DMONITOR_NS_PER_S };
	uint64_t news;
	if (ppoll(polled, 2, &left, NULL) > 0 && polled[0].revents != 0 &&
	    read(torment->torture.news_fd, &news, sizeof(news)) < 0)
		return;
}

static int check_stuck(struct torment *torment)
{
	const struct factors *factors = torment->request->factors;
	const struct torture_fault *fault = torment->waited_for;
	/* When the server goes on all leases begin anew, those of the dead as well. */
	int64_t limit_ns = fault->length_ns + factors->lease_ns + factors->resume_ns + STUCK_NS +
	                   (fault->kind == FAULT_STALL ? factors->lease_ns : 0);
	if (dmonitor_clock_now_ns() < torment->struck_at_ns + limit_ns)
		return 0;
	char victim[64] = "the server";
	char what[KEYS_TEXT_BYTES];
	if (fault->kind != FAULT_STALL)
		torture_worker_name(&torment->work, fault->victim, victim, sizeof(victim));
	sentence(what, sizeof(what), "nobody has gone on for %lld ms after %s of %s (%s)",
	         (long long)(limit_ns / DMONITOR_NS_PER_MS), fault_name(fault->kind), victim,
	         fault_place_name(fault->place));
	return torment_stuck(torment, what);
}

int torment_endure(struct torment *torment, int64_t end_ns)
{
	bool planned = torment->plan.kind_count > 0;
	struct fault next;
	int64_t strike_ns = INT64_MAX;
	int64_t look_ns = 0;
	int failure = 0;
	if (planned) {
		fault_next(&torment->plan, &next);
		strike_ns = dmonitor_clock_now_ns() + next.pause_ns;
	}
	while (failure == 0) {
		int64_t now_ns = dmonitor_clock_now_ns();
		bool gone_on = has_gone_on(torment);
		bool over = now_ns >= end_ns || atomic_load(&torment->torture.shared->full) != 0;
		if (over && gone_on)
			return 0;
		int64_t due_ns = now_ns + LOOK_NS;
		end_bouts(torment, &due_ns);
		if (!gone_on) {
			failure = check_stuck(torment);
		} else if (now_ns >= strike_ns && may_strike(torment)) {
			failure = torment_strike(torment, &next);
			fault_next(&torment->plan, &next);
			strike_ns = dmonitor_clock_now_ns() + next.pause_ns;
		}
		if (failure == 0 && now_ns >= look_ns) {
			failure = torment_look(torment);
			look_ns = now_ns + LOOK_NS;
		}
		if (gone_on && strike_ns < due_ns && may_strike(torment))
			due_ns = strike_ns;
		sleep_until(torment, end_ns < due_ns && gone_on ? end_ns : due_ns);
	}
	return failure;
}
