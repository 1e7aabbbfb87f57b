/*
 * actor.h: one worker's loop: produce or consume so many items, do some work for each, log what
 * was done. It knows nothing of where the buffer is: that comes in as a port.
 */
#ifndef SIM_ACTOR_H
#define SIM_ACTOR_H

#include <stddef.h>
#include <stdint.h>

#include "audit.h"
#include "distribution.h"
#include "item.h"

enum actor_role { ACTOR_PRODUCER, ACTOR_CONSUMER };

/* The buffer as an actor sees it. put and get return 0 or an errno value, as bounded_buffer.h. */
struct actor_port {
	void *context;
	int (*put)(void *context, const void *item, size_t size_bytes);
	int (*get)(void *context, void *item, size_t room_bytes, size_t *size_bytes);
	uint64_t (*token)(void *context); /* of the last put or get; 0: it has none */
};

struct actor {
	enum actor_role role;
	uint32_t number;   /* among its role, from 0 */
	uint64_t items;    /* to put or get */
	size_t item_bytes; /* at least sizeof(struct item) */
	struct actor_port port;
	struct distribution work_ns; /* before each put, after each get; drawn from the seed */
	uint64_t seed;
	struct audit_entry *log; /* room for ${items}, borrowed; may be shared memory */
	uint64_t *done;          /* operations done so far, for who watches; may be NULL */
	/* Called after each operation with the clock before and after it; may be NULL. */
	void (*observe)(void *observer, int64_t begin_ns, int64_t end_ns);
	void *observer;
};

/* The share of worker ${number} of ${workers} in ${items}: as even as can be, first ones more. */
uint64_t actor_share(uint64_t items, size_t workers, size_t number);

/**
 * actor_run(actor):
 * Do all its operations. Returns 0; or the first errno value of its port, EPROTO where an item's
 * bytes are not those that a producer wrote, or ENOMEM; ${actor}->log then holds *done entries.
 */
int actor_run(struct actor *actor);

#endif
