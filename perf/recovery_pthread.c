/*
 * recovery_pthread.c: the usual alternative on one machine: a robust mutex and a condition variable
 * in shared memory, both shared between processes, used as the manual says.
 */
#include "recovery_system.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* In shared memory, at the same address in all processes of an attempt. */
struct pair {
	pthread_mutex_t mutex;
	pthread_cond_t condition;
};

struct pthread_site {
	struct pair *pair;
};

static int open_pthread(const struct recovery_system *system, void **site, char *error,
                        size_t room_bytes)
{
	(void)system;
	*site = calloc(1, sizeof(struct pthread_site));
	if (*site == NULL)
		snprintf(error, room_bytes, "out of memory");
	return *site == NULL ? ENOMEM : 0;
}

/* What the dead have left cannot be destroyed: that would wait for them. It is just unmapped. */
static void discard(struct pthread_site *site)
{
	if (site->pair != NULL)
		munmap(site->pair, sizeof(*site->pair));
	site->pair = NULL;
}

static int make_pair(struct pair *pair)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t condition;
	int result = pthread_mutexattr_init(&mutex);

	if (result == 0)
		result = pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	if (result == 0)
		result = pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	if (result == 0)
		result = pthread_mutex_init(&pair->mutex, &mutex);
	if (result == 0)
		result = pthread_condattr_init(&condition);
	if (result == 0)
		result = pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
	return result != 0 ? result : pthread_cond_init(&pair->condition, &condition);
}

static int freshen(void *site)
{
	struct pthread_site *own = site;
	struct pair *pair =
	    mmap(NULL, sizeof(*pair), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	discard(own);
	if (pair == MAP_FAILED)
		return errno;
	own->pair = pair;
	return make_pair(pair);
}

static int close_pthread(void **site)
{
	if (*site != NULL)
		discard(*site);
	free(*site);
	*site = NULL;
	return 0;
}

static int join(void *site, const struct recovery_role *role, void **member)
{
	(void)role;
	*member = ((struct pthread_site *)site)->pair;
	return 0;
}

/* The lock is held, also when its last owner died: what it guards is for us to put right, and here
 * that is nothing. */
static int put_right(struct pair *pair, int result)
{
	return result == EOWNERDEAD ? pthread_mutex_consistent(&pair->mutex) : result;
}

static int enter(void *member)
{
	struct pair *pair = member;

	return put_right(pair, pthread_mutex_lock(&pair->mutex));
}

static int leave(void *member)
{
	return pthread_mutex_unlock(&((struct pair *)member)->mutex);
}

static int wait_on(void *member)
{
	struct pair *pair = member;

	return put_right(pair, pthread_cond_wait(&pair->condition, &pair->mutex));
}

static int signal_one(void *member)
{
	return pthread_cond_signal(&((struct pair *)member)->condition);
}

static int signal_all(void *member)
{
	return pthread_cond_broadcast(&((struct pair *)member)->condition);
}

/* The kernel tells on which address a process sleeps: within the mutex, or within the condition. */
static bool stands(void *member, pid_t pid, int index, enum recovery_stand where)
{
	const struct pair *pair = member;
	const uintptr_t start =
	    where == RECOVERY_IN_LINE ? (uintptr_t)&pair->mutex : (uintptr_t)&pair->condition;
	const size_t size =
	    where == RECOVERY_IN_LINE ? sizeof(pair->mutex) : sizeof(pair->condition);
	uintptr_t address = 0;
	char path[64];
	FILE *file;

	(void)index;
	snprintf(path, sizeof(path), "/proc/%ld/syscall", (long)pid);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	/* The number of the system call, then its arguments; or the word "running". */
	if (fscanf(file, "%*d %" SCNxPTR, &address) != 1)
		address = 0;
	fclose(file);
	return address >= start && address < start + size;
}

const struct recovery_system recovery_pthread = {
	.name = "pthread",
	.open = open_pthread,
	.freshen = freshen,
	.close = close_pthread,
	.join = join,
	.enter = enter,
	.exit = leave,
	.wait = wait_on,
	.signal = signal_one,
	.broadcast = signal_all,
	.stands = stands,
};
