/*
 * client_keeper.c: the one thread of a session. While the program is away in its own code it sends
 * the beats; a call that is under way sends them itself, and the keeper stays out of its way.
 */
#include "client.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "clock.h"

/* Wait until ${due_ns}, or until the session ends. */
static void doze(dmonitor_session *session, int64_t due_ns)
{
	const struct timespec due = { .tv_sec = (time_t)(due_ns / DMONITOR_NS_PER_S),
		                      .tv_nsec = (long)(due_ns % DMONITOR_NS_PER_S) };

	pthread_cond_timedwait(&session->keeper_wakes, &session->keeper_lock, &due);
}

/* Hear and say what there is, unless a call is doing that. A beat's answer is fetched soon after
 * it, so that the lease is known to be longer as early as it can be. */
static void attend(dmonitor_session *session)
{
	if (pthread_mutex_trylock(&session->lock) != 0)
		return;
	dmonitor_push_attend(session);
	pthread_mutex_unlock(&session->lock);
}

static void *keep(void *argument)
{
	dmonitor_session *session = argument;
	const int64_t interval_ns = session->conversation.lease_ns / 12;

	pthread_mutex_lock(&session->keeper_lock);
	while (!session->keeper_ends) {
		doze(session, dmonitor_clock_now_ns() + interval_ns);
		if (!session->keeper_ends)
			attend(session);
	}
	pthread_mutex_unlock(&session->keeper_lock);
	return NULL;
}

int dmonitor_keeper_start(dmonitor_session *session)
{
	pthread_condattr_t attributes;
	sigset_t all, before;
	int result = pthread_condattr_init(&attributes);

	if (result != 0)
		return result;
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&session->keeper_lock, NULL);
	pthread_cond_init(&session->keeper_wakes, &attributes);
	pthread_condattr_destroy(&attributes);
	/* The program's signals are for the program's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&session->keeper, NULL, keep, session);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	session->keeper_runs = result == 0;
	if (result != 0)
		return dmonitor_fail(session, ENOMEM, "No thread can be made to keep the session");
	return 0;
}

void dmonitor_keeper_stop(dmonitor_session *session)
{
	if (!session->keeper_runs)
		return;
	pthread_mutex_lock(&session->keeper_lock);
	session->keeper_ends = true;
	pthread_cond_signal(&session->keeper_wakes);
	pthread_mutex_unlock(&session->keeper_lock);
	pthread_join(session->keeper, NULL);
	pthread_cond_destroy(&session->keeper_wakes);
	pthread_mutex_destroy(&session->keeper_lock);
	session->keeper_runs = false;
}
