/* support.c: programs under test, in sessions of their own so that what they leave can be found. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../monitor/clock.h"
#include "../matrix.h"

enum { PATIENCE_S = 60, PATHS = 8 };

const char *support_program(const char *name)
{
	static char path[PATH_MAX + 64];
	char own[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	assert_true(length > 0);
	own[length] = '\0';
	/* BUILD/perf/test/test_x: the programs are in BUILD */
	for (int i = 0; i < 3; i++)
		*strrchr(own, '/') = '\0';
	snprintf(path, sizeof(path), "%s/%s", own, name);
	return path;
}

bool support_has_program(const char *name)
{
	return access(support_program(name), X_OK) == 0;
}

char *support_make_folder(void)
{
	const char *parent = getenv("TMPDIR");
	char *folder;
	assert_true(asprintf(&folder, "%s/perf-test-XXXXXX", parent != NULL ? parent : "/tmp") > 0);
	assert_non_null(mkdtemp(folder));
	return folder;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

void support_remove_folder(char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

const char *support_path(const char *folder, const char *name)
{
	static char paths[PATHS][PATH_MAX];
	static size_t next;
	char *path = paths[next++ % PATHS];
	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

char *support_read_file(const char *file, size_t *length)
{
	char *text = NULL;
	size_t size = 0;
	FILE *in = fopen(file, "rbe");
	if (in == NULL)
		fail_msg("%s: %s", file, strerror(errno));
	FILE *copy = open_memstream(&text, &size);
	assert_non_null(copy);
	for (int c; (c = fgetc(in)) != EOF;)
		fputc(c, copy);
	fclose(in);
	assert_int_equal(fclose(copy), 0);
	if (length != NULL)
		*length = size;
	return text;
}

void support_write_file(const char *file, const char *text)
{
	FILE *out = fopen(file, "wxe");
	if (out == NULL)
		fail_msg("%s: %s", file, strerror(errno));
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

struct factors support_factors(const char *keys)
{
	char text[1024];
	char error[SUITE_ERROR_BYTES];
	struct suite *suite = NULL;
	struct matrix *matrix = NULL;
	snprintf(text, sizeof(text), "[scenario a]\ntimeout = 50 s\n%s", keys);
	if (suite_parse("test", text, strlen(text), NULL, &suite, error) != 0 ||
	    matrix_expand(suite, &matrix, error) != 0)
		fail_msg("%s", error);
	struct factors factors = matrix->points[0].factors;
	matrix_free(&matrix);
	suite_free(&suite);
	return factors;
}

void support_start(const char *const *arguments, struct support_process *process)
{
	char *const *argv;
	memcpy(&argv, &arguments, sizeof(argv));
	process->out = NULL;
	process->err = NULL;
	process->folder = support_make_folder();
	process->pid = fork();
	assert_true(process->pid >= 0);
	if (process->pid > 0)
		return;
	setsid();
	if (freopen("/dev/null", "r", stdin) == NULL ||
	    freopen(support_path(process->folder, "out"), "w", stdout) == NULL ||
	    freopen(support_path(process->folder, "err"), "w", stderr) == NULL)
		_exit(126);
	execv(argv[0], argv);
	_exit(127);
}

struct awaited {
	pid_t pid;
	int wait_status;
};

static bool has_ended(void *context)
{
	struct awaited *awaited = context;
	return waitpid(awaited->pid, &awaited->wait_status, WNOHANG) == awaited->pid;
}

int support_finish(struct support_process *process)
{
	struct awaited awaited = { .pid = process->pid };
	bool ended = support_await(has_ended, &awaited, PATIENCE_S);
	if (!ended) {
		kill(process->pid, SIGKILL);
		waitpid(process->pid, &awaited.wait_status, 0);
	}
	process->out = support_read_file(support_path(process->folder, "out"), NULL);
	process->err = support_read_file(support_path(process->folder, "err"), NULL);
	if (!ended)
		fail_msg("it did not end within %d s; it said:\n%s%s", PATIENCE_S, process->out,
		         process->err);
	return WIFEXITED(awaited.wait_status) ? WEXITSTATUS(awaited.wait_status)
	                                      : -WTERMSIG(awaited.wait_status);
}

void support_free(struct support_process *process)
{
	support_remove_folder(process->folder);
	free(process->out);
	free(process->err);
}

int support_run(const char *const *arguments, struct support_process *process)
{
	support_start(arguments, process);
	return support_finish(process);
}

bool support_await(bool (*condition)(void *context), void *context, int seconds)
{
	int64_t deadline_ns = dmonitor_clock_now_ns() + seconds * DMONITOR_NS_PER_S;
	while (!condition(context)) {
		if (dmonitor_clock_now_ns() > deadline_ns)
			return false;
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + 2 * DMONITOR_NS_PER_MS);
	}
	return true;
}

/* What /proc tells of a process. */
struct seen {
	pid_t pid;
	char name[32];
	char state;
	int parent;
	int session;
};

static bool see(const char *entry, struct seen *seen)
{
	char file[PATH_MAX];
	char line[1024] = "";
	int group;
	snprintf(file, sizeof(file), "/proc/%s/stat", entry);
	FILE *in = fopen(file, "re");
	if (in == NULL)
		return false;
	const char *behind_name = fgets(line, sizeof(line), in) != NULL ? strrchr(line, ')') : NULL;
	fclose(in);
	if (behind_name == NULL)
		return false;
	const char *name = strchr(line, '(') + 1;
	snprintf(seen->name, sizeof(seen->name), "%.*s", (int)(behind_name - name), name);
	seen->pid = (pid_t)strtol(entry, NULL, 10);
	return sscanf(behind_name, ") %c %d %d %d", &seen->state, &seen->parent, &group,
	              &seen->session) == 4;
}

/* The number of processes that ${wanted} says yes to; *${last}, unless NULL, gets the last one. */
static size_t count_processes(bool (*wanted)(const struct seen *seen, const void *context),
                              const void *context, pid_t *last)
{
	size_t count = 0;
	DIR *proc = opendir("/proc");
	assert_non_null(proc);
	for (const struct dirent *entry; (entry = readdir(proc)) != NULL;) {
		struct seen seen;
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    !see(entry->d_name, &seen) || !wanted(&seen, context))
			continue;
		count++;
		if (last != NULL)
			*last = seen.pid;
	}
	closedir(proc);
	return count;
}

static bool lives_in_session(const struct seen *seen, const void *context)
{
	return seen->session == *(const pid_t *)context && seen->state != 'Z' && seen->state != 'X';
}

size_t support_count_session(pid_t session)
{
	return count_processes(lives_in_session, &session, NULL);
}

static bool is_child_called(const struct seen *seen, const void *context)
{
	return seen->parent == getpid() && strcmp(seen->name, context) == 0;
}

pid_t support_find_child(const char *name)
{
	pid_t found = 0;
	count_processes(is_child_called, name, &found);
	return found;
}

bool support_has_no_child(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD;
}
