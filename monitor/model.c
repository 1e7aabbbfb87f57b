/* model.c: the model's door: events in, what is to be said out; time; storage. */
#include "model_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dmonitor_model *dmonitor_model_new(const struct dmonitor_core_options *options)
{
	struct dmonitor_model *model = calloc(1, sizeof(*model));

	if (model != NULL)
		model->options = *options;
	return model;
}

static void forget_said(struct dmonitor_model *model)
{
	for (size_t i = 0; i < model->expected.count; i++)
		free(model->expected.deliveries[i].reply.report);
	model->expected.count = 0;
	model->expected.stop = false;
}

void dmonitor_model_free(struct dmonitor_model **model)
{
	struct dmonitor_model *freed = *model;

	if (freed == NULL)
		return;
	forget_said(freed);
	while (freed->held_count > 0)
		model_held_remove(freed, 0);
	free(freed->expected.deliveries);
	free(freed->clients);
	free(freed->places);
	free(freed->monitors);
	free(freed->held);
	free(freed->effects);
	free(freed);
	*model = NULL;
}

bool model_grow(struct dmonitor_model *model, void **array, size_t count, size_t *room,
                size_t item_bytes)
{
	void *grown;

	if (count < *room)
		return true;
	grown = realloc(*array, (*room * 2 + 16) * item_bytes);
	if (grown == NULL) {
		model->out_of_memory = true;
		return false;
	}
	*array = grown;
	*room = *room * 2 + 16;
	return true;
}

void model_effect(struct dmonitor_model *model, enum dmonitor_effect_kind kind,
                  const struct model_place *place, const char *condition)
{
	const struct model_client *client = model_client(model, place->client);
	struct dmonitor_effect *effect;

	if (!model_grow(model, (void **)&model->effects, model->effect_count, &model->effect_room,
	                sizeof(*effect)))
		return;
	effect = &model->effects[model->effect_count++];
	*effect = (struct dmonitor_effect){ .kind = kind, .token = place->token };
	strcpy(effect->client, client == NULL ? model->ended : client->id);
	strcpy(effect->monitor, place->monitor);
	strcpy(effect->condition, condition);
}

void model_timer_set(struct dmonitor_model *model, struct model_timer *timer, int64_t due_ns)
{
	/* What would be due at the end of time never is. */
	timer->due_ns = due_ns == INT64_MAX ? 0 : due_ns > 0 ? due_ns : 1;
	timer->serial = ++model->serial;
}

int64_t model_later(const struct dmonitor_model *model, int64_t span_ms)
{
	if (span_ms > (INT64_MAX - model->now_ns) / MODEL_NS_PER_MS)
		return INT64_MAX;
	return model->now_ns + span_ms * MODEL_NS_PER_MS;
}

void model_say(struct dmonitor_model *model, dmonitor_peer to, const struct dmonitor_reply *reply)
{
	struct dmonitor_outbox *said = &model->expected;

	if (!model_grow(model, (void **)&said->deliveries, said->count, &said->room,
	                sizeof(*said->deliveries))) {
		free(reply->report);
		return;
	}
	said->deliveries[said->count++] = (struct dmonitor_delivery){ to, *reply };
	model->sent[reply->status]++;
	if (reply->code != DMONITOR_CODE_NONE) {
		model->errors[reply->code]++;
		model->counts.errors++;
	}
}

static bool is_sooner(const struct model_timer *timer, const struct model_timer *than)
{
	if (timer->due_ns == 0)
		return false;
	if (than == NULL || timer->due_ns != than->due_ns)
		return than == NULL || timer->due_ns < than->due_ns;
	return timer->serial < than->serial;
}

static void held_due(struct dmonitor_model *model, size_t index)
{
	struct model_held held = model->held[index];

	/* Out of the way while it is tried, so that it does not stand in its own. */
	memmove(&model->held[index], &model->held[index + 1],
	        (--model->held_count - index) * sizeof(held));
	held.event.request = &held.request;
	model_message(model, &held.event, true);
	free(held.texts);
}

/* Let the first thing happen that is due; false: nothing is. */
static bool next_due(struct dmonitor_model *model)
{
	const struct model_timer *first = NULL;
	struct model_place *place = NULL;
	struct model_client *client = NULL;
	size_t held = 0;

	for (size_t i = 0; i < model->place_count; i++)
		if (is_sooner(&model->places[i].deadline, first)) {
			place = &model->places[i];
			first = &place->deadline;
		}
	for (size_t i = 0; i < model->client_count; i++)
		if (is_sooner(&model->clients[i].life, first)) {
			client = &model->clients[i];
			first = &client->life;
		}
	for (size_t i = 0; i < model->held_count; i++)
		if (is_sooner(&model->held[i].timer, first)) {
			held = i;
			first = &model->held[i].timer;
		}
	if (first == NULL || first->due_ns > model->now_ns)
		return false;
	if (model->held_count > 0 && first == &model->held[held].timer)
		held_due(model, held);
	else if (client != NULL && first == &client->life)
		model_life_due(model, client);
	else
		model_deadline_over(model, place);
	return true;
}

static void tick(struct dmonitor_model *model, uint64_t limit)
{
	for (uint64_t served = 0; limit == 0 || served < limit; served++)
		if (!next_due(model))
			return;
}

int dmonitor_model_expect(struct dmonitor_model *model, const struct dmonitor_event *event)
{
	forget_said(model);
	model->effect_count = 0;
	model->now_ns = event->now_ns;
	model->kind = event->kind;
	model->action = DMONITOR_ACTION_NONE;
	model->asker = event->peer;
	model->ended[0] = '\0';
	model->token_before = model->token;
	model->counts.events++;
	switch (event->kind) {
	case DMONITOR_EVENT_START:
		model->start_ns = event->now_ns;
		model->token = event->token;
		snprintf(model->server, sizeof(model->server), "%s", event->server);
		break;
	case DMONITOR_EVENT_MESSAGE:
		model->action = event->request->action;
		model_message(model, event, false);
		model->received[model->action]++;
		break;
	case DMONITOR_EVENT_CLOSED:
		model_closed(model, event->peer);
		break;
	case DMONITOR_EVENT_TICK:
		tick(model, event->limit);
		break;
	case DMONITOR_EVENT_STALLED:
		model_stalled(model);
		break;
	}
	if (model->monitor_count > model->counts.monitors_most)
		model->counts.monitors_most = model->monitor_count;
	return model->out_of_memory ? ENOMEM : 0;
}

const char *dmonitor_model_compare(struct dmonitor_model *model, const struct dmonitor_outbox *said)
{
	return model_judge(model, said);
}

const char *dmonitor_model_step(struct dmonitor_model *model, const struct dmonitor_event *event,
                                const struct dmonitor_outbox *said)
{
	if (dmonitor_model_expect(model, event) != 0)
		return "there is no memory for the model";
	return dmonitor_model_compare(model, said);
}

const struct dmonitor_outbox *dmonitor_model_expected(const struct dmonitor_model *model)
{
	return &model->expected;
}

const struct dmonitor_effect *dmonitor_model_effects(const struct dmonitor_model *model,
                                                     size_t *count)
{
	*count = model->effect_count;
	return model->effects;
}

const struct dmonitor_model_counts *dmonitor_model_counts(const struct dmonitor_model *model)
{
	return &model->counts;
}
