/* model_status.c: what the model expects STATUS to tell. */
#include "model_internal.h"

#include <stdlib.h>
#include <string.h>

static int by_ticket(const void *a, const void *b)
{
	const struct model_place *const *first = a, *const *second = b;

	return ((*first)->ticket > (*second)->ticket) - ((*first)->ticket < (*second)->ticket);
}

static void describe(struct dmonitor_model *model, const struct model_place *place,
                     struct dmonitor_report_client *to)
{
	const struct model_client *client = model_client(model, place->client);

	strcpy(to->id, client->id);
	strcpy(to->label, client->label);
	to->since_ms = (model->now_ns - place->since_ns) / MODEL_NS_PER_MS;
	if (place->state == MODEL_WAITING)
		strcpy(to->condition_name, place->condition);
}

/* Those of ${name} that stand in line, or else those that wait, in the order of their tickets. */
static size_t list(struct dmonitor_model *model, const char *name, bool waiting,
                   const struct model_place **places)
{
	size_t count = 0;

	for (size_t i = 0; i < model->place_count; i++) {
		const struct model_place *place = &model->places[i];

		if (strcmp(place->monitor, name) == 0 &&
		    (waiting ? place->state == MODEL_WAITING
		             : place->state == MODEL_IN_LINE || place->state == MODEL_AWAKENED))
			places[count++] = place;
	}
	qsort(places, count, sizeof(places[0]), by_ticket);
	return count;
}

static void describe_monitor(struct dmonitor_model *model, const char *name,
                             struct dmonitor_status_report *report,
                             const struct model_place **places)
{
	const struct model_place *owner = model_owner(model, name);

	report->has_monitor = true;
	report->has_owner = owner != NULL;
	if (owner != NULL)
		describe(model, owner, &report->owner);
	report->line_length = list(model, name, false, places);
	for (size_t i = 0; i < report->line_length && i < DMONITOR_REPORT_CLIENTS; i++)
		describe(model, places[i], &report->clients[report->client_count++]);
	report->line_count = report->client_count;
	report->waiters_length = list(model, name, true, places);
	for (size_t i = 0; i < report->waiters_length && i < DMONITOR_REPORT_CLIENTS; i++)
		describe(model, places[i], &report->clients[report->client_count++]);
}

struct dmonitor_status_report *model_report(struct dmonitor_model *model, const char *name)
{
	const size_t room = model->place_count * sizeof(struct dmonitor_report_client);
	struct dmonitor_status_report *report = calloc(1, sizeof(*report) + room);
	const struct model_place **places = calloc(model->place_count + 1, sizeof(*places));

	if (report == NULL || places == NULL) {
		model->out_of_memory = true;
		free(report);
		free(places);
		return NULL;
	}
	report->uptime_ms = (model->now_ns - model->start_ns) / MODEL_NS_PER_MS;
	report->grants = model->counts.grants;
	report->sessions = model->client_count;
	report->monitors = model->monitor_count;
	report->ignored = model->ignored;
	memcpy(report->received, model->received, sizeof(report->received));
	memcpy(report->sent, model->sent, sizeof(report->sent));
	memcpy(report->errors, model->errors, sizeof(report->errors));
	if (name != NULL)
		describe_monitor(model, name, report, places);
	free(places);
	return report;
}
