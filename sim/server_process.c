/* server_process.c: a monitor_server of one's own, which lives no longer than who started it. */
#include "server_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "interrupt.h"

#ifndef PREFIX
#define PREFIX "/usr/local"
#endif

#define SERVER_NAME "monitor_server"
#define ANNOUNCES   "listening "

struct server_process {
	pid_t pid;
	int output_fd; /* its stdout; kept open, so that it may go on writing there */
	char endpoint[256];
};

static const int64_t start_timeout_ns = 5 * DMONITOR_NS_PER_S;
static const int64_t stop_timeout_ns = 2 * DMONITOR_NS_PER_S;

/* The folder of the running program, without a slash at its end. */
static int own_folder(char *folder, size_t room_bytes)
{
	const ssize_t length = readlink("/proc/self/exe", folder, room_bytes - 1);

	if (length <= 0)
		return errno;
	if ((size_t)length == room_bytes - 1)
		return ENAMETOOLONG;
	folder[length] = '\0';
	*strrchr(folder, '/') = '\0';
	return 0;
}

/* Put the path together; whether a program is there. */
static int try_path(const char *folder, const char *name, char *path, size_t room_bytes)
{
	const int length = snprintf(path, room_bytes, "%s%s", folder, name);

	if (length < 0 || (size_t)length >= room_bytes)
		return ENAMETOOLONG;
	return access(path, X_OK) == 0 ? 0 : ENOENT;
}

int server_process_find(const char *program, char *path, size_t room_bytes)
{
	char folder[4096];
	int error;

	if (program != NULL)
		return try_path("", program, path, room_bytes);
	if ((error = own_folder(folder, sizeof(folder))) != 0)
		return error;
	if ((error = try_path(folder, "/" SERVER_NAME, path, room_bytes)) == ENOENT &&
	    (error = try_path(folder, "/../" SERVER_NAME, path, room_bytes)) == ENOENT &&
	    (error = try_path(folder, "/../../" SERVER_NAME, path, room_bytes)) == ENOENT)
		error = try_path(PREFIX "/bin", "/" SERVER_NAME, path, room_bytes);
	return error;
}

int server_process_endpoint_for(const char *transport, char *endpoint, size_t room_bytes)
{
	uint64_t number;

	if (strcmp(transport, "tcp") == 0) {
		snprintf(endpoint, room_bytes, "tcp://127.0.0.1:*");
		return 0;
	}
	if (strcmp(transport, "ipc") != 0)
		return EINVAL;
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return EIO;
	snprintf(endpoint, room_bytes, "ipc://@dmonitor-%ld-%016llx", (long)getpid(),
	         (unsigned long long)number);
	return 0;
}

/* In the child: become the server. What goes wrong is told through ${trouble_fd}, which closes by
 * itself if nothing does. A process group of its own keeps Ctrl-C from it. */
static _Noreturn void be_server(char *const *arguments, int output_fd, int trouble_fd, pid_t parent)
{
	int trouble;
	ssize_t written;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EOWNERDEAD);
	setpgid(0, 0);
	interrupt_release();
	if (dup2(output_fd, STDOUT_FILENO) != -1)
		execv(arguments[0], arguments);
	trouble = errno;
	written = write(trouble_fd, &trouble, sizeof(trouble));
	_exit(written == sizeof(trouble) ? 127 : 126);
}

/* The server's arguments, ended by NULL; to be freed. */
static char **arguments_of(const struct server_process_options *options, char *path, char *bind)
{
	static char bind_option[] = "--bind";
	size_t extra = 0, count = 0;
	char **arguments;

	while (options->arguments != NULL && options->arguments[extra] != NULL)
		extra++;
	if ((arguments = calloc(extra + 4, sizeof(*arguments))) == NULL)
		return NULL;
	arguments[count++] = path;
	arguments[count++] = bind_option;
	arguments[count++] = bind;
	/* execv's type says that it may change them, which it does not. */
	for (size_t i = 0; i < extra; i++)
		memcpy(&arguments[count++], &options->arguments[i], sizeof(*arguments));
	return arguments;
}

/* Fork and exec. On failure no child is left. */
static int spawn(struct server_process *server, char *const *arguments)
{
	const pid_t parent = getpid();
	int output[2], trouble[2], error;
	ssize_t length;

	if (pipe2(output, O_CLOEXEC) != 0)
		return errno;
	if (pipe2(trouble, O_CLOEXEC) != 0) {
		error = errno;
		goto err0;
	}
	fflush(NULL);
	if ((server->pid = fork()) == -1) {
		error = errno;
		goto err1;
	}
	if (server->pid == 0)
		be_server(arguments, output[1], trouble[1], parent);
	close(trouble[1]);
	close(output[1]);
	while ((length = read(trouble[0], &error, sizeof(error))) == -1 && errno == EINTR)
		continue;
	close(trouble[0]);
	if (length == 0) {
		server->output_fd = output[0];
		return 0;
	}
	waitpid(server->pid, NULL, 0);
	close(output[0]);
	return error;

err1:
	close(trouble[0]);
	close(trouble[1]);
err0:
	close(output[0]);
	close(output[1]);
	return error;
}

/* Wait until ${fd} can be read, or the deadline; whether it can. */
static bool await_input(int fd, int64_t deadline_ns)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	int ready;

	do {
		const int64_t left_ns = deadline_ns - dmonitor_clock_now_ns();
		const int64_t left_ms = (left_ns + DMONITOR_NS_PER_MS - 1) / DMONITOR_NS_PER_MS;

		ready = poll(&polled, 1, left_ms < 0 ? 0 : left_ms > 1000 ? 1000 : (int)left_ms);
	} while (ready <= 0 && dmonitor_clock_now_ns() < deadline_ns);
	return ready > 0;
}

/* Read the line "listening ENDPOINT". EPIPE: it ended instead; EPROTO: it said something else. */
static int read_endpoint(struct server_process *server, int64_t deadline_ns)
{
	char line[sizeof(ANNOUNCES) + sizeof(server->endpoint)] = "";
	size_t length = 0;

	while (memchr(line, '\n', length) == NULL) {
		ssize_t more;

		if (length == sizeof(line) - 1)
			return EPROTO;
		if (!await_input(server->output_fd, deadline_ns))
			return ETIMEDOUT;
		more = read(server->output_fd, line + length, sizeof(line) - 1 - length);
		if (more == 0)
			return EPIPE;
		if (more > 0)
			length += (size_t)more;
		else if (errno != EINTR)
			return errno;
	}
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, ANNOUNCES, strlen(ANNOUNCES)) != 0 ||
	    strlen(line + strlen(ANNOUNCES)) >= sizeof(server->endpoint))
		return EPROTO;
	strcpy(server->endpoint, line + strlen(ANNOUNCES));
	return 0;
}

/* Reap it if it has ended; whether it has. */
static bool has_ended(const struct server_process *server, int *wait_status)
{
	return waitpid(server->pid, wait_status, WNOHANG) == server->pid;
}

/* End it, kindly first. Its wait status, and whether it had to be killed. */
static int end(struct server_process *server, bool *killed)
{
	const int64_t deadline_ns = dmonitor_clock_now_ns() + stop_timeout_ns;
	int wait_status = 0;

	*killed = false;
	kill(server->pid, SIGTERM);
	while (!has_ended(server, &wait_status)) {
		if (dmonitor_clock_now_ns() >= deadline_ns) {
			*killed = true;
			kill(server->pid, SIGKILL);
		}
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS);
	}
	close(server->output_fd);
	return wait_status;
}

static void explain_start(int error, const char *path, char *text, size_t room_bytes)
{
	switch (error) {
	case EPIPE:
		snprintf(text, room_bytes, "%s ended before it was listening", path);
		break;
	case ETIMEDOUT:
		snprintf(text, room_bytes, "%s did not say in time that it is listening", path);
		break;
	case EPROTO:
		snprintf(text, room_bytes,
		         "%s is no monitor_server: it does not say where it listens", path);
		break;
	default:
		snprintf(text, room_bytes, "%s cannot be started: %s", path, strerror(error));
	}
}

int server_process_start(const struct server_process_options *options,
                         struct server_process **result, char *text, size_t room_bytes)
{
	static const struct server_process_options defaults = { .program = NULL };
	const struct server_process_options *use = options != NULL ? options : &defaults;
	const int64_t timeout_ns = use->timeout_ns > 0 ? use->timeout_ns : start_timeout_ns;
	char path[4096 + sizeof(SERVER_NAME)], bind[256], **arguments;
	struct server_process *server;
	bool killed;
	int error;

	if ((error = server_process_find(use->program, path, sizeof(path))) != 0) {
		snprintf(text, room_bytes, "there is no program %s",
		         use->program != NULL ? use->program
		                              : SERVER_NAME " beside this one or in " PREFIX
		                                            "/bin");
		return error;
	}
	snprintf(bind, sizeof(bind), "%s", use->bind != NULL ? use->bind : "tcp://127.0.0.1:*");
	server = calloc(1, sizeof(*server));
	arguments = arguments_of(use, path, bind);
	error = server == NULL || arguments == NULL ? ENOMEM : spawn(server, arguments);
	if (error == 0 &&
	    (error = read_endpoint(server, dmonitor_clock_now_ns() + timeout_ns)) != 0)
		end(server, &killed);
	free(arguments);
	if (error != 0) {
		explain_start(error, path, text, room_bytes);
		free(server);
		return error;
	}
	*result = server;
	return 0;
}

const char *server_process_endpoint(const struct server_process *server)
{
	return server->endpoint;
}

pid_t server_process_pid(const struct server_process *server)
{
	return server->pid;
}

/* Asks without reaping: that is server_process_stop()'s. */
bool server_process_ended(const struct server_process *server)
{
	siginfo_t ended = { 0 };

	return waitid(P_PID, (id_t)server->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       ended.si_pid != 0;
}

int64_t server_process_cpu_ns(const struct server_process *server)
{
	return dmonitor_clock_cpu_ns(server->pid);
}

int server_process_stop(struct server_process **address, char *text, size_t room_bytes)
{
	struct server_process *server = *address;
	bool ended, killed = false;
	int status = 0;

	*address = NULL;
	if (server == NULL)
		return 0;
	if ((ended = has_ended(server, &status)))
		close(server->output_fd);
	else
		status = end(server, &killed);
	free(server);
	if (killed)
		snprintf(text, room_bytes, "the server did not stop and was killed");
	else if (WIFSIGNALED(status))
		snprintf(text, room_bytes, "the server was killed by signal %d (%s)",
		         WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (ended || WEXITSTATUS(status) != 0)
		snprintf(text, room_bytes, "the server ended %s, with status %d",
		         ended ? "by itself" : "badly", WEXITSTATUS(status));
	else
		return 0;
	return EIO;
}
