/*
 * record_reader.h: reads a record line by line, each into the event that it tells of and what the
 * core said to it. Memory is that of one line.
 */
#ifndef DMONITOR_RECORD_READER_H
#define DMONITOR_RECORD_READER_H

#include "record.h"

struct record_reader;

enum record_kind {
	RECORD_EVENT,  /* of the line */
	RECORD_END,    /* of the run: the server stopped as it was asked to */
	RECORD_TORN,   /* the last line is not whole: the server was killed as it wrote it */
	RECORD_BROKEN, /* the line is none of a record: see fault */
	RECORD_OVER    /* there is no more line */
};

/* One line; valid until the next is read. */
struct record_line {
	uint64_t number; /* from 1, the header */
	const char *text;
	size_t length; /* with the newline */
	struct dmonitor_event event;
	struct dmonitor_request request;      /* the event's, of a MESSAGE */
	struct dmonitor_core_options options; /* of START */
	struct dmonitor_outbox said;
	size_t said_at; /* where in the text "said" begins */
	const char *fault;
};

/**
 * record_reader_open(path, reader, fault):
 * Open a record and read its header.
 *
 * Owns     on 0 the caller owns *${reader} until record_reader_close().
 * Errors   EPROTO  it is no record, or one of another version; *${fault} is a static sentence
 *          any other of open(2); ENOMEM
 */
int record_reader_open(const char *path, struct record_reader **reader, const char **fault);
void record_reader_close(struct record_reader **reader);

enum record_kind record_reader_next(struct record_reader *reader, struct record_line **line);

/* How many bytes have been read, and there are in all (0: nobody knows). */
void record_reader_progress(const struct record_reader *reader, uint64_t *read, uint64_t *all);

#endif
