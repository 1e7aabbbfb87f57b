/*
 * chart.c: see chart.h. One chart at a time: a writer (chart_throughput.c and the like) fills a
 * page, the page and the script of the same name become NAME.gp, gnuplot draws it, and what it
 * drew is looked at before it is called drawn.
 */
#include "chart.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chart_gnuplot.h"
#include "chart_label.h"
#include "chart_page.h"
#include "chart_results.h"
#include "manifest.h"

enum { SENTENCE_BYTES = 1024 };

static const struct chart {
	const char *name;
	chart_writer *write;
} charts[] = {
	{ "throughput", chart_throughput }, { "percentiles", chart_percentiles },
	{ "histogram", chart_histogram },   { "polling", chart_polling },
	{ "faults", chart_faults },
};

/* One call of chart_draw(). */
struct drawing {
	struct chart_results results;
	const char *folder;
	char scripts[PATH_MAX];
	FILE *report;
	size_t drawn, failed;
};

static FILE *open_in(const char *folder, const char *name, const char *ending, const char *mode)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending) >= (int)sizeof(path))
		return NULL;
	return fopen(path, mode);
}

/* Append ${from}/${name}${ending} to ${to}. */
static bool copy_script(const char *from, const char *name, FILE *to)
{
	FILE *script = open_in(from, name, ".gp", "re");
	char chunk[4096];
	size_t count;
	bool good = script != NULL;

	while (good && (count = fread(chunk, 1, sizeof(chunk), script)) > 0)
		good = fwrite(chunk, 1, count, to) == count;
	if (script)
		fclose(script);
	return good;
}

/* What the caption says on the runs behind a chart. */
static void describe_runs(const struct chart_results *results, char *text, size_t room)
{
	size_t least = SIZE_MAX, most = 0;
	int length;

	for (size_t i = 0; i < results->count; i++) {
		size_t runs = results->points[i].runs_ok;

		if (runs > 0 && runs < least)
			least = runs;
		if (runs > most)
			most = runs;
	}
	if (least < most)
		length = snprintf(text, room, "%zu to %zu runs a point", least, most);
	else
		length = snprintf(text, room, "%zu run%s a point", most, most == 1 ? "" : "s");
	if (results->runs_ok < results->runs && length > 0 && (size_t)length < room)
		snprintf(text + length, room - (size_t)length,
		         "; %zu of %zu runs failed: not shown", results->runs - results->runs_ok,
		         results->runs);
}

/* The caption's second line: machine, commit and date from the manifest; else the date alone. */
static void describe_machine(const struct chart_results *results, char text[CHART_LABEL_BYTES])
{
	char caption[SENTENCE_BYTES];
	const struct csv_table *table = &results->table;
	const char *started = csv_read_text(table, 0, csv_read_column(table, "started_at_utc"));

	if (manifest_caption(results->manifest_path, caption, sizeof(caption)) == 0) {
		chart_label_join(caption, "", CHART_LABEL_BYTES, text); /* cuts it to fit */
		return;
	}
	snprintf(text, CHART_LABEL_BYTES, "%s%.10s%smachine and commit unknown",
	         *started ? "Measured on " : "", started, *started ? "; " : "");
}

static void set_common(const struct drawing *drawing, struct chart_page *page)
{
	char runs[SENTENCE_BYTES], machine[CHART_LABEL_BYTES];

	fprintf(page->variables,
	        "# Redraws %s.svg and %s.png from %s.dat: gnuplot %s.gp\n"
	        "# First what the results say, then the script.\n",
	        page->name, page->name, page->name, page->name);
	describe_runs(&drawing->results, runs, sizeof(runs));
	describe_machine(&drawing->results, machine);
	chart_page_text(page, "name", page->name);
	chart_page_text(page, "suite",
	                *drawing->results.suite ? drawing->results.suite : "results");
	chart_page_text(page, "runs", runs);
	chart_page_text(page, "machine", machine);
}

/* Write NAME.gp and NAME.dat. Returns 1 if the chart applies, 0 if not, -1 if a file cannot be
 * written. */
static int make_page(const struct drawing *drawing, const struct chart *chart,
                     struct chart_page *page)
{
	int made = -1;

	page->data = open_in(drawing->folder, page->name, ".dat", "we");
	page->variables = open_in(drawing->folder, page->name, ".gp", "we");
	if (page->data && page->variables) {
		set_common(drawing, page);
		made = chart->write(&drawing->results, page);
		chart_page_number(page, "longest", (double)page->longest);
		chart_page_text(page, "left_out", made ? page->reason : "");
		if (made == 1 && !copy_script(drawing->scripts, page->name, page->variables))
			made = -1;
		if (ferror(page->data) || ferror(page->variables))
			made = -1;
	}
	if (page->data && fclose(page->data) != 0)
		made = -1;
	if (page->variables && fclose(page->variables) != 0)
		made = -1;
	return made;
}

static void remove_files(const struct drawing *drawing, const char *name)
{
	static const char *const endings[] = { "svg", "png", "gp", "dat" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s.%s", drawing->folder, name, endings[i]) <
		    (int)sizeof(path))
			unlink(path);
	}
}

static bool is_drawn(const struct drawing *drawing, const char *name, const char *ending)
{
	struct stat status;
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s%s", drawing->folder, name, ending) <
	           (int)sizeof(path) &&
	       stat(path, &status) == 0 && status.st_size > 0;
}

/* What an earlier call has left goes first: a picture of other results would be a lie. */
static void draw_chart(struct drawing *drawing, const struct chart *chart)
{
	struct chart_page page = { .name = chart->name };
	char script[NAME_MAX], said[SENTENCE_BYTES];
	int made;

	remove_files(drawing, chart->name);
	made = make_page(drawing, chart, &page);
	snprintf(script, sizeof(script), "%s.gp", chart->name);
	if (made == 0) {
		remove_files(drawing, chart->name);
		fprintf(drawing->report, "%s: left out: %s\n", chart->name, page.reason);
	} else if (made < 0) {
		drawing->failed++;
		fprintf(drawing->report, "%s: %s/%s cannot be made from %s/%s: %s\n", chart->name,
		        drawing->folder, script, drawing->scripts, script, strerror(errno));
	} else if (chart_gnuplot_run(drawing->folder, script, said, sizeof(said)) != 0) {
		drawing->failed++;
		fprintf(drawing->report, "%s: %s\n", chart->name, said);
	} else if (!is_drawn(drawing, chart->name, ".svg") ||
	           !is_drawn(drawing, chart->name, ".png")) {
		drawing->failed++;
		fprintf(drawing->report, "%s: gnuplot drew nothing\n", chart->name);
	} else {
		drawing->drawn++;
		fprintf(drawing->report, "%s: %s/%s.svg and .png%s%s\n", chart->name,
		        drawing->folder, chart->name, *page.reason ? "; " : "", page.reason);
	}
}

/* Make the folder and those above it that are missing. */
static int make_folder(const char *path)
{
	char part[PATH_MAX];
	struct stat status;

	if (snprintf(part, sizeof(part), "%s", path) >= (int)sizeof(part))
		return ENAMETOOLONG;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			return errno;
		*slash = '/';
	}
	if (mkdir(part, 0777) != 0 && errno != EEXIST)
		return errno;
	if (stat(part, &status) != 0)
		return errno;
	return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
}

/* Everything that is needed before the first chart. Returns 0, or -1 with a sentence. */
static int prepare(struct drawing *drawing, char *error, size_t room)
{
	char here[PATH_MAX], there[PATH_MAX];
	FILE *style;
	bool copied;
	int failure;

	if (chart_gnuplot_scripts(drawing->scripts, sizeof(drawing->scripts), error, room) ||
	    chart_gnuplot_run("/", "/dev/null", error, room))
		return -1;
	failure = make_folder(drawing->folder);
	if (failure) {
		snprintf(error, room, "%s: cannot be made: %s", drawing->folder, strerror(failure));
		return -1;
	}
	if (realpath(drawing->scripts, here) && realpath(drawing->folder, there) &&
	    strcmp(here, there) == 0) {
		snprintf(error, room, "%s: the scripts are here; pictures need another folder",
		         drawing->folder);
		return -1;
	}
	style = open_in(drawing->folder, "style", ".gp", "we");
	copied = style && copy_script(drawing->scripts, "style", style);
	if ((style && fclose(style) != 0) || !copied) {
		snprintf(error, room, "%s/style.gp: cannot be written", drawing->folder);
		return -1;
	}
	return 0;
}

static int draw_all(struct drawing *drawing, const char *results)
{
	char error[SENTENCE_BYTES];

	if (chart_results_load(results, &drawing->results, error, sizeof(error))) {
		fprintf(drawing->report, "%s\n", error);
		return 1;
	}
	if (prepare(drawing, error, sizeof(error))) {
		fprintf(drawing->report, "%s\n", error);
		drawing->failed++;
	} else {
		for (size_t i = 0; i < sizeof(charts) / sizeof(*charts); i++)
			draw_chart(drawing, &charts[i]);
	}
	chart_results_free(&drawing->results);
	return drawing->drawn > 0 && drawing->failed == 0 ? 0 : 1;
}

int chart_draw(const char *results, const char *output_folder, FILE *report)
{
	struct drawing drawing = { .folder = output_folder, .report = report };
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before = uselocale(c_locale);
	int result = draw_all(&drawing, results);

	uselocale(before);
	freelocale(c_locale);
	return result;
}
