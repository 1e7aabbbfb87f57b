/*
 * core_session.c: who a request comes from, and how sessions begin, live and end.
 *
 * A session is a client: one that said HELLO has a secret and a lease, one that only polls is
 * known by its id and lives while its connection does. Without a connection either is on
 * probation, and ends unless it comes back in time.
 */
#include "core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void session_detach(struct dmonitor_core *core, struct session *session)
{
	const dmonitor_peer peer = session->peer;
	struct connection *connection;

	if (peer == 0)
		return;
	connection = connection_find(core, peer);
	DL_DELETE(connection->sessions, session);
	connection->session_count--;
	session->peer = 0;
	connection_forget_if_idle(core, peer);
}

/* The polling client that has been on ${connection} for longest and is nowhere: nothing is lost
 * with it. */
static struct session *idle_on(const struct connection *connection)
{
	struct session *session;

	DL_FOREACH (connection->sessions, session)
		if (session->secret[0] == '\0' && session->places == NULL)
			break;
	return session;
}

static void session_attach(struct dmonitor_core *core, struct session *session,
                           struct connection *connection)
{
	session_detach(core, session);
	session->peer = connection->peer;
	DL_APPEND(connection->sessions, session);
	connection->session_count++;
	if (connection->session_count > core->options.limits.ids)
		session_end(core, idle_on(connection), false);
	core_timer_clear(core, &session->life);
	session_renew(core, session);
}

void session_renew(struct dmonitor_core *core, struct session *session)
{
	if (session->secret[0] == '\0' || session->peer == 0)
		return;
	session->lease_end_ns = core->now_ns + session->lease_ns;
	if (session->life.due_ns == 0)
		core_timer_set(core, &session->life, session->lease_end_ns);
}

void session_begin_probation(struct dmonitor_core *core, struct session *session)
{
	session_detach(core, session);
	core_timer_set(core, &session->life, core_later(core->now_ns, core->options.resume_ms));
}

size_t session_replies(const struct session *session)
{
	return HASH_COUNT(session->places) + 1;
}

int session_life_due(struct dmonitor_core *core, struct session *session)
{
	/* Renewed since: looked at again when it is due then, in its turn, though that be now. */
	if (session->peer != 0 && session->lease_end_ns > session->life.due_ns) {
		core_timer_set(core, &session->life, session->lease_end_ns);
		return 0;
	}
	if (core_reserve(core, session_replies(session)) != 0)
		return ENOMEM;
	session_end(core, session, true);
	return 0;
}

/* Nobody is to blame for the time in which the server did not run. */
void session_stalled(struct dmonitor_core *core)
{
	struct session *session, *next;

	HASH_ITER (hh, core->sessions, session, next) {
		if (session->peer == 0)
			core_timer_set(core, &session->life,
			               core_later(core->now_ns, core->options.resume_ms));
		else
			session_renew(core, session);
	}
}

/* Whether one more client may be on ${connection}: 0 or ENOSPC. Each is answered on it, and the
 * answers that wait for a connection are limited too. */
static int connection_room(struct dmonitor_core *core, const struct connection *connection)
{
	const int64_t ids = core->options.limits.ids;

	return connection->session_count < ids || idle_on(connection) != NULL
	           ? 0
	           : core_limit(core, "clients of one connection", ids);
}

/* A session of ${id} on ${connection}; 0, ENOMEM, or ENOSPC for the limit. */
static int session_make(struct dmonitor_core *core, const char *id, struct connection *connection,
                        struct session **made)
{
	struct session *session;

	if (HASH_COUNT(core->sessions) >= core->options.limits.sessions)
		return core_limit(core, "sessions", core->options.limits.sessions);
	if (connection_room(core, connection) != 0)
		return ENOSPC;
	session = calloc(1, sizeof(*session));
	if (session == NULL)
		return ENOMEM;
	strcpy(session->id, id);
	session->life = (struct timer){ .kind = TIMER_LIFE, .of = session };
	HASH_ADD_STR(core->sessions, id, session);
	if (session->hh.tbl == NULL) {
		free(session);
		return ENOMEM;
	}
	session_attach(core, session, connection);
	*made = session;
	return 0;
}

void session_end(struct dmonitor_core *core, struct session *session, bool abandon)
{
	struct place *place, *next;

	session->pending = NULL;
	HASH_ITER (hh, session->places, place, next)
		place_end(core, place, abandon);
	core_timer_clear(core, &session->life);
	session_detach(core, session);
	if (session->secret[0] != '\0')
		HASH_DELETE(hh_secret, core->by_secret, session);
	HASH_DEL(core->sessions, session);
	free(session);
}

void session_answer(struct dmonitor_core *core, struct session *session,
                    const struct dmonitor_reply *reply)
{
	session->reply = *reply;
	if (session->failed_seq != 0 && session->failed_seq < reply->seq) {
		session->reply.failed_seq = session->failed_seq;
		session->reply.failed_code = session->failed_code;
		session->failed_seq = 0;
	}
	if (session->peer != 0)
		core_emit(core, session->peer, &session->reply);
}

struct session *session_of_secret(struct dmonitor_core *core, const struct dmonitor_event *event)
{
	struct session *session;

	HASH_FIND(hh_secret, core->by_secret, event->request->session,
	          strlen(event->request->session), session);
	return session;
}

static int refuse_errno(struct dmonitor_core *core, const struct dmonitor_event *event, int result)
{
	struct dmonitor_reply reply;

	if (result != ENOSPC)
		return result;
	reply_limit(core, &reply, event->request);
	core_emit(core, event->peer, &reply);
	return 0;
}

int session_of_polling(struct dmonitor_core *core, struct dmonitor_event *event,
                       struct session **session)
{
	struct connection *connection;
	struct session *owner;
	int result;

	*session = NULL;
	HASH_FIND_STR(core->sessions, event->request->process_id, owner);
	if (owner != NULL && owner->peer == event->peer) {
		if (owner->secret[0] != '\0') {
			dmonitor_request_refuse(event->request, DMONITOR_CODE_MISSING_FIELD,
			                        "Missing session: this process_id has said HELLO");
			return request_refuse(core, event, DMONITOR_CODE_MISSING_FIELD);
		}
		*session = owner;
		return 0;
	}
	if (owner != NULL && (owner->peer != 0 || owner->secret[0] != '\0'))
		return held_begin(core, event, owner);
	connection = connection_make(core, event->peer);
	if (connection == NULL)
		return ENOMEM;
	if (owner != NULL) {
		result = connection_room(core, connection);
		if (result == 0) {
			session_attach(core, owner, connection);
			*session = owner;
		}
		return refuse_errno(core, event, result);
	}
	result = session_make(core, event->request->process_id, connection, session);
	connection_forget_if_idle(core, event->peer);
	return refuse_errno(core, event, result);
}

static void welcome(struct dmonitor_core *core, const struct session *session,
                    const struct dmonitor_request *request, bool resumed)
{
	struct dmonitor_reply reply = reply_to(request, DMONITOR_STATUS_WELCOME);

	reply.protocol = DMONITOR_PROTOCOL;
	reply.lease_ms = session->lease_ns / 1000000;
	reply.last_seq = session->seq;
	reply.resumed = resumed;
	reply.limits = core->options.limits;
	strcpy(reply.session, session->secret);
	strcpy(reply.server, core->server);
	core_emit(core, session->peer, &reply);
}

/* The right secret takes the session over, whether or not its old connection seems alive. */
static int resume(struct dmonitor_core *core, struct dmonitor_event *event)
{
	struct session *session = session_of_secret(core, event);
	struct connection *connection;

	if (session == NULL || strcmp(session->id, event->request->process_id) != 0)
		return request_refuse(core, event, DMONITOR_CODE_SESSION_LOST);
	/* A HELLO that was overtaken: its connection is given up, and its end would be taken for
	 * the session's. */
	if (event->request->attempt < session->attempt)
		return request_refuse(core, event, DMONITOR_CODE_ID_IN_USE);
	if (session->peer != event->peer) {
		connection = connection_make(core, event->peer);
		if (connection == NULL)
			return ENOMEM;
		if (connection_room(core, connection) != 0)
			return refuse_errno(core, event, ENOSPC);
		session_attach(core, session, connection);
	}
	session->attempt = event->request->attempt;
	session_renew(core, session);
	core->resumed++;
	welcome(core, session, event->request, true);
	return 0;
}

static void write_secret(char *secret, const uint8_t *random)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DMONITOR_SECRET_BYTES / 2; i++) {
		*secret++ = digits[random[i] >> 4];
		*secret++ = digits[random[i] & 15];
	}
	*secret = '\0';
}

static int64_t lease_of(const struct dmonitor_core *core, const struct dmonitor_request *request)
{
	const int64_t wanted = request->lease_ms == 0 ? core->options.lease_ms : request->lease_ms;

	return wanted < 200 ? 200 : wanted > 3600000 ? 3600000 : wanted;
}

static int session_welcome_new(struct dmonitor_core *core, struct dmonitor_event *event)
{
	const struct dmonitor_request *request = event->request;
	struct connection *connection = connection_make(core, event->peer);
	struct session *session;
	int result;

	if (connection == NULL)
		return ENOMEM;
	result = session_make(core, request->process_id, connection, &session);
	if (result != 0) {
		connection_forget_if_idle(core, event->peer);
		return refuse_errno(core, event, result);
	}
	write_secret(session->secret, event->random);
	HASH_ADD(hh_secret, core->by_secret, secret, DMONITOR_SECRET_BYTES, session);
	if (session->hh_secret.tbl == NULL) {
		session->secret[0] = '\0';
		session_end(core, session, false);
		return ENOMEM;
	}
	strcpy(session->label, request->label == NULL ? "" : request->label);
	session->lease_ns = lease_of(core, request) * 1000000;
	session_renew(core, session);
	welcome(core, session, request, false);
	return 0;
}

int session_hello(struct dmonitor_core *core, struct dmonitor_event *event)
{
	const struct dmonitor_request *request = event->request;
	struct session *owner;

	if (request->protocol != DMONITOR_PROTOCOL) {
		struct dmonitor_reply reply = reply_error(request, DMONITOR_CODE_BAD_PROTOCOL);

		reply.protocol = DMONITOR_PROTOCOL;
		core_emit(core, event->peer, &reply);
		return 0;
	}
	if (request->session != NULL)
		return resume(core, event);
	HASH_FIND_STR(core->sessions, request->process_id, owner);
	if (owner == NULL)
		return session_welcome_new(core, event);
	/* A polling client may go over to pushing while it is nowhere. */
	if (owner->peer == event->peer && owner->secret[0] == '\0' && owner->places == NULL) {
		session_end(core, owner, false);
		return session_welcome_new(core, event);
	}
	return held_begin(core, event, owner);
}
