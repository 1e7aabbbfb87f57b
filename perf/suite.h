/*
 * suite.h: a scenario file, understood: each key known, each value good. What it expands to is
 * matrix.h's.
 */
#ifndef PERF_SUITE_H
#define PERF_SUITE_H

#include <stddef.h>
#include <stdio.h>

#include "expand.h"
#include "keys.h"
#include "scenario.h"

enum { SUITE_ERROR_BYTES = 1024 };

struct suite {
	char *file; /* for sentences */
	struct suite_settings settings;
	struct scenario *scenarios;
	size_t scenario_count;
};

/**
 * suite_parse(file, text, length, environment, suite, error):
 * Understand ${length} bytes of ${text}, which came from ${file}, with ${NAME} from ${environment}.
 *
 * Owns     on 0 the caller owns *${suite} until suite_free().
 * Errors   EINVAL  with `file:line: sentence` in ${error}
 *          ENOMEM  likewise
 */
int suite_parse(const char *file, const char *text, size_t length, expand_environment *environment,
                struct suite **suite, char error[SUITE_ERROR_BYTES]);

/* The same for the file ${file}; other errno values where it cannot be read. */
int suite_read(const char *file, struct suite **suite, char error[SUITE_ERROR_BYTES]);

/* Put "KEY=VALUE" into every scenario instead of what it says. EINVAL with a sentence in ${error}.
 */
int suite_override(struct suite *suite, const char *assignment, char error[SUITE_ERROR_BYTES]);

/* Leave only scenario ${name}. EINVAL with a sentence in ${error} if there is none. */
int suite_select(struct suite *suite, const char *name, char error[SUITE_ERROR_BYTES]);

/* Print the suite with every default and variable filled in, so that suite_parse() reads the same
 * from it in any environment. */
void suite_print(const struct suite *suite, FILE *out);

/* Free *${suite} and null it; it may be NULL. */
void suite_free(struct suite **suite);

#endif
