/* test_wire.c: messages: what each field may be in each action, and the way to bytes and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "messages.h"

/* Decode ${size} bytes that stand at the very end of a block, so that ASan sees a byte too many. */
static void decode_bytes(const char *text, size_t size, size_t frames,
                         struct dmonitor_request *request)
{
	char *copy = malloc(size > 0 ? size : 1);

	memcpy(copy, text, size);
	assert_int_equal(dmonitor_request_decode(copy, size, frames, request), 0);
	free(copy);
}

static void decode(const char *text, struct dmonitor_request *request)
{
	decode_bytes(text, strlen(text), 1, request);
}

/* Expect ${text} to be answered ${code}; ${sentence}, if any, too. */
static void expect_sentence(const char *text, enum dmonitor_code code, const char *sentence)
{
	struct dmonitor_request request;

	decode(text, &request);
	if (request.error != code)
		fail_msg("%s (%s), not %s: %s", dmonitor_code_word(request.error),
		         request.error_text, dmonitor_code_word(code), text);
	if (sentence != NULL)
		assert_string_equal(request.error_text, sentence);
	dmonitor_request_fini(&request);
}

static void expect(const char *text, enum dmonitor_code code)
{
	expect_sentence(text, code, NULL);
}

/* The text of a field, and of a whole message, under construction. */
enum { ROOM = 4096 };

/* ----- The table of PROTOCOL.md, once more: which fields an action has. ----- */

enum kind { NAME, ID, SHORT_TEXT, INTEGER, TOKEN, NAMES, KINDS };

/* In which of the two ways to talk a field is needed; elsewhere it may be there. */
enum need { OPTIONAL = 0, PUSH = 1, POLLING = 2, ALWAYS = 3 };

struct row {
	enum dmonitor_action action;
	const char *key;
	enum kind kind;
	enum need need;
	long long low; /* of an INTEGER */
};

#define ROW(action, key, kind, need, low)                                                          \
	{                                                                                          \
		DMONITOR_ACTION_##action, key, kind, need, low                                     \
	}

#define SEQUENCED_ROWS(action)                                                                     \
	ROW(action, "session", SHORT_TEXT, OPTIONAL, 0), ROW(action, "seq", INTEGER, PUSH, 1),     \
	    ROW(action, "monitor_name", NAME, ALWAYS, 0),                                          \
	    ROW(action, "process_id", ID, POLLING, 0)

#define CONDITION_ROW(action) ROW(action, "condition_name", NAME, ALWAYS, 0)
#define TIMEOUT_ROW(action)   ROW(action, "timeout_ms", INTEGER, OPTIONAL, 0)
#define REF_ROW(action)       ROW(action, "ref", SHORT_TEXT, OPTIONAL, 0)
#define RIDER_ROWS(action)                                                                         \
	ROW(action, "signal", NAMES, OPTIONAL, 0), ROW(action, "broadcast", NAMES, OPTIONAL, 0)

static const struct row rows[] = {
	SEQUENCED_ROWS(ENTER),
	TIMEOUT_ROW(ENTER),
	SEQUENCED_ROWS(EXIT),
	RIDER_ROWS(EXIT),
	SEQUENCED_ROWS(WAIT),
	CONDITION_ROW(WAIT),
	TIMEOUT_ROW(WAIT),
	RIDER_ROWS(WAIT),
	SEQUENCED_ROWS(SIGNAL),
	CONDITION_ROW(SIGNAL),
	SEQUENCED_ROWS(BROADCAST),
	CONDITION_ROW(BROADCAST),
	ROW(CHECK_GRANT, "monitor_name", NAME, ALWAYS, 0),
	ROW(CHECK_GRANT, "process_id", ID, ALWAYS, 0),
	ROW(CHECK_AWAKENED, "monitor_name", NAME, ALWAYS, 0),
	ROW(CHECK_AWAKENED, "process_id", ID, ALWAYS, 0),
	CONDITION_ROW(CHECK_AWAKENED),
	ROW(HELLO, "session", SHORT_TEXT, OPTIONAL, 0),
	ROW(HELLO, "process_id", ID, ALWAYS, 0),
	ROW(HELLO, "protocol", INTEGER, ALWAYS, 1),
	ROW(HELLO, "label", ID, OPTIONAL, 0),
	ROW(HELLO, "lease_ms", INTEGER, OPTIONAL, 1),
	ROW(HELLO, "attempt", INTEGER, OPTIONAL, 1),
	REF_ROW(HELLO),
	ROW(CANCEL, "session", SHORT_TEXT, OPTIONAL, 0),
	ROW(CANCEL, "monitor_name", NAME, POLLING, 0),
	ROW(CANCEL, "process_id", ID, POLLING, 0),
	ROW(CANCEL, "cancel_seq", INTEGER, PUSH, 1),
	REF_ROW(CANCEL),
	ROW(BEAT, "session", SHORT_TEXT, ALWAYS, 0),
	ROW(BEAT, "process_id", ID, OPTIONAL, 0),
	REF_ROW(BEAT),
	ROW(CHECK, "session", SHORT_TEXT, OPTIONAL, 0),
	ROW(CHECK, "monitor_name", NAME, ALWAYS, 0),
	ROW(CHECK, "process_id", ID, OPTIONAL, 0),
	ROW(CHECK, "token", TOKEN, ALWAYS, 0),
	REF_ROW(CHECK),
	ROW(STATUS, "monitor_name", NAME, OPTIONAL, 0),
	REF_ROW(STATUS),
	ROW(BYE, "session", SHORT_TEXT, ALWAYS, 0),
	ROW(BYE, "process_id", ID, OPTIONAL, 0),
	REF_ROW(BYE),
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

/* Any field that any action has. */
static const char *const all_keys[] = {
	"session",    "seq",        "ref",    "monitor_name", "condition_name",
	"process_id", "cancel_seq", "signal", "token",        "broadcast",
	"timeout_ms", "protocol",   "label",  "lease_ms",     "attempt",
};

static const struct row *row_of(enum dmonitor_action action, const char *key)
{
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++)
		if (row->action == action && strcmp(row->key, key) == 0)
			return row;
	return NULL;
}

static bool can_push(enum dmonitor_action action)
{
	return row_of(action, "session") != NULL;
}

static bool can_poll(enum dmonitor_action action)
{
	return action != DMONITOR_ACTION_BEAT && action != DMONITOR_ACTION_BYE;
}

static const char *good_value(const struct row *row)
{
	static const char *const values[KINDS] = {
		[NAME] = "\"stock\"", [ID] = "\"ann\"",   [SHORT_TEXT] = "\"s1\"",
		[INTEGER] = "2",      [TOKEN] = "\"17\"", [NAMES] = "[\"c\"]",
	};

	return values[row->kind];
}

/* A good message of ${action} with ${key}, if any, set to ${value}; NULL: left out. */
static void compose(enum dmonitor_action action, bool push, const char *key, const char *value,
                    char *text)
{
	FILE *out = fmemopen(text, ROOM, "w");

	fprintf(out, "{\"action\":\"%s\"", dmonitor_action_word(action));
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++) {
		const bool needed = (row->need & (push ? PUSH : POLLING)) != 0 ||
		                    (push && strcmp(row->key, "session") == 0);

		if (row->action == action && needed && (key == NULL || strcmp(row->key, key) != 0))
			fprintf(out, ",\"%s\":%s", row->key, good_value(row));
	}
	if (key != NULL && value != NULL)
		fprintf(out, ",\"%s\":%s", key, value);
	fputc('}', out);
	fclose(out);
}

static void field_gives(const struct row *row, const char *value, enum dmonitor_code code)
{
	char text[ROOM];

	for (int push = 0; push < 2; push++) {
		if (push ? !can_push(row->action) : !can_poll(row->action))
			continue;
		/* With these two it would not poll. */
		if (!push && code == DMONITOR_CODE_NONE &&
		    (strcmp(row->key, "seq") == 0 || strcmp(row->key, "session") == 0))
			continue;
		compose(row->action, push, row->key, value, text);
		expect(text, code);
	}
}

/* A string of ${length} bytes, all of them ${byte}, in quotes. */
static const char *quoted(char byte, size_t length)
{
	static char text[ROOM];

	text[0] = '"';
	memset(text + 1, byte, length);
	strcpy(text + 1 + length, "\"");
	return text;
}

static void each_action_is_good_with_just_the_fields_it_needs(void **state)
{
	char text[ROOM];

	(void)state;
	for (int i = 1; i < DMONITOR_ACTION_COUNT; i++) {
		const enum dmonitor_action action = (enum dmonitor_action)i;

		compose(action, false, NULL, NULL, text);
		if (can_poll(action))
			expect(text, DMONITOR_CODE_NONE);
		compose(action, true, NULL, NULL, text);
		if (can_push(action))
			expect(text, DMONITOR_CODE_NONE);
	}
}

static void a_needed_field_that_is_missing_is_named(void **state)
{
	char text[ROOM];
	char sentence[200];

	(void)state;
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++)
		for (int push = 0; push < 2; push++) {
			const bool needed = (row->need & (push ? PUSH : POLLING)) != 0;

			if (push ? !can_push(row->action) : !can_poll(row->action))
				continue;
			/* Without its session a message is of the other kind. */
			if (push && strcmp(row->key, "session") == 0 && row->need != ALWAYS)
				continue;
			compose(row->action, push, row->key, NULL, text);
			snprintf(sentence, sizeof(sentence), "Missing %s for %s", row->key,
			         dmonitor_action_word(row->action));
			expect_sentence(text,
			                needed ? DMONITOR_CODE_MISSING_FIELD : DMONITOR_CODE_NONE,
			                needed ? sentence : "");
		}
}

static void every_type_but_its_own_is_bad_for_a_field(void **state)
{
	static const struct {
		const char *value;
		unsigned fits; /* the kinds, as bits, whose type it is */
	} values[] = {
		{ "null", 0 },
		{ "true", 0 },
		{ "false", 0 },
		{ "{}", 0 },
		{ "{\"a\":1}", 0 },
		{ "2", 1u << INTEGER },
		{ "[]", 1u << NAMES },
		{ "[\"c\"]", 1u << NAMES },
		{ "[1]", 0 },
		{ "[null]", 0 },
		{ "[[\"c\"]]", 0 },
		{ "[\"c\",1]", 0 },
		{ "\"2\"", 1u << NAME | 1u << ID | 1u << SHORT_TEXT | 1u << TOKEN },
	};

	(void)state;
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++)
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
			field_gives(row, values[i].value,
			            values[i].fits & 1u << row->kind ? DMONITOR_CODE_NONE
			                                             : DMONITOR_CODE_BAD_FIELD);
}

static void a_text_is_not_empty_and_not_too_long(void **state)
{
	static const struct {
		enum kind kind;
		size_t longest;
		enum dmonitor_code code;
	} kinds[] = {
		{ NAME, 128, DMONITOR_CODE_BAD_NAME },
		{ ID, 255, DMONITOR_CODE_BAD_NAME },
		{ SHORT_TEXT, 128, DMONITOR_CODE_BAD_FIELD },
	};

	(void)state;
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++)
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (row->kind != kinds[i].kind)
				continue;
			field_gives(row, "\"\"", kinds[i].code);
			field_gives(row, quoted('x', 1), DMONITOR_CODE_NONE);
			field_gives(row, quoted('x', kinds[i].longest), DMONITOR_CODE_NONE);
			field_gives(row, quoted('x', kinds[i].longest + 1), kinds[i].code);
			field_gives(row, quoted('x', 3000), kinds[i].code);
		}
}

static void a_text_has_its_alphabet(void **state)
{
	static const struct {
		const char *value;
		bool name, text;
	} values[] = {
		{ "\"../../x\"", true, true },
		{ "\" \"", false, true },
		{ "\"%s%n\"", false, true },
		{ "\"=cmd|' /C calc'!A0\"", false, true },
		{ "\"\\\"\\\\\"", false, true },
		{ "\"'; DROP TABLE\"", false, true },
		{ "\"\xc3\xa9\"", false, true }, /* composed */
		{ "\"e\\u0301\"", false, true }, /* decomposed: another id */
		{ "\"\\ud83d\\ude00\"", false, true },
		{ "\"a\\nb\"", false, false },
		{ "\"a\\u001b[2Jb\"", false, false },
		{ "\"a\\u007fb\"", false, false },
		{ "\"a\x7f"
		  "b\"",
		  false, false },
		{ "\"a\\u0085b\"", false, false },
		{ "\"a\\u200fb\"", false, false },
		{ "\"a\\u202eb\"", false, false },
		{ "\"\\u0061\\u002d\"", true, true },
	};

	(void)state;
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++)
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			const bool good = row->kind == NAME ? values[i].name : values[i].text;

			if (row->kind == NAME || row->kind == ID || row->kind == SHORT_TEXT)
				field_gives(row, values[i].value,
				            good                      ? DMONITOR_CODE_NONE
				            : row->kind == SHORT_TEXT ? DMONITOR_CODE_BAD_FIELD
				                                      : DMONITOR_CODE_BAD_NAME);
		}
}

static void an_integer_is_whole_and_within_its_range(void **state)
{
	static const char *const good[] = {
		"1", "1.0", "1e3", "10e-1", "3000000000", "9.007199254740991e15", "9007199254740991"
	};
	static const char *const bad[] = { "-1",
		                           "1.5",
		                           "0.1",
		                           "1e-9",
		                           "1e400",
		                           "-1e400",
		                           "1e18",
		                           "9007199254740992",
		                           "9007199254740993",
		                           "-9007199254740991",
		                           "9223372036854775807",
		                           "18446744073709551616" };

	(void)state;
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++) {
		if (row->kind != INTEGER)
			continue;
		for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
			field_gives(row, good[i], DMONITOR_CODE_NONE);
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			field_gives(row, bad[i], DMONITOR_CODE_BAD_FIELD);
		field_gives(row, "0", row->low > 0 ? DMONITOR_CODE_BAD_FIELD : DMONITOR_CODE_NONE);
		field_gives(row, "-0", row->low > 0 ? DMONITOR_CODE_BAD_FIELD : DMONITOR_CODE_NONE);
	}
}

static void a_token_is_a_string_of_digits_below_2_64(void **state)
{
	static const char *const good[] = { "\"0\"", "\"007\"", "\"9007199254740993\"",
		                            "\"18446744073709551615\"" };
	static const char *const bad[] = { "\"\"",
		                           "\" 1\"",
		                           "\"1 \"",
		                           "\"-1\"",
		                           "\"+1\"",
		                           "\"1.0\"",
		                           "\"1e3\"",
		                           "\"0x10\"",
		                           "\"abc\"",
		                           "\"\\u0661\"",
		                           "18446744073709551615",
		                           "\"18446744073709551616\"",
		                           "\"99999999999999999999999999\"" };
	const struct row *row = row_of(DMONITOR_ACTION_CHECK, "token");

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		field_gives(row, good[i], DMONITOR_CODE_NONE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		field_gives(row, bad[i], DMONITOR_CODE_BAD_FIELD);
}

static void every_name_in_a_list_is_a_name(void **state)
{
	char value[ROOM];

	(void)state;
	for (const struct row *row = rows; row < rows + ROW_COUNT; row++) {
		if (row->kind != NAMES)
			continue;
		field_gives(row, "[\"c\",\"c\"]", DMONITOR_CODE_NONE);
		field_gives(row, "[\"\"]", DMONITOR_CODE_BAD_NAME);
		field_gives(row, "[\"c\",\"a b\"]", DMONITOR_CODE_BAD_NAME);
		snprintf(value, sizeof(value), "[\"c\",%s]", quoted('n', 128));
		field_gives(row, value, DMONITOR_CODE_NONE);
		snprintf(value, sizeof(value), "[%s,\"c\"]", quoted('n', 129));
		field_gives(row, value, DMONITOR_CODE_BAD_NAME);
	}
}

/* Nothing is wrong with a field of whatever value where it means nothing. */
static void a_field_of_other_actions_is_ignored(void **state)
{
	static const char *const values[] = { "null", "{}", "-1", "\"\"", "[1]", "\"x y\"" };
	char text[ROOM];

	(void)state;
	for (int i = 1; i < DMONITOR_ACTION_COUNT; i++)
		for (size_t k = 0; k < sizeof(all_keys) / sizeof(all_keys[0]); k++)
			for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
				const enum dmonitor_action action = (enum dmonitor_action)i;

				if (row_of(action, all_keys[k]) != NULL)
					continue;
				compose(action, !can_poll(action), all_keys[k], values[v], text);
				expect(text, DMONITOR_CODE_NONE);
			}
}

static void a_field_of_no_action_is_ignored(void **state)
{
	static const char *const fields[] = {
		"\"x\":null",           "\"Action\":\"EXIT\"",
		"\"MONITOR_NAME\":1",   "\"\":0",
		"\"x\":{\"y\":[1,{}]}", "\"x\":1e400",
		"\"status\":\"ok\"",    "\"monitor_name \":1",
		"\"version\":99",
	};
	char text[ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(text, sizeof(text), "{%s,\"action\":\"STATUS\"}", fields[i]);
		expect(text, DMONITOR_CODE_NONE);
	}
}

static void what_is_wrong_is_said_in_words(void **state)
{
	static const struct {
		const char *text;
		enum dmonitor_code code;
		const char *sentence;
	} cases[] = {
		{ "", DMONITOR_CODE_BAD_JSON, "Not JSON at byte 0: a value is expected here" },
		{ "{\"action\":ENTER}", DMONITOR_CODE_BAD_JSON,
		  "Not JSON at byte 10: a value is expected here" },
		{ "[]", DMONITOR_CODE_BAD_JSON, "The message is JSON, but not an object" },
		{ " \"ENTER\" ", DMONITOR_CODE_BAD_JSON, "The message is JSON, but not an object" },
		{ "7", DMONITOR_CODE_BAD_JSON, "The message is JSON, but not an object" },
		{ "null", DMONITOR_CODE_BAD_JSON, "The message is JSON, but not an object" },
		{ "{\"a\":1,\"a\":1}", DMONITOR_CODE_BAD_JSON,
		  "Not as it should be: an object has a field twice" },
		{ "{}", DMONITOR_CODE_MISSING_FIELD, "Missing action" },
		{ "{\"Action\":\"ENTER\"}", DMONITOR_CODE_MISSING_FIELD, "Missing action" },
		{ "{\"action\":null}", DMONITOR_CODE_BAD_FIELD, "action must be a string" },
		{ "{\"action\":1}", DMONITOR_CODE_BAD_FIELD, "action must be a string" },
		{ "{\"action\":[\"ENTER\"]}", DMONITOR_CODE_BAD_FIELD, "action must be a string" },
		{ "{\"action\":\"\"}", DMONITOR_CODE_UNKNOWN_ACTION,
		  "There is no action of that name; actions are upper case, as ENTER" },
		{ "{\"action\":\"enter\"}", DMONITOR_CODE_UNKNOWN_ACTION,
		  "There is no action of that name; actions are upper case, as ENTER" },
		{ "{\"action\":\"ENTER \"}", DMONITOR_CODE_UNKNOWN_ACTION,
		  "There is no action of that name; actions are upper case, as ENTER" },
		{ "{\"action\":\"none\"}", DMONITOR_CODE_UNKNOWN_ACTION,
		  "There is no action of that name; actions are upper case, as ENTER" },
		{ "{\"action\":\"12345678901234567890123456789012\"}", DMONITOR_CODE_UNKNOWN_ACTION,
		  "There is no action of that name" },
		{ "{\"action\":\"ENTER\",\"monitor_name\":\"stock\"}", DMONITOR_CODE_MISSING_FIELD,
		  "Missing process_id for ENTER" },
		{ "{\"action\":\"WAIT\",\"monitor_name\":\"stock\",\"process_id\":\"ann\"}",
		  DMONITOR_CODE_MISSING_FIELD, "Missing condition_name for WAIT" },
		{ "{\"action\":\"ENTER\"}", DMONITOR_CODE_MISSING_FIELD,
		  "Missing monitor_name for ENTER" },
		{ "{\"action\":\"BEAT\"}", DMONITOR_CODE_MISSING_FIELD,
		  "Missing session for BEAT" },
		{ "{\"action\":\"HELLO\",\"process_id\":\"ann\"}", DMONITOR_CODE_MISSING_FIELD,
		  "Missing protocol for HELLO" },
		{ "{\"action\":\"ENTER\",\"monitor_name\":\"stock\",\"process_id\":\"ann\","
		  "\"seq\":1}",
		  DMONITOR_CODE_MISSING_FIELD, "Missing session for a request with seq" },
		{ "{\"action\":\"ENTER\",\"monitor_name\":7,\"process_id\":\"ann\"}",
		  DMONITOR_CODE_BAD_FIELD, "monitor_name must be a string" },
		{ "{\"action\":\"ENTER\",\"monitor_name\":\"the stock\",\"process_id\":\"ann\"}",
		  DMONITOR_CODE_BAD_NAME,
		  "monitor_name: Names are 1 to 128 bytes of A-Z a-z 0-9 . _ : / @ -" },
		{ "{\"action\":\"ENTER\",\"monitor_name\":\"stock\",\"process_id\":\"\\n\"}",
		  DMONITOR_CODE_BAD_NAME, "process_id must be 1 to 255 bytes of printable UTF-8" },
		{ "{\"action\":\"BEAT\",\"session\":\"\"}", DMONITOR_CODE_BAD_FIELD,
		  "session must be 1 to 128 printable bytes" },
		{ "{\"action\":\"ENTER\",\"monitor_name\":\"stock\",\"process_id\":\"ann\","
		  "\"timeout_ms\":-1}",
		  DMONITOR_CODE_BAD_FIELD,
		  "timeout_ms must be an integer from 0 to 9007199254740991" },
		{ "{\"action\":\"CHECK\",\"monitor_name\":\"stock\",\"token\":5}",
		  DMONITOR_CODE_BAD_FIELD, "token must be a string of digits" },
		{ "{\"action\":\"EXIT\",\"monitor_name\":\"stock\",\"process_id\":\"ann\","
		  "\"signal\":\"c\"}",
		  DMONITOR_CODE_BAD_FIELD, "signal must be an array of names" },
		{ "{\"action\":\"EXIT\",\"monitor_name\":\"stock\",\"process_id\":\"ann\","
		  "\"broadcast\":[\"\"]}",
		  DMONITOR_CODE_BAD_NAME,
		  "broadcast: Names are 1 to 128 bytes of A-Z a-z 0-9 . _ : / @ -" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_sentence(cases[i].text, cases[i].code, cases[i].sentence);
}

/* ----- Sizes ----- */

static void a_message_has_at_most_65536_bytes(void **state)
{
	static const char text[] = "{\"action\":\"BEAT\",\"session\":\"s\"}";
	char *padded = malloc(1 << 24);
	struct dmonitor_request request;

	(void)state;
	memset(padded, ' ', 1 << 24);
	memcpy(padded, text, sizeof(text) - 1);
	decode_bytes(padded, 65536, 1, &request);
	assert_int_equal(request.error, DMONITOR_CODE_NONE);
	assert_string_equal(request.session, "s");
	dmonitor_request_fini(&request);
	decode_bytes(padded, 65537, 1, &request);
	assert_int_equal(request.error, DMONITOR_CODE_TOO_LARGE);
	assert_string_equal(request.error_text, "The message has 65537 bytes, of at most 65536");
	assert_int_equal(request.action, DMONITOR_ACTION_NONE);
	assert_null(request.session);
	dmonitor_request_fini(&request);
	decode_bytes(padded, 1 << 24, 1, &request);
	assert_int_equal(request.error, DMONITOR_CODE_TOO_LARGE);
	dmonitor_request_fini(&request);
	free(padded);
}

/* An object of ${count} fields; ${first} is one of them. */
static void write_object(FILE *out, const char *first, int count)
{
	fprintf(out, "{%s", first);
	for (int i = 1; i < count; i++)
		fprintf(out, ",\"f%d\":%d", i, i);
	fputc('}', out);
}

static void an_object_has_at_most_64_fields(void **state)
{
	char text[ROOM];
	FILE *out;

	(void)state;
	for (int count = 64; count <= 65; count++) {
		const enum dmonitor_code code =
		    count > 64 ? DMONITOR_CODE_BAD_JSON : DMONITOR_CODE_NONE;
		const char *sentence =
		    count > 64 ? "Not as it should be: an object has more than 64 fields" : "";

		out = fmemopen(text, sizeof(text), "w");
		write_object(out, "\"action\":\"STATUS\"", count);
		fclose(out);
		expect_sentence(text, code, sentence);
		out = fmemopen(text, sizeof(text), "w");
		fputs("{\"action\":\"STATUS\",\"x\":[1,", out);
		write_object(out, "\"f\":0", count);
		fputs("]}", out);
		fclose(out);
		expect_sentence(text, code, sentence);
	}
}

static void an_array_may_be_as_long_as_fits(void **state)
{
	char *text = malloc(65536);
	struct dmonitor_request request;
	size_t size;
	FILE *out = fmemopen(text, 65536, "w");

	(void)state;
	fputs("{\"action\":\"EXIT\",\"monitor_name\":\"m\",\"process_id\":\"p\",\"signal\":[\"c\"",
	      out);
	for (int i = 0; i < 16000; i++)
		fputs(",\"c\"", out);
	fputs("]}", out);
	size = (size_t)ftell(out);
	fclose(out);
	decode_bytes(text, size, 1, &request);
	assert_int_equal(request.error, DMONITOR_CODE_NONE);
	assert_int_equal(request.signal.count, 16001);
	assert_string_equal(request.signal.names[16000], "c");
	dmonitor_request_fini(&request);
	free(text);
}

static void a_field_that_stands_twice_is_no_json(void **state)
{
	static const char *const twice[] = {
		"{\"action\":\"STATUS\",\"action\":\"STATUS\"}",
		"{\"action\":\"STATUS\",\"x\":1,\"y\":2,\"x\":1}",
		"{\"action\":\"STATUS\",\"\\u0061ction\":\"STATUS\"}",
		"{\"action\":\"STATUS\",\"\\u00e9\":1,\"\xc3\xa9\":2}",
		"{\"action\":\"STATUS\",\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}",
		"{\"action\":\"STATUS\",\"\":1,\"\":2}",
		"{\"action\":\"STATUS\",\"x\":{\"y\":1,\"y\":2}}",
		"{\"action\":\"STATUS\",\"x\":[0,{\"y\":{\"z\":1,\"z\":1}}]}",
	};
	static const char *const once[] = {
		"{\"action\":\"STATUS\",\"Action\":1,\"ACTION\":2}",
		"{\"action\":\"STATUS\",\"x\":{\"action\":1,\"x\":2}}",
		"{\"action\":\"STATUS\",\"x\":[{\"y\":1},{\"y\":1}]}",
		"{\"action\":\"STATUS\",\"e\\u0301\":1,\"\\u00e9\":2}",
		"{\"action\":\"STATUS\",\"x\":1,\"x \":2}",
		"{\"action\":\"STATUS\",\"x\":[\"a\",\"a\"]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++)
		expect(twice[i], DMONITOR_CODE_BAD_JSON);
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		expect(once[i], DMONITOR_CODE_NONE);
}

static void a_message_cut_short_anywhere_is_bad_json_and_nothing_else(void **state)
{
	static const char text[] =
	    "{\"action\":\"EXIT\",\"session\":\"s\",\"seq\":12,\"monitor_name\":\"m\","
	    "\"signal\":[\"c\",\"d\"],\"reply\":false,\"x\":{\"\xc3\xa9\":-1.5e3}}";
	struct dmonitor_request request;

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++) {
		decode_bytes(text, size, 1, &request);
		if (request.error != DMONITOR_CODE_BAD_JSON)
			fail_msg("%zu bytes", size);
		assert_int_equal(request.action, DMONITOR_ACTION_NONE);
		assert_null(request.session);
		assert_int_equal(request.seq, 0);
		dmonitor_request_fini(&request);
	}
	expect(text, DMONITOR_CODE_NONE);
}

/* ----- What an error repeats ----- */

static void a_message_of_several_frames_is_refused_but_read(void **state)
{
	static const char text[] =
	    "{\"action\":\"ENTER\",\"session\":\"s\",\"seq\":5,\"monitor_name\":\"m\"}";
	struct dmonitor_request request;

	(void)state;
	for (size_t frames = 2; frames <= 1000; frames += 998) {
		decode_bytes(text, sizeof(text) - 1, frames, &request);
		assert_int_equal(request.error, DMONITOR_CODE_BAD_FIELD);
		assert_string_equal(request.error_text,
		                    frames == 2
		                        ? "The message has 2 frames behind the delimiter, of 1"
		                        : "The message has 1000 frames behind the delimiter, of 1");
		assert_int_equal(request.action, DMONITOR_ACTION_ENTER);
		assert_string_equal(request.session, "s");
		assert_int_equal(request.seq, 5);
		assert_string_equal(request.monitor_name, "m");
		dmonitor_request_fini(&request);
	}
	/* That is told first, whatever else is wrong. */
	decode_bytes("{", 1, 2, &request);
	assert_int_equal(request.error, DMONITOR_CODE_BAD_FIELD);
	assert_int_equal(request.action, DMONITOR_ACTION_NONE);
	dmonitor_request_fini(&request);
	decode("{\"action\":\"STATUS\",\"action\":\"STATUS\"}", &request);
	assert_int_equal(request.action, DMONITOR_ACTION_NONE);
	assert_null(request.tree);
	dmonitor_request_fini(&request);
}

static void a_refused_request_still_says_whose_it_is(void **state)
{
	static const struct {
		const char *rest; /* of the message, which is refused for it */
		enum dmonitor_code code;
	} cases[] = {
		{ "\"action\":\"ENTER\",\"timeout_ms\":-1", DMONITOR_CODE_BAD_FIELD },
		{ "\"action\":\"ENTER\",\"process_id\":\"\"", DMONITOR_CODE_BAD_NAME },
		{ "\"action\":\"EXIT\",\"signal\":[7]", DMONITOR_CODE_BAD_FIELD },
		{ "\"action\":\"EXIT\",\"broadcast\":{}", DMONITOR_CODE_BAD_FIELD },
		{ "\"action\":\"EXIT\",\"reply\":1", DMONITOR_CODE_BAD_FIELD },
		{ "\"action\":\"EXIT\",\"set\":[\"v\"]", DMONITOR_CODE_LIMIT },
		{ "\"action\":\"WAIT\",\"condition_name\":\"\"", DMONITOR_CODE_BAD_NAME },
		{ "\"action\":\"WAIT\"", DMONITOR_CODE_MISSING_FIELD },
		{ "\"action\":\"SIGNAL\"", DMONITOR_CODE_MISSING_FIELD },
		{ "\"action\":\"enter\"", DMONITOR_CODE_UNKNOWN_ACTION },
		{ "\"action\":5", DMONITOR_CODE_BAD_FIELD },
		{ "\"x\":5", DMONITOR_CODE_MISSING_FIELD },
	};
	char text[ROOM];
	struct dmonitor_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text, sizeof(text),
		         "{%s,\"monitor_name\":\"m\",\"seq\":9007199254740991,\"session\":\"s\"}",
		         cases[i].rest);
		decode(text, &request);
		if (request.error != cases[i].code)
			fail_msg("%s: %s", dmonitor_code_word(request.error), text);
		assert_string_equal(request.session, "s");
		assert_int_equal(request.seq, DMONITOR_INTEGER_MAX);
		assert_string_equal(request.monitor_name, "m");
		dmonitor_request_fini(&request);
	}
}

static void a_bad_field_does_not_hide_the_good_ones(void **state)
{
	struct dmonitor_request request;

	(void)state;
	decode("{\"action\":\"CANCEL\",\"session\":\"s\",\"cancel_seq\":3,\"ref\":\"r\","
	       "\"monitor_name\":\"a b\"}",
	       &request);
	assert_int_equal(request.error, DMONITOR_CODE_BAD_NAME);
	assert_null(request.monitor_name);
	assert_string_equal(request.session, "s");
	assert_int_equal(request.cancel_seq, 3);
	assert_string_equal(request.ref, "r");
	dmonitor_request_fini(&request);
	decode("{\"action\":\"SIGNAL\",\"session\":\"s\",\"seq\":\"3\",\"monitor_name\":\"m\","
	       "\"condition_name\":\"c\"}",
	       &request);
	assert_int_equal(request.error, DMONITOR_CODE_BAD_FIELD);
	assert_int_equal(request.seq, 0);
	assert_string_equal(request.condition_name, "c");
	dmonitor_request_fini(&request);
}

static void the_first_thing_that_is_wrong_is_told(void **state)
{
	struct dmonitor_request request = { .timeout_ms = -1 };

	(void)state;
	dmonitor_request_refuse(&request, DMONITOR_CODE_LIMIT, "%s %d", "first", 1);
	dmonitor_request_refuse(&request, DMONITOR_CODE_BAD_JSON, "second");
	assert_int_equal(request.error, DMONITOR_CODE_LIMIT);
	assert_string_equal(request.error_text, "first 1");
	dmonitor_request_fini(&request);
	assert_int_equal(request.error, DMONITOR_CODE_NONE);
	assert_int_equal(request.timeout_ms, -1);
	dmonitor_request_fini(&request);
}

/* ----- reply, set, unset ----- */

#define POLLING_EXIT "\"action\":\"EXIT\",\"monitor_name\":\"m\",\"process_id\":\"p\""
#define PUSH_EXIT    "\"action\":\"EXIT\",\"monitor_name\":\"m\",\"session\":\"s\",\"seq\":1"

static void an_exit_may_pass_on_an_abandonment(void **state)
{
	static const struct {
		const char *text;
		enum dmonitor_code code;
		bool abandoned;
	} cases[] = {
		{ "{" PUSH_EXIT "}", DMONITOR_CODE_NONE, false },
		{ "{" PUSH_EXIT ",\"abandoned\":true}", DMONITOR_CODE_NONE, true },
		{ "{" PUSH_EXIT ",\"abandoned\":false}", DMONITOR_CODE_NONE, false },
		{ "{" PUSH_EXIT ",\"abandoned\":1}", DMONITOR_CODE_BAD_FIELD, false },
		{ "{" PUSH_EXIT ",\"abandoned\":null}", DMONITOR_CODE_BAD_FIELD, false },
		{ "{" POLLING_EXIT ",\"abandoned\":true}", DMONITOR_CODE_NONE, true },
		/* Of others it is a field that nobody knows. */
		{ "{\"action\":\"STATUS\",\"abandoned\":0}", DMONITOR_CODE_NONE, false },
	};
	struct dmonitor_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		decode(cases[i].text, &request);
		if (request.error != cases[i].code || request.abandoned != cases[i].abandoned)
			fail_msg("%s %d: %s", dmonitor_code_word(request.error), request.abandoned,
			         cases[i].text);
		dmonitor_request_fini(&request);
	}
}

static void reply_false_is_for_the_exit_of_a_session(void **state)
{
	static const struct {
		const char *text;
		enum dmonitor_code code;
		bool unanswered;
	} cases[] = {
		{ "{" PUSH_EXIT "}", DMONITOR_CODE_NONE, false },
		{ "{" PUSH_EXIT ",\"reply\":false}", DMONITOR_CODE_NONE, true },
		{ "{" PUSH_EXIT ",\"reply\":true}", DMONITOR_CODE_NONE, false },
		{ "{" PUSH_EXIT ",\"reply\":null}", DMONITOR_CODE_BAD_FIELD, false },
		{ "{" PUSH_EXIT ",\"reply\":0}", DMONITOR_CODE_BAD_FIELD, false },
		{ "{" PUSH_EXIT ",\"reply\":\"false\"}", DMONITOR_CODE_BAD_FIELD, false },
		{ "{" PUSH_EXIT ",\"reply\":[]}", DMONITOR_CODE_BAD_FIELD, false },
		{ "{" POLLING_EXIT ",\"reply\":true}", DMONITOR_CODE_NONE, false },
		{ "{" POLLING_EXIT ",\"reply\":false}", DMONITOR_CODE_BAD_FIELD, false },
		/* Refused for something else it is still not answered, if it can be kept. */
		{ "{" PUSH_EXIT ",\"reply\":false,\"signal\":0}", DMONITOR_CODE_BAD_FIELD, true },
	};
	struct dmonitor_request request;
	char text[ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		decode(cases[i].text, &request);
		if (request.error != cases[i].code || request.unanswered != cases[i].unanswered)
			fail_msg("%s %d: %s", dmonitor_code_word(request.error), request.unanswered,
			         cases[i].text);
		dmonitor_request_fini(&request);
	}
	for (int i = 1; i < DMONITOR_ACTION_COUNT; i++) {
		const enum dmonitor_action action = (enum dmonitor_action)i;

		if (action == DMONITOR_ACTION_EXIT)
			continue;
		compose(action, can_push(action), "reply", "false", text);
		expect_sentence(text, DMONITOR_CODE_BAD_FIELD,
		                "reply: false is for a session's EXIT");
		compose(action, can_push(action), "reply", "true", text);
		expect(text, DMONITOR_CODE_NONE);
	}
}

static void variables_are_beyond_this_server_unless_there_are_none(void **state)
{
	static const char *const keys[] = { "set", "unset" };
	static const char *const values[] = {
		"[\"v\"]", "[[]]", "null", "{}", "\"\"", "0", "false"
	};
	char text[ROOM];
	char sentence[100];

	(void)state;
	for (int i = 1; i < DMONITOR_ACTION_COUNT; i++)
		for (size_t k = 0; k < 2; k++) {
			const enum dmonitor_action action = (enum dmonitor_action)i;
			const bool matters =
			    action == DMONITOR_ACTION_EXIT || action == DMONITOR_ACTION_WAIT;

			snprintf(sentence, sizeof(sentence), "%s: this server keeps no variables",
			         keys[k]);
			compose(action, can_push(action), keys[k], "[]", text);
			expect(text, DMONITOR_CODE_NONE);
			for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
				compose(action, can_push(action), keys[k], values[v], text);
				expect_sentence(text,
				                matters ? DMONITOR_CODE_LIMIT : DMONITOR_CODE_NONE,
				                matters ? sentence : "");
			}
		}
}

/* ----- To bytes and back: requests ----- */

static void round_trip_request(const struct dmonitor_request *request)
{
	char *text = dmonitor_request_encode(request);
	struct dmonitor_request decoded;
	const char *difference;

	assert_non_null(text);
	decode(text, &decoded);
	difference = request_difference(request, &decoded);
	if (difference != NULL)
		fail_msg("%s: %s (%s)", difference, text, decoded.error_text);
	dmonitor_request_fini(&decoded);
	free(text);
}

static bool has(enum dmonitor_action action, const char *key)
{
	return row_of(action, key) != NULL;
}

/* ${action} with all fields that it may have, by ${push} in a session. */
static struct dmonitor_request full_request(enum dmonitor_action action, bool push)
{
	static const char *names[] = { "c", "d", "c" };
	struct dmonitor_request request = { .action = action, .timeout_ms = -1 };

	request.process_id = has(action, "process_id") ? "ann \xc3\xa9 \"%s\"\\" : NULL;
	request.monitor_name = has(action, "monitor_name") ? "a/b:c@d-e_f.g" : NULL;
	request.condition_name = has(action, "condition_name") ? "not_empty" : NULL;
	request.session = push && has(action, "session") ? "0123456789abcdef" : NULL;
	request.label = has(action, "label") ? "\xf0\x9f\x98\x80" : NULL;
	request.ref = has(action, "ref") ? "123456" : NULL;
	request.seq = push && has(action, "seq") ? DMONITOR_INTEGER_MAX : 0;
	request.cancel_seq = has(action, "cancel_seq") ? DMONITOR_INTEGER_MAX - 1 : 0;
	request.timeout_ms = has(action, "timeout_ms") ? DMONITOR_INTEGER_MAX - 2 : -1;
	request.lease_ms = has(action, "lease_ms") ? 4503599627370497 : 0;
	request.attempt = has(action, "attempt") ? 4503599627370499 : 0;
	request.protocol = has(action, "protocol") ? 2 : 0;
	request.token = has(action, "token") ? UINT64_MAX : 0;
	request.unanswered = push && action == DMONITOR_ACTION_EXIT;
	request.abandoned = action == DMONITOR_ACTION_EXIT;
	if (has(action, "signal"))
		request.signal = (struct dmonitor_names){ names, 3 };
	if (has(action, "broadcast"))
		request.broadcast = (struct dmonitor_names){ names + 1, 1 };
	return request;
}

static void every_request_reads_as_it_was_written(void **state)
{
	(void)state;
	for (int i = 1; i < DMONITOR_ACTION_COUNT; i++)
		for (int push = 0; push < 2; push++) {
			const enum dmonitor_action action = (enum dmonitor_action)i;
			struct dmonitor_request request = full_request(action, push);

			if (push ? !can_push(action) : !can_poll(action))
				continue;
			round_trip_request(&request);
			if (!has(action, "timeout_ms"))
				continue;
			request.timeout_ms = 0;
			round_trip_request(&request);
		}
}

static void integers_and_tokens_are_exact(void **state)
{
	static const int64_t integers[] = { 1,
		                            2147483647,
		                            2147483648,
		                            4294967296,
		                            3000000000,
		                            999999999999999,
		                            4503599627370495,
		                            4503599627370497,
		                            9007199254740989,
		                            9007199254740990,
		                            9007199254740991 };
	static const uint64_t tokens[] = { 0,
		                           1,
		                           9007199254740993u,
		                           INT64_MAX,
		                           UINT64_C(9223372036854775809),
		                           UINT64_MAX - 1,
		                           UINT64_MAX };
	struct dmonitor_request request = full_request(DMONITOR_ACTION_ENTER, true);

	(void)state;
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		request.seq = request.timeout_ms = integers[i];
		round_trip_request(&request);
	}
	request = full_request(DMONITOR_ACTION_CHECK, true);
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		request.token = tokens[i];
		round_trip_request(&request);
	}
}

static void only_what_an_action_has_is_written(void **state)
{
	struct dmonitor_request request = full_request(DMONITOR_ACTION_EXIT, true);
	static const char *names[] = { "c" };
	char *text;

	(void)state;
	request.action = DMONITOR_ACTION_STATUS;
	request.monitor_name = NULL;
	request.unanswered = request.abandoned = false;
	request.ref = "r";
	text = dmonitor_request_encode(&request);
	assert_string_equal(text, "{\"action\":\"STATUS\",\"ref\":\"r\"}");
	free(text);
	request = (struct dmonitor_request){ .action = DMONITOR_ACTION_EXIT,
		                             .session = "s",
		                             .seq = 2,
		                             .monitor_name = "stock",
		                             .timeout_ms = -1,
		                             .unanswered = true,
		                             .abandoned = true,
		                             .signal = { names, 1 } };
	text = dmonitor_request_encode(&request);
	assert_string_equal(text, "{\"action\":\"EXIT\",\"session\":\"s\",\"seq\":2,"
	                          "\"monitor_name\":\"stock\",\"signal\":[\"c\"],\"reply\":false,"
	                          "\"abandoned\":true}");
	free(text);
}

static void the_digest_is_of_all_bytes(void **state)
{
	static const char *const texts[] = {
		"{\"action\":\"STATUS\"}",         "{\"action\":\"STATUS\"} ",
		"{\"action\": \"STATUS\"}",        "{\"action\":\"STATUS\",\"x\":0}",
		"{\"action\":\"STATUS\",\"x\":1}", "{\"action\":\"STATUS\",\"y\":0}",
		"{\"action\":\"STATU\\u0053\"}",   "{\"action\":\"STATUS\"}\n",
	};
	uint64_t digests[sizeof(texts) / sizeof(texts[0])];
	struct dmonitor_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		decode(texts[i], &request);
		digests[i] = request.digest;
		dmonitor_request_fini(&request);
		decode(texts[i], &request);
		assert_int_equal(request.digest, digests[i]);
		dmonitor_request_fini(&request);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(digests[k], digests[i]);
	}
}

/* ----- To bytes and back: replies ----- */

static void decode_reply(const char *text, struct dmonitor_reply *reply)
{
	if (dmonitor_reply_decode(text, strlen(text), reply) != 0)
		fail_msg("not decoded: %s", text);
}

static void round_trip_reply(const struct dmonitor_reply *reply)
{
	struct dmonitor_reply decoded;
	char *text = dmonitor_reply_encode(reply);
	const char *difference;

	assert_non_null(text);
	decode_reply(text, &decoded);
	difference = reply_difference(reply, &decoded);
	if (difference != NULL)
		fail_msg("%s: %s", difference, text);
	free(text);
}

static struct dmonitor_reply full_reply(enum dmonitor_status status)
{
	struct dmonitor_reply reply = {
		.status = status,
		.monitor_name = "a/b:c@d-e_f.g",
		.condition_name = "not_empty",
		.ref = "\xc3\xa9\"\\",
		.seq = DMONITOR_INTEGER_MAX,
		.cancel_seq = DMONITOR_INTEGER_MAX - 1,
		.token = UINT64_MAX,
		.abandoned = true,
		.timed_out = true,
		.cancelled = true,
		.tells_next = true,
		.next_granted_to = "bob",
		.tells_woken = true,
		.woken_processes = DMONITOR_INTEGER_MAX - 2,
		.failed_seq = DMONITOR_INTEGER_MAX - 3,
		.failed_code = DMONITOR_CODE_NOT_OWNER,
		.protocol = 2,
		.lease_ms = 3600000,
		.session = "0123456789abcdef0123456789abcdef",
		.server = "host/boot/1/2/3",
		.limits = { .sessions = 1, .monitors = 2, .conditions = 3 },
	};

	if (status == DMONITOR_STATUS_ERROR) {
		reply.code = DMONITOR_CODE_BAD_FIELD;
		strcpy(reply.message, "seq must be an integer \"%s\" \xc3\xa9");
	}
	if (status == DMONITOR_STATUS_WELCOME) {
		reply.resumed = true;
		reply.last_seq = DMONITOR_INTEGER_MAX - 4;
	}
	return reply;
}

static void every_reply_reads_as_it_was_written(void **state)
{
	(void)state;
	for (int i = 1; i < DMONITOR_STATUS_COUNT; i++) {
		struct dmonitor_reply reply = full_reply((enum dmonitor_status)i);

		round_trip_reply(&reply);
		reply = (struct dmonitor_reply){ .status = (enum dmonitor_status)i };
		round_trip_reply(&reply);
	}
}

static void every_error_reads_as_it_was_written(void **state)
{
	(void)state;
	for (int i = 1; i < DMONITOR_CODE_COUNT; i++) {
		struct dmonitor_reply reply = { .status = DMONITOR_STATUS_ERROR,
			                        .code = (enum dmonitor_code)i,
			                        .seq = 4,
			                        .failed_seq = 3,
			                        .failed_code = (enum dmonitor_code)i };

		strcpy(reply.message, dmonitor_code_sentence(reply.code));
		assert_true(reply.message[0] != '\0');
		round_trip_reply(&reply);
	}
}

static void the_longest_texts_of_a_reply_are_whole(void **state)
{
	struct dmonitor_reply reply = full_reply(DMONITOR_STATUS_ERROR);

	(void)state;
	memset(reply.message, 'm', sizeof(reply.message) - 1);
	memset(reply.monitor_name, 'n', sizeof(reply.monitor_name) - 1);
	memset(reply.condition_name, 'c', sizeof(reply.condition_name) - 1);
	memset(reply.ref, 'r', sizeof(reply.ref) - 1);
	memset(reply.server, 's', sizeof(reply.server) - 1);
	round_trip_reply(&reply);
}

static void integers_and_tokens_of_replies_are_exact(void **state)
{
	(void)state;
	for (int64_t n = DMONITOR_INTEGER_MAX - 50; n <= DMONITOR_INTEGER_MAX; n++) {
		struct dmonitor_reply reply = { .status = DMONITOR_STATUS_GRANTED,
			                        .seq = n,
			                        .token = UINT64_MAX - (uint64_t)(n & 63) };

		round_trip_reply(&reply);
	}
}

static void expect_text(const struct dmonitor_reply *reply, const char *expected)
{
	char *text = dmonitor_reply_encode(reply);

	assert_string_equal(text, expected);
	free(text);
}

static void replies_look_as_the_protocol_shows_them(void **state)
{
	struct dmonitor_reply reply = {
		.status = DMONITOR_STATUS_GRANTED, .monitor_name = "stock", .seq = 1, .token = 7
	};

	(void)state;
	expect_text(&reply, "{\"status\":\"granted\",\"monitor_name\":\"stock\",\"seq\":1,"
	                    "\"token\":\"7\"}");
	reply = (struct dmonitor_reply){ .status = DMONITOR_STATUS_SUCCESS,
		                         .monitor_name = "stock",
		                         .tells_next = true };
	expect_text(&reply, "{\"status\":\"success\",\"monitor_name\":\"stock\","
	                    "\"next_granted_to\":null}");
	strcpy(reply.next_granted_to, "bob");
	reply.tells_woken = true;
	expect_text(&reply, "{\"status\":\"success\",\"monitor_name\":\"stock\","
	                    "\"next_granted_to\":\"bob\",\"woken_processes\":0}");
	reply = (struct dmonitor_reply){ .status = DMONITOR_STATUS_ERROR,
		                         .code = DMONITOR_CODE_NOT_OWNER,
		                         .message = "Not mutex owner",
		                         .seq = 9,
		                         .failed_seq = 8,
		                         .failed_code = DMONITOR_CODE_LIMIT };
	expect_text(&reply, "{\"status\":\"error\",\"code\":\"not_owner\",\"message\":\"Not mutex "
	                    "owner\",\"seq\":9,\"failed\":[{\"seq\":8,\"code\":\"limit\"}]}");
	reply = (struct dmonitor_reply){ .status = DMONITOR_STATUS_CANCELLED, .cancel_seq = 3 };
	expect_text(&reply, "{\"status\":\"cancelled\",\"cancel_seq\":3}");
	reply =
	    (struct dmonitor_reply){ .status = DMONITOR_STATUS_WELCOME,
		                     .protocol = 2,
		                     .lease_ms = 5000,
		                     .session = "s",
		                     .server = "h",
		                     .limits = { .sessions = 1, .monitors = 2, .conditions = 3 } };
	expect_text(&reply, "{\"status\":\"welcome\",\"protocol\":2,\"lease_ms\":5000,"
	                    "\"session\":\"s\",\"server\":\"h\",\"resumed\":false,"
	                    "\"limits\":{\"message_bytes\":65536,\"name_bytes\":128,"
	                    "\"variables\":0,\"variable_bytes\":0,\"sessions\":1,\"monitors\":2,"
	                    "\"conditions\":3}}");
}

static void a_status_report_leaves_zero_counts_out(void **state)
{
	struct dmonitor_status_report *report =
	    calloc(1, sizeof(*report) + 2 * sizeof(report->clients[0]));
	struct dmonitor_reply reply = { .status = DMONITOR_STATUS_OK, .report = report };

	(void)state;
	report->uptime_ms = 1;
	report->grants = 2;
	report->received[DMONITOR_ACTION_NONE] = 3;
	report->sent[DMONITOR_STATUS_GRANTED] = 4;
	report->errors[DMONITOR_CODE_BUSY] = 5;
	report->passed_on = 6;
	report->abandonments = 7;
	report->resumed = 8;
	expect_text(&reply, "{\"status\":\"ok\",\"uptime_ms\":1,\"grants\":2,\"sessions\":0,"
	                    "\"monitors\":0,\"ignored\":0,\"passed_on\":6,"
	                    "\"abandonments\":7,\"resumed\":8,\"received\":{\"none\":3},"
	                    "\"sent\":{\"granted\":4},\"errors\":{\"busy\":5}}");
	memset(report->received, 0, sizeof(report->received));
	memset(report->sent, 0, sizeof(report->sent));
	memset(report->errors, 0, sizeof(report->errors));
	report->has_monitor = report->has_owner = true;
	report->line_length = 1500;
	report->waiters_length = 1;
	report->line_count = 1;
	report->client_count = 2;
	strcpy(report->owner.id, "ann");
	strcpy(report->clients[0].id, "bob");
	strcpy(report->clients[0].label, "packer");
	report->clients[0].since_ms = 6;
	strcpy(report->clients[1].id, "col");
	strcpy(report->clients[1].condition_name, "c");
	expect_text(&reply,
	            "{\"status\":\"ok\",\"uptime_ms\":1,\"grants\":2,\"sessions\":0,"
	            "\"monitors\":0,\"ignored\":0,\"passed_on\":6,\"abandonments\":7,\"resumed\":8,"
	            "\"received\":{},\"sent\":{},\"errors\":{},"
	            "\"owner\":{\"id\":\"ann\",\"label\":\"\",\"since_ms\":0},"
	            "\"line\":[{\"id\":\"bob\",\"label\":\"packer\",\"since_ms\":6}],"
	            "\"waiters\":[{\"id\":\"col\",\"label\":\"\",\"since_ms\":0,"
	            "\"condition_name\":\"c\"}],\"line_length\":1500,\"waiters_length\":1}");
	free(report);
}

static void junk_is_no_reply_and_leaves_the_output_alone(void **state)
{
	static const char *const junk[] = {
		"",
		"{",
		"[]",
		"7",
		"\"granted\"",
		"{}",
		"{\"status\":null}",
		"{\"status\":1}",
		"{\"status\":\"\"}",
		"{\"status\":\"none\"}",
		"{\"status\":\"Granted\"}",
		"{\"status\":\"granted \"}",
		"{\"status\":\"nonsense\"}",
		"{\"Status\":\"granted\"}",
		"{\"status\":\"granted\"}x",
		"{\"status\":\"granted\",\"seq\":-1}",
		"{\"status\":\"granted\",\"seq\":1.5}",
		"{\"status\":\"granted\",\"seq\":\"1\"}",
		"{\"status\":\"granted\",\"seq\":null}",
		"{\"status\":\"granted\",\"seq\":9007199254740992}",
		"{\"status\":\"granted\",\"seq\":1e400}",
		"{\"status\":\"granted\",\"cancel_seq\":[]}",
		"{\"status\":\"granted\",\"token\":7}",
		"{\"status\":\"granted\",\"token\":\"\"}",
		"{\"status\":\"granted\",\"token\":\"-1\"}",
		"{\"status\":\"granted\",\"token\":\"18446744073709551616\"}",
		"{\"status\":\"granted\",\"abandoned\":1}",
		"{\"status\":\"granted\",\"timed_out\":\"true\"}",
		"{\"status\":\"granted\",\"cancelled\":null}",
		"{\"status\":\"granted\",\"monitor_name\":7}",
		"{\"status\":\"granted\",\"ref\":{}}",
		"{\"status\":\"welcome\",\"lease_ms\":-5}",
		"{\"status\":\"welcome\",\"protocol\":\"2\"}",
		"{\"status\":\"welcome\",\"last_seq\":\"2\"}",
		"{\"status\":\"welcome\",\"session\":\"0123456789abcdef0123456789abcdef0\"}",
		"{\"status\":\"success\",\"failed\":{}}",
		"{\"status\":\"success\",\"failed\":[]}",
		"{\"status\":\"success\",\"failed\":[7]}",
		"{\"status\":\"success\",\"failed\":[{\"code\":\"limit\"}]}",
		"{\"status\":\"success\",\"failed\":[{\"seq\":0,\"code\":\"limit\"}]}",
	};
	struct dmonitor_reply reply, untouched;

	(void)state;
	memset(&reply, 0xa5, sizeof(reply));
	memcpy(&untouched, &reply, sizeof(reply));
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		if (dmonitor_reply_decode(junk[i], strlen(junk[i]), &reply) != EPROTO)
			fail_msg("decoded: %s", junk[i]);
		assert_memory_equal(&reply, &untouched, sizeof(reply));
	}
}

static void a_text_too_long_for_a_reply_is_no_reply(void **state)
{
	static const struct {
		const char *key;
		size_t longest;
	} fields[] = { { "monitor_name", 128 },
		       { "condition_name", 128 },
		       { "ref", 128 },
		       { "session", 32 },
		       { "server", 255 } };
	struct dmonitor_reply reply;
	char text[ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		for (size_t beyond = 0; beyond < 2; beyond++) {
			snprintf(text, sizeof(text), "{\"status\":\"ok\",\"%s\":%s}", fields[i].key,
			         quoted('x', fields[i].longest + beyond));
			assert_int_equal(dmonitor_reply_decode(text, strlen(text), &reply),
			                 beyond ? EPROTO : 0);
		}
}

static void what_a_later_server_adds_is_ignored(void **state)
{
	struct dmonitor_reply reply;

	(void)state;
	decode_reply("{\"status\":\"granted\",\"x\":{\"y\":[1]},\"Seq\":\"z\",\"seq\":3}", &reply);
	assert_int_equal(reply.seq, 3);
	decode_reply("{\"status\":\"error\",\"code\":\"something_new\",\"message\":\"m\"}", &reply);
	assert_int_equal(reply.status, DMONITOR_STATUS_ERROR);
	assert_int_equal(reply.code, DMONITOR_CODE_NONE);
	assert_string_equal(reply.message, "m");
	/* A longer sentence than there is room for is cut. */
	decode_reply("{\"status\":\"error\",\"code\":\"limit\",\"message\":"
	             "\"0123456789012345678901234567890123456789012345678901234567890123456789"
	             "0123456789012345678901234567890123456789012345678901234567890123456789"
	             "0123456789012345678901234567890123456789012345678901234567890123456789\"}",
	             &reply);
	assert_int_equal(strlen(reply.message), sizeof(reply.message) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_action_is_good_with_just_the_fields_it_needs),
		cmocka_unit_test(a_needed_field_that_is_missing_is_named),
		cmocka_unit_test(every_type_but_its_own_is_bad_for_a_field),
		cmocka_unit_test(a_text_is_not_empty_and_not_too_long),
		cmocka_unit_test(a_text_has_its_alphabet),
		cmocka_unit_test(an_integer_is_whole_and_within_its_range),
		cmocka_unit_test(a_token_is_a_string_of_digits_below_2_64),
		cmocka_unit_test(every_name_in_a_list_is_a_name),
		cmocka_unit_test(a_field_of_other_actions_is_ignored),
		cmocka_unit_test(a_field_of_no_action_is_ignored),
		cmocka_unit_test(what_is_wrong_is_said_in_words),
		cmocka_unit_test(a_message_has_at_most_65536_bytes),
		cmocka_unit_test(an_object_has_at_most_64_fields),
		cmocka_unit_test(an_array_may_be_as_long_as_fits),
		cmocka_unit_test(a_field_that_stands_twice_is_no_json),
		cmocka_unit_test(a_message_cut_short_anywhere_is_bad_json_and_nothing_else),
		cmocka_unit_test(a_message_of_several_frames_is_refused_but_read),
		cmocka_unit_test(a_refused_request_still_says_whose_it_is),
		cmocka_unit_test(a_bad_field_does_not_hide_the_good_ones),
		cmocka_unit_test(the_first_thing_that_is_wrong_is_told),
		cmocka_unit_test(an_exit_may_pass_on_an_abandonment),
		cmocka_unit_test(reply_false_is_for_the_exit_of_a_session),
		cmocka_unit_test(variables_are_beyond_this_server_unless_there_are_none),
		cmocka_unit_test(every_request_reads_as_it_was_written),
		cmocka_unit_test(integers_and_tokens_are_exact),
		cmocka_unit_test(only_what_an_action_has_is_written),
		cmocka_unit_test(the_digest_is_of_all_bytes),
		cmocka_unit_test(every_reply_reads_as_it_was_written),
		cmocka_unit_test(every_error_reads_as_it_was_written),
		cmocka_unit_test(the_longest_texts_of_a_reply_are_whole),
		cmocka_unit_test(integers_and_tokens_of_replies_are_exact),
		cmocka_unit_test(replies_look_as_the_protocol_shows_them),
		cmocka_unit_test(a_status_report_leaves_zero_counts_out),
		cmocka_unit_test(junk_is_no_reply_and_leaves_the_output_alone),
		cmocka_unit_test(a_text_too_long_for_a_reply_is_no_reply),
		cmocka_unit_test(what_a_later_server_adds_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
