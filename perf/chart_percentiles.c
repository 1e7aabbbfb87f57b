/*
 * chart_percentiles.c: the data of plots/percentiles.gp: for each point a curve of put and one of
 * get, from the merged histograms of its runs. The axis is 1 / (1 - q), on which p90, p99, p99.9
 * are equally far apart. A curve ends where fewer than ten operations lie beyond it; the maximum
 * stands apart, at the right.
 */
#include "chart_page.h"

#include <math.h>

#include "chart_label.h"

static const double ticks[] = { 0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999 };

enum { TICKS = sizeof(ticks) / sizeof(*ticks), STEPS_PER_DECADE = 24, DECADES = 12 };

static double place(double quantile)
{
	return 1 / (1 - quantile);
}

/* The blocks of one curve: all of it, its marked percentiles, its maximum. */
static void write_curve(struct chart_page *page, const struct chart_point *point,
                        enum chart_operation operation, const char *title, double maximum_at,
                        double unit_ns)
{
	chart_page_block(page, title, "x,quantile,latency");
	for (int step = 0; step < DECADES * STEPS_PER_DECADE; step++) {
		double x = pow(10, (double)step / STEPS_PER_DECADE);
		double value = chart_results_quantile_ns(point, operation, 1 - 1 / x);

		if (value < 0)
			break;
		fprintf(page->data, "%.6g,%.8g,%.6g\n", x, 1 - 1 / x, value / unit_ns);
	}
	chart_page_block(page, title, "x,quantile,latency");
	for (size_t i = 1; i < TICKS; i++) {
		double value = chart_results_quantile_ns(point, operation, ticks[i]);

		if (value >= 0)
			fprintf(page->data, "%.6g,%.8g,%.6g\n", place(ticks[i]), ticks[i],
			        value / unit_ns);
	}
	chart_page_block(page, title, "x,quantile,latency");
	fprintf(page->data, "%.6g,1,%.6g\n", maximum_at,
	        chart_results_quantile_ns(point, operation, 1) / unit_ns);
}

/* The ticks as far as the longest curve reaches, and the place of the maxima. Returns that. */
static double lay_out_axis(struct chart_page *page, double longest)
{
	size_t count = 0;
	double maximum_at;

	while (count < TICKS && place(ticks[count]) < longest * 1.5)
		count++;
	maximum_at = fmax(longest, place(ticks[count - 1])) * 5;
	chart_page_array(page, "tick_at", count);
	chart_page_array(page, "tick_name", count);
	for (size_t i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%.8g", 100 * ticks[i]);
		chart_page_element(page, "tick_at", i + 1, place(ticks[i]));
		chart_page_entry(page, "tick_name", i + 1, name);
	}
	chart_page_number(page, "ticks", (double)count);
	chart_page_number(page, "maximum_at", maximum_at);
	return maximum_at;
}

/* The ranges over all points: of latency, and how far the longest curve can go. */
struct extent {
	size_t points;
	double low, high, longest, typical;
};

static struct extent measure(const struct chart_results *results)
{
	struct extent extent = { 0, INFINITY, 0, 1, 0 };

	for (size_t i = 0; i < results->count; i++) {
		const struct chart_point *point = &results->points[i];

		if (point->merged[CHART_PUT].count == 0 || point->merged[CHART_GET].count == 0)
			continue;
		extent.points++;
		for (enum chart_operation k = 0; k < CHART_OPERATIONS; k++) {
			extent.low = fmin(extent.low, (double)point->merged[k].minimum);
			extent.high = fmax(extent.high, (double)point->merged[k].maximum);
			extent.longest = fmax(extent.longest, (double)point->merged[k].count / 10);
		}
	}
	extent.low = fmax(extent.low, 1); /* an axis of logarithms has no 0 */
	extent.typical = sqrt(extent.low * extent.high);
	return extent;
}

bool chart_percentiles(const struct chart_results *results, struct chart_page *page)
{
	struct extent extent = measure(results);
	size_t drawn = 0, per_panel;
	double unit_ns, maximum_at, aside;

	if (extent.points == 0)
		return chart_page_skip(
		    page, "no histogram of a good run, and percentiles of several runs "
		          "cannot be had without");
	chart_page_crop(page, CHART_POINTS_MAX, extent.points, "points");
	if (extent.points > CHART_POINTS_MAX)
		extent.points = CHART_POINTS_MAX;
	unit_ns = chart_page_unit(page, "y", extent.typical);
	chart_page_log_axis(page, "y", extent.low / unit_ns, extent.high / unit_ns);
	maximum_at = lay_out_axis(page, extent.longest);
	per_panel = chart_page_panels(page, extent.points);
	chart_page_array(page, "series_name", extent.points);
	for (size_t i = 0; i < results->count && drawn < extent.points; i++) {
		const struct chart_point *point = &results->points[i];
		char factors[CHART_LABEL_BYTES], name[CHART_LABEL_BYTES];

		if (point->merged[CHART_PUT].count == 0 || point->merged[CHART_GET].count == 0)
			continue;
		chart_label_point(results, point, factors);
		chart_page_series(page, ++drawn, point->scenario, factors);
		chart_label_join(point->scenario, factors, CHART_LABEL_BYTES, name);
		/* Maxima are often alike: a little apart they stay visible. */
		aside = pow(1.13, (double)((drawn - 1) % per_panel) - (double)(per_panel - 1) / 2);
		write_curve(page, point, CHART_PUT, name, maximum_at * aside, unit_ns);
		write_curve(page, point, CHART_GET, name, maximum_at * aside, unit_ns);
	}
	return true;
}
