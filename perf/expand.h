/* expand.h: ${NAME} and ${NAME:-default} in the values of scenario files. */
#ifndef PERF_EXPAND_H
#define PERF_EXPAND_H

#include <stddef.h>

#include "keys.h"

enum { EXPAND_BYTES = 4096 };

/* Where a variable comes from: its value, or NULL; valid until the next call. */
typedef const char *expand_environment(const char *name);

/**
 * expand(text, environment, expanded, wrong):
 * Copy ${text} into ${expanded} with its variables replaced. An empty variable counts as unset, as
 * in the shell's :-; an unset one without a default is an error, because an empty value here would
 * silently measure something else. So is one whose value would not read back from a scenario file.
 *
 * Errors   EINVAL  with what is wrong in ${wrong}
 */
int expand(const char *text, expand_environment *environment, char expanded[EXPAND_BYTES],
           char wrong[KEYS_SENTENCE_BYTES]);

#endif
