/* gate.c: which connections may stay. */
#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void gate_init(struct gate *gate, const struct gate_limits *limits)
{
	*gate = (struct gate){ .limits = *limits, .first_silent = -1, .last_silent = -1 };
}

void gate_fini(struct gate *gate)
{
	free(gate->entries);
	gate->entries = NULL;
	gate->room = 0;
}

struct gate_entry *gate_entry(struct gate *gate, int descriptor)
{
	return descriptor < 0 || (size_t)descriptor >= gate->room ? NULL
	                                                          : &gate->entries[descriptor];
}

static struct gate_entry *make_entry(struct gate *gate, int descriptor)
{
	const size_t room = (size_t)(descriptor < 0 ? 0 : descriptor) * 2 + 64;
	struct gate_entry *grown;

	if (descriptor < 0 || (size_t)descriptor < gate->room)
		return gate_entry(gate, descriptor);
	grown = realloc(gate->entries, room * sizeof(*grown));
	if (grown == NULL)
		return NULL;
	memset(grown + gate->room, 0, (room - gate->room) * sizeof(*grown));
	gate->entries = grown;
	gate->room = room;
	return &grown[descriptor];
}

static void leave_silent(struct gate *gate, struct gate_entry *entry)
{
	if (!entry->silent)
		return;
	*(entry->before < 0 ? &gate->first_silent : &gate->entries[entry->before].after) =
	    entry->after;
	*(entry->after < 0 ? &gate->last_silent : &gate->entries[entry->after].before) =
	    entry->before;
	entry->silent = false;
}

static void join_silent(struct gate *gate, struct gate_entry *entry, int descriptor)
{
	entry->before = gate->last_silent;
	entry->after = -1;
	*(gate->last_silent < 0 ? &gate->first_silent : &gate->entries[gate->last_silent].after) =
	    descriptor;
	gate->last_silent = descriptor;
	entry->silent = true;
}

/* Another connection has the descriptor now: forget all of the last but that it was counted. */
static void begin(struct gate *gate, struct gate_entry *entry, uint64_t cookie, int64_t now_ns)
{
	leave_silent(gate, entry);
	gate->leaving -= entry->cut && entry->open;
	gate->paused -= entry->paused_until_ns != 0;
	*entry = (struct gate_entry){ .cookie = cookie, .since_ns = now_ns };
}

void gate_cut(struct gate *gate, int descriptor)
{
	struct gate_entry *entry = gate_entry(gate, descriptor);

	if (entry == NULL || entry->cut || !entry->open)
		return;
	leave_silent(gate, entry);
	entry->cut = true;
	gate->leaving++;
}

int gate_opened(struct gate *gate, int descriptor, uint64_t cookie, int64_t now_ns, int *cut)
{
	struct gate_entry *entry = make_entry(gate, descriptor);

	*cut = -1;
	if (entry == NULL)
		return ENOMEM;
	/* It may have spoken before. */
	if (entry->cookie != cookie || cookie == 0)
		begin(gate, entry, cookie, now_ns);
	gate->open++;
	entry->open = true;
	gate->leaving += entry->cut;
	if (!entry->spoken && !entry->cut && !entry->silent)
		join_silent(gate, entry, descriptor);
	if (gate->open - gate->leaving > (size_t)gate->limits.connections)
		*cut = gate->first_silent >= 0 ? gate->first_silent : descriptor;
	return 0;
}

void gate_closed(struct gate *gate, int descriptor, uint64_t cookie)
{
	struct gate_entry *entry = gate_entry(gate, descriptor);

	/* Of one for which there was no memory the beginning was not counted. */
	if (entry == NULL || !entry->open)
		return;
	gate->open--;
	gate->leaving -= entry->cut;
	entry->open = false;
	leave_silent(gate, entry);
	/* The same cookie: its socket is not closed yet, or the next one was heard already. */
	if (entry->cookie == 0 || entry->cookie != cookie)
		begin(gate, entry, 0, 0);
}

struct gate_entry *gate_heard(struct gate *gate, int descriptor, uint64_t cookie, size_t size_bytes,
                              int64_t now_ns)
{
	struct gate_entry *entry = make_entry(gate, descriptor);

	if (entry == NULL)
		return NULL;
	if (entry->cookie != cookie) {
		const bool open = entry->open;

		/* The last one's end is still to be read, and counts it out. */
		begin(gate, entry, cookie, now_ns);
		entry->open = open;
	}
	entry->read_bytes += size_bytes;
	entry->messages++;
	return entry;
}

void gate_spoke(struct gate *gate, int descriptor)
{
	struct gate_entry *entry = gate_entry(gate, descriptor);

	if (entry == NULL || entry->spoken)
		return;
	entry->spoken = true;
	leave_silent(gate, entry);
}

bool gate_answered(struct gate *gate, int descriptor, bool refused)
{
	struct gate_entry *entry = gate_entry(gate, descriptor);

	if (entry == NULL)
		return false;
	entry->refused = refused ? entry->refused + 1 : 0;
	return entry->refused >= gate->limits.refused;
}

int gate_silent_too_long(const struct gate *gate, int64_t now_ns)
{
	const int first = gate->first_silent;

	if (first < 0 || now_ns - gate->entries[first].since_ns < gate->limits.silent_ms * 1000000)
		return -1;
	return first;
}

/* What is read of a connection and is no message: the handshake, and ZMTP's own heartbeats. */
enum { HANDSHAKE_BYTES = 1024, HEARTBEAT_BYTES_A_SECOND = 100 };

int64_t gate_unread_bytes(const struct gate_entry *entry, int64_t taken_bytes, int64_t now_ns)
{
	const int64_t other =
	    HANDSHAKE_BYTES + (now_ns - entry->since_ns) / 1000000000 * HEARTBEAT_BYTES_A_SECOND;

	return taken_bytes - (int64_t)entry->read_bytes - other;
}

int64_t gate_pause_ns(struct gate_entry *entry)
{
	enum { FIRST_MS = 400, DOUBLINGS = 5 };
	const unsigned doublings = entry->bursts < DOUBLINGS ? entry->bursts : DOUBLINGS;

	entry->bursts++;
	return (INT64_C(1000000) * FIRST_MS) << doublings;
}
