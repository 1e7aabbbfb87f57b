/*
 * test_live.c: buffers on a real server, over tcp and ipc: what each call promises, with all in one
 * process. test_processes.c has what takes several.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../monitor/clock.h"
#include "../bounded_buffer.h"
#include "../segment.h"
#include "live.h"

enum { CAPACITY = 2, ITEM_MAX = 8 };

/* A session with a buffer, as most tests use. */
struct user {
	dmonitor_session *session;
	bounded_buffer *buffer;
};

static struct user user_of(const char *name)
{
	struct user user = { .session = live_connect() };

	user.buffer = live_open(user.session, name, CAPACITY, ITEM_MAX);
	return user;
}

static void end(struct user *user)
{
	assert_int_equal(bounded_buffer_close(&user->buffer), 0);
	assert_null(user->buffer);
	assert_int_equal(dmonitor_disconnect(&user->session), 0);
}

static void put(const struct user *user, const char *item)
{
	assert_int_equal(bounded_buffer_put(user->buffer, item, strlen(item)), 0);
}

static void assert_get(const struct user *user, const char *expected)
{
	char item[ITEM_MAX];
	size_t size = SIZE_MAX;

	assert_int_equal(bounded_buffer_get(user->buffer, item, sizeof(item), &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(item, expected, size);
}

static void items_come_out_as_they_went_in(void **state)
{
	struct user user = user_of("order");
	size_t length = SIZE_MAX;

	(void)state;
	assert_int_equal(bounded_buffer_capacity(user.buffer), CAPACITY);
	for (int round = 0; round < 3; round++) {
		put(&user, "one");
		put(&user, "");
		assert_int_equal(bounded_buffer_length(user.buffer, &length), 0);
		assert_int_equal(length, 2);
		assert_get(&user, "one");
		put(&user, "12345678");
		assert_get(&user, "");
		assert_get(&user, "12345678");
	}
	assert_int_equal(bounded_buffer_length(user.buffer, &length), 0);
	assert_int_equal(length, 0);
	end(&user);
}

static void token_is_that_of_the_last_operation(void **state)
{
	struct user user = user_of("token");
	uint64_t first;
	size_t length;
	char item[1];

	(void)state;
	assert_true(bounded_buffer_token(user.buffer) == 0);
	put(&user, "x");
	first = bounded_buffer_token(user.buffer);
	assert_true(first > 0);
	assert_int_equal(bounded_buffer_length(user.buffer, &length), 0);
	assert_true(bounded_buffer_token(user.buffer) == first);
	assert_get(&user, "x");
	assert_true(bounded_buffer_token(user.buffer) > first);
	first = bounded_buffer_token(user.buffer);
	assert_int_equal(bounded_buffer_get_for(user.buffer, item, 1, &length, 0), ETIMEDOUT);
	assert_true(bounded_buffer_token(user.buffer) == first);
	end(&user);
}

/* Exactly one ENTER and one EXIT: the signal rides on the EXIT. */
static void operation_that_need_not_wait_costs_two_messages(void **state)
{
	static const char *const actions[] = { "ENTER",  "EXIT",      "WAIT",
		                               "SIGNAL", "BROADCAST", "CHECK" };
	static const long expected[] = { 2, 2, 0, 0, 0, 0 };
	struct user user = user_of("cost");
	long before[6];

	(void)state;
	for (size_t i = 0; i < 6; i++)
		before[i] = live_received(actions[i]);
	put(&user, "x");
	assert_get(&user, "x");
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(live_received(actions[i]) - before[i], expected[i]);
	end(&user);
}

static void full_and_empty_buffers_time_out(void **state)
{
	static const int64_t timeouts_ms[] = { 0, 1, 30 };
	struct user user = user_of("time");
	char item[ITEM_MAX] = "before";
	size_t size = 77, length;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const int64_t begin_ns = dmonitor_clock_now_ns();

		assert_int_equal(
		    bounded_buffer_get_for(user.buffer, item, sizeof(item), &size, timeouts_ms[i]),
		    ETIMEDOUT);
		assert_true(dmonitor_clock_now_ns() - begin_ns >=
		            timeouts_ms[i] * DMONITOR_NS_PER_MS);
	}
	assert_int_equal(size, 77);
	assert_string_equal(item, "before");
	put(&user, "1");
	put(&user, "2");
	for (size_t i = 0; i < 3; i++) {
		const int64_t begin_ns = dmonitor_clock_now_ns();

		assert_int_equal(bounded_buffer_put_for(user.buffer, "3", 1, timeouts_ms[i]),
		                 ETIMEDOUT);
		assert_true(dmonitor_clock_now_ns() - begin_ns >=
		            timeouts_ms[i] * DMONITOR_NS_PER_MS);
	}
	/* The monitor was left each time, and nothing was put. */
	assert_int_equal(bounded_buffer_length(user.buffer, &length), 0);
	assert_int_equal(length, 2);
	assert_get(&user, "1");
	assert_int_equal(bounded_buffer_put_for(user.buffer, "3", 1, 0), 0);
	assert_int_equal(bounded_buffer_get_for(user.buffer, item, 8, &size, INT64_MAX), 0);
	assert_get(&user, "3");
	end(&user);
}

static void owned_monitor_is_busy_or_times_out(void **state)
{
	struct user user = user_of("busy");
	dmonitor_session *other = live_connect();
	dmonitor *monitor;
	char item[1];
	size_t size;

	(void)state;
	assert_int_equal(dmonitor_open(other, "busy", 0, &monitor), 0);
	assert_int_equal(dmonitor_enter(monitor), 0);
	assert_int_equal(bounded_buffer_put_for(user.buffer, "x", 1, 0), EBUSY);
	assert_int_equal(bounded_buffer_get_for(user.buffer, item, 1, &size, 0), EBUSY);
	assert_int_equal(bounded_buffer_put_for(user.buffer, "x", 1, 20), ETIMEDOUT);
	assert_int_equal(bounded_buffer_get_for(user.buffer, item, 1, &size, 20), ETIMEDOUT);
	assert_int_equal(dmonitor_exit(monitor), 0);
	assert_int_equal(bounded_buffer_put_for(user.buffer, "x", 1, 0), 0);
	assert_get(&user, "x");
	end(&user);
	assert_int_equal(dmonitor_disconnect(&other), 0);
}

static void sizes_are_checked_on_both_sides_and_the_item_stays(void **state)
{
	struct user user = user_of("size");
	char item[ITEM_MAX];
	size_t size = 77, length;

	(void)state;
	assert_int_equal(bounded_buffer_put(user.buffer, "123456789", 9), EMSGSIZE);
	put(&user, "12345");
	assert_int_equal(bounded_buffer_get(user.buffer, item, 4, &size), EMSGSIZE);
	assert_int_equal(size, 77);
	assert_int_equal(bounded_buffer_length(user.buffer, &length), 0);
	assert_int_equal(length, 1);
	assert_get(&user, "12345");
	end(&user);
}

static void other_sizes_are_another_buffer_of_that_name(void **state)
{
	struct user user = user_of("sizes");
	bounded_buffer *other = NULL, *same;

	(void)state;
	assert_int_equal(bounded_buffer_open(user.session, "sizes", CAPACITY + 1, ITEM_MAX,
	                                     BOUNDED_BUFFER_SHARED_MEMORY, &other),
	                 EEXIST);
	assert_int_equal(bounded_buffer_open(user.session, "sizes", CAPACITY, ITEM_MAX + 1,
	                                     BOUNDED_BUFFER_SHARED_MEMORY, &other),
	                 EEXIST);
	assert_null(other);
	/* The failed ones have left the monitor, and removed nothing. */
	same = live_open(user.session, "sizes", CAPACITY, ITEM_MAX);
	put(&user, "x");
	assert_int_equal(bounded_buffer_close(&same), 0);
	assert_get(&user, "x");
	end(&user);
	/* Once all have closed it, any size will do. */
	user.session = live_connect();
	user.buffer = live_open(user.session, "sizes", CAPACITY + 1, ITEM_MAX + 1);
	end(&user);
}

static void arguments_are_checked(void **state)
{
	struct user user = user_of("arguments");
	const enum bounded_buffer_storage shm = BOUNDED_BUFFER_SHARED_MEMORY;
	bounded_buffer *none = NULL;
	char item[1];
	size_t size;

	(void)state;
	assert_int_equal(bounded_buffer_open(user.session, "x", 0, 1, shm, &none), EINVAL);
	assert_int_equal(bounded_buffer_open(user.session, "x", 1, 0, shm, &none), EINVAL);
	assert_int_equal(
	    bounded_buffer_open(user.session, "x", BOUNDED_BUFFER_CAPACITY_MAX + 1, 1, shm, &none),
	    EINVAL);
	assert_int_equal(bounded_buffer_open(user.session, "x", 1,
	                                     BOUNDED_BUFFER_ITEM_BYTES_MAX + 1, shm, &none),
	                 EINVAL);
	assert_int_equal(bounded_buffer_open(user.session, "no blanks", 1, 1, shm, &none), EINVAL);
	assert_int_equal(bounded_buffer_open(NULL, "x", 1, 1, shm, &none), EINVAL);
	assert_int_equal(
	    bounded_buffer_open(user.session, "x", 1, 1, BOUNDED_BUFFER_VARIABLES, &none), ENOTSUP);
	assert_null(none);
	assert_int_equal(bounded_buffer_put(NULL, "x", 1), EINVAL);
	assert_int_equal(bounded_buffer_put(user.buffer, NULL, 1), EINVAL);
	assert_int_equal(bounded_buffer_get(user.buffer, item, 1, NULL), EINVAL);
	assert_int_equal(bounded_buffer_get(user.buffer, NULL, 1, &size), EINVAL);
	assert_int_equal(bounded_buffer_length(user.buffer, NULL), EINVAL);
	assert_int_equal(bounded_buffer_close(NULL), EINVAL);
	assert_int_equal(bounded_buffer_close(&none), 0);
	end(&user);
}

static void last_close_removes_the_items_and_no_earlier_one(void **state)
{
	struct user first = user_of("last"), second = user_of("last");
	char id[256];

	(void)state;
	strcpy(id, dmonitor_server_id(first.session));
	put(&first, "x");
	end(&first);
	assert_true(live_has_segment(id, "last"));
	assert_get(&second, "x");
	put(&second, "y");
	end(&second);
	assert_false(live_has_segment(id, "last"));
	first = user_of("last");
	assert_int_equal(bounded_buffer_put_for(first.buffer, "1", 1, 0), 0);
	assert_int_equal(bounded_buffer_put_for(first.buffer, "2", 1, 0), 0);
	end(&first);
}

/* What lies under a buffer's name may be another one's, if their hashes are the same. */
static void another_buffer_under_the_same_name_is_noticed(void **state)
{
	struct user user = user_of("hash");
	const char *id = dmonitor_server_id(user.session);
	char name[SEGMENT_NAME_BYTES], other_name[SEGMENT_NAME_BYTES], path[2][80];
	bounded_buffer *other = NULL;

	(void)state;
	segment_name(id, "hash", name);
	segment_name(id, "hash2", other_name);
	snprintf(path[0], sizeof(path[0]), "/dev/shm%s", name);
	snprintf(path[1], sizeof(path[1]), "/dev/shm%s", other_name);
	assert_int_equal(link(path[0], path[1]), 0);
	assert_int_equal(bounded_buffer_open(user.session, "hash2", CAPACITY, ITEM_MAX,
	                                     BOUNDED_BUFFER_SHARED_MEMORY, &other),
	                 EEXIST);
	assert_null(other);
	assert_int_equal(unlink(path[1]), 0);
	put(&user, "x");
	assert_get(&user, "x");
	end(&user);
}

/* A maker that was killed half way has left a segment that only the next open can finish. */
static void half_made_segment_is_made_anew(void **state)
{
	struct user user = { .session = live_connect() };
	char name[SEGMENT_NAME_BYTES];
	int fd;

	(void)state;
	segment_name(dmonitor_server_id(user.session), "half", name);
	for (off_t size = 0; size <= 4096; size += 2048) {
		fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, size), 0);
		/* In use, so that it is not just cleaned away before. */
		assert_int_equal(flock(fd, LOCK_SH), 0);
		user.buffer = live_open(user.session, "half", CAPACITY, ITEM_MAX);
		assert_false(segment_linked(fd));
		close(fd);
		put(&user, "x");
		assert_get(&user, "x");
		assert_int_equal(bounded_buffer_close(&user.buffer), 0);
	}
	assert_int_equal(dmonitor_disconnect(&user.session), 0);
}

static void removed_buffer_goes_on_for_those_who_have_it(void **state)
{
	struct user user = user_of("removed");
	char id[256];

	(void)state;
	strcpy(id, dmonitor_server_id(user.session));
	assert_int_equal(bounded_buffer_remove(id, "removed"), 0);
	assert_false(live_has_segment(id, "removed"));
	put(&user, "x");
	assert_get(&user, "x");
	end(&user);
	assert_int_equal(bounded_buffer_remove(id, "removed"), ENOENT);
}

static void forked_child_has_no_part_in_it(void **state)
{
	struct user user = user_of("fork");
	char item[1];
	size_t size;
	int wait_status;
	pid_t child;

	(void)state;
	if ((child = fork()) == 0) {
		int wrong = bounded_buffer_put(user.buffer, "x", 1) != EINVAL;

		wrong += bounded_buffer_get(user.buffer, item, 1, &size) != EINVAL;
		wrong += bounded_buffer_length(user.buffer, &size) != EINVAL;
		bounded_buffer_close(&user.buffer);
		wrong += user.buffer != NULL;
		_exit(wrong);
	}
	assert_int_equal(waitpid(child, &wait_status, 0), child);
	assert_int_equal(wait_status, 0);
	assert_true(live_has_segment(dmonitor_server_id(user.session), "fork"));
	put(&user, "x");
	assert_get(&user, "x");
	end(&user);
}

static void asynchronous_exits_work_as_well(void **state)
{
	const struct dmonitor_options options = { .flags = DMONITOR_ASYNC_EXIT };
	struct user user;

	(void)state;
	assert_int_equal(dmonitor_connect(live_endpoint(), &options, &user.session), 0);
	user.buffer = live_open(user.session, "async", CAPACITY, ITEM_MAX);
	for (int i = 0; i < 50; i++) {
		put(&user, "x");
		assert_get(&user, "x");
	}
	end(&user);
}

static void polling_works_as_well(void **state)
{
	const struct dmonitor_options options = { .poll_interval_ms = 1 };
	struct user user;
	char item[1];
	size_t size;

	(void)state;
	assert_int_equal(dmonitor_connect(live_endpoint(), &options, &user.session), 0);
	user.buffer = live_open(user.session, "poll", CAPACITY, ITEM_MAX);
	for (int i = 0; i < 5; i++) {
		put(&user, "x");
		assert_get(&user, "x");
	}
	assert_int_equal(bounded_buffer_get_for(user.buffer, item, 1, &size, 20), ETIMEDOUT);
	end(&user);
}

/* The session is lost with the server. Its segment goes when a buffer of another server is opened,
 * even while the lost one is still open. */
static void segment_of_a_killed_server_goes_with_the_next_open(void **state)
{
	struct user lost = user_of("lost"), next;
	char id[256];

	(void)state;
	strcpy(id, dmonitor_server_id(lost.session));
	put(&lost, "x");
	assert_true(live_has_segment(id, "lost"));
	live_kill();
	live_start(*state);
	next = user_of("lost");
	assert_false(live_has_segment(id, "lost"));
	assert_int_equal(bounded_buffer_put_for(next.buffer, "1", 1, 0), 0);
	assert_int_equal(bounded_buffer_put_for(next.buffer, "2", 1, 0), 0);
	end(&next);
	bounded_buffer_close(&lost.buffer);
	assert_null(lost.buffer);
	dmonitor_disconnect(&lost.session);
}

static int start_server(void **state)
{
	live_start(*state);
	return 0;
}

static int stop_server(void **state)
{
	(void)state;
	live_stop();
	return 0;
}

#define TEST(name, transport)                                                                      \
	cmocka_unit_test_prestate_setup_teardown(name, start_server, stop_server, transport)
#define TESTS(transport)                                                                           \
	{                                                                                          \
		TEST(items_come_out_as_they_went_in, transport),                                   \
		    TEST(token_is_that_of_the_last_operation, transport),                          \
		    TEST(operation_that_need_not_wait_costs_two_messages, transport),              \
		    TEST(full_and_empty_buffers_time_out, transport),                              \
		    TEST(owned_monitor_is_busy_or_times_out, transport),                           \
		    TEST(sizes_are_checked_on_both_sides_and_the_item_stays, transport),           \
		    TEST(other_sizes_are_another_buffer_of_that_name, transport),                  \
		    TEST(arguments_are_checked, transport),                                        \
		    TEST(last_close_removes_the_items_and_no_earlier_one, transport),              \
		    TEST(another_buffer_under_the_same_name_is_noticed, transport),                \
		    TEST(half_made_segment_is_made_anew, transport),                               \
		    TEST(removed_buffer_goes_on_for_those_who_have_it, transport),                 \
		    TEST(forked_child_has_no_part_in_it, transport),                               \
		    TEST(asynchronous_exits_work_as_well, transport),                              \
		    TEST(polling_works_as_well, transport),                                        \
		    TEST(segment_of_a_killed_server_goes_with_the_next_open, transport),           \
	}

int main(void)
{
	static char tcp[] = "tcp", ipc[] = "ipc";
	const struct CMUnitTest over_tcp[] = TESTS(tcp), over_ipc[] = TESTS(ipc);

	return cmocka_run_group_tests(over_tcp, NULL, NULL) +
	       cmocka_run_group_tests(over_ipc, NULL, NULL);
}
