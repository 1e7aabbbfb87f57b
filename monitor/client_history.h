/*
 * client_history.h: what a program asked of the library, and what it was told, as lines of JSON in
 * a file that monitor_check compares with the server's record. DESIGN.md, section "Histories", has
 * the format. Nothing here can fail a call: what cannot be written ends the history.
 */
#ifndef DMONITOR_CLIENT_HISTORY_H
#define DMONITOR_CLIENT_HISTORY_H

#include "client.h"

/* Append to the file at ${path}, which several processes may share: 0 or an errno value. */
int dmonitor_history_open(const char *path, struct dmonitor_history **history);
void dmonitor_history_close(struct dmonitor_history **history);

/* Around each call of ${session}, which is locked; without a history they do nothing. ${monitor}
 * and
 * ${condition} may be NULL, ${timeout_ms} is negative for none. Each is one write(2). */
void dmonitor_history_invoke(dmonitor_session *session, const dmonitor *monitor, const char *op,
                             const char *condition, int64_t timeout_ms);
void dmonitor_history_return(dmonitor_session *session, const dmonitor *monitor, int result);

#endif
