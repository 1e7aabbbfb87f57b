/* campaign.h: all runs of a suite, from the first to the last, and what stays of them on disk. */
#ifndef PERF_CAMPAIGN_H
#define PERF_CAMPAIGN_H

#include <stdbool.h>

#include "matrix.h"

/* What the program says to whoever called it. The worst one of several wins. */
enum exit_code {
	EXIT_CODE_GOOD = 0,
	EXIT_CODE_FAILED = 1, /* a run failed, or nothing was measured */
	EXIT_CODE_USAGE = 2,  /* the command line or a scenario is wrong; nothing was run */
	EXIT_CODE_SIGNALLED =
	    128 /* and the signal's number: interrupted; what was measured is kept */
};

struct campaign_options {
	const char *parent;         /* folder of the run folder */
	const char *csv;            /* to append all rows to as well; NULL: none */
	const char *server_program; /* NULL: where it is found */
	const char *const *command; /* the program's arguments, for the manifest */
	bool plots;
	int stop_fd; /* of interrupt.h */
};

/* Run ${matrix} of ${suite}. Says what goes on on stderr, and at the end shows the table, and where
 * all is, on stdout. Returns the exit code. */
int campaign_run(const struct suite *suite, const struct matrix *matrix,
                 const struct campaign_options *options);

#endif
