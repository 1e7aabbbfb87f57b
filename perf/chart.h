/*
 * chart.h: pictures of results, drawn by gnuplot from the scripts in plots/. What is aggregated is
 * aggregated here; the scripts only draw. Each picture is an SVG and a PNG file, and beside them
 * lie NAME.gp and NAME.dat: "gnuplot NAME.gp" in that folder draws them again.
 */
#ifndef PERF_CHART_H
#define PERF_CHART_H

#include <stdio.h>

/**
 * chart_draw(results, output_folder, report):
 * Draw every chart that ${results}, a run's folder or a CSV file, has data for, into
 * ${output_folder}, which is made if need be. What was drawn, what was left out and why, and what
 * went wrong is said on ${report}, a line each.
 *
 * The scripts are looked for in $DMONITOR_PLOTS if that is set, else in ../plots and then in
 * ../share/dmonitor/plots, seen from the folder of the running program.
 *
 * Blocks   while gnuplot runs.
 * Returns  0, or 1 where nothing could be drawn, a file is bad, or gnuplot is missing or failed.
 */
int chart_draw(const char *results, const char *output_folder, FILE *report);

#endif
