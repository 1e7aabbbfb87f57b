/*
 * options.h: what producer_consumer can be told on its command line. Prints nothing.
 */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "distribution.h"

struct options {
	uint64_t producers;
	uint64_t consumers;
	uint64_t items; /* of each producer */
	uint64_t capacity;
	uint64_t item_bytes;
	struct distribution produce; /* how long making an item takes */
	struct distribution consume;
	uint64_t seed;
	bool seeded;                /* else the caller makes a seed up */
	const char *server;         /* endpoint; NULL: start one */
	const char *server_program; /* NULL: find it */
	const char *transport;      /* of the started one: "tcp" or "ipc" */
	int64_t poll_interval_ms;   /* 0: be told */
	bool plain;
	bool help;
	bool version;
};

/**
 * options_parse(argc, argv, options, error, room_bytes):
 * Fill in ${options}, with what was not given at its default.
 *
 * Errors   EINVAL  with a sentence in ${error}
 */
int options_parse(int argc, char *argv[], struct options *options, char *error, size_t room_bytes);

/* The help text, which names every option and its default. */
const char *options_help(void);

#endif
