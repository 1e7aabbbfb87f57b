/*
 * test_simulation.c: the core and six clients' libraries in virtual time, over a network that
 * delays, loses, doubles and cuts, while clients and server die and stand still. First chaos, then
 * a healed phase in which everybody gets on, and every queue drains. A failure prints its seed;
 * `test_simulation SEED [COUNT]` plays that one, and those after it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "simulation/simulation.h"

#define MS INT64_C(1000000)

enum { SEEDS = 2000, SEEDS_QUICKLY = 60, PROCESSES = 2, MONITORS = 2, CAPACITY = 2, CALLS = 2000 };

static uint64_t first_seed = 1, seeds = SEEDS;

/* What a monitor guards: a buffer that counts, and the highest token that was shown to it. */
struct guarded {
	int count;
	uint64_t token;
};

/* A client, as its program sees itself. */
struct player {
	dmonitor_session *session;
	dmonitor *monitors[MONITORS];
	bool inside[MONITORS]; /* by what the library has said */
	uint64_t tokens[MONITORS];
	uint64_t calls;
	uint64_t done; /* puts and gets */
	int lives;
};

static struct game {
	struct guarded guarded[MONITORS];
	struct player players[SIMULATION_CLIENTS];
	bool closing;
	uint64_t calls;
	uint64_t lost_sessions;
	uint64_t stale_writes;
} game;

static const char *const monitor_names[MONITORS] = { "a", "b" };

static struct player *me(int client)
{
	return &game.players[client];
}

/* The library says that ${client} is inside now. Whoever else claims the same is wrong, or it is;
 * and as long as it may be claimed, the token has risen. But when the server has restarted with
 * empty memory, owners of before find out only when their connection or their lease ends, and until
 * then it is their token that tells them apart. */
static void note_inside(struct simulation *simulation, int client, int m)
{
	struct player *player = me(client);
	const uint64_t token = dmonitor_token(player->monitors[m]);

	if (simulation_crashed(simulation, client))
		return;
	player->inside[m] = true;
	player->tokens[m] = token;
	if (token == 0)
		return; /* granted, and the connection lost at the same time */
	for (int other = 0; other < SIMULATION_CLIENTS; other++)
		if (other != client && me(other)->inside[m] &&
		    simulation_same_server(token, me(other)->tokens[m]) &&
		    simulation_claims(simulation, other, me(other)->session))
			simulation_blame(simulation, "%d and %d both claim %s at %lld ns", other,
			                 client, monitor_names[m],
			                 (long long)simulation_now_ns(simulation));
	if (token <= game.guarded[m].token && simulation_same_server(token, game.guarded[m].token))
		simulation_blame(simulation, "%d owns %s by token %llu, after %llu had", client,
		                 monitor_names[m], (unsigned long long)token,
		                 (unsigned long long)game.guarded[m].token);
}

/* The result of a call of ${client}: whether it is one that is promised. What ends the session is
 * not told here. */
static int called(struct simulation *simulation, int client, const char *call, int result,
                  int also_1, int also_2, int also_3)
{
	game.calls++;
	me(client)->calls++;
	if (result != 0 && result != ESTALE && result != also_1 && result != also_2 &&
	    result != also_3 && !simulation_crashed(simulation, client))
		simulation_blame(simulation, "client %d: %s gave %s: %s", client, call,
		                 strerror(result), dmonitor_error(me(client)->session));
	return result;
}

static int enter(struct simulation *simulation, int client, int m)
{
	static const int64_t limits_ms[] = { -1, -1, -1, 0, 5, 100 };
	const int64_t limit_ms = limits_ms[simulation_draw(simulation, 6)];
	const int result =
	    called(simulation, client, "enter",
	           dmonitor_enter_for(me(client)->monitors[m], limit_ms), limit_ms == 0 ? EBUSY : 0,
	           limit_ms > 0 ? ETIMEDOUT : 0, limit_ms >= 0 ? ECONNABORTED : 0);

	if (result == 0)
		note_inside(simulation, client, m);
	return result;
}

static int leave(struct simulation *simulation, int client, int m)
{
	me(client)->inside[m] = false;
	return called(simulation, client, "exit", dmonitor_exit(me(client)->monitors[m]), EPERM, 0,
	              0);
}

/* Each buffer has one producer and one consumer of its own. The others, who go from one to the
 * other, do not wait for ever: all producers could wait at one buffer, and all consumers at the
 * other. */
static bool is_resident(int client)
{
	return client < 2 * MONITORS;
}

static int wait_on(struct simulation *simulation, int client, int m, const char *condition)
{
	const int64_t limit_ms = !is_resident(client) || simulation_draw(simulation, 4) == 0
	                             ? (int64_t)simulation_draw(simulation, 50)
	                             : -1;
	int result;

	me(client)->inside[m] = false;
	result = called(simulation, client, "wait",
	                dmonitor_wait_for(me(client)->monitors[m], condition, limit_ms),
	                limit_ms >= 0 ? ETIMEDOUT : 0, 0, 0);
	if (result == 0 || result == ETIMEDOUT)
		note_inside(simulation, client, m);
	return result == ETIMEDOUT ? 0 : result;
}

/* Put or get: change what is guarded, under the token. Who knows that it may own nothing does not
 * write, and who does not know is refused by its token. */
static void change(struct simulation *simulation, int client, int m, int by)
{
	struct guarded *guarded = &game.guarded[m];
	const uint64_t token = dmonitor_token(me(client)->monitors[m]);

	if (simulation_crashed(simulation, client) || token == 0)
		return;
	if (token < guarded->token) {
		game.stale_writes++;
		return;
	}
	guarded->token = token;
	guarded->count += by;
	if (guarded->count < 0 || guarded->count > CAPACITY)
		simulation_blame(simulation, "%s holds %d", monitor_names[m], guarded->count);
	me(client)->done++;
}

/* A producer puts, a consumer gets: 0, or the session is over. */
static int use_buffer(struct simulation *simulation, int client, int m)
{
	const int by = client % 2 == 0 ? 1 : -1;
	dmonitor *monitor = me(client)->monitors[m];
	int result = enter(simulation, client, m);

	if (result != 0)
		return result == ESTALE ? ESTALE : 0;
	while (result == 0 && !game.closing && game.guarded[m].count == (by > 0 ? CAPACITY : 0))
		result = wait_on(simulation, client, m, by > 0 ? "not_full" : "not_empty");
	if (result == 0 && game.guarded[m].count != (by > 0 ? CAPACITY : 0)) {
		if (simulation_draw(simulation, 4) == 0)
			simulation_sleep(simulation, (int64_t)simulation_draw(simulation, 2 * MS));
		change(simulation, client, m, by);
		result =
		    called(simulation, client, "signal",
		           dmonitor_signal(monitor, by > 0 ? "not_empty" : "not_full"), 0, 0, 0);
	}
	return result == 0 ? leave(simulation, client, m) : result;
}

/* Hold it, perhaps for longer than a lease, and ask whether it is still ours. */
static int hold(struct simulation *simulation, int client, int m)
{
	int result = enter(simulation, client, m);

	if (result != 0)
		return result == ESTALE ? ESTALE : 0;
	simulation_sleep(simulation, (int64_t)simulation_draw(simulation, 600 * MS));
	result =
	    called(simulation, client, "check", dmonitor_check(me(client)->monitors[m]), 0, 0, 0);
	return result == 0 ? leave(simulation, client, m) : result;
}

static int awaken_all(struct simulation *simulation, int client, int m)
{
	int result = dmonitor_enter(me(client)->monitors[m]);

	if (result == 0)
		note_inside(simulation, client, m);
	if (result == 0)
		result = dmonitor_broadcast(me(client)->monitors[m], "not_full");
	if (result == 0)
		result = dmonitor_broadcast(me(client)->monitors[m], "not_empty");
	return result == 0 ? leave(simulation, client, m) : result;
}

static int act(struct simulation *simulation, int client)
{
	const int m = (int)simulation_draw(simulation, MONITORS);
	const uint64_t what = simulation_draw(simulation, 100);

	if (what < 2 && !game.closing)
		return hold(simulation, client, m);
	if (what < 6)
		return awaken_all(simulation, client, m);
	if (what < 16)
		simulation_sleep(simulation, (int64_t)simulation_draw(simulation, 5 * MS));
	return use_buffer(simulation, client, is_resident(client) ? client / 2 : m);
}

static int open_session(struct simulation *simulation, int client)
{
	struct player *player = me(client);
	char id[32];
	const struct dmonitor_options options = {
		.process_id = id,
		.lease_ms = 200 + (int64_t)simulation_draw(simulation, 300),
		.flags = simulation_draw(simulation, 2) == 0 ? 0 : DMONITOR_ASYNC_EXIT,
	};
	int result;

	/* Now the same id as before, whose session may still live, now another. */
	player->lives += simulation_draw(simulation, 2) == 0;
	snprintf(id, sizeof(id), "%d-%d", client, player->lives);
	result = called(simulation, client, "connect",
	                dmonitor_connect("simulated", &options, &player->session), EHOSTUNREACH,
	                EADDRINUSE, 0);
	for (int m = 0; result == 0 && m < MONITORS; m++)
		result = dmonitor_open(player->session, monitor_names[m], 0, &player->monitors[m]);
	return result;
}

/* What a client does, from session to session. */
static void play(struct simulation *simulation, int client)
{
	struct player *player = me(client);
	bool closed = false;

	while (!closed && !simulation_crashed(simulation, client)) {
		int result = open_session(simulation, client);

		while (result == 0 && !game.closing && !simulation_crashed(simulation, client))
			result = act(simulation, client);
		/* Whoever waits must see that all is over. */
		for (int m = 0; result == 0 && game.closing && m < MONITORS; m++)
			result = awaken_all(simulation, client, m);
		closed = result == 0;
		game.lost_sessions += result == ESTALE;
		memset(player->inside, 0, sizeof(player->inside));
		result = called(simulation, client, "disconnect",
		                dmonitor_disconnect(&player->session), ETIMEDOUT, ECONNABORTED, 0);
		closed = closed && result == 0;
	}
}

static struct simulation_faults draw_faults(uint64_t seed)
{
	/* Each kind strikes not at all, seldom or often: all mixtures come up. */
	static const uint64_t chances[] = { 0, 1, 4 };
	struct simulation_faults faults;
	uint64_t random = seed * UINT64_C(0xd1342543de82ef95);
	uint64_t *kind[] = { &faults.lose, &faults.double_up,   &faults.delay,
		             &faults.cut,  &faults.silent,      &faults.crash,
		             &faults.stop, &faults.server_stop, &faults.server_restart };

	for (unsigned i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
		*kind[i] = chances[(random >> 33) % 3] * (i < 3 ? 5 : 1);
	}
	return faults;
}

static bool play_seed(uint64_t seed, bool tell)
{
	const struct simulation_faults faults = draw_faults(seed);
	struct simulation *simulation;
	uint64_t before[SIMULATION_CLIENTS];
	char text[512];
	bool good;

	game = (struct game){ .closing = false };
	simulation = simulation_new(seed, &faults, play);
	while (game.calls < CALLS && simulation_now_ns(simulation) < 60000 * MS &&
	       simulation_fault(simulation) == NULL)
		simulation_run(simulation, simulation_now_ns(simulation) + 100 * MS);
	if (game.calls < CALLS)
		simulation_blame(simulation, "only %llu calls in a minute",
		                 (unsigned long long)game.calls);
	/* What was underway when all was healed has its lease to end. */
	simulation_heal(simulation);
	simulation_run(simulation, simulation_now_ns(simulation) + 3000 * MS);
	for (int i = 0; i < SIMULATION_CLIENTS; i++)
		before[i] = is_resident(i) ? me(i)->done : me(i)->calls;
	simulation_run(simulation, simulation_now_ns(simulation) + 2000 * MS);
	for (int i = 0; i < SIMULATION_CLIENTS; i++)
		if ((is_resident(i) ? me(i)->done : me(i)->calls) == before[i])
			simulation_blame(simulation, "client %d gets nowhere, though all is well",
			                 i);
	game.closing = true;
	simulation_run(simulation, simulation_now_ns(simulation) + 5000 * MS);
	if (!simulation_all_ended(simulation))
		simulation_blame(simulation, "a queue did not drain");
	if (simulation_sessions(simulation) != 0 || simulation_monitors(simulation) != 0)
		simulation_blame(simulation, "the server still holds something of somebody");
	good = simulation_fault(simulation) == NULL;
	simulation_describe(simulation, text, sizeof(text));
	if (tell || !good)
		printf("seed %llu: %s; %llu calls, %llu sessions lost, %llu stale writes; %s\n",
		       (unsigned long long)seed, good ? "good" : simulation_fault(simulation),
		       (unsigned long long)game.calls, (unsigned long long)game.lost_sessions,
		       (unsigned long long)game.stale_writes, text);
	simulation_free(&simulation);
	return good;
}

/* Every ${PROCESSES}th seed from ${begin} on. */
static int play_seeds(uint64_t begin)
{
	for (uint64_t seed = begin; seed < first_seed + seeds; seed += PROCESSES)
		if (!play_seed(seed, seeds == 1)) {
			fflush(stdout);
			return 1;
		}
	return 0;
}

static void every_promise_holds_whatever_goes_wrong(void **state)
{
	pid_t processes[PROCESSES];
	int status, failed = 0;

	(void)state;
	fflush(stdout);
	for (unsigned i = 0; i < PROCESSES; i++) {
		processes[i] = fork();
		if (processes[i] == 0)
			exit(play_seeds(first_seed + i));
	}
	for (unsigned i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(processes[i], &status, 0), processes[i]);
		failed += status != 0;
	}
	assert_int_equal(failed, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_promise_holds_whatever_goes_wrong),
	};

	if (getenv("QUICK") != NULL)
		seeds = SEEDS_QUICKLY;
	if (argc > 1) {
		first_seed = strtoull(argv[1], NULL, 10);
		seeds = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
		if (seeds == 1)
			return play_seed(first_seed, true) ? 0 : 1;
	}
	return cmocka_run_group_tests_name("simulation", tests, NULL, NULL);
}
