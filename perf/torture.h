/*
 * torture.h: a run with faults: workers that produce and consume for a time, while by a seeded plan
 * some of them are killed and replaced, stopped, and cut off.
 *
 * It goes in rounds. At the end of each all is healed, everything that was put is got, and the
 * round is audited while the workers rest; so the logs stay small however long the run is.
 */
#ifndef PERF_TORTURE_H
#define PERF_TORTURE_H

#include "../sim/server_process.h"
#include "recording.h"
#include "run.h"

/**
 * torture_run(request, recording, endpoint, server, result, reason):
 * Do the run that ${request} asks for, on the server at ${endpoint}, which is the process ${server}
 * unless that is NULL. Workers write their calls into ${recording}, unless that is NULL. Its audit
 * is made, and what it has come to is in *${result}, but for its status.
 *
 * Blocks   for the factors' duration, and what healing and ending take.
 * Errors   EINTR      the request's stop_fd can be read
 *          ECANCELED  the run is no good; the sentence is in ${reason}
 */
int torture_run(const struct run_request *request, const struct recording *recording,
                const char *endpoint, const struct server_process *server,
                struct run_result *result, char reason[KEYS_SENTENCE_BYTES]);

#endif
