/*
 * client_push.c: a session that is told of outcomes: one request, one answer when there is one, no
 * traffic in between but beats.
 */
#include "client.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

/* How long after the caller's own deadline the server's word is still waited for. */
#define GRACE_MS 250

static bool lost(dmonitor_session *session)
{
	return dmonitor_conversation_lost(&session->conversation, dmonitor_clock_now_ns());
}

static bool claims(dmonitor_session *session)
{
	return dmonitor_conversation_claims(&session->conversation, dmonitor_clock_now_ns());
}

/* Await the answer until ${due_ns}, and then give ETIMEDOUT. An interruption that ${flags} allow
 * cancels the request once. */
static int await(dmonitor_session *session, int64_t due_ns, unsigned flags)
{
	struct dmonitor_conversation *conversation = &session->conversation;

	while (!conversation->answered) {
		const int result = dmonitor_hear_next(session, due_ns);

		if (result == EINTR && (flags & DMONITOR_INTERRUPTIBLE) &&
		    conversation->cancel_seq == 0 && !conversation->answered)
			dmonitor_conversation_cancel(conversation);
		if (result != 0 && result != EINTR)
			return result;
		if (!conversation->answered && dmonitor_clock_now_ns() >= due_ns)
			return ETIMEDOUT;
	}
	return 0;
}

/* Say ${request} as this session's, once whatever was given up before is settled. */
static int begin(dmonitor_session *session, struct dmonitor_request *request)
{
	int result = lost(session) ? ESTALE : 0;

	while (!dmonitor_conversation_settled(&session->conversation) &&
	       (result == 0 || result == EINTR))
		result = dmonitor_hear_next(session, INT64_MAX);
	if (result != 0 && result != EINTR)
		return result;
	result =
	    dmonitor_conversation_say(&session->conversation, request, dmonitor_clock_now_ns());
	if (result == 0)
		dmonitor_attend(session);
	return result;
}

/* Say ${request} and await its answer for as long as the session lives. */
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

/* How connecting stands: 0, EAGAIN for not yet, or why it failed. */
static int connected(dmonitor_session *session)
{
	const struct dmonitor_conversation *conversation = &session->conversation;

	if (conversation->refused && conversation->answer.status == DMONITOR_STATUS_ERROR)
		return dmonitor_refused(session, &conversation->answer);
	if (conversation->refused || (conversation->lost && conversation->session[0] == '\0'))
		return dmonitor_no_server(session, EPROTO);
	return conversation->linked == DMONITOR_LINKED && !conversation->lost ? 0 : EAGAIN;
}

static int connect_to_server(dmonitor_session *session, const struct dmonitor_options *options,
                             int64_t due_ns)
{
	struct dmonitor_conversation *conversation = &session->conversation;
	int result;

	dmonitor_conversation_init(conversation, session->process_id, options->label,
	                           options->lease_ms);
	dmonitor_conversation_link_opened(conversation, dmonitor_clock_now_ns());
	do {
		/* A process that was stopped meanwhile may have lost what it had just got. */
		if (conversation->lost) {
			dmonitor_link_close(&session->link);
			dmonitor_conversation_fini(conversation);
			dmonitor_conversation_init(conversation, session->process_id,
			                           options->label, options->lease_ms);
		}
		dmonitor_hear_next(session, due_ns);
		result = connected(session);
	} while (result == EAGAIN && dmonitor_clock_now_ns() < due_ns);
	return result == EAGAIN ? dmonitor_no_server(session, EAGAIN)
	       : result != 0    ? result
	                        : dmonitor_keeper_start(session);
}

/* The goodbye is answered after all that was sent before it. */
static int disconnect(dmonitor_session *session, int64_t due_ns)
{
	struct dmonitor_request bye = { .action = DMONITOR_ACTION_BYE, .timeout_ms = -1 };
	int result = begin(session, &bye);

	if (result != 0)
		return result;
	result = await(session, due_ns, 0);
	/* Whether it ended by this goodbye, or as one that had died, nobody can tell any more. */
	return result == ESTALE ? ECONNABORTED : result;
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
		dmonitor_attend(session);
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
		return ESTALE;
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
	.claims = claims,
};
