/*
 * world.h: one core, its clients and the network between them, in virtual time. A story is a
 * script of what clients do and when; its trace is what they hear and when.
 *
 * A line of a script is `TIME WHO VERB ARGUMENTS`, times in ms and rising. Messages travel for 1 ms
 * each way. Who begins with ~ polls, others say HELLO first. WHO may be a list: a,b,c.
 *
 *   ENTER m [timeout=N]             EXIT m [signal=c,d] [broadcast=c] [abandoned] [quiet]
 *   WAIT m c [timeout=N] [signal=]  SIGNAL m c, BROADCAST m c
 *   CHECK_GRANT m                   CHECK_AWAKENED m c
 *   CANCEL [m]                      CHECK m [token=N]
 *   HELLO [lease=N] [session=SECRET] [attempt=N]
 *   BEAT  BYE                       (a beat goes by itself when nothing else did, unless MUTE)
 *   ... as=ID  a session's request says this process_id too
 *   CLOSE   the connection ends     OPEN    another one begins
 *   RESUME  OPEN, and HELLO with the secret
 *   REPEAT  send the last numbered request again, byte for byte; OLDER: the one before it
 *   MUTE    no more beats
 *   STALL N the server stands still for N ms (WHO: -)
 *
 * A trace's line is `[TIME] WHO status what`, tokens counted from the server's first, as #1.
 */
#ifndef DMONITOR_TEST_WORLD_H
#define DMONITOR_TEST_WORLD_H

#include "../core.h"

/* Play ${script} and compare what was heard with ${trace}; both end each line with a newline.
 * After every step the core's invariants are checked. */
void world_story(const char *script, const char *trace);

/* The same, with a server that has these limits. */
void world_story_limited(const struct dmonitor_limits *limits, const char *script,
                         const char *trace);

/* Play ${script}; the trace is for the caller to free. */
char *world_play(const char *script);

#endif
