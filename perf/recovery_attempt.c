/*
 * recovery_attempt.c: one fault and what becomes of the others.
 *
 * Three processes: the victim; the survivor, whose progress depends on the victim; and the
 * director, who brings both into the state wanted, strikes, and, where the fault wants one, is the
 * owner or the signaller. The director forked the other two, so they end with it; a call that never
 * comes back can only be its own, and the program, which waits for it, ends it then.
 */
#include "recovery_attempt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "../sim/workers.h"

/* The waits and signals that follow a dead waiter: it takes some until all of the harm shows. */
enum { ROUNDS = 4 };

/* How long processes may take to come where they are wanted. */
#define SETUP_NS (10 * DMONITOR_NS_PER_S)

/* How often flags and stands are looked at. Nothing that is timed depends on it. */
#define LOOK_NS (100 * DMONITOR_NS_PER_US)

enum { VICTIM, SURVIVOR, CAST, DIRECTOR = CAST };

/* What the director is at, so that it is known where it is stuck. */
enum step { SETTING_UP, SIGNALLING, AWAITING };

/* Shared by the processes of an attempt. */
struct board {
	_Atomic int step;
	_Atomic int64_t step_ns;         /* since when */
	_Atomic bool cues[CAST];         /* go where you are wanted */
	_Atomic bool inside;             /* the victim is */
	_Atomic bool speaks;             /* before it is stopped it is to say its last word */
	_Atomic bool spoke;              /* and has */
	_Atomic bool goes_on;            /* it is to try its exit */
	_Atomic bool tried;              /* and has */
	_Atomic bool checked;            /* the survivor has looked whether it is still inside */
	_Atomic int items;               /* what is waited for; changed by who is inside */
	_Atomic int64_t last_message_ns; /* not later than the victim's last one */
	_Atomic int64_t progress_ns;     /* when the survivor was last inside */
	_Atomic int64_t progresses;
	_Atomic int failure; /* of the victim or the survivor */
	int exit_result;
	struct recovery_outcome outcome;
};

struct attempt {
	const struct recovery_system *system;
	void *site;
	enum recovery_fault fault;
	int64_t limit_ns;
	struct board *board;
	struct workers *cast; /* in the director */
	void *member;         /* of the process that runs */
};

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

static bool has_waiters(enum recovery_fault fault)
{
	return fault == RECOVERY_WAITER_KILLED || fault == RECOVERY_WAITER_KILLED_ALL ||
	       fault == RECOVERY_SIGNALLED_KILLED;
}

static void look_again(void)
{
	dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + LOOK_NS);
}

static void await_flag(_Atomic bool *flag)
{
	while (!atomic_load(flag))
		look_again();
}

static int join(struct attempt *attempt, int index)
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

	await_flag(&board->speaks);
	board->last_message_ns = dmonitor_clock_now_ns();
	result = attempt->system->check(attempt->member);
	board->spoke = true;
	await_flag(&board->goes_on);
	board->exit_result = attempt->system->exit(attempt->member);
	board->tried = true;
	return result;
}

static int be_victim(struct attempt *attempt)
{
	int result = attempt->system->enter(attempt->member);

	if (result == 0 && has_waiters(attempt->fault))
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
		if (result == 0 && has_waiters(attempt->fault))
			result = take_item(attempt);
		if (result != 0)
			return result;
		board->progress_ns = dmonitor_clock_now_ns();
		board->progresses++;
		board->items = 0;
		if (attempt->fault == RECOVERY_HOLDER_STOPPED) {
			await_flag(&board->tried);
			board->outcome.disturbed = attempt->system->check(attempt->member) != 0;
			board->checked = true;
		}
		result = attempt->system->exit(attempt->member);
	} while (result == 0 && has_waiters(attempt->fault));
	if (result != 0)
		return result;
	for (;;)
		pause();
}

static int play(void *context, size_t index, struct worker *self)
{
	struct attempt *attempt = context;
	int result = join(attempt, (int)index);

	(void)self;
	if (result == 0) {
		await_flag(&attempt->board->cues[index]);
		result = index == VICTIM ? be_victim(attempt) : be_survivor(attempt);
	}
	attempt->board->failure = result;
	return result;
}

static void begin_step(struct attempt *attempt, enum step step)
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
		look_again();
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

	begin_step(attempt, AWAITING);
	while (attempt->board->progresses == before) {
		if (dmonitor_clock_now_ns() - begin_ns > attempt->limit_ns)
			return false;
		look_again();
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
	await_flag(&attempt->board->inside);
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
	await_flag(&board->inside);
	result = bring(attempt, SURVIVOR, RECOVERY_IN_LINE);
	if (result != 0)
		return result;
	board->speaks = true;
	await_flag(&board->spoke);
	note_first(attempt, strike(attempt, SIGSTOP));
	if (board->outcome.first_ns < 0)
		return 0;
	board->outcome.early =
	    board->progress_ns < board->last_message_ns + RECOVERY_LEASE_MS * DMONITOR_NS_PER_MS;
	board->goes_on = true;
	strike(attempt, SIGCONT);
	await_flag(&board->checked);
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
	begin_step(attempt, SIGNALLING);
	if (!signalled)
		result = give(attempt);
	return result != 0 ? result : attempt->system->exit(attempt->member);
}

static int signal_once_more(struct attempt *attempt)
{
	int result;

	begin_step(attempt, SIGNALLING);
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

		begin_step(attempt, SETTING_UP);
		result = bring(attempt, SURVIVOR, RECOVERY_WAITING);
		before = attempt->board->progresses;
		if (result == 0)
			result = signal_once_more(attempt);
		if (result == 0)
			outcome->lost += !await_progress(attempt, before);
	}
	return result;
}

/* The cast is forked before this process has a ZeroMQ context, and dies with it. */
static int direct(void *context, size_t index, struct worker *self)
{
	static int (*const directions[RECOVERY_FAULTS])(struct attempt *) = {
		[RECOVERY_HOLDER_KILLED] = direct_holder,
		[RECOVERY_QUEUED_KILLED] = direct_queued,
		[RECOVERY_WAITER_KILLED] = direct_waiters,
		[RECOVERY_WAITER_KILLED_ALL] = direct_waiters,
		[RECOVERY_SIGNALLED_KILLED] = direct_waiters,
		[RECOVERY_HOLDER_STOPPED] = direct_stopped,
	};
	struct attempt *attempt = context;
	const struct workers_plan plan = {
		.count = CAST, .run = play, .context = attempt, .stop_fd = -1
	};
	int result = workers_start(&plan, &attempt->cast);

	(void)index;
	(void)self;
	if (result != 0)
		return result;
	result = join(attempt, DIRECTOR);
	if (result == 0)
		result = directions[attempt->fault](attempt);
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
	begin_step(&attempt, SETTING_UP);
	result = run(&attempt, error, room_bytes);
	*outcome = attempt.board->outcome;
end:
	if (attempt.board != MAP_FAILED)
		munmap(attempt.board, sizeof(*attempt.board));
	return result;
}
