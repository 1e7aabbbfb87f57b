/* proxy_relay.h: the proxy's own process: links, connections, and what becomes of messages. */
#ifndef SIM_PROXY_RELAY_H
#define SIM_PROXY_RELAY_H

#include <sys/socket.h>

#include "proxy.h"

/* What goes over the socket to the proxy; each is answered by one byte. */
struct proxy_command {
	enum proxy_order order;
	size_t link;
	int64_t length_ns;
};

/* What a proxy is made of before it is forked. */
struct proxy_plan {
	struct sockaddr_storage server;
	socklen_t server_bytes;
	const int *listeners; /* one for each link, not blocking */
	size_t links;
	uint64_t seed;
	int orders_fd; /* when the other end closes, the proxy ends */
	volatile struct proxy_counts *counts;
};

/* Serve until the other end of orders_fd is closed. Returns an errno value then: 0, or why it could
 * not go on. */
int proxy_relay(const struct proxy_plan *plan);

#endif
