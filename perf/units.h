/*
 * units.h: counts and sizes as people write them, read strictly and printed so that they read back
 * as the same value. Durations are sim/distribution.h's. Pure, and indifferent to the locale.
 */
#ifndef PERF_UNITS_H
#define PERF_UNITS_H

#include <stddef.h>
#include <stdint.h>

enum { UNITS_TEXT_BYTES = 32 };

/*
 * Each reads the whole of ${text} into *${value}. Returns 0, or EINVAL with *${value} untouched:
 * something else stands there, the unit is missing, the value is negative, not whole or too large.
 *
 *   count  digits, nothing else
 *   size   a number and one of B, kB, MB (powers of 1000), KiB, MiB (powers of 1024); fractions are
 *          fine where whole bytes result, and 0 needs no unit
 */
int units_read_count(const char *text, int64_t *value);
int units_read_size(const char *text, int64_t *value_bytes);

/* Print in the greatest unit that keeps it whole: 100 B, 2 kB, 64 KiB. 0 is "0". */
void units_print_size(int64_t value_bytes, char text[UNITS_TEXT_BYTES]);

#endif
