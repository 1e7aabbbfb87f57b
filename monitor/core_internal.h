/* core_internal.h: the core's objects and what its files offer each other. For core*.c alone. */
#ifndef DMONITOR_CORE_INTERNAL_H
#define DMONITOR_CORE_INTERNAL_H

#include <bsd/sys/tree.h>

/* A failed insertion leaves hh.tbl NULL in the element instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "core.h"

struct session;
struct monitor;

/* What becomes due by itself. */
enum timer_kind {
	TIMER_DEADLINE, /* of a place: its ENTER or WAIT runs out */
	TIMER_LIFE,     /* of a session: its lease or its probation ends */
	TIMER_HELD      /* of a held request: its id must be free by now */
};

struct timer {
	RB_ENTRY(timer) node;
	enum timer_kind kind;
	int64_t due_ns; /* 0: not set */
	uint64_t serial;
	void *of;
};

RB_HEAD(timers, timer);
RB_PROTOTYPE(timers, timer, node, timer_order)

enum place_state {
	PLACE_OUT,     /* kept only to tell how a polling client's ENTER ended */
	PLACE_IN_LINE, /* after ENTER */
	PLACE_INSIDE,
	PLACE_WAITING,  /* on a condition */
	PLACE_AWAKENED, /* in line, to end its WAIT */
	PLACE_STATES
};

/* A session at a monitor. */
struct place {
	UT_hash_handle hh; /* in its session, by name */
	char name[DMONITOR_NAME_BYTES + 1];
	struct session *session;
	struct monitor *monitor; /* NULL when OUT */
	enum place_state state;
	enum dmonitor_status outcome; /* when OUT: TIMEOUT or CANCELLED */
	RB_ENTRY(place) line_node;
	uint64_t ticket; /* its place in line, taken by ENTER or WAIT */
	int64_t since_ns;
	struct timer deadline;
	/* Of the ownership that began last: */
	uint64_t token;
	bool abandoned;
	/* Of the last WAIT since the last ENTER; no name: there was none. */
	char condition_name[DMONITOR_NAME_BYTES + 1];
	struct condition *condition; /* while WAITING */
	struct place *prev, *next;   /* among its waiters */
	bool tells_woken;            /* signals rode on it, and awakened */
	int64_t woken_processes;     /* so many */
	bool by_signal;              /* how it was awakened */
	bool timed_out;
	bool cancelled;
};

RB_HEAD(line, place);
RB_PROTOTYPE(line, place, line_node, line_order)

/* A condition variable exists while somebody waits on it. */
struct condition {
	UT_hash_handle hh; /* in its monitor, by name */
	char name[DMONITOR_NAME_BYTES + 1];
	struct place *waiters; /* longest first */
	size_t users;          /* waiters, and one who is about to wait */
};

struct monitor {
	UT_hash_handle hh; /* in the core, by name */
	char name[DMONITOR_NAME_BYTES + 1];
	struct place *owner;
	struct line line; /* IN_LINE and AWAKENED, by ticket */
	size_t line_length;
	struct condition *conditions;
	size_t waiters_length;
	bool abandoned; /* owed to the next owner */
};

/* A client: one that said HELLO, or the id of one that only polls. */
struct session {
	UT_hash_handle hh;        /* in the core, by id */
	UT_hash_handle hh_secret; /* in the core, by secret, if it said HELLO */
	char id[DMONITOR_ID_BYTES + 1];
	char label[DMONITOR_ID_BYTES + 1];
	char secret[DMONITOR_SECRET_BYTES + 1]; /* empty: it polls */
	dmonitor_peer peer;                     /* its connection; 0: on probation */
	int64_t attempt;                        /* which of its connections that is, as it says */
	struct session *prev, *next;            /* among those of its connection */
	int64_t lease_ns;
	int64_t lease_end_ns; /* the timer may be earlier and then looks again */
	struct timer life;
	struct place *places;
	/* The sequence: the last number used, by which message, and how it was answered. */
	int64_t seq;
	uint64_t digest;
	struct place *pending;       /* where its ENTER or WAIT is still to be answered */
	struct dmonitor_reply reply; /* status NONE: not answered, or never to be */
	int64_t failed_seq;          /* a refused `reply: false`, until a later answer tells it */
	enum dmonitor_code failed_code;
};

/* A request that meets a living owner of its id waits for that owner's end. */
struct held {
	struct timer timer;
	dmonitor_peer peer;
	bool local;
	uint8_t random[DMONITOR_SECRET_BYTES / 2];
	struct dmonitor_request request;
};

struct connection {
	UT_hash_handle hh; /* in the core, by peer */
	dmonitor_peer peer;
	struct session *sessions;
	int64_t session_count;
	struct held *held;
};

struct dmonitor_core {
	struct dmonitor_core_options options;
	char server[DMONITOR_ID_BYTES + 1];
	int64_t start_ns;
	int64_t now_ns;
	uint64_t token;
	uint64_t ticket;
	uint64_t timer_serial;
	struct timers timers;
	struct session *sessions;
	struct session *by_secret;
	struct connection *connections;
	struct monitor *monitors;
	struct dmonitor_outbox *outbox; /* during a step */
	uint64_t grants;
	uint64_t received[DMONITOR_ACTION_COUNT];
	uint64_t sent[DMONITOR_STATUS_COUNT];
	uint64_t errors[DMONITOR_CODE_COUNT];
	uint64_t ignored;
	uint64_t passed_on;
	uint64_t abandonments;
	uint64_t resumed;
	const char *limit_of; /* the limit that stood against it last: of what, and how much */
	int64_t limit_at;
};

/* core.c: time and the outbox. Whoever emits has reserved before anything changed. */
int core_reserve(struct dmonitor_core *core, size_t replies);
void core_emit(struct dmonitor_core *core, dmonitor_peer to, const struct dmonitor_reply *reply);
void core_timer_set(struct dmonitor_core *core, struct timer *timer, int64_t due_ns);
void core_timer_clear(struct dmonitor_core *core, struct timer *timer);
/* ${start_ns} and ${span_ms} later, or INT64_MAX. */
int64_t core_later(int64_t start_ns, int64_t span_ms);

/* Note which limit stands against something: returns ENOSPC. */
int core_limit(struct dmonitor_core *core, const char *of, int64_t at);

/* core_monitor.c: places, the line, conditions, and the passing on of the lock. */
struct place *place_find(const struct session *session, const char *name);
/* A place for ${session} at ${name}, made OUT, its monitor made if need be: 0, ENOMEM, or ENOSPC
 * where a limit stands against it. place_drop() takes it away, and the monitor if unused. */
int place_make(struct dmonitor_core *core, struct session *session, const char *name,
               struct place **made);
void place_drop(struct dmonitor_core *core, struct place *place);
/* Leave the line; keep the place OUT with its ${outcome} if the client polls, else drop it. */
void place_give_up(struct dmonitor_core *core, struct place *place, enum dmonitor_status outcome);
void place_take(struct dmonitor_core *core, struct place *place); /* of a free monitor */
void place_queue(struct dmonitor_core *core, struct place *place, int64_t timeout_ms);
/* Before a wait that cannot fail: get the condition ready. 0, ENOMEM, or ENOSPC for a limit. */
int place_wait_prepare(struct dmonitor_core *core, struct place *place, const char *name,
                       struct condition **condition);
void place_wait(struct dmonitor_core *core, struct place *place, struct condition *condition,
                int64_t timeout_ms);
/* Give up the monitor and the place; the id of the next owner, "": nobody. */
const char *place_release(struct dmonitor_core *core, struct place *place);
/* End a wait for another reason than a signal, and let it in if nobody is inside. */
void place_awaken(struct dmonitor_core *core, struct place *place);
/* Its session has ended: leave whatever it is in, so that nobody waits for the dead. */
void place_end(struct dmonitor_core *core, struct place *place, bool abandon);
/* Awaken the longest waiter, or all; returns how many. */
int64_t monitor_signal(struct dmonitor_core *core, struct monitor *monitor, const char *name);
int64_t monitor_broadcast(struct dmonitor_core *core, struct monitor *monitor, const char *name);

/* core_session.c: who a request comes from, and the beginning and end of sessions. */
/* The polling session that ${request} belongs to; NULL: it was answered, or is held. */
int session_of_polling(struct dmonitor_core *core, struct dmonitor_event *event,
                       struct session **session);
struct session *session_of_secret(struct dmonitor_core *core, const struct dmonitor_event *event);
int session_hello(struct dmonitor_core *core, struct dmonitor_event *event);
void session_renew(struct dmonitor_core *core, struct session *session);
void session_end(struct dmonitor_core *core, struct session *session, bool abandon);
size_t session_replies(const struct session *session); /* that its end may cause, at most */
int session_life_due(struct dmonitor_core *core, struct session *session);
void session_stalled(struct dmonitor_core *core);
/* Answer in the sequence: to be kept for a repetition. */
void session_answer(struct dmonitor_core *core, struct session *session,
                    const struct dmonitor_reply *reply);
void session_begin_probation(struct dmonitor_core *core, struct session *session);

/* core_connection.c */
struct connection *connection_find(struct dmonitor_core *core, dmonitor_peer peer);
struct connection *connection_make(struct dmonitor_core *core,
                                   dmonitor_peer peer); /* NULL: memory */
void connection_closed(struct dmonitor_core *core, dmonitor_peer peer);
void connection_forget_if_idle(struct dmonitor_core *core, dmonitor_peer peer);
/* The id belongs to ${owner}, which may be about to end: look again when a probation that began
 * now would be over, or when one that has begun is. A connection can have one request held. */
int held_begin(struct dmonitor_core *core, struct dmonitor_event *event,
               const struct session *owner);
int held_due(struct dmonitor_core *core, struct held *held);
void held_free(struct dmonitor_core *core, struct held *held); /* its connection stays */

/* core_request.c: what each request does. */
int request_step(struct dmonitor_core *core, struct dmonitor_event *event);
int request_obey(struct dmonitor_core *core, struct dmonitor_event *event); /* uncounted */
/* Answer an error, and nothing else happens: returns 0. */
int request_refuse(struct dmonitor_core *core, const struct dmonitor_event *event,
                   enum dmonitor_code code);
/* A reply that repeats what ${request} says of itself. */
struct dmonitor_reply reply_to(const struct dmonitor_request *request, enum dmonitor_status status);
struct dmonitor_reply reply_error(const struct dmonitor_request *request, enum dmonitor_code code);
/* Where core_limit() was what stood against it. */
void reply_limit(const struct dmonitor_core *core, struct dmonitor_reply *reply,
                 const struct dmonitor_request *request);
void reply_refuse(struct dmonitor_reply *reply, const struct dmonitor_request *request,
                  enum dmonitor_code code);

/* core_actions.c: what requests do to monitors.
 * An action fills ${reply}, or leaves its status NONE where the answer comes later; it returns
 * ENOMEM before anything has changed. */
typedef int action_function(struct dmonitor_core *core, struct session *session,
                            const struct dmonitor_request *request, struct dmonitor_reply *reply);
extern action_function *const action_functions[DMONITOR_ACTION_COUNT]; /* NULL: not an action */
/* End the ENTER or the wait of ${place}, which may be NULL, if that can still be done. The answer
 * of CANCEL itself goes out first. */
void action_cancel(struct dmonitor_core *core, const struct dmonitor_event *event,
                   struct place *place);
void action_cancel_of_session(struct dmonitor_core *core, const struct dmonitor_event *event,
                              const struct session *session);
/* Whether the token is the present owner's; with a ${session}, whether that is the owner. */
void action_check(struct dmonitor_core *core, const struct dmonitor_event *event,
                  const struct session *session);

/* core_status.c */
int status_report(const struct dmonitor_core *core, const char *monitor_name,
                  struct dmonitor_status_report **report);

#endif
