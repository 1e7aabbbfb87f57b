/* attackers.c: hostile peers of a server, hand-written over TCP. */
#include "attackers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 1 << 18, GREETING_BYTES = 64 };

/* ----- Bytes ----- */

static const char greeting[GREETING_BYTES] = "\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL";
static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                            "DEALER";

static size_t put_frame(char *to, const char *body, size_t size, bool more)
{
	const size_t head = size < 256 ? 2 : 9;

	to[0] = (char)((more ? 1 : 0) | (size < 256 ? 0 : 2));
	for (size_t i = 1; i < head; i++)
		to[i] = (char)(size >> (8 * (head - 1 - i)));
	memcpy(to + head, body, size);
	return head + size;
}

/* A delimiter and ${body}. */
static size_t put_message(char *to, const char *body, size_t size)
{
	const size_t delimiter = put_frame(to, "", 0, true);

	return delimiter + put_frame(to + delimiter, body, size, false);
}

static size_t put_text(char *to, const char *text)
{
	return put_message(to, text, strlen(text));
}

/* ${text} as often as there is room for, at most ${most} times. */
static size_t repeat_text(char *bytes, size_t room, const char *text, size_t most)
{
	size_t size = 0;

	for (size_t i = 0; i < most && size + strlen(text) + 16 < room; i++)
		size += put_text(bytes + size, text);
	return size;
}

static size_t random_bytes(char *bytes, size_t room, uint64_t round)
{
	uint64_t state = round * 2862933555777941757u + 3037000493u;

	for (size_t i = 0; i < 4096 && i < room; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (char)(state >> 56);
	}
	return 4096;
}

static size_t http(char *bytes, size_t room, uint64_t round)
{
	(void)round;
	return (size_t)snprintf(bytes, room,
	                        "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: curl/7.88\r\n"
	                        "Accept: */*\r\n\r\n");
}

/* Frames with more to come, for ever: the message never ends. */
static size_t endless(char *bytes, size_t room, uint64_t round)
{
	char body[200];
	size_t size = 0;

	(void)round;
	memset(body, 'e', sizeof(body));
	while (size + 256 < room)
		size += put_frame(bytes + size, body, sizeof(body), true);
	return size;
}

static size_t endless_of_empty(char *bytes, size_t room, uint64_t round)
{
	size_t size = 0;

	(void)round;
	while (size + 2 < room)
		size += put_frame(bytes + size, "", 0, true);
	return size;
}

/* A message of ${unit} after ${begin}, as long as one may be, and ${end}. */
static size_t long_message(char *bytes, const char *begin, const char *unit, const char *end)
{
	static char body[65536];
	size_t size = strlen(begin);

	memcpy(body, begin, size);
	while (size + strlen(unit) + strlen(end) <= sizeof(body)) {
		memcpy(body + size, unit, strlen(unit));
		size += strlen(unit);
	}
	memcpy(body + size, end, strlen(end));
	return put_message(bytes, body, size + strlen(end));
}

static size_t deep(char *bytes, size_t room, uint64_t round)
{
	(void)room, (void)round;
	return long_message(bytes, "{\"action\":", "[", "");
}

static size_t duplicate_keys(char *bytes, size_t room, uint64_t round)
{
	(void)room, (void)round;
	return long_message(bytes, "{\"action\":\"STATUS\"", ",\"action\":\"STATUS\"", "}");
}

static size_t long_array(char *bytes, size_t room, uint64_t round)
{
	(void)room, (void)round;
	return long_message(bytes,
	                    "{\"action\":\"CHECK\",\"monitor_name\":\"m\",\"token\":\"1\",\"x\":[0",
	                    ",0", "]}");
}

/* The ids of the honest, and sessions that somebody might have. */
static size_t others_ids(char *bytes, size_t room, uint64_t round)
{
	char text[256];
	size_t size = 0;

	for (unsigned i = 0; i < 200 && size + sizeof(text) < room; i++) {
		if (i % 2 == 0)
			snprintf(text, sizeof(text),
			         "{\"action\":\"%s\",\"protocol\":2,\"process_id\":\"honest-%u\","
			         "\"monitor_name\":\"honest-0\"}",
			         i % 4 == 0 ? "HELLO" : "EXIT", i % 4);
		else
			snprintf(text, sizeof(text),
			         "{\"action\":\"EXIT\",\"session\":\"%016llx%016llx\",\"seq\":2,"
			         "\"monitor_name\":\"honest-0\"}",
			         (unsigned long long)round * 7919, (unsigned long long)i * 104729);
		size += put_text(bytes + size, text);
	}
	return size;
}

/* Of the process: what the last welcome said. */
static char session[40];

static size_t hello(char *bytes, size_t room)
{
	char text[128];

	(void)room;
	snprintf(text, sizeof(text), "{\"action\":\"HELLO\",\"protocol\":2,\"process_id\":\"b%d\"}",
	         getpid());
	return put_text(bytes, text);
}

static size_t beats(char *bytes, size_t room, uint64_t round)
{
	char text[128];

	(void)round;
	snprintf(text, sizeof(text), "{\"action\":\"BEAT\",\"session\":\"%s\"}", session);
	return session[0] == '\0' ? 0 : repeat_text(bytes, room, text, 100);
}

/* Refused: it is not the owner's token. */
static size_t checks(char *bytes, size_t room, uint64_t round)
{
	(void)round;
	return repeat_text(bytes, room,
	                   "{\"action\":\"CHECK\",\"monitor_name\":\"honest-0\",\"token\":\"1\"}",
	                   100);
}

static size_t new_monitors(char *bytes, size_t room, uint64_t round)
{
	char text[128];
	size_t size = 0;

	for (unsigned i = 0; i < 100 && size + sizeof(text) < room; i++) {
		snprintf(text, sizeof(text),
		         "{\"action\":\"ENTER\",\"monitor_name\":\"new-%llu-%u\",\"process_id\":"
		         "\"f%d\"}",
		         (unsigned long long)round, i, getpid());
		size += put_text(bytes + size, text);
	}
	return size;
}

static size_t status(char *bytes, size_t room, uint64_t round)
{
	(void)round;
	return repeat_text(bytes, room, "{\"action\":\"STATUS\"}", 100);
}

static size_t status_once(char *bytes, size_t room)
{
	return repeat_text(bytes, room, "{\"action\":\"STATUS\"}", 1);
}

static size_t one_status(char *bytes, size_t room, uint64_t round)
{
	(void)round;
	return status_once(bytes, room);
}

static size_t status_of_crowd(char *bytes, size_t room, uint64_t round)
{
	(void)round;
	return repeat_text(bytes, room, "{\"action\":\"STATUS\",\"monitor_name\":\"crowd\"}", 100);
}

const struct attack attacks[] = {
	{ .name = "random bytes", .connections = 8, .payload = random_bytes, .plain = true },
	{ .name = "HTTP", .connections = 8, .payload = http, .plain = true },
	{ .name = "half-open connections", .connections = 500, .plain = true },
	{ .name = "silent connections", .connections = 0 },
	{ .name = "connections that spoke once", .connections = 0, .opening = status_once },
	{ .name = "endless message", .connections = 1, .payload = endless },
	{ .name = "endless message, empty frames", .connections = 1, .payload = endless_of_empty },
	{ .name = "deep JSON, 64 KiB", .connections = 1, .payload = deep },
	{ .name = "duplicate keys, 64 KiB", .connections = 1, .payload = duplicate_keys },
	{ .name = "[0,0,..] of 64 KiB", .connections = 1, .payload = long_array },
	{ .name = "[0,0,..], 50 connections", .connections = 50, .payload = long_array },
	{ .name = "others' ids", .connections = 1, .payload = others_ids },
	{ .name = "beats", .connections = 1, .payload = beats, .opening = hello },
	{ .name = "refused CHECKs", .connections = 1, .payload = checks },
	{ .name = "new monitors", .connections = 1, .payload = new_monitors },
	{ .name = "STATUS", .connections = 1, .payload = status },
	{ .name = "STATUS, 50 connections", .connections = 50, .payload = status },
	{ .name = "STATUS of 1,000 in line",
	  .connections = 1,
	  .payload = status_of_crowd,
	  .wants_crowd = true },
	{ .name = "never reads", .connections = 1, .payload = status, .deaf = true },
	{ .name = "connects and leaves", .connections = 8, .payload = one_status, .churns = true },
};
const size_t attack_count = sizeof(attacks) / sizeof(attacks[0]);

/* ----- Connections ----- */

enum phase { CONNECTING, GREETED, STARTED, ATTACKING };

struct connection {
	enum phase phase;
	size_t greeting_left; /* of the server's */
	size_t sent;          /* of what is being sent */
	bool heard;           /* anything since READY went out */
};

struct assault {
	const struct attack *attack;
	struct attack_record *record;
	struct sockaddr_in address;
	struct pollfd *sockets;
	struct connection *connections;
	size_t count;
	char *payload;
	size_t payload_bytes;
	uint64_t round;
	char opening[256]; /* READY, and what is sent once */
	size_t opening_bytes;
	char *room;
};

static void open_connection(struct assault *assault, size_t i)
{
	const int one = 1;
	const int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assault->connections[i] =
	    (struct connection){ .phase = CONNECTING, .greeting_left = GREETING_BYTES };
	assault->sockets[i] = (struct pollfd){ .fd = s, .events = POLLOUT };
	if (s < 0)
		return;
	setsockopt(s, IPPROTO_TCP, 1, &one, sizeof(one));
	if (connect(s, (const struct sockaddr *)&assault->address, sizeof(assault->address)) != 0 &&
	    errno != EINPROGRESS) {
		close(s);
		assault->sockets[i].fd = -1;
	}
}

static void close_connection(struct assault *assault, size_t i, bool by_server)
{
	if (assault->connections[i].phase != CONNECTING)
		atomic_fetch_sub(&assault->record->open, 1);
	if (by_server)
		atomic_fetch_add(&assault->record->cut, 1);
	close(assault->sockets[i].fd);
	assault->sockets[i].fd = -1;
}

/* Send on: true once all ${size} bytes have gone; false too where the connection has ended. */
static bool send_on(struct assault *assault, size_t i, const char *bytes, size_t size)
{
	struct connection *connection = &assault->connections[i];
	const ssize_t sent = send(assault->sockets[i].fd, bytes + connection->sent,
	                          size - connection->sent, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN) {
		close_connection(assault, i, true);
		return false;
	}
	if (sent > 0) {
		connection->sent += (size_t)sent;
		atomic_fetch_add(&assault->record->bytes_sent, (uint64_t)sent);
	}
	if (connection->sent < size)
		return false;
	connection->sent = 0;
	return true;
}

static void next_payload(struct assault *assault)
{
	assault->payload_bytes = assault->attack->payload(assault->payload, ROOM, assault->round++);
}

/* What is next to be sent, by how far the connection is. */
static void writable(struct assault *assault, size_t i)
{
	struct connection *connection = &assault->connections[i];
	const struct attack *attack = assault->attack;

	if (connection->phase == CONNECTING) {
		atomic_fetch_add(&assault->record->open, 1);
		connection->phase = attack->plain ? ATTACKING : GREETED;
	}
	if (connection->phase == GREETED && send_on(assault, i, greeting, sizeof(greeting)))
		connection->phase = STARTED;
	/* libzmq closes a connection whose handshake comes with the greeting. */
	if (connection->phase == STARTED && connection->greeting_left == 0 &&
	    send_on(assault, i, assault->opening, assault->opening_bytes))
		connection->phase = ATTACKING;
	if (assault->sockets[i].fd < 0)
		return;
	if (connection->phase == ATTACKING && assault->payload_bytes > 0) {
		if (attack->churns && connection->heard)
			close_connection(assault, i, false);
		else if (send_on(assault, i, assault->payload, assault->payload_bytes) &&
		         !attack->churns)
			next_payload(assault);
	}
	assault->sockets[i].events =
	    (short)((attack->deaf && connection->phase == ATTACKING ? 0 : POLLIN) |
	            (connection->phase == GREETED || (connection->phase == ATTACKING &&
	                                              assault->payload_bytes > 0 && !attack->churns)
	                 ? POLLOUT
	                 : 0));
}

/* What the welcome in the ${size} bytes just read says. */
static void note_session(struct assault *assault, size_t size)
{
	static const char key[] = "\"session\":\"";
	const char *found = memmem(assault->room, size, key, strlen(key));

	if (found == NULL || found + strlen(key) + 32 > assault->room + size)
		return;
	memcpy(session, found + strlen(key), 32);
	next_payload(assault);
}

static void readable(struct assault *assault, size_t i)
{
	struct connection *connection = &assault->connections[i];
	const ssize_t got = recv(assault->sockets[i].fd, assault->room, ROOM, 0);
	size_t rest;

	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		close_connection(assault, i, true);
		return;
	}
	if (got < 0)
		return;
	if (assault->payload_bytes == 0 && assault->attack->payload != NULL)
		note_session(assault, (size_t)got);
	rest = (size_t)got;
	atomic_fetch_add(&assault->record->bytes_read, rest);
	if (connection->greeting_left > 0) {
		const size_t taken =
		    rest < connection->greeting_left ? rest : connection->greeting_left;

		connection->greeting_left -= taken;
		rest -= taken;
		if (connection->greeting_left == 0)
			assault->sockets[i].events |= POLLOUT;
	}
	/* The server's READY comes first; an answer is longer. */
	connection->heard = connection->heard || rest > 64;
	if (connection->phase == ATTACKING && rest > 64)
		assault->sockets[i].events |= POLLOUT;
}

static size_t descriptors_to_use(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur < 10100 ? limit.rlim_cur - 100 : 10000;
}

static void begin(struct assault *assault, const struct attack *attack, uint16_t port,
                  struct attack_record *record)
{
	const size_t most = descriptors_to_use();

	assault->attack = attack;
	assault->record = record;
	assault->address = (struct sockaddr_in){ .sin_family = AF_INET,
		                                 .sin_port = htons(port),
		                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assault->count = attack->connections == 0 ? most : attack->connections;
	assault->sockets = calloc(assault->count, sizeof(*assault->sockets));
	assault->connections = calloc(assault->count, sizeof(*assault->connections));
	assault->payload = malloc(ROOM);
	assault->room = malloc(ROOM);
	if (assault->sockets == NULL || assault->connections == NULL || assault->payload == NULL ||
	    assault->room == NULL)
		abort();
	memcpy(assault->opening, ready, sizeof(ready) - 1);
	assault->opening_bytes = sizeof(ready) - 1;
	if (attack->opening != NULL)
		assault->opening_bytes += attack->opening(assault->opening + sizeof(ready) - 1,
		                                          sizeof(assault->opening) - sizeof(ready));
	for (size_t i = 0; i < assault->count; i++)
		assault->sockets[i].fd = -1;
	if (attack->payload != NULL)
		next_payload(assault);
}

void attack_run(const struct attack *attack, uint16_t port, struct attack_record *record)
{
	struct assault assault = { .attack = NULL };

	begin(&assault, attack, port, record);
	for (;;) {
		size_t opened = 0;

		/* So many at a time, that those which stand are served meanwhile. */
		for (size_t i = 0; i < assault.count && opened < 64; i++)
			if (assault.sockets[i].fd < 0) {
				open_connection(&assault, i);
				opened++;
			}
		if (poll(assault.sockets, assault.count, opened > 0 ? 1 : 100) <= 0)
			continue;
		for (size_t i = 0; i < assault.count; i++) {
			if (assault.sockets[i].fd >= 0 &&
			    (assault.sockets[i].revents & (POLLIN | POLLHUP | POLLERR)))
				readable(&assault, i);
			if (assault.sockets[i].fd >= 0 && (assault.sockets[i].revents & POLLOUT))
				writable(&assault, i);
		}
	}
}

/* ----- A crowd ----- */

enum { CROWD = 1000, CROWD_OF_ONE_CONNECTION = 50 };

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "benchmark_hostile: %s: %s\n", what, strerror(errno));
	abort();
}

static void read_all(int s, char *to, size_t size)
{
	must(recv(s, to, size, MSG_WAITALL) == (ssize_t)size, "the crowd is not answered");
}

void attack_crowd(uint16_t port, atomic_int *stands)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
		                             .sin_port = htons(port),
		                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char bytes[512], text[256], head[2];
	int s = -1;

	for (unsigned i = 0; i <= CROWD; i++) {
		if (i % CROWD_OF_ONE_CONNECTION == 0) {
			s = socket(AF_INET, SOCK_STREAM, 0);
			must(connect(s, (const struct sockaddr *)&address, sizeof(address)) == 0,
			     "the crowd cannot connect");
			must(send(s, greeting, sizeof(greeting), 0) == sizeof(greeting),
			     "greeting");
			read_all(s, bytes, GREETING_BYTES);
			must(send(s, ready, sizeof(ready) - 1, 0) == sizeof(ready) - 1, "READY");
			read_all(s, head, 2);
			read_all(s, bytes, (uint8_t)head[1]);
		}
		snprintf(
		    text, sizeof(text),
		    "{\"action\":\"ENTER\",\"monitor_name\":\"crowd\",\"process_id\":\"crowd%u\"}",
		    i);
		must(send(s, bytes, put_text(bytes, text), 0) > 0, "ENTER");
		read_all(s, head, 2); /* the delimiter */
		read_all(s, head, 2);
		read_all(s, bytes, (uint8_t)head[1]);
		must(memmem(bytes, (uint8_t)head[1], i == 0 ? "granted" : "queued",
		            i == 0 ? 7 : 6) != NULL,
		     "ENTER of the crowd");
	}
	atomic_store(stands, 1);
	for (;;)
		pause();
}
