/*
 * storage.h: where a buffer's items lie, as bounded_buffer.c sees it.
 *
 * bounded_buffer.c owns the monitor whenever it calls one of these, but for close; a storage may
 * read the monitor's token, and nothing else of it changes hands. None of them waits for room or
 * for items: that is done outside, on the monitor's conditions.
 *
 * A put or get that returns 0 must be complete by then, or become so with the exit of the monitor;
 * one that returns anything else must have changed nothing. A process that is killed anywhere must
 * leave every put and get whole or absent.
 */
#ifndef STORAGE_H
#define STORAGE_H

#include <stddef.h>

#include "../monitor/dmonitor.h"

/* What identifies a buffer, and how large it is. Borrowed for the call. */
struct storage_place {
	dmonitor *monitor;     /* entered; stays valid until close */
	const char *server_id; /* dmonitor_server_id() */
	const char *name;      /* the buffer's */
	size_t capacity;
	size_t item_max_bytes;
};

struct storage {
	/* Find the buffer or make it. EEXIST: it has other sizes. On 0 the caller owns *${state}.
	 */
	int (*open)(const struct storage_place *place, void **state);
	/* Give ${state} back; the last of all processes removes the items. The monitor need not be
	 * entered. */
	void (*close)(void *state);
	/* Give ${state} back in a process that inherited it by fork(): remove nothing. */
	void (*abandon)(void *state);
	/* ESTALE: a later owner has been here. */
	int (*length)(void *state, size_t *length);
	/* Only where length has found room. EMSGSIZE: above item_max_bytes. */
	int (*put)(void *state, const void *item, size_t size_bytes);
	/* Only where length has found an item. EMSGSIZE: above ${room_bytes}; the item stays. */
	int (*get)(void *state, void *item, size_t room_bytes, size_t *size_bytes);
};

extern const struct storage storage_shared_memory;

#endif
