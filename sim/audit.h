/*
 * audit.h: nothing lost, nothing doubled, nothing out of order, the buffer within its bounds.
 *
 * Every producer and every consumer keeps a log of its operations; the audit compares the logs
 * once all have ended. Where the entries carry fencing tokens, which rise from owner to owner, the
 * logs merge into the one history of the buffer and each step of it is checked; without tokens
 * (all 0) the checks that need that order are left out. Pure: no clock, file or process.
 *
 * Workers may be killed or lose their ownership in the midst of an operation. What is then in doubt
 * is marked so, and only that: an operation that may have happened or not is right either way, and
 * an item that nobody got may be what a consumer took who died in the act, one for each. All else
 * is as strict as without faults.
 */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum audit_doubt {
	AUDIT_CERTAIN,
	/* its worker was killed in the act; of a get, nothing but the token is known */
	AUDIT_UNKNOWN,
	/* it has happened, but perhaps after its ownership had ended, and so among later ones */
	AUDIT_LATE
};

/* One put or get that has succeeded. */
struct audit_entry {
	uint64_t token;    /* of the ownership in which it was done; 0: unknown */
	uint32_t producer; /* who made the item, from 0 */
	uint32_t number;   /* which of its items, from 0 */
};

struct audit_log {
	const struct audit_entry *entries; /* in the order in which the worker did them */
	size_t count;
	const uint8_t *doubts; /* enum audit_doubt of each entry; NULL: all are certain */
	uint32_t first_number; /* of a producer's first item */
};

/* That somebody saw items move while it was, by its token and by the server's word, the owner. */
struct audit_overlap {
	size_t worker;  /* who moved them: producers first, then consumers */
	uint64_t token; /* of that one */
};

/* What to audit; all borrowed for the call. */
struct audit_input {
	size_t capacity;
	size_t producers;
	size_t consumers;
	const struct audit_log
	    *puts; /* one a producer; entry k of log p should be item (p, first_number + k) */
	const struct audit_log *gets; /* one a consumer */
	const struct audit_overlap *overlaps;
	size_t overlap_count;
};

struct audit_result {
	uint64_t produced;
	uint64_t consumed;
	uint64_t lost;          /* items put and never got */
	uint64_t doubled;       /* gets of an item that was got before */
	uint64_t invented;      /* gets of an item that nobody had put, puts of a wrong one */
	uint64_t out_of_order;  /* gets of an item behind a later one of its producer */
	uint64_t out_of_bounds; /* steps that led below 0 or above capacity items */
	/* operations whose token another worker's bears too, or whose token is below that of the
	 * same worker's operation before it, and overlaps */
	uint64_t two_owners;
	/* No faults, but worth to be told: */
	uint64_t unknown; /* operations in the midst of which a worker was killed */
	uint64_t taken;   /* those of them that must have been gets, as their items are gone */
	uint64_t stale;   /* operations in doubt without which the history cannot be explained: made
	                   * by owners that were none any more */
	bool history_checked; /* whether the entries carried tokens */
};

/* Audit ${input} into ${result}. Returns 0, or ENOMEM with ${result} untouched. */
int audit_run(const struct audit_input *input, struct audit_result *result);

bool audit_ok(const struct audit_result *result);

/* Write a sentence on ${result} into ${text}: what is wrong, or that all is right. Cut to fit. */
void audit_describe(const struct audit_result *result, char *text, size_t room_bytes);

#endif
