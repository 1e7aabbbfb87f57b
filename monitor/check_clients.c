/* check_clients.c: what clients say of their calls, and whether it fits what the server told. */
#include "check_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *check_fault(struct check_history *history, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(history->sentence, sizeof(history->sentence), format, arguments);
	va_end(arguments);
	return history->sentence;
}

const char *check_no_memory(struct check_history *history)
{
	history->out_of_memory = true;
	return check_fault(history, "there is no memory for the histories");
}

struct client *check_client(struct check_history *history, const char *id)
{
	struct client *client;

	HASH_FIND_STR(history->clients, id, client);
	return client;
}

struct hold *check_hold(struct check_history *history, uint64_t token)
{
	struct hold *hold;

	HASH_FIND(hh, history->holds, &token, sizeof(token), hold);
	return hold;
}

/* The ownership by ${token}, made if it is new; NULL: out of memory. */
struct hold *check_hold_for(struct check_history *history, uint64_t token, const char *client,
                            const char *monitor)
{
	struct hold *hold = check_hold(history, token);

	if (hold != NULL)
		return hold;
	hold = calloc(1, sizeof(*hold));
	if (hold == NULL)
		return NULL;
	hold->token = token;
	strcpy(hold->client, client);
	strcpy(hold->monitor, monitor);
	HASH_ADD(hh, history->holds, token, sizeof(hold->token), hold);
	return hold;
}

static void forget_hold(struct check_history *history, struct hold *hold)
{
	HASH_DEL(history->holds, hold);
	free(hold);
}

bool check_is_explained(const struct client *client, const struct hold *hold)
{
	const struct unsure *unsure;
	const bool awaits = client->call.op == HISTORY_ENTER || client->call.op == HISTORY_WAIT;

	LL_FOREACH (client->unsure, unsure)
		if (strcmp(unsure->monitor, hold->monitor) == 0 &&
		    (hold->any_clock || unsure->since_ns <= hold->granted_ns))
			return true;
	return client->calling && awaits && strcmp(client->call.monitor, hold->monitor) == 0;
}

static const char *add_unsure(struct check_history *history, struct client *client)
{
	struct unsure *unsure;

	if (client->call.op != HISTORY_ENTER && client->call.op != HISTORY_WAIT)
		return NULL;
	unsure = calloc(1, sizeof(*unsure));
	if (unsure == NULL)
		return check_no_memory(history);
	strcpy(unsure->monitor, client->call.monitor);
	unsure->since_ns = client->call.t_ns;
	LL_PREPEND(client->unsure, unsure);
	return NULL;
}

/* Whoever had the monitor before, and whose session ended, may still have believed to own it. */
static void note_successor(struct check_history *history, const struct hold *successor)
{
	struct hold *hold, *next;

	if (history->ended_count == 0)
		return;
	HASH_ITER (hh, history->holds, hold, next)
		if (hold->released == DMONITOR_EFFECT_ENDED && hold->successor == successor->token)
			hold->successor_since_ns = successor->claim.to_ns;
}

const char *check_claim(struct check_history *history, const struct hold *hold)
{
	const struct client *client = check_client(history, hold->client);

	if (!hold->claimed || hold->granted_line == 0)
		return NULL;
	history->counts.matched++;
	note_successor(history, hold);
	return hold_claim_fault(hold, client != NULL && check_is_explained(client, hold),
	                        history->detail, sizeof(history->detail));
}

/* Once both have told how ${hold} ended; then it may be forgotten. */
const char *check_release(struct check_history *history, struct hold *hold)
{
	const char *fault;

	if (!hold->gave_up || hold->released == DMONITOR_EFFECT_GRANTED)
		return NULL;
	fault = hold_release_fault(hold, history->detail, sizeof(history->detail));
	if (fault == NULL && !hold->sure && hold->how == DMONITOR_EFFECT_EXITED &&
	    hold->released == DMONITOR_EFFECT_EXITED)
		history->counts.unsure_took_effect++;
	if (fault == NULL && hold_is_settled(hold))
		forget_hold(history, hold);
	return fault;
}

static const char *claim(struct check_history *history, struct client *client,
                         const struct history_line *line)
{
	struct hold *hold = check_hold_for(history, line->token, client->id, line->monitor);

	if (hold == NULL)
		return check_no_memory(history);
	if (strcmp(hold->client, client->id) != 0 || strcmp(hold->monitor, line->monitor) != 0)
		return check_fault(history,
		                   "client %s says that it owns %s by token %" PRIu64
		                   ", which was given to %s for %s (I4: a token is given once)",
		                   client->id, line->monitor, line->token, hold->client,
		                   hold->monitor);
	/* An exit that was lost on the way: asked to enter again, it finds itself inside. */
	if (hold->claimed && hold->gave_up && !hold->sure &&
	    hold->released == DMONITOR_EFFECT_GRANTED) {
		hold->gave_up = false;
		return NULL;
	}
	if (hold->claimed)
		return check_fault(history,
		                   "client %s says twice that it came to own %s by token %" PRIu64
		                   " (I12: a request is done once)",
		                   client->id, line->monitor, line->token);
	hold->claimed = true;
	hold->any_clock = client->any_clock;
	hold->claim = (struct span){ client->call.t_ns, line->t_ns };
	return check_claim(history, hold);
}

static const char *give_up(struct check_history *history, const struct client *client,
                           uint64_t token, enum dmonitor_effect_kind how, bool sure,
                           int64_t return_ns)
{
	struct hold *hold = check_hold(history, token);

	if (hold == NULL || strcmp(hold->client, client->id) != 0)
		return NULL;
	hold->gave_up = true;
	hold->sure = sure;
	hold->how = how;
	hold->giving_up = (struct span){ client->call.t_ns, return_ns };
	return check_release(history, hold);
}

static const char *left(struct check_history *history, const struct client *client,
                        const struct history_line *line)
{
	if (client->call.token == 0 || line->levels > 0 || line->phase == HISTORY_FAIL)
		return NULL;
	return give_up(history, client, client->call.token, DMONITOR_EFFECT_EXITED,
	               line->phase == HISTORY_OK, line->t_ns);
}

static const char *waited(struct check_history *history, struct client *client,
                          const struct history_line *line)
{
	const char *fault;

	if (line->phase == HISTORY_FAIL)
		return NULL;
	fault = give_up(history, client, client->call.token, DMONITOR_EFFECT_WAITS,
	                line->phase == HISTORY_OK, line->t_ns);
	if (fault != NULL)
		return fault;
	return line->phase == HISTORY_OK ? claim(history, client, line)
	                                 : add_unsure(history, client);
}

static const char *entered(struct check_history *history, struct client *client,
                           const struct history_line *line)
{
	if (line->phase == HISTORY_INFO)
		return add_unsure(history, client);
	/* Inner levels are the library's own. */
	return line->phase == HISTORY_OK && line->levels == 1 ? claim(history, client, line) : NULL;
}

static void signalled(struct check_history *history, const struct client *client,
                      const struct history_line *line)
{
	struct hold *hold = check_hold(history, client->call.token);

	if (hold == NULL)
		return;
	if (line->phase == HISTORY_OK)
		signals_add(&hold->signalled, client->call.op == HISTORY_BROADCAST,
		            client->call.condition);
	hold->perhaps_signalled += line->phase == HISTORY_INFO;
}

static const char *checked(struct check_history *history, const struct client *client,
                           const struct history_line *line)
{
	const struct hold *hold = check_hold(history, client->call.token);

	if (line->phase != HISTORY_OK || hold == NULL || client->any_clock ||
	    hold->released == DMONITOR_EFFECT_GRANTED || hold->released_ns >= client->call.t_ns)
		return NULL;
	return check_fault(history,
	                   "client %s was told that it owns %s by token %" PRIu64
	                   ", which ended at line %" PRIu64 " (I10: only the owner is told so)",
	                   client->id, hold->monitor, hold->token, hold->released_line);
}

/* A session that ends takes with it what was entered; whether by an exit or by its end is open. */
static const char *ends(struct check_history *history, const struct client *client,
                        int64_t return_ns)
{
	struct hold *hold, *next;
	const char *fault = NULL;

	HASH_ITER (hh, history->holds, hold, next)
		if (fault == NULL && hold->claimed && !hold->gave_up &&
		    strcmp(hold->client, client->id) == 0)
			fault = give_up(history, client, hold->token, DMONITOR_EFFECT_ENDED, false,
			                return_ns);
	return fault;
}

static const char *call_returns(struct check_history *history, struct client *client,
                                const struct history_line *line)
{
	history->counts.calls++;
	history->counts.unsure += line->phase == HISTORY_INFO;
	switch (client->call.op) {
	case HISTORY_ENTER:
		return entered(history, client, line);
	case HISTORY_EXIT:
	case HISTORY_CLOSE:
		return left(history, client, line);
	case HISTORY_WAIT:
		return waited(history, client, line);
	case HISTORY_SIGNAL:
	case HISTORY_BROADCAST:
		signalled(history, client, line);
		return NULL;
	case HISTORY_CHECK:
		return checked(history, client, line);
	case HISTORY_DISCONNECT:
		client->is_told = false;
		return ends(history, client, line->t_ns);
	case HISTORY_CONNECT:
		break;
	}
	return NULL;
}

static void connects(struct check_history *history, struct client *client,
                     const struct history_line *line)
{
	if (line->phase == HISTORY_INVOKE) {
		client->any_clock = strcmp(line->boot, history->boot) != 0;
		client->ours = false;
	} else {
		client->ours = strcmp(line->server, history->server) == 0;
		client->is_told = client->ours;
		history->counts.other_clock += client->ours && client->any_clock;
	}
}

/* The call that is under way never will: its process was killed. */
static const char *never_returned(struct check_history *history, struct client *client)
{
	history->counts.unsure++;
	return add_unsure(history, client);
}

const char *check_said(struct check_history *history, struct client *client,
                       const struct history_line *line)
{
	const char *fault = NULL;

	client->last_ns = line->t_ns;
	/* A call that never returned: its process was killed, and another has its id. */
	if (line->op == HISTORY_CONNECT && line->phase == HISTORY_INVOKE && client->calling)
		fault = never_returned(history, client);
	if (line->op == HISTORY_CONNECT)
		connects(history, client, line);
	if (line->phase == HISTORY_INVOKE) {
		client->call = *line;
		client->calling = true;
		return fault;
	}
	if (!client->calling || client->call.op != line->op) {
		history->misuse = "a call returns that had not begun";
		return history->misuse;
	}
	client->calling = false;
	return client->ours ? call_returns(history, client, line) : NULL;
}
