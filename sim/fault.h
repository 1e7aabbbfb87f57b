/*
 * fault.h: which fault comes next, to whom, and how long it lasts: a plan drawn from a seed. Pure:
 * it does nothing to anybody.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "distribution.h"

enum fault_kind {
	FAULT_CONTROL,   /* nothing is done: how long it takes until somebody goes on anyway */
	FAULT_KILL,      /* SIGKILL; somebody else takes the worker's place */
	FAULT_PAUSE,     /* SIGSTOP, and SIGCONT before the lease is over */
	FAULT_FREEZE,    /* SIGSTOP, and SIGCONT after it */
	FAULT_CUT,       /* the connection is closed */
	FAULT_REFUSE,    /* the same, and no new one is let in for a while */
	FAULT_SILENCE,   /* the connection stays, but nothing passes, for less than the lease */
	FAULT_BLACKOUT,  /* the same for longer */
	FAULT_DROP,      /* messages are dropped for a while */
	FAULT_DUPLICATE, /* messages come twice for a while */
	FAULT_DELAY,     /* messages come late for a while */
	FAULT_STALL,     /* the server itself is stopped and continued */
	FAULT_KINDS
};

/* What a worker does at the instant of a fault, as far as it knows. */
enum fault_place { FAULT_OUTSIDE, FAULT_QUEUED, FAULT_HOLDING, FAULT_WAITING, FAULT_PLACES };

/* A set of kinds: bit 1 << FAULT_KILL and so on. */
typedef uint32_t fault_set;

/* One fault to come. */
struct fault {
	enum fault_kind kind;
	enum fault_place place; /* a victim there is looked for first */
	size_t victim;          /* who it is, or whom to begin looking at */
	int64_t pause_ns;       /* from the fault before it */
	int64_t length_ns;      /* of those that last */
};

struct fault_plan {
	struct distribution_random random;
	struct distribution pause_ns;
	enum fault_kind kinds[FAULT_KINDS];
	size_t kind_count;
	size_t victims;
	int64_t lease_ns;
};

/**
 * fault_plan_init(plan, seed, kinds, victims, mean_ns, lease_ns):
 * Faults of ${kinds}, which is not empty, for ${victims} workers, ${mean_ns} from one to the next
 * in the mean, for clients with such a lease.
 */
void fault_plan_init(struct fault_plan *plan, uint64_t seed, fault_set kinds, size_t victims,
                     int64_t mean_ns, int64_t lease_ns);

/* The next fault. The same seed gives the same ones. */
void fault_next(struct fault_plan *plan, struct fault *fault);

/* Its name in scenarios and results; "" beyond the last. */
const char *fault_name(enum fault_kind kind);
const char *fault_place_name(enum fault_place place);

/* What it is, for people. */
const char *fault_help(enum fault_kind kind);

/* Whether it happens to a connection, so that it needs a proxy. */
bool fault_of_connection(enum fault_kind kind);

/* Read "kill+cut", or "none" (the empty set), or "all". Returns 0, or EINVAL with what is wrong in
 * ${wrong}. */
int fault_parse(const char *text, fault_set *kinds, char *wrong, size_t room_bytes);

#endif
