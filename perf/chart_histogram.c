/*
 * chart_histogram.c: the data of plots/histogram.gp: a row of panels for each point, put and get.
 * Bins are equally wide and each is made of whole buckets of the histogram, so that no count is
 * split: split or shared buckets would show a comb where none is.
 */
#include "chart_page.h"

#include <math.h>

#include "chart_label.h"

enum {
	TEETH_MAX = 60,   /* more marks than that would be an area */
	ROW_NAME_MAX = 60 /* characters */
};

/* The end of the axis: the greatest value, unless a few would press all others to the left. The
 * teeth of a comb of polls are few, and shown to the last. */
static double axis_end(const struct chart_point *point)
{
	double end = 1;

	for (enum chart_operation i = 0; i < CHART_OPERATIONS; i++) {
		double maximum = chart_results_quantile_ns(point, i, 1);
		double most = (double)histogram_quantile(&point->merged[i], 0.99);

		end = fmax(end, point->poll_interval_ns > 0 ? maximum : fmin(maximum, 3 * most));
	}
	return end;
}

/* Wide enough for the widest bucket before ${end}. Bucket widths are powers of two and the narrower
 * divide the wider, so such a bin holds whole buckets everywhere. */
static double bin_width(double end)
{
	size_t widest = histogram_bucket((int64_t)fmin(end, 0x1p42 - 1));
	double width = (double)(histogram_high_ns(widest) - histogram_low_ns(widest));

	while (end / width > 200)
		width *= 2;
	return width;
}

/* The latency axis of a row of panels. */
struct axis {
	double end_ns, bin_ns;
	const char *unit;
	double unit_ns;
};

static struct axis lay_out_axis(const struct chart_point *point)
{
	static const char *const units[] = { "ns", "µs", "ms", "s" };
	struct axis axis = { .end_ns = axis_end(point), .unit_ns = 1 };
	size_t unit = 0;

	axis.bin_ns = bin_width(axis.end_ns);
	axis.end_ns = (floor(axis.end_ns / axis.bin_ns) + 1) * axis.bin_ns; /* whole bins */
	for (; unit < 3 && axis.end_ns >= 2000 * axis.unit_ns; unit++)
		axis.unit_ns *= 1000;
	axis.unit = units[unit];
	return axis;
}

/* Write the bins of one panel. Returns how many operations lie beyond the axis. */
static double write_bins(struct chart_page *page, const struct histogram *histogram,
                         const struct axis *axis)
{
	double beyond = (double)histogram->count, low = 0;
	size_t bucket = 0;

	for (; low < axis->end_ns - axis->bin_ns / 2; low += axis->bin_ns) {
		double count = 0;

		for (; bucket < HISTOGRAM_BUCKETS &&
		       (double)histogram_low_ns(bucket) < low + axis->bin_ns;
		     bucket++)
			count += (double)histogram->buckets[bucket];
		beyond -= count;
		if (count > 0)
			fprintf(page->data, "%.12g,%.12g,%.0f\n",
			        (low + axis->bin_ns / 2) / axis->unit_ns,
			        axis->bin_ns / axis->unit_ns, count);
	}
	return beyond;
}

static void write_panel(struct chart_page *page, const struct chart_point *point,
                        enum chart_operation operation, size_t panel, const struct axis *axis)
{
	static const char *const names[CHART_OPERATIONS] = { "put", "get" };
	const struct histogram *histogram = &point->merged[operation];
	char longest[CHART_TIME_BYTES], rest[64] = "", note[CHART_LABEL_BYTES];
	double beyond;

	chart_page_block(page, names[operation], "latency,width,count");
	beyond = write_bins(page, histogram, axis);
	chart_label_time((double)histogram->maximum, longest);
	if (beyond > 0)
		snprintf(rest, sizeof(rest), ", %.0f beyond", beyond);
	snprintf(note, sizeof(note), "%s, n = %.0f%s, longest %s", names[operation],
	         (double)histogram->count, rest, longest);
	chart_page_entry(page, "note", panel, note);
}

/* The point's name and, as scenarios may be called anything, its size. */
static void name_row(const struct chart_results *results, const struct chart_point *point,
                     struct chart_page *page, size_t row)
{
	const chart_factor_set size =
	    1u << CHART_WORKERS | 1u << CHART_ITEMS | 1u << CHART_CAPACITY;
	char own[CHART_LABEL_BYTES], name[CHART_LABEL_BYTES], row_name[2 * CHART_LABEL_BYTES + 2];

	chart_label_point(results, point, own);
	chart_label_join(point->scenario, own, ROW_NAME_MAX, name);
	chart_label_factors(point, size & ~chart_label_telling(results, point->scenario, 0), own);
	snprintf(row_name, sizeof(row_name), "%s%s%s", name, *point->scenario && *own ? ": " : "",
	         *point->scenario ? own : "");
	chart_page_entry(page, "row_name", row, row_name);
}

static void write_row(const struct chart_results *results, struct chart_page *page,
                      const struct chart_point *point, size_t row)
{
	struct axis axis = lay_out_axis(point);
	double poll_ns = (double)point->poll_interval_ns;
	bool marked = poll_ns > 0 && axis.end_ns / poll_ns <= TEETH_MAX;

	name_row(results, point, page, row);
	chart_page_entry(page, "row_unit", row, axis.unit);
	chart_page_element(page, "row_end", row, axis.end_ns / axis.unit_ns);
	chart_page_element(page, "row_poll", row, poll_ns / axis.unit_ns);
	chart_page_element(page, "row_teeth", row, marked ? floor(axis.end_ns / poll_ns) : 0);
	if (marked)
		chart_page_number(page, "combed", 1);
	for (enum chart_operation i = 0; i < CHART_OPERATIONS; i++)
		write_panel(page, point, i, 2 * row - 1 + i, &axis);
}

static bool is_drawable(const struct chart_point *point)
{
	return point->merged[CHART_PUT].count > 0 && point->merged[CHART_GET].count > 0;
}

bool chart_histogram(const struct chart_results *results, struct chart_page *page)
{
	static const char *const row_arrays[] = { "row_name", "row_unit", "row_end", "row_poll",
		                                  "row_teeth" };
	size_t rows = 0, drawn = 0;

	for (size_t i = 0; i < results->count; i++)
		rows += is_drawable(&results->points[i]);
	if (rows == 0)
		return chart_page_skip(page, "no histogram of a good run");
	chart_page_crop(page, CHART_POINTS_MAX, rows, "points");
	if (rows > CHART_POINTS_MAX)
		rows = CHART_POINTS_MAX;
	chart_page_number(page, "rows", (double)rows);
	chart_page_number(page, "combed", 0);
	for (size_t i = 0; i < sizeof(row_arrays) / sizeof(*row_arrays); i++)
		chart_page_array(page, row_arrays[i], rows);
	chart_page_array(page, "note", 2 * rows);
	for (size_t i = 0; i < results->count && drawn < rows; i++) {
		if (is_drawable(&results->points[i]))
			write_row(results, page, &results->points[i], ++drawn);
	}
	return true;
}
