/* test_report.c: the files of numbers, read again by libcsv's own strict parser. */
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include <cmocka.h>

#include "../report.h"
#include "support.h"

#define DICTIONARY "results/README.md"

/* A contract: other programs read these by name, and the first seven by place. */
static const char contract[] =
    "producers,consumers,items_per_producer,capacity,total_duration_s,ops_per_second,"
    "avg_latency_ms,schema_version,suite,scenario,point_id,repetition,run_id,order_index,"
    "started_at_utc,status,status_reason,audit,engine,transport,storage,exit_mode,"
    "poll_interval_ns,payload_bytes,seed,warmup_items,items,operations,put_mean_ns,put_p50_ns,"
    "put_p90_ns,put_p99_ns,put_p99_9_ns,put_max_ns,get_mean_ns,get_p50_ns,get_p90_ns,get_p99_ns,"
    "get_p99_9_ns,get_max_ns,histogram_overflow,server_cpu_ns,workers_cpu_ns,server_messages,"
    "messages_per_operation,start_skew_ns,lost_items,doubled_items,out_of_order_items,faults,"
    "fault_interval_ns,lease_ns,resume_ns,lock_holders,rounds,faults_done,faults_control,"
    "faults_kill,faults_pause,faults_freeze,faults_cut,faults_refuse,faults_silence,"
    "faults_blackout,faults_drop,faults_duplicate,faults_delay,faults_stall,gone_on_p50_ns,"
    "gone_on_p99_ns,gone_on_max_ns,items_unknown,items_taken,stale_moves,wakeups,futile_wakeups,"
    "signals_passed_on,abandonments,sessions_lost,sessions_resumed,";

enum { CELLS_MAX = 8192 };

/* A CSV file as libcsv reads it. */
struct cells {
	char *cell[CELLS_MAX];
	size_t count;
	size_t columns; /* cells of the first row */
	size_t rows;    /* the header included */
};

static void add_cell(void *text, size_t length, void *data)
{
	struct cells *cells = data;
	assert_true(cells->count < CELLS_MAX);
	cells->cell[cells->count++] = strndup(text, length);
}

static void end_row(int end, void *data)
{
	struct cells *cells = data;
	(void)end;
	cells->rows++;
	if (cells->rows == 1)
		cells->columns = cells->count;
	assert_int_equal(cells->count, cells->rows * cells->columns);
}

static struct cells *read_csv(const char *file)
{
	struct cells *cells = calloc(1, sizeof(*cells));
	struct csv_parser parser;
	size_t length;
	char *text = support_read_file(file, &length);
	assert_non_null(cells);
	assert_int_equal(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI), 0);
	assert_int_equal(csv_parse(&parser, text, length, add_cell, end_row, cells), length);
	assert_int_equal(csv_fini(&parser, add_cell, end_row, cells), 0);
	assert_null(strchr(text, '\r'));
	assert_int_equal(text[length - 1], '\n');
	csv_free(&parser);
	free(text);
	return cells;
}

static void free_cells(struct cells *cells)
{
	for (size_t i = 0; i < cells->count; i++)
		free(cells->cell[i]);
	free(cells);
}

static const char *cell(const struct cells *cells, size_t row, const char *column)
{
	for (size_t i = 0; i < cells->columns; i++) {
		if (strcmp(cells->cell[i], column) == 0)
			return cells->cell[row * cells->columns + i];
	}
	fail_msg("there is no column %s", column);
	return NULL;
}

/* A run of ${text}'s first point, with 2000 puts of 1 ms and 2000 gets of 3 ms. */
struct fixture {
	struct suite *suite;
	struct matrix *matrix;
	struct run_result *result;
	struct row row;
	char *folder;
};

static void set_up(struct fixture *fixture, const char *text)
{
	char error[SUITE_ERROR_BYTES];
	fixture->suite = NULL;
	fixture->matrix = NULL;
	if (suite_parse("golden.ini", text, strlen(text), NULL, &fixture->suite, error) != 0 ||
	    matrix_expand(fixture->suite, &fixture->matrix, error) != 0)
		fail_msg("%s", error);
	struct run_result *result = calloc(1, sizeof(*result));
	assert_non_null(result);
	fixture->result = result;
	result->audit = RUN_AUDIT_OK;
	result->started_at_ns = INT64_C(1700000000123456789);
	result->operations = 4000;
	result->duration_ns =
	    INT64_C(2000000001); /* the nanosecond shows in the one, not in the other */
	result->start_skew_ns = 77;
	result->server_cpu_ns = 5;
	result->workers_cpu_ns = 6;
	result->server_messages = 12000;
	histogram_init(&result->put);
	histogram_init(&result->get);
	for (int i = 0; i < 2000; i++) {
		histogram_add(&result->put, 1000000);
		histogram_add(&result->get, 3000000);
	}
	fixture->row = (struct row){ .suite = fixture->suite,
		                     .point = &fixture->matrix->points[0],
		                     .result = result,
		                     .repetition = 1,
		                     .order_index = 3,
		                     .seed = 99,
		                     .run_id = "golden-1" };
	fixture->folder = support_make_folder();
}

static void tear_down(struct fixture *fixture)
{
	matrix_free(&fixture->matrix);
	suite_free(&fixture->suite);
	free(fixture->result);
	support_remove_folder(fixture->folder);
}

/* Write the fixture's row ${times} times; the results read again. */
static struct cells *write_and_read(struct fixture *fixture, int times)
{
	char error[REPORT_ERROR_BYTES];
	struct report *report = NULL;
	if (report_open(fixture->folder, NULL, &report, error) != 0)
		fail_msg("%s", error);
	for (int i = 0; i < times; i++)
		assert_int_equal(report_add(report, &fixture->row, error), 0);
	report_close(&report);
	assert_null(report);
	return read_csv(support_path(fixture->folder, REPORT_RESULTS_NAME));
}

static void the_columns_are_those_of_the_contract(void **state)
{
	(void)state;
	char names[4096] = "";
	size_t count;
	const struct column *columns = columns_all(&count);
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(names);
		snprintf(names + used, sizeof(names) - used, "%s,", columns[i].name);
	}
	assert_int_equal(strncmp(names, contract, strlen(contract)), 0);
}

static void a_run_becomes_a_row(void **state)
{
	(void)state;
	static const char *const expected[][2] = {
		{ "producers", "2" },
		{ "consumers", "3" },
		{ "items_per_producer", "1000" },
		{ "capacity", "10" },
		{ "total_duration_s", "2.000000001" },
		{ "ops_per_second", "2000" },
		{ "avg_latency_ms", "2" },
		{ "schema_version", "2" },
		{ "suite", "golden" },
		{ "scenario", "a" },
		{ "run_id", "golden-1" },
		{ "order_index", "3" },
		{ "started_at_utc", "2023-11-14T22:13:20.123Z" },
		{ "status", "ok" },
		{ "status_reason", "" },
		{ "audit", "ok" },
		{ "engine", "monitor" },
		{ "transport", "tcp" },
		{ "storage", "shared_memory" },
		{ "exit_mode", "async" },
		{ "poll_interval_ns", "" },
		{ "payload_bytes", "64" },
		{ "seed", "99" },
		{ "warmup_items", "0" },
		{ "items", "2000" },
		{ "operations", "4000" },
		{ "put_mean_ns", "1000000" },
		{ "put_p50_ns", "1000000" },
		{ "put_p99_ns", "1000000" },
		{ "put_p99_9_ns", "" }, /* 2 samples beyond it */
		{ "put_max_ns", "1000000" },
		{ "get_p90_ns", "3000000" },
		{ "histogram_overflow", "0" },
		{ "server_cpu_ns", "5" },
		{ "workers_cpu_ns", "6" },
		{ "server_messages", "12000" },
		{ "messages_per_operation", "3" },
		{ "start_skew_ns", "77" },
		{ "lost_items", "0" },
	};
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nproducers = 2\nconsumers = 3\nitems = 1000\n");
	struct cells *cells = write_and_read(&fixture, 2);
	assert_int_equal(cells->rows, 3);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_string_equal(cell(cells, 2, expected[i][0]), expected[i][1]);
	free_cells(cells);
	tear_down(&fixture);
}

/* A run by time has a row of its own kind, and its faults a file. */
static void faults_are_told_one_by_one(void **state)
{
	(void)state;
	static const char *const expected[][2] = {
		{ "items_per_producer", "" },
		{ "faults", "kill+cut" },
		{ "fault_interval_ns", "100000000" },
		{ "lease_ns", "5000000000" },
		{ "resume_ns", "50000000" },
		{ "lock_holders", "2" },
		{ "rounds", "3" },
		{ "faults_done", "2" },
		{ "faults_control", "0" },
		{ "faults_kill", "1" },
		{ "faults_cut", "1" },
		{ "faults_stall", "0" },
		{ "gone_on_p50_ns", "" }, /* of two, 10 must lie beyond */
		{ "gone_on_max_ns", "9000" },
		{ "items_unknown", "11" },
		{ "items_taken", "12" },
		{ "stale_moves", "13" },
		{ "wakeups", "14" },
		{ "futile_wakeups", "15" },
		{ "signals_passed_on", "16" },
		{ "abandonments", "17" },
		{ "sessions_lost", "18" },
		{ "sessions_resumed", "" },
	};
	static const char *const faults[][9] = {
		{ "golden-1", "a", "kill", "holding", "3", "0", "1000", "0", "9000" },
		{ "golden-1", "a", "cut", "waiting", "4", "2", "2000", "77", "" },
	};
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nduration = 1 s\nfaults = kill+cut\nholders = 2\n");
	struct torture_fault told[] = {
		{ FAULT_KILL, FAULT_HOLDING, 3, 0, 1000, 0, 9000 },
		{ FAULT_CUT, FAULT_WAITING, 4, 2, 2000, 77, -1 },
	};
	fixture.result->torture = (struct torture_result){
		.faults = told,
		.fault_count = 2,
		.by_kind = { [FAULT_KILL] = 1, [FAULT_CUT] = 1 },
		.fault_total = 2,
		.rounds = 3,
		.unknown = 11,
		.taken = 12,
		.stale = 13,
		.waits = 14,
		.futile = 15,
		.passed_on = 16,
		.abandonments = 17,
		.sessions_lost = 18,
		.sessions_resumed = -1,
	};
	histogram_init(&fixture.result->torture.gone_on);
	histogram_add(&fixture.result->torture.gone_on, 9000);
	struct cells *cells = write_and_read(&fixture, 1);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_string_equal(cell(cells, 1, expected[i][0]), expected[i][1]);
	free_cells(cells);
	cells = read_csv(support_path(fixture.folder, REPORT_FAULTS_NAME));
	assert_int_equal(cells->rows, 3);
	for (size_t row = 0; row < 2; row++)
		for (size_t i = 0; i < 9; i++)
			assert_string_equal(cells->cell[(row + 1) * 9 + i], faults[row][i]);
	free_cells(cells);
	tear_down(&fixture);
}

/* A run of items says nothing of faults. */
static void without_a_duration_there_are_no_faults(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\n");
	fixture.result->torture.fault_total = -1;
	fixture.result->torture.rounds = -1;
	struct cells *cells = write_and_read(&fixture, 1);
	static const char *const empty[] = { "faults",        "lease_ns",    "lock_holders",
		                             "rounds",        "faults_done", "faults_kill",
		                             "gone_on_max_ns" };
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		assert_string_equal(cell(cells, 1, empty[i]), "");
	free_cells(cells);
	tear_down(&fixture);
}

static void what_was_not_measured_is_empty(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nengine = null\n");
	fixture.result->status = RUN_FAILED;
	strcpy(fixture.result->reason, "producer 0, \"x\"\nfailed");
	fixture.result->audit = RUN_AUDIT_NONE;
	fixture.result->duration_ns = -1;
	fixture.result->server_cpu_ns = -1;
	fixture.result->server_messages = -1;
	struct cells *cells = write_and_read(&fixture, 1);
	static const char *const empty[] = { "total_duration_s",
		                             "ops_per_second",
		                             "avg_latency_ms",
		                             "audit",
		                             "items",
		                             "operations",
		                             "put_mean_ns",
		                             "put_p50_ns",
		                             "get_max_ns",
		                             "histogram_overflow",
		                             "server_cpu_ns",
		                             "server_messages",
		                             "transport",
		                             "messages_per_operation",
		                             "lost_items",
		                             "exit_mode" };
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		assert_string_equal(cell(cells, 1, empty[i]), "");
	assert_string_equal(cell(cells, 1, "status"), "failed");
	assert_string_equal(cell(cells, 1, "status_reason"), "producer 0, \"x\"\nfailed");
	struct cells *histograms = read_csv(support_path(fixture.folder, REPORT_HISTOGRAMS_NAME));
	assert_int_equal(histograms->rows, 1);
	free_cells(histograms);
	free_cells(cells);
	tear_down(&fixture);
}

static bool is_integer(const char *text)
{
	return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

static bool is_real(const char *text)
{
	char *end;
	return isdigit((unsigned char)text[0]) && strtod(text, &end) >= 0 && *end == '\0' &&
	       strchr(text, ',') == NULL;
}

static bool is_time(const char *text)
{
	static const char pattern[] = "dddd-dd-ddTdd:dd:dd.dddZ";
	bool good = strlen(text) == strlen(pattern);
	for (size_t i = 0; i < strlen(pattern) && good; i++)
		good = pattern[i] == 'd' ? isdigit((unsigned char)text[i]) : text[i] == pattern[i];
	return good;
}

static void cells_are_of_their_columns_type(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nengine = monitor-poll\npoll_interval = 10 ms\n");
	struct cells *cells = write_and_read(&fixture, 1);
	size_t count;
	const struct column *columns = columns_all(&count);
	assert_int_equal(cells->columns, count);
	for (size_t i = 0; i < count; i++) {
		const char *text = cells->cell[count + i];
		assert_string_equal(cells->cell[i], columns[i].name);
		if (text[0] == '\0')
			continue;
		if ((columns[i].type == COLUMN_INTEGER && !is_integer(text)) ||
		    (columns[i].type == COLUMN_REAL && !is_real(text)) ||
		    (columns[i].type == COLUMN_TIME && !is_time(text)))
			fail_msg("%s is %s", columns[i].name, text);
	}
	assert_string_equal(cell(cells, 1, "poll_interval_ns"), "10000000");
	assert_string_equal(cell(cells, 1, "exit_mode"), "confirmed");
	free_cells(cells);
	tear_down(&fixture);
}

static void text_is_never_a_formula(void **state)
{
	(void)state;
	static const char *const reasons[][2] = {
		{ "=1+1", "'=1+1" }, { "+1", "'+1" },  { "-x", "'-x" },
		{ "@A1", "'@A1" },   { "a=1", "a=1" },
	};
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct fixture fixture;
		set_up(&fixture, "[scenario a]\n");
		strcpy(fixture.result->reason, reasons[i][0]);
		struct cells *cells = write_and_read(&fixture, 1);
		assert_string_equal(cell(cells, 1, "status_reason"), reasons[i][1]);
		free_cells(cells);
		tear_down(&fixture);
	}
}

static void histograms_hold_every_operation(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\n");
	histogram_add(&fixture.result->put, 5);
	free_cells(write_and_read(&fixture, 1));
	struct cells *cells = read_csv(support_path(fixture.folder, REPORT_HISTOGRAMS_NAME));
	long puts = 0;
	long gets = 0;
	for (size_t row = 1; row < cells->rows; row++) {
		long count = atol(cell(cells, row, "count"));
		bool put = strcmp(cell(cells, row, "operation"), "put") == 0;
		puts += put ? count : 0;
		gets += put ? 0 : count;
		assert_true(atol(cell(cells, row, "low_ns")) < atol(cell(cells, row, "high_ns")));
		assert_string_equal(cell(cells, row, "run_id"), "golden-1");
		assert_string_equal(cell(cells, row, "scenario"), "a");
	}
	assert_int_equal(puts, 2001);
	assert_int_equal(gets, 2000);
	assert_int_equal(cells->rows, 1 + 3);
	free_cells(cells);
	tear_down(&fixture);
}

static void append_once(struct fixture *fixture, const char *csv)
{
	char error[REPORT_ERROR_BYTES];
	struct report *report = NULL;
	char *folder = support_make_folder();
	if (report_check_csv(csv, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(report_open(folder, csv, &report, error), 0);
	assert_int_equal(report_add(report, &fixture->row, error), 0);
	report_close(&report);
	support_remove_folder(folder);
}

static void rows_are_appended_under_one_header(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\n");
	const char *csv = support_path(fixture.folder, "all.csv");
	append_once(&fixture, csv);
	append_once(&fixture, csv);
	struct cells *cells = read_csv(csv);
	assert_int_equal(cells->rows, 3);
	assert_string_equal(cell(cells, 2, "scenario"), "a");
	free_cells(cells);
	tear_down(&fixture);
}

/* A header of our columns, in which ${from} stands as ${to}. */
static void write_header_but(const char *file, const char *from, const char *to)
{
	size_t count;
	const struct column *columns = columns_all(&count);
	FILE *out = fopen(file, "wxe");
	assert_non_null(out);
	for (size_t i = 0; i < count; i++) {
		const char *name = columns[i].name;
		fprintf(out, "%s%s", i > 0 ? "," : "", strcmp(name, from) == 0 ? to : name);
	}
	fputc('\n', out);
	fclose(out);
}

static void nearly_our_columns_are_not_ours(void **state)
{
	(void)state;
	static const struct {
		const char *from;
		const char *to;
		int expected;
	} cases[] = {
		{ "seed", "seed", 0 },
		{ "seed", "need", EINVAL },                                      /* another */
		{ "out_of_order_items", "out_of_order_items,one_more", EINVAL }, /* one more */
		{ "out_of_order_items", "items_out_of_order", EINVAL },          /* the last */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char error[REPORT_ERROR_BYTES];
		char *folder = support_make_folder();
		const char *csv = support_path(folder, "near.csv");
		write_header_but(csv, cases[i].from, cases[i].to);
		assert_int_equal(report_check_csv(csv, error), cases[i].expected);
		support_remove_folder(folder);
	}
}

static void other_columns_are_not_appended_to(void **state)
{
	(void)state;
	char error[REPORT_ERROR_BYTES];
	char *folder = support_make_folder();
	const char *csv = support_path(folder, "other.csv");
	support_write_file(csv, "producers,consumers\n1,2\n");
	assert_int_equal(report_check_csv(csv, error), EINVAL);
	assert_non_null(strstr(error, "other.csv:1: other columns"));
	assert_int_equal(report_check_csv(support_path(folder, "none.csv"), error), 0);
	support_write_file(support_path(folder, "empty.csv"), "");
	assert_int_equal(report_check_csv(support_path(folder, "empty.csv"), error), 0);
	assert_int_not_equal(report_check_csv(folder, error), 0);
	/* half a row: what is appended would become the rest of it */
	support_write_file(support_path(folder, "cut.csv"), "producers,consumers\n1");
	assert_int_equal(report_check_csv(support_path(folder, "cut.csv"), error), EINVAL);
	support_remove_folder(folder);
}

static void results_are_never_overwritten(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\n");
	free_cells(write_and_read(&fixture, 1));
	struct report *report = NULL;
	char error[REPORT_ERROR_BYTES];
	assert_int_equal(report_open(fixture.folder, NULL, &report, error), EEXIST);
	assert_null(report);
	tear_down(&fixture);
}

static void the_dictionary_is_the_table(void **state)
{
	(void)state;
	char *expected = NULL;
	size_t length;
	FILE *out = open_memstream(&expected, &length);
	columns_markdown(out);
	fclose(out);
	char *dictionary = support_read_file(DICTIONARY, NULL);
	if (strstr(dictionary, expected) == NULL)
		fail_msg("%s is out of date; it must contain what `performance_test help columns "
		         "--markdown` prints",
		         DICTIONARY);
	free(dictionary);
	free(expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_columns_are_those_of_the_contract),
		cmocka_unit_test(a_run_becomes_a_row),
		cmocka_unit_test(faults_are_told_one_by_one),
		cmocka_unit_test(without_a_duration_there_are_no_faults),
		cmocka_unit_test(what_was_not_measured_is_empty),
		cmocka_unit_test(cells_are_of_their_columns_type),
		cmocka_unit_test(text_is_never_a_formula),
		cmocka_unit_test(histograms_hold_every_operation),
		cmocka_unit_test(rows_are_appended_under_one_header),
		cmocka_unit_test(nearly_our_columns_are_not_ours),
		cmocka_unit_test(other_columns_are_not_appended_to),
		cmocka_unit_test(results_are_never_overwritten),
		cmocka_unit_test(the_dictionary_is_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
