/*
 * bounded_buffer.h: a queue of at most `capacity` items between processes, guarded by a monitor.
 *
 * put waits on the condition not_full, get on not_empty. Items are any bytes from 0 up to
 * item_max_bytes and come out in the order in which they went in. All who open a buffer name the
 * same capacity and item size.
 *
 * Result, Thread, Time and the common Errors are those of dmonitor.h; a handle belongs to the
 * thread that has its session, and after fork() its calls give EINVAL in the child. A call whose
 * outcome is unknown says ECONNABORTED: the item may be in the buffer (put) or out of it (get,
 * which then has filled its outputs), never half. So it is also when the session is lost just while
 * the call leaves the monitor; the next call then says ESTALE.
 *
 * With DMONITOR_ASYNC_EXIT a call does not wait for the server to confirm that it has left. If it
 * had lost the monitor by then, the next call says so, and the outcome of the one before is unknown
 * although it returned 0.
 *
 * With DMONITOR_INTERRUPTIBLE put and get may end with EINTR; nothing was put or got then.
 */
#ifndef BOUNDED_BUFFER_H
#define BOUNDED_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "../monitor/dmonitor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bounded_buffer bounded_buffer;

/* Where the items lie. */
enum bounded_buffer_storage {
	BOUNDED_BUFFER_SHARED_MEMORY, /* POSIX shared memory: processes of one machine */
	BOUNDED_BUFFER_VARIABLES      /* the monitor's own variables; not built yet: ENOTSUP */
};

enum { BOUNDED_BUFFER_CAPACITY_MAX = 1 << 20, BOUNDED_BUFFER_ITEM_BYTES_MAX = 1 << 20 };

/**
 * bounded_buffer_open(session, name, capacity, item_max_bytes, storage, buffer):
 * Open the buffer ${name} on ${session}'s server, making it if it is not there. ${name} is also
 * the monitor's. The monitor is opened with the session's flags. What servers and clients that were
 * killed have left in this machine's shared memory is removed, as far as it is of use to nobody.
 *
 * Owns     on 0 the caller owns *${buffer} until bounded_buffer_close(), which must come before
 *          the session's end.
 * Blocks   until the monitor has been entered once.
 * Errors   EEXIST   the buffer exists with another capacity or item size; or, by a chance of one in
 *                   2^64, another buffer's memory has the name that this one's would have
 *          EINVAL   ${capacity} or ${item_max_bytes} is 0 or above the greatest
 *          ENOTSUP  no such storage
 *          others   those of dmonitor_open(), dmonitor_enter(), shm_open(3) and mmap(2)
 */
int bounded_buffer_open(dmonitor_session *session, const char *name, size_t capacity,
                        size_t item_max_bytes, enum bounded_buffer_storage storage,
                        bounded_buffer **buffer);

/**
 * bounded_buffer_close(buffer):
 * Free *${buffer} and null it; it may be NULL. The last close of all processes removes the items;
 * the killed do not count. If all who had the buffer were killed, the items stay until the last
 * close of those who open it later, or until the server has ended and any buffer is opened.
 *
 * Blocks   as dmonitor_close(), so hardly ever.
 * Errors   those of dmonitor_close(); the handle is freed all the same
 */
int bounded_buffer_close(bounded_buffer **buffer);

/**
 * bounded_buffer_remove(server_id, name):
 * Remove the items of the buffer ${name} of the server ${server_id} (dmonitor_server_id()) from
 * this machine's shared memory: for who has killed all that used it. Whoever has it open still goes
 * on, but shares it with nobody who opens it later.
 *
 * Blocks   no.
 * Errors   ENOENT  there are none
 *          others  those of shm_open(3) and shm_unlink(3)
 */
int bounded_buffer_remove(const char *server_id, const char *name);

/* How many items it holds just now. Enters the monitor; errors as bounded_buffer_put(). */
int bounded_buffer_length(bounded_buffer *buffer, size_t *length);

/* How many items it can hold. */
size_t bounded_buffer_capacity(const bounded_buffer *buffer);

/* The fencing token (dmonitor_token()) of the ownership in which this handle's last put or get was
 * done; one that ended with ECONNABORTED counts if it got so far. 0 before the first. */
uint64_t bounded_buffer_token(const bounded_buffer *buffer);

enum bounded_buffer_phase {
	BOUNDED_BUFFER_OUTSIDE,  /* in no call */
	BOUNDED_BUFFER_ENTERING, /* in line for the monitor, or about to be */
	BOUNDED_BUFFER_INSIDE,   /* holding the monitor */
	BOUNDED_BUFFER_WAITING   /* on a condition, or awakened and in line */
};

/* What this process does with a buffer. Each field is kept up to date by single stores, so that in
 * shared memory it tells others how far a process had come that was killed. */
struct bounded_buffer_watch {
	uint64_t phase;  /* enum bounded_buffer_phase */
	uint64_t token;  /* of the ownership in which an item was last begun to be moved */
	uint64_t begun;  /* items that were begun to be moved, in or out */
	uint64_t moved;  /* items that have moved; while it is one less than begun, it is open */
	uint64_t waits;  /* returns from waiting on a condition, after a signal or an abandonment */
	uint64_t futile; /* those after which there was still no room, or no item */
};

/* Keep ${watch} up to date from now on, its counters going on from what they are. It must stay
 * until bounded_buffer_close(). */
void bounded_buffer_watch(bounded_buffer *buffer, struct bounded_buffer_watch *watch);

/**
 * bounded_buffer_put(buffer, item, size_bytes), bounded_buffer_put_for(..., timeout_ms):
 * Append a copy of ${item}, waiting while the buffer is full, at most ${timeout_ms} in all
 * (0: try; negative: no limit).
 *
 * Errors   EMSGSIZE      ${size_bytes} is above item_max_bytes
 *          ETIMEDOUT     the buffer or its monitor was not free in time, or the server did not
 *                        say so; nothing was put
 *          EBUSY         ${timeout_ms} was 0 and the monitor has an owner; nothing was put
 *          ECONNABORTED  the outcome is unknown
 */
int bounded_buffer_put(bounded_buffer *buffer, const void *item, size_t size_bytes);
int bounded_buffer_put_for(bounded_buffer *buffer, const void *item, size_t size_bytes,
                           int64_t timeout_ms);

/**
 * bounded_buffer_get(buffer, item, room_bytes, size_bytes), bounded_buffer_get_for(...,
 * timeout_ms): Take the oldest item into ${item} and its size into *${size_bytes}, waiting while
 * the buffer is empty, at most ${timeout_ms} in all (0: try; negative: no limit).
 *
 * Errors   EMSGSIZE      the item is larger than ${room_bytes}; it stays in the buffer
 *          ETIMEDOUT     nothing came, or the monitor was not free, in time, or the server did not
 *                        say so; nothing was got
 *          EBUSY         ${timeout_ms} was 0 and the monitor has an owner
 *          ECONNABORTED  the confirmation was lost; the outputs are filled if the item was taken
 */
int bounded_buffer_get(bounded_buffer *buffer, void *item, size_t room_bytes, size_t *size_bytes);
int bounded_buffer_get_for(bounded_buffer *buffer, void *item, size_t room_bytes,
                           size_t *size_bytes, int64_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
