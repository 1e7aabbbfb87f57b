/* test_zmtp.c: streams of ZMTP bytes, whole and byte by byte, and streams of something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../zmtp.h"

#define GREETING                                                                                   \
	"\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define READY     "\4\6\5READY"
#define LONG_OF_2 "\3\0\0\0\0\0\0\0\2hi"

/* A stream and the pieces it is cut into, as lengths with a letter each: "g64 c8 m4". */
struct stream {
	const char *bytes;
	size_t size_bytes;
	const char *pieces;
};

static const struct stream streams[] = {
	{ GREETING, 64, "g64" },
	{ GREETING READY, 72, "g64 c8" },
	{ GREETING "\0\3abc", 69, "g64 m5" },
	{ GREETING "\1\0\1\2ab\0\1c"
	           "\0\0",
	  75, "g64 m9 m2" },
	{ GREETING LONG_OF_2 "\0\1x" READY, 86, "g64 m14 c8" },
	{ GREETING "\1\0\0\3ab", 70, "g64" }, /* the last byte is missing */
	{ GREETING "\1\0", 66, "g64" },       /* more is to come */
};

/* Cut ${size_bytes} bytes that come ${step} at a time; greetings are put together again. */
static void cut_all(const char *bytes, size_t size_bytes, size_t step, char *pieces)
{
	struct zmtp zmtp = { 0 };
	size_t at = 0, greeting = 0, come = 0;

	*pieces = '\0';
	while (come < size_bytes) {
		enum zmtp_piece piece;
		size_t length;

		come = come + step < size_bytes ? come + step : size_bytes;
		while ((piece = zmtp_cut(&zmtp, (const unsigned char *)bytes + at, come - at,
		                         &length)) != ZMTP_NONE) {
			char text[32];

			if (piece == ZMTP_JUNK) {
				strcat(pieces, " junk");
				return;
			}
			at += length;
			if (piece == ZMTP_GREETING && (greeting += length) < ZMTP_GREETING_BYTES)
				continue;
			snprintf(text, sizeof(text), "%s%c%zu", *pieces ? " " : "",
			         piece == ZMTP_GREETING  ? 'g'
			         : piece == ZMTP_COMMAND ? 'c'
			                                 : 'm',
			         piece == ZMTP_GREETING ? greeting : length);
			strcat(pieces, text);
		}
	}
}

static void streams_are_cut_into_their_pieces_however_they_come(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		for (size_t step = 1; step <= streams[i].size_bytes; step++) {
			char pieces[256];

			cut_all(streams[i].bytes, streams[i].size_bytes, step, pieces);
			assert_string_equal(pieces, streams[i].pieces);
		}
}

static void junk_is_junk(void **state)
{
	static const struct stream junk[] = {
		{ "GET / HTTP/1.1", 14, " junk" },
		{ "\xff\0\0\0\0\0\0\0\1\x7e", 10, " junk" },
		{ "\xff\0\0\0\0\0\0\0\1\x7f\1", 11, " junk" },     /* ZMTP 2.0 */
		{ GREETING "\x8\0", 66, "g64 junk" },              /* a flag that is none */
		{ GREETING "\5\0", 66, "g64 junk" },               /* a command with more to come */
		{ GREETING "\1\0\4\0", 68, "g64 junk" },           /* a command in a message */
		{ GREETING "\2\0\0\0\1\0\0\0\0", 73, "g64 junk" }, /* 4 GiB */
		{ GREETING "\2\xff\xff\xff\xff\xff\xff\xff\xff", 73, "g64 junk" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		char pieces[256];

		cut_all(junk[i].bytes, junk[i].size_bytes, junk[i].size_bytes, pieces);
		assert_string_equal(pieces, junk[i].pieces);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_are_cut_into_their_pieces_however_they_come),
		cmocka_unit_test(junk_is_junk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
