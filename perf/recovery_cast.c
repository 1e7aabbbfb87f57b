/*
 * recovery_cast.c: the victim and the survivor: they join, wait for their cue, and go where they
 * are wanted; whose progress is timed notes its own clock.
 */
#include "recovery_play.h"

#include <unistd.h>

#include "../monitor/clock.h"

/* How often flags and stands are looked at. */
#define LOOK_NS (100 * DMONITOR_NS_PER_US)

bool recovery_has_waiters(enum recovery_fault fault)
{
	return fault == RECOVERY_WAITER_KILLED || fault == RECOVERY_WAITER_KILLED_ALL ||
	       fault == RECOVERY_SIGNALLED_KILLED;
}

void recovery_look_again(void)
{
	dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + LOOK_NS);
}

void recovery_await(_Atomic bool *flag)
{
	while (!atomic_load(flag))
		recovery_look_again();
}

int recovery_join(struct attempt *attempt, int index)
{
	const bool stopped = attempt->fault == RECOVERY_HOLDER_STOPPED && index == VICTIM;
	const struct recovery_role role = {
		.index = index,
		.lease_ms = stopped ? RECOVERY_LEASE_MS : 0,
		.signals_soon = attempt->fault == RECOVERY_SIGNALLED_KILLED && index == DIRECTOR
	};

	return attempt->system->join(attempt->site, &role, &attempt->member);
}

/* Wait for an item and take it. */
static int take_item(struct attempt *attempt)
{
	int result = 0;

	while (result == 0 && attempt->board->items == 0)
		result = attempt->system->wait(attempt->member);
	return result;
}

/* The lease of one who is stopped runs from its last message, which is not earlier than this one.
 */
static int be_stopped(struct attempt *attempt)
{
	struct board *board = attempt->board;
	int result;

	recovery_await(&board->speaks);
	board->last_message_ns = dmonitor_clock_now_ns();
	result = attempt->system->check(attempt->member);
	board->spoke = true;
	recovery_await(&board->goes_on);
	board->exit_result = attempt->system->exit(attempt->member);
	board->tried = true;
	return result;
}

static int be_victim(struct attempt *attempt)
{
	int result = attempt->system->enter(attempt->member);

	if (result == 0 && recovery_has_waiters(attempt->fault))
		result = take_item(attempt);
	if (result != 0)
		return result;
	attempt->board->inside = true;
	if (attempt->fault == RECOVERY_HOLDER_STOPPED)
		return be_stopped(attempt);
	for (;;)
		pause();
}

static int be_survivor(struct attempt *attempt)
{
	struct board *board = attempt->board;
	int result;

	do {
		result = attempt->system->enter(attempt->member);
		if (result == 0 && recovery_has_waiters(attempt->fault))
			result = take_item(attempt);
		if (result != 0)
			return result;
		board->progress_ns = dmonitor_clock_now_ns();
		board->progresses++;
		board->items = 0;
		if (attempt->fault == RECOVERY_HOLDER_STOPPED) {
			recovery_await(&board->tried);
			board->outcome.disturbed = attempt->system->check(attempt->member) != 0;
			board->checked = true;
		}
		result = attempt->system->exit(attempt->member);
	} while (result == 0 && recovery_has_waiters(attempt->fault));
	if (result != 0)
		return result;
	for (;;)
		pause();
}

int recovery_play(void *context, size_t index, struct worker *self)
{
	struct attempt *attempt = context;
	int result = recovery_join(attempt, (int)index);

	(void)self;
	if (result == 0) {
		recovery_await(&attempt->board->cues[index]);
		result = index == VICTIM ? be_victim(attempt) : be_survivor(attempt);
	}
	attempt->board->failure = result;
	return result;
}
