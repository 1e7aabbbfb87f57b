/* actor.c: one worker's loop. */
#include "actor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "../monitor/clock.h"

uint64_t actor_share(uint64_t items, size_t workers, size_t number)
{
	return items / workers + (number < items % workers ? 1 : 0);
}

static void work(const struct actor *actor, struct distribution_random *random)
{
	const int64_t duration_ns = distribution_draw(&actor->work_ns, random);

	if (duration_ns > 0)
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + duration_ns);
}

/* Log operation ${number}, and let whoever watches see it once the entry is complete. */
static void note(const struct actor *actor, uint64_t number, const struct item *item)
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
	const struct item item = { .producer = actor->number, .number = (uint32_t)number };
	int64_t begin_ns;
	int error;

	item_write(&item, bytes, actor->item_bytes);
	begin_ns = dmonitor_clock_now_ns();
	error = actor->port.put(actor->port.context, bytes, actor->item_bytes);
	if (error != 0)
		return error;
	if (actor->observe != NULL)
		actor->observe(actor->observer, begin_ns, dmonitor_clock_now_ns());
	note(actor, number, &item);
	return 0;
}

static int consume(const struct actor *actor, uint64_t number, unsigned char *bytes)
{
	const int64_t begin_ns = dmonitor_clock_now_ns();
	struct item item;
	size_t size_bytes;
	int error;

	error = actor->port.get(actor->port.context, bytes, actor->item_bytes, &size_bytes);
	if (error != 0)
		return error;
	if (actor->observe != NULL)
		actor->observe(actor->observer, begin_ns, dmonitor_clock_now_ns());
	if (size_bytes != actor->item_bytes || item_read(bytes, size_bytes, &item) != 0)
		return EPROTO;
	note(actor, number, &item);
	return 0;
}

int actor_run(struct actor *actor)
{
	unsigned char *const bytes = malloc(actor->item_bytes);
	struct distribution_random random;
	int error = 0;

	if (bytes == NULL)
		return ENOMEM;
	distribution_seed(&random, actor->seed, (uint64_t)actor->number << 1 | actor->role);
	for (uint64_t i = 0; error == 0 && i < actor->items; i++) {
		if (actor->role == ACTOR_PRODUCER) {
			work(actor, &random);
			error = produce(actor, i, bytes);
		} else if ((error = consume(actor, i, bytes)) == 0) {
			work(actor, &random);
		}
	}
	free(bytes);
	return error;
}
