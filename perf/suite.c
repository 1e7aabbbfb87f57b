/* suite.c: scenario files as files; what the command line changes in them; printing them back. */
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "suggest.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static const char *process_environment(const char *name)
{
	return getenv(name);
}

/* The whole of ${file}, which the caller frees; *${length} gets its bytes. NULL with errno set. */
static char *read_file(const char *file, size_t *length)
{
	FILE *in = fopen(file, "rbe");
	if (in == NULL)
		return NULL;
	char *text = malloc(FILE_BYTES_MAX + 1);
	int failure = 0;
	if (text != NULL) {
		*length = fread(text, 1, FILE_BYTES_MAX + 1, in);
		failure = ferror(in) ? errno : *length > FILE_BYTES_MAX ? EFBIG : 0;
	}
	fclose(in);
	if (failure != 0) {
		free(text);
		text = NULL;
		errno = failure;
	}
	return text;
}

int suite_read(const char *file, struct suite **suite, char error[SUITE_ERROR_BYTES])
{
	size_t length = 0;
	char *text = read_file(file, &length);
	if (text == NULL) {
		int failure = errno;
		snprintf(error, SUITE_ERROR_BYTES, "%s: %s", file, strerror(failure));
		return failure;
	}
	int failure = suite_parse(file, text, length, process_environment, suite, error);
	free(text);
	return failure;
}

/* Put ${text} into ${key} of one scenario. */
static int override(struct scenario *scenario, const struct key *key, size_t index,
                    const char *text, char sentence[KEYS_SENTENCE_BYTES])
{
	struct axis axis = { 0 };
	int failure = axis_read(key, text, &axis, sentence);
	if (failure != 0) {
		axis_fini(&axis);
		return failure;
	}
	axis_fini(&scenario->axes[index]);
	scenario->axes[index] = axis;
	size_t line;
	return scenario_check_ties(scenario, &line, sentence);
}

int suite_override(struct suite *suite, const char *assignment, char error[SUITE_ERROR_BYTES])
{
	char name[KEYS_NAME_BYTES];
	char sentence[KEYS_SENTENCE_BYTES] = "out of memory";
	size_t name_bytes = strcspn(assignment, "=");
	snprintf(name, sizeof(name), "%.*s", (int)(name_bytes < sizeof(name) ? name_bytes : 0),
	         assignment);
	const struct key *key = keys_find(KEY_OF_SCENARIO, name);
	if (assignment[name_bytes] == '\0' || key == NULL) {
		const char *meant = keys_suggest(KEY_OF_SCENARIO, name);
		snprintf(error, SUITE_ERROR_BYTES, "--set %s: %s%s%s", assignment,
		         key != NULL     ? "write KEY=VALUE"
		         : meant != NULL ? "unknown key; did you mean "
		                         : "unknown key; see `performance_test help keys`",
		         key == NULL && meant != NULL ? meant : "",
		         key == NULL && meant != NULL ? "?" : "");
		return EINVAL;
	}
	size_t count;
	size_t index = (size_t)(key - keys_of(KEY_OF_SCENARIO, &count));
	int failure = 0;
	for (size_t i = 0; i < suite->scenario_count && failure == 0; i++)
		failure = override(&suite->scenarios[i], key, index, assignment + name_bytes + 1,
		                   sentence);
	if (failure != 0)
		snprintf(error, SUITE_ERROR_BYTES, "--set %s: %s", assignment, sentence);
	return failure;
}

int suite_select(struct suite *suite, const char *name, char error[SUITE_ERROR_BYTES])
{
	const char **names = calloc(suite->scenario_count + 1, sizeof(*names));
	if (names == NULL) {
		snprintf(error, SUITE_ERROR_BYTES, "%s: out of memory", suite->file);
		return ENOMEM;
	}
	size_t found = suite->scenario_count;
	for (size_t i = 0; i < suite->scenario_count; i++) {
		names[i] = suite->scenarios[i].name;
		if (strcmp(names[i], name) == 0)
			found = i;
	}
	bool missing = found == suite->scenario_count;
	if (missing) {
		const char *meant = suggest(name, names);
		snprintf(error, SUITE_ERROR_BYTES, "%s: there is no scenario %s%s%s%s", suite->file,
		         name, meant != NULL ? "; did you mean " : "", meant != NULL ? meant : "",
		         meant != NULL ? "?" : "");
	} else {
		struct scenario kept = suite->scenarios[found];
		suite->scenarios[found] = suite->scenarios[0];
		suite->scenarios[0] = kept;
		for (; suite->scenario_count > 1; suite->scenario_count--)
			scenario_fini(&suite->scenarios[suite->scenario_count - 1]);
	}
	free(names);
	return missing ? EINVAL : 0;
}

void suite_print(const struct suite *suite, FILE *out)
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SUITE, &count);
	fputs("[suite]\n", out);
	for (size_t i = 0; i < count; i++) {
		struct key_value value;
		char text[KEYS_TEXT_BYTES];
		keys_load(&keys[i], &suite->settings, &value);
		keys_print(&keys[i], &value, text);
		if (text[0] != '\0')
			fprintf(out, "%s = %s\n", keys[i].name, text);
	}
	keys = keys_of(KEY_OF_SCENARIO, &count);
	for (size_t i = 0; i < suite->scenario_count; i++) {
		fprintf(out, "\n[scenario %s]\n", suite->scenarios[i].name);
		for (size_t j = 0; j < count; j++) {
			fprintf(out, "%s = ", keys[j].name);
			axis_print(&keys[j], &suite->scenarios[i].axes[j], out);
			fputc('\n', out);
		}
	}
}

void suite_free(struct suite **suite)
{
	if (*suite == NULL)
		return;
	for (size_t i = 0; i < (*suite)->scenario_count; i++)
		scenario_fini(&(*suite)->scenarios[i]);
	free((*suite)->scenarios);
	free((*suite)->file);
	free(*suite);
	*suite = NULL;
}
