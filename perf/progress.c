/* progress.c: lines for people. The estimate is the mean of what was seen, nothing cleverer. */
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "columns.h"
#include "sentence.h"

int progress_init(struct progress *progress, const struct matrix *matrix, FILE *out)
{
	*progress = (struct progress){ .out = out, .matrix = matrix };
	progress->redraws = isatty(fileno(out)) == 1;
	progress->spent_ns = calloc(matrix->point_count, sizeof(*progress->spent_ns));
	progress->ended = calloc(matrix->point_count, sizeof(*progress->ended));
	if (progress->spent_ns != NULL && progress->ended != NULL)
		return 0;
	progress_fini(progress);
	return ENOMEM;
}

void progress_fini(struct progress *progress)
{
	free(progress->spent_ns);
	free(progress->ended);
	*progress = (struct progress){ 0 };
}

int64_t progress_left_ns(const struct progress *progress, int64_t now_ns)
{
	const struct matrix *matrix = progress->matrix;
	int64_t spent_ns = 0;
	int64_t ended = 0;
	for (size_t i = 0; i < matrix->point_count; i++) {
		spent_ns += progress->spent_ns[i];
		ended += progress->ended[i];
	}
	if (ended == 0)
		return -1;
	int64_t left_ns = 0;
	for (size_t i = progress->index; i < matrix->run_count; i++) {
		size_t point = matrix->runs[i].point;
		bool seen = progress->ended[point] > 0;
		left_ns +=
		    seen ? progress->spent_ns[point] / progress->ended[point] : spent_ns / ended;
	}
	left_ns -= now_ns - progress->began_ns;
	return left_ns > 0 ? left_ns : 0;
}

static void print_left(int64_t left_ns, char text[32])
{
	int64_t seconds = (left_ns + DMONITOR_NS_PER_S / 2) / DMONITOR_NS_PER_S;
	if (left_ns < 0)
		sentence(text, 32, "?");
	else if (seconds < 60)
		sentence(text, 32, "%" PRId64 " s", seconds);
	else
		sentence(text, 32, "%" PRId64 " min %02" PRId64 " s", seconds / 60, seconds % 60);
}

/* "[ 3/18] pairs p=4 c=4 items=100 cap=10 monitor rep 2/3" */
static void print_head(const struct progress *progress)
{
	const struct matrix *matrix = progress->matrix;
	const struct planned_run *run = &matrix->runs[progress->index];
	const struct point *point = &matrix->points[run->point];
	char title[MATRIX_TITLE_BYTES];
	matrix_title(point, title);
	fprintf(progress->out, "%s[%3zu/%zu] %s rep %" PRId64 "/%" PRId64,
	        progress->redraws ? "\r\033[K" : "", progress->index + 1, matrix->run_count, title,
	        run->repetition, point->factors.repetitions);
}

void progress_begin(struct progress *progress, size_t index)
{
	progress->index = index;
	progress->began_ns = dmonitor_clock_now_ns();
	if (progress->redraws)
		progress_watch(progress, "starting", 0);
}

void progress_watch(void *watcher, const char *round, uint64_t done)
{
	struct progress *progress = watcher;
	if (!progress->redraws)
		return;
	int64_t now_ns = dmonitor_clock_now_ns();
	double seconds = (double)(now_ns - progress->began_ns) / (double)DMONITOR_NS_PER_S;
	char left[32];
	print_left(progress_left_ns(progress, now_ns), left);
	print_head(progress);
	fprintf(progress->out, "  %s", round);
	if (done > 0 && seconds > 0)
		fprintf(progress->out, " %.0f op/s", (double)done / seconds);
	fprintf(progress->out, " | left %s", left);
	fflush(progress->out);
}

void progress_end(struct progress *progress, const struct run_result *result)
{
	size_t point = progress->matrix->runs[progress->index].point;
	progress->spent_ns[point] += dmonitor_clock_now_ns() - progress->began_ns;
	progress->ended[point]++;
	bool good = result->status == RUN_OK;
	/* On a terminal only what went wrong is worth a line that stays. */
	if (progress->redraws && good) {
		fputs("\r\033[K", progress->out);
	} else {
		print_head(progress);
		fprintf(progress->out, "  %s", columns_status(result->status));
		if (result->duration_ns > 0)
			fprintf(progress->out, "  %.0f op/s",
			        (double)result->operations * (double)DMONITOR_NS_PER_S /
			            (double)result->duration_ns);
		fprintf(progress->out, "%s%s\n", good ? "" : ": ", result->reason);
	}
	fflush(progress->out);
}
