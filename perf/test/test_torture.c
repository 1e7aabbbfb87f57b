/*
 * test_torture.c: what is known of a worker that was killed, wherever that was; and whole runs with
 * faults, live.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../monitor/clock.h"
#include "../matrix.h"
#include "../run.h"
#include "../torture_faults.h"
#include "../torture_shared.h"
#include "support.h"

enum { PRODUCER = 0, CONSUMER = 1 };

/* One producer, one consumer, each after two operations that are logged. */
struct fixture {
	struct factors factors;
	struct torture torture;
	struct torture_slot *slots;
	struct audit_result audited;
};

static void log_one(struct fixture *fixture, size_t index, uint64_t token, uint32_t number)
{
	struct torture_slot *slot = &fixture->slots[index];
	struct audit_entry entry = { token, PRODUCER, number };
	slot->watch.token = token;
	slot->watch.begun++;
	slot->watch.moved++;
	assert_int_equal(torture_log(&fixture->torture, index, &entry, AUDIT_CERTAIN), 0);
}

static void set_up(struct fixture *fixture)
{
	fixture->factors = support_factors("producers = 1\nconsumers = 1\nduration = 1 s\n");
	assert_int_equal(torture_shared_init(&fixture->torture, &fixture->factors), 0);
	fixture->slots = fixture->torture.slots;
	log_one(fixture, PRODUCER, 1, 0);
	log_one(fixture, PRODUCER, 2, 1);
	log_one(fixture, CONSUMER, 3, 0);
	log_one(fixture, CONSUMER, 4, 1);
}

static const struct audit_result *audit(struct fixture *fixture)
{
	assert_int_equal(torture_audit(&fixture->torture, &fixture->audited), 0);
	return &fixture->audited;
}

/* A put or get whose worker was killed somewhere: its begin and its move as the watch tells. */
static int die(struct fixture *fixture, size_t index, uint64_t token, bool begun, bool moved)
{
	struct torture_slot *slot = &fixture->slots[index];
	slot->watch.token = token;
	slot->watch.begun += begun;
	slot->watch.moved += moved;
	return torture_settle(&fixture->torture, index);
}

static void hold_item(struct fixture *fixture, uint32_t producer, uint32_t number)
{
	struct item item = { producer, number };
	item_write(&item, torture_item(&fixture->torture, CONSUMER),
	           (size_t)fixture->factors.payload_bytes);
}

static void who_dies_before_moving_has_done_nothing(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture);
	assert_int_equal(die(&fixture, PRODUCER, 5, false, false), 0);
	assert_int_equal(die(&fixture, CONSUMER, 6, false, false), 0);
	assert_true(audit_ok(audit(&fixture)));
	assert_int_equal(fixture.audited.produced + fixture.audited.consumed, 4);
	assert_int_equal(fixture.audited.unknown, 0);
	torture_shared_fini(&fixture.torture);
}

static void who_dies_after_moving_has_moved(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture);
	hold_item(&fixture, PRODUCER, 2);
	assert_int_equal(die(&fixture, PRODUCER, 5, true, true), 0);
	assert_int_equal(die(&fixture, CONSUMER, 6, true, true), 0);
	assert_int_equal(torture_settle(&fixture.torture, PRODUCER), 0); /* once is enough */
	assert_true(audit_ok(audit(&fixture)));
	assert_int_equal(fixture.audited.produced, 3);
	assert_int_equal(fixture.audited.consumed, 3);
	assert_int_equal(fixture.audited.unknown, 0);
	torture_shared_fini(&fixture.torture);
}

static void who_dies_in_moving_may_have_moved_or_not(void **state)
{
	(void)state;
	for (int taken = 0; taken < 2; taken++) {
		struct fixture fixture;
		set_up(&fixture);
		log_one(&fixture, PRODUCER, 5, 2);
		assert_int_equal(die(&fixture, CONSUMER, 6, true, false), 0);
		assert_int_equal(die(&fixture, PRODUCER, 7, true, false), 0);
		/* The watch is as if nothing had begun, so that the next one can go on. */
		assert_int_equal(fixture.slots[PRODUCER].watch.begun,
		                 fixture.slots[PRODUCER].watch.moved);
		if (taken == 0)
			log_one(&fixture, CONSUMER, 8, 2);
		log_one(&fixture, PRODUCER, 9, 4); /* the number in doubt is used up */
		log_one(&fixture, CONSUMER, 10, 4);
		assert_true(audit_ok(audit(&fixture)));
		assert_int_equal(fixture.audited.unknown, 2);
		assert_int_equal(fixture.audited.taken, taken);
		torture_shared_fini(&fixture.torture);
	}
}

static void mark_that_a_dead_consumer_took_is_no_item(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture);
	hold_item(&fixture, TORTURE_MARK, 0);
	assert_int_equal(die(&fixture, CONSUMER, 6, true, true), 0);
	assert_int_equal(fixture.slots[CONSUMER].marks, 1);
	assert_true(audit_ok(audit(&fixture)));
	assert_int_equal(fixture.audited.consumed, 2);
	memset(torture_item(&fixture.torture, CONSUMER), 7, 20);
	assert_int_equal(die(&fixture, CONSUMER, 8, true, true), EPROTO);
	torture_shared_fini(&fixture.torture);
}

static void rounds_are_audited_one_by_one(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture);
	assert_true(audit_ok(audit(&fixture)));
	assert_int_equal(fixture.audited.produced, 2);
	log_one(&fixture, PRODUCER, 5, 2);
	assert_int_equal(audit(&fixture)->lost, 1);
	assert_int_equal(fixture.audited.produced, 1);
	log_one(&fixture, PRODUCER, 6, 3);
	log_one(&fixture, CONSUMER, 7, 2); /* of the round before */
	assert_int_equal(audit(&fixture)->invented, 1);
	torture_shared_fini(&fixture.torture);
}

static void full_log_is_told_before_it_is_full(void **state)
{
	(void)state;
	struct fixture fixture;
	struct audit_entry entry = { 9, PRODUCER, 2 };
	int failure = 0;
	set_up(&fixture);
	for (size_t i = 2; i < TORTURE_LOG_ENTRIES; i++) {
		assert_int_equal(fixture.torture.shared->full, i > TORTURE_LOG_FULL);
		failure = torture_log(&fixture.torture, PRODUCER, &entry, AUDIT_CERTAIN);
		assert_int_equal(failure, 0);
	}
	assert_int_equal(torture_log(&fixture.torture, PRODUCER, &entry, AUDIT_CERTAIN), EOVERFLOW);
	torture_shared_fini(&fixture.torture);
}

static int rest(void *context, size_t index, struct worker *self)
{
	(void)context;
	(void)index;
	worker_ready(self);
	return 0;
}

/* A fault of the moment in which a log gets full: nobody puts any more, and nobody can go on. */
static void full_log_ends_the_wait_for_who_goes_on(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture);
	char reason[KEYS_SENTENCE_BYTES] = "";
	struct torture_fault fault = { .kind = FAULT_CONTROL, .gone_on_ns = -1 };
	struct bout bouts[3] = { { .lasts = false } };
	struct run_request request = { .factors = &fixture.factors, .stop_fd = -1 };
	struct torment torment = { .request = &request,
		                   .reason = reason,
		                   .torture = fixture.torture,
		                   .bouts = bouts,
		                   .waited_for = &fault,
		                   .struck_at_ns = dmonitor_clock_now_ns() };
	const struct workers_plan plan = { .count = 2, .run = rest, .stop_fd = -1 };
	assert_int_equal(workers_start(&plan, &torment.workers), 0);
	atomic_store(&torment.torture.shared->armed, 1);
	atomic_store(&torment.torture.shared->full, 1);
	assert_int_equal(torment_endure(&torment, INT64_MAX), 0);
	assert_int_equal(fault.gone_on_ns, -1);
	assert_int_equal(atomic_load(&torment.torture.shared->armed), 0);
	assert_null(torment.waited_for);
	workers_free(&torment.workers);
	torture_shared_fini(&fixture.torture);
}

static void lock_holders_under_two_owners_are_a_violation(void **state)
{
	(void)state;
	struct fixture fixture;
	set_up(&fixture);
	atomic_store(&fixture.torture.shared->two_holders, 1);
	assert_int_equal(audit(&fixture)->two_owners, 1);
	/* Each round is counted by itself. */
	assert_int_equal(audit(&fixture)->two_owners, 0);
	torture_shared_fini(&fixture.torture);
}

/* Run ${keys}; whatever comes of it, nobody is left. */
static struct run_result *run(const char *keys)
{
	struct factors factors = support_factors(keys);
	struct run_request request = { .factors = &factors, .seed = 1, .stop_fd = -1 };
	struct run_result *result = malloc(sizeof(*result));
	assert_non_null(result);
	run_once(&request, result);
	assert_true(support_has_no_child());
	return result;
}

static void free_result(struct run_result *result)
{
	run_result_fini(result);
	free(result);
}

static void assert_ok(const struct run_result *result)
{
	const struct audit_result *audited = &result->audited;
	if (result->status != RUN_OK)
		fail_msg("%s", result->reason);
	assert_int_equal(result->audit, RUN_AUDIT_OK);
	assert_true(audited->history_checked);
	assert_true(audited->produced > 0);
	assert_int_equal(result->operations, audited->produced + audited->consumed);
	assert_true(audited->consumed <= audited->produced + audited->unknown);
	assert_true(result->torture.rounds > 0);
	assert_true(result->duration_ns > 0);
	for (size_t i = 0; i < result->torture.fault_count; i++)
		assert_true(result->torture.faults[i].gone_on_ns >= 0);
}

#define WORKERS "producers = 2\nconsumers = 3\nholders = 1\nhold_time = exp(200 us)\n"

static void without_faults_nothing_happens_for_a_time(void **state)
{
	(void)state;
	struct run_result *result = run(WORKERS "duration = 500 ms\n");
	assert_ok(result);
	assert_int_equal(result->torture.fault_total, 0);
	assert_int_equal(result->torture.unknown, 0);
	assert_true(result->duration_ns > 400000000);
	assert_true(result->torture.waits > 0);
	free_result(result);
}

static void nothing_is_lost_when_workers_are_killed(void **state)
{
	(void)state;
	struct run_result *result =
	    run(WORKERS "duration = 2 s\nfaults = kill\nfault_interval = 5 ms\ntransport = ipc\n");
	size_t places[FAULT_PLACES] = { 0 };
	assert_ok(result);
	assert_true(result->torture.fault_total >= 5);
	assert_int_equal(result->torture.by_kind[FAULT_KILL], result->torture.fault_total);
	assert_int_equal(result->torture.fault_count, result->torture.fault_total);
	assert_true(result->torture.abandonments > 0);
	for (size_t i = 0; i < result->torture.fault_count; i++)
		places[result->torture.faults[i].place]++;
	assert_true(places[FAULT_QUEUED] + places[FAULT_WAITING] + places[FAULT_HOLDING] > 0);
	free_result(result);
}

/* With one of each and room for one, a wake-up that dies with its sender is missed by nobody else.
 */
static void no_wake_up_dies_with_its_sender(void **state)
{
	(void)state;
	struct run_result *result =
	    run("producers = 1\nconsumers = 1\ncapacity = 1\nduration = 2 s\nfaults = kill\n"
	        "fault_interval = 5 ms\nproduce_time = exp(200 us)\nconsume_time = exp(200 us)\n");
	assert_ok(result);
	assert_true(result->torture.fault_total >= 5);
	free_result(result);
}

static void nothing_is_lost_whatever_happens(void **state)
{
	(void)state;
	struct run_result *result = run(WORKERS "duration = 4 s\nfaults = all\nfault_interval = 10 "
	                                        "ms\nlease = 300 ms\npayload = 200 B\n");
	int64_t done = 0;
	assert_ok(result);
	for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++)
		done += result->torture.by_kind[kind];
	assert_int_equal(done,
	                 result->torture.fault_total + result->torture.by_kind[FAULT_CONTROL]);
	assert_true(done >= 10);
	free_result(result);
}

/* monitor_check looks at what server and workers wrote, and finds all rules kept. */
static void recorded_run_is_checked(void **state)
{
	(void)state;
	struct run_result *result =
	    run(WORKERS "duration = 1 s\nfaults = all\nfault_interval = 10 ms\nlease = 300 ms\n"
	                "record = yes\n");
	assert_ok(result);
	free_result(result);
}

/* A server that writes its record, beside a checker that likes none. */
static void broken_rule_fails_the_run_and_the_record_stays(void **state)
{
	(void)state;
	char *folder = support_make_folder();
	char script[1024];
	char server[512];
	snprintf(script, sizeof(script), "#!/bin/sh\nexec %s \"$@\"\n",
	         support_program("monitor_server"));
	snprintf(server, sizeof(server), "%s", support_path(folder, "monitor_server"));
	support_write_file(server, script);
	support_write_file(support_path(folder, "monitor_check"),
	                   "#!/bin/sh\ntest -s \"$1\" && ls ${2#--history=} >/dev/null || exit 2\n"
	                   "echo rule 7 is broken\necho at event 5\nexit 1\n");
	assert_int_equal(chmod(server, 0700), 0);
	assert_int_equal(chmod(support_path(folder, "monitor_check"), 0700), 0);
	struct factors factors = support_factors(WORKERS "duration = 200 ms\nrecord = yes\n");
	struct run_request request = {
		.factors = &factors, .seed = 1, .stop_fd = -1, .server_program = server
	};
	struct run_result *result = malloc(sizeof(*result));
	assert_non_null(result);
	setenv("TMPDIR", folder, 1);
	run_once(&request, result);
	unsetenv("TMPDIR");
	assert_int_equal(result->status, RUN_FAILED);
	assert_int_equal(result->audit, RUN_AUDIT_OK);
	assert_non_null(strstr(result->reason, "at event 5"));
	char kept[512];
	assert_int_equal(sscanf(result->reason, "monitor_check of %500[^:]", kept), 1);
	assert_int_equal(access(support_path(kept, "record"), R_OK), 0);
	assert_int_equal(remove(support_path(folder, "monitor_check")), 0);
	free_result(result);
	result = malloc(sizeof(*result));
	assert_non_null(result);
	setenv("TMPDIR", folder, 1);
	run_once(&request, result);
	unsetenv("TMPDIR");
	assert_int_equal(result->status, RUN_FAILED);
	assert_non_null(strstr(result->reason, "no monitor_check beside the server"));
	free_result(result);
	support_remove_folder(folder);
}

static void only_monitors_can_be_run_by_time(void **state)
{
	(void)state;
	struct run_result *result = run("engine = null\nduration = 1 s\n");
	assert_int_equal(result->status, RUN_FAILED);
	assert_non_null(strstr(result->reason, "only the engine monitor"));
	free_result(result);
}

static void run_with_faults_can_be_interrupted(void **state)
{
	(void)state;
	struct factors factors = support_factors(WORKERS "duration = 40 s\nfaults = all\n");
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	struct run_request request = { .factors = &factors, .seed = 1, .stop_fd = ends[0] };
	struct run_result *result = malloc(sizeof(*result));
	assert_non_null(result);
	run_once(&request, result);
	assert_int_equal(result->status, RUN_INTERRUPTED);
	assert_true(support_has_no_child());
	free_result(result);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_dies_before_moving_has_done_nothing),
		cmocka_unit_test(who_dies_after_moving_has_moved),
		cmocka_unit_test(who_dies_in_moving_may_have_moved_or_not),
		cmocka_unit_test(mark_that_a_dead_consumer_took_is_no_item),
		cmocka_unit_test(rounds_are_audited_one_by_one),
		cmocka_unit_test(full_log_is_told_before_it_is_full),
		cmocka_unit_test(full_log_ends_the_wait_for_who_goes_on),
		cmocka_unit_test(lock_holders_under_two_owners_are_a_violation),
		cmocka_unit_test(without_faults_nothing_happens_for_a_time),
		cmocka_unit_test(nothing_is_lost_when_workers_are_killed),
		cmocka_unit_test(no_wake_up_dies_with_its_sender),
		cmocka_unit_test(nothing_is_lost_whatever_happens),
		cmocka_unit_test(recorded_run_is_checked),
		cmocka_unit_test(broken_rule_fails_the_run_and_the_record_stays),
		cmocka_unit_test(only_monitors_can_be_run_by_time),
		cmocka_unit_test(run_with_faults_can_be_interrupted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
