/* utf8.h: is it UTF-8? Pure. */
#ifndef PERF_UTF8_H
#define PERF_UTF8_H

#include <stddef.h>

/* How many of the ${length} bytes from ${text} on are whole, well-formed characters (RFC 3629: no
 * over-long forms, no surrogates, nothing beyond U+10FFFF): ${length} if all are. */
size_t utf8_valid_bytes(const char *text, size_t length);

#endif
