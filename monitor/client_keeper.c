/*
 * client_keeper.c: the one thread of a session. While the program is away in its own code it sends
 * the beats, and comes back to the server when the connection is lost; a call that is under way
 * does so itself, and the keeper stays out of its way.
 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"

/* How soon to look again when a call has the session: it may leave something to be done. */
#define BUSY_NS (5 * DMONITOR_NS_PER_MS)

/* Hear and say what there is, unless a call is doing that; when to do so again, and which
 * descriptor tells that the connection is over. A beat's answer is fetched soon after it, so that
 * the lease is known to be longer as early as it can be. */
static int64_t attend(dmonitor_session *session, int *event_fd)
{
	const int64_t now_ns = dmonitor_clock_now_ns();
	int64_t due_ns, interval_ns;

	*event_fd = -1;
	if (pthread_mutex_trylock(&session->lock) != 0)
		return now_ns + BUSY_NS;
	dmonitor_hear_all(session);
	*event_fd = dmonitor_link_event_fd(session->link);
	due_ns = dmonitor_conversation_deadline_ns(&session->conversation);
	interval_ns = session->conversation.lease_ns / 12;
	if (session->conversation.lost)
		due_ns = INT64_MAX;
	else if (due_ns > now_ns + interval_ns)
		due_ns = now_ns + interval_ns;
	pthread_mutex_unlock(&session->lock);
	return due_ns;
}

static void *keep(void *argument)
{
	dmonitor_session *session = argument;
	uint64_t wakes;

	while (!session->keeper_ends) {
		int event_fd;
		const int64_t due_ns = attend(session, &event_fd);
		struct pollfd fds[2] = { { .fd = session->keeper_wakes, .events = POLLIN },
			                 { .fd = event_fd, .events = POLLIN } };

		poll(fds, 2, dmonitor_clock_milliseconds_to(due_ns));
		if (fds[0].revents != 0 && read(session->keeper_wakes, &wakes, sizeof(wakes)) < 0)
			continue;
	}
	return NULL;
}

int dmonitor_keeper_start(dmonitor_session *session)
{
	sigset_t all, before;
	int result;

	session->keeper_wakes = eventfd(0, EFD_CLOEXEC);
	if (session->keeper_wakes < 0)
		return dmonitor_fail(session, ENOMEM, "No descriptor is left for the session");
	/* The program's signals are for the program's threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&session->keeper, NULL, keep, session);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	session->keeper_runs = result == 0;
	if (result == 0)
		return 0;
	close(session->keeper_wakes);
	session->keeper_wakes = -1;
	return dmonitor_fail(session, ENOMEM, "No thread can be made to keep the session");
}

void dmonitor_keeper_notice(dmonitor_session *session)
{
	const uint64_t one = 1;

	if (session->keeper_wakes >= 0 && write(session->keeper_wakes, &one, sizeof(one)) < 0)
		return; /* it has been woken very often already */
}

void dmonitor_keeper_stop(dmonitor_session *session)
{
	if (!session->keeper_runs)
		return;
	session->keeper_ends = true;
	dmonitor_keeper_notice(session);
	pthread_join(session->keeper, NULL);
	close(session->keeper_wakes);
	session->keeper_runs = false;
}
