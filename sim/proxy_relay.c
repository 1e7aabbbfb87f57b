/*
 * proxy_relay.c: one loop over poll(2). A connection has two directions; each reads into a buffer,
 * cuts it into whole pieces, and puts those that are to go on in a queue, with the time at which
 * they may. What a connection cannot deliver yet stays in its queue; with too much there, it is not
 * read from, so that whoever sends is slowed down as he would be without a proxy.
 */
#include "proxy_relay.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "../monitor/clock.h"
#include "distribution.h"
#include "proxy_queue.h"
#include "zmtp.h"

enum {
	QUEUE_BYTES_MAX = 1 << 20, /* more than that is not read before some of it is gone */
	READ_BYTES = 65536
};

/* From one end of a connection to the other. */
struct direction {
	int from, to;
	bool ended;      /* nothing more will come */
	bool passes_raw; /* it is no ZMTP: forwarded as it comes */
	struct zmtp zmtp;
	unsigned char *input; /* that is not cut yet */
	size_t input_bytes, input_room;
	struct proxy_queue queue;
};

struct connection {
	struct connection *next;
	size_t link;
	int client, server;
	struct direction up, down;
	size_t polled; /* where its two descriptors stand in the relay's list */
	bool closed;
};

/* What a link is told to do, until when. */
struct link {
	enum proxy_order order;
	int64_t until_ns;
	int64_t length_ns;
};

struct relay {
	const struct proxy_plan *plan;
	struct link *links;
	struct connection *connections;
	size_t connection_count;
	struct pollfd *polled; /* orders, listeners, two for each connection */
	size_t polled_room;
	struct distribution_random random;
	int64_t now_ns;
};

static enum proxy_order order_of(const struct relay *relay, size_t link)
{
	const struct link *at = &relay->links[link];

	return relay->now_ns < at->until_ns ? at->order : PROXY_HEAL;
}

static bool is_silent(const struct relay *relay, size_t link)
{
	return order_of(relay, link) == PROXY_SILENCE;
}

/* One in so many. */
static bool by_chance(struct relay *relay, uint64_t one_in)
{
	return distribution_next(&relay->random) % one_in == 0;
}

/* What becomes of a message. */
static int forward_message(struct relay *relay, size_t link, struct direction *direction,
                           const unsigned char *bytes, size_t size_bytes)
{
	volatile struct proxy_counts *counts = relay->plan->counts;
	const enum proxy_order order = order_of(relay, link);
	int64_t due_ns = relay->now_ns;
	int error;

	if (order == PROXY_DROP && by_chance(relay, 4)) {
		counts->dropped++;
		return 0;
	}
	if (order == PROXY_DELAY) {
		const int64_t longest_ns = relay->links[link].length_ns / 20 + 1;

		due_ns += (int64_t)(distribution_next(&relay->random) % (uint64_t)longest_ns);
		counts->delayed++;
	}
	counts->forwarded++;
	if ((error = proxy_queue_add(&direction->queue, bytes, size_bytes, due_ns)) != 0)
		return error;
	if (order == PROXY_DUPLICATE && by_chance(relay, 2)) {
		counts->duplicated++;
		error = proxy_queue_add(&direction->queue, bytes, size_bytes, due_ns);
	}
	return error;
}

/* Cut what has come into pieces and send them on their way. */
static int forward(struct relay *relay, size_t link, struct direction *direction)
{
	size_t at = 0;
	int error = 0;

	while (error == 0 && at < direction->input_bytes) {
		const unsigned char *bytes = direction->input + at;
		size_t length = direction->input_bytes - at;
		const enum zmtp_piece piece =
		    direction->passes_raw ? ZMTP_JUNK
		                          : zmtp_cut(&direction->zmtp, bytes, length, &length);

		if (piece == ZMTP_NONE)
			break;
		direction->passes_raw |= piece == ZMTP_JUNK;
		if (piece == ZMTP_MESSAGE)
			error = forward_message(relay, link, direction, bytes, length);
		else
			error = proxy_queue_add(&direction->queue, bytes, length, relay->now_ns);
		at += length;
	}
	memmove(direction->input, direction->input + at, direction->input_bytes - at);
	direction->input_bytes -= at;
	return error;
}

static int read_more(struct relay *relay, size_t link, struct direction *direction)
{
	ssize_t length;

	if (direction->input_room - direction->input_bytes < READ_BYTES) {
		const size_t room = direction->input_room * 2 + READ_BYTES;
		unsigned char *more = realloc(direction->input, room);

		if (more == NULL)
			return ENOMEM;
		direction->input = more;
		direction->input_room = room;
	}
	length = recv(direction->from, direction->input + direction->input_bytes, READ_BYTES,
	              MSG_DONTWAIT);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno;
	direction->ended = length == 0;
	direction->input_bytes += (size_t)length;
	return forward(relay, link, direction);
}

static void direction_init(struct direction *direction, int from, int to)
{
	*direction = (struct direction){ .from = from, .to = to };
	proxy_queue_init(&direction->queue);
}

static void direction_fini(struct direction *direction)
{
	proxy_queue_fini(&direction->queue);
	free(direction->input);
}

static void connection_free(struct connection *connection)
{
	close(connection->client);
	if (connection->server != -1)
		close(connection->server);
	direction_fini(&connection->up);
	direction_fini(&connection->down);
	free(connection);
}

static void sweep(struct relay *relay)
{
	struct connection **at = &relay->connections;

	while (*at != NULL) {
		struct connection *connection = *at;

		if (!connection->closed) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		relay->connection_count--;
		connection_free(connection);
	}
}

static int connect_server(const struct proxy_plan *plan)
{
	const int one = 1;
	const int fd = socket(plan->server.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	/* The server is on this machine, so this does not take long. */
	if (connect(fd, (const struct sockaddr *)&plan->server, plan->server_bytes) != 0) {
		close(fd);
		return -1;
	}
	if (plan->server.ss_family == AF_INET)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static int let_in(struct relay *relay, size_t link, int client)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	const int one = 1;

	if (connection == NULL) {
		close(client);
		return ENOMEM;
	}
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connection->link = link;
	connection->client = client;
	connection->server = connect_server(relay->plan);
	connection->closed = connection->server == -1;
	direction_init(&connection->up, client, connection->server);
	direction_init(&connection->down, connection->server, client);
	connection->next = relay->connections;
	relay->connections = connection;
	relay->connection_count++;
	relay->plan->counts->connections++;
	return 0;
}

static int accept_new(struct relay *relay, size_t link)
{
	const int client = accept4(relay->plan->listeners[link], NULL, NULL, SOCK_CLOEXEC);

	if (client == -1)
		return 0; /* it has gone again */
	if (order_of(relay, link) == PROXY_REFUSE) {
		relay->plan->counts->refused++;
		close(client);
		return 0;
	}
	return let_in(relay, link, client);
}

static void cut(struct relay *relay, size_t link)
{
	struct connection *connection;

	for (connection = relay->connections; connection != NULL; connection = connection->next)
		if (connection->link == link && !connection->closed) {
			connection->closed = true;
			relay->plan->counts->cut++;
		}
}

static void obey(struct relay *relay, const struct proxy_command *command)
{
	for (size_t i = 0; i < relay->plan->links; i++) {
		if (command->link != PROXY_ALL && command->link != i)
			continue;
		relay->links[i] = (struct link){ command->order, relay->now_ns + command->length_ns,
			                         command->length_ns };
		if (command->order == PROXY_CUT || command->order == PROXY_REFUSE)
			cut(relay, i);
	}
	sweep(relay);
}

/* Returns ECANCELED when nobody gives orders any more. */
static int take_order(struct relay *relay)
{
	struct proxy_command command;
	const ssize_t length = recv(relay->plan->orders_fd, &command, sizeof(command), 0);

	if (length == -1 && errno == EINTR)
		return 0;
	if (length != sizeof(command))
		return ECANCELED;
	obey(relay, &command);
	return send(relay->plan->orders_fd, "", 1, MSG_NOSIGNAL) == 1 ? 0 : ECANCELED;
}

/* What to wait for at one end of a connection: where it is read from, and where sent to. */
static struct pollfd interest(const struct relay *relay, int fd, const struct direction *in,
                              const struct direction *out)
{
	short events = 0;

	if (!in->ended && in->queue.size_bytes < QUEUE_BYTES_MAX)
		events |= POLLIN;
	if (proxy_queue_due_ns(&out->queue) <= relay->now_ns)
		events |= POLLOUT;
	/* A negative one is passed over: nothing can be done about its end either. */
	return (struct pollfd){ .fd = events == 0 ? -1 : fd, .events = events };
}

static void wake_by(int64_t *wake_ns, int64_t due_ns, int64_t now_ns)
{
	if (due_ns > now_ns && due_ns < *wake_ns)
		*wake_ns = due_ns;
}

/* Fill the list for poll(2); when it is to end at the latest goes to *${wake_ns}. */
static int list_interests(struct relay *relay, size_t *count, int64_t *wake_ns)
{
	const size_t links = relay->plan->links;
	const size_t wanted = 1 + links + 2 * relay->connection_count;
	size_t at = 0;

	if (wanted > relay->polled_room) {
		struct pollfd *more = reallocarray(relay->polled, 2 * wanted, sizeof(*more));

		if (more == NULL)
			return ENOMEM;
		relay->polled = more;
		relay->polled_room = 2 * wanted;
	}
	*wake_ns = INT64_MAX;
	relay->polled[at++] = (struct pollfd){ .fd = relay->plan->orders_fd, .events = POLLIN };
	for (size_t i = 0; i < links; i++) {
		wake_by(wake_ns, relay->links[i].until_ns, relay->now_ns);
		relay->polled[at++] =
		    (struct pollfd){ .fd = is_silent(relay, i) ? -1 : relay->plan->listeners[i],
			             .events = POLLIN };
	}
	for (struct connection *each = relay->connections; each != NULL; each = each->next) {
		const bool silent = is_silent(relay, each->link);

		each->polled = at;
		relay->polled[at++] =
		    interest(relay, silent ? -1 : each->client, &each->up, &each->down);
		relay->polled[at++] =
		    interest(relay, silent ? -1 : each->server, &each->down, &each->up);
		wake_by(wake_ns, proxy_queue_due_ns(&each->up.queue), relay->now_ns);
		wake_by(wake_ns, proxy_queue_due_ns(&each->down.queue), relay->now_ns);
	}
	*count = at;
	return 0;
}

/* Do what can be done in one direction. */
static int serve_direction(struct relay *relay, size_t link, struct direction *direction,
                           short readable)
{
	int error = 0;

	if ((readable & (POLLIN | POLLHUP | POLLERR)) != 0 && !direction->ended)
		error = read_more(relay, link, direction);
	if (error == 0)
		error = proxy_queue_send(&direction->queue, direction->to, relay->now_ns);
	return error;
}

static int serve(struct relay *relay, struct connection *connection)
{
	const struct pollfd *polled = &relay->polled[connection->polled];
	int error;

	if (is_silent(relay, connection->link))
		return 0;
	error = serve_direction(relay, connection->link, &connection->up, polled[0].revents);
	if (error == 0)
		error =
		    serve_direction(relay, connection->link, &connection->down, polled[1].revents);
	/* Whoever ended, the other end is told once all that came before has been sent. */
	if (error != 0 || (connection->up.ended && proxy_queue_empty(&connection->up.queue)) ||
	    (connection->down.ended && proxy_queue_empty(&connection->down.queue)))
		connection->closed = true;
	return error == ENOMEM ? ENOMEM : 0;
}

/* One round of poll(2). Orders are taken last: they may change who is there. */
static int turn(struct relay *relay)
{
	struct timespec left = { 0 };
	int64_t wake_ns, left_ns;
	size_t count;
	int error;

	if ((error = list_interests(relay, &count, &wake_ns)) != 0)
		return error;
	left_ns = wake_ns - relay->now_ns;
	left.tv_sec = (time_t)(left_ns / DMONITOR_NS_PER_S);
	left.tv_nsec = (long)(left_ns % DMONITOR_NS_PER_S);
	if (ppoll(relay->polled, count, wake_ns == INT64_MAX ? NULL : &left, NULL) == -1)
		return errno == EINTR ? 0 : errno;
	relay->now_ns = dmonitor_clock_now_ns();
	for (struct connection *each = relay->connections; each != NULL && error == 0;
	     each = each->next)
		error = serve(relay, each);
	for (size_t i = 0; error == 0 && i < relay->plan->links; i++)
		if (relay->polled[1 + i].revents != 0)
			error = accept_new(relay, i);
	sweep(relay);
	if (error == 0 && relay->polled[0].revents != 0)
		error = take_order(relay);
	return error;
}

int proxy_relay(const struct proxy_plan *plan)
{
	struct relay relay = { .plan = plan, .now_ns = dmonitor_clock_now_ns() };
	int error;

	relay.links = calloc(plan->links + 1, sizeof(*relay.links));
	if (relay.links == NULL)
		return ENOMEM;
	distribution_seed(&relay.random, plan->seed, UINT64_MAX);
	while ((error = turn(&relay)) == 0)
		continue;
	/* The process ends with this call; what it holds goes with it. */
	return error == ECANCELED ? 0 : error;
}
