/* chart_merge.c: see chart_merge.h. */
#include "chart_merge.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "statistics.h"

static const char *const operations[CHART_OPERATIONS] = { "put", "get" };

/* A histograms.csv in the middle of being added. Rows of one run follow each other, so the run
 * looked up last is nearly always the one that is needed. */
struct merge {
	struct chart_results *results;
	struct csv_table table;
	int run_id, operation, low, high, count; /* columns */
	int run_id_of_results;
	size_t last_run;
	char *error;
	size_t room;
};

static int find_columns(struct merge *merge)
{
	const struct column {
		const char *name;
		int *index;
	} columns[] = { { "run_id", &merge->run_id },
		        { "operation", &merge->operation },
		        { "low_ns", &merge->low },
		        { "high_ns", &merge->high },
		        { "count", &merge->count } };

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		*columns[i].index = csv_read_column(&merge->table, columns[i].name);
		if (*columns[i].index < 0) {
			snprintf(merge->error, merge->room, "%s:1: there is no column \"%s\"",
			         merge->table.path, columns[i].name);
			return EINVAL;
		}
	}
	merge->run_id_of_results = csv_read_column(&merge->results->table, "run_id");
	return 0;
}

/* The point whose good run this row of histograms belongs to, or NULL: then it does not count. */
static struct chart_point *point_of(struct merge *merge, size_t row)
{
	const struct chart_results *results = merge->results;
	const char *run_id = csv_read_text(&merge->table, row, merge->run_id);

	for (size_t i = 0; i < results->table.rows; i++) {
		size_t run = (merge->last_run + i) % results->table.rows;

		if (strcmp(csv_read_text(&results->table, run, merge->run_id_of_results), run_id) !=
		    0)
			continue;
		merge->last_run = run;
		return results->row_good[run] ? &results->points[results->row_point[run]] : NULL;
	}
	return NULL;
}

/* Add one bucket. It must be one that histogram.h knows: then nothing is lost by adding. */
static int add_bucket(struct merge *merge, size_t row, struct histogram *histogram)
{
	double low, high, count;
	size_t bucket;

	if (csv_read_number(&merge->table, row, merge->low, &low, merge->error, merge->room) ||
	    csv_read_number(&merge->table, row, merge->high, &high, merge->error, merge->room) ||
	    csv_read_number(&merge->table, row, merge->count, &count, merge->error, merge->room))
		return EINVAL;
	bucket = low >= 0 && low < 0x1p42 ? histogram_bucket((int64_t)low) : HISTOGRAM_BUCKETS;
	if (bucket == HISTOGRAM_BUCKETS || low != (double)histogram_low_ns(bucket) ||
	    high != (double)histogram_high_ns(bucket) ||
	    !(count >= 1 && count < 0x1p53 && count == floor(count))) {
		snprintf(merge->error, merge->room,
		         "%s:%zu: this is not a bucket of this program's histograms",
		         merge->table.path, merge->table.lines[row + 1]);
		return EINVAL;
	}
	histogram->buckets[bucket] += (uint64_t)count;
	histogram->count += (uint64_t)count;
	return 0;
}

static int add_rows(struct merge *merge)
{
	for (size_t row = 0; row < merge->table.rows; row++) {
		const char *operation = csv_read_text(&merge->table, row, merge->operation);
		struct chart_point *point = point_of(merge, row);

		for (size_t i = 0; point && i < CHART_OPERATIONS; i++) {
			if (strcmp(operation, operations[i]) != 0)
				continue;
			if (add_bucket(merge, row, &point->merged[i]))
				return EINVAL;
			merge->results->histograms = true;
		}
	}
	return 0;
}

/* The extremes that buckets do not keep: the maximum of all runs, the lowest bucket's low end. */
static void set_extremes(struct chart_point *point, enum chart_operation operation)
{
	struct histogram *histogram = &point->merged[operation];
	const struct chart_spread *maximum = &point->latency_ns[operation][CHART_MAX];
	size_t first = 0, last = HISTOGRAM_BUCKETS - 1;

	if (histogram->count == 0)
		return;
	while (histogram->buckets[first] == 0)
		first++;
	while (histogram->buckets[last] == 0)
		last--;
	histogram->minimum = histogram_low_ns(first);
	histogram->maximum = maximum->count ? (int64_t)maximum->high : histogram_high_ns(last) - 1;
}

static int add_overflow(struct chart_results *results, char *error, size_t room)
{
	int column = csv_read_column(&results->table, "histogram_overflow");

	for (size_t row = 0; row < results->table.rows; row++) {
		double value;

		if (csv_read_number(&results->table, row, column, &value, error, room))
			return EINVAL;
		if (results->row_good[row] && value > 0)
			results->points[results->row_point[row]].overflow += value;
	}
	return 0;
}

int chart_merge(struct chart_results *results, char *error, size_t room)
{
	struct merge merge = { .results = results, .error = error, .room = room };
	int failure = add_overflow(results, error, room);

	if (failure || access(results->histograms_path, F_OK) != 0)
		return failure;
	failure = csv_read(results->histograms_path, &merge.table, error, room);
	if (failure)
		return failure;
	failure = find_columns(&merge);
	if (!failure && merge.run_id_of_results >= 0)
		failure = add_rows(&merge);
	for (size_t i = 0; i < results->count && !failure; i++) {
		set_extremes(&results->points[i], CHART_PUT);
		set_extremes(&results->points[i], CHART_GET);
	}
	csv_read_free(&merge.table);
	return failure;
}

double chart_results_quantile_ns(const struct chart_point *point, enum chart_operation operation,
                                 double quantile)
{
	const struct histogram *histogram = &point->merged[operation];

	if (histogram->count == 0)
		return -1;
	if (quantile >= 1)
		return (double)histogram->maximum;
	if (!statistics_quantile_known(histogram->count, quantile))
		return -1;
	return (double)histogram_quantile(histogram, quantile);
}
