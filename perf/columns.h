/*
 * columns.h: the one table of all columns of performance_results_distributed.csv. The header, the
 * rows, `performance_test help columns` and the dictionary in results/README.md come from it.
 */
#ifndef PERF_COLUMNS_H
#define PERF_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "matrix.h"
#include "run.h"

enum { COLUMNS_SCHEMA_VERSION = 2, COLUMNS_CELL_BYTES = 1024, COLUMNS_RUN_ID_BYTES = 128 };

/* One run and all that is said about it. */
struct row {
	const struct suite *suite;
	const struct point *point;
	const struct run_result *result;
	int64_t repetition;
	int64_t order_index; /* its place in the order of runs, from 1 */
	int64_t seed;
	char run_id[COLUMNS_RUN_ID_BYTES]; /* unique among all runs */
};

enum column_type {
	COLUMN_TEXT,    /* never begins with = + - @, so that a spreadsheet takes it for text too */
	COLUMN_INTEGER, /* decimal digits */
	COLUMN_REAL,    /* a decimal number, with a point */
	COLUMN_TIME     /* 2026-01-31T12:34:56.789Z */
};

struct column;

/* Print the row's cell into ${cell}, which is empty and has room for COLUMNS_CELL_BYTES; where
 * there is no value it stays empty. */
typedef void column_print(const struct column *column, const struct row *row, char *cell);

struct column {
	const char *name; /* ends in the unit */
	enum column_type type;
	const char *unit;
	const char *meaning;
	column_print *print;
	/* what print needs to know */
	const char *key; /* a scenario key */
	size_t offset;   /* of a number in struct run_result, or in its struct audit_result */
	double quantile; /* of latencies, or one of cells.h's numbers */
	bool of_gets;    /* else of puts */
};

/* All columns; *${count} gets their number. */
const struct column *columns_all(size_t *count);

/* Print one cell of a row; text is made safe for spreadsheets. */
void columns_print(const struct column *column, const struct row *row,
                   char cell[COLUMNS_CELL_BYTES]);

/* "2026-01-31T12:34:56.789Z" */
void columns_print_time(int64_t wall_ns, char cell[COLUMNS_CELL_BYTES]);

/* The word for a status and for an audit, as they stand in the cells; "" for no audit. */
const char *columns_status(enum run_status status);
const char *columns_audit(enum run_audit audit);

/* Print all columns for people, or as the dictionary of results/README.md. */
void columns_help(FILE *out);
void columns_markdown(FILE *out);

#endif
