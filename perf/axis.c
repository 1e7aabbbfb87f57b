/* axis.c: lists and ties. */
#include "axis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sentence.h"

enum { AXIS_VALUES_MAX = 256 };

static int read_tie(const struct key *key, const char *name, struct axis *axis,
                    char wrong[KEYS_SENTENCE_BYTES])
{
	const struct key *other = keys_find(KEY_OF_SCENARIO, name);
	if (other == NULL) {
		const char *meant = keys_suggest(KEY_OF_SCENARIO, name);
		return sentence(wrong, KEYS_SENTENCE_BYTES,
		                "%s goes with @%s, which is no key%s%s%s", key->name, name,
		                meant != NULL ? "; did you mean @" : "", meant != NULL ? meant : "",
		                meant != NULL ? "?" : "");
	}
	if (!other->sweepable || other->type != key->type || other->words != key->words) {
		return sentence(wrong, KEYS_SENTENCE_BYTES,
		                "%s cannot go with @%s: they take other values", key->name, name);
	}
	axis->tied_to = other;
	return 0;
}

static int add_value(const struct key *key, const char *text, struct axis *axis,
                     char wrong[KEYS_SENTENCE_BYTES])
{
	struct key_value value;
	int failure = keys_read(key, text, &value, wrong);
	if (failure != 0)
		return failure;
	for (size_t i = 0; i < axis->value_count; i++) {
		if (keys_equal(key, &axis->values[i], &value)) {
			return sentence(wrong, KEYS_SENTENCE_BYTES, "%s has the value %s twice",
			                key->name, text);
		}
	}
	if (axis->value_count == AXIS_VALUES_MAX) {
		return sentence(wrong, KEYS_SENTENCE_BYTES, "%s has more than %d values", key->name,
		                AXIS_VALUES_MAX);
	}
	struct key_value *values =
	    reallocarray(axis->values, axis->value_count + 1, sizeof(*values));
	if (values == NULL)
		return ENOMEM;
	axis->values = values;
	values[axis->value_count++] = value;
	return 0;
}

/* The length of the list's first element: up to a comma that no parenthesis encloses. */
static size_t element_bytes(const char *text)
{
	size_t depth = 0;
	size_t length = 0;
	for (; text[length] != '\0' && (text[length] != ',' || depth > 0); length++) {
		if (text[length] == '(')
			depth++;
		else if (text[length] == ')' && depth > 0)
			depth--;
	}
	return length;
}

/* Read one element of ${length} bytes, without the blanks around it. */
static int read_element(const struct key *key, const char *text, size_t length, struct axis *axis,
                        char wrong[KEYS_SENTENCE_BYTES])
{
	size_t before = strspn(text, " \t");
	before = before < length ? before : length;
	while (length > before && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	if (length == before) {
		return sentence(wrong, KEYS_SENTENCE_BYTES, "%s has an empty element in its list",
		                key->name);
	}
	char *element = strndup(text + before, length - before);
	if (element == NULL)
		return ENOMEM;
	int failure = add_value(key, element, axis, wrong);
	free(element);
	return failure;
}

int axis_read(const struct key *key, const char *text, struct axis *axis,
              char wrong[KEYS_SENTENCE_BYTES])
{
	if (!key->sweepable)
		return read_element(key, text, strlen(text), axis, wrong);
	if (text[0] == '@')
		return read_tie(key, text + 1, axis, wrong);
	for (;;) {
		size_t length = element_bytes(text);
		int failure = read_element(key, text, length, axis, wrong);
		if (failure != 0 || text[length] == '\0')
			return failure;
		text += length + 1;
	}
}

int axis_copy(const struct axis *axis, struct axis *copy)
{
	*copy = *axis;
	copy->values = NULL;
	if (axis->value_count == 0)
		return 0;
	copy->values = reallocarray(NULL, axis->value_count, sizeof(*copy->values));
	if (copy->values == NULL)
		return ENOMEM;
	memcpy(copy->values, axis->values, axis->value_count * sizeof(*copy->values));
	return 0;
}

void axis_print(const struct key *key, const struct axis *axis, FILE *out)
{
	if (axis->tied_to != NULL)
		fprintf(out, "@%s", axis->tied_to->name);
	for (size_t i = 0; i < axis->value_count; i++) {
		char text[KEYS_TEXT_BYTES];
		keys_print(key, &axis->values[i], text);
		fprintf(out, "%s%s", i > 0 ? ", " : "", text);
	}
}

void axis_fini(struct axis *axis)
{
	free(axis->values);
	*axis = (struct axis){ 0 };
}
