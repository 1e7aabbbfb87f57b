/*
 * history.h: the operations of all workers in the order in which they were done, as far as it is
 * known while their logs still grow. Pure.
 *
 * An entry, which must carry a token, reaches its log a little after the operation. So an operation
 * is told only once nothing that must have come before it is missing: a get after its item's put, a
 * put after the gets that made room for it. Only what turns out to have come before something told
 * already is told at once. So the picture is never absurd, but for judging there is the audit,
 * which has the whole.
 */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit.h"

/* A log that grows: its worker adds an entry, then raises *done. */
struct history_log {
	const struct audit_entry *entries;
	const uint64_t *done;
	uint64_t told; /* how many of them history_next() has given out */
};

struct history {
	size_t capacity;
	size_t producers;
	size_t consumers;
	struct history_log *puts; /* one a producer; borrowed, as is the next */
	struct history_log *gets; /* one a consumer */
	uint64_t items;  /* in the buffer after what was told; starts as 0, as does the next */
	uint64_t latest; /* the highest token told */
};

struct history_event {
	bool put;          /* else got */
	size_t worker;     /* which producer or consumer, from 0 */
	uint32_t producer; /* the item */
	uint32_t number;   /* and its number, both from 0 */
	uint64_t items;    /* in the buffer afterwards, at most its capacity */
};

/* Tell the next operation. False: there is none yet, or none that can be told yet. */
bool history_next(struct history *history, struct history_event *event);

#endif
