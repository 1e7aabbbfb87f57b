/* segment.c: which shared memory segment belongs to which buffer, and which to nobody any more. */
#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_FOLDER "/dev/shm"
#define SEGMENT_PREFIX "bounded_buffer-"

/* A server's id, HOST/BOOTID/PID/STARTTIME/RANDOM, taken apart. */
struct server {
	char host[HOST_NAME_MAX + 1];
	char boot[40];
	long process;
	uint64_t start_ticks;
};

/* FNV-1a, with the end of ${text} as one of its bytes. */
static uint64_t hash(uint64_t so_far, const char *text)
{
	do
		so_far = (so_far ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	while (*text++ != '\0');
	return so_far;
}

void segment_name(const char *server_id, const char *buffer_name, char name[SEGMENT_NAME_BYTES])
{
	const uint64_t basis = UINT64_C(0xcbf29ce484222325);

	snprintf(name, SEGMENT_NAME_BYTES, "/" SEGMENT_PREFIX "%016" PRIx64,
	         hash(hash(basis, server_id), buffer_name));
}

int segment_identify(struct segment_identity *identity, const char *server_id,
                     const char *buffer_name)
{
	if (server_id[0] == '\0')
		return EINVAL;
	if (strlen(server_id) >= sizeof(identity->server_id) ||
	    strlen(buffer_name) >= sizeof(identity->buffer_name))
		return ENAMETOOLONG;
	strcpy(identity->server_id, server_id);
	strcpy(identity->buffer_name, buffer_name);
	return 0;
}

bool segment_is(const struct segment_identity *identity, const char *server_id,
                const char *buffer_name)
{
	return strncmp(identity->server_id, server_id, sizeof(identity->server_id)) == 0 &&
	       strncmp(identity->buffer_name, buffer_name, sizeof(identity->buffer_name)) == 0;
}

bool segment_claim(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

bool segment_linked(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

/* Read a file of at most ${room_bytes} - 1 bytes, as a string without the newline at its end. */
static bool read_line(const char *path, char *text, size_t room_bytes)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd == -1)
		return false;
	length = read(fd, text, room_bytes - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

/* Copy the part of ${*text} up to the next slash, and move it behind that. */
static bool read_part(const char **text, char *part, size_t room_bytes)
{
	const size_t length = strcspn(*text, "/");

	if (length == 0 || length >= room_bytes || (*text)[length] != '/')
		return false;
	memcpy(part, *text, length);
	part[length] = '\0';
	*text += length + 1;
	return true;
}

static bool read_number(const char **text, uint64_t *number)
{
	char digits[21], *end;

	if (!read_part(text, digits, sizeof(digits)) || digits[0] < '0' || digits[0] > '9')
		return false;
	errno = 0;
	*number = strtoull(digits, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool read_server_id(const char *id, struct server *server)
{
	uint64_t process;

	if (!read_part(&id, server->host, sizeof(server->host)) ||
	    !read_part(&id, server->boot, sizeof(server->boot)) || !read_number(&id, &process) ||
	    !read_number(&id, &server->start_ticks) || process == 0 || process > INT32_MAX)
		return false;
	server->process = (long)process;
	return true;
}

/* Whether that very process lives, not a later one of the same number. In its stat line the name,
 * which may hold anything, ends with the last parenthesis; the state follows as field 3. */
static bool server_lives(const struct server *server)
{
	char path[64], stat[1024];
	const char *at;
	char state;
	uint64_t start_ticks;

	snprintf(path, sizeof(path), "/proc/%ld/stat", server->process);
	if (!read_line(path, stat, sizeof(stat)))
		return errno != ENOENT && errno != ESRCH;
	if ((at = strrchr(stat, ')')) == NULL ||
	    sscanf(at + 1,
	           " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
	           " %" SCNu64,
	           &state, &start_ticks) != 2)
		return true;
	return state != 'Z' && state != 'X' && start_ticks == server->start_ticks;
}

/* What a segment's identity tells of its use. */
enum verdict { NEEDED, NEEDED_IF_USED, NOT_NEEDED };

static enum verdict judge(int fd, const char *host, const char *boot)
{
	struct segment_identity identity;
	struct server server;
	const ssize_t length = pread(fd, &identity, sizeof(identity), 0);

	if (length == -1)
		return NEEDED;
	if (length < (ssize_t)sizeof(identity) || identity.server_id[0] == '\0')
		return NEEDED_IF_USED;
	identity.server_id[sizeof(identity.server_id) - 1] = '\0';
	if (!read_server_id(identity.server_id, &server) || strcmp(server.host, host) != 0)
		return NEEDED;
	if (strcmp(server.boot, boot) != 0)
		return NEEDED_IF_USED;
	return server_lives(&server) ? NEEDED : NOT_NEEDED;
}

/* Whether the segment open as ${fd} can be of no use to anyone. That nobody uses it says something
 * only of what it is now: its maker may just have finished, and gone. */
static bool is_stale(int fd, const char *host, const char *boot)
{
	const enum verdict verdict = judge(fd, host, boot);

	if (verdict == NEEDED_IF_USED && segment_claim(fd) && segment_linked(fd) &&
	    judge(fd, host, boot) == NEEDED_IF_USED)
		return true;
	return verdict == NOT_NEEDED;
}

void segment_clean(void)
{
	char host[HOST_NAME_MAX + 1] = "", boot[40], name[NAME_MAX + 2];
	const struct dirent *entry;
	DIR *folder;

	/* Without knowing who and when we are, nothing can be told of the others. */
	if (gethostname(host, sizeof(host) - 1) != 0 ||
	    !read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) ||
	    (folder = opendir(SEGMENT_FOLDER)) == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		int fd;

		if (strncmp(entry->d_name, SEGMENT_PREFIX, strlen(SEGMENT_PREFIX)) != 0)
			continue;
		snprintf(name, sizeof(name), "/%s", entry->d_name);
		if ((fd = shm_open(name, O_RDONLY, 0)) == -1)
			continue;
		if (is_stale(fd, host, boot))
			shm_unlink(name);
		close(fd);
	}
	closedir(folder);
}
