/* connections.c: which peer is on which connection, and which has gone. */
#include "connections.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

void connections_fini(struct connections *connections)
{
	struct peer *peer, *next;

	HASH_CLEAR(hh_number, connections->by_number);
	HASH_ITER (hh, connections->by_routing_id, peer, next) {
		HASH_DEL(connections->by_routing_id, peer);
		free(peer);
	}
	free(connections->descriptors);
	free(connections->dropped);
	*connections = (struct connections){ .last_number = 0 };
}

struct peer *connections_find(const struct connections *connections, const void *routing_id,
                              size_t size_bytes)
{
	struct peer *peer;

	HASH_FIND(hh, connections->by_routing_id, routing_id, size_bytes, peer);
	return peer;
}

struct peer *connections_find_number(const struct connections *connections, uint64_t number)
{
	struct peer *peer;

	HASH_FIND(hh_number, connections->by_number, &number, sizeof(number), peer);
	return peer;
}

struct descriptor *connections_descriptor(struct connections *connections, int number)
{
	const size_t index = number < 0 ? 0 : (size_t)number;

	if (index >= connections->descriptor_room) {
		const size_t room = index * 2 + 64;
		struct descriptor *grown = realloc(connections->descriptors, room * sizeof(*grown));

		if (grown == NULL)
			return NULL;
		memset(grown + connections->descriptor_room, 0,
		       (room - connections->descriptor_room) * sizeof(*grown));
		connections->descriptors = grown;
		connections->descriptor_room = room;
	}
	return &connections->descriptors[index];
}

const struct peer *connections_next_to_go(const struct connections *connections, int number)
{
	const size_t index = number < 0 ? 0 : (size_t)number;
	const struct descriptor *descriptor = &connections->descriptors[index];
	const struct peer *peer;

	if (index >= connections->descriptor_room)
		return NULL;
	LL_SEARCH_SCALAR(descriptor->peers, peer, generation, descriptor->closed + 1);
	return peer;
}

static bool bound(const struct descriptor *descriptor, uint64_t generation)
{
	const struct peer *peer;

	LL_FOREACH (descriptor->peers, peer)
		if (peer->generation == generation)
			return true;
	return false;
}

/* Room to remember one more dropped peer, so that dropping cannot fail. */
static int reserve_dropped(struct connections *connections)
{
	const size_t room =
	    connections->dropped_count + HASH_CNT(hh, connections->by_routing_id) + 1;
	uint64_t *grown;

	if (room <= connections->dropped_room)
		return 0;
	grown = realloc(connections->dropped, (room * 2) * sizeof(*grown));
	if (grown == NULL)
		return ENOMEM;
	connections->dropped = grown;
	connections->dropped_room = room * 2;
	return 0;
}

static void forget(struct connections *connections, struct peer *peer)
{
	connections->doubtful -= peer->doubts > 0;
	LL_DELETE(connections->descriptors[peer->descriptor < 0 ? 0 : peer->descriptor].peers,
	          peer);
	HASH_DELETE(hh_number, connections->by_number, peer);
	HASH_DEL(connections->by_routing_id, peer);
	free(peer);
}

/* A peer in doubt was gone after all: the end that was applied had been its own. */
static void give_up(struct connections *connections, struct peer *peer)
{
	struct descriptor *descriptor = connections_descriptor(connections, peer->descriptor);

	if (descriptor->opened == peer->generation)
		descriptor->opened = descriptor->accepted > descriptor->closed
		                         ? descriptor->accepted
		                         : descriptor->closed;
	connections_drop(connections, peer->number);
	forget(connections, peer);
}

/* Who speaks now on ${descriptor} proves that whoever is in doubt there is gone, and whoever was
 * and has the same cookie: it was taken for living because of that. */
static void give_up_gone(struct connections *connections, struct descriptor *descriptor,
                         uint64_t cookie)
{
	struct peer *peer, *next;

	LL_FOREACH_SAFE (descriptor->peers, peer, next)
		if (peer->doubts > 0 || (peer->doubted && cookie != 0 && peer->cookie == cookie))
			give_up(connections, peer);
}

/* A ROUTER gives those who bring no routing id of their own rising ones. */
static bool came_before(const struct peer *a, const struct peer *b)
{
	enum { GIVEN_BYTES = 5 };
	uint32_t a_given, b_given;

	if (a->routing_id_bytes != GIVEN_BYTES || b->routing_id_bytes != GIVEN_BYTES ||
	    a->routing_id[0] != 0 || b->routing_id[0] != 0)
		return a->number < b->number;
	memcpy(&a_given, a->routing_id + 1, sizeof(a_given));
	memcpy(&b_given, b->routing_id + 1, sizeof(b_given));
	return (int32_t)(be32toh(a_given) - be32toh(b_given)) < 0;
}

/* Of two with one cookie the earlier one had ended before it was first heard. */
static void tell_apart(struct descriptor *descriptor, struct peer *added)
{
	struct peer *other;

	LL_FOREACH (descriptor->peers, other) {
		if (other == added || added->cookie == 0 || other->cookie != added->cookie)
			continue;
		if (came_before(added, other)) {
			const uint64_t generation = added->generation;

			added->generation = other->generation;
			other->generation = generation;
			added->cookie = 0;
		} else {
			other->cookie = 0;
		}
	}
}

struct peer *connections_add(struct connections *connections, const void *routing_id,
                             size_t size_bytes, int number, bool local, uint64_t cookie)
{
	struct descriptor *descriptor = connections_descriptor(connections, number);
	struct peer *peer = calloc(1, sizeof(*peer));

	if (descriptor == NULL || peer == NULL || reserve_dropped(connections) != 0)
		goto err0;
	give_up_gone(connections, descriptor, cookie);
	peer->number = connections->last_number + 1;
	peer->descriptor = number;
	peer->local = local;
	peer->cookie = cookie;
	peer->routing_id_bytes = (uint8_t)size_bytes;
	memcpy(peer->routing_id, routing_id, size_bytes);
	HASH_ADD(hh, connections->by_routing_id, routing_id, size_bytes, peer);
	if (peer->hh.tbl == NULL)
		goto err0;
	HASH_ADD(hh_number, connections->by_number, number, sizeof(peer->number), peer);
	if (peer->hh_number.tbl == NULL)
		goto err1;
	if (descriptor->opened <= descriptor->closed || bound(descriptor, descriptor->opened))
		descriptor->opened =
		    (descriptor->opened > descriptor->closed ? descriptor->opened
		                                             : descriptor->closed) +
		    1;
	peer->generation = descriptor->opened;
	LL_PREPEND(descriptor->peers, peer);
	tell_apart(descriptor, peer);
	connections->last_number++;
	return peer;
err1:
	HASH_DEL(connections->by_routing_id, peer);
err0:
	free(peer);
	return NULL;
}

int connections_accepted(struct connections *connections, int number)
{
	struct descriptor *descriptor = connections_descriptor(connections, number);

	if (descriptor == NULL)
		return ENOMEM;
	if (++descriptor->accepted > descriptor->opened)
		descriptor->opened = descriptor->accepted;
	return 0;
}

enum { LOOKS = 20 };

/* It lives, so the end was that of an earlier connection, which never spoke. */
static void doubt(struct connections *connections, struct descriptor *descriptor, struct peer *peer)
{
	connections->doubtful += peer->doubts == 0;
	peer->doubts = LOOKS;
	peer->doubted = true;
	peer->generation++;
	if (descriptor->opened < peer->generation)
		descriptor->opened = peer->generation;
}

static void trust(struct connections *connections, struct peer *peer)
{
	connections->doubtful -= peer->doubts > 0;
	peer->doubts = 0;
}

void connections_heard(struct connections *connections, uint64_t number)
{
	struct peer *peer;

	if (connections->doubtful == 0)
		return;
	HASH_FIND(hh_number, connections->by_number, &number, sizeof(number), peer);
	if (peer != NULL)
		trust(connections, peer);
}

void connections_review(struct connections *connections)
{
	struct peer *peer, *next;

	HASH_ITER (hh, connections->by_routing_id, peer, next) {
		if (peer->doubts == 0)
			continue;
		if (!connections->lives(peer))
			give_up(connections, peer);
		else if (peer->doubts == 1)
			trust(connections, peer);
		else
			peer->doubts--;
	}
}

uint64_t connections_disconnected(struct connections *connections, int number)
{
	struct descriptor *descriptor = connections_descriptor(connections, number);
	struct peer *peer;
	uint64_t gone;

	if (descriptor == NULL)
		return 0;
	descriptor->closed++;
	LL_SEARCH_SCALAR(descriptor->peers, peer, generation, descriptor->closed);
	if (peer == NULL)
		return 0;
	if (connections->lives != NULL && connections->lives(peer)) {
		doubt(connections, descriptor, peer);
		return 0;
	}
	gone = peer->dropped ? 0 : peer->number;
	forget(connections, peer);
	return gone;
}

void connections_drop(struct connections *connections, uint64_t number)
{
	struct peer *peer;

	HASH_FIND(hh_number, connections->by_number, &number, sizeof(number), peer);
	if (peer == NULL || peer->dropped)
		return;
	peer->dropped = true;
	connections->dropped[connections->dropped_count++] = number;
}

void connections_replaced(struct connections *connections, uint64_t number)
{
	struct descriptor *descriptor;
	struct peer *peer;

	connections_drop(connections, number);
	HASH_FIND(hh_number, connections->by_number, &number, sizeof(number), peer);
	if (peer == NULL)
		return;
	if (peer->doubts > 0) {
		give_up(connections, peer);
		return;
	}
	/* Its DISCONNECTED is still to come, so its generation may not become another's. */
	descriptor = connections_descriptor(connections, peer->descriptor);
	if (descriptor->opened == peer->generation)
		descriptor->opened++;
	forget(connections, peer);
}

uint64_t connections_next_dropped(struct connections *connections)
{
	uint64_t number;

	if (connections->dropped_count == 0)
		return 0;
	number = connections->dropped[0];
	connections->dropped_count--;
	memmove(connections->dropped, connections->dropped + 1,
	        connections->dropped_count * sizeof(number));
	return number;
}
