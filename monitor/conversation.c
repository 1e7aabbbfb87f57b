/* conversation.c: the client's side of a session, as a pure state machine. */
#include "conversation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dmonitor_conversation_begin(struct dmonitor_conversation *conversation,
                                 const struct dmonitor_reply *welcome, int64_t sent_ns)
{
	*conversation = (struct dmonitor_conversation){ .lease_ns = welcome->lease_ms * 1000000,
		                                        .confirmed_ns = sent_ns,
		                                        .beat_sent_ns = sent_ns };
	strcpy(conversation->session, welcome->session);
	strcpy(conversation->server, welcome->server);
}

static bool is_sequenced(const struct dmonitor_request *request)
{
	return request->action == DMONITOR_ACTION_ENTER ||
	       request->action == DMONITOR_ACTION_EXIT || request->action == DMONITOR_ACTION_WAIT ||
	       request->action == DMONITOR_ACTION_SIGNAL ||
	       request->action == DMONITOR_ACTION_BROADCAST;
}

/* A ref is the time of sending, so that its answer says what it confirms. */
void dmonitor_conversation_address(struct dmonitor_conversation *conversation,
                                   struct dmonitor_request *request, int64_t now_ns)
{
	request->session = conversation->session;
	if (is_sequenced(request)) {
		request->seq = conversation->seq + 1;
		return;
	}
	snprintf(conversation->ref, sizeof(conversation->ref), "%" PRId64, now_ns);
	request->ref = conversation->ref;
}

void dmonitor_conversation_sent(struct dmonitor_conversation *conversation,
                                const struct dmonitor_request *request, int64_t now_ns)
{
	if (is_sequenced(request))
		conversation->seq = request->seq;
	if (request->action == DMONITOR_ACTION_BEAT)
		conversation->beat_sent_ns = now_ns;
	if (request->action == DMONITOR_ACTION_CANCEL &&
	    request->cancel_seq == conversation->given_up_seq)
		conversation->wants_cancel = false;
	if (request->action == DMONITOR_ACTION_EXIT)
		conversation->wants_exit = false;
	if (request->action == DMONITOR_ACTION_BEAT || request->action == DMONITOR_ACTION_CANCEL ||
	    request->unanswered)
		return;
	conversation->awaited_seq = request->seq;
	conversation->awaited_sent_ns = now_ns;
	conversation->awaits_ref = request->seq == 0;
	conversation->answered = false;
}

static int64_t next_beat_ns(const struct dmonitor_conversation *conversation)
{
	const int64_t last = conversation->beat_sent_ns > conversation->confirmed_ns
	                         ? conversation->beat_sent_ns
	                         : conversation->confirmed_ns;

	return last + conversation->lease_ns / 3;
}

/* The server counts the lease from when it received, we from when we sent; 2 % are for clocks that
 * do not run alike. So we stop believing before the server stops. */
static int64_t lost_at_ns(const struct dmonitor_conversation *conversation)
{
	return conversation->confirmed_ns + conversation->lease_ns - conversation->lease_ns / 50;
}

bool dmonitor_conversation_wants(struct dmonitor_conversation *conversation, int64_t now_ns,
                                 struct dmonitor_request *request)
{
	*request = (struct dmonitor_request){ .timeout_ms = -1 };
	if (conversation->lost)
		return false;
	if (conversation->wants_cancel) {
		request->action = DMONITOR_ACTION_CANCEL;
		request->cancel_seq = conversation->given_up_seq;
	} else if (conversation->wants_exit) {
		request->action = DMONITOR_ACTION_EXIT;
		request->unanswered = true;
		request->monitor_name = conversation->given_up_name;
	} else if (now_ns >= next_beat_ns(conversation)) {
		request->action = DMONITOR_ACTION_BEAT;
	} else {
		return false;
	}
	dmonitor_conversation_address(conversation, request, now_ns);
	return true;
}

/* What was sent at ${sent_ns} has arrived. A ref that we never wrote confirms nothing. */
static void confirm(struct dmonitor_conversation *conversation, int64_t sent_ns)
{
	if (sent_ns > conversation->confirmed_ns &&
	    (sent_ns <= conversation->beat_sent_ns || sent_ns <= conversation->awaited_sent_ns))
		conversation->confirmed_ns = sent_ns;
}

/* The answer to the ENTER that was given up. */
static void settle(struct dmonitor_conversation *conversation, const struct dmonitor_reply *reply)
{
	conversation->given_up_seq = 0;
	conversation->wants_cancel = false;
	conversation->wants_exit = reply->status == DMONITOR_STATUS_GRANTED;
}

static bool is_awaited(const struct dmonitor_conversation *conversation,
                       const struct dmonitor_reply *reply)
{
	if (conversation->awaits_ref)
		return reply->ref[0] != '\0' && reply->seq == 0 && reply->cancel_seq == 0 &&
		       reply->status != DMONITOR_STATUS_ALIVE;
	return conversation->awaited_seq != 0 && reply->seq == conversation->awaited_seq;
}

enum dmonitor_heard dmonitor_conversation_hear(struct dmonitor_conversation *conversation,
                                               const struct dmonitor_reply *reply)
{
	if (reply->code == DMONITOR_CODE_SESSION_LOST)
		conversation->lost = true;
	if (reply->ref[0] != '\0' && reply->code != DMONITOR_CODE_SESSION_LOST)
		confirm(conversation, strtoll(reply->ref, NULL, 10));
	if (conversation->given_up_seq != 0 && reply->seq == conversation->given_up_seq) {
		settle(conversation, reply);
		return DMONITOR_HEARD_NOTHING;
	}
	if (!is_awaited(conversation, reply))
		return reply->seq != 0 && reply->status == DMONITOR_STATUS_ERROR &&
		               reply->code != DMONITOR_CODE_SESSION_LOST
		           ? DMONITOR_HEARD_FAILURE
		           : DMONITOR_HEARD_NOTHING;
	if (reply->code != DMONITOR_CODE_SESSION_LOST)
		confirm(conversation, conversation->awaited_sent_ns);
	conversation->answer = *reply;
	conversation->answered = true;
	conversation->awaited_seq = 0;
	conversation->awaits_ref = false;
	return DMONITOR_HEARD_ANSWER;
}

void dmonitor_conversation_give_up(struct dmonitor_conversation *conversation, const char *name)
{
	conversation->given_up_seq = conversation->awaited_seq;
	conversation->awaited_seq = 0;
	conversation->wants_cancel = true;
	strcpy(conversation->given_up_name, name);
}

bool dmonitor_conversation_settled(const struct dmonitor_conversation *conversation)
{
	return conversation->given_up_seq == 0 && !conversation->wants_exit;
}

bool dmonitor_conversation_lost(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	if (now_ns >= lost_at_ns(conversation))
		conversation->lost = true;
	return conversation->lost;
}

int64_t dmonitor_conversation_deadline_ns(const struct dmonitor_conversation *conversation)
{
	const int64_t beat = next_beat_ns(conversation);
	const int64_t lost = lost_at_ns(conversation);

	return beat < lost ? beat : lost;
}
