/* server_status.h: a server's own counters, asked for by STATUS. */
#ifndef PERF_ENGINES_SERVER_STATUS_H
#define PERF_ENGINES_SERVER_STATUS_H

#include "../engine.h"

/**
 * server_status_messages(endpoint, messages):
 * Count what the server at ${endpoint} has received and sent so far, without BEAT and STATUS and
 * their answers, once every ENTER has had its EXIT: an exit that nobody waits for may still be on
 * its way when the worker is long done. It is asked by a child of its own, because this process
 * must not hold a ZeroMQ context.
 *
 * Blocks   some round trips, at most a few seconds.
 * Errors   ETIMEDOUT  no answer, or exits are still missing
 *          EPROTO     the answer is not one to STATUS
 *          ECHILD     the child came to another end
 *          others     those of fork(2) and mmap(2)
 */
int server_status_messages(const char *endpoint, struct engine_messages *messages);

/* What has happened to a server's clients so far. */
struct server_events {
	int64_t passed_on;    /* signals that went to the next, as their receiver had ended */
	int64_t abandonments; /* owners that ended inside */
	int64_t resumed;      /* sessions that came back on another connection */
};

/* Ask for them, in the same way. Errors: likewise. */
int server_status_events(const char *endpoint, struct server_events *events);

#endif
