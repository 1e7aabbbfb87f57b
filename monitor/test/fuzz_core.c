/*
 * fuzz_core.c: any bytes as a sequence of events on one core. Each event is a few small choices:
 * which client does what where, or how time passes. After each, the core's invariants must hold,
 * the model must expect what the core says, and all of that must be possible to write; in the end,
 * when all have gone, nothing is left.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../core.h"
#include "../model.h"
#include "replay.h"

#define MUST(holds)                                                                                \
	do {                                                                                       \
		if (!(holds))                                                                      \
			abort();                                                                   \
	} while (0)

#define NS_PER_MS INT64_C(1000000)

enum { CLIENTS = 6, EVENTS_MAX = 2000 };

/* The first half of the clients say HELLO, the others poll; two of each half share an id. */
static const char *const ids[CLIENTS] = { "ann", "bob", "bob", "dan", "eve", "ann" };

struct client {
	dmonitor_peer peer; /* 0: it has no connection */
	char secret[DMONITOR_SECRET_BYTES + 1];
	int64_t seq;
	uint64_t token;
	char *last; /* request in the sequence */
};

struct game {
	const uint8_t *data;
	size_t size_bytes;
	struct dmonitor_core *core;
	struct dmonitor_model *model;
	struct dmonitor_outbox outbox;
	struct client clients[CLIENTS];
	dmonitor_peer last_peer;
	uint64_t last_random;
	int64_t now_ns;
};

/* The next choice, below ${count}; 0 when the bytes are used up. */
static unsigned choose(struct game *game, unsigned count)
{
	if (game->size_bytes == 0)
		return 0;
	game->size_bytes--;
	return *game->data++ % count;
}

static void hear(struct game *game, const struct dmonitor_delivery *delivery)
{
	const struct dmonitor_reply *reply = &delivery->reply;

	for (struct client *client = game->clients; client < game->clients + CLIENTS; client++) {
		if (client->peer != delivery->to)
			continue;
		if (reply->token != 0)
			client->token = reply->token;
		if (reply->status != DMONITOR_STATUS_WELCOME)
			continue;
		if (!reply->resumed)
			client->seq = 0;
		strcpy(client->secret, reply->session);
	}
}

static void check_delivery(const struct dmonitor_delivery *delivery)
{
	struct dmonitor_reply heard;
	char *text = dmonitor_reply_encode(&delivery->reply);

	MUST(delivery->to != 0);
	MUST(text != NULL);
	MUST(dmonitor_reply_decode(text, strlen(text), &heard) == 0);
	MUST(heard.status == delivery->reply.status && heard.code == delivery->reply.code);
	MUST((heard.status == DMONITOR_STATUS_ERROR) == (heard.code != DMONITOR_CODE_NONE));
	free(text);
}

static void step(struct game *game, struct dmonitor_event *event)
{
	const char *fault;

	event->now_ns = game->now_ns;
	MUST(dmonitor_model_expect(game->model, event) == 0);
	MUST(dmonitor_core_step(game->core, event, &game->outbox) == 0);
	fault = dmonitor_core_check(game->core);
	if (fault == NULL)
		fault = dmonitor_model_compare(game->model, &game->outbox);
	if (fault != NULL) {
		fprintf(stderr, "%s\n", fault);
		abort();
	}
	MUST(game->outbox.count <= game->outbox.room);
	for (size_t i = 0; i < game->outbox.count; i++) {
		check_delivery(&game->outbox.deliveries[i]);
		hear(game, &game->outbox.deliveries[i]);
	}
}

static void arrive(struct game *game, dmonitor_peer peer, const char *text, bool local)
{
	struct dmonitor_request request;
	struct dmonitor_event event = {
		.kind = DMONITOR_EVENT_MESSAGE, .peer = peer, .local = local, .request = &request
	};

	game->last_random++;
	memcpy(event.random, &game->last_random, sizeof(game->last_random));
	MUST(dmonitor_request_decode(text, strlen(text), 1, &request) == 0);
	step(game, &event);
	dmonitor_request_fini(&request);
}

static void connect_client(struct game *game, struct client *client)
{
	if (client->peer == 0)
		client->peer = ++game->last_peer;
}

static void close_peer(struct game *game, dmonitor_peer peer)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_CLOSED, .peer = peer };

	for (struct client *client = game->clients; client < game->clients + CLIENTS; client++)
		if (client->peer == peer)
			client->peer = 0;
	step(game, &event);
}

static int64_t choose_seq(struct game *game, const struct client *client)
{
	static const int64_t offsets[] = { 1, 1, 1, 1, 1, 1, 0, 2, -1, 1000 };
	const int64_t seq = client->seq + offsets[choose(game, 10)];

	return seq < 1 ? 1 : seq;
}

static bool is_sequenced(enum dmonitor_action action)
{
	return action >= DMONITOR_ACTION_ENTER && action <= DMONITOR_ACTION_BROADCAST;
}

/* A message of ${client}; by some of the choices not quite as it should be. */
static void speak(struct game *game, struct client *client, const char *id, bool pushes)
{
	static const char *const monitors[] = { "m", "n", "o" };
	static const char *conditions[] = { "c", "d", "e" };
	static const int64_t timeouts_ms[] = { -1, -1, -1, 0, 1, 60, 5000, DMONITOR_INTEGER_MAX };
	static const int64_t leases_ms[] = { 0, 1, 200, 1000, DMONITOR_INTEGER_MAX };
	struct dmonitor_request request = { .timeout_ms = -1, .protocol = DMONITOR_PROTOCOL };
	const unsigned oddity = choose(game, 16);
	char *text;

	request.action = (enum dmonitor_action)(1 + choose(game, DMONITOR_ACTION_COUNT - 1));
	request.monitor_name = monitors[choose(game, 3)];
	request.condition_name = conditions[choose(game, 3)];
	request.timeout_ms = timeouts_ms[choose(game, 8)];
	if (request.action == DMONITOR_ACTION_EXIT || request.action == DMONITOR_ACTION_WAIT) {
		const unsigned riders = choose(game, 16);

		request.signal = (struct dmonitor_names){ conditions, riders & 3 };
		request.broadcast = (struct dmonitor_names){ conditions, riders >> 2 };
		request.unanswered = request.action == DMONITOR_ACTION_EXIT && choose(game, 2);
	}
	if (request.action == DMONITOR_ACTION_HELLO)
		request.lease_ms = leases_ms[choose(game, 5)];
	request.token = client->token + (oddity == 1);
	request.process_id = pushes && request.action != DMONITOR_ACTION_HELLO ? NULL : id;
	if (pushes && request.action != DMONITOR_ACTION_HELLO &&
	    request.action != DMONITOR_ACTION_STATUS)
		request.session = client->secret[0] == '\0' ? "none" : client->secret;
	if (pushes && is_sequenced(request.action))
		request.seq = choose_seq(game, client);
	if (pushes && request.action == DMONITOR_ACTION_CANCEL)
		request.cancel_seq = choose_seq(game, client) > client->seq + 1 ? client->seq + 2
		                     : client->seq > 0                          ? client->seq
		                                                                : 1;
	/* Things that should not be. */
	if (oddity == 2)
		request.monitor_name = "not a name";
	if (oddity == 3)
		request.condition_name = NULL;
	if (oddity == 4)
		request.process_id = id;
	if (oddity == 5)
		request.protocol = 3;
	if (oddity == 6)
		request.ref = "ref";
	if (request.seq == client->seq + 1 && pushes)
		client->seq++;
	text = dmonitor_request_encode(&request);
	MUST(text != NULL);
	connect_client(game, client);
	arrive(game, client->peer, text, oddity != 7);
	if (is_sequenced(request.action)) {
		free(client->last);
		client->last = text;
	} else {
		free(text);
	}
}

static void resume(struct game *game, struct client *client, const char *id)
{
	const struct dmonitor_request request = {
		.action = DMONITOR_ACTION_HELLO,
		.process_id = id,
		.session = client->secret[0] == '\0' ? "none" : client->secret,
		.protocol = DMONITOR_PROTOCOL,
		.timeout_ms = -1,
	};
	char *text = dmonitor_request_encode(&request);

	MUST(text != NULL);
	if (choose(game, 4) > 0)
		client->peer = ++game->last_peer;
	connect_client(game, client);
	arrive(game, client->peer, text, true);
	free(text);
}

static void pass_time(struct game *game, bool stalled)
{
	static const int64_t spans_ms[] = { 0, 1, 10, 49, 50, 51, 100, 1000, 5000, 3600000 };
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_TICK };
	const unsigned choice = choose(game, 11);
	const int64_t due_ns = dmonitor_core_deadline_ns(game->core);

	if (choice < 10)
		game->now_ns += spans_ms[choice] * NS_PER_MS;
	else if (due_ns != INT64_MAX && due_ns > game->now_ns)
		game->now_ns = due_ns; /* to the nanosecond */
	if (stalled) {
		event.kind = DMONITOR_EVENT_STALLED;
		step(game, &event);
		event.kind = DMONITOR_EVENT_TICK;
	}
	step(game, &event);
	MUST(dmonitor_core_deadline_ns(game->core) > game->now_ns);
}

static void play_event(struct game *game)
{
	const unsigned choice = choose(game, 20);
	const unsigned who = choose(game, CLIENTS);
	struct client *client = &game->clients[who];

	switch (choice) {
	case 0:
	case 1:
		pass_time(game, choice == 1);
		break;
	case 2:
		if (client->peer != 0)
			close_peer(game, client->peer);
		break;
	case 3: /* the old connection goes on for a while, unheard */
		client->peer = ++game->last_peer;
		break;
	case 4:
		resume(game, client, ids[who]);
		break;
	case 5:
		connect_client(game, client);
		if (client->last != NULL)
			arrive(game, client->peer, client->last, true);
		break;
	case 6: /* several clients on one connection */
		client->peer = game->clients[choose(game, CLIENTS)].peer;
		break;
	case 7: /* the end of a connection that nobody uses any more, or nobody ever used */
		close_peer(game, 1 + choose(game, 64));
		break;
	default:
		speak(game, client, ids[who], who < CLIENTS / 2);
	}
}

/* All connections close and time passes; then nobody may be left. */
static void end_game(struct game *game)
{
	struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK };

	for (dmonitor_peer peer = 1; peer <= game->last_peer; peer++)
		close_peer(game, peer);
	game->now_ns += 3600001 * NS_PER_MS;
	step(game, &tick);
	MUST(dmonitor_core_deadline_ns(game->core) == INT64_MAX);
	arrive(game, ++game->last_peer, "{\"action\":\"STATUS\"}", true);
	MUST(game->outbox.count == 1);
	MUST(game->outbox.deliveries[0].reply.report->sessions == 0);
	for (struct client *client = game->clients; client < game->clients + CLIENTS; client++)
		free(client->last);
	dmonitor_outbox_fini(&game->outbox);
	dmonitor_core_free(&game->core);
	dmonitor_model_free(&game->model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	struct game game = { .data = data, .size_bytes = size_bytes, .now_ns = NS_PER_MS };
	struct dmonitor_core_options options = dmonitor_core_defaults;
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START,
		                        .server = "game",
		                        .token = 9 };

	if (choose(&game, 4) == 1)
		options.limits = (struct dmonitor_limits){ 3, 2, 1, 2 };
	game.core = dmonitor_core_new(&options);
	game.model = dmonitor_model_new(&options);
	MUST(game.core != NULL && game.model != NULL);
	step(&game, &start);
	for (int i = 0; i < EVENTS_MAX && game.size_bytes > 0; i++)
		play_event(&game);
	end_game(&game);
	return 0;
}
