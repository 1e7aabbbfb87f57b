/*
 * recovery_play.h: what the processes of one attempt share, and their parts. The victim and the
 * survivor are forked by the director, so they end with it.
 */
#ifndef PERF_RECOVERY_PLAY_H
#define PERF_RECOVERY_PLAY_H

#include <stdatomic.h>

#include "../sim/workers.h"
#include "recovery_attempt.h"

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

/* Whether ${fault} is about the condition. */
bool recovery_has_waiters(enum recovery_fault fault);

/* recovery_cast.c: joining, and the parts of victim and survivor, who go when they get their cue.
 * The last is a workers_run_function; what it returns stands on the board too. */
int recovery_join(struct attempt *attempt, int index);
int recovery_play(void *context, size_t index, struct worker *self);
void recovery_look_again(void); /* a short pause; nothing that is timed depends on it */
void recovery_await(_Atomic bool *flag);

/* recovery_direct.c: the director's part, by the attempt's fault; the cast has been forked. */
int recovery_direct(struct attempt *attempt);
void recovery_begin_step(struct attempt *attempt, enum step step);

#endif
