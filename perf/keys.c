/* keys.c: the table of keys, and what follows from a row alone. */
#include "keys.h"

#include <string.h>

#include "../buffer/bounded_buffer.h"
#include "../monitor/clock.h"
#include "../sim/actor.h"
#include "engine.h"
#include "suggest.h"

static const char *const orders[] = { "interleaved", "sequential", NULL };
static const char *const transports[] = { "tcp", "ipc", NULL };
static const char *const storages[] = { "shared_memory", NULL };
static const char *const overlaps[] = { "yes", "no", NULL };
static const char *const records[] = { "no", "yes", NULL };
static const char *const exits[] = { "async", "confirmed", NULL };

#define SUITE(field)     KEY_OF_SUITE, .offset = offsetof(struct suite_settings, field)
#define SCENARIO(field)  KEY_OF_SCENARIO, .offset = offsetof(struct factors, field)
#define COUNT(low, high) .type = KEY_COUNT, .minimum = (low), .maximum = (high)
#define TIME(low, high)  .type = KEY_TIME, .minimum = (low), .maximum = (high)
#define SIZE(low, high)  .type = KEY_SIZE, .minimum = (low), .maximum = (high)
#define WORD(list)       .type = KEY_WORD, .words = (list)

static const struct key suite_keys[] = {
	{ "name", SUITE(name), .type = KEY_NAME, .fallback = "",
	  .help = "names the run folder; default: the file's name without .ini" },
	{ "description", SUITE(description), .type = KEY_TEXT, .fallback = "",
	  .help = "the question that the suite answers, in one line" },
	{ "order", SUITE(order), WORD(orders), .fallback = "interleaved",
	  .help = "interleaved: every point once, then every point again, so that a drift of the "
	          "machine meets all alike; sequential: all repetitions of a point in a row" },
	{ "seed", SUITE(seed), COUNT(0, INT64_MAX), .fallback = "1",
	  .help = "of all random work times; each run derives its own from it" },
	{ "repetitions", SUITE(repetitions), COUNT(1, 1000), .fallback = "3",
	  .help = "runs of each point, where its scenario does not say" },
};

static const struct key scenario_keys[] = {
	{ "engine", SCENARIO(engine), WORD(engine_names), .sweepable = true, .fallback = "monitor",
	  .help = "what is measured; see `performance_test help engines`" },
	{ "producers", SCENARIO(producers), COUNT(1, 1024), .sweepable = true, .fallback = "1",
	  .help = "processes that put" },
	{ "consumers", SCENARIO(consumers), COUNT(1, 1024), .sweepable = true, .fallback = "1",
	  .help = "processes that get; they share all items as evenly as can be" },
	{ "items", SCENARIO(items), COUNT(1, 10000000), .sweepable = true, .fallback = "100",
	  .help = "items that each producer puts in the measured part" },
	{ "capacity", SCENARIO(capacity), COUNT(1, BOUNDED_BUFFER_CAPACITY_MAX), .sweepable = true,
	  .fallback = "10", .help = "items that the buffer can hold" },
	{ "payload", SCENARIO(payload_bytes),
	  SIZE(sizeof(struct item), BOUNDED_BUFFER_ITEM_BYTES_MAX), .sweepable = true,
	  .fallback = "64 B", .help = "size of an item" },
	{ "exit", SCENARIO(exit_mode), WORD(exits), .sweepable = true, .fallback = "async",
	  .help = "whether leaving the monitor waits for the server's confirmation; an engine that "
	          "polls always does" },
	{ "transport", SCENARIO(transport), WORD(transports), .sweepable = true, .fallback = "tcp",
	  .help = "how workers reach a spawned server on this machine" },
	{ "storage", SCENARIO(storage), WORD(storages), .sweepable = true,
	  .fallback = "shared_memory", .help = "where the items lie" },
	{ "poll_interval", SCENARIO(poll_interval_ns),
	  TIME(DMONITOR_NS_PER_MS, 60 * DMONITOR_NS_PER_S), .multiple = DMONITOR_NS_PER_MS,
	  .sweepable = true, .fallback = "100 ms",
	  .help = "how often an engine that polls asks; the others ignore it" },
	{ "produce_time", SCENARIO(produce_time), .type = KEY_DISTRIBUTION, .sweepable = true,
	  .fallback = "0", .help = "work before each put" },
	{ "consume_time", SCENARIO(consume_time), .type = KEY_DISTRIBUTION, .sweepable = true,
	  .fallback = "0", .help = "work after each get" },
	{ "warmup", SCENARIO(warmup), COUNT(0, 10000000), .sweepable = true, .fallback = "0",
	  .help = "items of each producer in a round before the measured one, with a start of its "
	          "own" },
	{ "repetitions", SCENARIO(repetitions), COUNT(1, 1000), .not_factor = true, .fallback = "3",
	  .help = "runs of each point; default: what [suite] says" },
	{ "server", SCENARIO(server), .type = KEY_SERVER, .fallback = KEYS_SPAWN,
	  .help =
	      "spawn: a fresh one for each run; or the endpoint of one that runs, whose CPU and "
	      "messages are then not known" },
	{ "timeout", SCENARIO(timeout_ns), TIME(DMONITOR_NS_PER_S, 86400 * DMONITOR_NS_PER_S),
	  .not_factor = true, .fallback = "5 min",
	  .help =
	      "a whole run, start-up and warm-up included, fails after it; one with duration ends "
	      "by itself" },
	{ "server_cpu", SCENARIO(server_cpu), .type = KEY_CPUS, .fallback = KEYS_ANY_CPU,
	  .help = "CPUs that a spawned server may use" },
	{ "worker_cpus", SCENARIO(worker_cpus), .type = KEY_CPUS, .fallback = KEYS_ANY_CPU,
	  .help = "CPUs that the workers may use, all of them the same" },
	{ "duration", SCENARIO(duration_ns), TIME(0, 86400 * DMONITOR_NS_PER_S), .sweepable = true,
	  .fallback = "0",
	  .help = "how long the workers work, whatever happens to them; items and warmup do not "
	          "count then. 0: until all items are through" },
	{ "faults", SCENARIO(faults), .type = KEY_FAULTS, .sweepable = true, .fallback = "none",
	  .help = "what happens to workers of a run with a duration, each time to one of them by "
	          "chance; see `performance_test help faults`" },
	{ "fault_interval", SCENARIO(fault_interval_ns),
	  TIME(DMONITOR_NS_PER_MS, 3600 * DMONITOR_NS_PER_S), .sweepable = true,
	  .fallback = "100 ms", .help = "from one fault to the next, in the mean" },
	{ "overlap", SCENARIO(overlap), WORD(overlaps), .sweepable = true, .fallback = "yes",
	  .help = "whether a fault may happen while others last" },
	{ "lease", SCENARIO(lease_ns), TIME(200 * DMONITOR_NS_PER_MS, 3600 * DMONITOR_NS_PER_S),
	  .multiple = DMONITOR_NS_PER_MS, .sweepable = true, .fallback = "5 s",
	  .help = "how long a worker is not heard of until its session is lost" },
	{ "resume", SCENARIO(resume_ns), TIME(DMONITOR_NS_PER_MS, 60 * DMONITOR_NS_PER_S),
	  .multiple = DMONITOR_NS_PER_MS, .sweepable = true, .fallback = "50 ms",
	  .help = "how long a worker whose connection is gone may take to come back to a spawned "
	          "server" },
	{ "record", SCENARIO(record), WORD(records), .sweepable = true, .fallback = "no",
	  .help = "yes: a spawned server writes every event, workers of a run with a duration "
	          "their calls, and monitor_check must find that all rules hold; some 3 kB an "
	          "operation" },
	{ "holders", SCENARIO(holders), COUNT(0, 1024), .sweepable = true, .fallback = "0",
	  .help = "processes of a run with a duration that hold the monitor for hold_time, awaken "
	          "waiters for nothing, and rest for hold_time" },
	{ "hold_time", SCENARIO(hold_time), .type = KEY_DISTRIBUTION, .sweepable = true,
	  .fallback = "1 ms", .help = "how long a lock-holder holds" },
};

enum {
	SUITE_KEYS = sizeof(suite_keys) / sizeof(suite_keys[0]),
	SCENARIO_KEYS = sizeof(scenario_keys) / sizeof(scenario_keys[0])
};

const struct key *keys_of(enum key_section section, size_t *count)
{
	*count = section == KEY_OF_SUITE ? SUITE_KEYS : SCENARIO_KEYS;
	return section == KEY_OF_SUITE ? suite_keys : scenario_keys;
}

const struct key *keys_find(enum key_section section, const char *name)
{
	size_t count;
	const struct key *keys = keys_of(section, &count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	}
	return NULL;
}

const char *keys_suggest(enum key_section section, const char *name)
{
	const char *names[SCENARIO_KEYS + 1] = { NULL };
	size_t count;
	const struct key *keys = keys_of(section, &count);
	for (size_t i = 0; i < count; i++)
		names[i] = keys[i].name;
	return suggest(name, names);
}

static bool is_number(const struct key *key)
{
	return key->type == KEY_COUNT || key->type == KEY_TIME || key->type == KEY_SIZE ||
	       key->type == KEY_WORD;
}

bool keys_equal(const struct key *key, const struct key_value *a, const struct key_value *b)
{
	return is_number(key) ? a->number == b->number : strcmp(a->text, b->text) == 0;
}

void keys_store(const struct key *key, const struct key_value *value, void *settings)
{
	char *place = (char *)settings + key->offset;
	if (is_number(key))
		memcpy(place, &value->number, sizeof(value->number));
	else
		memcpy(place, value->text, sizeof(value->text));
}

void keys_load(const struct key *key, const void *settings, struct key_value *value)
{
	const char *place = (const char *)settings + key->offset;
	memset(value, 0, sizeof(*value));
	if (is_number(key))
		memcpy(&value->number, place, sizeof(value->number));
	else
		memcpy(value->text, place, sizeof(value->text));
}
