/* verb_look.c: plot and show: looking at results that are there. */
#include "verbs.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "campaign.h"
#include "chart.h"
#include "show.h"

#define LATEST "results/latest"

const char verb_plot_usage[] =
    "Usage: performance_test plot [OPTION]... [RESULTS]\n"
    "Draw charts of RESULTS, a run folder or a CSV file (default: " LATEST ").\n\n"
    "  -o, --output DIR      into DIR (default: charts/ beside the CSV file)\n\n"
    "Exit status: 0 drawn; 1 nothing could be drawn; 2 the command line is wrong.\n";

const char verb_show_usage[] =
    "Usage: performance_test show [RESULTS]...\n"
    "Print the table of RESULTS, run folders or CSV files (default: " LATEST ").\n\n"
    "Exit status: 0 shown; 1 something could not be; 2 the command line is wrong.\n";

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* The folder charts/ beside the results, which the caller frees; NULL without memory. */
static char *charts_beside(const char *results)
{
	struct stat status;
	char *folder;
	const char *slash = strrchr(results, '/');
	int beside = slash != NULL ? (int)(slash + 1 - results) : 0;
	int written;
	if (stat(results, &status) == 0 && S_ISDIR(status.st_mode))
		written = asprintf(&folder, "%s/charts", results);
	else
		written = asprintf(&folder, "%.*scharts", beside, results);
	return written >= 0 ? folder : NULL;
}

int verb_plot(int argc, char **argv)
{
	const char *output = NULL;
	int option;
	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(verb_plot_usage, stdout);
			return EXIT_CODE_GOOD;
		}
		if (option != 'o')
			return EXIT_CODE_USAGE;
		output = optarg;
	}
	if (argc - optind > 1) {
		fprintf(stderr, "%s: one run folder or CSV file at a time\n", argv[0]);
		return EXIT_CODE_USAGE;
	}
	const char *results = optind < argc ? argv[optind] : LATEST;
	char *beside = charts_beside(results);
	if (beside == NULL)
		return EXIT_CODE_FAILED;
	int code = chart_draw(results, output != NULL ? output : beside, stderr);
	if (code == 0)
		printf("charts   %s\n", output != NULL ? output : beside);
	free(beside);
	return code;
}

int verb_show(int argc, char **argv)
{
	int option;
	while ((option = getopt_long(argc, argv, "h", options + 1, NULL)) != -1) {
		if (option != 'h')
			return EXIT_CODE_USAGE;
		fputs(verb_show_usage, stdout);
		return EXIT_CODE_GOOD;
	}
	if (optind == argc)
		return show_table(LATEST, stdout);
	int worst = EXIT_CODE_GOOD;
	for (int i = optind; i < argc; i++) {
		int code = show_table(argv[i], stdout);
		worst = code > worst ? code : worst;
	}
	return worst;
}
