/*
 * recovery.c: a benchmark of dying: how long until the others go on after a process is killed while
 * it holds, queues, waits, or has been signalled; our monitors over tcp and ipc next to a robust
 * pthread mutex with its condition variable in shared memory, interleaved in one run. METHOD.md has
 * the formulas.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recovery_attempt.h"
#include "recovery_report.h"

static const struct recovery_system *const systems[] = { &recovery_monitor_tcp,
	                                                 &recovery_monitor_ipc, &recovery_pthread };

enum { SYSTEMS = sizeof(systems) / sizeof(systems[0]) };

struct options {
	size_t kills;
	int64_t limit_ms;
	const char *csv;
};

struct campaign {
	const struct options *options;
	void *sites[SYSTEMS];
	FILE *csv;
	struct recovery_cell cells[RECOVERY_FAULTS][SYSTEMS];
};

/* Without a lease a stopped holder holds as long as it is stopped; there is nothing to time. */
static bool applies(const struct recovery_system *system, enum recovery_fault fault)
{
	return fault != RECOVERY_HOLDER_STOPPED || system->has_lease;
}

static int open_all(struct campaign *campaign)
{
	char error[512];

	for (size_t s = 0; s < SYSTEMS; s++) {
		if (systems[s]->open(systems[s], &campaign->sites[s], error, sizeof(error)) == 0)
			continue;
		fprintf(stderr, "recovery: %s: %s\n", systems[s]->name, error);
		return 1;
	}
	if (campaign->options->csv == NULL)
		return 0;
	campaign->csv = fopen(campaign->options->csv, "w");
	if (campaign->csv == NULL) {
		fprintf(stderr, "recovery: %s: %s\n", campaign->options->csv, strerror(errno));
		return 2;
	}
	recovery_csv_head(campaign->csv);
	return 0;
}

/* 0, or 1 where what was written is not complete, or a system has ended badly. */
static int close_all(struct campaign *campaign)
{
	const bool faulty = campaign->csv != NULL && ferror(campaign->csv) != 0;
	const bool unclosed = campaign->csv != NULL && fclose(campaign->csv) != 0;

	int result = faulty || unclosed;

	for (size_t s = 0; s < SYSTEMS; s++)
		if (systems[s]->close(&campaign->sites[s]) != 0)
			result = 1;
	if (faulty || unclosed)
		fprintf(stderr, "recovery: %s could not be written\n", campaign->options->csv);
	return result;
}

static int attempt(struct campaign *campaign, enum recovery_fault fault, size_t s, size_t round)
{
	struct recovery_outcome outcome;
	char error[512];

	if (recovery_attempt(systems[s], campaign->sites[s], fault, campaign->options->limit_ms,
	                     &outcome, error, sizeof(error)) != 0) {
		fprintf(stderr, "recovery: %s, %s: %s\n", recovery_fault_name(fault),
		        systems[s]->name, error);
		return 1;
	}
	recovery_cell_add(&campaign->cells[fault][s], &outcome);
	if (campaign->csv != NULL)
		recovery_csv_row(campaign->csv, systems[s], fault, round + 1, &outcome);
	return 0;
}

/* Every kind once, and then every kind again, so that a drift of the machine meets all alike. */
static int attempt_all(struct campaign *campaign)
{
	for (size_t round = 0; round < campaign->options->kills; round++) {
		for (enum recovery_fault fault = 0; fault < RECOVERY_FAULTS; fault++)
			for (size_t s = 0; s < SYSTEMS; s++)
				if (applies(systems[s], fault) &&
				    attempt(campaign, fault, s, round) != 0)
					return 1;
		fprintf(stderr, "round %zu of %zu done\n", round + 1, campaign->options->kills);
	}
	return 0;
}

/* Whether our own systems kept what they promise. */
static bool print_all(struct campaign *campaign)
{
	bool kept = true;

	recovery_print_head(stdout);
	for (enum recovery_fault fault = 0; fault < RECOVERY_FAULTS; fault++)
		for (size_t s = 0; s < SYSTEMS; s++) {
			if (!applies(systems[s], fault))
				continue;
			recovery_print_row(stdout, systems[s], fault, &campaign->cells[fault][s]);
			kept = kept && (!systems[s]->has_lease ||
			                recovery_cell_kept(&campaign->cells[fault][s]));
		}
	return kept;
}

static const char help_text[] =
    "usage: recovery [--kills N] [--limit-ms N] [--csv FILE]\n"
    "\n"
    "Kills processes that hold a lock, queue for it, wait on its condition, or have been\n"
    "signalled, and times how long it takes until somebody who depends on them goes on: this\n"
    "project's monitors over tcp and ipc, and a robust pthread mutex with a condition variable\n"
    "in shared memory. After a waiter's death 4 signals are sent (or broadcasts), each when a\n"
    "living process waits.\n"
    "\n"
    "  --kills N     of each kind, 1 to 1000 (default 50)\n"
    "  --limit-ms N  what has not come so late never comes, 100 to 60000 (default 1000)\n"
    "  --csv FILE    write a row for each attempt\n"
    "  --help        print this\n"
    "\n"
    "Exit status: 0 measured, 1 a monitor lost a signal, was stuck, or could not be measured,\n"
    "2 usage.\n";

static bool read_number(const char *text, int64_t low, int64_t high, int64_t *value)
{
	char *end;
	const long long read = strtoll(text, &end, 10);

	if (end == text || *end != '\0' || read < low || read > high)
		return false;
	*value = read;
	return true;
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = { { "kills", required_argument, NULL, 'k' },
		                               { "limit-ms", required_argument, NULL, 'l' },
		                               { "csv", required_argument, NULL, 'c' },
		                               { "help", no_argument, NULL, 'h' },
		                               { NULL, 0, NULL, 0 } };
	int64_t kills = 50;
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'h')
			return fputs(help_text, stdout) < 0;
		if (option == 'k')
			good = read_number(optarg, 1, RECOVERY_KILLS_MAX, &kills);
		else if (option == 'l')
			good = read_number(optarg, 100, 60000, &options->limit_ms);
		else if (option == 'c')
			options->csv = optarg;
		else
			good = false;
	}
	options->kills = (size_t)kills;
	if (good && optind == argc)
		return -1;
	fprintf(stderr, "recovery: --help tells how it is used\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct campaign campaign;
	struct options options = { .limit_ms = 1000 };
	int status = read_options(argc, argv, &options);

	if (status >= 0)
		return status;
	campaign.options = &options;
	status = open_all(&campaign);
	if (status == 0)
		status = attempt_all(&campaign);
	if (status == 0)
		status = print_all(&campaign) ? 0 : 1;
	return close_all(&campaign) != 0 ? 1 : status;
}
