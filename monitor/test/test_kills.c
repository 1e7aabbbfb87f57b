/*
 * test_kills.c: what becomes of the others when a process is killed in each state it can be in, or
 * stopped, over tcp and over ipc. The others go on; the next owner is told of a death inside and of
 * nothing else; the order of the living is as it was; no signal is used up by the dead. What is
 * awaited are conditions, and times are compared only with the lease.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <zmq.h>

#include "../clock.h"
#include "live.h"

/* How often each death is died. */
enum { TIMES = 3 };

/* The processes of a test: one that dies, and others. Who is inside writes. */
enum { OTHERS_MAX = 3, LEASE_MS = 300 };

struct shared {
	volatile int entered;                /* so many of the others got what they wanted */
	volatile int order[OTHERS_MAX];      /* who, in their order */
	volatile bool abandoned[OTHERS_MAX]; /* which of them was told of a death inside */
	volatile int items;                  /* what is waited for */
	volatile bool owned;                 /* the owner, who comes before all others, is inside */
	volatile bool may_leave;             /* and is to leave */
	volatile bool held;                  /* the victim is inside */
	volatile int64_t spoke_ns;           /* its last message is not older */
	volatile int result;                 /* of its exit */
};

/* What a process is to do, and as whom. */
struct player {
	struct shared *shared;
	int number;
	bool waits; /* for an item; else it just enters */
};

static int enter_or_wait(struct player *player, dmonitor *monitor, bool *told)
{
	int result = dmonitor_enter(monitor);

	*told = dmonitor_abandoned(monitor);
	while (result == 0 && player->waits && player->shared->items == 0) {
		result = dmonitor_wait(monitor, "item");
		*told = *told || dmonitor_abandoned(monitor);
	}
	return result;
}

static int be_other(const char *endpoint, void *argument)
{
	struct player *player = argument;
	struct shared *shared = player->shared;
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	bool told = false;

	if (enter_or_wait(player, monitor, &told) != 0)
		return 1;
	shared->items -= player->waits;
	shared->order[shared->entered] = player->number;
	shared->abandoned[player->number] = told;
	shared->entered++;
	if (dmonitor_exit(monitor) != 0)
		return 2;
	return dmonitor_disconnect(&session);
}

/* Never gives back what it gets. */
static int be_victim(const char *endpoint, void *argument)
{
	struct player *player = argument;
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	bool told;

	if (enter_or_wait(player, monitor, &told) != 0)
		return 1;
	player->shared->held = true;
	for (;;)
		pause();
}

/* Stays inside until it may leave. */
static int be_owner(const char *endpoint, void *argument)
{
	struct shared *shared = argument;
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", 0);

	if (dmonitor_enter(monitor) != 0)
		return 1;
	shared->owned = true;
	while (!shared->may_leave)
		sched_yield();
	if (dmonitor_exit(monitor) != 0)
		return 2;
	return dmonitor_disconnect(&session);
}

/* A test's processes, forked one after the other so that their order is known. */
struct scene {
	const char *endpoint;
	struct shared *shared;
	struct player *players; /* the victim's last */
	pid_t others[OTHERS_MAX];
	int count;
	pid_t victim;
	pid_t owner; /* where there is one */
};

static struct scene begin(void **state)
{
	return (struct scene){ .endpoint = *state,
		               .shared = live_shared(sizeof(struct shared)),
		               .players = live_shared((OTHERS_MAX + 1) * sizeof(struct player)) };
}

static void add_other(struct scene *scene, bool waits)
{
	struct player *player = &scene->players[scene->count];

	*player =
	    (struct player){ .shared = scene->shared, .number = scene->count, .waits = waits };
	scene->others[scene->count++] = live_fork(scene->endpoint, be_other, player);
}

static void add_victim(struct scene *scene, bool waits)
{
	struct player *player = &scene->players[OTHERS_MAX];

	*player = (struct player){ .shared = scene->shared, .waits = waits };
	scene->victim = live_fork(scene->endpoint, be_victim, player);
}

static void add_owner(struct scene *scene)
{
	scene->owner = live_fork(scene->endpoint, be_owner, scene->shared);
	while (!scene->shared->owned)
		sched_yield();
}

static void let_owner_leave(const struct scene *scene)
{
	scene->shared->may_leave = true;
	live_join(scene->owner);
}

static void kill_victim(const struct scene *scene)
{
	int status;

	assert_int_equal(kill(scene->victim, SIGKILL), 0);
	assert_int_equal(waitpid(scene->victim, &status, 0), scene->victim);
	assert_true(WIFSIGNALED(status));
}

static void await_held(const struct scene *scene)
{
	while (!scene->shared->held)
		sched_yield();
}

static void await_entered(const struct scene *scene, int count)
{
	while (scene->shared->entered < count)
		sched_yield();
}

/* All others get what they want, in the order of ${order}, a string of their numbers; only those
 * in ${told} learn of a death inside. */
static void all_go_on(const struct scene *scene, const char *order, const char *told)
{
	for (int i = 0; i < scene->count; i++)
		live_join(scene->others[i]);
	assert_int_equal(scene->shared->entered, scene->count);
	for (int i = 0; i < scene->count; i++) {
		assert_int_equal(scene->shared->order[i], order[i] - '0');
		assert_int_equal(scene->shared->abandoned[i], strchr(told, '0' + i) != NULL);
	}
}

/* Put an item there, signal, and leave. */
static void give(const struct scene *scene)
{
	dmonitor_session *session = live_connect(scene->endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", 0);

	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_false(dmonitor_abandoned(monitor));
	scene->shared->items++;
	assert_int_equal(dmonitor_signal(monitor, "item"), 0);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

/* The waiter looks again, first, because it has stood there longest, and is told; then it waits on,
 * and those in line come in their order and are told nothing. */
static void a_holder_s_death_is_told_to_the_next_and_only_to_it(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct scene scene = begin(state);

		add_other(&scene, true);
		live_await_waiters(scene.endpoint, "m", 1);
		add_victim(&scene, false);
		await_held(&scene);
		for (int other = 1; other <= 2; other++) {
			add_other(&scene, false);
			live_await_line(scene.endpoint, "m", other);
		}
		kill_victim(&scene);
		await_entered(&scene, 2);
		live_await_waiters(scene.endpoint, "m", 1);
		give(&scene);
		all_go_on(&scene, "120", "0");
	}
}

/* An owner, and behind it another, the victim and a third, in this order. */
static void queue_around_the_victim(struct scene *scene)
{
	add_owner(scene);
	add_other(scene, false);
	live_await_line(scene->endpoint, "m", 1);
	add_victim(scene, false);
	live_await_line(scene->endpoint, "m", 2);
	add_other(scene, false);
	live_await_line(scene->endpoint, "m", 3);
}

static void who_dies_in_line_leaves_the_others_their_places(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct scene scene = begin(state);

		queue_around_the_victim(&scene);
		kill_victim(&scene);
		live_await_line(scene.endpoint, "m", 2);
		assert_int_equal(scene.shared->entered, 0);
		let_owner_leave(&scene);
		all_go_on(&scene, "01", "");
	}
}

/* Its turn comes before its death is known: it is then the owner, and its death is told. */
static void a_grant_to_the_dead_is_a_death_inside(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct scene scene = begin(state);

		queue_around_the_victim(&scene);
		/* Its connection stays while it is stopped, and its turn comes. */
		kill(scene.victim, SIGSTOP);
		let_owner_leave(&scene);
		live_await_line(scene.endpoint, "m", 1);
		assert_int_equal(scene.shared->entered, 1);
		kill_victim(&scene);
		all_go_on(&scene, "01", "1");
	}
}

/* The victim, which waits longest, and others. */
static void wait_behind_the_victim(struct scene *scene, int others)
{
	add_victim(scene, true);
	live_await_waiters(scene->endpoint, "m", 1);
	for (int i = 0; i < others; i++) {
		add_other(scene, true);
		live_await_waiters(scene->endpoint, "m", 2 + i);
	}
}

static void a_signal_passes_by_a_waiter_who_has_died(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct scene scene = begin(state);

		wait_behind_the_victim(&scene, 2);
		kill_victim(&scene);
		live_await_waiters(scene.endpoint, "m", 2);
		give(&scene);
		await_entered(&scene, 1);
		assert_int_equal(live_length(scene.endpoint, "m", "waiters_length"), 1);
		give(&scene);
		all_go_on(&scene, "01", "");
	}
}

/* Whether the server has noticed the death or not: somebody who lives is awakened. */
static void a_signal_just_after_a_death_is_not_lost(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct scene scene = begin(state);
		dmonitor_session *session;
		dmonitor *monitor;

		wait_behind_the_victim(&scene, 1);
		session = live_connect(scene.endpoint, NULL);
		monitor = live_open(session, "m", 0);
		assert_int_equal(dmonitor_enter(monitor), 0);
		scene.shared->items++;
		assert_int_equal(dmonitor_signal(monitor, "item"), 0);
		kill_victim(&scene);
		assert_int_equal(dmonitor_exit(monitor), 0);
		live_join(scene.others[0]);
		assert_int_equal(scene.shared->entered, 1);
		assert_int_equal(dmonitor_disconnect(&session), 0);
	}
}

/* A session that polls, and so sends each signal by itself, is inside and has signalled the
 * victim. */
static dmonitor_session *signal_and_stay(const struct scene *scene, dmonitor **monitor)
{
	const struct dmonitor_options options = { .poll_interval_ms = 1 };
	dmonitor_session *session = live_connect(scene->endpoint, &options);

	*monitor = live_open(session, "m", 0);
	assert_int_equal(dmonitor_enter(*monitor), 0);
	assert_int_equal(dmonitor_signal(*monitor, "item"), 0);
	assert_int_equal(live_length(scene->endpoint, "m", "line_length"), 1);
	return session;
}

static void a_dead_one_s_signal_goes_to_who_waits_longest(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct scene scene = begin(state);
		dmonitor_session *session;
		dmonitor *monitor;

		wait_behind_the_victim(&scene, 2);
		session = signal_and_stay(&scene, &monitor);
		assert_int_equal(live_length(scene.endpoint, "m", "waiters_length"), 2);
		scene.shared->items = 1;
		kill_victim(&scene);
		live_await_waiters(scene.endpoint, "m", 1);
		assert_int_equal(live_length(scene.endpoint, "m", "line_length"), 1);
		assert_int_equal(dmonitor_exit(monitor), 0);
		assert_int_equal(dmonitor_disconnect(&session), 0);
		await_entered(&scene, 1);
		assert_int_equal(live_length(scene.endpoint, "m", "waiters_length"), 1);
		give(&scene);
		all_go_on(&scene, "01", "");
	}
}

static void a_dead_one_s_signal_is_dropped_where_nobody_waits(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct scene scene = begin(state);
		dmonitor_session *session;
		dmonitor *monitor;

		wait_behind_the_victim(&scene, 0);
		session = signal_and_stay(&scene, &monitor);
		kill_victim(&scene);
		live_await_line(scene.endpoint, "m", 0);
		assert_int_equal(dmonitor_exit(monitor), 0);
		assert_int_equal(dmonitor_disconnect(&session), 0);
		/* Who comes now finds no signal kept for it. */
		add_other(&scene, true);
		live_await_waiters(scene.endpoint, "m", 1);
		assert_int_equal(scene.shared->entered, 0);
		give(&scene);
		all_go_on(&scene, "0", "");
	}
}

/* Says its last word inside, stops, and tries to leave when it goes on. */
static int hold_and_stop(const char *endpoint, void *argument)
{
	struct shared *shared = argument;
	const struct dmonitor_options options = { .lease_ms = LEASE_MS };
	dmonitor_session *session = live_connect(endpoint, &options);
	dmonitor *monitor = live_open(session, "m", 0);

	if (dmonitor_enter(monitor) != 0)
		return 1;
	shared->spoke_ns = dmonitor_clock_now_ns();
	if (dmonitor_check(monitor) != 0)
		return 2;
	raise(SIGSTOP);
	shared->result = dmonitor_exit(monitor);
	return dmonitor_disconnect(&session) != ESTALE;
}

/* A lease is neither cut short nor outlived: not before its end by a clock that was read before the
 * last message was sent, and far below the server's own lease of 5 s. */
static void a_stopped_holder_keeps_its_lease_and_no_more(void **state)
{
	for (int i = 0; i < TIMES; i++) {
		struct shared *shared = live_shared(sizeof(*shared));
		const pid_t holder = live_fork(*state, hold_and_stop, shared);
		dmonitor_session *session = live_connect(*state, NULL);
		dmonitor *monitor = live_open(session, "m", 0);
		int64_t stopped_ns, entered_ns;
		uint64_t token;
		int status;

		assert_int_equal(waitpid(holder, &status, WUNTRACED), holder);
		assert_true(WIFSTOPPED(status));
		stopped_ns = dmonitor_clock_now_ns();
		assert_int_equal(dmonitor_enter(monitor), 0);
		entered_ns = dmonitor_clock_now_ns();
		assert_true(entered_ns >= shared->spoke_ns + LEASE_MS * DMONITOR_NS_PER_MS);
		assert_true(entered_ns <=
		            stopped_ns + LEASE_MS * DMONITOR_NS_PER_MS + 3 * DMONITOR_NS_PER_S);
		assert_true(dmonitor_abandoned(monitor));
		token = dmonitor_token(monitor);
		kill(holder, SIGCONT);
		live_join(holder);
		assert_int_equal(shared->result, ESTALE);
		/* Its late exit has changed nothing. */
		assert_int_equal(dmonitor_check(monitor), 0);
		assert_true(dmonitor_token(monitor) == token);
		assert_int_equal(dmonitor_exit(monitor), 0);
		assert_int_equal(dmonitor_disconnect(&session), 0);
	}
}

/* Say ${text}; false: there is no room for it now. */
static bool say(void *socket, const char *text)
{
	return zmq_send(socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 0 &&
	       zmq_send(socket, text, strlen(text), ZMQ_DONTWAIT) >= 0;
}

/* A client of its own kind, which owns the monitor and has room for hardly any answer. */
static void *own_and_read_no_more(const char *endpoint, void *context)
{
	static const int one = 1, none = 0, bytes_of_room = 4096;
	void *socket = zmq_socket(context, ZMQ_DEALER);
	char bytes[4096];

	zmq_setsockopt(socket, ZMQ_RCVHWM, &one, sizeof(one));
	zmq_setsockopt(socket, ZMQ_RCVBUF, &bytes_of_room, sizeof(bytes_of_room));
	zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
	assert_int_equal(zmq_connect(socket, endpoint), 0);
	while (
	    !say(socket, "{\"action\":\"ENTER\",\"monitor_name\":\"m\",\"process_id\":\"deaf\"}"))
		sched_yield();
	assert_int_equal(zmq_recv(socket, bytes, sizeof(bytes), 0), 0);
	assert_true(zmq_recv(socket, bytes, sizeof(bytes), 0) > 0);
	return socket;
}

/* An answer that cannot be sent is not lost in silence: who was to get it is taken for dead. */
static void who_reads_no_answers_has_ended(void **state)
{
	dmonitor_session *session = live_connect(*state, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	void *context = zmq_ctx_new();
	void *deaf = own_and_read_no_more(*state, context);
	int result = EBUSY;

	/* One by one, as it is no flood, until no buffer on the way of the answers has room. */
	for (int i = 0; i < 100000 && result == EBUSY; i++) {
		say(deaf, "{\"action\":\"STATUS\"}");
		result = dmonitor_enter_for(monitor, 0);
	}
	assert_int_equal(result, 0);
	assert_true(dmonitor_abandoned(monitor));
	zmq_close(deaf);
	zmq_ctx_term(context);
	assert_int_equal(dmonitor_disconnect(&session), 0);
}

#define TCP(test) cmocka_unit_test_setup_teardown(test, live_start_tcp, live_stop)
#define IPC(test) cmocka_unit_test_setup_teardown(test, live_start_ipc, live_stop)
#define ALL(way)                                                                                   \
	way(a_holder_s_death_is_told_to_the_next_and_only_to_it),                                  \
	    way(who_dies_in_line_leaves_the_others_their_places),                                  \
	    way(a_grant_to_the_dead_is_a_death_inside),                                            \
	    way(a_signal_passes_by_a_waiter_who_has_died),                                         \
	    way(a_signal_just_after_a_death_is_not_lost),                                          \
	    way(a_dead_one_s_signal_goes_to_who_waits_longest),                                    \
	    way(a_dead_one_s_signal_is_dropped_where_nobody_waits),                                \
	    way(a_stopped_holder_keeps_its_lease_and_no_more), way(who_reads_no_answers_has_ended)

int main(void)
{
	const struct CMUnitTest tests[] = { ALL(TCP), ALL(IPC) };

	return cmocka_run_group_tests_name("kills", tests, NULL, NULL);
}
