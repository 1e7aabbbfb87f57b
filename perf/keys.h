/*
 * keys.h: the one table of all keys that a scenario file may hold. Reading, checking, defaults,
 * "did you mean", printing back and `performance_test help keys` all come from its rows.
 */
#ifndef PERF_KEYS_H
#define PERF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	KEYS_TEXT_BYTES = 256,     /* room for any value, as text */
	KEYS_SENTENCE_BYTES = 512, /* room for what is wrong with one */
	KEYS_NAME_BYTES = 64       /* of suites and scenarios, the end included */
};

/* What [suite] says. */
struct suite_settings {
	char name[KEYS_TEXT_BYTES];
	char description[KEYS_TEXT_BYTES];
	int64_t order; /* enum order */
	int64_t seed;
	int64_t repetitions;
};

enum order { ORDER_INTERLEAVED, ORDER_SEQUENTIAL };

/* All that makes one run what it is: the value of every scenario key. */
struct factors {
	int64_t engine; /* enum engine_kind */
	int64_t producers;
	int64_t consumers;
	int64_t items; /* of each producer */
	int64_t capacity;
	int64_t payload_bytes;
	int64_t exit_mode; /* enum exit_mode */
	int64_t transport; /* enum transport */
	int64_t storage;   /* enum bounded_buffer_storage */
	int64_t poll_interval_ns;
	int64_t warmup; /* items of each producer before the measured ones */
	int64_t repetitions;
	int64_t timeout_ns;
	int64_t duration_ns; /* 0: until all items are through */
	int64_t lease_ns;
	int64_t resume_ns;
	int64_t fault_interval_ns;
	int64_t overlap; /* of faults: enum overlap */
	int64_t record;  /* enum record */
	int64_t holders;
	char produce_time[KEYS_TEXT_BYTES]; /* as distribution.h reads them */
	char consume_time[KEYS_TEXT_BYTES];
	char hold_time[KEYS_TEXT_BYTES];
	char faults[KEYS_TEXT_BYTES]; /* as fault.h reads them */
	char server[KEYS_TEXT_BYTES]; /* KEYS_SPAWN or an endpoint */
	char server_cpu[KEYS_TEXT_BYTES];
	char worker_cpus[KEYS_TEXT_BYTES];
};

enum exit_mode { EXIT_ASYNC, EXIT_CONFIRMED };
enum record { RECORD_NO, RECORD_YES };
enum overlap { OVERLAP_YES, OVERLAP_NO };
enum transport { TRANSPORT_TCP, TRANSPORT_IPC };

#define KEYS_SPAWN   "spawn" /* server: one of its own for each run */
#define KEYS_ANY_CPU "any"   /* server_cpu, worker_cpus: as the system likes */

enum key_section { KEY_OF_SUITE, KEY_OF_SCENARIO };

enum key_type {
	KEY_COUNT,        /* a whole number */
	KEY_TIME,         /* a duration in ns, with its unit */
	KEY_SIZE,         /* bytes, with the unit */
	KEY_WORD,         /* one of key.words; its index */
	KEY_DISTRIBUTION, /* text: a duration or a distribution of durations */
	KEY_NAME,         /* text: letters, digits . _ - */
	KEY_TEXT,         /* text: anything */
	KEY_SERVER,       /* text: KEYS_SPAWN or an endpoint */
	KEY_CPUS,         /* text: KEYS_ANY_CPU or 0,2-3 */
	KEY_FAULTS        /* text: none, all, or kinds of faults with + between */
};

struct key {
	const char *name;
	enum key_section section;
	enum key_type type;
	bool sweepable;  /* a list of values is an axis */
	bool not_factor; /* does not change what is measured, so not part of a point's identity */
	size_t offset;   /* of its int64_t or text in suite_settings or factors */
	int64_t minimum; /* KEY_COUNT, KEY_TIME, KEY_SIZE: bounds, both included */
	int64_t maximum;
	int64_t multiple;         /* KEY_TIME: of this only; 0: any */
	const char *const *words; /* KEY_WORD: the allowed ones; NULL ends them */
	const char *fallback;     /* the value where none is given, as one would write it */
	const char *help;
};

/* A value of some key: its number, or its text, by the key's type. */
struct key_value {
	int64_t number;
	char text[KEYS_TEXT_BYTES];
};

/* Whether ${text} can be the name of a suite or a scenario: 1 to 63 of A-Z a-z 0-9 . _ -, a letter
 * or digit first. */
bool keys_is_name(const char *text);

/* The rows of one section; *${count} gets their number. */
const struct key *keys_of(enum key_section section, size_t *count);

/* The row of ${name}, or NULL. */
const struct key *keys_find(enum key_section section, const char *name);

/* The name in ${section} that ${name} was probably meant to be, or NULL. */
const char *keys_suggest(enum key_section section, const char *name);

/**
 * keys_read(key, text, value, wrong):
 * Read ${text} as a value of ${key}. Returns 0, or EINVAL with what is wrong in ${wrong}.
 */
int keys_read(const struct key *key, const char *text, struct key_value *value,
              char wrong[KEYS_SENTENCE_BYTES]);

/* Print ${value} in a form that keys_read() reads back to the same. */
void keys_print(const struct key *key, const struct key_value *value, char text[KEYS_TEXT_BYTES]);

bool keys_equal(const struct key *key, const struct key_value *a, const struct key_value *b);

/* Copy a value into, or out of, the struct suite_settings or struct factors at ${settings}. */
void keys_store(const struct key *key, const struct key_value *value, void *settings);
void keys_load(const struct key *key, const void *settings, struct key_value *value);

/* Print all keys for people: what they take, their bounds, their defaults, their meaning. */
void keys_help(FILE *out);

#endif
