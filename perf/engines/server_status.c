/* server_status.c: a short-lived child with a REQ socket. */
#include "server_status.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <zmq.h>

#include "../../monitor/clock.h"

#define REQUEST "{\"action\":\"STATUS\"}"

enum {
	ANSWER_BYTES_MAX = 1 << 20,
	ANSWER_TIMEOUT_MS = 2000, /* for one answer */
	PATIENCE_MS = 2000        /* for the last exits to arrive */
};

/* The sum of all numbers of ${counters} but those called ${skip_1} and ${skip_2}. */
static int64_t sum(const cJSON *counters, const char *skip_1, const char *skip_2)
{
	double total = 0;
	const cJSON *counter;
	cJSON_ArrayForEach (counter, counters) {
		if (strcmp(counter->string, skip_1) != 0 && strcmp(counter->string, skip_2) != 0)
			total += cJSON_GetNumberValue(counter);
	}
	return (int64_t)total;
}

static int64_t counted(const cJSON *counters, const char *name)
{
	const cJSON *counter = cJSON_GetObjectItemCaseSensitive(counters, name);
	return cJSON_IsNumber(counter) ? (int64_t)counter->valuedouble : 0;
}

/* What a child finds out for its parent, in memory that both see. */
struct findings {
	struct engine_messages messages;
	struct server_events events;
	bool complete; /* wanted: every ENTER has had its EXIT */
};

/* Read an answer. EAGAIN if somebody's EXIT is still missing. */
static int read_answer(const char *answer, size_t length, struct findings *findings)
{
	cJSON *status = cJSON_ParseWithLength(answer, length);
	const cJSON *received = cJSON_GetObjectItemCaseSensitive(status, "received");
	const cJSON *sent = cJSON_GetObjectItemCaseSensitive(status, "sent");
	int failure = EPROTO;
	if (cJSON_IsObject(received) && cJSON_IsObject(sent)) {
		findings->messages.received = sum(received, "BEAT", "STATUS");
		findings->messages.sent = sum(sent, "alive", "ok");
		findings->events.passed_on = counted(status, "passed_on");
		findings->events.abandonments = counted(status, "abandonments");
		findings->events.resumed = counted(status, "resumed");
		bool missing = counted(received, "ENTER") != counted(received, "EXIT");
		failure = findings->complete && missing ? EAGAIN : 0;
	}
	cJSON_Delete(status);
	return failure;
}

static int ask(void *socket, char *answer, struct findings *findings)
{
	if (zmq_send(socket, REQUEST, strlen(REQUEST), 0) < 0)
		return ETIMEDOUT;
	int length = zmq_recv(socket, answer, ANSWER_BYTES_MAX, 0);
	if (length < 0)
		return ETIMEDOUT;
	if (length > ANSWER_BYTES_MAX)
		return EPROTO;
	return read_answer(answer, (size_t)length, findings);
}

/* The child's life. It leaves by _exit, so nothing here is given back. */
static int ask_until_found(const char *endpoint, struct findings *findings)
{
	void *context = zmq_ctx_new();
	void *socket = context != NULL ? zmq_socket(context, ZMQ_REQ) : NULL;
	char *answer = malloc(ANSWER_BYTES_MAX);
	int timeout_ms = ANSWER_TIMEOUT_MS;
	if (socket == NULL || answer == NULL)
		return ENOMEM;
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
	zmq_setsockopt(socket, ZMQ_SNDTIMEO, &timeout_ms, sizeof(timeout_ms));
	if (zmq_connect(socket, endpoint) != 0)
		return zmq_errno();
	int64_t deadline_ns = dmonitor_clock_now_ns() + PATIENCE_MS * DMONITOR_NS_PER_MS;
	int failure;
	while ((failure = ask(socket, answer, findings)) == EAGAIN) {
		int64_t now_ns = dmonitor_clock_now_ns();
		if (now_ns > deadline_ns)
			return ETIMEDOUT;
		dmonitor_clock_sleep_until(now_ns + DMONITOR_NS_PER_MS);
	}
	return failure;
}

static int find_out(const char *endpoint, struct findings *findings)
{
	struct findings *shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return errno;
	*shared = *findings;
	pid_t parent = getpid();
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent ? ask_until_found(endpoint, shared) : EOWNERDEAD);
	}
	int failure = child < 0 ? errno : 0;
	int wait_status = 0;
	while (failure == 0 && waitpid(child, &wait_status, 0) < 0)
		failure = errno == EINTR ? 0 : errno;
	if (failure == 0)
		failure = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : ECHILD;
	if (failure == 0)
		*findings = *shared;
	munmap(shared, sizeof(*shared));
	return failure;
}

int server_status_messages(const char *endpoint, struct engine_messages *messages)
{
	struct findings findings = { .complete = true };
	int failure = find_out(endpoint, &findings);
	if (failure == 0)
		*messages = findings.messages;
	return failure;
}

int server_status_events(const char *endpoint, struct server_events *events)
{
	struct findings findings = { .complete = false };
	int failure = find_out(endpoint, &findings);
	if (failure == 0)
		*events = findings.events;
	return failure;
}
