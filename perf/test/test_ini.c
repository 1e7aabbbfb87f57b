/* test_ini.c: the strict reader: what it takes, and each thing that it refuses, with its line. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../ini.h"
#include "../suite.h"
#include "../utf8.h"
#include "support.h"

#define BAD_CORPUS  "perf/test/corpus/ini-bad"
#define GOOD_CORPUS "perf/test/corpus/ini"

static struct ini *parse(const char *text)
{
	struct ini *ini = NULL;
	struct ini_error error;
	if (ini_parse(text, strlen(text), &ini, &error) != 0)
		fail_msg("line %zu: %s", error.line, error.text);
	return ini;
}

static void sections_and_keys_come_in_order_with_their_lines(void **state)
{
	(void)state;
	struct ini *ini = parse("; a\n[suite]\nname = x\n\n[scenario  one two]\nb = 1\nc = 2");
	assert_int_equal(ini->section_count, 2);
	assert_string_equal(ini->sections[0].kind, "suite");
	assert_string_equal(ini->sections[0].name, "");
	assert_int_equal(ini->sections[0].line, 2);
	assert_string_equal(ini->sections[1].kind, "scenario");
	assert_string_equal(ini->sections[1].name, "one two");
	assert_int_equal(ini->sections[1].key_count, 2);
	assert_string_equal(ini->sections[1].keys[1].name, "c");
	assert_string_equal(ini->sections[1].keys[1].value, "2");
	assert_int_equal(ini->sections[1].keys[1].line, 7);
	ini_free(&ini);
	assert_null(ini);
	ini_free(&ini);
}

static void values_are_trimmed_and_comments_cut(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *value;
	} cases[] = {
		{ "k=v", "v" },        { "  k\t=\tv w  ", "v w" }, { "k = v ; c", "v" },
		{ "k = v\t# c", "v" }, { "k = a;b#c", "a;b#c" },   { "k = a = b", "a = b" },
		{ "k = [x]", "[x]" },  { "k = \"v ; w\"", "\"v" }, { "k = v\r", "v" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		snprintf(text, sizeof(text), "[s]\n%s\n", cases[i].line);
		struct ini *ini = parse(text);
		assert_string_equal(ini->sections[0].keys[0].value, cases[i].value);
		ini_free(&ini);
	}
}

static void a_line_may_have_just_so_many_bytes(void **state)
{
	(void)state;
	static const char head[] = "[s]\nk = ";
	char text[INI_LINE_BYTES_MAX + 64];
	size_t longest = strlen("[s]\n") + INI_LINE_BYTES_MAX;
	memset(text, 'x', sizeof(text));
	memcpy(text, head, strlen(head));
	struct ini *ini = NULL;
	struct ini_error error;
	assert_int_equal(ini_parse(text, longest, &ini, &error), 0);
	assert_int_equal(strlen(ini->sections[0].keys[0].value), INI_LINE_BYTES_MAX - 4);
	ini_free(&ini);
	assert_int_equal(ini_parse(text, longest + 1, &ini, &error), EINVAL);
	assert_int_equal(error.line, 2);
	assert_null(ini);
}

static void well_formed_utf8_and_nothing_else(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t good;
	} cases[] = {
		{ "", 0 },
		{ "a\xC3\xBC", 3 },
		{ "\xE2\x82\xAC", 3 },
		{ "\xF0\x9F\x98\x80", 4 },
		{ "\xF4\x8F\xBF\xBF", 4 },
		{ "\xED\x9F\xBF", 3 },
		{ "a\xC3", 1 },        /* cut */
		{ "ab\x80", 2 },       /* continuation alone */
		{ "\xC1\xBF", 0 },     /* over-long */
		{ "\xE0\x9F\xBF", 0 }, /* over-long */
		{ "\xF0\x8F\xBF\xBF", 0 },
		{ "\xED\xA0\x80", 0 },     /* surrogate */
		{ "\xF4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
		{ "\xF5\x80\x80\x80", 0 },
		{ "\xE2\x82\x41", 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(utf8_valid_bytes(cases[i].text, strlen(cases[i].text)),
		                 cases[i].good);
}

static const char *no_variables(const char *name)
{
	(void)name;
	return NULL;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text);
	return length > strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* Call ${check} with each *.ini of ${folder}. Returns how many there are. */
static size_t for_each_ini(const char *folder, void (*check)(const char *file))
{
	size_t count = 0;
	DIR *entries = opendir(folder);
	if (entries == NULL)
		fail_msg("%s: run this from the top of the tree", folder);
	for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
		if (!ends_with(entry->d_name, ".ini"))
			continue;
		check(support_path(folder, entry->d_name));
		count++;
	}
	closedir(entries);
	return count;
}

/* FILE.expected holds what comes behind "FILE.ini:". */
static void check_bad(const char *file)
{
	char expected_file[512];
	char expected[SUITE_ERROR_BYTES];
	char error[SUITE_ERROR_BYTES] = "";
	snprintf(expected_file, sizeof(expected_file), "%.*s.expected", (int)strlen(file) - 4,
	         file);
	char *sentence = support_read_file(expected_file, NULL);
	snprintf(expected, sizeof(expected), "%s:%.*s", file, (int)strcspn(sentence, "\n"),
	         sentence);
	size_t length;
	char *text = support_read_file(file, &length);
	struct suite *suite = NULL;
	assert_int_equal(suite_parse(file, text, length, no_variables, &suite, error), EINVAL);
	assert_string_equal(error, expected);
	assert_null(suite);
	free(text);
	free(sentence);
}

static void every_bad_file_is_refused_with_its_sentence(void **state)
{
	(void)state;
	assert_true(for_each_ini(BAD_CORPUS, check_bad) >= 70);
}

static void check_good(const char *file)
{
	char error[SUITE_ERROR_BYTES] = "";
	size_t length;
	char *text = support_read_file(file, &length);
	struct suite *suite = NULL;
	if (suite_parse(file, text, length, no_variables, &suite, error) != 0)
		fail_msg("%s", error);
	suite_free(&suite);
	free(text);
}

static void every_good_file_is_read(void **state)
{
	(void)state;
	assert_true(for_each_ini(GOOD_CORPUS, check_good) >= 6);
	assert_true(for_each_ini("configs", check_good) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_keys_come_in_order_with_their_lines),
		cmocka_unit_test(values_are_trimmed_and_comments_cut),
		cmocka_unit_test(a_line_may_have_just_so_many_bytes),
		cmocka_unit_test(well_formed_utf8_and_nothing_else),
		cmocka_unit_test(every_bad_file_is_refused_with_its_sentence),
		cmocka_unit_test(every_good_file_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
