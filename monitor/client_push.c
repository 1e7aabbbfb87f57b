/*
 * client_push.c: a session that is told of outcomes: one request, one answer when there is one, no
 * traffic in between but beats.
 */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* How long after the caller's own deadline the server's word is still waited for. */
#define GRACE_MS 250

static int session_lost(dmonitor_session *session)
{
	session->conversation.lost = true;
	return ESTALE;
}

static bool lost(dmonitor_session *session)
{
	return dmonitor_conversation_lost(&session->conversation, dmonitor_clock_now_ns());
}

/* Send ${request} now. Without a connection to send it on, the session is over. */
static int send_request(dmonitor_session *session, struct dmonitor_request *request, int64_t now_ns)
{
	char *text = dmonitor_request_encode(request);
	int result;

	if (text == NULL)
		return ENOMEM;
	result = dmonitor_link_send(session->link, text, now_ns);
	free(text);
	if (result != 0)
		return session_lost(session);
	dmonitor_conversation_sent(&session->conversation, request, now_ns);
	return 0;
}

/* An exit that was sent unanswered has been refused: its monitor tells at its next call. */
static void note_failure(dmonitor_session *session, int64_t seq, enum dmonitor_code code)
{
	for (dmonitor *monitor = session->monitors; monitor != NULL; monitor = monitor->next)
		if (monitor->unconfirmed_seq == seq)
			monitor->exit_result = code == DMONITOR_CODE_LIMIT ? ENOSPC : EPERM;
}

static enum dmonitor_heard hear(dmonitor_session *session, const struct dmonitor_reply *reply)
{
	const enum dmonitor_heard heard = dmonitor_conversation_hear(&session->conversation, reply);

	if (reply->failed_seq != 0)
		note_failure(session, reply->failed_seq, reply->failed_code);
	if (heard == DMONITOR_HEARD_FAILURE)
		note_failure(session, reply->seq, reply->code);
	return heard;
}

static int say_what_is_due(dmonitor_session *session)
{
	const int64_t now_ns = dmonitor_clock_now_ns();
	struct dmonitor_request request;

	while (dmonitor_conversation_wants(&session->conversation, now_ns, &request)) {
		const int result = send_request(session, &request, now_ns);

		if (result != 0)
			return result;
	}
	return 0;
}

void dmonitor_push_attend(dmonitor_session *session)
{
	struct dmonitor_reply reply;

	while (!lost(session) && dmonitor_link_receive(session->link, 0, &reply) == 0)
		hear(session, &reply);
	say_what_is_due(session);
}

/* Hear the next reply, if one comes by ${due_ns}; beats meanwhile. 0 also where none came. */
static int hear_next(dmonitor_session *session, int64_t due_ns)
{
	const int64_t look_ns = dmonitor_conversation_deadline_ns(&session->conversation);
	struct dmonitor_reply reply;
	int result = say_what_is_due(session);

	if (result != 0)
		return result;
	result = dmonitor_link_receive(session->link, look_ns < due_ns ? look_ns : due_ns, &reply);
	if (result == 0)
		hear(session, &reply);
	/* An answer that could not be read will not come again. */
	if (lost(session) || result == EPROTO || result == ENOMEM)
		return session_lost(session);
	return result == EINTR ? EINTR : 0;
}

/* Ask the server to end the request that is awaited; its answer tells whether it could. */
static int cancel(dmonitor_session *session)
{
	struct dmonitor_request request = { .action = DMONITOR_ACTION_CANCEL,
		                            .cancel_seq = session->conversation.awaited_seq,
		                            .timeout_ms = -1 };
	const int64_t now_ns = dmonitor_clock_now_ns();

	dmonitor_conversation_address(&session->conversation, &request, now_ns);
	return send_request(session, &request, now_ns);
}

/* Await the answer until ${due_ns}, and then give ETIMEDOUT. An interruption that ${flags} allow
 * cancels the request once. */
static int await(dmonitor_session *session, int64_t due_ns, unsigned flags)
{
	bool cancelled = false;

	while (!session->conversation.answered) {
		int result = hear_next(session, due_ns);

		if (result == EINTR && (flags & DMONITOR_INTERRUPTIBLE) && !cancelled) {
			cancelled = true;
			result = session->conversation.answered ? 0 : cancel(session);
		}
		if (result != 0 && result != EINTR)
			return result;
		if (!session->conversation.answered && dmonitor_clock_now_ns() >= due_ns)
			return ETIMEDOUT;
	}
	return 0;
}

/* Send ${request} as this session's, once whatever was given up before is settled. */
static int begin(dmonitor_session *session, struct dmonitor_request *request)
{
	int64_t now_ns;
	int result = lost(session) ? session_lost(session) : say_what_is_due(session);

	while (result == 0 && !dmonitor_conversation_settled(&session->conversation)) {
		result = hear_next(session, INT64_MAX);
		if (result == EINTR)
			result = 0;
		if (result == 0)
			result = say_what_is_due(session);
	}
	if (result != 0)
		return result;
	now_ns = dmonitor_clock_now_ns();
	dmonitor_conversation_address(&session->conversation, request, now_ns);
	return send_request(session, request, now_ns);
}

/* Send ${request} and await its answer for as long as the session lives. */
static int ask(dmonitor_session *session, struct dmonitor_request *request, unsigned flags)
{
	const int result = begin(session, request);

	return result != 0 ? result : await(session, INT64_MAX, flags);
}

static struct dmonitor_request request_for(const dmonitor *monitor, enum dmonitor_action action)
{
	return (struct dmonitor_request){ .action = action,
		                          .monitor_name = monitor->name,
		                          .timeout_ms = -1 };
}

/* Take over what a grant says. */
static void granted(dmonitor *monitor)
{
	const struct dmonitor_reply *answer = &monitor->session->conversation.answer;

	monitor->token = answer->token;
	monitor->abandoned = answer->abandoned;
}

/* The errno value of the awaited answer, where it is not ${good}. */
static int result_of(dmonitor *monitor, enum dmonitor_status good)
{
	const struct dmonitor_reply *answer = &monitor->session->conversation.answer;

	if (answer->status == good)
		return 0;
	if (answer->status == DMONITOR_STATUS_ERROR)
		return dmonitor_refused(monitor->session, answer);
	return dmonitor_fail(monitor->session, EPROTO, "The server answered \"%s\" to %s",
	                     dmonitor_status_word(answer->status), monitor->name);
}

static int connect_to_server(dmonitor_session *session, const struct dmonitor_options *options,
                             int64_t due_ns)
{
	struct dmonitor_request hello = { .action = DMONITOR_ACTION_HELLO,
		                          .process_id = session->process_id,
		                          .label = options->label,
		                          .lease_ms = options->lease_ms,
		                          .protocol = DMONITOR_PROTOCOL,
		                          .timeout_ms = -1 };
	struct dmonitor_reply reply;
	int64_t sent_ns;
	const int result = dmonitor_link_ask(session->link, &hello, due_ns, &reply, &sent_ns);

	if (result != 0)
		return dmonitor_no_server(session, result);
	if (reply.status == DMONITOR_STATUS_ERROR)
		return dmonitor_refused(session, &reply);
	if (reply.status != DMONITOR_STATUS_WELCOME || reply.lease_ms == 0)
		return dmonitor_fail(session, EPROTO, "The server at %s does not welcome",
		                     session->endpoint);
	dmonitor_conversation_begin(&session->conversation, &reply, sent_ns);
	return dmonitor_keeper_start(session);
}

/* The goodbye is answered after all that was sent before it. */
static int disconnect(dmonitor_session *session, int64_t due_ns)
{
	struct dmonitor_request bye = { .action = DMONITOR_ACTION_BYE, .timeout_ms = -1 };
	int result = begin(session, &bye);

	return result != 0 ? result : await(session, due_ns, 0);
}

static int enter(dmonitor *monitor, int64_t timeout_ms)
{
	dmonitor_session *session = monitor->session;
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_ENTER);
	int result = monitor->exit_result;

	if (result != 0) {
		monitor->exit_result = 0;
		return dmonitor_fail(session, result, "The exit from %s before was refused",
		                     monitor->name);
	}
	request.timeout_ms = timeout_ms;
	result = begin(session, &request);
	if (result == 0)
		result = await(session,
		               timeout_ms < 0 ? INT64_MAX
		                              : dmonitor_due_ns(dmonitor_clock_now_ns(),
		                                                timeout_ms + GRACE_MS),
		               monitor->flags);
	if (result == ETIMEDOUT) {
		dmonitor_conversation_give_up(&session->conversation, monitor->name);
		say_what_is_due(session);
		return dmonitor_fail(session, ECONNABORTED,
		                     "The server did not say in time whether %s was entered",
		                     monitor->name);
	}
	if (result != 0)
		return result;
	if (session->conversation.answer.status == DMONITOR_STATUS_TIMEOUT)
		return timeout_ms == 0
		           ? dmonitor_fail(session, EBUSY, "%s has an owner", monitor->name)
		           : dmonitor_fail(session, ETIMEDOUT, "%s was not free in time",
		                           monitor->name);
	if (session->conversation.answer.status == DMONITOR_STATUS_CANCELLED)
		return dmonitor_fail(session, EINTR, "Interrupted on the way into %s",
		                     monitor->name);
	result = result_of(monitor, DMONITOR_STATUS_GRANTED);
	if (result == 0)
		granted(monitor);
	return result;
}

/* Let the held signals ride on ${request}. */
static void add_riders(const dmonitor *monitor, struct dmonitor_request *request)
{
	request->signal.names = monitor->signals.names;
	request->signal.count = monitor->signals.count;
	request->broadcast.names = monitor->broadcasts.names;
	request->broadcast.count = monitor->broadcasts.count;
}

static void clear_riders(dmonitor *monitor)
{
	monitor->signals.count = 0;
	monitor->broadcasts.count = 0;
}

static int exit_monitor(dmonitor *monitor, bool confirmed)
{
	dmonitor_session *session = monitor->session;
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_EXIT);
	int result;

	add_riders(monitor, &request);
	request.unanswered = !confirmed;
	result = begin(session, &request);
	if (result != 0)
		return result;
	clear_riders(monitor);
	if (!confirmed) {
		monitor->unconfirmed_seq = request.seq;
		return 0;
	}
	result = await(session, INT64_MAX, 0);
	return result != 0 ? result : result_of(monitor, DMONITOR_STATUS_SUCCESS);
}

static int wait_on(dmonitor *monitor, const char *condition, int64_t timeout_ms)
{
	dmonitor_session *session = monitor->session;
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_WAIT);
	int result;

	add_riders(monitor, &request);
	request.condition_name = condition;
	request.timeout_ms = timeout_ms;
	result = begin(session, &request);
	if (result != 0)
		return result;
	clear_riders(monitor);
	result = await(session, INT64_MAX, monitor->flags);
	if (result == 0)
		result = result_of(monitor, DMONITOR_STATUS_GRANTED_AFTER_WAIT);
	if (result != 0)
		return result;
	granted(monitor);
	if (session->conversation.answer.timed_out)
		return dmonitor_fail(session, ETIMEDOUT, "No signal on %s of %s in time", condition,
		                     monitor->name);
	if (session->conversation.answer.cancelled)
		return dmonitor_fail(session, EINTR, "Interrupted waiting on %s of %s", condition,
		                     monitor->name);
	return 0;
}

/* So many names of 128 bytes fit into one message with room to spare. */
enum { RIDERS_MAX = 400 };

static int signal_condition(dmonitor *monitor, const char *condition, bool all)
{
	struct dmonitor_request request =
	    request_for(monitor, all ? DMONITOR_ACTION_BROADCAST : DMONITOR_ACTION_SIGNAL);
	int result;

	if (lost(monitor->session))
		return session_lost(monitor->session);
	/* Whom a signal awakens does not depend on the order of the signals: the line has its own.
	 */
	if (monitor->signals.count + monitor->broadcasts.count < RIDERS_MAX)
		return dmonitor_names_hold(monitor, all ? &monitor->broadcasts : &monitor->signals,
		                           condition);
	request.condition_name = condition;
	result = ask(monitor->session, &request, 0);
	return result != 0 ? result : result_of(monitor, DMONITOR_STATUS_SUCCESS);
}

static int check(dmonitor *monitor)
{
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_CHECK);
	int result;

	request.token = monitor->token;
	result = ask(monitor->session, &request, 0);
	return result != 0 ? result : result_of(monitor, DMONITOR_STATUS_OWNER);
}

const struct dmonitor_discipline dmonitor_push = {
	.connect = connect_to_server,
	.disconnect = disconnect,
	.enter = enter,
	.exit = exit_monitor,
	.wait = wait_on,
	.signal = signal_condition,
	.check = check,
	.lost = lost,
};
