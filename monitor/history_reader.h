/*
 * history_reader.h: reads what clients recorded of their calls (dmonitor_options.history_path),
 * line by line.
 */
#ifndef DMONITOR_HISTORY_READER_H
#define DMONITOR_HISTORY_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wire.h"

enum history_phase { HISTORY_INVOKE, HISTORY_OK, HISTORY_FAIL, HISTORY_INFO };

enum history_op {
	HISTORY_CONNECT,
	HISTORY_DISCONNECT,
	HISTORY_ENTER,
	HISTORY_EXIT,
	HISTORY_WAIT,
	HISTORY_SIGNAL,
	HISTORY_BROADCAST,
	HISTORY_CHECK,
	HISTORY_CLOSE
};

/* One line. What it does not tell is empty or 0. */
struct history_line {
	int64_t t_ns;
	char client[DMONITOR_ID_BYTES + 1];
	int64_t call;
	enum history_phase phase;
	enum history_op op;
	char monitor[DMONITOR_NAME_BYTES + 1];
	char condition[DMONITOR_NAME_BYTES + 1];
	int64_t levels;
	uint64_t token;
	char boot[64];
	char server[DMONITOR_ID_BYTES + 1];
};

struct history_reader {
	const char *path;
	FILE *file;
	char *text;
	size_t text_room;
	uint64_t number; /* of the line read last */
};

/* Begin to read ${path}, which is not copied: 0 or an errno value. */
int history_reader_open(struct history_reader *reader, const char *path);
void history_reader_close(struct history_reader *reader);

/* The next line: 1, 0 at the end, or -1 and a static sentence in *${fault}. A last line that is
 * torn is the end. */
int history_reader_next(struct history_reader *reader, struct history_line *line,
                        const char **fault);

#endif
