/*
 * client_polling.c: the discipline of the original clients, so that its cost can be measured: each
 * request is answered at once, and the outcome of ENTER and WAIT is asked for every so often. No
 * HELLO, no beat; the client lives while its connection does.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* How long a reply may take before it is taken for lost. */
#define REPLY_MS 5000

static int64_t reply_due_ns(void)
{
	return dmonitor_clock_now_ns() + REPLY_MS * DMONITOR_NS_PER_MS;
}

static bool lost(dmonitor_session *session)
{
	return session->conversation.lost;
}

static bool claims(dmonitor_session *session)
{
	return !lost(session);
}

/* After a lost reply: a new connection, on which no late reply can be taken for another. */
static void reconnect(dmonitor_session *session)
{
	dmonitor_link_close(&session->link);
	(void)dmonitor_link_open(session->endpoint, &session->link);
}

/* How soon a connection that could not be made is tried again. */
#define STEP_NS (20 * DMONITOR_NS_PER_MS)

/* Send ${text}, by ${due_ns}, waiting for a connection if there is none: 0 or EAGAIN. */
static int send_by(dmonitor_session *session, const char *text, int64_t due_ns)
{
	while (session->link == NULL || dmonitor_link_send(session->link, text) != 0) {
		const int64_t now_ns = dmonitor_clock_now_ns();
		struct dmonitor_reply ignored;

		if (now_ns >= due_ns)
			return EAGAIN;
		if (session->link != NULL &&
		    dmonitor_link_receive(session->link, due_ns, &ignored) != ENOTCONN)
			continue;
		dmonitor_clock_sleep_until(now_ns + STEP_NS < due_ns ? now_ns + STEP_NS : due_ns);
		reconnect(session);
	}
	return 0;
}

/* Send ${text} and take the reply to it, by ${due_ns}, whatever interrupts: 0; EAGAIN or ENOTCONN,
 * where there was none; EPROTO, ENOMEM. */
static int say(dmonitor_session *session, const char *text, int64_t due_ns,
               struct dmonitor_reply *reply)
{
	int result = send_by(session, text, due_ns);

	if (result != 0)
		return result;
	do
		result = dmonitor_link_receive(session->link, due_ns, reply);
	while (result == EINTR || (result == EAGAIN && dmonitor_clock_now_ns() < due_ns));
	return result;
}

/* Whether a request may be said twice, where it is not known whether it arrived. */
enum repeatable { ONCE, AGAIN };

/* The same for ${request}. It is said again while the server has not noticed that our connection
 * before this one has ended, and so takes us for another client of our id; and, if that may be,
 * where the connection ended instead of an answer: *${cut} tells. */
static int ask(dmonitor_session *session, const struct dmonitor_request *request,
               enum repeatable repeatable, int64_t due_ns, struct dmonitor_reply *reply, bool *cut)
{
	char *text = dmonitor_request_encode(request);
	int result;
	bool ended;

	if (text == NULL)
		return ENOMEM;
	*cut = false;
	do {
		result = say(session, text, due_ns, reply);
		ended = result == ENOTCONN;
		*cut = *cut || ended;
		if (ended)
			reconnect(session);
	} while (((ended && repeatable == AGAIN) ||
	          (result == 0 && reply->code == DMONITOR_CODE_ID_IN_USE)) &&
	         dmonitor_clock_now_ns() < due_ns);
	free(text);
	return result;
}

/* Send ${request} and take the reply to it: 0, ECONNABORTED, ESTALE, or another errno value. */
static int exchange(dmonitor_session *session, struct dmonitor_request *request,
                    enum repeatable repeatable, struct dmonitor_reply *reply, bool *cut)
{
	int result;

	if (lost(session))
		return ESTALE;
	request->process_id = session->process_id;
	result = ask(session, request, repeatable, reply_due_ns(), reply, cut);
	if (result == 0 || result == ENOMEM)
		return result;
	if (result != ENOTCONN)
		reconnect(session);
	if (result == EAGAIN || result == ENOTCONN)
		return dmonitor_fail(session, ECONNABORTED, "The server did not answer %s",
		                     dmonitor_action_word(request->action));
	return dmonitor_fail(session, result, "The answer to %s cannot be understood",
	                     dmonitor_action_word(request->action));
}

/* For what is not to be said twice. */
static int exchange_once(dmonitor_session *session, struct dmonitor_request *request,
                         struct dmonitor_reply *reply)
{
	bool cut;

	return exchange(session, request, ONCE, reply, &cut);
}

/* For what changes nothing, or nothing more the second time. */
static int exchange_again(dmonitor_session *session, struct dmonitor_request *request,
                          struct dmonitor_reply *reply)
{
	bool cut;

	return exchange(session, request, AGAIN, reply, &cut);
}

static struct dmonitor_request request_for(const dmonitor *monitor, enum dmonitor_action action,
                                           const char *condition)
{
	return (struct dmonitor_request){ .action = action,
		                          .monitor_name = monitor->name,
		                          .condition_name = condition,
		                          .timeout_ms = -1 };
}

/* What was ours is not any more: the server took us for dead, is another one, or is silent. Should
 * it still have something for us, it gives that on when our connection has ended. */
static int not_ours(dmonitor *monitor)
{
	monitor->session->conversation.lost = true;
	dmonitor_link_close(&monitor->session->link);
	return ESTALE;
}

static int connect_to_server(dmonitor_session *session, const struct dmonitor_options *options,
                             int64_t due_ns)
{
	struct dmonitor_request status = { .action = DMONITOR_ACTION_STATUS, .timeout_ms = -1 };
	struct dmonitor_reply reply;
	bool cut;
	const int result = ask(session, &status, AGAIN, due_ns, &reply, &cut);

	(void)options;
	if (result != 0)
		return dmonitor_no_server(session, result);
	strcpy(session->conversation.server, reply.server);
	return 0;
}

static int disconnect(dmonitor_session *session, int64_t due_ns)
{
	(void)due_ns;
	return lost(session) ? ESTALE : 0;
}

/* Let an interval pass: 0, or EINTR where a signal ended it and ${flags} allow that. */
static int pause_between(const dmonitor_session *session, unsigned flags)
{
	const int64_t due_ns = dmonitor_clock_now_ns() + session->poll_interval_ns;
	const struct timespec span = { .tv_sec =
		                           (time_t)(session->poll_interval_ns / DMONITOR_NS_PER_S),
		                       .tv_nsec =
		                           (long)(session->poll_interval_ns % DMONITOR_NS_PER_S) };

	if (ppoll(NULL, 0, &span, NULL) < 0 && errno == EINTR && (flags & DMONITOR_INTERRUPTIBLE))
		return EINTR;
	dmonitor_clock_sleep_until(due_ns);
	return 0;
}

/* Ask ${check} until it says something else than ${first} or ${second}, which mean: not yet. An
 * interruption cancels, and what the checks say then is the outcome. */
static int poll_until(dmonitor *monitor, struct dmonitor_request *check, enum dmonitor_status first,
                      enum dmonitor_status second, struct dmonitor_reply *reply)
{
	struct dmonitor_request cancel = request_for(monitor, DMONITOR_ACTION_CANCEL, NULL);

	do {
		int result = 0;

		if (pause_between(monitor->session, monitor->flags) == EINTR)
			result = exchange_again(monitor->session, &cancel, reply);
		if (result == 0)
			result = exchange_again(monitor->session, check, reply);
		if (result != 0)
			return result;
	} while (reply->status == first || reply->status == second);
	return 0;
}

static int granted(dmonitor *monitor, const struct dmonitor_reply *reply)
{
	monitor->token = reply->token;
	monitor->abandoned = reply->abandoned;
	return 0;
}

static int unexpected(dmonitor *monitor, const struct dmonitor_reply *reply)
{
	if (reply->status == DMONITOR_STATUS_ERROR)
		return dmonitor_refused(monitor->session, reply);
	return dmonitor_fail(monitor->session, EPROTO, "The server answered \"%s\" about %s",
	                     dmonitor_status_word(reply->status), monitor->name);
}

static int enter(dmonitor *monitor, int64_t timeout_ms)
{
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_ENTER, NULL);
	struct dmonitor_request check = request_for(monitor, DMONITOR_ACTION_CHECK_GRANT, NULL);
	struct dmonitor_reply reply;
	int result;

	request.timeout_ms = timeout_ms;
	result = exchange_once(monitor->session, &request, &reply);
	/* Inside already: by an ENTER whose reply, or an EXIT whose request, was lost. */
	if (result == 0 && reply.code == DMONITOR_CODE_ALREADY_INSIDE)
		result = exchange_again(monitor->session, &check, &reply);
	if (result == 0 && reply.status == DMONITOR_STATUS_QUEUED)
		result = poll_until(monitor, &check, DMONITOR_STATUS_QUEUED, DMONITOR_STATUS_QUEUED,
		                    &reply);
	if (result != 0)
		return result;
	/* The server knows nothing of the ENTER that it had queued. */
	if (reply.code == DMONITOR_CODE_NOT_WAITING)
		return not_ours(monitor);
	switch (reply.status) {
	case DMONITOR_STATUS_GRANTED:
		return granted(monitor, &reply);
	case DMONITOR_STATUS_TIMEOUT:
		return dmonitor_fail(monitor->session, timeout_ms == 0 ? EBUSY : ETIMEDOUT,
		                     "%s was not free in time", monitor->name);
	case DMONITOR_STATUS_CANCELLED:
		return dmonitor_fail(monitor->session, EINTR, "Interrupted on the way into %s",
		                     monitor->name);
	default:
		return unexpected(monitor, &reply);
	}
}

static int exit_monitor(dmonitor *monitor, bool confirmed)
{
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_EXIT, NULL);
	struct dmonitor_reply reply;
	bool cut;
	const int result = exchange(monitor->session, &request, AGAIN, &reply, &cut);

	(void)confirmed; /* the original waits for each reply */
	if (result != 0)
		return result;
	/* Left by an EXIT whose reply was lost; or ended before that, and nothing tells. */
	if (cut && reply.code == DMONITOR_CODE_NOT_OWNER)
		return dmonitor_fail(monitor->session, ECONNABORTED,
		                     "Whether EXIT of %s arrived is not known", monitor->name);
	if (reply.code == DMONITOR_CODE_NOT_OWNER)
		return not_ours(monitor);
	return reply.status == DMONITOR_STATUS_SUCCESS ? 0 : unexpected(monitor, &reply);
}

static int wait_on(dmonitor *monitor, const char *condition, int64_t timeout_ms)
{
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_WAIT, condition);
	struct dmonitor_request check =
	    request_for(monitor, DMONITOR_ACTION_CHECK_AWAKENED, condition);
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_NONE };
	int result;

	request.timeout_ms = timeout_ms;
	/* Whether a WAIT whose reply was lost arrived, the checks tell: it did not if they find us
	 * inside by the token that we had before. */
	do {
		result = exchange_once(monitor->session, &request, &reply);
		if (result == ECONNABORTED ||
		    (result == 0 && reply.status != DMONITOR_STATUS_ERROR))
			result =
			    poll_until(monitor, &check, DMONITOR_STATUS_STILL_WAITING_ON_CONDITION,
			               DMONITOR_STATUS_QUEUED_AFTER_SIGNAL, &reply);
	} while (result == 0 && reply.status == DMONITOR_STATUS_GRANTED_AFTER_WAIT &&
	         reply.token == monitor->token);
	/* Outside, and from a silent server it cannot be learnt when we are inside again. */
	if (result == ECONNABORTED)
		return not_ours(monitor);
	if (result != 0)
		return result;
	if (reply.code == DMONITOR_CODE_NOT_OWNER || reply.code == DMONITOR_CODE_NOT_WAITING)
		return not_ours(monitor);
	if (reply.status != DMONITOR_STATUS_GRANTED_AFTER_WAIT)
		return unexpected(monitor, &reply);
	granted(monitor, &reply);
	if (reply.timed_out)
		return dmonitor_fail(monitor->session, ETIMEDOUT, "No signal on %s of %s in time",
		                     condition, monitor->name);
	if (reply.cancelled)
		return dmonitor_fail(monitor->session, EINTR, "Interrupted waiting on %s of %s",
		                     condition, monitor->name);
	return 0;
}

static int signal_condition(dmonitor *monitor, const char *condition, bool all)
{
	struct dmonitor_request request = request_for(
	    monitor, all ? DMONITOR_ACTION_BROADCAST : DMONITOR_ACTION_SIGNAL, condition);
	struct dmonitor_reply reply;
	const int result = exchange_once(monitor->session, &request, &reply);

	if (result != 0)
		return result;
	if (reply.code == DMONITOR_CODE_NOT_OWNER)
		return not_ours(monitor);
	return reply.status == DMONITOR_STATUS_SUCCESS ? 0 : unexpected(monitor, &reply);
}

static int check_owner(dmonitor *monitor)
{
	struct dmonitor_request request = request_for(monitor, DMONITOR_ACTION_CHECK, NULL);
	struct dmonitor_reply reply;
	int result;

	request.token = monitor->token;
	result = exchange_again(monitor->session, &request, &reply);
	if (result != 0)
		return result;
	return reply.status == DMONITOR_STATUS_OWNER ? 0 : unexpected(monitor, &reply);
}

const struct dmonitor_discipline dmonitor_polling = {
	.connect = connect_to_server,
	.disconnect = disconnect,
	.enter = enter,
	.exit = exit_monitor,
	.wait = wait_on,
	.signal = signal_condition,
	.check = check_owner,
	.lost = lost,
	.claims = claims,
};
