/*
 * chart_label.h: what to call a point, and a group of points, so that people can tell it from the
 * others: only what differs is named. Pure.
 */
#ifndef PERF_CHART_LABEL_H
#define PERF_CHART_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "chart_results.h"

enum { CHART_LABEL_BYTES = 128, CHART_TIME_BYTES = 32 };

/* What a point was run with, in the order in which a label names it. */
enum chart_factor {
	CHART_ENGINE,
	CHART_POLL,
	CHART_TRANSPORT,
	CHART_STORAGE,
	CHART_EXIT,
	CHART_FAULTS,
	CHART_WORKERS, /* producers and consumers */
	CHART_ITEMS,
	CHART_CAPACITY,
	CHART_PAYLOAD,
	CHART_FACTORS
};

/* A set of factors: bit 1 << CHART_ENGINE and so on. */
typedef unsigned chart_factor_set;

/* A duration to three digits, in the unit that fits: "85 ns", "1.52 ms", "12 s". */
void chart_label_time(double duration_ns, char text[CHART_TIME_BYTES]);

/* Whether both points agree in ${factor}. */
bool chart_label_same(const struct chart_point *a, const struct chart_point *b,
                      enum chart_factor factor);

/* The factors in which ${points} differ; those of one scenario, or of all if ${scenario} is NULL.
 */
chart_factor_set chart_label_varying(const struct chart_results *results, const char *scenario);

/* The first factors, ${except} apart, that tell the points of ${scenario} from each other: of those
 * that vary together only one. */
chart_factor_set chart_label_telling(const struct chart_results *results, const char *scenario,
                                     chart_factor_set except);

/* Name the factors ${set} of ${point}, with commas between: "monitor-poll, every 10 ms". */
void chart_label_factors(const struct chart_point *point, chart_factor_set set,
                         char text[CHART_LABEL_BYTES]);

/* Name what tells ${point} from the other points of its scenario: "every 10 ms"; "" if it is the
 * only one. In a file without scenarios: its workers, items and capacity. */
void chart_label_point(const struct chart_results *results, const struct chart_point *point,
                       char text[CHART_LABEL_BYTES]);

/* Join a name and factors with a comma, if neither is "". Where both are longer than ${characters},
 * the name is cut and not the factors: they make the difference. */
void chart_label_join(const char *name, const char *factors, size_t characters,
                      char text[CHART_LABEL_BYTES]);

/* How many characters there are, of which UTF-8 may need several bytes. */
size_t chart_label_width(const char *text);

#endif
