/*
 * check_internal.h: what check_history.c, which reads and tells what the server says, and
 * check_clients.c, which tells what clients say, share.
 */
#ifndef DMONITOR_CHECK_INTERNAL_H
#define DMONITOR_CHECK_INTERNAL_H

#include <utlist.h>

#include "check_holds.h"
#include "history_reader.h"

/* A call that may have led to a grant of which its client was not told. */
struct unsure {
	struct unsure *next;
	char monitor[DMONITOR_NAME_BYTES + 1];
	int64_t since_ns;
};

struct client {
	UT_hash_handle hh;
	char id[DMONITOR_ID_BYTES + 1];
	bool ours; /* its session is with the record's server */
	bool any_clock;
	bool calling;
	bool is_told; /* what it does is all in the history, up to last_ns */
	struct history_line call;
	int64_t last_ns;
	struct unsure *unsure;
};

struct source {
	struct history_reader reader;
	struct history_line line;
	bool has_line;
};

struct check_history {
	struct source *sources;
	size_t source_count;
	struct client *clients;
	struct hold *holds;
	uint64_t ended_count; /* of holds whose session ended */
	struct check_history_counts counts;
	char server[DMONITOR_ID_BYTES + 1];
	char boot[64];
	int64_t now_ns; /* of the record's last event */
	bool unreadable;
	const char *misuse; /* of the last line, where it makes no sense */
	bool out_of_memory;
	char detail[512];
	char sentence[800];
};

__attribute__((format(printf, 2, 3))) const char *check_fault(struct check_history *history,
                                                              const char *format, ...);
const char *check_no_memory(struct check_history *history);

struct client *check_client(struct check_history *history, const char *id);
struct hold *check_hold(struct check_history *history, uint64_t token);

/* The ownership by ${token}, made if it is new; NULL: out of memory. */
struct hold *check_hold_for(struct check_history *history, uint64_t token, const char *client,
                            const char *monitor);

/* What both have told of how ${hold} began, or ended: NULL where it fits, or one has not told yet.
 * After the second it may be gone. */
const char *check_claim(struct check_history *history, const struct hold *hold);
const char *check_release(struct check_history *history, struct hold *hold);

/* Whether some call of ${client} whose outcome it did not learn may have led to ${hold}. */
bool check_is_explained(const struct client *client, const struct hold *hold);

/* ${client} says ${line}. */
const char *check_said(struct check_history *history, struct client *client,
                       const struct history_line *line);

#endif
