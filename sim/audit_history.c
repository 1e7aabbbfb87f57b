/*
 * audit_history.c: the logs merged by their tokens, as one merges sorted files, and the buffer
 * played through step by step.
 *
 * What is in doubt is first played where its token stands. Only if that explains nothing is it
 * played as what it may be: an operation at that point or at any later one. It then widens the
 * bounds by one item from there on, and its place in the order says nothing.
 */
#include "audit_internal.h"

#include <errno.h>
#include <stdlib.h>

/* One worker's log while it is being merged. */
struct reader {
	const struct audit_log *log;
	size_t next;
	size_t worker; /* producers first, then consumers */
};

/* The operations done so far that bear one token. */
struct ownership {
	uint64_t token;
	size_t worker;
	uint64_t operations;
	bool shared; /* by several workers */
};

/* One way through the history, and what is wrong with it. */
struct play {
	const struct audit *audit;
	bool lenient;           /* with operations that are in doubt */
	struct reader *readers; /* a heap: the one with the lowest token first */
	size_t reader_count;
	uint64_t *put_count; /* for each producer, how many of its puts were played */
	uint64_t *behind;    /* for each producer, one more than its latest item that was got */
	uint64_t *token;     /* for each worker, that of its latest operation that was played */
	struct ownership owner;
	int64_t items;
	int64_t perhaps_more; /* puts, and gets, that may have happened by now */
	int64_t perhaps_less;
	uint64_t early, out_of_order, out_of_bounds, two_owners;
};

static uint64_t token_of(const struct reader *reader)
{
	return reader->log->entries[reader->next].token;
}

/* Puts stand before gets of the same token: only with two owners can there be both. */
static bool comes_before(const struct reader *a, const struct reader *b)
{
	if (token_of(a) != token_of(b))
		return token_of(a) < token_of(b);
	return a->worker < b->worker;
}

static void sift_down(struct play *play, size_t at)
{
	struct reader *readers = play->readers;

	for (;;) {
		const struct reader moved = readers[at];
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < play->reader_count &&
			    comes_before(&readers[child], &readers[least]))
				least = child;
		if (least == at)
			return;
		readers[at] = readers[least];
		readers[least] = moved;
		at = least;
	}
}

static void add_readers(struct play *play, const struct audit_log *logs, size_t count,
                        size_t first_worker)
{
	for (size_t i = 0; i < count; i++)
		if (logs[i].count > 0)
			play->readers[play->reader_count++] =
			    (struct reader){ .log = &logs[i], .worker = first_worker + i };
}

static void note_owner(struct play *play, uint64_t token, size_t worker)
{
	struct ownership *now = &play->owner;
	const bool fell = token < play->token[worker];

	play->token[worker] = token;
	if (token != now->token) {
		*now = (struct ownership){ .token = token, .worker = worker };
	} else if (worker != now->worker && !now->shared) {
		now->shared = true;
		play->two_owners += now->operations;
	}
	now->operations++;
	if (now->shared || fell)
		play->two_owners++;
}

static void check_bounds(struct play *play)
{
	const int64_t capacity = (int64_t)play->audit->input->capacity;

	if (play->items + play->perhaps_more < 0 || play->items - play->perhaps_less > capacity)
		play->out_of_bounds++;
}

static void play_put(struct play *play, const struct reader *reader)
{
	const bool sure =
	    !play->lenient || audit_doubt_of(reader->log, reader->next) == AUDIT_CERTAIN;

	play->put_count[reader->worker]++;
	if (!audit_happened(play->audit, reader->worker, reader->next))
		return;
	if (sure)
		play->items++;
	else
		play->perhaps_more++;
	check_bounds(play);
}

/* Note that ${entry} was got after all that were noted before it. */
static void note_order(struct play *play, const struct audit_entry *entry)
{
	uint64_t *behind = &play->behind[entry->producer];

	if ((uint64_t)entry->number + 1 < *behind)
		play->out_of_order++;
	else
		*behind = (uint64_t)entry->number + 1;
}

/* The item that a get took; NULL if it did not happen. */
static const struct audit_entry *taken_by(const struct play *play, const struct reader *reader)
{
	const struct audit *audit = play->audit;
	const size_t consumer = reader->worker - audit->input->producers;

	if (audit_doubt_of(reader->log, reader->next) != AUDIT_UNKNOWN)
		return &reader->log->entries[reader->next];
	for (size_t i = 0; i < audit->unknown_count; i++) {
		const struct unknown_get *get = &audit->unknown_gets[i];

		if (get->consumer == consumer && get->index == reader->next)
			return get->item;
	}
	return NULL;
}

static void play_get(struct play *play, const struct reader *reader)
{
	const struct audit_entry *entry = taken_by(play, reader);
	const struct audit_log *puts = play->audit->input->puts;
	size_t index;
	bool exists;

	if (entry == NULL)
		return;
	if (play->lenient && audit_doubt_of(reader->log, reader->next) != AUDIT_CERTAIN) {
		play->perhaps_less++;
		check_bounds(play);
		return;
	}
	exists = audit_find_put(play->audit, entry) != NULL;
	index = exists ? entry->number - puts[entry->producer].first_number : 0;
	if (exists && play->lenient &&
	    audit_doubt_of(&puts[entry->producer], index) != AUDIT_CERTAIN) {
		play->items++; /* now it is known to have been put by now */
		play->perhaps_more--;
	}
	play->items--;
	check_bounds(play);
	if (!exists)
		return;
	if (index >= play->put_count[entry->producer])
		play->early++; /* nobody had put it by then */
	note_order(play, entry);
}

static void play_all(struct play *play)
{
	const struct audit_input *input = play->audit->input;

	add_readers(play, input->puts, input->producers, 0);
	add_readers(play, input->gets, input->consumers, input->producers);
	for (size_t i = play->reader_count; i-- > 0;)
		sift_down(play, i);
	while (play->reader_count > 0) {
		struct reader *top = &play->readers[0];

		note_owner(play, token_of(top), top->worker);
		if (top->worker < input->producers)
			play_put(play, top);
		else
			play_get(play, top);
		if (++top->next == top->log->count)
			*top = play->readers[--play->reader_count];
		sift_down(play, 0);
	}
}

/* Play with or without leniency; ENOMEM. */
static int run(const struct audit *audit, bool lenient, struct play *play)
{
	const size_t workers = audit->input->producers + audit->input->consumers;
	int error = ENOMEM;

	*play = (struct play){ .audit = audit, .lenient = lenient };
	/* never of length 0, so that NULL always means a failure */
	play->readers = calloc(workers + 1, sizeof(*play->readers));
	play->put_count = calloc(workers + 1, sizeof(*play->put_count));
	play->behind = calloc(workers + 1, sizeof(*play->behind));
	play->token = calloc(workers + 1, sizeof(*play->token));
	if (play->readers != NULL && play->put_count != NULL && play->behind != NULL &&
	    play->token != NULL) {
		play_all(play);
		error = 0;
	}
	free(play->token);
	free(play->behind);
	free(play->put_count);
	free(play->readers);
	return error;
}

static bool is_right(const struct play *play)
{
	return play->early + play->out_of_order + play->out_of_bounds + play->two_owners == 0;
}

int audit_history(struct audit *audit)
{
	struct audit_result *result = &audit->result;
	struct play play;
	int error;

	if ((error = run(audit, false, &play)) != 0)
		return error;
	if (!is_right(&play) && audit->doubtful > 0) {
		if ((error = run(audit, true, &play)) != 0)
			return error;
		if (is_right(&play))
			result->stale = audit->doubtful;
	}
	result->invented += play.early;
	result->out_of_order += play.out_of_order;
	result->out_of_bounds += play.out_of_bounds;
	result->two_owners += play.two_owners;
	return 0;
}
