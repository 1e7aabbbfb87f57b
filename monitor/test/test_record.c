/*
 * test_record.c: what a live server and its clients record, under load and when they are killed, is
 * what monitor_check takes for right.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../sim/server_process.h"
#include "../dmonitor.h"
#include "../recorder.h"
#include "live.h"

enum { WORKERS = 8, VICTIMS = 3, MONITORS = 3, ROUNDS = 150 };

/* A server of its own for each test, on tcp and ipc, and a folder for what is recorded. */
struct run {
	char folder[64];
	char record[96];
	char history[96];
	char errors[96];
	char said[96];
	char ipc[128];
	struct server_process *server;
	int64_t *rounds; /* shared: of each worker */
};

/* Start the server; what it says on stderr goes to a file. */
static void start_server(struct run *run)
{
	const char *const arguments[] = { "--record", run->record, "--bind", run->ipc, NULL };
	const struct server_process_options options = { .arguments = arguments };
	const int errors = open(run->errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	const int kept = dup(STDERR_FILENO);
	char sentence[512];

	assert_true(errors >= 0 && kept >= 0);
	dup2(errors, STDERR_FILENO);
	if (server_process_start(&options, &run->server, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
	dup2(kept, STDERR_FILENO);
	close(errors);
	close(kept);
}

static int begin(void **state)
{
	struct run *run = calloc(1, sizeof(*run));

	strcpy(run->folder, "/tmp/monitor-record-XXXXXX");
	assert_non_null(mkdtemp(run->folder));
	snprintf(run->record, sizeof(run->record), "%s/record", run->folder);
	snprintf(run->history, sizeof(run->history), "%s/history", run->folder);
	snprintf(run->errors, sizeof(run->errors), "%s/errors", run->folder);
	snprintf(run->said, sizeof(run->said), "%s/said", run->folder);
	assert_int_equal(server_process_endpoint_for("ipc", run->ipc, sizeof(run->ipc)), 0);
	run->rounds = live_shared(WORKERS * sizeof(*run->rounds));
	*state = run;
	return 0;
}

static int end(void **state)
{
	struct run *run = *state;
	char sentence[512];

	server_process_stop(&run->server, sentence, sizeof(sentence));
	unlink(run->record);
	unlink(run->history);
	unlink(run->errors);
	unlink(run->said);
	rmdir(run->folder);
	free(run);
	return 0;
}

static void stop_server(struct run *run)
{
	char sentence[512] = "";

	if (server_process_stop(&run->server, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
}

/* The whole file, to be freed. */
static char *contents(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 16);

	assert_non_null(file);
	text[fread(text, 1, (1 << 16) - 1, file)] = '\0';
	fclose(file);
	return text;
}

/* Run monitor_check, beside this program's folders; its status, what it said is in run->said. */
static int check(struct run *run, bool with_history)
{
	char server[4096], program[4200];
	const pid_t process = fork();
	int status;

	if (process == 0) {
		const int said = open(run->said, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(said, STDOUT_FILENO);
		dup2(said, STDERR_FILENO);
		if (server_process_find(NULL, server, sizeof(server)) != 0)
			_exit(99);
		*strrchr(server, '/') = '\0';
		snprintf(program, sizeof(program), "%s/monitor_check", server);
		execl(program, program, run->record, with_history ? "--history" : NULL,
		      run->history, NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(process, &status, 0), process);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* monitor_check takes all for right, and says ${text} of it. */
static void must_hold(struct run *run, bool with_history, const char *text)
{
	const int status = check(run, with_history);
	char *said = contents(run->said);

	if (status != 0 || strstr(said, "all rules hold") == NULL || strstr(said, text) == NULL)
		fail_msg("status %d, \"%s\" wanted:\n%s", status, text, said);
	free(said);
}

struct worker {
	struct run *run;
	int number;
	bool forever;
};

static unsigned draw(uint64_t *random, unsigned below)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return (unsigned)(*random % below);
}

/* What it does inside; false: the session is lost. */
static bool act(dmonitor *monitor, uint64_t *random)
{
	static const char *const conditions[] = { "c", "d" };
	const char *condition = conditions[draw(random, 2)];
	int result = 0;

	switch (draw(random, 6)) {
	case 0:
		result = dmonitor_wait_for(monitor, condition, draw(random, 4));
		break;
	case 1:
	case 2:
		result = dmonitor_signal(monitor, condition);
		break;
	case 3:
		result = dmonitor_broadcast(monitor, condition);
		break;
	case 4:
		result = dmonitor_check(monitor);
		break;
	default:
		break;
	}
	return result != ESTALE && result != ECONNABORTED;
}

static int work(const char *endpoint, void *argument)
{
	static const unsigned flags[] = { 0, DMONITOR_ASYNC_EXIT, DMONITOR_RECURSIVE };
	const struct worker *worker = argument;
	char id[16];
	const struct dmonitor_options options = {
		.process_id = id,
		.poll_interval_ms = worker->number % 4 == 3 ? 1 : 0,
		.history_path = worker->run->history,
	};
	uint64_t random = 88172645463325252u + (uint64_t)worker->number;
	dmonitor_session *session;
	dmonitor *monitors[MONITORS];

	snprintf(id, sizeof(id), "w%d \"%s\"", worker->number, worker->forever ? "v" : "");
	if (dmonitor_connect(endpoint, &options, &session) != 0)
		return 1;
	for (int i = 0; i < MONITORS; i++) {
		const char name[2] = { (char)('a' + i), '\0' };

		if (dmonitor_open(session, name, flags[worker->number % 3], &monitors[i]) != 0)
			return 2;
	}
	for (int round = 0; worker->forever || round < ROUNDS; round++) {
		dmonitor *monitor = monitors[draw(&random, MONITORS)];
		int result = dmonitor_enter_for(monitor, (int64_t)draw(&random, 30) - 1);

		if (result == 0 && worker->number % 3 == 2 && draw(&random, 2) == 0 &&
		    dmonitor_enter(monitor) == 0)
			dmonitor_exit(monitor);
		for (unsigned i = draw(&random, 4); result == 0 && i > 0; i--)
			if (!act(monitor, &random))
				return 3;
		if (result == 0)
			result = dmonitor_exit(monitor);
		if (result == ESTALE)
			return 4;
		worker->run->rounds[worker->number]++;
	}
	return dmonitor_disconnect(&session) == 0 ? 0 : 5;
}

/* All workers; the first VICTIMS of them go on until they are killed. */
static void start_workers(struct run *run, pid_t *processes, bool forever)
{
	static struct worker workers[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ run, i, forever || i < VICTIMS };
		processes[i] =
		    live_fork(i % 2 == 0 ? run->ipc : server_process_endpoint(run->server), work,
		              &workers[i]);
	}
}

static void await_rounds(const struct run *run, int worker, int64_t rounds)
{
	while (*(volatile int64_t *)&run->rounds[worker] < rounds)
		sched_yield();
}

static void kill_and_reap(pid_t process)
{
	kill(process, SIGKILL);
	assert_int_equal(waitpid(process, NULL, 0), process);
}

static void a_run_in_which_clients_are_killed_is_right(void **state)
{
	struct run *run = *state;
	pid_t processes[WORKERS];

	start_server(run);
	start_workers(run, processes, false);
	for (int i = 0; i < VICTIMS; i++) {
		await_rounds(run, i, 20 * (i + 1));
		kill_and_reap(processes[i]);
	}
	for (int i = VICTIMS; i < WORKERS; i++)
		live_join(processes[i]);
	stop_server(run);
	must_hold(run, true, "histories     8 clients");
	must_hold(run, false, "end           clean");
}

static void a_server_that_is_killed_leaves_a_record(void **state)
{
	struct run *run = *state;
	pid_t processes[WORKERS];
	struct stat status;
	char sentence[512];

	start_server(run);
	start_workers(run, processes, true);
	for (int i = 0; i < WORKERS; i++)
		await_rounds(run, i, 20);
	kill(server_process_pid(run->server), SIGKILL);
	for (int i = 0; i < WORKERS; i++)
		kill_and_reap(processes[i]);
	server_process_stop(&run->server, sentence, sizeof(sentence));
	must_hold(run, true, "end           open");
	/* As if it had been killed in the middle of its last write. */
	assert_int_equal(stat(run->record, &status), 0);
	assert_int_equal(truncate(run->record, status.st_size - 3), 0);
	must_hold(run, true, "end           torn");
}

static int hold_until_continued(const char *endpoint, void *argument)
{
	const struct run *run = argument;
	const struct dmonitor_options options = { .process_id = "stopped",
		                                  .lease_ms = 200,
		                                  .history_path = run->history };
	dmonitor_session *session = live_connect(endpoint, &options);
	dmonitor *monitor = live_open(session, "m", 0);

	if (dmonitor_enter(monitor) != 0)
		return 1;
	run->rounds[0] = 1;
	raise(SIGSTOP);
	return dmonitor_exit(monitor) == ESTALE ? 0 : 2;
}

static void two_who_believe_to_own_are_told_of(void **state)
{
	struct run *run = *state;
	struct dmonitor_options options = { .process_id = "next", .history_path = run->history };
	dmonitor_session *session;
	dmonitor *monitor;
	pid_t process;
	int status;

	start_server(run);
	process = live_fork(run->ipc, hold_until_continued, run);
	assert_int_equal(waitpid(process, &status, WUNTRACED), process);
	assert_true(WIFSTOPPED(status));
	session = live_connect(run->ipc, &options);
	monitor = live_open(session, "m", 0);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_true(dmonitor_abandoned(monitor));
	kill(process, SIGCONT);
	live_join(process);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	stop_server(run);
	must_hold(run, true, "overlaps      1 time a client believed");
}

/* No more than so many bytes for the server's files. */
static void a_full_disk_ends_the_record_and_not_the_server(void **state)
{
	struct run *run = *state;
	struct rlimit limit, low;
	char *errors;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	low = (struct rlimit){ .rlim_cur = 20000, .rlim_max = limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	start_server(run);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = VICTIMS; i < WORKERS; i++) {
		struct worker worker = { run, i, false };

		live_join(live_fork(run->ipc, work, &worker));
	}
	stop_server(run);
	errors = contents(run->errors);
	assert_non_null(strstr(errors, "File too large; recording ends here, after "));
	assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1);
	free(errors);
	must_hold(run, true, "end           open");
	must_hold(run, true, "calls came after the end of the record");
}

static void a_history_that_cannot_be_written_fails_the_connect(void **state)
{
	struct run *run = *state;
	const struct dmonitor_options options = { .history_path = "/nowhere/history" };
	dmonitor_session *session = NULL;

	start_server(run);
	assert_int_equal(dmonitor_connect(run->ipc, &options, &session), ENOENT);
	assert_non_null(strstr(dmonitor_error(NULL), "/nowhere/history"));
	assert_null(session);
}

/* Of a step that met ENOMEM there is a line only where a TICK had served something before. */
static void what_a_step_without_memory_did_is_recorded(void **state)
{
	struct run *run = *state;
	const struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK, .now_ns = 7 };
	const struct dmonitor_event message = { .kind = DMONITOR_EVENT_MESSAGE, .now_ns = 7 };
	const struct dmonitor_envelope envelope = { .bytes = "{}", .size_bytes = 2, .frames = 1 };
	struct dmonitor_outbox said = { .served = 0 };
	struct recorder *recorder;
	char *text;

	assert_int_equal(recorder_open(run->record, &dmonitor_core_defaults, &recorder), 0);
	recorder_note(recorder, &message, &envelope, ENOMEM, &said);
	recorder_note(recorder, &tick, NULL, ENOMEM, &said);
	said.served = 2;
	recorder_note(recorder, &tick, NULL, ENOMEM, &said);
	recorder_note(recorder, &tick, NULL, 0, &said);
	recorder_close(&recorder, true, 9);
	text = contents(run->record);
	assert_string_equal(text, "{\"record\":\"monitor_server\",\"version\":1}\n"
	                          "{\"event\":\"TICK\",\"now_ns\":7,\"limit\":2,\"said\":[]}\n"
	                          "{\"event\":\"TICK\",\"now_ns\":7,\"said\":[]}\n"
	                          "{\"end\":\"clean\",\"now_ns\":9,\"events\":2}\n");
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_run_in_which_clients_are_killed_is_right),
		TEST(a_server_that_is_killed_leaves_a_record),
		TEST(two_who_believe_to_own_are_told_of),
		TEST(a_full_disk_ends_the_record_and_not_the_server),
		TEST(a_history_that_cannot_be_written_fails_the_connect),
		TEST(what_a_step_without_memory_did_is_recorded),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
