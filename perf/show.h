/*
 * show.h: results as text for people: durations and rates to three digits in the unit that fits,
 * in plain ASCII, without escapes, so that a terminal, a file and a mail show the same.
 *
 * Both functions read ${results}, a run's folder or a CSV file, and return 0, or 1 with a sentence
 * on ${out} where it cannot be read. Runs that are not ok are counted, told with their reason, and
 * are in no other number.
 */
#ifndef PERF_SHOW_H
#define PERF_SHOW_H

#include <stdio.h>

/* A table, a line for each point. What all points have in common stands above it, once. */
int show_table(const char *results, FILE *out);

/* The same as a list, some lines for each point, none longer than a mail's 72 characters as long
 * as names are not. */
int show_list(const char *results, FILE *out);

#endif
