/*
 * recorder.h: writes the record of a run into a file. What cannot be written ends the recording,
 * with one sentence on stderr, and nothing else: the server goes on. A NULL recorder records
 * nothing.
 */
#ifndef DMONITOR_RECORDER_H
#define DMONITOR_RECORDER_H

#include "record.h"

struct recorder;

/**
 * recorder_open(path, options, recorder):
 * Begin a record in a new file. It can be read by its owner alone, for it holds the sessions'
 * secrets.
 *
 * Owns     on 0 the caller owns *${recorder} until recorder_close().
 * Errors   EEXIST  the file is there, and stays as it is; any other of open(2) and write(2); ENOMEM
 */
int recorder_open(const char *path, const struct dmonitor_core_options *options,
                  struct recorder **recorder);

/* Note a step: ${event}, what dmonitor_core_step() returned, and what is to be sent. ${envelope} is
 * of a MESSAGE. One write(2), so that whoever kills the server tears at most the last line. */
void recorder_note(struct recorder *recorder, const struct dmonitor_event *event,
                   const struct dmonitor_envelope *envelope, int result,
                   const struct dmonitor_outbox *said);

/* The server could not begin: remove the file, free *${recorder} and null it; it may be NULL. */
void recorder_discard(struct recorder **recorder);

/* The server stops: end the record, where it does so because it was asked to (${clean}), free
 * *${recorder} and null it; it may be NULL. */
void recorder_close(struct recorder **recorder, bool clean, int64_t now_ns);

#endif
