/*
 * test_live.c: the demo as its user has it: what it prints, how it exits, and that nothing outlives
 * it, however it ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../buffer/segment.h"
#include "orphan.h"

enum { ARGUMENTS_MAX = 10, OUTPUT_MAX = 1 << 20 };

/* A demo that runs. */
struct demo {
	pid_t pid;
	int output_fd; /* its stdout and stderr */
	char output[OUTPUT_MAX];
	size_t length;
};

static struct demo demo;

/* Be the demo, which the build has put two folders above its tests. */
static _Noreturn void be_demo(const char *const *arguments)
{
	char path[4200], *given[ARGUMENTS_MAX + 2] = { path };
	const ssize_t length = readlink("/proc/self/exe", path, 4096);

	if (length > 0) {
		path[length] = '\0';
		for (int up = 0; up < 3; up++)
			*strrchr(path, '/') = '\0';
		strcat(path, "/producer_consumer");
	}
	memcpy(given + 1, arguments, ARGUMENTS_MAX * sizeof(*given));
	execv(path, given);
	_exit(127);
}

static void start(const char *const *arguments)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	demo.length = 0;
	demo.pid = fork();
	if (demo.pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		be_demo(arguments);
	}
	close(ends[1]);
	demo.output_fd = ends[0];
}

/* The same on a terminal of 80 columns and 24 lines. */
static void start_on_terminal(const char *const *arguments)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };

	demo.length = 0;
	demo.pid = forkpty(&demo.output_fd, NULL, NULL, &size);
	if (demo.pid == 0) {
		setenv("TERM", "xterm", 1);
		be_demo(arguments);
	}
	assert_true(demo.pid > 0);
}

/* Read more of what it prints. False: it has ended. (A terminal's end reads as EIO.) */
static bool read_more(void)
{
	const ssize_t more =
	    read(demo.output_fd, demo.output + demo.length, OUTPUT_MAX - 1 - demo.length);

	if (more <= 0)
		return false;
	demo.length += (size_t)more;
	demo.output[demo.length] = '\0';
	return true;
}

static void read_until(const char *text)
{
	demo.output[demo.length] = '\0';
	while (strstr(demo.output, text) == NULL)
		if (!read_more())
			fail_msg("ended without '%s': %s", text, demo.output);
}

/* Whether a segment of the demo's buffer is left. */
static bool has_segment(void)
{
	char ours[64], path[300];
	const struct dirent *entry;
	bool found = false;
	DIR *folder = opendir("/dev/shm");

	assert_non_null(folder);
	snprintf(ours, sizeof(ours), "producer_consumer/%ld.", (long)demo.pid);
	while ((entry = readdir(folder)) != NULL) {
		struct segment_identity identity;
		FILE *file;

		snprintf(path, sizeof(path), "/dev/shm/%s", entry->d_name);
		if (strncmp(entry->d_name, "bounded_buffer-", 15) != 0 ||
		    (file = fopen(path, "r")) == NULL)
			continue;
		if (fread(&identity, sizeof(identity), 1, file) == 1 &&
		    strncmp(identity.buffer_name, ours, strlen(ours)) == 0)
			found = true;
		fclose(file);
	}
	closedir(folder);
	return found;
}

/* Wait for its end, and for that of all that it has started. Returns its wait status. */
static int finish(void)
{
	int wait_status;

	while (read_more())
		continue;
	close(demo.output_fd);
	assert_int_equal(waitpid(demo.pid, &wait_status, 0), demo.pid);
	assert_false(has_segment());
	return wait_status;
}

static void assert_exit(int expected)
{
	const int wait_status = finish();

	if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != expected)
		fail_msg("ended with %#x, not exit status %d: %s", (unsigned)wait_status, expected,
		         demo.output);
	assert_true(orphan_none());
}

/* The first children of the demo are its server, then its workers. */
static size_t children_of_demo(pid_t *children, size_t most)
{
	char path[64];
	FILE *file;
	size_t count = 0;
	long child;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)demo.pid, (long)demo.pid);
	assert_non_null(file = fopen(path, "r"));
	while (count < most && fscanf(file, "%ld", &child) == 1)
		children[count++] = (pid_t)child;
	fclose(file);
	return count;
}

static size_t count(const char *text)
{
	size_t found = 0;

	for (const char *at = demo.output; (at = strstr(at, text)) != NULL; at++)
		found++;
	return found;
}

#define QUICKLY "--produce-time", "0", "--consume-time", "0"
#define SLOWLY  "--produce-time", "20 ms", "--items", "100000"

static void demo_shows_every_operation_and_all_is_right(void **state)
{
	const char *const over_tcp[ARGUMENTS_MAX] = { QUICKLY };
	const char *const over_ipc[ARGUMENTS_MAX] = { QUICKLY, "--transport", "ipc" };
	const char *const polling[ARGUMENTS_MAX] = { QUICKLY, "--poll-interval", "1 ms" };
	const char *const *const ways[] = { over_tcp, over_ipc, polling };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start(ways[i]);
		assert_exit(0);
		assert_int_equal(count(" put item "), 40);
		assert_int_equal(count(" got item "), 40);
		assert_int_equal(count("producer 2 put item 2."), 20);
		assert_int_equal(count("consumer 5 got item "), 8);
		assert_int_equal(count("40 items put and 40 got in "), 1);
		assert_int_equal(count("audit: all is right: 40 items put, each got once and in "
		                       "order, the buffer never outside its bounds, one owner at "
		                       "a time\n"),
		                 1);
	}
}

static void shares_need_not_be_even(void **state)
{
	const char *const odd[ARGUMENTS_MAX] = {
		QUICKLY,     "--producers=3", "--consumers=4",
		"--items=7", "--capacity=1",  "--item-bytes=1000"
	};

	(void)state;
	start(odd);
	assert_exit(0);
	assert_int_equal(count("audit: all is right: 21 items put"), 1);
}

static void seed_is_shown(void **state)
{
	const char *const seeded[ARGUMENTS_MAX] = { QUICKLY, "--seed", "42" };

	(void)state;
	start(seeded);
	assert_exit(0);
	assert_int_equal(count("; seed 42\n"), 1);
}

static void wrong_usage_is_exit_2_with_a_sentence(void **state)
{
	const char *const wrong[ARGUMENTS_MAX] = { "--capacity", "0" };

	(void)state;
	start(wrong);
	assert_exit(2);
	assert_string_equal(demo.output, "producer_consumer: --capacity: 0 is below 1\n"
	                                 "Try producer_consumer --help\n");
}

static void help_and_version_are_exit_0(void **state)
{
	const char *const help[ARGUMENTS_MAX] = { "--help" }, *const version[ARGUMENTS_MAX] = {
		"--version"
	};

	(void)state;
	start(help);
	assert_exit(0);
	assert_int_equal(count("usage: producer_consumer"), 1);
	start(version);
	assert_exit(0);
	assert_int_equal(count("producer_consumer 0."), 1);
}

static void server_that_cannot_be_started_is_exit_1_with_a_sentence(void **state)
{
	const char *const nowhere[ARGUMENTS_MAX] = { "--server-program", "/nowhere" };

	(void)state;
	start(nowhere);
	assert_exit(1);
	assert_string_equal(demo.output, "producer_consumer: there is no program /nowhere\n");
}

static void interrupted_demo_says_by_what_and_leaves_nothing(void **state)
{
	static const struct {
		int signal_number;
		int status;
	} rows[] = { { SIGINT, 130 }, { SIGTERM, 143 }, { SIGHUP, 129 } };
	const char *const slow[ARGUMENTS_MAX] = { SLOWLY };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start(slow);
		read_until(" got item ");
		assert_int_equal(kill(demo.pid, rows[i].signal_number), 0);
		assert_exit(rows[i].status);
	}
}

static void nothing_outlives_a_killed_demo(void **state)
{
	const char *const slow[ARGUMENTS_MAX] = { SLOWLY };
	pid_t children[16];
	size_t started;
	int wait_status;

	(void)state;
	start(slow);
	read_until(" got item ");
	started = children_of_demo(children, 16);
	assert_int_equal(started, 1 + 2 + 5);
	assert_int_equal(kill(demo.pid, SIGKILL), 0);
	assert_int_equal(waitpid(demo.pid, &wait_status, 0), demo.pid);
	for (size_t i = 0; i < started; i++)
		assert_true(orphan_ends(children[i]));
	close(demo.output_fd);
	assert_true(orphan_none());
	assert_false(has_segment());
}

static void killed_worker_is_exit_1_and_named(void **state)
{
	const char *const slow[ARGUMENTS_MAX] = { SLOWLY };
	pid_t children[16];

	(void)state;
	start(slow);
	read_until(" got item ");
	assert_int_equal(children_of_demo(children, 16), 8);
	assert_int_equal(kill(children[2], SIGKILL), 0);
	assert_exit(1);
	assert_int_equal(count("producer 2 was killed by signal 9"), 1);
}

static void killed_server_is_exit_1(void **state)
{
	const char *const slow[ARGUMENTS_MAX] = { SLOWLY };
	pid_t children[16];

	(void)state;
	start(slow);
	read_until(" got item ");
	assert_int_equal(children_of_demo(children, 16), 8);
	assert_int_equal(kill(children[0], SIGKILL), 0);
	assert_exit(1);
	assert_int_equal(count("ing an item: Stale file handle"), 1);
}

static void reader_that_goes_away_ends_it(void **state)
{
	const char *const slow[ARGUMENTS_MAX] = { SLOWLY };
	int wait_status;

	(void)state;
	start(slow);
	read_until(" got item ");
	close(demo.output_fd);
	assert_int_equal(waitpid(demo.pid, &wait_status, 0), demo.pid);
	assert_true(WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 1);
	assert_true(orphan_none());
	assert_false(has_segment());
}

static void terminal_gets_a_picture_and_its_cursor_back(void **state)
{
	const char *const quick[ARGUMENTS_MAX] = { QUICKLY };
	const char *const plain[ARGUMENTS_MAX] = { QUICKLY, "--plain" };

	(void)state;
	start_on_terminal(quick);
	assert_exit(0);
	assert_int_equal(count("\033[?25l"), 1);
	assert_int_equal(count("\033[?25h"), 1);
	assert_true(count("        buffer  [") > 0);
	/* In the last picture at least. */
	assert_true(count("########]  20 of 20") >= 2);
	assert_true(count("########]  8 of 8") >= 5);
	assert_int_equal(count(" put item "), 0);
	start_on_terminal(plain);
	assert_exit(0);
	assert_int_equal(count("\033["), 0);
	assert_int_equal(count(" put item "), 40);
}

/* Ctrl-C as a terminal sends it: to the whole foreground process group. */
static void ctrl_c_gives_the_terminal_back(void **state)
{
	const char *const slow[ARGUMENTS_MAX] = { SLOWLY };

	(void)state;
	start_on_terminal(slow);
	read_until("] ");
	assert_int_equal(write(demo.output_fd, "\003", 1), 1);
	assert_exit(130);
	assert_int_equal(count("\033[?25h"), 1);
	assert_null(strstr(strstr(demo.output, "\033[?25h"), "\033[?25l"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demo_shows_every_operation_and_all_is_right),
		cmocka_unit_test(shares_need_not_be_even),
		cmocka_unit_test(seed_is_shown),
		cmocka_unit_test(wrong_usage_is_exit_2_with_a_sentence),
		cmocka_unit_test(help_and_version_are_exit_0),
		cmocka_unit_test(server_that_cannot_be_started_is_exit_1_with_a_sentence),
		cmocka_unit_test(interrupted_demo_says_by_what_and_leaves_nothing),
		cmocka_unit_test(nothing_outlives_a_killed_demo),
		cmocka_unit_test(killed_worker_is_exit_1_and_named),
		cmocka_unit_test(killed_server_is_exit_1),
		cmocka_unit_test(reader_that_goes_away_ends_it),
		cmocka_unit_test(terminal_gets_a_picture_and_its_cursor_back),
		cmocka_unit_test(ctrl_c_gives_the_terminal_back),
	};

	orphan_adopt();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
