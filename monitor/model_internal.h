/*
 * model_internal.h: what the model is made of. Everything stands in arrays in the order in which it
 * came, and is found by looking at each; nothing points at anything, places name their client by
 * number and their monitor by name. For model*.c alone.
 */
#ifndef DMONITOR_MODEL_INTERNAL_H
#define DMONITOR_MODEL_INTERNAL_H

#include "model.h"

#define MODEL_NS_PER_MS INT64_C(1000000)

enum model_state { MODEL_OUT, MODEL_IN_LINE, MODEL_INSIDE, MODEL_WAITING, MODEL_AWAKENED };

/* When something falls due. What does at the same instant happens in the order of the serials. */
struct model_timer {
	int64_t due_ns; /* 0: never */
	uint64_t serial;
};

struct model_client {
	uint64_t number; /* of all clients that ever came */
	char id[DMONITOR_ID_BYTES + 1];
	char label[DMONITOR_ID_BYTES + 1];
	char session[DMONITOR_SECRET_BYTES + 1]; /* empty: it polls */
	dmonitor_peer peer;                      /* 0: on probation */
	uint64_t attached;                       /* when it came to that peer, as a serial */
	int64_t attempt;                         /* of its HELLO there */
	int64_t lease_ms;
	int64_t lease_end_ns;
	struct model_timer life; /* looked at then: a lease may have been renewed meanwhile */
	int64_t last_seq;
	uint64_t last_digest;
	enum dmonitor_action last_action;
	bool pending;                 /* the last request is to be answered */
	struct dmonitor_reply answer; /* to the last request; status NONE: there is none */
	int64_t failed_seq;           /* a refused `reply: false` not yet told again; 0: none */
	enum dmonitor_code failed_code;
};

/* A client at a monitor. */
struct model_place {
	uint64_t client;
	char monitor[DMONITOR_NAME_BYTES + 1];
	enum model_state state;
	uint64_t ticket;
	bool waited; /* there was a WAIT since the last ENTER, on condition */
	char condition[DMONITOR_NAME_BYTES + 1];
	bool timed_out;
	bool cancelled;
	bool by_signal;   /* awakened by SIGNAL, which is not yet used */
	bool tells_woken; /* its WAIT carried signals, which awakened so many */
	int64_t woken;
	struct model_timer deadline;
	uint64_t token;
	bool abandoned;
	int64_t since_ns;
	enum dmonitor_status outcome; /* OUT: how the last ENTER of a polling client ended */
};

struct model_monitor {
	char name[DMONITOR_NAME_BYTES + 1];
	bool owes_abandoned;
};

/* A message that waits for the end of the one whose id it uses. */
struct model_held {
	struct dmonitor_event event;
	struct dmonitor_request request; /* its strings are copies, in texts */
	char *texts;
	struct model_timer timer;
};

struct dmonitor_model {
	struct dmonitor_core_options options;
	struct dmonitor_model_counts counts;
	char server[DMONITOR_ID_BYTES + 1];
	int64_t start_ns;
	int64_t now_ns;
	uint64_t token;
	uint64_t token_before; /* the step: the highest ever given */
	uint64_t ticket;
	uint64_t serial;
	uint64_t clients_ever;
	bool out_of_memory;
	int64_t limit; /* noted last, and what it limits */
	const char *limit_of;

	struct model_client *clients;
	size_t client_count, client_room;
	struct model_place *places;
	size_t place_count, place_room;
	struct model_monitor *monitors;
	size_t monitor_count, monitor_room;
	struct model_held *held;
	size_t held_count, held_room;

	/* What STATUS tells. */
	uint64_t received[DMONITOR_ACTION_COUNT];
	uint64_t sent[DMONITOR_STATUS_COUNT];
	uint64_t errors[DMONITOR_CODE_COUNT];
	uint64_t ignored;

	/* The step that is expected: what is to be said, and what it is about. */
	struct dmonitor_outbox expected;
	struct dmonitor_effect *effects;
	size_t effect_count, effect_room;
	enum dmonitor_event_kind kind;
	enum dmonitor_action action;
	dmonitor_peer asker;
	char ended[DMONITOR_ID_BYTES + 1]; /* a client that ended in it */
	char sentence[640];
};

/* model.c: storage. */
bool model_grow(struct dmonitor_model *model, void **array, size_t count, size_t *room,
                size_t item_bytes);
void model_timer_set(struct dmonitor_model *model, struct model_timer *timer, int64_t due_ns);
int64_t model_later(const struct dmonitor_model *model, int64_t span_ms);

void model_effect(struct dmonitor_model *model, enum dmonitor_effect_kind kind,
                  const struct model_place *place, const char *condition);

/* model_monitor.c: the line, the conditions, the hand-over. Pointers into the arrays are good until
 * something comes or goes. */
struct model_monitor *model_monitor(struct dmonitor_model *model, const char *name);
struct model_place *model_place(struct dmonitor_model *model, uint64_t client, const char *name);
struct model_place *model_owner(struct dmonitor_model *model, const char *name);
/* Which limit stands against something, for the refusal to tell. */
void model_note_limit(struct dmonitor_model *model, int64_t limit, const char *of);
bool model_at_limit(struct dmonitor_model *model, uint64_t client, const char *name);
bool model_condition_at_limit(struct dmonitor_model *model, const char *name,
                              const char *condition);
enum dmonitor_status model_enter(struct dmonitor_model *model, uint64_t client, const char *name,
                                 int64_t timeout_ms);
void model_release(struct dmonitor_model *model, uint64_t client, const char *name);
void model_wait(struct dmonitor_model *model, uint64_t client, const char *name,
                const char *condition, const struct dmonitor_reply *riders, int64_t timeout_ms);
int64_t model_signal(struct dmonitor_model *model, const char *name, const char *condition,
                     bool all);
void model_awaken(struct dmonitor_model *model, struct model_place *place);
void model_give_up(struct dmonitor_model *model, struct model_place *place,
                   enum dmonitor_status outcome);
void model_deadline_over(struct dmonitor_model *model, struct model_place *place);
void model_leave_all(struct dmonitor_model *model, uint64_t client, bool died);

/* model_session.c: identities, leases, ends, and answers in a session's sequence. */
struct model_client *model_client(struct dmonitor_model *model, uint64_t number);
struct model_client *model_client_by_id(struct dmonitor_model *model, const char *id);
struct model_client *model_client_by_session(struct dmonitor_model *model, const char *session);
struct model_client *model_client_new(struct dmonitor_model *model, const char *id);
void model_renew(struct dmonitor_model *model, struct model_client *client);
void model_end(struct dmonitor_model *model, uint64_t number, bool died);
void model_attach(struct dmonitor_model *model, struct model_client *client, dmonitor_peer peer);
/* May move the clients. */
bool model_has_room(struct dmonitor_model *model, dmonitor_peer peer);
bool model_forget_idle(struct dmonitor_model *model, uint64_t number);
void model_closed(struct dmonitor_model *model, dmonitor_peer peer);
void model_stalled(struct dmonitor_model *model);
void model_life_due(struct dmonitor_model *model, struct model_client *client);
void model_hold(struct dmonitor_model *model, const struct dmonitor_event *event);
void model_held_remove(struct dmonitor_model *model, size_t index);
void model_answer(struct dmonitor_model *model, struct model_client *client,
                  const struct dmonitor_reply *reply);

/* model_actions.c: what is asked at a monitor, and replies; NONE: nothing is wrong with it. */
struct dmonitor_reply model_reply_to(const struct dmonitor_request *request,
                                     enum dmonitor_status status);
struct dmonitor_reply model_refusal_of(const struct dmonitor_model *model,
                                       const struct dmonitor_request *request,
                                       enum dmonitor_code code);
enum dmonitor_code model_fault_of(struct dmonitor_model *model, uint64_t client,
                                  const struct dmonitor_request *request);
struct dmonitor_reply model_act_as_owner(struct dmonitor_model *model, uint64_t client,
                                         const struct dmonitor_request *request);
void model_polling(struct dmonitor_model *model, const struct dmonitor_event *event,
                   uint64_t client);

/* model_request.c: what a message does; ${was_held}: it had to wait for the end of its id's owner.
 */
void model_message(struct dmonitor_model *model, const struct dmonitor_event *event, bool was_held);
void model_say(struct dmonitor_model *model, dmonitor_peer to, const struct dmonitor_reply *reply);

/* model_status.c */
struct dmonitor_status_report *model_report(struct dmonitor_model *model, const char *name);

/* model_judge.c: which rule broke, where the two outboxes differ. */
const char *model_judge(struct dmonitor_model *model, const struct dmonitor_outbox *said);

#endif
