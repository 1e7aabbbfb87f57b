/*
 * statistics.h: what may be said about samples, and when. The unit of statistics is the run: these
 * work on one number a run, or ask how many operations stand behind a percentile. Pure.
 */
#ifndef PERF_STATISTICS_H
#define PERF_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A percentile with fewer samples beyond it than this is an accident, and is not reported. */
enum { STATISTICS_TAIL_SAMPLES = 10 };

/* Whether ${count} samples carry the quantile ${q}: at least STATISTICS_TAIL_SAMPLES beyond it. */
bool statistics_quantile_known(uint64_t count, double q);

/* The median of ${count} values, of an even number the mean of the middle two. Sorts ${values}.
 * NAN if there is none. */
double statistics_median(double *values, size_t count);

#endif
