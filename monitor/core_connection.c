/*
 * core_connection.c: connections: which sessions are on one, what becomes of them when it closes,
 * and the request on it that is held because its id is another's.
 */
#include "core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct connection *connection_find(struct dmonitor_core *core, dmonitor_peer peer)
{
	struct connection *connection;

	HASH_FIND(hh, core->connections, &peer, sizeof(peer), connection);
	return connection;
}

struct connection *connection_make(struct dmonitor_core *core, dmonitor_peer peer)
{
	struct connection *connection = connection_find(core, peer);

	if (connection != NULL)
		return connection;
	connection = calloc(1, sizeof(*connection));
	if (connection == NULL)
		return NULL;
	connection->peer = peer;
	HASH_ADD(hh, core->connections, peer, sizeof(peer), connection);
	if (connection->hh.tbl == NULL) {
		free(connection);
		return NULL;
	}
	return connection;
}

void connection_forget_if_idle(struct dmonitor_core *core, dmonitor_peer peer)
{
	struct connection *connection = connection_find(core, peer);

	if (connection == NULL || connection->sessions != NULL || connection->held != NULL)
		return;
	HASH_DEL(core->connections, connection);
	free(connection);
}

int held_begin(struct dmonitor_core *core, struct dmonitor_event *event,
               const struct session *owner)
{
	struct connection *connection = connection_make(core, event->peer);
	struct held *held;

	if (connection == NULL)
		return ENOMEM;
	held = connection->held;
	if (held != NULL && event->request == &held->request && owner->peer == 0) {
		core_timer_set(core, &held->timer, owner->life.due_ns);
		return 0;
	}
	if (held != NULL)
		return request_refuse(core, event, DMONITOR_CODE_ID_IN_USE);
	held = malloc(sizeof(*held));
	if (held == NULL) {
		connection_forget_if_idle(core, event->peer);
		return ENOMEM;
	}
	*held = (struct held){ .timer = { .kind = TIMER_HELD, .of = held },
		               .peer = event->peer,
		               .local = event->local,
		               .request = *event->request };
	memcpy(held->random, event->random, sizeof(held->random));
	*event->request = (struct dmonitor_request){ .timeout_ms = -1 };
	connection->held = held;
	core_timer_set(core, &held->timer, core_later(core->now_ns, core->options.resume_ms));
	return 0;
}

/* Its connection stays: who frees a held request goes on with it, or forgets it. */
void held_free(struct dmonitor_core *core, struct held *held)
{
	connection_find(core, held->peer)->held = NULL;
	core_timer_clear(core, &held->timer);
	dmonitor_request_fini(&held->request);
	free(held);
}

int held_due(struct dmonitor_core *core, struct held *held)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .now_ns = core->now_ns,
		                        .peer = held->peer,
		                        .local = held->local,
		                        .request = &held->request };
	const uint64_t serial = held->timer.serial;
	int result;

	memcpy(event.random, held->random, sizeof(event.random));
	result = request_obey(core, &event);
	/* It may have been set anew, and be due again in this very tick. */
	if (result != 0 || held->timer.serial != serial)
		return result;
	held_free(core, held);
	connection_forget_if_idle(core, event.peer);
	return 0;
}

void connection_closed(struct dmonitor_core *core, dmonitor_peer peer)
{
	struct connection *connection = connection_find(core, peer);
	struct session *session, *next;

	if (connection == NULL)
		return;
	if (connection->held != NULL)
		held_free(core, connection->held);
	/* With its last session the connection is forgotten. */
	DL_FOREACH_SAFE (connection->sessions, session, next)
		session_begin_probation(core, session);
	connection_forget_if_idle(core, peer);
}
