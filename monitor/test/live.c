/* live.c: a real server for the tests of this folder. */
#include "live.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <zmq.h>

#include "../../sim/server_process.h"
#include "../clock.h"

static struct server_process *server;

static int start(void **state, const char *transport)
{
	char bind[128], sentence[512];
	const struct server_process_options options = { .bind = bind };

	assert_int_equal(server_process_endpoint_for(transport, bind, sizeof(bind)), 0);
	if (server_process_start(&options, &server, sentence, sizeof(sentence)) != 0)
		fail_msg("%s", sentence);
	*state = strdup(server_process_endpoint(server));
	return 0;
}

int live_start_tcp(void **state)
{
	return start(state, "tcp");
}

int live_start_ipc(void **state)
{
	return start(state, "ipc");
}

/* A test may have killed the server; all others end it well. */
int live_stop(void **state)
{
	char sentence[512];

	server_process_stop(&server, sentence, sizeof(sentence));
	free(*state);
	return 0;
}

pid_t live_server(void)
{
	return server_process_pid(server);
}

dmonitor_session *live_connect(const char *endpoint, const struct dmonitor_options *options)
{
	dmonitor_session *session = NULL;

	if (dmonitor_connect(endpoint, options, &session) != 0)
		fail_msg("%s", dmonitor_error(NULL));
	return session;
}

dmonitor *live_open(dmonitor_session *session, const char *name, unsigned flags)
{
	dmonitor *monitor = NULL;

	assert_int_equal(dmonitor_open(session, name, flags, &monitor), 0);
	return monitor;
}

/* Ask STATUS, on ${monitor} unless that is NULL; the answer is to be deleted. */
static cJSON *ask_status(const char *endpoint, const char *monitor)
{
	void *context = zmq_ctx_new();
	void *socket = zmq_socket(context, ZMQ_REQ);
	const int linger = 0, limit_ms = 10000;
	char request[256];
	zmq_msg_t answer;
	cJSON *decoded;
	int received;

	snprintf(request, sizeof(request), "{\"action\":\"STATUS\"%s%s%s}",
	         monitor == NULL ? "" : ",\"monitor_name\":\"", monitor == NULL ? "" : monitor,
	         monitor == NULL ? "" : "\"");
	zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &limit_ms, sizeof(limit_ms));
	assert_int_equal(zmq_connect(socket, endpoint), 0);
	assert_true(zmq_send(socket, request, strlen(request), 0) > 0);
	zmq_msg_init(&answer);
	/* A test may have signals come all the time. */
	do
		received = zmq_msg_recv(&answer, socket, 0);
	while (received < 0 && zmq_errno() == EINTR);
	assert_true(received > 0);
	decoded = cJSON_ParseWithLength(zmq_msg_data(&answer), zmq_msg_size(&answer));
	zmq_msg_close(&answer);
	zmq_close(socket);
	zmq_ctx_term(context);
	assert_non_null(decoded);
	return decoded;
}

/* The counter ${word} of ${group}; without a word all of them, less ${left_out} and ${and_out}. */
static int64_t counted(const char *endpoint, const char *group, const char *word,
                       const char *left_out, const char *and_out)
{
	cJSON *status = ask_status(endpoint, NULL);
	const cJSON *counter;
	int64_t sum = 0;

	cJSON_ArrayForEach (counter, cJSON_GetObjectItemCaseSensitive(status, group)) {
		if (word == NULL ? strcmp(counter->string, left_out) != 0 &&
		                       strcmp(counter->string, and_out) != 0
		                 : strcmp(counter->string, word) == 0)
			sum += (int64_t)counter->valuedouble;
	}
	cJSON_Delete(status);
	return sum;
}

int64_t live_received(const char *endpoint, const char *action)
{
	return counted(endpoint, "received", action, "BEAT", "STATUS");
}

int64_t live_sent(const char *endpoint, const char *status)
{
	return counted(endpoint, "sent", status, "alive", "ok");
}

int64_t live_length(const char *endpoint, const char *monitor, const char *which)
{
	cJSON *status = ask_status(endpoint, monitor);
	const cJSON *length = cJSON_GetObjectItemCaseSensitive(status, which);
	const int64_t value = cJSON_IsNumber(length) ? (int64_t)length->valuedouble : -1;

	cJSON_Delete(status);
	return value;
}

void live_await_line(const char *endpoint, const char *monitor, int64_t length)
{
	while (live_length(endpoint, monitor, "line_length") != length)
		sched_yield();
}

void live_await_waiters(const char *endpoint, const char *monitor, int64_t length)
{
	while (live_length(endpoint, monitor, "waiters_length") != length)
		sched_yield();
}

pid_t live_fork_beside_threads(const char *endpoint, live_body *body, void *argument)
{
	const pid_t parent = getpid();
	const pid_t process = fork();

	assert_true(process >= 0);
	if (process > 0)
		return process;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	_exit(body(endpoint, argument));
}

/* The thread sanitizer has one of its own. */
#ifdef __SANITIZE_THREAD__
enum { THREADS_OF_ONE = 2 };
#else
enum { THREADS_OF_ONE = 1 };
#endif

static int count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int count = 0;

	assert_non_null(tasks);
	for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks))
		count += task->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* A thread that was joined may be seen for a moment yet; one of a session stays. */
static void check_that_there_are_no_threads(void)
{
	const int64_t due_ns = dmonitor_clock_now_ns() + 5 * DMONITOR_NS_PER_S;

	while (count_threads() > THREADS_OF_ONE) {
		if (dmonitor_clock_now_ns() > due_ns)
			fail_msg("this process has a session, and so threads, and cannot fork");
		sched_yield();
	}
}

pid_t live_fork(const char *endpoint, live_body *body, void *argument)
{
	check_that_there_are_no_threads();
	return live_fork_beside_threads(endpoint, body, argument);
}

void live_join(pid_t process)
{
	int status;

	while (waitpid(process, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("a process ended with wait status 0x%x", (unsigned)status);
}

void *live_shared(size_t size_bytes)
{
	void *memory =
	    mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}
