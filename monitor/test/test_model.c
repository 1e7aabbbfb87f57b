/*
 * test_model.c: that the model expects what the core says is shown by test_storm, by the corpus of
 * fuzz_core and by test_record. Here: what only exact times show, and that the model tells a core
 * that is wrong: each rule is broken once in what the core said, and the sentence must name it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../model.h"

#define MS INT64_C(1000000)

struct pair {
	struct dmonitor_core *core;
	struct dmonitor_model *model;
	struct dmonitor_outbox said;
	int64_t now_ms;
	char secrets[8][DMONITOR_SECRET_BYTES + 1]; /* by peer */
	int64_t seqs[8];
};

static void happen(struct pair *pair, struct dmonitor_event *event)
{
	event->now_ns = pair->now_ms * MS;
	assert_int_equal(dmonitor_model_expect(pair->model, event), 0);
	assert_int_equal(dmonitor_core_step(pair->core, event, &pair->said), 0);
	assert_null(dmonitor_core_check(pair->core));
	for (size_t i = 0; i < pair->said.count; i++)
		if (pair->said.deliveries[i].reply.status == DMONITOR_STATUS_WELCOME)
			strcpy(pair->secrets[pair->said.deliveries[i].to],
			       pair->said.deliveries[i].reply.session);
}

static void agree(struct pair *pair)
{
	const char *fault = dmonitor_model_compare(pair->model, &pair->said);

	if (fault != NULL)
		fail_msg("at %lld ms: %s", (long long)pair->now_ms, fault);
}

static void say(struct pair *pair, dmonitor_peer peer, struct dmonitor_request request)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = peer,
		                        .request = &request };

	memset(event.random, (int)peer, sizeof(event.random));
	happen(pair, &event);
}

static void hello(struct pair *pair, dmonitor_peer peer, const char *id)
{
	say(pair, peer,
	    (struct dmonitor_request){ .action = DMONITOR_ACTION_HELLO,
	                               .process_id = id,
	                               .protocol = DMONITOR_PROTOCOL,
	                               .timeout_ms = -1 });
}

static void closed(struct pair *pair, dmonitor_peer peer)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_CLOSED, .peer = peer };

	happen(pair, &event);
}

static void tick(struct pair *pair, int64_t now_ms, uint64_t limit)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_TICK, .limit = limit };

	pair->now_ms = now_ms;
	happen(pair, &event);
}

/* The next numbered request of the session at ${peer}. */
static void ask(struct pair *pair, dmonitor_peer peer, enum dmonitor_action action,
                const char *condition)
{
	say(pair, peer,
	    (struct dmonitor_request){ .action = action,
	                               .session = pair->secrets[peer],
	                               .seq = ++pair->seqs[peer],
	                               .monitor_name = "m",
	                               .condition_name = condition,
	                               .timeout_ms = -1 });
}

static int begin(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START,
		                        .server = "server",
		                        .token = 1000 };

	pair->core = dmonitor_core_new(&dmonitor_core_defaults);
	pair->model = dmonitor_model_new(&dmonitor_core_defaults);
	pair->now_ms = 1;
	happen(pair, &start);
	agree(pair);
	*state = pair;
	return 0;
}

static int end(void **state)
{
	struct pair *pair = *state;

	dmonitor_outbox_fini(&pair->said);
	dmonitor_core_free(&pair->core);
	dmonitor_model_free(&pair->model);
	free(pair);
	return 0;
}

/* The id's owner goes on probation while the other HELLO is held, and one late tick serves both. */
static void a_held_hello_is_answered_by_a_late_tick(void **state)
{
	struct pair *pair = *state;

	hello(pair, 1, "a");
	pair->now_ms = 10;
	hello(pair, 2, "a");
	pair->now_ms = 20;
	closed(pair, 1);
	tick(pair, 75, 0);
	agree(pair);
	assert_int_equal(pair->said.count, 1);
	assert_int_equal(pair->said.deliveries[0].reply.status, DMONITOR_STATUS_WELCOME);
}

/* As a replay of a tick that ran out of memory needs it. */
static void a_tick_serves_no_more_than_its_limit(void **state)
{
	struct pair *pair = *state;

	for (dmonitor_peer peer = 1; peer <= 3; peer++) {
		static const char *const ids[] = { "", "a", "b", "c" };

		hello(pair, peer, ids[peer]);
		ask(pair, peer, DMONITOR_ACTION_ENTER, NULL);
		agree(pair);
	}
	closed(pair, 1);
	closed(pair, 2);
	tick(pair, 100, 1);
	agree(pair);
	assert_int_equal(pair->said.served, 1);
	assert_int_equal(pair->said.count, 0); /* b has it now, and is away */
	tick(pair, 100, 0);
	agree(pair);
	assert_int_equal(pair->said.served, 1);
	assert_int_equal(pair->said.count, 1); /* c has it */
}

/* What a core that is wrong might have said. */

static struct dmonitor_reply *reply_at(struct pair *pair, size_t index)
{
	assert_true(index < pair->said.count);
	return &pair->said.deliveries[index].reply;
}

static void unsay(struct pair *pair, size_t index)
{
	struct dmonitor_outbox *said = &pair->said;

	assert_true(index < said->count);
	memmove(&said->deliveries[index], &said->deliveries[index + 1],
	        (--said->count - index) * sizeof(said->deliveries[0]));
}

static void say_too(struct pair *pair, dmonitor_peer to, struct dmonitor_reply reply)
{
	struct dmonitor_outbox *said = &pair->said;

	said->deliveries =
	    realloc(said->deliveries, (said->count + 1) * sizeof(said->deliveries[0]));
	said->room = said->count + 1;
	strcpy(reply.monitor_name, "m");
	said->deliveries[said->count++] = (struct dmonitor_delivery){ to, reply };
}

static void must_name(struct pair *pair, const char *rule)
{
	const char *fault = dmonitor_model_compare(pair->model, &pair->said);

	if (fault == NULL)
		fail_msg("%s was broken, and not noticed", rule);
	if (strstr(fault, rule) == NULL)
		fail_msg("%s was broken, and this was said: %s", rule, fault);
}

/* a, b and c at peers 1, 2 and 3. */
static struct pair *three(void **state)
{
	struct pair *pair = *state;

	hello(pair, 1, "a");
	hello(pair, 2, "b");
	hello(pair, 3, "c");
	agree(pair);
	return pair;
}

/* a is inside, b and c are in line. */
static struct pair *queue(void **state)
{
	struct pair *pair = three(state);

	for (dmonitor_peer peer = 1; peer <= 3; peer++)
		ask(pair, peer, DMONITOR_ACTION_ENTER, NULL);
	agree(pair);
	return pair;
}

/* a and b wait on "full", c is inside. */
static struct pair *waiters(void **state)
{
	struct pair *pair = three(state);

	for (dmonitor_peer peer = 1; peer <= 3; peer++) {
		ask(pair, peer, DMONITOR_ACTION_ENTER, NULL);
		if (peer < 3)
			ask(pair, peer, DMONITOR_ACTION_WAIT, "full");
	}
	agree(pair);
	return pair;
}

static void an_overtaken_client_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	pair->said.deliveries[0].to = 3;
	must_name(pair, "client c was granted m though b stood before it in line (I5)");
}

static void a_hand_over_that_fails_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	unsay(pair, 0);
	must_name(pair, "(I5: the monitor is handed over at once)");
}

static void a_wrong_next_owner_told_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	strcpy(reply_at(pair, 1)->next_granted_to, "c");
	must_name(pair, "next_granted_to (I5");
}

static void two_owners_are_named(void **state)
{
	struct pair *pair = three(state);

	ask(pair, 1, DMONITOR_ACTION_ENTER, NULL);
	ask(pair, 2, DMONITOR_ACTION_ENTER, NULL);
	say_too(
	    pair, 2,
	    (struct dmonitor_reply){ .status = DMONITOR_STATUS_GRANTED, .seq = 1, .token = 1002 });
	must_name(pair, "client b was granted m while a owns it (I2");
}

static void a_token_used_before_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	reply_at(pair, 0)->token = 1001;
	must_name(pair, "and 1001 had been given before (I4");
}

static void a_wait_that_keeps_its_token_is_named(void **state)
{
	struct pair *pair = waiters(state);

	ask(pair, 3, DMONITOR_ACTION_SIGNAL, "full");
	ask(pair, 3, DMONITOR_ACTION_EXIT, NULL);
	reply_at(pair, 0)->token = 1001;
	must_name(pair, "(I11");
}

static void a_lost_signal_is_named(void **state)
{
	struct pair *pair = waiters(state);

	ask(pair, 3, DMONITOR_ACTION_SIGNAL, "full");
	reply_at(pair, 0)->woken_processes = 0;
	must_name(pair, "(I7: no wake-up is lost)");
}

static void a_lost_wake_up_is_named(void **state)
{
	struct pair *pair = waiters(state);

	ask(pair, 3, DMONITOR_ACTION_SIGNAL, "full");
	ask(pair, 3, DMONITOR_ACTION_EXIT, NULL);
	unsay(pair, 0);
	must_name(pair,
	          "client a was awakened from full and is first in line of m, and was not granted "
	          "it (I7");
}

static void a_signal_stored_is_named(void **state)
{
	struct pair *pair = waiters(state);

	ask(pair, 3, DMONITOR_ACTION_SIGNAL, "empty");
	reply_at(pair, 0)->woken_processes = 1;
	must_name(pair, "(I8: no wake-up is invented)");
}

static void an_invented_wake_up_is_named(void **state)
{
	struct pair *pair = waiters(state);

	ask(pair, 3, DMONITOR_ACTION_EXIT, NULL);
	say_too(pair, 1,
	        (struct dmonitor_reply){ .status = DMONITOR_STATUS_GRANTED_AFTER_WAIT,
	                                 .seq = 2,
	                                 .condition_name = "full",
	                                 .token = 1004 });
	must_name(pair, "while it waits on full, and nothing awakened it (I8");
}

static void a_wrong_cause_is_named(void **state)
{
	struct pair *pair = waiters(state);

	ask(pair, 3, DMONITOR_ACTION_SIGNAL, "full");
	ask(pair, 3, DMONITOR_ACTION_EXIT, NULL);
	reply_at(pair, 0)->timed_out = true;
	must_name(pair, "timed_out (I8");
}

static void an_exit_by_another_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	*reply_at(pair, 0) = (struct dmonitor_reply){
		.status = DMONITOR_STATUS_SUCCESS, .seq = 3, .monitor_name = "m", .tells_next = true
	};
	must_name(pair, "client a was answered success where error not_owner is due (I10");
}

static void a_repetition_done_again_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	pair->seqs[1]--;
	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	reply_at(pair, 0)->seq = 3;
	must_name(pair, "seq (I12");
}

static void an_answer_left_out_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	unsay(pair, 1);
	must_name(pair, "client a was not told success (I12");
}

static void a_check_that_changes_its_mind_is_named(void **state)
{
	struct pair *pair = three(state);
	struct dmonitor_request request = { .action = DMONITOR_ACTION_ENTER,
		                            .process_id = "p",
		                            .monitor_name = "m",
		                            .timeout_ms = -1 };

	say(pair, 4, request);
	agree(pair);
	request.action = DMONITOR_ACTION_CHECK_GRANT;
	say(pair, 4, request);
	agree(pair);
	reply_at(pair, 0)->token = 1002;
	must_name(pair, "(I13");
	say(pair, 4, request);
	reply_at(pair, 0)->status = DMONITOR_STATUS_QUEUED;
	must_name(pair, "(I13");
}

static void a_grant_to_a_ghost_is_named(void **state)
{
	struct pair *pair = three(state);

	ask(pair, 1, DMONITOR_ACTION_ENTER, NULL);
	ask(pair, 2, DMONITOR_ACTION_ENTER, NULL);
	closed(pair, 2);
	tick(pair, 100, 0);
	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	agree(pair);
	say_too(
	    pair, 2,
	    (struct dmonitor_reply){ .status = DMONITOR_STATUS_GRANTED, .seq = 1, .token = 1002 });
	must_name(pair, "(I14: no ghosts)");
}

static void a_ghost_that_is_served_is_named(void **state)
{
	struct pair *pair = three(state);

	closed(pair, 1);
	tick(pair, 100, 0);
	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	reply_at(pair, 0)->code = DMONITOR_CODE_NOT_OWNER;
	must_name(pair, "(I14: who has ended is not served)");
}

static void an_end_too_early_is_named(void **state)
{
	struct pair *pair = queue(state);

	closed(pair, 1);
	tick(pair, 30, 0);
	say_too(
	    pair, 2,
	    (struct dmonitor_reply){
	        .status = DMONITOR_STATUS_GRANTED, .seq = 1, .token = 1002, .abandoned = true });
	must_name(pair, "though its owner a has not ended yet");
}

static void an_end_too_late_is_named(void **state)
{
	struct pair *pair = queue(state);

	closed(pair, 1);
	tick(pair, 100, 0);
	unsay(pair, 0);
	must_name(pair,
	          "client a has ended, and client b, first in line of m, was not granted it (I15");
}

static void an_owners_death_not_told_is_named(void **state)
{
	struct pair *pair = queue(state);

	closed(pair, 1);
	tick(pair, 100, 0);
	reply_at(pair, 0)->abandoned = false;
	must_name(pair, "abandoned (I16");
}

static void an_owners_death_invented_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	reply_at(pair, 0)->abandoned = true;
	must_name(pair, "abandoned (I16");
}

static void a_grant_of_another_monitor_is_named(void **state)
{
	struct pair *pair = queue(state);

	ask(pair, 1, DMONITOR_ACTION_EXIT, NULL);
	strcpy(reply_at(pair, 0)->monitor_name, "n");
	must_name(pair, "monitor_name (I20");
}

static void a_limit_not_reached_is_named(void **state)
{
	struct pair *pair = three(state);

	ask(pair, 1, DMONITOR_ACTION_ENTER, NULL);
	*reply_at(pair, 0) = (struct dmonitor_reply){ .status = DMONITOR_STATUS_ERROR,
		                                      .code = DMONITOR_CODE_LIMIT,
		                                      .seq = 1,
		                                      .monitor_name = "m" };
	must_name(pair, "(I22: only a limit that is reached refuses)");
}

static void wrong_counters_are_named(void **state)
{
	struct pair *pair = queue(state);

	say(pair, 5,
	    (struct dmonitor_request){ .action = DMONITOR_ACTION_STATUS, .timeout_ms = -1 });
	agree(pair);
	reply_at(pair, 0)->report->sessions++;
	must_name(pair, "sessions (I22");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_held_hello_is_answered_by_a_late_tick),
		TEST(a_tick_serves_no_more_than_its_limit),
		TEST(an_overtaken_client_is_named),
		TEST(a_hand_over_that_fails_is_named),
		TEST(a_wrong_next_owner_told_is_named),
		TEST(two_owners_are_named),
		TEST(a_token_used_before_is_named),
		TEST(a_wait_that_keeps_its_token_is_named),
		TEST(a_lost_signal_is_named),
		TEST(a_lost_wake_up_is_named),
		TEST(a_signal_stored_is_named),
		TEST(an_invented_wake_up_is_named),
		TEST(a_wrong_cause_is_named),
		TEST(an_exit_by_another_is_named),
		TEST(a_repetition_done_again_is_named),
		TEST(an_answer_left_out_is_named),
		TEST(a_check_that_changes_its_mind_is_named),
		TEST(a_grant_to_a_ghost_is_named),
		TEST(a_ghost_that_is_served_is_named),
		TEST(an_end_too_early_is_named),
		TEST(an_end_too_late_is_named),
		TEST(an_owners_death_not_told_is_named),
		TEST(an_owners_death_invented_is_named),
		TEST(a_grant_of_another_monitor_is_named),
		TEST(a_limit_not_reached_is_named),
		TEST(wrong_counters_are_named),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
