/*
 * support.h: for tests that run programs: where they are, what they print, how they end. Whatever
 * a test starts here is gone when the test is.
 */
#ifndef PERF_TEST_SUPPORT_H
#define PERF_TEST_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../keys.h"

/* The path of program ${name} of this build; valid until the next call. */
const char *support_program(const char *name);

bool support_has_program(const char *name);

/* A new empty folder, which the caller removes by support_remove_folder() and frees. */
char *support_make_folder(void);
void support_remove_folder(char *folder);

/* "${folder}/${name}"; valid until the eighth next call. */
const char *support_path(const char *folder, const char *name);

/* The whole of a file, with a NUL behind it, which the caller frees; *${length} may be NULL. The
 * test fails if it cannot be read. */
char *support_read_file(const char *file, size_t *length);
void support_write_file(const char *file, const char *text);

/* The factors of the first point of "[scenario a]" with ${keys}. */
struct factors support_factors(const char *keys);

struct support_process {
	pid_t pid;
	char *folder; /* of its output */
	char *out;    /* what it wrote on stdout and stderr, once it has ended */
	char *err;
};

/* Start ${arguments}[0] with the signals that this process does not block. */
void support_start(const char *const *arguments, struct support_process *process);

/* Wait for it, at most a minute, and read its output. The exit status, or -(signal's number). */
int support_finish(struct support_process *process);

/* Forget it; it must have been finished. */
void support_free(struct support_process *process);

/* Start, finish. */
int support_run(const char *const *arguments, struct support_process *process);

/* Wait until ${condition}(${context}) holds, at most ${seconds}; whether it came to hold. */
bool support_await(bool (*condition)(void *context), void *context, int seconds);

/* How many processes of the session of ${process->pid} live: support_start() makes it one. */
size_t support_count_session(pid_t session);

/* A child of this process whose name is ${name}, or 0. */
pid_t support_find_child(const char *name);

/* Whether this process has no child at all, living or dead. */
bool support_has_no_child(void);

#endif
