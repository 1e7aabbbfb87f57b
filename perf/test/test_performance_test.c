/* test_performance_test.c: the program as its users meet it: exit codes, files, what it prints,
 * and that it leaves no process behind, whatever ends it. */
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../command.h"
#include "../csv_read.h"
#include "support.h"

enum { ARGUMENTS_MAX = 16 };

/* A folder with scenario.ini in it; results go to results/ there. */
struct fixture {
	char *folder;
	char scenario[1024];
	char results[512];
	struct support_process process;
};

static void set_up(struct fixture *fixture, const char *scenario)
{
	fixture->folder = support_make_folder();
	snprintf(fixture->scenario, sizeof(fixture->scenario), "%s/scenario.ini", fixture->folder);
	snprintf(fixture->results, sizeof(fixture->results), "%s/results", fixture->folder);
	support_write_file(fixture->scenario, scenario);
}

static void tear_down(struct fixture *fixture)
{
	support_free(&fixture->process);
	support_remove_folder(fixture->folder);
}

/* performance_test ${words}, a NULL behind the last. */
static void start(struct fixture *fixture, const char *const *words)
{
	const char *arguments[ARGUMENTS_MAX] = { support_program("performance_test") };
	for (size_t i = 0; words[i] != NULL; i++)
		arguments[i + 1] = words[i];
	support_start(arguments, &fixture->process);
}

static int run(struct fixture *fixture, const char *const *words)
{
	start(fixture, words);
	return support_finish(&fixture->process);
}

/* performance_test run scenario.ini, with what else is wanted. */
static int run_scenario(struct fixture *fixture, const char *option, const char *value)
{
	const char *words[] = { "run",  "--no-plots", "-o", fixture->results, fixture->scenario,
		                option, value,        NULL };
	return run(fixture, words);
}

static bool exists(const char *folder, const char *name)
{
	return access(support_path(folder, name), F_OK) == 0;
}

/* The latest results, to be freed by csv_read_free(). */
static struct csv_table read_results(const struct fixture *fixture)
{
	struct csv_table table;
	char error[512];
	if (csv_read(support_path(fixture->results, "latest/performance_results_distributed.csv"),
	             &table, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	return table;
}

static const char *cell(const struct csv_table *table, size_t row, const char *column)
{
	return csv_read_text(table, row, csv_read_column(table, column));
}

static void assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is missing in:\n%s", part, text);
}

/* Each line: the words, the exit code, a part of stdout, a part of stderr. */
static void the_command_line_is_checked(void **state)
{
	(void)state;
	static const struct {
		const char *words[5];
		int code;
		const char *out;
		const char *err;
	} cases[] = {
		{ { NULL }, 2, "", "Usage: performance_test" },
		{ { "--help", NULL }, 0, "Usage: performance_test VERB", "" },
		{ { "--version", NULL }, 0, "performance_test 0.", "" },
		{ { "rnu", NULL }, 2, "", "there is no verb rnu; did you mean run?" },
		{ { "frobnicate", NULL }, 2, "", "there is no verb frobnicate; see" },
		{ { "run", NULL }, 2, "", "which scenario file?" },
		{ { "run", "--fast", NULL }, 2, "", "performance_test run: unrecognized option" },
		{ { "run", "--help", NULL }, 0, "130 or 143", "" },
		{ { "run", "/nonexistent.ini", NULL }, 2, "", "/nonexistent.ini: No such file" },
		{ { "run", "/", NULL }, 2, "", "/: Is a directory" },
		{ { "plan", "configs/smoke.ini", "-s", "psuh", NULL },
		  2,
		  "",
		  "did you mean push?" },
		{ { "plan", "configs/smoke.ini", "--set", "itmes=3", NULL },
		  2,
		  "",
		  "did you mean items?" },
		{ { "plan", "configs/smoke.ini", "--repetitions", "0", NULL },
		  2,
		  "",
		  "repetitions is \"0\"" },
		{ { "plan", "configs/smoke.ini", NULL },
		  0,
		  "smoke: 7 points, 7 runs, interleaved",
		  "" },
		{ { "plan", "configs/original.ini", NULL }, 0, "original: 6 points", "" },
		{ { "help", NULL }, 0, "Usage: performance_test VERB", "" },
		{ { "help", "run", NULL }, 0, "Usage: performance_test run", "" },
		{ { "help", "keys", NULL }, 0, "poll_interval", "" },
		{ { "help", "engines", NULL }, 0, "monitor-poll", "" },
		{ { "help", "columns", NULL }, 0, "put_p99_9_ns", "" },
		{ { "help", "columns", "--markdown", NULL }, 0, "| `put_p99_9_ns` |", "" },
		{ { "help", "me", NULL }, 2, "", "nothing is known about me" },
		{ { "show", "/nonexistent", NULL }, 1, "", "" },
		{ { "plot", "a", "b", NULL }, 2, "", "one run folder or CSV file at a time" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture fixture;
		int code = run(&fixture, cases[i].words);
		if (code != cases[i].code)
			fail_msg("case %zu ended with %d:\n%s", i, code, fixture.process.err);
		assert_contains(fixture.process.out, cases[i].out);
		assert_contains(fixture.process.err, cases[i].err);
		support_free(&fixture.process);
	}
}

static void a_bad_scenario_runs_nothing(void **state)
{
	(void)state;
	struct fixture fixture;
	char expected[1200];
	set_up(&fixture, "[scenario a]\n\nproducer = 2\n");
	assert_int_equal(run_scenario(&fixture, NULL, NULL), 2);
	snprintf(expected, sizeof(expected),
	         "%s:3: unknown key producer; did you mean producers?\n", fixture.scenario);
	assert_string_equal(fixture.process.err, expected);
	assert_string_equal(fixture.process.out, "");
	assert_false(exists(fixture.folder, "results"));
	tear_down(&fixture);
}

/* All files are read before the first run. */
static void one_bad_file_of_two_runs_nothing(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nengine = null\n");
	support_write_file(support_path(fixture.folder, "bad.ini"), "");
	char bad[512];
	snprintf(bad, sizeof(bad), "%s/bad.ini", fixture.folder);
	assert_int_equal(run_scenario(&fixture, bad, NULL), 2);
	assert_contains(fixture.process.err, "bad.ini:1: there is no [scenario NAME]");
	assert_false(exists(fixture.folder, "results"));
	tear_down(&fixture);
}

static void a_run_leaves_numbers_manifest_and_scenario(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture,
	       "[suite]\nrepetitions = 2\n[scenario a]\nengine = null\nproducers = 1, 2\n");
	assert_int_equal(run_scenario(&fixture, NULL, NULL), 0);
	assert_true(exists(fixture.results, "latest/manifest.json"));
	assert_true(exists(fixture.results, "latest/histograms.csv"));
	assert_true(exists(fixture.results, "latest/resolved.ini"));
	assert_contains(fixture.process.out, "/performance_results_distributed.csv");
	assert_contains(fixture.process.err, "[  4/4] a p=2 c=1 items=100 cap=10 null rep 2/2  ok");
	assert_null(strchr(fixture.process.err, '\r'));
	struct csv_table table = read_results(&fixture);
	assert_int_equal(table.rows, 4);
	static const char *const order[] = { "1", "2", "1", "2" };
	for (size_t row = 0; row < 4; row++) {
		assert_string_equal(cell(&table, row, "producers"), order[row]);
		assert_string_equal(cell(&table, row, "status"), "ok");
		assert_string_equal(cell(&table, row, "audit"), "unchecked");
	}
	csv_read_free(&table);
	tear_down(&fixture);
}

static void what_was_resolved_can_be_run_again(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[suite]\nseed = 5\nrepetitions = 2\n[scenario a]\nengine = null\n"
	                 "producers = ${PERF_TEST_UNSET:-2}\nconsumers = @producers\nitems = 3\n");
	assert_int_equal(run_scenario(&fixture, NULL, NULL), 0);
	struct csv_table first = read_results(&fixture);
	support_free(&fixture.process);
	snprintf(fixture.scenario, sizeof(fixture.scenario), "%s/latest/resolved.ini",
	         fixture.results);
	assert_int_equal(run_scenario(&fixture, NULL, NULL), 0);
	struct csv_table second = read_results(&fixture);
	static const char *const same[] = { "suite", "scenario", "point_id", "seed", "producers" };
	assert_int_equal(first.rows, second.rows);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_string_equal(cell(&first, 1, same[i]), cell(&second, 1, same[i]));
	assert_string_not_equal(cell(&first, 1, "run_id"), cell(&second, 1, "run_id"));
	csv_read_free(&first);
	csv_read_free(&second);
	tear_down(&fixture);
}

static void the_monitor_is_measured_and_audited(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nproducers = 2\nconsumers = 2\nitems = 50\ncapacity = 2\n"
	                 "engine = monitor, monitor-poll\npoll_interval = 1 ms\nrepetitions = 1\n");
	assert_int_equal(run_scenario(&fixture, NULL, NULL), 0);
	struct csv_table table = read_results(&fixture);
	assert_int_equal(table.rows, 2);
	for (size_t row = 0; row < table.rows; row++) {
		assert_string_equal(cell(&table, row, "audit"), "ok");
		assert_string_equal(cell(&table, row, "items"), "100");
		assert_true(atof(cell(&table, row, "messages_per_operation")) >= 3);
	}
	csv_read_free(&table);
	tear_down(&fixture);
}

static void other_columns_are_refused_before_anything_runs(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nengine = null\n");
	char csv[512];
	snprintf(csv, sizeof(csv), "%s/all.csv", fixture.folder);
	support_write_file(csv, "producers,consumers\n1,2\n");
	assert_int_equal(run_scenario(&fixture, "--csv", csv), 2);
	assert_contains(fixture.process.err, "all.csv:1: other columns");
	assert_false(exists(fixture.folder, "results"));
	tear_down(&fixture);
}

static void a_server_that_cannot_start_is_a_failed_run(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nrepetitions = 2\n");
	assert_int_equal(run_scenario(&fixture, "--server-program", "/bin/false"), 1);
	struct csv_table table = read_results(&fixture);
	assert_int_equal(table.rows, 2);
	assert_string_equal(cell(&table, 1, "status"), "failed");
	assert_string_not_equal(cell(&table, 1, "status_reason"), "");
	assert_string_equal(cell(&table, 1, "ops_per_second"), "");
	csv_read_free(&table);
	tear_down(&fixture);
}

/* One good run does not hide a bad one. */
static void the_worst_run_decides(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[defaults]\nrepetitions = 1\nengine = null\n[scenario good]\n"
	                 "[scenario bad]\nworker_cpus = 1023\n[scenario fine]\n");
	assert_int_equal(run_scenario(&fixture, NULL, NULL), 1);
	struct csv_table table = read_results(&fixture);
	assert_int_equal(table.rows, 3);
	assert_string_equal(cell(&table, 1, "status"), "failed");
	assert_string_equal(cell(&table, 2, "status"), "ok");
	csv_read_free(&table);
	tear_down(&fixture);
}

static bool has_three_more(void *context)
{
	const struct fixture *fixture = context;
	return support_count_session(fixture->process.pid) >= 4;
}

static bool is_alone(void *context)
{
	const struct fixture *fixture = context;
	return support_count_session(fixture->process.pid) == 0;
}

/* A server and two workers that would be at it for hours. */
static void start_long_run(struct fixture *fixture)
{
	set_up(fixture, "[scenario quick]\nengine = null\nrepetitions = 1\n"
	                "[scenario long]\nproduce_time = 1 s\nitems = 10000\ntimeout = 24 h\n");
	const char *words[] = { "run", "-o", fixture->results, fixture->scenario, NULL };
	start(fixture, words);
	assert_true(support_await(has_three_more, fixture, 30));
}

static void interrupt(int signal_number, pid_t (*whom)(pid_t), int code)
{
	struct fixture fixture;
	start_long_run(&fixture);
	assert_int_equal(kill(whom(fixture.process.pid), signal_number), 0);
	assert_int_equal(support_finish(&fixture.process), code);
	assert_int_equal(support_count_session(fixture.process.pid), 0);
	struct csv_table table = read_results(&fixture);
	assert_int_equal(table.rows, 2);
	assert_string_equal(cell(&table, 0, "status"), "ok");
	assert_string_equal(cell(&table, 1, "status"), "interrupted");
	assert_string_equal(cell(&table, 1, "ops_per_second"), "");
	csv_read_free(&table);
	char *manifest =
	    support_read_file(support_path(fixture.results, "latest/manifest.json"), NULL);
	assert_contains(manifest, "\"ended_at_utc\"");
	free(manifest);
	tear_down(&fixture);
}

static pid_t it_alone(pid_t pid)
{
	return pid;
}

/* As Ctrl-C does. */
static pid_t its_group(pid_t pid)
{
	return -pid;
}

static void ctrl_c_keeps_what_was_measured(void **state)
{
	(void)state;
	interrupt(SIGINT, its_group, 130);
	interrupt(SIGINT, it_alone, 130);
	interrupt(SIGTERM, it_alone, 143);
}

static void a_killed_harness_leaves_no_process(void **state)
{
	(void)state;
	struct fixture fixture;
	start_long_run(&fixture);
	assert_int_equal(kill(fixture.process.pid, SIGKILL), 0);
	assert_int_equal(support_finish(&fixture.process), -SIGKILL);
	assert_true(support_await(is_alone, &fixture, 10));
	tear_down(&fixture);
}

/* Make the Polish locale in ${folder} if this machine has none, and let children find it there. */
static bool make_polish(const char *folder)
{
	locale_t polish = newlocale(LC_ALL_MASK, "pl_PL.UTF-8", (locale_t)0);
	if (polish != (locale_t)0) {
		freelocale(polish);
		return true;
	}
	char line[64];
	const char *place = support_path(folder, "pl_PL.UTF-8");
	const char *make[] = { "localedef", "-i", "pl_PL", "-f", "UTF-8", place, NULL };
	setenv("LOCPATH", folder, 1);
	return command_first_line(make, line, sizeof(line)) == 0;
}

/* Where numbers are written with a comma, the files still have a point. */
static void the_locale_changes_no_number(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture, "[scenario a]\nengine = null\nrepetitions = 1\nproduce_time = 0.01 ms\n");
	if (!make_polish(fixture.folder)) {
		unsetenv("LOCPATH");
		support_remove_folder(fixture.folder);
		print_message("skipped: the locale pl_PL.UTF-8 cannot be made here\n");
		skip();
	}
	setenv("LC_ALL", "pl_PL.UTF-8", 1);
	assert_int_equal(run_scenario(&fixture, NULL, NULL), 0);
	unsetenv("LC_ALL");
	unsetenv("LOCPATH");
	struct csv_table table = read_results(&fixture);
	assert_non_null(strchr(cell(&table, 0, "total_duration_s"), '.'));
	assert_null(strchr(cell(&table, 0, "avg_latency_ms"), ','));
	csv_read_free(&table);
	tear_down(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_line_is_checked),
		cmocka_unit_test(a_bad_scenario_runs_nothing),
		cmocka_unit_test(one_bad_file_of_two_runs_nothing),
		cmocka_unit_test(a_run_leaves_numbers_manifest_and_scenario),
		cmocka_unit_test(what_was_resolved_can_be_run_again),
		cmocka_unit_test(the_monitor_is_measured_and_audited),
		cmocka_unit_test(other_columns_are_refused_before_anything_runs),
		cmocka_unit_test(a_server_that_cannot_start_is_a_failed_run),
		cmocka_unit_test(the_worst_run_decides),
		cmocka_unit_test(ctrl_c_keeps_what_was_measured),
		cmocka_unit_test(a_killed_harness_leaves_no_process),
		cmocka_unit_test(the_locale_changes_no_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
