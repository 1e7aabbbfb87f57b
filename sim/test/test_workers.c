/* test_workers.c: workers start together, are missed by name, and never outlive anybody. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../monitor/clock.h"
#include "../workers.h"
#include "orphan.h"

enum { WORKERS = 3 };

static const int64_t long_ns = 20 * DMONITOR_NS_PER_S;
static const int64_t moment_ns = 20 * DMONITOR_NS_PER_MS;

/* What the workers of a test leave for it to see. */
struct shared {
	int64_t start_ns[WORKERS];
	int64_t began_ns[WORKERS];
	int64_t second_ns[WORKERS];
	pid_t pids[WORKERS];
};

static struct shared *shared;

static int make_shared(void **state)
{
	(void)state;
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED;
}

/* After every test nobody is left. */
static int check_nobody_left(void **state)
{
	(void)state;
	munmap(shared, sizeof(*shared));
	return !orphan_none();
}

static struct workers *start(workers_run_function *run)
{
	const struct workers_plan plan = { .count = WORKERS, .run = run, .stop_fd = -1 };
	struct workers *workers;

	assert_int_equal(workers_start(&plan, &workers), 0);
	return workers;
}

static int run_twice(void *context, size_t index, struct worker *self)
{
	(void)context;
	shared->start_ns[index] = worker_ready(self);
	shared->began_ns[index] = dmonitor_clock_now_ns();
	shared->second_ns[index] = worker_ready(self);
	return 0;
}

static void all_start_at_one_instant_and_again_at_another(void **state)
{
	struct workers *workers = start(run_twice);
	const int64_t start_ns = dmonitor_clock_now_ns() + moment_ns;
	int wait_status;

	(void)state;
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	assert_int_equal(shared->began_ns[0], 0);
	workers_go(workers, start_ns);
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	assert_false(workers_ended(workers, 0, &wait_status));
	workers_go(workers, start_ns + 1);
	assert_int_equal(workers_await_end(workers, long_ns), 0);
	for (size_t i = 0; i < WORKERS; i++) {
		assert_int_equal(shared->start_ns[i], start_ns);
		assert_true(shared->began_ns[i] >= start_ns);
		assert_int_equal(shared->second_ns[i], start_ns + 1);
		assert_true(workers_ended(workers, i, &wait_status));
		assert_int_equal(wait_status, 0);
	}
	workers_free(&workers);
	assert_null(workers);
}

static int fail_in_the_middle(void *context, size_t index, struct worker *self)
{
	(void)context;
	if (index == 1)
		return ENOENT;
	worker_ready(self);
	return 0;
}

static void failure_before_the_start_is_told_at_once(void **state)
{
	struct workers *workers = start(fail_in_the_middle);

	(void)state;
	assert_int_equal(workers_await_ready(workers, -1), ECHILD);
	assert_string_equal(workers_error(workers), "worker 1 failed: No such file or directory");
	workers_free(&workers);
}

static int fail_later(void *context, size_t index, struct worker *self)
{
	(void)context;
	worker_ready(self);
	if (index == 2)
		return EPROTO;
	pause();
	return 0;
}

static void failure_after_the_start_is_told_while_others_still_run(void **state)
{
	struct workers *workers = start(fail_later);

	(void)state;
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	workers_go(workers, 0);
	assert_int_equal(workers_await_end(workers, -1), ECHILD);
	assert_string_equal(workers_error(workers), "worker 2 failed: Protocol error");
	workers_free(&workers);
}

static int never_be_ready(void *context, size_t index, struct worker *self)
{
	(void)context;
	if (index == 2)
		pause();
	worker_ready(self);
	return 0;
}

static void name_as_consumer(void *context, size_t index, char *text, size_t room_bytes)
{
	(void)context;
	snprintf(text, room_bytes, "consumer %zu", index + 1);
}

static void missing_one_is_named(void **state)
{
	const struct workers_plan plan = {
		.count = WORKERS, .run = never_be_ready, .name = name_as_consumer, .stop_fd = -1
	};
	struct workers *workers;
	int error;

	(void)state;
	assert_int_equal(workers_start(&plan, &workers), 0);
	/* How long the others take is not known; in the end only the one who never will is missing.
	 */
	do
		error = workers_await_ready(workers, moment_ns);
	while (error == ETIMEDOUT &&
	       strcmp(workers_error(workers), "consumer 3 was not ready in time") != 0);
	assert_int_equal(error, ETIMEDOUT);
	workers_free(&workers);
}

static int wait_for_ever(void *context, size_t index, struct worker *self)
{
	(void)context;
	(void)index;
	worker_ready(self);
	pause();
	return 0;
}

static void killed_one_is_a_failure_unless_it_was_wanted(void **state)
{
	struct workers *workers = start(wait_for_ever);
	int wait_status;

	(void)state;
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	workers_go(workers, 0);
	assert_int_equal(workers_await_end(workers, moment_ns), ETIMEDOUT);
	assert_string_equal(workers_error(workers), "worker 0 did not end in time");
	assert_int_equal(workers_kill(workers, 1, SIGKILL), 0);
	while (!workers_ended(workers, 1, &wait_status))
		assert_int_equal(workers_await_end(workers, moment_ns), ETIMEDOUT);
	assert_int_equal(WTERMSIG(wait_status), SIGKILL);
	assert_int_equal(workers_kill(workers, 1, SIGKILL), 0);
	assert_int_equal(workers_kill(workers, WORKERS, SIGKILL), EINVAL);

	assert_int_equal(kill(workers_pid(workers, 0), SIGTERM), 0);
	assert_int_equal(workers_await_end(workers, -1), ECHILD);
	assert_string_equal(workers_error(workers),
	                    "worker 0 was killed by signal 15 (Terminated)");
	workers_free(&workers);
}

static void waiting_can_be_interrupted(void **state)
{
	struct workers_plan plan = { .count = WORKERS, .run = wait_for_ever };
	struct workers *workers;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	plan.stop_fd = ends[0];
	assert_int_equal(workers_start(&plan, &workers), 0);
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(workers_await_end(workers, -1), EINTR);
	workers_free(&workers);
	close(ends[0]);
	close(ends[1]);
}

static int ignore_what_a_terminal_sends(void *context, size_t index, struct worker *self)
{
	(void)context;
	(void)index;
	raise(SIGINT);
	raise(SIGHUP);
	worker_ready(self);
	return 0;
}

static void workers_leave_ctrl_c_to_their_parent(void **state)
{
	struct workers *workers = start(ignore_what_a_terminal_sends);

	(void)state;
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	workers_go(workers, 0);
	assert_int_equal(workers_await_end(workers, long_ns), 0);
	workers_free(&workers);
}

static int note_pid(void *context, size_t index, struct worker *self)
{
	(void)context;
	shared->pids[index] = getpid();
	worker_ready(self);
	pause();
	return 0;
}

/* A process of its own that starts workers and is killed with no chance to clean up. */
static void workers_die_with_their_parent(void **state)
{
	pid_t parent;
	int wait_status;

	(void)state;
	if ((parent = fork()) == 0) {
		struct workers *workers = start(note_pid);

		workers_await_ready(workers, long_ns);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(parent, &wait_status, 0), parent);
	assert_int_equal(WTERMSIG(wait_status), SIGKILL);
	for (size_t i = 0; i < WORKERS; i++) {
		assert_true(shared->pids[i] > 0);
		assert_true(orphan_ends(shared->pids[i]));
	}
}

static void no_workers_are_ready_and_done_at_once(void **state)
{
	const struct workers_plan plan = { .count = 0, .run = run_twice, .stop_fd = -1 };
	struct workers *workers;

	(void)state;
	assert_int_equal(workers_start(&plan, &workers), 0);
	assert_int_equal(workers_await_ready(workers, 0), 0);
	workers_go(workers, 0);
	assert_int_equal(workers_await_end(workers, 0), 0);
	workers_free(&workers);
	workers_free(&workers);
	assert_int_equal(workers_start(NULL, &workers), EINVAL);
}

static int wait_in_place(void *context, size_t index, struct worker *self)
{
	(void)context;
	shared->pids[index] = getpid();
	worker_ready(self);
	return 0;
}

static int fail_at_once(void *context, size_t index, struct worker *self)
{
	(void)context;
	(void)self;
	return index == 1 ? 3 : 0;
}

/* Who wants to kill a worker and comes too late learns what it died of. */
static void worker_that_failed_before_it_was_killed_is_told(void **state)
{
	struct workers *workers = start(fail_at_once);
	siginfo_t info;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(
		    waitid(P_PID, (id_t)workers_pid(workers, i), &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(workers_end(workers, 0), 0);
	assert_int_equal(workers_end(workers, 1), ECHILD);
	assert_non_null(strstr(workers_error(workers), strerror(3)));
	assert_int_equal(workers_end(workers, 1), 0); /* once is enough */
	assert_int_equal(workers_end(workers, WORKERS), EINVAL);
	workers_free(&workers);
}

/* A killed worker's place is taken by another, who is waited for at the next start. */
static void replaced_worker_takes_part_again(void **state)
{
	struct workers *workers = start(wait_in_place);
	pid_t before;
	int wait_status;

	(void)state;
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	before = shared->pids[1];
	assert_int_equal(workers_end(workers, 1), 0);
	assert_true(workers_ended(workers, 1, &wait_status));
	assert_int_equal(WTERMSIG(wait_status), SIGKILL);
	assert_int_equal(workers_check(workers), 0); /* it was wanted */
	shared->pids[1] = 0;
	assert_int_equal(workers_replace(workers, 1), 0);
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	assert_int_equal(shared->pids[1], workers_pid(workers, 1));
	assert_int_not_equal(shared->pids[1], before);
	assert_int_equal(workers_replace(workers, 0), 0); /* that lives */
	assert_int_equal(workers_replace(workers, WORKERS), EINVAL);
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	workers_go(workers, dmonitor_clock_now_ns());
	assert_int_equal(workers_await_end(workers, long_ns), 0);
	workers_free(&workers);
}

static int fail_once_started(void *context, size_t index, struct worker *self)
{
	(void)context;
	worker_ready(self);
	if (index != 1)
		pause();
	return EPROTO;
}

/* To be stopped is not to be ended: who fails later has failed. */
static void stopped_worker_may_still_fail(void **state)
{
	struct workers *workers = start(fail_once_started);
	int error = 0;

	(void)state;
	assert_int_equal(workers_await_ready(workers, long_ns), 0);
	assert_int_equal(workers_kill(workers, 1, SIGSTOP), 0);
	workers_go(workers, dmonitor_clock_now_ns());
	assert_int_equal(workers_check(workers), 0);
	assert_int_equal(workers_kill(workers, 1, SIGCONT), 0);
	while ((error = workers_check(workers)) == 0)
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS);
	assert_int_equal(error, ECHILD);
	assert_string_equal(workers_error(workers), "worker 1 failed: Protocol error");
	workers_free(&workers);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_shared, check_nobody_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_start_at_one_instant_and_again_at_another),
		TEST(failure_before_the_start_is_told_at_once),
		TEST(failure_after_the_start_is_told_while_others_still_run),
		TEST(missing_one_is_named),
		TEST(killed_one_is_a_failure_unless_it_was_wanted),
		TEST(waiting_can_be_interrupted),
		TEST(workers_leave_ctrl_c_to_their_parent),
		TEST(workers_die_with_their_parent),
		TEST(no_workers_are_ready_and_done_at_once),
		TEST(worker_that_failed_before_it_was_killed_is_told),
		TEST(replaced_worker_takes_part_again),
		TEST(stopped_worker_may_still_fail),
	};

	orphan_adopt();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
