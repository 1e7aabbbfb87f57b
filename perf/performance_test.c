/* performance_test.c: the program: finds the verb and leaves the rest to it. */
#include <stdio.h>
#include <string.h>

#include "../monitor/dmonitor.h"
#include "campaign.h"
#include "columns.h"
#include "verbs.h"

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	char name[64];
	snprintf(name, sizeof(name), "performance_test %s", verb->name);
	argv[1] = name;
	return verb->run(argc - 1, argv + 1);
}

static int unknown_verb(const char *name)
{
	const char *meant = verbs_suggest(name);
	fprintf(stderr, "performance_test: there is no verb %s", name);
	if (meant != NULL)
		fprintf(stderr, "; did you mean %s?\n", meant);
	else
		fputs("; see performance_test --help\n", stderr);
	return EXIT_CODE_USAGE;
}

/* What was printed is not printed until it has left: a full disk must not look like success. */
static int flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	perror("performance_test: stdout");
	return code > EXIT_CODE_FAILED ? code : EXIT_CODE_FAILED;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		verbs_usage(stderr);
		return EXIT_CODE_USAGE;
	}
	const struct verb *verb = verbs_find(argv[1]);
	if (verb != NULL)
		return flushed(run_verb(verb, argc, argv));
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		verbs_usage(stdout);
		return flushed(EXIT_CODE_GOOD);
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("performance_test %s, columns of schema %d\n", DMONITOR_VERSION,
		       COLUMNS_SCHEMA_VERSION);
		return flushed(EXIT_CODE_GOOD);
	}
	return unknown_verb(argv[1]);
}
