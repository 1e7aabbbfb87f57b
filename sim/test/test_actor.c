/* test_actor.c: a worker's loop, on a buffer that is an array. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../actor.h"

enum { ITEMS = 10, ITEM_MAX = 64 };

/* The port's other side. */
struct fake {
	unsigned char items[ITEMS][ITEM_MAX];
	size_t sizes[ITEMS];
	size_t put, got;
	size_t fails_at; /* this operation, from 1 */
	int error;
	uint64_t token;
	int observed;
	bool backwards;
};

static int fake_put(void *context, const void *item, size_t size_bytes)
{
	struct fake *fake = context;

	if (fake->put + 1 == fake->fails_at)
		return fake->error;
	memcpy(fake->items[fake->put], item, size_bytes);
	fake->sizes[fake->put++] = size_bytes;
	fake->token += 10;
	return 0;
}

static int fake_get(void *context, void *item, size_t room_bytes, size_t *size_bytes)
{
	struct fake *fake = context;

	assert_true(fake->sizes[fake->got] <= room_bytes);
	memcpy(item, fake->items[fake->got], fake->sizes[fake->got]);
	*size_bytes = fake->sizes[fake->got++];
	fake->token += 10;
	return 0;
}

static uint64_t fake_token(void *context)
{
	return ((struct fake *)context)->token;
}

static void observe(void *observer, int64_t begin_ns, int64_t end_ns)
{
	struct fake *fake = observer;

	fake->observed++;
	fake->backwards |= end_ns < begin_ns;
}

static struct actor actor_of(struct fake *fake, enum actor_role role, struct audit_entry *log,
                             uint64_t *done)
{
	return (struct actor){ .role = role,
		               .number = 3,
		               .items = ITEMS,
		               .item_bytes = 21,
		               .port = { fake, fake_put, fake_get, fake_token },
		               .seed = 1,
		               .log = log,
		               .done = done,
		               .observe = observe,
		               .observer = fake };
}

static void consumer_gets_what_a_producer_put(void **state)
{
	struct fake fake = { .token = 0 };
	struct audit_entry put[ITEMS], got[ITEMS];
	uint64_t done = 0;
	struct actor producer = actor_of(&fake, ACTOR_PRODUCER, put, &done);
	struct actor consumer = actor_of(&fake, ACTOR_CONSUMER, got, NULL);

	(void)state;
	assert_int_equal(actor_run(&producer), 0);
	assert_int_equal(done, ITEMS);
	assert_int_equal(actor_run(&consumer), 0);
	assert_int_equal(fake.observed, 2 * ITEMS);
	assert_false(fake.backwards);
	for (uint32_t i = 0; i < ITEMS; i++) {
		assert_int_equal(put[i].producer, 3);
		assert_int_equal(put[i].number, i);
		assert_int_equal(put[i].token, 10 * (i + 1));
		assert_int_equal(got[i].producer, 3);
		assert_int_equal(got[i].number, i);
		assert_int_equal(got[i].token, 10 * (ITEMS + i + 1));
	}
}

static void smallest_item_will_do(void **state)
{
	struct fake fake = { .token = 0 };
	struct audit_entry log[ITEMS];
	struct actor producer = actor_of(&fake, ACTOR_PRODUCER, log, NULL);
	struct actor consumer = actor_of(&fake, ACTOR_CONSUMER, log, NULL);

	(void)state;
	producer.item_bytes = consumer.item_bytes = sizeof(struct item);
	assert_int_equal(actor_run(&producer), 0);
	assert_int_equal(actor_run(&consumer), 0);
}

static void first_error_ends_it_and_the_log_tells_what_was_done(void **state)
{
	struct fake fake = { .fails_at = 4, .error = ETIMEDOUT };
	struct audit_entry log[ITEMS];
	uint64_t done = 0;
	struct actor producer = actor_of(&fake, ACTOR_PRODUCER, log, &done);

	(void)state;
	assert_int_equal(actor_run(&producer), ETIMEDOUT);
	assert_int_equal(done, 3);
	assert_int_equal(fake.observed, 3);
}

static void changed_byte_is_found_wherever_it_is(void **state)
{
	(void)state;
	for (size_t at = 0; at < 21; at++) {
		struct fake fake = { .token = 0 };
		struct audit_entry log[ITEMS];
		uint64_t done = 0;
		struct actor producer = actor_of(&fake, ACTOR_PRODUCER, log, NULL);
		struct actor consumer = actor_of(&fake, ACTOR_CONSUMER, log, &done);

		assert_int_equal(actor_run(&producer), 0);
		fake.items[2][at] ^= 1;
		assert_int_equal(actor_run(&consumer), EPROTO);
		assert_int_equal(done, 2);
	}
}

static void item_of_another_size_is_found(void **state)
{
	struct fake fake = { .token = 0 };
	struct audit_entry log[ITEMS];
	struct actor producer = actor_of(&fake, ACTOR_PRODUCER, log, NULL);
	struct actor consumer = actor_of(&fake, ACTOR_CONSUMER, log, NULL);

	(void)state;
	assert_int_equal(actor_run(&producer), 0);
	fake.sizes[0]--;
	assert_int_equal(actor_run(&consumer), EPROTO);
}

static void shares_are_even_and_whole(void **state)
{
	(void)state;
	for (uint64_t items = 0; items < 50; items++)
		for (size_t workers = 1; workers < 9; workers++) {
			uint64_t sum = 0;

			for (size_t i = 0; i < workers; i++) {
				const uint64_t share = actor_share(items, workers, i);

				assert_true(share == items / workers ||
				            share == items / workers + 1);
				assert_true(i == 0 || share <= actor_share(items, workers, i - 1));
				sum += share;
			}
			assert_int_equal(sum, items);
		}
	assert_int_equal(actor_share(40, 5, 4), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(consumer_gets_what_a_producer_put),
		cmocka_unit_test(smallest_item_will_do),
		cmocka_unit_test(first_error_ends_it_and_the_log_tells_what_was_done),
		cmocka_unit_test(changed_byte_is_found_wherever_it_is),
		cmocka_unit_test(item_of_another_size_is_found),
		cmocka_unit_test(shares_are_even_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
