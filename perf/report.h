/*
 * report.h: the files of numbers: performance_results_distributed.csv, one row a run, and
 * histograms.csv, one row a bucket that is not empty, and faults.csv, one row a fault. Each row is
 * on the disk before the next run begins.
 */
#ifndef PERF_REPORT_H
#define PERF_REPORT_H

#include <stddef.h>

#include "columns.h"

#define REPORT_RESULTS_NAME    "performance_results_distributed.csv"
#define REPORT_HISTOGRAMS_NAME "histograms.csv"
#define REPORT_FAULTS_NAME     "faults.csv"

enum { REPORT_ERROR_BYTES = 1024 };

struct report;

/**
 * report_check_csv(file, error):
 * Whether rows can be appended to ${file}: it does not exist, is empty, or is a whole CSV file with
 * exactly our columns.
 *
 * Errors   EINVAL  it is another, or a part of one; a sentence is in ${error}
 *          others  it cannot be read, or not be written; likewise
 */
int report_check_csv(const char *file, char error[REPORT_ERROR_BYTES]);

/**
 * report_open(folder, csv, report, error):
 * Begin the files in ${folder}, and, unless ${csv} is NULL, appending to the file ${csv}, which
 * report_check_csv() has found good.
 *
 * Owns     on 0 the caller owns *${report} until report_close().
 * Errors   any errno value, with a sentence in ${error}
 */
int report_open(const char *folder, const char *csv, struct report **report,
                char error[REPORT_ERROR_BYTES]);

/* Add a run to all files and sync them. Errors: any errno value, with a sentence in ${error}. */
int report_add(struct report *report, const struct row *row, char error[REPORT_ERROR_BYTES]);

/* Close the files, free *${report} and null it; it may be NULL. */
void report_close(struct report **report);

#endif
