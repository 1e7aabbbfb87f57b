/* ini.c: the strict reader behind ini.h. Errors are found in the order in which one reads. */
#include "ini.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* A piece of the text; nothing is copied until it is known to be good. */
struct span {
	const char *at;
	size_t length;
};

int ini_complain(struct ini_error *error, size_t line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	error->line = line;
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(struct span span)
{
	while (span.length > 0 && is_blank(span.at[0])) {
		span.at++;
		span.length--;
	}
	while (span.length > 0 && is_blank(span.at[span.length - 1]))
		span.length--;
	return span;
}

static bool opens_comment(char c)
{
	return c == ';' || c == '#';
}

/* Cut a trailing comment off: it opens at a ; or # that stands first or behind a blank. */
static struct span without_comment(struct span span)
{
	for (size_t i = 0; i < span.length; i++) {
		if (opens_comment(span.at[i]) && (i == 0 || is_blank(span.at[i - 1]))) {
			span.length = i;
			break;
		}
	}
	return trim(span);
}

static char *copy(struct span span)
{
	return strndup(span.at, span.length);
}

static bool equals(struct span span, const char *text)
{
	return strlen(text) == span.length && memcmp(span.at, text, span.length) == 0;
}

/* Make room for one more element of ${size} bytes; the arrays here are short. */
static void *grown(void *array, size_t count, size_t size)
{
	return reallocarray(array, count + 1, size);
}

/* For the sentence: at most 40 bytes of what was found, never half a character. */
static int shown(struct span span)
{
	size_t length = span.length < 40 ? span.length : 40;
	while (length < span.length && length > 0 &&
	       ((unsigned char)span.at[length] & 0xC0) == 0x80)
		length--;
	return (int)length;
}

static int check_bytes(struct span line, size_t number, struct ini_error *error)
{
	if (line.length > INI_LINE_BYTES_MAX)
		return ini_complain(error, number, "the line has more than %d bytes",
		                    INI_LINE_BYTES_MAX);
	for (size_t i = 0; i < line.length; i++) {
		unsigned char c = (unsigned char)line.at[i];
		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return ini_complain(error, number, "control character 0x%02X in column %zu",
			                    c, i + 1);
	}
	size_t good = utf8_valid_bytes(line.at, line.length);
	if (good < line.length)
		return ini_complain(error, number, "not UTF-8 in column %zu", good + 1);
	return 0;
}

static bool is_key_name(struct span name)
{
	for (size_t i = 0; i < name.length; i++) {
		char c = name.at[i];
		bool later = (c >= '0' && c <= '9') || c == '_';
		if (!((c >= 'a' && c <= 'z') || (later && i > 0)))
			return false;
	}
	return name.length > 0;
}

/* Append a section of kind and name to ${ini}. */
static int add_section(struct ini *ini, struct span kind, struct span name, size_t number,
                       struct ini_error *error)
{
	for (size_t i = 0; i < ini->section_count; i++) {
		const struct ini_section *other = &ini->sections[i];
		if (equals(kind, other->kind) && equals(name, other->name))
			return ini_complain(
			    error, number, "section [%s%s%s] was already opened in line %zu",
			    other->kind, name.length > 0 ? " " : "", other->name, other->line);
	}
	struct ini_section *sections = grown(ini->sections, ini->section_count, sizeof(*sections));
	if (sections == NULL)
		return ENOMEM;
	ini->sections = sections;
	struct ini_section *section = &sections[ini->section_count++];
	*section = (struct ini_section){ .kind = copy(kind), .name = copy(name), .line = number };
	return section->kind != NULL && section->name != NULL ? 0 : ENOMEM;
}

/* A line that begins with [. */
static int parse_section(struct ini *ini, struct span line, size_t number, struct ini_error *error)
{
	const char *end = memchr(line.at, ']', line.length);
	if (end == NULL)
		return ini_complain(error, number, "missing ] at the end of the section's name");
	size_t inside_bytes = (size_t)(end - line.at) - 1;
	struct span behind = { end + 1, line.length - inside_bytes - 2 };
	bool blank_first = behind.length == 0 || is_blank(behind.at[0]);
	struct span junk = blank_first ? without_comment(behind) : behind;
	if (junk.length > 0)
		return ini_complain(error, number, "junk behind ]: \"%.*s\"", shown(junk), junk.at);
	struct span kind = trim((struct span){ line.at + 1, inside_bytes });
	if (kind.length == 0)
		return ini_complain(error, number, "a section without a name");
	struct span name = { kind.at + kind.length, 0 };
	for (size_t i = 0; i < kind.length; i++) {
		if (is_blank(kind.at[i])) {
			name = trim((struct span){ kind.at + i, kind.length - i });
			kind.length = i;
		}
	}
	return add_section(ini, kind, name, number, error);
}

/* Append a key to the last section. */
static int add_key(struct ini_section *section, struct span name, struct span value, size_t number,
                   struct ini_error *error)
{
	for (size_t i = 0; i < section->key_count; i++) {
		if (equals(name, section->keys[i].name))
			return ini_complain(error, number, "%s was already given in line %zu",
			                    section->keys[i].name, section->keys[i].line);
	}
	struct ini_key *keys = grown(section->keys, section->key_count, sizeof(*keys));
	if (keys == NULL)
		return ENOMEM;
	section->keys = keys;
	struct ini_key *key = &keys[section->key_count++];
	*key = (struct ini_key){ .name = copy(name), .value = copy(value), .line = number };
	return key->name != NULL && key->value != NULL ? 0 : ENOMEM;
}

/* A line that is neither blank nor a comment nor a section. */
static int parse_key(struct ini *ini, struct span line, size_t number, struct ini_error *error)
{
	const char *sign = memchr(line.at, '=', line.length);
	if (sign == NULL)
		return ini_complain(error, number,
		                    "missing = behind \"%.*s\" (no line continues another)",
		                    shown(line), line.at);
	struct span name = trim((struct span){ line.at, (size_t)(sign - line.at) });
	if (!is_key_name(name))
		return ini_complain(
		    error, number,
		    "\"%.*s\" is not a key: a key has a-z, 0-9 and _, a letter first", shown(name),
		    name.at);
	struct span value = { sign + 1, line.length - (size_t)(sign + 1 - line.at) };
	value = without_comment(value);
	if (value.length == 0)
		return ini_complain(error, number, "%.*s has no value", shown(name), name.at);
	if (ini->section_count == 0)
		return ini_complain(error, number, "%.*s stands before the first [section]",
		                    shown(name), name.at);
	return add_key(&ini->sections[ini->section_count - 1], name, value, number, error);
}

static int parse_line(struct ini *ini, struct span line, size_t number, struct ini_error *error)
{
	int failure = check_bytes(line, number, error);
	if (failure != 0)
		return failure;
	line = trim(line);
	if (line.length == 0 || opens_comment(line.at[0]))
		return 0;
	if (line.at[0] == '[')
		return parse_section(ini, line, number, error);
	return parse_key(ini, line, number, error);
}

/* Cut the next line off ${rest}, without its end. */
static struct span next_line(struct span *rest)
{
	const char *end = memchr(rest->at, '\n', rest->length);
	struct span line = { rest->at, end != NULL ? (size_t)(end - rest->at) : rest->length };
	size_t taken = line.length + (end != NULL ? 1 : 0);
	rest->at += taken;
	rest->length -= taken;
	if (end != NULL && line.length > 0 && line.at[line.length - 1] == '\r')
		line.length--;
	return line;
}

int ini_parse(const char *text, size_t length, struct ini **ini, struct ini_error *error)
{
	if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
		return ini_complain(error, 1,
		                    "the file begins with a byte order mark; save it without");
	struct ini *result = calloc(1, sizeof(*result));
	if (result == NULL)
		return ENOMEM;
	int failure = 0;
	struct span rest = { text, length };
	for (size_t number = 1; rest.length > 0 && failure == 0; number++)
		failure = parse_line(result, next_line(&rest), number, error);
	if (failure != 0)
		ini_free(&result);
	else
		*ini = result;
	return failure;
}

void ini_free(struct ini **ini)
{
	if (*ini == NULL)
		return;
	for (size_t i = 0; i < (*ini)->section_count; i++) {
		struct ini_section *section = &(*ini)->sections[i];
		for (size_t j = 0; j < section->key_count; j++) {
			free(section->keys[j].name);
			free(section->keys[j].value);
		}
		free(section->keys);
		free(section->kind);
		free(section->name);
	}
	free((*ini)->sections);
	free(*ini);
	*ini = NULL;
}
