/* test_csv_read.c: every way to spoil a CSV file, in corpus/csv/strict, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../csv_read.h"

#define FOLDER "perf/test/corpus/csv/strict/"

static const struct bad_file {
	const char *name;
	const char *sentence; /* behind the name */
} bad_files[] = {
	{ "empty.csv",
	  ":1: the file is empty where a line with the names of the columns should be" },
	{ "blank_lines_only.csv",
	  ":1: the file is empty where a line with the names of the columns should be" },
	{ "cut_off.csv", ":2: the line is cut off: no newline ends the file" },
	{ "quote_never_closed.csv", ":3: a quotation mark is opened and never closed" },
	{ "column_twice.csv", ":1: column \"a\" stands there twice" },
	{ "column_without_name.csv", ":1: column 2 has no name" },
	{ "row_too_short.csv", ":3: 1 fields where the header names 2 columns" },
	{ "row_too_long.csv", ":4: 3 fields where the header names 2 columns" },
	{ "semicolons.csv", ":1: semicolons stand between the columns where commas are needed" },
	{ "text_behind_quote.csv", ":2: a quotation mark inside a field: it is doubled there, and "
	                           "the whole field quoted" },
	{ "quote_inside.csv", ":2: a quotation mark inside a field: it is doubled there, and the "
	                      "whole field quoted" },
	{ "nul.csv", ":2: there is a NUL byte in the line" },
	{ "utf16.csv", ":1: this is UTF-16 where UTF-8 is needed" },
	{ "latin1.csv", ":2: this is not UTF-8" },
	{ "short_after_two_lines.csv", ":4: 1 fields where the header names 2 columns" },
};

static void each_bad_file_is_refused_in_its_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_files) / sizeof(*bad_files); i++) {
		struct csv_table table;
		char path[256], expected[512], error[512] = "";

		snprintf(path, sizeof(path), FOLDER "%s", bad_files[i].name);
		snprintf(expected, sizeof(expected), "%s%s", path, bad_files[i].sentence);
		assert_int_equal(csv_read(path, &table, error, sizeof(error)), EINVAL);
		assert_string_equal(error, expected);
	}
}

static void what_cannot_be_read_is_told_by_name(void **state)
{
	struct csv_table table;
	char error[512];

	(void)state;
	assert_int_equal(csv_read("/nonexistent.csv", &table, error, sizeof(error)), ENOENT);
	assert_string_equal(error, "/nonexistent.csv: cannot be read: No such file or directory");
	assert_int_equal(csv_read("/tmp", &table, error, sizeof(error)), EISDIR);
	assert_string_equal(error, "/tmp: cannot be read: Is a directory");
}

static void a_sentence_is_cut_to_the_room_it_has(void **state)
{
	struct csv_table table;
	char error[12];

	(void)state;
	assert_int_equal(csv_read(FOLDER "nul.csv", &table, error, sizeof(error)), EINVAL);
	assert_int_equal(strlen(error), sizeof(error) - 1);
}

static void marks_and_line_ends_of_spreadsheets_are_no_content(void **state)
{
	struct csv_table table;
	char error[512];

	(void)state;
	assert_int_equal(csv_read(FOLDER "good_spreadsheet.csv", &table, error, sizeof(error)), 0);
	assert_int_equal(table.columns, 2);
	assert_int_equal(table.rows, 2);
	assert_int_equal(csv_read_column(&table, "a"), 0);
	assert_int_equal(csv_read_column(&table, "B"), -1);
	assert_string_equal(csv_read_text(&table, 1, 1), "4");
	assert_int_equal(table.lines[2], 3);
	csv_read_free(&table);
}

static void quoted_fields_keep_commas_quotes_and_newlines(void **state)
{
	struct csv_table table;
	char error[512];

	(void)state;
	assert_int_equal(csv_read(FOLDER "good_quotes.csv", &table, error, sizeof(error)), 0);
	assert_int_equal(table.rows, 3);
	assert_string_equal(csv_read_text(&table, 0, 0), "1,5");
	assert_string_equal(csv_read_text(&table, 0, 1), "say \"hi\"");
	assert_string_equal(csv_read_text(&table, 1, 1), "two\nlines");
	assert_string_equal(csv_read_text(&table, 0, -1), "");
	assert_int_equal(table.lines[3], 5);
	csv_read_free(&table);
}

/* Of good_quotes.csv: "1,5" and " 7" are no numbers in any locale, 1.5e3 is one in each. */
static void check_numbers(void)
{
	struct csv_table table;
	char error[512] = "";
	double value = 7;

	assert_int_equal(csv_read(FOLDER "good_quotes.csv", &table, error, sizeof(error)), 0);
	assert_int_equal(csv_read_number(&table, 0, 0, &value, error, sizeof(error)), EINVAL);
	assert_string_equal(error,
	                    FOLDER "good_quotes.csv:2: column \"a\": \"1,5\" is not a number");
	assert_int_equal(csv_read_number(&table, 2, 0, &value, error, sizeof(error)), EINVAL);
	assert_float_equal(value, 7, 0);
	assert_int_equal(csv_read_number(&table, 2, 1, &value, error, sizeof(error)), 0);
	assert_float_equal(value, 1500, 0);
	assert_int_equal(csv_read_number(&table, 1, 0, &value, error, sizeof(error)), 0);
	assert_true(isnan(value));
	value = 7;
	assert_int_equal(csv_read_number(&table, 1, -1, &value, error, sizeof(error)), 0);
	assert_true(isnan(value));
	csv_read_free(&table);
}

static void numbers_have_a_point_whatever_the_locale(void **state)
{
	(void)state;
	check_numbers();
	if (!setlocale(LC_ALL, "pl_PL.UTF-8"))
		skip();
	check_numbers();
	setlocale(LC_ALL, "C");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bad_file_is_refused_in_its_sentence),
		cmocka_unit_test(what_cannot_be_read_is_told_by_name),
		cmocka_unit_test(a_sentence_is_cut_to_the_room_it_has),
		cmocka_unit_test(marks_and_line_ends_of_spreadsheets_are_no_content),
		cmocka_unit_test(quoted_fields_keep_commas_quotes_and_newlines),
		cmocka_unit_test(numbers_have_a_point_whatever_the_locale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
