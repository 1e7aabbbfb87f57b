/*
 * connections.h: which peer is on which connection, and which has gone. Pure bookkeeping.
 *
 * A message tells its sender's routing id and descriptor, an event of the socket monitor only a
 * descriptor; descriptors are used again, and the two streams are not ordered against each other.
 * So each descriptor counts its connections (generations): ACCEPTED opens one, DISCONNECTED closes
 * the oldest open one, and a peer is bound to a generation by its first message. A new peer on a
 * descriptor whose present generation is bound already, or closed, opens the next one itself,
 * ahead of its ACCEPTED. The caller applies an event only after it has read all messages that were
 * there when it read the event (sight_queue.h).
 *
 * Counting is wrong where a connection ends that never said a word, and its descriptor's next one
 * speaks before that end is applied: the speaker is taken for the silent one. So before a peer is
 * told gone it is looked at; if its socket is still open and connected it is moved to the next
 * generation, and stays in doubt until it speaks, or until it has been looked at often enough.
 *
 * A peer's socket is known by the cookie that its descriptor's socket had when the peer was first
 * heard. Where it had ended before, that is the next one's; so of two with one cookie the earlier
 * one has ended.
 */
#ifndef DMONITOR_CONNECTIONS_H
#define DMONITOR_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "budget.h"

enum { PEER_ROUTING_ID_BYTES = 255 }; /* ZMTP's limit; the caller's to check */

struct peer {
	UT_hash_handle hh;        /* by routing id */
	UT_hash_handle hh_number; /* by number */
	struct peer *next;        /* on the same descriptor */
	uint64_t number;
	uint64_t generation;
	uint64_t last_message; /* when it spoke last, as the caller counts messages */
	int descriptor;
	bool local;
	bool dropped;
	bool doubted;        /* it was in doubt */
	uint8_t doubts;      /* looks still to be taken at whether it lives; 0: not in doubt */
	uint64_t cookie;     /* the caller's, to know the socket again by */
	struct budget heavy; /* the caller's, of its heavy requests */
	uint8_t routing_id_bytes;
	uint8_t routing_id[PEER_ROUTING_ID_BYTES];
};

/* What is known of one descriptor. */
struct descriptor {
	uint64_t accepted;       /* ACCEPTED events */
	uint64_t closed;         /* DISCONNECTED events: generations up to this are gone */
	uint64_t opened;         /* the present generation, perhaps ahead of its ACCEPTED */
	uint64_t events_read;    /* ACCEPTED and DISCONNECTED, the caller's to count, */
	uint64_t events_applied; /* as they are applied in order */
	struct peer *peers;
};

/* Whether the socket of ${peer} is open and connected, as far as one can see. */
typedef bool connections_lives(const struct peer *peer);

struct connections {
	connections_lives *lives; /* NULL: what is told closed is gone */
	size_t doubtful;          /* peers in doubt */
	struct peer *by_routing_id;
	struct peer *by_number;
	struct descriptor *descriptors; /* by their numbers */
	size_t descriptor_room;
	uint64_t last_number;
	uint64_t *dropped; /* to be told */
	size_t dropped_count;
	size_t dropped_room;
};

void connections_fini(struct connections *connections);

/* NULL where there is no such peer. Valid until the next call that changes something. */
struct peer *connections_find(const struct connections *connections, const void *routing_id,
                              size_t size_bytes);
struct peer *connections_find_number(const struct connections *connections, uint64_t number);

/* The peer that the next DISCONNECTED on ${descriptor} would be the end of; NULL: none is known. */
const struct peer *connections_next_to_go(const struct connections *connections, int descriptor);

/* Made if need be; NULL: out of memory. */
struct descriptor *connections_descriptor(struct connections *connections, int descriptor);

/* A new peer, by its first message; NULL: out of memory. */
struct peer *connections_add(struct connections *connections, const void *routing_id,
                             size_t size_bytes, int descriptor, bool local, uint64_t cookie);

/* A known peer has spoken: it lives. */
void connections_heard(struct connections *connections, uint64_t number);

/* Look at the peers in doubt; those that are gone are dropped. To be called now and then while
 * there are any. */
void connections_review(struct connections *connections);

/* ACCEPTED: 0 or ENOMEM. */
int connections_accepted(struct connections *connections, int descriptor);

/* DISCONNECTED: the number of the peer that is gone, and forgotten; 0 where none had sent yet. */
uint64_t connections_disconnected(struct connections *connections, int descriptor);

/* Serve a peer no longer; connections_next_dropped() tells its number once, and then 0. */
void connections_drop(struct connections *connections, uint64_t number);
/* The same, and forget it, as its routing id is another connection's now. */
void connections_replaced(struct connections *connections, uint64_t number);
uint64_t connections_next_dropped(struct connections *connections);

#endif
