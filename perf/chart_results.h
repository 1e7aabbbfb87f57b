/*
 * chart_results.h: the results of one suite as charts and tables need them: the rows of
 * performance_results_distributed.csv gathered into points, the repetitions of one point_id, and
 * the histograms of those runs merged. A run that is not ok is counted and never averaged.
 * It draws and prints nothing.
 */
#ifndef PERF_CHART_RESULTS_H
#define PERF_CHART_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "csv_read.h"
#include "histogram.h"

/* One number a run, over the good runs of a point. count is 0 where no run has a value. */
struct chart_spread {
	size_t count;
	double median, low, high;
};

enum chart_operation { CHART_PUT, CHART_GET, CHART_OPERATIONS };

/* What a latency column of a run says; p50 stands in put_p50_ns and get_p50_ns. */
enum chart_latency { CHART_P50, CHART_P90, CHART_P99, CHART_P99_9, CHART_MAX, CHART_LATENCIES };

/* All strings live as long as the results. Numbers without a value are -1. */
struct chart_point {
	const char *id;
	const char *scenario, *engine, *transport, *storage, *exit_mode;
	const char *faults;                              /* "" in a run of items */
	long long producers, consumers, items, capacity; /* items of one producer; -1: by time */
	long long poll_interval_ns, payload_bytes;       /* no poll interval: pushed */
	size_t runs, runs_ok;
	const char *bad_status, *bad_reason; /* of its first run that is not ok, or NULL */
	const char *audit;                   /* the worst of all its runs: "violated", ... */
	struct chart_spread throughput;      /* operations a second */
	struct chart_spread messages;        /* an operation */
	struct chart_spread latency_ns[CHART_OPERATIONS][CHART_LATENCIES]; /* each run's own */
	double overflow;                           /* operations too long for the histogram */
	struct histogram merged[CHART_OPERATIONS]; /* of all good runs; empty if there are none */
};

struct chart_results {
	struct csv_table table;
	char *histograms_path; /* whether there is such a file or not */
	char *faults_path;
	char *manifest_path;
	bool histograms;   /* there are some */
	bool legacy;       /* a file without a status column, such as the original program's */
	const char *suite; /* "" if unknown */
	struct chart_point *points; /* in the order of their first runs */
	size_t count;
	size_t *row_point; /* the point to which each row of the table belongs */
	bool *row_good;    /* whether its run counts */
	size_t runs, runs_ok;
};

/**
 * chart_results_load(path, results, error, room):
 * Load ${path}, a run's folder or a CSV file with histograms.csv beside it, or without;
 * chart_results_free(${results}) releases it.
 *
 * Errors   EINVAL  a file is not what it should be, or holds two suites; else as csv_read
 * On error ${results} needs no release, and ${error}, of ${room} bytes, holds a sentence.
 */
int chart_results_load(const char *path, struct chart_results *results, char *error, size_t room);

void chart_results_free(struct chart_results *results);

/* The quantile of all of the point's operations, from its merged histogram; a maximum for 1; -1 if
 * there is none, or if too few operations lie beyond it to say. */
double chart_results_quantile_ns(const struct chart_point *point, enum chart_operation operation,
                                 double quantile);

#endif
