/*
 * manifest.h: manifest.json: what one would have to know to measure the same again, and to judge
 * the numbers: machine, versions, commit, flags, command line, times, warnings, the scenarios.
 */
#ifndef PERF_MANIFEST_H
#define PERF_MANIFEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MANIFEST_NAME "manifest.json"

enum { MANIFEST_ERROR_BYTES = 1024, MANIFEST_SCHEMA_VERSION = 1 };

struct manifest;

struct manifest_facts {
	const char *suite;
	const char *scenario_file;
	const char *scenario_text;  /* resolved: what is in resolved.ini */
	const char *const *command; /* the program's arguments, ended by NULL */
	int64_t started_at_ns;      /* wall clock */
};

/* How a suite went, for the end of its manifest. */
struct manifest_end {
	int64_t ended_at_ns; /* wall clock */
	int64_t runs_ok;
	int64_t runs_failed;
	int64_t runs_interrupted;
	int64_t runs_planned;
};

/**
 * manifest_new(facts, manifest):
 * Look at machine, versions and build. Each warning, if there are any, is also printed on
 * ${warnings}, a line each.
 *
 * Owns     on 0 the caller owns *${manifest} until manifest_free().
 * Blocks   while git and gnuplot tell their versions.
 * Errors   ENOMEM
 */
int manifest_new(const struct manifest_facts *facts, FILE *warnings, struct manifest **manifest);

/* Note the end. ENOMEM. */
int manifest_finish(struct manifest *manifest, const struct manifest_end *end);

/* Write it to ${folder}, in place of the one that is there, whole or not at all. Errors: any errno
 * value, with a sentence in ${error}. */
int manifest_write(const struct manifest *manifest, const char *folder,
                   char error[MANIFEST_ERROR_BYTES]);

/**
 * manifest_caption(path, text, room_bytes):
 * Write for a chart where, from which commit and when the manifest at ${path} was measured.
 * Errors   those of fopen(3); EPROTO if it is no manifest; ENOMEM
 */
int manifest_caption(const char *path, char *text, size_t room_bytes);

/* Free *${manifest} and null it; it may be NULL. */
void manifest_free(struct manifest **manifest);

#endif
