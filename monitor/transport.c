/*
 * transport.c: messages in and out over ZeroMQ, and word of closed connections.
 *
 * A peer is a routing id of the ROUTER. That its connection is gone is told by the socket monitor
 * (through watcher.c), which knows only descriptors; and descriptors are used again, while messages
 * and events are not ordered against each other. connections.c says which peer an event means.
 */
#include "transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "clock.h"
#include "connections.h"
#include "watcher.h"

/* After so many messages in a row what is due is done, though more are there. */
enum { MESSAGES_BEFORE_TIME = 1000 };

struct dmonitor_transport {
	void *context;
	void *router;
	struct dmonitor_watcher *watcher;
	struct connections connections;
	/* What the watcher saw; to be applied, in order, once the ROUTER has been found empty. */
	struct dmonitor_sight *sights;
	size_t sight_count;
	size_t sight_room;
	size_t sights_applied;
	zmq_msg_t envelope;   /* of the message that arrived last, which may be looked at */
	bool emptied;         /* the ROUTER was empty after the sights had been read */
	int receive_limit_ms; /* set on the ROUTER now */
	size_t messages_in_row;
};

/* What the kernel knows the socket of ${descriptor} by, whatever else bears that number later. */
static uint64_t cookie_of(int descriptor)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	if (getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0)
		return 0;
	return cookie;
}

static bool lives(const struct peer *peer)
{
	struct pollfd socket = { .fd = peer->descriptor, .events = POLLRDHUP };

	return peer->cookie != 0 && cookie_of(peer->descriptor) == peer->cookie &&
	       poll(&socket, 1, 0) == 0;
}

static int set_options(void *router)
{
	static const struct {
		int option;
		int value;
	} options[] = {
		{ ZMQ_ROUTER_MANDATORY, 1 }, /* no reply is lost in silence */
		{ ZMQ_SNDHWM, 1000 },        /* replies that wait for one peer */
		{ ZMQ_RCVHWM, 1000 },        { ZMQ_LINGER, 500 }, /* ms */
		{ ZMQ_HANDSHAKE_IVL, 2000 }, { ZMQ_TCP_KEEPALIVE, 1 }, { ZMQ_BACKLOG, 1024 },
	};
	const int64_t frame_bytes = DMONITOR_FRAME_BYTES;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (zmq_setsockopt(router, options[i].option, &options[i].value,
		                   sizeof(options[i].value)) != 0)
			return zmq_errno();
	if (zmq_setsockopt(router, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof(frame_bytes)) != 0)
		return zmq_errno();
	return 0;
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
	result = set_options(transport->router);
	return result != 0 ? result
	                   : dmonitor_watcher_start(transport->context, transport->router,
	                                            &transport->watcher);
}

int dmonitor_transport_new(struct dmonitor_transport **transport)
{
	struct dmonitor_transport *made = calloc(1, sizeof(*made));
	int result;

	if (made == NULL)
		return ENOMEM;
	made->receive_limit_ms = -1;
	zmq_msg_init(&made->envelope);
	made->connections.lives = lives;
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
	zmq_msg_close(&freed->envelope);
	free(freed->sights);
	free(freed);
	*transport = NULL;
}

/* Whether somebody listens at the ipc path of ${endpoint}. A file that nobody listens at is a
 * leftover, and libzmq replaces it. */
static bool is_taken(const char *endpoint)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = strncmp(endpoint, "ipc://", 6) == 0 ? endpoint + 6 : "";
	bool taken;
	int probe;

	if (path[0] != '/' || strlen(path) >= sizeof(address.sun_path))
		return false;
	strcpy(address.sun_path, path);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return false;
	taken = connect(probe, (const struct sockaddr *)&address, sizeof(address)) == 0;
	close(probe);
	return taken;
}

int dmonitor_transport_bind(struct dmonitor_transport *transport, const char *endpoint, char *bound,
                            size_t room_bytes)
{
	if (is_taken(endpoint))
		return EADDRINUSE;
	if (zmq_bind(transport->router, endpoint) != 0 ||
	    zmq_getsockopt(transport->router, ZMQ_LAST_ENDPOINT, bound, &room_bytes) != 0)
		return zmq_errno();
	return 0;
}

/* Whether the other end of ${descriptor} is on this machine. */
static bool is_local(int descriptor)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	struct in6_addr v6;

	if (getpeername(descriptor, (struct sockaddr *)&address, &size) != 0)
		return false;
	if (address.ss_family == AF_UNIX)
		return true;
	if (address.ss_family == AF_INET)
		return ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
	if (address.ss_family != AF_INET6)
		return false;
	v6 = ((struct sockaddr_in6 *)&address)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* The frames of one message: routing id, delimiter and envelope are kept, further ones counted. */
struct frames {
	zmq_msg_t kept[3];
	size_t count;
};

static void frames_close(struct frames *frames)
{
	for (size_t i = 0; i < 3 && i < frames->count; i++)
		zmq_msg_close(&frames->kept[i]);
}

/* The next message of the ROUTER: 0, EAGAIN, or what went wrong. */
static int receive(struct dmonitor_transport *transport, struct frames *frames, int flags)
{
	zmq_msg_t rest;
	zmq_msg_t *frame;

	frames->count = 0;
	do {
		frame = frames->count < 3 ? &frames->kept[frames->count] : &rest;
		zmq_msg_init(frame);
		if (zmq_msg_recv(frame, transport->router, flags) < 0) {
			const int error = zmq_errno();

			zmq_msg_close(frame);
			frames_close(frames);
			return error;
		}
		if (++frames->count > 3 && !zmq_msg_more(frame)) {
			zmq_msg_close(&rest);
			return 0;
		}
		if (frames->count > 3)
			zmq_msg_close(&rest);
	} while (frame == &rest || zmq_msg_more(frame));
	return 0;
}

/* Decode the message, whose envelope stays to be looked at. */
static int decode(struct dmonitor_transport *transport, struct frames *frames,
                  struct dmonitor_arrival *arrival)
{
	struct dmonitor_envelope *envelope = &arrival->envelope;

	*envelope = (struct dmonitor_envelope){ .frames = 0 };
	if (frames->count >= 3 && zmq_msg_size(&frames->kept[1]) == 0) {
		zmq_msg_move(&transport->envelope, &frames->kept[2]);
		envelope->bytes = zmq_msg_data(&transport->envelope);
		envelope->size_bytes = zmq_msg_size(&transport->envelope);
		envelope->frames = frames->count - 2;
	}
	return dmonitor_request_decode(envelope->bytes, envelope->size_bytes, envelope->frames,
	                               &arrival->request);
}

/* The peer that sent ${frames}, known from its first message on; NULL: out of memory. */
static const struct peer *sender_of(struct dmonitor_transport *transport, struct frames *frames)
{
	const void *id = zmq_msg_data(&frames->kept[0]);
	const size_t size = zmq_msg_size(&frames->kept[0]);
	/* The ROUTER makes the routing id's frame itself; the next came from the peer. */
	const int descriptor = zmq_msg_get(&frames->kept[1], ZMQ_SRCFD);
	const struct peer *peer = connections_find(&transport->connections, id, size);

	/* A client that chooses its routing id can come back with it on another connection. */
	if (peer != NULL && peer->descriptor != descriptor) {
		connections_replaced(&transport->connections, peer->number);
		peer = NULL;
	}
	if (peer == NULL)
		peer = connections_add(&transport->connections, id, size, descriptor,
		                       is_local(descriptor), cookie_of(descriptor));
	else
		connections_heard(&transport->connections, peer->number);
	return peer;
}

static int keep_sight(struct dmonitor_transport *transport, const void *sight)
{
	if (transport->sight_count == transport->sight_room) {
		const size_t room = transport->sight_room * 2 + 16;
		struct dmonitor_sight *grown = realloc(transport->sights, room * sizeof(*grown));

		if (grown == NULL)
			return ENOMEM;
		transport->sights = grown;
		transport->sight_room = room;
	}
	memcpy(&transport->sights[transport->sight_count++], sight, sizeof(*transport->sights));
	return 0;
}

/* Take a message for what it is: a sight of the watcher's, or a request of a peer that is still
 * served. Of another, nothing arrives. */
static int take(struct dmonitor_transport *transport, struct frames *frames,
                struct dmonitor_arrival *arrival)
{
	const struct peer *peer;

	/* libzmq passes on routing ids longer than ZMTP allows; who sends one is not served. */
	if (frames->count < 2 || zmq_msg_size(&frames->kept[0]) > PEER_ROUTING_ID_BYTES)
		return 0;
	if (dmonitor_watcher_sent(zmq_msg_data(&frames->kept[0]), zmq_msg_size(&frames->kept[0])))
		return keep_sight(transport, zmq_msg_data(&frames->kept[1]));
	peer = sender_of(transport, frames);
	if (peer == NULL)
		return ENOMEM;
	if (peer->dropped)
		return 0;
	arrival->kind = DMONITOR_ARRIVAL_MESSAGE;
	arrival->peer = peer->number;
	arrival->local = peer->local;
	return decode(transport, frames, arrival);
}

static int apply_sight(struct dmonitor_transport *transport, struct dmonitor_arrival *arrival)
{
	const struct dmonitor_sight *sight = &transport->sights[transport->sights_applied++];

	if (transport->sights_applied == transport->sight_count) {
		transport->sights_applied = transport->sight_count = 0;
		transport->emptied = false;
	}
	switch (sight->kind) {
	case DMONITOR_SIGHT_ACCEPTED:
		return connections_accepted(&transport->connections, sight->descriptor);
	case DMONITOR_SIGHT_DISCONNECTED:
		arrival->peer =
		    connections_disconnected(&transport->connections, sight->descriptor);
		if (arrival->peer != 0)
			arrival->kind = DMONITOR_ARRIVAL_CLOSED;
		return 0;
	case DMONITOR_SIGHT_SIGNAL:
		arrival->kind = DMONITOR_ARRIVAL_SIGNAL;
		break;
	}
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
	if (++transport->messages_in_row <= MESSAGES_BEFORE_TIME ||
	    dmonitor_clock_now_ns() < deadline_ns)
		return false;
	transport->messages_in_row = 0;
	return true;
}

/* Until when to wait: while a peer is in doubt it is looked at every so often. */
static int64_t wait_until(const struct dmonitor_transport *transport, int64_t deadline_ns)
{
	const int64_t look_ns = dmonitor_clock_now_ns() + 10 * DMONITOR_NS_PER_MS;

	return transport->connections.doubtful > 0 && look_ns < deadline_ns ? look_ns : deadline_ns;
}

/* Receive one message and take it, or find that there is none; see what that leads to. */
static int arrive(struct dmonitor_transport *transport, int64_t deadline_ns,
                  struct dmonitor_arrival *arrival, bool *over)
{
	/* Before sights are applied the ROUTER is emptied, so then it is not waited for. */
	const bool waits = transport->sight_count == 0 &&
	                   set_receive_limit(transport, wait_until(transport, deadline_ns));
	struct frames frames;
	int result;

	if (transport->emptied)
		return apply_sight(transport, arrival);
	result = receive(transport, &frames, waits ? 0 : ZMQ_DONTWAIT);
	if (result == 0) {
		result = take(transport, &frames, arrival);
		frames_close(&frames);
		return result;
	}
	if (result == EINTR)
		return 0;
	if (result != EAGAIN)
		return result;
	if (transport->sight_count > 0) {
		transport->emptied = true;
		return 0;
	}
	transport->messages_in_row = 0;
	if (transport->connections.doubtful > 0)
		connections_review(&transport->connections);
	*over = dmonitor_clock_now_ns() >= deadline_ns;
	return 0;
}

int dmonitor_transport_next(struct dmonitor_transport *transport, int64_t deadline_ns,
                            struct dmonitor_arrival *arrival)
{
	bool over = false;
	int result = 0;

	arrival->kind = DMONITOR_ARRIVAL_NONE;
	while (result == 0 && arrival->kind == DMONITOR_ARRIVAL_NONE && !over) {
		arrival->peer = connections_next_dropped(&transport->connections);
		if (arrival->peer != 0)
			arrival->kind = DMONITOR_ARRIVAL_CLOSED;
		else if (time_comes_first(transport, deadline_ns))
			over = true;
		else
			result = arrive(transport, deadline_ns, arrival, &over);
	}
	return result;
}

void dmonitor_transport_send(struct dmonitor_transport *transport, uint64_t number,
                             const char *text)
{
	const struct peer *peer = connections_find_number(&transport->connections, number);

	if (peer == NULL)
		return;
	/* Only the first frame can be refused. */
	if (zmq_send(transport->router, peer->routing_id, peer->routing_id_bytes,
	             ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
		connections_drop(&transport->connections, number);
		return;
	}
	zmq_send(transport->router, "", 0, ZMQ_SNDMORE);
	zmq_send(transport->router, text, strlen(text), 0);
}

void dmonitor_transport_drop(struct dmonitor_transport *transport, uint64_t number)
{
	connections_drop(&transport->connections, number);
}

const char *dmonitor_transport_error(int error)
{
	return zmq_strerror(error);
}
