/* test_restart.c: what survives when the server is started anew, and when it stood still. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../clock.h"
#include "live.h"

static uint64_t token_of_an_ownership(const char *endpoint)
{
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, "m", 0);
	uint64_t token;

	assert_int_equal(dmonitor_enter(monitor), 0);
	token = dmonitor_token(monitor);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	return token;
}

static void tokens_rise_over_a_restart(void **state)
{
	uint64_t last = 0;

	for (int i = 0; i < 3; i++) {
		void *endpoint;
		uint64_t token;

		assert_int_equal(live_start_tcp(&endpoint), 0);
		token = token_of_an_ownership(endpoint);
		assert_int_equal(live_stop(&endpoint), 0);
		assert_true(token > last);
		last = token;
	}
	(void)state;
}

enum { LEASE_MS = 500, STOOD_STILL_MS = LEASE_MS + 500, ATTEMPTS = 10 };

static int hold(const char *endpoint, void *argument)
{
	const struct dmonitor_options options = { .lease_ms = LEASE_MS };
	dmonitor_session *session = live_connect(endpoint, &options);
	dmonitor *monitor = live_open(session, argument, 0);

	if (dmonitor_enter(monitor) != 0)
		return 1;
	raise(SIGSTOP);
	return 0;
}

/* Stop the server for longer than the lease of ${name}'s owner, who is stopped too. What trying to
 * enter gives then; EAGAIN where it was tried too late to tell. */
static int try_after_standing_still(const char *endpoint, const char *name)
{
	const pid_t holder = live_fork(endpoint, hold, (void *)(uintptr_t)name);
	dmonitor_session *session = live_connect(endpoint, NULL);
	dmonitor *monitor = live_open(session, name, 0);
	int64_t begin_ns;
	int status, result;

	assert_int_equal(waitpid(holder, &status, WUNTRACED), holder);
	assert_true(WIFSTOPPED(status));
	kill(live_server(), SIGSTOP);
	begin_ns = dmonitor_clock_now_ns();
	while (dmonitor_clock_now_ns() - begin_ns < STOOD_STILL_MS * DMONITOR_NS_PER_MS)
		usleep(1000);
	begin_ns = dmonitor_clock_now_ns();
	kill(live_server(), SIGCONT);
	/* Time is served before this is answered, or after: the second answer tells. */
	result = dmonitor_enter_for(monitor, 0);
	if (result == EBUSY)
		result = dmonitor_enter_for(monitor, 50);
	if (dmonitor_clock_now_ns() - begin_ns >= LEASE_MS * DMONITOR_NS_PER_MS)
		result = EAGAIN;
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	return result;
}

/* Nobody's lease runs while the server itself does not. */
static void a_lease_outlives_the_server_s_standing_still(void **state)
{
	int result = EAGAIN;

	for (int i = 0; i < ATTEMPTS && result == EAGAIN; i++) {
		char name[16];

		snprintf(name, sizeof(name), "m%d", i);
		result = try_after_standing_still(*state, name);
	}
	assert_int_equal(result, ETIMEDOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_rise_over_a_restart),
		cmocka_unit_test_setup_teardown(a_lease_outlives_the_server_s_standing_still,
		                                live_start_tcp, live_stop),
	};

	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
