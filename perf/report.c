/* report.c: libcsv writes every cell, quoted; the table in columns.c says which. */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csv.h>

#include "csv_read.h"
#include "sentence.h"

struct output {
	char *path;
	FILE *file; /* NULL: not wanted */
};

struct report {
	struct output results;
	struct output histograms;
	struct output faults;
	struct output appended;
};

static const char *const histogram_columns[] = { "run_id", "scenario", "operation",
	                                         "low_ns", "high_ns",  "count" };
enum { HISTOGRAM_COLUMNS = sizeof(histogram_columns) / sizeof(histogram_columns[0]) };

static const char *const fault_columns[] = { "run_id",       "scenario",  "fault",
	                                     "victim_place", "victim",    "others",
	                                     "at_ns",        "length_ns", "gone_on_ns" };
enum { FAULT_COLUMNS = sizeof(fault_columns) / sizeof(fault_columns[0]) };

/* Write a cell with what stands between it and the one before. */
static void write_cell(FILE *file, bool first, const char *text)
{
	if (!first)
		fputc(',', file);
	csv_fwrite(file, text, strlen(text));
}

static void write_header(FILE *file)
{
	size_t count;
	const struct column *columns = columns_all(&count);
	for (size_t i = 0; i < count; i++)
		write_cell(file, i == 0, columns[i].name);
	fputc('\n', file);
}

static void write_names(FILE *file, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		write_cell(file, i == 0, names[i]);
	fputc('\n', file);
}

static void write_row(FILE *file, const struct row *row)
{
	size_t count;
	const struct column *columns = columns_all(&count);
	for (size_t i = 0; i < count; i++) {
		char cell[COLUMNS_CELL_BYTES];
		columns_print(&columns[i], row, cell);
		write_cell(file, i == 0, cell);
	}
	fputc('\n', file);
}

static void write_histogram(FILE *file, const struct row *row, const char *operation,
                            const struct histogram *histogram)
{
	for (size_t bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		char number[32];
		if (histogram->buckets[bucket] == 0)
			continue;
		write_cell(file, true, row->run_id);
		write_cell(file, false, row->point->scenario->name);
		write_cell(file, false, operation);
		sentence(number, sizeof(number), "%" PRId64, histogram_low_ns(bucket));
		write_cell(file, false, number);
		sentence(number, sizeof(number), "%" PRId64, histogram_high_ns(bucket));
		write_cell(file, false, number);
		sentence(number, sizeof(number), "%" PRIu64, histogram->buckets[bucket]);
		write_cell(file, false, number);
		fputc('\n', file);
	}
}

static void write_number(FILE *file, int64_t number)
{
	char text[32] = "";
	if (number >= 0)
		sentence(text, sizeof(text), "%" PRId64, number);
	write_cell(file, false, text);
}

static void write_faults(FILE *file, const struct row *row)
{
	const struct torture_result *torture = &row->result->torture;
	for (size_t i = 0; i < torture->fault_count; i++) {
		const struct torture_fault *fault = &torture->faults[i];
		write_cell(file, true, row->run_id);
		write_cell(file, false, row->point->scenario->name);
		write_cell(file, false, fault_name(fault->kind));
		write_cell(file, false, fault_place_name(fault->place));
		write_number(file, (int64_t)fault->victim);
		write_number(file, (int64_t)fault->others);
		write_number(file, fault->at_ns);
		write_number(file, fault->length_ns);
		write_number(file, fault->gone_on_ns);
		fputc('\n', file);
	}
}

/* Put what was written on the disk. Nothing before has looked at errors: stdio keeps them. */
static int sync_output(const struct output *output, char error[REPORT_ERROR_BYTES])
{
	if (output->file == NULL)
		return 0;
	errno = 0;
	bool good = fflush(output->file) == 0 && !ferror(output->file);
	/* A pipe or a terminal cannot be synced, and need not be. */
	if (good && (fsync(fileno(output->file)) == 0 || errno == EINVAL || errno == EROFS))
		return 0;
	int failure = errno != 0 ? errno : EIO;
	sentence(error, REPORT_ERROR_BYTES, "%s: %s", output->path, strerror(failure));
	return failure;
}

static int open_output(struct output *output, const char *folder, const char *name,
                       const char *mode, char error[REPORT_ERROR_BYTES])
{
	int failure =
	    asprintf(&output->path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", name) < 0
	        ? ENOMEM
	        : 0;
	if (failure != 0) {
		output->path = NULL;
		sentence(error, REPORT_ERROR_BYTES, "%s: out of memory", name);
		return failure;
	}
	output->file = fopen(output->path, mode);
	if (output->file != NULL)
		return 0;
	failure = errno;
	sentence(error, REPORT_ERROR_BYTES, "%s: %s", output->path, strerror(failure));
	return failure;
}

static void close_output(struct output *output)
{
	if (output->file != NULL)
		fclose(output->file);
	free(output->path);
}

int report_check_csv(const char *file, char error[REPORT_ERROR_BYTES])
{
	struct stat status;
	if (stat(file, &status) != 0 && errno == ENOENT)
		return 0;
	if (access(file, R_OK | W_OK) != 0) {
		int failure = errno;
		sentence(error, REPORT_ERROR_BYTES, "%s: %s", file, strerror(failure));
		return failure;
	}
	if (status.st_size == 0)
		return 0;
	struct csv_table table;
	int failure = csv_read(file, &table, error, REPORT_ERROR_BYTES);
	if (failure != 0)
		return failure;
	size_t count;
	const struct column *columns = columns_all(&count);
	bool same = table.columns == count;
	for (size_t i = 0; i < count && same; i++)
		same = csv_read_column(&table, columns[i].name) == (int)i;
	csv_read_free(&table);
	if (same)
		return 0;
	return sentence(error, REPORT_ERROR_BYTES,
	                "%s:1: other columns than this version's, so nothing is appended; "
	                "see `performance_test help columns`",
	                file);
}

/* A file that is new or empty gets a header. */
static void begin_appending(FILE *file)
{
	if (fseek(file, 0, SEEK_END) == 0 && ftell(file) == 0)
		write_header(file);
}

int report_open(const char *folder, const char *csv, struct report **report,
                char error[REPORT_ERROR_BYTES])
{
	struct report *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		sentence(error, REPORT_ERROR_BYTES, "%s: out of memory", folder);
		return ENOMEM;
	}
	int failure = open_output(&made->results, folder, REPORT_RESULTS_NAME, "wxe", error);
	if (failure == 0)
		failure =
		    open_output(&made->histograms, folder, REPORT_HISTOGRAMS_NAME, "wxe", error);
	if (failure == 0)
		failure = open_output(&made->faults, folder, REPORT_FAULTS_NAME, "wxe", error);
	if (failure == 0 && csv != NULL)
		failure = open_output(&made->appended, "", csv, "a+e", error);
	if (failure != 0) {
		report_close(&made);
		return failure;
	}
	write_header(made->results.file);
	write_names(made->histograms.file, histogram_columns, HISTOGRAM_COLUMNS);
	write_names(made->faults.file, fault_columns, FAULT_COLUMNS);
	if (csv != NULL)
		begin_appending(made->appended.file);
	*report = made;
	return 0;
}

int report_add(struct report *report, const struct row *row, char error[REPORT_ERROR_BYTES])
{
	/* The histogram first: a row whose histogram is missing would be half a result. */
	if (row->result->duration_ns >= 0) {
		write_histogram(report->histograms.file, row, "put", &row->result->put);
		write_histogram(report->histograms.file, row, "get", &row->result->get);
	}
	write_faults(report->faults.file, row);
	write_row(report->results.file, row);
	if (report->appended.file != NULL)
		write_row(report->appended.file, row);
	int failure = sync_output(&report->histograms, error);
	if (failure == 0)
		failure = sync_output(&report->faults, error);
	if (failure == 0)
		failure = sync_output(&report->results, error);
	if (failure == 0)
		failure = sync_output(&report->appended, error);
	return failure;
}

void report_close(struct report **report)
{
	if (*report == NULL)
		return;
	close_output(&(*report)->results);
	close_output(&(*report)->histograms);
	close_output(&(*report)->faults);
	close_output(&(*report)->appended);
	free(*report);
	*report = NULL;
}
