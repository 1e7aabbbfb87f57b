/* picture.c: the buffer and its workers as lines of text. */
#include "picture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	NAME_COLUMNS = 14,
	BAR_COLUMNS = 40, /* of a bar, or of the buffer's cells */
	CELL_MIN_COLUMNS = 8
};

/* Text being put together, cut to its room. */
struct page {
	char *text;
	size_t room_bytes;
	size_t length;
	size_t lines;
};

__attribute__((format(printf, 2, 3))) static void add(struct page *page, const char *format, ...)
{
	const size_t left = page->room_bytes - page->length;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(page->text + page->length, left, format, arguments);
	va_end(arguments);
	if (length > 0)
		page->length += (size_t)length < left ? (size_t)length : left - 1;
}

static void end_line(struct page *page)
{
	add(page, "\n");
	page->lines++;
}

/* A bar of which the part ${done} of ${all} is filled; all of it only where nothing is left. */
static void add_bar(struct page *page, uint64_t done, uint64_t all)
{
	const uint64_t filled = all == 0 || done >= all
	                            ? BAR_COLUMNS
	                            : (uint64_t)((double)done / (double)all * BAR_COLUMNS);
	char bar[BAR_COLUMNS + 1];

	memset(bar, '.', BAR_COLUMNS);
	memset(bar, '#', filled);
	bar[BAR_COLUMNS] = '\0';
	add(page, "[%s]", bar);
}

static void add_worker(struct page *page, const char *name, uint64_t done, uint64_t items)
{
	add(page, "%*s  ", NAME_COLUMNS, name);
	add_bar(page, done, items);
	add(page, "  %" PRIu64 " of %" PRIu64, done, items);
	end_line(page);
}

/* ${count} workers in at most ${max_lines} lines, the last of which stands for all that are left.
 */
static void add_workers(struct page *page, const char *role, const struct picture_worker *workers,
                        size_t count, size_t max_lines)
{
	const size_t shown = count <= max_lines ? count : max_lines - 1;
	uint64_t done = 0, items = 0;
	char name[64];

	for (size_t i = 0; i < shown; i++) {
		snprintf(name, sizeof(name), "%s %zu", role, i + 1);
		add_worker(page, name, workers[i].done, workers[i].items);
	}
	if (shown == count)
		return;
	for (size_t i = shown; i < count; i++) {
		done += workers[i].done;
		items += workers[i].items;
	}
	snprintf(name, sizeof(name), "%zu more", count - shown);
	add_worker(page, name, done, items);
}

/* The buffer as cells, the oldest item on the left; as a bar where there is no room for cells. */
static void add_buffer(struct page *page, const struct picture *picture)
{
	end_line(page);
	add(page, "%*s  ", NAME_COLUMNS, "buffer");
	if (picture->capacity * CELL_MIN_COLUMNS > BAR_COLUMNS) {
		add_bar(page, picture->length, picture->capacity);
	} else {
		const int columns = BAR_COLUMNS / (int)picture->capacity - 1;

		for (size_t i = 0; i < picture->capacity; i++) {
			const struct picture_item *item = &picture->items[i];
			char name[32] = "";

			if (i < picture->length)
				snprintf(name, sizeof(name), "%" PRIu32 ".%" PRIu32,
				         item->producer + 1, item->number + 1);
			add(page, "%c%-*.*s", i == 0 ? '[' : '|', columns, columns, name);
		}
		add(page, "]");
	}
	add(page, "  %zu of %zu", picture->length, picture->capacity);
	end_line(page);
	end_line(page);
}

void picture_apply(struct picture *picture, const struct history_event *event)
{
	if (event->put) {
		picture->producer[event->worker].done++;
		if (picture->length < picture->capacity)
			picture->items[picture->length++] =
			    (struct picture_item){ event->producer, event->number };
		return;
	}
	picture->consumer[event->worker].done++;
	if (picture->length > 0)
		memmove(picture->items, picture->items + 1,
		        --picture->length * sizeof(*picture->items));
}

size_t picture_render(const struct picture *picture, size_t max_lines, char *text,
                      size_t room_bytes)
{
	struct page page = { .text = text, .room_bytes = room_bytes };
	const size_t left = max_lines < 7 ? 4 : max_lines - 3; /* the buffer's part takes three */
	size_t producers = left / 2, consumers = left - producers;

	/* Who needs less than half leaves the rest to the others. */
	if (picture->producers < producers)
		consumers = left - picture->producers;
	else if (picture->consumers < consumers)
		producers = left - picture->consumers;
	text[0] = '\0';
	add_workers(&page, "producer", picture->producer, picture->producers, producers);
	add_buffer(&page, picture);
	add_workers(&page, "consumer", picture->consumer, picture->consumers, consumers);
	return page.lines;
}

void picture_describe(const struct history_event *event, size_t capacity, char *text,
                      size_t room_bytes)
{
	snprintf(text, room_bytes,
	         "%s %zu %s item %" PRIu32 ".%" PRIu32 ", %" PRIu64 " of %zu in the buffer",
	         event->put ? "producer" : "consumer", event->worker + 1,
	         event->put ? "put" : "got", event->producer + 1, event->number + 1, event->items,
	         capacity);
}
