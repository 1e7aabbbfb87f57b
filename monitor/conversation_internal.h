/* conversation_internal.h: what the files of the conversation share. For conversation*.c alone. */
#ifndef DMONITOR_CONVERSATION_INTERNAL_H
#define DMONITOR_CONVERSATION_INTERNAL_H

#include "conversation.h"

/* ${said} will not have to be said again. */
void conversation_forget(struct dmonitor_conversation *conversation, struct dmonitor_said *said);

/* Whether there is, or was, a session. */
static inline bool conversation_welcomed(const struct dmonitor_conversation *conversation)
{
	return conversation->session[0] != '\0';
}

#endif
