/*
 * core_actions.c: what each request does to a monitor, by the state table of DESIGN.md.
 *
 * A client that said HELLO and one that only polls go through the same actions; they differ in that
 * the former is answered when there is an outcome.
 */
#include "core_internal.h"

#include <errno.h>
#include <string.h>

/* Tell of an ownership, also when asked again later. */
static void tell_grant(struct dmonitor_reply *reply, const struct place *place)
{
	reply->token = place->token;
	reply->abandoned = place->abandoned;
}

static void tell_wait_end(struct dmonitor_reply *reply, const struct place *place)
{
	reply->timed_out = place->timed_out;
	reply->cancelled = place->cancelled;
}

static bool polls(const struct session *session)
{
	return session->secret[0] == '\0';
}

static int enter_anew(struct dmonitor_core *core, struct session *session,
                      const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	struct place *place;
	const int result = place_make(core, session, request->monitor_name, &place);

	if (result == ENOSPC)
		reply_limit(core, reply, request);
	if (result != 0)
		return result == ENOSPC ? 0 : result;
	session->pending = polls(session) ? NULL : place;
	if (place->monitor->owner == NULL) {
		place_take(core, place);
		reply->status = polls(session) ? DMONITOR_STATUS_GRANTED : DMONITOR_STATUS_NONE;
		tell_grant(reply, place);
		return 0;
	}
	place_queue(core, place, request->timeout_ms);
	reply->status = polls(session) ? DMONITOR_STATUS_QUEUED : DMONITOR_STATUS_NONE;
	if (request->timeout_ms == 0) {
		reply->status = polls(session) ? DMONITOR_STATUS_TIMEOUT : DMONITOR_STATUS_NONE;
		place_give_up(core, place, DMONITOR_STATUS_TIMEOUT);
	}
	return 0;
}

static int do_enter(struct dmonitor_core *core, struct session *session,
                    const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	const struct place *place = place_find(session, request->monitor_name);

	switch (place == NULL ? PLACE_OUT : place->state) {
	case PLACE_IN_LINE:
		reply->status = DMONITOR_STATUS_QUEUED;
		return 0;
	case PLACE_INSIDE:
		reply_refuse(reply, request, DMONITOR_CODE_ALREADY_INSIDE);
		return 0;
	case PLACE_WAITING:
	case PLACE_AWAKENED:
		reply_refuse(reply, request, DMONITOR_CODE_WAITING);
		return 0;
	default:
		return enter_anew(core, session, request, reply);
	}
}

/* The place of ${session} inside; NULL, and the error in ${reply}, where it is not. */
static struct place *inside(const struct session *session, const struct dmonitor_request *request,
                            struct dmonitor_reply *reply)
{
	struct place *place = place_find(session, request->monitor_name);

	if (place != NULL && place->state == PLACE_INSIDE)
		return place;
	reply_refuse(reply, request, DMONITOR_CODE_NOT_OWNER);
	return NULL;
}

/* The signals and broadcasts that ride on an EXIT or a WAIT. */
static void do_riders(struct dmonitor_core *core, struct monitor *monitor,
                      const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	for (size_t i = 0; i < request->signal.count; i++)
		reply->woken_processes += monitor_signal(core, monitor, request->signal.names[i]);
	for (size_t i = 0; i < request->broadcast.count; i++)
		reply->woken_processes +=
		    monitor_broadcast(core, monitor, request->broadcast.names[i]);
	reply->tells_woken = request->signal.count + request->broadcast.count > 0;
}

static int do_exit(struct dmonitor_core *core, struct session *session,
                   const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	struct place *place = inside(session, request, reply);

	if (place == NULL)
		return 0;
	do_riders(core, place->monitor, request, reply);
	place->monitor->abandoned = place->abandoned && request->abandoned;
	strcpy(reply->next_granted_to, place_release(core, place));
	reply->tells_next = true;
	reply->status = DMONITOR_STATUS_SUCCESS;
	return 0;
}

static int do_wait(struct dmonitor_core *core, struct session *session,
                   const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	struct place *place = inside(session, request, reply);
	struct condition *condition;
	int result;

	if (place == NULL)
		return 0;
	result = place_wait_prepare(core, place, request->condition_name, &condition);
	if (result == ENOSPC)
		reply_limit(core, reply, request);
	if (result != 0)
		return result == ENOSPC ? 0 : result;
	do_riders(core, place->monitor, request, reply);
	if (polls(session))
		reply->status = DMONITOR_STATUS_WAITING_ON_CONDITION;
	else
		session->pending = place;
	place->woken_processes = reply->woken_processes;
	place->tells_woken = reply->tells_woken;
	place_wait(core, place, condition, request->timeout_ms);
	return 0;
}

static int do_signal(struct dmonitor_core *core, struct session *session,
                     const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	const struct place *place = inside(session, request, reply);

	if (place == NULL)
		return 0;
	reply->woken_processes =
	    request->action == DMONITOR_ACTION_SIGNAL
	        ? monitor_signal(core, place->monitor, request->condition_name)
	        : monitor_broadcast(core, place->monitor, request->condition_name);
	reply->tells_woken = true;
	reply->status = DMONITOR_STATUS_SUCCESS;
	return 0;
}

static int do_check_grant(struct dmonitor_core *core, struct session *session,
                          const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	const struct place *place = place_find(session, request->monitor_name);

	(void)core;
	if (place == NULL) {
		reply_refuse(reply, request, DMONITOR_CODE_NOT_WAITING);
	} else if (place->state == PLACE_OUT) {
		reply->status = place->outcome;
	} else if (place->state == PLACE_INSIDE) {
		reply->status = DMONITOR_STATUS_GRANTED;
		tell_grant(reply, place);
	} else {
		reply->status = DMONITOR_STATUS_QUEUED;
	}
	return 0;
}

static int do_check_awakened(struct dmonitor_core *core, struct session *session,
                             const struct dmonitor_request *request, struct dmonitor_reply *reply)
{
	const struct place *place = place_find(session, request->monitor_name);

	(void)core;
	if (place == NULL || place->state == PLACE_OUT ||
	    (place->condition_name[0] != '\0' &&
	     strcmp(place->condition_name, request->condition_name) != 0)) {
		reply_refuse(reply, request, DMONITOR_CODE_NOT_WAITING);
		return 0;
	}
	tell_wait_end(reply, place);
	if (place->state == PLACE_WAITING) {
		reply->status = DMONITOR_STATUS_STILL_WAITING_ON_CONDITION;
	} else if (place->state == PLACE_INSIDE) {
		reply->status = DMONITOR_STATUS_GRANTED_AFTER_WAIT;
		tell_grant(reply, place);
	} else {
		reply->status = DMONITOR_STATUS_QUEUED_AFTER_SIGNAL;
	}
	return 0;
}

action_function *const action_functions[DMONITOR_ACTION_COUNT] = {
	[DMONITOR_ACTION_ENTER] = do_enter,
	[DMONITOR_ACTION_EXIT] = do_exit,
	[DMONITOR_ACTION_WAIT] = do_wait,
	[DMONITOR_ACTION_SIGNAL] = do_signal,
	[DMONITOR_ACTION_BROADCAST] = do_signal,
	[DMONITOR_ACTION_CHECK_GRANT] = do_check_grant,
	[DMONITOR_ACTION_CHECK_AWAKENED] = do_check_awakened,
};

void action_cancel(struct dmonitor_core *core, const struct dmonitor_event *event,
                   struct place *place)
{
	const enum place_state state = place == NULL ? PLACE_OUT : place->state;
	struct dmonitor_reply reply = reply_to(event->request, DMONITOR_STATUS_CANCELLED);

	if (state == PLACE_OUT)
		reply_refuse(&reply, event->request, DMONITOR_CODE_NOT_WAITING);
	else if (state == PLACE_INSIDE || state == PLACE_AWAKENED)
		reply.status = DMONITOR_STATUS_TOO_LATE;
	core_emit(core, event->peer, &reply);
	if (state == PLACE_IN_LINE) {
		place_give_up(core, place, DMONITOR_STATUS_CANCELLED);
	} else if (state == PLACE_WAITING) {
		place->cancelled = true;
		place_awaken(core, place);
	}
}

void action_cancel_of_session(struct dmonitor_core *core, const struct dmonitor_event *event,
                              const struct session *session)
{
	const struct dmonitor_request *request = event->request;
	struct dmonitor_reply reply = reply_to(request, DMONITOR_STATUS_TOO_LATE);
	const bool last = request->cancel_seq == session->seq;

	if (last && session->pending != NULL) {
		action_cancel(core, event, session->pending);
		return;
	}
	if (!last || (session->reply.status != DMONITOR_STATUS_GRANTED &&
	              session->reply.status != DMONITOR_STATUS_GRANTED_AFTER_WAIT))
		reply_refuse(&reply, request, DMONITOR_CODE_NOT_WAITING);
	core_emit(core, event->peer, &reply);
}

void action_check(struct dmonitor_core *core, const struct dmonitor_event *event,
                  const struct session *session)
{
	const struct dmonitor_request *request = event->request;
	struct dmonitor_reply reply = reply_to(request, DMONITOR_STATUS_OWNER);
	const struct monitor *monitor;

	HASH_FIND_STR(core->monitors, request->monitor_name, monitor);
	if (monitor == NULL || monitor->owner == NULL ||
	    (session != NULL && monitor->owner->session != session))
		reply_refuse(&reply, request, DMONITOR_CODE_NOT_OWNER);
	else if (monitor->owner->token != request->token)
		reply_refuse(&reply, request, DMONITOR_CODE_STALE_TOKEN);
	core_emit(core, event->peer, &reply);
}
