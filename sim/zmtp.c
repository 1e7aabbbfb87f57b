/* zmtp.c: RFC 23 (ZMTP 3.0) as far as lengths go: a frame is a byte of flags, its size in one byte
 * or in eight, big end first, and so many bytes. */
#include "zmtp.h"

#include <stdbool.h>

enum { MORE = 1, LONG = 2, COMMAND = 4 };

/* The length of the frame at the beginning of ${bytes}; 0: not known yet; SIZE_MAX: junk. */
static size_t frame_bytes(const unsigned char *bytes, size_t size_bytes)
{
	uint64_t body = 0;
	size_t head;

	if (size_bytes == 0)
		return 0;
	if (bytes[0] > (MORE | LONG | COMMAND) || (bytes[0] & (MORE | COMMAND)) == (MORE | COMMAND))
		return SIZE_MAX;
	head = (bytes[0] & LONG) != 0 ? 9 : 2;
	if (size_bytes < head)
		return 0;
	for (size_t i = 1; i < head; i++)
		body = body << 8 | bytes[i];
	return body > ZMTP_PIECE_BYTES_MAX ? SIZE_MAX : head + (size_t)body;
}

/* A greeting begins with FF, eight bytes, 7F; then comes its version. */
static bool fits_greeting(size_t place, unsigned char byte)
{
	if (place == 0)
		return byte == 0xff;
	if (place == 9)
		return byte == 0x7f;
	return place != 10 || byte >= 3;
}

static enum zmtp_piece cut_greeting(struct zmtp *zmtp, const unsigned char *bytes,
                                    size_t size_bytes, size_t *length)
{
	const size_t wanted = ZMTP_GREETING_BYTES - zmtp->greeting_bytes;
	const size_t there = size_bytes < wanted ? size_bytes : wanted;

	if (there == 0)
		return ZMTP_NONE;
	for (size_t i = 0; i < there; i++)
		if (!fits_greeting(zmtp->greeting_bytes + i, bytes[i]))
			return ZMTP_JUNK;
	zmtp->greeting_bytes += there;
	*length = there;
	return ZMTP_GREETING;
}

enum zmtp_piece zmtp_cut(struct zmtp *zmtp, const unsigned char *bytes, size_t size_bytes,
                         size_t *length)
{
	size_t at = 0;

	if (zmtp->greeting_bytes < ZMTP_GREETING_BYTES)
		return cut_greeting(zmtp, bytes, size_bytes, length);
	for (;;) {
		const size_t frame = frame_bytes(bytes + at, size_bytes - at);
		const unsigned char flags = at < size_bytes ? bytes[at] : 0;

		if (frame == SIZE_MAX || (at > 0 && (flags & COMMAND) != 0) ||
		    at + frame > ZMTP_PIECE_BYTES_MAX)
			return ZMTP_JUNK;
		if (frame == 0 || frame > size_bytes - at)
			return ZMTP_NONE;
		at += frame;
		if ((flags & MORE) != 0)
			continue;
		*length = at;
		return (flags & COMMAND) != 0 ? ZMTP_COMMAND : ZMTP_MESSAGE;
	}
}
