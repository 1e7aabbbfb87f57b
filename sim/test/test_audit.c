/* test_audit.c: each kind of fault is found, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../audit.h"

enum { PRODUCERS = 2, CONSUMERS = 2, MOST = 8 };

/* Logs that a test fills in the order in which things are said to have happened. */
struct story {
	struct audit_entry entries[PRODUCERS + CONSUMERS][MOST];
	uint8_t doubts[PRODUCERS + CONSUMERS][MOST];
	struct audit_log logs[PRODUCERS + CONSUMERS];
	struct audit_overlap overlap; /* counts if its token is not 0 */
	uint64_t token;
	struct audit_result result;
};

static void note(struct story *story, size_t worker, uint32_t producer, uint32_t number)
{
	struct audit_log *log = &story->logs[worker];

	log->entries = story->entries[worker];
	story->entries[worker][log->count++] =
	    (struct audit_entry){ .token = story->token, .producer = producer, .number = number };
}

/* The next owner puts or gets. */
static void put(struct story *story, uint32_t producer, uint32_t number)
{
	story->token++;
	note(story, producer, producer, number);
}

static void get(struct story *story, size_t consumer, uint32_t producer, uint32_t number)
{
	story->token++;
	note(story, PRODUCERS + consumer, producer, number);
}

/* The latest operation of ${worker} is in doubt. */
static void doubt(struct story *story, size_t worker, enum audit_doubt how)
{
	story->doubts[worker][story->logs[worker].count - 1] = (uint8_t)how;
}

/* The next owner is killed in the midst of a put, or of a get: then only the token is known. */
static void put_unknown(struct story *story, uint32_t producer, uint32_t number)
{
	put(story, producer, number);
	doubt(story, producer, AUDIT_UNKNOWN);
}

static void get_unknown(struct story *story, size_t consumer)
{
	get(story, consumer, 77, 77);
	doubt(story, PRODUCERS + consumer, AUDIT_UNKNOWN);
}

static void forget_tokens(struct story *story)
{
	for (size_t w = 0; w < PRODUCERS + CONSUMERS; w++)
		for (size_t k = 0; k < MOST; k++)
			story->entries[w][k].token = 0;
}

static const struct audit_result *audit(struct story *story, size_t capacity)
{
	const struct audit_input input = { .capacity = capacity,
		                           .producers = PRODUCERS,
		                           .consumers = CONSUMERS,
		                           .puts = story->logs,
		                           .gets = story->logs + PRODUCERS,
		                           .overlaps = &story->overlap,
		                           .overlap_count = story->overlap.token != 0 };

	for (size_t w = 0; w < PRODUCERS + CONSUMERS; w++)
		story->logs[w].doubts = story->doubts[w];
	assert_int_equal(audit_run(&input, &story->result), 0);
	return &story->result;
}

/* A run in which all is right: at most two items in the buffer. */
static void tell_good_story(struct story *story)
{
	put(story, 0, 0);
	put(story, 1, 0);
	get(story, 0, 0, 0);
	put(story, 0, 1);
	get(story, 1, 1, 0);
	get(story, 1, 0, 1);
	put(story, 1, 1);
	get(story, 0, 1, 1);
}

static void good_run_is_right(void **state)
{
	struct story story = { .token = 41 };
	const struct audit_result *result;
	char text[256];

	(void)state;
	tell_good_story(&story);
	result = audit(&story, 2);
	assert_true(audit_ok(result));
	assert_true(result->history_checked);
	assert_int_equal(result->produced, 4);
	assert_int_equal(result->consumed, 4);
	audit_describe(result, text, sizeof(text));
	assert_string_equal(text,
	                    "all is right: 4 items put, each got once and in order, the buffer "
	                    "never outside its bounds, one owner at a time");
}

static void nothing_at_all_is_right(void **state)
{
	struct story story = { .token = 0 };
	const struct audit_input input = { .capacity = 1 };

	(void)state;
	assert_true(audit_ok(audit(&story, 1)));
	assert_int_equal(audit_run(&input, &story.result), 0);
	assert_true(audit_ok(&story.result));
	assert_false(story.result.history_checked);
}

static void without_tokens_bounds_are_not_checked_and_it_says_so(void **state)
{
	struct story story = { .token = 0 };
	const struct audit_result *result;
	char text[256];

	(void)state;
	tell_good_story(&story);
	forget_tokens(&story);
	result = audit(&story, 1);
	assert_true(audit_ok(result));
	assert_false(result->history_checked);
	audit_describe(result, text, sizeof(text));
	assert_non_null(strstr(text, "bounds and owners not checked"));
}

static void lost_item_is_found(void **state)
{
	struct story story = { .token = 0 };
	const struct audit_result *result;
	char text[256];

	(void)state;
	tell_good_story(&story);
	put(&story, 0, 2);
	result = audit(&story, 2);
	assert_false(audit_ok(result));
	assert_int_equal(result->lost, 1);
	assert_int_equal(result->doubled + result->invented + result->out_of_order +
	                     result->out_of_bounds + result->two_owners,
	                 0);
	audit_describe(result, text, sizeof(text));
	assert_string_equal(text, "violated: of 5 items put and 4 got, 1 lost");
}

static void doubled_item_is_found(void **state)
{
	struct story story = { .token = 0 };
	const struct audit_result *result;

	(void)state;
	put(&story, 0, 0);
	put(&story, 1, 0);
	get(&story, 0, 0, 0);
	get(&story, 1, 0, 0);
	result = audit(&story, 2);
	assert_false(audit_ok(result));
	assert_int_equal(result->doubled, 1);
	assert_int_equal(result->lost, 1);
	forget_tokens(&story);
	assert_int_equal(audit(&story, 2)->doubled, 1);
}

static void invented_items_are_found(void **state)
{
	struct story strange = { .token = 0 }, wrong = { .token = 0 };
	struct story foreign = { .token = 0 }, early = { .token = 0 };

	(void)state;
	put(&strange, 0, 0);
	get(&strange, 0, 0, 1); /* no such number */
	put(&strange, 0, 1);
	get(&strange, 0, PRODUCERS, 0); /* no such producer */
	get(&strange, 0, UINT32_MAX, UINT32_MAX);
	assert_true(audit(&strange, 2)->invented >= 2);
	assert_false(audit_ok(&strange.result));

	put(&wrong, 0, 1); /* as its first */
	assert_int_equal(audit(&wrong, 2)->invented, 1);

	foreign.token++;
	note(&foreign, 0, 1, 0); /* another producer's, as its own */
	get(&foreign, 0, 0, 0);  /* which makes this one an item that was never put */
	assert_int_equal(audit(&foreign, 2)->invented, 2);

	put(&early, 1, 0);
	get(&early, 0, 0, 0); /* put only afterwards */
	put(&early, 0, 0);
	get(&early, 0, 1, 0);
	assert_int_equal(audit(&early, 2)->invented, 1);
	assert_int_equal(early.result.lost + early.result.doubled + early.result.out_of_bounds, 0);
}

static void order_between_consumers_is_checked_by_tokens(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	put(&story, 0, 1);
	get(&story, 0, 0, 1);
	get(&story, 1, 0, 0);
	assert_int_equal(audit(&story, 2)->out_of_order, 1);
	assert_int_equal(story.result.lost + story.result.doubled + story.result.invented, 0);
	assert_false(audit_ok(&story.result));
	/* Each consumer by itself got its items in order, and more cannot be said without tokens.
	 */
	forget_tokens(&story);
	assert_int_equal(audit(&story, 2)->out_of_order, 0);
}

static void order_of_one_consumer_is_checked_without_tokens(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	put(&story, 0, 1);
	put(&story, 1, 0);
	get(&story, 0, 0, 1);
	get(&story, 0, 1, 0);
	get(&story, 0, 0, 0);
	forget_tokens(&story);
	assert_int_equal(audit(&story, 3)->out_of_order, 1);
}

static void steps_out_of_bounds_are_counted(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	tell_good_story(&story);
	/* Twice a second item goes into a buffer for one. */
	assert_int_equal(audit(&story, 1)->out_of_bounds, 2);
	assert_false(audit_ok(&story.result));
}

static void buffer_below_zero_is_out_of_bounds(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	get(&story, 0, 0, 0);
	put(&story, 0, 0);
	assert_int_equal(audit(&story, 1)->out_of_bounds, 1);
}

static void one_token_of_two_workers_is_two_owners(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	note(&story, 1, 1, 0);
	note(&story, PRODUCERS, 0, 0);
	get(&story, 0, 1, 0);
	assert_int_equal(audit(&story, 2)->two_owners, 3);
	assert_int_equal(story.result.out_of_bounds + story.result.invented, 0);
	assert_false(audit_ok(&story.result));
}

/* Where others have tokens, who has none was no owner. */
static void operation_without_a_token_among_others_is_found(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	get(&story, 0, 0, 0);
	story.token = UINT64_MAX; /* the next one is 0 */
	put(&story, 0, 1);
	story.token = 10;
	get(&story, 0, 0, 1);
	assert_int_equal(audit(&story, 2)->two_owners, 1);
	assert_false(audit_ok(&story.result));
}

static void one_owner_may_do_several_operations(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	note(&story, 0, 0, 1);
	get(&story, 0, 0, 0);
	note(&story, PRODUCERS, 0, 1);
	assert_true(audit_ok(audit(&story, 2)));
}

static void token_that_falls_is_found(void **state)
{
	struct story story = { .token = 10 };

	(void)state;
	put(&story, 0, 0);
	get(&story, 0, 0, 0);
	story.token = 1;
	put(&story, 0, 1);
	story.token = 20;
	get(&story, 0, 0, 1);
	assert_int_equal(audit(&story, 2)->two_owners, 1);
}

/* A long run of a simulated buffer, with many workers: right as it is, and wrong once two entries
 * have changed places. */
static void long_run_is_right_until_two_entries_change_places(void **state)
{
	enum { P = 7, C = 5, ITEMS = 2100, CAPACITY = 11 };
	static struct audit_entry puts[P][ITEMS / P], gets[C][ITEMS / C], buffer[CAPACITY];
	struct audit_log put_logs[P], get_logs[C];
	const struct audit_input input = { .capacity = CAPACITY,
		                           .producers = P,
		                           .consumers = C,
		                           .puts = put_logs,
		                           .gets = get_logs };
	struct audit_result result;
	struct audit_entry kept;
	uint64_t token = 0, random = 1;
	size_t put_count = 0, got_count = 0;

	(void)state;
	while (got_count < ITEMS) {
		const size_t length = put_count - got_count;

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		if (length == 0 || (length < CAPACITY && put_count < ITEMS && random >> 63 != 0)) {
			const size_t p = put_count % P, k = put_count / P;

			puts[p][k] = (struct audit_entry){ ++token, (uint32_t)p, (uint32_t)k };
			buffer[put_count++ % CAPACITY] = puts[p][k];
		} else {
			struct audit_entry *entry = &gets[got_count % C][got_count / C];

			*entry = buffer[got_count++ % CAPACITY];
			entry->token = ++token;
		}
	}
	for (size_t p = 0; p < P; p++)
		put_logs[p] = (struct audit_log){ .entries = puts[p], .count = ITEMS / P };
	for (size_t c = 0; c < C; c++)
		get_logs[c] = (struct audit_log){ .entries = gets[c], .count = ITEMS / C };
	assert_int_equal(audit_run(&input, &result), 0);
	assert_true(audit_ok(&result));
	assert_int_equal(result.produced, ITEMS);

	kept = gets[2][100];
	gets[2][100].number = gets[2][107].number;
	gets[2][107].number = kept.number;
	assert_int_equal(audit_run(&input, &result), 0);
	assert_false(audit_ok(&result));
	assert_true(result.out_of_order > 0);
}

static void unknown_put_may_have_happened_or_not(void **state)
{
	struct story absent = { .token = 0 }, there = { .token = 0 };
	const struct audit_result *result;

	(void)state;
	put(&absent, 0, 0);
	put_unknown(&absent, 0, 1);
	put(&absent, 0, 2);
	get(&absent, 0, 0, 0);
	get(&absent, 0, 0, 2);
	/* It did not happen, so two items were in the buffer and never three. */
	result = audit(&absent, 2);
	assert_true(audit_ok(result));
	assert_int_equal(result->unknown, 1);
	assert_int_equal(result->taken + result->stale, 0);

	put(&there, 0, 0);
	put_unknown(&there, 0, 1);
	get(&there, 0, 0, 0);
	get(&there, 1, 0, 1);
	assert_true(audit_ok(audit(&there, 2)));
	/* It did happen; in a buffer for one it must have been later than by its token. */
	assert_int_equal(audit(&there, 1)->stale, 1);
	put(&there, 1, 0);
	put(&there, 1, 1);
	get(&there, 0, 1, 0);
	get(&there, 0, 1, 1);
	assert_int_equal(audit(&there, 1)->out_of_bounds, 1);
}

static void item_of_who_died_in_getting_it_is_taken_and_not_lost(void **state)
{
	struct story story = { .token = 0 };
	const struct audit_result *result;

	(void)state;
	put(&story, 0, 0);
	put(&story, 0, 1);
	get_unknown(&story, 0);
	get(&story, 1, 0, 1);
	result = audit(&story, 2);
	assert_true(audit_ok(result));
	assert_int_equal(result->taken, 1);
	assert_int_equal(result->unknown, 1);
	assert_int_equal(result->stale, 0);
	/* Without that death it is lost. */
	doubt(&story, PRODUCERS, AUDIT_CERTAIN);
	story.logs[PRODUCERS].count = 0;
	assert_int_equal(audit(&story, 2)->lost, 1);
}

static void one_death_takes_one_item(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	put(&story, 1, 0);
	get_unknown(&story, 0);
	assert_int_equal(audit(&story, 2)->lost, 1);
	assert_int_equal(story.result.taken, 1);
	get_unknown(&story, 1);
	assert_true(audit_ok(audit(&story, 2)));
	assert_int_equal(story.result.taken, 2);
}

/* What it took must have been there, and have had its turn. */
static void who_died_cannot_have_taken_just_anything(void **state)
{
	struct story early = { .token = 0 }, later = { .token = 0 }, before = { .token = 0 };

	(void)state;
	get_unknown(&early, 0);
	put(&early, 0, 0);
	assert_int_equal(audit(&early, 2)->lost, 1);

	put(&later, 0, 0);
	put(&later, 0, 1);
	get_unknown(&later, 0); /* (0, 0) was still before it */
	get(&later, 1, 0, 0);
	assert_int_equal(audit(&later, 2)->lost, 1);

	put(&before, 0, 0);
	put(&before, 0, 1);
	get(&before, 1, 0, 1); /* (0, 0) must have been gone by then */
	get_unknown(&before, 0);
	assert_int_equal(audit(&before, 2)->lost, 1);
}

static void unknown_get_that_took_nothing_is_right_too(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	get_unknown(&story, 0);
	get(&story, 1, 0, 0);
	assert_true(audit_ok(audit(&story, 1)));
	assert_int_equal(story.result.unknown, 1);
	assert_int_equal(story.result.taken, 0);
}

/* Producer 0 was granted the monitor when the buffer was empty, lost it without knowing, and put
 * its item when producer 1 had filled the buffer and a consumer had made room again: by their
 * tokens there were two items in a buffer for one. */
static void late_put_is_told_apart_from_a_fault(void **state)
{
	struct story story = { .token = 0 };
	const struct audit_result *result;

	(void)state;
	put(&story, 0, 0);
	put(&story, 1, 0);
	get(&story, 0, 1, 0);
	get(&story, 1, 0, 0);
	assert_int_equal(audit(&story, 1)->out_of_bounds, 1);
	assert_false(audit_ok(&story.result));
	doubt(&story, 0, AUDIT_LATE);
	result = audit(&story, 1);
	assert_true(audit_ok(result));
	assert_int_equal(result->stale, 1);
	/* Late is not lost. */
	story.logs[PRODUCERS + 1].count = 0;
	assert_int_equal(audit(&story, 1)->lost, 1);
}

static void late_get_may_be_out_of_order_but_not_double(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	put(&story, 0, 1);
	get(&story, 1, 0, 1); /* by its token the first */
	get(&story, 0, 0, 0);
	assert_int_equal(audit(&story, 2)->out_of_order, 1);
	doubt(&story, PRODUCERS + 1, AUDIT_LATE);
	assert_true(audit_ok(audit(&story, 2)));
	assert_int_equal(story.result.stale, 1);
	get(&story, 0, 0, 1);
	assert_int_equal(audit(&story, 2)->doubled, 1);
}

static void doubts_that_explain_nothing_are_no_excuse(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	doubt(&story, 0, AUDIT_LATE);
	get(&story, 0, 0, 0);
	put(&story, 1, 0);
	put(&story, 1, 1);
	put(&story, 1, 2);
	get(&story, 0, 1, 0);
	get(&story, 0, 1, 1);
	get(&story, 0, 1, 2);
	assert_int_equal(audit(&story, 1)->out_of_bounds, 3);
	assert_int_equal(story.result.stale, 0);
}

static void overlap_is_two_owners_unless_the_mover_had_lost_its_ownership(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	put(&story, 0, 0);
	get(&story, 0, 0, 0);
	story.overlap = (struct audit_overlap){ .worker = PRODUCERS, .token = 2 };
	assert_int_equal(audit(&story, 1)->two_owners, 1);
	assert_false(audit_ok(&story.result));
	doubt(&story, PRODUCERS, AUDIT_LATE);
	assert_true(audit_ok(audit(&story, 1)));
	assert_int_equal(story.result.stale, 1);
}

static void numbers_go_on_from_round_to_round(void **state)
{
	struct story story = { .token = 0 };

	(void)state;
	story.logs[0].first_number = 5;
	put(&story, 0, 5);
	put(&story, 0, 6);
	get(&story, 0, 0, 5);
	get(&story, 0, 0, 6);
	assert_true(audit_ok(audit(&story, 2)));
	get(&story, 0, 0, 4); /* of the round before */
	assert_int_equal(audit(&story, 2)->invented, 1);
	story.logs[0].first_number = 4;
	assert_false(audit_ok(audit(&story, 2)));
}

static void sentence_is_cut_to_its_room(void **state)
{
	struct audit_result result;
	char text[1024], little[10];

	(void)state;
	memset(&result, 0xff, sizeof(result) - sizeof(uint64_t)); /* but history_checked */
	result.history_checked = true;
	audit_describe(&result, text, sizeof(text));
	assert_non_null(strstr(text, "operations under two owners"));
	audit_describe(&result, little, sizeof(little));
	assert_string_equal(little, "violated:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_run_is_right),
		cmocka_unit_test(nothing_at_all_is_right),
		cmocka_unit_test(without_tokens_bounds_are_not_checked_and_it_says_so),
		cmocka_unit_test(lost_item_is_found),
		cmocka_unit_test(doubled_item_is_found),
		cmocka_unit_test(invented_items_are_found),
		cmocka_unit_test(order_between_consumers_is_checked_by_tokens),
		cmocka_unit_test(order_of_one_consumer_is_checked_without_tokens),
		cmocka_unit_test(steps_out_of_bounds_are_counted),
		cmocka_unit_test(buffer_below_zero_is_out_of_bounds),
		cmocka_unit_test(one_token_of_two_workers_is_two_owners),
		cmocka_unit_test(operation_without_a_token_among_others_is_found),
		cmocka_unit_test(one_owner_may_do_several_operations),
		cmocka_unit_test(token_that_falls_is_found),
		cmocka_unit_test(long_run_is_right_until_two_entries_change_places),
		cmocka_unit_test(unknown_put_may_have_happened_or_not),
		cmocka_unit_test(item_of_who_died_in_getting_it_is_taken_and_not_lost),
		cmocka_unit_test(one_death_takes_one_item),
		cmocka_unit_test(who_died_cannot_have_taken_just_anything),
		cmocka_unit_test(unknown_get_that_took_nothing_is_right_too),
		cmocka_unit_test(late_put_is_told_apart_from_a_fault),
		cmocka_unit_test(late_get_may_be_out_of_order_but_not_double),
		cmocka_unit_test(doubts_that_explain_nothing_are_no_excuse),
		cmocka_unit_test(overlap_is_two_owners_unless_the_mover_had_lost_its_ownership),
		cmocka_unit_test(numbers_go_on_from_round_to_round),
		cmocka_unit_test(sentence_is_cut_to_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
