/* test_ring.c: the ring at its edges, around its end, and with memory that lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../ring.h"

enum { CAPACITY = 3, ITEM_MAX = 10 };

/* The header's words, as the file that owns them lays them out. */
enum { MAGIC, HEADER_CAPACITY, HEADER_ITEM_MAX, TOKEN, HEAD, TAIL, FIRST_SLOT };

static uint64_t *new_block(struct ring *ring)
{
	const size_t bytes = ring_bytes(CAPACITY, ITEM_MAX);
	uint64_t *block = calloc(1, bytes);

	assert_non_null(block);
	ring_make(block, CAPACITY, ITEM_MAX);
	assert_int_equal(ring_attach(ring, block, bytes, CAPACITY, ITEM_MAX), 0);
	return block;
}

static void assert_length(const struct ring *ring, size_t expected)
{
	size_t length = SIZE_MAX;

	assert_int_equal(ring_length(ring, &length), 0);
	assert_int_equal(length, expected);
}

static void put(struct ring *ring, const char *item)
{
	assert_int_equal(ring_put(ring, 1, item, strlen(item)), 0);
}

static void assert_get(struct ring *ring, const char *expected)
{
	char item[ITEM_MAX];
	size_t size = SIZE_MAX;

	assert_int_equal(ring_get(ring, 1, item, sizeof(item), &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(item, expected, size);
}

static void items_come_out_as_they_went_in_many_times_around(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);

	(void)state;
	assert_length(&ring, 0);
	for (int round = 0; round < 10; round++) {
		put(&ring, "a");
		put(&ring, "");
		assert_length(&ring, 2);
		assert_get(&ring, "a");
		put(&ring, "0123456789");
		put(&ring, "bcd");
		assert_length(&ring, 3);
		assert_get(&ring, "");
		assert_get(&ring, "0123456789");
		assert_get(&ring, "bcd");
		assert_length(&ring, 0);
	}
	free(block);
}

static void full_and_empty_are_answers(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);
	char item[ITEM_MAX] = "untouched";
	size_t size = 77;

	(void)state;
	assert_int_equal(ring_get(&ring, 1, item, sizeof(item), &size), EAGAIN);
	assert_int_equal(size, 77);
	assert_string_equal(item, "untouched");
	put(&ring, "1");
	put(&ring, "2");
	put(&ring, "3");
	assert_int_equal(ring_put(&ring, 1, "4", 1), EAGAIN);
	assert_length(&ring, 3);
	assert_get(&ring, "1");
	free(block);
}

static void sizes_are_checked_on_both_sides(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);
	char item[ITEM_MAX] = "untouched";
	size_t size = 77;

	(void)state;
	assert_int_equal(ring_put(&ring, 1, "01234567890", ITEM_MAX + 1), EMSGSIZE);
	assert_length(&ring, 0);
	put(&ring, "four");
	assert_int_equal(ring_get(&ring, 1, item, 3, &size), EMSGSIZE);
	assert_int_equal(size, 77);
	assert_string_equal(item, "untouched");
	assert_length(&ring, 1);
	assert_get(&ring, "four");
	put(&ring, "");
	assert_int_equal(ring_get(&ring, 1, NULL, 0, &size), 0);
	assert_int_equal(size, 0);
	free(block);
}

static void capacity_and_size_of_one_will_do(void **state)
{
	uint64_t block[16] = { 0 };
	struct ring ring;
	unsigned char item;
	size_t size;

	(void)state;
	assert_true(ring_bytes(1, 1) <= sizeof(block));
	ring_make(block, 1, 1);
	assert_int_equal(ring_attach(&ring, block, sizeof(block), 1, 1), 0);
	for (unsigned char i = 0; i < 100; i++) {
		assert_int_equal(ring_put(&ring, 1, &i, 1), 0);
		assert_int_equal(ring_put(&ring, 1, &i, 1), EAGAIN);
		assert_int_equal(ring_get(&ring, 1, &item, 1, &size), 0);
		assert_int_equal(item, i);
	}
}

static void sizes_beyond_counting_need_more_than_there_is(void **state)
{
	(void)state;
	assert_true(ring_bytes(SIZE_MAX, 8) == SIZE_MAX);
	assert_true(ring_bytes(1, SIZE_MAX) == SIZE_MAX);
	assert_true(ring_bytes(SIZE_MAX / 16, 8) == SIZE_MAX);
	assert_true(ring_bytes(1 << 20, 1 << 20) < SIZE_MAX);
}

static void two_views_at_different_addresses_are_one_ring(void **state)
{
	struct ring here, there;
	uint64_t *block = new_block(&here);

	(void)state;
	/* A copy of the bytes elsewhere works as the original did: there are only offsets in it. */
	put(&here, "x");
	put(&here, "yy");
	uint64_t *copy = malloc(ring_bytes(CAPACITY, ITEM_MAX));
	assert_non_null(copy);
	memcpy(copy, block, ring_bytes(CAPACITY, ITEM_MAX));
	free(block);
	assert_int_equal(
	    ring_attach(&there, copy, ring_bytes(CAPACITY, ITEM_MAX), CAPACITY, ITEM_MAX), 0);
	assert_get(&there, "x");
	assert_get(&there, "yy");
	free(copy);
}

static void only_a_finished_ring_of_these_sizes_can_be_attached(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);
	const size_t bytes = ring_bytes(CAPACITY, ITEM_MAX);

	(void)state;
	assert_int_equal(ring_attach(&ring, block, bytes, CAPACITY + 1, ITEM_MAX), EEXIST);
	assert_int_equal(ring_attach(&ring, block, bytes, CAPACITY, ITEM_MAX - 1), EEXIST);
	assert_int_equal(ring_attach(&ring, block, bytes - 1, CAPACITY, ITEM_MAX), EPROTO);
	assert_int_equal(ring_attach(&ring, block, 8, CAPACITY, ITEM_MAX), ENODATA);
	block[HEADER_CAPACITY] = UINT64_MAX;
	assert_int_equal(ring_attach(&ring, block, bytes, CAPACITY, ITEM_MAX), EEXIST);
	block[MAGIC] = 0;
	assert_int_equal(ring_attach(&ring, block, bytes, CAPACITY, ITEM_MAX), ENODATA);
	free(block);
}

static void counters_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		uint64_t head, tail;
	} rows[] = { { 0, CAPACITY + 1 }, { 1, 0 }, { UINT64_MAX, 100 }, { 0, UINT64_MAX } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ring ring;
		uint64_t *block = new_block(&ring);
		char item[ITEM_MAX];
		size_t size = 77;

		block[HEAD] = rows[i].head;
		block[TAIL] = rows[i].tail;
		assert_int_equal(ring_length(&ring, &size), EPROTO);
		assert_int_equal(ring_put(&ring, 1, "x", 1), EPROTO);
		assert_int_equal(ring_get(&ring, 1, item, sizeof(item), &size), EPROTO);
		assert_int_equal(size, 77);
		free(block);
	}
}

static void item_longer_than_its_slot_is_refused(void **state)
{
	static const uint64_t sizes[] = { ITEM_MAX + 1, 1 << 20, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct ring ring;
		uint64_t *block = new_block(&ring);
		char item[64];
		size_t size = 77;

		put(&ring, "x");
		block[FIRST_SLOT] = sizes[i];
		assert_int_equal(ring_get(&ring, 1, item, sizeof(item), &size), EPROTO);
		assert_int_equal(size, 77);
		assert_length(&ring, 1);
		free(block);
	}
}

/* The header's own sizes decide nothing once it is attached: whoever changes them later cannot make
 * this process reach outside the block. */
static void sizes_changed_afterwards_are_not_believed(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);

	(void)state;
	block[HEADER_CAPACITY] = block[HEADER_ITEM_MAX] = UINT64_MAX / 2;
	put(&ring, "1");
	put(&ring, "2");
	put(&ring, "3");
	assert_int_equal(ring_put(&ring, 1, "4", 1), EAGAIN);
	assert_get(&ring, "1");
	free(block);
}

/* Who has looked and gone keeps out those before it, though nothing has changed. */
static void owner_before_one_that_only_looked_is_refused(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);
	char item[ITEM_MAX];
	size_t size;

	(void)state;
	assert_int_equal(ring_put(&ring, 7, "a", 1), 0);
	assert_int_equal(ring_enter(&ring, 9), 0);
	assert_int_equal(ring_enter(&ring, 9), 0);
	assert_int_equal(ring_put(&ring, 8, "b", 1), ESTALE);
	assert_int_equal(ring_get(&ring, 8, item, sizeof(item), &size), ESTALE);
	assert_int_equal(ring_enter(&ring, 8), ESTALE);
	assert_int_equal(ring_enter(&ring, 0), ESTALE);
	assert_length(&ring, 1);
	assert_int_equal(ring_put(&ring, 9, "b", 1), 0);
	free(block);
}

static void owner_of_a_lower_token_is_refused(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);
	char item[ITEM_MAX];
	size_t size;

	(void)state;
	assert_int_equal(ring_put(&ring, 0, "a", 1), ESTALE);
	assert_int_equal(ring_put(&ring, 7, "a", 1), 0);
	assert_int_equal(ring_put(&ring, 6, "b", 1), ESTALE);
	assert_int_equal(ring_get(&ring, 6, item, sizeof(item), &size), ESTALE);
	assert_int_equal(ring_put(&ring, 7, "b", 1), 0);
	assert_int_equal(ring_get(&ring, UINT64_MAX, item, sizeof(item), &size), 0);
	assert_int_equal(ring_get(&ring, 8, item, sizeof(item), &size), ESTALE);
	assert_length(&ring, 1);
	free(block);
}

/* A put writes the slot first and the tail last. Undo that last store, as if the process had been
 * killed before it: nothing was put. The same for a get and the head. */
static void operation_without_its_last_store_has_not_happened(void **state)
{
	struct ring ring;
	uint64_t *block = new_block(&ring);

	(void)state;
	put(&ring, "kept");
	put(&ring, "torn");
	block[TAIL]--;
	assert_length(&ring, 1);
	put(&ring, "next");
	assert_get(&ring, "kept");
	block[HEAD]--;
	assert_get(&ring, "kept");
	assert_get(&ring, "next");
	assert_length(&ring, 0);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_out_as_they_went_in_many_times_around),
		cmocka_unit_test(full_and_empty_are_answers),
		cmocka_unit_test(sizes_are_checked_on_both_sides),
		cmocka_unit_test(capacity_and_size_of_one_will_do),
		cmocka_unit_test(sizes_beyond_counting_need_more_than_there_is),
		cmocka_unit_test(two_views_at_different_addresses_are_one_ring),
		cmocka_unit_test(only_a_finished_ring_of_these_sizes_can_be_attached),
		cmocka_unit_test(counters_that_make_no_sense_are_refused),
		cmocka_unit_test(item_longer_than_its_slot_is_refused),
		cmocka_unit_test(sizes_changed_afterwards_are_not_believed),
		cmocka_unit_test(owner_before_one_that_only_looked_is_refused),
		cmocka_unit_test(owner_of_a_lower_token_is_refused),
		cmocka_unit_test(operation_without_its_last_store_has_not_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
