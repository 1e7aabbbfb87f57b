/*
 * recovery_system.h: a lock with a condition variable that processes share, as the attempts of
 * recovery.c use it; one file for each kind: recovery_monitor.c, recovery_pthread.c.
 *
 * The program opens a system once and freshens it before each attempt; the processes that it
 * forks then join it. A process leaves by its end, as the dead do.
 */
#ifndef PERF_RECOVERY_SYSTEM_H
#define PERF_RECOVERY_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a process can be seen to stand. */
enum recovery_stand {
	RECOVERY_IN_LINE, /* it wants the lock: at first, or again since it was awakened */
	RECOVERY_WAITING  /* on the condition */
};

/* How a process joins. */
struct recovery_role {
	int index;         /* among those of the attempt */
	int64_t lease_ms;  /* where there are leases; 0: the default */
	bool signals_soon; /* a signal goes out at once, and not with the exit */
};

struct recovery_system {
	const char *name;
	const char *transport; /* of the server, where there is one */
	bool has_lease;        /* who is stopped loses the lock in the end */

	/* In the program: 0 or an errno value, with a sentence in ${error}. */
	int (*open)(const struct recovery_system *system, void **site, char *error,
	            size_t room_bytes);
	int (*freshen)(void *site); /* a lock and a condition that nobody has used yet */
	/* 0, or another number where the system has ended badly, which has been said. */
	int (*close)(void **site);

	/* In a process of an attempt: 0 or an errno value. */
	int (*join)(void *site, const struct recovery_role *role, void **member);
	int (*enter)(void *member);
	int (*exit)(void *member);
	int (*wait)(void *member); /* may return without a signal, as everywhere */
	int (*signal)(void *member);
	int (*broadcast)(void *member);
	int (*check)(void *member); /* 0: inside, as the system sees it. With has_lease only */
	/* Whether process ${pid}, which joined as ${index}, stands ${where} now. */
	bool (*stands)(void *member, pid_t pid, int index, enum recovery_stand where);
};

extern const struct recovery_system recovery_monitor_tcp;
extern const struct recovery_system recovery_monitor_ipc;
extern const struct recovery_system recovery_pthread;

#endif
