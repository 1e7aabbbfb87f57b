/*
 * producer_consumer.c: the demo. Producers and consumers, each a process, share a bounded buffer;
 * one sees it fill and empty, and at the end whether all was right.
 *
 * This process only watches: it never talks to the server, so that no ZeroMQ context exists in it
 * and a worker's death cannot hurt it. Whatever ends it ends the others.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "../monitor/dmonitor.h"
#include "crew.h"
#include "interrupt.h"
#include "options.h"
#include "screen.h"
#include "server_process.h"
#include "workers.h"

enum { EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

static const int64_t redraw_ns = 40 * DMONITOR_NS_PER_MS;

/* Until all are ready: for a connection each, and more for many, who share few processors. */
static const int64_t ready_ns = 10 * DMONITOR_NS_PER_S;
static const int64_t ready_each_ns = 20 * DMONITOR_NS_PER_MS;

/* Print why it failed, unless an interruption is the reason, and return the exit status. */
static int complain(const char *sentence)
{
	const int signal_number = interrupt_pending();

	if (signal_number != 0)
		return EXIT_SIGNAL + signal_number;
	fprintf(stderr, "producer_consumer: %s\n", sentence);
	return EXIT_WRONG;
}

static int complain_errno(const char *what, int error)
{
	char sentence[128];

	snprintf(sentence, sizeof(sentence), "%s: %s", what, strerror(error));
	return complain(sentence);
}

/* Start the workers at once, and show what they do until all have ended. */
static int watch(struct workers *workers, struct crew *crew, bool plain)
{
	struct history history;
	struct picture picture;
	struct screen screen;
	int error;

	crew_follow(crew, &history, &picture);
	if ((error = screen_init(&screen, plain, &picture)) != 0)
		return error;
	workers_go(workers, dmonitor_clock_now_ns());
	do {
		if ((error = screen_show(&screen, &history)) != 0)
			break;
		error = workers_await_end(workers, redraw_ns);
	} while (error == ETIMEDOUT);
	if (error == 0)
		error = screen_show(&screen, &history);
	screen_fini(&screen);
	return error;
}

/* Print what came of it. */
static int report(const struct crew *crew, int64_t duration_ns)
{
	struct audit_result result;
	char sentence[512];
	int error;

	if ((error = crew_audit(crew, &result)) != 0)
		return complain_errno("audit", error);
	audit_describe(&result, sentence, sizeof(sentence));
	printf("%" PRIu64 " items put and %" PRIu64 " got in %.3f s\naudit: %s\n", result.produced,
	       result.consumed, (double)duration_ns / (double)DMONITOR_NS_PER_S, sentence);
	if (fflush(stdout) != 0)
		return complain_errno("stdout", errno);
	return audit_ok(&result) ? 0 : EXIT_WRONG;
}

static int run_workers(struct workers *workers, struct crew *crew, const struct options *options)
{
	const int64_t workers_count = (int64_t)(options->producers + options->consumers);
	int64_t begin_ns;
	int error;

	if ((error = workers_await_ready(workers, ready_ns + workers_count * ready_each_ns)) == 0) {
		/* All have the buffer open. Without a name it goes with the last of them, however
		 * they and this process end. */
		crew_remove_buffer(crew);
		begin_ns = dmonitor_clock_now_ns();
		if ((error = watch(workers, crew, options->plain)) == 0)
			return report(crew, dmonitor_clock_now_ns() - begin_ns);
	}
	if (error == EIO || error == ENOMEM)
		return complain_errno("stdout", error);
	return complain(crew_trouble(crew) != NULL ? crew_trouble(crew) : workers_error(workers));
}

static int run_crew(const struct options *options, const char *endpoint, int stop_fd)
{
	char name[64];
	const struct crew_plan plan = { .endpoint = endpoint,
		                        .buffer_name = name,
		                        .producers = options->producers,
		                        .consumers = options->consumers,
		                        .items = options->items,
		                        .capacity = options->capacity,
		                        .item_bytes = options->item_bytes,
		                        .produce = options->produce,
		                        .consume = options->consume,
		                        .seed = options->seed,
		                        .poll_interval_ms = options->poll_interval_ms };
	struct workers_plan workers_plan = { .count = plan.producers + plan.consumers,
		                             .run = crew_run,
		                             .name = crew_name,
		                             .stop_fd = stop_fd };
	struct workers *workers;
	struct crew *crew;
	int error, status;

	/* Nobody else on the same server may share the buffer: the audit would count their items.
	 */
	snprintf(name, sizeof(name), "producer_consumer/%ld.%" PRId64, (long)getpid(),
	         dmonitor_clock_now_ns());
	if ((error = crew_new(&plan, &crew)) != 0)
		return complain_errno("memory for the workers' logs", error);
	workers_plan.context = crew;
	if ((error = workers_start(&workers_plan, &workers)) != 0) {
		status = complain_errno("starting the workers", error);
	} else {
		/* From here on a stdout that is gone is an error like others, to clean up after. */
		signal(SIGPIPE, SIG_IGN);
		status = run_workers(workers, crew, options);
		workers_free(&workers);
		crew_remove_buffer(crew);
	}
	crew_free(&crew);
	return status;
}

static void print_plan(const struct options *options)
{
	char produce[64], consume[64];

	distribution_describe(&options->produce, produce, sizeof(produce));
	distribution_describe(&options->consume, consume, sizeof(consume));
	printf("%" PRIu64 " producers of %" PRIu64 " items, %" PRIu64
	       " consumers, a buffer of %" PRIu64 "; seed %" PRIu64 "\n"
	       "making an item takes %s, using it %s\n\n",
	       options->producers, options->items, options->consumers, options->capacity,
	       options->seed, produce, consume);
}

/* With a server of its own, or the one that was named. */
static int run(const struct options *options, int stop_fd)
{
	char bind[128], sentence[512];
	const struct server_process_options server_options = { .program = options->server_program,
		                                               .bind = bind };
	struct server_process *server = NULL;
	const char *endpoint = options->server;
	int error, status;

	if (endpoint == NULL) {
		error = server_process_endpoint_for(options->transport, bind, sizeof(bind));
		if (error != 0)
			return complain_errno("an endpoint for the server", error);
		if (server_process_start(&server_options, &server, sentence, sizeof(sentence)) != 0)
			return complain(sentence);
		endpoint = server_process_endpoint(server);
	}
	print_plan(options);
	status = run_crew(options, endpoint, stop_fd);
	if (server_process_stop(&server, sentence, sizeof(sentence)) != 0 && status == 0)
		status = complain(sentence);
	return status;
}

int main(int argc, char *argv[])
{
	struct options options;
	char sentence[256];
	int stop_fd, error;

	if (options_parse(argc, argv, &options, sentence, sizeof(sentence)) != 0) {
		fprintf(stderr, "producer_consumer: %s\nTry producer_consumer --help\n", sentence);
		return EXIT_USAGE;
	}
	if (options.help || options.version) {
		fputs(options.help ? options_help() : "producer_consumer " DMONITOR_VERSION "\n",
		      stdout);
		return fflush(stdout) == 0 ? 0 : EXIT_WRONG;
	}
	if (!options.seeded &&
	    getrandom(&options.seed, sizeof(options.seed), 0) != sizeof(options.seed))
		return complain_errno("a seed", errno);
	if ((error = interrupt_open(&stop_fd)) != 0)
		return complain_errno("signals", error);
	return run(&options, stop_fd);
}
