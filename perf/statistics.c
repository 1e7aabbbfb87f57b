/* statistics.c: medians, and the rule for percentiles. */
#include "statistics.h"

#include <math.h>
#include <stdlib.h>

bool statistics_quantile_known(uint64_t count, double q)
{
	/* 10,000 * (1 - 0.999) is 10 but for rounding, which must not decide. */
	double beyond = (double)count * (1.0 - q);
	return beyond * (1.0 + 1e-9) >= STATISTICS_TAIL_SAMPLES;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;
	return (a > b) - (a < b);
}

double statistics_median(double *values, size_t count)
{
	if (count == 0)
		return NAN;
	qsort(values, count, sizeof(*values), compare);
	if (count % 2 == 1)
		return values[count / 2];
	return (values[count / 2 - 1] + values[count / 2]) / 2.0;
}
