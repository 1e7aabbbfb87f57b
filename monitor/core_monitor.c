/*
 * core_monitor.c: the monitor itself: one line for the lock, condition variables, hand-over.
 *
 * A place in line is a ticket, taken by ENTER or WAIT and kept while waiting on the condition, so
 * that who has waited longest goes first, whatever it waited for. Nothing here allocates except
 * what says so, so a change once begun is never left half done.
 */
#include "core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int line_order(const struct place *a, const struct place *b)
{
	return (a->ticket > b->ticket) - (a->ticket < b->ticket);
}

RB_GENERATE(line, place, line_node, line_order)

struct place *place_find(const struct session *session, const char *name)
{
	struct place *place;

	HASH_FIND_STR(session->places, name, place);
	return place;
}

static struct monitor *monitor_make(struct dmonitor_core *core, const char *name)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));

	if (monitor == NULL)
		return NULL;
	strcpy(monitor->name, name);
	RB_INIT(&monitor->line);
	HASH_ADD_STR(core->monitors, name, monitor);
	if (monitor->hh.tbl == NULL) {
		free(monitor);
		return NULL;
	}
	return monitor;
}

/* Inside, in line and waiting. Only ENTER makes them more. */
static int64_t monitor_clients(const struct monitor *monitor)
{
	return (int64_t)(monitor->line_length + monitor->waiters_length) + (monitor->owner != NULL);
}

static void monitor_drop_if_unused(struct dmonitor_core *core, struct monitor *monitor)
{
	if (monitor->owner != NULL || monitor->line_length > 0 || monitor->waiters_length > 0 ||
	    monitor->abandoned)
		return;
	HASH_DEL(core->monitors, monitor);
	free(monitor);
}

/* A new place, OUT and without a monitor. */
static struct place *place_new(struct session *session, const char *name)
{
	struct place *place = calloc(1, sizeof(*place));

	if (place == NULL)
		return NULL;
	strcpy(place->name, name);
	place->session = session;
	place->deadline = (struct timer){ .kind = TIMER_DEADLINE, .of = place };
	HASH_ADD_STR(session->places, name, place);
	if (place->hh.tbl == NULL) {
		free(place);
		return NULL;
	}
	return place;
}

int place_make(struct dmonitor_core *core, struct session *session, const char *name,
               struct place **made)
{
	const struct dmonitor_limits *limits = &core->options.limits;
	struct place *place = place_find(session, name);
	struct monitor *monitor;

	HASH_FIND_STR(core->monitors, name, monitor);
	if (monitor == NULL && HASH_COUNT(core->monitors) >= limits->monitors)
		return core_limit(core, "monitors", limits->monitors);
	if (place == NULL && HASH_COUNT(session->places) >= limits->places)
		return core_limit(core, "monitors of one client", limits->places);
	if (monitor != NULL && monitor_clients(monitor) >= limits->clients)
		return core_limit(core, "clients of one monitor", limits->clients);
	if (place == NULL)
		place = place_new(session, name);
	if (place != NULL && monitor == NULL)
		monitor = monitor_make(core, name);
	if (place == NULL || monitor == NULL) {
		if (place != NULL && place->outcome == DMONITOR_STATUS_NONE)
			place_drop(core, place);
		return ENOMEM;
	}
	place->monitor = monitor;
	place->outcome = DMONITOR_STATUS_NONE;
	place->condition_name[0] = '\0';
	place->timed_out = place->cancelled = place->by_signal = false;
	*made = place;
	return 0;
}

void place_drop(struct dmonitor_core *core, struct place *place)
{
	core_timer_clear(core, &place->deadline);
	if (place->monitor != NULL)
		monitor_drop_if_unused(core, place->monitor);
	HASH_DEL(place->session->places, place);
	free(place);
}

static void line_join(struct place *place, enum place_state state)
{
	place->state = state;
	RB_INSERT(line, &place->monitor->line, place);
	place->monitor->line_length++;
}

static void line_leave(struct place *place)
{
	RB_REMOVE(line, &place->monitor->line, place);
	place->monitor->line_length--;
	place->state = PLACE_OUT;
}

static void condition_leave(struct place *place)
{
	struct condition *condition = place->condition;

	DL_DELETE(condition->waiters, place);
	place->monitor->waiters_length--;
	place->condition = NULL;
	place->state = PLACE_OUT;
	if (--condition->users == 0) {
		HASH_DEL(place->monitor->conditions, condition);
		free(condition);
	}
}

/* From the condition to its old place in line. */
static void awaken(struct dmonitor_core *core, struct place *place, bool by_signal)
{
	condition_leave(place);
	core_timer_clear(core, &place->deadline);
	place->by_signal = by_signal;
	line_join(place, PLACE_AWAKENED);
}

/* What the pending ENTER or WAIT of ${place}'s session is answered, now that it has ended. */
static void answer_pending(struct dmonitor_core *core, struct place *place,
                           enum dmonitor_status status)
{
	struct session *session = place->session;
	struct dmonitor_reply reply = { .status = status, .seq = session->seq };

	session->pending = NULL;
	strcpy(reply.monitor_name, place->name);
	if (status == DMONITOR_STATUS_GRANTED || status == DMONITOR_STATUS_GRANTED_AFTER_WAIT) {
		reply.token = place->token;
		reply.abandoned = place->abandoned;
		strcpy(reply.condition_name, place->condition_name);
		reply.timed_out = place->timed_out;
		reply.cancelled = place->cancelled;
	}
	if (status == DMONITOR_STATUS_GRANTED_AFTER_WAIT) {
		reply.tells_woken = place->tells_woken;
		reply.woken_processes = place->woken_processes;
	}
	session_answer(core, session, &reply);
}

void place_take(struct dmonitor_core *core, struct place *place)
{
	struct monitor *monitor = place->monitor;

	core_timer_clear(core, &place->deadline);
	monitor->owner = place;
	place->state = PLACE_INSIDE;
	place->since_ns = core->now_ns;
	place->token = ++core->token;
	place->abandoned = monitor->abandoned;
	monitor->abandoned = false;
	core->grants++;
	if (place->session->pending == place)
		answer_pending(core, place,
		               place->condition_name[0] != '\0' ? DMONITOR_STATUS_GRANTED_AFTER_WAIT
		                                                : DMONITOR_STATUS_GRANTED);
}

/* Nobody queues at a free monitor: the first in line is its next owner at once. */
static void hand_over(struct dmonitor_core *core, struct monitor *monitor)
{
	struct place *first = RB_MIN(line, &monitor->line);

	if (monitor->owner != NULL || first == NULL)
		return;
	line_leave(first);
	place_take(core, first);
}

void place_queue(struct dmonitor_core *core, struct place *place, int64_t timeout_ms)
{
	place->ticket = ++core->ticket;
	place->since_ns = core->now_ns;
	line_join(place, PLACE_IN_LINE);
	if (timeout_ms >= 0)
		core_timer_set(core, &place->deadline, core_later(core->now_ns, timeout_ms));
}

void place_give_up(struct dmonitor_core *core, struct place *place, enum dmonitor_status outcome)
{
	struct monitor *monitor = place->monitor;

	line_leave(place);
	core_timer_clear(core, &place->deadline);
	if (place->session->pending == place) {
		answer_pending(core, place, outcome);
		place_drop(core, place);
		return;
	}
	place->outcome = outcome;
	place->monitor = NULL;
	monitor_drop_if_unused(core, monitor);
}

int place_wait_prepare(struct dmonitor_core *core, struct place *place, const char *name,
                       struct condition **condition)
{
	struct monitor *monitor = place->monitor;
	struct condition *found;

	HASH_FIND_STR(monitor->conditions, name, found);
	if (found == NULL) {
		if (HASH_COUNT(monitor->conditions) >= core->options.limits.conditions)
			return core_limit(core, "conditions of one monitor",
			                  core->options.limits.conditions);
		found = calloc(1, sizeof(*found));
		if (found == NULL)
			return ENOMEM;
		strcpy(found->name, name);
		HASH_ADD_STR(monitor->conditions, name, found);
		if (found->hh.tbl == NULL) {
			free(found);
			return ENOMEM;
		}
	}
	found->users++;
	*condition = found;
	return 0;
}

void place_wait(struct dmonitor_core *core, struct place *place, struct condition *condition,
                int64_t timeout_ms)
{
	struct monitor *monitor = place->monitor;

	monitor->owner = NULL;
	place->state = PLACE_WAITING;
	place->ticket = ++core->ticket;
	place->since_ns = core->now_ns;
	place->timed_out = timeout_ms == 0;
	place->cancelled = place->by_signal = false;
	strcpy(place->condition_name, condition->name);
	place->condition = condition;
	DL_APPEND(condition->waiters, place);
	monitor->waiters_length++;
	if (timeout_ms == 0)
		awaken(core, place, false);
	else if (timeout_ms > 0)
		core_timer_set(core, &place->deadline, core_later(core->now_ns, timeout_ms));
	hand_over(core, monitor);
}

const char *place_release(struct dmonitor_core *core, struct place *place)
{
	struct monitor *monitor = place->monitor;
	const char *next;

	monitor->owner = NULL;
	hand_over(core, monitor);
	next = monitor->owner == NULL ? "" : monitor->owner->session->id;
	place_drop(core, place);
	return next;
}

void place_awaken(struct dmonitor_core *core, struct place *place)
{
	awaken(core, place, false);
	hand_over(core, place->monitor);
}

int64_t monitor_signal(struct dmonitor_core *core, struct monitor *monitor, const char *name)
{
	struct condition *condition;

	HASH_FIND_STR(monitor->conditions, name, condition);
	if (condition == NULL || condition->waiters == NULL)
		return 0;
	awaken(core, condition->waiters, true);
	return 1;
}

/* Awakening the last waiter frees ${condition}. */
static int64_t awaken_all(struct dmonitor_core *core, struct condition *condition)
{
	int64_t woken = 0;
	struct place *waiter, *next;

	DL_FOREACH_SAFE (condition->waiters, waiter, next) {
		awaken(core, waiter, false);
		woken++;
	}
	return woken;
}

int64_t monitor_broadcast(struct dmonitor_core *core, struct monitor *monitor, const char *name)
{
	struct condition *condition;

	HASH_FIND_STR(monitor->conditions, name, condition);
	return condition == NULL ? 0 : awaken_all(core, condition);
}

/* The owner is gone: what its waiters wait for may never come, so they all look again. */
static void abandon_inside(struct dmonitor_core *core, struct monitor *monitor, bool abandon)
{
	struct condition *condition, *next;

	monitor->owner = NULL;
	monitor->abandoned = abandon;
	core->abandonments += abandon;
	HASH_ITER (hh, monitor->conditions, condition, next)
		awaken_all(core, condition);
}

void place_end(struct dmonitor_core *core, struct place *place, bool abandon)
{
	struct monitor *monitor = place->monitor;

	switch (place->state) {
	case PLACE_INSIDE:
		abandon_inside(core, monitor, abandon);
		break;
	case PLACE_WAITING:
		condition_leave(place);
		break;
	case PLACE_AWAKENED:
		line_leave(place);
		/* The signal that it had and did not use is the next waiter's. */
		if (place->by_signal)
			core->passed_on +=
			    (uint64_t)monitor_signal(core, monitor, place->condition_name);
		break;
	case PLACE_IN_LINE:
		line_leave(place);
		break;
	default:
		break;
	}
	if (monitor != NULL)
		hand_over(core, monitor);
	place_drop(core, place);
}
