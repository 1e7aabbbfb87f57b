/* client_session.c: sessions: connecting, disconnecting, and what went wrong in words. */
#include "client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "client_history.h"
#include "clock.h"

enum { CONNECT_TIMEOUT_MS = 5000, GOODBYE_MS = 1000 };

/* Of this thread's last dmonitor_connect() that failed. */
static _Thread_local char connect_error[256];

int64_t dmonitor_due_ns(int64_t start_ns, int64_t span_ms)
{
	if (span_ms < 0 || span_ms > (INT64_MAX - start_ns) / DMONITOR_NS_PER_MS)
		return INT64_MAX;
	return start_ns + span_ms * DMONITOR_NS_PER_MS;
}

int dmonitor_fail(dmonitor_session *session, int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(session->error, sizeof(session->error), format, arguments);
	va_end(arguments);
	return result;
}

int dmonitor_refused(dmonitor_session *session, const struct dmonitor_reply *reply)
{
	int result = EPROTO;

	switch (reply->code) {
	case DMONITOR_CODE_SESSION_LOST:
		result = ESTALE;
		break;
	case DMONITOR_CODE_ID_IN_USE:
		result = EADDRINUSE;
		break;
	case DMONITOR_CODE_NOT_OWNER:
	case DMONITOR_CODE_STALE_TOKEN:
		result = EPERM;
		break;
	case DMONITOR_CODE_ALREADY_INSIDE:
		result = EDEADLK;
		break;
	case DMONITOR_CODE_LIMIT:
		result = ENOSPC;
		break;
	default:
		break;
	}
	return dmonitor_fail(session, result, "The server refused: %s (%s)", reply->message,
	                     dmonitor_code_word(reply->code));
}

int dmonitor_no_server(dmonitor_session *session, int result)
{
	if (result == ENOMEM)
		return dmonitor_fail(session, ENOMEM, "Out of memory for a session");
	if (result == EAGAIN || result == ENOTCONN)
		return dmonitor_fail(session, EHOSTUNREACH, "No server answers at %s",
		                     session->endpoint);
	return dmonitor_fail(session, result, "What answers at %s is no monitor server",
	                     session->endpoint);
}

/* Why connecting failed, where there is no session to ask. */
__attribute__((format(printf, 2, 3))) static int connect_fails(int result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(connect_error, sizeof(connect_error), format, arguments);
	va_end(arguments);
	return result;
}

static int check_options(const char *endpoint, const struct dmonitor_options *options)
{
	if (endpoint == NULL)
		return connect_fails(EINVAL, "No endpoint is given");
	if (options->process_id != NULL && !dmonitor_id_valid(options->process_id))
		return connect_fails(EINVAL,
		                     "process_id must be 1 to 255 bytes of printable UTF-8");
	if (options->label != NULL && !dmonitor_id_valid(options->label))
		return connect_fails(EINVAL, "label must be 1 to 255 bytes of printable UTF-8");
	if (options->connect_timeout_ms < 0 || options->poll_interval_ms < 0)
		return connect_fails(EINVAL, "Times in the options cannot be negative");
	if (options->lease_ms != 0 && (options->lease_ms < 200 || options->lease_ms > 3600000))
		return connect_fails(EINVAL, "lease_ms must be from 200 to 3600000");
	if ((options->flags & ~DMONITOR_ALL_FLAGS) != 0)
		return connect_fails(EINVAL, "There is a flag that does not exist");
	return 0;
}

static void set_process_id(dmonitor_session *session, const char *given)
{
	char host[64] = "host";
	uint64_t random = 0;

	if (given != NULL) {
		strcpy(session->process_id, given);
		return;
	}
	gethostname(host, sizeof(host) - 1);
	if (!dmonitor_id_valid(host))
		strcpy(host, "host");
	getrandom(&random, sizeof(random), 0);
	snprintf(session->process_id, sizeof(session->process_id), "%s-%ld-%016llx", host,
	         (long)getpid(), (unsigned long long)random);
}

/* A session that is not connected yet; NULL: out of memory. */
static dmonitor_session *session_new(const char *endpoint, const struct dmonitor_options *options)
{
	dmonitor_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->endpoint = strdup(endpoint);
	if (session->endpoint == NULL) {
		free(session);
		return NULL;
	}
	pthread_mutex_init(&session->lock, NULL);
	session->keeper_wakes = -1;
	session->process = getpid();
	session->discipline = options->poll_interval_ms > 0 ? &dmonitor_polling : &dmonitor_push;
	session->poll_interval_ns = dmonitor_due_ns(0, options->poll_interval_ms);
	session->flags = options->flags;
	set_process_id(session, options->process_id);
	return session;
}

static void session_free(dmonitor_session *session)
{
	dmonitor_link_close(&session->link);
	dmonitor_conversation_fini(&session->conversation);
	dmonitor_history_close(&session->history);
	pthread_mutex_destroy(&session->lock);
	free(session->endpoint);
	free(session);
}

int dmonitor_connect(const char *endpoint, const struct dmonitor_options *options,
                     dmonitor_session **session)
{
	struct dmonitor_options wanted = { 0 };
	dmonitor_session *made;
	int64_t due_ns;
	int result;

	if (options != NULL)
		wanted = *options;
	result = session == NULL ? connect_fails(EINVAL, "No place is given for the session")
	                         : check_options(endpoint, &wanted);
	if (result != 0)
		return result;
	if (wanted.label == NULL && dmonitor_id_valid(program_invocation_short_name))
		wanted.label = program_invocation_short_name;
	if (wanted.connect_timeout_ms == 0)
		wanted.connect_timeout_ms = CONNECT_TIMEOUT_MS;
	due_ns = dmonitor_due_ns(dmonitor_clock_now_ns(), wanted.connect_timeout_ms);
	made = session_new(endpoint, &wanted);
	if (made == NULL)
		return connect_fails(ENOMEM, "Out of memory for a session");
	result = wanted.history_path == NULL
	             ? 0
	             : dmonitor_history_open(wanted.history_path, &made->history);
	if (result != 0) {
		connect_fails(result, "Calls cannot be recorded in %s: %s", wanted.history_path,
		              strerror(result));
		goto err0;
	}
	result = dmonitor_link_open(endpoint, &made->link);
	if (result != 0) {
		connect_fails(result, "\"%s\" is no endpoint that one can connect to", endpoint);
		goto err0;
	}
	dmonitor_history_invoke(made, NULL, "connect", NULL, wanted.connect_timeout_ms);
	result = made->discipline->connect(made, &wanted, due_ns);
	dmonitor_history_return(made, NULL, result);
	if (result != 0) {
		connect_fails(result, "%s", made->error);
		goto err0;
	}
	*session = made;
	return 0;
err0:
	session_free(made);
	return result;
}

int dmonitor_disconnect(dmonitor_session **session)
{
	dmonitor_session *ended;
	int result = 0;

	if (session == NULL)
		return EINVAL;
	ended = *session;
	*session = NULL;
	/* What a child inherited is its parent's; it cannot even be freed, for its locks and its
	 * ZeroMQ context are not the child's. */
	if (ended == NULL || ended->process != getpid())
		return 0;
	dmonitor_keeper_stop(ended);
	dmonitor_history_invoke(ended, NULL, "disconnect", NULL, GOODBYE_MS);
	for (dmonitor *monitor = ended->monitors; monitor != NULL; monitor = monitor->next)
		if (result == 0 && monitor->levels > 0)
			result = ended->discipline->exit(monitor, false);
	if (result == 0)
		result = ended->discipline->disconnect(
		    ended, dmonitor_due_ns(dmonitor_clock_now_ns(), GOODBYE_MS));
	dmonitor_history_return(ended, NULL, result);
	while (ended->monitors != NULL) {
		dmonitor *monitor = ended->monitors;

		ended->monitors = monitor->next;
		dmonitor_names_free(monitor);
		free(monitor);
	}
	session_free(ended);
	return result;
}

const char *dmonitor_error(const dmonitor_session *session)
{
	return session == NULL ? connect_error : session->error;
}

const char *dmonitor_server_id(const dmonitor_session *session)
{
	return session == NULL ? "" : session->conversation.server;
}
