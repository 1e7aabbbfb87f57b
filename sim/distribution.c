/*
 * distribution.c: durations that are drawn at random.
 *
 * Floating point, and log() above all, may round differently from machine to machine, and then one
 * seed is no longer one run. So everything here is done in whole numbers.
 */
#include "distribution.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

/* The largest first. */
static const struct unit {
	const char *name;
	int64_t ns;
} units[] = {
	{ "h", INT64_C(3600) * 1000 * 1000 * 1000 },
	{ "min", INT64_C(60) * 1000 * 1000 * 1000 },
	{ "s", 1000 * 1000 * 1000 },
	{ "ms", 1000 * 1000 },
	{ "us", 1000 },
	{ "ns", 1 },
};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* splitmix64, which its author recommends for filling the state of the other. */
static uint64_t mix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void distribution_seed(struct distribution_random *random, uint64_t seed, uint64_t stream)
{
	/* Mixing the stream's number first keeps (seed, 1) and (seed + 1, 0) apart. */
	uint64_t state = seed ^ mix(&stream);

	for (size_t i = 0; i < 4; i++)
		random->state[i] = mix(&state);
}

static uint64_t rotate_left(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

uint64_t distribution_next(struct distribution_random *random)
{
	uint64_t *s = random->state;
	const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	const uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/*
 * Von Neumann's way to an exponential variate, which compares uniform ones and computes nothing:
 * draw until one is not below its predecessor. If that run of falling numbers has odd length its
 * first one is the fraction; else begin anew, and each new beginning adds 1 to the whole part.
 */
static int64_t draw_exponential(int64_t mean_ns, struct distribution_random *random)
{
	for (int64_t whole = 0; whole < DISTRIBUTION_MAX_NS; whole++) {
		const uint64_t first = distribution_next(random);
		uint64_t last = first;
		uint64_t next = distribution_next(random);
		bool odd = true;

		for (; next < last; odd = !odd) {
			last = next;
			next = distribution_next(random);
		}
		if (odd) {
			const wide drawn_ns =
			    (wide)mean_ns * (wide)whole + ((wide)mean_ns * first >> 64);

			return drawn_ns < DISTRIBUTION_MAX_NS ? (int64_t)drawn_ns
			                                      : DISTRIBUTION_MAX_NS;
		}
	}
	return DISTRIBUTION_MAX_NS;
}

int64_t distribution_draw(const struct distribution *distribution,
                          struct distribution_random *random)
{
	const wide span = (wide)(distribution->high_ns - distribution->low_ns) + 1;

	switch (distribution->kind) {
	case DISTRIBUTION_UNIFORM:
		return distribution->low_ns + (int64_t)(span * distribution_next(random) >> 64);
	case DISTRIBUTION_EXPONENTIAL:
		return draw_exponential(distribution->low_ns, random);
	case DISTRIBUTION_CONSTANT:
		break;
	}
	return distribution->low_ns;
}

int64_t distribution_mean_ns(const struct distribution *distribution)
{
	if (distribution->kind == DISTRIBUTION_UNIFORM)
		return distribution->low_ns + (distribution->high_ns - distribution->low_ns) / 2;
	return distribution->low_ns;
}

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* The unit whose name is the whole word at ${text}, or NULL. */
static const struct unit *read_unit(const char *text, size_t *length)
{
	*length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; i < UNITS; i++)
		if (strlen(units[i].name) == *length && memcmp(units[i].name, text, *length) == 0)
			return &units[i];
	return NULL;
}

/* Read digits with at most one point, as a number of billionths, up to a bound that is beyond all
 * that is allowed. Returns what follows, or NULL if there is no digit. */
static const char *read_decimal(const char *text, wide *billionths)
{
	const wide bound = (wide)DISTRIBUTION_MAX_NS * 1000000000 * 2;
	wide value = 0, weight = 1000000000;
	bool digits = false, point = false;

	for (;; text++) {
		if (*text == '.' && !point) {
			point = true;
		} else if (*text >= '0' && *text <= '9') {
			digits = true;
			if (point) {
				weight /= 10;
				value += weight * (unsigned)(*text - '0');
			} else if (value < bound) {
				value = value * 10 + weight * (unsigned)(*text - '0');
			}
		} else {
			break;
		}
	}
	*billionths = value;
	return digits ? text : NULL;
}

/* Read one duration at ${*text} and move it behind. */
static int read_duration(const char **text, int64_t *duration_ns, char *error, size_t room_bytes)
{
	const char *const begin = skip_blanks(*text);
	const struct unit *unit;
	const char *end;
	size_t length;
	wide number;

	if ((end = read_decimal(begin, &number)) == NULL) {
		snprintf(error, room_bytes, "'%s' is no duration, such as 5 ms", begin);
		return EINVAL;
	}
	end = skip_blanks(end);
	unit = read_unit(end, &length);
	if (unit == NULL && (number != 0 || length > 0)) {
		snprintf(error, room_bytes, "'%s' lacks a unit: ns, us, ms, s, min or h", begin);
		return EINVAL;
	}
	number = number * (uint64_t)(unit != NULL ? unit->ns : 0) / 1000000000;
	if (number > DISTRIBUTION_MAX_NS) {
		snprintf(error, room_bytes, "'%s' is more than 24 h", begin);
		return EINVAL;
	}
	*duration_ns = (int64_t)number;
	*text = skip_blanks(end + length);
	return 0;
}

static int nothing_follows(const char *text, char *error, size_t room_bytes)
{
	if (*text == '\0')
		return 0;
	snprintf(error, room_bytes, "'%s' stands behind the end", text);
	return EINVAL;
}

int distribution_parse_duration(const char *text, int64_t *duration_ns, char *error,
                                size_t room_bytes)
{
	int64_t read_ns;
	int result;

	if ((result = read_duration(&text, &read_ns, error, room_bytes)) != 0 ||
	    (result = nothing_follows(text, error, room_bytes)) != 0)
		return result;
	*duration_ns = read_ns;
	return 0;
}

/* Read "NAME(", with blanks anywhere, at ${*text}; move it behind where it is there. */
static bool read_call(const char **text, const char *name)
{
	const char *at = skip_blanks(*text);

	if (strncmp(at, name, strlen(name)) != 0)
		return false;
	at = skip_blanks(at + strlen(name));
	if (*at != '(')
		return false;
	*text = at + 1;
	return true;
}

static int read_character(const char **text, char expected, char *error, size_t room_bytes)
{
	if (**text != expected) {
		snprintf(error, room_bytes, "'%c' is missing before '%s'", expected, *text);
		return EINVAL;
	}
	*text = skip_blanks(*text + 1);
	return 0;
}

int distribution_parse(const char *text, struct distribution *distribution, char *error,
                       size_t room_bytes)
{
	struct distribution read = { .kind = DISTRIBUTION_CONSTANT };
	int result;

	if (read_call(&text, "uniform"))
		read.kind = DISTRIBUTION_UNIFORM;
	else if (read_call(&text, "exp"))
		read.kind = DISTRIBUTION_EXPONENTIAL;
	if ((result = read_duration(&text, &read.low_ns, error, room_bytes)) != 0)
		return result;
	if (read.kind == DISTRIBUTION_UNIFORM &&
	    ((result = read_character(&text, ',', error, room_bytes)) != 0 ||
	     (result = read_duration(&text, &read.high_ns, error, room_bytes)) != 0))
		return result;
	if (read.kind != DISTRIBUTION_CONSTANT &&
	    (result = read_character(&text, ')', error, room_bytes)) != 0)
		return result;
	if ((result = nothing_follows(text, error, room_bytes)) != 0)
		return result;
	if (read.kind == DISTRIBUTION_UNIFORM && read.high_ns < read.low_ns) {
		snprintf(error, room_bytes, "the longest duration is below the shortest");
		return EINVAL;
	}
	*distribution = read;
	return 0;
}

/* Write a duration in the largest unit that shows all of it as a whole number. */
static void describe_duration(int64_t duration_ns, char *text, size_t room_bytes)
{
	for (size_t i = 0; i < UNITS; i++)
		if (duration_ns != 0 && duration_ns % units[i].ns == 0) {
			snprintf(text, room_bytes, "%" PRId64 " %s", duration_ns / units[i].ns,
			         units[i].name);
			return;
		}
	snprintf(text, room_bytes, "0");
}

void distribution_describe(const struct distribution *distribution, char *text, size_t room_bytes)
{
	char low[32], high[32];

	describe_duration(distribution->low_ns, low, sizeof(low));
	describe_duration(distribution->high_ns, high, sizeof(high));
	switch (distribution->kind) {
	case DISTRIBUTION_UNIFORM:
		snprintf(text, room_bytes, "uniform(%s, %s)", low, high);
		break;
	case DISTRIBUTION_EXPONENTIAL:
		snprintf(text, room_bytes, "exp(%s)", low);
		break;
	case DISTRIBUTION_CONSTANT:
		snprintf(text, room_bytes, "%s", low);
		break;
	}
}
