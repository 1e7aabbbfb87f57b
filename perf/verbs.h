/* verbs.h: what performance_test can be told to do. */
#ifndef PERF_VERBS_H
#define PERF_VERBS_H

#include <stdio.h>

struct verb {
	const char *name;
	const char *summary; /* for the list of verbs */
	const char *usage;   /* all about it */
	/* Do it. argv[0] is "performance_test VERB", for complaints. Returns the exit code. */
	int (*run)(int argc, char **argv);
};

/* The verbs, in the order in which one needs them; name NULL ends them. */
extern const struct verb verbs[];

extern const char verb_run_usage[];
extern const char verb_plan_usage[];
extern const char verb_plot_usage[];
extern const char verb_show_usage[];
extern const char verb_help_usage[];

int verb_run(int argc, char **argv);
int verb_plan(int argc, char **argv);
int verb_plot(int argc, char **argv);
int verb_show(int argc, char **argv);
int verb_help(int argc, char **argv);

/* The verb called ${name}, or NULL. */
const struct verb *verbs_find(const char *name);

/* What it was probably meant to be, or NULL. */
const char *verbs_suggest(const char *name);

/* What --help prints. */
void verbs_usage(FILE *out);

#endif
