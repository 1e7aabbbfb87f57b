/*
 * audit.c: nothing lost, nothing doubled, nothing out of order, the buffer within its bounds.
 *
 * An item exists if its producer's log has it at its place. All gets are held against that first.
 * If the entries carry tokens the logs are then merged by them, as one merges sorted files, and
 * the buffer's history is played through; else each log is checked for its own order.
 */
#include "audit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One worker's log while it is being merged. */
struct reader {
	const struct audit_entry *next;
	const struct audit_entry *end;
	size_t worker; /* producers first, then consumers */
};

/* The operations done so far that bear one token. */
struct ownership {
	uint64_t token;
	size_t worker;
	uint64_t operations;
	bool shared; /* by several workers */
};

struct audit {
	const struct audit_input *input;
	struct audit_result result;
	size_t *first;          /* for each producer, the number of its first item among all */
	unsigned char *got;     /* for each item, whether it was got */
	uint64_t *put_count;    /* for each producer, how many of its puts were played */
	uint64_t *behind;       /* for each producer, one more than its latest item that was got */
	struct reader *readers; /* a heap: the one with the lowest token first */
	size_t reader_count;
	uint64_t *token; /* for each worker, that of its latest operation that was played */
};

static bool exists(const struct audit *audit, const struct audit_entry *entry)
{
	const struct audit_entry *put;

	if (entry->producer >= audit->input->producers ||
	    entry->number >= audit->input->puts[entry->producer].count)
		return false;
	put = &audit->input->puts[entry->producer].entries[entry->number];
	return put->producer == entry->producer && put->number == entry->number;
}

static void check_puts(struct audit *audit)
{
	for (size_t p = 0; p < audit->input->producers; p++) {
		const struct audit_log *log = &audit->input->puts[p];

		for (size_t k = 0; k < log->count; k++)
			if (log->entries[k].producer != p || log->entries[k].number != k)
				audit->result.invented++;
	}
}

static void check_gets(struct audit *audit)
{
	for (size_t c = 0; c < audit->input->consumers; c++) {
		const struct audit_log *log = &audit->input->gets[c];

		for (size_t k = 0; k < log->count; k++) {
			const struct audit_entry *entry = &log->entries[k];
			unsigned char *got;

			if (!exists(audit, entry)) {
				audit->result.invented++;
				continue;
			}
			got = &audit->got[audit->first[entry->producer] + entry->number];
			audit->result.doubled += *got;
			*got = 1;
		}
	}
}

static void check_lost(struct audit *audit)
{
	for (size_t p = 0; p < audit->input->producers; p++) {
		const struct audit_log *log = &audit->input->puts[p];

		for (size_t k = 0; k < log->count; k++)
			if (exists(audit, &log->entries[k]) && !audit->got[audit->first[p] + k])
				audit->result.lost++;
	}
}

/* Note the get of ${entry}, after all that were noted before it. */
static void note_order(struct audit *audit, const struct audit_entry *entry)
{
	uint64_t *behind = &audit->behind[entry->producer];

	if ((uint64_t)entry->number + 1 < *behind)
		audit->result.out_of_order++;
	else
		*behind = (uint64_t)entry->number + 1;
}

/* What can be said of the order without tokens: that of each consumer by itself. */
static void check_order_of_each(struct audit *audit)
{
	for (size_t c = 0; c < audit->input->consumers; c++) {
		const struct audit_log *log = &audit->input->gets[c];

		memset(audit->behind, 0, audit->input->producers * sizeof(*audit->behind));
		for (size_t k = 0; k < log->count; k++)
			if (exists(audit, &log->entries[k]))
				note_order(audit, &log->entries[k]);
	}
}

/* Puts stand before gets of the same token: only with two owners can there be both. */
static bool comes_before(const struct reader *a, const struct reader *b)
{
	if (a->next->token != b->next->token)
		return a->next->token < b->next->token;
	return a->worker < b->worker;
}

static void sift_down(struct audit *audit, size_t at)
{
	struct reader *readers = audit->readers;

	for (;;) {
		const struct reader moved = readers[at];
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < audit->reader_count &&
			    comes_before(&readers[child], &readers[least]))
				least = child;
		if (least == at)
			return;
		readers[at] = readers[least];
		readers[least] = moved;
		at = least;
	}
}

static void add_readers(struct audit *audit, const struct audit_log *logs, size_t count,
                        size_t first_worker)
{
	for (size_t i = 0; i < count; i++)
		if (logs[i].count > 0)
			audit->readers[audit->reader_count++] =
			    (struct reader){ .next = logs[i].entries,
				             .end = logs[i].entries + logs[i].count,
				             .worker = first_worker + i };
}

/* The next operation of the history and who did it; NULL at its end. */
static const struct audit_entry *next_operation(struct audit *audit, size_t *worker)
{
	struct reader *top = &audit->readers[0];
	const struct audit_entry *entry;

	if (audit->reader_count == 0)
		return NULL;
	entry = top->next++;
	*worker = top->worker;
	if (top->next == top->end)
		*top = audit->readers[--audit->reader_count];
	sift_down(audit, 0);
	return entry;
}

static void note_owner(struct audit *audit, struct ownership *now, uint64_t token, size_t worker)
{
	const bool fell = token < audit->token[worker];

	audit->token[worker] = token;
	if (token != now->token) {
		*now = (struct ownership){ .token = token, .worker = worker };
	} else if (worker != now->worker && !now->shared) {
		now->shared = true;
		audit->result.two_owners += now->operations;
	}
	now->operations++;
	if (now->shared || fell)
		audit->result.two_owners++;
}

/* Play the history of the buffer through. */
static void check_history(struct audit *audit)
{
	const struct audit_input *input = audit->input;
	const struct audit_entry *entry;
	struct ownership owner = { .token = 0 };
	int64_t items = 0;
	size_t worker;

	add_readers(audit, input->puts, input->producers, 0);
	add_readers(audit, input->gets, input->consumers, input->producers);
	for (size_t i = audit->reader_count; i-- > 0;)
		sift_down(audit, i);
	while ((entry = next_operation(audit, &worker)) != NULL) {
		const bool put = worker < input->producers;

		note_owner(audit, &owner, entry->token, worker);
		items += put ? 1 : -1;
		if (items < 0 || (uint64_t)items > input->capacity)
			audit->result.out_of_bounds++;
		if (put) {
			audit->put_count[worker]++;
		} else if (exists(audit, entry)) {
			if (entry->number >= audit->put_count[entry->producer])
				audit->result.invented++; /* nobody had put it by then */
			note_order(audit, entry);
		}
	}
}

static bool have_tokens(const struct audit_log *logs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < logs[i].count; k++)
			if (logs[i].entries[k].token == 0)
				return false;
	return true;
}

static void count_operations(struct audit *audit)
{
	const struct audit_input *input = audit->input;
	struct audit_result *result = &audit->result;

	for (size_t p = 0; p < input->producers; p++) {
		audit->first[p] = result->produced;
		result->produced += input->puts[p].count;
	}
	for (size_t c = 0; c < input->consumers; c++)
		result->consumed += input->gets[c].count;
	result->history_checked = result->produced + result->consumed > 0 &&
	                          have_tokens(input->puts, input->producers) &&
	                          have_tokens(input->gets, input->consumers);
}

/* Room for ${count} of something; never none, so that NULL always means a failure. */
static void *room_for(size_t count, size_t size_bytes)
{
	return calloc(count + 1, size_bytes);
}

int audit_run(const struct audit_input *input, struct audit_result *result)
{
	const size_t workers = input->producers + input->consumers;
	struct audit audit = { .input = input };
	int error = ENOMEM;

	audit.first = room_for(input->producers, sizeof(*audit.first));
	audit.put_count = room_for(input->producers, sizeof(*audit.put_count));
	audit.behind = room_for(input->producers, sizeof(*audit.behind));
	audit.readers = room_for(workers, sizeof(*audit.readers));
	audit.token = room_for(workers, sizeof(*audit.token));
	if (audit.first == NULL || audit.put_count == NULL || audit.behind == NULL ||
	    audit.readers == NULL || audit.token == NULL)
		goto err0;
	count_operations(&audit);
	if ((audit.got = room_for(audit.result.produced, 1)) == NULL)
		goto err0;
	check_puts(&audit);
	check_gets(&audit);
	check_lost(&audit);
	if (audit.result.history_checked)
		check_history(&audit);
	else
		check_order_of_each(&audit);
	*result = audit.result;
	error = 0;

err0:
	free(audit.got);
	free(audit.token);
	free(audit.readers);
	free(audit.behind);
	free(audit.put_count);
	free(audit.first);
	return error;
}

bool audit_ok(const struct audit_result *result)
{
	return result->lost == 0 && result->doubled == 0 && result->invented == 0 &&
	       result->out_of_order == 0 && result->out_of_bounds == 0 && result->two_owners == 0;
}

/* Write what is wrong as "2 lost, 1 got twice". */
static void list_faults(const struct audit_result *result, char *text, size_t room_bytes)
{
	const struct {
		uint64_t count;
		const char *words;
	} faults[] = {
		{ result->lost, "lost" },
		{ result->doubled, "got twice" },
		{ result->invented, "never put" },
		{ result->out_of_order, "out of order" },
		{ result->out_of_bounds, "steps outside the buffer's bounds" },
		{ result->two_owners, "operations under two owners" },
	};
	size_t length = 0;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]) && length < room_bytes; i++)
		if (faults[i].count != 0)
			length += (size_t)snprintf(text + length, room_bytes - length,
			                           "%s%" PRIu64 " %s", length == 0 ? "" : ", ",
			                           faults[i].count, faults[i].words);
}

void audit_describe(const struct audit_result *result, char *text, size_t room_bytes)
{
	char faults[384] = "";

	list_faults(result, faults, sizeof(faults));
	if (!audit_ok(result))
		snprintf(text, room_bytes,
		         "violated: of %" PRIu64 " items put and %" PRIu64 " got, %s",
		         result->produced, result->consumed, faults);
	else
		snprintf(text, room_bytes,
		         "all is right: %" PRIu64 " items put, each got once and in order%s",
		         result->produced,
		         result->history_checked
		             ? ", the buffer never outside its bounds, one owner at a time"
		             : " (no tokens: bounds and owners not checked)");
}
