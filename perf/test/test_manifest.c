/* test_manifest.c: the manifest, the run folder, and what other programs say of themselves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "../build_info.h"
#include "../command.h"
#include "../manifest.h"
#include "../run_folder.h"
#include "support.h"

#define NOON_NS INT64_C(1700000000000000000)

static cJSON *read_manifest(const char *folder)
{
	char *text = support_read_file(support_path(folder, MANIFEST_NAME), NULL);
	cJSON *root = cJSON_Parse(text);
	assert_non_null(root);
	free(text);
	return root;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
	if (found == NULL)
		fail_msg("the manifest lacks %s", name);
	return found;
}

static void a_manifest_tells_what_one_must_know(void **state)
{
	(void)state;
	static const char *const command[] = { "performance_test run", "a \"b\".ini", NULL };
	struct manifest_facts facts = { "suite", "a.ini", "[suite]\nname = x\n", command, NOON_NS };
	struct manifest_end end = { NOON_NS + 1500000000, 3, 2, 1, 7 };
	char error[MANIFEST_ERROR_BYTES];
	struct manifest *manifest = NULL;
	char *folder = support_make_folder();
	char *said = NULL;
	size_t length;
	FILE *warnings = open_memstream(&said, &length);
	assert_int_equal(manifest_new(&facts, warnings, &manifest), 0);
	fclose(warnings);
	assert_int_equal(manifest_write(manifest, folder, error), 0);
	cJSON *root = read_manifest(folder);
	assert_null(cJSON_GetObjectItemCaseSensitive(root, "ended_at_utc"));
	cJSON_Delete(root);
	assert_int_equal(manifest_finish(manifest, &end), 0);
	assert_int_equal(manifest_write(manifest, folder, error), 0);
	root = read_manifest(folder);
	assert_string_equal(member(root, "scenario")->valuestring, facts.scenario_text);
	assert_string_equal(member(root, "started_at_utc")->valuestring,
	                    "2023-11-14T22:13:20.000Z");
	assert_string_equal(member(root, "ended_at_utc")->valuestring, "2023-11-14T22:13:21.500Z");
	assert_string_equal(cJSON_GetArrayItem(member(root, "command_line"), 1)->valuestring,
	                    command[1]);
	assert_int_equal(member(root, "runs_planned")->valueint, 7);
	assert_int_equal(member(root, "runs_failed")->valueint, 2);
	const cJSON *machine = member(root, "machine");
	assert_true(member(machine, "logical_cpus")->valueint > 0);
	assert_true(member(machine, "memory_bytes")->valuedouble > 1e6);
	assert_non_null(strstr(member(machine, "kernel")->valuestring, "Linux"));
	assert_non_null(member(machine, "virtualisation"));
	assert_non_null(strchr(member(member(root, "libraries"), "libzmq")->valuestring, '.'));
	assert_non_null(member(member(root, "libraries"), "gnuplot"));
	assert_true(cJSON_IsBool(member(member(root, "build"), "dirty")));
	/* each warning was also said, and a build that is not worth measuring is one */
	size_t lines = 0;
	for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, cJSON_GetArraySize(member(root, "warnings")));
	assert_true(build_info_warning() == NULL || strstr(said, build_info_warning()) != NULL);
	cJSON_Delete(root);
	manifest_free(&manifest);
	assert_null(manifest);
	assert_int_equal(access(support_path(folder, MANIFEST_NAME ".new"), F_OK), -1);
	support_remove_folder(folder);
	free(said);
}

static void a_manifest_that_cannot_be_written_is_an_error(void **state)
{
	(void)state;
	static const char *const command[] = { "x", NULL };
	struct manifest_facts facts = { "suite", "a.ini", "x", command, NOON_NS };
	struct manifest *manifest = NULL;
	char error[MANIFEST_ERROR_BYTES];
	FILE *nowhere = fopen("/dev/null", "we");
	assert_int_equal(manifest_new(&facts, nowhere, &manifest), 0);
	fclose(nowhere);
	assert_int_equal(manifest_write(manifest, "/nonexistent", error), ENOENT);
	assert_string_equal(error, "/nonexistent/manifest.json: No such file or directory");
	manifest_free(&manifest);
}

static void latest_points_to(const char *parent, const char *folder)
{
	char target[512] = "";
	assert_true(readlink(support_path(parent, "latest"), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, run_folder_name(folder));
}

static void run_folders_are_new_and_latest_is_the_last(void **state)
{
	(void)state;
	char error[RUN_FOLDER_ERROR_BYTES];
	char *top = support_make_folder();
	char *parent = strdup(support_path(top, "deep/results"));
	char *first = NULL;
	char *second = NULL;
	assert_int_equal(run_folder_make(parent, "suite", NOON_NS, &first, error), 0);
	assert_string_equal(run_folder_name(first), "suite-20231114T221320Z");
	latest_points_to(parent, first);
	assert_int_equal(run_folder_make(parent, "suite", NOON_NS, &second, error), 0);
	assert_string_equal(run_folder_name(second), "suite-20231114T221320Z-2");
	latest_points_to(parent, second);
	free(first);
	free(second);
	free(parent);
	support_remove_folder(top);
}

static void a_folder_called_latest_is_left_alone(void **state)
{
	(void)state;
	char error[RUN_FOLDER_ERROR_BYTES];
	char *parent = support_make_folder();
	char *folder = NULL;
	assert_int_equal(mkdir(support_path(parent, "latest"), 0700), 0);
	assert_int_not_equal(run_folder_make(parent, "suite", NOON_NS, &folder, error), 0);
	assert_null(folder);
	assert_non_null(strstr(error, "/latest point to suite-20231114T221320Z"));
	support_remove_folder(parent);
}

static void programs_tell_their_first_line(void **state)
{
	(void)state;
	char line[16];
	const char *two_lines[] = { "printf", "one\\ntwo\\n", NULL };
	const char *long_line[] = { "printf", "%01000d", "7", NULL };
	const char *bad[] = { "false", NULL };
	const char *none[] = { "no-such-program-anywhere", NULL };
	assert_int_equal(command_first_line(two_lines, line, sizeof(line)), 0);
	assert_string_equal(line, "one");
	assert_int_equal(command_first_line(long_line, line, sizeof(line)), 0);
	assert_int_equal(strlen(line), sizeof(line) - 1);
	assert_int_equal(command_first_line(bad, line, sizeof(line)), EIO);
	assert_int_equal(command_first_line(none, line, sizeof(line)), ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_tells_what_one_must_know),
		cmocka_unit_test(a_manifest_that_cannot_be_written_is_an_error),
		cmocka_unit_test(run_folders_are_new_and_latest_is_the_last),
		cmocka_unit_test(a_folder_called_latest_is_left_alone),
		cmocka_unit_test(programs_tell_their_first_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
