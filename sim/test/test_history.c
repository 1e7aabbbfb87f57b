/* test_history.c: operations are told in their order, whatever the order in which logs grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../history.h"

enum { CAPACITY = 1 };

/* Two producers of one item each and a consumer of both, in the order p1 c p2 c. */
static const struct audit_entry first[] = { { 1, 0, 0 } };
static const struct audit_entry second[] = { { 3, 1, 0 } };
static const struct audit_entry got[] = { { 2, 0, 0 }, { 4, 1, 0 } };

struct run {
	uint64_t done[3];
	struct history_log logs[3];
	struct history history;
};

static void begin(struct run *run)
{
	*run = (struct run){ .logs = { { .entries = first, .done = &run->done[0] },
		                       { .entries = second, .done = &run->done[1] },
		                       { .entries = got, .done = &run->done[2] } } };
	run->history = (struct history){ .capacity = CAPACITY,
		                         .producers = 2,
		                         .consumers = 1,
		                         .puts = run->logs,
		                         .gets = run->logs + 2 };
}

/* What can be told now, as text such as "p1=1 c1=0": who, and how many items afterwards. */
static void assert_told(struct run *run, const char *expected)
{
	struct history_event event;
	char text[128] = "";

	while (history_next(&run->history, &event)) {
		char word[32];

		snprintf(word, sizeof(word), "%s%c%zu=%d", text[0] == '\0' ? "" : " ",
		         event.put ? 'p' : 'c', event.worker + 1, (int)event.items);
		strcat(text, word);
	}
	assert_string_equal(text, expected);
}

static void complete_logs_are_told_in_order_of_tokens(void **state)
{
	struct run run;

	(void)state;
	begin(&run);
	assert_told(&run, "");
	run.done[0] = run.done[1] = 1;
	run.done[2] = 2;
	assert_told(&run, "p1=1 c1=0 p2=1 c1=0");
	assert_told(&run, "");
}

static void get_waits_for_its_put(void **state)
{
	struct run run;

	(void)state;
	begin(&run);
	run.done[2] = 1;
	assert_told(&run, "");
	run.done[0] = 1;
	assert_told(&run, "p1=1 c1=0");
}

static void put_waits_for_the_get_that_made_room(void **state)
{
	struct run run;

	(void)state;
	begin(&run);
	run.done[0] = run.done[1] = 1;
	assert_told(&run, "p1=1");
	run.done[2] = 1;
	assert_told(&run, "c1=0 p2=1");
}

static void latecomer_is_told_all_the_same(void **state)
{
	struct run run;

	(void)state;
	begin(&run);
	run.done[1] = 1;
	assert_told(&run, "p2=1");
	/* This put came before, and there was room for it, although the buffer now looks full. */
	run.done[0] = 1;
	assert_told(&run, "p1=1");
	run.done[2] = 2;
	assert_told(&run, "c1=1 c1=0");
}

static void item_of_no_producer_is_not_told(void **state)
{
	static const struct audit_entry strange[] = { { 1, 9, 0 } };
	struct run run;

	(void)state;
	begin(&run);
	run.logs[2].entries = strange;
	run.done[2] = 1;
	assert_told(&run, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete_logs_are_told_in_order_of_tokens),
		cmocka_unit_test(get_waits_for_its_put),
		cmocka_unit_test(put_waits_for_the_get_that_made_room),
		cmocka_unit_test(latecomer_is_told_all_the_same),
		cmocka_unit_test(item_of_no_producer_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
