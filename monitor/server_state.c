/* server_state.c: the file by which tokens rise over every restart. */
#include "server_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The whole file: one line for people too, with a sum that tells when it was torn or edited. */
static const char line_begin[] = "monitor_server state 1: tokens are reserved up to ";
enum { LINE_BYTES = 93 };

/* How often, in parts of a block, to try again before the tokens are used up. */
enum { TRIES = 8 };

struct server_state {
	char *path;
	char *temporary; /* beside it */
	char *folder;
	int lock; /* its descriptor */
	uint64_t block;
	uint64_t first;
	uint64_t reserved; /* up to this one */
	uint64_t next_try; /* the token at which more are reserved */
};

__attribute__((format(printf, 3, 4))) static int say(char *sentence, int error, const char *format,
                                                     ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, SERVER_STATE_SENTENCE_BYTES, format, arguments);
	va_end(arguments);
	return error;
}

/* FNV-1a, over the number that counts. */
static uint64_t sum_of(uint64_t reserved)
{
	uint64_t sum = UINT64_C(14695981039346656037);

	for (int shift = 0; shift < 64; shift += 8)
		sum = (sum ^ ((reserved >> shift) & 0xff)) * UINT64_C(1099511628211);
	return sum;
}

static void write_line(uint64_t reserved, char *line)
{
	snprintf(line, LINE_BYTES + 1, "%s%020" PRIu64 ", sum %016" PRIx64 "\n", line_begin,
	         reserved, sum_of(reserved));
}

/* Write all of ${line} to a new file and sync it. */
static int write_temporary(const struct server_state *state, const char *line)
{
	const int file =
	    open(state->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int result = 0;

	if (file < 0)
		return errno;
	errno = ENOSPC; /* of a write that is too short */
	if (write(file, line, LINE_BYTES) != LINE_BYTES || fsync(file) != 0)
		result = errno;
	if (close(file) != 0 && result == 0)
		result = errno;
	return result;
}

/* The name is on disk once its folder is. */
static int sync_folder(const struct server_state *state)
{
	const int folder = open(state->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	if (folder < 0)
		return errno;
	if (fsync(folder) != 0)
		result = errno;
	close(folder);
	return result;
}

static int reserve(struct server_state *state, uint64_t reserved)
{
	char line[LINE_BYTES + 1];
	int result;

	write_line(reserved, line);
	result = write_temporary(state, line);
	if (result == 0 && rename(state->temporary, state->path) != 0)
		result = errno;
	if (result != 0) {
		unlink(state->temporary);
		return result;
	}
	result = sync_folder(state);
	if (result != 0)
		return result;
	state->reserved = reserved;
	return 0;
}

/* Read the file: 0, ENOENT, or another error and its sentence. */
static int read_reserved(const char *path, uint64_t *reserved, char *sentence)
{
	/* One more than there may be. A pipe must not hold up the start. */
	char line[LINE_BYTES + 2] = "", expected[LINE_BYTES + 1];
	const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	ssize_t size;

	if (file < 0 && errno == ENOENT)
		return ENOENT;
	if (file < 0)
		return say(sentence, errno,
		           "cannot read the state file %s: %s; let this user read it", path,
		           strerror(errno));
	if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
		close(file);
		return say(sentence, EINVAL, "%s is no regular file; name another as --state",
		           path);
	}
	size = read(file, line, LINE_BYTES + 1);
	close(file);
	if (size < 0)
		return say(sentence, EIO, "cannot read the state file %s: its disk fails", path);
	*reserved = size == LINE_BYTES ? strtoull(line + strlen(line_begin), NULL, 10) : 0;
	write_line(*reserved, expected);
	if (size == LINE_BYTES && strcmp(line, expected) == 0)
		return 0;
	if (size > 0 && strncmp(line, line_begin, strlen("monitor_server state 1:")) != 0)
		return say(sentence, EINVAL,
		           "%s is not a state file of this monitor_server; name another as --state",
		           path);
	return say(sentence, EINVAL,
	           "the state file %s is damaged: restore it; or remove it, if the wall clock's "
	           "nanoseconds, where tokens then begin, are above all that were given out",
	           path);
}

/* The lock is a file of its own, since the state file is replaced by each reservation. */
static int take_lock(struct server_state *state, char *sentence)
{
	char name[PATH_MAX];

	snprintf(name, sizeof(name), "%s.lock", state->path);
	state->lock = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (state->lock < 0)
		return say(sentence, errno,
		           "cannot write %s beside the state file: %s; name a --state whose folder "
		           "this user may write",
		           name, strerror(errno));
	if (flock(state->lock, LOCK_EX | LOCK_NB) != 0)
		return say(
		    sentence, errno,
		    "the state file %s is in use by another server; name another as --state, or "
		    "stop that one",
		    state->path);
	return 0;
}

/* Where links lead, so that two names of one file meet in one lock. */
static int name_files(struct server_state *state, const char *path, char *sentence)
{
	char *copy;

	state->path = realpath(path, NULL);
	if (state->path == NULL && errno == ENOENT)
		state->path = strdup(path);
	if (state->path == NULL)
		return say(sentence, errno, "cannot use the state file %s: %s", path,
		           strerror(errno));
	if (strlen(state->path) + strlen(".lock") >= PATH_MAX)
		return say(sentence, ENAMETOOLONG, "the name of the state file is too long");
	copy = strdup(state->path);
	state->folder = copy == NULL ? NULL : strdup(dirname(copy));
	free(copy);
	if (state->folder == NULL || asprintf(&state->temporary, "%s.new", state->path) < 0) {
		state->temporary = NULL;
		return say(sentence, ENOMEM, "out of memory");
	}
	return 0;
}

static void plan_next_try(struct server_state *state)
{
	state->next_try = state->reserved - state->block / 2;
}

static int begin(struct server_state *state, const char *path, uint64_t fresh, char *sentence)
{
	int result = name_files(state, path, sentence);

	if (result == 0)
		result = take_lock(state, sentence);
	if (result != 0)
		return result;
	result = read_reserved(state->path, &state->first, sentence);
	if (result == ENOENT)
		state->first = fresh;
	else if (result != 0)
		return result;
	if (state->first > UINT64_MAX - state->block)
		return say(sentence, ERANGE, "all tokens of the state file %s are used up",
		           state->path);
	result = reserve(state, state->first + state->block);
	if (result != 0)
		return say(
		    sentence, result,
		    "cannot write the state file %s: %s; make room for it, or name another as "
		    "--state",
		    state->path, strerror(result));
	plan_next_try(state);
	return 0;
}

int server_state_open(const char *path, uint64_t block, uint64_t fresh, struct server_state **state,
                      char *sentence)
{
	struct server_state *made = calloc(1, sizeof(*made));
	int result;

	if (made == NULL)
		return say(sentence, ENOMEM, "out of memory");
	made->lock = -1;
	made->block = block;
	result = begin(made, path, fresh, sentence);
	if (result != 0) {
		server_state_close(&made);
		return result;
	}
	*state = made;
	return 0;
}

void server_state_close(struct server_state **state)
{
	struct server_state *freed = *state;

	if (freed == NULL)
		return;
	if (freed->lock >= 0)
		close(freed->lock);
	free(freed->path);
	free(freed->temporary);
	free(freed->folder);
	free(freed);
	*state = NULL;
}

uint64_t server_state_first(const struct server_state *state)
{
	return state->first;
}

int server_state_cover(struct server_state *state, uint64_t token, char *sentence)
{
	uint64_t reserved;
	int result;

	if (token < state->next_try)
		return 0;
	if (token > UINT64_MAX - state->block)
		return say(sentence, ERANGE, "all tokens of the state file %s are used up",
		           state->path);
	reserved = (token > state->reserved ? token : state->reserved) + state->block;
	result = reserve(state, reserved);
	if (result == 0) {
		plan_next_try(state);
		return 0;
	}
	state->next_try = token + state->block / TRIES;
	if (state->next_try > state->reserved)
		state->next_try = state->reserved + 1;
	if (token <= state->reserved)
		return 0;
	return say(sentence, result,
	           "cannot reserve tokens in %s: %s; serving ends, since a restart could give the "
	           "same tokens out again",
	           state->path, strerror(result));
}
