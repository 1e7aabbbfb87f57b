/* matrix.h: the points that a suite expands to, and the order in which they are run. Pure. */
#ifndef PERF_MATRIX_H
#define PERF_MATRIX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "suite.h"

enum { MATRIX_POINT_ID_BYTES = 17, MATRIX_POINTS_MAX = 10000, MATRIX_TITLE_BYTES = 256 };

/* One combination of a scenario's values. */
struct point {
	const struct scenario *scenario;
	struct factors factors;
	char id[MATRIX_POINT_ID_BYTES]; /* hash of scenario and factors, the same in every suite */
};

struct planned_run {
	size_t point;
	int64_t repetition; /* from 1 */
};

struct matrix {
	struct point *points;
	size_t point_count;
	struct planned_run *runs; /* in the order in which they are to be done */
	size_t run_count;
};

/**
 * matrix_expand(suite, matrix, error):
 * Expand ${suite}, which must outlive *${matrix}. Factors that a point's engine ignores are made
 * alike, and points of a scenario that are then the same are run once.
 *
 * Owns     on 0 the caller owns *${matrix} until matrix_free().
 * Errors   EINVAL  more than MATRIX_POINTS_MAX points; a sentence is in ${error}
 *          ENOMEM  likewise
 */
int matrix_expand(const struct suite *suite, struct matrix **matrix, char error[SUITE_ERROR_BYTES]);

/* The seed of one run: from the suite's, the point and the repetition alone. */
int64_t matrix_seed(const struct suite *suite, const struct point *point, int64_t repetition);

/* What tells ${point} from its scenario's other points, for people: "p=4 c=4 cap=10 monitor". */
void matrix_title(const struct point *point, char title[MATRIX_TITLE_BYTES]);

/* Print points, order and number of runs. */
void matrix_print(const struct suite *suite, const struct matrix *matrix, FILE *out);

/* Free *${matrix} and null it; it may be NULL. */
void matrix_free(struct matrix **matrix);

#endif
