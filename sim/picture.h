/*
 * picture.h: the buffer and its workers as lines of text, 80 columns wide. Pure: it only writes a
 * string; where that is shown is up to the caller.
 *
 *     producer 1  [############........]  12 of 20
 *     producer 2  [##########..........]  10 of 20
 *
 *         buffer  [ 1.12 | 2.9  | 2.10 |      |      ]  3 of 5
 *
 *     consumer 1  [########............]   3 of 8
 */
#ifndef SIM_PICTURE_H
#define SIM_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history.h"

/* An item as the picture names it: producer and number, from 0. */
struct picture_item {
	uint32_t producer;
	uint32_t number;
};

/* How far a worker is. */
struct picture_worker {
	uint64_t done;
	uint64_t items;
};

struct picture {
	size_t capacity;
	struct picture_item *items; /* room for ${capacity}; borrowed, as are the next two */
	size_t length;              /* of items in the buffer, the oldest first */
	size_t producers;
	struct picture_worker *producer;
	size_t consumers;
	struct picture_worker *consumer;
};

/* Bring the picture up to date with an operation. */
void picture_apply(struct picture *picture, const struct history_event *event);

/**
 * picture_render(picture, max_lines, text, room_bytes):
 * Write the picture into ${text}, each line ended by a newline. Where the workers do not fit into
 * ${max_lines}, the rest of them is one line. Returns the number of lines.
 */
size_t picture_render(const struct picture *picture, size_t max_lines, char *text,
                      size_t room_bytes);

/* Write an operation as one line, without a newline: "producer 1 put item 1.4, 3 of 5 in the
 * buffer". People count from 1. */
void picture_describe(const struct history_event *event, size_t capacity, char *text,
                      size_t room_bytes);

#endif
