/*
 * watcher.h: a thread that sees what is no message: the beginning and end of connections, and the
 * signals that stop a server. It keeps what it saw until that is taken, and wakes the server by a
 * message on the ROUTER itself, so that the server has one thing to wait for and can wait for it in
 * the cheapest way. What was seen does not stand in line with the messages.
 */
#ifndef DMONITOR_WATCHER_H
#define DMONITOR_WATCHER_H

#include <stdbool.h>
#include <stddef.h>

struct dmonitor_watcher;

enum dmonitor_sight_kind {
	DMONITOR_SIGHT_ACCEPTED,
	DMONITOR_SIGHT_DISCONNECTED,
	DMONITOR_SIGHT_SIGNAL /* SIGTERM or SIGINT */
};

struct dmonitor_sight {
	enum dmonitor_sight_kind kind;
	int descriptor; /* of the connection */
};

/* Block SIGTERM and SIGINT in this thread and in those that it starts: to be called before libzmq
 * has started any, for one that does not block them would end the process. */
void dmonitor_watcher_block_signals(void);

/**
 * dmonitor_watcher_start(context, router, watcher):
 * Watch ${router}, which must not be bound yet. SIGTERM and SIGINT, blocked, become sights.
 * Errors   what zmq_errno() or pthread_create(3) say, ENOMEM
 */
int dmonitor_watcher_start(void *context, void *router, struct dmonitor_watcher **watcher);

/* To be called when the context has been shut down. */
void dmonitor_watcher_stop(struct dmonitor_watcher **watcher);

/* What was seen since the last call, in order; valid until the next. The count is 0 at no cost
 * where nothing was. */
size_t dmonitor_watcher_take(struct dmonitor_watcher *watcher,
                             const struct dmonitor_sight **sights);

/* Whether a message came from the watcher, by its routing id. No other peer can have that: a
 * ROUTER ignores a peer whose routing id is taken. */
bool dmonitor_watcher_sent(const void *routing_id, size_t size_bytes);

#endif
