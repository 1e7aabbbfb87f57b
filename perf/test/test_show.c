/* test_show.c: the table and the list of the made-up suites, compared with what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../show.h"

#define CORPUS "perf/test/corpus/csv/"

enum { TEXT_BYTES = 1 << 16, LINE_WIDTH = 100 };

typedef int shower(const char *results, FILE *out);

static int run(shower *show, const char *results, char text[TEXT_BYTES])
{
	FILE *out = tmpfile();
	size_t length;
	int result;

	assert_non_null(out);
	result = show(results, out);
	rewind(out);
	length = fread(text, 1, TEXT_BYTES - 1, out);
	text[length] = '\0';
	fclose(out);
	return result;
}

static void check_golden(shower *show, const char *results, const char *golden)
{
	static char shown[TEXT_BYTES], expected[TEXT_BYTES];
	FILE *file = fopen(golden, "r");
	size_t length;

	assert_non_null(file);
	length = fread(expected, 1, sizeof(expected) - 1, file);
	expected[length] = '\0';
	fclose(file);
	assert_int_equal(run(show, results, shown), 0);
	assert_string_equal(shown, expected);
	for (char *line = strtok(shown, "\n"); line; line = strtok(NULL, "\n"))
		assert_in_range(strlen(line), 1, LINE_WIDTH);
}

static void a_table_shows_points_and_names_failed_runs(void **state)
{
	(void)state;
	check_golden(show_table, CORPUS "original", CORPUS "original/table.txt");
}

static void engines_and_intervals_are_columns_where_they_differ(void **state)
{
	(void)state;
	check_golden(show_table, CORPUS "polling", CORPUS "polling/table.txt");
}

static void a_list_fits_a_mail(void **state)
{
	(void)state;
	check_golden(show_list, CORPUS "polling", CORPUS "polling/list.txt");
}

static void a_file_of_seven_columns_is_shown_with_its_gaps(void **state)
{
	(void)state;
	check_golden(show_table, CORPUS "seven_columns.csv", CORPUS "seven_columns.txt");
}

static void the_locale_changes_nothing(void **state)
{
	(void)state;
	if (!setlocale(LC_ALL, "pl_PL.UTF-8"))
		skip();
	check_golden(show_table, CORPUS "original", CORPUS "original/table.txt");
	setlocale(LC_ALL, "C");
}

static void what_cannot_be_read_is_told(void **state)
{
	static char shown[TEXT_BYTES];

	(void)state;
	assert_int_equal(run(show_table, "/nonexistent", shown), 1);
	assert_string_equal(shown, "/nonexistent: cannot be read: No such file or directory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_shows_points_and_names_failed_runs),
		cmocka_unit_test(engines_and_intervals_are_columns_where_they_differ),
		cmocka_unit_test(a_list_fits_a_mail),
		cmocka_unit_test(a_file_of_seven_columns_is_shown_with_its_gaps),
		cmocka_unit_test(the_locale_changes_nothing),
		cmocka_unit_test(what_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
