/*
 * bounded_buffer.c: put and get over the two conditions of a monitor. Where the items lie is the
 * storage's business.
 *
 * No wake-up is lost. Whoever is awakened on a condition either does its operation, which uses the
 * wake-up, or finds that an earlier one in the line was faster, and then there is nothing left to
 * be awakened for; or it leaves for another reason, such as an item too large for its room, and
 * then passes the wake-up on before it leaves. That a waiter is killed is seen to by the server,
 * which passes on what was not used, and awakens all if an owner dies.
 *
 * A wait that says ETIMEDOUT has used no wake-up: who was signalled before its deadline counts as
 * signalled, and gets 0. So to leave after a time-out with the buffer still full (or empty) robs
 * nobody. But the buffer is looked at once more: the time it took to come back inside may have
 * changed it, and who holds the monitor and can go on should.
 */
#include "bounded_buffer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "storage.h"

#define NOT_FULL  "not_full"
#define NOT_EMPTY "not_empty"

struct bounded_buffer {
	dmonitor *monitor;
	const struct storage *storage;
	void *state; /* the storage's */
	size_t capacity;
	size_t item_max_bytes;
	uint64_t token; /* of the last put or get */
	struct bounded_buffer_watch *watch;
	struct bounded_buffer_watch unwatched; /* where watch points if nobody wants to see */
	pid_t process;                         /* that opened it */
};

/* One put or get: what it is about, and how it goes. */
struct operation {
	bool put;          /* else get */
	const void *given; /* the item to put, of size_bytes */
	void *room;        /* for the item to get, whose size goes to size_bytes */
	size_t room_bytes;
	size_t size_bytes;
	bool done; /* the item has moved */
};

static const struct storage *find_storage(enum bounded_buffer_storage storage)
{
	switch (storage) {
	case BOUNDED_BUFFER_SHARED_MEMORY:
		return &storage_shared_memory;
	case BOUNDED_BUFFER_VARIABLES:
		break;
	}
	return NULL;
}

/* Leave the monitor. Running out of memory would leave us inside, and everybody else outside, so
 * that is tried once more; nothing else is worth it. */
static int leave(dmonitor *monitor)
{
	int error = dmonitor_exit(monitor);

	if (error == ENOMEM && dmonitor_entered(monitor))
		error = dmonitor_exit(monitor);
	return error;
}

int bounded_buffer_open(dmonitor_session *session, const char *name, size_t capacity,
                        size_t item_max_bytes, enum bounded_buffer_storage storage,
                        bounded_buffer **result)
{
	struct bounded_buffer *buffer;
	struct storage_place place = { .name = name,
		                       .capacity = capacity,
		                       .item_max_bytes = item_max_bytes };
	int error;

	if (session == NULL || name == NULL || result == NULL || capacity == 0 ||
	    capacity > BOUNDED_BUFFER_CAPACITY_MAX || item_max_bytes == 0 ||
	    item_max_bytes > BOUNDED_BUFFER_ITEM_BYTES_MAX)
		return EINVAL;
	if (find_storage(storage) == NULL)
		return ENOTSUP;
	if ((buffer = calloc(1, sizeof(*buffer))) == NULL)
		return ENOMEM;
	buffer->storage = find_storage(storage);
	buffer->capacity = capacity;
	buffer->item_max_bytes = item_max_bytes;
	buffer->process = getpid();
	buffer->watch = &buffer->unwatched;
	if ((error = dmonitor_open(session, name, 0, &buffer->monitor)) != 0)
		goto err0;
	if ((error = dmonitor_enter(buffer->monitor)) != 0)
		goto err1;
	place.monitor = buffer->monitor;
	place.server_id = dmonitor_server_id(session);
	if ((error = buffer->storage->open(&place, &buffer->state)) != 0)
		goto err2;
	if ((error = leave(buffer->monitor)) != 0)
		goto err3;
	*result = buffer;
	return 0;

err3:
	buffer->storage->close(buffer->state);
	goto err1;
err2:
	leave(buffer->monitor);
err1:
	dmonitor_close(&buffer->monitor);
err0:
	free(buffer);
	return error;
}

int bounded_buffer_close(bounded_buffer **address)
{
	struct bounded_buffer *buffer;
	int error;

	if (address == NULL)
		return EINVAL;
	buffer = *address;
	*address = NULL;
	if (buffer == NULL)
		return 0;
	if (buffer->process == getpid())
		buffer->storage->close(buffer->state);
	else
		buffer->storage->abandon(buffer->state);
	error = dmonitor_close(&buffer->monitor);
	free(buffer);
	return error;
}

int bounded_buffer_length(bounded_buffer *buffer, size_t *length)
{
	size_t found = 0;
	int error, left;

	if (buffer == NULL || length == NULL)
		return EINVAL;
	if ((error = dmonitor_enter(buffer->monitor)) != 0)
		return error;
	error = buffer->storage->length(buffer->state, &found);
	left = leave(buffer->monitor);
	if (error != 0 || (error = left) != 0)
		return error;
	*length = found;
	return 0;
}

size_t bounded_buffer_capacity(const bounded_buffer *buffer)
{
	return buffer->capacity;
}

uint64_t bounded_buffer_token(const bounded_buffer *buffer)
{
	return buffer->token;
}

void bounded_buffer_watch(bounded_buffer *buffer, struct bounded_buffer_watch *watch)
{
	buffer->watch = watch;
}

/* One store, and not before what the program did earlier: a process killed in between leaves what
 * is true. */
static void tell(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELEASE);
}

/* When a call with such a time-out has to end; INT64_MAX: never. */
static int64_t deadline_of(int64_t timeout_ms)
{
	const int64_t now_ns = dmonitor_clock_now_ns();

	if (timeout_ms < 0 || timeout_ms > (INT64_MAX - now_ns) / DMONITOR_NS_PER_MS)
		return INT64_MAX;
	return now_ns + timeout_ms * DMONITOR_NS_PER_MS;
}

/* Wait on ${condition}, until the deadline at most; of a millisecond begun, all. */
static int wait_until(dmonitor *monitor, const char *condition, int64_t deadline_ns)
{
	int64_t left_ns;

	if (deadline_ns == INT64_MAX)
		return dmonitor_wait(monitor, condition);
	left_ns = deadline_ns - dmonitor_clock_now_ns();
	if (left_ns <= 0)
		return ETIMEDOUT;
	return dmonitor_wait_for(monitor, condition,
	                         (left_ns + DMONITOR_NS_PER_MS - 1) / DMONITOR_NS_PER_MS);
}

static const char *awaited_by(const struct operation *operation)
{
	return operation->put ? NOT_FULL : NOT_EMPTY;
}

/* Wait until there is room for the operation's item, or an item for its room. Returns ETIMEDOUT
 * only if there still is none. */
static int await_turn(struct bounded_buffer *buffer, const struct operation *operation,
                      int64_t deadline_ns)
{
	struct bounded_buffer_watch *watch = buffer->watch;
	bool woken = false;
	int waited = 0;

	for (;;) {
		size_t length;
		const int error = buffer->storage->length(buffer->state, &length);

		if (error != 0)
			return error;
		if (operation->put ? length < buffer->capacity : length > 0)
			return 0;
		if (waited != 0)
			return waited;
		if (woken)
			tell(&watch->futile, watch->futile + 1);
		tell(&watch->phase, BOUNDED_BUFFER_WAITING);
		waited = wait_until(buffer->monitor, awaited_by(operation), deadline_ns);
		if (waited != 0 && waited != ETIMEDOUT)
			return waited;
		tell(&watch->phase, BOUNDED_BUFFER_INSIDE);
		if ((woken = waited == 0))
			tell(&watch->waits, watch->waits + 1);
	}
}

/* Move the item. The other side is signalled before: that takes effect only when we leave, and if
 * there is no memory for it, nothing has happened yet. */
static int move(struct bounded_buffer *buffer, struct operation *operation)
{
	struct bounded_buffer_watch *watch = buffer->watch;
	const uint64_t token = dmonitor_token(buffer->monitor);
	int error;

	if ((error = dmonitor_signal(buffer->monitor, operation->put ? NOT_EMPTY : NOT_FULL)) != 0)
		return error;
	tell(&watch->token, token);
	tell(&watch->begun, watch->begun + 1);
	if (operation->put)
		error =
		    buffer->storage->put(buffer->state, operation->given, operation->size_bytes);
	else
		error = buffer->storage->get(buffer->state, operation->room, operation->room_bytes,
		                             &operation->size_bytes);
	if (error != 0) {
		tell(&watch->begun, watch->begun - 1);
		return error;
	}
	tell(&watch->moved, watch->moved + 1);
	operation->done = true;
	buffer->token = token;
	return 0;
}

/* That the server does not answer in time is, as long as no item has moved, no unknown outcome. */
static int nothing_moved(int error)
{
	return error == ECONNABORTED ? ETIMEDOUT : error;
}

/* All of a put or get. */
static int operate(struct bounded_buffer *buffer, struct operation *operation, int64_t timeout_ms)
{
	const int64_t deadline_ns = deadline_of(timeout_ms);
	int error, left;

	tell(&buffer->watch->phase, BOUNDED_BUFFER_ENTERING);
	error = deadline_ns == INT64_MAX ? dmonitor_enter(buffer->monitor)
	                                 : dmonitor_enter_for(buffer->monitor, timeout_ms);
	if (error != 0)
		return nothing_moved(error);
	tell(&buffer->watch->phase, BOUNDED_BUFFER_INSIDE);
	if ((error = await_turn(buffer, operation, deadline_ns)) == 0)
		error = move(buffer, operation);
	/* Whatever awakened us may still be good for somebody else. */
	if (error != 0 && error != ETIMEDOUT)
		dmonitor_signal(buffer->monitor, awaited_by(operation));
	left = leave(buffer->monitor);
	if (!operation->done)
		return nothing_moved(error);
	/* The item has moved while we took ourselves for the owner. If the server does not confirm
	 * that we were, all that can be said is that we do not know. */
	return left == 0 ? 0 : ECONNABORTED;
}

static int perform(struct bounded_buffer *buffer, struct operation *operation, int64_t timeout_ms)
{
	const int error = operate(buffer, operation, timeout_ms);

	tell(&buffer->watch->phase, BOUNDED_BUFFER_OUTSIDE);
	return error;
}

int bounded_buffer_put_for(bounded_buffer *buffer, const void *item, size_t size_bytes,
                           int64_t timeout_ms)
{
	struct operation operation = { .put = true, .given = item, .size_bytes = size_bytes };

	if (buffer == NULL || (item == NULL && size_bytes > 0))
		return EINVAL;
	if (size_bytes > buffer->item_max_bytes)
		return EMSGSIZE;
	return perform(buffer, &operation, timeout_ms);
}

int bounded_buffer_put(bounded_buffer *buffer, const void *item, size_t size_bytes)
{
	return bounded_buffer_put_for(buffer, item, size_bytes, -1);
}

int bounded_buffer_get_for(bounded_buffer *buffer, void *item, size_t room_bytes,
                           size_t *size_bytes, int64_t timeout_ms)
{
	struct operation operation = { .room = item, .room_bytes = room_bytes };
	int error;

	if (buffer == NULL || size_bytes == NULL || (item == NULL && room_bytes > 0))
		return EINVAL;
	error = perform(buffer, &operation, timeout_ms);
	if (operation.done)
		*size_bytes = operation.size_bytes;
	return error;
}

int bounded_buffer_get(bounded_buffer *buffer, void *item, size_t room_bytes, size_t *size_bytes)
{
	return bounded_buffer_get_for(buffer, item, room_bytes, size_bytes, -1);
}
