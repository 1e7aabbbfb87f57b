/*
 * recording.h: what a spawned server and the workers write of a run, and whether monitor_check
 * finds it right: every rule of the monitor, by a second model of it.
 */
#ifndef PERF_RECORDING_H
#define PERF_RECORDING_H

#include <stdbool.h>
#include <stddef.h>

#include "keys.h"

struct recording; /* a folder of its own below TMPDIR, or /tmp */

/* Make the folder. Errors: ENOMEM, those of mkdtemp(3). */
int recording_new(struct recording **recording);

/* Where the server is to write; valid until recording_free(). */
const char *recording_server_file(const struct recording *recording);

/* Where a worker is to write its calls: a file for each ${serial} of worker ${index}. */
void recording_history_file(const struct recording *recording, size_t index, size_t serial,
                            char path[KEYS_TEXT_BYTES]);

/**
 * recording_check(recording, server_program, wrong):
 * Let monitor_check, which lies beside the server (${server_program}, or where server_process.h
 * finds it), look at all that was written. The server has ended.
 *
 * Blocks   for as long as that takes.
 * Errors   EPROTO  a rule is broken; ${wrong} has what it said last
 *          others  it cannot be asked; likewise
 */
int recording_check(const struct recording *recording, const char *server_program,
                    char wrong[KEYS_SENTENCE_BYTES]);

/* Remove the folder and what is in it, free *${recording} and null it; it may be NULL. With
 * ${keep} the folder stays. */
void recording_free(struct recording **recording, bool keep);

#endif
