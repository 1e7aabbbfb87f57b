/*
 * record.h: a run of the core as text, so that it can be replayed and checked: what happened, in
 * the core's order, and what it said. One JSON object a line, ended by a newline; DESIGN.md,
 * section "The record", has the format. A line is written before what it tells of is sent.
 */
#ifndef DMONITOR_RECORD_H
#define DMONITOR_RECORD_H

#include "core.h"
#include "wire_text.h"

enum { DMONITOR_RECORD_VERSION = 1 };

/* A message as it came; a view. */
struct dmonitor_envelope {
	const char *bytes;
	size_t size_bytes;
	size_t frames;    /* behind the delimiter; 0: there was none */
	bool over_budget; /* refused for what it costs (budget.h) */
};

/* The lines of a record. An event's is that of a step which did what it says: of one that met
 * ENOMEM only a TICK's, limited to what it served. ${options} are told by START alone. */
void dmonitor_record_header(struct dmonitor_text *text);
void dmonitor_record_event(struct dmonitor_text *text, const struct dmonitor_event *event,
                           const struct dmonitor_core_options *options,
                           const struct dmonitor_envelope *envelope,
                           const struct dmonitor_outbox *said);
void dmonitor_record_end(struct dmonitor_text *text, int64_t now_ns, uint64_t events);

/* The end of an event's line, from `"said"` on. */
void dmonitor_record_said(struct dmonitor_text *text, const struct dmonitor_outbox *said);

/* One limit or time of the core's options: its key in START, and where it stands. */
struct dmonitor_record_option {
	const char *key;
	size_t offset;
};

/* Ended by a NULL key. */
extern const struct dmonitor_record_option dmonitor_record_options[];

#endif
