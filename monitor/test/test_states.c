/* test_states.c: the state table of DESIGN.md and PROTOCOL.md, cell by cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

enum state { OUT, IN_LINE, INSIDE, WAITING, AWAKENED, INSIDE_AFTER_WAIT, STATES };

/* How the polling client ~x gets into each state at monitor m, with ~y as the other one. */
static const char *const ways[STATES] = {
	[OUT] = "",
	[IN_LINE] = "0 ~y ENTER m\n5 ~x ENTER m\n",
	[INSIDE] = "0 ~x ENTER m\n",
	[WAITING] = "0 ~x ENTER m\n5 ~x WAIT m c\n",
	[AWAKENED] = "0 ~x ENTER m\n5 ~x WAIT m c\n10 ~y ENTER m\n15 ~y SIGNAL m c\n",
	[INSIDE_AFTER_WAIT] = ("0 ~x ENTER m\n5 ~x WAIT m c\n10 ~y ENTER m\n15 ~y SIGNAL m c\n"
	                       "20 ~y EXIT m\n"),
};

struct row {
	const char *request;
	const char *answers[STATES];
};

static const struct row rows[] = {
	{ "ENTER m",
	  { "granted m #1", "queued m", "already_inside m", "waiting m", "waiting m",
	    "already_inside m" } },
	{ "EXIT m",
	  { "not_owner m", "not_owner m", "success m next=-", "not_owner m", "not_owner m",
	    "success m next=-" } },
	{ "WAIT m c",
	  { "not_owner m c", "not_owner m c", "waiting_on_condition m c", "not_owner m c",
	    "not_owner m c", "waiting_on_condition m c" } },
	{ "SIGNAL m c",
	  { "not_owner m c", "not_owner m c", "success m c woken=0", "not_owner m c",
	    "not_owner m c", "success m c woken=0" } },
	{ "BROADCAST m c",
	  { "not_owner m c", "not_owner m c", "success m c woken=0", "not_owner m c",
	    "not_owner m c", "success m c woken=0" } },
	{ "CHECK_GRANT m",
	  { "not_waiting m", "queued m", "granted m #1", "queued m", "queued m", "granted m #3" } },
	{ "CHECK_AWAKENED m c",
	  { "not_waiting m c", "queued_after_signal m c", "granted_after_wait m c #1",
	    "still_waiting_on_condition m c", "queued_after_signal m c",
	    "granted_after_wait m c #3" } },
	{ "CHECK_AWAKENED m other",
	  { "not_waiting m other", "queued_after_signal m other", "granted_after_wait m other #1",
	    "not_waiting m other", "not_waiting m other", "not_waiting m other" } },
	{ "CANCEL m",
	  { "not_waiting m", "cancelled m", "too_late m", "cancelled m", "too_late m",
	    "too_late m" } },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The last line of ${trace}, without its time and its client. */
static const char *last_answer(char *trace)
{
	char *line;

	trace[strlen(trace) - 1] = '\0';
	line = strrchr(trace, '\n');
	line = line == NULL ? trace : line + 1;
	return strstr(line, "~x ") + strlen("~x ");
}

static void each_request_is_answered_as_the_table_says(void **state)
{
	(void)state;
	for (int in = 0; in < STATES; in++) {
		for (size_t row = 0; row < ROWS; row++) {
			char script[400];
			char *trace;

			snprintf(script, sizeof(script), "%s50 ~x %s\n", ways[in],
			         rows[row].request);
			trace = world_play(script);
			assert_string_equal(last_answer(trace), rows[row].answers[in]);
			free(trace);
		}
	}
}

/* What does not belong into a state leaves it as it is: the next request is answered as before. */
static void a_refused_request_changes_nothing(void **state)
{
	(void)state;
	for (int in = 0; in < STATES; in++) {
		for (size_t row = 0; row < ROWS; row++) {
			char script[400];
			char *trace;
			const char *answer = rows[row].answers[in];

			if (strncmp(answer, "not_", 4) != 0 && strncmp(answer, "already", 7) != 0 &&
			    strncmp(answer, "waiting m", 9) != 0)
				continue;
			snprintf(script, sizeof(script), "%s50 ~x %s\n60 ~x CHECK_GRANT m\n",
			         ways[in], rows[row].request);
			trace = world_play(script);
			assert_string_equal(last_answer(trace), rows[5].answers[in]);
			free(trace);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_is_answered_as_the_table_says),
		cmocka_unit_test(a_refused_request_changes_nothing),
	};

	return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
