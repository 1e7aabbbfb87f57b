/* campaign.c: the order of things around the runs. A run that fails does not end the campaign; a
 * signal does, and so does a disk that takes no more. */
#include "campaign.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../monitor/clock.h"
#include "../sim/interrupt.h"
#include "chart.h"
#include "manifest.h"
#include "progress.h"
#include "report.h"
#include "run.h"
#include "run_folder.h"
#include "sentence.h"
#include "show.h"

#define RESOLVED_NAME "resolved.ini"
#define CHARTS_NAME   "charts"

enum { PATH_BYTES = 4096, ERROR_BYTES = 1024 };

struct campaign {
	const struct suite *suite;
	const struct matrix *matrix;
	const struct campaign_options *options;
	char *folder;
	struct manifest *manifest;
	struct report *report;
	struct progress progress;
	int64_t ended[RUN_INTERRUPTED + 1]; /* runs, by status */
};

static void complain(const char *error)
{
	fprintf(stderr, "performance_test: %s\n", error);
}

/* The resolved suite as text, which the caller frees; NULL without memory. */
static char *resolve(const struct suite *suite)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	if (out == NULL)
		return NULL;
	fprintf(out,
	        "; %s with every default and variable filled in; run it to repeat the suite.\n\n",
	        suite->file);
	suite_print(suite, out);
	bool good = !ferror(out);
	if (fclose(out) == 0 && good)
		return text;
	free(text);
	return NULL;
}

static int write_resolved(const struct campaign *campaign, const char *text)
{
	char path[PATH_BYTES];
	sentence(path, sizeof(path), "%s/" RESOLVED_NAME, campaign->folder);
	FILE *out = fopen(path, "wxe");
	bool good = out != NULL && fputs(text, out) >= 0;
	if (out != NULL && fclose(out) != 0)
		good = false;
	if (!good)
		fprintf(stderr, "performance_test: %s: %s\n", path, strerror(errno));
	return good ? 0 : EIO;
}

/* Everything that must be there before the first run. */
static int begin(struct campaign *campaign)
{
	const struct suite *suite = campaign->suite;
	char error[ERROR_BYTES] = "out of memory";
	int64_t now_ns = dmonitor_clock_wall_ns();
	char *text = resolve(suite);
	struct manifest_facts facts = { .suite = suite->settings.name,
		                        .scenario_file = suite->file,
		                        .scenario_text = text,
		                        .command = campaign->options->command,
		                        .started_at_ns = now_ns };
	int failure = text != NULL ? 0 : ENOMEM;
	if (failure == 0)
		failure = run_folder_make(campaign->options->parent, suite->settings.name, now_ns,
		                          &campaign->folder, error);
	if (failure == 0)
		failure = manifest_new(&facts, stderr, &campaign->manifest);
	if (failure == 0)
		failure = manifest_write(campaign->manifest, campaign->folder, error);
	if (failure == 0)
		failure =
		    report_open(campaign->folder, campaign->options->csv, &campaign->report, error);
	if (failure == 0)
		failure = progress_init(&campaign->progress, campaign->matrix, stderr);
	if (failure != 0)
		complain(error);
	else
		failure = write_resolved(campaign, text);
	free(text);
	return failure;
}

/* Do run ${index} and note it. */
static int do_run(struct campaign *campaign, size_t index)
{
	const struct planned_run *planned = &campaign->matrix->runs[index];
	const struct point *point = &campaign->matrix->points[planned->point];
	struct run_result *result = malloc(sizeof(*result));
	if (result == NULL) {
		complain("out of memory");
		return ENOMEM;
	}
	struct row row = { .suite = campaign->suite,
		           .point = point,
		           .result = result,
		           .repetition = planned->repetition,
		           .order_index = (int64_t)index + 1,
		           .seed = matrix_seed(campaign->suite, point, planned->repetition) };
	struct run_request request = { .factors = &point->factors,
		                       .seed = row.seed,
		                       .server_program = campaign->options->server_program,
		                       .stop_fd = campaign->options->stop_fd,
		                       .watch = progress_watch,
		                       .watcher = &campaign->progress };
	sentence(row.run_id, sizeof(row.run_id), "%s-%04zu", run_folder_name(campaign->folder),
	         index + 1);
	progress_begin(&campaign->progress, index);
	run_once(&request, result);
	progress_end(&campaign->progress, result);
	campaign->ended[result->status]++;
	char error[REPORT_ERROR_BYTES];
	int failure = report_add(campaign->report, &row, error);
	if (failure != 0)
		complain(error);
	run_result_fini(result);
	free(result);
	return failure;
}

static int end_manifest(struct campaign *campaign)
{
	char error[MANIFEST_ERROR_BYTES] = "out of memory";
	struct manifest_end end = { .ended_at_ns = dmonitor_clock_wall_ns(),
		                    .runs_planned = (int64_t)campaign->matrix->run_count,
		                    .runs_ok = campaign->ended[RUN_OK],
		                    .runs_failed = campaign->ended[RUN_FAILED],
		                    .runs_interrupted = campaign->ended[RUN_INTERRUPTED] };
	int failure = manifest_finish(campaign->manifest, &end);
	if (failure == 0)
		failure = manifest_write(campaign->manifest, campaign->folder, error);
	if (failure != 0)
		complain(error);
	return failure;
}

/* Charts and table: extras, so that nothing here changes the exit code. */
static void present(const struct campaign *campaign)
{
	char charts[PATH_BYTES];
	bool drawn = false;
	sentence(charts, sizeof(charts), "%s/" CHARTS_NAME, campaign->folder);
	if (campaign->options->plots && campaign->ended[RUN_OK] > 0 && interrupt_pending() == 0)
		drawn = chart_draw(campaign->folder, charts, stderr) == 0;
	show_table(campaign->folder, stdout);
	printf("\nresults  %s/" REPORT_RESULTS_NAME "\n", campaign->folder);
	if (campaign->options->csv != NULL)
		printf("also in  %s\n", campaign->options->csv);
	if (drawn)
		printf("charts   %s\n", charts);
	fflush(stdout);
}

static int exit_code(const struct campaign *campaign, int failure)
{
	if (interrupt_pending() != 0)
		return EXIT_CODE_SIGNALLED + interrupt_pending();
	if (failure != 0 || campaign->ended[RUN_FAILED] > 0 || campaign->ended[RUN_OK] == 0)
		return EXIT_CODE_FAILED;
	return EXIT_CODE_GOOD;
}

int campaign_run(const struct suite *suite, const struct matrix *matrix,
                 const struct campaign_options *options)
{
	struct campaign campaign = { .suite = suite, .matrix = matrix, .options = options };
	int failure = begin(&campaign);
	bool begun = failure == 0;
	for (size_t i = 0; i < matrix->run_count && failure == 0 && interrupt_pending() == 0; i++)
		failure = do_run(&campaign, i);
	if (begun) {
		int manifest_failure = end_manifest(&campaign);
		failure = failure != 0 ? failure : manifest_failure;
		present(&campaign);
	}
	progress_fini(&campaign.progress);
	report_close(&campaign.report);
	manifest_free(&campaign.manifest);
	free(campaign.folder);
	return exit_code(&campaign, failure);
}
