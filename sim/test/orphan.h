/*
 * orphan.h: processes whose parent is gone, seen from a test: they become the test's children,
 * which can then wait for their end as for any child's.
 */
#ifndef SIM_TEST_ORPHAN_H
#define SIM_TEST_ORPHAN_H

#include <stdbool.h>
#include <sys/types.h>

/* Become the parent of all processes below that lose theirs. */
void orphan_adopt(void);

/* Whether ${orphan} ends within ten seconds; if so it has been reaped, else it is killed. */
bool orphan_ends(pid_t orphan);

/* Whether this process has no children any more. */
bool orphan_none(void);

#endif
