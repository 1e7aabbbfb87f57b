/*
 * ring.h: a ring of items in a block of memory that several processes may see, each at an address
 * of its own: the layout and its arithmetic. Pure: no system calls, and no waiting: who may use the
 * ring at a time is the caller's business.
 *
 * A put or a get takes effect by one store, its last, so that one which is cut short by the death
 * of its process has not happened at all.
 *
 * What the block says is believed only as far as it makes sense, as other processes write it; what
 * does not is EPROTO.
 */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

struct ring_header;

/* A ring as one process sees it. */
struct ring {
	struct ring_header *header;
	unsigned char *slots;
	uint64_t capacity;       /* of items; this process's own copy, as is the next */
	uint64_t item_max_bytes; /* the largest item */
};

/* How large a block such a ring needs; SIZE_MAX if more than can be counted. The block must be
 * aligned to 8 bytes. */
size_t ring_bytes(size_t capacity, size_t item_max_bytes);

/* Make an empty ring in ${block}, which is all zero and has ring_bytes(). Until this has returned
 * nobody can attach it. */
void ring_make(void *block, size_t capacity, size_t item_max_bytes);

/**
 * ring_attach(ring, block, block_bytes, capacity, item_max_bytes):
 * Use the ring that was made in ${block} as ${ring}.
 *
 * Errors   ENODATA  none was made there, or not to the end
 *          EEXIST   it has another capacity or item size
 *          EPROTO   the block is too small for what it says
 */
int ring_attach(struct ring *ring, void *block, size_t block_bytes, size_t capacity,
                size_t item_max_bytes);

/**
 * ring_enter(ring, token):
 * Leave ${token} in the ring: from now on nobody with a lower one can change it, even if this
 * caller finds nothing to do.
 *
 * Errors   ESTALE  as for ring_put()
 */
int ring_enter(struct ring *ring, uint64_t token);

/* How many items it holds. Errors: EPROTO. */
int ring_length(const struct ring *ring, size_t *length);

/**
 * ring_put(ring, token, item, size_bytes):
 * Append a copy of ${item}. ${token}, never 0, is that of the ownership in which the caller does
 * it; where owners are not counted it is always the same.
 *
 * Errors   EAGAIN    the ring is full
 *          EMSGSIZE  ${size_bytes} is above item_max_bytes
 *          ESTALE    ${token} is 0, or an owner with a higher one has been here: the caller is not
 *                    the owner any more
 *          EPROTO
 */
int ring_put(struct ring *ring, uint64_t token, const void *item, size_t size_bytes);

/**
 * ring_get(ring, token, item, room_bytes, size_bytes):
 * Take the oldest item into ${item} and its size into *${size_bytes}.
 *
 * Errors   EAGAIN    the ring is empty
 *          EMSGSIZE  the item is larger than ${room_bytes}; it stays
 *          ESTALE    as for ring_put(); ${item} may have been written to
 *          EPROTO
 */
int ring_get(struct ring *ring, uint64_t token, void *item, size_t room_bytes, size_t *size_bytes);

#endif
