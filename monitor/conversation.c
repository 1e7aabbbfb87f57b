/* conversation.c: the client's side of a session: its connection, what it says, its lease. */
#include "conversation_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define MS INT64_C(1000000)

/* Between attempts to connect, doubled from the one to the other; drawn from half to one and a
 * half of it, so that clients that lost their connections together do not come back together. */
enum { FIRST_STEP_MS = 10, LAST_STEP_MS = 1000 };

/* So long a connection may take to be made and to bring the welcome, before another is tried. */
enum { GREETING_MS = 1000 };

void dmonitor_conversation_init(struct dmonitor_conversation *conversation, const char *process_id,
                                const char *label, int64_t lease_ms)
{
	*conversation = (struct dmonitor_conversation){ .wanted_lease_ms = lease_ms, .random = 1 };
	for (const char *byte = process_id; *byte != '\0'; byte++)
		conversation->random = conversation->random * 1099511628211U + (uint8_t)*byte;
	conversation->random |= 1;
	strcpy(conversation->process_id, process_id);
	strcpy(conversation->label, label == NULL ? "" : label);
}

void conversation_forget(struct dmonitor_conversation *conversation, struct dmonitor_said *said)
{
	LL_DELETE(conversation->said, said);
	if (conversation->sending == said)
		conversation->sending = NULL;
	free(said->text);
	free(said);
}

static void forget_made(struct dmonitor_conversation *conversation)
{
	free(conversation->made);
	conversation->made = NULL;
	conversation->sending = NULL;
}

void dmonitor_conversation_fini(struct dmonitor_conversation *conversation)
{
	while (conversation->said != NULL)
		conversation_forget(conversation, conversation->said);
	forget_made(conversation);
}

/* ----- The connection ----- */

static uint64_t draw(struct dmonitor_conversation *conversation, uint64_t below)
{
	conversation->random ^= conversation->random << 13;
	conversation->random ^= conversation->random >> 7;
	conversation->random ^= conversation->random << 17;
	return conversation->random % below;
}

static int64_t step_ns(struct dmonitor_conversation *conversation)
{
	int64_t step = FIRST_STEP_MS * MS;

	for (unsigned i = 1; i < conversation->attempts && step < LAST_STEP_MS * MS; i++)
		step *= 2;
	if (step > LAST_STEP_MS * MS)
		step = LAST_STEP_MS * MS;
	return step / 2 + (int64_t)draw(conversation, (uint64_t)step);
}

bool dmonitor_conversation_wants_link(const struct dmonitor_conversation *conversation,
                                      int64_t now_ns)
{
	return !conversation->lost && !conversation->refused &&
	       conversation->linked != DMONITOR_LINKED && now_ns >= conversation->turn_ns;
}

void dmonitor_conversation_link_opened(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	int64_t span_ns = GREETING_MS * MS;

	/* What is lost in silence must be tried again within the lease. */
	if (conversation_welcomed(conversation) && conversation->lease_ns / 4 < span_ns)
		span_ns = conversation->lease_ns / 4;
	conversation->linked = DMONITOR_GREETING;
	conversation->hello_sent_ns = 0;
	conversation->turn_ns = now_ns + span_ns;
	conversation->attempts++;
	conversation->links++;
}

/* One that was good is tried again at once; one that never was, after a step. */
void dmonitor_conversation_link_closed(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	const bool at_once = conversation->linked == DMONITOR_LINKED;

	if (at_once)
		conversation->attempts = 0;
	conversation->linked = DMONITOR_APART;
	conversation->turn_ns = at_once ? now_ns : now_ns + step_ns(conversation);
}

/* ----- Saying ----- */

static bool is_sequenced(const struct dmonitor_request *request)
{
	return request->action == DMONITOR_ACTION_ENTER ||
	       request->action == DMONITOR_ACTION_EXIT || request->action == DMONITOR_ACTION_WAIT ||
	       request->action == DMONITOR_ACTION_SIGNAL ||
	       request->action == DMONITOR_ACTION_BROADCAST;
}

/* A ref is a time, so that its answer says what it confirms; no two are the same. */
static void write_ref(struct dmonitor_conversation *conversation, char ref[32], int64_t now_ns)
{
	conversation->ref_ns = now_ns > conversation->ref_ns ? now_ns : conversation->ref_ns + 1;
	snprintf(ref, 32, "%" PRId64, conversation->ref_ns);
}

int dmonitor_conversation_say(struct dmonitor_conversation *conversation,
                              struct dmonitor_request *request, int64_t now_ns)
{
	struct dmonitor_said *said = calloc(1, sizeof(*said));
	char ref[32] = "";

	if (said == NULL)
		return ENOMEM;
	request->session = conversation->session;
	if (is_sequenced(request)) {
		request->seq = conversation->seq + 1;
	} else {
		write_ref(conversation, ref, now_ns);
		request->ref = ref;
	}
	said->text = dmonitor_request_encode(request);
	request->ref = NULL;
	if (said->text == NULL) {
		free(said);
		return ENOMEM;
	}
	said->seq = request->seq;
	said->due = true;
	LL_APPEND(conversation->said, said);
	if (request->seq != 0)
		conversation->seq = request->seq;
	if (request->unanswered)
		return 0;
	conversation->awaited_seq = request->seq;
	strcpy(conversation->awaited_ref, ref);
	conversation->answered = false;
	return 0;
}

/* A beat that is not answered may be lost: the next comes soon. */
static int64_t next_beat_ns(const struct dmonitor_conversation *conversation)
{
	if (conversation->beat_sent_ns > conversation->confirmed_ns)
		return conversation->beat_sent_ns + conversation->lease_ns / 12;
	return conversation->confirmed_ns + conversation->lease_ns / 3;
}

/* One that is made for once: what it says is true only now. */
static const char *make(struct dmonitor_conversation *conversation, enum dmonitor_action action,
                        int64_t now_ns)
{
	struct dmonitor_request request = { .action = action,
		                            .cancel_seq = conversation->cancel_seq,
		                            .lease_ms = conversation->wanted_lease_ms,
		                            .protocol = DMONITOR_PROTOCOL,
		                            .process_id = conversation->process_id,
		                            .timeout_ms = -1 };
	char ref[32];

	write_ref(conversation, ref, now_ns);
	request.ref = ref;
	if (conversation_welcomed(conversation))
		request.session = conversation->session;
	if (request.session != NULL && action == DMONITOR_ACTION_HELLO)
		request.attempt = conversation->links;
	if (action != DMONITOR_ACTION_HELLO)
		request.process_id = NULL;
	else if (conversation->label[0] != '\0')
		request.label = conversation->label;
	conversation->made = dmonitor_request_encode(&request);
	conversation->sending_action = action;
	return conversation->made;
}

/* The EXIT of an ENTER that was granted when nobody waited for it any more. Without memory it is
 * tried again at the next look. */
static void exit_given_up(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	struct dmonitor_request request = { .action = DMONITOR_ACTION_EXIT,
		                            .unanswered = true,
		                            .abandoned = conversation->was_abandoned,
		                            .monitor_name = conversation->given_up_name,
		                            .timeout_ms = -1 };

	conversation->wants_exit = dmonitor_conversation_say(conversation, &request, now_ns) != 0;
}

const char *dmonitor_conversation_next(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	struct dmonitor_said *said;

	forget_made(conversation);
	if (conversation->lost || conversation->refused || conversation->linked == DMONITOR_APART)
		return NULL;
	if (conversation->linked == DMONITOR_GREETING)
		return conversation->hello_sent_ns != 0
		           ? NULL
		           : make(conversation, DMONITOR_ACTION_HELLO, now_ns);
	if (conversation->wants_exit)
		exit_given_up(conversation, now_ns);
	LL_SEARCH_SCALAR(conversation->said, said, due, true);
	if (said != NULL) {
		conversation->sending = said;
		return said->text;
	}
	if (conversation->cancel_due)
		return make(conversation, DMONITOR_ACTION_CANCEL, now_ns);
	if (now_ns >= next_beat_ns(conversation))
		return make(conversation, DMONITOR_ACTION_BEAT, now_ns);
	return NULL;
}

void dmonitor_conversation_sent(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	struct dmonitor_said *said = conversation->sending;

	if (said != NULL) {
		said->due = false;
		said->last_sent_ns = now_ns;
		if (said->first_sent_ns == 0)
			said->first_sent_ns = now_ns;
	} else if (conversation->sending_action == DMONITOR_ACTION_HELLO) {
		conversation->hello_sent_ns = now_ns;
	} else if (conversation->sending_action == DMONITOR_ACTION_CANCEL) {
		conversation->cancel_due = false;
		conversation->cancel_sent_ns = now_ns;
	} else {
		conversation->beat_sent_ns = now_ns;
	}
	forget_made(conversation);
}

/* ----- Ending early ----- */

void dmonitor_conversation_cancel(struct dmonitor_conversation *conversation)
{
	conversation->cancel_seq = conversation->awaited_seq;
	conversation->cancel_due = true;
}

void dmonitor_conversation_give_up(struct dmonitor_conversation *conversation, const char *name)
{
	dmonitor_conversation_cancel(conversation);
	conversation->given_up_seq = conversation->awaited_seq;
	conversation->awaited_seq = 0;
	strcpy(conversation->given_up_name, name);
}

bool dmonitor_conversation_settled(const struct dmonitor_conversation *conversation)
{
	return conversation->given_up_seq == 0 && !conversation->wants_exit;
}

/* ----- The lease ----- */

/* The server counts the lease from when it received, we from when we sent; 2 % are for clocks that
 * do not run alike. So we stop believing before the server stops. */
static int64_t lost_at_ns(const struct dmonitor_conversation *conversation)
{
	return conversation_welcomed(conversation)
	           ? conversation->confirmed_ns + conversation->lease_ns -
	                 conversation->lease_ns / 50
	           : INT64_MAX;
}

bool dmonitor_conversation_lost(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	if (now_ns >= lost_at_ns(conversation))
		conversation->lost = true;
	return conversation->lost;
}

bool dmonitor_conversation_claims(struct dmonitor_conversation *conversation, int64_t now_ns)
{
	return conversation->linked == DMONITOR_LINKED &&
	       !dmonitor_conversation_lost(conversation, now_ns);
}

int64_t dmonitor_conversation_deadline_ns(const struct dmonitor_conversation *conversation)
{
	const int64_t turn = conversation->linked == DMONITOR_LINKED ? next_beat_ns(conversation)
	                                                             : conversation->turn_ns;
	const int64_t lost = lost_at_ns(conversation);

	return turn < lost ? turn : lost;
}
