/*
 * audit.c: nothing lost, nothing doubled, nothing out of order, the buffer within its bounds.
 *
 * An item exists if its producer's log has it at its place. All gets are held against that first;
 * what is missing then is held against the gets that are unknown. If the entries carry tokens the
 * history is played (audit_history.c); else each log is checked for its own order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_internal.h"

enum audit_doubt audit_doubt_of(const struct audit_log *log, size_t index)
{
	return log->doubts == NULL ? AUDIT_CERTAIN : (enum audit_doubt)log->doubts[index];
}

const struct audit_entry *audit_find_put(const struct audit *audit, const struct audit_entry *entry)
{
	const struct audit_entry *put;
	const struct audit_log *log;

	if (entry->producer >= audit->input->producers)
		return NULL;
	log = &audit->input->puts[entry->producer];
	if (entry->number < log->first_number || entry->number - log->first_number >= log->count)
		return NULL;
	put = &log->entries[entry->number - log->first_number];
	return put->producer == entry->producer && put->number == entry->number ? put : NULL;
}

/* Where it is told under which token an item was got, if there is such an item. */
static uint64_t *got_of(const struct audit *audit, const struct audit_entry *entry)
{
	const struct audit_log *log;

	if (audit_find_put(audit, entry) == NULL)
		return NULL;
	log = &audit->input->puts[entry->producer];
	return &audit->got[audit->first[entry->producer] + entry->number - log->first_number];
}

bool audit_happened(const struct audit *audit, size_t producer, size_t index)
{
	return audit_doubt_of(&audit->input->puts[producer], index) != AUDIT_UNKNOWN ||
	       audit->got[audit->first[producer] + index] != 0;
}

static void check_puts(struct audit *audit)
{
	for (size_t p = 0; p < audit->input->producers; p++) {
		const struct audit_log *log = &audit->input->puts[p];

		for (size_t k = 0; k < log->count; k++)
			if (log->entries[k].producer != p ||
			    log->entries[k].number != log->first_number + k)
				audit->result.invented++;
	}
}

static void check_gets(struct audit *audit)
{
	for (size_t c = 0; c < audit->input->consumers; c++) {
		const struct audit_log *log = &audit->input->gets[c];

		for (size_t k = 0; k < log->count; k++) {
			const struct audit_entry *entry = &log->entries[k];
			uint64_t *got;

			if (audit_doubt_of(log, k) == AUDIT_UNKNOWN)
				continue;
			if ((got = got_of(audit, entry)) == NULL) {
				audit->result.invented++;
				continue;
			}
			audit->result.doubled += *got != 0;
			*got = entry->token + 1;
		}
	}
}

/* Whether a get under ${token} can have taken item ${index} of ${producer}: it was put by then, and
 * those of its producer that were got before and after it are got before and after this. */
static bool can_have_taken(const struct audit *audit, size_t producer, size_t index, uint64_t token)
{
	const struct audit_log *log = &audit->input->puts[producer];
	const uint64_t *got = audit->got + audit->first[producer];
	size_t before = index, after = index + 1;

	while (before > 0 && got[before - 1] == 0)
		before--;
	while (after < log->count && got[after] == 0)
		after++;
	return log->entries[index].token <= token &&
	       (before == 0 || got[before - 1] - 1 <= token) &&
	       (after == log->count || got[after] - 1 >= token);
}

/* An item that is missing: find the one who died in getting it. */
static bool find_taker(struct audit *audit, size_t producer, size_t index)
{
	for (size_t i = 0; i < audit->unknown_count; i++) {
		struct unknown_get *get = &audit->unknown_gets[i];

		if (get->item != NULL || !can_have_taken(audit, producer, index, get->token))
			continue;
		get->item = &audit->input->puts[producer].entries[index];
		audit->got[audit->first[producer] + index] = get->token + 1;
		return true;
	}
	return false;
}

static void check_lost(struct audit *audit)
{
	for (size_t p = 0; p < audit->input->producers; p++) {
		const struct audit_log *log = &audit->input->puts[p];

		for (size_t k = 0; k < log->count; k++) {
			if (audit_find_put(audit, &log->entries[k]) == NULL ||
			    audit->got[audit->first[p] + k] != 0 ||
			    audit_doubt_of(log, k) == AUDIT_UNKNOWN)
				continue;
			if (find_taker(audit, p, k))
				audit->result.taken++;
			else
				audit->result.lost++;
		}
	}
}

/* What can be said of the order without tokens: that of each consumer by itself. */
static int check_order_of_each(struct audit *audit)
{
	uint64_t *behind = calloc(audit->input->producers + 1, sizeof(*behind));

	if (behind == NULL)
		return ENOMEM;
	for (size_t c = 0; c < audit->input->consumers; c++) {
		const struct audit_log *log = &audit->input->gets[c];

		memset(behind, 0, audit->input->producers * sizeof(*behind));
		for (size_t k = 0; k < log->count; k++) {
			const struct audit_entry *entry = &log->entries[k];

			if (audit_find_put(audit, entry) == NULL)
				continue;
			if ((uint64_t)entry->number + 1 < behind[entry->producer])
				audit->result.out_of_order++;
			else
				behind[entry->producer] = (uint64_t)entry->number + 1;
		}
	}
	free(behind);
	return 0;
}

/* An overlap is the mover's own doing if it lost its ownership in that operation. */
static void check_overlaps(struct audit *audit)
{
	const struct audit_input *input = audit->input;

	for (size_t i = 0; i < input->overlap_count; i++) {
		const struct audit_overlap *overlap = &input->overlaps[i];
		const struct audit_log *log =
		    overlap->worker < input->producers
		        ? &input->puts[overlap->worker]
		        : &input->gets[overlap->worker - input->producers];
		bool late = false;

		for (size_t k = 0; k < log->count && !late; k++)
			late = log->entries[k].token == overlap->token &&
			       audit_doubt_of(log, k) != AUDIT_CERTAIN;
		if (late)
			audit->result.stale++;
		else
			audit->result.two_owners++;
	}
}

static uint64_t count_tokens(const struct audit_log *logs, size_t count)
{
	uint64_t tokens = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < logs[i].count; k++)
			tokens += logs[i].entries[k].token != 0;
	return tokens;
}

static int by_token(const void *left, const void *right)
{
	const struct unknown_get *a = left, *b = right;

	return (a->token > b->token) - (a->token < b->token);
}

/* Count the operations in doubt of ${logs}; gets that are unknown are listed once there is room. */
static void count_doubts(struct audit *audit, const struct audit_log *logs, size_t count, bool gets)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < logs[i].count; k++) {
			const enum audit_doubt doubt = audit_doubt_of(&logs[i], k);

			audit->doubtful += doubt != AUDIT_CERTAIN;
			audit->result.unknown += doubt == AUDIT_UNKNOWN;
			if (gets && doubt == AUDIT_UNKNOWN)
				audit->unknown_gets[audit->unknown_count++] =
				    (struct unknown_get){ logs[i].entries[k].token, i, k, NULL };
		}
}

static void count_operations(struct audit *audit)
{
	const struct audit_input *input = audit->input;
	struct audit_result *result = &audit->result;
	uint64_t operations, tokens;

	for (size_t p = 0; p < input->producers; p++) {
		audit->first[p] = result->produced;
		result->produced += input->puts[p].count;
	}
	for (size_t c = 0; c < input->consumers; c++)
		result->consumed += input->gets[c].count;
	operations = result->produced + result->consumed;
	tokens = count_tokens(input->puts, input->producers) +
	         count_tokens(input->gets, input->consumers);
	/* A system has tokens or it has none: an operation without one was nobody's. */
	result->history_checked = tokens > 0 && tokens == operations;
	if (tokens > 0)
		result->two_owners += operations - tokens;
}

/* Room for ${count} of something; never none, so that NULL always means a failure. */
static void *room_for(size_t count, size_t size_bytes)
{
	return calloc(count + 1, size_bytes);
}

int audit_run(const struct audit_input *input, struct audit_result *result)
{
	struct audit audit = { .input = input };
	int error = ENOMEM;

	if ((audit.first = room_for(input->producers, sizeof(*audit.first))) == NULL)
		goto err0;
	count_operations(&audit);
	audit.got = room_for(audit.result.produced, sizeof(*audit.got));
	audit.unknown_gets = room_for(audit.result.consumed, sizeof(*audit.unknown_gets));
	if (audit.got == NULL || audit.unknown_gets == NULL)
		goto err0;
	count_doubts(&audit, input->puts, input->producers, false);
	count_doubts(&audit, input->gets, input->consumers, true);
	qsort(audit.unknown_gets, audit.unknown_count, sizeof(*audit.unknown_gets), by_token);
	check_puts(&audit);
	check_gets(&audit);
	check_lost(&audit);
	error = audit.result.history_checked ? audit_history(&audit) : check_order_of_each(&audit);
	check_overlaps(&audit);
	if (error == 0)
		*result = audit.result;

err0:
	free(audit.unknown_gets);
	free(audit.got);
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
