/*
 * guard.h: keeps the server usable whoever connects: cuts connections that are too many, silent for
 * too long, refused too often, or hold too much memory, and slows down those that flood. gate.h
 * decides; this looks at sockets and memory, and does it.
 */
#ifndef DMONITOR_GUARD_H
#define DMONITOR_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate.h"

struct guard {
	struct gate gate;
	int64_t look_ns;      /* when to look next */
	int64_t last_look_ns; /* the present, nearly */
	int memory;           /* /proc/self/statm; -1: cannot be read */
	int64_t calm_bytes;   /* resident memory that nobody is to blame for */
	int alarm_looks;      /* looks still to be taken soon, as memory has grown */
};

void guard_init(struct guard *guard, const struct gate_limits *limits);
void guard_fini(struct guard *guard);

/* ACCEPTED and DISCONNECTED were read. Without memory a connection is simply not guarded. */
void guard_opened(struct guard *guard, int descriptor);
void guard_closed(struct guard *guard, int descriptor);

/* A message was read of the connection with that socket; ${valid}: it can be obeyed. */
void guard_heard(struct guard *guard, int descriptor, uint64_t cookie, size_t size_bytes,
                 bool valid);

/* A message was answered. Whether the connection is to be dropped and cut. */
bool guard_answered(struct guard *guard, int descriptor, bool refused);

void guard_cut(struct guard *guard, int descriptor, uint64_t cookie);

/* What is due by ${now_ns}; to be called as soon as that has reached look_ns. */
void guard_look(struct guard *guard, int64_t now_ns);

#endif
