/* watcher.c: a thread that sees connection events and signals. */
#include "watcher.h"

#include <errno.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

static const char events_endpoint[] = "inproc://events";
static const char doorbell_endpoint[] = "inproc://doorbell";
static const char doorbell_id[] = "dmonitor-doorbell";

struct sights {
	struct dmonitor_sight *sights;
	size_t count;
	size_t room;
};

struct dmonitor_watcher {
	pthread_t thread;
	pthread_mutex_t mutex;
	struct sights seen;  /* under the mutex */
	struct sights taken; /* the server's */
	atomic_bool any;     /* seen is not empty */
	int signal_fd;
	void *events;   /* the socket monitor's */
	void *doorbell; /* to the ROUTER */
};

bool dmonitor_watcher_sent(const void *routing_id, size_t size_bytes)
{
	return size_bytes == strlen(doorbell_id) &&
	       memcmp(routing_id, doorbell_id, size_bytes) == 0;
}

static bool append(struct sights *sights, struct dmonitor_sight sight)
{
	if (sights->count == sights->room) {
		const size_t room = sights->room * 2 + 16;
		struct dmonitor_sight *grown = realloc(sights->sights, room * sizeof(*grown));

		if (grown == NULL)
			return false;
		sights->sights = grown;
		sights->room = room;
	}
	sights->sights[sights->count++] = sight;
	return true;
}

static void tell(struct dmonitor_watcher *watcher, enum dmonitor_sight_kind kind, int descriptor)
{
	const struct dmonitor_sight sight = { .kind = kind, .descriptor = descriptor };
	bool first, kept;

	do {
		pthread_mutex_lock(&watcher->mutex);
		first = watcher->seen.count == 0;
		kept = append(&watcher->seen, sight);
		atomic_store(&watcher->any, watcher->seen.count > 0);
		pthread_mutex_unlock(&watcher->mutex);
		/* None may be lost: without memory it is tried again. */
		if (!kept)
			poll(NULL, 0, 1);
	} while (!kept);
	if (first)
		zmq_send(watcher->doorbell, "", 0, 0);
}

size_t dmonitor_watcher_take(struct dmonitor_watcher *watcher, const struct dmonitor_sight **sights)
{
	struct sights empty;

	if (!atomic_load_explicit(&watcher->any, memory_order_acquire))
		return 0;
	pthread_mutex_lock(&watcher->mutex);
	empty = watcher->taken;
	empty.count = 0;
	watcher->taken = watcher->seen;
	watcher->seen = empty;
	atomic_store(&watcher->any, false);
	pthread_mutex_unlock(&watcher->mutex);
	*sights = watcher->taken.sights;
	return watcher->taken.count;
}

/* Pass on one event: a frame with the event (16 bits) and its value (32 bits), and the endpoint. */
static int pass_event(struct dmonitor_watcher *watcher)
{
	uint8_t frame[6];
	uint16_t event;
	int32_t descriptor;
	char endpoint[1];

	if (zmq_recv(watcher->events, frame, sizeof(frame), ZMQ_DONTWAIT) < 0)
		return zmq_errno() == ETERM ? ETERM : 0;
	zmq_recv(watcher->events, endpoint, sizeof(endpoint), 0);
	memcpy(&event, frame, sizeof(event));
	memcpy(&descriptor, frame + sizeof(event), sizeof(descriptor));
	tell(watcher,
	     event == ZMQ_EVENT_DISCONNECTED ? DMONITOR_SIGHT_DISCONNECTED
	                                     : DMONITOR_SIGHT_ACCEPTED,
	     descriptor);
	return 0;
}

static void pass_signal(struct dmonitor_watcher *watcher)
{
	struct signalfd_siginfo info;

	if (read(watcher->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		tell(watcher, DMONITOR_SIGHT_SIGNAL, -1);
}

/* Until the context is shut down. */
static void *watch(void *argument)
{
	struct dmonitor_watcher *watcher = argument;
	zmq_pollitem_t items[] = { { .socket = watcher->events, .events = ZMQ_POLLIN },
		                   { .fd = watcher->signal_fd, .events = ZMQ_POLLIN } };

	for (;;) {
		if (zmq_poll(items, 2, -1) < 0 && zmq_errno() != EINTR)
			break;
		if (items[0].revents != 0 && pass_event(watcher) == ETERM)
			break;
		if (items[1].revents != 0)
			pass_signal(watcher);
	}
	zmq_close(watcher->events);
	zmq_close(watcher->doorbell);
	return NULL;
}

/* No event may be dropped, nor hold up libzmq's own thread: the queues have no limit. */
static int connect_sockets(struct dmonitor_watcher *watcher, void *context, void *router)
{
	const int no_limit = 0;
	const int no_linger = 0;

	watcher->events = zmq_socket(context, ZMQ_PAIR);
	watcher->doorbell = zmq_socket(context, ZMQ_DEALER);
	if (watcher->events == NULL || watcher->doorbell == NULL ||
	    zmq_socket_monitor(router, events_endpoint,
	                       ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) != 0 ||
	    zmq_setsockopt(watcher->events, ZMQ_RCVHWM, &no_limit, sizeof(no_limit)) != 0 ||
	    zmq_connect(watcher->events, events_endpoint) != 0 ||
	    zmq_setsockopt(watcher->doorbell, ZMQ_SNDHWM, &no_limit, sizeof(no_limit)) != 0 ||
	    zmq_setsockopt(watcher->doorbell, ZMQ_LINGER, &no_linger, sizeof(no_linger)) != 0 ||
	    zmq_setsockopt(watcher->doorbell, ZMQ_ROUTING_ID, doorbell_id, strlen(doorbell_id)) !=
	        0 ||
	    zmq_bind(router, doorbell_endpoint) != 0 ||
	    zmq_connect(watcher->doorbell, doorbell_endpoint) != 0)
		return zmq_errno();
	return 0;
}

static void close_sockets(struct dmonitor_watcher *watcher)
{
	if (watcher->events != NULL)
		zmq_close(watcher->events);
	if (watcher->doorbell != NULL)
		zmq_close(watcher->doorbell);
}

/* The signals that stop a server. */
static sigset_t stop_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	return signals;
}

void dmonitor_watcher_block_signals(void)
{
	const sigset_t signals = stop_signals();

	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

int dmonitor_watcher_start(void *context, void *router, struct dmonitor_watcher **watcher)
{
	struct dmonitor_watcher *made = calloc(1, sizeof(*made));
	const sigset_t signals = stop_signals();
	int result;

	if (made == NULL)
		return ENOMEM;
	/* A signal must not fall between a look at a flag and a blocking call: it is read. */
	pthread_mutex_init(&made->mutex, NULL);
	made->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (made->signal_fd < 0) {
		result = errno;
		goto err0;
	}
	result = connect_sockets(made, context, router);
	if (result == 0)
		result = pthread_create(&made->thread, NULL, watch, made);
	if (result != 0)
		goto err1;
	*watcher = made;
	return 0;
err1:
	close_sockets(made);
	close(made->signal_fd);
err0:
	pthread_mutex_destroy(&made->mutex);
	free(made);
	return result;
}

void dmonitor_watcher_stop(struct dmonitor_watcher **watcher)
{
	if (*watcher == NULL)
		return;
	pthread_join((*watcher)->thread, NULL);
	close((*watcher)->signal_fd);
	pthread_mutex_destroy(&(*watcher)->mutex);
	free((*watcher)->seen.sights);
	free((*watcher)->taken.sights);
	free(*watcher);
	*watcher = NULL;
}
