/*
 * torture_shared.h: what the harness and the workers of a run with faults share. A worker may be
 * killed between any two stores, so each of them leaves what is true: an operation is logged by one
 * store, and how far the one after it had come stands in the buffer's watch.
 */
#ifndef PERF_TORTURE_SHARED_H
#define PERF_TORTURE_SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../buffer/bounded_buffer.h"
#include "../sim/audit.h"
#include "../sim/item.h"
#include "histogram.h"
#include "keys.h"

#define TORTURE_BUFFER_NAME "torture"

/* Who is given such an item rests until the next round: all that was put before is got by then. */
#define TORTURE_MARK UINT32_MAX /* as its producer */

enum {
	TORTURE_LOG_ENTRIES = 1 << 17, /* of one worker in one round */
	TORTURE_LOG_FULL = 1 << 16,    /* the round had better end */
	TORTURE_OVERLAPS = 64
};

enum torture_phase {
	TORTURE_RUN,  /* produce */
	TORTURE_REST, /* end the round */
	TORTURE_END   /* go home */
};

/* A worker's place. Whoever takes it after a kill goes on with what it finds. */
struct torture_slot {
	struct bounded_buffer_watch watch;
	uint64_t logged;        /* entries ever: puts or gets of items */
	uint64_t round_first;   /* how many of them were logged before this round */
	uint64_t marks;         /* marks ever put or got */
	uint64_t unknown;       /* entries that the watch does not count as moved */
	uint64_t replaced;      /* how often somebody new has come */
	uint64_t sessions_lost; /* and followed by another one */
	uint64_t holds;         /* of a lock-holder */
	int64_t last_end_ns;    /* when its latest operation ended */
	struct histogram latency;
	char error[KEYS_SENTENCE_BYTES]; /* why it gave up; "" */
	char trace[KEYS_SENTENCE_BYTES]; /* the server's identity, to remove the buffer by */
};

struct torture_shared {
	_Atomic uint32_t phase;   /* enum torture_phase */
	_Atomic uint32_t resting; /* producers at the end of this round */
	_Atomic uint32_t full;    /* a log is */
	/* The harness waits for somebody to go on after a fault: for the end of an operation in an
	 * ownership later than that token, of anybody but the victim. */
	_Atomic uint32_t armed;
	_Atomic uint32_t victim;
	_Atomic uint64_t armed_token;
	_Atomic int64_t gone_on_ns;     /* when somebody did; 0: not yet */
	_Atomic uint64_t holding;       /* the highest token of a lock-holder inside */
	_Atomic uint32_t two_holders;   /* times that one was inside under another one's token */
	_Atomic uint32_t overlap_count; /* may be above TORTURE_OVERLAPS: the rest is lost */
	struct audit_overlap overlaps[TORTURE_OVERLAPS];
};

/* One mapping: what all share, the slots, a log, doubts and an item for each. */
struct torture {
	const struct factors *factors;
	size_t producers;
	size_t consumers;
	size_t workers; /* producers, consumers, lock-holders */
	struct torture_shared *shared;
	struct torture_slot *slots;
	struct audit_entry *entries;
	uint8_t *doubts;
	unsigned char *items;
	size_t bytes;
	int news_fd; /* an eventfd that tells the harness of progress */
};

/* Map the memory, all zero. On 0 the caller owns it until torture_shared_fini(). */
int torture_shared_init(struct torture *torture, const struct factors *factors);
void torture_shared_fini(struct torture *torture);

/* Room for the item that worker ${index} is getting. */
unsigned char *torture_item(const struct torture *torture, size_t index);

/* Append to the log of worker ${index}. EOVERFLOW: it is full. */
int torture_log(const struct torture *torture, size_t index, const struct audit_entry *entry,
                enum audit_doubt doubt);

/* The latest entry of this round is in doubt: the ownership in which it was made may have ended
 * before. */
void torture_log_late(const struct torture *torture, size_t index);

/* Complete the log of worker ${index}, which was killed: an item that it moved and did not log, and
 * one whose moving it had begun. EPROTO: what it got is no item. */
int torture_settle(const struct torture *torture, size_t index);

/* Audit the round and begin the next one, with empty logs. All workers rest. */
int torture_audit(struct torture *torture, struct audit_result *result);

#endif
