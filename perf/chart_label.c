/* chart_label.c: see chart_label.h. */
#include "chart_label.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

void chart_label_time(double duration_ns, char text[CHART_TIME_BYTES])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	size_t unit = 0;

	while (unit < 3 && duration_ns >= 999.5) { /* which three digits would make 1e+03 */
		duration_ns /= 1000;
		unit++;
	}
	if (duration_ns >= 999.5)
		snprintf(text, CHART_TIME_BYTES, "%.0f %s", duration_ns, units[unit]);
	else
		snprintf(text, CHART_TIME_BYTES, "%.3g %s", duration_ns, units[unit]);
}

/* The factor as words; "" where the point has no value for it. */
static void name_factor(const struct chart_point *point, enum chart_factor factor, char *text,
                        size_t room)
{
	char amount[CHART_TIME_BYTES];

	*text = '\0';
	switch (factor) {
	case CHART_ENGINE:
		snprintf(text, room, "%s", point->engine);
		break;
	case CHART_POLL:
		if (point->poll_interval_ns > 0) {
			chart_label_time((double)point->poll_interval_ns, amount);
			snprintf(text, room, "every %s", amount);
		}
		break;
	case CHART_TRANSPORT:
		snprintf(text, room, "%s", point->transport);
		break;
	case CHART_STORAGE:
		snprintf(text, room, "%s", point->storage);
		break;
	case CHART_EXIT:
		snprintf(text, room, "%s%s", point->exit_mode, *point->exit_mode ? " exit" : "");
		break;
	case CHART_FAULTS:
		snprintf(text, room, "%s", point->faults);
		break;
	case CHART_WORKERS:
		snprintf(text, room, "%lldx%lld", point->producers, point->consumers);
		break;
	case CHART_ITEMS:
		if (point->items >= 0)
			snprintf(text, room, "%lld items", point->items);
		break;
	case CHART_CAPACITY:
		snprintf(text, room, "capacity %lld", point->capacity);
		break;
	case CHART_PAYLOAD:
		if (point->payload_bytes >= 0)
			snprintf(text, room, "%lld B", point->payload_bytes);
		break;
	case CHART_FACTORS:
		break;
	}
}

bool chart_label_same(const struct chart_point *a, const struct chart_point *b,
                      enum chart_factor factor)
{
	switch (factor) {
	case CHART_ENGINE:
		return strcmp(a->engine, b->engine) == 0;
	case CHART_POLL:
		return a->poll_interval_ns == b->poll_interval_ns;
	case CHART_TRANSPORT:
		return strcmp(a->transport, b->transport) == 0;
	case CHART_STORAGE:
		return strcmp(a->storage, b->storage) == 0;
	case CHART_EXIT:
		return strcmp(a->exit_mode, b->exit_mode) == 0;
	case CHART_FAULTS:
		return strcmp(a->faults, b->faults) == 0;
	case CHART_WORKERS:
		return a->producers == b->producers && a->consumers == b->consumers;
	case CHART_ITEMS:
		return a->items == b->items;
	case CHART_CAPACITY:
		return a->capacity == b->capacity;
	case CHART_PAYLOAD:
		return a->payload_bytes == b->payload_bytes;
	case CHART_FACTORS:
		break;
	}
	return true;
}

chart_factor_set chart_label_varying(const struct chart_results *results, const char *scenario)
{
	const struct chart_point *first = NULL;
	chart_factor_set varying = 0;

	for (size_t i = 0; i < results->count; i++) {
		const struct chart_point *point = &results->points[i];

		if (scenario && strcmp(point->scenario, scenario) != 0)
			continue;
		if (!first)
			first = point;
		for (enum chart_factor factor = 0; factor < CHART_FACTORS; factor++) {
			if (!chart_label_same(first, point, factor))
				varying |= 1u << factor;
		}
	}
	return varying;
}

static bool is_told_apart(const struct chart_point *a, const struct chart_point *b,
                          chart_factor_set set)
{
	for (enum chart_factor factor = 0; factor < CHART_FACTORS; factor++) {
		if (set & 1u << factor && !chart_label_same(a, b, factor))
			return true;
	}
	return false;
}

chart_factor_set chart_label_telling(const struct chart_results *results, const char *scenario,
                                     chart_factor_set except)
{
	chart_factor_set varying = chart_label_varying(results, scenario) & ~except;
	chart_factor_set telling = 0;

	for (enum chart_factor factor = 0; factor < CHART_FACTORS; factor++) {
		bool needed = false;

		if (!(varying & 1u << factor))
			continue;
		for (size_t i = 0; i < results->count; i++) {
			for (size_t k = 0; k < i && !needed; k++) {
				const struct chart_point *a = &results->points[i],
				                         *b = &results->points[k];

				needed = (!scenario || (strcmp(a->scenario, scenario) == 0 &&
				                        strcmp(b->scenario, scenario) == 0)) &&
				         !is_told_apart(a, b, telling) &&
				         !chart_label_same(a, b, factor);
			}
		}
		if (needed)
			telling |= 1u << factor;
	}
	return telling;
}

size_t chart_label_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

/* The bytes of the first ${characters} characters, or of as many as ${room} bytes hold. */
static size_t bytes_of(const char *text, size_t characters, size_t room)
{
	size_t length = 0, end = 0;

	for (; text[length] && length < room; length++) {
		if ((text[length] & 0xc0) != 0x80) {
			end = length;
			if (characters-- == 0)
				return end;
		}
	}
	return text[length] ? end : length;
}

void chart_label_join(const char *name, const char *factors, size_t characters,
                      char text[CHART_LABEL_BYTES])
{
	const char *comma = *name && *factors ? ", " : "";
	size_t tail = bytes_of(factors, characters, CHART_LABEL_BYTES - 8);
	size_t used = chart_label_width(factors) + strlen(comma);
	size_t left = characters > used ? characters - used : 0;
	size_t room = CHART_LABEL_BYTES - 4 - strlen(comma) - tail;
	size_t head = bytes_of(name, left, room);

	if (name[head])
		head = bytes_of(name, left > 3 ? left - 3 : 0, room);
	snprintf(text, CHART_LABEL_BYTES, "%.*s%s%s%.*s", (int)head, name, name[head] ? "..." : "",
	         comma, (int)tail, factors);
}

void chart_label_factors(const struct chart_point *point, chart_factor_set set,
                         char text[CHART_LABEL_BYTES])
{
	*text = '\0';
	for (enum chart_factor factor = 0; factor < CHART_FACTORS; factor++) {
		char name[CHART_LABEL_BYTES];

		name_factor(point, factor, name, sizeof(name));
		if (set & 1u << factor && *name) {
			size_t length = strlen(text);

			snprintf(text + length, CHART_LABEL_BYTES - length, "%s%s",
			         length ? ", " : "", name);
		}
	}
}

void chart_label_point(const struct chart_results *results, const struct chart_point *point,
                       char text[CHART_LABEL_BYTES])
{
	const chart_factor_set size =
	    1u << CHART_WORKERS | 1u << CHART_ITEMS | 1u << CHART_CAPACITY;

	chart_label_factors(
	    point, *point->scenario ? chart_label_telling(results, point->scenario, 0) : size,
	    text);
}
