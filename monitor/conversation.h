/*
 * conversation.h: the client's side of a session, as a pure state machine: numbering, which answer
 * belongs to which request, beats, and how long the session may be believed in.
 *
 * It neither sends nor waits nor reads a clock: the caller asks what to send, tells what was sent
 * and heard, and when. DESIGN.md has the lease's arithmetic.
 */
#ifndef DMONITOR_CONVERSATION_H
#define DMONITOR_CONVERSATION_H

#include "wire.h"

struct dmonitor_conversation {
	char session[DMONITOR_SECRET_BYTES + 1];
	char server[DMONITOR_ID_BYTES + 1];
	int64_t lease_ns;
	int64_t confirmed_ns; /* when the latest request was sent of which we know it arrived */
	bool lost;            /* the server said so, or the lease is over, or the link is */
	int64_t seq;          /* the last number used */

	/* The request whose answer the caller awaits: by number, or by ref outside the sequence. */
	int64_t awaited_seq;
	int64_t awaited_sent_ns;
	bool awaits_ref;
	bool answered;
	struct dmonitor_reply answer;

	/* An ENTER nobody waits for any more: cancel it, and exit if it was granted all the same.
	 */
	int64_t given_up_seq;
	char given_up_name[DMONITOR_NAME_BYTES + 1];
	bool wants_cancel;
	bool wants_exit;

	int64_t beat_sent_ns;
	char ref[32]; /* of the request that is about to be sent */
};

/* What a reply meant. */
enum dmonitor_heard {
	DMONITOR_HEARD_NOTHING, /* a beat, an answer that nobody awaits any more */
	DMONITOR_HEARD_ANSWER,  /* what was awaited: in ->answer */
	DMONITOR_HEARD_FAILURE  /* the EXIT with the reply's seq, sent unanswered, was refused */
};

/* A session begins with the ${welcome} to a HELLO sent at ${sent_ns}. */
void dmonitor_conversation_begin(struct dmonitor_conversation *conversation,
                                 const struct dmonitor_reply *welcome, int64_t sent_ns);

/* Make ${request} one of this session: the next of its sequence, or one outside it. Nothing is
 * used up before dmonitor_conversation_sent() says that it went out at ${now_ns}. */
void dmonitor_conversation_address(struct dmonitor_conversation *conversation,
                                   struct dmonitor_request *request, int64_t now_ns);
void dmonitor_conversation_sent(struct dmonitor_conversation *conversation,
                                const struct dmonitor_request *request, int64_t now_ns);

/* A request that the conversation itself wants sent now; false: none. */
bool dmonitor_conversation_wants(struct dmonitor_conversation *conversation, int64_t now_ns,
                                 struct dmonitor_request *request);

/* A reply came. */
enum dmonitor_heard dmonitor_conversation_hear(struct dmonitor_conversation *conversation,
                                               const struct dmonitor_reply *reply);

/* The awaited ENTER at ${name} is given up; until that is settled, nothing else may be asked. */
void dmonitor_conversation_give_up(struct dmonitor_conversation *conversation, const char *name);
bool dmonitor_conversation_settled(const struct dmonitor_conversation *conversation);

/* Whether the session, and what it owned, must be taken for lost. */
bool dmonitor_conversation_lost(struct dmonitor_conversation *conversation, int64_t now_ns);

/* When to look again, at the latest: something will be wanted, or the session be lost. */
int64_t dmonitor_conversation_deadline_ns(const struct dmonitor_conversation *conversation);

#endif
