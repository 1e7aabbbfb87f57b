/* check_history.c: reads histories beside the record; what the server tells, and what is left. */
#include "check_history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

/* Lines of clients whose clock is another one's are read as the record goes on. */
enum { UNTIMED_LINES = 4 };

int check_history_open(const char *const *paths, size_t count, struct check_history **history,
                       const char **failed)
{
	struct check_history *made = calloc(1, sizeof(*made));
	int result;

	*failed = "";
	if (made == NULL)
		return ENOMEM;
	made->sources = calloc(count + 1, sizeof(*made->sources));
	if (made->sources == NULL) {
		check_history_close(&made);
		return ENOMEM;
	}
	for (; made->source_count < count; made->source_count++) {
		*failed = paths[made->source_count];
		result = history_reader_open(&made->sources[made->source_count].reader, *failed);
		if (result != 0) {
			check_history_close(&made);
			return result;
		}
	}
	*history = made;
	return 0;
}

static void forget_unsure(struct client *client)
{
	struct unsure *unsure, *next;

	LL_FOREACH_SAFE (client->unsure, unsure, next)
		free(unsure);
	client->unsure = NULL;
}

void check_history_close(struct check_history **history)
{
	struct check_history *closed = *history;
	struct client *client, *next_client;
	struct hold *hold, *next_hold;

	if (closed == NULL)
		return;
	HASH_ITER (hh, closed->clients, client, next_client) {
		HASH_DEL(closed->clients, client);
		forget_unsure(client);
		free(client);
	}
	HASH_ITER (hh, closed->holds, hold, next_hold) {
		HASH_DEL(closed->holds, hold);
		free(hold);
	}
	for (size_t i = 0; i < closed->source_count; i++)
		history_reader_close(&closed->sources[i].reader);
	free(closed->sources);
	free(closed);
	*history = NULL;
}

/* The files. */

static const char *unreadable(struct check_history *history, const struct source *source,
                              const char *fault)
{
	history->unreadable = true;
	return check_fault(history, "%s:%" PRIu64 ": %s", source->reader.path,
	                   source->reader.number, fault);
}

static const char *next_line(struct check_history *history, struct source *source)
{
	const char *fault = NULL;
	const int result = history_reader_next(&source->reader, &source->line, &fault);

	source->has_line = result > 0;
	return result < 0 ? unreadable(history, source, fault) : NULL;
}

/* Make known all clients that ever had a session with the record's server. */
static const char *find_clients(struct check_history *history, struct source *source)
{
	const char *fault;

	while ((fault = next_line(history, source)) == NULL && source->has_line) {
		const struct history_line *line = &source->line;
		struct client *client;

		if (line->op != HISTORY_CONNECT || line->phase != HISTORY_OK ||
		    strcmp(line->server, history->server) != 0 ||
		    check_client(history, line->client) != NULL)
			continue;
		client = calloc(1, sizeof(*client));
		if (client == NULL)
			return check_no_memory(history);
		strcpy(client->id, line->client);
		HASH_ADD_STR(history->clients, id, client);
		history->counts.clients++;
	}
	return fault;
}

const char *check_history_begin(struct check_history *history, const char *server)
{
	const char *slash = strchr(server, '/');

	snprintf(history->server, sizeof(history->server), "%s", server);
	if (slash != NULL)
		snprintf(history->boot, sizeof(history->boot), "%.*s", (int)strcspn(slash + 1, "/"),
		         slash + 1);
	for (size_t i = 0; i < history->source_count; i++) {
		struct source *source = &history->sources[i];
		const char *path = source->reader.path;
		const char *fault = find_clients(history, source);

		if (fault != NULL)
			return fault;
		history_reader_close(&source->reader);
		if (history_reader_open(&source->reader, path) != 0)
			return unreadable(history, source, "it cannot be read twice");
		fault = next_line(history, source);
		if (fault != NULL)
			return fault;
	}
	return NULL;
}

static const char *take_line(struct check_history *history, struct source *source)
{
	const struct history_line *line = &source->line;
	struct client *client = check_client(history, line->client);
	const char *fault = client == NULL ? NULL : check_said(history, client, line);

	if (fault != NULL && fault == history->misuse)
		return unreadable(history, source, fault);
	if (fault != NULL && fault != history->sentence)
		fault = check_fault(history, "%s (%s:%" PRIu64 ")", fault, source->reader.path,
		                    source->reader.number);
	return fault != NULL ? fault : next_line(history, source);
}

static bool is_untimed(struct check_history *history, const struct history_line *line)
{
	const struct client *client = check_client(history, line->client);

	return client == NULL || client->any_clock;
}

/* Hear what clients did until ${now_ns}. */
static const char *read_until(struct check_history *history, int64_t now_ns)
{
	const char *fault = NULL;

	for (size_t i = 0; i < history->source_count; i++) {
		struct source *source = &history->sources[i];
		int untimed = 0;

		while (fault == NULL && source->has_line &&
		       (source->line.t_ns <= now_ns ||
		        (untimed < UNTIMED_LINES && is_untimed(history, &source->line)))) {
			untimed += source->line.t_ns > now_ns;
			fault = take_line(history, source);
		}
	}
	return fault;
}

/* What the server tells. */

static void note_end_of_session(struct check_history *history, const struct dmonitor_effect *effect)
{
	struct hold *hold, *next;

	/* Of who ended at this monitor and has no successor yet. */
	HASH_ITER (hh, history->holds, hold, next)
		if (hold->released == DMONITOR_EFFECT_ENDED && hold->successor == 0 &&
		    strcmp(hold->monitor, effect->monitor) == 0)
			hold->successor = effect->token;
}

static const char *grant(struct check_history *history, uint64_t number,
                         const struct dmonitor_effect *effect)
{
	struct hold *hold;

	if (history->ended_count > 0)
		note_end_of_session(history, effect);
	if (check_client(history, effect->client) == NULL)
		return NULL;
	hold = check_hold_for(history, effect->token, effect->client, effect->monitor);
	if (hold == NULL)
		return check_no_memory(history);
	if (strcmp(hold->client, effect->client) != 0 ||
	    strcmp(hold->monitor, effect->monitor) != 0)
		return check_fault(history,
		                   "client %s says that it owns %s by token %" PRIu64
		                   ", which line %" PRIu64
		                   " gives to %s for %s (I4: a token is given "
		                   "once)",
		                   hold->client, hold->monitor, effect->token, number,
		                   effect->client, effect->monitor);
	hold->granted_line = number;
	hold->granted_ns = history->now_ns;
	return check_claim(history, hold);
}

static const char *take_effect(struct check_history *history, uint64_t number,
                               const struct dmonitor_effect *effect)
{
	struct hold *hold = check_hold(history, effect->token);

	if (effect->kind == DMONITOR_EFFECT_GRANTED)
		return grant(history, number, effect);
	if (hold == NULL)
		return NULL;
	if (effect->kind == DMONITOR_EFFECT_SIGNAL || effect->kind == DMONITOR_EFFECT_BROADCAST) {
		signals_add(&hold->executed, effect->kind == DMONITOR_EFFECT_BROADCAST,
		            effect->condition);
		return NULL;
	}
	history->ended_count += effect->kind == DMONITOR_EFFECT_ENDED;
	hold->released = effect->kind;
	hold->released_line = number;
	hold->released_ns = history->now_ns;
	return check_release(history, hold);
}

const char *check_history_event(struct check_history *history, uint64_t number, int64_t now_ns,
                                const struct dmonitor_effect *effects, size_t count)
{
	const char *fault = read_until(history, now_ns);

	history->now_ns = now_ns;
	for (size_t i = 0; i < count && fault == NULL; i++)
		fault = take_effect(history, number, &effects[i]);
	return fault;
}

/* The end. */

/* Who believed to own what was another's already, and how long. */
static void count_overlap(struct check_history *history, const struct hold *hold)
{
	const int64_t span_ns = hold->giving_up.from_ns - hold->successor_since_ns;

	if (!hold->gave_up || hold->any_clock || hold->successor_since_ns == 0 || span_ns <= 0)
		return;
	history->counts.overlaps++;
	if (span_ns > history->counts.overlap_most_ns)
		history->counts.overlap_most_ns = span_ns;
}

static const char *look_at_rest(struct check_history *history, const struct hold *hold, bool clean)
{
	const struct client *client = check_client(history, hold->client);

	count_overlap(history, hold);
	if (hold->granted_line == 0 && !clean && hold->claim.to_ns > history->now_ns) {
		history->counts.uncovered++;
		return NULL;
	}
	if (hold->granted_line == 0)
		return check_fault(
		    history,
		    "client %s was told that it owns %s by token %" PRIu64
		    ", and the record has no such grant (I2: only the server grants)",
		    hold->client, hold->monitor, hold->token);
	if (hold->gave_up && hold->sure && hold->released == DMONITOR_EFFECT_GRANTED) {
		if (clean || hold->giving_up.to_ns <= history->now_ns)
			return check_fault(history,
			                   "client %s was told that it left %s, token %" PRIu64
			                   ", and the record has it inside still (I10: who is told "
			                   "success had it)",
			                   hold->client, hold->monitor, hold->token);
		history->counts.uncovered++;
	}
	if (hold->claimed || client == NULL)
		return NULL;
	if (check_is_explained(client, hold)) {
		history->counts.unsure_took_effect++;
		return NULL;
	}
	/* Behind the last thing that its history tells, anything may have happened. */
	if (!client->any_clock && (!client->is_told || hold->granted_ns <= client->last_ns))
		return check_fault(history,
		                   "client %s was granted %s by token %" PRIu64 " at line %" PRIu64
		                   ", and none of its calls asked for it (I14: no ghosts)",
		                   hold->client, hold->monitor, hold->token, hold->granted_line);
	return NULL;
}

const char *check_history_end(struct check_history *history, bool clean)
{
	const char *fault = read_until(history, INT64_MAX);
	struct client *client, *next_client;
	struct hold *hold, *next;

	HASH_ITER (hh, history->clients, client, next_client)
		history->counts.unsure += client->calling;
	/* First what clients heard and nobody said: it explains the rest. */
	HASH_ITER (hh, history->holds, hold, next)
		if (fault == NULL && hold->granted_line == 0)
			fault = look_at_rest(history, hold, clean);
	HASH_ITER (hh, history->holds, hold, next)
		if (fault == NULL && hold->granted_line != 0)
			fault = look_at_rest(history, hold, clean);
	return fault;
}

bool check_history_unreadable(const struct check_history *history)
{
	return history->unreadable || history->out_of_memory;
}

const struct check_history_counts *check_history_counts(const struct check_history *history)
{
	return &history->counts;
}
