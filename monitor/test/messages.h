/* messages.h: whether two messages say the same. All of it stands here, for fuzz targets too. */
#ifndef DMONITOR_TEST_MESSAGES_H
#define DMONITOR_TEST_MESSAGES_H

#include <string.h>

#include "../wire.h"

#define MUST_EQUAL(member)                                                                         \
	do {                                                                                       \
		if (a->member != b->member)                                                        \
			return #member;                                                            \
	} while (0)

#define MUST_READ_ALIKE(member)                                                                    \
	do {                                                                                       \
		if (!same_text(a->member, b->member))                                              \
			return #member;                                                            \
	} while (0)

static inline bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static inline bool same_names(const struct dmonitor_names *a, const struct dmonitor_names *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

/* NULL, or the name of the first member in which the two differ. The digest is not compared. */
static inline const char *request_difference(const struct dmonitor_request *a,
                                             const struct dmonitor_request *b)
{
	MUST_EQUAL(action);
	MUST_EQUAL(error);
	MUST_READ_ALIKE(error_text);
	MUST_READ_ALIKE(process_id);
	MUST_READ_ALIKE(monitor_name);
	MUST_READ_ALIKE(condition_name);
	MUST_READ_ALIKE(session);
	MUST_READ_ALIKE(label);
	MUST_READ_ALIKE(ref);
	MUST_EQUAL(seq);
	MUST_EQUAL(cancel_seq);
	MUST_EQUAL(timeout_ms);
	MUST_EQUAL(lease_ms);
	MUST_EQUAL(attempt);
	MUST_EQUAL(protocol);
	MUST_EQUAL(token);
	MUST_EQUAL(unanswered);
	MUST_EQUAL(abandoned);
	if (!same_names(&a->signal, &b->signal))
		return "signal";
	if (!same_names(&a->broadcast, &b->broadcast))
		return "broadcast";
	return NULL;
}

/* The same. What is not decoded of a reply (the limits, the report) is not compared. */
static inline const char *reply_difference(const struct dmonitor_reply *a,
                                           const struct dmonitor_reply *b)
{
	MUST_EQUAL(status);
	MUST_EQUAL(code);
	MUST_READ_ALIKE(message);
	MUST_READ_ALIKE(monitor_name);
	MUST_READ_ALIKE(condition_name);
	MUST_READ_ALIKE(ref);
	MUST_EQUAL(seq);
	MUST_EQUAL(cancel_seq);
	MUST_EQUAL(token);
	MUST_EQUAL(abandoned);
	MUST_EQUAL(timed_out);
	MUST_EQUAL(cancelled);
	MUST_EQUAL(tells_next);
	MUST_READ_ALIKE(next_granted_to);
	MUST_EQUAL(tells_woken);
	MUST_EQUAL(woken_processes);
	MUST_EQUAL(failed_seq);
	MUST_EQUAL(failed_code);
	MUST_EQUAL(protocol);
	MUST_EQUAL(lease_ms);
	MUST_EQUAL(last_seq);
	MUST_EQUAL(resumed);
	MUST_READ_ALIKE(session);
	MUST_READ_ALIKE(server);
	return NULL;
}

#undef MUST_EQUAL
#undef MUST_READ_ALIKE

#endif
