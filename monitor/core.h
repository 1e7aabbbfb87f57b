/*
 * core.h: the server's state machine: who owns, queues and waits, and what each request does to it.
 *
 * One event with its time goes in, an outbox of replies comes out. The core opens, reads, prints
 * and times nothing; the same events give the same replies, byte for byte. It is single-threaded
 * by design and holds no lock. DESIGN.md has the state table that core_request.c follows.
 */
#ifndef DMONITOR_CORE_H
#define DMONITOR_CORE_H

#include "wire.h"

/* A connection, as the transport numbers them: never 0, never used again. */
typedef uint64_t dmonitor_peer;

struct dmonitor_core_options {
	int64_t lease_ms;  /* of a session that asks for none */
	int64_t resume_ms; /* how long a session without a connection lives */
	bool allow_stop;   /* obey STOP_SERVER from other machines too */
	struct dmonitor_limits limits;
};

extern const struct dmonitor_core_options dmonitor_core_defaults;

enum dmonitor_event_kind {
	DMONITOR_EVENT_START,   /* first of all: who the server is, where its tokens begin */
	DMONITOR_EVENT_MESSAGE, /* a peer sent something */
	DMONITOR_EVENT_CLOSED,  /* a peer's connection is gone */
	DMONITOR_EVENT_TICK,    /* nothing but time passed: what is due happens now */
	DMONITOR_EVENT_STALLED  /* the server itself had stood still: lives are counted anew */
};

/* One thing that happened. */
struct dmonitor_event {
	enum dmonitor_event_kind kind;
	int64_t now_ns;     /* monotonic; never earlier than the last event's */
	dmonitor_peer peer; /* of MESSAGE and CLOSED */
	bool local;         /* MESSAGE: the peer is on the server's own machine */
	/* MESSAGE: lent for the call; the core may take what it holds and leave it empty. */
	struct dmonitor_request *request;
	uint8_t random[DMONITOR_SECRET_BYTES / 2]; /* MESSAGE: for a secret, should one be needed */
	const char *server;                        /* START: lent for the call */
	uint64_t token;                            /* START: tokens begin above it */
	uint64_t
	    limit; /* TICK: serve at most so many of what is due, as a record may ask; 0: all */
};

struct dmonitor_delivery {
	dmonitor_peer to;
	struct dmonitor_reply reply;
};

/* What the caller must now send, in order. Owned by the caller, filled by each step anew. */
struct dmonitor_outbox {
	struct dmonitor_delivery *deliveries;
	size_t count;
	size_t room;
	uint64_t served; /* by a TICK: so many of what was due, also where it then met ENOMEM */
	bool stop;       /* after sending: stop serving */
};

void dmonitor_outbox_fini(struct dmonitor_outbox *outbox);

struct dmonitor_core;

/* ${options} are copied. NULL: out of memory. */
struct dmonitor_core *dmonitor_core_new(const struct dmonitor_core_options *options);
void dmonitor_core_free(struct dmonitor_core **core);

/**
 * dmonitor_core_step(core, event, outbox):
 * Let ${event} happen; what is to be sent stands in ${outbox} until the next step.
 * Errors   ENOMEM  nothing has changed, except that a TICK may have come part of its way: what it
 *                  did stands in the outbox, and the same event may be tried again. The same
 *                  with a limit of what was served is then what a replay needs
 */
int dmonitor_core_step(struct dmonitor_core *core, struct dmonitor_event *event,
                       struct dmonitor_outbox *outbox);

/* When the next TICK is wanted; INT64_MAX: never. */
int64_t dmonitor_core_deadline_ns(const struct dmonitor_core *core);

/* Whether so long before ${now_ns} nothing happened, though something was due, that the server must
 * have stood still itself: suspended, stopped, or starved. Then STALLED comes before anything else,
 * so that nobody's life ends for it. That time is served late is no sign of it: messages may have
 * come first. */
bool dmonitor_core_stood_still(const struct dmonitor_core *core, int64_t now_ns);

/* The highest token given out so far: a caller that reserves tokens looks at it after each step. */
uint64_t dmonitor_core_token(const struct dmonitor_core *core);

/* NULL, or a static sentence on an invariant that does not hold. For tests; costs what there is. */
const char *dmonitor_core_check(const struct dmonitor_core *core);

#endif
