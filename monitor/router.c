/* router.c: the ROUTER socket. */
#include "router.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

int router_set_options(void *router)
{
	static const struct {
		int option;
		int value;
	} options[] = {
		{ ZMQ_ROUTER_MANDATORY, 1 }, /* no reply is lost in silence */
		{ ZMQ_SNDHWM, 1000 },        /* replies that wait for one peer */
		{ ZMQ_RCVHWM, 100 },         /* messages of one peer that wait for the server */
		{ ZMQ_RCVBUF, 32768 }, /* the same in bytes: what comes after a pause is little */
		{ ZMQ_LINGER, 500 },   /* ms */
		{ ZMQ_HANDSHAKE_IVL, 2000 }, /* ms */
		{ ZMQ_TCP_KEEPALIVE, 1 },    /* a host that is gone is noticed in a minute */
		{ ZMQ_TCP_KEEPALIVE_IDLE, 30 },
		{ ZMQ_TCP_KEEPALIVE_INTVL, 10 },
		{ ZMQ_TCP_KEEPALIVE_CNT, 3 },
		{ ZMQ_BACKLOG, 4096 }, /* connections that come at once */
	};
	const int64_t frame_bytes = DMONITOR_FRAME_BYTES;
	/* Nobody answers for it, but where one is set, libzmq serves no peers that speak ZMTP 1
	 * or 2. To ZMTP 1 hardly any bytes are wrong. */
	static const char domain[] = "dmonitor";

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (zmq_setsockopt(router, options[i].option, &options[i].value,
		                   sizeof(options[i].value)) != 0)
			return zmq_errno();
	if (zmq_setsockopt(router, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof(frame_bytes)) != 0 ||
	    zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, domain, sizeof(domain) - 1) != 0)
		return zmq_errno();
	return 0;
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
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0)
		return false;
	/* EAGAIN: somebody does, and hangs. */
	taken = connect(probe, (const struct sockaddr *)&address, sizeof(address)) == 0 ||
	        errno == EAGAIN;
	close(probe);
	return taken;
}

int router_bind(void *router, const char *endpoint, char *bound, size_t room_bytes)
{
	if (is_taken(endpoint))
		return EADDRINUSE;
	if (zmq_bind(router, endpoint) != 0 ||
	    zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, bound, &room_bytes) != 0)
		return zmq_errno();
	return 0;
}

void router_frames_close(struct router_frames *frames)
{
	for (size_t i = 0; i < 3 && i < frames->count; i++)
		zmq_msg_close(&frames->kept[i]);
}

int router_receive(void *router, struct router_frames *frames, int flags)
{
	zmq_msg_t rest;
	zmq_msg_t *frame;

	frames->count = frames->wire_bytes = 0;
	do {
		frame = frames->count < 3 ? &frames->kept[frames->count] : &rest;
		zmq_msg_init(frame);
		if (zmq_msg_recv(frame, router, flags) < 0) {
			const int error = zmq_errno();

			zmq_msg_close(frame);
			router_frames_close(frames);
			return error;
		}
		/* The ROUTER makes the first one itself. */
		if (frames->count > 0)
			frames->wire_bytes +=
			    zmq_msg_size(frame) + (zmq_msg_size(frame) < 256 ? 2 : 9);
		if (++frames->count > 3 && !zmq_msg_more(frame)) {
			zmq_msg_close(&rest);
			return 0;
		}
		if (frames->count > 3)
			zmq_msg_close(&rest);
	} while (frame == &rest || zmq_msg_more(frame));
	return 0;
}

int router_send(void *router, const void *routing_id, size_t size_bytes, const char *text)
{
	/* Only the first frame can be refused. */
	if (zmq_send(router, routing_id, size_bytes, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
		return zmq_errno();
	zmq_send(router, "", 0, ZMQ_SNDMORE);
	zmq_send(router, text, strlen(text), 0);
	return 0;
}
