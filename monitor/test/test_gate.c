/* test_gate.c: who may stay connected, when an event may be applied, and shares of time. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../budget.h"
#include "../clock.h"
#include "../gate.h"
#include "../peer_socket.h"
#include "../sight_queue.h"

static const struct gate_limits limits = {
	.connections = 3, .silent_ms = 1000, .refused = 5, .unread_kib = 64
};

/* ACCEPTED of ${descriptor}, whose cookie is ten times that; who must go for it. */
static int opens(struct gate *gate, int descriptor, int64_t now_ns)
{
	int cut;

	assert_int_equal(gate_opened(gate, descriptor, (uint64_t)descriptor * 10, now_ns, &cut), 0);
	if (cut >= 0)
		gate_cut(gate, cut);
	return cut;
}

static void says(struct gate *gate, int descriptor)
{
	assert_non_null(gate_heard(gate, descriptor, (uint64_t)descriptor * 10, 100, 0));
	gate_spoke(gate, descriptor);
}

static void the_longest_silent_one_goes_when_there_are_too_many(void **state)
{
	struct gate gate;

	(void)state;
	gate_init(&gate, &limits);
	assert_int_equal(opens(&gate, 5, 1), -1);
	assert_int_equal(opens(&gate, 6, 2), -1);
	assert_int_equal(opens(&gate, 7, 3), -1);
	says(&gate, 5);
	assert_int_equal(opens(&gate, 8, 4), 6);
	/* 6 is not closed yet, but its place is free. */
	assert_int_equal(opens(&gate, 9, 5), 7);
	says(&gate, 8);
	says(&gate, 9);
	gate_closed(&gate, 6, 0);
	gate_closed(&gate, 7, 0);
	/* All speak: the new one goes itself. */
	assert_int_equal(opens(&gate, 6, 6), 6);
	gate_closed(&gate, 6, 0);
	gate_closed(&gate, 9, 0);
	assert_int_equal(opens(&gate, 6, 7), -1);
	assert_int_equal(gate.open, 3);
	assert_int_equal(gate.leaving, 0);
	gate_fini(&gate);
}

static void silence_ends_in_the_order_in_which_it_began(void **state)
{
	const int64_t ms = 1000000;
	struct gate gate;

	(void)state;
	gate_init(&gate, &limits);
	opens(&gate, 7, 0);
	opens(&gate, 5, 10 * ms);
	opens(&gate, 6, 20 * ms);
	assert_int_equal(gate_silent_too_long(&gate, 999 * ms), -1);
	assert_int_equal(gate_silent_too_long(&gate, 1000 * ms), 7);
	says(&gate, 7);
	assert_int_equal(gate_silent_too_long(&gate, 1009 * ms), -1);
	assert_int_equal(gate_silent_too_long(&gate, 1010 * ms), 5);
	gate_cut(&gate, 5);
	assert_int_equal(gate_silent_too_long(&gate, 1020 * ms), 6);
	gate_closed(&gate, 6, 0);
	assert_int_equal(gate_silent_too_long(&gate, 9999 * ms), -1);
	gate_fini(&gate);
}

static void a_message_may_be_read_before_its_connection_is_told(void **state)
{
	struct gate gate;

	(void)state;
	gate_init(&gate, &limits);
	opens(&gate, 5, 0);
	/* The next one on the descriptor, before the last one's end and its own beginning are read.
	 */
	assert_non_null(gate_heard(&gate, 5, 51, 100, 0));
	gate_spoke(&gate, 5);
	gate_closed(&gate, 5, 51);
	assert_int_equal(gate.open, 0);
	assert_int_equal(gate_opened(&gate, 5, 51, 0, &(int){ 0 }), 0);
	assert_int_equal(gate.open, 1);
	assert_true(gate_entry(&gate, 5)->spoken);
	assert_int_equal(gate_entry(&gate, 5)->read_bytes, 100);
	assert_int_equal(gate_silent_too_long(&gate, INT64_MAX), -1);
	gate_closed(&gate, 5, 0);
	assert_int_equal(gate.open, 0);
	gate_fini(&gate);
}

static void an_end_may_be_told_before_the_socket_is_closed(void **state)
{
	struct gate gate;

	(void)state;
	gate_init(&gate, &limits);
	opens(&gate, 5, 0);
	opens(&gate, 6, 0);
	gate_cut(&gate, 6);
	gate_closed(&gate, 5, 50);
	gate_closed(&gate, 6, 60);
	/* Neither is waited for to speak, nor leaves a second time. */
	assert_int_equal(gate_silent_too_long(&gate, INT64_MAX), -1);
	assert_int_equal(gate.open, 0);
	assert_int_equal(gate.leaving, 0);
	for (int descriptor = 4; descriptor <= 6; descriptor++)
		assert_int_equal(gate_opened(&gate, descriptor, 71, 0, &(int){ 0 }), 0);
	assert_int_equal(gate.open, 3);
	assert_int_equal(gate.leaving, 0);
	assert_int_equal(opens(&gate, 7, 0), 4);
	gate_fini(&gate);
}

/* Who is cut on a message that was read before its beginning is not waited for to speak. */
static void who_is_cut_before_it_is_told_is_not_silent(void **state)
{
	struct gate gate;

	(void)state;
	gate_init(&gate, &limits);
	opens(&gate, 5, 0);
	assert_non_null(gate_heard(&gate, 5, 51, 100, 0));
	gate_cut(&gate, 5);
	gate_closed(&gate, 5, 51);
	assert_int_equal(gate_opened(&gate, 5, 51, 0, &(int){ 0 }), 0);
	assert_int_equal(gate_silent_too_long(&gate, INT64_MAX), -1);
	assert_int_equal(gate.open - gate.leaving, 0);
	gate_closed(&gate, 5, 0);
	assert_int_equal(gate.open + gate.leaving, 0);
	/* An end without a beginning that was counted counts nothing. */
	gate_closed(&gate, 5, 0);
	assert_int_equal(gate.open, 0);
	gate_fini(&gate);
}

static void nothing_but_refusals_is_too_much(void **state)
{
	struct gate gate;

	(void)state;
	gate_init(&gate, &limits);
	opens(&gate, 5, 0);
	for (int i = 0; i < 4; i++)
		assert_false(gate_answered(&gate, 5, true));
	assert_false(gate_answered(&gate, 5, false));
	for (int i = 0; i < 4; i++)
		assert_false(gate_answered(&gate, 5, true));
	assert_true(gate_answered(&gate, 5, true));
	gate_fini(&gate);
}

static void what_is_unread_is_what_is_no_message(void **state)
{
	const int64_t second = 1000000000;
	struct gate gate;
	const struct gate_entry *entry;

	(void)state;
	gate_init(&gate, &limits);
	opens(&gate, 5, 0);
	entry = gate_heard(&gate, 5, 50, 70000, 0);
	assert_int_equal(gate_unread_bytes(entry, 70000 + 100000, 0), 100000 - 1024);
	/* An idle client's heartbeats are not held against it. */
	assert_true(gate_unread_bytes(entry, 70000 + 86400 * 20, 86400 * second) < 0);
	gate_fini(&gate);
}

static void a_pause_doubles_up_to_a_limit(void **state)
{
	struct gate_entry entry = { .cookie = 1 };
	int64_t last = gate_pause_ns(&entry);

	(void)state;
	assert_int_equal(last, 400000000);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(gate_pause_ns(&entry), 2 * last);
		last *= 2;
	}
	assert_int_equal(gate_pause_ns(&entry), last);
}

/* ----- When an event may be applied ----- */

/* The cookies of the sockets that have descriptors 0 to 9. */
static uint64_t cookies[10];

static uint64_t cookie_of(int descriptor)
{
	return cookies[descriptor];
}

static void queue_put(struct sight_queue *queue, struct connections *connections,
                      struct dmonitor_sight sight)
{
	queue->cookie_of = cookie_of;
	assert_int_equal(sight_queue_put(queue, connections, sight, cookies[sight.descriptor]), 0);
}

/* The ROUTER is found empty, and once more after that. */
static void settle(struct sight_queue *queue, struct connections *connections)
{
	assert_true(sight_queue_settle(queue, connections));
	sight_queue_settle(queue, connections);
}

static struct dmonitor_sight event(enum dmonitor_sight_kind kind, int descriptor)
{
	return (struct dmonitor_sight){ .kind = kind, .descriptor = descriptor };
}

/* Take all that may be applied now; "A5 D5 " and so on. */
static const char *applies(struct sight_queue *queue, struct connections *connections)
{
	static char text[256];
	struct dmonitor_sight sight;

	text[0] = '\0';
	while (sight_queue_take(queue, connections, &sight)) {
		sprintf(text + strlen(text), "%c%d ",
		        sight.kind == DMONITOR_SIGHT_ACCEPTED ? 'A' : 'D', sight.descriptor);
		if (sight.kind == DMONITOR_SIGHT_ACCEPTED)
			connections_accepted(connections, sight.descriptor);
		else
			connections_disconnected(connections, sight.descriptor);
	}
	return text;
}

/* A message of ${id} is read. */
static void reads(struct sight_queue *queue, struct connections *connections, const char *id,
                  int descriptor)
{
	struct peer *peer = connections_find(connections, id, strlen(id));

	queue->messages++;
	if (peer == NULL)
		peer = connections_add(connections, id, strlen(id), descriptor, true, 0);
	peer->last_message = queue->messages;
}

static void an_event_waits_until_nothing_is_there(void **state)
{
	struct connections connections = { .last_number = 0 };
	struct sight_queue queue = { .room = 0 };

	(void)state;
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 5));
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_DISCONNECTED, 5));
	assert_string_equal(applies(&queue, &connections), "");
	settle(&queue, &connections);
	/* What is read after that waits again. */
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 5));
	assert_string_equal(applies(&queue, &connections), "A5 D5 ");
	settle(&queue, &connections);
	assert_string_equal(applies(&queue, &connections), "A5 ");
	connections_fini(&connections);
	sight_queue_fini(&queue);
}

static void an_end_waits_until_its_socket_is_closed(void **state)
{
	struct connections connections = { .last_number = 0 };
	struct sight_queue queue = { .room = 0 };

	(void)state;
	for (int reused = 0; reused < 2; reused++) {
		queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 5));
		cookies[5] = 1;
		queue_put(&queue, &connections, event(DMONITOR_SIGHT_DISCONNECTED, 5));
		for (int i = 0; i < 3; i++) {
			sight_queue_settle(&queue, &connections);
			assert_string_equal(applies(&queue, &connections), i == 0 ? "A5 " : "");
		}
		assert_false(sight_queue_settle(&queue, &connections));
		assert_string_equal(applies(&queue, &connections), "");
		cookies[5] = reused == 0 ? 0 : 2;
		/* What it sent last may have come since the ROUTER was found empty. */
		assert_true(sight_queue_settle(&queue, &connections));
		assert_string_equal(applies(&queue, &connections), "");
		sight_queue_settle(&queue, &connections);
		assert_string_equal(applies(&queue, &connections), "D5 ");
		cookies[5] = 0;
	}
	connections_fini(&connections);
	sight_queue_fini(&queue);
}

/* The next one has the descriptor already when the end is read, but then its beginning follows. */
static void an_end_is_applied_once_the_next_beginning_is_read(void **state)
{
	struct connections connections = { .last_number = 0 };
	struct sight_queue queue = { .room = 0 };

	(void)state;
	cookies[5] = 2;
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 5));
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_DISCONNECTED, 5));
	settle(&queue, &connections);
	assert_string_equal(applies(&queue, &connections), "A5 ");
	assert_false(sight_queue_settle(&queue, &connections));
	assert_string_equal(applies(&queue, &connections), "");
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 5));
	settle(&queue, &connections);
	assert_string_equal(applies(&queue, &connections), "D5 A5 ");
	cookies[5] = 0;
	connections_fini(&connections);
	sight_queue_fini(&queue);
}

static void under_a_flood_an_end_is_applied_soon_and_after_the_last_message(void **state)
{
	struct connections connections = { .last_number = 0 };
	struct sight_queue queue = { .room = 0 };
	const char *applied = "";
	int messages;

	(void)state;
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 5));
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 6));
	settle(&queue, &connections);
	assert_string_equal(applies(&queue, &connections), "A5 A6 ");
	reads(&queue, &connections, "dead", 5);
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_DISCONNECTED, 5));
	/* The flood goes on, and of the dead one a hundred messages are still there. */
	for (int i = 0; i < 100; i++) {
		reads(&queue, &connections, "flood", 6);
		reads(&queue, &connections, "flood", 6);
		assert_string_equal(applies(&queue, &connections), "");
		reads(&queue, &connections, "dead", 5);
	}
	for (messages = 0; *applied == '\0'; messages++) {
		assert_true(messages < 1000);
		reads(&queue, &connections, "flood", 6);
		applied = applies(&queue, &connections);
	}
	assert_string_equal(applied, "D5 ");
	/* Two rounds and libzmq's hundred, at least. */
	assert_true(messages > 100 + 2 * 2);
	assert_null(connections_find(&connections, "dead", 4));
	connections_fini(&connections);
	sight_queue_fini(&queue);
}

static void a_dead_one_with_much_to_say_holds_up_only_its_own_descriptor(void **state)
{
	struct connections connections = { .last_number = 0 };
	struct sight_queue queue = { .room = 0 };
	bool other = false;

	(void)state;
	for (int descriptor = 5; descriptor <= 7; descriptor++)
		queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, descriptor));
	settle(&queue, &connections);
	applies(&queue, &connections);
	reads(&queue, &connections, "talker", 5);
	reads(&queue, &connections, "quiet", 6);
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_DISCONNECTED, 5));
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_ACCEPTED, 5));
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_DISCONNECTED, 5));
	queue_put(&queue, &connections, event(DMONITOR_SIGHT_DISCONNECTED, 6));
	for (int i = 0; i < 2000; i++) {
		const char *applied;

		reads(&queue, &connections, i % 2 == 0 ? "talker" : "flood", i % 2 == 0 ? 5 : 7);
		applied = applies(&queue, &connections);
		assert_true(*applied == '\0' || (!other && strcmp(applied, "D6 ") == 0));
		other = other || *applied != '\0';
	}
	assert_true(other);
	settle(&queue, &connections);
	assert_string_equal(applies(&queue, &connections), "D5 A5 D5 ");
	connections_fini(&connections);
	sight_queue_fini(&queue);
}

/* ----- Shares of time ----- */

static void a_budget_has_a_burst_and_a_share(void **state)
{
	const struct budget_terms terms = { .divisor = 10, .burst_ns = 1000 };
	struct budget budget = { .paid_off_ns = 0 };
	int64_t now_ns = 1000000, spent_ns = 0;

	(void)state;
	while (budget_allows(&budget, terms, now_ns)) {
		budget_charge(&budget, terms, now_ns, 100);
		spent_ns += 100;
	}
	assert_int_equal(spent_ns, 1000);
	spent_ns = 0;
	for (int64_t end_ns = now_ns + 100000; now_ns < end_ns; now_ns += 10)
		if (budget_allows(&budget, terms, now_ns)) {
			budget_charge(&budget, terms, now_ns, 100);
			spent_ns += 100;
		}
	assert_in_range(spent_ns, 9900, 10100);
}

/* ----- Sockets ----- */

/* A TCP connection to oneself. */
static void connect_pair(int *near, int *far)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	const int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	*far = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(*far, (struct sockaddr *)&address, sizeof(address)), 0);
	*near = accept(listener, NULL, NULL);
	assert_true(*near >= 0);
	close(listener);
}

static void await_bytes(int descriptor, int64_t bytes)
{
	while (peer_socket_waiting_bytes(descriptor) < bytes)
		usleep(1000);
	assert_int_equal(peer_socket_waiting_bytes(descriptor), bytes);
}

static void a_paused_peer_s_bytes_come_later_and_all(void **state)
{
	char bytes[100] = "";
	int near, far;
	uint64_t cookie;

	(void)state;
	connect_pair(&near, &far);
	cookie = peer_socket_cookie(near);
	assert_true(peer_socket_lives(near, cookie));
	assert_int_equal(send(far, bytes, 10, 0), 10);
	await_bytes(near, 10);
	peer_socket_pause(near, cookie + 1);
	assert_int_equal(send(far, bytes, 10, 0), 10);
	await_bytes(near, 20);
	peer_socket_pause(near, cookie);
	assert_int_equal(send(far, bytes, 30, 0), 30);
	/* Loopback delivers within send(). */
	usleep(20000);
	assert_int_equal(peer_socket_waiting_bytes(near), 20);
	/* The other direction goes on, acknowledgements included. */
	assert_int_equal(send(near, bytes, 5, 0), 5);
	await_bytes(far, 5);
	peer_socket_resume(near, cookie);
	await_bytes(near, 50);
	assert_int_equal(recv(near, bytes, 15, 0), 15);
	assert_int_equal(peer_socket_taken_bytes(near), 15);
	close(near);
	close(far);
}

static void who_is_cut_is_so_at_both_ends_and_nobody_else(void **state)
{
	int near, far;
	uint64_t cookie;
	char byte;

	(void)state;
	connect_pair(&near, &far);
	cookie = peer_socket_cookie(near);
	peer_socket_cut(near, cookie + 1);
	assert_true(peer_socket_lives(near, cookie));
	peer_socket_cut(near, cookie);
	assert_false(peer_socket_lives(near, cookie));
	assert_int_equal(recv(far, &byte, 1, 0), 0);
	close(near);
	close(far);
	assert_int_equal(peer_socket_cookie(near), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_silent_one_goes_when_there_are_too_many),
		cmocka_unit_test(silence_ends_in_the_order_in_which_it_began),
		cmocka_unit_test(a_message_may_be_read_before_its_connection_is_told),
		cmocka_unit_test(an_end_may_be_told_before_the_socket_is_closed),
		cmocka_unit_test(who_is_cut_before_it_is_told_is_not_silent),
		cmocka_unit_test(nothing_but_refusals_is_too_much),
		cmocka_unit_test(what_is_unread_is_what_is_no_message),
		cmocka_unit_test(a_pause_doubles_up_to_a_limit),
		cmocka_unit_test(an_event_waits_until_nothing_is_there),
		cmocka_unit_test(an_end_waits_until_its_socket_is_closed),
		cmocka_unit_test(an_end_is_applied_once_the_next_beginning_is_read),
		cmocka_unit_test(under_a_flood_an_end_is_applied_soon_and_after_the_last_message),
		cmocka_unit_test(a_dead_one_with_much_to_say_holds_up_only_its_own_descriptor),
		cmocka_unit_test(a_budget_has_a_burst_and_a_share),
		cmocka_unit_test(a_paused_peer_s_bytes_come_later_and_all),
		cmocka_unit_test(who_is_cut_is_so_at_both_ends_and_nobody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
