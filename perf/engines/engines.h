/* engines.h: the engines themselves, for the table in engines.c. One file each. */
#ifndef PERF_ENGINES_ENGINES_H
#define PERF_ENGINES_ENGINES_H

#include "../engine.h"

extern const struct engine engine_monitor;
extern const struct engine engine_monitor_poll;
extern const struct engine engine_null;

#endif
