/*
 * crew.h: the demo's producers and consumers as processes: what they share with the process that
 * watches them, and what each of them does.
 */
#ifndef SIM_CREW_H
#define SIM_CREW_H

#include <stddef.h>
#include <stdint.h>

#include "audit.h"
#include "distribution.h"
#include "history.h"
#include "picture.h"
#include "workers.h"

/* What they are to do. Kept for as long as the crew; the strings are borrowed. */
struct crew_plan {
	const char *endpoint;
	const char *buffer_name;
	size_t producers;
	size_t consumers;
	uint64_t items; /* of each producer */
	size_t capacity;
	size_t item_bytes;
	struct distribution produce;
	struct distribution consume;
	uint64_t seed;
	int64_t poll_interval_ms; /* 0: none */
};

struct crew;

/* Make room for what they share. Errors: ENOMEM, and those of mmap(2). */
int crew_new(const struct crew_plan *plan, struct crew **crew);
void crew_free(struct crew **crew);

/* For struct workers_plan, with the crew as context: producers first, then consumers. A worker is
 * ready when it has opened the buffer. */
int crew_run(void *context, size_t index, struct worker *self);
void crew_name(void *context, size_t index, char *text, size_t room_bytes);

/* Begin to follow what they do. ${history} and ${picture} are valid as long as the crew. */
void crew_follow(struct crew *crew, struct history *history, struct picture *picture);

/* Audit what they have done so far. Errors: ENOMEM. */
int crew_audit(const struct crew *crew, struct audit_result *result);

/* A sentence on why a worker has failed, or NULL. */
const char *crew_trouble(const struct crew *crew);

/* Take the buffer's items out of the reach of anybody who has not opened it yet. They go once the
 * last of those who have is gone. */
void crew_remove_buffer(const struct crew *crew);

#endif
