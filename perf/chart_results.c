/* chart_results.c: see chart_results.h. Runs become points here; chart_merge.c adds histograms. */
#include "chart_results.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "chart_merge.h"
#include "statistics.h"

#define RESULTS_NAME "performance_results_distributed.csv"

/* Where each number of a point stands in a row; the first seven were the original program's. */
static const struct factor {
	const char *column;
	bool required; /* there must be such a column */
	bool filled;   /* and a number in it */
	size_t offset;
} factors[] = {
	{ "producers", true, true, offsetof(struct chart_point, producers) },
	{ "consumers", true, true, offsetof(struct chart_point, consumers) },
	{ "items_per_producer", true, false, offsetof(struct chart_point, items) },
	{ "capacity", true, true, offsetof(struct chart_point, capacity) },
	{ "poll_interval_ns", false, false, offsetof(struct chart_point, poll_interval_ns) },
	{ "payload_bytes", false, false, offsetof(struct chart_point, payload_bytes) },
};

/* The numbers of each run of which a point holds the spread. */
static const struct measure {
	const char *column;
	size_t offset;
} measures[] = {
	{ "ops_per_second", offsetof(struct chart_point, throughput) },
	{ "messages_per_operation", offsetof(struct chart_point, messages) },
	{ "put_p50_ns", offsetof(struct chart_point, latency_ns[CHART_PUT][CHART_P50]) },
	{ "put_p90_ns", offsetof(struct chart_point, latency_ns[CHART_PUT][CHART_P90]) },
	{ "put_p99_ns", offsetof(struct chart_point, latency_ns[CHART_PUT][CHART_P99]) },
	{ "put_p99_9_ns", offsetof(struct chart_point, latency_ns[CHART_PUT][CHART_P99_9]) },
	{ "put_max_ns", offsetof(struct chart_point, latency_ns[CHART_PUT][CHART_MAX]) },
	{ "get_p50_ns", offsetof(struct chart_point, latency_ns[CHART_GET][CHART_P50]) },
	{ "get_p90_ns", offsetof(struct chart_point, latency_ns[CHART_GET][CHART_P90]) },
	{ "get_p99_ns", offsetof(struct chart_point, latency_ns[CHART_GET][CHART_P99]) },
	{ "get_p99_9_ns", offsetof(struct chart_point, latency_ns[CHART_GET][CHART_P99_9]) },
	{ "get_max_ns", offsetof(struct chart_point, latency_ns[CHART_GET][CHART_MAX]) },
};

enum {
	FACTORS = sizeof(factors) / sizeof(*factors),
	MEASURES = sizeof(measures) / sizeof(*measures)
};

static const char *text(const struct csv_table *table, size_t row, const char *column)
{
	return csv_read_text(table, row, csv_read_column(table, column));
}

static bool is_same_point(const struct csv_table *table, size_t row, size_t other)
{
	if (csv_read_column(table, "point_id") >= 0)
		return strcmp(text(table, row, "point_id"), text(table, other, "point_id")) == 0;
	for (size_t i = 0; i < FACTORS; i++) {
		const char *column = factors[i].column;

		if (strcmp(text(table, row, column), text(table, other, column)) != 0)
			return false;
	}
	return true;
}

/* Columns without which nothing can be said, and one suite only. */
static int check_table(struct chart_results *results, char *error, size_t room)
{
	const struct csv_table *table = &results->table;

	for (size_t i = 0; i <= FACTORS; i++) {
		const char *column = i < FACTORS ? factors[i].column : "ops_per_second";

		if ((i == FACTORS || factors[i].required) && csv_read_column(table, column) < 0) {
			snprintf(error, room, "%s:1: there is no column \"%s\"", table->path,
			         column);
			return EINVAL;
		}
	}
	if (table->rows == 0) {
		snprintf(error, room, "%s: there is no run in it", table->path);
		return EINVAL;
	}
	results->suite = text(table, 0, "suite");
	results->legacy = csv_read_column(table, "status") < 0;
	for (size_t row = 1; row < table->rows; row++) {
		if (strcmp(text(table, row, "suite"), results->suite) != 0) {
			snprintf(error, room,
			         "%s:%zu: a second suite, \"%s\"; only one at a time can be shown",
			         table->path, table->lines[row + 1], text(table, row, "suite"));
			return EINVAL;
		}
	}
	return 0;
}

static int read_factors(const struct csv_table *table, size_t row, struct chart_point *point,
                        char *error, size_t room)
{
	point->id = text(table, row, "point_id");
	point->scenario = text(table, row, "scenario");
	point->engine = text(table, row, "engine");
	point->transport = text(table, row, "transport");
	point->storage = text(table, row, "storage");
	point->exit_mode = text(table, row, "exit_mode");
	point->faults = text(table, row, "faults");
	for (size_t i = 0; i < FACTORS; i++) {
		int column = csv_read_column(table, factors[i].column);
		double value;

		if (csv_read_number(table, row, column, &value, error, room))
			return EINVAL;
		if (isnan(value) && factors[i].filled) {
			snprintf(error, room, "%s:%zu: column \"%s\" is empty", table->path,
			         table->lines[row + 1], factors[i].column);
			return EINVAL;
		}
		*(long long *)(void *)((char *)point + factors[i].offset) =
		    isnan(value) ? -1 : (long long)value;
	}
	if (point->poll_interval_ns == 0)
		point->poll_interval_ns = -1;
	for (size_t i = 0; i < CHART_OPERATIONS; i++)
		histogram_init(&point->merged[i]);
	return 0;
}

/* The worse of two audits; "" is of a file that knows none. */
static const char *worse_audit(const char *a, const char *b)
{
	static const char *const worst_first[] = { "violated", "unchecked", "ok" };

	for (size_t i = 0; i < sizeof(worst_first) / sizeof(*worst_first); i++) {
		if (strcmp(a, worst_first[i]) == 0 || strcmp(b, worst_first[i]) == 0)
			return worst_first[i];
	}
	return b;
}

/* Count the run of ${row} for its point, and keep the reason of a point's first failure. */
static void note_run(struct chart_results *results, size_t row, struct chart_point *point)
{
	const struct csv_table *table = &results->table;
	const char *status = text(table, row, "status");
	const char *audit = text(table, row, "audit");
	bool violated = strcmp(audit, "violated") == 0;
	bool good = results->legacy || (strcmp(status, "ok") == 0 && !violated);

	results->row_good[row] = good;
	results->runs++;
	point->runs++;
	point->audit = point->audit ? worse_audit(point->audit, audit) : audit;
	if (good) {
		results->runs_ok++;
		point->runs_ok++;
	} else if (!point->bad_status) {
		point->bad_status = strcmp(status, "ok") == 0 ? "audit violated" : status;
		point->bad_reason = text(table, row, "status_reason");
	}
}

static int gather_points(struct chart_results *results, char *error, size_t room)
{
	const struct csv_table *table = &results->table;

	for (size_t row = 0; row < table->rows; row++) {
		size_t first = 0, point;

		while (!is_same_point(table, first, row))
			first++;
		if (first == row) {
			point = results->count;
			if (read_factors(table, row, &results->points[point], error, room))
				return EINVAL;
			results->count++;
		} else {
			point = results->row_point[first];
		}
		results->row_point[row] = point;
		note_run(results, row, &results->points[point]);
	}
	return 0;
}

/* The spread of one measure over the good runs of one point. */
static int spread(const struct chart_results *results, size_t point, int column, double *values,
                  struct chart_spread *spread, char *error, size_t room)
{
	size_t count = 0;

	for (size_t row = 0; row < results->table.rows; row++) {
		double value;

		if (results->row_point[row] != point || !results->row_good[row])
			continue;
		if (csv_read_number(&results->table, row, column, &value, error, room))
			return EINVAL;
		if (!isnan(value))
			values[count++] = value;
	}
	spread->count = count;
	spread->median = statistics_median(values, count);
	spread->low = count ? values[0] : NAN; /* the median has sorted them */
	spread->high = count ? values[count - 1] : NAN;
	return 0;
}

static int measure_points(struct chart_results *results, char *error, size_t room)
{
	double *values = calloc(results->table.rows, sizeof(*values));
	int failure = values ? 0 : ENOMEM;

	for (size_t i = 0; i < MEASURES && !failure; i++) {
		int column = csv_read_column(&results->table, measures[i].column);

		for (size_t point = 0; point < results->count && !failure; point++)
			failure =
			    spread(results, point, column, values,
			           (struct chart_spread *)(void *)((char *)&results->points[point] +
			                                           measures[i].offset),
			           error, room);
	}
	free(values);
	return failure;
}

/* Where the CSV is, and the files that may lie beside it. */
static int find_files(const char *path, char **csv, struct chart_results *results)
{
	struct stat status;
	const char *slash = strrchr(path, '/');
	bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
	int folder = is_folder ? (int)strlen(path) : slash ? (int)(slash - path) : 1;
	const char *from = is_folder || slash ? path : ".";

	if ((is_folder ? asprintf(csv, "%s/%s", path, RESULTS_NAME) : asprintf(csv, "%s", path)) <
	    0)
		*csv = NULL;
	if (asprintf(&results->histograms_path, "%.*s/histograms.csv", folder, from) < 0)
		results->histograms_path = NULL;
	if (asprintf(&results->faults_path, "%.*s/faults.csv", folder, from) < 0)
		results->faults_path = NULL;
	if (asprintf(&results->manifest_path, "%.*s/manifest.json", folder, from) < 0)
		results->manifest_path = NULL;
	return *csv && results->histograms_path && results->faults_path && results->manifest_path
	           ? 0
	           : ENOMEM;
}

static int load(const char *csv, struct chart_results *results, char *error, size_t room)
{
	int failure = csv_read(csv, &results->table, error, room);

	if (!failure)
		failure = check_table(results, error, room);
	if (failure)
		return failure;
	results->points = calloc(results->table.rows, sizeof(*results->points));
	results->row_point = calloc(results->table.rows, sizeof(*results->row_point));
	results->row_good = calloc(results->table.rows, sizeof(*results->row_good));
	if (!results->points || !results->row_point || !results->row_good)
		return ENOMEM;
	failure = gather_points(results, error, room);
	if (!failure)
		failure = measure_points(results, error, room);
	return failure ? failure : chart_merge(results, error, room);
}

int chart_results_load(const char *path, struct chart_results *results, char *error, size_t room)
{
	struct chart_results loaded = { 0 };
	char *csv = NULL;
	int failure = find_files(path, &csv, &loaded);

	if (!failure)
		failure = load(csv, &loaded, error, room);
	if (failure == ENOMEM)
		snprintf(error, room, "%s: not enough memory", path);
	free(csv);
	if (failure)
		chart_results_free(&loaded);
	else
		*results = loaded;
	return failure;
}

void chart_results_free(struct chart_results *results)
{
	csv_read_free(&results->table);
	free(results->histograms_path);
	free(results->faults_path);
	free(results->manifest_path);
	free(results->points);
	free(results->row_point);
	free(results->row_good);
	*results = (struct chart_results){ 0 };
}
