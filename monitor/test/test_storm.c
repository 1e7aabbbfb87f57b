/*
 * test_storm.c: thousands of random schedules of clients that enter, wait, signal, cancel, repeat,
 * die and come back, on one core; the invariants are checked after every step, and the model must
 * expect what the core says. A failure prints its seed; `test_storm SEED` plays that one again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../core.h"
#include "../model.h"

enum { CLIENTS = 10, POLLING = 4, MONITORS = 3, CONDITIONS = 2, STEPS = 600, SEEDS = 10000 };

static uint64_t first_seed = 1;
static uint64_t seeds = SEEDS;

static const char *const monitor_names[MONITORS] = { "m0", "m1", "m2" };
static const char *const condition_names[CONDITIONS] = { "c0", "c1" };

struct storm_client {
	char id[8];
	bool polls;
	dmonitor_peer peer; /* 0: not connected */
	char secret[DMONITOR_SECRET_BYTES + 1];
	int64_t seq;
	bool pending;                 /* a push request is unanswered */
	bool inside[MONITORS];        /* by what it was told */
	struct dmonitor_request last; /* for repeating */
	const char *last_signals[2];
};

struct storm {
	uint64_t random;
	uint64_t seed;
	int64_t now_ns;
	struct dmonitor_core *core;
	struct dmonitor_model *model;
	struct dmonitor_outbox outbox;
	struct storm_client clients[CLIENTS];
	dmonitor_peer last_peer;
	uint64_t last_token;
	uint64_t digest;
	int owner[MONITORS]; /* by what clients were told; -1: nobody, or unknown */
};

static uint64_t draw(struct storm *storm, uint64_t below)
{
	storm->random ^= storm->random << 13;
	storm->random ^= storm->random >> 7;
	storm->random ^= storm->random << 17;
	return storm->random % below;
}

#define MUST(storm, holds)                                                                         \
	do {                                                                                       \
		if (!(holds))                                                                      \
			fail_msg("seed %llu: %s", (unsigned long long)(storm)->seed, #holds);      \
	} while (0)

static struct storm_client *client_at(struct storm *storm, dmonitor_peer peer)
{
	for (int i = 0; i < CLIENTS; i++)
		if (storm->clients[i].peer == peer)
			return &storm->clients[i];
	return NULL;
}

static int monitor_index(const char *name)
{
	return name[1] - '0';
}

/* A grant: tokens rise, and nobody else is inside, unless the server has told that it died. */
static void note_grant(struct storm *storm, struct storm_client *client,
                       const struct dmonitor_reply *reply)
{
	const int monitor = monitor_index(reply->monitor_name);

	if (reply->token <= storm->last_token)
		return; /* an old answer, asked for again */
	storm->last_token = reply->token;
	MUST(storm, storm->owner[monitor] == -1 || reply->abandoned);
	storm->owner[monitor] = (int)(client - storm->clients);
	client->inside[monitor] = true;
}

static void note_release(struct storm *storm, struct storm_client *client, int monitor)
{
	if (storm->owner[monitor] == (int)(client - storm->clients))
		storm->owner[monitor] = -1;
	client->inside[monitor] = false;
}

static void note_end(struct storm *storm, struct storm_client *client)
{
	for (int monitor = 0; monitor < MONITORS; monitor++)
		note_release(storm, client, monitor);
	client->pending = false;
}

static void note_replies(struct storm *storm)
{
	for (size_t i = 0; i < storm->outbox.count; i++) {
		const struct dmonitor_reply *reply = &storm->outbox.deliveries[i].reply;
		struct storm_client *client = client_at(storm, storm->outbox.deliveries[i].to);

		if (client == NULL)
			continue;
		if (reply->status == DMONITOR_STATUS_WELCOME) {
			strcpy(client->secret, reply->session);
			client->seq = reply->last_seq;
		}
		if (reply->code == DMONITOR_CODE_BUSY) {
			/* The number was not used; what was pending still is. */
			client->seq = reply->seq - 1;
			client->last.seq = 0;
		} else if (reply->seq != 0 && reply->seq == client->seq) {
			client->pending = false;
		}
		if (reply->code == DMONITOR_CODE_SESSION_LOST)
			note_end(storm, client);
		if (reply->token != 0 && (reply->status == DMONITOR_STATUS_GRANTED ||
		                          reply->status == DMONITOR_STATUS_GRANTED_AFTER_WAIT))
			note_grant(storm, client, reply);
	}
}

static void step(struct storm *storm, struct dmonitor_event *event)
{
	const char *fault;

	event->now_ns = storm->now_ns;
	MUST(storm, dmonitor_model_expect(storm->model, event) == 0);
	MUST(storm, dmonitor_core_step(storm->core, event, &storm->outbox) == 0);
	fault = dmonitor_core_check(storm->core);
	if (fault == NULL)
		fault = dmonitor_model_compare(storm->model, &storm->outbox);
	if (fault != NULL)
		fail_msg("seed %llu: %s", (unsigned long long)storm->seed, fault);
	note_replies(storm);
}

static void send_request(struct storm *storm, struct storm_client *client,
                         struct dmonitor_request request)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = client->peer,
		                        .request = &request };

	for (size_t i = 0; i < sizeof(event.random); i++)
		event.random[i] = (uint8_t)draw(storm, 256);
	step(storm, &event);
}

static void hello(struct storm *storm, struct storm_client *client, bool resume)
{
	client->peer = ++storm->last_peer;
	send_request(storm, client,
	             (struct dmonitor_request){ .action = DMONITOR_ACTION_HELLO,
	                                        .process_id = client->id,
	                                        .protocol = DMONITOR_PROTOCOL,
	                                        .lease_ms = 300,
	                                        .session = resume ? client->secret : NULL,
	                                        .timeout_ms = -1 });
}

static void connect_client(struct storm *storm, struct storm_client *client)
{
	if (client->polls)
		client->peer = ++storm->last_peer;
	else
		hello(storm, client, draw(storm, 2) == 0 && client->secret[0] != '\0');
}

static void disconnect_client(struct storm *storm, struct storm_client *client)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_CLOSED, .peer = client->peer };

	client->peer = 0;
	/* It may come back in time or not; until it is heard of again, nothing is known of it. */
	note_end(storm, client);
	step(storm, &event);
}

static enum dmonitor_action draw_action(struct storm *storm, const struct storm_client *client,
                                        int monitor)
{
	static const enum dmonitor_action inside[] = { DMONITOR_ACTION_EXIT, DMONITOR_ACTION_EXIT,
		                                       DMONITOR_ACTION_WAIT, DMONITOR_ACTION_SIGNAL,
		                                       DMONITOR_ACTION_BROADCAST };
	static const enum dmonitor_action polling[] = { DMONITOR_ACTION_CHECK_GRANT,
		                                        DMONITOR_ACTION_CHECK_AWAKENED };

	if (draw(storm, 20) == 0)
		return (enum dmonitor_action)(1 + draw(storm, 5)); /* out of place */
	if (client->inside[monitor])
		return inside[draw(storm, 5)];
	if (client->polls && draw(storm, 2) == 0)
		return polling[draw(storm, 2)];
	return DMONITOR_ACTION_ENTER;
}

static void ask(struct storm *storm, struct storm_client *client)
{
	const int monitor = (int)draw(storm, MONITORS);
	struct dmonitor_request request = { .action = draw_action(storm, client, monitor),
		                            .monitor_name = monitor_names[monitor],
		                            .timeout_ms = -1,
		                            .digest = ++storm->digest };
	const bool releases =
	    request.action == DMONITOR_ACTION_EXIT || request.action == DMONITOR_ACTION_WAIT;

	if (request.action != DMONITOR_ACTION_ENTER && request.action != DMONITOR_ACTION_EXIT &&
	    request.action != DMONITOR_ACTION_CHECK_GRANT)
		request.condition_name = condition_names[draw(storm, CONDITIONS)];
	if (!releases && request.action != DMONITOR_ACTION_ENTER) {
		request.timeout_ms = -1;
	} else if (draw(storm, 3) == 0) {
		request.timeout_ms = (int64_t)draw(storm, 60);
	}
	if (releases && draw(storm, 2) == 0) {
		client->last_signals[0] = condition_names[draw(storm, CONDITIONS)];
		request.signal.names = client->last_signals;
		request.signal.count = 1;
	}
	if (client->polls) {
		request.process_id = client->id;
	} else {
		request.session = client->secret;
		request.seq = ++client->seq;
		request.unanswered = request.action == DMONITOR_ACTION_EXIT && draw(storm, 2) == 0;
		request.abandoned = request.unanswered && draw(storm, 2) == 0;
		client->pending = !request.unanswered;
		client->last = request;
	}
	/* Accepted or not, who leaves does not claim to be inside; the core's own check knows. */
	if (releases)
		note_release(storm, client, monitor);
	send_request(storm, client, request);
}

static void cancel(struct storm *storm, struct storm_client *client)
{
	struct dmonitor_request request = { .action = DMONITOR_ACTION_CANCEL, .timeout_ms = -1 };

	if (client->polls) {
		request.process_id = client->id;
		request.monitor_name = monitor_names[draw(storm, MONITORS)];
	} else {
		request.session = client->secret;
		request.cancel_seq = client->seq;
	}
	send_request(storm, client, request);
}

static void beat(struct storm *storm, struct storm_client *client)
{
	if (!client->polls)
		send_request(storm, client,
		             (struct dmonitor_request){ .action = DMONITOR_ACTION_BEAT,
		                                        .session = client->secret,
		                                        .timeout_ms = -1 });
}

static void pass_time(struct storm *storm)
{
	struct dmonitor_event tick = { .kind = draw(storm, 50) == 0 ? DMONITOR_EVENT_STALLED
		                                                    : DMONITOR_EVENT_TICK };
	const int64_t before_ns = storm->now_ns;

	storm->now_ns += (int64_t)draw(storm, 40) * 1000000;
	/* Whose lease may end is no longer known to be inside. */
	for (int i = 0; i < CLIENTS; i++)
		if (!storm->clients[i].polls && storm->now_ns - before_ns > 0 &&
		    draw(storm, 4) != 0 && storm->clients[i].peer != 0)
			beat(storm, &storm->clients[i]);
	step(storm, &tick);
}

static void act(struct storm *storm)
{
	struct storm_client *client = &storm->clients[draw(storm, CLIENTS)];
	const uint64_t what = draw(storm, 100);

	if (what < 15)
		pass_time(storm);
	else if (client->peer == 0)
		connect_client(storm, client);
	else if (what < 18)
		disconnect_client(storm, client);
	else if (what < 22)
		cancel(storm, client);
	else if (what < 26 && client->last.seq != 0 && client->last.seq == client->seq)
		send_request(storm, client, client->last);
	else if (!client->pending || draw(storm, 10) == 0)
		ask(storm, client);
}

/* Enter and exit; false: ENTER was refused. */
static bool visit(struct storm *storm, struct storm_client *client, int monitor)
{
	struct dmonitor_request request = { .action = DMONITOR_ACTION_ENTER,
		                            .process_id = "last",
		                            .monitor_name = monitor_names[monitor],
		                            .timeout_ms = -1 };
	bool granted;

	send_request(storm, client, request);
	granted = storm->outbox.deliveries[0].reply.status == DMONITOR_STATUS_GRANTED;
	request.action = DMONITOR_ACTION_EXIT;
	if (granted) {
		note_release(storm, client, monitor);
		send_request(storm, client, request);
	}
	return granted;
}

/* Everybody goes; then there is nothing left but abandonments that somebody must hear of. */
static void heal(struct storm *storm)
{
	struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK };
	struct storm_client *last = &storm->clients[0];
	struct dmonitor_request status = { .action = DMONITOR_ACTION_STATUS, .timeout_ms = -1 };

	for (int i = 0; i < CLIENTS; i++)
		if (storm->clients[i].peer != 0)
			disconnect_client(storm, &storm->clients[i]);
	/* Held requests and probations end, those that begin with them too. */
	for (int i = 0; i < 5; i++) {
		storm->now_ns += 5000000000;
		step(storm, &tick);
	}
	last->peer = ++storm->last_peer;
	/* Monitors that owe word of an abandonment count: they make room for the others. */
	for (int i = 0; i < MONITORS; i++)
		visit(storm, last, i);
	for (int i = 0; i < MONITORS; i++)
		MUST(storm, visit(storm, last, i));
	send_request(storm, last, status);
	MUST(storm, storm->outbox.deliveries[0].reply.report->monitors == 0);
	MUST(storm, storm->outbox.deliveries[0].reply.report->sessions == 1);
}

/* Each eighth storm meets limits. */
static struct dmonitor_core_options options_of(uint64_t seed)
{
	struct dmonitor_core_options options = dmonitor_core_defaults;

	if (seed % 8 == 0)
		options.limits = (struct dmonitor_limits){ .sessions = CLIENTS - 1,
			                                   .monitors = MONITORS - 1,
			                                   .conditions = CONDITIONS - 1,
			                                   .places = MONITORS - 1,
			                                   .clients = CLIENTS / 2,
			                                   .ids = 1 };
	return options;
}

static void play(uint64_t seed)
{
	const struct dmonitor_core_options options = options_of(seed);
	struct storm storm = { .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
		               .seed = seed,
		               .now_ns = 1,
		               .core = dmonitor_core_new(&options),
		               .model = dmonitor_model_new(&options),
		               .owner = { -1, -1, -1 } };
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START, .server = "storm" };

	step(&storm, &start);
	for (int i = 0; i < CLIENTS; i++) {
		snprintf(storm.clients[i].id, sizeof(storm.clients[i].id), "id%d", i);
		storm.clients[i].polls = i < POLLING;
	}
	for (int i = 0; i < STEPS; i++)
		act(&storm);
	heal(&storm);
	dmonitor_outbox_fini(&storm.outbox);
	dmonitor_core_free(&storm.core);
	dmonitor_model_free(&storm.model);
}

static void the_invariants_hold_in_every_storm(void **state)
{
	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + seeds; seed++)
		play(seed);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_invariants_hold_in_every_storm),
	};

	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 10);
		seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	}
	return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}
