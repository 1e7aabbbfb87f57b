/*
 * client_attend.c: keeping up a session that is told of outcomes: its connection, its lease, and
 * what was said but not heard. What is wanted the conversation knows; here it is done.
 */
#include "client.h"

#include <errno.h>

#include "clock.h"

static void close_link(dmonitor_session *session, int64_t now_ns)
{
	dmonitor_link_close(&session->link);
	dmonitor_conversation_link_closed(&session->conversation, now_ns);
}

/* The connection that is wanted, instead of the present one. */
static void change_link(dmonitor_session *session, int64_t now_ns)
{
	if (session->link != NULL)
		close_link(session, now_ns);
	if (!dmonitor_conversation_wants_link(&session->conversation, now_ns))
		return;
	/* Where not even that can be done, it counts as an attempt. */
	dmonitor_conversation_link_opened(&session->conversation, now_ns);
	if (dmonitor_link_open(session->endpoint, &session->link) != 0)
		dmonitor_conversation_link_closed(&session->conversation, now_ns);
	else
		dmonitor_keeper_notice(session);
}

void dmonitor_attend(dmonitor_session *session)
{
	struct dmonitor_conversation *conversation = &session->conversation;
	const int64_t now_ns = dmonitor_clock_now_ns();
	const char *text;

	if (dmonitor_conversation_lost(conversation, now_ns))
		return;
	if (dmonitor_conversation_wants_link(conversation, now_ns))
		change_link(session, now_ns);
	while (session->link != NULL &&
	       (text = dmonitor_conversation_next(conversation, now_ns)) != NULL &&
	       dmonitor_link_send(session->link, text) == 0)
		dmonitor_conversation_sent(conversation, now_ns);
}

/* An exit that was sent unanswered has been refused: its monitor tells at its next call. */
static void note_failure(dmonitor_session *session, int64_t seq, enum dmonitor_code code)
{
	for (dmonitor *monitor = session->monitors; monitor != NULL; monitor = monitor->next) {
		if (monitor->unconfirmed_seq != seq)
			continue;
		monitor->exit_result = code == DMONITOR_CODE_LIMIT ? ENOSPC : EPERM;
		monitor->unconfirmed_seq = 0;
	}
}

static void hear(dmonitor_session *session, const struct dmonitor_reply *reply)
{
	const enum dmonitor_heard heard = dmonitor_conversation_hear(&session->conversation, reply);

	if (reply->failed_seq != 0)
		note_failure(session, reply->failed_seq, reply->failed_code);
	if (heard == DMONITOR_HEARD_FAILURE)
		note_failure(session, reply->seq, reply->code);
}

/* Receive by ${due_ns} and see what that means for the session; as dmonitor_link_receive(). */
static int receive(dmonitor_session *session, int64_t due_ns)
{
	struct dmonitor_reply reply;
	const int result = dmonitor_link_receive(session->link, due_ns, &reply);

	if (result == 0)
		hear(session, &reply);
	else if (result == EPROTO)
		session->conversation.lost = true;
	else if (result == ENOTCONN || result == ENOMEM)
		/* What was lost with the connection is said again on the next one. */
		close_link(session, dmonitor_clock_now_ns());
	return result;
}

int dmonitor_hear_next(dmonitor_session *session, int64_t due_ns)
{
	int64_t look_ns;
	int result;

	dmonitor_attend(session);
	look_ns = dmonitor_conversation_deadline_ns(&session->conversation);
	result = receive(session, look_ns < due_ns ? look_ns : due_ns);
	if (dmonitor_conversation_lost(&session->conversation, dmonitor_clock_now_ns()))
		return ESTALE;
	return result == EINTR ? EINTR : 0;
}

void dmonitor_hear_all(dmonitor_session *session)
{
	do
		dmonitor_attend(session);
	while (session->link != NULL && receive(session, 0) == 0);
	dmonitor_attend(session);
}
