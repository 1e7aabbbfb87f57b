/*
 * conversation.h: the client's side of a session, as a pure state machine: greeting the server,
 * again after a lost connection; numbering; which answer belongs to which request, and what to say
 * again; beats; how long the session may be believed in.
 *
 * It neither sends nor waits nor reads a clock: the caller asks what to send, tells what was sent
 * and heard, what became of the connection, and when. DESIGN.md has the lease's arithmetic.
 */
#ifndef DMONITOR_CONVERSATION_H
#define DMONITOR_CONVERSATION_H

#include "wire.h"

/* A request that was said and is not known to be done: it may have to be said again. */
struct dmonitor_said {
	struct dmonitor_said *next;
	int64_t seq;           /* 0: outside the sequence */
	bool due;              /* to be sent, perhaps once more */
	int64_t first_sent_ns; /* 0: not yet */
	int64_t last_sent_ns;
	char *text;
};

/* How things stand with the server. */
enum dmonitor_linked {
	DMONITOR_APART,    /* no connection */
	DMONITOR_GREETING, /* there is one, and HELLO is said on it, or about to be */
	DMONITOR_LINKED    /* the server has welcomed us */
};

struct dmonitor_conversation {
	/* What HELLO says. */
	char process_id[DMONITOR_ID_BYTES + 1];
	char label[DMONITOR_ID_BYTES + 1];
	int64_t wanted_lease_ms; /* 0: the server's */

	char session[DMONITOR_SECRET_BYTES + 1]; /* empty: never welcomed yet */
	char server[DMONITOR_ID_BYTES + 1];
	int64_t lease_ns;
	int64_t confirmed_ns; /* when the latest request was sent of which we know it arrived */
	bool lost;            /* the server said so, or the lease is over */
	bool refused;         /* the first HELLO was: ->answer says why */
	int64_t seq;          /* the last number used */

	enum dmonitor_linked linked;
	int64_t turn_ns; /* APART: when to try next. GREETING: when to give this connection up */
	int64_t hello_sent_ns; /* GREETING; 0: not yet */
	unsigned attempts;     /* since the server last welcomed us */
	int64_t links;         /* connections so far */
	uint64_t random;       /* so that different clients come back at different times */

	/* In the order of their numbers; those without an answer to be awaited, and the one with.
	 */
	struct dmonitor_said *said;

	/* The request whose answer the caller awaits: by number, or by ref outside the sequence. */
	int64_t awaited_seq;
	char awaited_ref[32];
	bool answered;
	struct dmonitor_reply answer;

	int64_t cancel_seq; /* a request to be cancelled, until it is answered; 0: none */
	bool cancel_due;
	int64_t cancel_sent_ns;

	/* An ENTER nobody waits for any more: cancelled, and if it was granted all the same,
	 * exited.
	 */
	int64_t given_up_seq;
	char given_up_name[DMONITOR_NAME_BYTES + 1];
	bool wants_exit;
	bool was_abandoned; /* the ENTER given up was told so, and nobody heard it */

	int64_t beat_sent_ns;
	int64_t ref_ns; /* the latest time that was written as a ref */

	/* What dmonitor_conversation_next() gave out last: one that was said, or made for once. */
	struct dmonitor_said *sending;
	enum dmonitor_action sending_action;
	char *made;
};

/* What a reply meant. */
enum dmonitor_heard {
	DMONITOR_HEARD_NOTHING, /* a beat, an answer that nobody awaits any more */
	DMONITOR_HEARD_ANSWER,  /* what was awaited: in ->answer */
	DMONITOR_HEARD_FAILURE  /* the EXIT with the reply's seq, sent unanswered, was refused */
};

/* Begin apart from the server; ${label} may be NULL. dmonitor_conversation_fini() frees what is
 * held. */
void dmonitor_conversation_init(struct dmonitor_conversation *conversation, const char *process_id,
                                const char *label, int64_t lease_ms);
void dmonitor_conversation_fini(struct dmonitor_conversation *conversation);

/* Whether a new connection is wanted now, instead of the present one if there is one. */
bool dmonitor_conversation_wants_link(const struct dmonitor_conversation *conversation,
                                      int64_t now_ns);
void dmonitor_conversation_link_opened(struct dmonitor_conversation *conversation, int64_t now_ns);
void dmonitor_conversation_link_closed(struct dmonitor_conversation *conversation, int64_t now_ns);

/* Say ${request}: the next of the sequence, whose answer is then awaited, unless it wants none; or
 * one outside the sequence. 0, or ENOMEM: nothing was said. */
int dmonitor_conversation_say(struct dmonitor_conversation *conversation,
                              struct dmonitor_request *request, int64_t now_ns);

/* What is to be sent now; NULL: nothing. Valid until the next call; what dmonitor_..._sent() has
 * not been told of is given out again. */
const char *dmonitor_conversation_next(struct dmonitor_conversation *conversation, int64_t now_ns);
void dmonitor_conversation_sent(struct dmonitor_conversation *conversation, int64_t now_ns);

/* A reply came. */
enum dmonitor_heard dmonitor_conversation_hear(struct dmonitor_conversation *conversation,
                                               const struct dmonitor_reply *reply);

/* Have the awaited request end early; its answer tells whether it did. */
void dmonitor_conversation_cancel(struct dmonitor_conversation *conversation);

/* The awaited ENTER at ${name} is given up; until that is settled, nothing else may be said. */
void dmonitor_conversation_give_up(struct dmonitor_conversation *conversation, const char *name);
bool dmonitor_conversation_settled(const struct dmonitor_conversation *conversation);

/* Whether the session, and what it owned, must be taken for lost. */
bool dmonitor_conversation_lost(struct dmonitor_conversation *conversation, int64_t now_ns);

/* Whether what the session owned may be claimed: not lost, nor waiting to be welcomed again. */
bool dmonitor_conversation_claims(struct dmonitor_conversation *conversation, int64_t now_ns);

/* When to look again, at the latest: something will be wanted, or the session be lost. */
int64_t dmonitor_conversation_deadline_ns(const struct dmonitor_conversation *conversation);

#endif
