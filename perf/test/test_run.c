/* test_run.c: whole runs, live: what is measured, and what becomes of a run that goes wrong. */
#include <dirent.h>
#include <errno.h>
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

#include "../matrix.h"
#include "../run.h"
#include "../worker_result.h"
#include "support.h"

/* Run ${keys}; whatever comes of it, nobody is left. */
static struct run_result *run_with(const char *keys, int stop_fd, run_watch *watch)
{
	struct factors factors = support_factors(keys);
	struct run_request request = {
		.factors = &factors, .seed = 1, .stop_fd = stop_fd, .watch = watch
	};
	struct run_result *result = malloc(sizeof(*result));
	assert_non_null(result);
	run_once(&request, result);
	assert_true(support_has_no_child());
	return result;
}

static struct run_result *run(const char *keys)
{
	return run_with(keys, -1, NULL);
}

static void assert_ok(const struct run_result *result)
{
	if (result->status != RUN_OK)
		fail_msg("%s", result->reason);
	assert_string_equal(result->reason, "");
}

static void assert_failed(const struct run_result *result, const char *reason)
{
	assert_int_equal(result->status, RUN_FAILED);
	if (strstr(result->reason, reason) == NULL)
		fail_msg("the reason is: %s", result->reason);
}

static void nothing_can_be_measured_too(void **state)
{
	(void)state;
	struct run_result *result = run("engine = null\nproducers = 2\nconsumers = 3\nitems = 50\n"
	                                "warmup = 7\n");
	assert_ok(result);
	assert_int_equal(result->audit, RUN_AUDIT_UNCHECKED);
	assert_int_equal(result->operations, 200);
	assert_int_equal(result->put.count, 100);
	assert_int_equal(result->get.count, 100);
	assert_true(result->duration_ns > 0);
	assert_true(result->start_skew_ns >= 0);
	assert_true(result->workers_cpu_ns > 0);
	assert_int_equal(result->server_cpu_ns, -1);
	assert_int_equal(result->server_messages, -1);
	free(result);
}

/* More consumers than items: some have nothing to do. */
static void workers_without_work_do_no_harm(void **state)
{
	(void)state;
	struct run_result *result = run("engine = null\nitems = 2\nconsumers = 5\nwarmup = 1\n");
	assert_ok(result);
	assert_int_equal(result->get.count, 2);
	assert_true(result->duration_ns > 0);
	free(result);
}

/* A put or get costs three messages, four with a confirmed exit, and two more for each wait. */
static void messages_are_counted_exactly(void **state)
{
	(void)state;
	static const struct {
		const char *keys;
		int64_t messages;
	} cases[] = {
		{ "exit = async\nproducers = 2\nconsumers = 2\nitems = 100\n", 3 },
		{ "exit = confirmed\nproducers = 2\nconsumers = 2\nitems = 100\n", 4 },
		{ "exit = async\ntransport = ipc\nproducers = 2\nconsumers = 2\nitems = 100\n"
		  "warmup = 10\n",
		  3 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run_result *result = run(cases[i].keys);
		assert_ok(result);
		assert_int_equal(result->audit, RUN_AUDIT_OK);
		assert_true(result->audited.history_checked);
		assert_int_equal(result->operations, 400);
		assert_int_equal(result->put.count + result->get.count, 400);
		int64_t of_waits = result->server_messages - 400 * cases[i].messages;
		assert_true(of_waits >= 0);
		assert_int_equal(of_waits % 2, 0);
		assert_true(of_waits <= 2 * 400);
		assert_true(result->server_cpu_ns > 0);
		assert_true(result->workers_cpu_ns > 0);
		free(result);
	}
}

static void polling_is_measured_and_audited_alike(void **state)
{
	(void)state;
	struct run_result *result =
	    run("engine = monitor-poll\npoll_interval = 2 ms\nproducers = 2\n"
	        "consumers = 2\nitems = 20\ncapacity = 2\n");
	assert_ok(result);
	assert_int_equal(result->audit, RUN_AUDIT_OK);
	assert_true(result->audited.history_checked);
	assert_int_equal(result->operations, 80);
	/* whoever finds the monitor taken comes back after an interval, never sooner */
	assert_true(result->put.maximum >= 2000000);
	free(result);
}

static void work_before_a_put_is_not_latency(void **state)
{
	(void)state;
	struct run_result *result = run("engine = null\nitems = 5\nproduce_time = 20 ms\n");
	assert_ok(result);
	assert_true(result->duration_ns >= 100000000);
	assert_true(result->put.maximum < 20000000);
	free(result);
}

/* How many shared memory segments name the server ${server}, by its process id. */
static size_t count_segments(pid_t server)
{
	char wanted[32];
	size_t count = 0;
	DIR *folder = opendir("/dev/shm");
	assert_non_null(folder);
	snprintf(wanted, sizeof(wanted), "/%ld/", (long)server);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		char begin[256] = "";
		FILE *in = strncmp(entry->d_name, "bounded_buffer-", 15) == 0
		               ? fopen(support_path("/dev/shm", entry->d_name), "rbe")
		               : NULL;
		if (in == NULL)
			continue;
		size_t got = fread(begin, 1, sizeof(begin) - 1, in);
		begin[got] = '\0';
		count += strstr(begin, wanted) != NULL;
		fclose(in);
	}
	closedir(folder);
	return count;
}

/* Of the run whose worker is killed. */
static pid_t server_of_killed;
static size_t segments_before;

static void kill_worker(void *watcher, const char *round, uint64_t done)
{
	(void)watcher;
	(void)round;
	if (done == 0 || support_find_child("test_run") == 0)
		return;
	server_of_killed = support_find_child("monitor_server");
	segments_before = count_segments(server_of_killed);
	kill(support_find_child("test_run"), SIGKILL);
}

static void kill_server(void *watcher, const char *round, uint64_t done)
{
	(void)watcher;
	(void)round;
	if (done > 0)
		kill(support_find_child("monitor_server"), SIGKILL);
}

#define LONG "producers = 2\nconsumers = 2\nitems = 1000000\n"

static void a_worker_that_dies_fails_the_run(void **state)
{
	(void)state;
	struct run_result *result = run_with(LONG, -1, kill_worker);
	assert_failed(result, "was killed by signal 9");
	assert_int_equal(result->audit, RUN_AUDIT_NONE);
	assert_int_equal(result->duration_ns, -1);
	/* what the workers shared is gone too, though nobody could close it */
	assert_int_equal(segments_before, 1);
	assert_int_equal(count_segments(server_of_killed), 0);
	free(result);
}

static void a_server_that_dies_fails_the_run(void **state)
{
	(void)state;
	struct run_result *result = run_with(LONG, -1, kill_server);
	assert_failed(result, "the server was killed by signal 9");
	free(result);
}

static void a_server_that_is_not_there_fails_the_run(void **state)
{
	(void)state;
	char keys[256];
	/* nobody listens on a name that was never bound */
	snprintf(keys, sizeof(keys), "server = ipc://@dmonitor-test-%ld-nobody\n", (long)getpid());
	struct run_result *result = run(keys);
	assert_failed(result, "cannot connect to ipc://@dmonitor-test");
	free(result);
}

static void a_run_ends_when_its_time_is_over(void **state)
{
	(void)state;
	struct factors factors = support_factors("engine = null\nproduce_time = 60 s\n");
	factors.timeout_ns = 300000000;
	struct run_request request = { .factors = &factors, .stop_fd = -1 };
	struct run_result *result = malloc(sizeof(*result));
	assert_non_null(result);
	run_once(&request, result);
	assert_failed(result, "the timeout is over: producer 0");
	assert_true(support_has_no_child());
	free(result);
}

static void a_run_can_be_interrupted(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	struct run_result *result = run_with(LONG, ends[0], NULL);
	assert_int_equal(result->status, RUN_INTERRUPTED);
	close(ends[0]);
	close(ends[1]);
	free(result);
}

static void cpus_that_are_not_there_fail_the_run(void **state)
{
	(void)state;
	struct run_result *result = run("server_cpu = 1023\n");
	assert_failed(result, "this machine has no CPU 1023");
	free(result);
	result = run("engine = null\nworker_cpus = 1023\n");
	assert_failed(result, "cannot stay on CPUs 1023");
	free(result);
	result = run("server_cpu = 0\nworker_cpus = 0\nitems = 10\n");
	assert_ok(result);
	free(result);
}

/* Write the logs of a flawless run: each consumer gets its share, producer after producer. */
static void write_flawless_logs(struct worker_results *results)
{
	uint64_t token = 0;
	size_t consumer = results->producers;
	uint64_t taken = 0;
	for (size_t p = 0; p < results->producers; p++) {
		uint64_t items = worker_results_share(results, ROUND_MEASURED, p);
		for (uint32_t i = 0; i < items; i++) {
			struct audit_entry entry = { ++token, (uint32_t)p, i };
			worker_results_log(results, ROUND_MEASURED, p)[i] = entry;
			while (taken == worker_results_share(results, ROUND_MEASURED, consumer)) {
				consumer++;
				taken = 0;
			}
			entry.token = ++token;
			worker_results_log(results, ROUND_MEASURED, consumer)[taken++] = entry;
		}
	}
	for (size_t i = 0; i < results->workers; i++)
		results->results[i].done = worker_results_share(results, ROUND_MEASURED, i);
}

static void a_wrong_answer_is_a_violation(void **state)
{
	(void)state;
	struct factors factors =
	    support_factors("producers = 3\nconsumers = 2\nitems = 5\nwarmup = 4\n");
	struct worker_results results;
	struct audit_result audited;
	assert_int_equal(worker_results_init(&results, &factors), 0);
	write_flawless_logs(&results);
	assert_int_equal(worker_results_audit(&results, ROUND_MEASURED, 10, &audited), 0);
	assert_true(audit_ok(&audited));
	assert_int_equal(audited.consumed, 15);
	/* the last get of the last consumer gets what was got before */
	struct audit_entry *log = worker_results_log(&results, ROUND_MEASURED, 4);
	log[6].number = log[5].number;
	assert_int_equal(worker_results_audit(&results, ROUND_MEASURED, 10, &audited), 0);
	assert_false(audit_ok(&audited));
	assert_int_equal(audited.lost, 1);
	assert_int_equal(audited.doubled, 1);
	/* the rounds do not share their logs */
	assert_ptr_equal(worker_results_log(&results, ROUND_WARMUP, 0),
	                 worker_results_log(&results, ROUND_MEASURED, 4) + 7);
	worker_results_fini(&results);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_can_be_measured_too),
		cmocka_unit_test(workers_without_work_do_no_harm),
		cmocka_unit_test(messages_are_counted_exactly),
		cmocka_unit_test(polling_is_measured_and_audited_alike),
		cmocka_unit_test(work_before_a_put_is_not_latency),
		cmocka_unit_test(a_worker_that_dies_fails_the_run),
		cmocka_unit_test(a_server_that_dies_fails_the_run),
		cmocka_unit_test(a_server_that_is_not_there_fails_the_run),
		cmocka_unit_test(a_run_ends_when_its_time_is_over),
		cmocka_unit_test(a_run_can_be_interrupted),
		cmocka_unit_test(cpus_that_are_not_there_fail_the_run),
		cmocka_unit_test(a_wrong_answer_is_a_violation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
