/* messages.h: whether two messages say the same. */
#ifndef DMONITOR_TEST_MESSAGES_H
#define DMONITOR_TEST_MESSAGES_H

#include "../wire.h"

/* NULL, or the name of the first member in which the two differ. The digest, and what the client
 * does not decode of a reply (the limits, the report, next_granted_to, woken_processes), are not
 * compared. */
const char *request_difference(const struct dmonitor_request *a, const struct dmonitor_request *b);
const char *reply_difference(const struct dmonitor_reply *a, const struct dmonitor_reply *b);

#endif
