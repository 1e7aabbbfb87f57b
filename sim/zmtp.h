/*
 * zmtp.h: where the messages are in a stream of ZMTP 3.x bytes: a greeting, commands, and messages
 * of one or more frames. Pure. It cuts the stream into whole pieces and looks at nothing else.
 */
#ifndef SIM_ZMTP_H
#define SIM_ZMTP_H

#include <stddef.h>
#include <stdint.h>

enum zmtp_piece {
	ZMTP_NONE,     /* the next piece is not complete */
	ZMTP_GREETING, /* of the first 64 bytes what is there: each end waits for the other's first
	                */
	ZMTP_COMMAND,  /* of the handshake, or a heartbeat */
	ZMTP_MESSAGE,  /* with all its frames */
	ZMTP_JUNK      /* this is no ZMTP 3.x, or larger than anything here should be */
};

enum { ZMTP_GREETING_BYTES = 64, ZMTP_PIECE_BYTES_MAX = 4 << 20 };

/* One direction of a connection. All zero at its beginning. */
struct zmtp {
	size_t greeting_bytes; /* that were cut off */
};

/* What ${bytes}, all of the stream that has come and was not cut off yet, begin with; its length
 * goes to *${length} unless it is NONE or JUNK. The next call is to begin behind it. */
enum zmtp_piece zmtp_cut(struct zmtp *zmtp, const unsigned char *bytes, size_t size_bytes,
                         size_t *length);

#endif
