/* torture_strike.c: one fault: who is hit, how, and what is noted of it. */
#include "torture_faults.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../monitor/clock.h"

/* How long to look for a victim in the wanted place, and how often. */
#define SEARCH_NS (20 * DMONITOR_NS_PER_MS)
#define GLANCE_NS (50 * INT64_C(1000))

enum fault_place torment_place_of(const struct torment *torment, size_t index)
{
	switch (__atomic_load_n(&torment->torture.slots[index].watch.phase, __ATOMIC_ACQUIRE)) {
	case BOUNDED_BUFFER_ENTERING:
		return FAULT_QUEUED;
	case BOUNDED_BUFFER_INSIDE:
		return FAULT_HOLDING;
	case BOUNDED_BUFFER_WAITING:
		return FAULT_WAITING;
	default:
		return FAULT_OUTSIDE;
	}
}

size_t torment_lasting(const struct torment *torment)
{
	size_t count = 0;
	for (size_t i = 0; i <= torment->torture.workers; i++)
		count += torment->bouts[i].lasts;
	return count;
}

static size_t role_of(const struct torture *torture, size_t index)
{
	return index < torture->producers                        ? 0
	       : index < torture->producers + torture->consumers ? 1
	                                                         : 2;
}

/* Whether it can be hit. What lasts spares one of several producers and of several consumers; and
 * for a lease whom it had hit before, as two short ones in a row are a long one. */
static bool can_be_hit(const struct torment *torment, size_t index, bool lasting)
{
	const struct torture *torture = &torment->torture;
	size_t role = role_of(torture, index);
	size_t others = 0, spared = 0;
	const struct bout *bout = &torment->bouts[index];
	if (bout->lasts || (lasting && dmonitor_clock_now_ns() <
	                                   bout->until_ns + torment->request->factors->lease_ns))
		return false;
	for (size_t i = 0; i < torture->workers; i++) {
		bool other = i != index && role_of(torture, i) == role;
		others += other;
		spared += other && !torment->bouts[i].lasts;
	}
	return !lasting || role == 2 || others == 0 || spared > 0;
}

/* The server's number among victims. */
static size_t server_of(const struct torment *torment)
{
	return torment->torture.workers;
}

/* Find a victim in the place that the fault wants, or else any. False: there is none. */
static bool find_victim(const struct torment *torment, const struct fault *fault, size_t *victim)
{
	size_t workers = torment->torture.workers;
	int64_t deadline_ns = dmonitor_clock_now_ns() + SEARCH_NS;
	if (fault->kind == FAULT_STALL) {
		*victim = server_of(torment);
		return torment->server != NULL && !torment->bouts[*victim].lasts;
	}
	for (;;) {
		int64_t now_ns = dmonitor_clock_now_ns();
		for (size_t i = 0; i < workers; i++) {
			*victim = (fault->victim + i) % workers;
			if (can_be_hit(torment, *victim, fault->length_ns > 0) &&
			    (torment_place_of(torment, *victim) == fault->place ||
			     now_ns > deadline_ns))
				return true;
		}
		if (now_ns > deadline_ns)
			return false;
		dmonitor_clock_sleep_until(now_ns + GLANCE_NS);
	}
}

/* From now on a worker that goes on says so. */
static void arm(struct torment *torment, size_t victim)
{
	const struct torture *torture = &torment->torture;
	struct torture_shared *shared = torture->shared;
	uint64_t latest = 0;
	for (size_t i = 0; i < torture->workers; i++) {
		uint64_t token = __atomic_load_n(&torture->slots[i].watch.token, __ATOMIC_ACQUIRE);
		latest = token > latest ? token : latest;
	}
	atomic_store(&shared->gone_on_ns, 0);
	atomic_store(&shared->victim, (uint32_t)victim);
	atomic_store(&shared->armed_token, latest);
	torment->struck_at_ns = dmonitor_clock_now_ns();
	atomic_store(&shared->armed, 1);
}

/* Kill a worker; a new one takes its place. */
static int replace(struct torment *torment, size_t victim, enum fault_place *place)
{
	struct torture_slot *slot = &torment->torture.slots[victim];
	if (workers_end(torment->workers, victim) != 0) /* it was faster */
		return torment_worker_failed(torment);
	*place = torment_place_of(torment, victim); /* where it died */
	int failure = torture_settle(&torment->torture, victim);
	if (failure != 0)
		return torment_fail(torment, "what a killed worker has got cannot be logged: %s",
		                    failure == EPROTO ? "it is no item" : strerror(failure));
	slot->replaced++;
	slot->watch.phase = BOUNDED_BUFFER_OUTSIDE;
	failure = workers_replace(torment->workers, victim);
	if (failure != 0)
		return torment_fail(torment, "nobody takes the place of a killed worker: %s",
		                    strerror(failure));
	return 0;
}

static const enum proxy_order orders[FAULT_KINDS] = {
	[FAULT_CUT] = PROXY_CUT,         [FAULT_REFUSE] = PROXY_REFUSE,
	[FAULT_SILENCE] = PROXY_SILENCE, [FAULT_BLACKOUT] = PROXY_SILENCE,
	[FAULT_DROP] = PROXY_DROP,       [FAULT_DUPLICATE] = PROXY_DUPLICATE,
	[FAULT_DELAY] = PROXY_DELAY,
};

/* Do it. */
static int hit(struct torment *torment, const struct fault *fault, size_t victim,
               enum fault_place *place)
{
	switch (fault->kind) {
	case FAULT_CONTROL:
		return 0;
	case FAULT_KILL:
		return replace(torment, victim, place);
	case FAULT_PAUSE:
	case FAULT_FREEZE:
		workers_kill(torment->workers, victim, SIGSTOP);
		*place = torment_place_of(torment, victim);
		return 0;
	case FAULT_STALL:
		kill(server_process_pid(torment->server), SIGSTOP);
		return 0;
	default:
		if (proxy_order(torment->proxy, orders[fault->kind], victim, fault->length_ns) != 0)
			return torment_fail(torment, "the proxy has ended");
		return 0;
	}
}

/* Room for one more fault. */
static struct torture_fault *new_fault(struct torment *torment)
{
	struct torture_result *result = torment->result;
	if (result->fault_count == torment->fault_room) {
		size_t room = torment->fault_room == 0 ? 256 : 2 * torment->fault_room;
		struct torture_fault *more =
		    reallocarray(result->faults, room, sizeof(*result->faults));
		if (more == NULL)
			return NULL;
		result->faults = more;
		torment->fault_room = room;
	}
	return &result->faults[result->fault_count++];
}

int torment_strike(struct torment *torment, const struct fault *fault)
{
	size_t victim;
	if (!find_victim(torment, fault, &victim))
		return 0;
	struct torture_fault *told = new_fault(torment);
	if (told == NULL)
		return torment_fail(torment, "no memory for what was done");
	size_t others = torment_lasting(torment);
	enum fault_place place =
	    victim == server_of(torment) ? FAULT_OUTSIDE : torment_place_of(torment, victim);
	arm(torment, victim);
	int failure = hit(torment, fault, victim, &place);
	*told = (struct torture_fault){ .kind = fault->kind,
		                        .place = place,
		                        .victim = victim,
		                        .others = others,
		                        .at_ns = torment->struck_at_ns - torment->start_ns,
		                        .length_ns = fault->length_ns,
		                        .gone_on_ns = -1 };
	torment->waited_for = told;
	torment->result->by_kind[fault->kind]++;
	torment->result->fault_total += fault->kind != FAULT_CONTROL;
	if (fault->length_ns > 0)
		torment->bouts[victim] =
		    (struct bout){ true, fault->kind, torment->struck_at_ns + fault->length_ns };
	return failure;
}
