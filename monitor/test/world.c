/* world.c: one core, its clients and the network between them, in virtual time. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CLIENTS_MAX = 40, TRAVEL_MS = 1, TOKEN_BASE = 1000 };

struct client {
	char id[32];
	dmonitor_peer peer;
	char secret[DMONITOR_SECRET_BYTES + 1];
	int64_t seq;
	int64_t lease_ms;
	int64_t beat_ms; /* when the next one is due; INT64_MAX: never */
	uint64_t token;
	char *last;  /* numbered request */
	char *older; /* the one before it */
};

/* Something under way. */
struct letter {
	struct letter *next;
	int64_t due_ms;
	struct client *client;
	dmonitor_peer peer;
	char *text;     /* to the server; NULL: the connection closes */
	char line[400]; /* to the client: its line in the trace */
};

struct world {
	struct dmonitor_core *core;
	struct dmonitor_outbox outbox;
	struct client clients[CLIENTS_MAX];
	size_t client_count;
	dmonitor_peer last_peer;
	int64_t now_ms;
	int64_t stalled_until_ms;
	struct letter *to_server, *to_clients;
	FILE *trace;
};

static void post(struct letter **queue, const struct letter *letter)
{
	struct letter *posted = malloc(sizeof(*posted));

	*posted = *letter;
	posted->next = NULL;
	while (*queue != NULL)
		queue = &(*queue)->next;
	*queue = posted;
}

static struct client *client_of(struct world *world, const char *id)
{
	struct client *client;

	for (size_t i = 0; i < world->client_count; i++)
		if (strcmp(world->clients[i].id, id) == 0)
			return &world->clients[i];
	assert_true(world->client_count < CLIENTS_MAX);
	client = &world->clients[world->client_count++];
	snprintf(client->id, sizeof(client->id), "%s", id);
	client->peer = ++world->last_peer;
	client->beat_ms = INT64_MAX;
	return client;
}

static bool polls(const struct client *client)
{
	return client->id[0] == '~';
}

static void describe(struct world *world, struct client *client, const struct dmonitor_reply *reply,
                     char *line, size_t room)
{
	FILE *out = fmemopen(line, room, "w");

	(void)world;
	fprintf(out, "%s %s", client->id,
	        reply->code != DMONITOR_CODE_NONE ? dmonitor_code_word(reply->code)
	                                          : dmonitor_status_word(reply->status));
	if (reply->monitor_name[0] != '\0')
		fprintf(out, " %s", reply->monitor_name);
	if (reply->condition_name[0] != '\0')
		fprintf(out, " %s", reply->condition_name);
	if (reply->token != 0)
		fprintf(out, " #%llu", (unsigned long long)(reply->token - TOKEN_BASE));
	if (reply->abandoned)
		fprintf(out, " abandoned");
	if (reply->timed_out)
		fprintf(out, " timed_out");
	if (reply->cancelled)
		fprintf(out, " cancelled");
	if (reply->tells_next)
		fprintf(out, " next=%s", reply->next_granted_to[0] ? reply->next_granted_to : "-");
	if (reply->tells_woken)
		fprintf(out, " woken=%lld", (long long)reply->woken_processes);
	if (reply->failed_seq != 0)
		fprintf(out, " failed=%s", dmonitor_code_word(reply->failed_code));
	if (reply->status == DMONITOR_STATUS_WELCOME && reply->resumed)
		fprintf(out, " resumed last=%lld", (long long)reply->last_seq);
	fclose(out);
}

static struct client *client_at(struct world *world, dmonitor_peer peer)
{
	for (size_t i = 0; i < world->client_count; i++)
		if (world->clients[i].peer == peer)
			return &world->clients[i];
	return NULL;
}

static void post_replies(struct world *world)
{
	for (size_t i = 0; i < world->outbox.count; i++) {
		const struct dmonitor_delivery *delivery = &world->outbox.deliveries[i];
		struct client *client = client_at(world, delivery->to);
		struct letter letter = { .due_ms = world->now_ms + TRAVEL_MS, .client = client };
		const struct dmonitor_reply *reply = &delivery->reply;

		if (client == NULL)
			continue;
		if (reply->status == DMONITOR_STATUS_WELCOME) {
			strcpy(client->secret, reply->session);
			client->lease_ms = reply->lease_ms;
			if (!reply->resumed) {
				client->seq = 0;
				client->beat_ms = world->now_ms + reply->lease_ms / 3;
			}
		}
		if (reply->token != 0)
			client->token = reply->token;
		if (reply->status == DMONITOR_STATUS_ALIVE)
			continue;
		describe(world, client, reply, letter.line, sizeof(letter.line));
		post(&world->to_clients, &letter);
	}
}

static void step(struct world *world, struct dmonitor_event *event)
{
	const char *fault;

	event->now_ns = world->now_ms * 1000000;
	assert_int_equal(dmonitor_core_step(world->core, event, &world->outbox), 0);
	fault = dmonitor_core_check(world->core);
	if (fault != NULL)
		fail_msg("at %lld ms: %s", (long long)world->now_ms, fault);
	post_replies(world);
}

static void arrive(struct world *world, struct letter *letter)
{
	struct dmonitor_request request;
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_CLOSED, .peer = letter->peer };

	if (letter->text == NULL) {
		step(world, &event);
		return;
	}
	event.kind = DMONITOR_EVENT_MESSAGE;
	event.request = &request;
	memset(event.random, (int)letter->peer, sizeof(event.random));
	assert_int_equal(dmonitor_request_decode(letter->text, strlen(letter->text), 1, &request),
	                 0);
	step(world, &event);
	dmonitor_request_fini(&request);
	free(letter->text);
}

static void send_text(struct world *world, struct client *client, char *text)
{
	const struct letter letter = { .due_ms = world->now_ms + TRAVEL_MS,
		                       .client = client,
		                       .peer = client->peer,
		                       .text = text };

	post(&world->to_server, &letter);
	if (client->beat_ms != INT64_MAX)
		client->beat_ms = world->now_ms + client->lease_ms / 3;
}

/* The value of `${key}=` among the words; NULL: it is not there. */
static const char *option(char **words, size_t count, const char *key)
{
	const size_t length = strlen(key);

	for (size_t i = 0; i < count; i++)
		if (strncmp(words[i], key, length) == 0 && words[i][length] == '=')
			return words[i] + length + 1;
	return NULL;
}

static void split_names(const char *text, struct dmonitor_names *names, char *copy,
                        const char **room)
{
	char *rest = NULL;

	if (text == NULL)
		return;
	strcpy(copy, text);
	names->names = room;
	for (char *name = strtok_r(copy, ",", &rest); name != NULL;
	     name = strtok_r(NULL, ",", &rest))
		names->names[names->count++] = name;
}

static bool is_sequenced(enum dmonitor_action action)
{
	return action >= DMONITOR_ACTION_ENTER && action <= DMONITOR_ACTION_BROADCAST;
}

static void say(struct world *world, struct client *client, enum dmonitor_action action,
                char **words, size_t count)
{
	struct dmonitor_request request = { .action = action, .timeout_ms = -1 };
	char copies[2][128];
	const char *rooms[2][16];
	const char *text = option(words, count, "timeout");
	char *sent;

	if (count > 0 && strchr(words[0], '=') == NULL)
		request.monitor_name = words[0];
	if (count > 1 && strchr(words[1], '=') == NULL && action != DMONITOR_ACTION_EXIT)
		request.condition_name = words[1];
	if (text != NULL)
		request.timeout_ms = atoll(text);
	split_names(option(words, count, "signal"), &request.signal, copies[0], rooms[0]);
	split_names(option(words, count, "broadcast"), &request.broadcast, copies[1], rooms[1]);
	for (size_t i = 0; i < count; i++) {
		request.unanswered = request.unanswered || strcmp(words[i], "quiet") == 0;
		request.abandoned = request.abandoned || strcmp(words[i], "abandoned") == 0;
	}
	if (polls(client) || action == DMONITOR_ACTION_HELLO)
		request.process_id = client->id;
	else
		request.session = client->secret[0] == '\0' ? "none" : client->secret;
	if (option(words, count, "as") != NULL)
		request.process_id = option(words, count, "as");
	if (action == DMONITOR_ACTION_HELLO) {
		request.protocol = DMONITOR_PROTOCOL;
		text = option(words, count, "lease");
		request.lease_ms = text == NULL ? 0 : atoll(text);
		text = option(words, count, "session");
		request.session = text;
		text = option(words, count, "attempt");
		request.attempt = text == NULL ? 0 : atoll(text);
	}
	if (action == DMONITOR_ACTION_CHECK) {
		text = option(words, count, "token");
		request.token =
		    text == NULL ? client->token : strtoull(text, NULL, 10) + TOKEN_BASE;
	}
	if (!polls(client) && is_sequenced(action))
		request.seq = ++client->seq;
	if (!polls(client) && action == DMONITOR_ACTION_CANCEL)
		request.cancel_seq = client->seq;
	sent = dmonitor_request_encode(&request);
	if (is_sequenced(action)) {
		free(client->older);
		client->older = client->last;
		client->last = strdup(sent);
	}
	send_text(world, client, sent);
}

static void resume(struct world *world, struct client *client)
{
	char word[64];
	char *words[] = { word };

	snprintf(word, sizeof(word), "session=%s", client->secret);
	client->peer = ++world->last_peer;
	say(world, client, DMONITOR_ACTION_HELLO, words, 1);
}

static void close_connection(struct world *world, struct client *client)
{
	const struct letter letter = { .due_ms = world->now_ms + TRAVEL_MS,
		                       .client = client,
		                       .peer = client->peer };

	post(&world->to_server, &letter);
	client->peer = 0;
	client->beat_ms = INT64_MAX;
}

static void act(struct world *world, const char *id, const char *verb, char **words, size_t count)
{
	struct client *client = client_of(world, id);

	if (strcmp(verb, "CLOSE") == 0) {
		close_connection(world, client);
	} else if (strcmp(verb, "OPEN") == 0) {
		client->peer = ++world->last_peer;
	} else if (strcmp(verb, "RESUME") == 0) {
		resume(world, client);
	} else if (strcmp(verb, "REPEAT") == 0) {
		send_text(world, client, strdup(client->last));
	} else if (strcmp(verb, "OLDER") == 0) {
		send_text(world, client, strdup(client->older));
	} else if (strcmp(verb, "MUTE") == 0) {
		client->beat_ms = INT64_MAX;
	} else if (strcmp(verb, "STALL") == 0) {
		world->stalled_until_ms = world->now_ms + atoll(words[0]);
	} else {
		for (int action = 1; action < DMONITOR_ACTION_COUNT; action++)
			if (strcmp(dmonitor_action_word((enum dmonitor_action)action), verb) == 0) {
				say(world, client, (enum dmonitor_action)action, words, count);
				return;
			}
		fail_msg("no verb %s", verb);
	}
}

/* One line of the script, cut into words. */
static void play_line(struct world *world, char *line)
{
	char *words[16];
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " ", &rest); word != NULL && count < 16;
	     word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	assert_true(count >= 3);
	for (char *id = strtok_r(words[1], ",", &rest); id != NULL; id = strtok_r(NULL, ",", &rest))
		act(world, id, words[2], words + 3, count - 3);
}

static struct letter *take(struct letter **queue)
{
	struct letter *letter = *queue;

	*queue = letter->next;
	return letter;
}

static int64_t earliest_beat(const struct world *world)
{
	int64_t beat_ms = INT64_MAX;

	for (size_t i = 0; i < world->client_count; i++)
		if (world->clients[i].beat_ms < beat_ms)
			beat_ms = world->clients[i].beat_ms;
	return beat_ms;
}

static void send_beats(struct world *world)
{
	for (size_t i = 0; i < world->client_count; i++)
		if (world->clients[i].beat_ms <= world->now_ms)
			say(world, &world->clients[i], DMONITOR_ACTION_BEAT, NULL, 0);
}

/* The core's time, rounded up to the next ms. */
static int64_t core_due_ms(const struct world *world)
{
	const int64_t due_ns = dmonitor_core_deadline_ns(world->core);

	return due_ns == INT64_MAX ? INT64_MAX : (due_ns + 999999) / 1000000;
}

/* What happens before ${until_ms}, in the order of time: first the server's time, then letters. */
static void run_until(struct world *world, int64_t until_ms)
{
	for (;;) {
		const int64_t tick_ms = core_due_ms(world) > world->stalled_until_ms
		                            ? core_due_ms(world)
		                            : world->stalled_until_ms;
		const int64_t in_ms = world->to_server == NULL ? INT64_MAX
		                      : world->to_server->due_ms > world->stalled_until_ms
		                          ? world->to_server->due_ms
		                          : world->stalled_until_ms;
		const int64_t out_ms =
		    world->to_clients == NULL ? INT64_MAX : world->to_clients->due_ms;
		const int64_t beat_ms = earliest_beat(world);
		int64_t next_ms = in_ms < out_ms ? in_ms : out_ms;

		next_ms = beat_ms < next_ms ? beat_ms : next_ms;
		if (core_due_ms(world) != INT64_MAX)
			next_ms = tick_ms < next_ms ? tick_ms : next_ms;
		if (next_ms > until_ms || next_ms == INT64_MAX)
			return;
		world->now_ms = next_ms > world->now_ms ? next_ms : world->now_ms;
		if (next_ms == out_ms) {
			struct letter *letter = take(&world->to_clients);

			fprintf(world->trace, "[%5lld] %s\n", (long long)world->now_ms,
			        letter->line);
			free(letter);
		} else if (next_ms == in_ms) {
			/* Input is drained before time is looked at. */
			struct letter *letter = take(&world->to_server);

			arrive(world, letter);
			free(letter);
		} else if (core_due_ms(world) != INT64_MAX && next_ms == tick_ms) {
			struct dmonitor_event stalled = { .kind = DMONITOR_EVENT_STALLED };
			struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK };

			if (world->now_ms - core_due_ms(world) > 250)
				step(world, &stalled);
			step(world, &tick);
		} else {
			send_beats(world);
		}
	}
}

static void end_world(struct world *world)
{
	while (world->to_server != NULL) {
		struct letter *letter = take(&world->to_server);

		free(letter->text);
		free(letter);
	}
	while (world->to_clients != NULL)
		free(take(&world->to_clients));
	for (size_t i = 0; i < world->client_count; i++) {
		free(world->clients[i].last);
		free(world->clients[i].older);
	}
	dmonitor_outbox_fini(&world->outbox);
	dmonitor_core_free(&world->core);
}

static char *play(const struct dmonitor_core_options *options, const char *script)
{
	struct world world = { .core = dmonitor_core_new(options) };
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START,
		                        .server = "world",
		                        .token = TOKEN_BASE };
	char *lines = strdup(script);
	char *rest = NULL;
	char *trace = NULL;
	size_t size;

	world.trace = open_memstream(&trace, &size);
	step(&world, &start);
	for (char *line = strtok_r(lines, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		const int64_t at_ms = atoll(line);

		run_until(&world, at_ms);
		world.now_ms = at_ms;
		play_line(&world, line);
	}
	/* The end of a story is when half a second has passed without its clients. */
	run_until(&world, world.now_ms + 500);
	fclose(world.trace);
	end_world(&world);
	free(lines);
	return trace;
}

char *world_play(const char *script)
{
	return play(&dmonitor_core_defaults, script);
}

void world_story(const char *script, const char *trace)
{
	world_story_limited(&dmonitor_core_defaults.limits, script, trace);
}

void world_story_limited(const struct dmonitor_limits *limits, const char *script,
                         const char *trace)
{
	struct dmonitor_core_options options = dmonitor_core_defaults;
	char *heard;

	options.limits = *limits;
	heard = play(&options, script);
	assert_string_equal(heard, trace);
	free(heard);
}
