/*
 * client_link.c: one connection to one server: a DEALER socket that connects once, and a socket
 * monitor that tells what becomes of it. The only file of the library that knows libzmq.
 *
 * All links of a process share one ZeroMQ context, made at first use: contexts do not survive
 * fork(), so a child finds that the one it inherited is not its own, and makes another.
 */
#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "clock.h"

struct dmonitor_link {
	void *socket;
	void *events; /* of the socket monitor */
	int socket_fd;
	int events_fd;
	int64_t looked_ns; /* at the events, last */
	bool news;         /* the connection has been made: what could not be sent now can */
	bool ended;        /* it is gone, or could not be made */
};

static struct {
	pthread_mutex_t lock;
	pid_t process;
	size_t links;
	uint64_t links_ever;
	void *context;
} shared = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* libzmq's thread is not to push the program's aside the moment it has something to send: then an
 * exit and the next enter go out together. That it waits costs nothing where a core is free. */
static void *context_new(void)
{
	void *context = zmq_ctx_new();

	if (context != NULL)
		zmq_ctx_set(context, ZMQ_THREAD_SCHED_POLICY, SCHED_BATCH);
	return context;
}

/* *${number} is one that no other link of this process has. */
static void *context_take(uint64_t *number)
{
	void *context;

	pthread_mutex_lock(&shared.lock);
	if (shared.process != getpid()) {
		shared.process = getpid();
		shared.links = 0;
		shared.context = NULL;
	}
	if (shared.context == NULL)
		shared.context = context_new();
	context = shared.context;
	if (context != NULL)
		shared.links++;
	*number = ++shared.links_ever;
	pthread_mutex_unlock(&shared.lock);
	return context;
}

static void context_give_back(void)
{
	pthread_mutex_lock(&shared.lock);
	if (--shared.links == 0) {
		zmq_ctx_term(shared.context);
		shared.context = NULL;
	}
	pthread_mutex_unlock(&shared.lock);
}

/* ZMQ_IMMEDIATE: nothing is queued for a server that is not there. No reconnecting: what a new
 * connection must begin with, we say. No limit to what waits to be sent: what the session owns is
 * one. */
static int set_options(void *socket)
{
	static const struct {
		int option;
		int value;
	} options[] = {
		{ ZMQ_LINGER, 0 },           { ZMQ_IMMEDIATE, 1 },
		{ ZMQ_RECONNECT_IVL, -1 },   { ZMQ_SNDHWM, 0 },
		{ ZMQ_RCVHWM, 100 },         { ZMQ_CONNECT_TIMEOUT, 5000 },
		{ ZMQ_HANDSHAKE_IVL, 5000 }, { ZMQ_TCP_KEEPALIVE, 1 },
	};
	const int64_t frame_bytes = DMONITOR_FRAME_BYTES;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (zmq_setsockopt(socket, options[i].option, &options[i].value,
		                   sizeof(options[i].value)) != 0)
			return zmq_errno();
	return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof(frame_bytes)) == 0
	           ? 0
	           : zmq_errno();
}

/* What the socket monitor tells: the connection is good; or it is over. */
enum { EVENTS = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED };

static int open_events(struct dmonitor_link *link, void *context, uint64_t number)
{
	char endpoint[64];
	const int linger = 0;

	snprintf(endpoint, sizeof(endpoint), "inproc://dmonitor-link-%" PRIu64, number);
	if (zmq_socket_monitor(link->socket, endpoint, EVENTS) != 0)
		return zmq_errno();
	link->events = zmq_socket(context, ZMQ_PAIR);
	if (link->events == NULL ||
	    zmq_setsockopt(link->events, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
	    zmq_connect(link->events, endpoint) != 0)
		return zmq_errno();
	return 0;
}

/* A reply is not to be believed if the connection that brought it has ended so long ago that the
 * session may have ended too, and this process stood still meanwhile. */
#define TRUSTED_NS (10 * DMONITOR_NS_PER_MS)

/* Take note of what has become of the connection. A PAIR must be read to its end, or its descriptor
 * does not signal again. */
static void look_at_events(struct dmonitor_link *link)
{
	uint16_t event;
	zmq_msg_t frame;

	link->looked_ns = dmonitor_clock_now_ns();
	for (;;) {
		zmq_msg_init(&frame);
		if (zmq_msg_recv(&frame, link->events, ZMQ_DONTWAIT) < 0)
			break;
		/* The first of an event's two frames begins with what happened. */
		if (zmq_msg_more(&frame) && zmq_msg_size(&frame) >= sizeof(event)) {
			memcpy(&event, zmq_msg_data(&frame), sizeof(event));
			link->news = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
			link->ended = link->ended || !link->news;
		}
		zmq_msg_close(&frame);
	}
	zmq_msg_close(&frame);
}

static int descriptor_of(void *socket)
{
	int descriptor = -1;
	size_t size = sizeof(descriptor);

	zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size);
	return descriptor;
}

int dmonitor_link_open(const char *endpoint, struct dmonitor_link **link)
{
	struct dmonitor_link *made = calloc(1, sizeof(*made));
	uint64_t number;
	void *context;
	int result = ENOMEM;

	if (made == NULL)
		return ENOMEM;
	context = context_take(&number);
	if (context == NULL)
		goto err0;
	made->socket = zmq_socket(context, ZMQ_DEALER);
	if (made->socket == NULL) {
		result = zmq_errno();
		goto err1;
	}
	result = set_options(made->socket);
	if (result == 0)
		result = open_events(made, context, number);
	if (result != 0)
		goto err2;
	if (zmq_connect(made->socket, endpoint) != 0) {
		result = zmq_errno() == ENOMEM ? ENOMEM : EINVAL;
		goto err2;
	}
	made->socket_fd = descriptor_of(made->socket);
	made->events_fd = descriptor_of(made->events);
	look_at_events(made);
	*link = made;
	return 0;
err2:
	zmq_socket_monitor(made->socket, NULL, 0);
	if (made->events != NULL)
		zmq_close(made->events);
	zmq_close(made->socket);
err1:
	context_give_back();
err0:
	free(made);
	return result;
}

void dmonitor_link_close(struct dmonitor_link **link)
{
	if (*link == NULL)
		return;
	/* First of all: libzmq's thread would wait for somebody to take an event. */
	zmq_socket_monitor((*link)->socket, NULL, 0);
	zmq_close((*link)->events);
	zmq_close((*link)->socket);
	context_give_back();
	free(*link);
	*link = NULL;
}

int dmonitor_link_event_fd(const struct dmonitor_link *link)
{
	return link == NULL ? -1 : link->events_fd;
}

int dmonitor_link_send(struct dmonitor_link *link, const char *text)
{
	if (zmq_send(link->socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
		return EAGAIN;
	/* Only the first frame can be refused. */
	return zmq_send(link->socket, text, strlen(text), 0) >= 0 ? 0 : EAGAIN;
}

/* The next reply that is there: 0, EAGAIN, EPROTO, ENOMEM. */
static int take_reply(struct dmonitor_link *link, struct dmonitor_reply *reply)
{
	zmq_msg_t frame;
	int frames = 0;
	int result = 0;
	bool more = true;

	/* The delimiter, the envelope; the rest of a message is there when its first frame is. */
	while (more) {
		zmq_msg_init(&frame);
		if (zmq_msg_recv(&frame, link->socket, ZMQ_DONTWAIT) < 0) {
			zmq_msg_close(&frame);
			return EAGAIN;
		}
		if (++frames == 2)
			result = dmonitor_reply_decode(zmq_msg_data(&frame), zmq_msg_size(&frame),
			                               reply);
		more = zmq_msg_more(&frame);
		zmq_msg_close(&frame);
	}
	return frames == 2 ? result : EPROTO;
}

/* Whether the connection is known to be good, or was a moment ago. */
static bool is_good(struct dmonitor_link *link)
{
	if (dmonitor_clock_now_ns() - link->looked_ns > TRUSTED_NS)
		look_at_events(link);
	return !link->ended;
}

int dmonitor_link_receive(struct dmonitor_link *link, int64_t due_ns, struct dmonitor_reply *reply)
{
	struct pollfd fds[2] = { { .fd = link == NULL ? -1 : link->socket_fd, .events = POLLIN },
		                 { .fd = link == NULL ? -1 : link->events_fd, .events = POLLIN } };

	for (;;) {
		const int result = link == NULL ? EAGAIN : take_reply(link, reply);
		int limit_ms;

		if (link != NULL && result != EAGAIN)
			return is_good(link) ? result : ENOTCONN;
		if (link != NULL && link->ended)
			return ENOTCONN;
		if (link != NULL && link->news) {
			link->news = false;
			return EAGAIN;
		}
		limit_ms = dmonitor_clock_milliseconds_to(due_ns);
		if (poll(fds, 2, limit_ms) < 0)
			return EINTR;
		if (fds[1].revents != 0)
			look_at_events(link);
		else if (limit_ms == 0 && fds[0].revents == 0)
			return EAGAIN;
	}
}
