/*
 * core_check.c: the invariants, looked at from scratch. Called after every step of every test, so
 * that a broken one is seen where it breaks.
 */
#include "core_internal.h"

#include <string.h>

#define MUST(holds, sentence)                                                                      \
	do {                                                                                       \
		if (!(holds))                                                                      \
			return sentence;                                                           \
	} while (0)

static const char *check_line(struct monitor *monitor)
{
	struct place *place;
	uint64_t ticket = 0;
	size_t length = 0;

	RB_FOREACH (place, line, &monitor->line) {
		MUST(place->monitor == monitor, "a place stands in another monitor's line");
		MUST(place->state == PLACE_IN_LINE || place->state == PLACE_AWAKENED,
		     "who stands in line is neither queued nor awakened");
		MUST(place->ticket > ticket, "the line is not in the order of arrival");
		ticket = place->ticket;
		length++;
	}
	MUST(length == monitor->line_length, "the length of a line is wrong");
	MUST(monitor->owner != NULL || length == 0, "somebody queues at a free monitor");
	return NULL;
}

static const char *check_conditions(const struct monitor *monitor)
{
	const struct condition *condition;
	size_t length = 0;

	for (condition = monitor->conditions; condition != NULL; condition = condition->hh.next) {
		const struct place *place;
		uint64_t ticket = 0;
		size_t users = 0;

		MUST(condition->waiters != NULL, "a condition exists without a waiter");
		DL_FOREACH (condition->waiters, place) {
			MUST(place->monitor == monitor && place->condition == condition,
			     "a waiter stands at another condition");
			MUST(place->state == PLACE_WAITING, "a waiter is not waiting");
			MUST(place->ticket > ticket, "waiters are not in the order of arrival");
			ticket = place->ticket;
			users++;
		}
		MUST(users == condition->users, "the count of a condition's waiters is wrong");
		length += users;
	}
	MUST(length == monitor->waiters_length, "the count of a monitor's waiters is wrong");
	return NULL;
}

static const char *check_monitors(const struct dmonitor_core *core)
{
	for (struct monitor *monitor = core->monitors; monitor != NULL;
	     monitor = monitor->hh.next) {
		const char *fault = check_line(monitor);

		if (fault == NULL)
			fault = check_conditions(monitor);
		if (fault != NULL)
			return fault;
		MUST(monitor->owner == NULL || (monitor->owner->state == PLACE_INSIDE &&
		                                monitor->owner->monitor == monitor),
		     "an owner is not inside");
		MUST(monitor->owner == NULL || monitor->owner->token <= core->token,
		     "a token is above the counter");
		MUST(monitor->owner != NULL || monitor->line_length > 0 ||
		         monitor->waiters_length > 0 || monitor->abandoned,
		     "a monitor that nobody uses exists");
	}
	return NULL;
}

static const char *check_place(const struct dmonitor_core *core, const struct place *place)
{
	const struct monitor *monitor;
	const bool timed = place->deadline.due_ns != 0;

	HASH_FIND_STR(core->monitors, place->name, monitor);
	MUST(place->state == PLACE_OUT || (monitor != NULL && place->monitor == monitor),
	     "a place is at a monitor that is gone");
	MUST(place->state != PLACE_OUT || (place->monitor == NULL && place->outcome != 0),
	     "a place that is out has no outcome");
	MUST(place->state != PLACE_INSIDE || monitor->owner == place, "two are inside");
	MUST((place->state == PLACE_WAITING) == (place->condition != NULL),
	     "a place waits on no condition");
	MUST(!timed || place->state == PLACE_IN_LINE || place->state == PLACE_WAITING,
	     "a deadline has outlived its wait");
	return NULL;
}

static const char *check_session(const struct dmonitor_core *core, const struct session *session)
{
	const struct connection *connection;
	const struct place *place;
	bool pending_found = session->pending == NULL;

	HASH_FIND(hh, core->connections, &session->peer, sizeof(session->peer), connection);
	MUST(session->peer == 0 || connection != NULL, "a session is on an unknown connection");
	MUST(session->life.due_ns != 0 || (session->peer != 0 && session->secret[0] == '\0'),
	     "a session would never end");
	MUST(session->pending == NULL || session->secret[0] != '\0',
	     "a polling client is owed an answer");
	for (place = session->places; place != NULL; place = place->hh.next) {
		const char *fault = check_place(core, place);

		if (fault != NULL)
			return fault;
		pending_found = pending_found || place == session->pending;
		MUST(session->secret[0] == '\0' || place->state == PLACE_INSIDE ||
		         place == session->pending,
		     "a session waits without a pending request");
	}
	MUST(pending_found, "a pending request is nowhere");
	MUST(session->pending == NULL || session->pending->state != PLACE_INSIDE,
	     "a granted request was not answered");
	return NULL;
}

static const char *check_deadline(const struct dmonitor_core *core)
{
	const int64_t told = dmonitor_core_deadline_ns(core);

	for (const struct session *session = core->sessions; session != NULL;
	     session = session->hh.next) {
		MUST(session->life.due_ns == 0 || told <= session->life.due_ns,
		     "the deadline told is later than a session's");
		for (const struct place *place = session->places; place != NULL;
		     place = place->hh.next)
			MUST(place->deadline.due_ns == 0 || told <= place->deadline.due_ns,
			     "the deadline told is later than a time-out");
	}
	return NULL;
}

static const char *check_connections(const struct dmonitor_core *core)
{
	for (const struct connection *connection = core->connections; connection != NULL;
	     connection = connection->hh.next) {
		const struct session *session;
		int64_t count = 0;

		DL_FOREACH (connection->sessions, session)
			count++;
		MUST(count > 0 || connection->held != NULL, "a connection is kept for nothing");
		MUST(count == connection->session_count,
		     "the count of a connection's clients is wrong");
		MUST(count <= core->options.limits.ids, "a connection has too many clients");
	}
	return NULL;
}

const char *dmonitor_core_check(const struct dmonitor_core *core)
{
	const char *fault = check_monitors(core);

	for (const struct session *session = core->sessions; fault == NULL && session != NULL;
	     session = session->hh.next)
		fault = check_session(core, session);
	if (fault == NULL)
		fault = check_connections(core);
	return fault != NULL ? fault : check_deadline(core);
}
