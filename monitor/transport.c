/*
 * transport.c: messages in and out over ZeroMQ, and word of closed connections.
 *
 * A peer is a routing id of the ROUTER. That its connection is gone is told by the socket monitor
 * (through watcher.c), which knows only descriptors; and descriptors are used again, while messages
 * and events are not ordered against each other. connections.c says which peer an event means.
 */
#include "transport.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <zmq.h>

#include "clock.h"
#include "connections.h"
#include "guard.h"
#include "intake.h"
#include "peer_socket.h"
#include "router.h"
#include "sight_queue.h"
#include "watcher.h"

/* After so many messages in a row, or so late, what is due is done though more are there. */
enum { MESSAGES_BEFORE_TIME = 1000, MESSAGES_BEFORE_LOOK = 64 };
#define LATE_NS (100 * DMONITOR_NS_PER_MS)

struct dmonitor_transport {
	void *context;
	void *router;
	struct dmonitor_watcher *watcher;
	struct connections connections;
	struct guard guard;
	const struct dmonitor_sight *seen; /* by the watcher, and still to be noted */
	size_t seen_count;
	struct sight_queue sights; /* to be applied to the connections */
	bool closing;              /* for all that is there to be applied a socket has to close */
	bool stopped;              /* a signal to stop was seen, and is to be told */
	struct intake intake;
	int receive_limit_ms; /* set on the ROUTER now */
	size_t messages_in_row;
};

static bool lives(const struct peer *peer)
{
	return peer_socket_lives(peer->descriptor, peer->cookie);
}

static int open_router(struct dmonitor_transport *transport)
{
	int result;

	transport->context = zmq_ctx_new();
	if (transport->context == NULL)
		return zmq_errno();
	/* Several replies of one step go out together, as libzmq's thread does not preempt ours. */
	zmq_ctx_set(transport->context, ZMQ_THREAD_SCHED_POLICY, SCHED_BATCH);
	transport->router = zmq_socket(transport->context, ZMQ_ROUTER);
	if (transport->router == NULL)
		return zmq_errno();
	result = router_set_options(transport->router);
	return result != 0 ? result
	                   : dmonitor_watcher_start(transport->context, transport->router,
	                                            &transport->watcher);
}

int dmonitor_transport_new(const struct gate_limits *limits, struct dmonitor_transport **transport)
{
	struct dmonitor_transport *made = calloc(1, sizeof(*made));
	int result;

	if (made == NULL)
		return ENOMEM;
	made->receive_limit_ms = -1;
	intake_init(&made->intake);
	made->connections.lives = lives;
	made->sights.cookie_of = peer_socket_cookie;
	guard_init(&made->guard, limits);
	dmonitor_watcher_block_signals();
	result = open_router(made);
	if (result != 0) {
		dmonitor_transport_free(&made);
		return result;
	}
	*transport = made;
	return 0;
}

void dmonitor_transport_free(struct dmonitor_transport **transport)
{
	struct dmonitor_transport *freed = *transport;

	if (freed == NULL)
		return;
	if (freed->router != NULL) {
		zmq_socket_monitor(freed->router, NULL, 0);
		zmq_close(freed->router);
	}
	if (freed->watcher != NULL)
		zmq_ctx_shutdown(freed->context);
	dmonitor_watcher_stop(&freed->watcher);
	if (freed->context != NULL)
		zmq_ctx_term(freed->context);
	connections_fini(&freed->connections);
	intake_fini(&freed->intake);
	sight_queue_fini(&freed->sights);
	guard_fini(&freed->guard);
	free(freed);
	*transport = NULL;
}

int dmonitor_transport_bind(struct dmonitor_transport *transport, const char *endpoint, char *bound,
                            size_t room_bytes)
{
	return router_bind(transport->router, endpoint, bound, room_bytes);
}

/* The peer that sent ${frames}, known from its first message on; NULL: out of memory. */
static struct peer *sender_of(struct dmonitor_transport *transport, struct router_frames *frames)
{
	const void *id = zmq_msg_data(&frames->kept[0]);
	const size_t size = zmq_msg_size(&frames->kept[0]);
	/* The ROUTER makes the routing id's frame itself; the next came from the peer. */
	const int descriptor = zmq_msg_get(&frames->kept[1], ZMQ_SRCFD);
	struct peer *peer = connections_find(&transport->connections, id, size);

	/* A client that chooses its routing id can come back with it on another connection. */
	if (peer != NULL && peer->descriptor != descriptor) {
		connections_replaced(&transport->connections, peer->number);
		peer = NULL;
	}
	if (peer == NULL)
		peer =
		    connections_add(&transport->connections, id, size, descriptor,
		                    peer_socket_local(descriptor), peer_socket_cookie(descriptor));
	else
		connections_heard(&transport->connections, peer->number);
	if (peer != NULL)
		peer->last_message = transport->sights.messages;
	return peer;
}

static void drop(struct dmonitor_transport *transport, const struct peer *peer)
{
	guard_cut(&transport->guard, peer->descriptor, peer->cookie);
	connections_drop(&transport->connections, peer->number);
}

/* Take a message for what it is: a request of a peer that is still served. Of another, and of the
 * watcher, nothing arrives. Whose request finds no memory loses the connection: it must not wait
 * for an answer. */
static int take(struct dmonitor_transport *transport, struct router_frames *frames,
                struct dmonitor_arrival *arrival)
{
	struct peer *peer;
	int result;

	transport->sights.messages++;
	/* libzmq passes on routing ids longer than ZMTP allows; who sends one is not served. */
	if (frames->count < 2 || zmq_msg_size(&frames->kept[0]) > PEER_ROUTING_ID_BYTES ||
	    dmonitor_watcher_sent(zmq_msg_data(&frames->kept[0]), zmq_msg_size(&frames->kept[0])))
		return 0;
	peer = sender_of(transport, frames);
	if (peer == NULL) {
		const int descriptor = zmq_msg_get(&frames->kept[1], ZMQ_SRCFD);

		peer_socket_cut(descriptor, peer_socket_cookie(descriptor));
		return ENOMEM;
	}
	if (peer->dropped)
		return 0;
	result =
	    intake_read(&transport->intake, frames, peer, &arrival->envelope, &arrival->request);
	if (result != 0)
		drop(transport, peer);
	guard_heard(&transport->guard, peer->descriptor, peer->cookie, frames->wire_bytes,
	            result == 0 && arrival->request.error == DMONITOR_CODE_NONE);
	if (result != 0)
		return result;
	arrival->kind = DMONITOR_ARRIVAL_MESSAGE;
	arrival->peer = peer->number;
	arrival->local = peer->local;
	arrival->heavy = intake_is_heavy(&transport->intake);
	return 0;
}

static int note_sight(struct dmonitor_transport *transport, struct dmonitor_sight sight)
{
	int result;

	if (sight.kind == DMONITOR_SIGHT_SIGNAL) {
		transport->stopped = true;
		return 0;
	}
	result = sight_queue_put(&transport->sights, &transport->connections, sight,
	                         peer_socket_cookie(sight.descriptor));
	if (result != 0)
		return result;
	transport->closing = false;
	if (sight.kind == DMONITOR_SIGHT_ACCEPTED)
		guard_opened(&transport->guard, sight.descriptor);
	else
		guard_closed(&transport->guard, sight.descriptor);
	return 0;
}

/* Note what the watcher saw; what there is no memory for is noted the next time. */
static int note_sights(struct dmonitor_transport *transport)
{
	int result = 0;

	if (transport->seen_count == 0)
		transport->seen_count = dmonitor_watcher_take(transport->watcher, &transport->seen);
	while (transport->seen_count > 0 && result == 0) {
		result = note_sight(transport, *transport->seen);
		if (result == 0) {
			transport->seen++;
			transport->seen_count--;
		}
	}
	return result;
}

static int apply_sight(struct dmonitor_transport *transport, struct dmonitor_sight sight,
                       struct dmonitor_arrival *arrival)
{
	if (sight.kind == DMONITOR_SIGHT_ACCEPTED)
		return connections_accepted(&transport->connections, sight.descriptor);
	arrival->peer = connections_disconnected(&transport->connections, sight.descriptor);
	if (arrival->peer != 0)
		arrival->kind = DMONITOR_ARRIVAL_CLOSED;
	return 0;
}

/* Let receiving wait until ${deadline_ns}; false: that is now. */
static bool set_receive_limit(struct dmonitor_transport *transport, int64_t deadline_ns)
{
	const int limit = dmonitor_clock_milliseconds_to(deadline_ns);

	if (limit == 0)
		return false;
	if (limit != transport->receive_limit_ms)
		zmq_setsockopt(transport->router, ZMQ_RCVTIMEO, &limit, sizeof(limit));
	transport->receive_limit_ms = limit;
	return true;
}

/* Whether what is due must come before the messages that are there. */
static bool time_comes_first(struct dmonitor_transport *transport, int64_t deadline_ns)
{
	int64_t now_ns;

	if (++transport->messages_in_row % MESSAGES_BEFORE_LOOK != 0)
		return false;
	now_ns = dmonitor_clock_now_ns();
	if (now_ns >= transport->guard.look_ns) {
		guard_look(&transport->guard, now_ns);
		connections_review(&transport->connections);
	}
	if (now_ns < deadline_ns ||
	    (transport->messages_in_row <= MESSAGES_BEFORE_TIME && now_ns - deadline_ns < LATE_NS))
		return false;
	transport->messages_in_row = 0;
	return true;
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

/* Until when to wait: for ROUTER to be found empty not at all, for a socket to be closed a moment;
 * and while a peer is in doubt it is looked at every so often. */
static int64_t wait_until(const struct dmonitor_transport *transport, int64_t deadline_ns)
{
	const int64_t until_ns = earlier(deadline_ns, transport->guard.look_ns);

	if (transport->sights.count > 0)
		return transport->closing ? dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS : 0;
	return transport->connections.doubtful == 0
	           ? until_ns
	           : earlier(until_ns, dmonitor_clock_now_ns() + 10 * DMONITOR_NS_PER_MS);
}

/* There is no message: what is to be done then, and whether ${deadline_ns} is over. */
static bool found_empty(struct dmonitor_transport *transport, int64_t deadline_ns)
{
	const int64_t now_ns = dmonitor_clock_now_ns();

	transport->messages_in_row = 0;
	if (transport->sights.count > 0)
		transport->closing =
		    !sight_queue_settle(&transport->sights, &transport->connections);
	else if (transport->connections.doubtful > 0)
		connections_review(&transport->connections);
	if (now_ns >= transport->guard.look_ns)
		guard_look(&transport->guard, now_ns);
	return now_ns >= deadline_ns;
}

/* Receive one message and take it, or find that there is none; see what that leads to. */
static int arrive(struct dmonitor_transport *transport, int64_t deadline_ns,
                  struct dmonitor_arrival *arrival, bool *over)
{
	const bool waits = set_receive_limit(transport, wait_until(transport, deadline_ns));
	struct router_frames frames;
	int result = router_receive(transport->router, &frames, waits ? 0 : ZMQ_DONTWAIT);

	if (result == 0) {
		result = take(transport, &frames, arrival);
		router_frames_close(&frames);
	} else if (result == EINTR) {
		result = 0;
	} else if (result == EAGAIN) {
		*over = found_empty(transport, deadline_ns);
		result = 0;
	}
	return result;
}

/* What comes before any further message: a signal, who was dropped, an event whose time has come.
 */
static int take_what_is_known(struct dmonitor_transport *transport,
                              struct dmonitor_arrival *arrival)
{
	struct dmonitor_sight sight;
	int result = note_sights(transport);

	if (result != 0)
		return result;
	if (transport->stopped) {
		arrival->kind = DMONITOR_ARRIVAL_SIGNAL;
		return 0;
	}
	arrival->peer = connections_next_dropped(&transport->connections);
	if (arrival->peer != 0)
		arrival->kind = DMONITOR_ARRIVAL_CLOSED;
	while (result == 0 && arrival->kind == DMONITOR_ARRIVAL_NONE &&
	       sight_queue_take(&transport->sights, &transport->connections, &sight))
		result = apply_sight(transport, sight, arrival);
	return result;
}

int dmonitor_transport_next(struct dmonitor_transport *transport, int64_t deadline_ns,
                            struct dmonitor_arrival *arrival)
{
	bool over = false;
	int result = 0;

	arrival->kind = DMONITOR_ARRIVAL_NONE;
	while (result == 0 && arrival->kind == DMONITOR_ARRIVAL_NONE && !over) {
		result = take_what_is_known(transport, arrival);
		if (result != 0 || arrival->kind != DMONITOR_ARRIVAL_NONE)
			break;
		if (time_comes_first(transport, deadline_ns))
			over = true;
		else
			result = arrive(transport, deadline_ns, arrival, &over);
	}
	return result;
}

void dmonitor_transport_send(struct dmonitor_transport *transport, uint64_t number,
                             const char *text, bool fault)
{
	const struct peer *peer = connections_find_number(&transport->connections, number);
	int result;

	if (peer == NULL)
		return;
	result = router_send(transport->router, peer->routing_id, peer->routing_id_bytes, text);
	/* Where its connection is gone already, the descriptor may be another one's by now. */
	if (result == EHOSTUNREACH)
		connections_drop(&transport->connections, number);
	else if (result != 0 || guard_answered(&transport->guard, peer->descriptor, fault))
		drop(transport, peer);
}

void dmonitor_transport_charge(struct dmonitor_transport *transport, uint64_t number)
{
	intake_charge(&transport->intake, connections_find_number(&transport->connections, number));
}

void dmonitor_transport_drop(struct dmonitor_transport *transport, uint64_t number)
{
	const struct peer *peer = connections_find_number(&transport->connections, number);

	if (peer != NULL)
		drop(transport, peer);
}

const char *dmonitor_transport_error(int error)
{
	return zmq_strerror(error);
}
