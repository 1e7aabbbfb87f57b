/*
 * model_actions.c: what a client's request does at a monitor, by the state table of PROTOCOL.md;
 * for polling clients also how that is answered, at once and always.
 */
#include "model_internal.h"

#include <stdio.h>
#include <string.h>

/* What every reply to ${request} repeats of it. */
struct dmonitor_reply model_reply_to(const struct dmonitor_request *request,
                                     enum dmonitor_status status)
{
	struct dmonitor_reply reply = { .status = status,
		                        .seq = request->seq,
		                        .cancel_seq = request->cancel_seq };

	if (request->monitor_name != NULL)
		strcpy(reply.monitor_name, request->monitor_name);
	if (request->condition_name != NULL)
		strcpy(reply.condition_name, request->condition_name);
	if (request->ref != NULL)
		strcpy(reply.ref, request->ref);
	return reply;
}

struct dmonitor_reply model_refusal_of(const struct dmonitor_model *model,
                                       const struct dmonitor_request *request,
                                       enum dmonitor_code code)
{
	struct dmonitor_reply reply = model_reply_to(request, DMONITOR_STATUS_ERROR);

	reply.code = code;
	snprintf(reply.message, sizeof(reply.message), "%s",
	         code == request->error ? request->error_text : dmonitor_code_sentence(code));
	if (code == DMONITOR_CODE_LIMIT && request->error != code)
		snprintf(reply.message, sizeof(reply.message),
		         "A limit of the server is reached: %lld %s", (long long)model->limit,
		         model->limit_of);
	return reply;
}

/* The signals that an EXIT or WAIT carries, which come before anything else it does. */
static void give_riders(struct dmonitor_model *model, const struct dmonitor_request *request,
                        struct dmonitor_reply *reply)
{
	reply->tells_woken = request->signal.count + request->broadcast.count > 0;
	for (size_t i = 0; i < request->signal.count; i++)
		reply->woken_processes +=
		    model_signal(model, request->monitor_name, request->signal.names[i], false);
	for (size_t i = 0; i < request->broadcast.count; i++)
		reply->woken_processes +=
		    model_signal(model, request->monitor_name, request->broadcast.names[i], true);
}

static void tell_next(struct dmonitor_model *model, const char *name, struct dmonitor_reply *reply)
{
	const struct model_place *owner = model_owner(model, name);

	reply->tells_next = true;
	if (owner != NULL)
		strcpy(reply->next_granted_to, model_client(model, owner->client)->id);
}

/* EXIT, SIGNAL and BROADCAST of an owner; WAIT of one, whose reply a session does not get. */
struct dmonitor_reply model_act_as_owner(struct dmonitor_model *model, uint64_t client,
                                         const struct dmonitor_request *request)
{
	struct dmonitor_reply reply = model_reply_to(request, DMONITOR_STATUS_SUCCESS);
	const bool all = request->action == DMONITOR_ACTION_BROADCAST;

	switch (request->action) {
	case DMONITOR_ACTION_EXIT:
		give_riders(model, request, &reply);
		model_monitor(model, request->monitor_name)->owes_abandoned =
		    request->abandoned &&
		    model_place(model, client, request->monitor_name)->abandoned;
		model_release(model, client, request->monitor_name);
		tell_next(model, request->monitor_name, &reply);
		break;
	case DMONITOR_ACTION_WAIT:
		reply.status = DMONITOR_STATUS_WAITING_ON_CONDITION;
		give_riders(model, request, &reply);
		model_wait(model, client, request->monitor_name, request->condition_name, &reply,
		           request->timeout_ms);
		break;
	default:
		reply.tells_woken = true;
		reply.woken_processes =
		    model_signal(model, request->monitor_name, request->condition_name, all);
	}
	return reply;
}

/* Why ENTER, EXIT, WAIT, SIGNAL or BROADCAST cannot be; NONE: it can. */
enum dmonitor_code model_fault_of(struct dmonitor_model *model, uint64_t client,
                                  const struct dmonitor_request *request)
{
	const struct model_place *place = model_place(model, client, request->monitor_name);
	const enum model_state state = place == NULL ? MODEL_OUT : place->state;

	if (request->action != DMONITOR_ACTION_ENTER) {
		if (state != MODEL_INSIDE)
			return DMONITOR_CODE_NOT_OWNER;
		if (request->action == DMONITOR_ACTION_WAIT &&
		    model_condition_at_limit(model, request->monitor_name, request->condition_name))
			return DMONITOR_CODE_LIMIT;
		return DMONITOR_CODE_NONE;
	}
	if (state == MODEL_INSIDE)
		return DMONITOR_CODE_ALREADY_INSIDE;
	if (state == MODEL_WAITING || state == MODEL_AWAKENED)
		return DMONITOR_CODE_WAITING;
	if (state == MODEL_OUT && model_at_limit(model, client, request->monitor_name))
		return DMONITOR_CODE_LIMIT;
	return DMONITOR_CODE_NONE;
}

/* Polling. Every request is answered at once. */

static struct dmonitor_reply check_grant(const struct dmonitor_model *model,
                                         const struct dmonitor_request *request,
                                         const struct model_place *place)
{
	struct dmonitor_reply reply = model_reply_to(request, DMONITOR_STATUS_QUEUED);

	if (place == NULL)
		return model_refusal_of(model, request, DMONITOR_CODE_NOT_WAITING);
	if (place->state == MODEL_OUT)
		reply.status = place->outcome;
	if (place->state == MODEL_INSIDE) {
		reply.status = DMONITOR_STATUS_GRANTED;
		reply.token = place->token;
		reply.abandoned = place->abandoned;
	}
	return reply;
}

static struct dmonitor_reply check_awakened(const struct dmonitor_model *model,
                                            const struct dmonitor_request *request,
                                            const struct model_place *place)
{
	struct dmonitor_reply reply = model_reply_to(request, DMONITOR_STATUS_QUEUED_AFTER_SIGNAL);

	if (place == NULL || place->state == MODEL_OUT ||
	    (place->waited && strcmp(place->condition, request->condition_name) != 0))
		return model_refusal_of(model, request, DMONITOR_CODE_NOT_WAITING);
	if (place->state == MODEL_WAITING)
		return model_reply_to(request, DMONITOR_STATUS_STILL_WAITING_ON_CONDITION);
	reply.timed_out = place->timed_out;
	reply.cancelled = place->cancelled;
	if (place->state == MODEL_INSIDE) {
		reply.status = DMONITOR_STATUS_GRANTED_AFTER_WAIT;
		reply.token = place->token;
		reply.abandoned = place->abandoned;
	}
	return reply;
}

static struct dmonitor_reply cancel_polling(struct dmonitor_model *model,
                                            const struct dmonitor_request *request,
                                            struct model_place *place)
{
	if (place == NULL || place->state == MODEL_OUT)
		return model_refusal_of(model, request, DMONITOR_CODE_NOT_WAITING);
	if (place->state == MODEL_INSIDE || place->state == MODEL_AWAKENED)
		return model_reply_to(request, DMONITOR_STATUS_TOO_LATE);
	if (place->state == MODEL_IN_LINE) {
		model_give_up(model, place, DMONITOR_STATUS_CANCELLED);
	} else {
		place->cancelled = true;
		model_awaken(model, place);
	}
	return model_reply_to(request, DMONITOR_STATUS_CANCELLED);
}

static struct dmonitor_reply enter_polling(struct dmonitor_model *model, uint64_t client,
                                           const struct dmonitor_request *request)
{
	const struct model_place *place = model_place(model, client, request->monitor_name);
	struct dmonitor_reply reply;

	if (place != NULL && place->state == MODEL_IN_LINE)
		return model_reply_to(request, DMONITOR_STATUS_QUEUED);
	reply = model_reply_to(
	    request, model_enter(model, client, request->monitor_name, request->timeout_ms));
	place = model_owner(model, request->monitor_name);
	if (reply.status == DMONITOR_STATUS_GRANTED) {
		reply.token = place->token;
		reply.abandoned = place->abandoned;
	}
	return reply;
}

void model_polling(struct dmonitor_model *model, const struct dmonitor_event *event,
                   uint64_t client)
{
	const struct dmonitor_request *request = event->request;
	struct model_place *place = model_place(model, client, request->monitor_name);
	struct dmonitor_reply reply;
	enum dmonitor_code code;

	switch (request->action) {
	case DMONITOR_ACTION_CHECK_GRANT:
		reply = check_grant(model, request, place);
		break;
	case DMONITOR_ACTION_CHECK_AWAKENED:
		reply = check_awakened(model, request, place);
		break;
	case DMONITOR_ACTION_CANCEL:
		reply = cancel_polling(model, request, place);
		break;
	default:
		code = model_fault_of(model, client, request);
		reply = code != DMONITOR_CODE_NONE ? model_refusal_of(model, request, code)
		        : request->action == DMONITOR_ACTION_ENTER
		            ? enter_polling(model, client, request)
		            : model_act_as_owner(model, client, request);
	}
	model_say(model, event->peer, &reply);
}
