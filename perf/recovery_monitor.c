/*
 * recovery_monitor.c: our own monitor, over tcp and over ipc, each with one server for the whole
 * run and a monitor of its own for each attempt.
 */
#include "recovery_system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <zmq.h>

#include "../monitor/dmonitor.h"
#include "../sim/server_process.h"

enum { ANSWER_MS = 5000, ANSWER_BYTES_MAX = 1 << 16 };

struct monitor_site {
	struct server_process *server;
	char name[32];
	unsigned attempt;
};

struct monitor_member {
	const struct monitor_site *site;
	dmonitor_session *session;
	dmonitor *monitor;
	void *asks; /* a REQ socket for STATUS, once it was needed */
};

static int open_monitor(const struct recovery_system *system, void **site, char *error,
                        size_t room_bytes)
{
	struct monitor_site *made = calloc(1, sizeof(*made));
	char bind[128];
	const struct server_process_options options = { .bind = bind };
	int result = made == NULL ? ENOMEM : 0;

	if (result == 0)
		result = server_process_endpoint_for(system->transport, bind, sizeof(bind));
	if (result != 0)
		snprintf(error, room_bytes, "%s", strerror(result));
	else
		result = server_process_start(&options, &made->server, error, room_bytes);
	if (result != 0)
		free(made);
	else
		*site = made;
	return result;
}

static int freshen(void *site)
{
	struct monitor_site *own = site;

	snprintf(own->name, sizeof(own->name), "recovery-%u", ++own->attempt);
	return 0;
}

static int close_monitor(void **site)
{
	struct monitor_site *own = *site;
	char error[256];
	int result;

	*site = NULL;
	if (own == NULL)
		return 0;
	result = server_process_stop(&own->server, error, sizeof(error));
	if (result != 0)
		fprintf(stderr, "recovery: %s\n", error);
	free(own);
	return result;
}

static void write_id(const struct monitor_site *site, int index, char *id, size_t room_bytes)
{
	snprintf(id, room_bytes, "%s-%d", site->name, index);
}

static int join(void *site, const struct recovery_role *role, void **member)
{
	const struct monitor_site *own = site;
	struct monitor_member *made = calloc(1, sizeof(*made));
	char id[64];
	/* A session that polls sends each signal by itself. */
	const struct dmonitor_options options = { .process_id = id,
		                                  .lease_ms = role->lease_ms,
		                                  .poll_interval_ms = role->signals_soon };
	int result;

	if (made == NULL)
		return ENOMEM;
	made->site = own;
	write_id(own, role->index, id, sizeof(id));
	result = dmonitor_connect(server_process_endpoint(own->server), &options, &made->session);
	if (result == 0)
		result = dmonitor_open(made->session, own->name, 0, &made->monitor);
	if (result != 0)
		free(made);
	else
		*member = made;
	return result;
}

static int enter(void *member)
{
	return dmonitor_enter(((struct monitor_member *)member)->monitor);
}

static int leave(void *member)
{
	return dmonitor_exit(((struct monitor_member *)member)->monitor);
}

static int wait_on(void *member)
{
	return dmonitor_wait(((struct monitor_member *)member)->monitor, "item");
}

static int signal_one(void *member)
{
	return dmonitor_signal(((struct monitor_member *)member)->monitor, "item");
}

static int signal_all(void *member)
{
	return dmonitor_broadcast(((struct monitor_member *)member)->monitor, "item");
}

static int check(void *member)
{
	return dmonitor_check(((struct monitor_member *)member)->monitor);
}

static void *open_socket(const char *endpoint)
{
	const int limit_ms = ANSWER_MS;
	void *context = zmq_ctx_new();
	void *socket = context == NULL ? NULL : zmq_socket(context, ZMQ_REQ);

	if (socket == NULL)
		return NULL;
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &limit_ms, sizeof(limit_ms));
	zmq_setsockopt(socket, ZMQ_SNDTIMEO, &limit_ms, sizeof(limit_ms));
	return zmq_connect(socket, endpoint) == 0 ? socket : NULL;
}

/* What STATUS says about the monitor, to be deleted; NULL: nothing that can be understood. */
static cJSON *ask_status(struct monitor_member *member)
{
	static char answer[ANSWER_BYTES_MAX];
	char request[128];
	int length;

	if (member->asks == NULL)
		member->asks = open_socket(server_process_endpoint(member->site->server));
	if (member->asks == NULL)
		return NULL;
	length = snprintf(request, sizeof(request),
	                  "{\"action\":\"STATUS\",\"monitor_name\":\"%s\"}", member->site->name);
	if (zmq_send(member->asks, request, (size_t)length, 0) < 0)
		return NULL;
	length = zmq_recv(member->asks, answer, sizeof(answer), 0);
	return length < 0 || length > ANSWER_BYTES_MAX
	           ? NULL
	           : cJSON_ParseWithLength(answer, (size_t)length);
}

static bool stands(void *member, pid_t pid, int index, enum recovery_stand where)
{
	struct monitor_member *own = member;
	cJSON *status = ask_status(own);
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(
	    status, where == RECOVERY_IN_LINE ? "line" : "waiters");
	const cJSON *client;
	bool found = false;
	char id[64];

	(void)pid;
	write_id(own->site, index, id, sizeof(id));
	cJSON_ArrayForEach (client, list) {
		const cJSON *its = cJSON_GetObjectItemCaseSensitive(client, "id");

		found = found || (cJSON_IsString(its) && strcmp(its->valuestring, id) == 0);
	}
	cJSON_Delete(status);
	return found;
}

#define MONITOR(name_, transport_)                                                                 \
	{                                                                                          \
		.name = name_, .transport = transport_, .has_lease = true, .open = open_monitor,   \
		.freshen = freshen, .close = close_monitor, .join = join, .enter = enter,          \
		.exit = leave, .wait = wait_on, .signal = signal_one, .broadcast = signal_all,     \
		.check = check, .stands = stands                                                   \
	}

const struct recovery_system recovery_monitor_tcp = MONITOR("monitor, tcp", "tcp");
const struct recovery_system recovery_monitor_ipc = MONITOR("monitor, ipc", "ipc");
