/* history.c: the operations of all workers in their order, while the logs still grow. */
#include "history.h"

/* The log whose next operation to tell is the earliest of all, or NULL. */
static struct history_log *find_next(const struct history *history, size_t *worker)
{
	struct history_log *found = NULL;
	uint64_t lowest = UINT64_MAX;

	for (size_t i = 0; i < history->producers + history->consumers; i++) {
		struct history_log *log = i < history->producers
		                              ? &history->puts[i]
		                              : &history->gets[i - history->producers];
		uint64_t token;

		if (log->told == __atomic_load_n(log->done, __ATOMIC_ACQUIRE))
			continue;
		token = log->entries[log->told].token;
		if (found == NULL || token < lowest) {
			found = log;
			lowest = token;
			*worker = i;
		}
	}
	return found;
}

/* Whether all that must have come before has been told. */
static bool can_be_told(const struct history *history, bool put, const struct audit_entry *entry)
{
	if (put)
		return history->items < history->capacity || entry->token < history->latest;
	return history->items > 0 && entry->producer < history->producers &&
	       entry->number < history->puts[entry->producer].told;
}

bool history_next(struct history *history, struct history_event *event)
{
	const struct audit_entry *entry;
	struct history_log *log;
	size_t worker = 0;
	bool put;

	if ((log = find_next(history, &worker)) == NULL)
		return false;
	entry = &log->entries[log->told];
	put = worker < history->producers;
	if (!can_be_told(history, put, entry))
		return false;
	log->told++;
	history->items = put ? history->items + 1 : history->items - 1;
	if (entry->token > history->latest)
		history->latest = entry->token;
	*event = (struct history_event){ .put = put,
		                         .worker = put ? worker : worker - history->producers,
		                         .producer = entry->producer,
		                         .number = entry->number,
		                         .items = history->items < history->capacity
		                                      ? history->items
		                                      : history->capacity };
	return true;
}
