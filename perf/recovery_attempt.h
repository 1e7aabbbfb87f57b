/*
 * recovery_attempt.h: one fault and what becomes of the others: processes are forked, brought into
 * a known state, one of them is killed or stopped, and the others' progress is timed.
 */
#ifndef PERF_RECOVERY_ATTEMPT_H
#define PERF_RECOVERY_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "recovery_system.h"

enum recovery_fault {
	RECOVERY_HOLDER_KILLED,
	RECOVERY_QUEUED_KILLED,
	RECOVERY_WAITER_KILLED,     /* and then signals are sent */
	RECOVERY_WAITER_KILLED_ALL, /* and then broadcasts are */
	RECOVERY_SIGNALLED_KILLED,  /* awakened, but the signaller is still inside */
	RECOVERY_HOLDER_STOPPED,
	RECOVERY_FAULTS
};

/* Of the holder that is stopped. */
enum { RECOVERY_LEASE_MS = 300 };

const char *recovery_fault_name(enum recovery_fault fault);

struct recovery_outcome {
	int64_t first_ns; /* from the fault to the first progress that hung on it; -1: none */
	int64_t signals;  /* sent after the fault, while a living process waited */
	int64_t lost;     /* of these: it was not awakened */
	bool blocked;     /* the one who signalled did not return */
	/* Of a stopped holder: */
	bool early;     /* the next one was inside before the lease was over */
	bool unnoticed; /* its exit was not told ESTALE when it went on */
	bool disturbed; /* and took the monitor from its new owner */
};

/**
 * recovery_attempt(system, site, fault, limit_ms, outcome, error, room_bytes):
 * Try ${fault} once. What has not come ${limit_ms} after it was due counts as never coming.
 *
 * Errors   ETIMEDOUT  the processes could not be brought into the state that the fault needs
 *          others     those of the system; a sentence is in ${error}
 */
int recovery_attempt(const struct recovery_system *system, void *site, enum recovery_fault fault,
                     int64_t limit_ms, struct recovery_outcome *outcome, char *error,
                     size_t room_bytes);

#endif
