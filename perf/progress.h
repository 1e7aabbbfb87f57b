/*
 * progress.h: how far a matrix is, on stderr. On a terminal one line that is drawn anew; elsewhere
 * one line for each run that has ended.
 */
#ifndef PERF_PROGRESS_H
#define PERF_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "matrix.h"
#include "run.h"

struct progress {
	FILE *out;
	bool redraws;
	const struct matrix *matrix;
	size_t index;      /* of the present run */
	int64_t began_ns;  /* the present run */
	int64_t *spent_ns; /* by point: all its ended runs */
	int64_t *ended;    /* by point: how many those are */
};

/* Begin to show the runs of ${matrix}, which must outlive ${progress}, on ${out}; redrawn if that
 * is a terminal. ENOMEM. */
int progress_init(struct progress *progress, const struct matrix *matrix, FILE *out);

/* Run ${index} of the matrix begins; it has got so far, for run.h; it has ended. */
void progress_begin(struct progress *progress, size_t index);
run_watch progress_watch;
void progress_end(struct progress *progress, const struct run_result *result);

/* How long the runs that are still to come will take, by what those of the same point took, or
 * else those of all: -1 before the first has ended. */
int64_t progress_left_ns(const struct progress *progress, int64_t now_ns);

void progress_fini(struct progress *progress);

#endif
