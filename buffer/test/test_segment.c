/* test_segment.c: segments are found by their names, and those of nobody are removed, no others. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

#include "../bounded_buffer.h"
#include "../segment.h"

#define ANOTHER_BOOT "00000000-0000-0000-0000-000000000000"

static char host[65];
static char boot[40];

static int learn_who_we_are(void **state)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
	int read;

	(void)state;
	if (file == NULL)
		return 1;
	read = fscanf(file, "%39s", boot);
	fclose(file);
	return read != 1 || gethostname(host, sizeof(host) - 1) != 0;
}

/* When ${process} was started: what follows the 20th blank behind its name. */
static unsigned long long start_ticks_of(pid_t process)
{
	char path[64], line[1024] = "";
	const char *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)process);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	at = strrchr(line, ')');
	for (int blank = 0; blank < 20; blank++)
		at = strchr(at + 1, ' ');
	return strtoull(at, NULL, 10);
}

/* A segment of the server that the arguments describe, as this test's own buffer. */
struct segment {
	char server_id[256];
	char name[SEGMENT_NAME_BYTES];
	int fd;
};

/* Make the file, and say in it that it belongs to ${identity}. Meanwhile it is in use, so that the
 * cleaning of another program does not take it for half made; one that came before that did. */
static void fill_segment(struct segment *segment, const struct segment_identity *identity)
{
	segment_name(segment->server_id, "test", segment->name);
	segment->fd = -1;
	do {
		close(segment->fd);
		segment->fd = shm_open(segment->name, O_RDWR | O_CREAT | O_EXCL, 0600);
		assert_true(segment->fd >= 0);
		assert_int_equal(flock(segment->fd, LOCK_SH), 0);
	} while (!segment_linked(segment->fd));
	assert_int_equal(write(segment->fd, identity, sizeof(*identity)), sizeof(*identity));
	assert_int_equal(flock(segment->fd, LOCK_UN), 0);
}

static void make_segment(struct segment *segment, const char *of_host, const char *of_boot,
                         pid_t process, unsigned long long start_ticks)
{
	struct segment_identity identity = { .server_id = "" };

	snprintf(segment->server_id, sizeof(segment->server_id), "%s/%s/%ld/%llu/test%ld", of_host,
	         of_boot, (long)process, start_ticks, (long)getpid());
	assert_int_equal(segment_identify(&identity, segment->server_id, "test"), 0);
	fill_segment(segment, &identity);
}

/* A segment of this test's that says something else. */
static void make_strange_segment(struct segment *segment, const struct segment_identity *identity)
{
	snprintf(segment->server_id, sizeof(segment->server_id), "strange%ld", (long)getpid());
	fill_segment(segment, identity);
}

static void put_away(struct segment *segment)
{
	shm_unlink(segment->name);
	close(segment->fd);
}

/* Whether it survives a cleaning; it is gone afterwards. */
static bool is_kept(struct segment *segment)
{
	bool kept;

	segment_clean();
	kept = segment_linked(segment->fd);
	put_away(segment);
	return kept;
}

/* Whether a cleaning removes it; perhaps not the first one, if another program is just at it. */
static bool is_removed(struct segment *segment)
{
	bool kept = true;

	for (int i = 0; kept && i < 10000; i++) {
		segment_clean();
		kept = segment_linked(segment->fd);
	}
	put_away(segment);
	return !kept;
}

static pid_t make_zombie(void)
{
	siginfo_t info;
	const pid_t zombie = fork();

	if (zombie == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)zombie, &info, WEXITED | WNOWAIT), 0);
	return zombie;
}

static void segment_of_a_living_server_is_kept(void **state)
{
	struct segment segment;

	(void)state;
	make_segment(&segment, host, boot, getpid(), start_ticks_of(getpid()));
	assert_true(is_kept(&segment));
}

static void segment_of_an_earlier_process_of_that_number_is_removed(void **state)
{
	struct segment segment;

	(void)state;
	make_segment(&segment, host, boot, getpid(), start_ticks_of(getpid()) - 1);
	assert_true(is_removed(&segment));
}

static void segment_of_an_ended_server_is_removed_even_in_use(void **state)
{
	struct segment zombies, reaped;
	const pid_t server = make_zombie();
	const unsigned long long start_ticks = start_ticks_of(server);

	(void)state;
	make_segment(&zombies, host, boot, server, start_ticks);
	assert_true(is_removed(&zombies));
	assert_int_equal(waitpid(server, NULL, 0), server);
	make_segment(&reaped, host, boot, server, start_ticks);
	assert_int_equal(flock(reaped.fd, LOCK_SH), 0);
	assert_true(is_removed(&reaped));
}

static void segment_of_another_host_is_kept(void **state)
{
	struct segment segment;

	(void)state;
	make_segment(&segment, "another-host", ANOTHER_BOOT, 1, 1);
	assert_true(is_kept(&segment));
}

static void segment_of_another_boot_is_removed_unless_in_use(void **state)
{
	struct segment unused, used;

	(void)state;
	make_segment(&unused, host, ANOTHER_BOOT, getpid(), start_ticks_of(getpid()));
	assert_true(is_removed(&unused));
	make_segment(&used, host, ANOTHER_BOOT, getpid(), start_ticks_of(getpid()));
	assert_int_equal(flock(used.fd, LOCK_SH), 0);
	assert_true(is_kept(&used));
}

static void half_made_segment_is_removed_unless_in_use(void **state)
{
	struct segment segment;

	(void)state;
	for (off_t size = 0; size < 2; size++) {
		make_segment(&segment, host, boot, getpid(), start_ticks_of(getpid()));
		assert_int_equal(ftruncate(segment.fd, size), 0);
		assert_true(is_removed(&segment));
		make_segment(&segment, host, boot, getpid(), start_ticks_of(getpid()));
		assert_int_equal(flock(segment.fd, LOCK_SH), 0);
		assert_int_equal(ftruncate(segment.fd, size), 0);
		assert_true(is_kept(&segment));
	}
}

static void what_cannot_be_read_is_left_alone(void **state)
{
	/* What follows this host's name. */
	static const char *const rests[] = { "",          "/",
		                             "/b/x/1/r",  "/b/0/1/r",
		                             "/b/1/1",    "/b/99999999999/1/r",
		                             "/b/1/-1/r", "/b/1/99999999999999999999999/r" };

	(void)state;
	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		struct segment_identity identity = { .buffer_name = "test" };
		struct segment segment;

		snprintf(identity.server_id, sizeof(identity.server_id), "%s%s", host, rests[i]);
		make_strange_segment(&segment, &identity);
		assert_true(is_kept(&segment));
	}
}

static void identity_without_an_end_is_survived(void **state)
{
	struct segment_identity identity;
	struct segment segment;

	(void)state;
	memset(&identity, 'x', sizeof(identity));
	make_strange_segment(&segment, &identity);
	assert_false(segment_is(&identity, segment.server_id, "test"));
	assert_true(is_kept(&segment));
}

static void names_differ_by_server_and_by_buffer(void **state)
{
	char name[SEGMENT_NAME_BYTES], other[SEGMENT_NAME_BYTES];

	(void)state;
	segment_name("server", "buffer", name);
	segment_name("server", "buffer", other);
	assert_string_equal(name, other);
	segment_name("server", "buffer2", other);
	assert_string_not_equal(name, other);
	segment_name("server2", "buffer", other);
	assert_string_not_equal(name, other);
	segment_name("serverb", "uffer", other);
	assert_string_not_equal(name, other);
}

static void identity_that_does_not_fit_is_refused(void **state)
{
	struct segment_identity identity;
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(segment_identify(&identity, text, "b"), ENAMETOOLONG);
	assert_int_equal(segment_identify(&identity, "s", text), ENAMETOOLONG);
	assert_int_equal(segment_identify(&identity, "", "b"), EINVAL);
	text[128] = '\0';
	assert_int_equal(segment_identify(&identity, text, text), 0);
	assert_true(segment_is(&identity, text, text));
}

static void remove_takes_just_the_buffer_that_was_named(void **state)
{
	struct segment segment;
	const struct segment_identity stranger = { "another server", "another buffer" };

	(void)state;
	make_segment(&segment, host, boot, getpid(), start_ticks_of(getpid()));
	assert_int_equal(bounded_buffer_remove(segment.server_id, "another"), ENOENT);
	assert_true(segment_linked(segment.fd));
	assert_int_equal(bounded_buffer_remove(segment.server_id, "test"), 0);
	assert_false(segment_linked(segment.fd));
	assert_int_equal(bounded_buffer_remove(segment.server_id, "test"), ENOENT);
	assert_int_equal(bounded_buffer_remove(NULL, "test"), EINVAL);
	close(segment.fd);
	/* The same hash, as if by chance. */
	make_strange_segment(&segment, &stranger);
	assert_int_equal(bounded_buffer_remove(segment.server_id, "test"), ENOENT);
	assert_true(is_kept(&segment));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segment_of_a_living_server_is_kept),
		cmocka_unit_test(segment_of_an_earlier_process_of_that_number_is_removed),
		cmocka_unit_test(segment_of_an_ended_server_is_removed_even_in_use),
		cmocka_unit_test(segment_of_another_host_is_kept),
		cmocka_unit_test(segment_of_another_boot_is_removed_unless_in_use),
		cmocka_unit_test(half_made_segment_is_removed_unless_in_use),
		cmocka_unit_test(what_cannot_be_read_is_left_alone),
		cmocka_unit_test(identity_without_an_end_is_survived),
		cmocka_unit_test(names_differ_by_server_and_by_buffer),
		cmocka_unit_test(identity_that_does_not_fit_is_refused),
		cmocka_unit_test(remove_takes_just_the_buffer_that_was_named),
	};

	return cmocka_run_group_tests(tests, learn_who_we_are, NULL);
}
