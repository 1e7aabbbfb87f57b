/*
 * item.h: what passes through the buffer in a simulation: who made it, which of theirs it is, and a
 * pattern that differs from item to item, so that neither a mixture of two nor a piece of one
 * passes for an item. Pure.
 */
#ifndef SIM_ITEM_H
#define SIM_ITEM_H

#include <stddef.h>
#include <stdint.h>

/* What an item begins with. */
struct item {
	uint32_t producer;
	uint32_t number;
};

/* Write ${item} into ${bytes}, ${size_bytes} long, which is at least sizeof(*item). */
void item_write(const struct item *item, unsigned char *bytes, size_t size_bytes);

/* Read it back. Errors: EPROTO: no producer has written these bytes. */
int item_read(const unsigned char *bytes, size_t size_bytes, struct item *item);

#endif
