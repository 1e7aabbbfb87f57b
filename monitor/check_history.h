/*
 * check_history.h: compares what clients say that happened with what the server's record says.
 * Every ownership has a token that is given once, so calls are matched by it: who says that it came
 * to own a monitor must have been granted it, by that token, between the call's beginning and its
 * return; who says that it left must have; and what was signalled in between must be what was
 * executed.
 *
 * Both sides are read side by side, in the order of time; what both have told is forgotten. What
 * stays is what is open, and what one side never told of: calls whose outcome their client did not
 * learn.
 */
#ifndef DMONITOR_CHECK_HISTORY_H
#define DMONITOR_CHECK_HISTORY_H

#include "model.h"

struct check_history;

/* What came of it. */
struct check_history_counts {
	uint64_t clients; /* that have a history with this server */
	uint64_t calls;   /* that returned */
	uint64_t matched; /* ownerships that both sides tell alike */
	uint64_t unsure;  /* calls whose outcome the client did not learn, or did not await */
	uint64_t unsure_took_effect;
	uint64_t uncovered;   /* calls that ended after the record did */
	uint64_t other_clock; /* clients whose times cannot be compared with the server's */
	uint64_t
	    overlaps; /* two clients believed to own a monitor, after the end of one's session */
	int64_t overlap_most_ns;
};

/**
 * check_history_open(paths, count, history):
 * Read from the files at ${paths}, which stay the caller's.
 * Errors   ENOMEM, or those of open(2); *${failed} is then the path
 */
int check_history_open(const char *const *paths, size_t count, struct check_history **history,
                       const char **failed);
void check_history_close(struct check_history **history);

/* The functions below give NULL, or a sentence on what does not fit, valid until the next call;
 * then nothing more can be checked. */

/* The record is of ${server}. */
const char *check_history_begin(struct check_history *history, const char *server);

/* The event at line ${number} of the record had ${effects}. */
const char *check_history_event(struct check_history *history, uint64_t number, int64_t now_ns,
                                const struct dmonitor_effect *effects, size_t count);

/* The record is over; ${clean}: since the server stopped as it was asked to. */
const char *check_history_end(struct check_history *history, bool clean);

/* Whether the last sentence was on a file that cannot be read, and not on a rule. */
bool check_history_unreadable(const struct check_history *history);

const struct check_history_counts *check_history_counts(const struct check_history *history);

#endif
