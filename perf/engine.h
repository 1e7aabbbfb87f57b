/*
 * engine.h: what a worker puts into and gets from. An engine is a struct of functions, so that
 * scenarios can measure the same work over different machinery, or over none at all.
 *
 * Result   0, or a positive errno value.
 * Process  open to close run in a worker, each in its own process; the others in the harness.
 */
#ifndef PERF_ENGINE_H
#define PERF_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "keys.h"

enum engine_kind { ENGINE_MONITOR, ENGINE_MONITOR_POLL, ENGINE_NULL };

/* What a worker tells its engine. */
struct engine_setup {
	const char *endpoint;          /* of the server; "" for engines that need none */
	const char *label;             /* the worker's name, for operators: "producer 3" */
	const struct factors *factors; /* of the run; valid until close */
	char *error;                   /* gets a sentence when open fails */
	size_t error_bytes;
	char *trace; /* gets what remove needs, if the worker leaves something behind when killed */
	size_t trace_bytes;
};

/* What a server has received and sent so far, without what keeps sessions alive and without the
 * asking itself. */
struct engine_messages {
	int64_t received;
	int64_t sent;
};

struct engine {
	const char *name;
	const char *help;
	bool needs_server;
	bool audited; /* items really pass from producers to consumers, so the audit means something
	               */
	bool polls;   /* the scenario's poll_interval applies */
	bool exits;   /* the scenario's exit applies */
	/* Get ready for put and get, one verified round trip to the server included. */
	int (*open)(const struct engine_setup *setup, void **connection);
	int (*put)(void *connection, const void *item, size_t size_bytes);
	int (*get)(void *connection, void *item, size_t room_bytes, size_t *size_bytes);
	uint64_t (*token)(void *connection); /* of the last put or get */
	int (*close)(void **connection);     /* nulls *connection, which may be NULL */
	/* Remove from this machine what workers that were killed left behind; NULL where they
	 * cannot. */
	void (*remove)(const char *trace);
	/* Count the server's messages while its workers rest; NULL where there is no server. */
	int (*messages)(const char *endpoint, struct engine_messages *messages);
};

/* NULL ends the names; their indices are enum engine_kind. */
extern const char *const engine_names[];

const struct engine *engine_of(int64_t kind);

/* Print all engines for people. */
void engine_help(FILE *out);

#endif
