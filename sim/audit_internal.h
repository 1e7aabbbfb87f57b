/* audit_internal.h: what the two halves of the audit share: items in audit.c, their history in
 * audit_history.c. */
#ifndef SIM_AUDIT_INTERNAL_H
#define SIM_AUDIT_INTERNAL_H

#include "audit.h"

/* A get in the midst of which its consumer was killed. */
struct unknown_get {
	uint64_t token;
	size_t consumer;
	size_t index;                   /* in its log */
	const struct audit_entry *item; /* that it must have taken; NULL: it did not happen */
};

struct audit {
	const struct audit_input *input;
	struct audit_result result;
	size_t *first;     /* for each producer, the number of its first item among all */
	uint64_t *got;     /* for each item, 1 + the token under which it was got; 0: it was not */
	uint64_t doubtful; /* operations that are not certain */
	struct unknown_get *unknown_gets; /* by token */
	size_t unknown_count;
};

/* The entry of the put of ${entry}'s item, or NULL. */
const struct audit_entry *audit_find_put(const struct audit *audit,
                                         const struct audit_entry *entry);

enum audit_doubt audit_doubt_of(const struct audit_log *log, size_t index);

/* Whether a put has happened: of one that is unknown, whether its item was got. */
bool audit_happened(const struct audit *audit, size_t producer, size_t index);

/* Play the history of the buffer through, into the audit's result. Errors: ENOMEM. */
int audit_history(struct audit *audit);

#endif
