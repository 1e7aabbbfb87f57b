/*
 * microbenchmark.c: what an enter, an exit, a put or a get costs, in ZeroMQ round trips.
 *
 * Everything runs pinned to one processor, because wake-ups across processors vary from run to run
 * by a factor of two, and each repetition takes its own REQ/REP round trip R as its unit, because
 * machines differ. METHOD.md says what the figures mean.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zmq.h>

#include "../buffer/bounded_buffer.h"
#include "../monitor/clock.h"
#include "../sim/server_process.h"
#include "../sim/workers.h"
#include "statistics.h"

enum {
	ROUND_TRIPS = 3000,
	PAIRS = 3000,
	CONTENDED_PAIRS = 4000, /* of all contenders together */
	ITEMS = 2000,
	CAPACITY = 10,
	WORKERS_MAX = 64,
	MONITORS = 1000,
	REPETITIONS_MAX = 100
};

enum figure_kind {
	PER_OPERATION, /* the median time of one operation, in R: less is better */
	RATE,          /* operations of all workers in one R: more is better */
	EVENNESS       /* least served / most served: 1 is best */
};

struct measure;

/* What the workers of one measurement share; lives in shared memory. */
struct board {
	char endpoint[256];
	const struct measure *measure;
	int64_t begin_ns[WORKERS_MAX];
	int64_t end_ns[WORKERS_MAX];
	int64_t operations[WORKERS_MAX];
	double median_ns;  /* of worker 0's operations, where one is timed */
	volatile int full; /* somebody has done its share: all stop */
};

struct measure {
	const char *name;
	enum figure_kind kind;
	size_t workers;
	size_t monitors; /* that a pair goes round */
	unsigned flags;  /* of the monitors */
	double bar;      /* what it must reach, and what it should; 0: no bar */
	double aim;
	int (*work)(struct board *board, size_t index, struct worker *self);
};

/* Both ends of a REQ/REP ping-pong; worker 0 answers, as a server would. */
static int echo(struct board *board, struct worker *self)
{
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, ZMQ_REP);
	size_t room = sizeof(board->endpoint);
	char bytes[128];

	if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 ||
	    zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, board->endpoint, &room) != 0)
		return zmq_errno();
	worker_ready(self);
	for (int i = 0; i < ROUND_TRIPS + 1; i++) {
		const int size = zmq_recv(socket, bytes, sizeof(bytes), 0);

		if (size < 0 || zmq_send(socket, bytes, (size_t)size, 0) < 0)
			return zmq_errno();
	}
	zmq_close(socket);
	zmq_ctx_term(context);
	return 0;
}

static int round_trip(void *socket)
{
	static const char request[70] = "as long as an ENTER is, so that the same bytes are moved";
	char bytes[128];

	if (zmq_send(socket, request, sizeof(request), 0) < 0 ||
	    zmq_recv(socket, bytes, sizeof(bytes), 0) < 0)
		return zmq_errno();
	return 0;
}

static int ping(struct board *board, struct worker *self)
{
	static double times_ns[ROUND_TRIPS];
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, ZMQ_REQ);
	int result = 0;

	worker_ready(self); /* the other end is bound when all are ready */
	if (zmq_connect(socket, board->endpoint) != 0)
		return zmq_errno();
	result = round_trip(socket);
	for (int i = 0; i < ROUND_TRIPS && result == 0; i++) {
		const int64_t begin_ns = dmonitor_clock_now_ns();

		result = round_trip(socket);
		times_ns[i] = (double)(dmonitor_clock_now_ns() - begin_ns);
	}
	board->median_ns = statistics_median(times_ns, ROUND_TRIPS);
	zmq_close(socket);
	zmq_ctx_term(context);
	return result;
}

static int work_round_trip(struct board *board, size_t index, struct worker *self)
{
	return index == 0 ? echo(board, self) : ping(board, self);
}

static int open_monitor(const struct board *board, dmonitor_session **session, dmonitor **monitor)
{
	const int result = dmonitor_connect(board->endpoint, NULL, session);

	return result != 0
	           ? result
	           : dmonitor_open(*session, "microbenchmark", board->measure->flags, monitor);
}

static int enter_and_exit(dmonitor *monitor)
{
	const int result = dmonitor_enter(monitor);

	return result != 0 ? result : dmonitor_exit(monitor);
}

/* Pairs on as many monitors in turn as the measure says. */
static int work_pair(struct board *board, size_t index, struct worker *self)
{
	static double times_ns[PAIRS];
	static dmonitor *monitors[MONITORS];
	const size_t count = board->measure->monitors;
	dmonitor_session *session;
	int result = dmonitor_connect(board->endpoint, NULL, &session);

	for (size_t i = 0; i < count && result == 0; i++) {
		char name[48];

		snprintf(name, sizeof(name), "microbenchmark-%zu", i);
		result = dmonitor_open(session, name, board->measure->flags, &monitors[i]);
	}
	if (result == 0)
		result = enter_and_exit(monitors[0]);
	if (result != 0)
		return result;
	worker_ready(self);
	board->operations[index] = PAIRS;
	for (size_t i = 0; i < PAIRS && result == 0; i++) {
		const int64_t begin_ns = dmonitor_clock_now_ns();

		result = enter_and_exit(monitors[i % count]);
		times_ns[i] = (double)(dmonitor_clock_now_ns() - begin_ns);
	}
	board->median_ns = statistics_median(times_ns, PAIRS);
	return result != 0 ? result : dmonitor_disconnect(&session);
}

/* All contend until one has done its share, so that the line is never shorter than their number. */
static int work_contended(struct board *board, size_t index, struct worker *self)
{
	const int64_t share = CONTENDED_PAIRS / (int64_t)board->measure->workers;
	dmonitor_session *session;
	dmonitor *monitor;
	int result = open_monitor(board, &session, &monitor);

	if (result == 0)
		result = enter_and_exit(monitor);
	if (result != 0)
		return result;
	board->begin_ns[index] = worker_ready(self);
	while (result == 0 && !board->full) {
		result = enter_and_exit(monitor);
		if (++board->operations[index] == share)
			board->full = 1;
	}
	board->end_ns[index] = dmonitor_clock_now_ns();
	return result != 0 ? result : dmonitor_disconnect(&session);
}

static int work_buffer(struct board *board, size_t index, struct worker *self)
{
	const size_t pairs = board->measure->workers / 2;
	const int64_t share = ITEMS / (int64_t)pairs;
	const struct dmonitor_options options = { .flags = board->measure->flags };
	dmonitor_session *session;
	bounded_buffer *buffer;
	uint64_t item = 0;
	size_t size;
	int result = dmonitor_connect(board->endpoint, &options, &session);

	if (result == 0)
		result = bounded_buffer_open(session, "microbenchmark", CAPACITY, sizeof(item),
		                             BOUNDED_BUFFER_SHARED_MEMORY, &buffer);
	if (result != 0)
		return result;
	board->begin_ns[index] = worker_ready(self);
	board->operations[index] = share;
	for (int64_t i = 0; i < share && result == 0; i++)
		result = index < pairs ? bounded_buffer_put(buffer, &item, sizeof(item))
		                       : bounded_buffer_get(buffer, &item, sizeof(item), &size);
	board->end_ns[index] = dmonitor_clock_now_ns();
	if (result == 0)
		result = bounded_buffer_close(&buffer);
	return result != 0 ? result : dmonitor_disconnect(&session);
}

/* The first one is the unit of the others. */
static const struct measure measures[] = {
	{ "REQ/REP round trip (R)", PER_OPERATION, 2, 0, 0, 0, 0, work_round_trip },
	{ "enter+exit, asynchronous", PER_OPERATION, 1, 1, DMONITOR_ASYNC_EXIT, 1.7, 1.5,
	  work_pair },
	{ "the same, 1,000 monitors", PER_OPERATION, 1, MONITORS, DMONITOR_ASYNC_EXIT, 0, 0,
	  work_pair },
	{ "enter+exit, confirmed", PER_OPERATION, 1, 1, 0, 2.3, 2.1, work_pair },
	{ "hand-overs, 2 contend", RATE, 2, 1, DMONITOR_ASYNC_EXIT, 0, 0, work_contended },
	{ "hand-overs, 8 contend", RATE, 8, 1, DMONITOR_ASYNC_EXIT, 0.55, 0.62, work_contended },
	{ "hand-overs, 64 contend", RATE, 64, 1, DMONITOR_ASYNC_EXIT, 0, 0, work_contended },
	{ "buffer of 10, 1x1", RATE, 2, 1, DMONITOR_ASYNC_EXIT, 0.55, 0.62, work_buffer },
	{ "buffer of 10, 4x4", RATE, 8, 1, DMONITOR_ASYNC_EXIT, 0.55, 0.62, work_buffer },
	{ "least / most served of 32", EVENNESS, 32, 1, DMONITOR_ASYNC_EXIT, 0.95, 0,
	  work_contended },
};

enum { MEASURES = sizeof(measures) / sizeof(measures[0]) };

static int run_worker(void *context, size_t index, struct worker *self)
{
	struct board *board = context;

	return board->measure->work(board, index, self);
}

static double figure_of(const struct board *board, double unit_ns)
{
	const size_t workers = board->measure->workers;
	int64_t begin_ns = board->begin_ns[0], end_ns = board->end_ns[0];
	int64_t least = board->operations[0], most = board->operations[0], sum = 0;

	if (board->measure->kind == PER_OPERATION)
		return board->median_ns / unit_ns;
	for (size_t i = 0; i < workers; i++) {
		begin_ns = board->begin_ns[i] < begin_ns ? board->begin_ns[i] : begin_ns;
		end_ns = board->end_ns[i] > end_ns ? board->end_ns[i] : end_ns;
		least = board->operations[i] < least ? board->operations[i] : least;
		most = board->operations[i] > most ? board->operations[i] : most;
		sum += board->operations[i];
	}
	if (board->measure->kind == EVENNESS)
		return (double)least / (double)most;
	return (double)sum / ((double)(end_ns - begin_ns) / unit_ns);
}

/* Run the workers of one measurement against a server of its own. */
static int run_workers(struct board *board)
{
	const struct workers_plan plan = {
		.count = board->measure->workers, .run = run_worker, .context = board, .stop_fd = -1
	};
	struct workers *workers;
	int result = workers_start(&plan, &workers);

	if (result != 0)
		return result;
	result = workers_await_ready(workers, 10 * DMONITOR_NS_PER_S);
	if (result == 0) {
		workers_go(workers, dmonitor_clock_now_ns() + 20 * DMONITOR_NS_PER_MS);
		result = workers_await_end(workers, 60 * DMONITOR_NS_PER_S);
	}
	if (result != 0)
		fprintf(stderr, "microbenchmark: %s: %s\n", board->measure->name,
		        workers_error(workers));
	workers_free(&workers);
	return result;
}

static int take(struct board *board, const struct measure *measure)
{
	struct server_process *server = NULL;
	char error[256];
	int result = 0;

	memset(board, 0, sizeof(*board));
	board->measure = measure;
	if (measure != &measures[0]) {
		result = server_process_start(NULL, &server, error, sizeof(error));
		if (result != 0) {
			fprintf(stderr, "microbenchmark: %s\n", error);
			return result;
		}
		snprintf(board->endpoint, sizeof(board->endpoint), "%s",
		         server_process_endpoint(server));
	}
	result = run_workers(board);
	if (server_process_stop(&server, error, sizeof(error)) != 0)
		fprintf(stderr, "microbenchmark: %s\n", error);
	return result;
}

static const char *verdict(const struct measure *measure, double figure)
{
	const bool less_is_better = measure->kind == PER_OPERATION;

	if (less_is_better ? figure > measure->bar : figure < measure->bar)
		return "MISSED";
	if (measure->aim == 0)
		return "reached";
	return (less_is_better ? figure <= measure->aim : figure >= measure->aim)
	           ? "reached, aim too"
	           : "reached";
}

static void print_measure(const struct measure *measure, double *figures, size_t count)
{
	static const char *const units[] = { "R", "per R", "" };
	/* Which sorts them, too. */
	const double median = statistics_median(figures, count);

	if (measure == &measures[0]) {
		printf("%-28s %8.1f us     (%.1f .. %.1f)\n", measure->name, median / 1000,
		       figures[0] / 1000, figures[count - 1] / 1000);
		return;
	}
	printf("%-28s %8.3f %-6s (%.3f .. %.3f)", measure->name, median, units[measure->kind],
	       figures[0], figures[count - 1]);
	if (measure->bar != 0)
		printf("   %s %.2f  %s", measure->kind == PER_OPERATION ? "<=" : ">=", measure->bar,
		       verdict(measure, median));
	printf("\n");
}

static int measure_all(struct board *board, int repetitions)
{
	static double figures[MEASURES][REPETITIONS_MAX];

	for (int i = 0; i < repetitions; i++) {
		double unit_ns = 1;

		for (int m = 0; m < MEASURES; m++) {
			if (take(board, &measures[m]) != 0)
				return 1;
			figures[m][i] = figure_of(board, unit_ns);
			if (m == 0)
				unit_ns = figures[m][i];
		}
		fprintf(stderr, "repetition %d of %d done\n", i + 1, repetitions);
	}
	printf("%-28s %8s %-6s (least .. most of %d)   bar\n", "medians", "", "", repetitions);
	for (int m = 0; m < MEASURES; m++)
		print_measure(&measures[m], figures[m], (size_t)repetitions);
	return 0;
}

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? 0 : errno;
}

static const char help_text[] =
    "usage: microbenchmark [--cpu N] [--repetitions N]\n"
    "\n"
    "Measures enter+exit, hand-overs and the bounded buffer against a ZeroMQ REQ/REP round trip\n"
    "over TCP in the same run, everything pinned to one processor.\n"
    "\n"
    "  --cpu N          the processor (default 1, or 0 where there is only one)\n"
    "  --repetitions N  1 to 100 (default 5); each measures everything once, in turn\n"
    "  --help           print this\n";

int main(int argc, char **argv)
{
	static const struct option options[] = { { "cpu", required_argument, NULL, 'c' },
		                                 { "repetitions", required_argument, NULL, 'r' },
		                                 { "help", no_argument, NULL, 'h' },
		                                 { NULL, 0, NULL, 0 } };
	struct board *board =
	    mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int repetitions = 5;
	int cpu = -1;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			return fputs(help_text, stdout) < 0;
		if (option == '?')
			return 2;
		*(option == 'c' ? &cpu : &repetitions) = atoi(optarg);
	}
	if (repetitions < 1 || repetitions > REPETITIONS_MAX || board == MAP_FAILED) {
		fprintf(stderr, "microbenchmark: --repetitions must be from 1 to 100\n");
		return 2;
	}
	if (cpu >= 0 ? pin(cpu) != 0 : (pin(1) != 0 && pin(0) != 0)) {
		fprintf(stderr, "microbenchmark: cannot run on processor %d: %s\n", cpu,
		        strerror(errno));
		return 2;
	}
	return measure_all(board, repetitions);
}
