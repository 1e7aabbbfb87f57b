/*
 * distribution.h: durations in nanoseconds that are drawn at random, the same ones for the same
 * seed on every machine: whole numbers only, no floating point. Pure.
 */
#ifndef SIM_DISTRIBUTION_H
#define SIM_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

enum distribution_kind {
	DISTRIBUTION_CONSTANT,   /* always low_ns */
	DISTRIBUTION_UNIFORM,    /* low_ns to high_ns, both included, all alike */
	DISTRIBUTION_EXPONENTIAL /* of mean low_ns */
};

/* All zero is the constant 0. */
struct distribution {
	enum distribution_kind kind;
	int64_t low_ns;
	int64_t high_ns;
};

/* A stream of random numbers (xoshiro256**). */
struct distribution_random {
	uint64_t state[4];
};

/* No duration may be longer. It keeps sums of drawn ones, and the text's products, in range. */
#define DISTRIBUTION_MAX_NS (INT64_C(86400) * 1000 * 1000 * 1000)

/* Begin the stream of ${seed}; ${stream} makes independent streams of one seed. */
void distribution_seed(struct distribution_random *random, uint64_t seed, uint64_t stream);

/* The next number of the stream, any of the 2^64. */
uint64_t distribution_next(struct distribution_random *random);

/* Draw a duration. An exponential one is cut at DISTRIBUTION_MAX_NS. */
int64_t distribution_draw(const struct distribution *distribution,
                          struct distribution_random *random);

/* What the drawn ones come to in the mean. */
int64_t distribution_mean_ns(const struct distribution *distribution);

/**
 * distribution_parse_duration(text, duration_ns, error, room_bytes):
 * Read a duration such as "0", "5 ms", "1.5s" or "200 us": a decimal number and one of ns, us, ms,
 * s, min, h, where only 0 may go without. Nothing else may stand in ${text} but blanks around.
 *
 * Errors   EINVAL  with a sentence in ${error}
 */
int distribution_parse_duration(const char *text, int64_t *duration_ns, char *error,
                                size_t room_bytes);

/**
 * distribution_parse(text, distribution, error, room_bytes):
 * Read a duration, "uniform(SHORTEST, LONGEST)" or "exp(MEAN)".
 *
 * Errors   EINVAL  with a sentence in ${error}
 */
int distribution_parse(const char *text, struct distribution *distribution, char *error,
                       size_t room_bytes);

/* Write ${distribution} into ${text} in a form that distribution_parse() reads back. */
void distribution_describe(const struct distribution *distribution, char *text, size_t room_bytes);

#endif
