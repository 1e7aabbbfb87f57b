/*
 * wire_text.h: a text that grows, for lines of JSON that are put together from left to right: those
 * of a record, and of a client's history.
 */
#ifndef DMONITOR_WIRE_TEXT_H
#define DMONITOR_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Ends with a NUL that is not counted. Once memory has run out it stays as it is. */
struct dmonitor_text {
	char *bytes;
	size_t length;
	size_t room;
	bool failed; /* memory ran out: this is not all */
};

void dmonitor_text_add(struct dmonitor_text *text, const char *bytes, size_t size_bytes);

/* At most 511 bytes at a time. */
__attribute__((format(printf, 2, 3))) void dmonitor_text_print(struct dmonitor_text *text,
                                                               const char *format, ...);

/* As a JSON string, with its quotes. False, and nothing is added: it can be none, as bytes that are
 * not UTF-8, and U+0000, cannot. */
bool dmonitor_text_add_string(struct dmonitor_text *text, const char *bytes, size_t size_bytes);

/* As a JSON string of hexadecimal digits. */
void dmonitor_text_add_hex(struct dmonitor_text *text, const void *bytes, size_t size_bytes);

void dmonitor_text_fini(struct dmonitor_text *text);

#endif
