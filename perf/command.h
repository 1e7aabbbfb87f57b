/* command.h: what another program says about itself, in one line. */
#ifndef PERF_COMMAND_H
#define PERF_COMMAND_H

#include <stddef.h>

/**
 * command_first_line(arguments, line, room_bytes):
 * Run ${arguments}[0], looked for in PATH, and write the first line of its output into ${line}; ""
 * where there is none. ${arguments} ends with NULL.
 *
 * Blocks   until it has ended.
 * Errors   ENOENT  there is no such program
 *          EIO     it ended with another status than 0
 *          others  those of pipe(2) and posix_spawnp(3)
 */
int command_first_line(const char *const *arguments, char *line, size_t room_bytes);

#endif
