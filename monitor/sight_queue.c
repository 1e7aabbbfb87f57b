/* sight_queue.c: connection events that wait until the messages before them have been read. */
#include "sight_queue.h"

#include <errno.h>
#include <stdlib.h>

/* libzmq looks for newly filled pipes after so many reads at the latest (inbound_poll_rate). */
enum { READS_BEFORE_NOTICE = 100 };

void sight_queue_fini(struct sight_queue *queue)
{
	free(queue->waiting);
	*queue = (struct sight_queue){ .room = 0 };
}

/* So many messages after a connection was last heard it has nothing left. */
static uint64_t patience(const struct sight_queue *queue)
{
	return 2 * (2 * (queue->pipes + 1) + READS_BEFORE_NOTICE);
}

static void append(struct sight_queue *queue, struct waiting_sight waiting)
{
	queue->waiting[(queue->first + queue->count++) % queue->room] = waiting;
}

static int grow(struct sight_queue *queue)
{
	const size_t room = queue->room * 2 + 16;
	struct waiting_sight *grown = malloc(room * sizeof(*grown));

	if (grown == NULL)
		return ENOMEM;
	for (size_t i = 0; i < queue->count; i++)
		grown[i] = queue->waiting[(queue->first + i) % queue->room];
	free(queue->waiting);
	queue->waiting = grown;
	queue->first = 0;
	queue->room = room;
	return 0;
}

int sight_queue_put(struct sight_queue *queue, struct connections *connections,
                    struct dmonitor_sight sight, uint64_t cookie)
{
	struct descriptor *descriptor = connections_descriptor(connections, sight.descriptor);

	if (descriptor == NULL || (queue->count == queue->room && grow(queue) != 0))
		return ENOMEM;
	queue->pipes += sight.kind == DMONITOR_SIGHT_ACCEPTED;
	append(queue, (struct waiting_sight){ .sight = sight,
	                                      .due = queue->messages + patience(queue),
	                                      .number = descriptor->events_read++,
	                                      .cookie = cookie });
	return 0;
}

/* Whether libzmq has closed the socket of ${waiting}. A descriptor with a further event is another
 * one's. */
static bool is_closed(const struct sight_queue *queue, const struct descriptor *descriptor,
                      const struct waiting_sight *waiting)
{
	return waiting->cookie == 0 || descriptor->events_read > waiting->number + 1 ||
	       queue->cookie_of(waiting->sight.descriptor) != waiting->cookie;
}

bool sight_queue_settle(struct sight_queue *queue, struct connections *connections)
{
	bool goes_on = false;

	for (size_t i = 0; i < queue->count; i++) {
		struct waiting_sight *waiting = &queue->waiting[(queue->first + i) % queue->room];
		/* Made when the event was put. */
		const struct descriptor *descriptor =
		    connections_descriptor(connections, waiting->sight.descriptor);

		waiting->settled = waiting->closed;
		waiting->closed = waiting->closed || is_closed(queue, descriptor, waiting);
		goes_on =
		    goes_on || waiting->closed || waiting->sight.kind == DMONITOR_SIGHT_ACCEPTED;
	}
	queue->settled = queue->count;
	return goes_on;
}

static struct waiting_sight remove_first(struct sight_queue *queue)
{
	const struct waiting_sight first = queue->waiting[queue->first];

	queue->first = (queue->first + 1) % queue->room;
	queue->count--;
	return first;
}

/* Until which count of messages ${waiting}, which is due, must wait on; 0: it need not. */
static uint64_t wait_on(const struct sight_queue *queue, const struct connections *connections,
                        const struct descriptor *descriptor, struct waiting_sight *waiting)
{
	const struct peer *peer;

	if (waiting->number != descriptor->events_applied)
		return queue->messages + patience(queue);
	if (waiting->sight.kind != DMONITOR_SIGHT_DISCONNECTED || waiting->settled)
		return 0;
	if (!waiting->closed || queue->settled > 0) {
		waiting->closed = waiting->closed || is_closed(queue, descriptor, waiting);
		return queue->messages + patience(queue);
	}
	peer = connections_next_to_go(connections, waiting->sight.descriptor);
	if (peer == NULL || peer->last_message + patience(queue) <= queue->messages)
		return 0;
	return peer->last_message + patience(queue);
}

bool sight_queue_take(struct sight_queue *queue, struct connections *connections,
                      struct dmonitor_sight *sight)
{
	while (queue->count > 0 &&
	       (queue->settled > 0 || queue->waiting[queue->first].due <= queue->messages)) {
		struct waiting_sight first = remove_first(queue);
		/* Made when the event was put. */
		struct descriptor *descriptor =
		    connections_descriptor(connections, first.sight.descriptor);
		const uint64_t until = wait_on(queue, connections, descriptor, &first);

		queue->settled -= queue->settled > 0;
		if (until != 0) {
			first.due = until;
			append(queue, first);
			continue;
		}
		descriptor->events_applied++;
		if (first.sight.kind == DMONITOR_SIGHT_DISCONNECTED && queue->pipes > 0)
			queue->pipes--;
		*sight = first.sight;
		return true;
	}
	return false;
}
