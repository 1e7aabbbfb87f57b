/*
 * intake.h: from the frames of a message to a request. Requests that cost much, long messages and
 * STATUS, have a share of the server's time; beyond it they become ones to be refused.
 */
#ifndef DMONITOR_INTAKE_H
#define DMONITOR_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "connections.h"
#include "record.h"
#include "router.h"

struct intake {
	zmq_msg_t last;         /* the envelope that was read last */
	struct budget heavy;    /* of all connections */
	int64_t heavy_since_ns; /* when reading of the last began, if it costs much; else 0 */
};

void intake_init(struct intake *intake);
void intake_fini(struct intake *intake);

/* Read what ${peer} sent: ${frames}, whose envelope is taken, and lent until the next call. 0, or
 * ENOMEM. */
int intake_read(struct intake *intake, struct router_frames *frames, const struct peer *peer,
                struct dmonitor_envelope *envelope, struct dmonitor_request *request);

/* Whether what was read last costs much; then this is wanted once it has been served. ${peer} may
 * be gone: NULL. */
bool intake_is_heavy(const struct intake *intake);
void intake_charge(struct intake *intake, struct peer *peer);

#endif
