/*
 * chart_faults.c: the data of plots/faults.gp: a row for each kind of fault of each scenario, in it
 * a lane for each place of the victim, in that a point for each fault: how long it took until
 * anybody else had gone on. Faults that came while others lasted are left out: what followed may be
 * the others' doing.
 */
#include "chart_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/fault.h"
#include "chart_label.h"

enum { ROWS_MAX = 30 };

struct sample {
	size_t row;
	enum fault_place place;
	double gone_on_ns;
};

struct row {
	const char *scenario;
	enum fault_kind kind;
	size_t count;
};

struct faults {
	const struct chart_results *results;
	struct chart_page *page;
	struct csv_table table; /* faults.csv */
	struct row rows[ROWS_MAX];
	size_t row_count;
	struct sample *samples;
	size_t count;
	size_t left_out; /* beyond the last row */
	double unit_ns;
};

static enum fault_kind kind_called(const char *name)
{
	enum fault_kind kind = 0;

	while (kind < FAULT_KINDS && strcmp(fault_name(kind), name) != 0)
		kind++;
	return kind;
}

static enum fault_place place_called(const char *name)
{
	enum fault_place place = 0;

	while (place < FAULT_PLACES && strcmp(fault_place_name(place), name) != 0)
		place++;
	return place;
}

/* Whether the run called ${run_id} is good. Rows of one run follow each other: *${last} is where it
 * was found the time before. */
static bool is_good(const struct chart_results *results, const char *run_id, size_t *last)
{
	const struct csv_table *table = &results->table;
	int column = csv_read_column(table, "run_id");

	for (size_t i = 0; i < table->rows; i++) {
		size_t row = (*last + i) % table->rows;

		if (strcmp(csv_read_text(table, row, column), run_id) == 0) {
			*last = row;
			return results->row_good[row];
		}
	}
	return false;
}

/* Rows stand in the order of scenarios, and of kinds in each. Returns ROWS_MAX where no more fit.
 */
static size_t row_of(struct faults *faults, const char *scenario, enum fault_kind kind)
{
	for (size_t i = 0; i < faults->row_count; i++)
		if (faults->rows[i].kind == kind && strcmp(faults->rows[i].scenario, scenario) == 0)
			return i;
	if (faults->row_count == ROWS_MAX)
		return ROWS_MAX;
	faults->rows[faults->row_count] = (struct row){ .scenario = scenario, .kind = kind };
	return faults->row_count++;
}

/* Take one line of faults.csv. Returns 0, or -1 with the reason, where it is no number. */
static int take_line(struct faults *faults, size_t line, size_t *last_run)
{
	const struct csv_table *table = &faults->table;
	const char *scenario = csv_read_text(table, line, csv_read_column(table, "scenario"));
	enum fault_kind kind =
	    kind_called(csv_read_text(table, line, csv_read_column(table, "fault")));
	enum fault_place place =
	    place_called(csv_read_text(table, line, csv_read_column(table, "victim_place")));
	char *error = faults->page->reason;
	double others, gone_on_ns;
	size_t row;

	if (csv_read_number(table, line, csv_read_column(table, "others"), &others, error,
	                    sizeof(faults->page->reason)) ||
	    csv_read_number(table, line, csv_read_column(table, "gone_on_ns"), &gone_on_ns, error,
	                    sizeof(faults->page->reason)))
		return -1;
	if (kind == FAULT_KINDS || place == FAULT_PLACES || isnan(gone_on_ns) || others > 0 ||
	    !is_good(faults->results, csv_read_text(table, line, csv_read_column(table, "run_id")),
	             last_run))
		return 0;
	if ((row = row_of(faults, scenario, kind)) == ROWS_MAX) {
		faults->left_out++;
		return 0;
	}
	faults->rows[row].count++;
	faults->samples[faults->count++] = (struct sample){ row, place, gone_on_ns };
	return 0;
}

static int by_lane(const void *left, const void *right)
{
	const struct sample *a = left, *b = right;

	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	return (a->gone_on_ns > b->gone_on_ns) - (a->gone_on_ns < b->gone_on_ns);
}

/* Where a lane is: rows go downwards from 1, and the holders' lane is the uppermost. */
static double lane_y(size_t row, enum fault_place place)
{
	static const double offsets[FAULT_PLACES] = { [FAULT_HOLDING] = -0.3,
		                                      [FAULT_WAITING] = -0.1,
		                                      [FAULT_QUEUED] = 0.1,
		                                      [FAULT_OUTSIDE] = 0.3 };

	return (double)row + 1 + offsets[place];
}

/* The samples from ${from} that share its row and place. */
static size_t lane_end(const struct faults *faults, size_t from)
{
	size_t end = from;

	while (end < faults->count && faults->samples[end].row == faults->samples[from].row &&
	       faults->samples[end].place == faults->samples[from].place)
		end++;
	return end;
}

/* The points of one place, then their medians, lane by lane. */
static void write_place(struct faults *faults, enum fault_place place)
{
	FILE *data = faults->page->data;

	chart_page_block(faults->page, fault_place_name(place), "time,lane");
	for (size_t i = 0; i < faults->count; i++)
		if (faults->samples[i].place == place)
			fprintf(data, "%.6g,%.3g\n",
			        faults->samples[i].gone_on_ns / faults->unit_ns,
			        lane_y(faults->samples[i].row, place));
	chart_page_block(faults->page, "medians", "time,lane");
	for (size_t i = 0; i < faults->count; i = lane_end(faults, i)) {
		size_t middle = i + (lane_end(faults, i) - 1 - i) / 2;

		if (faults->samples[i].place == place)
			fprintf(data, "%.6g,%.3g\n",
			        faults->samples[middle].gone_on_ns / faults->unit_ns,
			        lane_y(faults->samples[i].row, place));
	}
}

static bool has_place(const struct faults *faults, enum fault_place place)
{
	for (size_t i = 0; i < faults->count; i++)
		if (faults->samples[i].place == place)
			return true;
	return false;
}

/* Only places that there are: gnuplot complains about empty blocks. */
static void write_places(struct faults *faults)
{
	static const enum fault_place downwards[] = { FAULT_HOLDING, FAULT_WAITING, FAULT_QUEUED,
		                                      FAULT_OUTSIDE };
	static const char *const names[FAULT_PLACES] = {
		[FAULT_HOLDING] = "victim held the monitor",
		[FAULT_WAITING] = "waited on a condition",
		[FAULT_QUEUED] = "was in line",
		[FAULT_OUTSIDE] = "was outside",
	};
	size_t places = 0;

	chart_page_array(faults->page, "place_name", FAULT_PLACES);
	chart_page_array(faults->page, "place_style", FAULT_PLACES);
	for (size_t i = 0; i < FAULT_PLACES; i++) {
		if (!has_place(faults, downwards[i]))
			continue;
		chart_page_entry(faults->page, "place_name", ++places, names[downwards[i]]);
		chart_page_element(faults->page, "place_style", places, (double)i);
		write_place(faults, downwards[i]);
	}
	chart_page_number(faults->page, "places", (double)places);
}

static int by_value(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* "n = 120, median 0.5 ms, longest 53 ms", of all places of a row. */
static void write_note(struct faults *faults, size_t row, double *values)
{
	char median[CHART_TIME_BYTES], longest[CHART_TIME_BYTES], note[CHART_LABEL_BYTES];
	size_t count = 0;

	for (size_t i = 0; i < faults->count; i++)
		if (faults->samples[i].row == row)
			values[count++] = faults->samples[i].gone_on_ns;
	qsort(values, count, sizeof(*values), by_value);
	chart_label_time(values[(count - 1) / 2], median);
	chart_label_time(values[count - 1], longest);
	snprintf(note, sizeof(note), "%zu: %s, %s", count, median, longest);
	chart_page_entry(faults->page, "row_note", row + 1, note);
}

static void write_rows(struct faults *faults, double *values)
{
	bool several = false;

	for (size_t i = 1; i < faults->row_count; i++)
		several =
		    several || strcmp(faults->rows[i].scenario, faults->rows[0].scenario) != 0;
	chart_page_number(faults->page, "rows", (double)faults->row_count);
	chart_page_array(faults->page, "row_name", faults->row_count);
	chart_page_array(faults->page, "row_note", faults->row_count);
	for (size_t i = 0; i < faults->row_count; i++) {
		char name[CHART_LABEL_BYTES];

		chart_label_join(several ? faults->rows[i].scenario : "",
		                 fault_name(faults->rows[i].kind), 26, name);
		chart_page_entry(faults->page, "row_name", i + 1, name);
		write_note(faults, i, values);
	}
}

/* A limit of the sessions that all runs had in common; 0 if they had not. */
static void write_limit(struct faults *faults, const char *column, const char *name)
{
	const struct csv_table *table = &faults->results->table;
	const char *first = csv_read_text(table, 0, csv_read_column(table, column));
	bool common = true;
	double limit_ns = 0;
	char error[64];

	for (size_t i = 1; i < table->rows; i++)
		common = common && strcmp(csv_read_text(table, i, csv_read_column(table, column)),
		                          first) == 0;
	if (!common ||
	    csv_read_number(table, 0, csv_read_column(table, column), &limit_ns, error,
	                    sizeof(error)) ||
	    isnan(limit_ns))
		limit_ns = 0;
	chart_page_number(faults->page, name, limit_ns / faults->unit_ns);
}

static void write_page(struct faults *faults, double *values)
{
	double low = INFINITY, high = 0;

	faults->unit_ns = 1e6;
	for (size_t i = 0; i < faults->count; i++) {
		/* Less than 10 us is as good as at once, and would only stretch the axis. */
		faults->samples[i].gone_on_ns = fmax(faults->samples[i].gone_on_ns, 1e4);
		low = fmin(low, faults->samples[i].gone_on_ns);
		high = fmax(high, faults->samples[i].gone_on_ns);
	}
	qsort(faults->samples, faults->count, sizeof(*faults->samples), by_lane);
	chart_page_log_axis(faults->page, "time", low / faults->unit_ns, high / faults->unit_ns);
	write_limit(faults, "lease_ns", "lease");
	write_limit(faults, "resume_ns", "resume");
	write_rows(faults, values);
	write_places(faults);
	chart_page_crop(faults->page, faults->count, faults->count + faults->left_out, "faults");
}

static bool draw(struct faults *faults)
{
	size_t last_run = 0;
	double *values = calloc(faults->table.rows + 1, sizeof(*values));
	bool drawn = false;

	faults->samples = calloc(faults->table.rows + 1, sizeof(*faults->samples));
	if (values == NULL || faults->samples == NULL) {
		chart_page_skip(faults->page, "out of memory");
		goto end;
	}
	for (size_t line = 0; line < faults->table.rows; line++)
		if (take_line(faults, line, &last_run) != 0)
			goto end;
	if (faults->count == 0) {
		chart_page_skip(faults->page, "no fault of a good run");
		goto end;
	}
	write_page(faults, values);
	drawn = true;

end:
	free(faults->samples);
	free(values);
	return drawn;
}

bool chart_faults(const struct chart_results *results, struct chart_page *page)
{
	struct faults faults = { .results = results, .page = page };
	char error[512];
	bool drawn;

	if (csv_read(results->faults_path, &faults.table, error, sizeof(error)))
		return chart_page_skip(page, "no run with faults");
	drawn = draw(&faults);
	csv_read_free(&faults.table);
	return drawn;
}
