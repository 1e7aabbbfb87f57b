/* suggest.c: the optimal string alignment distance, over three rows of its table. */
#include "suggest.h"

#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t a_bytes = strlen(a);
	size_t b_bytes = strlen(b);
	if (a_bytes > WORD_MAX || b_bytes > WORD_MAX)
		return SIZE_MAX;
	/* table[i % 3][j]: from the first i bytes of a to the first j of b */
	size_t table[3][WORD_MAX + 1];
	for (size_t j = 0; j <= b_bytes; j++)
		table[0][j] = j;
	for (size_t i = 1; i <= a_bytes; i++) {
		size_t *row = table[i % 3];
		const size_t *above = table[(i - 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b_bytes; j++) {
			size_t replaced = above[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
			row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], table[(i - 2) % 3][j - 2] + 1);
		}
	}
	return table[a_bytes % 3][b_bytes];
}

const char *suggest(const char *word, const char *const *words)
{
	size_t nearest = least(2, (strlen(word) + 2) / 3) + 1;
	const char *found = NULL;
	for (; *words != NULL; words++) {
		size_t distance = suggest_distance(word, *words);
		if (distance < nearest) {
			nearest = distance;
			found = *words;
		}
	}
	return found;
}
