/* verb_run.c: run and plan: both read all scenario files before anything else happens. */
#include "verbs.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../sim/interrupt.h"
#include "campaign.h"
#include "matrix.h"
#include "report.h"
#include "suite.h"

#define CHOICE_HELP                                                                                \
	"  -s, --scenario NAME   only this scenario\n"                                             \
	"      --set KEY=VALUE   instead of what the scenarios say; can be repeated\n"             \
	"      --repetitions N   the same as --set repetitions=N\n"

const char verb_run_usage[] =
    "Usage: performance_test run [OPTION]... FILE...\n"
    "Run the scenarios of each FILE (configs/*.ini); leave the numbers, a manifest and charts in "
    "a\n"
    "new folder for each.\n\n" CHOICE_HELP
    "  -o, --output DIR      make the new folders in DIR (default: results)\n"
    "      --csv FILE        append all rows to FILE too, if its columns are ours\n"
    "      --no-plots        draw no charts\n"
    "      --server-program FILE  the monitor_server to start\n\n"
    "Exit status: 0 all runs were good; 1 a run failed, or nothing was measured; 2 the command "
    "line\n"
    "or a scenario is wrong, and nothing was run; 130 or 143 interrupted by SIGINT or SIGTERM, "
    "with\n"
    "what was measured kept.\n";

const char verb_plan_usage[] =
    "Usage: performance_test plan [OPTION]... FILE...\n"
    "Check each FILE and print its points and the order of its runs.\n\n" CHOICE_HELP;

enum { OPTION_SET = 256, OPTION_REPETITIONS, OPTION_CSV, OPTION_NO_PLOTS, OPTION_SERVER_PROGRAM };

static const struct option plan_options[] = {
	{ "scenario", required_argument, NULL, 's' },
	{ "set", required_argument, NULL, OPTION_SET },
	{ "repetitions", required_argument, NULL, OPTION_REPETITIONS },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option run_options[] = {
	{ "scenario", required_argument, NULL, 's' },
	{ "set", required_argument, NULL, OPTION_SET },
	{ "repetitions", required_argument, NULL, OPTION_REPETITIONS },
	{ "output", required_argument, NULL, 'o' },
	{ "csv", required_argument, NULL, OPTION_CSV },
	{ "no-plots", no_argument, NULL, OPTION_NO_PLOTS },
	{ "server-program", required_argument, NULL, OPTION_SERVER_PROGRAM },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

enum { OVERRIDES_MAX = 64 };

struct arguments {
	const char *scenario; /* NULL: all */
	char *overrides[OVERRIDES_MAX];
	size_t override_count;
	struct campaign_options campaign;
	char **files;
	size_t file_count;
};

struct job {
	struct suite *suite;
	struct matrix *matrix;
};

static int add_override(struct arguments *arguments, const char *key, const char *value)
{
	if (arguments->override_count == OVERRIDES_MAX)
		return -1;
	char **place = &arguments->overrides[arguments->override_count];
	if (asprintf(place, "%s%s%s", key, key[0] != '\0' ? "=" : "", value) < 0) {
		*place = NULL;
		return -1;
	}
	arguments->override_count++;
	return 0;
}

/* Read one option. Returns -1 to go on, else the exit code. */
static int read_option(int option, const char *usage, struct arguments *arguments)
{
	switch (option) {
	case 's':
		arguments->scenario = optarg;
		return -1;
	case 'o':
		arguments->campaign.parent = optarg;
		return -1;
	case OPTION_SET:
		return add_override(arguments, "", optarg) == 0 ? -1 : EXIT_CODE_USAGE;
	case OPTION_REPETITIONS:
		return add_override(arguments, "repetitions", optarg) == 0 ? -1 : EXIT_CODE_USAGE;
	case OPTION_CSV:
		arguments->campaign.csv = optarg;
		return -1;
	case OPTION_NO_PLOTS:
		arguments->campaign.plots = false;
		return -1;
	case OPTION_SERVER_PROGRAM:
		arguments->campaign.server_program = optarg;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return EXIT_CODE_GOOD;
	default: /* getopt_long has complained */
		return EXIT_CODE_USAGE;
	}
}

/* Returns -1 to go on, else the exit code. */
static int read_arguments(int argc, char **argv, const char *shorts, const struct option *options,
                          const char *usage, struct arguments *arguments)
{
	int option;
	while ((option = getopt_long(argc, argv, shorts, options, NULL)) != -1) {
		int code = read_option(option, usage, arguments);
		if (code >= 0)
			return code;
	}
	arguments->files = argv + optind;
	arguments->file_count = (size_t)(argc - optind);
	if (arguments->file_count > 0)
		return -1;
	fprintf(stderr, "%s: which scenario file? There are some in configs/\n", argv[0]);
	return EXIT_CODE_USAGE;
}

/* Read one scenario file, as the arguments want it. Complains itself. */
static int load(const char *file, const struct arguments *arguments, struct job *job)
{
	char error[SUITE_ERROR_BYTES];
	int failure = suite_read(file, &job->suite, error);
	if (failure == 0 && arguments->scenario != NULL)
		failure = suite_select(job->suite, arguments->scenario, error);
	for (size_t i = 0; i < arguments->override_count && failure == 0; i++)
		failure = suite_override(job->suite, arguments->overrides[i], error);
	if (failure == 0)
		failure = matrix_expand(job->suite, &job->matrix, error);
	if (failure != 0)
		fprintf(stderr, "%s\n", error);
	return failure;
}

static int load_all(const struct arguments *arguments, struct job *jobs)
{
	for (size_t i = 0; i < arguments->file_count; i++) {
		if (load(arguments->files[i], arguments, &jobs[i]) != 0)
			return EXIT_CODE_USAGE;
	}
	return EXIT_CODE_GOOD;
}

static int run_all(const struct arguments *arguments, const struct job *jobs)
{
	struct campaign_options options = arguments->campaign;
	char error[REPORT_ERROR_BYTES];
	if (options.csv != NULL && report_check_csv(options.csv, error) != 0) {
		fprintf(stderr, "performance_test: %s\n", error);
		return EXIT_CODE_USAGE;
	}
	int failure = interrupt_open(&options.stop_fd);
	if (failure != 0) {
		fprintf(stderr, "performance_test: cannot watch for signals: %s\n",
		        strerror(failure));
		return EXIT_CODE_FAILED;
	}
	int worst = EXIT_CODE_GOOD;
	for (size_t i = 0; i < arguments->file_count && worst < EXIT_CODE_SIGNALLED; i++) {
		int code = campaign_run(jobs[i].suite, jobs[i].matrix, &options);
		worst = code > worst ? code : worst;
	}
	close(options.stop_fd);
	return worst;
}

static int print_all(const struct arguments *arguments, const struct job *jobs)
{
	for (size_t i = 0; i < arguments->file_count; i++)
		matrix_print(jobs[i].suite, jobs[i].matrix, stdout);
	return EXIT_CODE_GOOD;
}

/* Load all files, and do ${with_all} to them if they are good. */
static int with_jobs(struct arguments *arguments,
                     int (*with_all)(const struct arguments *arguments, const struct job *jobs))
{
	struct job *jobs = calloc(arguments->file_count, sizeof(*jobs));
	if (jobs == NULL) {
		fputs("performance_test: out of memory\n", stderr);
		return EXIT_CODE_FAILED;
	}
	int code = load_all(arguments, jobs);
	if (code == EXIT_CODE_GOOD)
		code = with_all(arguments, jobs);
	for (size_t i = 0; i < arguments->file_count; i++) {
		matrix_free(&jobs[i].matrix);
		suite_free(&jobs[i].suite);
	}
	free(jobs);
	return code;
}

static void free_arguments(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->override_count; i++)
		free(arguments->overrides[i]);
}

int verb_run(int argc, char **argv)
{
	struct arguments arguments = { .campaign = { .parent = "results", .plots = true } };
	/* getopt_long orders argv anew; the manifest wants it as it was given */
	const char **command = calloc((size_t)argc + 1, sizeof(*command));
	if (command == NULL)
		return EXIT_CODE_FAILED;
	for (int i = 0; i < argc; i++)
		command[i] = argv[i];
	arguments.campaign.command = command;
	int code = read_arguments(argc, argv, "s:o:h", run_options, verb_run_usage, &arguments);
	if (code < 0)
		code = with_jobs(&arguments, run_all);
	free_arguments(&arguments);
	free(command);
	return code;
}

int verb_plan(int argc, char **argv)
{
	struct arguments arguments = { .files = NULL };
	int code = read_arguments(argc, argv, "s:h", plan_options, verb_plan_usage, &arguments);
	if (code < 0)
		code = with_jobs(&arguments, print_all);
	free_arguments(&arguments);
	return code;
}
