/*
 * wire_scan.c: a strict look at JSON text before cJSON, which is lenient, parses it; and the
 * spelling of names and ids. Knows nothing of messages.
 */
#include "wire.h"

#include <string.h>

struct scan {
	const unsigned char *text;
	size_t size;
	size_t at;
	const char *fault; /* the first one; nothing is read behind it */
};

static bool scan_value(struct scan *s, int depth);

static bool fail(struct scan *s, const char *fault)
{
	if (s->fault == NULL)
		s->fault = fault;
	return false;
}

static int peek(const struct scan *s)
{
	return s->at < s->size ? s->text[s->at] : -1;
}

static void skip_space(struct scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
		s->at++;
}

static bool accept(struct scan *s, int byte)
{
	if (peek(s) != byte)
		return false;
	s->at++;
	return true;
}

/* How many bytes the well-formed UTF-8 sequence at ${p} has, its code point in *${point}; 0: it is
 * ill-formed (overlong, a surrogate, beyond U+10FFFF, cut). */
static size_t utf8_length(const unsigned char *p, size_t room, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const size_t length = p[0] < 0x80   ? 1
	                      : p[0] < 0xc0 ? 0
	                      : p[0] < 0xe0 ? 2
	                      : p[0] < 0xf0 ? 3
	                                    : 4;

	if (length == 0 || length > room || p[0] > 0xf4)
		return 0;
	*point = length == 1 ? p[0] : p[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (p[i] & 0x3f);
	}
	if (*point < least[length] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return length;
}

static int hex_digit(int byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool scan_hex4(struct scan *s, unsigned *unit)
{
	*unit = 0;
	for (int i = 0; i < 4; i++, s->at++) {
		const int digit = hex_digit(peek(s));

		if (digit < 0)
			return fail(s, "\\u needs four hexadecimal digits");
		*unit = *unit << 4 | (unsigned)digit;
	}
	return true;
}

/* What follows a backslash. */
static bool scan_escape(struct scan *s)
{
	const int byte = peek(s);
	unsigned high, low;

	if (byte != 'u') {
		if (byte <= 0 || strchr("\"\\/bfnrt", byte) == NULL)
			return fail(s, "unknown escape in a string");
		s->at++;
		return true;
	}
	s->at++;
	if (!scan_hex4(s, &high))
		return false;
	if (high == 0)
		return fail(s, "U+0000 in a string");
	if (high >= 0xdc00 && high <= 0xdfff)
		return fail(s, "half a surrogate pair in a string");
	if (high < 0xd800 || high > 0xdbff)
		return true;
	if (!accept(s, '\\') || !accept(s, 'u'))
		return fail(s, "half a surrogate pair in a string");
	if (!scan_hex4(s, &low))
		return false;
	return (low >= 0xdc00 && low <= 0xdfff) || fail(s, "half a surrogate pair in a string");
}

static bool scan_string(struct scan *s)
{
	if (!accept(s, '"'))
		return fail(s, "a string is expected here");
	for (;;) {
		const int byte = peek(s);
		uint32_t point;
		size_t length;

		if (byte < 0)
			return fail(s, "a string does not end");
		if (byte < 0x20)
			return fail(s, "control character in a string");
		if (accept(s, '"'))
			return true;
		if (accept(s, '\\')) {
			if (!scan_escape(s))
				return false;
			continue;
		}
		length = utf8_length(s->text + s->at, s->size - s->at, &point);
		if (length == 0)
			return fail(s, "ill-formed UTF-8 in a string");
		s->at += length;
	}
}

static size_t scan_digits(struct scan *s)
{
	const size_t start = s->at;

	while (peek(s) >= '0' && peek(s) <= '9')
		s->at++;
	return s->at - start;
}

static bool scan_number(struct scan *s)
{
	const size_t start = s->at;

	accept(s, '-');
	if (!accept(s, '0') && scan_digits(s) == 0)
		return fail(s, "a value is expected here");
	if (peek(s) >= '0' && peek(s) <= '9')
		return fail(s, "a number begins with 0");
	if (accept(s, '.') && scan_digits(s) == 0)
		return fail(s, "a number ends with its decimal point");
	if (accept(s, 'e') || accept(s, 'E')) {
		if (!accept(s, '-'))
			accept(s, '+');
		if (scan_digits(s) == 0)
			return fail(s, "a number has an empty exponent");
	}
	return s->at - start <= 40 || fail(s, "a number is longer than 40 characters");
}

static bool scan_word(struct scan *s, const char *word)
{
	const size_t length = strlen(word);

	if (s->size - s->at < length || memcmp(s->text + s->at, word, length) != 0)
		return fail(s, "a value is expected here");
	s->at += length;
	return true;
}

/* An object (with keys) or an array, behind its opening bracket, which is the ${depth}th. */
static bool scan_members(struct scan *s, int depth, bool keys, int close)
{
	if (depth > DMONITOR_DEPTH)
		return fail(s, "more than 8 levels of nesting");
	skip_space(s);
	if (accept(s, close))
		return true;
	do {
		skip_space(s);
		if (keys) {
			if (!scan_string(s))
				return false;
			skip_space(s);
			if (!accept(s, ':'))
				return fail(s, "a colon is expected here");
		}
		if (!scan_value(s, depth))
			return false;
		skip_space(s);
	} while (accept(s, ','));
	return accept(s, close) || fail(s, "a comma or a closing bracket is expected here");
}

static bool scan_value(struct scan *s, int depth)
{
	skip_space(s);
	switch (peek(s)) {
	case '{':
		s->at++;
		return scan_members(s, depth + 1, true, '}');
	case '[':
		s->at++;
		return scan_members(s, depth + 1, false, ']');
	case '"':
		return scan_string(s);
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return scan_number(s);
	}
}

const char *dmonitor_json_fault(const char *text, size_t size_bytes, size_t *at)
{
	struct scan s = { .text = (const unsigned char *)text, .size = size_bytes };

	if (scan_value(&s, 0)) {
		skip_space(&s);
		if (s.at != s.size)
			fail(&s, "something follows the JSON value");
	}
	*at = s.at;
	return s.fault;
}

bool dmonitor_name_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                              "0123456789._:/@-";
	const size_t length = strnlen(name, DMONITOR_NAME_BYTES + 1);

	return length >= 1 && length <= DMONITOR_NAME_BYTES && name[strspn(name, allowed)] == '\0';
}

/* Controls and what reorders or breaks a line in a terminal or a log. */
static bool printable(uint32_t point)
{
	return point >= 0x20 && !(point >= 0x7f && point <= 0x9f) &&
	       !(point >= 0x200e && point <= 0x200f) && !(point >= 0x2028 && point <= 0x202e) &&
	       !(point >= 0x2066 && point <= 0x2069) && point != 0x061c && point != 0xfeff;
}

bool dmonitor_id_valid(const char *id)
{
	const unsigned char *p = (const unsigned char *)id;
	size_t room = strnlen(id, DMONITOR_ID_BYTES + 1);
	uint32_t point;

	if (room < 1 || room > DMONITOR_ID_BYTES)
		return false;
	while (room > 0) {
		const size_t length = utf8_length(p, room, &point);

		if (length == 0 || !printable(point))
			return false;
		p += length;
		room -= length;
	}
	return true;
}
