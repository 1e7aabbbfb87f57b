/*
 * ring.c: a ring of items in a block of memory.
 *
 *     header | slot 0 | slot 1 | ... | slot capacity-1      slot: size (8 bytes) | item | padding
 *
 * head and tail count all gets and all puts ever, so that they only rise, never wrap (2^64 is
 * centuries away) and need no rule to tell full from empty. Everything is at an offset from the
 * block's beginning.
 *
 * The monitor keeps owners apart, but a process that was stopped until its ownership had passed on
 * does not know yet, and may run on. Two things hold it back: it finds a higher token than its own
 * and leaves, or its last store, made only if the counter is still as it found it, fails. Only
 * where it was stopped between looking at the token and filling the slot can it spoil what lies
 * there.
 */
#include "ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* "bounded1" in the order of the bytes on x86: another layout gets another number. */
#define RING_MAGIC UINT64_C(0x316465646e756f62)

struct ring_header {
	_Atomic uint64_t magic; /* stored last when the ring is made */
	uint64_t capacity;
	uint64_t item_max_bytes;
	_Atomic uint64_t token; /* the highest of those who have been here */
	_Atomic uint64_t head;  /* items ever taken */
	_Atomic uint64_t tail;  /* items ever put */
};

struct slot {
	uint64_t size_bytes;
	unsigned char item[];
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics must work between processes");
_Static_assert(sizeof(struct ring_header) % sizeof(uint64_t) == 0, "slots must be aligned");

static size_t slot_bytes(size_t item_max_bytes)
{
	const size_t unit = sizeof(uint64_t);

	return sizeof(struct slot) + (item_max_bytes + unit - 1) / unit * unit;
}

size_t ring_bytes(size_t capacity, size_t item_max_bytes)
{
	size_t bytes;

	if (item_max_bytes > SIZE_MAX / 2 ||
	    __builtin_mul_overflow(capacity, slot_bytes(item_max_bytes), &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(struct ring_header), &bytes))
		return SIZE_MAX;
	return bytes;
}

void ring_make(void *block, size_t capacity, size_t item_max_bytes)
{
	struct ring_header *header = block;

	header->capacity = capacity;
	header->item_max_bytes = item_max_bytes;
	atomic_store_explicit(&header->magic, RING_MAGIC, memory_order_release);
}

int ring_attach(struct ring *ring, void *block, size_t block_bytes, size_t capacity,
                size_t item_max_bytes)
{
	struct ring_header *header = block;

	if (block_bytes < sizeof(*header) ||
	    atomic_load_explicit(&header->magic, memory_order_acquire) != RING_MAGIC)
		return ENODATA;
	if (header->capacity != capacity || header->item_max_bytes != item_max_bytes)
		return EEXIST;
	if (block_bytes < ring_bytes(capacity, item_max_bytes))
		return EPROTO;
	ring->header = header;
	ring->slots = (unsigned char *)block + sizeof(*header);
	ring->capacity = capacity;
	ring->item_max_bytes = item_max_bytes;
	return 0;
}

static struct slot *slot_of(const struct ring *ring, uint64_t count)
{
	return (struct slot *)(void *)(ring->slots +
	                               count % ring->capacity * slot_bytes(ring->item_max_bytes));
}

/* Read both counters, as far as they make sense. */
static int read_counters(const struct ring *ring, uint64_t *head, uint64_t *tail)
{
	*head = atomic_load_explicit(&ring->header->head, memory_order_acquire);
	*tail = atomic_load_explicit(&ring->header->tail, memory_order_acquire);
	return *tail - *head > ring->capacity ? EPROTO : 0;
}

/* Refuse who comes later than an owner with a higher token. */
static int check_token(struct ring *ring, uint64_t token)
{
	_Atomic uint64_t *highest = &ring->header->token;
	uint64_t seen = atomic_load_explicit(highest, memory_order_relaxed);

	if (token == 0)
		return ESTALE;
	while (seen < token)
		if (atomic_compare_exchange_weak(highest, &seen, token))
			return 0;
	return seen == token ? 0 : ESTALE;
}

/* The one store by which a put or get takes effect. */
static int publish(_Atomic uint64_t *counter, uint64_t found)
{
	return atomic_compare_exchange_strong(counter, &found, found + 1) ? 0 : ESTALE;
}

int ring_enter(struct ring *ring, uint64_t token)
{
	return check_token(ring, token);
}

int ring_length(const struct ring *ring, size_t *length)
{
	uint64_t head, tail;
	int error;

	if ((error = read_counters(ring, &head, &tail)) != 0)
		return error;
	*length = (size_t)(tail - head);
	return 0;
}

int ring_put(struct ring *ring, uint64_t token, const void *item, size_t size_bytes)
{
	uint64_t head, tail;
	struct slot *slot;
	int error;

	if (size_bytes > ring->item_max_bytes)
		return EMSGSIZE;
	if ((error = check_token(ring, token)) != 0 ||
	    (error = read_counters(ring, &head, &tail)) != 0)
		return error;
	if (tail - head == ring->capacity)
		return EAGAIN;
	slot = slot_of(ring, tail);
	slot->size_bytes = size_bytes;
	if (size_bytes > 0)
		memcpy(slot->item, item, size_bytes);
	return publish(&ring->header->tail, tail);
}

int ring_get(struct ring *ring, uint64_t token, void *item, size_t room_bytes, size_t *size_bytes)
{
	uint64_t head, tail, size;
	const struct slot *slot;
	int error;

	if ((error = check_token(ring, token)) != 0 ||
	    (error = read_counters(ring, &head, &tail)) != 0)
		return error;
	if (tail == head)
		return EAGAIN;
	slot = slot_of(ring, head);
	/* Read once: what is checked must be what is used. */
	size = *(const volatile uint64_t *)&slot->size_bytes;
	if (size > ring->item_max_bytes)
		return EPROTO;
	if (size > room_bytes)
		return EMSGSIZE;
	if (size > 0)
		memcpy(item, slot->item, (size_t)size);
	if ((error = publish(&ring->header->head, head)) != 0)
		return error;
	*size_bytes = (size_t)size;
	return 0;
}
