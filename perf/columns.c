/* columns.c: the table of columns, in their order: a column is only ever added at the end. */
#include "columns.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "../monitor/clock.h"
#include "cells.h"
#include "sentence.h"

#define TORTURE(field) .print = cells_result, .offset = offsetof(struct run_result, torture.field)
#define FAULTS(kind)                                                                               \
	.print = cells_torture,                                                                    \
	.offset = offsetof(struct run_result, torture.by_kind) + (kind) * sizeof(int64_t)

static const struct column columns[] = {
	{ "producers", COLUMN_INTEGER, "", "processes that put", .print = cells_key,
	  .key = "producers" },
	{ "consumers", COLUMN_INTEGER, "", "processes that get", .print = cells_key,
	  .key = "consumers" },
	{ "items_per_producer", COLUMN_INTEGER, "",
	  "items that each producer puts in the measured part; empty in a run by time",
	  .print = cells_items_key, .key = "items" },
	{ "capacity", COLUMN_INTEGER, "items", "that the buffer can hold", .print = cells_key,
	  .key = "capacity" },
	{ "total_duration_s", COLUMN_REAL, "s",
	  "from the common start to the end of the last operation", .print = cells_total_duration },
	{ "ops_per_second", COLUMN_REAL, "1/s",
	  "operations / total_duration_s; puts and gets are counted singly, so this is twice the "
	  "items",
	  .print = cells_throughput },
	{ "avg_latency_ms", COLUMN_REAL, "ms",
	  "mean duration of all operations, puts and gets alike", .print = cells_avg_latency },
	{ "schema_version", COLUMN_INTEGER, "", "of this table; it changes when a column is added",
	  .print = cells_schema_version },
	{ "suite", COLUMN_TEXT, "", "name of the scenario file", .print = cells_suite },
	{ "scenario", COLUMN_TEXT, "", "name of the scenario in it", .print = cells_scenario },
	{ "point_id", COLUMN_TEXT, "",
	  "hash of the scenario's name and all factors: the repetitions of a point share it",
	  .print = cells_point_id },
	{ "repetition", COLUMN_INTEGER, "", "which run of its point, from 1",
	  .print = cells_repetition },
	{ "run_id", COLUMN_TEXT, "", "unique name of the run; joins histograms.csv",
	  .print = cells_run_id },
	{ "order_index", COLUMN_INTEGER, "",
	  "place of the run in the order in which they were done, from 1",
	  .print = cells_order_index },
	{ "started_at_utc", COLUMN_TIME, "", "when the run began, by the wall clock",
	  .print = cells_started_at },
	{ "status", COLUMN_TEXT, "", "ok, failed or interrupted; only ok rows are results",
	  .print = cells_status },
	{ "status_reason", COLUMN_TEXT, "", "a sentence, where the status is not ok",
	  .print = cells_status_reason },
	{ "audit", COLUMN_TEXT, "",
	  "ok: every item was got once, in order, within the capacity, by one owner at a time; "
	  "violated; unchecked: the engine passes no items; empty: it did not come to it",
	  .print = cells_audit },
	{ "engine", COLUMN_TEXT, "", "what was measured", .print = cells_key, .key = "engine" },
	{ "transport", COLUMN_TEXT, "", "how workers reached the server", .print = cells_server_key,
	  .key = "transport" },
	{ "storage", COLUMN_TEXT, "", "where the items lay", .print = cells_server_key,
	  .key = "storage" },
	{ "exit_mode", COLUMN_TEXT, "",
	  "whether leaving the monitor waited for the server's confirmation",
	  .print = cells_server_key, .key = "exit" },
	{ "poll_interval_ns", COLUMN_INTEGER, "ns",
	  "how often a worker asked; empty where it was told", .print = cells_poll_interval,
	  .key = "poll_interval" },
	{ "payload_bytes", COLUMN_INTEGER, "bytes", "size of an item", .print = cells_key,
	  .key = "payload" },
	{ "seed", COLUMN_INTEGER, "", "of the run's random work times", .print = cells_seed },
	{ "warmup_items", COLUMN_INTEGER, "",
	  "items of each producer in the round before, which counts nowhere", .print = cells_key,
	  .key = "warmup" },
	{ "items", COLUMN_INTEGER, "", "put in the measured part, by all producers",
	  .print = cells_items },
	{ "operations", COLUMN_INTEGER, "", "measured puts and gets", .print = cells_operations },
	{ "put_mean_ns", COLUMN_INTEGER, "ns", "mean duration of a put, waiting for room included",
	  .print = cells_latency, .quantile = CELLS_LATENCY_MEAN },
	{ "put_p50_ns", COLUMN_INTEGER, "ns", "median; at most 0.8 % off, as all quantiles",
	  .print = cells_latency, .quantile = 0.5 },
	{ "put_p90_ns", COLUMN_INTEGER, "ns", "90 % took no longer", .print = cells_latency,
	  .quantile = 0.9 },
	{ "put_p99_ns", COLUMN_INTEGER, "ns",
	  "99 % took no longer; empty if fewer than 10 operations lie beyond",
	  .print = cells_latency, .quantile = 0.99 },
	{ "put_p99_9_ns", COLUMN_INTEGER, "ns",
	  "99.9 % took no longer; empty if fewer than 10 operations lie beyond",
	  .print = cells_latency, .quantile = 0.999 },
	{ "put_max_ns", COLUMN_INTEGER, "ns", "the longest, exactly", .print = cells_latency,
	  .quantile = CELLS_LATENCY_MAX },
	{ "get_mean_ns", COLUMN_INTEGER, "ns",
	  "mean duration of a get, waiting for an item included", .print = cells_latency,
	  .quantile = CELLS_LATENCY_MEAN, .of_gets = true },
	{ "get_p50_ns", COLUMN_INTEGER, "ns", "median; at most 0.8 % off, as all quantiles",
	  .print = cells_latency, .quantile = 0.5, .of_gets = true },
	{ "get_p90_ns", COLUMN_INTEGER, "ns", "90 % took no longer", .print = cells_latency,
	  .quantile = 0.9, .of_gets = true },
	{ "get_p99_ns", COLUMN_INTEGER, "ns",
	  "99 % took no longer; empty if fewer than 10 operations lie beyond",
	  .print = cells_latency, .quantile = 0.99, .of_gets = true },
	{ "get_p99_9_ns", COLUMN_INTEGER, "ns",
	  "99.9 % took no longer; empty if fewer than 10 operations lie beyond",
	  .print = cells_latency, .quantile = 0.999, .of_gets = true },
	{ "get_max_ns", COLUMN_INTEGER, "ns", "the longest, exactly", .print = cells_latency,
	  .quantile = CELLS_LATENCY_MAX, .of_gets = true },
	{ "histogram_overflow", COLUMN_INTEGER, "",
	  "operations longer than the histogram reaches, 73 minutes", .print = cells_overflow },
	{ "server_cpu_ns", COLUMN_INTEGER, "ns",
	  "CPU time of a spawned server over the measured part; of a run with duration: over all "
	  "that "
	  "its workers do, from connecting to the end",
	  .print = cells_result, .offset = offsetof(struct run_result, server_cpu_ns) },
	{ "workers_cpu_ns", COLUMN_INTEGER, "ns",
	  "CPU time of all workers over the measured part, each by its own clock",
	  .print = cells_result, .offset = offsetof(struct run_result, workers_cpu_ns) },
	{ "server_messages", COLUMN_INTEGER, "",
	  "messages that a spawned server received and sent for the measured part, by its own "
	  "counters, BEAT and STATUS and their answers apart",
	  .print = cells_result, .offset = offsetof(struct run_result, server_messages) },
	{ "messages_per_operation", COLUMN_REAL, "", "server_messages / operations",
	  .print = cells_messages_per_operation },
	{ "start_skew_ns", COLUMN_INTEGER, "ns",
	  "from the common start until the last worker had begun", .print = cells_result,
	  .offset = offsetof(struct run_result, start_skew_ns) },
	{ "lost_items", COLUMN_INTEGER, "", "items put and never got; empty without an audit",
	  .print = cells_audited, .offset = offsetof(struct audit_result, lost) },
	{ "doubled_items", COLUMN_INTEGER, "", "gets of an item that was got before",
	  .print = cells_audited, .offset = offsetof(struct audit_result, doubled) },
	{ "out_of_order_items", COLUMN_INTEGER, "",
	  "gets of an item behind a later one of its producer", .print = cells_audited,
	  .offset = offsetof(struct audit_result, out_of_order) },
	{ "faults", COLUMN_TEXT, "",
	  "what happened to workers of a run by time; empty, as all that follows, in a run of "
	  "items",
	  .print = cells_torture_key, .key = "faults" },
	{ "fault_interval_ns", COLUMN_INTEGER, "ns", "from one fault to the next, in the mean",
	  .print = cells_torture_key, .key = "fault_interval" },
	{ "lease_ns", COLUMN_INTEGER, "ns", "of the workers' sessions", .print = cells_torture_key,
	  .key = "lease" },
	{ "resume_ns", COLUMN_INTEGER, "ns", "how long a session outlives its connection",
	  .print = cells_torture_key, .key = "resume" },
	{ "lock_holders", COLUMN_INTEGER, "", "processes that only held the monitor",
	  .print = cells_torture_key, .key = "holders" },
	{ "rounds", COLUMN_INTEGER, "", "each with an audit of its own", TORTURE(rounds) },
	{ "faults_done", COLUMN_INTEGER, "", "all of the kinds below but controls",
	  TORTURE(fault_total) },
	{ "faults_control", COLUMN_INTEGER, "",
	  "times that nothing was done, to see how long it takes until somebody goes on anyway",
	  FAULTS(FAULT_CONTROL) },
	{ "faults_kill", COLUMN_INTEGER, "", "workers killed and replaced", FAULTS(FAULT_KILL) },
	{ "faults_pause", COLUMN_INTEGER, "", "workers stopped for less than their lease",
	  FAULTS(FAULT_PAUSE) },
	{ "faults_freeze", COLUMN_INTEGER, "", "workers stopped for longer than their lease",
	  FAULTS(FAULT_FREEZE) },
	{ "faults_cut", COLUMN_INTEGER, "", "connections closed", FAULTS(FAULT_CUT) },
	{ "faults_refuse", COLUMN_INTEGER, "",
	  "connections closed, with no new one let in for a while", FAULTS(FAULT_REFUSE) },
	{ "faults_silence", COLUMN_INTEGER, "", "connections silent for less than the lease",
	  FAULTS(FAULT_SILENCE) },
	{ "faults_blackout", COLUMN_INTEGER, "", "connections silent for longer than the lease",
	  FAULTS(FAULT_BLACKOUT) },
	{ "faults_drop", COLUMN_INTEGER, "",
	  "connections on which messages were dropped for a while", FAULTS(FAULT_DROP) },
	{ "faults_duplicate", COLUMN_INTEGER, "",
	  "connections on which messages came twice for a while", FAULTS(FAULT_DUPLICATE) },
	{ "faults_delay", COLUMN_INTEGER, "", "connections on which messages came late for a while",
	  FAULTS(FAULT_DELAY) },
	{ "faults_stall", COLUMN_INTEGER, "",
	  "times that the server itself was stopped for a while", FAULTS(FAULT_STALL) },
	{ "gone_on_p50_ns", COLUMN_INTEGER, "ns",
	  "from a fault, controls apart, to the end of an operation of anybody but its victim, in "
	  "an "
	  "ownership that began after it: median",
	  .print = cells_gone_on, .quantile = 0.5 },
	{ "gone_on_p99_ns", COLUMN_INTEGER, "ns", "99 % took no longer; empty below 1,000 faults",
	  .print = cells_gone_on, .quantile = 0.99 },
	{ "gone_on_max_ns", COLUMN_INTEGER, "ns", "the longest, exactly", .print = cells_gone_on,
	  .quantile = CELLS_LATENCY_MAX },
	{ "items_unknown", COLUMN_INTEGER, "",
	  "puts and gets in the midst of which a worker was killed: either outcome is right",
	  TORTURE(unknown) },
	{ "items_taken", COLUMN_INTEGER, "",
	  "those of them that were gets, as their items are gone with their consumers",
	  TORTURE(taken) },
	{ "stale_moves", COLUMN_INTEGER, "",
	  "operations in doubt in rounds that nothing else explains: among them are items moved by "
	  "workers whose ownership had ended without their knowledge, a limit of shared memory and "
	  "no fault of the server",
	  TORTURE(stale) },
	{ "wakeups", COLUMN_INTEGER, "", "returns from waiting on a condition", TORTURE(waits) },
	{ "futile_wakeups", COLUMN_INTEGER, "",
	  "those after which there was still no room, or no item", TORTURE(futile) },
	{ "signals_passed_on", COLUMN_INTEGER, "",
	  "signals that a spawned server gave to the next waiter, as their receiver had ended",
	  TORTURE(passed_on) },
	{ "abandonments", COLUMN_INTEGER, "", "owners whose session ended inside",
	  TORTURE(abandonments) },
	{ "sessions_lost", COLUMN_INTEGER, "",
	  "sessions that ended while their worker lived, who opened another one",
	  TORTURE(sessions_lost) },
	{ "sessions_resumed", COLUMN_INTEGER, "", "sessions that came back on another connection",
	  TORTURE(sessions_resumed) },
};

const struct column *columns_all(size_t *count)
{
	*count = sizeof(columns) / sizeof(columns[0]);
	return columns;
}

const char *columns_status(enum run_status status)
{
	static const char *const words[] = {
		[RUN_OK] = "ok", [RUN_FAILED] = "failed", [RUN_INTERRUPTED] = "interrupted"
	};
	return words[status];
}

const char *columns_audit(enum run_audit audit)
{
	static const char *const words[] = { [RUN_AUDIT_NONE] = "",
		                             [RUN_AUDIT_OK] = "ok",
		                             [RUN_AUDIT_VIOLATED] = "violated",
		                             [RUN_AUDIT_UNCHECKED] = "unchecked" };
	return words[audit];
}

void columns_print_time(int64_t wall_ns, char cell[COLUMNS_CELL_BYTES])
{
	struct tm utc;
	char seconds[64];
	time_t since_1970 = (time_t)(wall_ns / DMONITOR_NS_PER_S);
	gmtime_r(&since_1970, &utc);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
	sentence(cell, COLUMNS_CELL_BYTES, "%s.%03" PRId64 "Z", seconds,
	         wall_ns % DMONITOR_NS_PER_S / DMONITOR_NS_PER_MS);
}

void columns_print(const struct column *column, const struct row *row,
                   char cell[COLUMNS_CELL_BYTES])
{
	cell[0] = '\0';
	column->print(column, row, cell);
	if (column->type != COLUMN_TEXT || cell[0] == '\0' || strchr("=+-@\t\r", cell[0]) == NULL)
		return;
	/* A spreadsheet would take it for a formula. */
	memmove(cell + 1, cell, COLUMNS_CELL_BYTES - 1);
	cell[0] = '\'';
	cell[COLUMNS_CELL_BYTES - 1] = '\0';
}

static const char *type_name(enum column_type type)
{
	static const char *const names[] = { [COLUMN_TEXT] = "text",
		                             [COLUMN_INTEGER] = "integer",
		                             [COLUMN_REAL] = "number",
		                             [COLUMN_TIME] = "time" };
	return names[type];
}

void columns_help(FILE *out)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const struct column *column = &columns[i];
		fprintf(out, "  %-23s %s%s%s\n      %s\n", column->name, type_name(column->type),
		        column->unit[0] != '\0' ? ", " : "", column->unit, column->meaning);
	}
}

void columns_markdown(FILE *out)
{
	fputs("| column | type | unit | meaning |\n| --- | --- | --- | --- |\n", out);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		const struct column *column = &columns[i];
		fprintf(out, "| `%s` | %s | %s | %s |\n", column->name, type_name(column->type),
		        column->unit, column->meaning);
	}
}
