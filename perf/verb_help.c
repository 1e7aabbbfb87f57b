/* verb_help.c: everything that can be read, from the tables that the program itself goes by. */
#include "verbs.h"

#include <string.h>

#include "../sim/fault.h"
#include "campaign.h"
#include "columns.h"
#include "engine.h"
#include "keys.h"

const char verb_help_usage[] =
    "Usage: performance_test help [TOPIC]\n"
    "Topics: keys      what a scenario file may hold\n"
    "        columns   of performance_results_distributed.csv (--markdown: as a table)\n"
    "        engines   what can be measured\n"
    "        faults    what can happen to workers\n"
    "        and each verb.\n";

static void help_faults(void)
{
	for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++)
		printf("  %-10s %s\n", fault_name(kind), fault_help(kind));
}

int verb_help(int argc, char **argv)
{
	const char *topic = argc > 1 ? argv[1] : "";
	bool markdown =
	    argc == 3 && strcmp(topic, "columns") == 0 && strcmp(argv[2], "--markdown") == 0;
	if (argc > 2 && !markdown) {
		fprintf(stderr, "%s: one topic at a time\n", argv[0]);
		return EXIT_CODE_USAGE;
	}
	const struct verb *verb = verbs_find(topic);
	if (topic[0] == '\0')
		verbs_usage(stdout);
	else if (verb != NULL)
		fputs(verb->usage, stdout);
	else if (strcmp(topic, "keys") == 0)
		keys_help(stdout);
	else if (strcmp(topic, "engines") == 0)
		engine_help(stdout);
	else if (strcmp(topic, "faults") == 0)
		help_faults();
	else if (markdown)
		columns_markdown(stdout);
	else if (strcmp(topic, "columns") == 0)
		columns_help(stdout);
	else if (strcmp(topic, "--help") == 0 || strcmp(topic, "-h") == 0)
		fputs(verb_help_usage, stdout);
	else {
		fprintf(stderr, "%s: nothing is known about %s\n%s", argv[0], topic,
		        verb_help_usage);
		return EXIT_CODE_USAGE;
	}
	return EXIT_CODE_GOOD;
}
