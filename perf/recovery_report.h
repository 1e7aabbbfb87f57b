/* recovery_report.h: the attempts of one kind counted together, as a row of a table and a verdict.
 */
#ifndef PERF_RECOVERY_REPORT_H
#define PERF_RECOVERY_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "recovery_attempt.h"

enum { RECOVERY_KILLS_MAX = 1000 };

/* All attempts of one fault under one system. */
struct recovery_cell {
	double first_ms[RECOVERY_KILLS_MAX]; /* of those where the others went on */
	size_t went_on;
	size_t kills;
	size_t signals, lost, blocked, early, unnoticed, disturbed;
};

void recovery_cell_add(struct recovery_cell *cell, const struct recovery_outcome *outcome);

/* A table for people; a row sorts its cell. */
void recovery_print_head(FILE *file);
void recovery_print_row(FILE *file, const struct recovery_system *system, enum recovery_fault fault,
                        struct recovery_cell *cell);

/* What a system of ours promises whatever the machine does: the others go on, no signal is lost,
 * nobody blocks, a lease is neither cut short nor ignored. */
bool recovery_cell_kept(const struct recovery_cell *cell);

/* A file with a row for each attempt. */
void recovery_csv_head(FILE *file);
void recovery_csv_row(FILE *file, const struct recovery_system *system, enum recovery_fault fault,
                      size_t attempt, const struct recovery_outcome *outcome);

#endif
