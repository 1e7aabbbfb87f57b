/*
 * live.h: a real server for the tests of this folder, sessions to it, processes that use it, and a
 * look at its counters.
 */
#ifndef DMONITOR_TEST_LIVE_H
#define DMONITOR_TEST_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../dmonitor.h"

/* Start a server; *state becomes its endpoint. For cmocka's setups and teardown. */
int live_start_tcp(void **state);
int live_start_ipc(void **state);
int live_stop(void **state);

pid_t live_server(void);

/* Open a session with ${options}, which may be NULL, and a monitor; failures fail the test. */
dmonitor_session *live_connect(const char *endpoint, const struct dmonitor_options *options);
dmonitor *live_open(dmonitor_session *session, const char *name, unsigned flags);

/* How many messages the server has received (an action) or sent (a status). All: NULL, but for
 * BEAT and its answer, and STATUS and its. Of a monitor: line_length, waiters_length. */
int64_t live_received(const char *endpoint, const char *action);
int64_t live_sent(const char *endpoint, const char *status);
int64_t live_length(const char *endpoint, const char *monitor, const char *which);

/* Wait until so many stand in ${monitor}'s line, or wait on its conditions. */
void live_await_line(const char *endpoint, const char *monitor, int64_t length);
void live_await_waiters(const char *endpoint, const char *monitor, int64_t length);

/* Fork a process that runs ${body} and exits with what it returns; it dies with the test. The
 * caller must have no session, for then it has threads: a child inherits the locks that those hold,
 * and nobody to unlock them. */
typedef int live_body(const char *endpoint, void *argument);
pid_t live_fork(const char *endpoint, live_body *body, void *argument);

/* The same beside sessions, to see what a child can do with those. It can also have sessions of its
 * own, because glibc keeps malloc usable over a fork; what the sanitizers put in its place, and in
 * that of pthread_create, does not stay so. */
pid_t live_fork_beside_threads(const char *endpoint, live_body *body, void *argument);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { LIVE_CHILD_CAN_CONNECT = 0 };
#else
enum { LIVE_CHILD_CAN_CONNECT = 1 };
#endif

/* Wait for ${process} and check that it exited with 0. */
void live_join(pid_t process);

/* Memory that forked processes share, zeroed. */
void *live_shared(size_t size_bytes);

#endif
