/*
 * fuzz_core.c: any bytes as a sequence of events on two cores. Each event is a few small choices:
 * which client does what where, how time passes, or when memory runs out. One of the cores always
 * has memory; the other one, which may run out of it and is then asked again, must say the same.
 * After each event the invariants must hold, the model must expect what is said, and all of that
 * must be possible to write; in the end, when all have gone, nothing is left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "../core.h"
#include "../model.h"
#include "failing_malloc.h"
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

struct side {
	struct dmonitor_core *core;
	struct dmonitor_outbox outbox;
	struct dmonitor_model *model; /* where memory never runs out; else NULL */
	uint64_t said;                /* digest of all that it ever said, and to whom */
};

struct game {
	const uint8_t *data;
	size_t size_bytes;
	struct side rich; /* always has memory */
	struct side poor;
	int successes; /* of the poor one's next allocations, before one that fails; negative: all
	                */
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

/* The text of ${reply}, which says the same when it is read. */
static char *check_reply(const struct dmonitor_reply *reply)
{
	struct dmonitor_reply heard;
	char *text = dmonitor_reply_encode(reply);

	MUST(text != NULL);
	MUST(dmonitor_reply_decode(text, strlen(text), &heard) == 0);
	MUST(heard.status == reply->status && heard.code == reply->code);
	MUST((heard.status == DMONITOR_STATUS_ERROR) == (heard.code != DMONITOR_CODE_NONE));
	return text;
}

static void check_scarce_reply(const struct dmonitor_reply *reply, int successes, const char *text)
{
	char *scarce;

	until_failure = successes;
	scarce = dmonitor_reply_encode(reply);
	MUST(scarce != NULL || until_failure < 0);
	until_failure = -1;
	MUST(scarce == NULL || strcmp(scarce, text) == 0);
	free(scarce);
}

static uint64_t digest(uint64_t before, const void *bytes, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++)
		before = (before ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211);
	return before;
}

static void check_side(struct side *side, int successes)
{
	const char *fault = dmonitor_core_check(side->core);

	if (fault == NULL && side->model != NULL)
		fault = dmonitor_model_compare(side->model, &side->outbox);
	if (fault != NULL) {
		fprintf(stderr, "%s\n", fault);
		abort();
	}
	MUST(side->outbox.count <= side->outbox.room);
	for (size_t i = 0; i < side->outbox.count; i++) {
		const struct dmonitor_delivery *delivery = &side->outbox.deliveries[i];
		char *text = check_reply(&delivery->reply);

		MUST(delivery->to != 0);
		if (successes >= 0)
			check_scarce_reply(&delivery->reply, successes, text);
		side->said = digest(side->said, &delivery->to, sizeof(delivery->to));
		side->said = digest(side->said, text, strlen(text) + 1);
		free(text);
	}
}

/* Let ${event}, which is the arrival of ${text} if that is not NULL, happen on ${side}; again if
 * memory runs out, for that must have changed nothing, except that a tick may be half done. */
static void happen(struct side *side, struct dmonitor_event event, const char *text, int successes)
{
	struct dmonitor_request request = { .timeout_ms = -1 };
	int result;

	event.request = &request;
	if (text != NULL)
		MUST(dmonitor_request_decode(text, strlen(text), 1, &request) == 0);
	if (side->model != NULL)
		MUST(dmonitor_model_expect(side->model, &event) == 0);
	/* An outbox without room, so that its growing can fail, too. */
	if (successes >= 0)
		dmonitor_outbox_fini(&side->outbox);
	until_failure = successes;
	result = dmonitor_core_step(side->core, &event, &side->outbox);
	MUST(result == 0 || (result == ENOMEM && successes >= 0 && until_failure < 0));
	until_failure = -1;
	if (result == ENOMEM) {
		MUST(event.kind == DMONITOR_EVENT_TICK || side->outbox.count == 0);
		check_side(side, successes);
		MUST(dmonitor_core_step(side->core, &event, &side->outbox) == 0);
	}
	check_side(side, successes);
	dmonitor_request_fini(&request);
}

static void step(struct game *game, struct dmonitor_event *event, const char *text)
{
	const int successes = game->successes;

	game->successes = -1;
	event->now_ns = game->now_ns;
	happen(&game->rich, *event, text, -1);
	happen(&game->poor, *event, text, successes);
	MUST(game->poor.said == game->rich.said);
	MUST(dmonitor_core_deadline_ns(game->poor.core) ==
	     dmonitor_core_deadline_ns(game->rich.core));
	MUST(dmonitor_core_token(game->poor.core) == dmonitor_core_token(game->rich.core));
	for (size_t i = 0; i < game->rich.outbox.count; i++)
		hear(game, &game->rich.outbox.deliveries[i]);
}

static void arrive(struct game *game, dmonitor_peer peer, const char *text, bool local)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = peer,
		                        .local = local };

	game->last_random++;
	memcpy(event.random, &game->last_random, sizeof(game->last_random));
	step(game, &event, text);
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
	step(game, &event, NULL);
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
		if (request.action == DMONITOR_ACTION_EXIT) {
			const unsigned how = choose(game, 4);

			request.unanswered = how & 1;
			request.abandoned = how & 2;
		}
	}
	if (request.action == DMONITOR_ACTION_HELLO) {
		const unsigned lease = choose(game, 5);

		request.lease_ms = leases_ms[lease];
		request.attempt = (lease + 1) % 3;
	}
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
	const int64_t due_ns = dmonitor_core_deadline_ns(game->rich.core);

	if (choice < 10)
		game->now_ns += spans_ms[choice] * NS_PER_MS;
	else if (due_ns != INT64_MAX && due_ns > game->now_ns)
		game->now_ns = due_ns; /* to the nanosecond */
	if (stalled) {
		event.kind = DMONITOR_EVENT_STALLED;
		step(game, &event, NULL);
		event.kind = DMONITOR_EVENT_TICK;
	}
	step(game, &event, NULL);
	MUST(dmonitor_core_deadline_ns(game->rich.core) > game->now_ns);
}

static void play_event(struct game *game)
{
	const unsigned choice = choose(game, 21);
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
	case 8:
		game->successes = (int)choose(game, 64) / 2;
		break;
	default:
		speak(game, client, ids[who], who < CLIENTS / 2);
	}
}

/* All connections close and time passes; then nobody may be left. */
static void all_leave(struct game *game)
{
	struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK };
	const struct dmonitor_outbox *outbox = &game->rich.outbox;

	for (dmonitor_peer peer = 1; peer <= game->last_peer; peer++)
		close_peer(game, peer);
	game->now_ns += 3600001 * NS_PER_MS;
	step(game, &tick, NULL);
	MUST(dmonitor_core_deadline_ns(game->rich.core) == INT64_MAX);
	arrive(game, ++game->last_peer, "{\"action\":\"STATUS\"}", true);
	MUST(outbox->count == 1);
	MUST(outbox->deliveries[0].reply.report->sessions == 0);
}

static void side_init(struct side *side, const struct dmonitor_core_options *options)
{
	until_failure = 0;
	MUST(dmonitor_core_new(options) == NULL);
	until_failure = -1;
	side->core = dmonitor_core_new(options);
	MUST(side->core != NULL);
}

static void side_fini(struct side *side)
{
	dmonitor_outbox_fini(&side->outbox);
	dmonitor_core_free(&side->core);
	MUST(side->core == NULL);
	dmonitor_core_free(&side->core);
	dmonitor_model_free(&side->model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
	/* cJSON is a shared library, so it must be told whom to ask. */
	cJSON_Hooks hooks = { .malloc_fn = __wrap_malloc, .free_fn = free };
	struct game game = {
		.data = data, .size_bytes = size_bytes, .now_ns = NS_PER_MS, .successes = -1
	};
	struct dmonitor_core_options options = dmonitor_core_defaults;
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START,
		                        .server = "game",
		                        .token = 9 };
	const unsigned rules = choose(&game, 8);

	cJSON_InitHooks(&hooks);
	if (rules & 1) {
		options.limits.sessions = 3;
		options.limits.monitors = 2;
		options.limits.conditions = 1;
		options.limits.places = rules & 2 ? 1 : 2;
		options.limits.clients = rules & 2 ? 3 : 2;
		options.limits.ids = 2;
	}
	side_init(&game.rich, &options);
	side_init(&game.poor, &options);
	game.rich.model = dmonitor_model_new(&options);
	MUST(game.rich.model != NULL);
	step(&game, &start, NULL);
	for (int i = 0; i < EVENTS_MAX && game.size_bytes > 0; i++)
		play_event(&game);
	/* Or the server stops amidst it all. */
	if (!(rules & 4))
		all_leave(&game);
	for (struct client *client = game.clients; client < game.clients + CLIENTS; client++)
		free(client->last);
	side_fini(&game.rich);
	side_fini(&game.poor);
	return 0;
}
