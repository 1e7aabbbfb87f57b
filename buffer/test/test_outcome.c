/*
 * test_outcome.c: what put and get make of everything that a monitor may answer. This file is the
 * library for once, all of dmonitor.h's functions that anyone here uses, and does as each test's
 * script says; the trace of what was called is part of what is expected.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../bounded_buffer.h"

enum { CAPACITY = 1, ITEM_MAX = 8 };

struct dmonitor_session {
	char id[64];
};

struct dmonitor {
	bool entered;
	uint64_t token;
	int enter_result;
	int exit_results[2]; /* of the first exit, and of further ones */
	bool stays;          /* the first exit that fails leaves it entered */
	int signal_result;   /* of the first signal */
	int wait_result;
	/* What others do while the caller waits; may be NULL. */
	void (*meanwhile)(void);
	char trace[256];
};

static dmonitor_session session;
static dmonitor monitor;

static void trace(const char *what, const char *about)
{
	const size_t length = strlen(monitor.trace);

	snprintf(monitor.trace + length, sizeof(monitor.trace) - length, "%s%s%s%s",
	         length == 0 ? "" : " ", what, about[0] == '\0' ? "" : ":", about);
}

int dmonitor_connect(const char *endpoint, const struct dmonitor_options *options,
                     dmonitor_session **result)
{
	(void)endpoint;
	(void)options;
	(void)result;
	return EHOSTUNREACH;
}

int dmonitor_disconnect(dmonitor_session **address)
{
	*address = NULL;
	return 0;
}

const char *dmonitor_error(const dmonitor_session *of)
{
	(void)of;
	return "";
}

const char *dmonitor_server_id(const dmonitor_session *of)
{
	return of->id;
}

int dmonitor_open(dmonitor_session *of, const char *name, unsigned flags, dmonitor **result)
{
	(void)of;
	(void)name;
	(void)flags;
	*result = &monitor;
	return 0;
}

int dmonitor_close(dmonitor **address)
{
	*address = NULL;
	return 0;
}

static int enter(const char *how)
{
	trace(how, "");
	if (monitor.enter_result != 0)
		return monitor.enter_result;
	monitor.entered = true;
	monitor.token++;
	return 0;
}

int dmonitor_enter(dmonitor *of)
{
	(void)of;
	return enter("enter");
}

int dmonitor_enter_for(dmonitor *of, int64_t timeout_ms)
{
	char how[32];

	(void)of;
	snprintf(how, sizeof(how), "enter_for:%d", (int)timeout_ms);
	return enter(how);
}

int dmonitor_exit(dmonitor *of)
{
	const int result = of->exit_results[0];

	trace("exit", "");
	of->exit_results[0] = of->exit_results[1];
	of->entered = result != 0 && of->stays;
	return result;
}

static int wait(const char *how, const char *condition)
{
	trace(how, condition);
	if (monitor.meanwhile != NULL)
		monitor.meanwhile();
	monitor.token++;
	monitor.entered = monitor.wait_result == 0 || monitor.wait_result == ETIMEDOUT ||
	                  monitor.wait_result == EINTR;
	return monitor.wait_result;
}

int dmonitor_wait(dmonitor *of, const char *condition)
{
	(void)of;
	return wait("wait", condition);
}

int dmonitor_wait_for(dmonitor *of, const char *condition, int64_t timeout_ms)
{
	(void)of;
	assert_true(timeout_ms > 0);
	return wait("wait_for", condition);
}

int dmonitor_signal(dmonitor *of, const char *condition)
{
	const int result = of->signal_result;

	trace("signal", condition);
	of->signal_result = 0;
	return result;
}

bool dmonitor_entered(const dmonitor *of)
{
	return of->entered;
}

uint64_t dmonitor_token(const dmonitor *of)
{
	return of->entered ? of->token : 0;
}

static bounded_buffer *buffer;
static bounded_buffer *others; /* another handle of the same, for what happens meanwhile */

/* What another process does while the caller waits: it has no script, and leaves no trace. */
static void others_do(int (*operation)(void))
{
	const dmonitor script = monitor;
	uint64_t token;

	monitor = (dmonitor){ .token = script.token };
	assert_int_equal(operation(), 0);
	token = monitor.token;
	monitor = script;
	monitor.token = token;
}

static int put_theirs(void)
{
	return bounded_buffer_put(others, "theirs", 6);
}

static int get_theirs(void)
{
	char item[ITEM_MAX];
	size_t size;

	return bounded_buffer_get(others, item, sizeof(item), &size);
}

static void others_put(void)
{
	others_do(put_theirs);
}

static void others_get(void)
{
	others_do(get_theirs);
}

/* The first wait ends for nothing; the next one brings an item. */
static void others_put_the_second_time(void)
{
	monitor.meanwhile = others_put;
}

static int open_buffer(void **state)
{
	(void)state;
	memset(&monitor, 0, sizeof(monitor));
	snprintf(session.id, sizeof(session.id), "fake/boot/%ld/0/0", (long)getpid());
	if (bounded_buffer_open(&session, "fake", CAPACITY, ITEM_MAX, BOUNDED_BUFFER_SHARED_MEMORY,
	                        &buffer) != 0 ||
	    bounded_buffer_open(&session, "fake", CAPACITY, ITEM_MAX, BOUNDED_BUFFER_SHARED_MEMORY,
	                        &others) != 0)
		return 1;
	monitor.trace[0] = '\0';
	return 0;
}

static int close_buffer(void **state)
{
	(void)state;
	return bounded_buffer_close(&buffer) + bounded_buffer_close(&others);
}

/* How many items there are, whatever the script says. */
static size_t length(void)
{
	size_t found = SIZE_MAX;

	monitor = (dmonitor){ .token = monitor.token };
	assert_int_equal(bounded_buffer_length(buffer, &found), 0);
	return found;
}

static int put(void)
{
	return bounded_buffer_put(buffer, "mine", 4);
}

static char got[ITEM_MAX];
static size_t got_bytes;

static int get(int64_t timeout_ms)
{
	memset(got, 0, sizeof(got));
	got_bytes = 77;
	return bounded_buffer_get_for(buffer, got, sizeof(got), &got_bytes, timeout_ms);
}

static void assert_trace(const char *expected)
{
	assert_string_equal(monitor.trace, expected);
	monitor.trace[0] = '\0';
}

static void operation_signals_the_other_side_and_leaves(void **state)
{
	(void)state;
	assert_int_equal(put(), 0);
	assert_trace("enter signal:not_empty exit");
	assert_int_equal(get(-1), 0);
	assert_trace("enter signal:not_full exit");
	assert_int_equal(get(0), ETIMEDOUT);
	assert_trace("enter_for:0 exit");
}

static void waiter_looks_again_until_it_can_go_on(void **state)
{
	(void)state;
	monitor.meanwhile = others_put_the_second_time;
	assert_int_equal(get(-1), 0);
	assert_int_equal(got_bytes, 6);
	assert_trace("enter wait:not_empty wait:not_empty signal:not_full exit");
	assert_int_equal(put(), 0);
	monitor.meanwhile = others_get;
	assert_int_equal(put(), 0);
	assert_trace("enter signal:not_empty exit enter wait:not_full signal:not_empty exit");
}

static void time_out_that_finds_an_item_takes_it(void **state)
{
	(void)state;
	monitor.meanwhile = others_put;
	monitor.wait_result = ETIMEDOUT;
	assert_int_equal(get(60000), 0);
	assert_int_equal(got_bytes, 6);
	assert_trace("enter_for:60000 wait_for:not_empty signal:not_full exit");
}

static void time_out_that_finds_nothing_leaves_and_signals_nobody(void **state)
{
	(void)state;
	monitor.wait_result = ETIMEDOUT;
	assert_int_equal(get(60000), ETIMEDOUT);
	assert_int_equal(got_bytes, 77);
	assert_trace("enter_for:60000 wait_for:not_empty exit");
}

static void who_leaves_for_another_reason_passes_its_wake_up_on(void **state)
{
	(void)state;
	monitor.wait_result = EINTR;
	assert_int_equal(get(-1), EINTR);
	assert_trace("enter wait:not_empty signal:not_empty exit");
	monitor.wait_result = 0;
	monitor.meanwhile = others_put;
	assert_int_equal(bounded_buffer_get(buffer, got, 5, &got_bytes), EMSGSIZE);
	assert_trace("enter wait:not_empty signal:not_full signal:not_empty exit");
	assert_int_equal(length(), 1);
}

static void exit_that_fails_makes_a_put_unknown(void **state)
{
	static const int errors[] = { ESTALE, ECONNABORTED, EPERM, EPROTO };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		monitor.exit_results[0] = errors[i];
		assert_int_equal(put(), ECONNABORTED);
		assert_true(bounded_buffer_token(buffer) > 0);
		assert_int_equal(length(), 1);
		assert_int_equal(get(-1), 0);
	}
}

static void exit_that_fails_makes_a_get_unknown_but_fills_the_outputs(void **state)
{
	(void)state;
	assert_int_equal(put(), 0);
	monitor.exit_results[0] = ESTALE;
	assert_int_equal(get(-1), ECONNABORTED);
	assert_int_equal(got_bytes, 4);
	assert_memory_equal(got, "mine", 4);
	assert_int_equal(length(), 0);
}

/* As long as no item has moved there is no doubt, and so no ECONNABORTED. */
static void failure_before_the_item_moves_is_known(void **state)
{
	(void)state;
	monitor.enter_result = ECONNABORTED;
	assert_int_equal(get(-1), ETIMEDOUT);
	assert_int_equal(got_bytes, 77);
	assert_trace("enter");
	monitor.enter_result = ESTALE;
	assert_int_equal(put(), ESTALE);
	monitor.enter_result = 0;
	monitor.exit_results[0] = ESTALE;
	monitor.wait_result = ECONNABORTED;
	assert_int_equal(get(-1), ETIMEDOUT);
	monitor.exit_results[0] = ESTALE;
	monitor.wait_result = ESTALE;
	assert_int_equal(get(-1), ESTALE);
	assert_int_equal(got_bytes, 77);
	assert_int_equal(length(), 0);
}

static void signal_without_memory_moves_nothing(void **state)
{
	(void)state;
	monitor.signal_result = ENOMEM;
	assert_int_equal(put(), ENOMEM);
	assert_trace("enter signal:not_empty signal:not_full exit");
	assert_int_equal(length(), 0);
}

static void exit_without_memory_is_tried_again(void **state)
{
	(void)state;
	monitor.exit_results[0] = ENOMEM;
	monitor.stays = true;
	assert_int_equal(put(), 0);
	assert_trace("enter signal:not_empty exit exit");
	assert_int_equal(length(), 1);
}

/* The library has noticed the loss in between, and has no token any more. */
static void owner_without_a_token_is_refused(void **state)
{
	(void)state;
	assert_int_equal(put(), 0);
	monitor.token = UINT64_MAX; /* the next one is 0 */
	assert_int_equal(get(-1), ESTALE);
	monitor.token = 5;
	assert_int_equal(length(), 1);
}

static void latecomer_with_an_old_token_is_refused(void **state)
{
	(void)state;
	monitor.token = 100;
	assert_int_equal(put(), 0);
	monitor.token = 50;
	assert_int_equal(get(-1), ESTALE);
	monitor.token = 101;
	assert_int_equal(length(), 1);
	/* That one only looked is enough. */
	monitor.token = 200;
	assert_int_equal(length(), 1);
	monitor.token = 150;
	assert_int_equal(get(-1), ESTALE);
	monitor.token = 300;
	assert_int_equal(length(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_buffer, close_buffer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(operation_signals_the_other_side_and_leaves),
		TEST(waiter_looks_again_until_it_can_go_on),
		TEST(time_out_that_finds_an_item_takes_it),
		TEST(time_out_that_finds_nothing_leaves_and_signals_nobody),
		TEST(who_leaves_for_another_reason_passes_its_wake_up_on),
		TEST(exit_that_fails_makes_a_put_unknown),
		TEST(exit_that_fails_makes_a_get_unknown_but_fills_the_outputs),
		TEST(failure_before_the_item_moves_is_known),
		TEST(signal_without_memory_moves_nothing),
		TEST(exit_without_memory_is_tried_again),
		TEST(owner_without_a_token_is_refused),
		TEST(latecomer_with_an_old_token_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
