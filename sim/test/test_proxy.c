/*
 * test_proxy.c: a client and a server of a few hand-written bytes with the proxy between them, and
 * then a real server and the library. That nothing passes is shown by something later that does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../monitor/clock.h"
#include "../../monitor/dmonitor.h"
#include "../proxy.h"
#include "../server_process.h"
#include "orphan.h"

enum { LINKS = 2, GREETING_BYTES = 64, MESSAGES = 400, MESSAGE_BYTES = 9, PATIENCE_MS = 10000 };

static const int64_t for_ever_ns = 3600 * DMONITOR_NS_PER_S;
static char sentence[256];

/* A server that only accepts, a proxy before it, and what stands on both of its sides. */
struct fixture {
	int listener;
	struct proxy *proxy;
	int client[LINKS]; /* -1: none */
	int server[LINKS];
};

static bool readable(int fd, int timeout_ms)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	return poll(&polled, 1, timeout_ms) == 1;
}

static void read_all(int fd, void *bytes, size_t size_bytes)
{
	size_t at = 0;

	while (at < size_bytes) {
		ssize_t length;

		assert_true(readable(fd, PATIENCE_MS));
		length = read(fd, (char *)bytes + at, size_bytes - at);
		assert_true(length > 0);
		at += (size_t)length;
	}
}

static void write_all(int fd, const void *bytes, size_t size_bytes)
{
	assert_int_equal(send(fd, bytes, size_bytes, MSG_NOSIGNAL), size_bytes);
}

static bool is_closed(int fd)
{
	char byte;

	return readable(fd, PATIENCE_MS) && read(fd, &byte, 1) <= 0;
}

static void make_greeting(unsigned char greeting[GREETING_BYTES])
{
	memset(greeting, 0, GREETING_BYTES);
	greeting[0] = 0xff;
	greeting[9] = 0x7f;
	greeting[10] = 3;
}

/* A message of two frames, with its number in the second. */
static void make_message(uint32_t number, unsigned char message[MESSAGE_BYTES])
{
	memcpy(message, "\1\1-\0\4", 5);
	memcpy(message + 5, &number, sizeof(number));
}

static void send_messages(int fd, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		unsigned char message[MESSAGE_BYTES];

		make_message(i, message);
		write_all(fd, message, sizeof(message));
	}
}

/* The number of the next message, which must be whole. */
static uint32_t receive(int fd)
{
	unsigned char message[MESSAGE_BYTES], expected[MESSAGE_BYTES];
	uint32_t number;

	read_all(fd, message, sizeof(message));
	memcpy(&number, message + 5, sizeof(number));
	make_message(number, expected);
	assert_memory_equal(message, expected, sizeof(expected));
	return number;
}

static int connect_to(const char *endpoint)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((uint16_t)atoi(strrchr(endpoint, ':') + 1));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Connect through ${link} and greet; the greeting comes in two parts, as libzmq's does. */
static void connect_link(struct fixture *fixture, size_t link)
{
	unsigned char greeting[GREETING_BYTES], got[GREETING_BYTES];

	make_greeting(greeting);
	fixture->client[link] = connect_to(proxy_endpoint(fixture->proxy, link));
	assert_true(readable(fixture->listener, PATIENCE_MS));
	fixture->server[link] = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fixture->server[link] >= 0);
	write_all(fixture->client[link], greeting, 10);
	read_all(fixture->server[link], got, 10);
	write_all(fixture->server[link], greeting, sizeof(greeting));
	read_all(fixture->client[link], got, sizeof(got));
	assert_memory_equal(got, greeting, sizeof(greeting));
	write_all(fixture->client[link], greeting + 10, sizeof(greeting) - 10);
	read_all(fixture->server[link], got, sizeof(got) - 10);
}

static void set_up(struct fixture *fixture, bool ipc)
{
	struct sockaddr_storage address = { .ss_family = AF_INET };
	struct sockaddr_in *tcp = (struct sockaddr_in *)(void *)&address;
	struct sockaddr_un *local = (struct sockaddr_un *)(void *)&address;
	socklen_t length = sizeof(*tcp);
	char endpoint[192];

	*fixture = (struct fixture){ .client = { -1, -1 }, .server = { -1, -1 } };
	tcp->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (ipc) {
		memset(&address, 0, sizeof(address));
		address.ss_family = AF_UNIX;
		length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		                     (size_t)snprintf(local->sun_path + 1, 64, "test_proxy-%ld",
		                                      (long)getpid()));
		snprintf(endpoint, sizeof(endpoint), "ipc://@%s", local->sun_path + 1);
	}
	fixture->listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fixture->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fixture->listener, 8), 0);
	if (!ipc) {
		assert_int_equal(
		    getsockname(fixture->listener, (struct sockaddr *)&address, &length), 0);
		snprintf(endpoint, sizeof(endpoint), "tcp://127.0.0.1:%u", ntohs(tcp->sin_port));
	}
	if (proxy_start(endpoint, LINKS, 42, &fixture->proxy, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
}

static void tear_down(struct fixture *fixture)
{
	for (size_t i = 0; i < LINKS; i++) {
		close(fixture->client[i]);
		close(fixture->server[i]);
	}
	close(fixture->listener);
	proxy_stop(&fixture->proxy);
	assert_null(fixture->proxy);
	assert_true(orphan_none());
}

static void all_passes_both_ways_over_tcp_and_ipc(void **state)
{
	(void)state;
	for (int ipc = 0; ipc < 2; ipc++) {
		struct fixture fixture;

		set_up(&fixture, ipc != 0);
		connect_link(&fixture, 0);
		send_messages(fixture.client[0], 0, MESSAGES);
		send_messages(fixture.server[0], 0, MESSAGES);
		for (uint32_t i = 0; i < MESSAGES; i++) {
			assert_int_equal(receive(fixture.server[0]), i);
			assert_int_equal(receive(fixture.client[0]), i);
		}
		assert_int_equal(proxy_counts(fixture.proxy)->forwarded, 2 * MESSAGES);
		tear_down(&fixture);
	}
}

static void what_is_no_zmtp_passes_as_it_is(void **state)
{
	struct fixture fixture;
	char got[5];

	(void)state;
	set_up(&fixture, false);
	fixture.client[0] = connect_to(proxy_endpoint(fixture.proxy, 0));
	write_all(fixture.client[0], "GET /", 5);
	fixture.server[0] = accept4(fixture.listener, NULL, NULL, SOCK_CLOEXEC);
	read_all(fixture.server[0], got, sizeof(got));
	assert_memory_equal(got, "GET /", 5);
	close(fixture.client[0]);
	fixture.client[0] = -1;
	assert_true(is_closed(fixture.server[0])); /* an end passes too */
	tear_down(&fixture);
}

static void dropped_messages_are_dropped_whole(void **state)
{
	struct fixture fixture;
	const volatile struct proxy_counts *counts;
	uint32_t got = 0, number, last = 0;

	(void)state;
	set_up(&fixture, false);
	counts = proxy_counts(fixture.proxy);
	connect_link(&fixture, 0);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_DROP, 0, for_ever_ns), 0);
	send_messages(fixture.client[0], 1, MESSAGES);
	while (counts->forwarded + counts->dropped < MESSAGES)
		usleep(1000);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_HEAL, 0, 0), 0);
	send_messages(fixture.client[0], MESSAGES + 1, 1);
	do {
		number = receive(fixture.server[0]);
		assert_true(number > last);
		last = number;
		got++;
	} while (number != MESSAGES + 1);
	assert_int_equal(got + counts->dropped, MESSAGES + 1);
	assert_in_range(counts->dropped, MESSAGES / 8, MESSAGES / 2);
	tear_down(&fixture);
}

static void duplicated_messages_come_twice_and_in_order(void **state)
{
	struct fixture fixture;
	uint32_t got = 0, number, last = 0, twice = 0;

	(void)state;
	set_up(&fixture, false);
	connect_link(&fixture, 0);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_DUPLICATE, 0, for_ever_ns), 0);
	send_messages(fixture.server[0], 1, MESSAGES);
	do {
		number = receive(fixture.client[0]);
		assert_true(number == last || number == last + 1);
		twice += number == last;
		last = number;
		got++;
	} while (number != MESSAGES);
	assert_in_range(twice, MESSAGES / 4, 3 * MESSAGES / 4);
	assert_true(proxy_counts(fixture.proxy)->duplicated >= twice);
	tear_down(&fixture);
}

static void delayed_messages_keep_their_order(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, false);
	connect_link(&fixture, 0);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_DELAY, 0, DMONITOR_NS_PER_S), 0);
	send_messages(fixture.client[0], 0, MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++)
		assert_int_equal(receive(fixture.server[0]), i);
	assert_true(proxy_counts(fixture.proxy)->delayed > 0);
	tear_down(&fixture);
}

static void silence_holds_everything_back_and_breaks_nothing(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, false);
	connect_link(&fixture, 0);
	connect_link(&fixture, 1);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_SILENCE, 0, for_ever_ns), 0);
	send_messages(fixture.client[0], 0, 3);
	send_messages(fixture.server[0], 0, 3);
	for (uint32_t i = 0; i < 20; i++) { /* the other link's go to and fro meanwhile */
		send_messages(fixture.client[1], i, 1);
		assert_int_equal(receive(fixture.server[1]), i);
		send_messages(fixture.server[1], i, 1);
		assert_int_equal(receive(fixture.client[1]), i);
	}
	assert_false(readable(fixture.server[0], 0));
	assert_false(readable(fixture.client[0], 0));
	assert_int_equal(proxy_order(fixture.proxy, PROXY_HEAL, 0, 0), 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(receive(fixture.server[0]), i);
		assert_int_equal(receive(fixture.client[0]), i);
	}
	tear_down(&fixture);
}

static void silence_ends_by_itself(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, false);
	connect_link(&fixture, 0);
	assert_int_equal(
	    proxy_order(fixture.proxy, PROXY_SILENCE, PROXY_ALL, 20 * DMONITOR_NS_PER_MS), 0);
	send_messages(fixture.client[0], 5, 1);
	assert_int_equal(receive(fixture.server[0]), 5);
	tear_down(&fixture);
}

static void cut_ends_the_links_connection_and_no_other(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, false);
	connect_link(&fixture, 0);
	connect_link(&fixture, 1);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_CUT, 0, 0), 0);
	assert_true(is_closed(fixture.client[0]));
	assert_true(is_closed(fixture.server[0]));
	send_messages(fixture.client[1], 1, 1);
	assert_int_equal(receive(fixture.server[1]), 1);
	close(fixture.client[0]);
	close(fixture.server[0]);
	connect_link(&fixture, 0); /* at once */
	send_messages(fixture.client[0], 2, 1);
	assert_int_equal(receive(fixture.server[0]), 2);
	assert_int_equal(proxy_counts(fixture.proxy)->cut, 1);
	assert_int_equal(proxy_counts(fixture.proxy)->connections, 3);
	tear_down(&fixture);
}

static void refusing_links_close_what_comes(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, false);
	connect_link(&fixture, 0);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_REFUSE, 0, for_ever_ns), 0);
	assert_true(is_closed(fixture.client[0]));
	close(fixture.client[0]);
	close(fixture.server[0]);
	fixture.client[0] = connect_to(proxy_endpoint(fixture.proxy, 0));
	assert_true(is_closed(fixture.client[0]));
	close(fixture.client[0]);
	assert_false(readable(fixture.listener, 0));
	assert_int_equal(proxy_counts(fixture.proxy)->refused, 1);
	connect_link(&fixture, 1);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_HEAL, PROXY_ALL, 0), 0);
	connect_link(&fixture, 0);
	tear_down(&fixture);
}

static void wrong_orders_and_servers_are_refused(void **state)
{
	static const char *const bad[] = {
		"",           "tcp://127.0.0.1", "tcp://localhost:1", "tcp://127.0.0.1:x",
		"inproc://a", "ipc://"
	};
	struct fixture fixture;
	struct proxy *none = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(proxy_start(bad[i], 1, 1, &none, sentence, sizeof(sentence)),
		                 EINVAL);
		assert_null(none);
		assert_non_null(strstr(sentence, bad[i]));
	}
	set_up(&fixture, false);
	assert_int_equal(proxy_order(fixture.proxy, PROXY_CUT, LINKS, 0), EINVAL);
	tear_down(&fixture);
	proxy_stop(&none);
}

/* Its parent is killed: so it is, too. */
static void proxy_dies_with_its_parent(void **state)
{
	struct proxy *proxy = NULL;
	int ends[2], status;
	char ready;
	pid_t parent, orphan;

	(void)state;
	orphan_adopt();
	assert_int_equal(pipe(ends), 0);
	parent = fork();
	if (parent == 0) {
		if (proxy_start("tcp://127.0.0.1:9", 1, 1, &proxy, sentence, sizeof(sentence)) !=
		        0 ||
		    proxy_order(proxy, PROXY_HEAL, 0, 0) != 0 || write(ends[1], "r", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &ready, 1), 1);
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	orphan = waitpid(-1, &status, 0); /* the test's time limit is its own */
	assert_true(orphan > 0);
	close(ends[0]);
	close(ends[1]);
	assert_true(orphan_none());
}

/* A real server that gives a client long to come back, a real client: cut while it is inside, it
 * still is afterwards, with the same token. */
static void monitor_is_held_through_a_cut(void **state)
{
	static const char *const arguments[] = { "--resume-ms", "60000", NULL };
	const struct server_process_options options = { .arguments = arguments };
	struct server_process *server = NULL;
	dmonitor_session *session = NULL;
	struct proxy *proxy = NULL;
	dmonitor *monitor = NULL;
	uint64_t token;

	(void)state;
	if (server_process_start(&options, &server, sentence, sizeof(sentence)) != 0 ||
	    proxy_start(server_process_endpoint(server), 1, 1, &proxy, sentence,
	                sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
	assert_int_equal(dmonitor_connect(proxy_endpoint(proxy, 0), NULL, &session), 0);
	assert_int_equal(dmonitor_open(session, "m", 0, &monitor), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(dmonitor_enter(monitor), 0);
		token = dmonitor_token(monitor);
		assert_int_equal(proxy_order(proxy, PROXY_CUT, 0, 0), 0);
		assert_int_equal(dmonitor_check(monitor), 0);
		assert_int_equal(dmonitor_token(monitor), token);
		assert_int_equal(dmonitor_exit(monitor), 0);
	}
	assert_int_equal(proxy_counts(proxy)->cut, 5);
	assert_int_equal(dmonitor_disconnect(&session), 0);
	proxy_stop(&proxy);
	assert_int_equal(server_process_stop(&server, sentence, sizeof(sentence)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_passes_both_ways_over_tcp_and_ipc),
		cmocka_unit_test(what_is_no_zmtp_passes_as_it_is),
		cmocka_unit_test(dropped_messages_are_dropped_whole),
		cmocka_unit_test(duplicated_messages_come_twice_and_in_order),
		cmocka_unit_test(delayed_messages_keep_their_order),
		cmocka_unit_test(silence_holds_everything_back_and_breaks_nothing),
		cmocka_unit_test(silence_ends_by_itself),
		cmocka_unit_test(cut_ends_the_links_connection_and_no_other),
		cmocka_unit_test(refusing_links_close_what_comes),
		cmocka_unit_test(wrong_orders_and_servers_are_refused),
		cmocka_unit_test(proxy_dies_with_its_parent),
		cmocka_unit_test(monitor_is_held_through_a_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
