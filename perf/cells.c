/* cells.c: the few ways in which cells come to their values; all in the C locale. */
#include "cells.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "../monitor/clock.h"
#include "engine.h"
#include "sentence.h"
#include "statistics.h"

/* A number that a run may lack is negative then. */
static void print_integer(int64_t value, char *cell)
{
	if (value >= 0)
		sentence(cell, COLUMNS_CELL_BYTES, "%" PRId64, value);
}

static void print_text(const char *text, char *cell)
{
	sentence(cell, COLUMNS_CELL_BYTES, "%s", text);
}

/* Nine significant digits: a nanosecond in a second. The program never leaves the C locale. */
static void print_real(double value, char *cell)
{
	if (isfinite(value))
		sentence(cell, COLUMNS_CELL_BYTES, "%.9g", value);
}

static bool measured(const struct row *row)
{
	return row->result->duration_ns >= 0;
}

/* The value of a scenario key: numbers as they are, in the column's unit, the rest as words. */
void cells_key(const struct column *column, const struct row *row, char *cell)
{
	const struct key *key = keys_find(KEY_OF_SCENARIO, column->key);
	struct key_value value;
	keys_load(key, &row->point->factors, &value);
	if (key->type == KEY_WORD)
		print_text(key->words[value.number], cell);
	else if (key->type == KEY_FAULTS)
		print_text(value.text, cell);
	else
		print_integer(value.number, cell);
}

/* The same where an engine without a server has no such thing. */
void cells_server_key(const struct column *column, const struct row *row, char *cell)
{
	if (engine_of(row->point->factors.engine)->needs_server)
		cells_key(column, row, cell);
}

void cells_poll_interval(const struct column *column, const struct row *row, char *cell)
{
	if (engine_of(row->point->factors.engine)->polls)
		cells_key(column, row, cell);
}

void cells_result(const struct column *column, const struct row *row, char *cell)
{
	int64_t value;
	memcpy(&value, (const char *)row->result + column->offset, sizeof(value));
	print_integer(value, cell);
}

void cells_latency(const struct column *column, const struct row *row, char *cell)
{
	const struct histogram *histogram = column->of_gets ? &row->result->get : &row->result->put;
	if (!measured(row) || histogram->count == 0)
		return;
	if (column->quantile == CELLS_LATENCY_MEAN)
		print_integer(llround(histogram_mean(histogram)), cell);
	else if (column->quantile == CELLS_LATENCY_MAX)
		print_integer(histogram->maximum, cell);
	else if (statistics_quantile_known(histogram->count, column->quantile))
		print_integer(histogram_quantile(histogram, column->quantile), cell);
}

void cells_schema_version(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	(void)row;
	print_integer(COLUMNS_SCHEMA_VERSION, cell);
}

void cells_suite(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_text(row->suite->settings.name, cell);
}

void cells_scenario(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_text(row->point->scenario->name, cell);
}

void cells_point_id(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_text(row->point->id, cell);
}

void cells_repetition(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_integer(row->repetition, cell);
}

void cells_run_id(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_text(row->run_id, cell);
}

void cells_order_index(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_integer(row->order_index, cell);
}

void cells_started_at(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	columns_print_time(row->result->started_at_ns, cell);
}

void cells_status(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_text(columns_status(row->result->status), cell);
}

void cells_status_reason(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_text(row->result->reason, cell);
}

void cells_audit(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_text(columns_audit(row->result->audit), cell);
}

void cells_seed(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	print_integer(row->seed, cell);
}

void cells_items(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	if (measured(row))
		print_integer((int64_t)row->result->put.count, cell);
}

void cells_operations(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	if (measured(row))
		print_integer((int64_t)row->result->operations, cell);
}

void cells_total_duration(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	const int64_t duration_ns = row->result->duration_ns;
	if (measured(row))
		sentence(cell, COLUMNS_CELL_BYTES, "%" PRId64 ".%09" PRId64,
		         duration_ns / DMONITOR_NS_PER_S, duration_ns % DMONITOR_NS_PER_S);
}

void cells_throughput(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	if (measured(row) && row->result->duration_ns > 0)
		print_real((double)row->result->operations * (double)DMONITOR_NS_PER_S /
		               (double)row->result->duration_ns,
		           cell);
}

void cells_avg_latency(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	const struct histogram *put = &row->result->put;
	const struct histogram *get = &row->result->get;
	if (measured(row) && put->count + get->count > 0)
		print_real(((double)put->sum + (double)get->sum) /
		               (double)(put->count + get->count) / (double)DMONITOR_NS_PER_MS,
		           cell);
}

void cells_overflow(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	if (measured(row))
		print_integer((int64_t)(row->result->put.overflow + row->result->get.overflow),
		              cell);
}

void cells_messages_per_operation(const struct column *column, const struct row *row, char *cell)
{
	(void)column;
	if (row->result->server_messages >= 0 && row->result->operations > 0)
		print_real((double)row->result->server_messages / (double)row->result->operations,
		           cell);
}

void cells_audited(const struct column *column, const struct row *row, char *cell)
{
	uint64_t value;
	memcpy(&value, (const char *)&row->result->audited + column->offset, sizeof(value));
	if (row->result->audit == RUN_AUDIT_OK || row->result->audit == RUN_AUDIT_VIOLATED)
		print_integer((int64_t)value, cell);
}

/* Items are given only where they decide when a run ends. */
void cells_items_key(const struct column *column, const struct row *row, char *cell)
{
	if (row->point->factors.duration_ns == 0)
		cells_key(column, row, cell);
}

/* What means something only in a run by time. */
void cells_torture_key(const struct column *column, const struct row *row, char *cell)
{
	if (row->point->factors.duration_ns > 0)
		cells_key(column, row, cell);
}

void cells_torture(const struct column *column, const struct row *row, char *cell)
{
	if (row->result->torture.fault_total >= 0)
		cells_result(column, row, cell);
}

void cells_gone_on(const struct column *column, const struct row *row, char *cell)
{
	const struct histogram *histogram = &row->result->torture.gone_on;
	if (row->result->torture.fault_total < 0 || histogram->count == 0)
		return;
	if (column->quantile == CELLS_LATENCY_MAX)
		print_integer(histogram->maximum, cell);
	else if (statistics_quantile_known(histogram->count, column->quantile))
		print_integer(histogram_quantile(histogram, column->quantile), cell);
}
