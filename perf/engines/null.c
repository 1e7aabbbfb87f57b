/*
 * null.c: the engine that does nothing, and so measures the harness itself: two clock reads, the
 * histogram, the log, the pattern of an item. Nothing passes from producers to consumers, so there
 * is nothing to audit: each get hands out the same item, one that a producer has really made.
 */
#include "engines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../sim/actor.h"
#include "../sentence.h"

struct null_connection {
	size_t size_bytes;
	unsigned char item[];
};

static int keep_item(void *context, const void *item, size_t size_bytes)
{
	struct null_connection *null = context;
	memcpy(null->item, item, size_bytes);
	return 0;
}

static uint64_t null_token(void *connection)
{
	(void)connection;
	return 0;
}

static int null_open(const struct engine_setup *setup, void **connection)
{
	size_t size_bytes = (size_t)setup->factors->payload_bytes;
	struct null_connection *null = calloc(1, sizeof(*null) + size_bytes);
	if (null == NULL) {
		sentence(setup->error, setup->error_bytes, "out of memory");
		return ENOMEM;
	}
	null->size_bytes = size_bytes;
	struct audit_entry log;
	struct actor producer = {
		.role = ACTOR_PRODUCER,
		.items = 1,
		.item_bytes = size_bytes,
		.port = { .context = null, .put = keep_item, .token = null_token },
		.log = &log
	};
	int failure = actor_run(&producer);
	if (failure != 0) {
		sentence(setup->error, setup->error_bytes, "no item: %s", strerror(failure));
		free(null);
		return failure;
	}
	*connection = null;
	return 0;
}

static int null_put(void *connection, const void *item, size_t size_bytes)
{
	(void)connection;
	(void)item;
	(void)size_bytes;
	return 0;
}

static int null_get(void *connection, void *item, size_t room_bytes, size_t *size_bytes)
{
	const struct null_connection *null = connection;
	if (null->size_bytes > room_bytes)
		return EMSGSIZE;
	memcpy(item, null->item, null->size_bytes);
	*size_bytes = null->size_bytes;
	return 0;
}

static int null_close(void **connection)
{
	free(*connection);
	*connection = NULL;
	return 0;
}

const struct engine engine_null = {
	.name = "null",
	.help = "does nothing: what the harness itself costs; no server, no audit",
	.open = null_open,
	.put = null_put,
	.get = null_get,
	.token = null_token,
	.close = null_close,
};
