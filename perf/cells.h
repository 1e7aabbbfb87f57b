/* cells.h: the functions that print cells, for the table in columns.c. What they take from the
 * column's row of the table is said there. */
#ifndef PERF_CELLS_H
#define PERF_CELLS_H

#include "columns.h"

/* What a latency column tells if it is no quantile below 1. */
enum { CELLS_LATENCY_MAX = 1, CELLS_LATENCY_MEAN = 2 };

column_print cells_key;
column_print cells_server_key;
column_print cells_poll_interval;
column_print cells_result;
column_print cells_latency;
column_print cells_schema_version;
column_print cells_suite;
column_print cells_scenario;
column_print cells_point_id;
column_print cells_repetition;
column_print cells_run_id;
column_print cells_order_index;
column_print cells_started_at;
column_print cells_status;
column_print cells_status_reason;
column_print cells_audit;
column_print cells_seed;
column_print cells_items;
column_print cells_operations;
column_print cells_total_duration;
column_print cells_throughput;
column_print cells_avg_latency;
column_print cells_overflow;
column_print cells_messages_per_operation;
column_print cells_audited;
column_print cells_items_key;
column_print cells_torture_key;
column_print cells_torture;
column_print cells_gone_on;

#endif
