/*
 * monitor.c: the bounded buffer over this project's monitors, in two engines that differ only in
 * how a worker learns of its turn: the server tells it, or it asks every so often, as the clients
 * of the original did.
 */
#include "engines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../buffer/bounded_buffer.h"
#include "../../monitor/clock.h"
#include "../../monitor/dmonitor.h"
#include "../sentence.h"
#include "server_status.h"

#define BUFFER_NAME "performance_test"

struct monitor_connection {
	dmonitor_session *session;
	bounded_buffer *buffer;
};

static int monitor_open(const struct engine_setup *setup, void **connection)
{
	const struct factors *factors = setup->factors;
	struct dmonitor_options options = { .label = setup->label };
	if (factors->exit_mode == EXIT_ASYNC)
		options.flags = DMONITOR_ASYNC_EXIT;
	if (engine_of(factors->engine)->polls)
		options.poll_interval_ms = factors->poll_interval_ns / DMONITOR_NS_PER_MS;
	struct monitor_connection *made = calloc(1, sizeof(*made));
	if (made == NULL) {
		sentence(setup->error, setup->error_bytes, "out of memory");
		return ENOMEM;
	}
	int failure = dmonitor_connect(setup->endpoint, &options, &made->session);
	if (failure != 0) {
		sentence(setup->error, setup->error_bytes, "cannot connect to %s: %s",
		         setup->endpoint, dmonitor_error(NULL));
		goto err0;
	}
	sentence(setup->trace, setup->trace_bytes, "%s", dmonitor_server_id(made->session));
	/* Opening enters and leaves the monitor: that is the verified round trip. */
	failure = bounded_buffer_open(made->session, BUFFER_NAME, (size_t)factors->capacity,
	                              (size_t)factors->payload_bytes,
	                              (enum bounded_buffer_storage)factors->storage, &made->buffer);
	if (failure != 0) {
		sentence(setup->error, setup->error_bytes, "cannot open the buffer: %s",
		         strerror(failure));
		goto err1;
	}
	*connection = made;
	return 0;

err1:
	dmonitor_disconnect(&made->session);
err0:
	free(made);
	return failure;
}

static int monitor_put(void *connection, const void *item, size_t size_bytes)
{
	struct monitor_connection *monitor = connection;
	return bounded_buffer_put(monitor->buffer, item, size_bytes);
}

static int monitor_get(void *connection, void *item, size_t room_bytes, size_t *size_bytes)
{
	struct monitor_connection *monitor = connection;
	return bounded_buffer_get(monitor->buffer, item, room_bytes, size_bytes);
}

static uint64_t monitor_token(void *connection)
{
	struct monitor_connection *monitor = connection;
	return bounded_buffer_token(monitor->buffer);
}

static int monitor_close(void **connection)
{
	struct monitor_connection *monitor = *connection;
	*connection = NULL;
	if (monitor == NULL)
		return 0;
	int failure = bounded_buffer_close(&monitor->buffer);
	int disconnect_failure = dmonitor_disconnect(&monitor->session);
	free(monitor);
	return failure != 0 ? failure : disconnect_failure;
}

static void monitor_remove(const char *trace)
{
	/* That there is nothing is the usual case: the last close has removed it. */
	(void)bounded_buffer_remove(trace, BUFFER_NAME);
}

const struct engine engine_monitor = {
	.name = "monitor",
	.help = "a bounded buffer over monitors; the server tells a worker when it is its turn",
	.needs_server = true,
	.audited = true,
	.exits = true,
	.open = monitor_open,
	.put = monitor_put,
	.get = monitor_get,
	.token = monitor_token,
	.close = monitor_close,
	.remove = monitor_remove,
	.messages = server_status_messages,
};

const struct engine engine_monitor_poll = {
	.name = "monitor-poll",
	.help = "the same, but a worker asks every poll_interval whether it is its turn",
	.needs_server = true,
	.audited = true,
	.polls = true,
	.open = monitor_open,
	.put = monitor_put,
	.get = monitor_get,
	.token = monitor_token,
	.close = monitor_close,
	.remove = monitor_remove,
	.messages = server_status_messages,
};
