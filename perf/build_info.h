/* build_info.h: how this program was built, and from what. */
#ifndef PERF_BUILD_INFO_H
#define PERF_BUILD_INFO_H

#include <stdbool.h>
#include <stddef.h>

enum { BUILD_INFO_COMMIT_BYTES = 64 };

const char *build_info_compiler(void);
const char *build_info_flags(void);

/* Why its numbers are not worth quoting: a sentence, or NULL if nothing speaks against them. */
const char *build_info_warning(void);

/* The commit of the working tree that the running program lies in, and whether something there
 * differs from it; "unknown" and false where it lies in none of this project, such as once it is
 * installed. */
void build_info_commit(char commit[BUILD_INFO_COMMIT_BYTES], bool *dirty);

#endif
