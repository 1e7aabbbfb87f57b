/* suite_parse.c: from the sections of an INI text to a suite of scenarios. */
#include "suite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ini.h"
#include "suggest.h"

/* What a reader carries along: where it is, and where the sentence goes. */
struct reader {
	const char *file;
	expand_environment *environment;
	char *error; /* room for SUITE_ERROR_BYTES */
};

/* Fill in the sentence, cut to fit. Always EINVAL, to be returned. */
__attribute__((format(printf, 3, 4))) static int complain(const struct reader *reader, size_t line,
                                                          const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int used = snprintf(reader->error, SUITE_ERROR_BYTES, "%s:%zu: ", reader->file, line);
	if (used >= 0 && used < SUITE_ERROR_BYTES)
		vsnprintf(reader->error + used, SUITE_ERROR_BYTES - (size_t)used, format,
		          arguments);
	va_end(arguments);
	return EINVAL;
}

static int out_of_memory(const struct reader *reader)
{
	snprintf(reader->error, SUITE_ERROR_BYTES, "%s: out of memory", reader->file);
	return ENOMEM;
}

static int unknown_key(const struct reader *reader, enum key_section section,
                       const struct ini_key *given)
{
	bool of_suite = section == KEY_OF_SUITE;
	if (keys_find(of_suite ? KEY_OF_SCENARIO : KEY_OF_SUITE, given->name) != NULL)
		return complain(reader, given->line, "%s belongs in %s", given->name,
		                of_suite ? "[defaults] or a [scenario]" : "[suite]");
	const char *meant = keys_suggest(section, given->name);
	if (meant != NULL)
		return complain(reader, given->line, "unknown key %s; did you mean %s?",
		                given->name, meant);
	return complain(reader, given->line, "unknown key %s; see `performance_test help keys`",
	                given->name);
}

/* Read one line of a section into ${axis}. */
static int read_axis(const struct reader *reader, const struct key *key,
                     const struct ini_key *given, struct axis *axis)
{
	char text[EXPAND_BYTES];
	char sentence[KEYS_SENTENCE_BYTES];
	int failure = expand(given->value, reader->environment, text, sentence);
	if (failure == 0) {
		axis->line = given->line;
		failure = axis_read(key, text, axis, sentence);
	}
	if (failure == EINVAL)
		return complain(reader, given->line, "%s", sentence);
	return failure == 0 ? 0 : out_of_memory(reader);
}

/* Where no name is given, the file's: configs/original.ini is the suite original. */
static void name_after_file(struct suite *suite)
{
	const char *slash = strrchr(suite->file, '/');
	const char *base = slash != NULL ? slash + 1 : suite->file;
	char *name = suite->settings.name;
	snprintf(name, KEYS_NAME_BYTES, "%s", base);
	size_t length = strlen(name);
	if (length > 4 && strcmp(name + length - 4, ".ini") == 0)
		name[length - 4] = '\0';
	for (char *at = name; *at != '\0'; at++) {
		char one[] = { 'x', *at, '\0' };
		if (!keys_is_name(one))
			*at = '-';
	}
	if (!keys_is_name(name))
		snprintf(name, KEYS_NAME_BYTES, "suite");
}

static int read_suite(const struct reader *reader, const struct ini_section *section,
                      struct suite *suite)
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SUITE, &count);
	for (size_t i = 0; i < count; i++) {
		struct key_value value = { 0 };
		char sentence[KEYS_SENTENCE_BYTES];
		if (keys[i].fallback[0] != '\0')
			(void)keys_read(&keys[i], keys[i].fallback, &value, sentence);
		keys_store(&keys[i], &value, &suite->settings);
	}
	name_after_file(suite);
	for (size_t i = 0; section != NULL && i < section->key_count; i++) {
		const struct ini_key *given = &section->keys[i];
		const struct key *key = keys_find(KEY_OF_SUITE, given->name);
		if (key == NULL)
			return unknown_key(reader, KEY_OF_SUITE, given);
		struct axis axis = { 0 };
		int failure = read_axis(reader, key, given, &axis);
		if (failure == 0)
			keys_store(key, &axis.values[0], &suite->settings);
		axis_fini(&axis);
		if (failure != 0)
			return failure;
	}
	return 0;
}

/* Give every axis that [defaults] leave open its default. */
static int read_fallbacks(const struct reader *reader, const struct suite *suite,
                          struct scenario *defaults)
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SCENARIO, &count);
	for (size_t i = 0; i < count; i++) {
		char text[KEYS_TEXT_BYTES];
		char sentence[KEYS_SENTENCE_BYTES];
		snprintf(text, sizeof(text), "%s", keys[i].fallback);
		if (strcmp(keys[i].name, "repetitions") == 0)
			snprintf(text, sizeof(text), "%lld",
			         (long long)suite->settings.repetitions);
		if (axis_read(&keys[i], text, &defaults->axes[i], sentence) != 0)
			return out_of_memory(reader);
	}
	return 0;
}

/* Replace the axes of ${scenario} that ${section} gives. */
static int read_keys(const struct reader *reader, const struct ini_section *section,
                     struct scenario *scenario)
{
	size_t count;
	const struct key *keys = keys_of(KEY_OF_SCENARIO, &count);
	for (size_t i = 0; i < section->key_count; i++) {
		const struct ini_key *given = &section->keys[i];
		const struct key *key = keys_find(KEY_OF_SCENARIO, given->name);
		if (key == NULL)
			return unknown_key(reader, KEY_OF_SCENARIO, given);
		struct axis *axis = &scenario->axes[key - keys];
		axis_fini(axis);
		int failure = read_axis(reader, key, given, axis);
		if (failure != 0)
			return failure;
	}
	return 0;
}

/* Append the scenario of ${section}. */
static int add_scenario(const struct reader *reader, const struct ini_section *section,
                        const struct scenario *defaults, struct suite *suite)
{
	struct scenario *scenarios =
	    reallocarray(suite->scenarios, suite->scenario_count + 1, sizeof(*scenarios));
	if (scenarios == NULL)
		return out_of_memory(reader);
	suite->scenarios = scenarios;
	struct scenario *scenario = &scenarios[suite->scenario_count++];
	*scenario = (struct scenario){ .line = section->line };
	snprintf(scenario->name, sizeof(scenario->name), "%s", section->name);
	for (size_t i = 0; i < SCENARIO_KEYS_MAX; i++) {
		if (axis_copy(&defaults->axes[i], &scenario->axes[i]) != 0)
			return out_of_memory(reader);
	}
	int failure = read_keys(reader, section, scenario);
	size_t line = 0;
	char sentence[KEYS_SENTENCE_BYTES];
	if (failure == 0 && scenario_check_ties(scenario, &line, sentence) != 0)
		return complain(reader, line, "%s", sentence);
	return failure;
}

static int check_section(const struct reader *reader, const struct ini_section *section)
{
	static const char *const kinds[] = { "suite", "defaults", "scenario", NULL };
	size_t kind = 0;
	while (kinds[kind] != NULL && strcmp(kinds[kind], section->kind) != 0)
		kind++;
	if (kinds[kind] == NULL) {
		const char *meant = suggest(section->kind, kinds);
		return complain(reader, section->line, "unknown section [%s]%s%s%s", section->kind,
		                meant != NULL ? "; did you mean [" : "",
		                meant != NULL ? meant
		                              : "; there are [suite], [defaults], [scenario NAME]",
		                meant != NULL ? "]?" : "");
	}
	if (kind != 2 && section->name[0] != '\0')
		return complain(reader, section->line, "[%s] takes no name", section->kind);
	if (kind == 2 && section->name[0] == '\0')
		return complain(reader, section->line,
		                "[scenario] without a name; write [scenario NAME]");
	if (kind == 2 && !keys_is_name(section->name))
		return complain(
		    reader, section->line,
		    "\"%s\" cannot name a scenario; use 1 to %d of A-Z a-z 0-9 . _ -, a "
		    "letter or digit first",
		    section->name, KEYS_NAME_BYTES - 1);
	return 0;
}

static const struct ini_section *find_section(const struct ini *ini, const char *kind)
{
	for (size_t i = 0; i < ini->section_count; i++) {
		if (strcmp(ini->sections[i].kind, kind) == 0)
			return &ini->sections[i];
	}
	return NULL;
}

static int read_scenarios(const struct reader *reader, const struct ini *ini,
                          struct scenario *defaults, struct suite *suite)
{
	int failure = read_fallbacks(reader, suite, defaults);
	const struct ini_section *section = find_section(ini, "defaults");
	if (failure == 0 && section != NULL)
		failure = read_keys(reader, section, defaults);
	for (size_t i = 0; i < ini->section_count && failure == 0; i++) {
		if (strcmp(ini->sections[i].kind, "scenario") == 0)
			failure = add_scenario(reader, &ini->sections[i], defaults, suite);
	}
	if (failure == 0 && suite->scenario_count == 0)
		return complain(reader, 1, "there is no [scenario NAME] in the file");
	return failure;
}

static int read_sections(const struct reader *reader, const struct ini *ini, struct suite *suite)
{
	int failure = 0;
	for (size_t i = 0; i < ini->section_count && failure == 0; i++)
		failure = check_section(reader, &ini->sections[i]);
	if (failure == 0)
		failure = read_suite(reader, find_section(ini, "suite"), suite);
	if (failure != 0)
		return failure;
	struct scenario defaults = { 0 };
	failure = read_scenarios(reader, ini, &defaults, suite);
	scenario_fini(&defaults);
	return failure;
}

int suite_parse(const char *file, const char *text, size_t length, expand_environment *environment,
                struct suite **suite, char error[SUITE_ERROR_BYTES])
{
	struct reader reader = { file, environment, error };
	struct suite *result = calloc(1, sizeof(*result));
	if (result == NULL || (result->file = strdup(file)) == NULL) {
		free(result);
		return out_of_memory(&reader);
	}
	struct ini *ini = NULL;
	struct ini_error wrong;
	int failure = ini_parse(text, length, &ini, &wrong);
	if (failure == EINVAL)
		complain(&reader, wrong.line, "%s", wrong.text);
	else if (failure != 0)
		out_of_memory(&reader);
	else
		failure = read_sections(&reader, ini, result);
	ini_free(&ini);
	if (failure == 0)
		*suite = result;
	else
		suite_free(&result);
	return failure;
}
