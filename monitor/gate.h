/*
 * gate.h: which connections may stay. Pure bookkeeping, by descriptor: who has said something, who
 * only says what is refused, who floods, whose bytes have not come out of libzmq as messages.
 *
 * A descriptor's connections are told apart by their sockets' cookies. Events are noted when they
 * are read; a message may be read before word of its connection's beginning.
 */
#ifndef DMONITOR_GATE_H
#define DMONITOR_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate_limits {
	int64_t connections; /* at a time */
	int64_t silent_ms;   /* that a connection may take until it says something valid */
	int64_t refused;     /* messages in a row that are refused */
	int64_t unread_kib;  /* taken from a connection, and not yet a whole message */
};

/* A connection, by its descriptor. */
struct gate_entry {
	uint64_t cookie; /* 0: there is none */
	int64_t since_ns;
	uint64_t read_bytes;     /* that came out as messages */
	bool open;               /* its ACCEPTED was read */
	bool spoken;             /* it has said something valid */
	bool cut;                /* its end is on its way */
	bool silent;             /* it is among those that are open and have not spoken */
	int before, after;       /* among them, by descriptor; -1: none */
	int64_t refused;         /* messages in a row */
	unsigned messages;       /* since it was last looked at */
	unsigned bursts;         /* looks in a row that found it flooding */
	int64_t paused_until_ns; /* 0: it is not */
	int64_t last_pause_ns;
	uint64_t waited_at; /* read_bytes + 1 when bytes were first seen waiting in the socket, */
	int64_t waited_since_ns; /* and when that was */
};

struct gate {
	struct gate_limits limits;
	struct gate_entry *entries; /* by descriptor */
	size_t room;
	size_t open;    /* connections, those that are cut included */
	size_t leaving; /* of those: cut */
	size_t paused;
	int first_silent, last_silent; /* the longest first; -1: none */
};

void gate_init(struct gate *gate, const struct gate_limits *limits);
void gate_fini(struct gate *gate);

/* NULL: nothing is known of ${descriptor}. Valid until the next gate_opened() or gate_heard(). */
struct gate_entry *gate_entry(struct gate *gate, int descriptor);

/* ACCEPTED was read. *${cut}: the descriptor whose connection must go since there are too many; -1:
 * none. It is the longest silent one, so that who speaks finds a place. 0 or ENOMEM. */
int gate_opened(struct gate *gate, int descriptor, uint64_t cookie, int64_t now_ns, int *cut);

/* DISCONNECTED was read; ${cookie}: that of the socket which has the descriptor now, 0: none. It
 * may be the same still: libzmq tells first and closes then. */
void gate_closed(struct gate *gate, int descriptor, uint64_t cookie);

/* A message of ${size_bytes} was read from the connection. NULL: out of memory. */
struct gate_entry *gate_heard(struct gate *gate, int descriptor, uint64_t cookie, size_t size_bytes,
                              int64_t now_ns);

/* The message was one that can be obeyed. */
void gate_spoke(struct gate *gate, int descriptor);

/* It was answered, and ${refused}. Whether the connection must go. */
bool gate_answered(struct gate *gate, int descriptor, bool refused);

/* It was cut: no place is counted for it any more. */
void gate_cut(struct gate *gate, int descriptor);

/* The connection that has been silent for too long; -1: none. */
int gate_silent_too_long(const struct gate *gate, int64_t now_ns);

/* Bytes of ${entry} that libzmq holds, of ${taken_bytes} that it has read from the socket. */
int64_t gate_unread_bytes(const struct gate_entry *entry, int64_t taken_bytes, int64_t now_ns);

/* It sends without waiting for answers, as often as ${entry} was found to: how long to pause it. */
int64_t gate_pause_ns(struct gate_entry *entry);

#endif
