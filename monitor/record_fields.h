/*
 * record_fields.h: the fields of one line of a record or a history, as views of its text. Numbers
 * are read exactly, which readers that take them for floating point do not: times in ns pass 2^53.
 */
#ifndef DMONITOR_RECORD_FIELDS_H
#define DMONITOR_RECORD_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A JSON value: where it stands, from its first character to behind its last. */
struct record_value {
	const char *text; /* NULL: there is none */
	size_t length;
};

/* The object that ${text} is; NULL value, and *${fault} a static sentence, where it is none. */
struct record_value record_object(const char *text, size_t length, const char **fault);

/* The field ${key} of an object. */
struct record_value record_field(struct record_value object, const char *key);

/* The next element of an array, the first for a NULL ${last}; NULL value: there is no more. */
struct record_value record_element(struct record_value array, struct record_value last);

/* What a field is, where it is there and of that kind; else false, and *${value} as it was. */
bool record_integer(struct record_value value, int64_t *integer);
bool record_token(struct record_value value, uint64_t *token);
bool record_bool(struct record_value value);
bool record_is(struct record_value value, const char *word); /* that string, without escapes */

/* A string into ${room} of ${room_bytes}, NUL-terminated; its length, or -1: it is none or too
 * long. No string is longer than its text. */
long record_string(struct record_value value, char *room, size_t room_bytes);

/* A string of hexadecimal digits into ${room}; the number of bytes, or -1. */
long record_hex(struct record_value value, void *room, size_t room_bytes);

#endif
