/* show.c: see show.h. */
#include "show.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "chart_label.h"
#include "chart_results.h"

enum { ERROR_BYTES = 1024, LINE_WIDTH = 100 };

/* The columns of the table: the factors of chart_label.h, and these. */
enum {
	SCENARIO = CHART_FACTORS,
	RUNS,
	RATE,
	RANGE,
	PUT_P50,
	PUT_P99,
	GET_P50,
	GET_P99,
	MESSAGES,
	AUDIT
};

static const struct heading {
	unsigned column;
	const char *text;
	bool left; /* flush left, as words are */
} headings[] = {
	{ SCENARIO, "scenario", true },     { CHART_ENGINE, "engine", true },
	{ CHART_POLL, "poll", true },       { CHART_TRANSPORT, "transport", true },
	{ CHART_STORAGE, "storage", true }, { CHART_EXIT, "exit", true },
	{ CHART_FAULTS, "faults", true },   { CHART_WORKERS, "PxC", false },
	{ CHART_ITEMS, "items", false },    { CHART_CAPACITY, "cap", false },
	{ CHART_PAYLOAD, "bytes", false },  { RUNS, "runs", false },
	{ RATE, "ops/s", false },           { RANGE, "min..max", false },
	{ PUT_P50, "put50", false },        { PUT_P99, "put99", false },
	{ GET_P50, "get50", false },        { GET_P99, "get99", false },
	{ MESSAGES, "msg/op", false },      { AUDIT, "audit", true },
};

enum { COLUMNS = sizeof(headings) / sizeof(*headings) };

/* Operations a second to three digits: 12.4, 930, 12.4k; "-" if there are none. */
static void name_rate(double rate, char *text, size_t room)
{
	if (isnan(rate))
		snprintf(text, room, "-");
	else if (rate >= 999.5)
		snprintf(text, room, rate >= 99950 ? "%.0fk" : "%.3gk", rate / 1000);
	else
		snprintf(text, room, "%.3g", rate);
}

/* A duration without the space before its unit: the table is wide enough. "-" below 0. */
static void name_time(double duration_ns, char *text, size_t room)
{
	char time[CHART_TIME_BYTES] = "-", *space;

	if (duration_ns >= 0)
		chart_label_time(duration_ns, time);
	space = strchr(time, ' ');
	snprintf(text, room, "%.*s%s", space ? (int)(space - time) : CHART_TIME_BYTES, time,
	         space ? space + 1 : "");
}

/* A percentile of all of the point's operations; of a file without histograms, the median of what
 * its runs say. "-" where too few operations lie beyond it. */
static void name_latency(const struct chart_point *point, enum chart_operation operation,
                         enum chart_latency latency, char *text, size_t room)
{
	const struct chart_spread *own = &point->latency_ns[operation][latency];
	double value_ns = own->count ? own->median : -1;

	if (point->merged[operation].count > 0)
		value_ns =
		    chart_results_quantile_ns(point, operation, latency == CHART_P50 ? 0.5 : 0.99);
	name_time(value_ns, text, room);
}

static void print_cell(const struct chart_point *point, unsigned column,
                       char cell[CHART_LABEL_BYTES])
{
	char low[CHART_TIME_BYTES], high[CHART_TIME_BYTES];

	*cell = '\0';
	switch (column) {
	case SCENARIO:
		snprintf(cell, CHART_LABEL_BYTES, "%s", point->scenario);
		break;
	case CHART_POLL:
		name_time((double)point->poll_interval_ns, cell, CHART_LABEL_BYTES);
		break;
	case CHART_ITEMS:
		if (point->items >= 0)
			snprintf(cell, CHART_LABEL_BYTES, "%lld", point->items);
		break;
	case CHART_CAPACITY:
		snprintf(cell, CHART_LABEL_BYTES, "%lld", point->capacity);
		break;
	case RUNS:
		snprintf(cell, CHART_LABEL_BYTES, "%zu/%zu", point->runs_ok, point->runs);
		break;
	case RATE:
		name_rate(point->throughput.median, cell, CHART_LABEL_BYTES);
		break;
	case RANGE:
		name_rate(point->throughput.low, low, sizeof(low));
		name_rate(point->throughput.high, high, sizeof(high));
		if (point->throughput.count > 0)
			snprintf(cell, CHART_LABEL_BYTES, "%s..%s", low, high);
		break;
	case PUT_P50:
		name_latency(point, CHART_PUT, CHART_P50, cell, CHART_LABEL_BYTES);
		break;
	case PUT_P99:
		name_latency(point, CHART_PUT, CHART_P99, cell, CHART_LABEL_BYTES);
		break;
	case GET_P50:
		name_latency(point, CHART_GET, CHART_P50, cell, CHART_LABEL_BYTES);
		break;
	case GET_P99:
		name_latency(point, CHART_GET, CHART_P99, cell, CHART_LABEL_BYTES);
		break;
	case MESSAGES:
		if (point->messages.count > 0)
			snprintf(cell, CHART_LABEL_BYTES, "%.3g", point->messages.median);
		break;
	case AUDIT:
		snprintf(cell, CHART_LABEL_BYTES, "%s", point->audit);
		break;
	default:
		chart_label_factors(point, 1u << column, cell);
		break;
	}
	if (*cell == '\0')
		snprintf(cell, CHART_LABEL_BYTES, "-");
}

/* Whether a column stands in the table. A factor does not if all points agree in it, and of the
 * lesser ones only those do that are needed to tell points apart. */
static bool is_shown(const struct chart_results *results, unsigned column)
{
	const chart_factor_set size =
	    1u << CHART_WORKERS | 1u << CHART_ITEMS | 1u << CHART_CAPACITY;
	chart_factor_set shown =
	    chart_label_telling(results, NULL, 0) | (chart_label_varying(results, NULL) & size);

	return column >= CHART_FACTORS || (shown & 1u << column) != 0;
}

static void print_padded(FILE *out, const char *text, size_t width, bool left)
{
	int padding = (int)(width - chart_label_width(text));

	if (left)
		fprintf(out, "%s%*s", text, padding, "");
	else
		fprintf(out, "%*s%s", padding, "", text);
}

/* The width of each column, 0 for those that are left out. Returns that of the whole table, with
 * two spaces between. */
static size_t measure_columns(const struct chart_results *results, size_t widths[COLUMNS])
{
	char cell[CHART_LABEL_BYTES];
	size_t total = 0;

	for (size_t i = 0; i < COLUMNS; i++) {
		widths[i] = 0;
		if (!is_shown(results, headings[i].column))
			continue;
		widths[i] = strlen(headings[i].text);
		for (size_t k = 0; k < results->count; k++) {
			print_cell(&results->points[k], headings[i].column, cell);
			if (chart_label_width(cell) > widths[i])
				widths[i] = chart_label_width(cell);
		}
		total += widths[i] + 2;
	}
	return total - 2;
}

static void print_table(const struct chart_results *results, FILE *out)
{
	size_t widths[COLUMNS];
	const char *gap = measure_columns(results, widths) > LINE_WIDTH ? " " : "  ";

	for (size_t line = 0; line <= results->count; line++) {
		for (size_t i = 0; i < COLUMNS; i++) {
			char cell[CHART_LABEL_BYTES];

			if (widths[i] == 0)
				continue;
			snprintf(cell, sizeof(cell), "%s", headings[i].text);
			if (line > 0)
				print_cell(&results->points[line - 1], headings[i].column, cell);
			/* The last column is flush left: no spaces after it. */
			print_padded(out, cell,
			             i + 1 < COLUMNS ? widths[i] : chart_label_width(cell),
			             headings[i].left);
			fputs(i + 1 < COLUMNS ? gap : "\n", out);
		}
	}
}

/* What is true of all points, and how many runs there are. */
static void print_heading(const struct chart_results *results, FILE *out)
{
	char common[CHART_LABEL_BYTES];

	chart_label_factors(&results->points[0], ~chart_label_varying(results, NULL), common);
	fprintf(out, "%s%s", *results->suite ? "suite " : "results", results->suite);
	fprintf(out, "%s%s\n", *common ? ": " : "", common);
	fprintf(out, "%zu points, %zu of %zu runs ok\n\n", results->count, results->runs_ok,
	        results->runs);
}

/* What must be known to read the numbers, and each run that is in none of them. */
static void print_notes(const struct chart_results *results, FILE *out)
{
	const struct csv_table *table = &results->table;
	int status = csv_read_column(table, "status"), run = csv_read_column(table, "run_id");
	int reason = csv_read_column(table, "status_reason");

	fprintf(out,
	        "\nops/s: median of the runs, min..max. Percentiles: %s;\n"
	        "\"-\": not measured, or fewer than 10 operations lie beyond.\n",
	        results->histograms ? "of all operations of a point's runs together"
	                            : "median of what each run has");
	if (results->legacy)
		fputs("There is no column \"status\": every run is taken for a good one.\n", out);
	if (results->runs_ok == results->runs)
		return;
	fprintf(out, "\n%zu of %zu runs are not ok and in no number above:\n",
	        results->runs - results->runs_ok, results->runs);
	for (size_t row = 0; row < table->rows; row++) {
		const struct chart_point *point = &results->points[results->row_point[row]];
		const char *why = csv_read_text(table, row, reason);

		if (!results->row_good[row])
			fprintf(out, "  %s %s: %s%s%s\n", point->scenario,
			        csv_read_text(table, row, run), csv_read_text(table, row, status),
			        *why ? ": " : "", *why ? why : "");
	}
}

static void print_list(const struct chart_results *results, FILE *out)
{
	const chart_factor_set size =
	    1u << CHART_WORKERS | 1u << CHART_ITEMS | 1u << CHART_CAPACITY;

	for (size_t i = 0; i < results->count; i++) {
		const struct chart_point *point = &results->points[i];
		char cells[AUDIT + 1][CHART_LABEL_BYTES];
		char name[CHART_LABEL_BYTES], factors[CHART_LABEL_BYTES];

		for (unsigned column = SCENARIO; column <= AUDIT; column++)
			print_cell(point, column, cells[column]);
		chart_label_point(results, point, factors);
		chart_label_join(point->scenario, factors, CHART_LABEL_BYTES, name);
		chart_label_factors(point, size, factors);
		fprintf(out, *point->scenario ? "%s (%s)\n" : "%s\n", name, factors);
		fprintf(out, "  %s operations a second (%s), %s runs ok, audit %s\n", cells[RATE],
		        cells[RANGE], cells[RUNS], cells[AUDIT]);
		fprintf(out, "  put: p50 %s, p99 %s; get: p50 %s, p99 %s\n", cells[PUT_P50],
		        cells[PUT_P99], cells[GET_P50], cells[GET_P99]);
		fprintf(out, "  %s messages an operation\n", cells[MESSAGES]);
	}
}

typedef void body(const struct chart_results *results, FILE *out);

static int show(const char *path, FILE *out, body *print_body)
{
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before = uselocale(c_locale);
	struct chart_results results;
	char error[ERROR_BYTES];
	int failure = chart_results_load(path, &results, error, sizeof(error));

	if (failure) {
		fprintf(out, "%s\n", error);
	} else {
		print_heading(&results, out);
		print_body(&results, out);
		print_notes(&results, out);
		chart_results_free(&results);
	}
	uselocale(before);
	freelocale(c_locale);
	return failure ? 1 : 0;
}

int show_table(const char *results, FILE *out)
{
	return show(results, out, print_table);
}

int show_list(const char *results, FILE *out)
{
	return show(results, out, print_list);
}
