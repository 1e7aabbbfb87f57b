/* model_monitor.c: the model's line, conditions and hand-over. */
#include "model_internal.h"

#include <stdio.h>
#include <string.h>

struct model_monitor *model_monitor(struct dmonitor_model *model, const char *name)
{
	for (size_t i = 0; i < model->monitor_count; i++)
		if (strcmp(model->monitors[i].name, name) == 0)
			return &model->monitors[i];
	return NULL;
}

struct model_place *model_place(struct dmonitor_model *model, uint64_t client, const char *name)
{
	for (size_t i = 0; i < model->place_count; i++)
		if (model->places[i].client == client &&
		    strcmp(model->places[i].monitor, name) == 0)
			return &model->places[i];
	return NULL;
}

struct model_place *model_owner(struct dmonitor_model *model, const char *name)
{
	for (size_t i = 0; i < model->place_count; i++)
		if (model->places[i].state == MODEL_INSIDE &&
		    strcmp(model->places[i].monitor, name) == 0)
			return &model->places[i];
	return NULL;
}

/* Who has the lowest ticket among those of ${name} that stand in line, or that wait on
 * ${condition}. */
static struct model_place *first_of(struct dmonitor_model *model, const char *name,
                                    const char *condition)
{
	struct model_place *first = NULL;

	for (size_t i = 0; i < model->place_count; i++) {
		struct model_place *place = &model->places[i];
		const bool fits =
		    condition == NULL
		        ? place->state == MODEL_IN_LINE || place->state == MODEL_AWAKENED
		        : place->state == MODEL_WAITING && strcmp(place->condition, condition) == 0;

		if (fits && strcmp(place->monitor, name) == 0 &&
		    (first == NULL || place->ticket < first->ticket))
			first = place;
	}
	return first;
}

static bool is_used(struct dmonitor_model *model, const struct model_monitor *monitor)
{
	if (monitor->owes_abandoned)
		return true;
	for (size_t i = 0; i < model->place_count; i++)
		if (model->places[i].state != MODEL_OUT &&
		    strcmp(model->places[i].monitor, monitor->name) == 0)
			return true;
	return false;
}

/* A place that is out and has nothing to tell goes, and a monitor without use. */
static void tidy(struct dmonitor_model *model, const char *name)
{
	struct model_monitor *monitor = model_monitor(model, name);

	if (monitor != NULL && !is_used(model, monitor))
		*monitor = model->monitors[--model->monitor_count];
	for (size_t i = model->place_count; i-- > 0;)
		if (model->places[i].state == MODEL_OUT &&
		    model->places[i].outcome == DMONITOR_STATUS_NONE)
			memmove(&model->places[i], &model->places[i + 1],
			        (--model->place_count - i) * sizeof(model->places[0]));
}

void model_note_limit(struct dmonitor_model *model, int64_t limit, const char *of)
{
	model->limit = limit;
	model->limit_of = of;
}

/* Whether ${count} has reached ${limit}, of which the refusal then tells. */
static bool reached(struct dmonitor_model *model, size_t count, int64_t limit, const char *of)
{
	if ((int64_t)count < limit)
		return false;
	model_note_limit(model, limit, of);
	return true;
}

bool model_at_limit(struct dmonitor_model *model, uint64_t client, const char *name)
{
	const struct dmonitor_limits *limits = &model->options.limits;
	size_t places = 0, clients = 0;

	for (size_t i = 0; i < model->place_count; i++) {
		places += model->places[i].client == client;
		clients += model->places[i].state != MODEL_OUT &&
		           strcmp(model->places[i].monitor, name) == 0;
	}
	return (model_monitor(model, name) == NULL &&
	        reached(model, model->monitor_count, limits->monitors, "monitors")) ||
	       (model_place(model, client, name) == NULL &&
	        reached(model, places, limits->places, "monitors of one client")) ||
	       reached(model, clients, limits->clients, "clients of one monitor");
}

bool model_condition_at_limit(struct dmonitor_model *model, const char *name, const char *condition)
{
	size_t conditions = 0;

	if (first_of(model, name, condition) != NULL)
		return false;
	for (size_t i = 0; i < model->place_count; i++) {
		const struct model_place *place = &model->places[i];

		conditions += place->state == MODEL_WAITING && strcmp(place->monitor, name) == 0 &&
		              first_of(model, name, place->condition) == place;
	}
	return reached(model, conditions, model->options.limits.conditions,
	               "conditions of one monitor");
}

/* What the new owner is told; a polling client asks for it. */
static void tell_grant(struct dmonitor_model *model, const struct model_place *place)
{
	struct model_client *client = model_client(model, place->client);
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_GRANTED,
		                        .token = place->token,
		                        .abandoned = place->abandoned };

	if (client->session[0] == '\0')
		return;
	strcpy(reply.monitor_name, place->monitor);
	if (place->waited) {
		reply.status = DMONITOR_STATUS_GRANTED_AFTER_WAIT;
		strcpy(reply.condition_name, place->condition);
		reply.timed_out = place->timed_out;
		reply.cancelled = place->cancelled;
		reply.tells_woken = place->tells_woken;
		reply.woken_processes = place->woken;
	}
	model_answer(model, client, &reply);
}

static void grant(struct dmonitor_model *model, struct model_place *place)
{
	struct model_monitor *monitor = model_monitor(model, place->monitor);

	model->counts.grants++;
	model->counts.signals_used += place->by_signal;
	place->state = MODEL_INSIDE;
	place->token = ++model->token;
	place->abandoned = monitor->owes_abandoned;
	place->by_signal = false;
	place->deadline.due_ns = 0;
	place->since_ns = model->now_ns;
	monitor->owes_abandoned = false;
	model_effect(model, DMONITOR_EFFECT_GRANTED, place, "");
	tell_grant(model, place);
}

/* Nobody queues at a free monitor. */
static void hand_over(struct dmonitor_model *model, const char *name)
{
	struct model_place *first = first_of(model, name, NULL);

	if (model_owner(model, name) == NULL && first != NULL)
		grant(model, first);
}

enum dmonitor_status model_enter(struct dmonitor_model *model, uint64_t client, const char *name,
                                 int64_t timeout_ms)
{
	struct model_place *place = model_place(model, client, name);

	if (model_monitor(model, name) == NULL) {
		if (!model_grow(model, (void **)&model->monitors, model->monitor_count,
		                &model->monitor_room, sizeof(model->monitors[0])))
			return DMONITOR_STATUS_NONE;
		model->monitors[model->monitor_count] = (struct model_monitor){ .name = "" };
		strcpy(model->monitors[model->monitor_count++].name, name);
		model->counts.monitors++;
	}
	if (place == NULL) {
		if (!model_grow(model, (void **)&model->places, model->place_count,
		                &model->place_room, sizeof(model->places[0])))
			return DMONITOR_STATUS_NONE;
		place = &model->places[model->place_count++];
	}
	*place = (struct model_place){ .client = client,
		                       .state = MODEL_IN_LINE,
		                       .since_ns = model->now_ns };
	strcpy(place->monitor, name);
	if (model_owner(model, name) == NULL) {
		grant(model, place);
		return DMONITOR_STATUS_GRANTED;
	}
	if (timeout_ms == 0) {
		model_give_up(model, place, DMONITOR_STATUS_TIMEOUT);
		return DMONITOR_STATUS_TIMEOUT;
	}
	place->ticket = ++model->ticket;
	if (timeout_ms > 0)
		model_timer_set(model, &place->deadline, model_later(model, timeout_ms));
	return DMONITOR_STATUS_QUEUED;
}

/* An ENTER that came to nothing. Who polls asks for the outcome, others are told. */
void model_give_up(struct dmonitor_model *model, struct model_place *place,
                   enum dmonitor_status outcome)
{
	struct model_client *client = model_client(model, place->client);
	struct dmonitor_reply reply = { .status = outcome };

	strcpy(reply.monitor_name, place->monitor);
	place->state = MODEL_OUT;
	place->deadline.due_ns = 0;
	place->outcome = client->session[0] == '\0' ? outcome : DMONITOR_STATUS_NONE;
	tidy(model, reply.monitor_name);
	if (client->session[0] != '\0')
		model_answer(model, client, &reply);
}

void model_release(struct dmonitor_model *model, uint64_t client, const char *name)
{
	struct model_place *place = model_place(model, client, name);

	model_effect(model, DMONITOR_EFFECT_EXITED, place, "");
	place->state = MODEL_OUT;
	hand_over(model, name);
	tidy(model, name);
}

void model_awaken(struct dmonitor_model *model, struct model_place *place)
{
	place->state = MODEL_AWAKENED;
	place->deadline.due_ns = 0;
	hand_over(model, place->monitor);
}

void model_wait(struct dmonitor_model *model, uint64_t client, const char *name,
                const char *condition, const struct dmonitor_reply *riders, int64_t timeout_ms)
{
	struct model_place *place = model_place(model, client, name);

	model->counts.waits++;
	model_effect(model, DMONITOR_EFFECT_WAITS, place, condition);
	place->state = MODEL_WAITING;
	place->ticket = ++model->ticket;
	place->waited = true;
	place->timed_out = place->cancelled = place->by_signal = false;
	place->tells_woken = riders->tells_woken;
	place->woken = riders->woken_processes;
	place->since_ns = model->now_ns;
	strcpy(place->condition, condition);
	if (timeout_ms == 0) {
		model->counts.time_outs++;
		place->timed_out = true;
		place->state = MODEL_AWAKENED;
	} else if (timeout_ms > 0) {
		model_timer_set(model, &place->deadline, model_later(model, timeout_ms));
	}
	hand_over(model, name);
}

/* How many were awakened. The caller is inside, so nobody is granted anything. */
int64_t model_signal(struct dmonitor_model *model, const char *name, const char *condition,
                     bool all)
{
	struct model_place *place;
	int64_t woken = 0;

	model_effect(model, all ? DMONITOR_EFFECT_BROADCAST : DMONITOR_EFFECT_SIGNAL,
	             model_owner(model, name), condition);
	while ((woken == 0 || all) && (place = first_of(model, name, condition)) != NULL) {
		place->by_signal = !all;
		model_awaken(model, place);
		woken++;
	}
	model->counts.broadcasts += all;
	model->counts.broadcast_woken += all ? (uint64_t)woken : 0;
	model->counts.signals += !all && woken > 0;
	model->counts.signals_empty += !all && woken == 0;
	return woken;
}

void model_deadline_over(struct dmonitor_model *model, struct model_place *place)
{
	model->counts.time_outs++;
	if (place->state == MODEL_IN_LINE) {
		model_give_up(model, place, DMONITOR_STATUS_TIMEOUT);
		return;
	}
	place->timed_out = true;
	model_awaken(model, place);
}

/* A signal that its receiver can no longer use goes to the next who waits on the condition. */
static void pass_signal(struct dmonitor_model *model, const char *name, const char *condition)
{
	struct model_place *next = first_of(model, name, condition);

	if (next == NULL) {
		model->counts.signals_dropped++;
		return;
	}
	model->counts.signals_passed++;
	next->by_signal = true;
	model_awaken(model, next);
}

static void end_ownership(struct dmonitor_model *model, const struct model_place *left, bool died)
{
	const char *name = left->monitor;

	model_effect(model, DMONITOR_EFFECT_ENDED, left, "");
	for (size_t i = 0; i < model->place_count; i++)
		if (model->places[i].state == MODEL_WAITING &&
		    strcmp(model->places[i].monitor, name) == 0) {
			model->places[i].state = MODEL_AWAKENED;
			model->places[i].deadline.due_ns = 0;
		}
	model_monitor(model, name)->owes_abandoned = died;
	model->counts.abandonments += died;
	hand_over(model, name);
}

void model_leave_all(struct dmonitor_model *model, uint64_t client, bool died)
{
	for (size_t i = 0; i < model->place_count;) {
		const struct model_place left = model->places[i];

		if (left.client != client) {
			i++;
			continue;
		}
		memmove(&model->places[i], &model->places[i + 1],
		        (--model->place_count - i) * sizeof(left));
		if (left.state == MODEL_INSIDE)
			end_ownership(model, &left, died);
		else if (left.state == MODEL_AWAKENED && left.by_signal)
			pass_signal(model, left.monitor, left.condition);
		tidy(model, left.monitor);
	}
}
