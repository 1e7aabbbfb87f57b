/* engines.c: all engines, in the order of enum engine_kind. */
#include "engine.h"

#include <stdio.h>

#include "engines/engines.h"

const char *const engine_names[] = { "monitor", "monitor-poll", "null", NULL };

const struct engine *engine_of(int64_t kind)
{
	static const struct engine *const engines[] = {
		[ENGINE_MONITOR] = &engine_monitor,
		[ENGINE_MONITOR_POLL] = &engine_monitor_poll,
		[ENGINE_NULL] = &engine_null,
	};
	return engines[kind];
}

void engine_help(FILE *out)
{
	for (int64_t kind = 0; engine_names[kind] != NULL; kind++)
		fprintf(out, "  %-13s %s\n", engine_names[kind], engine_of(kind)->help);
}
