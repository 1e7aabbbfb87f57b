/* test_scenario.c: values, axes, ties, overrides, and the matrix that comes of them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../engine.h"
#include "../matrix.h"
#include "../suggest.h"
#include "../suite.h"
#include "../units.h"

static const char *variables(const char *name)
{
	if (strcmp(name, "P") == 0)
		return "3, 5";
	if (strcmp(name, "EMPTY") == 0)
		return "";
	return strcmp(name, "COMMENT") == 0 ? "1 ; 2" : NULL;
}

static struct suite *parse(const char *text)
{
	struct suite *suite = NULL;
	char error[SUITE_ERROR_BYTES];
	if (suite_parse("dir/my suite.ini", text, strlen(text), variables, &suite, error) != 0)
		fail_msg("%s", error);
	return suite;
}

static void refuse(const char *text, const char *sentence)
{
	struct suite *suite = NULL;
	char error[SUITE_ERROR_BYTES];
	assert_int_equal(suite_parse("f", text, strlen(text), variables, &suite, error), EINVAL);
	assert_string_equal(error, sentence);
}

static struct matrix *expand_suite(const struct suite *suite)
{
	struct matrix *matrix = NULL;
	char error[SUITE_ERROR_BYTES];
	if (matrix_expand(suite, &matrix, error) != 0)
		fail_msg("%s", error);
	return matrix;
}

/* The runs in their order, as "point:repetition" with producers for the point. */
static void assert_runs(const struct matrix *matrix, const char *expected)
{
	char text[512] = "";
	for (size_t i = 0; i < matrix->run_count; i++) {
		const struct planned_run *run = &matrix->runs[i];
		size_t used = strlen(text);
		snprintf(text + used, sizeof(text) - used, "%lld:%lld ",
		         (long long)matrix->points[run->point].factors.producers,
		         (long long)run->repetition);
	}
	assert_string_equal(text, expected);
}

static void counts_and_sizes_are_read_strictly(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t bytes; /* -1: refused */
	} sizes[] = {
		{ "0", 0 },
		{ "64 B", 64 },
		{ "64B", 64 },
		{ "1 kB", 1000 },
		{ "1.5 KiB", 1536 },
		{ "2 MiB", 2 << 20 },
		{ "0.001 kB", 1 },
		{ "1 MB", 1000000 },
		{ "64", -1 },
		{ "1.5 B", -1 },
		{ "1 GB", -1 },
		{ "", -1 },
		{ "-1 B", -1 },
		{ "1. B", -1 },
		{ ".5 kB", -1 },
		{ "1 B x", -1 },
		{ "1e3 B", -1 },
		{ "9223372036854775808 B", -1 },
		{ "9223372036854775807 MiB", -1 },
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int64_t bytes = -7;
		int failure = units_read_size(sizes[i].text, &bytes);
		assert_int_equal(failure, sizes[i].bytes < 0 ? EINVAL : 0);
		assert_int_equal(bytes, sizes[i].bytes < 0 ? -7 : sizes[i].bytes);
	}
	int64_t count = -7;
	assert_int_equal(units_read_count("9223372036854775807", &count), 0);
	assert_int_equal(count, INT64_MAX);
	assert_int_equal(units_read_count("1 ", &count), EINVAL);
	assert_int_equal(units_read_count("1.0", &count), EINVAL);
	assert_int_equal(units_read_count("+1", &count), EINVAL);
}

static void sizes_print_as_they_read(void **state)
{
	(void)state;
	static const int64_t sizes[] = { 0, 1, 8, 1000, 1024, 1500, 65536, 1 << 20, 3000000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char text[UNITS_TEXT_BYTES];
		int64_t again = -1;
		units_print_size(sizes[i], text);
		assert_int_equal(units_read_size(text, &again), 0);
		assert_int_equal(again, sizes[i]);
	}
}

static void the_nearest_word_is_suggested(void **state)
{
	(void)state;
	static const char *const words[] = { "producers", "consumers", "capacity", "run", NULL };
	assert_int_equal(suggest_distance("", "abc"), 3);
	assert_int_equal(suggest_distance("kitten", "sitting"), 3);
	assert_int_equal(suggest_distance("ab", "ba"), 1);
	assert_int_equal(suggest_distance("same", "same"), 0);
	assert_string_equal(suggest("producer", words), "producers");
	assert_string_equal(suggest("cpaacity", words), "capacity");
	assert_string_equal(suggest("urn", words), "run");
	assert_null(suggest("volume", words));
	char longer[200];
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_null(suggest(longer, words));
}

static void defaults_hold_where_nothing_is_said(void **state)
{
	(void)state;
	struct suite *suite = parse("[suite]\nrepetitions = 7\n[defaults]\nitems = 50\n"
	                            "[scenario a]\n[scenario b]\nitems = 60\nrepetitions = 2\n");
	struct matrix *matrix = expand_suite(suite);
	assert_string_equal(suite->settings.name, "my-suite");
	assert_int_equal(matrix->point_count, 2);
	const struct factors *a = &matrix->points[0].factors;
	const struct factors *b = &matrix->points[1].factors;
	assert_int_equal(a->items, 50);
	assert_int_equal(a->repetitions, 7);
	assert_int_equal(a->producers, 1);
	assert_int_equal(a->payload_bytes, 64);
	assert_int_equal(a->timeout_ns, 300000000000);
	assert_int_equal(a->engine, ENGINE_MONITOR);
	assert_string_equal(a->server, "spawn");
	assert_int_equal(b->items, 60);
	assert_int_equal(b->repetitions, 2);
	assert_int_equal(matrix->run_count, 9);
	matrix_free(&matrix);
	suite_free(&suite);
}

static void lists_multiply_and_ties_do_not(void **state)
{
	(void)state;
	struct suite *suite = parse("[scenario a]\nproducers = 1, 2, 4\nconsumers = @producers\n"
	                            "capacity = 1, 10\nproduce_time = 0, uniform(1 us, 2 us)\n");
	struct matrix *matrix = expand_suite(suite);
	assert_int_equal(matrix->point_count, 3 * 2 * 2);
	for (size_t i = 0; i < matrix->point_count; i++) {
		const struct factors *factors = &matrix->points[i].factors;
		assert_int_equal(factors->consumers, factors->producers);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(matrix->points[i].id, matrix->points[j].id);
	}
	matrix_free(&matrix);
	suite_free(&suite);
}

static void what_the_engine_ignores_makes_no_points(void **state)
{
	(void)state;
	struct suite *suite = parse("[scenario a]\nengine = monitor, monitor-poll, null\n"
	                            "poll_interval = 1 ms, 10 ms\nexit = async, confirmed\n");
	struct matrix *matrix = expand_suite(suite);
	/* monitor: 2 exits; monitor-poll: 2 intervals; null: 1 */
	assert_int_equal(matrix->point_count, 5);
	matrix_free(&matrix);
	suite_free(&suite);
}

static void runs_are_interleaved_unless_told_otherwise(void **state)
{
	(void)state;
	struct suite *suite = parse("[scenario a]\nproducers = 1, 2\nrepetitions = 3\n"
	                            "[scenario b]\nproducers = 9\nrepetitions = 2\n");
	struct matrix *matrix = expand_suite(suite);
	assert_runs(matrix, "1:1 2:1 9:1 1:2 2:2 9:2 1:3 2:3 ");
	matrix_free(&matrix);
	suite->settings.order = ORDER_SEQUENTIAL;
	matrix = expand_suite(suite);
	assert_runs(matrix, "1:1 1:2 1:3 2:1 2:2 2:3 9:1 9:2 ");
	matrix_free(&matrix);
	suite_free(&suite);
}

static void point_and_seed_depend_on_the_factors_alone(void **state)
{
	(void)state;
	struct suite *one = parse("[scenario a]\nproducers = 2\nproduce_time = 1000 us\n");
	struct suite *two = parse("[suite]\nname = other\nrepetitions = 9\n[defaults]\n"
	                          "timeout = 9 s\n[scenario b]\n[scenario a]\nproduce_time = 1 ms\n"
	                          "producers = 1, 2\n");
	struct matrix *first = expand_suite(one);
	struct matrix *second = expand_suite(two);
	assert_string_equal(first->points[0].id, second->points[2].id);
	assert_string_not_equal(second->points[1].id, second->points[2].id);
	int64_t seed = matrix_seed(one, &first->points[0], 1);
	assert_true(seed >= 0);
	assert_int_equal(seed, matrix_seed(two, &second->points[2], 1));
	assert_int_not_equal(seed, matrix_seed(one, &first->points[0], 2));
	one->settings.seed++;
	assert_int_not_equal(seed, matrix_seed(one, &first->points[0], 1));
	matrix_free(&first);
	matrix_free(&second);
	suite_free(&one);
	suite_free(&two);
}

static void too_many_points_are_refused(void **state)
{
	(void)state;
	char text[8192] = "[scenario a]\n";
	static const char *const keys[] = { "producers", "consumers", "capacity" };
	for (size_t k = 0; k < 3; k++) {
		size_t used = strlen(text);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s = 1", keys[k]);
		for (int i = 2; i <= 30; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, ", %d", i);
		snprintf(text + used, sizeof(text) - used, "\n");
	}
	struct suite *suite = parse(text);
	struct matrix *matrix = NULL;
	char error[SUITE_ERROR_BYTES];
	assert_int_equal(matrix_expand(suite, &matrix, error), EINVAL);
	assert_string_equal(error, "dir/my suite.ini: more than 10000 points");
	suite_free(&suite);
}

static void variables_are_replaced(void **state)
{
	(void)state;
	struct suite *suite = parse("[suite]\nname = a${UNSET:-b}c${EMPTY:-d}\n"
	                            "[scenario a]\nproducers = 1, ${P}\n");
	struct matrix *matrix = expand_suite(suite);
	assert_string_equal(suite->settings.name, "abcd");
	assert_int_equal(matrix->point_count, 3);
	assert_int_equal(matrix->points[2].factors.producers, 5);
	matrix_free(&matrix);
	suite_free(&suite);
	refuse("[scenario a]\nproducers = ${EMPTY}\n",
	       "f:2: ${EMPTY} is not set and has no default");
	refuse("[suite]\ndescription = ${COMMENT}\n[scenario a]\n",
	       "f:2: ${COMMENT} holds what cannot stand in a scenario file");
}

static char *print(const struct suite *suite)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	suite_print(suite, out);
	fclose(out);
	return text;
}

static void a_printed_suite_reads_back_the_same(void **state)
{
	(void)state;
	struct suite *suite =
	    parse("[suite]\ndescription = why; not\norder = sequential\nseed = 9\n"
	          "[defaults]\nproducers = ${P}\nconsumers = @producers\n"
	          "[scenario a]\nproduce_time = 0, uniform(1 us, 1500 ns), exp(2 s)\n"
	          "payload = 64 B, 2 KiB\n"
	          "[scenario b]\nengine = null\nworker_cpus = 0,1\n");
	char *text = print(suite);
	struct suite *again = parse(text);
	char *text_again = print(again);
	assert_string_equal(text, text_again);
	struct matrix *matrix = expand_suite(suite);
	struct matrix *matrix_again = expand_suite(again);
	assert_int_equal(matrix->run_count, matrix_again->run_count);
	for (size_t i = 0; i < matrix->point_count; i++)
		assert_string_equal(matrix->points[i].id, matrix_again->points[i].id);
	matrix_free(&matrix);
	matrix_free(&matrix_again);
	free(text);
	free(text_again);
	suite_free(&suite);
	suite_free(&again);
}

static void the_command_line_overrides_all_scenarios(void **state)
{
	(void)state;
	char error[SUITE_ERROR_BYTES];
	struct suite *suite =
	    parse("[scenario a]\nproducers = 1, 2\n[scenario b]\nconsumers = 3\n");
	assert_int_equal(suite_override(suite, "producers=4,5", error), 0);
	assert_int_equal(suite_override(suite, "consumers=@producers", error), 0);
	struct matrix *matrix = expand_suite(suite);
	assert_int_equal(matrix->point_count, 4);
	assert_int_equal(matrix->points[3].factors.consumers, 5);
	matrix_free(&matrix);
	assert_int_equal(suite_override(suite, "producer=1", error), EINVAL);
	assert_string_equal(error, "--set producer=1: unknown key; did you mean producers?");
	assert_int_equal(suite_override(suite, "producers", error), EINVAL);
	assert_string_equal(error, "--set producers: write KEY=VALUE");
	assert_int_equal(suite_override(suite, "producers=@consumers", error), EINVAL);
	assert_string_equal(
	    error, "--set producers=@consumers: producers goes with @consumers in a circle");
	suite_free(&suite);
}

static void one_scenario_can_be_chosen(void **state)
{
	(void)state;
	char error[SUITE_ERROR_BYTES];
	struct suite *suite =
	    parse("[scenario one]\n[scenario two]\nproducers = 2\n[scenario six]\n");
	assert_int_equal(suite_select(suite, "twoo", error), EINVAL);
	assert_string_equal(error,
	                    "dir/my suite.ini: there is no scenario twoo; did you mean two?");
	assert_int_equal(suite->scenario_count, 3);
	assert_int_equal(suite_select(suite, "two", error), 0);
	struct matrix *matrix = expand_suite(suite);
	assert_int_equal(matrix->point_count, 1);
	assert_int_equal(matrix->points[0].factors.producers, 2);
	matrix_free(&matrix);
	suite_free(&suite);
}

/* Rows of the table agree with each other: fallbacks are good values, names are unique. */
static void the_table_of_keys_is_sound(void **state)
{
	(void)state;
	for (enum key_section section = KEY_OF_SUITE; section <= KEY_OF_SCENARIO; section++) {
		size_t count;
		const struct key *keys = keys_of(section, &count);
		assert_true(count <= SCENARIO_KEYS_MAX);
		for (size_t i = 0; i < count; i++) {
			struct key_value value;
			char sentence[KEYS_SENTENCE_BYTES];
			assert_ptr_equal(keys_find(section, keys[i].name), &keys[i]);
			assert_true(strlen(keys[i].help) > 10);
			if (keys[i].fallback[0] != '\0' &&
			    keys_read(&keys[i], keys[i].fallback, &value, sentence) != 0)
				fail_msg("%s", sentence);
		}
	}
	for (int64_t kind = 0; engine_names[kind] != NULL; kind++)
		assert_string_equal(engine_of(kind)->name, engine_names[kind]);
}

static void help_tells_every_key(void **state)
{
	(void)state;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	keys_help(out);
	fclose(out);
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SCENARIO, &count);
	for (size_t i = 0; i < count; i++) {
		char heading[KEYS_NAME_BYTES];
		snprintf(heading, sizeof(heading), "\n  %s\n", keys[i].name);
		assert_non_null(strstr(text, heading));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_sizes_are_read_strictly),
		cmocka_unit_test(sizes_print_as_they_read),
		cmocka_unit_test(the_nearest_word_is_suggested),
		cmocka_unit_test(defaults_hold_where_nothing_is_said),
		cmocka_unit_test(lists_multiply_and_ties_do_not),
		cmocka_unit_test(what_the_engine_ignores_makes_no_points),
		cmocka_unit_test(runs_are_interleaved_unless_told_otherwise),
		cmocka_unit_test(point_and_seed_depend_on_the_factors_alone),
		cmocka_unit_test(too_many_points_are_refused),
		cmocka_unit_test(variables_are_replaced),
		cmocka_unit_test(a_printed_suite_reads_back_the_same),
		cmocka_unit_test(the_command_line_overrides_all_scenarios),
		cmocka_unit_test(one_scenario_can_be_chosen),
		cmocka_unit_test(the_table_of_keys_is_sound),
		cmocka_unit_test(help_tells_every_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
