/* expand.c: one pass over the text; a default is plain text, so nothing nests. */
#include "expand.h"

#include <stdbool.h>
#include <string.h>

#include "sentence.h"
#include "utf8.h"

static bool is_variable_name(const char *name)
{
	static const char letters[] = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	                              "0123456789";
	return strcspn(name, "0123456789") > 0 && name[0] != '\0' &&
	       strspn(name, letters) == strlen(name);
}

/* Whether a reader of the printed scenario would see the same value: no comment, no variable. */
static bool reads_back(const char *value)
{
	for (const char *at = value; *at != '\0'; at++) {
		bool blank_before = at == value || at[-1] == ' ' || at[-1] == '\t';
		if ((unsigned char)*at < 0x20 || *at == 0x7F || (blank_before && strchr(";#", *at)))
			return false;
	}
	return strstr(value, "${") == NULL &&
	       utf8_valid_bytes(value, strlen(value)) == strlen(value);
}

/* What stands between ${ and }: NAME or NAME:-default. */
static int look_up(char *inside, expand_environment *environment, const char **value,
                   char wrong[KEYS_SENTENCE_BYTES])
{
	char *fallback = strstr(inside, ":-");
	if (fallback != NULL) {
		*fallback = '\0';
		fallback += 2;
	}
	if (!is_variable_name(inside))
		return sentence(wrong, KEYS_SENTENCE_BYTES, "\"%s\" is not the name of a variable",
		                inside);
	*value = environment(inside);
	if (*value == NULL || **value == '\0')
		*value = fallback;
	if (*value == NULL)
		return sentence(wrong, KEYS_SENTENCE_BYTES, "${%s} is not set and has no default",
		                inside);
	if (!reads_back(*value))
		return sentence(wrong, KEYS_SENTENCE_BYTES,
		                "${%s} holds what cannot stand in a scenario file", inside);
	return 0;
}

static int append(char expanded[EXPAND_BYTES], size_t *used, const char *text, size_t length,
                  char wrong[KEYS_SENTENCE_BYTES])
{
	if (*used + length >= EXPAND_BYTES)
		return sentence(wrong, KEYS_SENTENCE_BYTES, "the value is too long");
	memcpy(expanded + *used, text, length);
	*used += length;
	expanded[*used] = '\0';
	return 0;
}

/* Replace the variable at the front of *${text} and step behind it. */
static int append_variable(char expanded[EXPAND_BYTES], size_t *used, const char **text,
                           expand_environment *environment, char wrong[KEYS_SENTENCE_BYTES])
{
	char inside[EXPAND_BYTES];
	const char *end = strchr(*text, '}');
	if (end == NULL)
		return sentence(wrong, KEYS_SENTENCE_BYTES, "missing } behind %.40s", *text);
	size_t length = (size_t)(end - *text) - 2;
	if (length >= sizeof(inside))
		return sentence(wrong, KEYS_SENTENCE_BYTES, "the value is too long");
	memcpy(inside, *text + 2, length);
	inside[length] = '\0';
	*text = end + 1;
	const char *value = NULL;
	int failure = look_up(inside, environment, &value, wrong);
	if (failure != 0)
		return failure;
	return append(expanded, used, value, strlen(value), wrong);
}

int expand(const char *text, expand_environment *environment, char expanded[EXPAND_BYTES],
           char wrong[KEYS_SENTENCE_BYTES])
{
	size_t used = 0;
	int failure = append(expanded, &used, "", 0, wrong);
	while (failure == 0 && *text != '\0') {
		const char *variable = strstr(text, "${");
		size_t plain = variable != NULL ? (size_t)(variable - text) : strlen(text);
		failure = append(expanded, &used, text, plain, wrong);
		text += plain;
		if (failure == 0 && variable != NULL)
			failure = append_variable(expanded, &used, &text, environment, wrong);
	}
	if (failure == 0 && expanded[strspn(expanded, " \t")] == '\0')
		return sentence(wrong, KEYS_SENTENCE_BYTES, "nothing is left of the value");
	return failure;
}
