/*
 * test_memory.c: every allocation of every call on a buffer fails once. The call then says ENOMEM,
 * or has managed without; what it says is true, nothing is left behind, and the next call works.
 *
 * The linker sends malloc and its kin here (--wrap). Only what the calling thread asks for is
 * failed: the library's own thread has its own test.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../monitor/test/failing_malloc.h"
#include "../bounded_buffer.h"
#include "live.h"

enum { CAPACITY = 4, ITEM_MAX = 8, SWEEP_MAX = 200 };

#define NAME "memory"

struct user {
	dmonitor_session *session;
	bounded_buffer *buffer;
};

/* One call to sweep over. It does its own checks of what a result of 0 or ENOMEM must mean. */
typedef int call_function(struct user *user);

static int open_buffer(struct user *user)
{
	return bounded_buffer_open(user->session, NAME, CAPACITY, ITEM_MAX,
	                           BOUNDED_BUFFER_SHARED_MEMORY, &user->buffer);
}

static int put_item(struct user *user)
{
	return bounded_buffer_put(user->buffer, "item", 4);
}

static int put_in_vain(struct user *user)
{
	const int error = bounded_buffer_put_for(user->buffer, "item", 4, 1);

	return error == ETIMEDOUT ? 0 : error;
}

static int get_item(struct user *user)
{
	char item[ITEM_MAX];
	size_t size;

	return bounded_buffer_get(user->buffer, item, sizeof(item), &size);
}

static int get_in_vain(struct user *user)
{
	char item[ITEM_MAX];
	size_t size;
	const int error = bounded_buffer_get_for(user->buffer, item, sizeof(item), &size, 1);

	return error == ETIMEDOUT ? 0 : error;
}

static int ask_length(struct user *user)
{
	size_t length;

	return bounded_buffer_length(user->buffer, &length);
}

/* Make the call with its allocation ${nth} failing. Returns its result; *${met} tells whether there
 * was such an allocation. */
static int fail_nth(struct user *user, call_function *call, int nth, bool *met)
{
	int error;

	until_failure = nth;
	error = call(user);
	*met = until_failure < 0;
	until_failure = -1;
	return error;
}

static size_t length_of(const struct user *user)
{
	size_t length = SIZE_MAX;

	assert_int_equal(bounded_buffer_length(user->buffer, &length), 0);
	return length;
}

/* Sweep over ${call}, which changes the number of items by ${change} if it returns 0, and has
 * changed nothing if it does not; ${undo}, if any, sets it right again. */
static void sweep(struct user *user, call_function *call, int change, call_function *undo)
{
	bool met = true;

	for (int nth = 0; met; nth++) {
		const size_t before = length_of(user);
		const int error = fail_nth(user, call, nth, &met);

		assert_true(nth < SWEEP_MAX);
		assert_true(error == 0 || (met && error == ENOMEM));
		assert_int_equal(length_of(user), (int)before + (error == 0 ? change : 0));
		if (error == 0 && undo != NULL)
			assert_int_equal(undo(user), 0);
	}
}

static size_t open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static void failed_open_leaves_nothing(void **state)
{
	struct user user = { .session = live_connect() };
	const char *id = dmonitor_server_id(user.session);
	const size_t files = open_files();
	bool met = true;

	(void)state;
	for (int nth = 0; met; nth++) {
		const int error = fail_nth(&user, open_buffer, nth, &met);

		assert_true(nth < SWEEP_MAX);
		if (error == 0) {
			assert_int_equal(bounded_buffer_close(&user.buffer), 0);
		} else {
			assert_true(met);
			assert_int_equal(error, ENOMEM);
			assert_null(user.buffer);
		}
		assert_false(live_has_segment(id, NAME));
		assert_int_equal(open_files(), files);
	}
	assert_int_equal(dmonitor_disconnect(&user.session), 0);
}

static void failed_calls_have_done_nothing(void **state)
{
	struct user user = { .session = live_connect() };

	(void)state;
	user.buffer = live_open(user.session, NAME, CAPACITY, ITEM_MAX);
	sweep(&user, ask_length, 0, NULL);
	sweep(&user, get_in_vain, 0, NULL);
	sweep(&user, put_item, 1, get_item);
	for (int i = 0; i < CAPACITY; i++)
		assert_int_equal(put_item(&user), 0);
	sweep(&user, put_in_vain, 0, NULL);
	sweep(&user, get_item, -1, put_item);
	assert_int_equal(bounded_buffer_close(&user.buffer), 0);
	assert_int_equal(dmonitor_disconnect(&user.session), 0);
}

static void close_needs_no_memory_to_remove_the_items(void **state)
{
	struct user user = { .session = live_connect() };
	const char *id = dmonitor_server_id(user.session);
	bool met = true;

	(void)state;
	for (int nth = 0; met; nth++) {
		assert_true(nth < SWEEP_MAX);
		user.buffer = live_open(user.session, NAME, CAPACITY, ITEM_MAX);
		until_failure = nth;
		bounded_buffer_close(&user.buffer);
		met = until_failure < 0;
		until_failure = -1;
		assert_null(user.buffer);
		assert_false(live_has_segment(id, NAME));
	}
	assert_int_equal(dmonitor_disconnect(&user.session), 0);
}

static int start_server(void **state)
{
	(void)state;
	live_start("tcp");
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	live_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failed_open_leaves_nothing),
		cmocka_unit_test(failed_calls_have_done_nothing),
		cmocka_unit_test(close_needs_no_memory_to_remove_the_items),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
