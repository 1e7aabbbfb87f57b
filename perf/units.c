/* units.c: decimal numbers with units, in integers throughout. */
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* The greatest first: printing tries them in this order. */
static const struct unit sizes[] = {
	{ "MiB", 1 << 20 }, { "MB", 1000000 }, { "KiB", 1 << 10 }, { "kB", 1000 }, { "B", 1 },
};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

/* A decimal number, digits * 10^-decimals. */
struct decimal {
	int64_t digits;
	int decimals;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read a decimal off the front of *${text}. */
static int read_decimal(const char **text, struct decimal *number)
{
	const char *at = *text;
	bool point = false;
	*number = (struct decimal){ 0, 0 };
	if (!is_digit(*at))
		return EINVAL;
	for (; is_digit(*at) || (*at == '.' && !point && is_digit(at[1])); at++) {
		if (*at == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(number->digits, 10, &number->digits) ||
		    __builtin_add_overflow(number->digits, *at - '0', &number->digits))
			return EINVAL;
		number->decimals += point ? 1 : 0;
	}
	*text = at;
	return 0;
}

static int scale(struct decimal number, int64_t factor, int64_t *value)
{
	int64_t product;
	if (__builtin_mul_overflow(number.digits, factor, &product))
		return EINVAL;
	for (; number.decimals > 0; number.decimals--) {
		if (product % 10 != 0)
			return EINVAL;
		product /= 10;
	}
	*value = product;
	return 0;
}

int units_read_count(const char *text, int64_t *value)
{
	struct decimal number;
	if (read_decimal(&text, &number) != 0 || number.decimals > 0 || *text != '\0')
		return EINVAL;
	*value = number.digits;
	return 0;
}

int units_read_size(const char *text, int64_t *value_bytes)
{
	struct decimal number;
	if (read_decimal(&text, &number) != 0)
		return EINVAL;
	if (*text == '\0' && number.digits == 0)
		return scale(number, 0, value_bytes);
	while (*text == ' ' || *text == '\t')
		text++;
	for (size_t i = 0; i < SIZES; i++) {
		if (strcmp(sizes[i].name, text) == 0)
			return scale(number, sizes[i].factor, value_bytes);
	}
	return EINVAL;
}

void units_print_size(int64_t value_bytes, char text[UNITS_TEXT_BYTES])
{
	size_t i = 0;
	while (value_bytes % sizes[i].factor != 0)
		i++;
	if (value_bytes == 0)
		snprintf(text, UNITS_TEXT_BYTES, "0");
	else
		snprintf(text, UNITS_TEXT_BYTES, "%" PRId64 " %s", value_bytes / sizes[i].factor,
		         sizes[i].name);
}
