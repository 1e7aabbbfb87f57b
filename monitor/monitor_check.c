/*
 * monitor_check.c: the program. Was this run of monitor_server right, and if not, which rule broke,
 * at which event? Replays a record, compares the histories of clients with it, and tells in plain
 * words.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_history.h"
#include "check_replay.h"
#include "clock.h"
#include "dmonitor.h"

static const char help_text[] =
    "usage: monitor_check RECORD [--history FILE]...\n"
    "\n"
    "Tells whether a run of monitor_server was right. RECORD is what 'monitor_server --record "
    "FILE'\n"
    "has written. Each event is replayed through the server's state machine, which must say the\n"
    "same again, and through a second, simple model of the monitor, which must expect it.\n"
    "\n"
    "  --history FILE  compare with what clients wrote (history_path in struct dmonitor_options):\n"
    "                  each call that returned must have been executed once, while it lasted\n"
    "  --help          print this\n"
    "  --version       print the version\n"
    "\n"
    "Says what happened in the run, and 'all rules hold', or which rule broke, at which event, "
    "and\n"
    "what was expected. Rules are numbered as in DESIGN.md, section 'Rules'.\n"
    "\n"
    "Exit status: 0 all rules hold, 1 one is broken, 2 usage, or a file that cannot be read.\n";

enum { HOLDS = 0, BROKEN = 1, UNREADABLE = 2 };

struct check {
	const char *record_path;
	const char **history_paths;
	size_t history_count;
	struct record_reader *reader;
	struct check_history *history; /* NULL: none was given */
	struct replay replay;
	int64_t shown_ns; /* when progress was shown last; 0: it is not */
};

/* Now and then, and only to people. */
static void show_progress(struct check *check)
{
	enum { EVENTS_BETWEEN_LOOKS = 1024 };
	uint64_t read, all;
	int64_t now_ns;

	if (check->shown_ns == 0 || check->replay.events % EVENTS_BETWEEN_LOOKS != 0)
		return;
	now_ns = dmonitor_clock_now_ns();
	if (now_ns - check->shown_ns < DMONITOR_NS_PER_S)
		return;
	check->shown_ns = now_ns;
	record_reader_progress(check->reader, &read, &all);
	fprintf(stderr, "\r%" PRIu64 " events, %.0f %% ", check->replay.events,
	        all == 0 ? 0 : 100.0 * (double)read / (double)all);
}

static void hide_progress(const struct check *check)
{
	if (check->shown_ns != 0)
		fprintf(stderr, "\r%40s\r", "");
}

/* A line of the record, or so much of it that a screen can take it. */
static void print_cut(const char *what, const char *text, size_t length)
{
	enum { SHOWN_BYTES = 2000 };

	length -= length > 0 && text[length - 1] == '\n';
	printf("  %-10s%.*s%s\n", what, (int)(length < SHOWN_BYTES ? length : SHOWN_BYTES), text,
	       length < SHOWN_BYTES ? "" : " ...");
}

static int print_broken(struct check *check, const struct record_line *line, const char *fault)
{
	const char *expected = replay_expected(&check->replay);

	printf("%s:%" PRIu64 ": event %" PRIu64 ": %s\n", check->record_path, line->number,
	       check->replay.events, fault);
	print_cut("event", line->text, line->length);
	print_cut("expected", expected, strlen(expected));
	return BROKEN;
}

static int print_unreadable(const struct check *check, uint64_t line, const char *fault)
{
	fprintf(stderr, "monitor_check: %s:%" PRIu64 ": %s\n", check->record_path, line, fault);
	return UNREADABLE;
}

/* The sentence of check_history tells where. */
static int print_history_fault(const struct check *check, const char *fault)
{
	if (check_history_unreadable(check->history)) {
		fprintf(stderr, "monitor_check: %s\n", fault);
		return UNREADABLE;
	}
	printf("%s\n", fault);
	return BROKEN;
}

static int check_event(struct check *check, struct record_line *line)
{
	const bool is_first = check->replay.events == 0;
	const char *fault = replay_step(&check->replay, line);
	const struct dmonitor_effect *effects;
	size_t count;

	if (fault != NULL)
		return check->replay.unusable ? print_unreadable(check, line->number, fault)
		                              : print_broken(check, line, fault);
	if (check->history == NULL)
		return HOLDS;
	effects = dmonitor_model_effects(check->replay.model, &count);
	if (is_first)
		fault = check_history_begin(check->history, check->replay.server);
	if (fault == NULL)
		fault = check_history_event(check->history, line->number, line->event.now_ns,
		                            effects, count);
	return fault == NULL ? HOLDS : print_history_fault(check, fault);
}

static const char *nothing_if(uint64_t count, const char *ending)
{
	return count == 1 ? "" : ending;
}

static void print_signals(const struct dmonitor_model_counts *counts)
{
	const uint64_t pending = counts->signals - counts->signals_used - counts->signals_dropped;

	printf("signals       %" PRIu64 " that awakened somebody: %" PRIu64 " used, %" PRIu64
	       " dropped as nobody was left to use them",
	       counts->signals, counts->signals_used, counts->signals_dropped);
	if (pending > 0)
		printf(", %" PRIu64 " not used yet", pending);
	printf("; handed on to the next waiter %" PRIu64 " time%s; %" PRIu64 " found nobody\n",
	       counts->signals_passed, nothing_if(counts->signals_passed, "s"),
	       counts->signals_empty);
	printf("broadcasts    %" PRIu64 ", which awakened %" PRIu64 "\n", counts->broadcasts,
	       counts->broadcast_woken);
}

static void print_counts(const struct check *check)
{
	const struct dmonitor_model_counts *counts = dmonitor_model_counts(check->replay.model);
	const int64_t span_ns = check->replay.last_ns - check->replay.first_ns;
	const uint64_t ended =
	    counts->ended_goodbye + counts->ended_lease + counts->ended_probation;

	printf("events        %" PRIu64 " in %.3f s\n", counts->events, (double)span_ns / 1e9);
	printf("clients       %" PRIu64 "; of them %" PRIu64 " ended: %" PRIu64
	       " said goodbye, %" PRIu64 " did not come back, the lease of %" PRIu64 " was over\n",
	       counts->clients, ended, counts->ended_goodbye, counts->ended_probation,
	       counts->ended_lease);
	if (counts->ended_lease + counts->ended_probation > 0)
		printf("              the latest end was served %.3f ms after it was due\n",
		       (double)counts->late_ns / 1e6);
	printf("monitors      %" PRIu64 " at most at a time; %" PRIu64 " abandonment%s\n",
	       counts->monitors_most, counts->abandonments, nothing_if(counts->abandonments, "s"));
	printf("grants        %" PRIu64 "; waits %" PRIu64 "; time-outs %" PRIu64 "\n",
	       counts->grants, counts->waits, counts->time_outs);
	print_signals(counts);
	printf("errors told   %" PRIu64 "\n", counts->errors);
}

static void print_history_counts(const struct check_history_counts *counts)
{
	printf("histories     %" PRIu64 " client%s, %" PRIu64 " calls; %" PRIu64
	       " ownerships told alike by both sides\n",
	       counts->clients, nothing_if(counts->clients, "s"), counts->calls, counts->matched);
	if (counts->unsure > 0)
		printf("              %" PRIu64 " calls whose outcome the client did not await or "
		       "learn; %" PRIu64 " took effect\n",
		       counts->unsure, counts->unsure_took_effect);
	if (counts->uncovered > 0)
		printf("              %" PRIu64 " calls came after the end of the record\n",
		       counts->uncovered);
	if (counts->other_clock > 0)
		printf("              %" PRIu64 " clients on other machines: their times were not "
		       "compared\n",
		       counts->other_clock);
	if (counts->overlaps > 0)
		printf("overlaps      %" PRIu64 " time%s a client believed to own what had passed "
		       "to another after its session's end, for %.3f ms at most; tokens tell them "
		       "apart\n",
		       counts->overlaps, nothing_if(counts->overlaps, "s"),
		       (double)counts->overlap_most_ns / 1e6);
}

static int conclude(struct check *check, enum record_kind end)
{
	const bool clean = end == RECORD_END;

	if (check->replay.events == 0)
		return print_unreadable(check, 1, "there is no event in it");
	if (check->history != NULL) {
		const char *fault = check_history_end(check->history, clean);

		if (fault != NULL)
			return print_history_fault(check, fault);
	}
	print_counts(check);
	if (check->history != NULL)
		print_history_counts(check_history_counts(check->history));
	if (end == RECORD_TORN)
		printf("end           torn: the server was killed as it wrote the last line, which "
		       "is left out\n");
	else
		printf("end           %s\n", clean ? "clean: the server stopped as it was asked to"
		                                   : "open: the server was killed or is still "
		                                     "running, or could not write on");
	printf("all rules hold\n");
	return HOLDS;
}

static int run(struct check *check)
{
	enum record_kind kind = RECORD_OVER;
	struct record_line *line;
	int status = HOLDS;

	check->shown_ns = isatty(STDERR_FILENO) ? dmonitor_clock_now_ns() : 0;
	while (status == HOLDS &&
	       (kind = record_reader_next(check->reader, &line)) == RECORD_EVENT) {
		status = check_event(check, line);
		show_progress(check);
	}
	hide_progress(check);
	if (status != HOLDS)
		return status;
	if (kind == RECORD_BROKEN)
		return print_unreadable(check, line->number, line->fault);
	if (kind == RECORD_END && record_reader_next(check->reader, &line) != RECORD_OVER)
		return print_unreadable(check, line->number, "there is more behind the end");
	return conclude(check, kind);
}

static int open_all(struct check *check)
{
	const char *fault = NULL, *failed;
	int result = record_reader_open(check->record_path, &check->reader, &fault);

	if (result != 0) {
		fprintf(stderr, "monitor_check: cannot read %s: %s\n", check->record_path,
		        fault != NULL ? fault : strerror(result));
		return UNREADABLE;
	}
	if (check->history_count == 0)
		return HOLDS;
	result = check_history_open(check->history_paths, check->history_count, &check->history,
	                            &failed);
	if (result != 0) {
		fprintf(stderr, "monitor_check: cannot read %s: %s\n", failed, strerror(result));
		return UNREADABLE;
	}
	return HOLDS;
}

static int usage(const char *sentence, const char *word)
{
	if (sentence != NULL)
		fprintf(stderr, "monitor_check: %s%s\n", sentence, word);
	fprintf(stderr, "monitor_check --help tells how it is used\n");
	return UNREADABLE;
}

/* -1 to go on, or the status to exit with. */
static int read_options(int argc, char **argv, struct check *check)
{
	enum { HISTORY = 1, HELP, VERSION };
	static const struct option options[] = {
		{ "history", required_argument, NULL, HISTORY },
		{ "help", no_argument, NULL, HELP },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	int value;

	while ((value = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (value) {
		case HISTORY:
			check->history_paths[check->history_count++] = optarg;
			break;
		case HELP:
			fputs(help_text, stdout);
			return 0;
		case VERSION:
			printf("monitor_check %s, records of version %d\n", DMONITOR_VERSION,
			       DMONITOR_RECORD_VERSION);
			return 0;
		default:
			return usage(NULL, "");
		}
	}
	if (optind == argc)
		return usage("which record is to be checked?", "");
	if (optind + 1 < argc)
		return usage("one record at a time, and not also ", argv[optind + 1]);
	check->record_path = argv[optind];
	return -1;
}

int main(int argc, char **argv)
{
	struct check check = { .history_paths = calloc((size_t)argc + 1, sizeof(char *)) };
	int status;

	if (check.history_paths == NULL) {
		fprintf(stderr, "monitor_check: out of memory\n");
		return UNREADABLE;
	}
	status = read_options(argc, argv, &check);
	if (status < 0)
		status = open_all(&check);
	else
		goto end;
	if (status == HOLDS)
		status = run(&check);
end:
	record_reader_close(&check.reader);
	check_history_close(&check.history);
	replay_fini(&check.replay);
	free(check.history_paths);
	return status;
}
