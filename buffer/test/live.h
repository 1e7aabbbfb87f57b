/*
 * live.h: a real server for the tests of this folder, sessions to it, and a look at its counters.
 */
#ifndef BUFFER_TEST_LIVE_H
#define BUFFER_TEST_LIVE_H

#include <stdbool.h>

#include "../bounded_buffer.h"

/* Start a server for ${transport}, and stop it. Both fail the test if something is wrong. */
void live_start(const char *transport);
void live_stop(void);

/* Kill it, without the chance to say anything. */
void live_kill(void);

const char *live_endpoint(void);

/* Open a session, and the buffer ${name}. Fail the test if that does not work. */
dmonitor_session *live_connect(void);
bounded_buffer *live_open(dmonitor_session *session, const char *name, size_t capacity,
                          size_t item_max_bytes);

/* How many ${action} messages the server has received so far. */
long live_received(const char *action);

/* Wait until ${waiters} processes wait on the monitor's conditions. */
void live_await_waiters(const char *monitor, int waiters);

/* Whether the buffer has a segment. */
bool live_has_segment(const char *server_id, const char *name);

#endif
