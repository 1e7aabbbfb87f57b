/*
 * benchmark_core.c: what a step of the core costs as clients, waiters and monitors grow. Flat is
 * good: a step may not depend on how many there are. No network, no JSON: the state machine alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../clock.h"
#include "../core.h"

enum { CLIENTS_MAX = 10001, MONITORS_MAX = 100000, ROUNDS = 100000 };

struct bench {
	struct dmonitor_core *core;
	struct dmonitor_outbox outbox;
	int64_t now_ns;
	int64_t steps;
	char (*ids)[24];
};

static const struct dmonitor_reply *step(struct bench *bench, struct dmonitor_event *event)
{
	event->now_ns = ++bench->now_ns;
	if (dmonitor_core_step(bench->core, event, &bench->outbox) != 0)
		abort();
	bench->steps++;
	return bench->outbox.count == 0 ? NULL : &bench->outbox.deliveries[0].reply;
}

/* A polling client's request; clients are alone on their connections. */
static enum dmonitor_status ask(struct bench *bench, size_t client, enum dmonitor_action action,
                                const char *monitor)
{
	struct dmonitor_request request = { .action = action,
		                            .process_id = bench->ids[client],
		                            .monitor_name = monitor,
		                            .condition_name = "c",
		                            .timeout_ms = -1 };
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = client + 1,
		                        .request = &request };

	return step(bench, &event)->status;
}

static void begin(struct bench *bench)
{
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START, .server = "benchmark" };
	struct dmonitor_core_options options = dmonitor_core_defaults;

	bench->core = dmonitor_core_new(&options);
	bench->ids = calloc(CLIENTS_MAX, sizeof(*bench->ids));
	if (bench->core == NULL || bench->ids == NULL)
		abort();
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		snprintf(bench->ids[i], sizeof(bench->ids[i]), "id%zu", i);
	step(bench, &start);
}

static void end(struct bench *bench)
{
	dmonitor_outbox_fini(&bench->outbox);
	dmonitor_core_free(&bench->core);
	free(bench->ids);
}

static double nanoseconds_a_step(struct bench *bench, int64_t begin_ns, int64_t steps_before)
{
	return (double)(dmonitor_clock_now_ns() - begin_ns) / (double)(bench->steps - steps_before);
}

/* ${count} clients wait on one condition; each round signals one, who waits again behind all. */
static double among_waiters(size_t count)
{
	struct bench bench = { .now_ns = 0 };
	int64_t begin_ns, steps;
	double cost;

	begin(&bench);
	for (size_t i = 1; i <= count; i++) {
		ask(&bench, i, DMONITOR_ACTION_ENTER, "m");
		ask(&bench, i, DMONITOR_ACTION_WAIT, "m");
	}
	begin_ns = dmonitor_clock_now_ns();
	steps = bench.steps;
	for (size_t i = 0; i < ROUNDS; i++) {
		ask(&bench, 0, DMONITOR_ACTION_ENTER, "m");
		ask(&bench, 0, DMONITOR_ACTION_SIGNAL, "m");
		ask(&bench, 0, DMONITOR_ACTION_EXIT, "m");
		ask(&bench, 1 + i % count, DMONITOR_ACTION_WAIT, "m");
	}
	cost = nanoseconds_a_step(&bench, begin_ns, steps);
	end(&bench);
	return cost;
}

/* ${count} clients stand in line; each round the owner goes to its end. */
static double in_line(size_t count)
{
	struct bench bench = { .now_ns = 0 };
	int64_t begin_ns, steps;
	double cost;

	begin(&bench);
	for (size_t i = 0; i <= count; i++)
		ask(&bench, i, DMONITOR_ACTION_ENTER, "m");
	begin_ns = dmonitor_clock_now_ns();
	steps = bench.steps;
	for (size_t i = 0; i < ROUNDS; i++) {
		ask(&bench, i % (count + 1), DMONITOR_ACTION_EXIT, "m");
		ask(&bench, i % (count + 1), DMONITOR_ACTION_ENTER, "m");
	}
	cost = nanoseconds_a_step(&bench, begin_ns, steps);
	end(&bench);
	return cost;
}

/* ${count} monitors are owned, by ten clients; each round one of them is used by another. */
static double among_monitors(size_t count)
{
	struct bench bench = { .now_ns = 0 };
	char(*names)[24] = calloc(count, sizeof(*names));
	int64_t begin_ns, steps;
	double cost;

	if (names == NULL)
		abort();
	begin(&bench);
	for (size_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "m%zu", i);
		ask(&bench, 1 + i * 10 / count, DMONITOR_ACTION_ENTER, names[i]);
	}
	begin_ns = dmonitor_clock_now_ns();
	steps = bench.steps;
	for (size_t i = 0; i < ROUNDS; i++) {
		const char *name = names[i * 7919 % count];

		ask(&bench, 0, DMONITOR_ACTION_ENTER, name);
		ask(&bench, 0, DMONITOR_ACTION_CANCEL, name);
	}
	cost = nanoseconds_a_step(&bench, begin_ns, steps);
	end(&bench);
	free(names);
	return cost;
}

static void print_row(const char *what, double (*cost)(size_t), size_t most)
{
	printf("%-28s", what);
	for (size_t count = 10; count <= most; count *= 10)
		printf("  %6zu: %4.0f ns", count, cost(count));
	printf("\n");
}

int main(void)
{
	printf("a step of the core, by how many there are of\n");
	print_row("waiters on the condition", among_waiters, CLIENTS_MAX - 1);
	print_row("clients in line", in_line, CLIENTS_MAX - 1);
	print_row("monitors in use", among_monitors, MONITORS_MAX);
	return 0;
}
