/* run_folder.h: PARENT/SUITE-STAMP/ for the results of one suite, and PARENT/latest. */
#ifndef PERF_RUN_FOLDER_H
#define PERF_RUN_FOLDER_H

#include <stddef.h>
#include <stdint.h>

enum { RUN_FOLDER_ERROR_BYTES = 1024 };

/**
 * run_folder_make(parent, suite, wall_ns, folder, error):
 * Make a folder in ${parent}, which is made too if need be, named after ${suite} and the time, and
 * after a number where there is one already; and let ${parent}/latest point to it. Nothing that
 * exists is ever written to. *${folder} gets its path, which the caller frees.
 *
 * Errors   any errno value, with a sentence in ${error}
 */
int run_folder_make(const char *parent, const char *suite, int64_t wall_ns, char **folder,
                    char error[RUN_FOLDER_ERROR_BYTES]);

/* The last part of a folder's path. */
const char *run_folder_name(const char *folder);

#endif
