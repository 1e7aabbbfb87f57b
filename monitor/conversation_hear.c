/* conversation_hear.c: the client's side of a session: what it hears, and what that says of what it
 * has said. */
#include "conversation_internal.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* Have ${said} said again, and cancelled again if it was. */
static void repeat(struct dmonitor_conversation *conversation, struct dmonitor_said *said)
{
	said->due = true;
	if (said->seq != 0 && said->seq == conversation->cancel_seq)
		conversation->cancel_due = true;
}

/* Whether ${said} is awaited by somebody, be it to be given up: its answer is needed. */
static bool wants_answer(const struct dmonitor_conversation *conversation,
                         const struct dmonitor_said *said)
{
	return said->seq == conversation->awaited_seq || said->seq == conversation->given_up_seq;
}

/* What was sent at ${sent_ns} has arrived. */
static void confirm(struct dmonitor_conversation *conversation, int64_t sent_ns)
{
	if (sent_ns > conversation->confirmed_ns)
		conversation->confirmed_ns = sent_ns;
}

/* On the new connection, say again what the server has not seen, and what it has seen last, since
 * the answer may have been lost with the old one. */
static void resume(struct dmonitor_conversation *conversation, int64_t last_seq)
{
	struct dmonitor_said *said;

	LL_FOREACH (conversation->said, said)
		if (said->seq == 0 || said->seq >= last_seq)
			repeat(conversation, said);
}

/* Before the server has welcomed us, nothing else than that counts. */
static enum dmonitor_heard hear_greeting(struct dmonitor_conversation *conversation,
                                         const struct dmonitor_reply *reply)
{
	const bool welcome = reply->status == DMONITOR_STATUS_WELCOME;

	if (conversation_welcomed(conversation) && reply->code == DMONITOR_CODE_SESSION_LOST)
		conversation->lost = true;
	if (!conversation_welcomed(conversation) &&
	    (!welcome || reply->lease_ms == 0 || reply->session[0] == '\0')) {
		conversation->answer = *reply;
		conversation->refused = true;
	}
	if (!welcome || conversation->refused ||
	    reply->resumed != conversation_welcomed(conversation))
		return DMONITOR_HEARD_NOTHING;
	if (conversation_welcomed(conversation))
		resume(conversation, reply->last_seq);
	strcpy(conversation->session, reply->session);
	strcpy(conversation->server, reply->server);
	conversation->lease_ns = reply->lease_ms * 1000000;
	conversation->confirmed_ns = conversation->hello_sent_ns;
	conversation->beat_sent_ns = conversation->hello_sent_ns;
	conversation->linked = DMONITOR_LINKED;
	return DMONITOR_HEARD_NOTHING;
}

/* The answer to a beat sent at ${beat_ns} tells what the server has seen of all that was sent
 * before, and answers come in order: what is missing was lost. */
static void hear_alive(struct dmonitor_conversation *conversation,
                       const struct dmonitor_reply *reply, int64_t beat_ns)
{
	struct dmonitor_said *said;

	LL_FOREACH (conversation->said, said) {
		const bool unseen = said->seq > reply->last_seq;
		const bool unanswered = said->seq == reply->last_seq && !reply->pending &&
		                        wants_answer(conversation, said);

		if (said->last_sent_ns < beat_ns && (said->seq == 0 || unseen || unanswered))
			repeat(conversation, said);
	}
	if (conversation->cancel_seq != 0 && conversation->cancel_sent_ns < beat_ns)
		conversation->cancel_due = true;
}

/* ${seq} is answered, and so nothing up to it will have to be said again. */
static void done(struct dmonitor_conversation *conversation, int64_t seq)
{
	struct dmonitor_said *said, *next;

	LL_FOREACH_SAFE (conversation->said, said, next) {
		if (said->seq > seq || (said->seq == 0 && seq != 0))
			continue;
		if (said->seq == seq)
			confirm(conversation, said->first_sent_ns);
		conversation_forget(conversation, said);
	}
	if (conversation->cancel_seq != 0 && conversation->cancel_seq <= seq) {
		conversation->cancel_seq = 0;
		conversation->cancel_due = false;
	}
}

static enum dmonitor_heard hear_answer(struct dmonitor_conversation *conversation,
                                       const struct dmonitor_reply *reply)
{
	done(conversation, reply->seq);
	conversation->answer = *reply;
	conversation->answered = true;
	conversation->awaited_seq = 0;
	conversation->awaited_ref[0] = '\0';
	return DMONITOR_HEARD_ANSWER;
}

/* The server lacks an earlier request, or answers before it has done with one. */
static bool is_out_of_turn(const struct dmonitor_reply *reply)
{
	return reply->code == DMONITOR_CODE_SEQ_GAP || reply->code == DMONITOR_CODE_BUSY;
}

static enum dmonitor_heard hear_numbered(struct dmonitor_conversation *conversation,
                                         const struct dmonitor_reply *reply)
{
	struct dmonitor_said *said;

	if (is_out_of_turn(reply)) {
		LL_FOREACH (conversation->said, said)
			if (said->seq != 0 && reply->code == DMONITOR_CODE_SEQ_GAP)
				repeat(conversation, said);
		return DMONITOR_HEARD_NOTHING;
	}
	if (reply->seq == conversation->awaited_seq)
		return hear_answer(conversation, reply);
	if (reply->seq == conversation->given_up_seq) {
		done(conversation, reply->seq);
		conversation->given_up_seq = 0;
		conversation->wants_exit = reply->status == DMONITOR_STATUS_GRANTED;
		conversation->was_abandoned = reply->abandoned;
		return DMONITOR_HEARD_NOTHING;
	}
	if (reply->status != DMONITOR_STATUS_ERROR)
		return DMONITOR_HEARD_NOTHING;
	done(conversation, reply->seq);
	return DMONITOR_HEARD_FAILURE;
}

enum dmonitor_heard dmonitor_conversation_hear(struct dmonitor_conversation *conversation,
                                               const struct dmonitor_reply *reply)
{
	const int64_t ref_ns = reply->ref[0] == '\0' ? 0 : strtoll(reply->ref, NULL, 10);

	if (conversation->linked != DMONITOR_LINKED)
		return hear_greeting(conversation, reply);
	if (reply->code == DMONITOR_CODE_SESSION_LOST) {
		conversation->lost = true;
		return DMONITOR_HEARD_NOTHING;
	}
	/* A ref that we never wrote confirms nothing. */
	if (ref_ns <= conversation->ref_ns)
		confirm(conversation, ref_ns);
	if (reply->status == DMONITOR_STATUS_ALIVE)
		hear_alive(conversation, reply, ref_ns);
	else if (reply->cancel_seq != 0)
		return DMONITOR_HEARD_NOTHING;
	else if (reply->seq != 0)
		return hear_numbered(conversation, reply);
	else if (reply->ref[0] != '\0' && strcmp(reply->ref, conversation->awaited_ref) == 0)
		return hear_answer(conversation, reply);
	return DMONITOR_HEARD_NOTHING;
}
