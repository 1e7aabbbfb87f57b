/*
 * chart_throughput.c: the data of plots/throughput.gp. Points that differ in nothing but their
 * numbers of producers and consumers are one series. They are joined by lines only where the axis
 * has an order: as many consumers as producers everywhere. Else each combination has a place of
 * its own on the axis, by the number of workers.
 */
#include "chart_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart_label.h"

/* Where a point goes. */
struct place {
	const struct chart_point *point;
	size_t series; /* from 0 */
	double x;
};

struct throughput {
	const struct chart_results *results;
	struct chart_page *page;
	struct place *places; /* by number of workers */
	size_t count;
	size_t series;
	bool ordered;
	bool by_items;    /* points differ in the number of items alone: it is an axis, and not
	                   * merely fitted to the number of workers */
	bool by_scenario; /* points that differ in nothing else do in their scenario */
	double unit;      /* operations a second to one on the axis */
};

/* Whether the scenario has more than one number of workers: then it is a family by itself. */
static bool spans_workers(const struct chart_results *results, const char *scenario)
{
	return (chart_label_varying(results, scenario) & 1u << CHART_WORKERS) != 0;
}

/* Whether two points agree in all that may tell series apart, but perhaps in their scenarios. */
static bool is_alike(const struct throughput *chart, const struct chart_point *a,
                     const struct chart_point *b)
{
	for (enum chart_factor factor = 0; factor < CHART_FACTORS; factor++) {
		if (factor != CHART_WORKERS && (factor != CHART_ITEMS || chart->by_items) &&
		    !chart_label_same(a, b, factor))
			return false;
	}
	return true;
}

static bool is_same_series(const struct throughput *chart, const struct chart_point *a,
                           const struct chart_point *b)
{
	bool family = chart->by_scenario || spans_workers(chart->results, a->scenario) ||
	              spans_workers(chart->results, b->scenario);

	return (!family || strcmp(a->scenario, b->scenario) == 0) && is_alike(chart, a, b);
}

static int by_workers(const void *left, const void *right)
{
	const struct chart_point *a = ((const struct place *)left)->point;
	const struct chart_point *b = ((const struct place *)right)->point;
	long long difference = a->producers + a->consumers - b->producers - b->consumers;

	if (difference == 0)
		difference = a->producers - b->producers;
	if (difference == 0)
		difference = a > b ? 1 : -1; /* as the file has them */
	return (difference > 0) - (difference < 0);
}

static void make_places(struct throughput *chart)
{
	double most = 0;

	chart->ordered = true;
	for (size_t i = 0; i < chart->results->count; i++) {
		const struct chart_point *point = &chart->results->points[i];

		if (point->throughput.count == 0)
			continue;
		chart->places[chart->count++].point = point;
		chart->ordered &= point->producers == point->consumers && point->producers > 0;
		most = fmax(most, point->throughput.high);
	}
	chart->unit = most >= 3000 ? 1000 : 1;
	chart_page_number(chart->page, "y_high", most * 1.05 / chart->unit);
	qsort(chart->places, chart->count, sizeof(*chart->places), by_workers);
}

/* Two points alike at one place on the axis: something that no column tells sets their scenarios
 * apart. */
static bool scenarios_differ_unseen(const struct throughput *chart)
{
	for (size_t i = 0; i < chart->count; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct chart_point *a = chart->places[i].point;
			const struct chart_point *b = chart->places[k].point;

			if (chart_label_same(a, b, CHART_WORKERS) && is_alike(chart, a, b))
				return true;
		}
	}
	return false;
}

/* Number the series in the order of their first points on the axis. */
static void find_series(struct throughput *chart)
{
	chart->by_items = (chart_label_telling(chart->results, NULL, 0) & 1u << CHART_ITEMS) != 0;
	chart->by_scenario = scenarios_differ_unseen(chart);
	for (size_t i = 0; i < chart->count; i++) {
		size_t k = 0;

		while (!is_same_series(chart, chart->places[k].point, chart->places[i].point))
			k++;
		chart->places[i].series = k < i ? chart->places[k].series : chart->series++;
	}
}

/* Ticks, and each place's x. Neighbours of an ordered axis are log2 of their numbers apart. */
static void lay_out_axis(struct throughput *chart)
{
	size_t ticks = 0;

	chart_page_array(chart->page, "tick_at", chart->count);
	chart_page_array(chart->page, "tick_name", chart->count);
	for (size_t i = 0; i < chart->count; i++) {
		struct place *place = &chart->places[i];
		char name[CHART_LABEL_BYTES];

		if (i > 0 && chart_label_same(place[-1].point, place->point, CHART_WORKERS)) {
			place->x = place[-1].x;
			continue;
		}
		place->x = chart->ordered ? log2((double)place->point->producers) : (double)ticks;
		chart_label_factors(place->point, 1u << CHART_WORKERS, name);
		ticks++;
		chart_page_element(chart->page, "tick_at", ticks, place->x);
		chart_page_entry(chart->page, "tick_name", ticks, name);
	}
	chart_page_number(chart->page, "ticks", (double)ticks);
	chart_page_number(chart->page, "x_low", chart->places[0].x - 0.5);
	chart_page_number(chart->page, "x_high", chart->places[chart->count - 1].x + 0.5);
}

/* Name a series after one of its points: by its scenario, if that is what sets it apart, and by
 * factors. */
static void name_series(const struct throughput *chart, size_t series, const char **scenario,
                        char factors[CHART_LABEL_BYTES])
{
	const struct chart_results *results = chart->results;
	const struct chart_point *point = NULL;
	chart_factor_set not_named = 1u << CHART_WORKERS;

	for (size_t i = 0; i < chart->count && !point; i++) {
		if (chart->places[i].series == series)
			point = chart->places[i].point;
	}
	if (!chart->by_items)
		not_named |= 1u << CHART_ITEMS;
	*scenario = "";
	if (*point->scenario && (chart->by_scenario || spans_workers(results, point->scenario)))
		*scenario = point->scenario;
	chart_label_factors(
	    point, chart_label_telling(results, **scenario ? *scenario : NULL, not_named), factors);
}

/* How far to set place ${index} aside, so that bars at one place do not cover each other. */
static double aside(const struct throughput *chart, size_t index)
{
	size_t first = index, last = index;

	while (first > 0 && chart->places[first - 1].x >= chart->places[index].x)
		first--;
	while (last + 1 < chart->count && chart->places[last + 1].x <= chart->places[index].x)
		last++;
	return ((double)(index - first) - (double)(last - first) / 2) * 0.07;
}

static void write_series(struct throughput *chart, size_t series, const char *name)
{
	chart_page_block(chart->page, name, "x,median,low,high,runs,producers,consumers");
	for (size_t i = 0; i < chart->count; i++) {
		const struct place *place = &chart->places[i];
		const struct chart_spread *spread = &place->point->throughput;

		if (place->series == series)
			fprintf(chart->page->data, "%.10g,%.10g,%.10g,%.10g,%zu,%lld,%lld\n",
			        place->x + aside(chart, i), spread->median / chart->unit,
			        spread->low / chart->unit, spread->high / chart->unit,
			        spread->count, place->point->producers, place->point->consumers);
	}
}

static void write_all(struct throughput *chart)
{
	chart_page_panels(chart->page, chart->series);
	chart_page_number(chart->page, "joined", chart->ordered);
	chart_page_text(chart->page, "y_unit",
	                chart->unit > 1 ? "1000 operations / s" : "operations / s");
	chart_page_array(chart->page, "series_name", chart->series);
	for (size_t series = 0; series < chart->series; series++) {
		char factors[CHART_LABEL_BYTES], name[CHART_LABEL_BYTES];
		const char *scenario;

		name_series(chart, series, &scenario, factors);
		chart_page_series(chart->page, series + 1, scenario, factors);
		chart_label_join(scenario, factors, CHART_LABEL_BYTES, name);
		write_series(chart, series, name);
	}
}

bool chart_throughput(const struct chart_results *results, struct chart_page *page)
{
	struct throughput chart = { .results = results, .page = page };

	chart.places = calloc(results->count, sizeof(*chart.places));
	if (!chart.places)
		return chart_page_skip(page, "not enough memory");
	make_places(&chart);
	if (chart.count > 0) {
		find_series(&chart);
		lay_out_axis(&chart);
		write_all(&chart);
	}
	free(chart.places);
	return chart.count > 0 || chart_page_skip(page, "no good run has a throughput");
}
