/* actor.c: one worker's loop. */
#include "actor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../monitor/clock.h"

uint64_t actor_share(uint64_t items, size_t workers, size_t number)
{
	return items / workers + (number < items % workers ? 1 : 0);
}

/* Write the bytes behind ${item}'s beginning: a stream that differs from item to item, so that
 * neither a mixture of two items nor a piece of one passes for an item. */
static void fill(unsigned char *bytes, size_t size_bytes, const struct actor_item *item)
{
	struct distribution_random random;

	memcpy(bytes, item, sizeof(*item));
	distribution_seed(&random, item->producer, item->number);
	for (size_t at = sizeof(*item); at < size_bytes; at += sizeof(uint64_t)) {
		const uint64_t word = distribution_next(&random);
		const size_t left = size_bytes - at;

		memcpy(bytes + at, &word, left < sizeof(word) ? left : sizeof(word));
	}
}

static void work(const struct actor *actor, struct distribution_random *random)
{
	const int64_t duration_ns = distribution_draw(&actor->work_ns, random);

	if (duration_ns > 0)
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + duration_ns);
}

/* Log operation ${number}, and let whoever watches see it once the entry is complete. */
static void note(const struct actor *actor, uint64_t number, const struct actor_item *item)
{
	const struct actor_port *port = &actor->port;

	actor->log[number] = (struct audit_entry){ .token = port->token(port->context),
		                                   .producer = item->producer,
		                                   .number = item->number };
	if (actor->done != NULL)
		__atomic_store_n(actor->done, number + 1, __ATOMIC_RELEASE);
}

static int produce(const struct actor *actor, uint64_t number, unsigned char *bytes)
{
	const struct actor_item item = { .producer = actor->number, .number = (uint32_t)number };
	int64_t begin_ns;
	int error;

	fill(bytes, actor->item_bytes, &item);
	begin_ns = dmonitor_clock_now_ns();
	error = actor->port.put(actor->port.context, bytes, actor->item_bytes);
	if (error != 0)
		return error;
	if (actor->observe != NULL)
		actor->observe(actor->observer, begin_ns, dmonitor_clock_now_ns());
	note(actor, number, &item);
	return 0;
}

/* ${expected} is scratch of the same size as ${bytes}. */
static int consume(const struct actor *actor, uint64_t number, unsigned char *bytes,
                   unsigned char *expected)
{
	const int64_t begin_ns = dmonitor_clock_now_ns();
	struct actor_item item;
	size_t size_bytes;
	int error;

	error = actor->port.get(actor->port.context, bytes, actor->item_bytes, &size_bytes);
	if (error != 0)
		return error;
	if (actor->observe != NULL)
		actor->observe(actor->observer, begin_ns, dmonitor_clock_now_ns());
	if (size_bytes != actor->item_bytes)
		return EPROTO;
	memcpy(&item, bytes, sizeof(item));
	fill(expected, actor->item_bytes, &item);
	if (memcmp(bytes, expected, actor->item_bytes) != 0)
		return EPROTO;
	note(actor, number, &item);
	return 0;
}

int actor_run(struct actor *actor)
{
	/* Room for an item, and for what a consumer compares it with. */
	unsigned char *const bytes = malloc(2 * actor->item_bytes);
	struct distribution_random random;
	int error = 0;

	if (bytes == NULL)
		return ENOMEM;
	distribution_seed(&random, actor->seed, (uint64_t)actor->number << 1 | actor->role);
	for (uint64_t i = 0; error == 0 && i < actor->items; i++) {
		if (actor->role == ACTOR_PRODUCER) {
			work(actor, &random);
			error = produce(actor, i, bytes);
		} else if ((error = consume(actor, i, bytes, bytes + actor->item_bytes)) == 0) {
			work(actor, &random);
		}
	}
	free(bytes);
	return error;
}
