/*
 * workers.h: worker processes that are forked, started at one instant, watched and reaped together.
 *
 * Fork them before any ZeroMQ context exists in this process: contexts must not cross a fork. A
 * worker dies with its parent, whatever ends that, and leaves Ctrl-C to it. Only processes that
 * workers_start() made are ever signalled or waited for, each by its pid.
 *
 * Result   0, or a positive errno value; workers_error() then has the sentence for people.
 * Thread   all calls from the thread that called workers_start(): the workers end with it.
 */
#ifndef SIM_WORKERS_H
#define SIM_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct workers; /* all of them, in the parent */
struct worker;  /* one, in its own process */

/* The body of worker ${index}. What it returns, 0 to 255, is its exit status: 0 if all went well,
 * else best an errno value, because that is what the sentences translate it to. */
typedef int workers_run_function(void *context, size_t index, struct worker *self);

/* Write the name of worker ${index} for sentences, such as "consumer 3", into ${text}. */
typedef void workers_name_function(void *context, size_t index, char *text, size_t room_bytes);

struct workers_plan {
	size_t count;
	workers_run_function *run;
	workers_name_function *name; /* NULL: "worker INDEX" */
	void *context;               /* for both; as it is at the fork */
	int stop_fd; /* when it can be read, waiting ends with EINTR; -1: none. See interrupt.h */
};

/**
 * workers_start(plan, workers):
 * Fork ${plan}->count workers. ${plan} is copied.
 *
 * Owns     on 0 the caller owns *${workers} until workers_free().
 * Blocks   no.
 * Errors   those of fork(2) and mmap(2), EINVAL; no worker is left then
 */
int workers_start(const struct workers_plan *plan, struct workers **workers);

/**
 * worker_ready(self):
 * In a worker: report that it is ready, wait for the common start, and return that instant, which
 * has just come (dmonitor_clock_now_ns). Can be called again for a further common start.
 */
int64_t worker_ready(struct worker *self);

/**
 * workers_await_ready(workers, timeout_ns):
 * Wait until every worker is in worker_ready().
 *
 * Blocks   at most ${timeout_ns}; negative: no limit.
 * Errors   ETIMEDOUT  the sentence names the first one missing
 *          ECHILD     one has ended instead; the sentence says which and how
 *          EINTR      the plan's stop_fd can be read
 */
int workers_await_ready(struct workers *workers, int64_t timeout_ns);

/* Let all who are in worker_ready() start at ${start_ns}. Only after workers_await_ready(). */
void workers_go(struct workers *workers, int64_t start_ns);

/**
 * workers_await_end(workers, timeout_ns):
 * Wait until all workers have ended and reap them. After ETIMEDOUT it can be called again.
 *
 * Blocks   at most ${timeout_ns}; negative: no limit.
 * Errors   ETIMEDOUT  the sentence names the first one that still runs
 *          ECHILD     one has ended badly (others may still run: they may wait for it in vain)
 *          EINTR      the plan's stop_fd can be read
 */
int workers_await_end(struct workers *workers, int64_t timeout_ns);

/* Send ${signal_number} to worker ${index} if it has not been reaped. Its end counts as good then,
 * however it comes: the caller wanted it; SIGSTOP and SIGCONT do not mean its end. */
int workers_kill(struct workers *workers, size_t index, int signal_number);

/**
 * workers_end(workers, index):
 * Kill worker ${index} if it still runs, and reap it. Its end counts as good from now on.
 *
 * Errors   ECHILD  it had already ended, and badly; the sentence says how
 */
int workers_end(struct workers *workers, size_t index);

/**
 * workers_replace(workers, index):
 * End worker ${index}, however it is, and fork another in its place. The new one is not ready, so
 * at the next common start it is waited for like any other.
 *
 * Errors   those of fork(2); nobody is in that place then
 */
int workers_replace(struct workers *workers, size_t index);

/* Look whether a worker has ended by itself. Errors: ECHILD; the sentence says which and how. */
int workers_check(struct workers *workers);

pid_t workers_pid(const struct workers *workers, size_t index);

/* Whether worker ${index} has been reaped; *${wait_status} is then as in waitpid(2). */
bool workers_ended(const struct workers *workers, size_t index, int *wait_status);

/* A sentence about the last failure. Never NULL; valid until the next call. */
const char *workers_error(const struct workers *workers);

/* Kill whoever still runs, reap all, free *${workers} and null it; it may be NULL. */
void workers_free(struct workers **workers);

#endif
