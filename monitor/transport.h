/*
 * transport.h: messages in and out over ZeroMQ, and word of closed connections. The only file of
 * the server that knows libzmq. Functions return 0 or an errno value, zmq_errno()'s own included;
 * dmonitor_transport_error() puts it in words. Single-threaded.
 */
#ifndef DMONITOR_TRANSPORT_H
#define DMONITOR_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate.h"
#include "record.h"

struct dmonitor_transport;

enum dmonitor_arrival_kind {
	DMONITOR_ARRIVAL_NONE,    /* the time is over */
	DMONITOR_ARRIVAL_MESSAGE, /* request of peer, to be freed with dmonitor_request_fini() */
	DMONITOR_ARRIVAL_CLOSED,  /* peer's connection is gone, or can no longer be served */
	DMONITOR_ARRIVAL_SIGNAL   /* SIGTERM or SIGINT */
};

struct dmonitor_arrival {
	enum dmonitor_arrival_kind kind;
	uint64_t peer; /* a number for a connection: never 0, never used again */
	bool local;    /* the peer is on this machine */
	bool heavy; /* it may cost much: dmonitor_transport_charge() is wanted once it is served */
	struct dmonitor_request request;
	struct dmonitor_envelope envelope; /* of MESSAGE; lent until the next arrival */
};

/* SIGTERM and SIGINT are blocked and become arrivals. */
int dmonitor_transport_new(const struct gate_limits *limits, struct dmonitor_transport **transport);

/* Sends what is still to be sent, for half a second at most. */
void dmonitor_transport_free(struct dmonitor_transport **transport);

/* Listen at ${endpoint}; where, with the port chosen, is written to ${bound}. EADDRINUSE also where
 * another server listens at an ipc path, which libzmq would take away from it. */
int dmonitor_transport_bind(struct dmonitor_transport *transport, const char *endpoint, char *bound,
                            size_t room_bytes);

/**
 * dmonitor_transport_next(transport, deadline_ns, arrival):
 * What comes next, until the monotonic clock reads ${deadline_ns}. Whatever a connection has sent
 * comes before word of its end. NONE comes late where messages keep coming, but it comes.
 * Errors   ENOMEM
 */
int dmonitor_transport_next(struct dmonitor_transport *transport, int64_t deadline_ns,
                            struct dmonitor_arrival *arrival);

/* Send ${text} to ${peer}; ${fault}: it is an error of its own. A peer that cannot be reached,
 * takes nothing, or gets nothing but errors is then told CLOSED, and its connection ended. */
void dmonitor_transport_send(struct dmonitor_transport *transport, uint64_t peer, const char *text,
                             bool fault);

/* What ${peer} asked for last has been served now: its time is put down to it. Who takes too much
 * of it so, and all who do together, are refused heavy requests for a while. */
void dmonitor_transport_charge(struct dmonitor_transport *transport, uint64_t peer);

/* Serve ${peer} no longer: CLOSED is told of it, and its connection ended. */
void dmonitor_transport_drop(struct dmonitor_transport *transport, uint64_t peer);

const char *dmonitor_transport_error(int error);

#endif
