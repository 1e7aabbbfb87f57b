/*
 * csv_read.h: a CSV file whose first line names the columns, read strictly into memory. What a
 * strange hand has done to the file is refused in a sentence that begins with file:line; a byte
 * order mark and CRLF, which spreadsheets leave behind, are accepted. It knows no column by name.
 */
#ifndef PERF_CSV_READ_H
#define PERF_CSV_READ_H

#include <stddef.h>

struct csv_table {
	char *path; /* as given, for sentences */
	size_t columns;
	size_t rows;   /* the header not counted */
	size_t *cells; /* where in text each field begins, the header's first, row by row */
	size_t *lines; /* the line of the file on which each row begins, the header's first */
	char *text;
};

/**
 * csv_read(path, table, error, room):
 * Read ${path} into ${table}; csv_read_free(${table}) releases it.
 *
 * Errors   EINVAL  the content is not such a CSV; any other errno value: it could not be read
 * On error ${table} needs no release, and ${error}, of ${room} bytes, holds a sentence.
 */
int csv_read(const char *path, struct csv_table *table, char *error, size_t room);

void csv_read_free(struct csv_table *table);

/* The index of the column called ${name}, or -1. */
int csv_read_column(const struct csv_table *table, const char *name);

/* The field in ${row}, from 0, and ${column}; "" if ${column} is -1. Valid as long as the table. */
const char *csv_read_text(const struct csv_table *table, size_t row, int column);

/**
 * csv_read_number(table, row, column, value, error, room):
 * Read the field as a decimal number, with a point whatever the locale, into *${value}: NAN if it
 * is empty or ${column} is -1. Returns 0, or EINVAL with a sentence in ${error}.
 */
int csv_read_number(const struct csv_table *table, size_t row, int column, double *value,
                    char *error, size_t room);

#endif
