/*
 * benchmark_hostile.c: what honest clients keep of their throughput while others attack the server.
 *
 * For each attack a server of its own, two pairs of honest clients over tcp, each pair at one
 * monitor, and rounds of three windows: nobody else; the attack; a process that only burns as much
 * CPU as the attacker just did. The processors are shared by all, so what an attack costs beyond
 * its burner is what the server gave away to it.
 *
 *     benchmark_hostile [--rounds N] [--window-ms N] [ATTACK]...   (part of a name)
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../perf/statistics.h"
#include "../../sim/server_process.h"
#include "../clock.h"
#include "../dmonitor.h"
#include "attackers.h"

enum { HONEST = 4, ROUNDS_MAX = 100 };

struct shared {
	atomic_uint_fast64_t pairs; /* enter and exit, of all honest clients */
	atomic_uint_fast64_t failures;
	atomic_int crowd;
	struct attack_record record;
};

static struct shared *shared;
static int rounds = 3;
static int64_t window_ms = 1000;

static void fail(const char *sentence)
{
	fprintf(stderr, "benchmark_hostile: %s\n", sentence);
	exit(1);
}

/* In the child: die with the benchmark. */
static pid_t fork_child(void)
{
	const pid_t parent = getpid();
	const pid_t child = fork();

	if (child < 0)
		fail("cannot fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* An honest client: it connects again whenever its session is lost, and counts that. */
static void be_honest(const char *endpoint, int number)
{
	char id[24], name[24];
	const struct dmonitor_options options = { .process_id = id, .connect_timeout_ms = 20000 };

	snprintf(id, sizeof(id), "honest-%d", number);
	snprintf(name, sizeof(name), "honest-%d", number / 2);
	for (;;) {
		dmonitor_session *session = NULL;
		dmonitor *monitor = NULL;

		if (dmonitor_connect(endpoint, &options, &session) == 0 &&
		    dmonitor_open(session, name, 0, &monitor) == 0)
			while (dmonitor_enter(monitor) == 0 && dmonitor_exit(monitor) == 0)
				atomic_fetch_add(&shared->pairs, 1);
		atomic_fetch_add(&shared->failures, 1);
		dmonitor_disconnect(&session);
	}
}

static void sleep_ms(int64_t ms)
{
	dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + ms * DMONITOR_NS_PER_MS);
}

/* Use ${share} of one processor, in turns of two milliseconds. */
static void burn(double share)
{
	const int64_t turn_ns = 2 * DMONITOR_NS_PER_MS;

	for (int64_t turn = dmonitor_clock_now_ns();; turn += turn_ns) {
		while (dmonitor_clock_now_ns() < turn + (int64_t)(share * (double)turn_ns))
			continue;
		dmonitor_clock_sleep_until(turn + turn_ns);
	}
}

/* Resident memory of ${process} in MiB. */
static double resident_mib(pid_t process)
{
	char path[64];
	long pages = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/statm", process);
	file = fopen(path, "r");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* Pairs a second over one window; the most memory that ${server} had in it goes to ${mib}. */
static double measure(pid_t server, double *mib)
{
	const uint64_t before = atomic_load(&shared->pairs);
	const int64_t begin_ns = dmonitor_clock_now_ns();
	const int64_t end_ns = begin_ns + window_ms * DMONITOR_NS_PER_MS;

	while (dmonitor_clock_now_ns() < end_ns) {
		const double now_mib = resident_mib(server);

		sleep_ms(20);
		if (now_mib > *mib)
			*mib = now_mib;
	}
	return (double)(atomic_load(&shared->pairs) - before) * 1e9 /
	       (double)(dmonitor_clock_now_ns() - begin_ns);
}

/* What the windows of one attack gave. */
struct outcome {
	double quiet[ROUNDS_MAX];
	double begun[ROUNDS_MAX];    /* of quiet: while the attack begins */
	double attacked[ROUNDS_MAX]; /* of quiet: once it goes on */
	double fair[ROUNDS_MAX];     /* of the burner's window */
	double cpu[ROUNDS_MAX];      /* of one processor, by the attacker */
	double rest_mib, most_mib;
	uint64_t failures, cut, open;
	double sent_mib;
};

/* Until the attack stands: two windows at least, and until no further connections open. */
static void settle(void)
{
	const int64_t give_up_ns = dmonitor_clock_now_ns() + 10 * DMONITOR_NS_PER_S;
	uint64_t open;

	sleep_ms(window_ms);
	do {
		open = atomic_load(&shared->record.open);
		sleep_ms(window_ms);
	} while (atomic_load(&shared->record.open) > open && dmonitor_clock_now_ns() < give_up_ns);
}

static void play_round(const struct attack *attack, const struct server_process *server,
                       uint16_t port, int round, struct outcome *outcome)
{
	const pid_t pid = server_process_pid(server);
	double unused = 0, attacked;
	int64_t cpu_ns;
	pid_t child;

	outcome->quiet[round] = measure(pid, &outcome->rest_mib);
	atomic_store(&shared->record.open, 0);
	child = fork_child();
	if (child == 0)
		attack_run(attack, port, &shared->record);
	outcome->begun[round] = measure(pid, &outcome->most_mib) / outcome->quiet[round];
	settle();
	cpu_ns = dmonitor_clock_cpu_ns(child);
	attacked = measure(pid, &outcome->most_mib);
	outcome->cpu[round] = (double)(dmonitor_clock_cpu_ns(child) - cpu_ns) /
	                      (double)(window_ms * DMONITOR_NS_PER_MS);
	outcome->open = atomic_load(&shared->record.open);
	end_child(child);
	sleep_ms(window_ms / 2);
	child = fork_child();
	if (child == 0)
		burn(outcome->cpu[round]);
	sleep_ms(window_ms / 10);
	outcome->fair[round] = attacked / measure(pid, &unused);
	outcome->attacked[round] = attacked / outcome->quiet[round];
	end_child(child);
	sleep_ms(window_ms / 10);
}

static void print_ratio(double *ratios)
{
	const double median = statistics_median(ratios, (size_t)rounds); /* and sorts them */

	printf(" %5.2f (%4.2f-%4.2f)", median, ratios[0], ratios[rounds - 1]);
}

static void print_outcome(const struct attack *attack, struct outcome *outcome)
{
	printf("%-29s %7.0f", attack->name, statistics_median(outcome->quiet, (size_t)rounds));
	print_ratio(outcome->begun);
	print_ratio(outcome->attacked);
	print_ratio(outcome->fair);
	printf(" %4.2f %5.0f %6.0f %6llu %6llu %7llu %4llu\n",
	       statistics_median(outcome->cpu, (size_t)rounds), outcome->rest_mib,
	       outcome->most_mib, (unsigned long long)(outcome->sent_mib),
	       (unsigned long long)outcome->open, (unsigned long long)outcome->cut,
	       (unsigned long long)outcome->failures);
	fflush(stdout);
}

static void play(const struct attack *attack)
{
	struct server_process *server;
	struct outcome outcome = { .rest_mib = 0 };
	char sentence[512];
	pid_t honest[HONEST], crowd = 0;
	const char *endpoint;
	uint16_t port;

	memset(shared, 0, sizeof(*shared));
	if (server_process_start(NULL, &server, sentence, sizeof(sentence)) != 0)
		fail(sentence);
	endpoint = server_process_endpoint(server);
	port = (uint16_t)atoi(strrchr(endpoint, ':') + 1);
	for (int i = 0; i < HONEST; i++) {
		honest[i] = fork_child();
		if (honest[i] == 0)
			be_honest(endpoint, i);
	}
	if (attack->wants_crowd && (crowd = fork_child()) == 0)
		attack_crowd(port, &shared->crowd);
	while (attack->wants_crowd && atomic_load(&shared->crowd) == 0)
		sleep_ms(10);
	sleep_ms(window_ms / 2);
	for (int round = 0; round < rounds; round++)
		play_round(attack, server, port, round, &outcome);
	outcome.failures = atomic_load(&shared->failures);
	outcome.cut = atomic_load(&shared->record.cut);
	outcome.sent_mib = (double)atomic_load(&shared->record.bytes_sent) / (1 << 20);
	for (int i = 0; i < HONEST; i++)
		end_child(honest[i]);
	if (crowd != 0)
		end_child(crowd);
	if (server_process_stop(&server, sentence, sizeof(sentence)) != 0)
		printf("%s: %s\n", attack->name, sentence);
	print_outcome(attack, &outcome);
}

static bool wanted(const struct attack *attack, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strstr(attack->name, argv[i]) != NULL)
			return true;
	return argc == 0;
}

int main(int argc, char **argv)
{
	argc--, argv++;
	for (; argc >= 2 && strncmp(argv[0], "--", 2) == 0; argc -= 2, argv += 2) {
		const int value = atoi(argv[1]);

		if (value <= 0)
			fail("--rounds N and --window-ms N want a number");
		if (strcmp(argv[0], "--rounds") == 0)
			rounds = value < ROUNDS_MAX ? value : ROUNDS_MAX;
		else
			window_ms = value;
	}
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("no memory");
	printf(
	    "what honest clients keep: enter and exit of 2 pairs over tcp, median (least-most) of "
	    "%d\n"
	    "rounds of %lld ms; quiet: pairs/s undisturbed; first: of that, while the attack "
	    "begins; then: once\n"
	    "it goes on; fair: the same, of what is left beside a process that burns the "
	    "attacker's CPU.\n"
	    "CPU: of the attacker, of one processor; MiB: of the server, before and at most; sent: "
	    "MiB\n"
	    "%-29s %7s %-18s %-18s %-18s %4s %5s %6s %6s %6s %7s %4s\n",
	    rounds, (long long)window_ms, "attack", "quiet", " first", " then", " fair", "CPU",
	    "MiB", "most", "sent", "open", "cut", "lost");
	for (size_t i = 0; i < attack_count; i++)
		if (wanted(&attacks[i], argc, argv))
			play(&attacks[i]);
	return 0;
}
