/* recording.c: a folder, and a child that runs monitor_check over what lies in it. */
#include "recording.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sim/interrupt.h"
#include "../sim/server_process.h"
#include "sentence.h"

#define CHECKER "monitor_check"
#define RECORD  "record"
#define HISTORY "history-"

struct recording {
	char folder[KEYS_TEXT_BYTES / 2];
	char server_file[KEYS_TEXT_BYTES];
};

int recording_new(struct recording **recording)
{
	const char *parent = getenv("TMPDIR");
	struct recording *made = calloc(1, sizeof(*made));
	if (made == NULL)
		return ENOMEM;
	int length = snprintf(made->folder, sizeof(made->folder), "%s/performance_test-XXXXXX",
	                      parent != NULL ? parent : "/tmp");
	int failure = length < (int)sizeof(made->folder) ? 0 : ENAMETOOLONG;
	if (failure == 0 && mkdtemp(made->folder) == NULL)
		failure = errno;
	if (failure != 0) {
		free(made);
		return failure;
	}
	sentence(made->server_file, sizeof(made->server_file), "%s/" RECORD, made->folder);
	*recording = made;
	return 0;
}

const char *recording_server_file(const struct recording *recording)
{
	return recording->server_file;
}

void recording_history_file(const struct recording *recording, size_t index, size_t serial,
                            char path[KEYS_TEXT_BYTES])
{
	sentence(path, KEYS_TEXT_BYTES, "%s/" HISTORY "%zu-%zu", recording->folder, index, serial);
}

/* The checker's arguments, to be freed with their first one's text and each history's. */
static char **arguments_of(const struct recording *recording, size_t *count)
{
	size_t room = 8;
	char **arguments = calloc(room, sizeof(*arguments));
	DIR *folder = opendir(recording->folder);
	bool good = arguments != NULL && folder != NULL;
	*count = 2; /* the program, the record */
	for (const struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
		if (strncmp(entry->d_name, HISTORY, strlen(HISTORY)) != 0)
			continue;
		if (*count + 3 > room) {
			room *= 2;
			char **more = reallocarray(arguments, room, sizeof(*arguments));
			good = more != NULL;
			arguments = good ? more : arguments;
		}
		char *option = NULL;
		if (good &&
		    asprintf(&option, "--history=%s/%s", recording->folder, entry->d_name) < 0)
			good = false;
		if (good)
			arguments[(*count)++] = option;
	}
	if (folder != NULL)
		closedir(folder);
	if (good) {
		arguments[*count] = NULL;
		return arguments;
	}
	free(arguments);
	return NULL;
}

/* The child's life: become the checker, with ${output} for stdout and stderr. */
static _Noreturn void be_checker(char **arguments, int output, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	interrupt_release();
	if (dup2(output, STDOUT_FILENO) != -1 && dup2(output, STDERR_FILENO) != -1)
		execv(arguments[0], arguments);
	_exit(127);
}

/* The last line that comes from ${input} until it ends. */
static void read_last_line(int input, char line[KEYS_SENTENCE_BYTES])
{
	FILE *said = fdopen(input, "r");
	char next[KEYS_SENTENCE_BYTES];
	line[0] = '\0';
	if (said == NULL) {
		close(input);
		return;
	}
	while (fgets(next, sizeof(next), said) != NULL) {
		next[strcspn(next, "\n")] = '\0';
		if (next[0] != '\0')
			strcpy(line, next);
	}
	fclose(said);
}

/* Run it and read what it says. Returns its wait status, or -1 with errno. */
static int ask(char **arguments, char said[KEYS_SENTENCE_BYTES])
{
	int ends[2];
	int status;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	pid_t parent = getpid();
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		be_checker(arguments, ends[1], parent);
	close(ends[1]);
	if (child == -1) {
		close(ends[0]);
		return -1;
	}
	read_last_line(ends[0], said);
	while (waitpid(child, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return status;
}

/* The checker beside the server. */
static int find_checker(const char *server_program, char *path, size_t room_bytes)
{
	int failure = server_process_find(server_program, path, room_bytes);
	if (failure != 0)
		return failure;
	char *slash = strrchr(path, '/');
	char *name = slash != NULL ? slash + 1 : path;
	if ((size_t)(name - path) + sizeof(CHECKER) > room_bytes)
		return ENAMETOOLONG;
	strcpy(name, CHECKER);
	return access(path, X_OK) == 0 ? 0 : errno;
}

int recording_check(const struct recording *recording, const char *server_program,
                    char wrong[KEYS_SENTENCE_BYTES])
{
	char program[4096 + sizeof(CHECKER)];
	char said[KEYS_SENTENCE_BYTES] = "";
	int failure = find_checker(server_program, program, sizeof(program));
	if (failure != 0) {
		sentence(wrong, KEYS_SENTENCE_BYTES, "no " CHECKER " beside the server: %s",
		         strerror(failure));
		return failure;
	}
	size_t count;
	char **arguments = arguments_of(recording, &count);
	if (arguments == NULL) {
		sentence(wrong, KEYS_SENTENCE_BYTES, "no memory to check the record");
		return ENOMEM;
	}
	char server_file[KEYS_TEXT_BYTES];
	strcpy(server_file, recording->server_file);
	arguments[0] = program;
	arguments[1] = server_file;
	int status = ask(arguments, said);
	for (size_t i = 2; i < count; i++)
		free(arguments[i]);
	free(arguments);
	if (status == 0)
		return 0;
	sentence(wrong, KEYS_SENTENCE_BYTES, CHECKER " of %.100s: %.300s", recording->folder,
	         said[0] != '\0' ? said : "it came to no end");
	return EPROTO;
}

void recording_free(struct recording **address, bool keep)
{
	struct recording *recording = *address;
	*address = NULL;
	if (recording == NULL)
		return;
	DIR *folder = keep ? NULL : opendir(recording->folder);
	for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder != NULL)
		closedir(folder);
	if (!keep)
		rmdir(recording->folder);
	free(recording);
}
