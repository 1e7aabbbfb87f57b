/*
 * storage_shared_memory.c: a buffer's items in a POSIX shared memory segment, for the processes of
 * one machine.
 *
 * The segment is an identity and a ring. It is made by whoever opens the buffer first, inside the
 * monitor, and used under a shared flock; who closes it and can have the exclusive one was the last
 * of the living, and unlinks it. As the lock goes with its process, the killed need no accounts.
 */
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bounded_buffer.h"
#include "ring.h"
#include "segment.h"

/* Of this process. */
struct shared_memory {
	dmonitor *monitor;
	int fd; /* kept open for its lock */
	char name[SEGMENT_NAME_BYTES];
	unsigned char *block; /* the identity; the ring at RING_OFFSET */
	size_t block_bytes;
	struct ring ring;
};

enum { RING_OFFSET = sizeof(struct segment_identity) };

_Static_assert(RING_OFFSET % sizeof(uint64_t) == 0, "the ring must be aligned");

/* Open the segment, or make an empty one, *${fresh} then, if there is none. */
static int open_or_make(struct shared_memory *memory, bool *fresh)
{
	do {
		memory->fd = shm_open(memory->name, O_RDWR | O_CREAT | O_EXCL, 0600);
		*fresh = memory->fd != -1;
		if (memory->fd == -1 && errno == EEXIST)
			memory->fd = shm_open(memory->name, O_RDWR, 0);
	} while (memory->fd == -1 && errno == ENOENT);
	return memory->fd == -1 ? errno : 0;
}

/* The same, with a lock that says that we use it, while it has its name. */
static int open_in_use(struct shared_memory *memory, bool *fresh)
{
	int error;

	for (;;) {
		if ((error = open_or_make(memory, fresh)) != 0)
			return error;
		while ((error = flock(memory->fd, LOCK_SH) == 0 ? 0 : errno) == EINTR)
			continue;
		/* Its last user may have removed it before we had the lock. */
		if (error == 0 && segment_linked(memory->fd))
			return 0;
		close(memory->fd);
		if (error != 0)
			return error;
	}
}

static int map(struct shared_memory *memory, size_t bytes)
{
	void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory->fd, 0);

	if (block == MAP_FAILED)
		return errno;
	memory->block = block;
	memory->block_bytes = bytes;
	return 0;
}

/* Make the empty segment a buffer. Its pages are reserved now, because a process that touches one
 * for which there is no memory left would be killed by SIGBUS. */
static int make(struct shared_memory *memory, const struct storage_place *place)
{
	const size_t bytes = RING_OFFSET + ring_bytes(place->capacity, place->item_max_bytes);
	int error;

	while ((error = posix_fallocate(memory->fd, 0, (off_t)bytes)) == EINTR)
		continue;
	if (error != 0 || (error = map(memory, bytes)) != 0 ||
	    (error = segment_identify((struct segment_identity *)(void *)memory->block,
	                              place->server_id, place->name)) != 0)
		return error;
	ring_make(memory->block + RING_OFFSET, place->capacity, place->item_max_bytes);
	return 0;
}

/* Map what somebody made. ENODATA: not to the end. */
static int map_all(struct shared_memory *memory)
{
	struct stat status;

	if (fstat(memory->fd, &status) != 0)
		return errno;
	return status.st_size <= RING_OFFSET ? ENODATA : map(memory, (size_t)status.st_size);
}

static int attach(struct shared_memory *memory, const struct storage_place *place)
{
	const struct segment_identity *identity = (const void *)memory->block;
	const int error =
	    ring_attach(&memory->ring, memory->block + RING_OFFSET,
	                memory->block_bytes - RING_OFFSET, place->capacity, place->item_max_bytes);

	/* Another buffer may have the same hash. */
	if (error == 0 && !segment_is(identity, place->server_id, place->name))
		return EEXIST;
	return error;
}

static void let_go(struct shared_memory *memory)
{
	if (memory->block != NULL)
		munmap(memory->block, memory->block_bytes);
	memory->block = NULL;
	close(memory->fd);
}

/* One attempt; ENODATA where a segment that nobody finished was in the way and is so no more. Its
 * maker was killed, or has lost the monitor without knowing it, as we are inside: should it run on,
 * it does so in a segment that has no name. */
static int try_open(struct shared_memory *memory, const struct storage_place *place)
{
	bool fresh;
	int error;

	if ((error = open_in_use(memory, &fresh)) != 0)
		return error;
	if ((error = fresh ? make(memory, place) : map_all(memory)) == 0 &&
	    (error = attach(memory, place)) == 0)
		return 0;
	if ((fresh || error == ENODATA) && shm_unlink(memory->name) != 0 && errno != ENOENT)
		error = errno;
	let_go(memory);
	return error;
}

static int storage_open(const struct storage_place *place, void **state)
{
	struct shared_memory *memory;
	int error;

	if ((memory = calloc(1, sizeof(*memory))) == NULL)
		return ENOMEM;
	memory->monitor = place->monitor;
	segment_clean();
	segment_name(place->server_id, place->name, memory->name);
	while ((error = try_open(memory, place)) == ENODATA)
		continue;
	if (error != 0) {
		free(memory);
		return error;
	}
	*state = memory;
	return 0;
}

static void storage_close(void *state)
{
	struct shared_memory *memory = state;

	if (segment_claim(memory->fd) && segment_linked(memory->fd))
		shm_unlink(memory->name);
	let_go(memory);
	free(memory);
}

/* The lock is the parent's too: closing the descriptor here leaves it with the parent. */
static void storage_abandon(void *state)
{
	let_go(state);
	free(state);
}

static int storage_length(void *state, size_t *length)
{
	struct shared_memory *memory = state;
	int error;

	/* Who has found nothing to do and waits has to keep out former owners too: their signals
	 * would never come. */
	if ((error = ring_enter(&memory->ring, dmonitor_token(memory->monitor))) != 0)
		return error;
	return ring_length(&memory->ring, length);
}

/* Full or empty, where the owner had found it not so: somebody else is at it, and we are not the
 * owner any more. */
static int as_owner(int error)
{
	return error == EAGAIN ? ESTALE : error;
}

static int storage_put(void *state, const void *item, size_t size_bytes)
{
	struct shared_memory *memory = state;
	const uint64_t token = dmonitor_token(memory->monitor);

	return as_owner(ring_put(&memory->ring, token, item, size_bytes));
}

static int storage_get(void *state, void *item, size_t room_bytes, size_t *size_bytes)
{
	struct shared_memory *memory = state;
	const uint64_t token = dmonitor_token(memory->monitor);

	return as_owner(ring_get(&memory->ring, token, item, room_bytes, size_bytes));
}

const struct storage storage_shared_memory = {
	.open = storage_open,
	.close = storage_close,
	.abandon = storage_abandon,
	.length = storage_length,
	.put = storage_put,
	.get = storage_get,
};

int bounded_buffer_remove(const char *server_id, const char *buffer_name)
{
	struct segment_identity identity;
	char name[SEGMENT_NAME_BYTES];
	ssize_t length;
	int fd;

	if (server_id == NULL || buffer_name == NULL)
		return EINVAL;
	segment_name(server_id, buffer_name, name);
	if ((fd = shm_open(name, O_RDONLY, 0)) == -1)
		return errno;
	length = pread(fd, &identity, sizeof(identity), 0);
	close(fd);
	if (length != (ssize_t)sizeof(identity) || !segment_is(&identity, server_id, buffer_name))
		return ENOENT;
	return shm_unlink(name) == 0 ? 0 : errno;
}
