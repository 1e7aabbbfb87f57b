/* core_status.c: what STATUS tells: counters, and of one monitor who is inside, in line, waiting.
 */
#include "core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t at_most(size_t count)
{
	return count < DMONITOR_REPORT_CLIENTS ? count : DMONITOR_REPORT_CLIENTS;
}

static void describe(const struct dmonitor_core *core, const struct place *place,
                     struct dmonitor_report_client *client)
{
	strcpy(client->id, place->session->id);
	strcpy(client->label, place->session->label);
	client->since_ms = (core->now_ns - place->since_ns) / 1000000;
	client->condition_name[0] = '\0';
	if (place->state == PLACE_WAITING)
		strcpy(client->condition_name, place->condition_name);
}

static void list_line(const struct dmonitor_core *core, struct monitor *monitor,
                      struct dmonitor_status_report *report)
{
	struct place *place;

	RB_FOREACH (place, line, &monitor->line) {
		if (report->client_count == report->line_count)
			return;
		describe(core, place, &report->clients[report->client_count++]);
	}
}

static void list_waiters(const struct dmonitor_core *core, const struct monitor *monitor,
                         struct dmonitor_status_report *report, size_t room)
{
	struct condition *condition, *next;
	struct place *place;

	HASH_ITER (hh, monitor->conditions, condition, next) {
		DL_FOREACH (condition->waiters, place) {
			if (report->client_count == report->line_count + room)
				return;
			describe(core, place, &report->clients[report->client_count++]);
		}
	}
}

int status_report(const struct dmonitor_core *core, const char *monitor_name,
                  struct dmonitor_status_report **report)
{
	struct monitor *monitor = NULL;
	struct dmonitor_status_report *made;
	size_t line, waiters;

	if (monitor_name != NULL)
		HASH_FIND_STR(core->monitors, monitor_name, monitor);
	line = monitor == NULL ? 0 : at_most(monitor->line_length);
	waiters = monitor == NULL ? 0 : at_most(monitor->waiters_length);
	made = calloc(1, sizeof(*made) + (line + waiters) * sizeof(made->clients[0]));
	if (made == NULL)
		return ENOMEM;
	made->uptime_ms = (core->now_ns - core->start_ns) / 1000000;
	made->grants = core->grants;
	made->sessions = HASH_COUNT(core->sessions);
	made->monitors = HASH_COUNT(core->monitors);
	made->ignored = core->ignored;
	made->passed_on = core->passed_on;
	made->abandonments = core->abandonments;
	made->resumed = core->resumed;
	memcpy(made->received, core->received, sizeof(made->received));
	memcpy(made->sent, core->sent, sizeof(made->sent));
	memcpy(made->errors, core->errors, sizeof(made->errors));
	made->has_monitor = monitor_name != NULL;
	if (monitor != NULL) {
		made->line_length = monitor->line_length;
		made->waiters_length = monitor->waiters_length;
		made->line_count = line;
		made->has_owner = monitor->owner != NULL;
		if (made->has_owner)
			describe(core, monitor->owner, &made->owner);
		list_line(core, monitor, made);
		list_waiters(core, monitor, made, waiters);
	}
	*report = made;
	return 0;
}
