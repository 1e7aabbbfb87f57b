/* server_options.c: the command line of monitor_server. */
#include "server_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmonitor.h"

static const char help_text[] =
    "usage: monitor_server [--bind ENDPOINT]... [options]\n"
    "\n"
    "Owns named monitors for the clients that connect to it, until SIGTERM or SIGINT.\n"
    "Prints 'listening ENDPOINT' for each endpoint once clients may connect.\n"
    "\n"
    "  --bind ENDPOINT    listen here; may be given more than once. tcp://127.0.0.1:5555 is the\n"
    "                     default; tcp://127.0.0.1:* lets the system choose a port;\n"
    "                     ipc:///path/to/socket serves this machine alone. Anyone who can\n"
    "                     reach an endpoint can use every monitor\n"
    "  --lease-ms N       a session that is not heard of for so long is lost, unless it asked\n"
    "                     for a time of its own (200 to 3600000; default 5000)\n"
    "  --resume-ms N      so long after its connection is gone a client may come back\n"
    "                     (1 to 60000; default 50)\n"
    "  --record FILE      write all that happens into FILE, which must be new: monitor_check "
    "tells\n"
    "                     from it whether the run was right. It holds the sessions' secrets\n"
    "  --allow-stop       obey STOP_SERVER from other machines too\n"
    "  --help             print this\n"
    "  --version          print the version\n"
    "\n"
    "Tokens:\n"
    "  --state FILE       reserve tokens in FILE before they are given out, so that they rise "
    "over\n"
    "                     every restart, whatever the wall clock does; made at the first start\n"
    "  --state-block N    tokens to reserve at a time (1000 to 1000000000000; default 1000000000)\n"
    "Without --state fencing tokens begin at the wall clock's nanoseconds: they rise over "
    "restarts\n"
    "as long as that clock is not set back between two starts.\n"
    "\n"
    "Limits; beyond one of the first group a request is refused with `limit`:\n"
    "  --max-sessions N   clients at a time (default 10000)\n"
    "  --max-monitors N   monitors at a time (default 200000)\n"
    "  --max-conditions N conditions of one monitor that have waiters (default 10000)\n"
    "  --max-clients N    clients of one monitor: inside, in line and waiting (default 10000)\n"
    "  --max-places N     monitors that one client may be at (default 10000)\n"
    "  --max-ids N        clients of one connection (default 64)\n"
    "and beyond one of the second a connection is ended:\n"
    "  --max-connections N\n"
    "                     connections at a time; beyond, the one that has been silent longest "
    "goes,\n"
    "                     or else the new one (default 5/4 of --max-sessions, and 64). Each takes\n"
    "                     a file descriptor; the server does not start where there are too few\n"
    "  --silent-ms N      that a connection may take to say something valid (default 30000)\n"
    "  --max-refused N    messages in a row that had to be refused (default 1000)\n"
    "  --max-unread-kib N of a connection, received and no whole message yet; looked at when the\n"
    "                     server's memory has grown by 32 MiB (default 4096)\n"
    "\n"
    "Exit status: 0 stopped as asked, 1 could not serve, 2 usage.\n";

enum option_value { BIND = 1, STATE, RECORD, ALLOW, HELP, VERSION, NUMBERS };

/* The options that are numbers: where each goes and what it may be. */
static const struct number_option {
	const char *name;
	size_t offset;
	int64_t low, high;
} number_options[] = {
#define NUMBER(name, field, low, high)                                                             \
	{                                                                                          \
		name, offsetof(struct server_options, field), low, high                            \
	}
	NUMBER("lease-ms", core.lease_ms, 200, 3600000),
	NUMBER("resume-ms", core.resume_ms, 1, 60000),
	NUMBER("max-sessions", core.limits.sessions, 1, 1000000),
	NUMBER("max-monitors", core.limits.monitors, 1, 10000000),
	NUMBER("max-conditions", core.limits.conditions, 1, 1000000),
	NUMBER("max-clients", core.limits.clients, 1, 1000000),
	NUMBER("max-places", core.limits.places, 1, 1000000),
	NUMBER("max-ids", core.limits.ids, 1, 1000000),
	NUMBER("max-connections", gate.connections, 1, 2000000),
	NUMBER("silent-ms", gate.silent_ms, 100, 3600000),
	NUMBER("max-refused", gate.refused, 1, 1000000000),
	NUMBER("max-unread-kib", gate.unread_kib, 64, 1048576),
	NUMBER("state-block", state_block, 1000, 1000000000000),
#undef NUMBER
};
enum { NUMBER_OPTIONS = sizeof(number_options) / sizeof(number_options[0]) };

static const struct option word_options[] = {
	{ "bind", required_argument, NULL, BIND },     { "state", required_argument, NULL, STATE },
	{ "record", required_argument, NULL, RECORD }, { "allow-stop", no_argument, NULL, ALLOW },
	{ "help", no_argument, NULL, HELP },           { "version", no_argument, NULL, VERSION },
};
enum { WORD_OPTIONS = sizeof(word_options) / sizeof(word_options[0]) };

/* All of them, as getopt_long() wants them. */
static void list_options(struct option *all)
{
	memcpy(all, word_options, sizeof(word_options));
	for (int i = 0; i < NUMBER_OPTIONS; i++)
		all[WORD_OPTIONS + i] = (struct option){ .name = number_options[i].name,
			                                 .has_arg = required_argument,
			                                 .val = NUMBERS + i };
	all[WORD_OPTIONS + NUMBER_OPTIONS] = (struct option){ .name = NULL };
}

static bool read_number(const struct number_option *option, const char *text,
                        struct server_options *options)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 &&
	    value >= option->low && value <= option->high) {
		*(int64_t *)(void *)((char *)options + option->offset) = value;
		return true;
	}
	fprintf(stderr, "monitor_server: --%s: \"%s\" is not a number from %lld to %lld\n",
	        option->name, text, (long long)option->low, (long long)option->high);
	return false;
}

static int usage(void)
{
	fprintf(stderr, "monitor_server --help tells how it is used\n");
	return 2;
}

static int read_option(int value, struct server_options *options)
{
	switch (value) {
	case BIND:
		options->endpoints[options->endpoint_count++] = optarg;
		return -1;
	case STATE:
		options->state_path = optarg;
		return -1;
	case RECORD:
		options->record = optarg;
		return -1;
	case ALLOW:
		options->core.allow_stop = true;
		return -1;
	case HELP:
		fputs(help_text, stdout);
		return 0;
	case VERSION:
		printf("monitor_server %s, protocol %d\n", DMONITOR_VERSION, DMONITOR_PROTOCOL);
		return 0;
	case '?':
		return usage();
	default:
		return read_number(&number_options[value - NUMBERS], optarg, options) ? -1
		                                                                      : usage();
	}
}

/* What holds unless it is said otherwise. */
static const struct server_options defaults = {
	.gate = { .silent_ms = 30000, .refused = 1000, .unread_kib = 4096 },
	.state_block = 1000000000,
};

int server_options_read(int argc, char **argv, struct server_options *options)
{
	static const char default_endpoint[] = "tcp://127.0.0.1:5555";
	int status = -1;
	struct option all[WORD_OPTIONS + NUMBER_OPTIONS + 1];
	int value;

	list_options(all);
	*options = defaults;
	options->core = dmonitor_core_defaults;
	options->endpoints = calloc((size_t)argc + 1, sizeof(*options->endpoints));
	if (options->endpoints == NULL) {
		fprintf(stderr, "monitor_server: out of memory\n");
		return 1;
	}
	while (status < 0 && (value = getopt_long(argc, argv, "", all, NULL)) != -1)
		status = read_option(value, options);
	if (status < 0 && optind < argc) {
		fprintf(stderr, "monitor_server: what is \"%s\"?\n", argv[optind]);
		status = usage();
	}
	if (options->endpoint_count == 0)
		options->endpoints[options->endpoint_count++] = default_endpoint;
	/* Further ones are for who comes back on a new connection, asks STATUS, or is silent. */
	if (options->gate.connections == 0)
		options->gate.connections =
		    options->core.limits.sessions + options->core.limits.sessions / 4 + 64;
	return status;
}

void server_options_fini(struct server_options *options)
{
	free(options->endpoints);
	options->endpoints = NULL;
}
