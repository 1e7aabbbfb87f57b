/* live.c: a real server for the tests of this folder. */
#include "live.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <zmq.h>

#include "../../sim/server_process.h"
#include "../segment.h"

static struct server_process *server;

void live_start(const char *transport)
{
	char bind[128], sentence[512];
	const struct server_process_options options = { .program = getenv("MONITOR_SERVER"),
		                                        .bind = bind };

	assert_int_equal(server_process_endpoint_for(transport, bind, sizeof(bind)), 0);
	if (server_process_start(&options, &server, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
}

void live_stop(void)
{
	char sentence[512];

	if (server_process_stop(&server, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
}

void live_kill(void)
{
	char sentence[512];

	kill(server_process_pid(server), SIGKILL);
	server_process_stop(&server, sentence, sizeof(sentence));
}

const char *live_endpoint(void)
{
	return server_process_endpoint(server);
}

dmonitor_session *live_connect(void)
{
	dmonitor_session *session = NULL;

	if (dmonitor_connect(live_endpoint(), NULL, &session) != 0)
		fail_msg("%s", dmonitor_error(NULL));
	return session;
}

bounded_buffer *live_open(dmonitor_session *session, const char *name, size_t capacity,
                          size_t item_max_bytes)
{
	bounded_buffer *buffer = NULL;
	const int error = bounded_buffer_open(session, name, capacity, item_max_bytes,
	                                      BOUNDED_BUFFER_SHARED_MEMORY, &buffer);

	if (error != 0)
		fail_msg("open %s: %s", name, strerror(error));
	return buffer;
}

/* Ask the server and get its answer, to be deleted. */
static cJSON *ask(const char *request)
{
	static char answer[1 << 20];
	void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REQ);
	const int linger = 0, timeout_ms = 10000;
	cJSON *decoded;
	int length;

	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	assert_int_equal(zmq_connect(socket, live_endpoint()), 0);
	assert_true(zmq_send(socket, request, strlen(request), 0) > 0);
	length = zmq_recv(socket, answer, sizeof(answer), 0);
	zmq_close(socket);
	zmq_ctx_term(context);
	assert_true(length > 0);
	decoded = cJSON_ParseWithLength(answer, (size_t)length);
	assert_non_null(decoded);
	return decoded;
}

long live_received(const char *action)
{
	cJSON *status = ask("{\"action\":\"STATUS\",\"process_id\":\"counter\"}");
	const cJSON *received = cJSON_GetObjectItemCaseSensitive(status, "received");
	const cJSON *count = cJSON_GetObjectItemCaseSensitive(received, action);
	const long result = count == NULL ? 0 : (long)count->valuedouble;

	assert_non_null(received);
	cJSON_Delete(status);
	return result;
}

void live_await_waiters(const char *monitor, int waiters)
{
	char request[256];
	int waiting;

	snprintf(request, sizeof(request),
	         "{\"action\":\"STATUS\",\"process_id\":\"counter\",\"monitor_name\":\"%s\"}",
	         monitor);
	do {
		cJSON *status = ask(request);

		waiting = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(status, "waiters"));
		cJSON_Delete(status);
	} while (waiting != waiters);
}

bool live_has_segment(const char *server_id, const char *name)
{
	char path[SEGMENT_NAME_BYTES];
	int fd;

	segment_name(server_id, name, path);
	if ((fd = shm_open(path, O_RDONLY, 0)) == -1)
		return false;
	close(fd);
	return true;
}
