/* proxy.c: the proxy as its parent sees it: sockets, a fork, orders. */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "interrupt.h"
#include "proxy_relay.h"

enum { ENDPOINT_BYTES = 32 };

struct proxy {
	pid_t pid; /* 0: not forked */
	int orders_fd;
	size_t links;
	int *listeners; /* until the fork */
	char (*endpoints)[ENDPOINT_BYTES];
	struct proxy_counts *counts; /* shared */
};

static int read_tcp(const char *text, struct proxy_plan *plan)
{
	struct sockaddr_in *address = (struct sockaddr_in *)(void *)&plan->server;
	const char *colon = strrchr(text, ':');
	char host[64], *end;
	unsigned long port;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		return EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port == 0 || port > UINT16_MAX ||
	    inet_pton(AF_INET, host, &address->sin_addr) != 1)
		return EINVAL;
	address->sin_family = AF_INET;
	address->sin_port = htons((uint16_t)port);
	plan->server_bytes = sizeof(*address);
	return 0;
}

/* A name that begins with @ is in the abstract name space, where a 0 stands for it. */
static int read_ipc(const char *text, struct proxy_plan *plan)
{
	struct sockaddr_un *address = (struct sockaddr_un *)(void *)&plan->server;
	const size_t length = strlen(text);

	if (length == 0 || length >= sizeof(address->sun_path))
		return EINVAL;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, text, length);
	if (text[0] == '@')
		address->sun_path[0] = '\0';
	plan->server_bytes =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '@' ? 0 : 1));
	return 0;
}

static int read_server(const char *endpoint, struct proxy_plan *plan)
{
	if (strncmp(endpoint, "tcp://", 6) == 0)
		return read_tcp(endpoint + 6, plan);
	if (strncmp(endpoint, "ipc://", 6) == 0)
		return read_ipc(endpoint + 6, plan);
	return EINVAL;
}

/* Listen on a port of the system's choice. */
static int open_listener(int *listener, char endpoint[ENDPOINT_BYTES])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd == -1)
		return errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
		error = errno;
		close(fd);
		return error;
	}
	snprintf(endpoint, ENDPOINT_BYTES, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
	*listener = fd;
	return 0;
}

/* The child's listeners are not the parent's. */
static void close_listeners(struct proxy *proxy)
{
	for (size_t i = 0; proxy->listeners != NULL && i < proxy->links; i++)
		if (proxy->listeners[i] != -1)
			close(proxy->listeners[i]);
	free(proxy->listeners);
	proxy->listeners = NULL;
}

static int fork_relay(struct proxy *proxy, struct proxy_plan *plan)
{
	const pid_t parent = getpid();
	int ends[2], error = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return errno;
	fflush(NULL);
	if ((proxy->pid = fork()) == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EOWNERDEAD);
		interrupt_leave_to_parent();
		close(ends[0]);
		plan->orders_fd = ends[1];
		_exit(proxy_relay(plan));
	}
	if (proxy->pid == -1) {
		error = errno;
		proxy->pid = 0;
	}
	close(ends[1]);
	proxy->orders_fd = ends[0];
	return error;
}

int proxy_start(const char *server, size_t links, uint64_t seed, struct proxy **result, char *text,
                size_t room_bytes)
{
	struct proxy_plan plan = { .links = links, .seed = seed };
	struct proxy *proxy;
	int error;

	if ((error = read_server(server, &plan)) != 0) {
		snprintf(text, room_bytes, "no proxy can stand before %s", server);
		return error;
	}
	if ((proxy = calloc(1, sizeof(*proxy))) == NULL) {
		error = ENOMEM;
		goto err0;
	}
	proxy->orders_fd = -1;
	proxy->links = links;
	proxy->listeners = calloc(links + 1, sizeof(*proxy->listeners));
	proxy->endpoints = calloc(links + 1, sizeof(*proxy->endpoints));
	proxy->counts = mmap(NULL, sizeof(*proxy->counts), PROT_READ | PROT_WRITE,
	                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	error = proxy->listeners == NULL || proxy->endpoints == NULL || proxy->counts == MAP_FAILED
	            ? ENOMEM
	            : 0;
	for (size_t i = 0; proxy->listeners != NULL && i < links; i++)
		proxy->listeners[i] = -1;
	for (size_t i = 0; error == 0 && i < links; i++)
		error = open_listener(&proxy->listeners[i], proxy->endpoints[i]);
	plan.listeners = proxy->listeners;
	plan.counts = proxy->counts;
	if (error == 0)
		error = fork_relay(proxy, &plan);
	if (error != 0)
		goto err0;
	close_listeners(proxy);
	*result = proxy;
	return 0;

err0:
	snprintf(text, room_bytes, "the proxy cannot be started: %s", strerror(error));
	proxy_stop(&proxy);
	return error;
}

const char *proxy_endpoint(const struct proxy *proxy, size_t link)
{
	return proxy->endpoints[link];
}

int proxy_order(struct proxy *proxy, enum proxy_order order, size_t link, int64_t length_ns)
{
	const struct proxy_command command = { order, link, length_ns };
	ssize_t length;
	char obeyed;

	if (link >= proxy->links && link != PROXY_ALL)
		return EINVAL;
	if (send(proxy->orders_fd, &command, sizeof(command), MSG_NOSIGNAL) != sizeof(command))
		return EPIPE;
	while ((length = recv(proxy->orders_fd, &obeyed, 1, 0)) == -1 && errno == EINTR)
		continue;
	return length == 1 ? 0 : EPIPE;
}

const volatile struct proxy_counts *proxy_counts(const struct proxy *proxy)
{
	return proxy->counts;
}

void proxy_stop(struct proxy **address)
{
	struct proxy *proxy = *address;

	*address = NULL;
	if (proxy == NULL)
		return;
	if (proxy->pid != 0) {
		kill(proxy->pid, SIGKILL);
		while (waitpid(proxy->pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	if (proxy->orders_fd != -1)
		close(proxy->orders_fd);
	close_listeners(proxy);
	if (proxy->counts != NULL && proxy->counts != MAP_FAILED)
		munmap(proxy->counts, sizeof(*proxy->counts));
	free(proxy->endpoints);
	free(proxy);
}
