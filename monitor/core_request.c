/*
 * core_request.c: from a message to an action: whose it is, whether it is its turn, what is
 * answered. What actions do is in core_actions.c.
 */
#include "core_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dmonitor_reply reply_to(const struct dmonitor_request *request, enum dmonitor_status status)
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

struct dmonitor_reply reply_error(const struct dmonitor_request *request, enum dmonitor_code code)
{
	struct dmonitor_reply reply = reply_to(request, DMONITOR_STATUS_ERROR);

	reply.code = code;
	snprintf(reply.message, sizeof(reply.message), "%s",
	         code == request->error ? request->error_text : dmonitor_code_sentence(code));
	return reply;
}

void reply_refuse(struct dmonitor_reply *reply, const struct dmonitor_request *request,
                  enum dmonitor_code code)
{
	*reply = reply_error(request, code);
}

void reply_limit(const struct dmonitor_core *core, struct dmonitor_reply *reply,
                 const struct dmonitor_request *request)
{
	*reply = reply_error(request, DMONITOR_CODE_LIMIT);
	snprintf(reply->message, sizeof(reply->message),
	         "A limit of the server is reached: %" PRId64 " %s", core->limit_at,
	         core->limit_of);
}

/* Carry out the next request of the sequence. */
static int sequence_next(struct dmonitor_core *core, struct session *session,
                         const struct dmonitor_request *request)
{
	struct dmonitor_reply reply = reply_to(request, DMONITOR_STATUS_NONE);
	const int64_t seq_before = session->seq;
	int result = 0;

	/* The number is used before the action, whose answer, even if it comes at once, bears it.
	 */
	session->seq = request->seq;
	if (request->error != DMONITOR_CODE_NONE)
		reply_refuse(&reply, request, request->error);
	else
		result = action_functions[request->action](core, session, request, &reply);
	if (result != 0) {
		session->seq = seq_before;
		return result;
	}
	session->digest = request->digest;
	if (session->pending != NULL || session->reply.seq == request->seq)
		return 0;
	if (request->unanswered && reply.status == DMONITOR_STATUS_SUCCESS) {
		session->reply.status = DMONITOR_STATUS_NONE;
		return 0;
	}
	session_answer(core, session, &reply);
	if (request->unanswered) {
		session->failed_seq = request->seq;
		session->failed_code = reply.code;
	}
	return 0;
}

/* A request of ${session} with a number: the next one is obeyed, a repetition answered alike. */
static int sequence(struct dmonitor_core *core, struct session *session,
                    const struct dmonitor_event *event)
{
	const struct dmonitor_request *request = event->request;
	struct dmonitor_reply reply;

	if (request->seq < session->seq) {
		core->ignored++;
		return 0;
	}
	if (request->seq == session->seq && request->digest != session->digest)
		reply = reply_error(request, DMONITOR_CODE_SEQ_REUSED);
	else if (request->seq == session->seq && session->pending != NULL)
		return 0;
	else if (request->seq == session->seq)
		reply = session->reply;
	else if (session->pending != NULL)
		reply = reply_error(request, DMONITOR_CODE_BUSY);
	else if (request->seq > session->seq + 1)
		reply = reply_error(request, DMONITOR_CODE_SEQ_GAP);
	else
		return sequence_next(core, session, request);
	if (reply.status != DMONITOR_STATUS_NONE)
		core_emit(core, event->peer, &reply);
	return 0;
}

static int bye(struct dmonitor_core *core, const struct dmonitor_event *event,
               struct session *session)
{
	const struct dmonitor_reply reply = reply_to(event->request, DMONITOR_STATUS_BYE);

	if (core_reserve(core, session_replies(session)) != 0)
		return ENOMEM;
	core_emit(core, event->peer, &reply);
	session_end(core, session, false);
	return 0;
}

static void answer_plainly(struct dmonitor_core *core, const struct dmonitor_event *event,
                           enum dmonitor_status status)
{
	const struct dmonitor_reply reply = reply_to(event->request, status);

	core_emit(core, event->peer, &reply);
}

int request_refuse(struct dmonitor_core *core, const struct dmonitor_event *event,
                   enum dmonitor_code code)
{
	const struct dmonitor_reply reply = reply_error(event->request, code);

	core_emit(core, event->peer, &reply);
	return 0;
}

/* What the session has heard and said last, so that a client sees what was lost on the way. */
static void answer_beat(struct dmonitor_core *core, const struct dmonitor_event *event,
                        const struct session *session)
{
	struct dmonitor_reply reply = reply_to(event->request, DMONITOR_STATUS_ALIVE);

	reply.last_seq = session->seq;
	reply.pending = session->pending != NULL;
	core_emit(core, event->peer, &reply);
}

/* A request that names a session. */
static int obey_session(struct dmonitor_core *core, struct dmonitor_event *event)
{
	const struct dmonitor_request *request = event->request;
	struct session *session = session_of_secret(core, event);

	if (session == NULL || session->peer != event->peer ||
	    (request->process_id != NULL && strcmp(request->process_id, session->id) != 0))
		return request_refuse(core, event, DMONITOR_CODE_SESSION_LOST);
	session_renew(core, session);
	if (request->seq != 0)
		return sequence(core, session, event);
	if (request->error != DMONITOR_CODE_NONE)
		request_refuse(core, event, request->error);
	else if (request->action == DMONITOR_ACTION_BEAT)
		answer_beat(core, event, session);
	else if (request->action == DMONITOR_ACTION_CHECK)
		action_check(core, event, session);
	else if (request->action == DMONITOR_ACTION_CANCEL)
		action_cancel_of_session(core, event, session);
	else
		return bye(core, event, session);
	return 0;
}

/* A request of a client that polls. */
static int obey_polling(struct dmonitor_core *core, struct dmonitor_event *event)
{
	struct session *session;
	struct dmonitor_reply reply;
	int result = session_of_polling(core, event, &session);

	if (result != 0 || session == NULL)
		return result;
	if (event->request->action == DMONITOR_ACTION_CANCEL) {
		action_cancel(core, event, place_find(session, event->request->monitor_name));
		return 0;
	}
	reply = reply_to(event->request, DMONITOR_STATUS_NONE);
	result = action_functions[event->request->action](core, session, event->request, &reply);
	if (result == 0)
		core_emit(core, event->peer, &reply);
	return result;
}

static int obey_status(struct dmonitor_core *core, const struct dmonitor_event *event)
{
	struct dmonitor_reply reply = reply_to(event->request, DMONITOR_STATUS_OK);

	if (status_report(core, event->request->monitor_name, &reply.report) != 0)
		return ENOMEM;
	strcpy(reply.server, core->server);
	core_emit(core, event->peer, &reply);
	return 0;
}

static int obey_stop(struct dmonitor_core *core, const struct dmonitor_event *event)
{
	if (!event->local && !core->options.allow_stop)
		return request_refuse(core, event, DMONITOR_CODE_FORBIDDEN);
	core->outbox->stop = true;
	answer_plainly(core, event, DMONITOR_STATUS_STOPPING);
	return 0;
}

/* No request but BYE causes more than the answer to itself and to CANCEL, and one grant. */
enum { REPLIES_OF_A_REQUEST = 3 };

int request_obey(struct dmonitor_core *core, struct dmonitor_event *event)
{
	const struct dmonitor_request *request = event->request;

	if (core_reserve(core, REPLIES_OF_A_REQUEST) != 0)
		return ENOMEM;
	if (request->session != NULL && request->action != DMONITOR_ACTION_HELLO)
		return obey_session(core, event);
	if (request->error != DMONITOR_CODE_NONE)
		return request_refuse(core, event, request->error);
	switch (request->action) {
	case DMONITOR_ACTION_HELLO:
		return session_hello(core, event);
	case DMONITOR_ACTION_STATUS:
		return obey_status(core, event);
	case DMONITOR_ACTION_STOP_SERVER:
		return obey_stop(core, event);
	case DMONITOR_ACTION_CHECK:
		action_check(core, event, NULL);
		return 0;
	default:
		return obey_polling(core, event);
	}
}

int request_step(struct dmonitor_core *core, struct dmonitor_event *event)
{
	/* What the core takes it leaves empty, so the action must be read before. */
	const enum dmonitor_action action = event->request->action;
	const int result = request_obey(core, event);

	if (result == 0)
		core->received[action]++;
	return result;
}
