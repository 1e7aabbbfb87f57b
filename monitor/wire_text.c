/* wire_text.c: lines of JSON, put together. */
#include "wire_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

static bool make_room(struct dmonitor_text *text, size_t more_bytes)
{
	const size_t room = (text->length + more_bytes + 1) * 2;
	char *grown;

	if (text->failed)
		return false;
	if (text->length + more_bytes < text->room)
		return true;
	grown = realloc(text->bytes, room);
	if (grown == NULL) {
		text->failed = true;
		return false;
	}
	text->bytes = grown;
	text->room = room;
	return true;
}

void dmonitor_text_add(struct dmonitor_text *text, const char *bytes, size_t size_bytes)
{
	if (!make_room(text, size_bytes))
		return;
	if (size_bytes > 0)
		memcpy(text->bytes + text->length, bytes, size_bytes);
	text->length += size_bytes;
	text->bytes[text->length] = '\0';
}

void dmonitor_text_print(struct dmonitor_text *text, const char *format, ...)
{
	char printed[512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(printed, sizeof(printed), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof(printed))
		text->failed = true;
	else
		dmonitor_text_add(text, printed, (size_t)length);
}

void dmonitor_text_fini(struct dmonitor_text *text)
{
	free(text->bytes);
	*text = (struct dmonitor_text){ .length = 0 };
}

bool dmonitor_text_add_string(struct dmonitor_text *text, const char *bytes, size_t size_bytes)
{
	const size_t start = text->length;
	size_t room = 2, at;

	for (size_t i = 0; i < size_bytes; i++)
		room += (unsigned char)bytes[i] < ' '         ? 6
		        : bytes[i] == '"' || bytes[i] == '\\' ? 2
		                                              : 1;
	if (!make_room(text, room))
		return true;
	text->bytes[text->length++] = '"';
	for (size_t i = 0; i < size_bytes; i++) {
		char *to = text->bytes + text->length;

		if (bytes[i] == '"' || bytes[i] == '\\')
			text->length += (size_t)snprintf(to, 3, "\\%c", bytes[i]);
		else if ((unsigned char)bytes[i] < ' ')
			text->length += (size_t)snprintf(to, 7, "\\u%04x", (unsigned)bytes[i]);
		else
			text->bytes[text->length++] = bytes[i];
	}
	text->bytes[text->length++] = '"';
	text->bytes[text->length] = '\0';
	if (dmonitor_json_fault(text->bytes + start, text->length - start, &at) == NULL)
		return true;
	text->length = start;
	text->bytes[start] = '\0';
	return false;
}

void dmonitor_text_add_hex(struct dmonitor_text *text, const void *bytes, size_t size_bytes)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = bytes;

	if (!make_room(text, size_bytes * 2 + 2))
		return;
	text->bytes[text->length++] = '"';
	for (size_t i = 0; i < size_bytes; i++) {
		text->bytes[text->length++] = digits[byte[i] >> 4];
		text->bytes[text->length++] = digits[byte[i] & 15];
	}
	text->bytes[text->length++] = '"';
	text->bytes[text->length] = '\0';
}
