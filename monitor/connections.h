/*
 * connections.h: which peer is on which connection, and which has gone. Pure bookkeeping.
 *
 * A message tells its sender's routing id and descriptor, an event of the socket monitor only a
 * descriptor; descriptors are used again, and the two streams are not ordered against each other.
 * So each descriptor counts its connections (generations): ACCEPTED opens one, DISCONNECTED closes
 * the oldest open one, and a peer is bound to a generation by its first message. A new peer on a
 * descriptor whose present generation is bound already, or closed, opens the next one itself,
 * ahead of its ACCEPTED. The caller applies an event only after it has read all messages that were
 * there when it read the event.
 */
#ifndef DMONITOR_CONNECTIONS_H
#define DMONITOR_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum { PEER_ROUTING_ID_BYTES = 255 }; /* ZMTP's limit; the caller's to check */

struct peer {
	UT_hash_handle hh;        /* by routing id */
	UT_hash_handle hh_number; /* by number */
	struct peer *next;        /* on the same descriptor */
	uint64_t number;
	uint64_t generation;
	int descriptor;
	bool local;
	bool dropped;
	uint8_t routing_id_bytes;
	uint8_t routing_id[PEER_ROUTING_ID_BYTES];
};

/* What is known of one descriptor. */
struct descriptor {
	uint64_t accepted; /* ACCEPTED events */
	uint64_t closed;   /* DISCONNECTED events: generations up to this are gone */
	uint64_t opened;   /* the present generation, perhaps ahead of its ACCEPTED */
	struct peer *peers;
};

struct connections {
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
const struct peer *connections_find(const struct connections *connections, const void *routing_id,
                                    size_t size_bytes);
const struct peer *connections_find_number(const struct connections *connections, uint64_t number);

/* A new peer, by its first message; NULL: out of memory. */
const struct peer *connections_add(struct connections *connections, const void *routing_id,
                                   size_t size_bytes, int descriptor, bool local);

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
