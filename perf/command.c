/* command.c: posix_spawn(3) and a pipe; no shell, so nothing needs quoting. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn(const char *const *arguments, int output, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	char *const *argv;
	/* exec promises not to write to them, but was declared before there was const */
	memcpy(&argv, &arguments, sizeof(argv));
	int failure = posix_spawnp(child, arguments[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return failure;
}

/* Read to the end, so that the program is not stopped by a full pipe; keep what fits. */
static void read_all(int input, char *text, size_t room_bytes)
{
	size_t used = 0;
	char dropped[256];
	for (;;) {
		bool full = used + 1 >= room_bytes;
		ssize_t got = read(input, full ? dropped : text + used,
		                   full ? sizeof(dropped) : room_bytes - used - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		used += full ? 0 : (size_t)got;
	}
	text[used] = '\0';
}

int command_first_line(const char *const *arguments, char *line, size_t room_bytes)
{
	int ends[2];
	pid_t child;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return errno;
	int failure = spawn(arguments, ends[1], &child);
	close(ends[1]);
	if (failure != 0) {
		close(ends[0]);
		return failure;
	}
	read_all(ends[0], line, room_bytes);
	close(ends[0]);
	line[strcspn(line, "\r\n")] = '\0';
	int wait_status = 0;
	while (waitpid(child, &wait_status, 0) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 ? 0 : EIO;
}
