/* utf8.c: the table of well-formed byte sequences from RFC 3629, section 4, written down. */
#include "utf8.h"

#include <stdbool.h>

struct form {
	unsigned char first_low, first_high;
	unsigned char second_low, second_high; /* the further bytes are always 80..BF */
	size_t bytes;
};

static const struct form forms[] = {
	{ 0x00, 0x7F, 0x00, 0x00, 1 }, { 0xC2, 0xDF, 0x80, 0xBF, 2 }, { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
	{ 0xE1, 0xEC, 0x80, 0xBF, 3 }, { 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 },
	{ 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 }, { 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

static bool matches(const struct form *form, const unsigned char *at, size_t room)
{
	if (at[0] < form->first_low || at[0] > form->first_high || room < form->bytes)
		return false;
	if (form->bytes > 1 && (at[1] < form->second_low || at[1] > form->second_high))
		return false;
	for (size_t i = 2; i < form->bytes; i++) {
		if (at[i] < 0x80 || at[i] > 0xBF)
			return false;
	}
	return true;
}

size_t utf8_valid_bytes(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t good = 0;
	while (good < length) {
		size_t i = 0;
		size_t count = sizeof(forms) / sizeof(forms[0]);
		while (i < count && !matches(&forms[i], bytes + good, length - good))
			i++;
		if (i == count)
			return good;
		good += forms[i].bytes;
	}
	return good;
}
