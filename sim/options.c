/* options.c: what producer_consumer can be told on its command line. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../buffer/bounded_buffer.h"
#include "../monitor/clock.h"
#include "actor.h"

enum { WORKERS_MAX = 1000, ITEMS_MAX = 10 * 1000 * 1000 };

#define DEFAULT_PRODUCE "uniform(50 ms, 150 ms)"
#define DEFAULT_CONSUME "uniform(100 ms, 400 ms)"

enum kind { NUMBER, DISTRIBUTION, INTERVAL, STRING, SWITCH };

/* One option: where its value goes, and for numbers its bounds. */
static const struct row {
	const char *name;
	enum kind kind;
	size_t offset; /* of its field in struct options */
	uint64_t lowest;
	uint64_t highest;
} rows[] = {
#define FIELD(field) offsetof(struct options, field)
	{ "producers", NUMBER, FIELD(producers), 1, WORKERS_MAX },
	{ "consumers", NUMBER, FIELD(consumers), 1, WORKERS_MAX },
	{ "items", NUMBER, FIELD(items), 1, ITEMS_MAX },
	{ "capacity", NUMBER, FIELD(capacity), 1, BOUNDED_BUFFER_CAPACITY_MAX },
	{ "item-bytes", NUMBER, FIELD(item_bytes), sizeof(struct item),
	  BOUNDED_BUFFER_ITEM_BYTES_MAX },
	{ "produce-time", DISTRIBUTION, FIELD(produce), 0, 0 },
	{ "consume-time", DISTRIBUTION, FIELD(consume), 0, 0 },
	{ "seed", NUMBER, FIELD(seed), 0, UINT64_MAX },
	{ "server", STRING, FIELD(server), 0, 0 },
	{ "server-program", STRING, FIELD(server_program), 0, 0 },
	{ "transport", STRING, FIELD(transport), 0, 0 },
	{ "poll-interval", INTERVAL, FIELD(poll_interval_ms), 0, 0 },
	{ "plain", SWITCH, FIELD(plain), 0, 0 },
	{ "help", SWITCH, FIELD(help), 0, 0 },
	{ "version", SWITCH, FIELD(version), 0, 0 },
#undef FIELD
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const char *options_help(void)
{
	return "usage: producer_consumer [OPTION]...\n"
	       "Let producers and consumers in processes of their own share a bounded buffer that "
	       "a\n"
	       "monitor guards, show how it fills and empties, and check that no item is lost, "
	       "doubled\n"
	       "or out of order.\n"
	       "\n"
	       "  --producers N         how many producers (2)\n"
	       "  --consumers N         how many consumers, who share all items (5)\n"
	       "  --items N             items of each producer (20)\n"
	       "  --capacity N          items that the buffer holds (5)\n"
	       "  --item-bytes N        size of an item (8)\n"
	       "  --produce-time TIME   before each put (" DEFAULT_PRODUCE ")\n"
	       "  --consume-time TIME   after each get (" DEFAULT_CONSUME ")\n"
	       "                        TIME: 0, \"5 ms\", \"uniform(1 ms, 3 ms)\" or \"exp(200 "
	       "us)\"\n"
	       "  --seed N              of the times (a new one each run, which is shown)\n"
	       "  --server ENDPOINT     use this server (one is started, and stopped at the end)\n"
	       "  --server-program PATH the monitor_server to start (the one beside this program)\n"
	       "  --transport tcp|ipc   how to reach the started server (tcp)\n"
	       "  --poll-interval TIME  ask the server so often instead of being told by it\n"
	       "  --plain               a line for each operation (so too if stdout is no "
	       "terminal)\n"
	       "  --help, --version     show this, or the version, and end\n"
	       "\n"
	       "Exit status: 0 all is right, 1 it is not, 2 wrong usage, 129, 130 or 143 "
	       "interrupted.\n";
}

static int read_number(const struct row *row, const char *text, uint64_t *number, char *error,
                       size_t room_bytes)
{
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0') {
		snprintf(error, room_bytes, "--%s: '%s' is not a whole number", row->name, text);
		return EINVAL;
	}
	if (value < row->lowest) {
		snprintf(error, room_bytes, "--%s: %s is below %" PRIu64, row->name, text,
		         row->lowest);
		return EINVAL;
	}
	if (errno == ERANGE || value > row->highest) {
		snprintf(error, room_bytes, "--%s: %s is above %" PRIu64, row->name, text,
		         row->highest);
		return EINVAL;
	}
	*number = value;
	return 0;
}

static int read_interval(const struct row *row, const char *text, int64_t *interval_ms, char *error,
                         size_t room_bytes)
{
	int64_t interval_ns;
	char why[128];

	if (distribution_parse_duration(text, &interval_ns, why, sizeof(why)) != 0) {
		snprintf(error, room_bytes, "--%s: %s", row->name, why);
		return EINVAL;
	}
	if (interval_ns == 0 || interval_ns % DMONITOR_NS_PER_MS != 0) {
		snprintf(error, room_bytes,
		         "--%s: '%s' is not a whole number of milliseconds above 0", row->name,
		         text);
		return EINVAL;
	}
	*interval_ms = interval_ns / DMONITOR_NS_PER_MS;
	return 0;
}

static int read_distribution(const struct row *row, const char *text,
                             struct distribution *distribution, char *error, size_t room_bytes)
{
	char why[128];

	if (distribution_parse(text, distribution, why, sizeof(why)) == 0)
		return 0;
	snprintf(error, room_bytes, "--%s: %s", row->name, why);
	return EINVAL;
}

/* Store the value ${text} of one option; NULL for a switch. */
static int store(const struct row *row, const char *text, struct options *options, char *error,
                 size_t room_bytes)
{
	void *const field = (char *)options + row->offset;

	switch (row->kind) {
	case NUMBER:
		return read_number(row, text, field, error, room_bytes);
	case DISTRIBUTION:
		return read_distribution(row, text, field, error, room_bytes);
	case INTERVAL:
		return read_interval(row, text, field, error, room_bytes);
	case STRING:
		*(const char **)field = text;
		return 0;
	case SWITCH:
		*(bool *)field = true;
		return 0;
	}
	return EINVAL;
}

/* What each option by itself cannot tell. */
static int check_together(struct options *options, char *error, size_t room_bytes)
{
	const char *wrong = NULL;

	if (options->server != NULL &&
	    (options->server_program != NULL || options->transport != NULL))
		wrong = "--server-program and --transport are for a server that is started, not "
		        "for --server";
	else if (options->transport != NULL && strcmp(options->transport, "tcp") != 0 &&
	         strcmp(options->transport, "ipc") != 0)
		wrong = "--transport: it is tcp or ipc";
	if (wrong != NULL) {
		snprintf(error, room_bytes, "%s", wrong);
		return EINVAL;
	}
	if (options->transport == NULL)
		options->transport = "tcp";
	return 0;
}

static void set_defaults(struct options *options)
{
	char ignored[1];

	*options = (struct options){ .producers = 2,
		                     .consumers = 5,
		                     .items = 20,
		                     .capacity = 5,
		                     .item_bytes = sizeof(struct item) };
	distribution_parse(DEFAULT_PRODUCE, &options->produce, ignored, sizeof(ignored));
	distribution_parse(DEFAULT_CONSUME, &options->consume, ignored, sizeof(ignored));
}

/* Why getopt has not liked ${word}. It leaves a letter, or a row's number, in optopt. */
static void explain(int verdict, const char *word, char *error, size_t room_bytes)
{
	if (verdict == ':')
		snprintf(error, room_bytes, "%s: its value is missing", word);
	else if (optopt > ROWS)
		snprintf(error, room_bytes, "-%c: there is no such option", optopt);
	else
		snprintf(error, room_bytes, "%s: %s", word,
		         optopt > 0 ? "it takes no value" : "there is no such option");
}

int options_parse(int argc, char *argv[], struct options *result, char *error, size_t room_bytes)
{
	struct option known[ROWS + 1] = { { .name = NULL } };
	struct options options;
	int index;

	for (size_t i = 0; i < ROWS; i++)
		known[i] = (struct option){ .name = rows[i].name,
			                    .has_arg = rows[i].kind == SWITCH ? no_argument
			                                                      : required_argument,
			                    .val = (int)i + 1 };
	set_defaults(&options);
	opterr = 0;
	optind = 0; /* getopt begins anew, whatever it was used for before */
	while ((index = getopt_long(argc, argv, ":", known, NULL)) != -1) {
		if (index == '?' || index == ':') {
			explain(index, argv[optind - 1], error, room_bytes);
			return EINVAL;
		}
		if (store(&rows[index - 1], optarg, &options, error, room_bytes) != 0)
			return EINVAL;
		if (strcmp(rows[index - 1].name, "seed") == 0)
			options.seeded = true;
	}
	if (optind < argc) {
		snprintf(error, room_bytes, "%s: options begin with --", argv[optind]);
		return EINVAL;
	}
	if (check_together(&options, error, room_bytes) != 0)
		return EINVAL;
	*result = options;
	return 0;
}
