/* guard.c: keeps the server usable whoever connects. */
#include "guard.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "peer_socket.h"

/* How often to look, while there is anybody, and while memory is seen to grow. */
#define LOOK_NS       (100 * DMONITOR_NS_PER_MS)
#define ALARM_LOOK_NS (10 * DMONITOR_NS_PER_MS)
enum { ALARM_LOOKS = 20 };

/* An honest message does not wait for libzmq to read it for so long. */
#define WAITED_NS (50 * DMONITOR_NS_PER_MS)

/* So much more memory than last time is a reason to look for who holds it, and so much held is a
 * reason to be cut then. */
enum { GROWTH_BYTES = 32 << 20, BLAME_BYTES = 256 << 10 };

/* Whoever has sent so much beyond what is read of it does not wait for answers. */
enum { BACKLOG_BYTES = 4096, MESSAGES_BETWEEN_LOOKS = 16 };

/* Whoever has not taken so much of its answers while it was held up does not read them. */
enum { UNSENT_BYTES = 4096 };

/* Whoever has sent so much and said nothing valid yet is held up too. */
enum { PRATTLE_BYTES = 2 * 65536, SILENT_A_LOOK = 256 };

/* After so long without a pause a flood is forgotten. */
#define FORGIVE_NS (30 * DMONITOR_NS_PER_S)

void guard_init(struct guard *guard, const struct gate_limits *limits)
{
	gate_init(&guard->gate, limits);
	guard->memory = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	guard->last_look_ns = dmonitor_clock_now_ns();
	guard->look_ns = INT64_MAX;
	guard->calm_bytes = 0;
	guard->alarm_looks = 0;
}

void guard_fini(struct guard *guard)
{
	if (guard->memory >= 0)
		close(guard->memory);
	guard->memory = -1;
	gate_fini(&guard->gate);
}

void guard_cut(struct guard *guard, int descriptor, uint64_t cookie)
{
	const struct gate_entry *entry = gate_entry(&guard->gate, descriptor);

	/* A paused socket would not be told of the other end's answer to that. */
	if (entry != NULL && entry->cookie == cookie && entry->paused_until_ns != 0)
		peer_socket_resume(descriptor, cookie);
	peer_socket_cut(descriptor, cookie);
	if (entry != NULL && entry->cookie == cookie)
		gate_cut(&guard->gate, descriptor);
}

static void cut_entry(struct guard *guard, int descriptor)
{
	guard_cut(guard, descriptor, guard->gate.entries[descriptor].cookie);
}

void guard_opened(struct guard *guard, int descriptor)
{
	const int64_t now_ns = dmonitor_clock_now_ns();
	int cut;

	gate_opened(&guard->gate, descriptor, peer_socket_cookie(descriptor), now_ns, &cut);
	if (cut >= 0)
		cut_entry(guard, cut);
	if (guard->look_ns != INT64_MAX)
		return;
	guard->last_look_ns = now_ns;
	guard->look_ns = now_ns + LOOK_NS;
}

void guard_closed(struct guard *guard, int descriptor)
{
	gate_closed(&guard->gate, descriptor, peer_socket_cookie(descriptor));
}

/* Hold ${entry} up, longer each time. */
static void pause_entry(struct guard *guard, int descriptor, struct gate_entry *entry)
{
	if (guard->last_look_ns - entry->last_pause_ns > FORGIVE_NS)
		entry->bursts = 0;
	peer_socket_pause(descriptor, entry->cookie);
	guard->gate.paused += entry->paused_until_ns == 0;
	entry->last_pause_ns = guard->last_look_ns;
	entry->paused_until_ns = guard->last_look_ns + gate_pause_ns(entry);
}

/* Who has much more under way than is read does not wait for answers. */
static void look_at_backlog(struct guard *guard, int descriptor, struct gate_entry *entry)
{
	entry->messages = 0;
	if (entry->paused_until_ns == 0 && peer_socket_waiting_bytes(descriptor) > BACKLOG_BYTES)
		pause_entry(guard, descriptor, entry);
}

/* The longest silent ones are looked at. */
static void look_at_silent(struct guard *guard, int64_t now_ns)
{
	int descriptor = guard->gate.first_silent;

	for (int i = 0; i < SILENT_A_LOOK && descriptor >= 0; i++) {
		struct gate_entry *entry = gate_entry(&guard->gate, descriptor);

		if (entry->paused_until_ns == 0 &&
		    gate_unread_bytes(entry, peer_socket_taken_bytes(descriptor), now_ns) >
		        PRATTLE_BYTES)
			pause_entry(guard, descriptor, entry);
		descriptor = entry->after;
	}
}

void guard_heard(struct guard *guard, int descriptor, uint64_t cookie, size_t size_bytes,
                 bool valid)
{
	struct gate_entry *entry = gate_entry(&guard->gate, descriptor);

	/* The last word of one whose descriptor is another one's already. */
	if (entry != NULL && entry->cookie != 0 && entry->cookie != cookie &&
	    peer_socket_cookie(descriptor) == entry->cookie)
		return;
	/* The clock is read for the first message only. */
	entry = gate_heard(&guard->gate, descriptor, cookie, size_bytes,
	                   entry == NULL || entry->cookie != cookie ? dmonitor_clock_now_ns() : 0);
	if (entry == NULL)
		return;
	if (valid && !entry->spoken)
		gate_spoke(&guard->gate, descriptor);
	if (entry->messages >= MESSAGES_BETWEEN_LOOKS)
		look_at_backlog(guard, descriptor, entry);
}

bool guard_answered(struct guard *guard, int descriptor, bool refused)
{
	return gate_answered(&guard->gate, descriptor, refused);
}

/* Resident memory of this process. */
static int64_t resident_bytes(const struct guard *guard)
{
	char text[128] = "";
	long pages = 0;

	if (guard->memory < 0 || pread(guard->memory, text, sizeof(text) - 1, 0) <= 0 ||
	    sscanf(text, "%*d %ld", &pages) != 1)
		return 0;
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void resume_paused(struct guard *guard, int64_t now_ns)
{
	for (size_t i = 0; guard->gate.paused > 0 && i < guard->gate.room; i++) {
		struct gate_entry *entry = &guard->gate.entries[i];

		if (entry->paused_until_ns == 0 || entry->paused_until_ns > now_ns)
			continue;
		if (peer_socket_unsent_bytes((int)i) > UNSENT_BYTES)
			cut_entry(guard, (int)i);
		peer_socket_resume((int)i, entry->cookie);
		entry->paused_until_ns = 0;
		guard->gate.paused--;
	}
}

/* Of ipc the kernel counts no bytes. Who has some waiting again and again, though nothing comes of
 * them, sends a message without end. */
static int64_t unread_of_ipc(const struct guard *guard, int descriptor, struct gate_entry *entry,
                             int64_t now_ns)
{
	if (peer_socket_waiting_bytes(descriptor) == 0)
		return 0;
	if (entry->waited_at != entry->read_bytes + 1) {
		entry->waited_at = entry->read_bytes + 1;
		entry->waited_since_ns = now_ns;
	}
	return now_ns - entry->waited_since_ns < WAITED_NS
	           ? 0
	           : guard->gate.limits.unread_kib * 1024 + 1;
}

static int64_t unread_of(struct guard *guard, int descriptor, struct gate_entry *entry,
                         int64_t now_ns)
{
	const int64_t taken = peer_socket_taken_bytes(descriptor);

	return taken < 0 ? unread_of_ipc(guard, descriptor, entry, now_ns)
	                 : gate_unread_bytes(entry, taken, now_ns);
}

/* Cut who holds more than it may, and if nobody does though memory has ${grown}, who holds most;
 * whether there was anyone. */
static bool cut_holders(struct guard *guard, int64_t now_ns, bool grown)
{
	const int64_t limit = guard->gate.limits.unread_kib * 1024;
	int64_t most = limit < BLAME_BYTES ? limit : BLAME_BYTES;
	int holder = -1;
	bool found = false;

	for (size_t i = 0; i < guard->gate.room; i++) {
		struct gate_entry *entry = &guard->gate.entries[i];
		const int64_t unread =
		    entry->open && !entry->cut ? unread_of(guard, (int)i, entry, now_ns) : 0;

		if (unread > limit) {
			cut_entry(guard, (int)i);
			found = true;
		} else if (unread > most) {
			most = unread;
			holder = (int)i;
		}
	}
	if (found || holder < 0 || !grown)
		return found;
	cut_entry(guard, holder);
	return true;
}

static void look_at_memory(struct guard *guard, int64_t now_ns)
{
	const int64_t resident = resident_bytes(guard);
	bool grown;

	if (guard->calm_bytes == 0 || resident < guard->calm_bytes)
		guard->calm_bytes = resident;
	grown = resident - guard->calm_bytes >= GROWTH_BYTES;
	if (grown)
		guard->alarm_looks = ALARM_LOOKS;
	if (guard->alarm_looks == 0)
		return;
	guard->alarm_looks--;
	/* What nobody is found for is the clients' own. */
	if (!cut_holders(guard, now_ns, grown) && grown)
		guard->calm_bytes = resident;
}

void guard_look(struct guard *guard, int64_t now_ns)
{
	int silent;

	guard->last_look_ns = now_ns;
	while ((silent = gate_silent_too_long(&guard->gate, now_ns)) >= 0)
		cut_entry(guard, silent);
	resume_paused(guard, now_ns);
	look_at_silent(guard, now_ns);
	look_at_memory(guard, now_ns);
	guard->look_ns = guard->gate.open == 0    ? INT64_MAX
	                 : guard->alarm_looks > 0 ? now_ns + ALARM_LOOK_NS
	                                          : now_ns + LOOK_NS;
}
