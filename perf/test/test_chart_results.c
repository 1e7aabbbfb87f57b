/*
 * test_chart_results.c: points against brute force: random runs are written to files, and what
 * comes back is compared with what the samples themselves say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../chart_results.h"

enum { POINTS = 5, RUNS = 7, SAMPLES = 300, SEED = 20260105 };

static char folder[] = "/tmp/test_chart_results.XXXXXX";

/* The truth: each run's throughput, whether it was good, and the latencies of its puts. */
static struct truth {
	double rate[RUNS];
	bool good[RUNS];
	int64_t puts[RUNS][SAMPLES];
} truths[POINTS];

static FILE *create(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return fopen(path, "w");
}

static int load(const char *name, struct chart_results *results, char *error, size_t room)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return chart_results_load(path, results, error, room);
}

static int64_t random_latency(unsigned *seed)
{
	int64_t value = 1 + rand_r(seed) % 1000;

	for (int i = rand_r(seed) % 5; i > 0; i--)
		value *= 1 + rand_r(seed) % 20;
	return value;
}

static void write_histogram(FILE *file, const char *run_id, const int64_t *samples)
{
	struct histogram histogram;

	histogram_init(&histogram);
	for (size_t i = 0; i < SAMPLES; i++)
		histogram_add(&histogram, samples[i]);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (histogram.buckets[i] > 0)
			fprintf(file, "\"%s\",\"s\",\"put\",\"%lld\",\"%lld\",\"%llu\"\n", run_id,
			        (long long)histogram_low_ns(i), (long long)histogram_high_ns(i),
			        (unsigned long long)histogram.buckets[i]);
	}
}

/* Write the runs, points interleaved as a measurement has them. */
static int write_runs(void **state)
{
	static const char *const statuses[] = { "ok", "ok", "ok", "failed", "timeout" };
	unsigned seed = SEED;
	FILE *csv, *histograms;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	csv = create("performance_results_distributed.csv");
	histograms = create("histograms.csv");
	fputs("producers,consumers,items_per_producer,capacity,ops_per_second,suite,scenario,"
	      "point_id,run_id,status,audit,put_max_ns\n",
	      csv);
	fputs("run_id,scenario,operation,low_ns,high_ns,count\n", histograms);
	for (size_t run = 0; run < RUNS; run++) {
		for (size_t point = 0; point < POINTS; point++) {
			struct truth *truth = &truths[point];
			const char *status = statuses[rand_r(&seed) % 5];
			bool violated = rand_r(&seed) % 8 == 0;
			int64_t longest = 0;
			char run_id[32];

			snprintf(run_id, sizeof(run_id), "run-%zu-%zu", point, run);
			truth->rate[run] = (double)(rand_r(&seed) % 100000) / 8;
			truth->good[run] = strcmp(status, "ok") == 0 && !violated;
			for (size_t i = 0; i < SAMPLES; i++) {
				truth->puts[run][i] = random_latency(&seed);
				if (truth->puts[run][i] > longest)
					longest = truth->puts[run][i];
			}
			fprintf(csv, "2,2,%zu,10,%.10g,random,s,p%zu,%s,%s,%s,%lld\n", point + 1,
			        truth->rate[run], point, run_id, status,
			        violated ? "violated" : "ok", (long long)longest);
			write_histogram(histograms, run_id, truth->puts[run]);
		}
	}
	return fclose(csv) || fclose(histograms) ? -1 : 0;
}

static int remove_runs(void **state)
{
	static const char *const names[] = { "performance_results_distributed.csv",
		                             "histograms.csv", "bad.csv" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void spreads_are_those_of_the_good_runs(void **state)
{
	struct chart_results results;
	char error[512];

	(void)state;
	assert_int_equal(load("", &results, error, sizeof(error)), 0);
	assert_int_equal(results.count, POINTS);
	assert_int_equal(results.runs, POINTS * RUNS);
	for (size_t point = 0; point < POINTS; point++) {
		const struct chart_spread *spread = &results.points[point].throughput;
		double rates[RUNS];
		size_t count = 0;

		for (size_t run = 0; run < RUNS; run++) {
			if (truths[point].good[run])
				rates[count++] = truths[point].rate[run];
		}
		qsort(rates, count, sizeof(*rates), compare_doubles);
		assert_int_equal(results.points[point].runs, RUNS);
		assert_int_equal(results.points[point].runs_ok, count);
		assert_int_equal(spread->count, count);
		assert_true(count > 1);
		assert_float_equal(spread->median, (rates[(count - 1) / 2] + rates[count / 2]) / 2,
		                   1e-6);
		assert_float_equal(spread->low, rates[0], 1e-6);
		assert_float_equal(spread->high, rates[count - 1], 1e-6);
	}
	chart_results_free(&results);
}

/* One percentile of one point against all samples of its good runs, sorted. */
static void check_quantile(const struct chart_point *point, double *samples, size_t count, double q)
{
	double found = chart_results_quantile_ns(point, CHART_PUT, q);
	size_t rank = (size_t)(q * (double)count + 0.999999);
	double exact = samples[rank > 0 ? rank - 1 : 0];

	if ((double)count * (1 - q) < 10 - 1e-6)
		assert_true(found == -1);
	else
		assert_true(found >= exact * (1 - 1.0 / 64) - 1 &&
		            found <= exact * (1 + 1.0 / 64) + 1);
}

static void percentiles_are_those_of_all_samples_together(void **state)
{
	static const double quantiles[] = { 0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999 };
	static double samples[RUNS * SAMPLES];
	struct chart_results results;
	char error[512];

	(void)state;
	assert_int_equal(load("", &results, error, sizeof(error)), 0);
	assert_true(results.histograms);
	for (size_t point = 0; point < POINTS; point++) {
		size_t count = 0;

		for (size_t run = 0; run < RUNS; run++) {
			for (size_t i = 0; truths[point].good[run] && i < SAMPLES; i++)
				samples[count++] = (double)truths[point].puts[run][i];
		}
		qsort(samples, count, sizeof(*samples), compare_doubles);
		for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++)
			check_quantile(&results.points[point], samples, count, quantiles[i]);
		assert_float_equal(chart_results_quantile_ns(&results.points[point], CHART_PUT, 1),
		                   samples[count - 1], 0);
		assert_true(chart_results_quantile_ns(&results.points[point], CHART_GET, 0.5) ==
		            -1);
	}
	chart_results_free(&results);
}

/* Files that are good CSV and bad results: content, and the sentence behind the file's name. */
static const struct bad_results {
	const char *content;
	const char *sentence;
} bad_results[] = {
	{ "producers,consumers,items_per_producer,ops_per_second\n1,1,1,1\n",
	  ":1: there is no column \"capacity\"" },
	{ "producers,consumers,items_per_producer,capacity\n1,1,1,1\n",
	  ":1: there is no column \"ops_per_second\"" },
	{ "producers,consumers,items_per_producer,capacity,ops_per_second\n",
	  ": there is no run in it" },
	{ "producers,consumers,items_per_producer,capacity,ops_per_second\n1,,1,1,1\n",
	  ":2: column \"consumers\" is empty" },
	{ "producers,consumers,items_per_producer,capacity,ops_per_second\n1,1,1,1,fast\n",
	  ":2: column \"ops_per_second\": \"fast\" is not a number" },
	{ "producers,consumers,items_per_producer,capacity,ops_per_second,suite\n1,1,1,1,9,a\n"
	  "1,1,1,1,9,b\n",
	  ":3: a second suite, \"b\"; only one at a time can be shown" },
};

static void bad_results_are_refused_in_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_results) / sizeof(*bad_results); i++) {
		struct chart_results results;
		char expected[512], error[512] = "";
		FILE *file = create("bad.csv");

		fputs(bad_results[i].content, file);
		fclose(file);
		snprintf(expected, sizeof(expected), "%s/bad.csv%s", folder,
		         bad_results[i].sentence);
		assert_int_equal(load("bad.csv", &results, error, sizeof(error)), EINVAL);
		assert_string_equal(error, expected);
	}
}

/* The last test that uses the folder's histograms: it spoils them. */
static void foreign_buckets_are_refused(void **state)
{
	static const char *const rows[] = {
		"run-0-0,s,put,1000,1001,1", "run-0-0,s,put,1001,1008,1",
		"run-0-0,s,put,-1,0,1",      "run-0-0,s,put,5,6,0",
		"run-0-0,s,put,5,6,1.5",     "run-0-0,s,put,1e30,1e31,1"
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		FILE *csv = create("performance_results_distributed.csv");
		FILE *file = create("histograms.csv");
		struct chart_results results;
		char expected[512], error[512] = "";

		fputs("producers,consumers,items_per_producer,capacity,ops_per_second,run_id\n"
		      "1,1,1,1,1,run-0-0\n",
		      csv);
		fclose(csv);
		fprintf(file, "run_id,scenario,operation,low_ns,high_ns,count\n%s\n", rows[i]);
		fclose(file);
		snprintf(expected, sizeof(expected),
		         "%s//histograms.csv:2: this is not a bucket of this program's histograms",
		         folder);
		assert_int_equal(load("", &results, error, sizeof(error)), EINVAL);
		assert_string_equal(error, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spreads_are_those_of_the_good_runs),
		cmocka_unit_test(percentiles_are_those_of_all_samples_together),
		cmocka_unit_test(bad_results_are_refused_in_a_sentence),
		cmocka_unit_test(foreign_buckets_are_refused),
	};

	return cmocka_run_group_tests(tests, write_runs, remove_runs);
}
