/* axis.h: what a scenario says for one key: some values, or that it goes with another key. */
#ifndef PERF_AXIS_H
#define PERF_AXIS_H

#include <stddef.h>
#include <stdio.h>

#include "keys.h"

struct axis {
	const struct key *tied_to; /* NULL: it has values of its own */
	struct key_value *values;
	size_t value_count;
	size_t line; /* where it was given; 0: nowhere, the default holds */
};

/**
 * axis_read(key, text, axis, wrong):
 * Read ${text}, a value or a list of them or @KEY, into *${axis}, which is empty. Commas separate
 * only outside of parentheses, and only where ${key} is sweepable.
 *
 * Owns     the caller owns the axis until axis_fini().
 * Errors   EINVAL  with what is wrong in ${wrong}; ENOMEM
 */
int axis_read(const struct key *key, const char *text, struct axis *axis,
              char wrong[KEYS_SENTENCE_BYTES]);

/* Make *${copy} a copy of ${axis}. ENOMEM. */
int axis_copy(const struct axis *axis, struct axis *copy);

/* Print it so that axis_read() reads the same. */
void axis_print(const struct key *key, const struct axis *axis, FILE *out);

/* Free what it holds; it is empty then. */
void axis_fini(struct axis *axis);

#endif
