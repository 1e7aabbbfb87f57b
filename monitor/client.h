/* client.h: what the library's own files share. Nothing of it is visible outside. */
#ifndef DMONITOR_CLIENT_H
#define DMONITOR_CLIENT_H

#include <pthread.h>
#include <stddef.h>
#include <sys/types.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "conversation.h"
#include "dmonitor.h"

/* client_link.c: one connection to one server; the only file of the library that knows libzmq. */
struct dmonitor_link;

/* Begin to connect. 0, EINVAL (no such endpoint can be), ENOMEM, or what libzmq lacks. */
int dmonitor_link_open(const char *endpoint, struct dmonitor_link **link);
void dmonitor_link_close(struct dmonitor_link **link);
/* Hand ${text} over: 0, or EAGAIN where that cannot be done now. */
int dmonitor_link_send(struct dmonitor_link *link, const char *text);
/* The next reply, by ${due_ns}: 0; EAGAIN, also where the connection has been made meanwhile;
 * ENOTCONN: the connection is over, and what it brought last is not to be believed; EINTR; EPROTO
 * (a reply that makes no sense); ENOMEM (it is lost). Without a ${link} the time just passes. */
int dmonitor_link_receive(struct dmonitor_link *link, int64_t due_ns, struct dmonitor_reply *reply);
/* Becomes readable when the connection is over, for a thread that does not receive; -1 for NULL. */
int dmonitor_link_event_fd(const struct dmonitor_link *link);

/* What it means that the first ask of a session failed so; the sentence is noted. */
int dmonitor_no_server(dmonitor_session *session, int result);

#define DMONITOR_ALL_FLAGS                                                                         \
	((unsigned)(DMONITOR_RECURSIVE | DMONITOR_ASYNC_EXIT | DMONITOR_INTERRUPTIBLE))

/* How a session talks to its server: told of outcomes, or asking for them. The session is locked;
 * ${monitor}'s levels are the caller's to change, its token and abandoned are set here. A
 * time-out is -1 for no limit, or at most DMONITOR_INTEGER_MAX. */
struct dmonitor_discipline {
	int (*connect)(dmonitor_session *session, const struct dmonitor_options *options,
	               int64_t due_ns);
	int (*disconnect)(dmonitor_session *session, int64_t due_ns);
	int (*enter)(dmonitor *monitor, int64_t timeout_ms);
	int (*exit)(dmonitor *monitor, bool confirmed);
	int (*wait)(dmonitor *monitor, const char *condition, int64_t timeout_ms);
	int (*signal)(dmonitor *monitor, const char *condition, bool all);
	int (*check)(dmonitor *monitor);
	bool (*lost)(dmonitor_session *session);
	bool (*claims)(dmonitor_session *session); /* whether to believe in what it owns, now */
};

extern const struct dmonitor_discipline dmonitor_push;    /* client_push.c */
extern const struct dmonitor_discipline dmonitor_polling; /* client_polling.c */

/* A name of a condition, kept once for each monitor as long as that is open. */
struct dmonitor_condition_name {
	UT_hash_handle hh;
	char name[DMONITOR_NAME_BYTES + 1];
};

/* Signals or broadcasts that are held back until the next exit or wait. */
struct dmonitor_held_names {
	const char **names; /* kept in the monitor's condition_names */
	size_t count;
	size_t room;
};

struct dmonitor {
	dmonitor *next; /* of the session's */
	dmonitor_session *session;
	char name[DMONITOR_NAME_BYTES + 1];
	unsigned flags;
	unsigned references; /* opens less closes */
	unsigned levels;     /* enters less exits; 0: outside */
	uint64_t token;
	bool abandoned;
	int last_result;
	struct dmonitor_condition_name *condition_names;
	struct dmonitor_held_names signals;
	struct dmonitor_held_names broadcasts;
	int64_t unconfirmed_seq; /* of the last exit that was sent unanswered */
	int exit_result;         /* why it was refused, until told */
};

struct dmonitor_history; /* client_history.h */

struct dmonitor_session {
	pid_t process;        /* that opened it */
	pthread_mutex_t lock; /* held during each call, and by the keeper while nobody calls */
	const struct dmonitor_discipline *discipline;
	struct dmonitor_link *link;
	char *endpoint;
	struct dmonitor_conversation conversation;
	char process_id[DMONITOR_ID_BYTES + 1];
	unsigned flags;
	int64_t poll_interval_ns;
	dmonitor *monitors;
	struct dmonitor_history *history; /* NULL: calls are not recorded */
	char error[256];

	/* client_keeper.c: the thread that keeps the lease while nobody calls. */
	pthread_t keeper;
	bool keeper_runs;
	int keeper_wakes; /* an eventfd */
	_Atomic bool keeper_ends;
};

int dmonitor_keeper_start(dmonitor_session *session);
void dmonitor_keeper_stop(dmonitor_session *session);
/* The session has another link: the keeper is to watch that one. */
void dmonitor_keeper_notice(dmonitor_session *session);

/* client_attend.c: keeping up the connection, the lease, and what was said but not heard. */
/* Open or close the link where that is due, and send what is due; never waits. */
void dmonitor_attend(dmonitor_session *session);
/* The same, and hear the next reply, if one comes by ${due_ns}. 0, also where none came; ESTALE;
 * EINTR. */
int dmonitor_hear_next(dmonitor_session *session, int64_t due_ns);
/* The same, for all replies that have come, without waiting. */
void dmonitor_hear_all(dmonitor_session *session);

/* Note why a call failed, for dmonitor_error(), and return ${result}. */
__attribute__((format(printf, 3, 4))) int dmonitor_fail(dmonitor_session *session, int result,
                                                        const char *format, ...);

/* The errno value for a refusal; its sentence is noted. */
int dmonitor_refused(dmonitor_session *session, const struct dmonitor_reply *reply);

/* ${span_ms} after ${start_ns}; INT64_MAX for a negative or a very long one. */
int64_t dmonitor_due_ns(int64_t start_ns, int64_t span_ms);

/* client_names.c: hold back one more, for ${monitor}: 0 or ENOMEM; and free what was kept. */
int dmonitor_names_hold(dmonitor *monitor, struct dmonitor_held_names *list, const char *name);
void dmonitor_names_free(dmonitor *monitor);

#endif
