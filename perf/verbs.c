/* verbs.c: the table of verbs. */
#include "verbs.h"

#include <string.h>

#include "suggest.h"

const struct verb verbs[] = {
	{ "run", "run scenario files", verb_run_usage, verb_run },
	{ "plan", "check scenario files and print what would be run", verb_plan_usage, verb_plan },
	{ "show", "print results as a table", verb_show_usage, verb_show },
	{ "plot", "draw results as charts", verb_plot_usage, verb_plot },
	{ "help", "explain a verb, or keys, columns, engines", verb_help_usage, verb_help },
	{ NULL, NULL, NULL, NULL },
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) - 1 };

const struct verb *verbs_find(const char *name)
{
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

const char *verbs_suggest(const char *name)
{
	const char *names[VERBS + 1] = { NULL };
	for (size_t i = 0; i < VERBS; i++)
		names[i] = verbs[i].name;
	return suggest(name, names);
}

void verbs_usage(FILE *out)
{
	fputs("Usage: performance_test VERB [OPTION]... [OPERAND]...\n"
	      "Measure the distributed monitor by scenarios of producers and consumers.\n\n",
	      out);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  %-6s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\n  --help, --version\n\n"
	      "`performance_test help VERB` tells more. Exit status: 0 good; 1 a run failed or "
	      "nothing\n"
	      "was measured; 2 the command line or a scenario is wrong; 130 or 143 interrupted.\n",
	      out);
}
