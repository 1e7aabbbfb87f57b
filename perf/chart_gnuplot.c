/* chart_gnuplot.c: see chart_gnuplot.h. No shell takes part. */
#include "chart_gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_FOUND = 127 }; /* the exit status of a child that could not become gnuplot */

static bool has_scripts(const char *folder)
{
	char style[PATH_MAX];

	return snprintf(style, sizeof(style), "%s/style.gp", folder) < (int)sizeof(style) &&
	       access(style, R_OK) == 0;
}

int chart_gnuplot_scripts(char *folder, size_t room, char *error, size_t error_room)
{
	static const char *const places[] = { "../plots", "../share/dmonitor/plots" };
	const char *named = getenv("DMONITOR_PLOTS");
	char program[PATH_MAX] = "", *slash;
	ssize_t length;

	if (named && *named) {
		snprintf(folder, room, "%s", named);
		if (has_scripts(folder))
			return 0;
		snprintf(error, error_room, "no style.gp in %s, which DMONITOR_PLOTS names", named);
		return ENOENT;
	}
	length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[length > 0 ? length : 0] = '\0';
	slash = strrchr(program, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(folder, room, "%s/%s", program, places[i]);
		if (has_scripts(folder))
			return 0;
	}
	snprintf(error, error_room,
	         "the gnuplot scripts are neither in %s/%s nor in %s/%s; DMONITOR_PLOTS can name "
	         "their folder",
	         program, places[0], program, places[1]);
	return ENOENT;
}

/* The child: become gnuplot in ${folder}, with nothing to read and all output into ${output}. */
static void __attribute__((noreturn))
become_gnuplot(const char *folder, const char *argument, int output)
{
	int nothing = open("/dev/null", O_RDONLY);

	if (chdir(folder) == 0 && setenv("LC_ALL", "C.UTF-8", 1) == 0 && nothing >= 0 &&
	    dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
	    dup2(output, STDERR_FILENO) >= 0) {
		/* Both would change what is drawn, or wait for a window. */
		unsetenv("GNUTERM");
		unsetenv("GNUPLOT_LIB");
		execlp("gnuplot", "gnuplot", "-d", argument, (char *)NULL);
	}
	_exit(NOT_FOUND);
}

/* Read all that comes, and keep the beginning in ${text} as one line. */
static void read_all(int input, char *text, size_t room)
{
	char chunk[512];
	size_t kept = 0;
	ssize_t count;

	while ((count = read(input, chunk, sizeof(chunk))) > 0 || (count < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < count; i++) {
			bool space = strchr(" \n", chunk[i]) != NULL;

			if (kept + 1 < room && !(space && (kept == 0 || text[kept - 1] == ' ')))
				text[kept++] = space ? ' ' : chunk[i];
		}
	}
	while (kept > 0 && text[kept - 1] == ' ')
		kept--;
	text[kept] = '\0';
}

/* Wait for ${child}. Returns its exit status, or -1 if it did not exit by itself. */
static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int chart_gnuplot_run(const char *folder, const char *argument, char *said, size_t room)
{
	char text[512];
	int ends[2], status;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		snprintf(said, room, "no pipe to gnuplot: %s", strerror(errno));
		return errno;
	}
	child = fork();
	if (child == 0)
		become_gnuplot(folder, argument, ends[1]);
	close(ends[1]);
	read_all(ends[0], text, sizeof(text));
	close(ends[0]);
	status = child < 0 ? NOT_FOUND : wait_for(child);
	if (status == NOT_FOUND) {
		snprintf(said, room,
		         "gnuplot cannot be started; on Debian it is in the package gnuplot-nox");
		return ENOENT;
	}
	if (status != 0)
		snprintf(said, room, "gnuplot ended with %d and said: %s", status, text);
	else
		snprintf(said, room, "%s%s", *text ? "gnuplot warns: " : "", text);
	return status == 0 ? 0 : EINVAL;
}
