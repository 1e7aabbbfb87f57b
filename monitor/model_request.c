/*
 * model_request.c: what a message does in the model: whose it is, sessions and their sequence, and
 * what concerns no monitor, as PROTOCOL.md has it.
 */
#include "model_internal.h"

#include <stdio.h>
#include <string.h>

static void refuse(struct dmonitor_model *model, const struct dmonitor_event *event,
                   enum dmonitor_code code)
{
	struct dmonitor_reply reply = model_refusal_of(model, event->request, code);

	if (code == DMONITOR_CODE_BAD_PROTOCOL)
		reply.protocol = DMONITOR_PROTOCOL;
	model_say(model, event->peer, &reply);
}

static void say_status(struct dmonitor_model *model, const struct dmonitor_event *event,
                       enum dmonitor_status status)
{
	const struct dmonitor_reply reply = model_reply_to(event->request, status);

	model_say(model, event->peer, &reply);
}

static void welcome(struct dmonitor_model *model, const struct dmonitor_event *event,
                    struct model_client *client, bool resumed)
{
	struct dmonitor_reply reply = model_reply_to(event->request, DMONITOR_STATUS_WELCOME);

	if (client->peer != event->peer)
		model_attach(model, client, event->peer);
	model_renew(model, client);
	strcpy(reply.session, client->session);
	strcpy(reply.server, model->server);
	reply.protocol = DMONITOR_PROTOCOL;
	reply.lease_ms = client->lease_ms;
	reply.resumed = resumed;
	reply.last_seq = resumed ? client->last_seq : 0;
	reply.limits = model->options.limits;
	model_say(model, event->peer, &reply);
}

static void set_lease(const struct dmonitor_model *model, struct model_client *client,
                      int64_t wanted_ms)
{
	const int64_t lease_ms = wanted_ms == 0 ? model->options.lease_ms : wanted_ms;

	client->lease_ms = lease_ms < 200 ? 200 : lease_ms > 3600000 ? 3600000 : lease_ms;
}

/* Whether one more client may begin on ${peer}. */
static bool may_begin(struct dmonitor_model *model, dmonitor_peer peer)
{
	const int64_t limit = model->options.limits.sessions;

	if ((int64_t)model->client_count < limit)
		return model_has_room(model, peer);
	model_note_limit(model, limit, "sessions");
	return false;
}

static void begin_session(struct dmonitor_model *model, const struct dmonitor_event *event)
{
	const struct dmonitor_request *request = event->request;
	struct model_client *client;

	if (!may_begin(model, event->peer)) {
		refuse(model, event, DMONITOR_CODE_LIMIT);
		return;
	}
	client = model_client_new(model, request->process_id);
	if (client == NULL)
		return;
	if (request->label != NULL)
		strcpy(client->label, request->label);
	for (size_t i = 0; i < sizeof(event->random); i++)
		snprintf(client->session + 2 * i, 3, "%02x", event->random[i]);
	set_lease(model, client, request->lease_ms);
	welcome(model, event, client, false);
}

static void resume(struct dmonitor_model *model, const struct dmonitor_event *event)
{
	struct model_client *client = model_client_by_session(model, event->request->session);

	if (client == NULL || strcmp(client->id, event->request->process_id) != 0) {
		refuse(model, event, DMONITOR_CODE_SESSION_LOST);
		return;
	}
	if (client->attempt > event->request->attempt) {
		refuse(model, event, DMONITOR_CODE_ID_IN_USE);
		return;
	}
	if (client->peer != event->peer && !model_has_room(model, event->peer)) {
		refuse(model, event, DMONITOR_CODE_LIMIT);
		return;
	}
	client = model_client_by_session(model, event->request->session);
	client->attempt = event->request->attempt;
	welcome(model, event, client, true);
}

/* An answer in the session's sequence; `reply: false` is answered only where it is refused, and
 * that is told once more. */
static void answer(struct dmonitor_model *model, struct model_client *client,
                   const struct dmonitor_request *request, const struct dmonitor_reply *reply)
{
	if (request->unanswered && reply->code == DMONITOR_CODE_NONE) {
		client->pending = false;
		return;
	}
	model_answer(model, client, reply);
	if (request->unanswered) {
		client->failed_seq = request->seq;
		client->failed_code = reply->code;
	}
}

static void obey(struct dmonitor_model *model, struct model_client *client,
                 const struct dmonitor_request *request)
{
	const uint64_t number = client->number;
	enum dmonitor_code code = request->error;
	struct dmonitor_reply reply;

	client->last_seq = request->seq;
	client->last_digest = request->digest;
	client->last_action = request->action;
	client->answer.status = DMONITOR_STATUS_NONE;
	if (code == DMONITOR_CODE_NONE)
		code = model_fault_of(model, number, request);
	if (code != DMONITOR_CODE_NONE) {
		reply = model_refusal_of(model, request, code);
		answer(model, client, request, &reply);
		return;
	}
	client->pending = true;
	if (request->action == DMONITOR_ACTION_ENTER) {
		model_enter(model, number, request->monitor_name, request->timeout_ms);
		return;
	}
	reply = model_act_as_owner(model, number, request);
	if (request->action != DMONITOR_ACTION_WAIT)
		answer(model, client, request, &reply);
}

static void sequenced(struct dmonitor_model *model, const struct dmonitor_event *event,
                      struct model_client *client)
{
	const struct dmonitor_request *request = event->request;

	if (request->seq < client->last_seq)
		model->ignored++;
	else if (request->seq == client->last_seq && request->digest != client->last_digest)
		refuse(model, event, DMONITOR_CODE_SEQ_REUSED);
	else if (request->seq == client->last_seq && client->pending)
		return; /* the outcome will be told */
	else if (request->seq == client->last_seq && client->answer.status == DMONITOR_STATUS_NONE)
		return; /* a `reply: false` that was obeyed */
	else if (request->seq == client->last_seq)
		model_say(model, event->peer, &client->answer);
	else if (client->pending)
		refuse(model, event, DMONITOR_CODE_BUSY);
	else if (request->seq > client->last_seq + 1)
		refuse(model, event, DMONITOR_CODE_SEQ_GAP);
	else
		obey(model, client, request);
}

static struct model_place *pending_place(struct dmonitor_model *model,
                                         const struct model_client *client)
{
	for (size_t i = 0; i < model->place_count; i++)
		if (model->places[i].client == client->number &&
		    model->places[i].state != MODEL_INSIDE && model->places[i].state != MODEL_OUT)
			return &model->places[i];
	return NULL;
}

static void cancel(struct dmonitor_model *model, const struct dmonitor_event *event,
                   struct model_client *client)
{
	struct model_place *place = client->pending ? pending_place(model, client) : NULL;
	const enum dmonitor_status last = client->answer.status;

	if (event->request->cancel_seq != client->last_seq) {
		refuse(model, event, DMONITOR_CODE_NOT_WAITING);
	} else if (place == NULL) {
		if (last == DMONITOR_STATUS_GRANTED || last == DMONITOR_STATUS_GRANTED_AFTER_WAIT)
			say_status(model, event, DMONITOR_STATUS_TOO_LATE);
		else
			refuse(model, event, DMONITOR_CODE_NOT_WAITING);
	} else if (place->state == MODEL_AWAKENED) {
		say_status(model, event, DMONITOR_STATUS_TOO_LATE);
	} else {
		say_status(model, event, DMONITOR_STATUS_CANCELLED);
		if (place->state == MODEL_IN_LINE) {
			model_give_up(model, place, DMONITOR_STATUS_CANCELLED);
		} else {
			place->cancelled = true;
			model_awaken(model, place);
		}
	}
}

static void beat(struct dmonitor_model *model, const struct dmonitor_event *event,
                 const struct model_client *client)
{
	struct dmonitor_reply reply = model_reply_to(event->request, DMONITOR_STATUS_ALIVE);

	reply.last_seq = client->last_seq;
	reply.pending = client->pending;
	model_say(model, event->peer, &reply);
}

/* CHECK, of a session or of anybody: ${client} may be NULL. */
static void check(struct dmonitor_model *model, const struct dmonitor_event *event,
                  const struct model_client *client)
{
	const struct model_place *owner = model_owner(model, event->request->monitor_name);

	if (owner == NULL || (client != NULL && owner->client != client->number))
		refuse(model, event, DMONITOR_CODE_NOT_OWNER);
	else if (owner->token != event->request->token)
		refuse(model, event, DMONITOR_CODE_STALE_TOKEN);
	else
		say_status(model, event, DMONITOR_STATUS_OWNER);
}

/* A message with `session`, which must be of this connection; any renews the lease. */
static void of_session(struct dmonitor_model *model, const struct dmonitor_event *event)
{
	const struct dmonitor_request *request = event->request;
	struct model_client *client = model_client_by_session(model, request->session);

	if (client == NULL || client->peer != event->peer ||
	    (request->process_id != NULL && strcmp(request->process_id, client->id) != 0)) {
		refuse(model, event, DMONITOR_CODE_SESSION_LOST);
		return;
	}
	model_renew(model, client);
	if (request->seq != 0) {
		sequenced(model, event, client);
		return;
	}
	if (request->error != DMONITOR_CODE_NONE) {
		refuse(model, event, request->error);
		return;
	}
	switch (request->action) {
	case DMONITOR_ACTION_CANCEL:
		cancel(model, event, client);
		break;
	case DMONITOR_ACTION_BEAT:
		beat(model, event, client);
		break;
	case DMONITOR_ACTION_CHECK:
		check(model, event, client);
		break;
	default:
		model->counts.ended_goodbye++;
		say_status(model, event, DMONITOR_STATUS_BYE);
		model_end(model, client->number, false);
	}
}

/* A message whose id is another's waits for that one's end, once, and once on a connection. */
static void meet_owner(struct dmonitor_model *model, const struct dmonitor_event *event,
                       const struct model_client *owner, bool was_held)
{
	for (size_t i = 0; i < model->held_count; i++)
		if (model->held[i].event.peer == event->peer) {
			refuse(model, event, DMONITOR_CODE_ID_IN_USE);
			return;
		}
	if (was_held && owner->peer != 0) {
		refuse(model, event, DMONITOR_CODE_ID_IN_USE);
		return;
	}
	model_hold(model, event);
	/* One that is on probation is seen to its end. */
	if (was_held && model->held_count > 0)
		model->held[model->held_count - 1].timer.due_ns = owner->life.due_ns;
}

static void hello(struct dmonitor_model *model, const struct dmonitor_event *event, bool was_held)
{
	const struct model_client *owner = model_client_by_id(model, event->request->process_id);

	if (event->request->protocol != DMONITOR_PROTOCOL) {
		refuse(model, event, DMONITOR_CODE_BAD_PROTOCOL);
		return;
	}
	if (event->request->session != NULL) {
		resume(model, event);
		return;
	}
	/* Who polled on this connection, and is at no monitor, may go over to a session. */
	if (owner != NULL && owner->session[0] == '\0' && owner->peer == event->peer &&
	    model_forget_idle(model, owner->number))
		owner = NULL;
	if (owner != NULL)
		meet_owner(model, event, owner, was_held);
	else
		begin_session(model, event);
}

static void miss_session(struct dmonitor_model *model, const struct dmonitor_event *event)
{
	struct dmonitor_reply reply =
	    model_refusal_of(model, event->request, DMONITOR_CODE_MISSING_FIELD);

	snprintf(reply.message, sizeof(reply.message),
	         "Missing session: this process_id has said HELLO");
	model_say(model, event->peer, &reply);
}

static void of_id(struct dmonitor_model *model, const struct dmonitor_event *event, bool was_held)
{
	struct model_client *client = model_client_by_id(model, event->request->process_id);

	if (client != NULL && client->session[0] != '\0' && client->peer == event->peer) {
		miss_session(model, event);
		return;
	}
	if (client != NULL &&
	    (client->session[0] != '\0' || (client->peer != 0 && client->peer != event->peer))) {
		meet_owner(model, event, client, was_held);
		return;
	}
	if (client == NULL) {
		if (!may_begin(model, event->peer)) {
			refuse(model, event, DMONITOR_CODE_LIMIT);
			return;
		}
		client = model_client_new(model, event->request->process_id);
		if (client == NULL)
			return;
	}
	if (client->peer != event->peer) {
		if (!model_has_room(model, event->peer)) {
			refuse(model, event, DMONITOR_CODE_LIMIT);
			return;
		}
		client = model_client_by_id(model, event->request->process_id);
		model_attach(model, client, event->peer);
	}
	model_polling(model, event, client->number);
}

void model_message(struct dmonitor_model *model, const struct dmonitor_event *event, bool was_held)
{
	const struct dmonitor_request *request = event->request;
	struct dmonitor_reply reply;

	if (request->session != NULL && request->action != DMONITOR_ACTION_HELLO) {
		of_session(model, event);
		return;
	}
	if (request->error != DMONITOR_CODE_NONE) {
		refuse(model, event, request->error);
		return;
	}
	switch (request->action) {
	case DMONITOR_ACTION_HELLO:
		hello(model, event, was_held);
		break;
	case DMONITOR_ACTION_CHECK:
		check(model, event, NULL);
		break;
	case DMONITOR_ACTION_STATUS:
		reply = model_reply_to(request, DMONITOR_STATUS_OK);
		strcpy(reply.server, model->server);
		reply.report = model_report(model, request->monitor_name);
		model_say(model, event->peer, &reply);
		break;
	case DMONITOR_ACTION_STOP_SERVER:
		model->expected.stop = event->local || model->options.allow_stop;
		if (model->expected.stop)
			say_status(model, event, DMONITOR_STATUS_STOPPING);
		else
			refuse(model, event, DMONITOR_CODE_FORBIDDEN);
		break;
	default:
		of_id(model, event, was_held);
	}
}
