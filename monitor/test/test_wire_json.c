/* test_wire_json.c: what counts as JSON, as a name and as an id: tables, edges first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../wire.h"

/* A text that may hold NUL bytes. */
#define TEXT(text) text, sizeof(text) - 1

/* The fault of ${size} bytes that stand at the very end of a block, so that ASan sees a byte too
 * many. */
static const char *fault_of(const char *text, size_t size, size_t *at)
{
	char *copy = malloc(size > 0 ? size : 1);
	const char *fault;

	memcpy(copy, text, size);
	fault = dmonitor_json_fault(copy, size, at);
	free(copy);
	return fault;
}

static bool passes(const char *text, size_t size)
{
	size_t at;

	return fault_of(text, size, &at) == NULL;
}

static void one_value_of_every_kind_passes(void **state)
{
	static const char *const good[] = {
		"{}",
		"[]",
		"\"\"",
		"0",
		"true",
		"false",
		"null",
		"{\"a\":1}",
		"{\"\":\"\"}",
		"[1,2,3]",
		"[[],{}]",
		"{\"a\":{\"b\":[true,false,null,\"x\",-1.5e+3]}}",
		" \t\r\n{ \t\r\n}\n\r\t ",
		"[\t\r\n 1 \t\r\n,\n\r\t 2\n\r\t ]",
		"{\n\"a\"\t: \"b\"\r,\n \"c\"\t\n:\r\n0 }",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\uABCD\\uabcd\\uffff\"",
		"\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
		"\"\\ud83d\\ude00\\uD800\\uDC00\\udbff\\udfff\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!passes(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
}

#define VALUE_EXPECTED    "a value is expected here"
#define STRING_EXPECTED   "a string is expected here"
#define COMMA_EXPECTED    "a comma or a closing bracket is expected here"
#define SOMETHING_FOLLOWS "something follows the JSON value"
#define CONTROL           "control character in a string"
#define NO_END            "a string does not end"
#define ILL_FORMED        "ill-formed UTF-8 in a string"
#define HALF_PAIR         "half a surrogate pair in a string"
#define BAD_ESCAPE        "unknown escape in a string"
#define BAD_HEX           "\\u needs four hexadecimal digits"
#define NUL_ESCAPE        "U+0000 in a string"
#define TOO_DEEP          "more than 8 levels of nesting"

static void the_first_fault_is_told_with_its_place(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *fault;
		size_t at;
	} rows[] = {
		/* Not one value. */
		{ TEXT(""), VALUE_EXPECTED, 0 },
		{ TEXT("   "), VALUE_EXPECTED, 3 },
		{ TEXT("{\"a\":1}xyz"), SOMETHING_FOLLOWS, 7 },
		{ TEXT("{}{}"), SOMETHING_FOLLOWS, 2 },
		{ TEXT("{} {}"), SOMETHING_FOLLOWS, 3 },
		{ TEXT("{},"), SOMETHING_FOLLOWS, 2 },
		{ TEXT("{}]"), SOMETHING_FOLLOWS, 2 },
		{ TEXT("{}\0"), SOMETHING_FOLLOWS, 2 },
		{ TEXT("\0{}"), VALUE_EXPECTED, 0 },
		{ TEXT("{\0}"), STRING_EXPECTED, 1 },
		{ TEXT("\xef\xbb\xbf{}"), VALUE_EXPECTED, 0 },
		{ TEXT("\xff\xfe{\0}\0"), VALUE_EXPECTED, 0 },
		/* White space is four bytes and no other. */
		{ TEXT("\v{}"), VALUE_EXPECTED, 0 },
		{ TEXT("{\f}"), STRING_EXPECTED, 1 },
		{ TEXT("{}\x01"), SOMETHING_FOLLOWS, 2 },
		{ TEXT("[1,\x1f"
		       "2]"),
		  VALUE_EXPECTED, 3 },
		{ TEXT("[1,\xc2\xa0"
		       "2]"),
		  VALUE_EXPECTED, 3 },
		/* Objects and arrays. */
		{ TEXT("{"), STRING_EXPECTED, 1 },
		{ TEXT("["), VALUE_EXPECTED, 1 },
		{ TEXT("}"), VALUE_EXPECTED, 0 },
		{ TEXT("{]"), STRING_EXPECTED, 1 },
		{ TEXT("[}"), VALUE_EXPECTED, 1 },
		{ TEXT("{\"a\"}"), "a colon is expected here", 4 },
		{ TEXT("{\"a\",1}"), "a colon is expected here", 4 },
		{ TEXT("{\"a\":}"), VALUE_EXPECTED, 5 },
		{ TEXT("{\"a\"::1}"), VALUE_EXPECTED, 5 },
		{ TEXT("{\"a\":1"), COMMA_EXPECTED, 6 },
		{ TEXT("{\"a\":1]"), COMMA_EXPECTED, 6 },
		{ TEXT("{\"a\":1,}"), STRING_EXPECTED, 7 },
		{ TEXT("{,\"a\":1}"), STRING_EXPECTED, 1 },
		{ TEXT("{\"a\":1 \"b\":2}"), COMMA_EXPECTED, 7 },
		{ TEXT("{a:1}"), STRING_EXPECTED, 1 },
		{ TEXT("{'a':1}"), STRING_EXPECTED, 1 },
		{ TEXT("{1:1}"), STRING_EXPECTED, 1 },
		{ TEXT("{null:1}"), STRING_EXPECTED, 1 },
		{ TEXT("[1"), COMMA_EXPECTED, 2 },
		{ TEXT("[1}"), COMMA_EXPECTED, 2 },
		{ TEXT("[1,]"), VALUE_EXPECTED, 3 },
		{ TEXT("[,1]"), VALUE_EXPECTED, 1 },
		{ TEXT("[1,,2]"), VALUE_EXPECTED, 3 },
		{ TEXT("[1 2]"), COMMA_EXPECTED, 3 },
		{ TEXT("[1:2]"), COMMA_EXPECTED, 2 },
		{ TEXT("{}/* no */"), SOMETHING_FOLLOWS, 2 },
		{ TEXT("// no\n{}"), VALUE_EXPECTED, 0 },
		{ TEXT("[1]# no"), SOMETHING_FOLLOWS, 3 },
		/* Words. */
		{ TEXT("tru"), VALUE_EXPECTED, 0 },
		{ TEXT("True"), VALUE_EXPECTED, 0 },
		{ TEXT("truex"), SOMETHING_FOLLOWS, 4 },
		{ TEXT("fals"), VALUE_EXPECTED, 0 },
		{ TEXT("nul"), VALUE_EXPECTED, 0 },
		{ TEXT("nul\0"), VALUE_EXPECTED, 0 },
		{ TEXT("nullnull"), SOMETHING_FOLLOWS, 4 },
		{ TEXT("NaN"), VALUE_EXPECTED, 0 },
		{ TEXT("nan"), VALUE_EXPECTED, 0 },
		{ TEXT("Infinity"), VALUE_EXPECTED, 0 },
		{ TEXT("-Infinity"), VALUE_EXPECTED, 1 },
		{ TEXT("undefined"), VALUE_EXPECTED, 0 },
		/* Strings. */
		{ TEXT("\""), NO_END, 1 },
		{ TEXT("\"a"), NO_END, 2 },
		{ TEXT("\"\\\""), NO_END, 3 },
		{ TEXT("'a'"), VALUE_EXPECTED, 0 },
		{ TEXT("\"\0\""), CONTROL, 1 },
		{ TEXT("\"a\nb\""), CONTROL, 2 },
		{ TEXT("\"a\tb\""), CONTROL, 2 },
		{ TEXT("\"\x01\""), CONTROL, 1 },
		{ TEXT("\"\x1f\""), CONTROL, 1 },
		{ TEXT("{\"a\n\":1}"), CONTROL, 3 },
		{ TEXT("\"\\"), BAD_ESCAPE, 2 },
		{ TEXT("\"\\a\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\'\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\0\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\\0\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\x41\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\U0041\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\N\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\\n\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\\xc3\xa9\""), BAD_ESCAPE, 2 },
		{ TEXT("\"\\u\""), BAD_HEX, 3 },
		{ TEXT("\"\\u004\""), BAD_HEX, 6 },
		{ TEXT("\"\\u004"), BAD_HEX, 6 },
		{ TEXT("\"\\u00g0\""), BAD_HEX, 5 },
		{ TEXT("\"\\u+041\""), BAD_HEX, 3 },
		{ TEXT("\"\\u 041\""), BAD_HEX, 3 },
		{ TEXT("\"\\u00\\u0041\""), BAD_HEX, 5 },
		{ TEXT("\"\\u0000\""), NUL_ESCAPE, 7 },
		{ TEXT("{\"a\\u0000b\":1}"), NUL_ESCAPE, 9 },
		/* Surrogates, escaped. */
		{ TEXT("\"\\ud800\""), HALF_PAIR, 7 },
		{ TEXT("\"\\udc00\""), HALF_PAIR, 7 },
		{ TEXT("\"\\uDFFF\\uD800\""), HALF_PAIR, 7 },
		{ TEXT("\"\\ud800\\ud800\""), HALF_PAIR, 13 },
		{ TEXT("\"\\ud800\\u0041\""), HALF_PAIR, 13 },
		{ TEXT("\"\\ud800\\ue000\""), HALF_PAIR, 13 },
		{ TEXT("\"\\ud800\\n\""), HALF_PAIR, 8 },
		{ TEXT("\"\\udbffx\""), HALF_PAIR, 7 },
		{ TEXT("\"\\ud800\\u\""), BAD_HEX, 9 },
		{ TEXT("\"\\ud83d\\ude00\\ude00\""), HALF_PAIR, 19 },
		/* UTF-8: a class of ill-formed sequences each; all of them below. */
		{ TEXT("\"\x80\""), ILL_FORMED, 1 },
		{ TEXT("\"a\xbf\""), ILL_FORMED, 2 },
		{ TEXT("\"\xc3\""), ILL_FORMED, 1 },
		{ TEXT("\"\xc3"), ILL_FORMED, 1 },
		{ TEXT("\"\xe2\x82\""), ILL_FORMED, 1 },
		{ TEXT("\"\xf0\x9f\x98\""), ILL_FORMED, 1 },
		{ TEXT("\"\xc0\x80\""), ILL_FORMED, 1 },
		{ TEXT("\"\xc1\xbf\""), ILL_FORMED, 1 },
		{ TEXT("\"\xe0\x9f\xbf\""), ILL_FORMED, 1 },
		{ TEXT("\"\xf0\x8f\xbf\xbf\""), ILL_FORMED, 1 },
		{ TEXT("\"\xed\xa0\x80\""), ILL_FORMED, 1 },
		{ TEXT("\"\xed\xbf\xbf\""), ILL_FORMED, 1 },
		{ TEXT("\"\xf4\x90\x80\x80\""), ILL_FORMED, 1 },
		{ TEXT("\"\xf5\x80\x80\x80\""), ILL_FORMED, 1 },
		{ TEXT("\"\xf8\x88\x80\x80\x80\""), ILL_FORMED, 1 },
		{ TEXT("\"\xfe\""), ILL_FORMED, 1 },
		{ TEXT("\"\xff\""), ILL_FORMED, 1 },
		{ TEXT("{\"\xff\":1}"), ILL_FORMED, 2 },
		{ TEXT("\xc3\xa9"), VALUE_EXPECTED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t at;
		const char *fault = fault_of(rows[i].text, rows[i].size, &at);

		if (fault == NULL)
			fail_msg("row %zu passes: %s", i, rows[i].text);
		assert_string_equal(fault, rows[i].fault);
		if (at != rows[i].at)
			fail_msg("row %zu: at %zu, not %zu: %s", i, at, rows[i].at, rows[i].text);
	}
}

static void numbers_are_spelt_as_json_has_them(void **state)
{
	static const char *const good[] = {
		"0",
		"-0",
		"1",
		"-1",
		"10",
		"9007199254740991",
		"9007199254740992",
		"0.0",
		"-0.0",
		"1.5",
		"0e0",
		"1e3",
		"1E3",
		"1e+3",
		"1e-3",
		"1e03",
		"1.5E+3",
		"1e400",
		"1e-400",
		"3000000000",
		"1234567890123456789012345678901234567890", /* 40 characters */
		"-123456789012345678901234567890123456789",
		"1.34567890123456789012345678901234e-500",
	};
	static const struct {
		const char *text;
		const char *fault;
	} bad[] = {
		{ "01", "a number begins with 0" },
		{ "00", "a number begins with 0" },
		{ "-01", "a number begins with 0" },
		{ "0123", "a number begins with 0" },
		{ "-", VALUE_EXPECTED },
		{ "--1", VALUE_EXPECTED },
		{ "+1", VALUE_EXPECTED },
		{ ".5", VALUE_EXPECTED },
		{ "-.5", VALUE_EXPECTED },
		{ "- 1", VALUE_EXPECTED },
		{ "1.", "a number ends with its decimal point" },
		{ "1.e3", "a number ends with its decimal point" },
		{ "1,5", SOMETHING_FOLLOWS },
		{ "1.5.5", SOMETHING_FOLLOWS },
		{ "1e", "a number has an empty exponent" },
		{ "1e+", "a number has an empty exponent" },
		{ "1e-", "a number has an empty exponent" },
		{ "1e+-3", "a number has an empty exponent" },
		{ "1e-+3", "a number has an empty exponent" },
		{ "1e.5", "a number has an empty exponent" },
		{ "1e3.5", SOMETHING_FOLLOWS },
		{ "1ee3", "a number has an empty exponent" },
		{ "0x10", SOMETHING_FOLLOWS },
		{ "0b1", SOMETHING_FOLLOWS },
		{ "1f", SOMETHING_FOLLOWS },
		{ "1L", SOMETHING_FOLLOWS },
		{ "1_000", SOMETHING_FOLLOWS },
		{ "1 000", SOMETHING_FOLLOWS },
		{ "\xd9\xa1", VALUE_EXPECTED }, /* an Arabic one */
		{ "12345678901234567890123456789012345678901",
		  "a number is longer than 40 characters" },
		{ "-1234567890123456789012345678901234567890",
		  "a number is longer than 40 characters" },
		{ "1.345678901234567890123456789012345e-500",
		  NULL }, /* 40 once more, for the next row */
		{ "1.3456789012345678901234567890123456e-500",
		  "a number is longer than 40 characters" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!passes(good[i], strlen(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t at;
		const char *fault = fault_of(bad[i].text, strlen(bad[i].text), &at);

		if (fault != bad[i].fault &&
		    (fault == NULL || bad[i].fault == NULL || strcmp(fault, bad[i].fault) != 0))
			fail_msg("%s: %s", bad[i].text, fault == NULL ? "passes" : fault);
	}
}

/* ${levels} brackets around ${inner}. */
static bool nested_passes(size_t levels, bool objects, const char *inner)
{
	char text[128] = "";

	for (size_t i = 0; i < levels; i++)
		strcat(text, objects ? "{\"a\":" : "[");
	strcat(text, inner);
	for (size_t i = 0; i < levels; i++)
		strcat(text, objects ? "}" : "]");
	return passes(text, strlen(text));
}

static void eight_levels_of_nesting_pass_and_nine_do_not(void **state)
{
	(void)state;
	assert_true(nested_passes(8, false, ""));
	assert_true(nested_passes(8, false, "1"));
	assert_true(nested_passes(8, true, "1"));
	assert_true(nested_passes(7, false, "{}"));
	assert_true(nested_passes(7, true, "[],\"b\":[],\"c\":{}"));
	assert_false(nested_passes(9, false, ""));
	assert_false(nested_passes(9, false, "1"));
	assert_false(nested_passes(9, true, "1"));
	assert_false(nested_passes(8, false, "{}"));
	assert_false(nested_passes(8, true, "[]"));
	assert_false(nested_passes(8, false, "1,[]"));
}

static void endless_nesting_is_refused_at_its_ninth_level(void **state)
{
	char text[2000];
	size_t at;

	(void)state;
	memset(text, '[', sizeof(text));
	assert_string_equal(fault_of(text, sizeof(text), &at), TOO_DEEP);
	assert_int_equal(at, 9);
}

/* Table 3-7 of the Unicode standard: whether ${p} is one well-formed sequence of ${length}. */
static bool well_formed(const unsigned char *p, size_t length)
{
	static const struct {
		size_t length;
		unsigned char low[4], high[4];
	} rows[] = {
		{ 1, { 0x00 }, { 0x7f } },
		{ 2, { 0xc2, 0x80 }, { 0xdf, 0xbf } },
		{ 3, { 0xe0, 0xa0, 0x80 }, { 0xe0, 0xbf, 0xbf } },
		{ 3, { 0xe1, 0x80, 0x80 }, { 0xec, 0xbf, 0xbf } },
		{ 3, { 0xed, 0x80, 0x80 }, { 0xed, 0x9f, 0xbf } },
		{ 3, { 0xee, 0x80, 0x80 }, { 0xef, 0xbf, 0xbf } },
		{ 4, { 0xf0, 0x90, 0x80, 0x80 }, { 0xf0, 0xbf, 0xbf, 0xbf } },
		{ 4, { 0xf1, 0x80, 0x80, 0x80 }, { 0xf3, 0xbf, 0xbf, 0xbf } },
		{ 4, { 0xf4, 0x80, 0x80, 0x80 }, { 0xf4, 0x8f, 0xbf, 0xbf } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t fitting = 0;

		while (rows[i].length == length && fitting < length &&
		       p[fitting] >= rows[i].low[fitting] && p[fitting] <= rows[i].high[fitting])
			fitting++;
		if (fitting == length)
			return true;
	}
	return false;
}

static void check_sequence(const unsigned char *p, size_t length)
{
	char text[8] = "\"";
	size_t at;

	memcpy(text + 1, p, length);
	text[length + 1] = '"';
	if ((dmonitor_json_fault(text, length + 2, &at) == NULL) != well_formed(p, length))
		fail_msg("%zu bytes %02x %02x %02x %02x", length, p[0], p[1], p[2], p[3]);
}

/* Every lead byte with every second, and at the edges of the third and fourth. Leads below 0x80
 * stand for themselves and are left out. */
static void utf8_passes_exactly_where_unicode_has_it_well_formed(void **state)
{
	static const unsigned char edges[] = { 0x00, 0x22, 0x41, 0x7f, 0x80, 0x8f, 0x90,
		                               0x9f, 0xa0, 0xbf, 0xc0, 0xe0, 0xf0, 0xff };
	const size_t count = sizeof(edges);

	(void)state;
	for (unsigned lead = 0x80; lead <= 0xff; lead++)
		for (unsigned second = 0x80; second <= 0xff; second++) {
			unsigned char p[4] = { (unsigned char)lead, (unsigned char)second };

			check_sequence(p, 1);
			check_sequence(p, 2);
			for (size_t i = 0; i < count * count; i++) {
				p[2] = edges[i / count];
				p[3] = edges[i % count];
				/* What ends the string or is good by itself says nothing here. */
				if (p[2] >= 0x80)
					check_sequence(p, 3);
				if (p[2] >= 0x80 && p[3] >= 0x80 &&
				    !(well_formed(p, 2) && well_formed(p + 2, 2)))
					check_sequence(p, 4);
			}
		}
}

static size_t write_utf8(uint32_t point, char *p)
{
	if (point < 0x80) {
		p[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		p[0] = (char)(0xc0 | point >> 6);
		p[1] = (char)(0x80 | (point & 63));
		return 2;
	}
	if (point < 0x10000) {
		p[0] = (char)(0xe0 | point >> 12);
		p[1] = (char)(0x80 | (point >> 6 & 63));
		p[2] = (char)(0x80 | (point & 63));
		return 3;
	}
	p[0] = (char)(0xf0 | point >> 18);
	p[1] = (char)(0x80 | (point >> 12 & 63));
	p[2] = (char)(0x80 | (point >> 6 & 63));
	p[3] = (char)(0x80 | (point & 63));
	return 4;
}

static void every_character_but_controls_may_stand_in_a_string(void **state)
{
	(void)state;
	for (uint32_t point = 0; point <= 0x10ffff; point++) {
		const bool good = point >= 0x20 && point != '"' && point != '\\' &&
		                  !(point >= 0xd800 && point <= 0xdfff);
		char text[8] = "\"";
		size_t at;
		const size_t length = write_utf8(point, text + 1);

		text[length + 1] = '"';
		if ((dmonitor_json_fault(text, length + 2, &at) == NULL) != good)
			fail_msg("U+%04X", point);
	}
}

static void no_prefix_of_an_object_is_json(void **state)
{
	static const char text[] =
	    "{\"a\":[1,-2.5e3,true,null],\"b\":{\"c\":\"\xc3\xa9\\u00e9\\ud83d\\ude00\"},\"d\":{}}";

	(void)state;
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		if (passes(text, size))
			fail_msg("its first %zu bytes pass", size);
	assert_true(passes(text, sizeof(text) - 1));
}

static void a_name_is_1_to_128_bytes_of_its_alphabet(void **state)
{
	char name[131];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[130] = '\0';
	assert_false(dmonitor_name_valid(name));
	name[129] = '\0';
	assert_false(dmonitor_name_valid(name));
	name[128] = '\0';
	assert_true(dmonitor_name_valid(name));
	name[127] = ' ';
	assert_false(dmonitor_name_valid(name));
	name[1] = '\0';
	assert_true(dmonitor_name_valid(name));
	assert_false(dmonitor_name_valid(""));
	assert_true(dmonitor_name_valid("../../x"));
	assert_true(dmonitor_name_valid("http://user@host:5555/stock-1_2.3"));
	assert_false(dmonitor_name_valid("%s%n"));
	assert_false(dmonitor_name_valid("=1+1"));
	assert_false(dmonitor_name_valid("stock\n"));
	assert_false(dmonitor_name_valid("st\xc3\xb6"
	                                 "ck"));
}

static void each_byte_is_in_the_alphabet_of_names_or_not(void **state)
{
	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char name[] = { 'a', (char)byte, '\0' };
		const bool good = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
		                  (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' ||
		                  byte == ':' || byte == '/' || byte == '@' || byte == '-';

		if (dmonitor_name_valid(name) != good || dmonitor_name_valid(name + 1) != good)
			fail_msg("byte %02x", (unsigned)byte);
	}
}

static void an_id_is_1_to_255_bytes(void **state)
{
	char id[258];

	(void)state;
	memset(id, 'x', sizeof(id));
	id[257] = '\0';
	assert_false(dmonitor_id_valid(id));
	id[256] = '\0';
	assert_false(dmonitor_id_valid(id));
	id[255] = '\0';
	assert_true(dmonitor_id_valid(id));
	/* The longest one may not end within a character. */
	memcpy(id + 253, "\xc3\xa9", 2);
	assert_true(dmonitor_id_valid(id));
	memcpy(id + 253, "x\xc3", 2);
	assert_false(dmonitor_id_valid(id));
	memcpy(id + 254, "\xc3\xa9\0", 3);
	assert_false(dmonitor_id_valid(id));
	assert_false(dmonitor_id_valid(""));
	assert_true(dmonitor_id_valid(" "));
	assert_true(dmonitor_id_valid("ann, the \"packer\" %s %n =1+1 \\"));
	assert_false(dmonitor_id_valid("\xff"));
	assert_false(dmonitor_id_valid("a\xed\xa0\x80"));
}

static void an_id_holds_nothing_that_moves_or_hides_text(void **state)
{
	(void)state;
	for (uint32_t point = 1; point <= 0x10ffff; point++) {
		const bool bad = point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
		                 (point >= 0xd800 && point <= 0xdfff) || point == 0x061c ||
		                 point == 0x200e || point == 0x200f || /* marks of direction */
		                 point == 0x2028 || point == 0x2029 ||
		                 (point >= 0x202a && point <= 0x202e) ||
		                 (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
		char id[8] = "a";
		const size_t length = write_utf8(point, id + 1);

		id[length + 1] = 'b';
		id[length + 2] = '\0';
		if (dmonitor_id_valid(id) == bad)
			fail_msg("U+%04X", point);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_value_of_every_kind_passes),
		cmocka_unit_test(the_first_fault_is_told_with_its_place),
		cmocka_unit_test(numbers_are_spelt_as_json_has_them),
		cmocka_unit_test(eight_levels_of_nesting_pass_and_nine_do_not),
		cmocka_unit_test(endless_nesting_is_refused_at_its_ninth_level),
		cmocka_unit_test(utf8_passes_exactly_where_unicode_has_it_well_formed),
		cmocka_unit_test(every_character_but_controls_may_stand_in_a_string),
		cmocka_unit_test(no_prefix_of_an_object_is_json),
		cmocka_unit_test(a_name_is_1_to_128_bytes_of_its_alphabet),
		cmocka_unit_test(each_byte_is_in_the_alphabet_of_names_or_not),
		cmocka_unit_test(an_id_is_1_to_255_bytes),
		cmocka_unit_test(an_id_holds_nothing_that_moves_or_hides_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
