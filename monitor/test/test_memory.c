/*
 * test_memory.c: memory that runs out, at each allocation in turn. A step of the core then says
 * ENOMEM and has changed nothing, so the same event tried again leads where it would have led; a
 * call of the library says so or has managed without, and the next one works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "../core.h"
#include "../dmonitor.h"
#include "failing_malloc.h"
#include "live.h"

/* A run that allocates in every way the core can: clients, monitors, conditions, reports. */
static const char *const messages[] = {
	"1 {\"action\":\"HELLO\",\"protocol\":2,\"process_id\":\"a\",\"label\":\"x\"}",
	"2 {\"action\":\"ENTER\",\"monitor_name\":\"m\",\"process_id\":\"b\"}",
	"1 {\"action\":\"ENTER\",\"session\":\"%s\",\"seq\":1,\"monitor_name\":\"m\"}",
	"3 {\"action\":\"ENTER\",\"monitor_name\":\"m\",\"process_id\":\"b\"}", /* held */
	("2 {\"action\":\"WAIT\",\"monitor_name\":\"m\",\"process_id\":\"b\","
	 "\"condition_name\":\"c\"}"),
	("1 {\"action\":\"WAIT\",\"session\":\"%s\",\"seq\":2,\"monitor_name\":\"m\","
	 "\"condition_name\":\"d\",\"timeout_ms\":5,\"signal\":[\"c\",\"c\"]}"),
	"2 {\"action\":\"STATUS\",\"monitor_name\":\"m\"}",
	"2 {\"action\":\"ENTER\",\"monitor_name\":\"n\",\"process_id\":\"b\",\"timeout_ms\":0}",
	"2 {\"action\":\"EXIT\",\"monitor_name\":\"m\",\"process_id\":\"b\"}",
	"1 {\"action\":\"BYE\",\"session\":\"%s\"}",
};

enum { MESSAGES = sizeof(messages) / sizeof(messages[0]), SWEEP_MAX = 2000 };

struct run {
	struct dmonitor_core *core;
	struct dmonitor_outbox outbox;
	FILE *trace;
	bool failed; /* the one failure has happened */
};

/* Let ${event} happen, once more if memory ran out; that must have changed nothing. */
static void step(struct run *run, struct dmonitor_event *event)
{
	int result = dmonitor_core_step(run->core, event, &run->outbox);

	if (result == ENOMEM) {
		until_failure = -1;
		assert_false(run->failed);
		run->failed = true;
		assert_null(dmonitor_core_check(run->core));
		result = dmonitor_core_step(run->core, event, &run->outbox);
	}
	assert_int_equal(result, 0);
	assert_null(dmonitor_core_check(run->core));
	for (size_t i = 0; i < run->outbox.count; i++)
		fprintf(run->trace, "%llu %s %s #%llu\n",
		        (unsigned long long)run->outbox.deliveries[i].to,
		        dmonitor_status_word(run->outbox.deliveries[i].reply.status),
		        dmonitor_code_word(run->outbox.deliveries[i].reply.code),
		        (unsigned long long)run->outbox.deliveries[i].reply.token);
}

static void send_message(struct run *run, const char *message, int64_t now_ns)
{
	struct dmonitor_request request;
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .now_ns = now_ns,
		                        .peer = (dmonitor_peer)(message[0] - '0'),
		                        .request = &request };
	struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK, .now_ns = now_ns };
	const int armed = until_failure;
	char text[512];

	until_failure = -1;
	snprintf(text, sizeof(text), "%s", message + 2);
	if (strstr(message, "%s") != NULL)
		sprintf(text, "%.*s00000000000000000000000000000000%s",
		        (int)(strstr(message, "%s") - message - 2), message + 2,
		        strstr(message, "%s") + 2);
	assert_int_equal(dmonitor_request_decode(text, strlen(text), 1, &request), 0);
	until_failure = armed;
	step(run, &event);
	step(run, &tick);
	dmonitor_request_fini(&request);
}

/* Play all messages, the allocation after ${successes} more failing; what was said. */
static char *play(int successes, bool *failed)
{
	struct run run = { .failed = false };
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START, .server = "s" };
	struct dmonitor_event closed = { .kind = DMONITOR_EVENT_CLOSED, .peer = 2 };
	struct dmonitor_event end = { .kind = DMONITOR_EVENT_TICK };
	char *trace = NULL;
	size_t size;

	run.core = dmonitor_core_new(&dmonitor_core_defaults);
	run.trace = open_memstream(&trace, &size);
	start.now_ns = 1;
	step(&run, &start);
	until_failure = successes;
	for (int i = 0; i < MESSAGES; i++)
		send_message(&run, messages[i], (i + 1) * INT64_C(10000000));
	closed.now_ns = INT64_C(200000000);
	step(&run, &closed);
	end.now_ns = INT64_C(400000000);
	step(&run, &end);
	*failed = run.failed || until_failure < 0;
	until_failure = -1;
	fclose(run.trace);
	dmonitor_outbox_fini(&run.outbox);
	dmonitor_core_free(&run.core);
	assert_null(run.core);
	return trace;
}

static void the_core_survives_each_failing_allocation(void **state)
{
	bool failed;
	char *expected = play(-1, &failed);
	int successes = 0;

	(void)state;
	for (failed = true; failed && successes < SWEEP_MAX; successes++) {
		char *trace = play(successes, &failed);

		assert_string_equal(trace, expected);
		free(trace);
	}
	free(expected);
	/* The sweep reached the end: its last run met no failure. */
	assert_false(failed);
	assert_true(successes > 20);
}

static void the_wire_survives_each_failing_allocation(void **state)
{
	static const char text[] = "{\"action\":\"WAIT\",\"session\":\"s\",\"seq\":1,"
	                           "\"monitor_name\":\"m\",\"condition_name\":\"c\","
	                           "\"signal\":[\"a\",\"b\"],\"broadcast\":[\"d\"]}";
	int result = ENOMEM;

	(void)state;
	for (int successes = 0; result == ENOMEM && successes < SWEEP_MAX; successes++) {
		struct dmonitor_request request;
		char *encoded;

		until_failure = successes;
		result = dmonitor_request_decode(text, strlen(text), 1, &request);
		if (result == 0) {
			encoded = dmonitor_request_encode(&request);
			result = encoded == NULL ? ENOMEM : 0;
			free(encoded);
		}
		until_failure = -1;
		dmonitor_request_fini(&request);
	}
	assert_int_equal(result, 0);
}

/* One use of the library from connecting to disconnecting: 0, ENOMEM, or what ENOMEM leads to;
 * and whether an allocation did fail. */
static int use(const char *endpoint, bool *failed)
{
	dmonitor_session *session = NULL;
	dmonitor *monitor = NULL;
	int result = dmonitor_connect(endpoint, NULL, &session);

	if (result == 0)
		result = dmonitor_open(session, "memory", 0, &monitor);
	if (result == 0)
		result = dmonitor_enter(monitor);
	if (result == 0)
		result = dmonitor_signal(monitor, "c");
	if (result == 0)
		result = dmonitor_broadcast(monitor, "d");
	if (result == 0 && dmonitor_wait_for(monitor, "c", 0) != ETIMEDOUT)
		result = dmonitor_last_result(monitor);
	if (result == 0)
		result = dmonitor_exit(monitor);
	if (session != NULL && result == 0)
		result = dmonitor_disconnect(&session);
	*failed = until_failure < 0;
	until_failure = -1;
	if (session != NULL)
		dmonitor_disconnect(&session);
	return result;
}

static void the_library_survives_each_failing_allocation(void **state)
{
	const char *endpoint = *state;
	bool failed = true, ignored;
	int successes = 0;

	for (; failed && successes < SWEEP_MAX; successes++) {
		int result;

		until_failure = successes;
		result = use(endpoint, &failed);
		/* A goodbye whose answer finds no memory cannot be said twice. */
		assert_true(result == 0 || result == ENOMEM || result == EINVAL ||
		            result == ECONNABORTED);
		assert_int_equal(use(endpoint, &ignored), 0);
	}
	assert_false(failed);
	assert_true(successes > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_core_survives_each_failing_allocation),
		cmocka_unit_test(the_wire_survives_each_failing_allocation),
		cmocka_unit_test_setup_teardown(the_library_survives_each_failing_allocation,
		                                live_start_tcp, live_stop),
	};
	/* cJSON is a shared library, so it must be told whom to ask. */
	cJSON_Hooks hooks = { .malloc_fn = __wrap_malloc, .free_fn = free };

	cJSON_InitHooks(&hooks);
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
