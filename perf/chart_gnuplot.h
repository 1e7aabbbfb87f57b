/* chart_gnuplot.h: the scripts in plots/, and gnuplot itself: found, started, watched. */
#ifndef PERF_CHART_GNUPLOT_H
#define PERF_CHART_GNUPLOT_H

#include <stddef.h>

/**
 * chart_gnuplot_scripts(folder, room, error, error_room):
 * Find the folder of the scripts, as chart_draw() describes. Returns 0 with its path in
 * ${folder}, or ENOENT with a sentence in ${error}.
 */
int chart_gnuplot_scripts(char *folder, size_t room, char *error, size_t error_room);

/**
 * chart_gnuplot_run(folder, argument, said, room):
 * Run "gnuplot -d ${argument}" in ${folder}, in the C locale (C.UTF-8: names may hold any letter)
 * and without the user's settings, and wait for it.
 *
 * Blocks   until gnuplot is done.
 * Errors   ENOENT  there is no gnuplot in PATH
 *          EINVAL  gnuplot failed
 * ${said} holds a sentence on error; else what gnuplot has said, a warning then, or "".
 */
int chart_gnuplot_run(const char *folder, const char *argument, char *said, size_t room);

#endif
