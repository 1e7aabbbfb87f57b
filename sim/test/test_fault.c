/* test_fault.c: plans repeat by their seed, keep to their kinds and lengths, and are read strictly.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../fault.h"

enum { VICTIMS = 7, FAULTS = 4000 };

static const int64_t lease_ns = 1000000000, mean_ns = 50000000;

static fault_set read_set(const char *text)
{
	fault_set set = 0;
	char wrong[128] = "";

	assert_int_equal(fault_parse(text, &set, wrong, sizeof(wrong)), 0);
	return set;
}

static void one_seed_is_one_plan(void **state)
{
	struct fault_plan plans[3];
	size_t differ = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		fault_plan_init(&plans[i], i == 2 ? 8 : 7, read_set("all"), VICTIMS, mean_ns,
		                lease_ns);
	for (size_t i = 0; i < FAULTS; i++) {
		struct fault a, b, other;

		fault_next(&plans[0], &a);
		fault_next(&plans[1], &b);
		fault_next(&plans[2], &other);
		assert_int_equal(a.kind, b.kind);
		assert_int_equal(a.place, b.place);
		assert_int_equal(a.victim, b.victim);
		assert_int_equal(a.pause_ns, b.pause_ns);
		assert_int_equal(a.length_ns, b.length_ns);
		differ += a.pause_ns != other.pause_ns;
	}
	assert_true(differ > FAULTS / 2);
}

/* What is short ends before the lease does, what is long after it; every kind, place and victim
 * has its turn. */
static void lengths_lie_on_their_side_of_the_lease(void **state)
{
	size_t kinds[FAULT_KINDS] = { 0 }, places[FAULT_PLACES] = { 0 }, victims[VICTIMS] = { 0 };
	struct fault_plan plan;
	double sum = 0;

	(void)state;
	fault_plan_init(&plan, 1, read_set("all"), VICTIMS, mean_ns, lease_ns);
	for (size_t i = 0; i < FAULTS; i++) {
		struct fault fault;

		fault_next(&plan, &fault);
		kinds[fault.kind]++;
		places[fault.place]++;
		victims[fault.victim]++;
		sum += (double)fault.pause_ns;
		switch (fault.kind) {
		case FAULT_CONTROL:
		case FAULT_KILL:
		case FAULT_CUT:
			assert_int_equal(fault.length_ns, 0);
			break;
		case FAULT_FREEZE:
		case FAULT_BLACKOUT:
			assert_true(fault.length_ns > lease_ns);
			break;
		case FAULT_STALL:
			assert_true(fault.length_ns > 0);
			break;
		default:
			assert_true(fault.length_ns > 0 && fault.length_ns < lease_ns);
		}
	}
	for (size_t i = 0; i < FAULT_KINDS; i++)
		assert_true(kinds[i] > FAULTS / FAULT_KINDS / 2);
	for (size_t i = 0; i < FAULT_PLACES; i++)
		assert_true(places[i] > FAULTS / FAULT_PLACES / 2);
	for (size_t i = 0; i < VICTIMS; i++)
		assert_true(victims[i] > FAULTS / VICTIMS / 2);
	assert_true(sum / FAULTS > 0.8 * (double)mean_ns && sum / FAULTS < 1.2 * (double)mean_ns);
}

static void kinds_that_are_not_wanted_do_not_come(void **state)
{
	const fault_set set = read_set("kill+cut");
	struct fault_plan plan;

	(void)state;
	assert_int_equal(set, 1 << FAULT_KILL | 1 << FAULT_CUT);
	fault_plan_init(&plan, 1, set, VICTIMS, mean_ns, lease_ns);
	for (size_t i = 0; i < 100; i++) {
		struct fault fault;

		fault_next(&plan, &fault);
		assert_true(fault.kind == FAULT_KILL || fault.kind == FAULT_CUT);
	}
}

static void every_name_is_read_back(void **state)
{
	(void)state;
	for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++) {
		assert_int_equal(read_set(fault_name(kind)), 1u << kind);
		assert_true(strlen(fault_help(kind)) > 0);
	}
	assert_string_equal(fault_name(FAULT_KINDS), "");
	assert_int_equal(read_set("none"), 0);
	assert_int_equal(read_set("all"), (1u << FAULT_KINDS) - 1);
}

static void what_is_no_set_of_kinds_is_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "", "there is no fault \"\"" },
		{ "kil", "there is no fault \"kil\"" },
		{ "kill+", "there is no fault \"\"" },
		{ "+kill", "there is no fault \"\"" },
		{ "kill + cut", "there is no fault \"kill \"" },
		{ "kill+none", "there is no fault \"none\"" },
		{ "kill+cut+kill", "kill is there twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fault_set set = 77;
		char wrong[128];

		assert_int_equal(fault_parse(bad[i][0], &set, wrong, sizeof(wrong)), EINVAL);
		assert_string_equal(wrong, bad[i][1]);
		assert_int_equal(set, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_seed_is_one_plan),
		cmocka_unit_test(lengths_lie_on_their_side_of_the_lease),
		cmocka_unit_test(kinds_that_are_not_wanted_do_not_come),
		cmocka_unit_test(every_name_is_read_back),
		cmocka_unit_test(what_is_no_set_of_kinds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
