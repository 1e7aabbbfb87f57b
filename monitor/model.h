/*
 * model.h: the monitor once more, written separately from the core, naively, from PROTOCOL.md and
 * DESIGN.md: arrays that are searched from end to end. It lets each event of a run happen, and says
 * whether what the core said is what the rules want, and if not, which rule broke.
 *
 * Rules are numbered as in DESIGN.md, section "Rules". The model opens, reads, prints and times
 * nothing. Single-threaded.
 */
#ifndef DMONITOR_MODEL_H
#define DMONITOR_MODEL_H

#include "core.h"

struct dmonitor_model;

/* What has happened so far. */
struct dmonitor_model_counts {
	uint64_t events;
	uint64_t clients;       /* sessions and polling clients that came */
	uint64_t monitors;      /* that came into being, each time counted */
	uint64_t monitors_most; /* that there were at a time */
	uint64_t grants;
	uint64_t waits;
	uint64_t signals;         /* that found a waiter */
	uint64_t signals_empty;   /* that found none */
	uint64_t signals_used;    /* that led to a grant */
	uint64_t signals_passed;  /* times that one went on to the next waiter */
	uint64_t signals_dropped; /* whose receiver ended, with nobody to pass them to */
	uint64_t broadcasts;
	uint64_t broadcast_woken; /* waiters awakened by them */
	uint64_t time_outs;       /* of ENTER and WAIT */
	uint64_t abandonments;    /* monitors whose owner died inside */
	uint64_t ended_lease;     /* clients whose lease was over */
	uint64_t ended_probation; /* clients that did not come back */
	uint64_t ended_goodbye;   /* by BYE */
	uint64_t errors;          /* replies with a code */
	int64_t late_ns;          /* longest time by which a due end was served late */
};

/* What became of ownership in a step, so that others can follow it. */
enum dmonitor_effect_kind {
	DMONITOR_EFFECT_GRANTED,  /* a client owns a monitor now, by token */
	DMONITOR_EFFECT_EXITED,   /* it gave that up */
	DMONITOR_EFFECT_WAITS,    /* and waits on condition */
	DMONITOR_EFFECT_ENDED,    /* or lost it with its session or connection */
	DMONITOR_EFFECT_SIGNAL,   /* who owns by token signals condition */
	DMONITOR_EFFECT_BROADCAST /* or all who wait there */
};

struct dmonitor_effect {
	enum dmonitor_effect_kind kind;
	uint64_t token;
	char client[DMONITOR_ID_BYTES + 1];
	char monitor[DMONITOR_NAME_BYTES + 1];
	char condition[DMONITOR_NAME_BYTES + 1];
};

/* ${options} are copied. NULL: out of memory. */
struct dmonitor_model *dmonitor_model_new(const struct dmonitor_core_options *options);
void dmonitor_model_free(struct dmonitor_model **model);

/**
 * dmonitor_model_expect(model, event):
 * Let ${event} happen, before the core is given it, for the core may take the request.
 * Errors   ENOMEM  the model is of no use any more
 */
int dmonitor_model_expect(struct dmonitor_model *model, const struct dmonitor_event *event);

/**
 * dmonitor_model_compare(model, said):
 * NULL if ${said} is what the last event expected should lead to; else a sentence on the rule that
 * broke, valid until the next call. The model is then of no use any more.
 */
const char *dmonitor_model_compare(struct dmonitor_model *model,
                                   const struct dmonitor_outbox *said);

/* Both, where the event is still whole; out of memory is a sentence too. */
const char *dmonitor_model_step(struct dmonitor_model *model, const struct dmonitor_event *event,
                                const struct dmonitor_outbox *said);

/* What the last event expected should make the core say; valid until the next. */
const struct dmonitor_outbox *dmonitor_model_expected(const struct dmonitor_model *model);

/* Of the last event expected, in order; valid until the next. */
const struct dmonitor_effect *dmonitor_model_effects(const struct dmonitor_model *model,
                                                     size_t *count);

const struct dmonitor_model_counts *dmonitor_model_counts(const struct dmonitor_model *model);

#endif
