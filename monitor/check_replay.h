/*
 * check_replay.h: replays a record, event by event: through the model, which must expect what the
 * record says was said, and through the core, which must say it again, byte for byte.
 */
#ifndef DMONITOR_CHECK_REPLAY_H
#define DMONITOR_CHECK_REPLAY_H

#include "model.h"
#include "record_reader.h"

struct replay {
	struct dmonitor_core *core;
	struct dmonitor_model *model;
	struct dmonitor_outbox said; /* by the core now */
	struct dmonitor_text text;   /* the same, as in the record */
	uint64_t events;
	int64_t first_ns;
	int64_t last_ns;
	char server[DMONITOR_ID_BYTES + 1];
	bool unusable; /* the last sentence is not on a rule: the record, or memory, is at fault */
	char sentence[512];
};

/* NULL, or a sentence on what is wrong with the event of ${line}; valid until the next call. The
 * replay then cannot go on. */
const char *replay_step(struct replay *replay, struct record_line *line);

/* What was expected at the last step, as the record would have it. */
const char *replay_expected(struct replay *replay);

void replay_fini(struct replay *replay);

#endif
