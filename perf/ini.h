/*
 * ini.h: a strict reader of INI text: sections, keys and values out, with their lines; or one
 * sentence on the first thing that is wrong. It knows no key by name: scenario.h does. Pure: no
 * file, clock or environment.
 *
 * Grammar, line by line:
 *
 *   [kind] or [kind NAME]   a section; white space inside the brackets only separates
 *   key = value             a key, of a-z 0-9 _, beginning with a letter; white space around both
 *                           is dropped, a value is never empty and never quoted
 *   ; text, # text          a comment, if nothing but white space stands before it
 *   ... ; text, ... # text  a comment behind a section or a value, if a blank stands before it
 *
 * A line ends at LF or CR LF; the last one may lack its end. There are no continuation lines: each
 * line stands for itself, indented or not. The text is UTF-8 without a byte order mark and without
 * control characters other than the tab. Everything else is an error, as are a key before the
 * first section, a key twice in its section, and a section twice.
 */
#ifndef PERF_INI_H
#define PERF_INI_H

#include <stddef.h>

enum { INI_LINE_BYTES_MAX = 4096, INI_SENTENCE_BYTES = 256 };

struct ini_key {
	char *name;
	char *value;
	size_t line; /* from 1 */
};

struct ini_section {
	char *kind;
	char *name; /* "" where the section has none */
	size_t line;
	struct ini_key *keys;
	size_t key_count;
};

struct ini {
	struct ini_section *sections;
	size_t section_count;
};

/* What is wrong, for the sentence `file:line: text`. */
struct ini_error {
	size_t line;
	char text[INI_SENTENCE_BYTES];
};

/**
 * ini_parse(text, length, ini, error):
 * Read ${length} bytes of ${text} into *${ini}.
 *
 * Owns     on 0 the caller owns *${ini} until ini_free().
 * Errors   EINVAL  the text breaks the grammar; *${error} says where and how
 *          ENOMEM  out of memory
 */
int ini_parse(const char *text, size_t length, struct ini **ini, struct ini_error *error);

/* Free *${ini} and null it; it may be NULL. */
void ini_free(struct ini **ini);

/* Fill in *${error}, the sentence cut to fit. Always EINVAL, to be returned. */
int ini_complain(struct ini_error *error, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
