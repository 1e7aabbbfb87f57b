/*
 * chart_polling.c: the data of plots/polling.gp. A family is what has the same producers, consumers
 * and capacity: its polling points make a line over the poll interval, and its pushing point the
 * level to compare with.
 */
#include "chart_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart_label.h"

enum panel { THROUGHPUT, MESSAGES };

struct polling {
	struct chart_page *page;
	const struct chart_point **polls; /* by interval */
	size_t count;
	const struct chart_point *families[CHART_SERIES_MAX]; /* a polling point of each */
	const struct chart_point *pushes[CHART_SERIES_MAX];   /* the pushing one of each, or NULL */
	size_t family_count;
};

static bool is_same_family(const struct chart_point *a, const struct chart_point *b)
{
	return chart_label_same(a, b, CHART_WORKERS) && chart_label_same(a, b, CHART_CAPACITY) &&
	       chart_label_same(a, b, CHART_PAYLOAD);
}

static int by_interval(const void *left, const void *right)
{
	const struct chart_point *a = *(const struct chart_point *const *)left;
	const struct chart_point *b = *(const struct chart_point *const *)right;

	return (a->poll_interval_ns > b->poll_interval_ns) -
	       (a->poll_interval_ns < b->poll_interval_ns);
}

static void find_polls(struct polling *chart, const struct chart_results *results)
{
	for (size_t i = 0; i < results->count; i++) {
		if (results->points[i].poll_interval_ns > 0 &&
		    results->points[i].throughput.count > 0)
			chart->polls[chart->count++] = &results->points[i];
	}
}

static void find_families(struct polling *chart)
{
	size_t left_out = 0;

	for (size_t i = 0; i < chart->count; i++) {
		size_t family = 0;

		while (family < chart->family_count &&
		       !is_same_family(chart->families[family], chart->polls[i]))
			family++;
		if (family == CHART_SERIES_MAX)
			left_out++;
		else if (family == chart->family_count)
			chart->families[chart->family_count++] = chart->polls[i];
	}
	chart_page_crop(chart->page, chart->count - left_out, chart->count, "polling points");
}

/* The pushing point of each family; the one with as many items, if there are several. */
static void find_pushes(struct polling *chart, const struct chart_results *results)
{
	for (size_t i = 0; i < results->count; i++) {
		const struct chart_point *point = &results->points[i];

		if (strcmp(point->engine, "monitor") != 0 || point->poll_interval_ns > 0 ||
		    point->throughput.count == 0)
			continue;
		for (size_t family = 0; family < chart->family_count; family++) {
			const struct chart_point *poll = chart->families[family];

			if (is_same_family(poll, point) &&
			    (!chart->pushes[family] || chart_label_same(poll, point, CHART_ITEMS)))
				chart->pushes[family] = point;
		}
	}
}

static const struct chart_spread *shown(const struct chart_point *point, enum panel panel)
{
	return panel == THROUGHPUT ? &point->throughput : &point->messages;
}

/* Range and ticks of the throughput, which spans powers of ten; messages count from 0. */
static void lay_out_throughput(struct polling *chart)
{
	double low = INFINITY, high = 0;

	for (size_t i = 0; i < chart->count; i++) {
		low = fmin(low, chart->polls[i]->throughput.low);
		high = fmax(high, chart->polls[i]->throughput.high);
	}
	for (size_t i = 0; i < chart->family_count; i++) {
		if (chart->pushes[i]) {
			low = fmin(low, chart->pushes[i]->throughput.low);
			high = fmax(high, chart->pushes[i]->throughput.high);
		}
	}
	chart_page_log_axis(chart->page, "throughput", low, high);
}

/* Ticks at the intervals that were run, and nowhere else. Returns the ns of the axis' unit. */
static double lay_out_intervals(struct polling *chart)
{
	double low = (double)chart->polls[0]->poll_interval_ns;
	double high = (double)chart->polls[chart->count - 1]->poll_interval_ns;
	double unit_ns = chart_page_unit(chart->page, "x", low);
	size_t ticks = 0;

	chart_page_number(chart->page, "x_low", low / unit_ns / 1.4);
	chart_page_number(chart->page, "x_high", high / unit_ns * 1.4);
	chart_page_array(chart->page, "x_tick", chart->count);
	for (size_t i = 0; i < chart->count; i++) {
		long long interval = chart->polls[i]->poll_interval_ns;

		if (i == 0 || interval > chart->polls[i - 1]->poll_interval_ns)
			chart_page_element(chart->page, "x_tick", ++ticks,
			                   (double)interval / unit_ns);
	}
	chart_page_number(chart->page, "x_ticks", (double)ticks);
	return unit_ns;
}

static void write_family(struct polling *chart, size_t family, enum panel panel, const char *name,
                         double unit_ns)
{
	chart_page_block(chart->page, name, "interval,median,low,high,runs");
	for (size_t i = 0; i < chart->count; i++) {
		const struct chart_spread *spread = shown(chart->polls[i], panel);

		if (is_same_family(chart->polls[i], chart->families[family]) && spread->count > 0)
			fprintf(chart->page->data, "%.8g,%.8g,%.8g,%.8g,%zu\n",
			        (double)chart->polls[i]->poll_interval_ns / unit_ns, spread->median,
			        spread->low, spread->high, spread->count);
	}
}

/* The level of push, or -1, which the script does not draw. */
static double level(const struct chart_point *push, enum panel panel)
{
	return push && shown(push, panel)->count > 0 ? shown(push, panel)->median : -1;
}

static void write_all(struct polling *chart)
{
	double unit_ns = lay_out_intervals(chart);

	lay_out_throughput(chart);
	chart_page_number(chart->page, "series", (double)chart->family_count);
	chart_page_array(chart->page, "series_name", chart->family_count);
	chart_page_array(chart->page, "throughput_push", chart->family_count);
	chart_page_array(chart->page, "messages_push", chart->family_count);
	for (size_t i = 0; i < chart->family_count; i++) {
		char name[CHART_LABEL_BYTES];

		chart_label_factors(chart->families[i], 1u << CHART_WORKERS | 1u << CHART_CAPACITY,
		                    name);
		chart_page_series(chart->page, i + 1, "", name);
		chart_page_element(chart->page, "throughput_push", i + 1,
		                   level(chart->pushes[i], THROUGHPUT));
		chart_page_element(chart->page, "messages_push", i + 1,
		                   level(chart->pushes[i], MESSAGES));
		write_family(chart, i, THROUGHPUT, name, unit_ns);
		write_family(chart, i, MESSAGES, name, unit_ns);
	}
}

bool chart_polling(const struct chart_results *results, struct chart_page *page)
{
	struct polling chart = { .page = page };

	chart.polls = calloc(results->count, sizeof(*chart.polls));
	if (!chart.polls)
		return chart_page_skip(page, "not enough memory");
	find_polls(&chart, results);
	if (chart.count > 0) {
		qsort(chart.polls, chart.count, sizeof(*chart.polls), by_interval);
		find_families(&chart);
		find_pushes(&chart, results);
		write_all(&chart);
	}
	free(chart.polls);
	return chart.count > 0 || chart_page_skip(page, "no good run polled and counted messages");
}
