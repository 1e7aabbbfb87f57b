/* test_conversation.c: how long a session is believed in, and which answer is whose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../conversation.h"

#define MS INT64_C(1000000)

/* Begins at 1,000 ms with a lease of 1,000 ms: it is believed in until 1,980 ms. */
enum { BEGIN_MS = 1000, LEASE_MS = 1000, LOST_MS = 1980, THIRD_NS = 333333333 };

static struct dmonitor_conversation begun(void)
{
	const struct dmonitor_reply welcome = { .status = DMONITOR_STATUS_WELCOME,
		                                .lease_ms = LEASE_MS,
		                                .session = "secret",
		                                .server = "server" };
	struct dmonitor_conversation conversation;

	memset(&conversation, 0xa5, sizeof(conversation));
	dmonitor_conversation_begin(&conversation, &welcome, BEGIN_MS * MS);
	return conversation;
}

static struct dmonitor_request request_of(enum dmonitor_action action)
{
	return (
	    struct dmonitor_request){ .action = action, .monitor_name = "stock", .timeout_ms = -1 };
}

/* Address ${action} at ${now_ms} and say it was sent; its number, or 0. */
static int64_t sends(struct dmonitor_conversation *conversation, enum dmonitor_action action,
                     int64_t now_ms)
{
	struct dmonitor_request request = request_of(action);

	dmonitor_conversation_address(conversation, &request, now_ms * MS);
	dmonitor_conversation_sent(conversation, &request, now_ms * MS);
	return request.seq;
}

/* An EXIT that wants no answer. */
static int64_t sends_exit(struct dmonitor_conversation *conversation, int64_t now_ms)
{
	struct dmonitor_request request = request_of(DMONITOR_ACTION_EXIT);

	request.unanswered = true;
	dmonitor_conversation_address(conversation, &request, now_ms * MS);
	dmonitor_conversation_sent(conversation, &request, now_ms * MS);
	return request.seq;
}

static enum dmonitor_heard hears(struct dmonitor_conversation *conversation,
                                 enum dmonitor_status status, int64_t seq)
{
	const struct dmonitor_reply reply = { .status = status, .seq = seq };

	return dmonitor_conversation_hear(conversation, &reply);
}

static enum dmonitor_heard hears_error(struct dmonitor_conversation *conversation,
                                       enum dmonitor_code code, int64_t seq)
{
	const struct dmonitor_reply reply = { .status = DMONITOR_STATUS_ERROR,
		                              .code = code,
		                              .seq = seq };

	return dmonitor_conversation_hear(conversation, &reply);
}

/* An answer outside the sequence to what was sent at ${sent_ns}. */
static enum dmonitor_heard hears_ref(struct dmonitor_conversation *conversation,
                                     enum dmonitor_status status, int64_t sent_ns)
{
	struct dmonitor_reply reply = { .status = status };

	snprintf(reply.ref, sizeof(reply.ref), "%" PRId64, sent_ns);
	return dmonitor_conversation_hear(conversation, &reply);
}

/* Expect the conversation to want ${action} at ${now_ms}, and say it was sent; its number. */
static int64_t wants(struct dmonitor_conversation *conversation, enum dmonitor_action action,
                     int64_t now_ms)
{
	struct dmonitor_request request;

	assert_true(dmonitor_conversation_wants(conversation, now_ms * MS, &request));
	assert_int_equal(request.action, action);
	assert_string_equal(request.session, "secret");
	dmonitor_conversation_sent(conversation, &request, now_ms * MS);
	return request.seq;
}

static void wants_nothing(struct dmonitor_conversation *conversation, int64_t now_ms)
{
	struct dmonitor_request request;

	assert_false(dmonitor_conversation_wants(conversation, now_ms * MS, &request));
}

/* Expect the session to be believed in until just before ${lost_ms}, and lost from then on. Works
 * on a copy, as who is lost stays lost. */
static void believed_until(const struct dmonitor_conversation *conversation, int64_t lost_ms)
{
	struct dmonitor_conversation copy = *conversation;

	assert_false(dmonitor_conversation_lost(&copy, lost_ms * MS - 1));
	assert_true(dmonitor_conversation_lost(&copy, lost_ms * MS));
	assert_true(dmonitor_conversation_lost(&copy, lost_ms * MS - 1));
}

/* ----- The lease ----- */

static void a_session_begins_believed_in_from_the_sending_of_its_hello(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	assert_string_equal(conversation.session, "secret");
	assert_string_equal(conversation.server, "server");
	assert_false(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
	assert_true(dmonitor_conversation_settled(&conversation));
	believed_until(&conversation, LOST_MS);
}

static void the_lease_is_over_two_percent_early_whatever_its_length(void **state)
{
	static const int64_t leases_ms[] = { 200, 201, 1000, 5000, 3600000 };

	(void)state;
	for (size_t i = 0; i < sizeof(leases_ms) / sizeof(leases_ms[0]); i++) {
		const struct dmonitor_reply welcome = { .status = DMONITOR_STATUS_WELCOME,
			                                .lease_ms = leases_ms[i] };
		const int64_t lost_ns = 7 + leases_ms[i] * 980000;
		struct dmonitor_conversation conversation;

		dmonitor_conversation_begin(&conversation, &welcome, 7);
		assert_false(dmonitor_conversation_lost(&conversation, lost_ns - 1));
		assert_true(dmonitor_conversation_lost(&conversation, lost_ns));
	}
}

static void who_is_lost_stays_lost_and_wants_nothing(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	wants(&conversation, DMONITOR_ACTION_BEAT, 1900);
	assert_true(dmonitor_conversation_lost(&conversation, LOST_MS * MS));
	assert_int_equal(hears_ref(&conversation, DMONITOR_STATUS_ALIVE, 1900 * MS),
	                 DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, LOST_MS * MS));
	wants_nothing(&conversation, 2500);
}

static void a_beat_confirms_when_it_was_sent_not_when_it_was_answered(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	wants(&conversation, DMONITOR_ACTION_BEAT, 1400);
	believed_until(&conversation, LOST_MS);
	/* The answer comes at, say, 1,970 ms; that is nobody's concern. */
	assert_int_equal(hears_ref(&conversation, DMONITOR_STATUS_ALIVE, 1400 * MS),
	                 DMONITOR_HEARD_NOTHING);
	believed_until(&conversation, LOST_MS + 400);
}

static void an_answer_confirms_when_its_request_was_sent(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = sends(&conversation, DMONITOR_ACTION_ENTER, 1250);

	(void)state;
	believed_until(&conversation, LOST_MS);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED, seq), DMONITOR_HEARD_ANSWER);
	believed_until(&conversation, LOST_MS + 250);
	/* A refusal confirms as much. */
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_NOT_OWNER,
	                             sends(&conversation, DMONITOR_ACTION_SIGNAL, 1300)),
	                 DMONITOR_HEARD_ANSWER);
	believed_until(&conversation, LOST_MS + 300);
}

static void an_old_answer_takes_nothing_back(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = sends(&conversation, DMONITOR_ACTION_ENTER, 1100);

	(void)state;
	wants(&conversation, DMONITOR_ACTION_BEAT, 1400);
	wants(&conversation, DMONITOR_ACTION_BEAT, 1800);
	hears_ref(&conversation, DMONITOR_STATUS_ALIVE, 1800 * MS);
	believed_until(&conversation, LOST_MS + 800);
	hears_ref(&conversation, DMONITOR_STATUS_ALIVE, 1400 * MS);
	believed_until(&conversation, LOST_MS + 800);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED, seq), DMONITOR_HEARD_ANSWER);
	believed_until(&conversation, LOST_MS + 800);
}

static void a_ref_that_was_never_sent_confirms_nothing(void **state)
{
	static const char *const refs[] = { "1401000000",
		                            "9223372036854775807",
		                            "99999999999999999999999",
		                            "-1",
		                            "beat",
		                            "1000000001 from elsewhere?",
		                            "0" };
	struct dmonitor_conversation conversation = begun();

	(void)state;
	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		struct dmonitor_reply reply = { .status = DMONITOR_STATUS_ALIVE };

		strcpy(reply.ref, refs[i]);
		assert_int_equal(dmonitor_conversation_hear(&conversation, &reply),
		                 DMONITOR_HEARD_NOTHING);
		believed_until(&conversation, LOST_MS);
	}
	/* Nor one from after the latest beat. */
	wants(&conversation, DMONITOR_ACTION_BEAT, 1400);
	hears_ref(&conversation, DMONITOR_STATUS_ALIVE, 1400 * MS + 1);
	believed_until(&conversation, LOST_MS);
	assert_int_equal(conversation.answered, false);
}

static void a_reply_without_number_and_ref_confirms_nothing(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	wants(&conversation, DMONITOR_ACTION_BEAT, 1400);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_ALIVE, 0), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_BAD_JSON, 0),
	                 DMONITOR_HEARD_NOTHING);
	believed_until(&conversation, LOST_MS);
}

static void the_server_s_word_ends_a_session_at_once(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_SESSION_LOST, 0),
	                 DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
	wants_nothing(&conversation, 1900);
}

static void a_lost_session_s_answer_is_heard_but_confirms_nothing(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = sends(&conversation, DMONITOR_ACTION_ENTER, 1500);

	(void)state;
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_SESSION_LOST, seq),
	                 DMONITOR_HEARD_ANSWER);
	assert_true(conversation.answered);
	assert_int_equal(conversation.answer.code, DMONITOR_CODE_SESSION_LOST);
	assert_true(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
	assert_int_equal(conversation.confirmed_ns, BEGIN_MS * MS);
}

/* ----- Beats ----- */

static void a_beat_is_wanted_each_third_of_the_lease(void **state)
{
	struct dmonitor_conversation conversation = begun();
	struct dmonitor_request request;
	int64_t due_ns = BEGIN_MS * MS;

	(void)state;
	for (int i = 0; i < 2; i++) {
		due_ns += THIRD_NS;
		assert_int_equal(dmonitor_conversation_deadline_ns(&conversation), due_ns);
		assert_false(dmonitor_conversation_wants(&conversation, due_ns - 1, &request));
		assert_true(dmonitor_conversation_wants(&conversation, due_ns, &request));
		assert_int_equal(request.action, DMONITOR_ACTION_BEAT);
		assert_int_equal(request.seq, 0);
		assert_string_equal(request.session, "secret");
		assert_int_equal(strtoll(request.ref, NULL, 10), due_ns);
		dmonitor_conversation_sent(&conversation, &request, due_ns);
		assert_false(dmonitor_conversation_wants(&conversation, due_ns, &request));
	}
	/* Unanswered, the session is lost before the next third is over. */
	assert_int_equal(dmonitor_conversation_deadline_ns(&conversation), LOST_MS * MS);
}

static void what_is_confirmed_puts_the_next_beat_off(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	hears(&conversation, DMONITOR_STATUS_SUCCESS,
	      sends(&conversation, DMONITOR_ACTION_SIGNAL, 1300));
	wants_nothing(&conversation, 1633);
	wants(&conversation, DMONITOR_ACTION_BEAT, 1634);
}

static void a_request_that_is_not_answered_yet_puts_no_beat_off(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	sends(&conversation, DMONITOR_ACTION_ENTER, 1300);
	wants(&conversation, DMONITOR_ACTION_BEAT, 1334);
	/* Nor is an unanswered EXIT a sign of life from the server. */
	sends_exit(&conversation, 1500);
	wants(&conversation, DMONITOR_ACTION_BEAT, 1668);
	believed_until(&conversation, LOST_MS);
}

static void a_beat_that_was_not_sent_is_wanted_again(void **state)
{
	struct dmonitor_conversation conversation = begun();
	struct dmonitor_request request;

	(void)state;
	assert_true(dmonitor_conversation_wants(&conversation, 1400 * MS, &request));
	assert_true(dmonitor_conversation_wants(&conversation, 1400 * MS, &request));
	assert_int_equal(request.action, DMONITOR_ACTION_BEAT);
}

static void a_long_wait_lives_on_beats(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = sends(&conversation, DMONITOR_ACTION_WAIT, BEGIN_MS);
	int64_t now_ms = BEGIN_MS;

	(void)state;
	for (int i = 0; i < 100; i++) {
		now_ms += 400;
		assert_false(dmonitor_conversation_lost(&conversation, now_ms * MS));
		wants(&conversation, DMONITOR_ACTION_BEAT, now_ms);
		assert_int_equal(hears_ref(&conversation, DMONITOR_STATUS_ALIVE, now_ms * MS),
		                 DMONITOR_HEARD_NOTHING);
		assert_false(conversation.answered);
	}
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED_AFTER_WAIT, seq),
	                 DMONITOR_HEARD_ANSWER);
	believed_until(&conversation, now_ms + LOST_MS - BEGIN_MS);
}

/* ----- Numbers ----- */

static void numbers_begin_at_one_and_rise_by_one(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_ENTER, 1001), 1);
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_SIGNAL, 1002), 2);
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_BROADCAST, 1003), 3);
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_WAIT, 1004), 4);
	assert_int_equal(sends_exit(&conversation, 1005), 5);
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_ENTER, 1006), 6);
}

static void a_request_that_was_not_sent_uses_no_number(void **state)
{
	struct dmonitor_conversation conversation = begun();
	struct dmonitor_request request = request_of(DMONITOR_ACTION_ENTER);

	(void)state;
	dmonitor_conversation_address(&conversation, &request, 1001 * MS);
	assert_int_equal(request.seq, 1);
	assert_false(conversation.awaited_seq == 1);
	request = request_of(DMONITOR_ACTION_ENTER);
	dmonitor_conversation_address(&conversation, &request, 1002 * MS);
	assert_int_equal(request.seq, 1);
	dmonitor_conversation_sent(&conversation, &request, 1002 * MS);
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_EXIT, 1003), 2);
}

static void outside_the_sequence_a_ref_says_when_it_was_sent(void **state)
{
	static const enum dmonitor_action actions[] = { DMONITOR_ACTION_BEAT, DMONITOR_ACTION_CHECK,
		                                        DMONITOR_ACTION_CANCEL,
		                                        DMONITOR_ACTION_BYE };
	struct dmonitor_conversation conversation = begun();

	(void)state;
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct dmonitor_request request = request_of(actions[i]);

		dmonitor_conversation_address(&conversation, &request, 1234567890);
		assert_int_equal(request.seq, 0);
		assert_string_equal(request.ref, "1234567890");
		assert_string_equal(request.session, "secret");
		dmonitor_conversation_sent(&conversation, &request, 1234567890);
	}
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_ENTER, 1300), 1);
}

/* ----- Answers ----- */

static void an_answer_is_known_by_its_number(void **state)
{
	struct dmonitor_conversation conversation = begun();
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_GRANTED, .token = 77 };

	(void)state;
	reply.seq = sends(&conversation, DMONITOR_ACTION_ENTER, 1001);
	assert_false(conversation.answered);
	assert_int_equal(dmonitor_conversation_hear(&conversation, &reply), DMONITOR_HEARD_ANSWER);
	assert_true(conversation.answered);
	assert_int_equal(conversation.answer.status, DMONITOR_STATUS_GRANTED);
	assert_int_equal(conversation.answer.token, 77);
	/* It is answered once. */
	assert_int_equal(dmonitor_conversation_hear(&conversation, &reply), DMONITOR_HEARD_NOTHING);
}

static void answers_to_others_are_ignored(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED, 1), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED, 0), DMONITOR_HEARD_NOTHING);
	sends(&conversation, DMONITOR_ACTION_ENTER, 1001);
	hears(&conversation, DMONITOR_STATUS_GRANTED, 1);
	sends(&conversation, DMONITOR_ACTION_SIGNAL, 1002);
	assert_false(conversation.answered);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED, 1), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_SUCCESS, 3), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_SUCCESS, 0), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears_ref(&conversation, DMONITOR_STATUS_OWNER, 1002 * MS),
	                 DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_SUCCESS, 2), DMONITOR_HEARD_ANSWER);
}

static void a_check_is_answered_by_its_ref_and_not_by_a_beat(void **state)
{
	const struct dmonitor_reply of_cancel = { .status = DMONITOR_STATUS_TOO_LATE,
		                                  .cancel_seq = 1,
		                                  .ref = "1450000000" };
	struct dmonitor_conversation conversation = begun();

	(void)state;
	wants(&conversation, DMONITOR_ACTION_BEAT, 1400);
	sends(&conversation, DMONITOR_ACTION_CHECK, 1450);
	assert_int_equal(hears_ref(&conversation, DMONITOR_STATUS_ALIVE, 1400 * MS),
	                 DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_OWNER, 0), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED, 7), DMONITOR_HEARD_NOTHING);
	assert_int_equal(dmonitor_conversation_hear(&conversation, &of_cancel),
	                 DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_int_equal(hears_ref(&conversation, DMONITOR_STATUS_OWNER, 1450 * MS),
	                 DMONITOR_HEARD_ANSWER);
	assert_true(conversation.answered);
	believed_until(&conversation, LOST_MS + 450);
}

static void the_answer_of_a_cancel_is_not_that_of_what_it_cancels(void **state)
{
	struct dmonitor_conversation conversation = begun();
	struct dmonitor_request cancel = request_of(DMONITOR_ACTION_CANCEL);
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_CANCELLED };

	(void)state;
	cancel.cancel_seq = sends(&conversation, DMONITOR_ACTION_ENTER, 1001);
	dmonitor_conversation_address(&conversation, &cancel, 1002 * MS);
	dmonitor_conversation_sent(&conversation, &cancel, 1002 * MS);
	reply.cancel_seq = 1;
	strcpy(reply.ref, cancel.ref);
	assert_int_equal(dmonitor_conversation_hear(&conversation, &reply), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_CANCELLED, 1), DMONITOR_HEARD_ANSWER);
}

/* ----- Exits without answers ----- */

static void the_failure_of_an_unanswered_exit_is_reported(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = sends_exit(&conversation, 1001);

	(void)state;
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_NOT_OWNER, seq),
	                 DMONITOR_HEARD_FAILURE);
	assert_false(conversation.answered);
}

static void a_failure_is_told_apart_from_the_answer_that_is_awaited(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t exited = sends_exit(&conversation, 1001);
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_GRANTED };

	(void)state;
	reply.seq = sends(&conversation, DMONITOR_ACTION_ENTER, 1002);
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_LIMIT, exited),
	                 DMONITOR_HEARD_FAILURE);
	assert_false(conversation.answered);
	/* Should it be lost, the next answer tells it too. */
	reply.failed_seq = exited;
	reply.failed_code = DMONITOR_CODE_LIMIT;
	assert_int_equal(dmonitor_conversation_hear(&conversation, &reply), DMONITOR_HEARD_ANSWER);
	assert_int_equal(conversation.answer.failed_seq, exited);
	assert_int_equal(conversation.answer.failed_code, DMONITOR_CODE_LIMIT);
}

static void an_unanswered_exit_leaves_what_is_answered_alone(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	hears(&conversation, DMONITOR_STATUS_GRANTED,
	      sends(&conversation, DMONITOR_ACTION_ENTER, 1001));
	sends_exit(&conversation, 1002);
	assert_true(conversation.answered);
	assert_int_equal(conversation.awaited_seq, 0);
}

static void a_lost_session_is_no_failure_of_an_exit(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = sends_exit(&conversation, 1001);

	(void)state;
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_SESSION_LOST, seq),
	                 DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
}

/* ----- Giving up ----- */

/* An ENTER at 1,001 ms is given up, and its CANCEL sent at 1,100 ms. */
static int64_t gives_up(struct dmonitor_conversation *conversation)
{
	const int64_t seq = sends(conversation, DMONITOR_ACTION_ENTER, 1001);
	struct dmonitor_request request;

	dmonitor_conversation_give_up(conversation, "stock");
	assert_false(dmonitor_conversation_settled(conversation));
	assert_true(dmonitor_conversation_wants(conversation, 1100 * MS, &request));
	assert_int_equal(request.action, DMONITOR_ACTION_CANCEL);
	assert_int_equal(request.cancel_seq, seq);
	assert_int_equal(request.seq, 0);
	dmonitor_conversation_sent(conversation, &request, 1100 * MS);
	wants_nothing(conversation, 1100);
	return seq;
}

static void hears_cancel(struct dmonitor_conversation *conversation, enum dmonitor_status status,
                         enum dmonitor_code code, int64_t cancel_seq)
{
	const struct dmonitor_reply reply = {
		.status = status, .code = code, .cancel_seq = cancel_seq, .ref = "1100000000"
	};

	assert_int_equal(dmonitor_conversation_hear(conversation, &reply), DMONITOR_HEARD_NOTHING);
}

static void giving_up_is_settled_when_the_enter_is_cancelled(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = gives_up(&conversation);

	(void)state;
	hears_cancel(&conversation, DMONITOR_STATUS_CANCELLED, DMONITOR_CODE_NONE, seq);
	assert_false(dmonitor_conversation_settled(&conversation));
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_CANCELLED, seq),
	                 DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_settled(&conversation));
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_CANCELLED, seq),
	                 DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	wants_nothing(&conversation, 1200);
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_ENTER, 1201), seq + 1);
}

static void giving_up_is_settled_when_the_enter_ran_out_or_was_refused(void **state)
{
	struct dmonitor_conversation conversation = begun();
	int64_t seq = gives_up(&conversation);

	(void)state;
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_TIMEOUT, seq),
	                 DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_settled(&conversation));
	seq = gives_up(&conversation);
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_LIMIT, seq),
	                 DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(&conversation, 1200);
}

static void a_grant_that_nobody_waits_for_is_given_back(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = gives_up(&conversation);
	struct dmonitor_request request;

	(void)state;
	assert_int_equal(hears(&conversation, DMONITOR_STATUS_GRANTED, seq),
	                 DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_false(dmonitor_conversation_settled(&conversation));
	assert_true(dmonitor_conversation_wants(&conversation, 1200 * MS, &request));
	assert_int_equal(request.action, DMONITOR_ACTION_EXIT);
	assert_true(request.unanswered);
	assert_string_equal(request.monitor_name, "stock");
	assert_int_equal(request.seq, seq + 1);
	dmonitor_conversation_sent(&conversation, &request, 1200 * MS);
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(&conversation, 1200);
	/* The answer of the CANCEL, which was too late, comes before or after. */
	hears_cancel(&conversation, DMONITOR_STATUS_TOO_LATE, DMONITOR_CODE_NONE, seq);
	assert_true(dmonitor_conversation_settled(&conversation));
	assert_int_equal(sends(&conversation, DMONITOR_ACTION_ENTER, 1201), seq + 2);
}

static void that_a_cancel_was_too_late_settles_nothing(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = gives_up(&conversation);

	(void)state;
	hears_cancel(&conversation, DMONITOR_STATUS_TOO_LATE, DMONITOR_CODE_NONE, seq);
	assert_false(dmonitor_conversation_settled(&conversation));
	wants_nothing(&conversation, 1200);
	hears(&conversation, DMONITOR_STATUS_GRANTED, seq);
	assert_int_equal(wants(&conversation, DMONITOR_ACTION_EXIT, 1201), seq + 1);
	assert_true(dmonitor_conversation_settled(&conversation));
}

static void a_cancel_with_nothing_to_cancel_settles_nothing(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = gives_up(&conversation);

	(void)state;
	hears_cancel(&conversation, DMONITOR_STATUS_ERROR, DMONITOR_CODE_NOT_WAITING, seq);
	assert_false(dmonitor_conversation_settled(&conversation));
}

static void who_is_answered_before_the_cancel_is_sent_sends_none(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = sends(&conversation, DMONITOR_ACTION_ENTER, 1001);

	(void)state;
	dmonitor_conversation_give_up(&conversation, "stock");
	hears(&conversation, DMONITOR_STATUS_TIMEOUT, seq);
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(&conversation, 1100);
}

static void a_lost_session_has_nothing_left_to_settle(void **state)
{
	struct dmonitor_conversation conversation = begun();
	const int64_t seq = gives_up(&conversation);

	(void)state;
	assert_int_equal(hears_error(&conversation, DMONITOR_CODE_SESSION_LOST, seq),
	                 DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, 1200 * MS));
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(&conversation, 1400);
}

static void what_was_wanted_but_not_sent_is_wanted_again(void **state)
{
	struct dmonitor_conversation conversation = begun();
	struct dmonitor_request request;

	(void)state;
	sends(&conversation, DMONITOR_ACTION_ENTER, 1001);
	dmonitor_conversation_give_up(&conversation, "stock");
	assert_true(dmonitor_conversation_wants(&conversation, 1100 * MS, &request));
	wants(&conversation, DMONITOR_ACTION_CANCEL, 1101);
	wants_nothing(&conversation, 1101);
	hears(&conversation, DMONITOR_STATUS_GRANTED, 1);
	assert_true(dmonitor_conversation_wants(&conversation, 1200 * MS, &request));
	assert_false(dmonitor_conversation_settled(&conversation));
	assert_int_equal(wants(&conversation, DMONITOR_ACTION_EXIT, 1201), 2);
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(&conversation, 1201);
}

static void beats_go_on_while_something_is_given_up(void **state)
{
	struct dmonitor_conversation conversation = begun();

	(void)state;
	gives_up(&conversation);
	wants(&conversation, DMONITOR_ACTION_BEAT, 1400);
	hears_ref(&conversation, DMONITOR_STATUS_ALIVE, 1400 * MS);
	believed_until(&conversation, LOST_MS + 400);
	assert_false(dmonitor_conversation_settled(&conversation));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_begins_believed_in_from_the_sending_of_its_hello),
		cmocka_unit_test(the_lease_is_over_two_percent_early_whatever_its_length),
		cmocka_unit_test(who_is_lost_stays_lost_and_wants_nothing),
		cmocka_unit_test(a_beat_confirms_when_it_was_sent_not_when_it_was_answered),
		cmocka_unit_test(an_answer_confirms_when_its_request_was_sent),
		cmocka_unit_test(an_old_answer_takes_nothing_back),
		cmocka_unit_test(a_ref_that_was_never_sent_confirms_nothing),
		cmocka_unit_test(a_reply_without_number_and_ref_confirms_nothing),
		cmocka_unit_test(the_server_s_word_ends_a_session_at_once),
		cmocka_unit_test(a_lost_session_s_answer_is_heard_but_confirms_nothing),
		cmocka_unit_test(a_beat_is_wanted_each_third_of_the_lease),
		cmocka_unit_test(what_is_confirmed_puts_the_next_beat_off),
		cmocka_unit_test(a_request_that_is_not_answered_yet_puts_no_beat_off),
		cmocka_unit_test(a_beat_that_was_not_sent_is_wanted_again),
		cmocka_unit_test(a_long_wait_lives_on_beats),
		cmocka_unit_test(numbers_begin_at_one_and_rise_by_one),
		cmocka_unit_test(a_request_that_was_not_sent_uses_no_number),
		cmocka_unit_test(outside_the_sequence_a_ref_says_when_it_was_sent),
		cmocka_unit_test(an_answer_is_known_by_its_number),
		cmocka_unit_test(answers_to_others_are_ignored),
		cmocka_unit_test(a_check_is_answered_by_its_ref_and_not_by_a_beat),
		cmocka_unit_test(the_answer_of_a_cancel_is_not_that_of_what_it_cancels),
		cmocka_unit_test(the_failure_of_an_unanswered_exit_is_reported),
		cmocka_unit_test(a_failure_is_told_apart_from_the_answer_that_is_awaited),
		cmocka_unit_test(an_unanswered_exit_leaves_what_is_answered_alone),
		cmocka_unit_test(a_lost_session_is_no_failure_of_an_exit),
		cmocka_unit_test(giving_up_is_settled_when_the_enter_is_cancelled),
		cmocka_unit_test(giving_up_is_settled_when_the_enter_ran_out_or_was_refused),
		cmocka_unit_test(a_grant_that_nobody_waits_for_is_given_back),
		cmocka_unit_test(that_a_cancel_was_too_late_settles_nothing),
		cmocka_unit_test(a_cancel_with_nothing_to_cancel_settles_nothing),
		cmocka_unit_test(who_is_answered_before_the_cancel_is_sent_sends_none),
		cmocka_unit_test(a_lost_session_has_nothing_left_to_settle),
		cmocka_unit_test(what_was_wanted_but_not_sent_is_wanted_again),
		cmocka_unit_test(beats_go_on_while_something_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
