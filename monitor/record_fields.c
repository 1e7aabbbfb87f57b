/*
 * record_fields.c: the fields of one line, as views of its text. The text is checked once,
 * strictly, by dmonitor_json_fault(); from then on it is known to be well-formed, and just skipped
 * over.
 */
#include "record_fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at + 1;
}

/* Behind the value at ${at}. */
static const char *skip_value(const char *at)
{
	int depth = 0;

	do {
		if (*at == '"') {
			at = skip_string(at);
		} else if (*at == '{' || *at == '[') {
			depth++;
			at++;
		} else if (*at == '}' || *at == ']') {
			depth--;
			at++;
		} else if (depth > 0 && strchr(",: \t\r\n", *at) != NULL) {
			at++;
		} else {
			at += strcspn(at, ",:{}[]\" \t\r\n");
		}
	} while (depth > 0);
	return at;
}

static struct record_value value_at(const char *at)
{
	return (struct record_value){ at, (size_t)(skip_value(at) - at) };
}

struct record_value record_object(const char *text, size_t length, const char **fault)
{
	size_t at;

	*fault = dmonitor_json_fault(text, length, &at);
	if (*fault == NULL && *skip_space(text) != '{')
		*fault = "it is no JSON object";
	if (*fault != NULL)
		return (struct record_value){ NULL, 0 };
	return value_at(skip_space(text));
}

struct record_value record_field(struct record_value object, const char *key)
{
	const size_t length = strlen(key);
	const char *at;

	if (object.text == NULL || object.text[0] != '{')
		return (struct record_value){ NULL, 0 };
	at = skip_space(object.text + 1);
	while (*at == '"') {
		const char *name = at + 1;
		const char *end = skip_string(at);
		struct record_value value;

		at = skip_space(skip_space(end) + 1); /* behind the colon */
		value = value_at(at);
		if ((size_t)(end - 1 - name) == length && strncmp(name, key, length) == 0)
			return value;
		at = skip_space(value.text + value.length);
		if (*at == ',')
			at = skip_space(at + 1);
	}
	return (struct record_value){ NULL, 0 };
}

struct record_value record_element(struct record_value array, struct record_value last)
{
	const char *at;

	if (array.text == NULL || array.text[0] != '[')
		return (struct record_value){ NULL, 0 };
	at = skip_space(last.text == NULL ? array.text + 1 : last.text + last.length);
	if (*at == ',')
		at = skip_space(at + 1);
	if (*at == ']')
		return (struct record_value){ NULL, 0 };
	return value_at(at);
}

bool record_integer(struct record_value value, int64_t *integer)
{
	long long number;
	char *end;

	if (value.text == NULL || strchr("-0123456789", value.text[0]) == NULL)
		return false;
	errno = 0;
	number = strtoll(value.text, &end, 10);
	if (errno != 0 || end != value.text + value.length)
		return false;
	*integer = number;
	return true;
}

bool record_token(struct record_value value, uint64_t *token)
{
	unsigned long long number;
	char *end;

	if (value.length < 3 || value.text[0] != '"' || strchr("0123456789", value.text[1]) == NULL)
		return false;
	errno = 0;
	number = strtoull(value.text + 1, &end, 10);
	if (errno != 0 || end != value.text + value.length - 1)
		return false;
	*token = number;
	return true;
}

bool record_bool(struct record_value value)
{
	return value.length == 4 && strncmp(value.text, "true", 4) == 0;
}

bool record_is(struct record_value value, const char *word)
{
	return value.length == strlen(word) + 2 && value.text[0] == '"' &&
	       strncmp(value.text + 1, word, value.length - 2) == 0;
}

/* Four hexadecimal digits, which are known to be there. */
static unsigned unit_at(const char *at)
{
	char digits[5] = "";

	memcpy(digits, at, 4);
	return (unsigned)strtoul(digits, NULL, 16);
}

static char *put_utf8(char *to, unsigned point)
{
	if (point < 0x80) {
		*to++ = (char)point;
	} else if (point < 0x800) {
		*to++ = (char)(0xc0 | point >> 6);
		*to++ = (char)(0x80 | (point & 0x3f));
	} else if (point < 0x10000) {
		*to++ = (char)(0xe0 | point >> 12);
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
		*to++ = (char)(0x80 | (point & 0x3f));
	} else {
		*to++ = (char)(0xf0 | point >> 18);
		*to++ = (char)(0x80 | (point >> 12 & 0x3f));
		*to++ = (char)(0x80 | (point >> 6 & 0x3f));
		*to++ = (char)(0x80 | (point & 0x3f));
	}
	return to;
}

/* What the escape at *${at}, behind its backslash, stands for; *${at} is moved behind it. */
static char *put_escape(char *to, const char **at)
{
	static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
	const char *letter = strchr(letters, **at);
	unsigned point;

	if (**at != 'u') {
		*to++ = letter != NULL ? meant[letter - letters] : **at;
		*at += 1;
		return to;
	}
	point = unit_at(*at + 1);
	*at += 5;
	if (point >= 0xd800 && point < 0xdc00) {
		point = 0x10000 + ((point & 0x3ff) << 10) + (unit_at(*at + 2) & 0x3ff);
		*at += 6;
	}
	return put_utf8(to, point);
}

long record_string(struct record_value value, char *room, size_t room_bytes)
{
	const char *at, *end;
	size_t length = 0;

	if (value.length < 2 || value.text[0] != '"')
		return -1;
	at = value.text + 1;
	end = value.text + value.length - 1;
	while (at < end) {
		char point[4];
		size_t size = 1;

		point[0] = *at++;
		if (point[0] == '\\')
			size = (size_t)(put_escape(point, &at) - point);
		if (length + size >= room_bytes)
			return -1;
		memcpy(room + length, point, size);
		length += size;
	}
	if (room_bytes == 0)
		return -1;
	room[length] = '\0';
	return (long)length;
}

long record_hex(struct record_value value, void *room, size_t room_bytes)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char *to = room;
	const size_t count = value.length / 2 - 1;

	if (value.length < 2 || value.length % 2 != 0 || value.text[0] != '"' || count > room_bytes)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *high = strchr(digits, value.text[1 + 2 * i]);
		const char *low = strchr(digits, value.text[2 + 2 * i]);

		if (high == NULL || low == NULL)
			return -1;
		to[i] = (unsigned char)((high - digits) << 4 | (low - digits));
	}
	return (long)count;
}
