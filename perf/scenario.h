/* scenario.h: one scenario: a name, and what it says for each key. Pure. */
#ifndef PERF_SCENARIO_H
#define PERF_SCENARIO_H

#include <stddef.h>

#include "axis.h"
#include "keys.h"

enum { SCENARIO_KEYS_MAX = 32 };

struct scenario {
	char name[KEYS_NAME_BYTES];
	size_t line;
	struct axis axes[SCENARIO_KEYS_MAX]; /* in the order of keys_of(KEY_OF_SCENARIO) */
};

/* The values of ${key}, through whatever it is tied to; NULL if the ties go in a circle. */
const struct axis *scenario_values(const struct scenario *scenario, const struct key *key);

/**
 * scenario_check_ties(scenario, line, wrong):
 * Every tie must end at values, and those must be good for the key that is tied to them.
 *
 * Errors   EINVAL  with what is wrong in ${wrong} and the tie's line in *${line}
 */
int scenario_check_ties(const struct scenario *scenario, size_t *line,
                        char wrong[KEYS_SENTENCE_BYTES]);

/* Free what it holds. */
void scenario_fini(struct scenario *scenario);

#endif
