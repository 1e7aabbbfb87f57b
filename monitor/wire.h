/*
 * wire.h: the protocol's messages as structs, and their bytes.
 *
 * A message is one JSON object. Whatever a peer sends becomes a struct dmonitor_request, if need
 * be one that says what is wrong with it, so that the core can answer in the sender's sequence.
 * These functions keep no state; they may be called from any thread.
 */
#ifndef DMONITOR_WIRE_H
#define DMONITOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DMONITOR_PROTOCOL = 2,
	DMONITOR_MESSAGE_BYTES = 65536, /* the longest message that a client may send */
	DMONITOR_FRAME_BYTES = 2 << 20, /* a longer frame closes the connection */
	DMONITOR_NAME_BYTES = 128,
	DMONITOR_ID_BYTES = 255,
	DMONITOR_SECRET_BYTES = 32, /* a session's secret: 128 random bits in hexadecimal */
	DMONITOR_DEPTH = 8,         /* of nested objects and arrays */
	DMONITOR_FIELDS = 64        /* of one object */
};

#define DMONITOR_INTEGER_MAX INT64_C(9007199254740991) /* 2^53 - 1: exact in every JSON reader */

/* Each action, in the order of PROTOCOL.md. */
/* clang-format off */
#define DMONITOR_ACTIONS(X) \
	X(ENTER) \
	X(EXIT) \
	X(WAIT) \
	X(SIGNAL) \
	X(BROADCAST) \
	X(CHECK_GRANT) \
	X(CHECK_AWAKENED) \
	X(STOP_SERVER) \
	X(HELLO) \
	X(CANCEL) \
	X(BEAT) \
	X(CHECK) \
	X(STATUS) \
	X(BYE)
/* clang-format on */

enum dmonitor_action {
	DMONITOR_ACTION_NONE,
#define X(name) DMONITOR_ACTION_##name,
	DMONITOR_ACTIONS(X)
#undef X
	    DMONITOR_ACTION_COUNT
};

/* Each status of a reply: name in the code, word on the wire. */
#define DMONITOR_STATUSES(X)                                                                       \
	X(ERROR, "error")                                                                          \
	X(GRANTED, "granted")                                                                      \
	X(QUEUED, "queued")                                                                        \
	X(SUCCESS, "success")                                                                      \
	X(WAITING_ON_CONDITION, "waiting_on_condition")                                            \
	X(STILL_WAITING_ON_CONDITION, "still_waiting_on_condition")                                \
	X(QUEUED_AFTER_SIGNAL, "queued_after_signal")                                              \
	X(GRANTED_AFTER_WAIT, "granted_after_wait")                                                \
	X(TIMEOUT, "timeout")                                                                      \
	X(CANCELLED, "cancelled")                                                                  \
	X(TOO_LATE, "too_late")                                                                    \
	X(WELCOME, "welcome")                                                                      \
	X(ALIVE, "alive")                                                                          \
	X(OWNER, "owner")                                                                          \
	X(OK, "ok")                                                                                \
	X(BYE, "bye")                                                                              \
	X(STOPPING, "stopping")

enum dmonitor_status {
	DMONITOR_STATUS_NONE,
#define X(name, word) DMONITOR_STATUS_##name,
	DMONITOR_STATUSES(X)
#undef X
	    DMONITOR_STATUS_COUNT
};

/* Each error: name in the code, word on the wire, the sentence where there is nothing to add. */
#define DMONITOR_CODES(X)                                                                          \
	X(BAD_JSON, "bad_json", "The message is not one JSON object")                              \
	X(TOO_LARGE, "too_large", "The message is longer than 65536 bytes")                        \
	X(MISSING_FIELD, "missing_field", "A field is missing")                                    \
	X(BAD_FIELD, "bad_field", "A field has a value that it cannot have")                       \
	X(BAD_NAME, "bad_name", "Names are 1 to 128 bytes of A-Z a-z 0-9 . _ : / @ -")             \
	X(UNKNOWN_ACTION, "unknown_action", "There is no such action")                             \
	X(BAD_PROTOCOL, "bad_protocol", "This server speaks protocol 2")                           \
	X(ALREADY_INSIDE, "already_inside", "Already in monitor")                                  \
	X(NOT_OWNER, "not_owner", "Not mutex owner")                                               \
	X(WAITING, "waiting", "Waiting on a condition of this monitor")                            \
	X(NOT_WAITING, "not_waiting", "Not waiting for this")                                      \
	X(BUSY, "busy", "An earlier request of this session is still pending")                     \
	X(SEQ_GAP, "seq_gap", "The sequence number is not the next one")                           \
	X(SEQ_REUSED, "seq_reused", "The sequence number was used for another message")            \
	X(STALE_TOKEN, "stale_token", "The token is not that of the present owner")                \
	X(ID_IN_USE, "id_in_use", "The process_id belongs to another living client")               \
	X(SESSION_LOST, "session_lost", "There is no such session on this connection")             \
	X(FORBIDDEN, "forbidden", "Only a client on the server's own machine may do that")         \
	X(LIMIT, "limit", "A limit of the server is reached")

enum dmonitor_code {
	DMONITOR_CODE_NONE,
#define X(name, word, sentence) DMONITOR_CODE_##name,
	DMONITOR_CODES(X)
#undef X
	    DMONITOR_CODE_COUNT
};

const char *dmonitor_action_word(enum dmonitor_action action);
const char *dmonitor_status_word(enum dmonitor_status status);
const char *dmonitor_code_word(enum dmonitor_code code);
const char *dmonitor_code_sentence(enum dmonitor_code code);

/* A list of names, as EXIT and WAIT carry them. */
struct dmonitor_names {
	const char **names;
	size_t count;
};

/* What a client says. Strings are NULL where absent, and views that live as long as the request. */
struct dmonitor_request {
	enum dmonitor_action action;
	enum dmonitor_code
	    error; /* why it cannot be obeyed; the fields that were readable are set */
	char error_text[192];
	const char *process_id;
	const char *monitor_name;
	const char *condition_name;
	const char *session;
	const char *label;
	const char *ref;
	int64_t seq;        /* 0: absent */
	int64_t cancel_seq; /* 0: absent */
	int64_t timeout_ms; /* -1: absent */
	int64_t lease_ms;   /* 0: absent */
	int64_t protocol;   /* 0: absent */
	int64_t attempt; /* HELLO: a later connection of its session has a higher one; 0: absent */
	uint64_t token;
	bool unanswered; /* reply: false */
	bool abandoned;  /* EXIT: the next owner is to be told what this one was told */
	struct dmonitor_names signal;
	struct dmonitor_names broadcast;
	uint64_t digest; /* of all bytes: tells a repetition from another message */
	void *tree;      /* owns the strings; NULL where the maker of the struct does */
};

struct dmonitor_status_report;

/* The server's limits, as told in `welcome`. */
struct dmonitor_limits {
	int64_t sessions;
	int64_t monitors;
	int64_t conditions; /* of one monitor */
	/* Not told: */
	int64_t places;  /* monitors that one id may be in at a time */
	int64_t clients; /* of one monitor: inside, in line and waiting */
	int64_t ids;     /* sessions and polling clients of one connection */
};

/* What the server says. Empty strings, 0, false and -1 stand for absent fields, as noted. */
struct dmonitor_reply {
	enum dmonitor_status status;
	enum dmonitor_code code;
	char message[192];
	char monitor_name[DMONITOR_NAME_BYTES + 1];
	char condition_name[DMONITOR_NAME_BYTES + 1];
	char ref[DMONITOR_NAME_BYTES + 1];
	int64_t seq;
	int64_t cancel_seq;
	uint64_t token;
	bool abandoned;
	bool timed_out;
	bool cancelled;
	bool tells_next; /* next_granted_to is there: an id, or empty for null */
	char next_granted_to[DMONITOR_ID_BYTES + 1];
	bool tells_woken; /* woken_processes is there */
	int64_t woken_processes;
	int64_t failed_seq; /* an earlier `reply: false` request that was refused, and why */
	enum dmonitor_code failed_code;
	int64_t protocol;
	int64_t lease_ms;
	int64_t last_seq; /* of a resumed session, and of one that sends a beat */
	bool resumed;
	bool pending; /* the request with last_seq is still to be answered */
	char session[DMONITOR_SECRET_BYTES + 1];
	char server[DMONITOR_ID_BYTES + 1];
	struct dmonitor_limits limits;
	struct dmonitor_status_report *report; /* owned; of STATUS alone, and never decoded */
};

/* One client in a report: the owner, one in line, or a waiter. */
struct dmonitor_report_client {
	char id[DMONITOR_ID_BYTES + 1];
	char label[DMONITOR_ID_BYTES + 1];
	int64_t since_ms;
	char condition_name[DMONITOR_NAME_BYTES + 1];
};

/* Lists longer than this are cut; their full lengths are told beside them. */
enum { DMONITOR_REPORT_CLIENTS = 1000 };

/* What STATUS answers: one block of memory, to be freed with free(). */
struct dmonitor_status_report {
	int64_t uptime_ms;
	uint64_t grants;
	uint64_t sessions;
	uint64_t monitors;
	uint64_t received[DMONITOR_ACTION_COUNT]; /* [NONE]: no action could be read */
	uint64_t sent[DMONITOR_STATUS_COUNT];
	uint64_t errors[DMONITOR_CODE_COUNT];
	uint64_t ignored;      /* requests below the last sequence number */
	uint64_t passed_on;    /* signals given to the next waiter, as their receiver had ended */
	uint64_t abandonments; /* owners that ended inside */
	uint64_t resumed;      /* sessions that came back on another connection */
	bool has_monitor;
	bool has_owner;
	size_t line_length;
	size_t waiters_length;
	size_t line_count; /* how many of the clients below are in line; the rest wait */
	size_t client_count;
	struct dmonitor_report_client owner;
	struct dmonitor_report_client clients[];
};

/**
 * dmonitor_request_decode(bytes, size_bytes, frames, request):
 * Read a message of ${frames} frames behind the delimiter (0: it had none), whose envelope is
 * ${bytes}, into ${request}, which says itself whether it can be obeyed. dmonitor_request_fini()
 * frees what it holds. Errors   ENOMEM; ${request} then holds nothing
 */
int dmonitor_request_decode(const char *bytes, size_t size_bytes, size_t frames,
                            struct dmonitor_request *request);
void dmonitor_request_fini(struct dmonitor_request *request);

/* Note that ${request} cannot be obeyed and why, unless something was wrong with it before. */
__attribute__((format(printf, 3, 4))) void dmonitor_request_refuse(struct dmonitor_request *request,
                                                                   enum dmonitor_code code,
                                                                   const char *format, ...);

/* The bytes of ${request}, NUL-terminated, for the caller to free(); NULL: out of memory. */
char *dmonitor_request_encode(const struct dmonitor_request *request);

/* As above, for the server's side. Decoding gives EPROTO where a field is not as promised. */
char *dmonitor_reply_encode(const struct dmonitor_reply *reply);
int dmonitor_reply_decode(const char *bytes, size_t size_bytes, struct dmonitor_reply *reply);

/* Whether ${name} may name a monitor or a condition, and ${id} a process or a label. */
bool dmonitor_name_valid(const char *name);
bool dmonitor_id_valid(const char *id);

/*
 * Whether ${text} is one strict JSON value, as RFC 8259 has it, at most DMONITOR_DEPTH deep: what
 * cJSON lets pass (junk behind the value, control characters, bad UTF-8, U+0000, leading zeros)
 * is refused. Returns NULL, or a static sentence on the first fault, its offset in *${at}.
 */
const char *dmonitor_json_fault(const char *text, size_t size_bytes, size_t *at);

#endif
