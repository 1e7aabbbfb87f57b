/*
 * chart_page.h: one picture in the making: the variables its script asks for, its data file, and
 * what several charts write in the same way. Scripts never compute, so all that they show is put
 * here. Nothing here can fail visibly but chart_page_end(): streams keep their errors until then.
 */
#ifndef PERF_CHART_PAGE_H
#define PERF_CHART_PAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "chart_results.h"

enum {
	CHART_REASON_BYTES = 256,
	CHART_SERIES_MAX = 6,  /* in one panel */
	CHART_POINTS_MAX = 24, /* in one picture of small multiples */
	CHART_NAME_MAX = 40    /* characters of a legend's line */
};

struct chart_page {
	const char *name; /* of the script, the data and the pictures: "throughput" */
	FILE *data;       /* NAME.dat */
	FILE *variables;  /* the opening lines of NAME.gp */
	size_t longest;   /* characters of the longest name of a series */
	char
	    reason[CHART_REASON_BYTES]; /* why the chart was left out, or what was left out of it */
};

/* Make one chart's data and variables. Returns whether the chart applies to these results; if not,
 * the page's reason says why. */
typedef bool chart_writer(const struct chart_results *results, struct chart_page *page);

chart_writer chart_throughput;
chart_writer chart_percentiles;
chart_writer chart_histogram;
chart_writer chart_polling;
chart_writer chart_faults;

/* Set a variable of the script, or element ${index}, from 1, of one of its arrays. */
void chart_page_number(struct chart_page *page, const char *name, double value);
void chart_page_text(struct chart_page *page, const char *name, const char *text);
void chart_page_array(struct chart_page *page, const char *name, size_t elements);
void chart_page_element(struct chart_page *page, const char *name, size_t index, double value);
void chart_page_entry(struct chart_page *page, const char *name, size_t index, const char *text);

/* Name series ${index}, from 1, in the array series_name: ${name} and what sets it apart; the name
 * is cut where a legend would have no room. */
void chart_page_series(struct chart_page *page, size_t index, const char *name,
                       const char *factors);

/* Say that the chart does not apply. Returns false, so that a writer can return it. */
bool chart_page_skip(struct chart_page *page, const char *reason);

/* Spread ${series} over as few panels as can be, equally: sets series, panels and
 * per_panel, and returns that. ${series} is not 0. */
size_t chart_page_panels(struct chart_page *page, size_t series);

/* Say that only the first ${drawn} of ${all} things called ${what} fit, if that is so. */
void chart_page_crop(struct chart_page *page, size_t drawn, size_t all, const char *what);

/* Begin a block of the data: "# title", then the header line. */
void chart_page_block(struct chart_page *page, const char *title, const char *header);

/* The unit for an axis on which ${typical_ns} should be readable: sets NAME_unit, returns its ns.
 */
double chart_page_unit(struct chart_page *page, const char *name, double typical_ns);

/* Range and ticks of a logarithmic axis that shows ${low} to ${high}, from a 1, 2 or 5 to another:
 * sets NAME_low, NAME_high, NAME_ticks and the array NAME_tick. */
void chart_page_log_axis(struct chart_page *page, const char *name, double low, double high);

#endif
