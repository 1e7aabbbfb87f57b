/* test_progress.c: what is told while a matrix runs, and how long it is said to take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../progress.h"

#define S INT64_C(1000000000)

struct fixture {
	struct suite *suite;
	struct matrix *matrix;
	struct progress progress;
	char *said;
	size_t said_bytes;
	FILE *out;
};

/* Two points, three repetitions each, interleaved. */
static void set_up(struct fixture *fixture)
{
	static const char text[] = "[scenario a]\nengine = null\nproducers = 1, 2\n";
	char error[SUITE_ERROR_BYTES];
	fixture->suite = NULL;
	fixture->matrix = NULL;
	assert_int_equal(suite_parse("f.ini", text, strlen(text), NULL, &fixture->suite, error), 0);
	assert_int_equal(matrix_expand(fixture->suite, &fixture->matrix, error), 0);
	fixture->out = open_memstream(&fixture->said, &fixture->said_bytes);
	assert_int_equal(progress_init(&fixture->progress, fixture->matrix, fixture->out), 0);
}

static void tear_down(struct fixture *fixture)
{
	progress_fini(&fixture->progress);
	fclose(fixture->out);
	free(fixture->said);
	matrix_free(&fixture->matrix);
	suite_free(&fixture->suite);
}

static void time_left_is_that_of_the_whole_matrix(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture);
	struct progress *progress = &fixture.progress;
	progress->began_ns = 100 * S;
	assert_int_equal(progress_left_ns(progress, 100 * S), -1);
	/* a run of the first point took 2 s: the second may take as long */
	progress->ended[0] = 1;
	progress->spent_ns[0] = 2 * S;
	progress->index = 1;
	assert_int_equal(progress_left_ns(progress, 100 * S), 5 * 2 * S);
	/* one of the second took 10 s: three more of these, two of those, a second of one is over
	 */
	progress->ended[1] = 1;
	progress->spent_ns[1] = 10 * S;
	progress->index = 2;
	assert_int_equal(progress_left_ns(progress, 101 * S), 2 * 2 * S + 2 * 10 * S - S);
	/* longer than it should have taken: not a negative time */
	progress->index = 5;
	assert_int_equal(progress_left_ns(progress, 1000 * S), 0);
	tear_down(&fixture);
}

static void each_run_is_a_plain_line_where_there_is_no_terminal(void **state)
{
	(void)state;
	struct fixture fixture;
	struct run_result *result = calloc(1, sizeof(*result));
	assert_non_null(result);
	set_up(&fixture);
	progress_begin(&fixture.progress, 1);
	progress_watch(&fixture.progress, "measuring", 7);
	fflush(fixture.out);
	assert_int_equal(fixture.said_bytes, 0);
	result->duration_ns = S / 2;
	result->operations = 100;
	progress_end(&fixture.progress, result);
	assert_string_equal(fixture.said,
	                    "[  2/6] a p=2 c=1 items=100 cap=10 null rep 1/3  ok  200 op/s\n");
	assert_int_equal(fixture.progress.ended[1], 1);
	tear_down(&fixture);
	set_up(&fixture);
	progress_begin(&fixture.progress, 5);
	*result = (struct run_result){ .status = RUN_FAILED, .reason = "why", .duration_ns = -1 };
	progress_end(&fixture.progress, result);
	assert_string_equal(fixture.said,
	                    "[  6/6] a p=2 c=1 items=100 cap=10 null rep 3/3  failed: why\n");
	tear_down(&fixture);
	free(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_left_is_that_of_the_whole_matrix),
		cmocka_unit_test(each_run_is_a_plain_line_where_there_is_no_terminal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
