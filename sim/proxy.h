/*
 * proxy.h: a process between clients and a server that forwards ZMTP 3.x messages, and does so
 * badly on demand: it closes connections, lets no new ones in, falls silent, and drops, doubles and
 * delays whole messages. Like server_process it lives no longer than who started it.
 *
 * Every client gets a link, an endpoint of its own, so that one can be hit and the others spared.
 * Handshakes are never touched, but by silence; order on a connection is always kept.
 */
#ifndef SIM_PROXY_H
#define SIM_PROXY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proxy;

enum proxy_order {
	PROXY_CUT,       /* close the link's connections now */
	PROXY_REFUSE,    /* the same, and close new ones as they come, for a time */
	PROXY_SILENCE,   /* forward nothing either way for a time; connections stay open */
	PROXY_DROP,      /* for a time, of four messages drop about one */
	PROXY_DUPLICATE, /* for a time, send about every second message twice */
	PROXY_DELAY,     /* for a time, let each message wait, at most a twentieth of that time */
	PROXY_HEAL,      /* forward as usual from now on */
	PROXY_ORDERS
};

#define PROXY_ALL SIZE_MAX /* as a link: all of them */

/* What has been done so far; it can be read at any time. */
struct proxy_counts {
	uint64_t connections; /* let in */
	uint64_t refused;
	uint64_t cut;
	uint64_t forwarded; /* messages, either way, as the next three; handshakes apart */
	uint64_t dropped;
	uint64_t duplicated;
	uint64_t delayed;
};

/**
 * proxy_start(server, links, seed, proxy, error, room_bytes):
 * Start a proxy with so many links, each on tcp://127.0.0.1:*, before ${server}: tcp://HOST:PORT
 * with a numeric host, ipc://PATH or ipc://@NAME. What it does to which message is drawn from
 * ${seed}.
 *
 * Owns     on 0 the caller owns *${proxy} until proxy_stop(). It is killed when the calling thread
 *          ends, however that ends.
 * Blocks   hardly.
 * Errors   EINVAL   ${server} is none of these
 *          others   those of fork(2), socket(2) and mmap(2); a sentence is in ${error}
 */
int proxy_start(const char *server, size_t links, uint64_t seed, struct proxy **proxy, char *error,
                size_t room_bytes);

/* Where clients of ${link} connect to. Valid until proxy_stop(). */
const char *proxy_endpoint(const struct proxy *proxy, size_t link);

/**
 * proxy_order(proxy, order, link, length_ns):
 * Give an order for ${link} or PROXY_ALL. A link obeys its latest order only.
 *
 * Blocks   until it is obeyed.
 * Errors   EINVAL  no such link
 *          EPIPE   the proxy has ended
 */
int proxy_order(struct proxy *proxy, enum proxy_order order, size_t link, int64_t length_ns);

const volatile struct proxy_counts *proxy_counts(const struct proxy *proxy);

/* Kill the proxy, reap it, free *${proxy} and null it; it may be NULL. */
void proxy_stop(struct proxy **proxy);

#endif
