/* chart_merge.h: the histograms of a point's runs added up, for percentiles may not be averaged. */
#ifndef PERF_CHART_MERGE_H
#define PERF_CHART_MERGE_H

#include "chart_results.h"

/* Read the histograms beside the results, if there are any, and add those of good runs to their
 * points. Returns 0, or as csv_read with a sentence in ${error}. */
int chart_merge(struct chart_results *results, char *error, size_t room);

#endif
