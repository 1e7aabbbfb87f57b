/*
 * client_link.c: a DEALER socket to one server. The only file of the library that knows libzmq.
 *
 * All links of a process share one ZeroMQ context, made at first use: contexts do not survive
 * fork(), so a child finds that the one it inherited is not its own, and makes another.
 */
#include "client.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "clock.h"

struct dmonitor_link {
	void *socket;
	int64_t receive_due_ms; /* the time limit that the socket has now */
};

static struct {
	pthread_mutex_t lock;
	pid_t process;
	size_t links;
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

static void *context_take(void)
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

static int set_options(void *socket)
{
	static const struct {
		int option;
		int value;
	} options[] = {
		{ ZMQ_LINGER, 0 },
		{ ZMQ_IMMEDIATE, 1 }, /* nothing is queued for a server that is not there */
		{ ZMQ_RECONNECT_IVL, 10 },
		{ ZMQ_RECONNECT_IVL_MAX, 2000 },
		{ ZMQ_HANDSHAKE_IVL, 5000 },
		{ ZMQ_TCP_KEEPALIVE, 1 },
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

int dmonitor_link_open(const char *endpoint, struct dmonitor_link **link)
{
	struct dmonitor_link *made = calloc(1, sizeof(*made));
	void *context;
	int result = ENOMEM;

	if (made == NULL)
		return ENOMEM;
	context = context_take();
	if (context == NULL)
		goto err0;
	made->receive_due_ms = -1;
	made->socket = zmq_socket(context, ZMQ_DEALER);
	if (made->socket == NULL) {
		result = zmq_errno();
		goto err1;
	}
	result = set_options(made->socket);
	if (result != 0)
		goto err2;
	if (zmq_connect(made->socket, endpoint) != 0) {
		result = zmq_errno() == ENOMEM ? ENOMEM : EINVAL;
		goto err2;
	}
	*link = made;
	return 0;
err2:
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
	zmq_close((*link)->socket);
	context_give_back();
	free(*link);
	*link = NULL;
}

int dmonitor_link_send(struct dmonitor_link *link, const char *text, int64_t due_ns)
{
	int limit;

	if (zmq_send(link->socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
		return zmq_send(link->socket, text, strlen(text), 0) >= 0 ? 0 : EAGAIN;
	/* No connection, yet: wait for one. */
	limit = dmonitor_clock_milliseconds_to(due_ns);
	zmq_setsockopt(link->socket, ZMQ_SNDTIMEO, &limit, sizeof(limit));
	while (zmq_send(link->socket, "", 0, ZMQ_SNDMORE) < 0) {
		if (zmq_errno() != EINTR)
			return zmq_errno();
		limit = dmonitor_clock_milliseconds_to(due_ns);
		zmq_setsockopt(link->socket, ZMQ_SNDTIMEO, &limit, sizeof(limit));
	}
	return zmq_send(link->socket, text, strlen(text), 0) >= 0 ? 0 : EAGAIN;
}

/* One frame into ${frame}; blocks up to the limit that is set on the socket. */
static int receive_frame(struct dmonitor_link *link, zmq_msg_t *frame)
{
	zmq_msg_init(frame);
	if (zmq_msg_recv(frame, link->socket, 0) >= 0)
		return 0;
	zmq_msg_close(frame);
	return zmq_errno();
}

int dmonitor_link_receive(struct dmonitor_link *link, int64_t due_ns, struct dmonitor_reply *reply)
{
	const int limit = dmonitor_clock_milliseconds_to(due_ns);
	zmq_msg_t frame;
	int frames = 1;
	int result;

	if (limit != link->receive_due_ms) {
		zmq_setsockopt(link->socket, ZMQ_RCVTIMEO, &limit, sizeof(limit));
		link->receive_due_ms = limit;
	}
	result = receive_frame(link, &frame);
	if (result != 0)
		return result;
	/* The delimiter, the envelope; the rest of a message is there when its first frame is. */
	while (zmq_msg_more(&frame)) {
		zmq_msg_close(&frame);
		result = receive_frame(link, &frame);
		if (result != 0)
			return result;
		if (++frames == 2)
			result = dmonitor_reply_decode(zmq_msg_data(&frame), zmq_msg_size(&frame),
			                               reply);
	}
	zmq_msg_close(&frame);
	return frames == 2 ? result : EPROTO;
}

int dmonitor_link_ask(struct dmonitor_link *link, const struct dmonitor_request *request,
                      int64_t due_ns, struct dmonitor_reply *reply, int64_t *sent_ns)
{
	char *text = dmonitor_request_encode(request);
	int result;

	if (text == NULL)
		return ENOMEM;
	result = dmonitor_link_send(link, text, due_ns);
	*sent_ns = dmonitor_clock_now_ns();
	free(text);
	if (result != 0)
		return result;
	do
		result = dmonitor_link_receive(link, due_ns, reply);
	while (result == EINTR);
	return result;
}
