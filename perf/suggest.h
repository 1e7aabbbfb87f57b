/* suggest.h: "did you mean": which known word a mistyped one is nearest to. Pure. */
#ifndef PERF_SUGGEST_H
#define PERF_SUGGEST_H

#include <stddef.h>

/* How many insertions, deletions, replacements and swaps of neighbours make ${a} into ${b}. Words
 * longer than 63 bytes are as far apart as can be: SIZE_MAX. */
size_t suggest_distance(const char *a, const char *b);

/* The nearest of ${words} (NULL ends them) to ${word}, if it is near enough that somebody may have
 * meant it: at most one third of the word changed, and two at most; or NULL. */
const char *suggest(const char *word, const char *const *words);

#endif
