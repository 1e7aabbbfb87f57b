/*
 * router.h: the ROUTER socket: how it is set up, and messages as frames. For transport.c alone.
 * Functions return 0 or zmq_errno().
 */
#ifndef DMONITOR_ROUTER_H
#define DMONITOR_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include <zmq.h>

/* The frames of one message: routing id, delimiter and envelope are kept, further ones counted. */
struct router_frames {
	zmq_msg_t kept[3];
	size_t count;
	size_t wire_bytes; /* that the peer sent, ZMTP's own included */
};

int router_set_options(void *router);

/* As dmonitor_transport_bind(). */
int router_bind(void *router, const char *endpoint, char *bound, size_t room_bytes);

/* The next message, to be closed; EAGAIN: there is none. */
int router_receive(void *router, struct router_frames *frames, int flags);
void router_frames_close(struct router_frames *frames);

/* Send ${text} as a message to a peer. EHOSTUNREACH: its connection is gone; EAGAIN: it takes
 * nothing. */
int router_send(void *router, const void *routing_id, size_t size_bytes, const char *text);

#endif
