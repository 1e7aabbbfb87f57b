/*
 * check_holds.h: the ownerships that server and clients tell of, by their tokens: what each side
 * said of one, and whether that fits. For check_history.c.
 */
#ifndef DMONITOR_CHECK_HOLDS_H
#define DMONITOR_CHECK_HOLDS_H

#include <uthash.h>

#include "check_history.h"
#include "model.h"

/* So many signals, in whatever order: equal sums mean the same ones. */
struct signals {
	uint64_t count;
	uint64_t sum;
};

/* A span of time in which something must have happened. */
struct span {
	int64_t from_ns;
	int64_t to_ns;
};

struct hold {
	UT_hash_handle hh;
	uint64_t token;
	char client[DMONITOR_ID_BYTES + 1];
	char monitor[DMONITOR_NAME_BYTES + 1];

	/* The server: granted where line is not 0, and given up where released is not GRANTED. */
	uint64_t granted_line;
	int64_t granted_ns;
	enum dmonitor_effect_kind released;
	uint64_t released_line;
	int64_t released_ns;
	struct signals executed;
	uint64_t successor;         /* who was granted the monitor when this one's session ended */
	int64_t successor_since_ns; /* when that client knew; 0: not yet */

	/* The client. */
	bool claimed;
	struct span claim; /* the call that says so */
	bool gave_up;
	bool sure;      /* it was told so */
	bool any_clock; /* times are not to be compared */
	enum dmonitor_effect_kind how;
	struct span giving_up;
	struct signals signalled;
	uint64_t perhaps_signalled;
};

void signals_add(struct signals *signals, bool all, const char *condition);

/* What does not fit in what both sides told of ${hold}, in ${sentence}; NULL: nothing so far. */
const char *hold_claim_fault(const struct hold *hold, bool explained, char *sentence,
                             size_t room_bytes);
const char *hold_release_fault(const struct hold *hold, char *sentence, size_t room_bytes);

/* Both have told all of it. */
bool hold_is_settled(const struct hold *hold);

#endif
