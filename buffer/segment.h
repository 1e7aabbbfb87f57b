/*
 * segment.h: which shared memory segment belongs to which buffer, and which belong to nobody any
 * more. A segment's name holds a hash of its server's id and its buffer's name, its first bytes
 * tell both in full. What else it holds is not known here.
 *
 * Whoever uses a segment holds a shared flock(2) on it, which goes with its process. So an
 * exclusive one can be had just when nobody uses it.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <stdbool.h>

/* Room for a segment's name, such as /bounded_buffer-0123456789abcdef. */
enum { SEGMENT_NAME_BYTES = 48 };

/* What a segment begins with. A string that is not ended within its room is a broken one. */
struct segment_identity {
	char server_id[256];
	char buffer_name[136];
};

void segment_name(const char *server_id, const char *buffer_name, char name[SEGMENT_NAME_BYTES]);

/* Fill in ${identity}. Returns 0, EINVAL for a server without an id, or ENAMETOOLONG. */
int segment_identify(struct segment_identity *identity, const char *server_id,
                     const char *buffer_name);

bool segment_is(const struct segment_identity *identity, const char *server_id,
                const char *buffer_name);

/* Whether no process uses the segment open as ${fd}. If so, it cannot be used until ${fd} is
 * closed, or its lock given up. */
bool segment_claim(int fd);

/* Whether the segment open as ${fd} still has its name. */
bool segment_linked(int fd);

/**
 * segment_clean():
 * Unlink the segments that no one can need: those of a server of this host that has ended, and
 * those that nobody uses and that were left half made or name a server of another boot of this
 * host. (Another boot of a host of this name alone proves little: there may be two such hosts.)
 * What cannot be read is left alone.
 *
 * A server in a PID namespace of its own must have a host name of its own too, or it counts as
 * ended here.
 */
void segment_clean(void);

#endif
