/* check_replay.c: replays a record through the core and the model. */
#include "check_replay.h"

#include <stdio.h>
#include <string.h>

static const char no_memory[] = "there is no memory for the replay";

static const char *unusable(struct replay *replay, const char *fault)
{
	replay->unusable = true;
	return fault;
}

static const char *begin(struct replay *replay, const struct record_line *line)
{
	if (replay->core != NULL)
		return line->event.kind == DMONITOR_EVENT_START
		           ? unusable(replay, "the server starts in the middle of its record")
		           : NULL;
	if (line->event.kind != DMONITOR_EVENT_START)
		return unusable(replay, "the record does not begin with START");
	replay->core = dmonitor_core_new(&line->options);
	replay->model = dmonitor_model_new(&line->options);
	replay->first_ns = line->event.now_ns;
	snprintf(replay->server, sizeof(replay->server), "%s", line->event.server);
	return replay->core == NULL || replay->model == NULL ? unusable(replay, no_memory) : NULL;
}

/* Ask the core once more. */
static const char *ask_core(struct replay *replay, struct record_line *line)
{
	const char *fault;
	size_t length;

	if (dmonitor_core_step(replay->core, &line->event, &replay->said) != 0)
		return unusable(replay, no_memory);
	fault = dmonitor_core_check(replay->core);
	if (fault != NULL) {
		snprintf(replay->sentence, sizeof(replay->sentence),
		         "the core's own invariants do not hold: %s", fault);
		return replay->sentence;
	}
	dmonitor_record_said(&replay->text, &replay->said);
	dmonitor_text_print(&replay->text, "\n");
	if (replay->text.failed)
		return unusable(replay, no_memory);
	length = line->length - line->said_at;
	if (length != replay->text.length ||
	    memcmp(replay->text.bytes, line->text + line->said_at, length) != 0)
		return "the core, asked again, does not say the same (I19: the same events lead to "
		       "the "
		       "same answers)";
	return NULL;
}

const char *replay_step(struct replay *replay, struct record_line *line)
{
	const char *fault = begin(replay, line);

	if (fault != NULL)
		return fault;
	if (replay->events > 0 && line->event.now_ns < replay->last_ns)
		return "time goes back (I19: events stand in their order)";
	replay->events++;
	replay->last_ns = line->event.now_ns;
	replay->text.length = 0;
	if (dmonitor_model_expect(replay->model, &line->event) != 0)
		return unusable(replay, no_memory);
	fault = dmonitor_model_compare(replay->model, &line->said);
	return fault != NULL ? fault : ask_core(replay, line);
}

const char *replay_expected(struct replay *replay)
{
	replay->text.length = 0;
	if (replay->model != NULL)
		dmonitor_record_said(&replay->text, dmonitor_model_expected(replay->model));
	return replay->text.bytes == NULL || replay->text.failed ? "" : replay->text.bytes;
}

void replay_fini(struct replay *replay)
{
	dmonitor_outbox_fini(&replay->said);
	dmonitor_core_free(&replay->core);
	dmonitor_model_free(&replay->model);
	dmonitor_text_fini(&replay->text);
}
