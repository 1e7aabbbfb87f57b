/*
 * recovery_attempt.c: one fault and what becomes of the others, from the program's side: it forks
 * the director, waits for it, and ends it where it is stuck.
 */
#include "recovery_attempt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../monitor/clock.h"
#include "recovery_play.h"

/* How long processes may take to come where they are wanted. */
#define SETUP_NS (10 * DMONITOR_NS_PER_S)

const char *recovery_fault_name(enum recovery_fault fault)
{
	static const char *const names[RECOVERY_FAULTS] = {
		[RECOVERY_HOLDER_KILLED] = "holder killed",
		[RECOVERY_QUEUED_KILLED] = "queued killed",
		[RECOVERY_WAITER_KILLED] = "waiter killed, signals",
		[RECOVERY_WAITER_KILLED_ALL] = "waiter killed, broadcasts",
		[RECOVERY_SIGNALLED_KILLED] = "signalled killed",
		[RECOVERY_HOLDER_STOPPED] = "holder stopped",
	};

	return names[fault];
}

/* The cast is forked before this process has a ZeroMQ context, and dies with it. */
static int direct(void *context, size_t index, struct worker *self)
{
	struct attempt *attempt = context;
	const struct workers_plan plan = {
		.count = CAST, .run = recovery_play, .context = attempt, .stop_fd = -1
	};
	int result = workers_start(&plan, &attempt->cast);

	(void)index;
	(void)self;
	if (result != 0)
		return result;
	result = recovery_join(attempt, DIRECTOR);
	if (result == 0)
		result = recovery_direct(attempt);
	workers_free(&attempt->cast);
	return result;
}

/* Wait for the director: 0, ETIMEDOUT where it is stuck in a step, or how it ended. */
static int await_director(struct attempt *attempt, struct workers *director)
{
	struct board *board = attempt->board;
	int result;

	while ((result = workers_await_end(director, attempt->limit_ns / 4)) == ETIMEDOUT) {
		const int64_t limit_ns =
		    board->step == SIGNALLING ? attempt->limit_ns : SETUP_NS + attempt->limit_ns;

		if (dmonitor_clock_now_ns() - board->step_ns > limit_ns)
			return ETIMEDOUT;
	}
	return result;
}

static int run(struct attempt *attempt, char *error, size_t room_bytes)
{
	const struct workers_plan plan = {
		.count = 1, .run = direct, .context = attempt, .stop_fd = -1
	};
	struct workers *director;
	int result = workers_start(&plan, &director);

	if (result != 0) {
		snprintf(error, room_bytes, "cannot fork: %s", strerror(result));
		return result;
	}
	result = await_director(attempt, director);
	if (result == ETIMEDOUT && attempt->board->step == SIGNALLING) {
		attempt->board->outcome.blocked = true;
		result = 0;
	} else if (result == ETIMEDOUT) {
		snprintf(error, room_bytes, "the processes did not come where they were wanted%s%s",
		         attempt->board->failure == 0 ? "" : ": ",
		         attempt->board->failure == 0 ? "" : strerror(attempt->board->failure));
	} else if (result != 0) {
		snprintf(error, room_bytes, "the director ended: %s", workers_error(director));
	}
	workers_free(&director);
	return result;
}

int recovery_attempt(const struct recovery_system *system, void *site, enum recovery_fault fault,
                     int64_t limit_ms, struct recovery_outcome *outcome, char *error,
                     size_t room_bytes)
{
	const int64_t lease_ms = fault == RECOVERY_HOLDER_STOPPED ? RECOVERY_LEASE_MS : 0;
	struct attempt attempt = { .system = system,
		                   .site = site,
		                   .fault = fault,
		                   .limit_ns = (lease_ms + limit_ms) * DMONITOR_NS_PER_MS };
	int result = system->freshen(site);

	attempt.board = mmap(NULL, sizeof(*attempt.board), PROT_READ | PROT_WRITE,
	                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (result == 0 && attempt.board == MAP_FAILED)
		result = ENOMEM;
	if (result != 0) {
		snprintf(error, room_bytes, "%s", strerror(result));
		goto end;
	}
	attempt.board->outcome.first_ns = -1;
	recovery_begin_step(&attempt, SETTING_UP);
	result = run(&attempt, error, room_bytes);
	*outcome = attempt.board->outcome;
end:
	if (attempt.board != MAP_FAILED)
		munmap(attempt.board, sizeof(*attempt.board));
	return result;
}
