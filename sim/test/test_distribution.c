/* test_distribution.c: what is drawn, and what can be read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../distribution.h"

#define MS INT64_C(1000000)

enum { DRAWN = 200000 };

static void stream_is_the_one_that_is_known(void **state)
{
	struct distribution_random random = { .state = { 1, 2, 3, 4 } };
	/* xoshiro256** from this state, as its authors' own code gives it. */
	const uint64_t known[] = { 11520, 0, 1509978240, 1215971899390074240 };

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(distribution_next(&random) == known[i]);
}

static void same_seed_gives_the_same_and_another_stream_another(void **state)
{
	struct distribution_random a, b, c, d;
	int same_stream = 0, same_seed = 0;

	(void)state;
	distribution_seed(&a, 7, 1);
	distribution_seed(&b, 7, 1);
	distribution_seed(&c, 7, 2);
	distribution_seed(&d, 8, 1);
	for (int i = 0; i < 1000; i++) {
		const uint64_t drawn = distribution_next(&a);

		assert_true(drawn == distribution_next(&b));
		same_seed += drawn == distribution_next(&c);
		same_stream += drawn == distribution_next(&d);
	}
	assert_int_equal(same_seed, 0);
	assert_int_equal(same_stream, 0);
}

/* Draw many, all within the bounds; the mean of them. */
static double mean_of(const struct distribution *distribution, int64_t low_ns, int64_t high_ns)
{
	struct distribution_random random;
	double sum_ns = 0;

	distribution_seed(&random, 42, 0);
	for (int i = 0; i < DRAWN; i++) {
		const int64_t drawn_ns = distribution_draw(distribution, &random);

		assert_true(drawn_ns >= low_ns && drawn_ns <= high_ns);
		sum_ns += (double)drawn_ns;
	}
	return sum_ns / DRAWN;
}

static void constant_is_constant(void **state)
{
	const struct distribution constant = { DISTRIBUTION_CONSTANT, 5 * MS, 0 };
	const struct distribution zero = { .kind = DISTRIBUTION_CONSTANT };

	(void)state;
	mean_of(&constant, 5 * MS, 5 * MS);
	mean_of(&zero, 0, 0);
	assert_int_equal(distribution_mean_ns(&constant), 5 * MS);
}

static void uniform_has_its_bounds_and_mean(void **state)
{
	const struct distribution uniform = { DISTRIBUTION_UNIFORM, MS, 3 * MS };
	const double mean_ns = mean_of(&uniform, MS, 3 * MS);

	(void)state;
	assert_true(mean_ns > 1.99 * MS && mean_ns < 2.01 * MS);
	assert_int_equal(distribution_mean_ns(&uniform), 2 * MS);
}

static void uniform_reaches_both_its_ends(void **state)
{
	const struct distribution dice = { DISTRIBUTION_UNIFORM, 1, 6 };
	struct distribution_random random;
	int seen[7] = { 0 };

	(void)state;
	distribution_seed(&random, 3, 0);
	for (int i = 0; i < 6000; i++)
		seen[distribution_draw(&dice, &random)]++;
	for (int i = 1; i <= 6; i++)
		assert_true(seen[i] > 800 && seen[i] < 1200);
}

static void exponential_has_its_mean_and_its_tail(void **state)
{
	const struct distribution exponential = { DISTRIBUTION_EXPONENTIAL, MS, 0 };
	const double mean_ns = mean_of(&exponential, 0, DISTRIBUTION_MAX_NS);
	struct distribution_random random;
	int beyond[4] = { 0 };

	(void)state;
	assert_true(mean_ns > 0.99 * MS && mean_ns < 1.01 * MS);
	distribution_seed(&random, 9, 0);
	for (int i = 0; i < DRAWN; i++)
		for (int64_t whole = distribution_draw(&exponential, &random) / MS; whole >= 0;
		     whole--)
			if (whole < 4)
				beyond[whole]++;
	/* e^-1, e^-2 and e^-3 of them are longer than one, two and three means. */
	assert_int_equal(beyond[0], DRAWN);
	assert_true(beyond[1] > 0.36 * DRAWN && beyond[1] < 0.376 * DRAWN);
	assert_true(beyond[2] > 0.13 * DRAWN && beyond[2] < 0.141 * DRAWN);
	assert_true(beyond[3] > 0.047 * DRAWN && beyond[3] < 0.0525 * DRAWN);
}

static void exponential_of_the_longest_mean_stays_in_range(void **state)
{
	const struct distribution longest = { DISTRIBUTION_EXPONENTIAL, DISTRIBUTION_MAX_NS, 0 };

	(void)state;
	mean_of(&longest, 0, DISTRIBUTION_MAX_NS);
}

static void every_form_is_read(void **state)
{
	static const struct {
		const char *text;
		struct distribution read;
		const char *described;
	} rows[] = {
		{ "0", { DISTRIBUTION_CONSTANT, 0, 0 }, "0" },
		{ "0 s", { DISTRIBUTION_CONSTANT, 0, 0 }, "0" },
		{ "5 ms", { DISTRIBUTION_CONSTANT, 5 * MS, 0 }, "5 ms" },
		{ " 5ms\t", { DISTRIBUTION_CONSTANT, 5 * MS, 0 }, "5 ms" },
		{ "1.5 s", { DISTRIBUTION_CONSTANT, 1500 * MS, 0 }, "1500 ms" },
		{ ".25 us", { DISTRIBUTION_CONSTANT, 250, 0 }, "250 ns" },
		{ "1 ns", { DISTRIBUTION_CONSTANT, 1, 0 }, "1 ns" },
		{ "2 min", { DISTRIBUTION_CONSTANT, 120000 * MS, 0 }, "2 min" },
		{ "24 h", { DISTRIBUTION_CONSTANT, DISTRIBUTION_MAX_NS, 0 }, "24 h" },
		{ "uniform(1 ms, 3 ms)",
		  { DISTRIBUTION_UNIFORM, MS, 3 * MS },
		  "uniform(1 ms, 3 ms)" },
		{ "uniform ( 0 ,1us )", { DISTRIBUTION_UNIFORM, 0, 1000 }, "uniform(0, 1 us)" },
		{ "uniform(7 ms,7 ms)",
		  { DISTRIBUTION_UNIFORM, 7 * MS, 7 * MS },
		  "uniform(7 ms, 7 ms)" },
		{ "exp(200 us)", { DISTRIBUTION_EXPONENTIAL, 200000, 0 }, "exp(200 us)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct distribution read, again;
		char text[64];

		assert_int_equal(distribution_parse(rows[i].text, &read, text, sizeof(text)), 0);
		assert_int_equal(read.kind, rows[i].read.kind);
		assert_int_equal(read.low_ns, rows[i].read.low_ns);
		assert_int_equal(read.high_ns, rows[i].read.high_ns);
		distribution_describe(&read, text, sizeof(text));
		assert_string_equal(text, rows[i].described);
		assert_int_equal(distribution_parse(text, &again, text, sizeof(text)), 0);
		assert_memory_equal(&again, &read, sizeof(read));
	}
}

static void what_is_no_duration_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *text;
		const char *sentence;
	} rows[] = {
		{ "", "'' is no duration, such as 5 ms" },
		{ "ms", "'ms' is no duration, such as 5 ms" },
		{ ".", "'.' is no duration, such as 5 ms" },
		{ "-1 ms", "'-1 ms' is no duration, such as 5 ms" },
		{ "5", "'5' lacks a unit: ns, us, ms, s, min or h" },
		{ "5 m", "'5 m' lacks a unit: ns, us, ms, s, min or h" },
		{ "0 x", "'0 x' lacks a unit: ns, us, ms, s, min or h" },
		{ "5 msx", "'5 msx' lacks a unit: ns, us, ms, s, min or h" },
		{ "5 ms 3", "'3' stands behind the end" },
		{ "25 h", "'25 h' is more than 24 h" },
		{ "99999999999999999999999999999999999999999999 h",
		  "'99999999999999999999999999999999999999999999 h' is more than 24 h" },
		{ "uniform(3 ms)", "',' is missing before ')'" },
		{ "uniform(3 ms, 1 ms)", "the longest duration is below the shortest" },
		{ "uniform(1 ms, 3 ms", "')' is missing before ''" },
		{ "exp(1 ms, 2 ms)", "')' is missing before ', 2 ms)'" },
		{ "exp(1 ms))", "')' stands behind the end" },
		{ "gauss(1 ms)", "'gauss(1 ms)' is no duration, such as 5 ms" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct distribution read = { DISTRIBUTION_UNIFORM, 1, 2 };
		char sentence[128] = "";

		assert_int_equal(
		    distribution_parse(rows[i].text, &read, sentence, sizeof(sentence)), EINVAL);
		assert_string_equal(sentence, rows[i].sentence);
		assert_int_equal(read.high_ns, 2);
	}
}

static void duration_alone_is_no_distribution(void **state)
{
	int64_t duration_ns = -1;
	char sentence[128];

	(void)state;
	assert_int_equal(distribution_parse_duration("100 ms", &duration_ns, sentence, 128), 0);
	assert_int_equal(duration_ns, 100 * MS);
	assert_int_equal(distribution_parse_duration("exp(1 ms)", &duration_ns, sentence, 128),
	                 EINVAL);
	assert_int_equal(duration_ns, 100 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_is_the_one_that_is_known),
		cmocka_unit_test(same_seed_gives_the_same_and_another_stream_another),
		cmocka_unit_test(constant_is_constant),
		cmocka_unit_test(uniform_has_its_bounds_and_mean),
		cmocka_unit_test(uniform_reaches_both_its_ends),
		cmocka_unit_test(exponential_has_its_mean_and_its_tail),
		cmocka_unit_test(exponential_of_the_longest_mean_stays_in_range),
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(what_is_no_duration_is_refused_with_a_sentence),
		cmocka_unit_test(duration_alone_is_no_distribution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
