/*
 * test_chart.c: the charts of the made-up suites in corpus/csv, drawn into a folder of this test:
 * whole pictures, honest data, and a sentence wherever there is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../chart.h"
#include "../chart_gnuplot.h"
#include "../chart_results.h"

#define CORPUS "perf/test/corpus/csv/"

enum { TEXT_BYTES = 1 << 20 };

static char folder[] = "/tmp/test_chart.XXXXXX";
static char text[TEXT_BYTES]; /* of the file read last */

static int make_folder(void **state)
{
	(void)state;
	setenv("DMONITOR_PLOTS", "plots", 0);
	return mkdtemp(folder) ? 0 : -1;
}

static void path_of(const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", folder, name);
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "throughput", "percentiles", "histogram",
		                             "polling",    "faults",      "style" };
	static const char *const endings[] = { "svg", "png", "gp", "dat" };

	(void)state;
	for (size_t i = 0; i < 24; i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s.%s", folder, names[i / 4], endings[i % 4]);
		unlink(path);
	}
	return rmdir(folder);
}

/* Draw, and leave what was reported in ${text}. */
static int draw(const char *results, const char *output)
{
	FILE *report = tmpfile();
	size_t length;
	int result;

	assert_non_null(report);
	result = chart_draw(results, output, report);
	rewind(report);
	length = fread(text, 1, sizeof(text) - 1, report);
	text[length] = '\0';
	fclose(report);
	return result;
}

static bool exists(const char *name)
{
	char path[256];

	path_of(name, path);
	return access(path, F_OK) == 0;
}

/* Read a file of the folder into ${text}; returns its length. */
static size_t load(const char *name)
{
	char path[256];
	size_t length;
	FILE *file;

	path_of(name, path);
	file = fopen(path, "r");
	assert_non_null(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return length;
}

static void check_picture(const char *name)
{
	char file[64];
	size_t length;

	snprintf(file, sizeof(file), "%s.svg", name);
	length = load(file);
	assert_memory_equal(text, "<?xml", 5);
	assert_non_null(strstr(text, "<svg"));
	assert_string_equal(text + length - 8, "</svg>\n\n");
	snprintf(file, sizeof(file), "%s.png", name);
	length = load(file);
	assert_true(length > 5000);
	assert_memory_equal(text, "\x89PNG\r\n\x1a\n", 8);
	assert_memory_equal(text + length - 8, "IEND", 4);
}

static void a_suite_that_polls_gets_four_charts(void **state)
{
	char expected[1024];

	(void)state;
	snprintf(
	    expected, sizeof(expected),
	    "throughput: %s/throughput.svg and .png\npercentiles: %s/percentiles.svg and .png\n"
	    "histogram: %s/histogram.svg and .png\npolling: %s/polling.svg and .png\n"
	    "faults: left out: no run with faults\n",
	    folder, folder, folder, folder);
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	assert_string_equal(text, expected); /* and no warning of gnuplot's */
	check_picture("throughput");
	check_picture("percentiles");
	check_picture("histogram");
	check_picture("polling");
}

static void pictures_can_be_drawn_again_from_their_folder(void **state)
{
	static const char *const names[] = { "throughput", "percentiles", "histogram", "polling" };
	char said[512], name[64], path[256];

	(void)state;
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s.svg", names[i]);
		path_of(name, path);
		unlink(path);
		snprintf(name, sizeof(name), "%s.gp", names[i]);
		assert_int_equal(chart_gnuplot_run(folder, name, said, sizeof(said)), 0);
		assert_string_equal(said, "");
		check_picture(names[i]);
	}
}

static void a_chart_without_data_is_left_out_and_its_old_picture_goes(void **state)
{
	(void)state;
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	assert_true(exists("polling.png"));
	assert_int_equal(draw(CORPUS "original", folder), 0);
	assert_non_null(strstr(text, "polling: left out: no good run polled"));
	assert_false(exists("polling.png"));
	assert_false(exists("polling.dat"));
}

/* In corpus/csv/original one run of 4x4 claims 40000 operations a second, and lost an item. */
static void a_failed_run_is_counted_and_never_drawn(void **state)
{
	(void)state;
	assert_int_equal(draw(CORPUS "original", folder), 0);
	load("throughput.dat");
	assert_non_null(strstr(text, ",6,4,4\n")); /* six runs of 4x4, not seven */
	assert_null(strstr(text, ",40,"));
	load("throughput.svg");
	assert_non_null(strstr(text, "2 of 38 runs failed: not shown"));
}

/* One line of histogram.dat, in ms: the bin is no narrower than the buckets in it, and begins where
 * one does. Returns its count. */
static unsigned long long check_bin(const char *line)
{
	double middle, width;
	unsigned long long count;
	int64_t low;

	assert_int_equal(sscanf(line, "%lf,%lf,%llu", &middle, &width, &count), 3);
	low = (int64_t)((middle - width / 2) * 1e6 + 0.5);
	assert_int_equal(histogram_low_ns(histogram_bucket(low)), low);
	assert_true((double)(histogram_high_ns(histogram_bucket(low)) - low) <= width * 1e6 + 1);
	return count;
}

/* Check histogram.dat, in ${text}, block by block: all operations are in it. */
static void check_blocks(const struct chart_results *results)
{
	char *line = strtok(text, "\n");

	for (size_t i = 0; i < results->count; i++) {
		for (enum chart_operation k = 0; k < CHART_OPERATIONS; k++) {
			unsigned long long count = 0;

			assert_int_equal(*line, '#');
			assert_string_equal(strtok(NULL, "\n"), "latency,width,count");
			while ((line = strtok(NULL, "\n")) != NULL && *line != '#')
				count += check_bin(line);
			assert_int_equal(count, results->points[i].merged[k].count);
		}
	}
}

static void bins_hold_whole_buckets_and_every_operation(void **state)
{
	struct chart_results results;
	char error[512];

	(void)state;
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	assert_int_equal(chart_results_load(CORPUS "polling", &results, error, sizeof(error)), 0);
	results.count = 3; /* the first three points poll */
	load("histogram.dat");
	check_blocks(&results);
	chart_results_free(&results);
}

static void without_histograms_no_percentile_is_made_up(void **state)
{
	(void)state;
	assert_int_equal(draw(CORPUS "scaling", folder), 0);
	assert_non_null(strstr(text, "throughput: "));
	assert_non_null(strstr(text, "percentiles: left out: no histogram"));
	assert_non_null(strstr(text, "histogram: left out: no histogram"));
}

static void seven_columns_give_a_throughput_chart(void **state)
{
	(void)state;
	assert_int_equal(draw(CORPUS "seven_columns.csv", folder), 0);
	check_picture("throughput");
	load("throughput.dat");
	assert_non_null(strstr(text, "# 100 items, capacity 10\n"));
	assert_non_null(strstr(text, "0,11.6,11.6,11.6,1,1,1\n"));
}

/* Two of the runs are good. A fault while another lasted, one that nobody went on after, a kind of
 * a later version, and those of the bad run are in no picture. */
static void faults_are_drawn_by_kind_and_place(void **state)
{
	(void)state;
	assert_int_equal(draw(CORPUS "torture", folder), 0);
	assert_non_null(strstr(text, "faults.svg and .png\n"));
	check_picture("faults");
	load("faults.dat");
	assert_string_equal(text, "# holding\ntime,lane\n51,0.7\n52,0.7\n54,0.7\n\n\n"
	                          "# medians\ntime,lane\n52,0.7\n\n\n"
	                          "# waiting\ntime,lane\n0.1,0.9\n\n\n"
	                          "# medians\ntime,lane\n0.1,0.9\n\n\n"
	                          "# queued\ntime,lane\n0.7,2.1\n\n\n"
	                          "# medians\ntime,lane\n0.7,2.1\n\n\n"
	                          "# outside\ntime,lane\n0.01,2.3\n\n\n"
	                          "# medians\ntime,lane\n0.01,2.3\n");
	load("faults.gp");
	assert_non_null(strstr(text, "row_name[1] = 'kill'\n"));
	assert_non_null(strstr(text, "row_note[1] = '4: 51 ms, 54 ms'\n"));
	assert_non_null(strstr(text, "lease = 1000\nresume = 50\n"));
	assert_int_equal(draw(CORPUS "original", folder), 0);
	assert_false(exists("faults.png"));
}

static void numbers_are_the_same_in_every_locale(void **state)
{
	static char before[TEXT_BYTES];

	(void)state;
	if (!setlocale(LC_ALL, "pl_PL.UTF-8"))
		skip();
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	load("throughput.dat");
	memcpy(before, text, sizeof(before));
	setlocale(LC_ALL, "C");
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	load("throughput.dat");
	assert_string_equal(before, text);
}

static void names_may_hold_any_character(void **state)
{
	char csv[256];
	FILE *file;

	(void)state;
	path_of("style.dat", csv); /* a name that remove_folder() knows */
	file = fopen(csv, "w");
	fputs("producers,consumers,items_per_producer,capacity,ops_per_second,suite,scenario,"
	      "point_id\n"
	      "1,1,9,9,5,it's \"\"`date`\"\" $(x),'; exit #,1\n1,1,9,8,6,it's \"\"`date`\"\" $(x),"
	      "zażółć_gęślą^{2},2\n",
	      file);
	fclose(file);
	assert_int_equal(draw(csv, folder), 1); /* quotes in an unquoted field: no CSV */
	file = fopen(csv, "w");
	fputs("producers,consumers,items_per_producer,capacity,ops_per_second,suite,scenario,"
	      "point_id\n"
	      "1,1,9,9,5,\"it's \"\"`date`\"\" $(x) %d\",'; exit #,1\n"
	      "1,1,9,8,6,\"it's \"\"`date`\"\" $(x) %d\",zażółć_gęślą^{2},2\n",
	      file);
	fclose(file);
	assert_int_equal(draw(csv, folder), 0);
	assert_null(strstr(text, "warns"));
	load("throughput.svg");
	assert_non_null(strstr(text, "it's \"`date`\" $(x) %d"));
}

static void without_gnuplot_there_is_a_sentence_and_old_pictures_stay(void **state)
{
	char *path = strdup(getenv("PATH"));
	int result;

	(void)state;
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	setenv("PATH", "", 1);
	result = draw(CORPUS "polling", folder);
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(result, 1);
	assert_string_equal(
	    text, "gnuplot cannot be started; on Debian it is in the package gnuplot-nox\n");
	assert_true(exists("polling.png"));
}

static void a_failing_gnuplot_is_quoted(void **state)
{
	char path[256], said[512];
	FILE *file;

	(void)state;
	path_of("style.gp", path);
	file = fopen(path, "w");
	fputs("plot 'there-is-no-such.dat'\n", file);
	fclose(file);
	assert_int_not_equal(chart_gnuplot_run(folder, "style.gp", said, sizeof(said)), 0);
	assert_non_null(strstr(said, "gnuplot ended with 1 and said: "));
	assert_non_null(strstr(said, "there-is-no-such.dat"));
}

/* Draw with a gnuplot that answers when asked whether it is there, and then does ${command}. */
static int draw_with_fake(const char *command)
{
	char *path = strdup(getenv("PATH"));
	char program[256], places[512];
	int result;
	FILE *file;

	path_of("gnuplot", program);
	file = fopen(program, "w");
	fprintf(file, "#!/bin/sh\n[ \"$2\" = /dev/null ] || %s\n", command);
	fclose(file);
	chmod(program, 0755);
	snprintf(places, sizeof(places), "%s:%s", folder, path);
	setenv("PATH", places, 1);
	result = draw(CORPUS "polling", folder);
	setenv("PATH", path, 1);
	unlink(program);
	free(path);
	return result;
}

static void what_gnuplot_did_not_draw_is_not_there(void **state)
{
	(void)state;
	assert_int_equal(draw(CORPUS "polling", folder), 0);
	assert_true(exists("polling.png"));
	assert_int_equal(draw_with_fake("{ echo no ink >&2; exit 3; }"), 1);
	assert_non_null(strstr(text, "polling: gnuplot ended with 3 and said: no ink\n"));
	assert_false(exists("polling.png"));
	assert_int_equal(draw_with_fake("touch polling.png polling.svg"), 1);
	assert_non_null(strstr(text, "polling: gnuplot drew nothing\n"));
}

static void scripts_that_are_not_there_are_named(void **state)
{
	char *plots = strdup(getenv("DMONITOR_PLOTS"));
	int result;

	(void)state;
	setenv("DMONITOR_PLOTS", "/nowhere", 1);
	result = draw(CORPUS "polling", folder);
	setenv("DMONITOR_PLOTS", plots, 1);
	assert_int_equal(result, 1);
	assert_string_equal(text, "no style.gp in /nowhere, which DMONITOR_PLOTS names\n");
	free(plots);
}

static void scripts_are_never_overwritten(void **state)
{
	(void)state;
	assert_int_equal(draw(CORPUS "polling", getenv("DMONITOR_PLOTS")), 1);
	assert_non_null(strstr(text, "the scripts are here; pictures need another folder"));
}

static void results_that_cannot_be_read_are_told(void **state)
{
	(void)state;
	assert_int_equal(draw("/nonexistent.csv", folder), 1);
	assert_string_equal(text, "/nonexistent.csv: cannot be read: No such file or directory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_suite_that_polls_gets_four_charts),
		cmocka_unit_test(pictures_can_be_drawn_again_from_their_folder),
		cmocka_unit_test(a_chart_without_data_is_left_out_and_its_old_picture_goes),
		cmocka_unit_test(a_failed_run_is_counted_and_never_drawn),
		cmocka_unit_test(bins_hold_whole_buckets_and_every_operation),
		cmocka_unit_test(without_histograms_no_percentile_is_made_up),
		cmocka_unit_test(seven_columns_give_a_throughput_chart),
		cmocka_unit_test(faults_are_drawn_by_kind_and_place),
		cmocka_unit_test(numbers_are_the_same_in_every_locale),
		cmocka_unit_test(names_may_hold_any_character),
		cmocka_unit_test(without_gnuplot_there_is_a_sentence_and_old_pictures_stay),
		cmocka_unit_test(a_failing_gnuplot_is_quoted),
		cmocka_unit_test(what_gnuplot_did_not_draw_is_not_there),
		cmocka_unit_test(scripts_that_are_not_there_are_named),
		cmocka_unit_test(scripts_are_never_overwritten),
		cmocka_unit_test(results_that_cannot_be_read_are_told),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
