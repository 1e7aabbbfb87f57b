/* client_names.c: the signals that a monitor holds back, as lists of names. */
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The monitor's own copy of ${name}; NULL: out of memory. */
static const char *keep(dmonitor *monitor, const char *name)
{
	struct dmonitor_condition_name *kept;

	HASH_FIND_STR(monitor->condition_names, name, kept);
	if (kept != NULL)
		return kept->name;
	kept = calloc(1, sizeof(*kept));
	if (kept == NULL)
		return NULL;
	strcpy(kept->name, name);
	HASH_ADD_STR(monitor->condition_names, name, kept);
	if (kept->hh.tbl == NULL) {
		free(kept);
		return NULL;
	}
	return kept->name;
}

int dmonitor_names_hold(dmonitor *monitor, struct dmonitor_held_names *list, const char *name)
{
	const char *kept = keep(monitor, name);

	if (kept == NULL)
		return ENOMEM;
	if (list->count == list->room) {
		const size_t room = list->room * 2 + 4;
		const char **grown = realloc(list->names, room * sizeof(*grown));

		if (grown == NULL)
			return ENOMEM;
		list->names = grown;
		list->room = room;
	}
	list->names[list->count++] = kept;
	return 0;
}

void dmonitor_names_free(dmonitor *monitor)
{
	struct dmonitor_condition_name *kept, *next;

	free(monitor->signals.names);
	free(monitor->broadcasts.names);
	HASH_ITER (hh, monitor->condition_names, kept, next) {
		HASH_DEL(monitor->condition_names, kept);
		free(kept);
	}
}
