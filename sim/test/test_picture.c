/* test_picture.c: the picture, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../picture.h"

enum { CAPACITY = 5, WORKERS_MOST = 100 };

struct scene {
	struct picture picture;
	struct picture_item items[CAPACITY];
	struct picture_worker producers[WORKERS_MOST];
	struct picture_worker consumers[WORKERS_MOST];
	char text[16384];
};

static void set(struct scene *scene, size_t producers, size_t consumers)
{
	memset(scene, 0, sizeof(*scene));
	scene->picture = (struct picture){ .capacity = CAPACITY,
		                           .items = scene->items,
		                           .producers = producers,
		                           .producer = scene->producers,
		                           .consumers = consumers,
		                           .consumer = scene->consumers };
	for (size_t i = 0; i < WORKERS_MOST; i++)
		scene->producers[i].items = scene->consumers[i].items = 4;
}

static void happen(struct scene *scene, bool put, size_t worker, uint32_t producer, uint32_t number)
{
	const struct history_event event = {
		.put = put, .worker = worker, .producer = producer, .number = number
	};

	picture_apply(&scene->picture, &event);
}

static void picture_shows_workers_and_items(void **state)
{
	static struct scene scene;

	(void)state;
	set(&scene, 2, 1);
	happen(&scene, true, 0, 0, 0);
	happen(&scene, true, 0, 0, 1);
	happen(&scene, true, 1, 1, 0);
	happen(&scene, true, 0, 0, 2);
	happen(&scene, true, 0, 0, 3);
	happen(&scene, false, 0, 0, 0);
	assert_int_equal(picture_render(&scene.picture, 24, scene.text, sizeof(scene.text)), 6);
	assert_string_equal(scene.text,
	                    "    producer 1  [########################################]  4 of 4\n"
	                    "    producer 2  [##########..............................]  1 of 4\n"
	                    "\n"
	                    "        buffer  [1.2    |2.1    |1.3    |1.4    |       ]  4 of 5\n"
	                    "\n"
	                    "    consumer 1  [##########..............................]  1 of 4\n");
}

static void bar_is_full_only_when_all_is_done(void **state)
{
	static struct scene scene;

	(void)state;
	set(&scene, 1, 1);
	scene.producers[0] = (struct picture_worker){ .done = 999999, .items = 1000000 };
	scene.consumers[0] = (struct picture_worker){ .done = 0, .items = 0 };
	picture_render(&scene.picture, 24, scene.text, sizeof(scene.text));
	assert_non_null(strstr(scene.text, "#.]  999999 of 1000000\n"));
	assert_non_null(strstr(scene.text, "#]  0 of 0\n"));
}

static void large_buffer_is_a_bar(void **state)
{
	static struct scene scene;

	(void)state;
	set(&scene, 1, 1);
	scene.picture.capacity = 1000;
	scene.picture.length = 250;
	picture_render(&scene.picture, 24, scene.text, sizeof(scene.text));
	assert_non_null(strstr(scene.text, "  [##########.............................."
	                                   "]  250 of 1000\n"));
}

static size_t widest(const char *text)
{
	size_t most = 0;

	for (; *text != '\0'; text += strcspn(text, "\n") + 1)
		if (strcspn(text, "\n") > most)
			most = strcspn(text, "\n");
	return most;
}

static void picture_keeps_to_its_lines_and_columns(void **state)
{
	static const struct {
		size_t producers, consumers;
	} crowds[] = { { 1, 1 }, { 100, 1 }, { 1, 100 }, { 100, 100 }, { 9, 13 } };
	static struct scene scene;

	(void)state;
	for (size_t i = 0; i < sizeof(crowds) / sizeof(crowds[0]); i++)
		for (size_t lines = 7; lines < 30; lines++) {
			size_t counted = 0, drawn;

			set(&scene, crowds[i].producers, crowds[i].consumers);
			drawn =
			    picture_render(&scene.picture, lines, scene.text, sizeof(scene.text));
			for (const char *at = scene.text; *at != '\0'; at++)
				counted += *at == '\n';
			assert_int_equal(drawn, counted);
			assert_true(drawn <= lines);
			assert_true(widest(scene.text) <= 80);
		}
	set(&scene, 100, 1);
	picture_render(&scene.picture, 24, scene.text, sizeof(scene.text));
	assert_non_null(strstr(scene.text, "81 more  ["));
	assert_non_null(strstr(scene.text, "0 of 324\n"));
}

static void picture_is_cut_to_its_room(void **state)
{
	static struct scene scene;

	(void)state;
	set(&scene, 2, 2);
	memset(scene.text, 'x', sizeof(scene.text));
	picture_render(&scene.picture, 24, scene.text, 20);
	assert_int_equal(strlen(scene.text), 19);
	assert_int_equal(scene.text[20], 'x');
}

static void operations_have_a_line_each(void **state)
{
	const struct history_event put = { true, 1, 1, 6, 3 }, get = { false, 4, 1, 6, 2 };
	char text[128];

	(void)state;
	picture_describe(&put, 5, text, sizeof(text));
	assert_string_equal(text, "producer 2 put item 2.7, 3 of 5 in the buffer");
	picture_describe(&get, 5, text, sizeof(text));
	assert_string_equal(text, "consumer 5 got item 2.7, 2 of 5 in the buffer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(picture_shows_workers_and_items),
		cmocka_unit_test(bar_is_full_only_when_all_is_done),
		cmocka_unit_test(large_buffer_is_a_bar),
		cmocka_unit_test(picture_keeps_to_its_lines_and_columns),
		cmocka_unit_test(picture_is_cut_to_its_room),
		cmocka_unit_test(operations_have_a_line_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
