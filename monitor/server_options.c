/* server_options.c: the command line of monitor_server. */
#include "server_options.h"

#include <errno.h>
#include <getopt.h>
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
    "  --max-sessions N   clients at a time (default 20000)\n"
    "  --max-monitors N   monitors at a time (default 200000)\n"
    "  --max-conditions N conditions of one monitor that have waiters (default 10000)\n"
    "  --state FILE       reserve tokens in FILE before they are given out, so that they rise "
    "over\n"
    "                     every restart, whatever the wall clock does; made at the first start\n"
    "  --state-block N    tokens to reserve at a time (1000 to 1000000000000; default 1000000000)\n"
    "  --record FILE      write all that happens into FILE, which must be new: monitor_check "
    "tells\n"
    "                     from it whether the run was right. It holds the sessions' secrets\n"
    "  --allow-stop       obey STOP_SERVER from other machines too\n"
    "  --help             print this\n"
    "  --version          print the version\n"
    "\n"
    "Without --state fencing tokens begin at the wall clock's nanoseconds: they rise over "
    "restarts\n"
    "as long as that clock is not set back between two starts.\n"
    "\n"
    "Exit status: 0 stopped as asked, 1 could not serve, 2 usage.\n";

enum option_value {
	BIND = 1,
	LEASE,
	RESUME,
	SESSIONS,
	MONITORS,
	CONDITIONS,
	STATE,
	STATE_BLOCK,
	RECORD,
	ALLOW,
	HELP,
	VERSION
};

static const struct option long_options[] = {
	{ "bind", required_argument, NULL, BIND },
	{ "lease-ms", required_argument, NULL, LEASE },
	{ "resume-ms", required_argument, NULL, RESUME },
	{ "max-sessions", required_argument, NULL, SESSIONS },
	{ "max-monitors", required_argument, NULL, MONITORS },
	{ "max-conditions", required_argument, NULL, CONDITIONS },
	{ "state", required_argument, NULL, STATE },
	{ "state-block", required_argument, NULL, STATE_BLOCK },
	{ "record", required_argument, NULL, RECORD },
	{ "allow-stop", no_argument, NULL, ALLOW },
	{ "help", no_argument, NULL, HELP },
	{ "version", no_argument, NULL, VERSION },
	{ NULL, 0, NULL, 0 },
};

/* The options that are numbers: where each goes and what it may be. */
struct number_option {
	int64_t *to;
	int64_t low, high;
};

static struct number_option number_option(struct server_options *options, int value)
{
	struct dmonitor_core_options *core = &options->core;

	switch (value) {
	case LEASE:
		return (struct number_option){ &core->lease_ms, 200, 3600000 };
	case RESUME:
		return (struct number_option){ &core->resume_ms, 1, 60000 };
	case SESSIONS:
		return (struct number_option){ &core->limits.sessions, 1, 1000000 };
	case STATE_BLOCK:
		return (struct number_option){ &options->state_block, 1000, 1000000000000 };
	case MONITORS:
		return (struct number_option){ &core->limits.monitors, 1, 10000000 };
	default:
		return (struct number_option){ &core->limits.conditions, 1, 1000000 };
	}
}

static bool read_number(const char *name, const char *text, struct number_option option)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value >= option.low &&
	    value <= option.high) {
		*option.to = value;
		return true;
	}
	fprintf(stderr, "monitor_server: --%s: \"%s\" is not a number from %lld to %lld\n", name,
	        text, (long long)option.low, (long long)option.high);
	return false;
}

static int usage(void)
{
	fprintf(stderr, "monitor_server --help tells how it is used\n");
	return 2;
}

static int read_option(int value, const char *name, struct server_options *options)
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
		return read_number(name, optarg, number_option(options, value)) ? -1 : usage();
	}
}

int server_options_read(int argc, char **argv, struct server_options *options)
{
	static const char default_endpoint[] = "tcp://127.0.0.1:5555";
	int status = -1;
	int value, index;

	*options =
	    (struct server_options){ .core = dmonitor_core_defaults, .state_block = 1000000000 };
	options->endpoints = calloc((size_t)argc + 1, sizeof(*options->endpoints));
	if (options->endpoints == NULL) {
		fprintf(stderr, "monitor_server: out of memory\n");
		return 1;
	}
	while (status < 0 && (value = getopt_long(argc, argv, "", long_options, &index)) != -1)
		status = read_option(value, value == '?' ? "" : long_options[index].name, options);
	if (status < 0 && optind < argc) {
		fprintf(stderr, "monitor_server: what is \"%s\"?\n", argv[optind]);
		status = usage();
	}
	if (options->endpoint_count == 0)
		options->endpoints[options->endpoint_count++] = default_endpoint;
	return status;
}

void server_options_fini(struct server_options *options)
{
	free(options->endpoints);
	options->endpoints = NULL;
}
