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

/* The one that each test begins with: welcomed, and nothing said yet. */
static struct dmonitor_conversation conversation;

/* What it gave out last, as the server reads it. */
static struct dmonitor_request next_request;

static const struct dmonitor_reply welcome = { .status = DMONITOR_STATUS_WELCOME,
	                                       .lease_ms = LEASE_MS,
	                                       .session = "secret",
	                                       .server = "server" };

/* Greet at ${now_ms} on a new connection; what is said is ${action}. */
static void greets(int64_t now_ms)
{
	assert_true(dmonitor_conversation_wants_link(&conversation, now_ms * MS));
	dmonitor_conversation_link_opened(&conversation, now_ms * MS);
	assert_non_null(strstr(dmonitor_conversation_next(&conversation, now_ms * MS), "HELLO"));
	dmonitor_conversation_sent(&conversation, now_ms * MS);
	assert_null(dmonitor_conversation_next(&conversation, now_ms * MS));
}

static int begin(void **state)
{
	(void)state;
	memset(&conversation, 0xa5, sizeof(conversation));
	dmonitor_conversation_init(&conversation, "me", NULL, 0);
	greets(BEGIN_MS);
	dmonitor_conversation_hear(&conversation, &welcome);
	return 0;
}

static int end(void **state)
{
	(void)state;
	dmonitor_conversation_fini(&conversation);
	dmonitor_request_fini(&next_request);
	return 0;
}

static struct dmonitor_request request_of(enum dmonitor_action action)
{
	return (
	    struct dmonitor_request){ .action = action, .monitor_name = "stock", .timeout_ms = -1 };
}

static void says(struct dmonitor_request *request, int64_t now_ms)
{
	assert_int_equal(dmonitor_conversation_say(&conversation, request, now_ms * MS), 0);
}

/* Say ${action} at ${now_ms} and send all there is to be sent; its number, or 0. */
static int64_t sends_request(struct dmonitor_request request, int64_t now_ms)
{
	says(&request, now_ms);
	while (dmonitor_conversation_next(&conversation, now_ms * MS) != NULL)
		dmonitor_conversation_sent(&conversation, now_ms * MS);
	return request.seq;
}

static int64_t sends(enum dmonitor_action action, int64_t now_ms)
{
	return sends_request(request_of(action), now_ms);
}

/* An EXIT that wants no answer. */
static int64_t sends_exit(int64_t now_ms)
{
	struct dmonitor_request request = request_of(DMONITOR_ACTION_EXIT);

	request.unanswered = true;
	return sends_request(request, now_ms);
}

static enum dmonitor_heard hears_reply(struct dmonitor_reply reply)
{
	return dmonitor_conversation_hear(&conversation, &reply);
}

static enum dmonitor_heard hears(enum dmonitor_status status, int64_t seq)
{
	return hears_reply((struct dmonitor_reply){ .status = status, .seq = seq });
}

static enum dmonitor_heard hears_error(enum dmonitor_code code, int64_t seq)
{
	return hears_reply(
	    (struct dmonitor_reply){ .status = DMONITOR_STATUS_ERROR, .code = code, .seq = seq });
}

/* An answer outside the sequence to what was sent at ${sent_ns}. */
static enum dmonitor_heard hears_ref(enum dmonitor_status status, int64_t sent_ns)
{
	/* Of a beat: nothing was lost. */
	struct dmonitor_reply reply = { .status = status,
		                        .last_seq = conversation.seq,
		                        .pending = true };

	snprintf(reply.ref, sizeof(reply.ref), "%" PRId64, sent_ns);
	return hears_reply(reply);
}

/* Whether ${action} is what is to be sent next at ${now_ms}; it stands in next_request then. */
static bool next_is(int64_t now_ms, enum dmonitor_action action)
{
	const char *text = dmonitor_conversation_next(&conversation, now_ms * MS);

	dmonitor_request_fini(&next_request);
	assert_non_null(text);
	assert_int_equal(dmonitor_request_decode(text, strlen(text), 1, &next_request), 0);
	assert_int_equal(next_request.error, 0);
	return next_request.action == action;
}

/* Expect ${action} to be what is to be sent next at ${now_ms}, and say it was; its number. */
static int64_t wants(enum dmonitor_action action, int64_t now_ms)
{
	assert_true(next_is(now_ms, action));
	if (action != DMONITOR_ACTION_HELLO)
		assert_string_equal(next_request.session, "secret");
	dmonitor_conversation_sent(&conversation, now_ms * MS);
	return next_request.seq;
}

static void wants_nothing(int64_t now_ms)
{
	assert_null(dmonitor_conversation_next(&conversation, now_ms * MS));
}

/* Expect the session to be believed in until just before ${lost_ms}, and lost from then on. Works
 * on a copy, as who is lost stays lost. */
static void believed_until(int64_t lost_ms)
{
	struct dmonitor_conversation copy = conversation;

	assert_false(dmonitor_conversation_lost(&copy, lost_ms * MS - 1));
	assert_true(dmonitor_conversation_claims(&copy, lost_ms * MS - 1));
	assert_true(dmonitor_conversation_lost(&copy, lost_ms * MS));
	assert_true(dmonitor_conversation_lost(&copy, lost_ms * MS - 1));
	assert_false(dmonitor_conversation_claims(&copy, lost_ms * MS - 1));
}

/* ----- The lease ----- */

static void a_session_begins_believed_in_from_the_sending_of_its_hello(void **state)
{
	(void)state;
	assert_string_equal(conversation.session, "secret");
	assert_string_equal(conversation.server, "server");
	assert_false(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
	assert_true(dmonitor_conversation_settled(&conversation));
	believed_until(LOST_MS);
}

static void the_lease_is_over_two_percent_early_whatever_its_length(void **state)
{
	static const int64_t leases_ms[] = { 200, 201, 1000, 5000, 3600000 };

	for (size_t i = 0; i < sizeof(leases_ms) / sizeof(leases_ms[0]); i++) {
		struct dmonitor_reply other = welcome;

		end(state);
		dmonitor_conversation_init(&conversation, "me", NULL, 0);
		greets(7);
		other.lease_ms = leases_ms[i];
		hears_reply(other);
		assert_false(
		    dmonitor_conversation_lost(&conversation, 7 * MS + leases_ms[i] * 980000 - 1));
		assert_true(
		    dmonitor_conversation_lost(&conversation, 7 * MS + leases_ms[i] * 980000));
	}
}

static void who_is_lost_stays_lost_and_wants_nothing(void **state)
{

	(void)state;
	wants(DMONITOR_ACTION_BEAT, 1900);
	assert_true(dmonitor_conversation_lost(&conversation, LOST_MS * MS));
	assert_int_equal(hears_ref(DMONITOR_STATUS_ALIVE, 1900 * MS), DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, LOST_MS * MS));
	wants_nothing(2500);
}

static void a_beat_confirms_when_it_was_sent_not_when_it_was_answered(void **state)
{

	(void)state;
	wants(DMONITOR_ACTION_BEAT, 1400);
	believed_until(LOST_MS);
	/* The answer comes at, say, 1,970 ms; that is nobody's concern. */
	assert_int_equal(hears_ref(DMONITOR_STATUS_ALIVE, 1400 * MS), DMONITOR_HEARD_NOTHING);
	believed_until(LOST_MS + 400);
}

static void an_answer_confirms_when_its_request_was_sent(void **state)
{
	const int64_t seq = sends(DMONITOR_ACTION_ENTER, 1250);

	(void)state;
	believed_until(LOST_MS);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, seq), DMONITOR_HEARD_ANSWER);
	believed_until(LOST_MS + 250);
	/* A refusal confirms as much. */
	assert_int_equal(hears_error(DMONITOR_CODE_NOT_OWNER, sends(DMONITOR_ACTION_SIGNAL, 1300)),
	                 DMONITOR_HEARD_ANSWER);
	believed_until(LOST_MS + 300);
}

static void an_old_answer_takes_nothing_back(void **state)
{
	const int64_t seq = sends(DMONITOR_ACTION_ENTER, 1100);

	(void)state;
	wants(DMONITOR_ACTION_BEAT, 1400);
	wants(DMONITOR_ACTION_BEAT, 1800);
	hears_ref(DMONITOR_STATUS_ALIVE, 1800 * MS);
	believed_until(LOST_MS + 800);
	hears_ref(DMONITOR_STATUS_ALIVE, 1400 * MS);
	believed_until(LOST_MS + 800);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, seq), DMONITOR_HEARD_ANSWER);
	believed_until(LOST_MS + 800);
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

	(void)state;
	for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
		struct dmonitor_reply reply = { .status = DMONITOR_STATUS_ALIVE };

		strcpy(reply.ref, refs[i]);
		assert_int_equal(hears_reply(reply), DMONITOR_HEARD_NOTHING);
		believed_until(LOST_MS);
	}
	/* Nor one from after the latest beat. */
	wants(DMONITOR_ACTION_BEAT, 1400);
	hears_ref(DMONITOR_STATUS_ALIVE, 1400 * MS + 1);
	believed_until(LOST_MS);
	assert_int_equal(conversation.answered, false);
}

static void a_reply_without_number_and_ref_confirms_nothing(void **state)
{

	(void)state;
	wants(DMONITOR_ACTION_BEAT, 1400);
	assert_int_equal(hears(DMONITOR_STATUS_ALIVE, 0), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears_error(DMONITOR_CODE_BAD_JSON, 0), DMONITOR_HEARD_NOTHING);
	believed_until(LOST_MS);
}

static void the_server_s_word_ends_a_session_at_once(void **state)
{

	(void)state;
	assert_int_equal(hears_error(DMONITOR_CODE_SESSION_LOST, 0), DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
	wants_nothing(1900);
}

static void a_lost_session_confirms_nothing(void **state)
{
	const int64_t seq = sends(DMONITOR_ACTION_ENTER, 1200);

	(void)state;
	assert_int_equal(hears_error(DMONITOR_CODE_SESSION_LOST, seq), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_true(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
	assert_int_equal(conversation.confirmed_ns, BEGIN_MS * MS);
}

/* ----- Beats ----- */

static void a_beat_is_wanted_each_third_of_the_lease_and_sooner_while_unanswered(void **state)
{
	int64_t due_ns = BEGIN_MS * MS;

	(void)state;
	for (int i = 0; i < 8; i++) {
		const char *text;

		due_ns += i == 0 ? THIRD_NS : THIRD_NS / 4;
		assert_int_equal(dmonitor_conversation_deadline_ns(&conversation), due_ns);
		assert_null(dmonitor_conversation_next(&conversation, due_ns - 1));
		text = dmonitor_conversation_next(&conversation, due_ns);
		assert_int_equal(dmonitor_request_decode(text, strlen(text), 1, &next_request), 0);
		assert_int_equal(next_request.action, DMONITOR_ACTION_BEAT);
		assert_int_equal(next_request.seq, 0);
		assert_string_equal(next_request.session, "secret");
		assert_int_equal(strtoll(next_request.ref, NULL, 10), due_ns);
		dmonitor_request_fini(&next_request);
		dmonitor_conversation_sent(&conversation, due_ns);
		assert_null(dmonitor_conversation_next(&conversation, due_ns));
	}
	/* Unanswered, the session is lost before another would be due. */
	assert_int_equal(dmonitor_conversation_deadline_ns(&conversation), LOST_MS * MS);
}

static void what_is_confirmed_puts_the_next_beat_off(void **state)
{

	(void)state;
	hears(DMONITOR_STATUS_SUCCESS, sends(DMONITOR_ACTION_SIGNAL, 1300));
	wants_nothing(1633);
	wants(DMONITOR_ACTION_BEAT, 1634);
}

static void a_request_that_is_not_answered_yet_puts_no_beat_off(void **state)
{

	(void)state;
	sends(DMONITOR_ACTION_ENTER, 1300);
	wants(DMONITOR_ACTION_BEAT, 1334);
	/* Nor is an unanswered EXIT a sign of life from the server. */
	sends_exit(1500);
	wants(DMONITOR_ACTION_BEAT, 1668);
	believed_until(LOST_MS);
}

static void a_beat_that_was_not_sent_is_wanted_again(void **state)
{
	(void)state;
	assert_true(next_is(1400, DMONITOR_ACTION_BEAT));
	assert_true(next_is(1400, DMONITOR_ACTION_BEAT));
}

static void a_long_wait_lives_on_beats(void **state)
{
	const int64_t seq = sends(DMONITOR_ACTION_WAIT, BEGIN_MS);
	int64_t now_ms = BEGIN_MS;

	(void)state;
	for (int i = 0; i < 100; i++) {
		now_ms += 400;
		assert_false(dmonitor_conversation_lost(&conversation, now_ms * MS));
		wants(DMONITOR_ACTION_BEAT, now_ms);
		assert_int_equal(hears_ref(DMONITOR_STATUS_ALIVE, now_ms * MS),
		                 DMONITOR_HEARD_NOTHING);
		assert_false(conversation.answered);
	}
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED_AFTER_WAIT, seq), DMONITOR_HEARD_ANSWER);
	believed_until(now_ms + LOST_MS - BEGIN_MS);
}

/* ----- Numbers ----- */

static void numbers_begin_at_one_and_rise_by_one(void **state)
{

	(void)state;
	assert_int_equal(sends(DMONITOR_ACTION_ENTER, 1001), 1);
	assert_int_equal(sends(DMONITOR_ACTION_SIGNAL, 1002), 2);
	assert_int_equal(sends(DMONITOR_ACTION_BROADCAST, 1003), 3);
	assert_int_equal(sends(DMONITOR_ACTION_WAIT, 1004), 4);
	assert_int_equal(sends_exit(1005), 5);
	assert_int_equal(sends(DMONITOR_ACTION_ENTER, 1006), 6);
}

static void what_could_not_be_sent_is_given_out_again(void **state)
{
	struct dmonitor_request request = request_of(DMONITOR_ACTION_ENTER);

	(void)state;
	says(&request, 1001);
	assert_int_equal(request.seq, 1);
	assert_true(next_is(1001, DMONITOR_ACTION_ENTER));
	assert_true(next_is(1002, DMONITOR_ACTION_ENTER));
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1003), 1);
	wants_nothing(1003);
}

static void outside_the_sequence_a_ref_says_when_it_was_said_and_is_never_used_twice(void **state)
{
	struct dmonitor_request check = request_of(DMONITOR_ACTION_CHECK);
	struct dmonitor_request bye = request_of(DMONITOR_ACTION_BYE);

	(void)state;
	says(&check, 1234);
	assert_int_equal(wants(DMONITOR_ACTION_CHECK, 1235), 0);
	assert_string_equal(next_request.ref, "1234000000");
	says(&bye, 1234);
	assert_int_equal(wants(DMONITOR_ACTION_BYE, 1235), 0);
	assert_string_equal(next_request.ref, "1234000001");
	assert_int_equal(sends(DMONITOR_ACTION_ENTER, 1300), 1);
}

/* ----- Answers ----- */

static void an_answer_is_known_by_its_number(void **state)
{
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_GRANTED, .token = 77 };

	(void)state;
	reply.seq = sends(DMONITOR_ACTION_ENTER, 1001);
	assert_false(conversation.answered);
	assert_int_equal(hears_reply(reply), DMONITOR_HEARD_ANSWER);
	assert_true(conversation.answered);
	assert_int_equal(conversation.answer.status, DMONITOR_STATUS_GRANTED);
	assert_int_equal(conversation.answer.token, 77);
	/* It is answered once. */
	assert_int_equal(hears_reply(reply), DMONITOR_HEARD_NOTHING);
}

static void answers_to_others_are_ignored(void **state)
{

	(void)state;
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 1), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 0), DMONITOR_HEARD_NOTHING);
	sends(DMONITOR_ACTION_ENTER, 1001);
	hears(DMONITOR_STATUS_GRANTED, 1);
	sends(DMONITOR_ACTION_SIGNAL, 1002);
	assert_false(conversation.answered);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 1), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(DMONITOR_STATUS_SUCCESS, 3), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(DMONITOR_STATUS_SUCCESS, 0), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears_ref(DMONITOR_STATUS_OWNER, 1002 * MS), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_int_equal(hears(DMONITOR_STATUS_SUCCESS, 2), DMONITOR_HEARD_ANSWER);
}

static void a_check_is_answered_by_its_ref_and_not_by_a_beat(void **state)
{
	const struct dmonitor_reply of_cancel = { .status = DMONITOR_STATUS_TOO_LATE,
		                                  .cancel_seq = 1,
		                                  .ref = "1450000000" };

	(void)state;
	wants(DMONITOR_ACTION_BEAT, 1400);
	sends(DMONITOR_ACTION_CHECK, 1450);
	assert_int_equal(hears_ref(DMONITOR_STATUS_ALIVE, 1400 * MS), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(DMONITOR_STATUS_OWNER, 0), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 7), DMONITOR_HEARD_NOTHING);
	assert_int_equal(hears_reply(of_cancel), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_int_equal(hears_ref(DMONITOR_STATUS_OWNER, 1450 * MS), DMONITOR_HEARD_ANSWER);
	assert_true(conversation.answered);
	believed_until(LOST_MS + 450);
}

static void the_answer_of_a_cancel_is_not_that_of_what_it_cancels(void **state)
{
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_CANCELLED };

	(void)state;
	reply.cancel_seq = sends(DMONITOR_ACTION_ENTER, 1001);
	dmonitor_conversation_cancel(&conversation);
	wants(DMONITOR_ACTION_CANCEL, 1002);
	assert_int_equal(next_request.cancel_seq, 1);
	strcpy(reply.ref, next_request.ref);
	assert_int_equal(hears_reply(reply), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_int_equal(hears(DMONITOR_STATUS_CANCELLED, 1), DMONITOR_HEARD_ANSWER);
	wants_nothing(1003);
}

/* ----- Exits without answers ----- */

static void the_failure_of_an_unanswered_exit_is_reported(void **state)
{
	const int64_t seq = sends_exit(1001);

	(void)state;
	assert_int_equal(hears_error(DMONITOR_CODE_NOT_OWNER, seq), DMONITOR_HEARD_FAILURE);
	assert_false(conversation.answered);
}

static void a_failure_is_told_apart_from_the_answer_that_is_awaited(void **state)
{
	const int64_t exited = sends_exit(1001);
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_GRANTED };

	(void)state;
	reply.seq = sends(DMONITOR_ACTION_ENTER, 1002);
	assert_int_equal(hears_error(DMONITOR_CODE_LIMIT, exited), DMONITOR_HEARD_FAILURE);
	assert_false(conversation.answered);
	/* Should it be lost, the next answer tells it too. */
	reply.failed_seq = exited;
	reply.failed_code = DMONITOR_CODE_LIMIT;
	assert_int_equal(hears_reply(reply), DMONITOR_HEARD_ANSWER);
	assert_int_equal(conversation.answer.failed_seq, exited);
	assert_int_equal(conversation.answer.failed_code, DMONITOR_CODE_LIMIT);
}

static void an_unanswered_exit_leaves_what_is_answered_alone(void **state)
{

	(void)state;
	hears(DMONITOR_STATUS_GRANTED, sends(DMONITOR_ACTION_ENTER, 1001));
	sends_exit(1002);
	assert_true(conversation.answered);
	assert_int_equal(conversation.awaited_seq, 0);
}

static void a_lost_session_is_no_failure_of_an_exit(void **state)
{
	const int64_t seq = sends_exit(1001);

	(void)state;
	assert_int_equal(hears_error(DMONITOR_CODE_SESSION_LOST, seq), DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, BEGIN_MS * MS));
}

/* ----- Giving up ----- */

/* An ENTER at 1,001 ms is given up, and its CANCEL sent at 1,100 ms. */
static int64_t gives_up(void)
{
	const int64_t seq = sends(DMONITOR_ACTION_ENTER, 1001);

	dmonitor_conversation_give_up(&conversation, "stock");
	assert_false(dmonitor_conversation_settled(&conversation));
	assert_int_equal(wants(DMONITOR_ACTION_CANCEL, 1100), 0);
	assert_int_equal(next_request.cancel_seq, seq);
	wants_nothing(1100);
	return seq;
}

static void hears_cancel(enum dmonitor_status status, enum dmonitor_code code, int64_t cancel_seq)
{
	assert_int_equal(
	    hears_reply((struct dmonitor_reply){
	        .status = status, .code = code, .cancel_seq = cancel_seq, .ref = "1100000000" }),
	    DMONITOR_HEARD_NOTHING);
}

static void giving_up_is_settled_when_the_enter_is_cancelled(void **state)
{
	const int64_t seq = gives_up();

	(void)state;
	hears_cancel(DMONITOR_STATUS_CANCELLED, DMONITOR_CODE_NONE, seq);
	assert_false(dmonitor_conversation_settled(&conversation));
	assert_int_equal(hears(DMONITOR_STATUS_CANCELLED, seq), DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_settled(&conversation));
	assert_int_equal(hears(DMONITOR_STATUS_CANCELLED, seq), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	wants_nothing(1200);
	assert_int_equal(sends(DMONITOR_ACTION_ENTER, 1201), seq + 1);
}

static void giving_up_is_settled_when_the_enter_ran_out_or_was_refused(void **state)
{
	int64_t seq = gives_up();

	(void)state;
	assert_int_equal(hears(DMONITOR_STATUS_TIMEOUT, seq), DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_settled(&conversation));
	seq = gives_up();
	assert_int_equal(hears_error(DMONITOR_CODE_LIMIT, seq), DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(1200);
}

static void a_grant_that_nobody_waits_for_is_given_back(void **state)
{
	const int64_t seq = gives_up();

	(void)state;
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, seq), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_false(dmonitor_conversation_settled(&conversation));
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1200), seq + 1);
	assert_true(next_request.unanswered);
	assert_false(next_request.abandoned);
	assert_string_equal(next_request.monitor_name, "stock");
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(1200);
	/* The answer of the CANCEL, which was too late, comes before or after. */
	hears_cancel(DMONITOR_STATUS_TOO_LATE, DMONITOR_CODE_NONE, seq);
	assert_true(dmonitor_conversation_settled(&conversation));
	assert_int_equal(sends(DMONITOR_ACTION_ENTER, 1201), seq + 2);
}

/* That the owner before had died would be news to its user, so the next one must be told. */
static void an_abandonment_that_nobody_heard_of_is_passed_on(void **state)
{
	int64_t seq = gives_up();

	(void)state;
	hears_reply((struct dmonitor_reply){
	    .status = DMONITOR_STATUS_GRANTED, .seq = seq, .abandoned = true });
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1200), seq + 1);
	assert_true(next_request.abandoned);
	seq = gives_up();
	hears(DMONITOR_STATUS_GRANTED, seq);
	wants(DMONITOR_ACTION_EXIT, 1200);
	assert_false(next_request.abandoned);
}

static void that_a_cancel_was_too_late_settles_nothing(void **state)
{
	const int64_t seq = gives_up();

	(void)state;
	hears_cancel(DMONITOR_STATUS_TOO_LATE, DMONITOR_CODE_NONE, seq);
	assert_false(dmonitor_conversation_settled(&conversation));
	wants_nothing(1200);
	hears(DMONITOR_STATUS_GRANTED, seq);
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1201), seq + 1);
	assert_true(dmonitor_conversation_settled(&conversation));
}

static void a_cancel_with_nothing_to_cancel_settles_nothing(void **state)
{
	const int64_t seq = gives_up();

	(void)state;
	hears_cancel(DMONITOR_STATUS_ERROR, DMONITOR_CODE_NOT_WAITING, seq);
	assert_false(dmonitor_conversation_settled(&conversation));
}

static void who_is_answered_before_the_cancel_is_sent_sends_none(void **state)
{
	const int64_t seq = sends(DMONITOR_ACTION_ENTER, 1001);

	(void)state;
	dmonitor_conversation_give_up(&conversation, "stock");
	hears(DMONITOR_STATUS_TIMEOUT, seq);
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(1100);
}

static void a_lost_session_has_nothing_left_to_say(void **state)
{
	const int64_t seq = gives_up();

	(void)state;
	assert_int_equal(hears_error(DMONITOR_CODE_SESSION_LOST, seq), DMONITOR_HEARD_NOTHING);
	assert_true(dmonitor_conversation_lost(&conversation, 1200 * MS));
	wants_nothing(1400);
}

static void what_was_wanted_but_not_sent_is_wanted_again(void **state)
{
	(void)state;
	sends(DMONITOR_ACTION_ENTER, 1001);
	dmonitor_conversation_give_up(&conversation, "stock");
	assert_true(next_is(1100, DMONITOR_ACTION_CANCEL));
	wants(DMONITOR_ACTION_CANCEL, 1101);
	wants_nothing(1101);
	hears(DMONITOR_STATUS_GRANTED, 1);
	assert_true(next_is(1200, DMONITOR_ACTION_EXIT));
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1201), 2);
	assert_true(dmonitor_conversation_settled(&conversation));
	wants_nothing(1201);
}

static void beats_go_on_while_something_is_given_up(void **state)
{

	(void)state;
	gives_up();
	wants(DMONITOR_ACTION_BEAT, 1400);
	hears_ref(DMONITOR_STATUS_ALIVE, 1400 * MS);
	believed_until(LOST_MS + 400);
	assert_false(dmonitor_conversation_settled(&conversation));
}

/* ----- A lost connection ----- */

/* The connection is lost at ${now_ms}, and the new one's HELLO is said at once. */
static void reconnects(int64_t now_ms)
{
	dmonitor_conversation_link_closed(&conversation, now_ms * MS);
	assert_false(dmonitor_conversation_claims(&conversation, now_ms * MS));
	assert_false(dmonitor_conversation_lost(&conversation, now_ms * MS));
	wants_nothing(now_ms);
	greets(now_ms);
	assert_false(dmonitor_conversation_claims(&conversation, now_ms * MS));
}

static void resumes(int64_t last_seq)
{
	struct dmonitor_reply resumed = welcome;

	resumed.resumed = true;
	resumed.last_seq = last_seq;
	assert_int_equal(hears_reply(resumed), DMONITOR_HEARD_NOTHING);
}

static void a_session_is_resumed_by_its_secret_and_claims_nothing_meanwhile(void **state)
{
	(void)state;
	dmonitor_conversation_link_closed(&conversation, 1100 * MS);
	assert_false(dmonitor_conversation_claims(&conversation, 1100 * MS));
	assert_true(dmonitor_conversation_wants_link(&conversation, 1100 * MS));
	dmonitor_conversation_link_opened(&conversation, 1100 * MS);
	assert_int_equal(wants(DMONITOR_ACTION_HELLO, 1101), 0);
	assert_int_equal(next_request.attempt, 2);
	assert_string_equal(next_request.session, "secret");
	assert_string_equal(next_request.process_id, "me");
	resumes(0);
	assert_true(dmonitor_conversation_claims(&conversation, 1101 * MS));
	/* The lease runs from when that HELLO was sent. */
	believed_until(LOST_MS + 101);
	wants_nothing(1101);
}

static void a_server_that_does_not_know_the_session_ends_it(void **state)
{
	(void)state;
	reconnects(1100);
	hears_error(DMONITOR_CODE_SESSION_LOST, 0);
	assert_true(dmonitor_conversation_lost(&conversation, 1101 * MS));
	assert_false(dmonitor_conversation_wants_link(&conversation, 5000 * MS));
}

static void the_lease_runs_on_while_there_is_no_connection(void **state)
{
	(void)state;
	dmonitor_conversation_link_closed(&conversation, 1100 * MS);
	assert_false(dmonitor_conversation_lost(&conversation, LOST_MS * MS - 1));
	assert_true(dmonitor_conversation_lost(&conversation, LOST_MS * MS));
	assert_false(dmonitor_conversation_wants_link(&conversation, LOST_MS * MS));
}

/* How long ${id} pauses after each of eight attempts in a row; they take no time. */
static void pauses_of(const char *id, int64_t pauses_ns[8])
{
	int64_t now_ns = BEGIN_MS * MS;
	struct dmonitor_conversation other;

	dmonitor_conversation_init(&other, id, NULL, 0);
	for (int i = 0; i < 8; i++) {
		assert_true(dmonitor_conversation_wants_link(&other, now_ns));
		dmonitor_conversation_link_opened(&other, now_ns);
		dmonitor_conversation_link_closed(&other, now_ns);
		pauses_ns[i] = dmonitor_conversation_deadline_ns(&other) - now_ns;
		assert_false(dmonitor_conversation_wants_link(&other, now_ns + pauses_ns[i] - 1));
		now_ns += pauses_ns[i];
	}
	dmonitor_conversation_fini(&other);
}

static void attempts_follow_in_steps_that_differ_from_client_to_client(void **state)
{
	int64_t mine_ns[8], theirs_ns[8];
	int64_t step_ns = 10 * MS;
	int equal = 0;

	(void)state;
	pauses_of("me", mine_ns);
	pauses_of("you", theirs_ns);
	for (int i = 0; i < 8; i++) {
		assert_in_range(mine_ns[i], step_ns / 2, step_ns * 3 / 2);
		assert_in_range(theirs_ns[i], step_ns / 2, step_ns * 3 / 2);
		equal += mine_ns[i] == theirs_ns[i];
		step_ns = step_ns * 2 < 1000 * MS ? step_ns * 2 : 1000 * MS;
	}
	assert_int_equal(equal, 0);
}

static void a_greeting_without_an_answer_is_given_up(void **state)
{
	(void)state;
	reconnects(1100);
	/* After a quarter of the lease there is still time for other attempts. */
	assert_false(dmonitor_conversation_wants_link(&conversation, 1350 * MS - 1));
	assert_true(dmonitor_conversation_wants_link(&conversation, 1350 * MS));
	dmonitor_conversation_link_closed(&conversation, 1350 * MS);
	assert_false(dmonitor_conversation_wants_link(&conversation, 1350 * MS));
	assert_true(dmonitor_conversation_wants_link(&conversation, 1365 * MS));
}

static void what_the_server_has_not_seen_is_said_again_in_order(void **state)
{
	char first[DMONITOR_MESSAGE_BYTES], *text;

	(void)state;
	sends_exit(1010);
	sends_exit(1020);
	sends_exit(1030);
	text = conversation.said->next->next->text;
	snprintf(first, sizeof(first), "%s", text);
	sends(DMONITOR_ACTION_ENTER, 1040);
	reconnects(1100);
	resumes(1);
	/* The one with its last number too: how it ended may have been lost. */
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1101), 1);
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1101), 2);
	assert_string_equal(dmonitor_conversation_next(&conversation, 1101 * MS), first);
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1101), 3);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1101), 4);
	wants_nothing(1101);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 4), DMONITOR_HEARD_ANSWER);
	assert_null(conversation.said);
}

static void what_the_server_has_done_is_not_said_again(void **state)
{
	(void)state;
	sends_exit(1010);
	sends_exit(1020);
	sends(DMONITOR_ACTION_ENTER, 1040);
	reconnects(1100);
	resumes(3);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1101), 3);
	wants_nothing(1101);
	/* An answer confirms all that came before it, however often the link was lost. */
	hears(DMONITOR_STATUS_GRANTED, 3);
	reconnects(1200);
	resumes(3);
	wants_nothing(1201);
}

static void what_is_said_while_there_is_no_connection_is_sent_later(void **state)
{
	struct dmonitor_request request = request_of(DMONITOR_ACTION_ENTER);

	(void)state;
	dmonitor_conversation_link_closed(&conversation, 1100 * MS);
	says(&request, 1101);
	wants_nothing(1101);
	greets(1102);
	resumes(0);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1103), 1);
}

static void a_cancel_is_said_again_after_what_it_cancels(void **state)
{
	(void)state;
	gives_up();
	reconnects(1200);
	resumes(0);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1201), 1);
	wants(DMONITOR_ACTION_CANCEL, 1201);
	assert_int_equal(next_request.cancel_seq, 1);
	wants_nothing(1201);
}

static void before_the_welcome_nothing_else_counts(void **state)
{
	(void)state;
	sends(DMONITOR_ACTION_ENTER, 1010);
	reconnects(1100);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 1), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	/* Nor does a welcome that resumes nothing. */
	hears_reply(welcome);
	assert_false(dmonitor_conversation_claims(&conversation, 1101 * MS));
	resumes(1);
	assert_true(dmonitor_conversation_claims(&conversation, 1101 * MS));
}

static void a_first_hello_that_is_refused_says_why(void **state)
{
	static const struct dmonitor_reply replies[] = {
		{ .status = DMONITOR_STATUS_ERROR, .code = DMONITOR_CODE_ID_IN_USE },
		{ .status = DMONITOR_STATUS_WELCOME },
		{ .status = DMONITOR_STATUS_WELCOME, .lease_ms = 1000 },
		{ .status = DMONITOR_STATUS_GRANTED, .seq = 1 },
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		end(state);
		dmonitor_conversation_init(&conversation, "me", "label", 300);
		greets(1);
		hears_reply(replies[i]);
		assert_true(conversation.refused);
		assert_int_equal(conversation.answer.status, replies[i].status);
		assert_int_equal(conversation.answer.code, replies[i].code);
		wants_nothing(10000);
		assert_false(dmonitor_conversation_wants_link(&conversation, 10000 * MS));
	}
}

/* ----- Messages lost on a connection that lives ----- */

static void hears_alive(int64_t sent_ms, int64_t last_seq, bool pending)
{
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_ALIVE,
		                        .last_seq = last_seq,
		                        .pending = pending };

	snprintf(reply.ref, sizeof(reply.ref), "%" PRId64, sent_ms * MS);
	assert_int_equal(hears_reply(reply), DMONITOR_HEARD_NOTHING);
}

static void a_beat_s_answer_shows_a_lost_request(void **state)
{
	(void)state;
	sends_exit(1010);
	sends(DMONITOR_ACTION_ENTER, 1020);
	wants(DMONITOR_ACTION_BEAT, 1400);
	hears_alive(1400, 0, false);
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1401), 1);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1401), 2);
	wants_nothing(1401);
}

static void a_beat_s_answer_shows_a_lost_answer(void **state)
{
	(void)state;
	sends_exit(1010);
	sends(DMONITOR_ACTION_ENTER, 1020);
	wants(DMONITOR_ACTION_BEAT, 1400);
	hears_alive(1400, 2, false);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1401), 2);
	wants_nothing(1401);
}

static void a_pending_request_is_not_said_again(void **state)
{
	(void)state;
	sends_exit(1010);
	sends(DMONITOR_ACTION_ENTER, 1020);
	wants(DMONITOR_ACTION_BEAT, 1400);
	hears_alive(1400, 2, true);
	wants_nothing(1401);
}

static void a_beat_tells_nothing_of_what_was_sent_after_it(void **state)
{
	(void)state;
	wants(DMONITOR_ACTION_BEAT, 1400);
	sends(DMONITOR_ACTION_ENTER, 1401);
	hears_alive(1400, 0, false);
	wants_nothing(1402);
}

/* The answer may be to the first sending, and come on the new connection all the same. */
static void a_repetition_confirms_nothing_by_itself(void **state)
{
	(void)state;
	assert_int_equal(sends(DMONITOR_ACTION_ENTER, 1010), 1);
	reconnects(1100);
	resumes(1);
	believed_until(1100 + LOST_MS - BEGIN_MS);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1300), 1);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 1), DMONITOR_HEARD_ANSWER);
	believed_until(1100 + LOST_MS - BEGIN_MS);
}

static void a_lost_check_is_said_again(void **state)
{
	(void)state;
	sends(DMONITOR_ACTION_CHECK, 1010);
	wants(DMONITOR_ACTION_BEAT, 1400);
	hears_alive(1400, 0, false);
	wants(DMONITOR_ACTION_CHECK, 1401);
	assert_int_equal(hears_ref(DMONITOR_STATUS_OWNER, 1010 * MS), DMONITOR_HEARD_ANSWER);
	/* The answer to the other one is nobody's. */
	assert_int_equal(hears_ref(DMONITOR_STATUS_OWNER, 1010 * MS), DMONITOR_HEARD_NOTHING);
}

static void a_lost_cancel_is_said_again(void **state)
{
	(void)state;
	gives_up();
	wants(DMONITOR_ACTION_BEAT, 1400);
	hears_alive(1400, 1, true);
	wants(DMONITOR_ACTION_CANCEL, 1401);
	assert_int_equal(next_request.cancel_seq, 1);
	wants_nothing(1401);
}

static void a_gap_has_everything_said_again(void **state)
{
	(void)state;
	sends_exit(1010);
	sends(DMONITOR_ACTION_ENTER, 1020);
	assert_int_equal(hears_error(DMONITOR_CODE_SEQ_GAP, 2), DMONITOR_HEARD_NOTHING);
	assert_false(conversation.answered);
	assert_int_equal(wants(DMONITOR_ACTION_EXIT, 1030), 1);
	assert_int_equal(wants(DMONITOR_ACTION_ENTER, 1030), 2);
	assert_int_equal(hears(DMONITOR_STATUS_GRANTED, 2), DMONITOR_HEARD_ANSWER);
}

static void a_refused_exit_is_not_said_again(void **state)
{
	(void)state;
	sends_exit(1010);
	assert_int_equal(hears_error(DMONITOR_CODE_NOT_OWNER, 1), DMONITOR_HEARD_FAILURE);
	reconnects(1100);
	resumes(1);
	wants_nothing(1101);
}

#define TALK(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TALK(a_session_begins_believed_in_from_the_sending_of_its_hello),
		TALK(the_lease_is_over_two_percent_early_whatever_its_length),
		TALK(who_is_lost_stays_lost_and_wants_nothing),
		TALK(a_beat_confirms_when_it_was_sent_not_when_it_was_answered),
		TALK(an_answer_confirms_when_its_request_was_sent),
		TALK(an_old_answer_takes_nothing_back),
		TALK(a_ref_that_was_never_sent_confirms_nothing),
		TALK(a_reply_without_number_and_ref_confirms_nothing),
		TALK(the_server_s_word_ends_a_session_at_once),
		TALK(a_lost_session_confirms_nothing),
		TALK(a_beat_is_wanted_each_third_of_the_lease_and_sooner_while_unanswered),
		TALK(what_is_confirmed_puts_the_next_beat_off),
		TALK(a_request_that_is_not_answered_yet_puts_no_beat_off),
		TALK(a_beat_that_was_not_sent_is_wanted_again),
		TALK(a_long_wait_lives_on_beats),
		TALK(numbers_begin_at_one_and_rise_by_one),
		TALK(what_could_not_be_sent_is_given_out_again),
		TALK(outside_the_sequence_a_ref_says_when_it_was_said_and_is_never_used_twice),
		TALK(an_answer_is_known_by_its_number),
		TALK(answers_to_others_are_ignored),
		TALK(a_check_is_answered_by_its_ref_and_not_by_a_beat),
		TALK(the_answer_of_a_cancel_is_not_that_of_what_it_cancels),
		TALK(the_failure_of_an_unanswered_exit_is_reported),
		TALK(a_failure_is_told_apart_from_the_answer_that_is_awaited),
		TALK(an_unanswered_exit_leaves_what_is_answered_alone),
		TALK(a_lost_session_is_no_failure_of_an_exit),
		TALK(giving_up_is_settled_when_the_enter_is_cancelled),
		TALK(giving_up_is_settled_when_the_enter_ran_out_or_was_refused),
		TALK(a_grant_that_nobody_waits_for_is_given_back),
		TALK(an_abandonment_that_nobody_heard_of_is_passed_on),
		TALK(that_a_cancel_was_too_late_settles_nothing),
		TALK(a_cancel_with_nothing_to_cancel_settles_nothing),
		TALK(who_is_answered_before_the_cancel_is_sent_sends_none),
		TALK(a_lost_session_has_nothing_left_to_say),
		TALK(what_was_wanted_but_not_sent_is_wanted_again),
		TALK(beats_go_on_while_something_is_given_up),
		TALK(a_session_is_resumed_by_its_secret_and_claims_nothing_meanwhile),
		TALK(a_server_that_does_not_know_the_session_ends_it),
		TALK(the_lease_runs_on_while_there_is_no_connection),
		TALK(attempts_follow_in_steps_that_differ_from_client_to_client),
		TALK(a_greeting_without_an_answer_is_given_up),
		TALK(what_the_server_has_not_seen_is_said_again_in_order),
		TALK(what_the_server_has_done_is_not_said_again),
		TALK(what_is_said_while_there_is_no_connection_is_sent_later),
		TALK(a_cancel_is_said_again_after_what_it_cancels),
		TALK(before_the_welcome_nothing_else_counts),
		TALK(a_first_hello_that_is_refused_says_why),
		TALK(a_beat_s_answer_shows_a_lost_request),
		TALK(a_beat_s_answer_shows_a_lost_answer),
		TALK(a_pending_request_is_not_said_again),
		TALK(a_beat_tells_nothing_of_what_was_sent_after_it),
		TALK(a_repetition_confirms_nothing_by_itself),
		TALK(a_lost_check_is_said_again),
		TALK(a_lost_cancel_is_said_again),
		TALK(a_gap_has_everything_said_again),
		TALK(a_refused_exit_is_not_said_again),
	};

	return cmocka_run_group_tests_name("conversation", tests, NULL, NULL);
}
