/*
 * test_server_process.c: servers that start, do not, will not stop, and die with their parent.
 * Scripts stand in for a server that misbehaves.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../monitor/clock.h"
#include "../server_process.h"
#include "orphan.h"

static char folder[] = "/tmp/test_server_process-XXXXXX";
static char script[64];
static char sentence[512];

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(script, sizeof(script), "%s/server", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(script);
	return rmdir(folder);
}

static int check_nobody_left(void **state)
{
	(void)state;
	return !orphan_none();
}

static void write_script(const char *body)
{
	FILE *file = fopen(script, "w");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s\n", body) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(script, 0700), 0);
}

static int start(struct server_process **server, int64_t timeout_ns)
{
	const struct server_process_options options = { .program = script,
		                                        .timeout_ns = timeout_ns };

	sentence[0] = '\0';
	return server_process_start(&options, server, sentence, sizeof(sentence));
}

static void server_starts_tells_where_and_stops(void **state)
{
	const char *const transports[] = { "tcp", "ipc" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char bind[128];
		const struct server_process_options options = { .bind = bind };
		struct server_process *server = NULL;

		assert_int_equal(server_process_endpoint_for(transports[i], bind, sizeof(bind)), 0);
		if (server_process_start(&options, &server, sentence, sizeof(sentence)) != 0)
			fail_msg("%s", sentence);
		assert_memory_equal(server_process_endpoint(server), transports[i], 3);
		assert_null(strchr(server_process_endpoint(server), '*'));
		assert_true(server_process_pid(server) > 0);
		assert_true(server_process_cpu_ns(server) > 0);
		if (server_process_stop(&server, sentence, sizeof(sentence)) != 0)
			fail_msg("%s", sentence);
		assert_null(server);
	}
	assert_int_equal(server_process_endpoint_for("udp", sentence, sizeof(sentence)), EINVAL);
}

static void program_that_is_not_there_is_named(void **state)
{
	const struct server_process_options options = { .program = "/nowhere/monitor_server" };
	struct server_process *server = NULL;
	char path[64];

	(void)state;
	assert_int_equal(server_process_start(&options, &server, sentence, sizeof(sentence)),
	                 ENOENT);
	assert_string_equal(sentence, "there is no program /nowhere/monitor_server");
	assert_int_equal(server_process_find("/bin/sh", path, sizeof(path)), 0);
	assert_string_equal(path, "/bin/sh");
	assert_int_equal(server_process_find("/bin/sh", path, 7), ENAMETOOLONG);
}

static void what_cannot_be_executed_is_told(void **state)
{
	struct server_process *server = NULL;

	(void)state;
	write_script("");
	assert_int_equal(truncate(script, 0), 0);
	assert_int_equal(start(&server, 0), ENOEXEC);
	assert_non_null(strstr(sentence, "cannot be started: Exec format error"));
}

static void server_that_ends_at_once_is_told(void **state)
{
	struct server_process *server = NULL;

	(void)state;
	write_script("exit 3");
	assert_int_equal(start(&server, 0), EPIPE);
	assert_non_null(strstr(sentence, "ended before it was listening"));
}

static void program_that_says_something_else_is_no_server(void **state)
{
	struct server_process *server = NULL;

	(void)state;
	write_script("echo hello; exec sleep 1000");
	assert_int_equal(start(&server, 0), EPROTO);
	assert_non_null(strstr(sentence, "is no monitor_server"));
	write_script("exec head -c 100000 /dev/zero");
	assert_int_equal(start(&server, 0), EPROTO);
}

static void silent_program_is_not_waited_for_longer_than_asked(void **state)
{
	struct server_process *server = NULL;

	(void)state;
	write_script("exec sleep 1000");
	assert_int_equal(start(&server, 30 * DMONITOR_NS_PER_MS), ETIMEDOUT);
	assert_non_null(strstr(sentence, "did not say in time"));
}

static void line_may_come_in_pieces_and_arguments_arrive(void **state)
{
	const char *const further[] = { "--state", "file", NULL };
	const struct server_process_options options = { .program = script,
		                                        .bind = "tcp://x:*",
		                                        .arguments = further };
	struct server_process *server = NULL;

	(void)state;
	write_script("printf listen; printf 'ing %s' \"$1.$2.$3.$4\"; echo; exec sleep 1000");
	assert_int_equal(server_process_start(&options, &server, sentence, sizeof(sentence)), 0);
	assert_string_equal(server_process_endpoint(server), "--bind.tcp://x:*.--state.file");
	assert_int_equal(server_process_stop(&server, sentence, sizeof(sentence)), EIO);
	assert_string_equal(sentence, "the server was killed by signal 15 (Terminated)");
}

static void server_that_will_not_stop_is_killed(void **state)
{
	struct server_process *server = NULL;

	(void)state;
	write_script("trap '' TERM; echo listening x; exec sleep 1000");
	assert_int_equal(start(&server, 0), 0);
	assert_int_equal(server_process_stop(&server, sentence, sizeof(sentence)), EIO);
	assert_string_equal(sentence, "the server did not stop and was killed");
}

static void server_that_ended_by_itself_is_told(void **state)
{
	struct server_process *server = NULL;
	siginfo_t info;

	(void)state;
	write_script("echo listening x; exit 0");
	assert_int_equal(start(&server, 0), 0);
	/* See it end without reaping it. */
	assert_int_equal(waitid(P_PID, (id_t)server_process_pid(server), &info, WEXITED | WNOWAIT),
	                 0);
	assert_int_equal(server_process_stop(&server, sentence, sizeof(sentence)), EIO);
	assert_string_equal(sentence, "the server ended by itself, with status 0");
}

static void server_dies_with_its_parent(void **state)
{
	struct server_process *server = NULL;
	int ends[2];
	pid_t parent, orphan = 0;

	(void)state;
	write_script("echo listening x; exec sleep 1000");
	assert_int_equal(pipe(ends), 0);
	if ((parent = fork()) == 0) {
		if (start(&server, 0) == 0) {
			orphan = server_process_pid(server);
			if (write(ends[1], &orphan, sizeof(orphan)) != sizeof(orphan))
				_exit(1);
		}
		raise(SIGKILL);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &orphan, sizeof(orphan)), sizeof(orphan));
	close(ends[0]);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_true(orphan_ends(orphan));
}

#define TEST(name) cmocka_unit_test_teardown(name, check_nobody_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(server_starts_tells_where_and_stops),
		TEST(program_that_is_not_there_is_named),
		TEST(what_cannot_be_executed_is_told),
		TEST(server_that_ends_at_once_is_told),
		TEST(program_that_says_something_else_is_no_server),
		TEST(silent_program_is_not_waited_for_longer_than_asked),
		TEST(line_may_come_in_pieces_and_arguments_arrive),
		TEST(server_that_will_not_stop_is_killed),
		TEST(server_that_ended_by_itself_is_told),
		TEST(server_dies_with_its_parent),
	};

	orphan_adopt();
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
