/*
 * client_monitor.c: the monitor as a program sees it: handles, levels of a recursive enter, and
 * what may be called when. How the server is talked to is the session's discipline.
 */
#include "client_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int name_fault(const char *name)
{
	if (name == NULL)
		return EINVAL;
	if (strnlen(name, DMONITOR_NAME_BYTES + 1) > DMONITOR_NAME_BYTES)
		return ENAMETOOLONG;
	return dmonitor_name_valid(name) ? 0 : EINVAL;
}

/* Lock ${session}, unless it was inherited by fork(). */
static int begin_session(dmonitor_session *session)
{
	if (session == NULL || session->process != getpid())
		return EINVAL;
	pthread_mutex_lock(&session->lock);
	return 0;
}

/* The beginning of each call on ${monitor}, which is noted where the session has a history. */
static int begin(dmonitor *monitor, const char *op, const char *condition, int64_t timeout_ms)
{
	const int result = monitor == NULL ? EINVAL : begin_session(monitor->session);

	if (result == 0)
		dmonitor_history_invoke(monitor->session, monitor, op, condition, timeout_ms);
	return result;
}

/* The end of each call on ${monitor}: what it gives back is remembered. */
static int end(dmonitor *monitor, int result)
{
	if (result == ENOMEM)
		dmonitor_fail(monitor->session, ENOMEM, "Out of memory at %s", monitor->name);
	if (result == ESTALE) {
		monitor->levels = 0;
		dmonitor_fail(
		    monitor->session, ESTALE,
		    "The session is lost, and %s with it: the server ended it, or did not "
		    "answer for a whole lease",
		    monitor->name);
	}
	monitor->last_result = result;
	dmonitor_history_return(monitor->session, monitor, result);
	pthread_mutex_unlock(&monitor->session->lock);
	return result;
}

/* Why a call that needs ownership cannot be: ESTALE comes before EPERM. */
static int not_inside(dmonitor *monitor)
{
	dmonitor_session *session = monitor->session;

	if (session->discipline->lost(session))
		return ESTALE;
	if (monitor->levels == 0)
		return dmonitor_fail(session, EPERM, "%s has not been entered", monitor->name);
	return 0;
}

/* A time-out as the protocol can say it: -1 for none, which longer ones than it can say are too. */
static int64_t time_limit(int64_t timeout_ms)
{
	return timeout_ms < 0 || timeout_ms > DMONITOR_INTEGER_MAX ? -1 : timeout_ms;
}

int dmonitor_open(dmonitor_session *session, const char *name, unsigned flags, dmonitor **monitor)
{
	dmonitor *found;
	int result = name_fault(name);

	if (monitor == NULL || (flags & ~DMONITOR_ALL_FLAGS) != 0)
		result = EINVAL;
	if (result == 0)
		result = begin_session(session);
	if (result != 0)
		return result;
	flags |= session->flags;
	for (found = session->monitors; found != NULL; found = found->next)
		if (strcmp(found->name, name) == 0)
			break;
	if (found == NULL) {
		found = calloc(1, sizeof(*found));
		if (found == NULL) {
			result = dmonitor_fail(session, ENOMEM, "Out of memory for a monitor");
			goto end;
		}
		found->session = session;
		found->flags = flags;
		strcpy(found->name, name);
		found->next = session->monitors;
		session->monitors = found;
	}
	if (found->flags != flags) {
		result = dmonitor_fail(session, EINVAL, "%s is open with other flags", name);
		goto end;
	}
	found->references++;
	*monitor = found;
end:
	pthread_mutex_unlock(&session->lock);
	return result;
}

static void unlink_monitor(dmonitor *monitor)
{
	dmonitor **link = &monitor->session->monitors;

	while (*link != monitor)
		link = &(*link)->next;
	*link = monitor->next;
}

int dmonitor_close(dmonitor **monitor)
{
	dmonitor *closed;
	dmonitor_session *session;
	int result = 0;

	if (monitor == NULL)
		return EINVAL;
	closed = *monitor;
	*monitor = NULL;
	if (closed == NULL || begin(closed, "close", NULL, -1) != 0)
		return 0;
	session = closed->session;
	if (--closed->references == 0) {
		if (closed->levels > 0)
			result = session->discipline->exit(closed,
			                                   !(closed->flags & DMONITOR_ASYNC_EXIT));
		closed->levels = 0;
		dmonitor_history_return(session, closed, result);
		unlink_monitor(closed);
		dmonitor_names_free(closed);
		free(closed);
	} else {
		dmonitor_history_return(session, closed, 0);
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

int dmonitor_enter_for(dmonitor *monitor, int64_t timeout_ms)
{
	dmonitor_session *session;
	int result = begin(monitor, "enter", NULL, timeout_ms);

	if (result != 0)
		return result;
	session = monitor->session;
	if (monitor->levels > 0 && session->discipline->lost(session))
		return end(monitor, not_inside(monitor));
	if (monitor->levels > 0 && !(monitor->flags & DMONITOR_RECURSIVE))
		return end(monitor,
		           dmonitor_fail(session, EDEADLK, "%s is entered already", monitor->name));
	if (monitor->levels == 0)
		result = session->discipline->enter(monitor, time_limit(timeout_ms));
	if (result == 0)
		monitor->levels++;
	return end(monitor, result);
}

int dmonitor_enter(dmonitor *monitor)
{
	return dmonitor_enter_for(monitor, -1);
}

int dmonitor_exit(dmonitor *monitor)
{
	int result = begin(monitor, "exit", NULL, -1);

	if (result != 0)
		return result;
	result = not_inside(monitor);
	if (result == 0 && monitor->levels > 1) {
		monitor->levels--;
		return end(monitor, 0);
	}
	if (result == 0)
		result = monitor->session->discipline->exit(
		    monitor, !(monitor->flags & DMONITOR_ASYNC_EXIT));
	/* Only where nothing could be sent is the caller still inside. */
	if (result != ENOMEM)
		monitor->levels = 0;
	return end(monitor, result);
}

int dmonitor_wait_for(dmonitor *monitor, const char *condition, int64_t timeout_ms)
{
	int result = begin(monitor, "wait", condition, timeout_ms);

	if (result != 0)
		return result;
	result = name_fault(condition);
	if (result == 0)
		result = not_inside(monitor);
	if (result == 0)
		result =
		    monitor->session->discipline->wait(monitor, condition, time_limit(timeout_ms));
	return end(monitor, result);
}

int dmonitor_wait(dmonitor *monitor, const char *condition)
{
	return dmonitor_wait_for(monitor, condition, -1);
}

static int awaken(dmonitor *monitor, const char *condition, bool all)
{
	int result = begin(monitor, all ? "broadcast" : "signal", condition, -1);

	if (result != 0)
		return result;
	result = name_fault(condition);
	if (result == 0)
		result = not_inside(monitor);
	if (result == 0)
		result = monitor->session->discipline->signal(monitor, condition, all);
	return end(monitor, result);
}

int dmonitor_signal(dmonitor *monitor, const char *condition)
{
	return awaken(monitor, condition, false);
}

int dmonitor_broadcast(dmonitor *monitor, const char *condition)
{
	return awaken(monitor, condition, true);
}

int dmonitor_check(dmonitor *monitor)
{
	int result = begin(monitor, "check", NULL, -1);

	if (result != 0)
		return result;
	result = not_inside(monitor);
	if (result == 0)
		result = monitor->session->discipline->check(monitor);
	return end(monitor, result);
}

int dmonitor_last_result(const dmonitor *monitor)
{
	return monitor == NULL ? EINVAL : monitor->last_result;
}

/* Whether the library can claim ownership; the keeper may be finding out otherwise just now. */
static bool claims(const dmonitor *monitor)
{
	dmonitor_session *session;
	bool claimed;

	if (monitor == NULL || begin_session(monitor->session) != 0)
		return false;
	session = monitor->session;
	claimed = monitor->levels > 0 && session->discipline->claims(session);
	pthread_mutex_unlock(&session->lock);
	return claimed;
}

bool dmonitor_entered(const dmonitor *monitor)
{
	return claims(monitor);
}

bool dmonitor_abandoned(const dmonitor *monitor)
{
	return claims(monitor) && monitor->abandoned;
}

uint64_t dmonitor_token(const dmonitor *monitor)
{
	return claims(monitor) ? monitor->token : 0;
}

dmonitor *dmonitor_with_enter_(dmonitor *monitor)
{
	return dmonitor_enter(monitor) == 0 ? monitor : NULL;
}

void dmonitor_with_exit_(dmonitor **monitor)
{
	if (*monitor != NULL)
		dmonitor_exit(*monitor);
	*monitor = NULL;
}
