/* test_connections.c: which peer a closed connection was, whatever the order of what is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../connections.h"

enum { FD = 7, OTHER_FD = 9 };

/* The first message of a peer called ${id} on ${descriptor}; its number. */
static uint64_t comes(struct connections *connections, const char *id, int descriptor)
{
	const struct peer *peer;

	assert_null(connections_find(connections, id, strlen(id)));
	peer = connections_add(connections, id, strlen(id), descriptor, true, 0);
	assert_non_null(peer);
	assert_ptr_equal(connections_find(connections, id, strlen(id)), peer);
	assert_ptr_equal(connections_find_number(connections, peer->number), peer);
	return peer->number;
}

static bool known(const struct connections *connections, const char *id)
{
	return connections_find(connections, id, strlen(id)) != NULL;
}

static void a_closed_connection_is_the_peer_that_sent_on_it(void **state)
{
	struct connections connections = { .last_number = 0 };
	uint64_t ann;

	(void)state;
	assert_int_equal(connections_accepted(&connections, FD), 0);
	ann = comes(&connections, "ann", FD);
	assert_int_equal(connections_disconnected(&connections, FD), ann);
	assert_false(known(&connections, "ann"));
	assert_null(connections_find_number(&connections, ann));
	connections_fini(&connections);
}

static void a_message_may_come_before_its_connection_is_told(void **state)
{
	struct connections connections = { .last_number = 0 };
	uint64_t ann;

	(void)state;
	ann = comes(&connections, "ann", FD);
	assert_int_equal(connections_accepted(&connections, FD), 0);
	assert_int_equal(connections_disconnected(&connections, FD), ann);
	connections_fini(&connections);
}

static void numbers_are_never_zero_and_never_used_again(void **state)
{
	struct connections connections = { .last_number = 0 };
	uint64_t last = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		uint64_t number;

		assert_int_equal(connections_accepted(&connections, FD), 0);
		number = comes(&connections, "ann", FD);
		assert_true(number > last);
		last = number;
		assert_int_equal(connections_disconnected(&connections, FD), number);
	}
	connections_fini(&connections);
}

static void descriptors_do_not_disturb_each_other(void **state)
{
	struct connections connections = { .last_number = 0 };
	uint64_t numbers[300];
	char id[8];

	(void)state;
	for (int fd = 299; fd >= 0; fd--) {
		snprintf(id, sizeof(id), "p%d", fd);
		numbers[fd] = comes(&connections, id, fd);
	}
	for (int fd = 0; fd < 300; fd += 2)
		assert_int_equal(connections_disconnected(&connections, fd), numbers[fd]);
	for (int fd = 0; fd < 300; fd++) {
		snprintf(id, sizeof(id), "p%d", fd);
		assert_int_equal(known(&connections, id), fd % 2);
	}
	connections_fini(&connections);
}

static void a_routing_id_may_hold_any_bytes(void **state)
{
	static const char ids[][5] = { { 0, 1, 2, 3, 4 }, { 0, 1, 2, 3, 5 }, { 0, 0, 0, 0, 0 } };
	struct connections connections = { .last_number = 0 };
	char longest[255];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < 3; i++)
		assert_non_null(connections_add(&connections, ids[i], 5, (int)i, false, 0));
	assert_non_null(connections_add(&connections, ids[0], 4, 3, false, 0));
	assert_non_null(connections_add(&connections, longest, 255, 4, false, 0));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(connections_find(&connections, ids[i], 5)->number, i + 1);
	assert_int_equal(connections_find(&connections, ids[0], 4)->number, 4);
	assert_int_equal(connections_find(&connections, longest, 255)->number, 5);
	assert_null(connections_find(&connections, longest, 254));
	assert_null(connections_find(&connections, ids[0], 0));
	connections_fini(&connections);
}

/* ----- Every order in which the lives of three connections on one descriptor can be seen. ----- */

enum { LIVES = 3, EVENTS = 2 * LIVES };

struct orders {
	const bool *sends; /* which of the three ever send */
	bool unmistakable; /* only orders in which no silent one can be taken for a later one */
	char order[32];    /* such as "m1 A1 D1" without blanks and numbers told by case */
	size_t length;
	size_t played;
};

/* Play an order: a to c are the first messages of the three, 0 to 5 are A1 D1 A2 D2 A3 D3. */
static void play(struct orders *orders)
{
	struct connections connections = { .last_number = 0 };
	uint64_t numbers[LIVES] = { 0 };
	bool told[LIVES] = { false };

	orders->played++;
	for (const char *step = orders->order; step < orders->order + orders->length; step++) {
		const int life = *step >= 'a' ? *step - 'a' : (*step - '0') / 2;
		const char id[] = { (char)('a' + life), '\0' };
		uint64_t gone;

		if (*step >= 'a') {
			numbers[life] = comes(&connections, id, FD);
			continue;
		}
		if ((*step - '0') % 2 == 0) {
			assert_int_equal(connections_accepted(&connections, FD), 0);
			continue;
		}
		gone = connections_disconnected(&connections, FD);
		if (orders->unmistakable && gone != numbers[life])
			fail_msg("in %.*s, %s ends as %llu", (int)orders->length, orders->order, id,
			         (unsigned long long)gone);
		for (int i = 0; i < LIVES; i++)
			told[i] = told[i] || (gone != 0 && gone == numbers[i]);
		/* Who is gone is never taken for living, though it may be told too early. */
		assert_true(numbers[life] == 0 || told[life]);
	}
	for (int i = 0; i < LIVES; i++)
		assert_false(known(&connections, (const char[]){ (char)('a' + i), '\0' }));
	connections_fini(&connections);
}

/* Whether a connection before ${life} has never sent and is not yet told to be gone. */
static bool a_silent_one_is_open(const struct orders *orders, int life, int events)
{
	for (int i = 0; i < life; i++)
		if (!orders->sends[i] && events < 2 * i + 2)
			return true;
	return false;
}

/* The next of the three to send. */
static int next_sender(const struct orders *orders, int life)
{
	while (life < LIVES && !orders->sends[life])
		life++;
	return life;
}

/* All ways to go on, with ${sender} the next to send and ${events} events seen. That a connection
 * has ended is seen only after all that it sent. */
static void go_on(struct orders *orders, int sender, int events)
{
	if (sender == LIVES && events == EVENTS) {
		play(orders);
		return;
	}
	if (sender < LIVES &&
	    !(orders->unmistakable && a_silent_one_is_open(orders, sender, events))) {
		orders->order[orders->length++] = (char)('a' + sender);
		go_on(orders, next_sender(orders, sender + 1), events);
		orders->length--;
	}
	if (events < EVENTS && (events % 2 == 0 || sender > events / 2)) {
		orders->order[orders->length++] = (char)('0' + events);
		go_on(orders, sender, events + 1);
		orders->length--;
	}
}

static void every_order_of_three_that_send_is_told_apart(void **state)
{
	static const bool all[] = { true, true, true };
	struct orders orders = { .sends = all, .unmistakable = true };

	(void)state;
	go_on(&orders, 0, 0);
	assert_int_equal(orders.played, 30);
}

static void one_that_never_sends_is_told_apart_once_it_is_known_to_be_gone(void **state)
{
	size_t played = 0;

	(void)state;
	for (unsigned mask = 0; mask < 8; mask++) {
		const bool sends[] = { mask & 1, mask & 2, mask & 4 };
		struct orders orders = { .sends = sends, .unmistakable = true };

		go_on(&orders, next_sender(&orders, 0), 0);
		played += orders.played;
	}
	assert_int_equal(played, 55);
}

/* Before that, the next one's first message looks like its own: then the next one is told too
 * early, but never too late. */
static void nobody_outlives_its_connection_in_any_order(void **state)
{
	(void)state;
	for (unsigned mask = 0; mask < 8; mask++) {
		const bool sends[] = { mask & 1, mask & 2, mask & 4 };
		struct orders orders = { .sends = sends };

		go_on(&orders, next_sender(&orders, 0), 0);
		assert_true(orders.played > 0);
	}
}

/* ----- Dropping ----- */

static void who_is_dropped_is_told_once(void **state)
{
	struct connections connections = { .last_number = 0 };
	const uint64_t ann = comes(&connections, "ann", FD);

	(void)state;
	assert_int_equal(connections_next_dropped(&connections), 0);
	connections_drop(&connections, ann);
	connections_drop(&connections, ann);
	assert_true(connections_find_number(&connections, ann)->dropped);
	assert_int_equal(connections_next_dropped(&connections), ann);
	assert_int_equal(connections_next_dropped(&connections), 0);
	connections_drop(&connections, ann);
	assert_int_equal(connections_next_dropped(&connections), 0);
	/* Nor is its connection's end told then, and the next one is another. */
	assert_int_equal(connections_disconnected(&connections, FD), 0);
	assert_false(known(&connections, "ann"));
	assert_true(comes(&connections, "ann", FD) > ann);
	connections_fini(&connections);
}

static void the_dropped_are_told_in_their_order(void **state)
{
	struct connections connections = { .last_number = 0 };
	uint64_t numbers[40];
	char id[8];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "p%d", i);
		numbers[i] = comes(&connections, id, i);
	}
	for (int i = 39; i >= 0; i--)
		connections_drop(&connections, numbers[i]);
	for (int i = 39; i >= 20; i--)
		assert_int_equal(connections_next_dropped(&connections), numbers[i]);
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "q%d", i);
		connections_drop(&connections, comes(&connections, id, 100 + i));
	}
	for (int i = 19; i >= 0; i--)
		assert_int_equal(connections_next_dropped(&connections), numbers[i]);
	for (int i = 0; i < 40; i++)
		assert_int_equal(connections_next_dropped(&connections),
		                 numbers[39] + 1 + (uint64_t)i);
	assert_int_equal(connections_next_dropped(&connections), 0);
	connections_fini(&connections);
}

static void nobody_is_dropped_who_is_unknown(void **state)
{
	struct connections connections = { .last_number = 0 };

	(void)state;
	connections_drop(&connections, 1);
	connections_replaced(&connections, 1);
	assert_int_equal(connections_next_dropped(&connections), 0);
	connections_fini(&connections);
}

static void a_dropped_peer_whose_connection_ends_first_is_still_told_once(void **state)
{
	struct connections connections = { .last_number = 0 };
	const uint64_t ann = comes(&connections, "ann", FD);

	(void)state;
	connections_drop(&connections, ann);
	assert_int_equal(connections_disconnected(&connections, FD), 0);
	assert_int_equal(connections_next_dropped(&connections), ann);
	assert_int_equal(connections_next_dropped(&connections), 0);
	connections_fini(&connections);
}

static void a_routing_id_that_comes_back_elsewhere_is_another_peer(void **state)
{
	struct connections connections = { .last_number = 0 };
	const uint64_t before = comes(&connections, "ann", FD);
	uint64_t after;

	(void)state;
	connections_replaced(&connections, before);
	assert_false(known(&connections, "ann"));
	assert_null(connections_find_number(&connections, before));
	after = comes(&connections, "ann", OTHER_FD);
	assert_int_equal(connections_next_dropped(&connections), before);
	assert_int_equal(connections_next_dropped(&connections), 0);
	assert_int_equal(connections_disconnected(&connections, FD), 0);
	assert_int_equal(connections_disconnected(&connections, OTHER_FD), after);
	connections_fini(&connections);
}

/* The old connection's end is still to come; whoever uses its descriptor next must not pay. */
static void the_end_of_a_replaced_peer_is_not_the_end_of_the_next(void **state)
{
	struct connections connections = { .last_number = 0 };
	const uint64_t before = comes(&connections, "ann", FD);
	uint64_t bob;

	(void)state;
	connections_accepted(&connections, FD);
	connections_replaced(&connections, before);
	comes(&connections, "ann", OTHER_FD);
	bob = comes(&connections, "bob", FD);
	assert_int_equal(connections_disconnected(&connections, FD), 0);
	assert_true(known(&connections, "bob"));
	connections_accepted(&connections, FD);
	assert_int_equal(connections_disconnected(&connections, FD), bob);
	connections_fini(&connections);
}

static void a_replaced_peer_is_told_once_though_it_was_dropped(void **state)
{
	struct connections connections = { .last_number = 0 };
	const uint64_t ann = comes(&connections, "ann", FD);

	(void)state;
	connections_drop(&connections, ann);
	connections_replaced(&connections, ann);
	assert_int_equal(connections_next_dropped(&connections), ann);
	assert_int_equal(connections_next_dropped(&connections), 0);
	connections_fini(&connections);
}

/* ----- Descriptors nobody knows ----- */

static void the_end_of_an_unknown_descriptor_is_nobody_s(void **state)
{
	struct connections connections = { .last_number = 0 };
	uint64_t ann;

	(void)state;
	assert_int_equal(connections_disconnected(&connections, 5000), 0);
	assert_int_equal(connections_disconnected(&connections, FD), 0);
	assert_int_equal(connections_accepted(&connections, FD), 0);
	ann = comes(&connections, "ann", FD);
	assert_int_equal(connections_disconnected(&connections, FD), ann);
	connections_fini(&connections);
}

static void a_message_without_a_descriptor_has_a_sender_all_the_same(void **state)
{
	struct connections connections = { .last_number = 0 };
	const uint64_t ann = comes(&connections, "ann", -1);
	const uint64_t bob = comes(&connections, "bob", -1);

	(void)state;
	assert_int_not_equal(ann, bob);
	connections_replaced(&connections, ann);
	assert_true(known(&connections, "bob"));
	assert_int_equal(connections_next_dropped(&connections), ann);
	connections_fini(&connections);
}

static void what_is_left_is_freed(void **state)
{
	struct connections connections = { .last_number = 0 };

	(void)state;
	connections_fini(&connections);
	comes(&connections, "ann", FD);
	connections_drop(&connections, comes(&connections, "bob", FD));
	connections_replaced(&connections, comes(&connections, "eve", OTHER_FD));
	connections_fini(&connections);
	assert_false(known(&connections, "ann"));
	connections_fini(&connections);
}

/* What the tests below say of each peer when asked whether it lives; by its cookie. */
static bool living[8];

static bool lives(const struct peer *peer)
{
	return living[peer->cookie];
}

/* A silent connection has ended on descriptor 7; ann speaks on its next before that is applied. */
static uint64_t ann_follows_a_silent_one(struct connections *connections)
{
	uint64_t ann;

	*connections = (struct connections){ .lives = lives };
	living[1] = true;
	assert_int_equal(connections_accepted(connections, 7), 0);
	ann = connections_add(connections, "ann", 3, 7, true, 1)->number;
	assert_int_equal(connections_disconnected(connections, 7), 0);
	assert_int_equal(connections_accepted(connections, 7), 0);
	assert_int_equal(connections_next_dropped(connections), 0);
	return ann;
}

static void the_end_of_a_silent_connection_is_not_taken_for_the_next_ones(void **state)
{
	struct connections connections;
	const uint64_t ann = ann_follows_a_silent_one(&connections);

	(void)state;
	connections_heard(&connections, ann);
	assert_int_equal(connections.doubtful, 0);
	living[1] = false;
	assert_true(connections_disconnected(&connections, 7) == ann);
	connections_fini(&connections);
}

static void who_is_in_doubt_and_gone_is_found_out_by_looking(void **state)
{
	struct connections connections;
	const uint64_t ann = ann_follows_a_silent_one(&connections);

	(void)state;
	connections_review(&connections);
	assert_int_equal(connections_next_dropped(&connections), 0);
	living[1] = false;
	connections_review(&connections);
	assert_true(connections_next_dropped(&connections) == ann);
	assert_int_equal(connections.doubtful, 0);
	assert_null(connections_find(&connections, "ann", 3));
	connections_fini(&connections);
}

static void a_doubt_ends(void **state)
{
	struct connections connections;
	const uint64_t ann = ann_follows_a_silent_one(&connections);

	(void)state;
	for (int i = 0; connections.doubtful > 0; i++) {
		assert_true(i < 100);
		connections_review(&connections);
	}
	assert_int_equal(connections_next_dropped(&connections), 0);
	assert_non_null(connections_find_number(&connections, ann));
	connections_fini(&connections);
}

/* Ann spoke, and was gone before her first message was read: the socket seen was bob's. */
static void who_speaks_on_a_doubtful_ones_descriptor_takes_its_place(void **state)
{
	struct connections connections = { .lives = lives };
	uint64_t ann, bob;

	(void)state;
	living[2] = true;
	assert_int_equal(connections_accepted(&connections, 7), 0);
	ann = connections_add(&connections, "ann", 3, 7, true, 2)->number;
	assert_int_equal(connections_disconnected(&connections, 7), 0);
	bob = connections_add(&connections, "bob", 3, 7, true, 2)->number;
	assert_true(connections_next_dropped(&connections) == ann);
	assert_int_equal(connections_accepted(&connections, 7), 0);
	living[2] = false;
	assert_true(connections_disconnected(&connections, 7) == bob);
	connections_fini(&connections);
}

/* A peer is first heard when its descriptor is the next one's already, and so has that one's
 * cookie. */
static uint64_t heard_as(struct connections *connections, const char *id, size_t bytes,
                         uint64_t cookie)
{
	return connections_add(connections, id, bytes, FD, true, cookie)->number;
}

static void of_two_with_one_cookie_the_earlier_one_is_gone(void **state)
{
	struct connections connections = { .lives = lives };
	uint64_t ann, bob;

	(void)state;
	living[0] = false;
	living[2] = true;
	connections_accepted(&connections, FD);
	ann = heard_as(&connections, "ann", 3, 2);
	bob = heard_as(&connections, "bob", 3, 2);
	assert_int_equal(connections_disconnected(&connections, FD), ann);
	connections_accepted(&connections, FD);
	living[2] = false;
	assert_int_equal(connections_disconnected(&connections, FD), bob);
	assert_null(connections.by_number);
	connections_fini(&connections);
}

static void who_was_taken_for_the_next_one_goes_when_that_speaks(void **state)
{
	struct connections connections = { .lives = lives };
	uint64_t ann, bob;

	(void)state;
	living[0] = false;
	living[2] = true;
	connections_accepted(&connections, FD);
	ann = heard_as(&connections, "ann", 3, 2);
	assert_int_equal(connections_disconnected(&connections, FD), 0);
	connections_accepted(&connections, FD);
	for (int i = 0; i < 100; i++)
		connections_review(&connections);
	assert_int_equal(connections.doubtful, 0);
	bob = heard_as(&connections, "bob", 3, 2);
	assert_int_equal(connections_next_dropped(&connections), ann);
	living[2] = false;
	assert_int_equal(connections_disconnected(&connections, FD), bob);
	assert_null(connections.by_number);
	connections_fini(&connections);
}

/* Of those whose routing ids the ROUTER gives it is known who came first, whoever is heard first.
 */
static void the_routing_id_tells_who_came_first(void **state)
{
	struct connections connections = { .lives = lives };
	uint64_t first, second;

	(void)state;
	living[0] = false;
	living[2] = true;
	connections_accepted(&connections, FD);
	second = heard_as(&connections, "\0\x80\0\0\x01", 5, 2);
	first = heard_as(&connections, "\0\x7f\xff\xff\xff", 5, 2);
	assert_int_equal(connections_disconnected(&connections, FD), first);
	connections_accepted(&connections, FD);
	living[2] = false;
	assert_int_equal(connections_disconnected(&connections, FD), second);
	assert_null(connections.by_number);
	connections_fini(&connections);
}

/* It comes back on another connection while it is in doubt on this one, whose end was applied. */
static void who_is_replaced_while_in_doubt_leaves_no_generation(void **state)
{
	struct connections connections = { .lives = lives };
	uint64_t ann, bob;

	(void)state;
	living[1] = true;
	connections_accepted(&connections, FD);
	ann = heard_as(&connections, "ann", 3, 1);
	assert_int_equal(connections_disconnected(&connections, FD), 0);
	connections_replaced(&connections, ann);
	assert_int_equal(connections_next_dropped(&connections), ann);
	living[1] = false;
	connections_accepted(&connections, FD);
	bob = heard_as(&connections, "bob", 3, 3);
	assert_int_equal(connections_disconnected(&connections, FD), bob);
	connections_fini(&connections);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_connection_is_the_peer_that_sent_on_it),
		cmocka_unit_test(a_message_may_come_before_its_connection_is_told),
		cmocka_unit_test(numbers_are_never_zero_and_never_used_again),
		cmocka_unit_test(descriptors_do_not_disturb_each_other),
		cmocka_unit_test(a_routing_id_may_hold_any_bytes),
		cmocka_unit_test(every_order_of_three_that_send_is_told_apart),
		cmocka_unit_test(one_that_never_sends_is_told_apart_once_it_is_known_to_be_gone),
		cmocka_unit_test(nobody_outlives_its_connection_in_any_order),
		cmocka_unit_test(who_is_dropped_is_told_once),
		cmocka_unit_test(the_dropped_are_told_in_their_order),
		cmocka_unit_test(nobody_is_dropped_who_is_unknown),
		cmocka_unit_test(a_dropped_peer_whose_connection_ends_first_is_still_told_once),
		cmocka_unit_test(a_routing_id_that_comes_back_elsewhere_is_another_peer),
		cmocka_unit_test(the_end_of_a_replaced_peer_is_not_the_end_of_the_next),
		cmocka_unit_test(a_replaced_peer_is_told_once_though_it_was_dropped),
		cmocka_unit_test(the_end_of_an_unknown_descriptor_is_nobody_s),
		cmocka_unit_test(a_message_without_a_descriptor_has_a_sender_all_the_same),
		cmocka_unit_test(what_is_left_is_freed),
		cmocka_unit_test(the_end_of_a_silent_connection_is_not_taken_for_the_next_ones),
		cmocka_unit_test(who_is_in_doubt_and_gone_is_found_out_by_looking),
		cmocka_unit_test(a_doubt_ends),
		cmocka_unit_test(who_speaks_on_a_doubtful_ones_descriptor_takes_its_place),
		cmocka_unit_test(of_two_with_one_cookie_the_earlier_one_is_gone),
		cmocka_unit_test(who_was_taken_for_the_next_one_goes_when_that_speaks),
		cmocka_unit_test(the_routing_id_tells_who_came_first),
		cmocka_unit_test(who_is_replaced_while_in_doubt_leaves_no_generation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
