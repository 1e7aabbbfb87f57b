/*
 * recovery_direct.c: the director: it brings victim and survivor into the state wanted, strikes,
 * and is the owner or the signaller where the fault wants one. A call that never comes back can
 * only be its own.
 */
#include "recovery_play.h"

#include <errno.h>
#include <signal.h>

#include "../monitor/clock.h"

/* The waits and signals that follow a dead waiter: it takes some until all of the harm shows. */
enum { ROUNDS = 4 };

void recovery_begin_step(struct attempt *attempt, enum step step)
{
	attempt->board->step_ns = dmonitor_clock_now_ns();
	attempt->board->step = step;
}

/* Let ${who} go, and wait until it stands ${where}. */
static int bring(struct attempt *attempt, int who, enum recovery_stand where)
{
	const pid_t pid = workers_pid(attempt->cast, (size_t)who);

	attempt->board->cues[who] = true;
	while (!attempt->system->stands(attempt->member, pid, who, where)) {
		if (attempt->board->failure != 0)
			return attempt->board->failure;
		recovery_look_again();
	}
	return 0;
}

/* Send ${signal_number} to the victim; when. */
static int64_t strike(struct attempt *attempt, int signal_number)
{
	const int64_t now_ns = dmonitor_clock_now_ns();

	workers_kill(attempt->cast, VICTIM, signal_number);
	return now_ns;
}

/* Whether the survivor has come further than ${before} times within the limit. */
static bool await_progress(struct attempt *attempt, int64_t before)
{
	const int64_t begin_ns = dmonitor_clock_now_ns();

	recovery_begin_step(attempt, AWAITING);
	while (attempt->board->progresses == before) {
		if (dmonitor_clock_now_ns() - begin_ns > attempt->limit_ns)
			return false;
		recovery_look_again();
	}
	return true;
}

/* The first progress after a fault at ${struck_ns}. */
static void note_first(struct attempt *attempt, int64_t struck_ns)
{
	struct board *board = attempt->board;

	board->outcome.first_ns = await_progress(attempt, 0) ? board->progress_ns - struck_ns : -1;
}

static int direct_holder(struct attempt *attempt)
{
	int result;

	attempt->board->cues[VICTIM] = true;
	recovery_await(&attempt->board->inside);
	result = bring(attempt, SURVIVOR, RECOVERY_IN_LINE);
	if (result == 0)
		note_first(attempt, strike(attempt, SIGKILL));
	return result;
}

static int direct_stopped(struct attempt *attempt)
{
	struct board *board = attempt->board;
	int result;

	board->cues[VICTIM] = true;
	recovery_await(&board->inside);
	result = bring(attempt, SURVIVOR, RECOVERY_IN_LINE);
	if (result != 0)
		return result;
	board->speaks = true;
	recovery_await(&board->spoke);
	note_first(attempt, strike(attempt, SIGSTOP));
	if (board->outcome.first_ns < 0)
		return 0;
	board->outcome.early =
	    board->progress_ns < board->last_message_ns + RECOVERY_LEASE_MS * DMONITOR_NS_PER_MS;
	board->goes_on = true;
	strike(attempt, SIGCONT);
	recovery_await(&board->checked);
	board->outcome.unnoticed = board->exit_result != ESTALE;
	return 0;
}

static int direct_queued(struct attempt *attempt)
{
	int64_t struck_ns;
	int result = attempt->system->enter(attempt->member);

	if (result == 0)
		result = bring(attempt, VICTIM, RECOVERY_IN_LINE);
	if (result == 0)
		result = bring(attempt, SURVIVOR, RECOVERY_IN_LINE);
	if (result != 0)
		return result;
	struck_ns = strike(attempt, SIGKILL);
	result = attempt->system->exit(attempt->member);
	note_first(attempt, struck_ns);
	return result;
}

/* Put an item there, and awaken who waits for it. */
static int give(struct attempt *attempt)
{
	attempt->board->items = 1;
	attempt->board->outcome.signals++;
	return attempt->fault == RECOVERY_WAITER_KILLED_ALL
	           ? attempt->system->broadcast(attempt->member)
	           : attempt->system->signal(attempt->member);
}

/* The signal that goes with the fault, and the fault before it or, where the signalled one is to be
 * hit, between the signal and the exit. */
static int strike_waiter(struct attempt *attempt, int64_t *struck_ns)
{
	const bool signalled = attempt->fault == RECOVERY_SIGNALLED_KILLED;
	int result = attempt->system->enter(attempt->member);

	if (result == 0 && signalled)
		result = give(attempt);
	if (result == 0 && signalled)
		result = bring(attempt, VICTIM, RECOVERY_IN_LINE);
	if (result != 0)
		return result;
	*struck_ns = strike(attempt, SIGKILL);
	recovery_begin_step(attempt, SIGNALLING);
	if (!signalled)
		result = give(attempt);
	return result != 0 ? result : attempt->system->exit(attempt->member);
}

static int signal_once_more(struct attempt *attempt)
{
	int result;

	recovery_begin_step(attempt, SIGNALLING);
	result = attempt->system->enter(attempt->member);
	if (result == 0)
		result = give(attempt);
	return result != 0 ? result : attempt->system->exit(attempt->member);
}

static int direct_waiters(struct attempt *attempt)
{
	struct recovery_outcome *outcome = &attempt->board->outcome;
	int64_t struck_ns = 0;
	int result = bring(attempt, VICTIM, RECOVERY_WAITING);

	if (result == 0)
		result = bring(attempt, SURVIVOR, RECOVERY_WAITING);
	if (result == 0)
		result = strike_waiter(attempt, &struck_ns);
	if (result != 0)
		return result;
	note_first(attempt, struck_ns);
	outcome->lost += outcome->first_ns < 0;
	for (int i = 1; i < ROUNDS && result == 0; i++) {
		int64_t before;

		recovery_begin_step(attempt, SETTING_UP);
		result = bring(attempt, SURVIVOR, RECOVERY_WAITING);
		before = attempt->board->progresses;
		if (result == 0)
			result = signal_once_more(attempt);
		if (result == 0)
			outcome->lost += !await_progress(attempt, before);
	}
	return result;
}

int recovery_direct(struct attempt *attempt)
{
	static int (*const directions[RECOVERY_FAULTS])(struct attempt *) = {
		[RECOVERY_HOLDER_KILLED] = direct_holder,
		[RECOVERY_QUEUED_KILLED] = direct_queued,
		[RECOVERY_WAITER_KILLED] = direct_waiters,
		[RECOVERY_WAITER_KILLED_ALL] = direct_waiters,
		[RECOVERY_SIGNALLED_KILLED] = direct_waiters,
		[RECOVERY_HOLDER_STOPPED] = direct_stopped,
	};

	return directions[attempt->fault](attempt);
}
