/*
 * sight_queue.h: connection events that wait until the messages which came before them have been
 * read. Pure bookkeeping.
 *
 * When an event has been read, messages of its connection may still stand in the ROUTER. They have
 * been read once the ROUTER is found empty; under a flood it never is. But a ROUTER reads its pipes
 * in turn: a pipe with a message in it is read once in each round, a round reads no pipe twice, and
 * libzmq takes note of new messages after a hundred reads at the latest. So a connection that was
 * not heard for two rounds and a hundred messages has nothing left; twice that is waited for.
 *
 * An end is told by libzmq before it passes on the connection's last messages, and only then it
 * closes the socket. So for an end all this counts from when the descriptor is seen to be closed,
 * or another one's.
 *
 * Events of one descriptor keep their order; those of others do not wait for them.
 */
#ifndef DMONITOR_SIGHT_QUEUE_H
#define DMONITOR_SIGHT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connections.h"
#include "watcher.h"

struct waiting_sight {
	struct dmonitor_sight sight;
	uint64_t due;    /* the count of messages at which it may be applied */
	uint64_t number; /* among the events of its descriptor */
	uint64_t cookie; /* that the descriptor's socket had when the event was read */
	bool closed;     /* the descriptor is not that socket's any more */
	bool settled;    /* and all that came before has been read since */
};

struct sight_queue {
	struct waiting_sight *waiting; /* a ring */
	size_t first;
	size_t count;
	size_t room;
	size_t settled;    /* of the first ones: all that came before them has been read */
	size_t pipes;      /* connections whose messages may stand in the ROUTER */
	uint64_t messages; /* read so far; the caller counts them up */
	/* The cookie of the socket that has ${descriptor}; 0: none. */
	uint64_t (*cookie_of)(int descriptor);
};

void sight_queue_fini(struct sight_queue *queue);

/* ACCEPTED or DISCONNECTED was read; ${cookie}: of the socket that has its descriptor now, 0: none.
 * 0 or ENOMEM. */
int sight_queue_put(struct sight_queue *queue, struct connections *connections,
                    struct dmonitor_sight sight, uint64_t cookie);

/* The ROUTER has been found empty. False: sockets are still to be closed before any event can be
 * applied. */
bool sight_queue_settle(struct sight_queue *queue, struct connections *connections);

/* The next event to be applied, if there is one now. */
bool sight_queue_take(struct sight_queue *queue, struct connections *connections,
                      struct dmonitor_sight *sight);

#endif
