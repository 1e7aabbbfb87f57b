/*
 * dmonitor.h: monitors for processes that share no memory.
 *
 * A monitor_server owns named monitors, each a lock with any number of named condition variables.
 * A process opens a session to the server, opens monitors through it, and uses them as it would
 * use a pthread mutex with its condition variables.
 *
 * For every function here, unless its own comment says otherwise:
 *
 * Result   0, or a positive errno value. On failure the outputs are untouched.
 * Thread   handles of one session belong to one thread at a time; different sessions are
 *          independent. After fork() the child's calls on inherited handles give EINVAL, except
 *          that closing and disconnecting just null the caller's pointer.
 * Errors   EINVAL     an argument is NULL or out of range, or the handle was inherited by fork()
 *          ENOMEM     out of memory
 *          ESTALE     the session is lost, and with it all that it owned; only
 *                     dmonitor_disconnect() is of use now. Any call ends so when the server has
 *                     not answered a beat for a whole lease
 *          EPROTO     the server's answer makes no sense to this library
 *          ENOSPC     the server refused for a limit of its own
 * Names    of monitors and conditions: 1 to 128 bytes of A-Z a-z 0-9 . _ : / @ -
 *          (else EINVAL; longer ones ENAMETOOLONG).
 * Time     time-outs are in milliseconds; a negative one means no limit.
 *
 * The library never prints, exits or aborts on what the network sends. Each session has one thread
 * of the library's, with all signals blocked, which keeps its lease alive while the program is away
 * in its own code, and makes a lost connection anew. What was under way then is said again, and
 * done once; until the server has confirmed that the session lives, nothing is claimed to be owned.
 *
 * A session with poll_interval_ms has no such thread and no lease: it lives while its connection
 * does. Where that is lost, it goes on if its next question reaches the server within the
 * probation; else the next call on what it owned, or waits for, gives ESTALE. A call gives up a
 * server that is silent for five seconds.
 */
#ifndef DMONITOR_H
#define DMONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DMONITOR_VERSION "0.1.0"

#if defined(__GNUC__)
#define DMONITOR_API __attribute__((visibility("default")))
#else
#define DMONITOR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dmonitor_session dmonitor_session; /* one connection to a server */
typedef struct dmonitor dmonitor;                 /* one named monitor, seen through a session */

/* Flags: in dmonitor_options.flags for all monitors of a session, in dmonitor_open() for one. */
enum dmonitor_flags {
	/* enter counts; wait gives up all levels and restores them */
	DMONITOR_RECURSIVE = 1 << 0,
	/* exit does not wait for the server's confirmation; a failure shows at the next call */
	DMONITOR_ASYNC_EXIT = 1 << 1,
	/* a signal handler that runs ends enter and wait with EINTR (from wait: the lock is held)
	 */
	DMONITOR_INTERRUPTIBLE = 1 << 2
};

/* What dmonitor_connect() may be told. Zero means the default, for every field. */
struct dmonitor_options {
	const char *process_id; /* unique on the server, 1 to 255 bytes; default host-pid-random */
	const char *label;      /* what operators see; default the program's name */
	int64_t connect_timeout_ms; /* default 5000 */
	int64_t lease_ms;           /* 200 to 3,600,000; default: the server's (5000) */
	int64_t poll_interval_ms; /* > 0: ask every so often instead of being told; no lease then */
	unsigned flags;           /* of enum dmonitor_flags */
	const char *history_path; /* a file that each call is appended to, for monitor_check */
};

/**
 * dmonitor_connect(endpoint, options, session):
 * Open a session to the server at ${endpoint} ("tcp://host:port" or "ipc://path"). ${options} may
 * be NULL and is not kept.
 *
 * Owns     on 0 the caller owns *${session} until dmonitor_disconnect().
 * Blocks   until the server has answered, at most connect_timeout_ms.
 * Errors   EHOSTUNREACH  no server answered in time
 *          EADDRINUSE    another living client uses this process_id
 *          EPROTO        what answered speaks another protocol
 *          any of open(2), for history_path
 */
DMONITOR_API int dmonitor_connect(const char *endpoint, const struct dmonitor_options *options,
                                  dmonitor_session **session);

/**
 * dmonitor_disconnect(session):
 * Exit and close all monitors of *${session}, say goodbye, free it and null *${session}, which
 * may be NULL. All its monitors' handles are invalid afterwards.
 *
 * Blocks   at most one second, so that exits which were sent are also received.
 * Errors   ESTALE  the session had been lost before; it is freed all the same
 *          ETIMEDOUT  the server did not confirm in time; it is freed all the same
 *          ECONNABORTED  the connection was lost meanwhile, and whether exits that were sent
 *                     unconfirmed had been received is not known; it is freed all the same
 */
DMONITOR_API int dmonitor_disconnect(dmonitor_session **session);

/**
 * dmonitor_open(session, name, flags, monitor):
 * Get a handle on the monitor ${name}. Nothing is sent: a monitor comes into being at first use.
 * Opening a name again gives the same handle, which then wants closing twice.
 *
 * Owns     on 0 the caller owns *${monitor} until dmonitor_close() or dmonitor_disconnect().
 * Blocks   no.
 * Errors   EINVAL  also: ${name} is open in this session with other flags
 */
DMONITOR_API int dmonitor_open(dmonitor_session *session, const char *name, unsigned flags,
                               dmonitor **monitor);

/**
 * dmonitor_close(monitor):
 * Give the handle back and null *${monitor}, which may be NULL. The last close of a monitor that
 * is entered exits first, on all levels.
 *
 * Blocks   as dmonitor_exit().
 * Errors   those of dmonitor_exit(); the handle is freed all the same
 */
DMONITOR_API int dmonitor_close(dmonitor **monitor);

/**
 * dmonitor_enter(monitor), dmonitor_enter_for(monitor, timeout_ms):
 * Become the owner of ${monitor}, after those who have waited longer. Wait at most ${timeout_ms};
 * 0 means try.
 *
 * Owns     on 0 the caller owns the monitor until dmonitor_exit() or dmonitor_wait().
 * Blocks   until the monitor is ours or the time is over.
 * Errors   EDEADLK       the caller is inside already (not with DMONITOR_RECURSIVE)
 *          EBUSY         ${timeout_ms} was 0 and the monitor has an owner
 *          ETIMEDOUT     not granted in time; the caller is not in line any more
 *          EINTR         only with DMONITOR_INTERRUPTIBLE; the caller is not in line any more
 *          ECONNABORTED  the server did not say in time how it went; if the monitor was granted
 *                        after all, the library gives it back by itself. With poll_interval_ms
 *                        the caller enters again, and has kept its place, or disconnects
 */
DMONITOR_API int dmonitor_enter(dmonitor *monitor);
DMONITOR_API int dmonitor_enter_for(dmonitor *monitor, int64_t timeout_ms);

/**
 * dmonitor_exit(monitor):
 * Give up the monitor; who waits longest is its next owner. Signals held back go with it.
 *
 * Blocks   until the server has confirmed; not at all with DMONITOR_ASYNC_EXIT.
 * Errors   EPERM         the caller is not the owner
 *          ECONNABORTED  the server did not confirm; the monitor is given up all the same
 */
DMONITOR_API int dmonitor_exit(dmonitor *monitor);

/**
 * dmonitor_wait(monitor, condition), dmonitor_wait_for(monitor, condition, timeout_ms):
 * Give up the monitor and begin to wait on ${condition}, in one step; return owning the monitor
 * again after a signal or broadcast, or after ${timeout_ms}. Others may have run in between
 * (signal-and-continue): test the predicate again, in a loop.
 *
 * Owns     on 0, ETIMEDOUT and EINTR the caller owns the monitor, with a new token.
 * Blocks   until signalled, and then until the monitor is ours: perhaps longer than ${timeout_ms}.
 * Errors   EPERM      the caller is not the owner
 *          ETIMEDOUT  no signal came in time; the monitor is held
 *          EINTR      only with DMONITOR_INTERRUPTIBLE; the monitor is held
 */
DMONITOR_API int dmonitor_wait(dmonitor *monitor, const char *condition);
DMONITOR_API int dmonitor_wait_for(dmonitor *monitor, const char *condition, int64_t timeout_ms);

/**
 * dmonitor_signal(monitor, condition), dmonitor_broadcast(monitor, condition):
 * Awaken who has waited longest on ${condition}, or all who wait there now. Without a waiter
 * nothing happens. As nobody can run before the caller leaves, the signal may be held back until
 * its next exit or wait, and costs no message of its own then.
 *
 * Blocks   hardly ever; with poll_interval_ms for one round trip.
 * Errors   EPERM  the caller is not the owner
 *          ECONNABORTED  only with poll_interval_ms: whether it was given is not known
 */
DMONITOR_API int dmonitor_signal(dmonitor *monitor, const char *condition);
DMONITOR_API int dmonitor_broadcast(dmonitor *monitor, const char *condition);

/**
 * dmonitor_check(monitor):
 * Ask the server whether the caller owns the monitor, now and by its present token. Good before
 * an effect that cannot be fenced by the token.
 *
 * Blocks   for one round trip.
 * Errors   EPERM  the server does not agree
 *          ECONNABORTED  the server did not answer in time
 */
DMONITOR_API int dmonitor_check(dmonitor *monitor);

/* What the last call on this handle returned, DMONITOR_WITH's exit included. Needs no lock. */
DMONITOR_API int dmonitor_last_result(const dmonitor *monitor);

/* Whether the caller is inside: as far as this library can claim, without asking the server. */
DMONITOR_API bool dmonitor_entered(const dmonitor *monitor);

/* Whether the owner before us died inside, so that what the monitor guards may be half done. */
DMONITOR_API bool dmonitor_abandoned(const dmonitor *monitor);

/* The fencing token of this ownership: it rises at every change of owner, over all monitors of the
 * server. 0 when not inside. */
DMONITOR_API uint64_t dmonitor_token(const dmonitor *monitor);

/**
 * dmonitor_error(session):
 * A sentence about the session's last failure, or, with NULL, about this thread's last failed
 * dmonitor_connect(). Never NULL; valid until the next call on the session.
 */
DMONITOR_API const char *dmonitor_error(const dmonitor_session *session);

/* The server's identity, HOST/BOOTID/PID/STARTTIME/RANDOM, new at each of its starts: for what
 * several clients of one server share elsewhere. Never NULL; valid as long as the session. */
DMONITOR_API const char *dmonitor_server_id(const dmonitor_session *session);

/*
 * DMONITOR_WITH(monitor) { ... }
 * enters, runs the block, and exits however the block is left: at its end, by break, continue,
 * return or goto. break and continue leave only the block. Where entering fails the block is
 * skipped; dmonitor_last_result(monitor) tells how entering or exiting went. longjmp and
 * pthread_exit do not exit. For gcc and clang, in C and C++.
 */
#if defined(__GNUC__)
#define DMONITOR_WITH(monitor)                                                                     \
	for (dmonitor * DMONITOR_NAME_(dmonitor_with_, __LINE__) __attribute__((                   \
	                    cleanup(dmonitor_with_exit_))) = dmonitor_with_enter_(monitor);        \
	     DMONITOR_NAME_(dmonitor_with_, __LINE__);                                             \
	     dmonitor_with_exit_(&DMONITOR_NAME_(dmonitor_with_, __LINE__)))
#define DMONITOR_NAME_(prefix, line)  DMONITOR_PASTE_(prefix, line)
#define DMONITOR_PASTE_(prefix, line) prefix##line
#endif

/* For DMONITOR_WITH alone: enter, NULL where that fails; exit unless *${monitor} is NULL, and
 * null it. */
DMONITOR_API dmonitor *dmonitor_with_enter_(dmonitor *monitor);
DMONITOR_API void dmonitor_with_exit_(dmonitor **monitor);

#ifdef __cplusplus
}
#endif

#endif
