/* test_histogram.c: the histogram and the statistics against exact sorted samples. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../sim/distribution.h"
#include "../histogram.h"
#include "../statistics.h"

static int compare(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left;
	int64_t b = *(const int64_t *)right;
	return (a > b) - (a < b);
}

static int64_t constant(struct distribution_random *random)
{
	(void)random;
	return 123456789;
}

static int64_t small(struct distribution_random *random)
{
	return (int64_t)(distribution_next(random) % 100);
}

static int64_t uniform(struct distribution_random *random)
{
	return (int64_t)(distribution_next(random) % 1000000000);
}

static int64_t exponential(struct distribution_random *random)
{
	struct distribution mean = { DISTRIBUTION_EXPONENTIAL, 250000, 0 };
	return distribution_draw(&mean, random);
}

/* As polling makes it: two narrow peaks far apart. */
static int64_t comb(struct distribution_random *random)
{
	int64_t peak = distribution_next(random) % 10 < 7 ? 50000 : 100000000;
	return peak + (int64_t)(distribution_next(random) % 1000);
}

/* Alike over all powers of two, the whole range. */
static int64_t scale_free(struct distribution_random *random)
{
	return (int64_t)(distribution_next(random) >> 22 >> distribution_next(random) % 42);
}

static void check_against_sorted(int64_t (*draw)(struct distribution_random *random))
{
	enum { SAMPLES = 20000 };
	static const double quantiles[] = { 0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
	static int64_t samples[SAMPLES];
	static struct histogram histogram;
	struct distribution_random random;
	long double sum = 0;
	distribution_seed(&random, 18, 1);
	histogram_init(&histogram);
	for (size_t i = 0; i < SAMPLES; i++) {
		samples[i] = draw(&random);
		sum += (long double)samples[i];
		histogram_add(&histogram, samples[i]);
	}
	qsort(samples, SAMPLES, sizeof(samples[0]), compare);
	assert_int_equal(histogram.count, SAMPLES);
	assert_int_equal(histogram.overflow + histogram.negative, 0);
	assert_int_equal(histogram.minimum, samples[0]);
	assert_int_equal(histogram.maximum, samples[SAMPLES - 1]);
	assert_true(fabsl((long double)histogram.sum - sum) < 1);
	assert_true(fabs(histogram_mean(&histogram) - (double)(sum / SAMPLES)) <=
	            1e-6 * (double)sum);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		double rank = ceil(quantiles[i] * SAMPLES);
		int64_t exact = samples[rank < 1 ? 0 : (size_t)rank - 1];
		int64_t found = histogram_quantile(&histogram, quantiles[i]);
		assert_true(fabs((double)(found - exact)) <= 0.01 * (double)exact);
	}
}

static void quantiles_are_at_most_one_percent_off(void **state)
{
	(void)state;
	check_against_sorted(constant);
	check_against_sorted(small);
	check_against_sorted(uniform);
	check_against_sorted(exponential);
	check_against_sorted(comb);
	check_against_sorted(scale_free);
}

static void buckets_tile_the_whole_range(void **state)
{
	(void)state;
	assert_int_equal(histogram_low_ns(0), 0);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		int64_t low = histogram_low_ns(i);
		int64_t high = histogram_high_ns(i);
		assert_true(high > low);
		assert_int_equal(histogram_bucket(low), i);
		assert_int_equal(histogram_bucket(high - 1), i);
		assert_int_equal(histogram_low_ns(i + 1), high);
		/* half a bucket is at most 0.8 % of what lies in it */
		assert_true((double)(high - 1 - low) / 2 <= 0.008 * (double)low);
	}
	assert_int_equal(histogram_high_ns(HISTOGRAM_BUCKETS - 1), INT64_C(1) << HISTOGRAM_BITS);
	assert_true(INT64_C(1) << HISTOGRAM_BITS > INT64_C(3600) * 1000000000);
}

static void out_of_range_is_counted_and_never_clamped(void **state)
{
	(void)state;
	static struct histogram histogram;
	int64_t two_hours = INT64_C(7200) * 1000000000;
	histogram_init(&histogram);
	assert_int_equal(histogram_quantile(&histogram, 0.5), -1);
	assert_true(histogram_mean(&histogram) < 0);
	histogram_add(&histogram, -1);
	histogram_add(&histogram, INT64_MIN);
	assert_int_equal(histogram.count, 0);
	assert_int_equal(histogram.negative, 2);
	histogram_add(&histogram, 5);
	histogram_add(&histogram, (INT64_C(1) << HISTOGRAM_BITS) - 1);
	histogram_add(&histogram, INT64_C(1) << HISTOGRAM_BITS);
	histogram_add(&histogram, two_hours);
	assert_int_equal(histogram.count, 4);
	assert_int_equal(histogram.overflow, 2);
	assert_int_equal(histogram.buckets[HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(histogram.maximum, two_hours);
	assert_int_equal(histogram_quantile(&histogram, 0.25), 5);
	assert_int_equal(histogram_quantile(&histogram, 0.75), -1);
	assert_int_equal(histogram_quantile(&histogram, 1), two_hours);
	histogram_add(&histogram, INT64_MAX);
	assert_int_equal(histogram.sum, INT64_MAX);
}

/* Averaging percentiles would give 50.5 ms here. */
static void merging_is_adding(void **state)
{
	(void)state;
	static struct histogram fast;
	static struct histogram slow;
	static struct histogram all;
	histogram_init(&fast);
	histogram_init(&slow);
	histogram_init(&all);
	for (int i = 0; i < 900; i++)
		histogram_add(&fast, 1000000);
	for (int i = 0; i < 100; i++)
		histogram_add(&slow, 100000000);
	histogram_add(&slow, -1);
	histogram_add(&slow, INT64_C(1) << 43);
	histogram_merge(&all, &fast);
	histogram_merge(&all, &slow);
	assert_int_equal(all.count, 1001);
	assert_int_equal(all.overflow, 1);
	assert_int_equal(all.negative, 1);
	assert_int_equal(all.minimum, 1000000);
	assert_int_equal(all.maximum, INT64_C(1) << 43);
	assert_int_equal(all.sum,
	                 900 * INT64_C(1000000) + 100 * INT64_C(100000000) + (INT64_C(1) << 43));
	assert_true(labs(histogram_quantile(&all, 0.5) - 1000000) <= 10000);
	assert_true(labs(histogram_quantile(&all, 0.99) - 100000000) <= 1000000);
}

static void merging_with_nothing_changes_nothing(void **state)
{
	(void)state;
	static struct histogram one;
	static struct histogram none;
	static struct histogram before;
	histogram_init(&one);
	histogram_init(&none);
	histogram_add(&one, 42);
	before = one;
	histogram_merge(&one, &none);
	assert_memory_equal(&one, &before, sizeof(one));
	histogram_merge(&none, &one);
	assert_memory_equal(&none, &one, sizeof(one));
}

static void percentiles_need_ten_samples_beyond_them(void **state)
{
	(void)state;
	static const struct {
		uint64_t count;
		double quantile;
		bool known;
	} cases[] = {
		{ 0, 0.5, false },
		{ 19, 0.5, false },
		{ 20, 0.5, true },
		{ 99, 0.9, false },
		{ 100, 0.9, true },
		{ 999, 0.99, false },
		{ 1000, 0.99, true },
		{ 9999, 0.999, false },
		{ 10000, 0.999, true },
		{ 10000000, 0.999999, true },
		{ 9999999, 0.999999, false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(statistics_quantile_known(cases[i].count, cases[i].quantile),
		                 cases[i].known);
}

static void medians(void **state)
{
	(void)state;
	double none[1] = { 0 };
	double one[] = { 3 };
	double odd[] = { 9, 1, 5 };
	double even[] = { 4, 1, 1e18, 2 };
	assert_true(isnan(statistics_median(none, 0)));
	assert_true(statistics_median(one, 1) == 3);
	assert_true(statistics_median(odd, 3) == 5);
	assert_true(statistics_median(even, 4) == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_at_most_one_percent_off),
		cmocka_unit_test(buckets_tile_the_whole_range),
		cmocka_unit_test(out_of_range_is_counted_and_never_clamped),
		cmocka_unit_test(merging_is_adding),
		cmocka_unit_test(merging_with_nothing_changes_nothing),
		cmocka_unit_test(percentiles_need_ten_samples_beyond_them),
		cmocka_unit_test(medians),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
