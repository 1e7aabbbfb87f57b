/*
 * torture_worker.c: a session that is lost is followed by another one, and nothing is logged but
 * what has happened. Waits have no time limit: if a wake-up is lost, nobody goes on, and the
 * harness sees it.
 */
#include "torture_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../monitor/clock.h"
#include "../monitor/dmonitor.h"
#include "../sim/distribution.h"
#include "cpus.h"
#include "sentence.h"

/* How long to try for a new session: longer than any server or proxy says no. */
#define PATIENCE_NS (30 * DMONITOR_NS_PER_S)

struct connection {
	dmonitor_session *session;
	bounded_buffer *buffer;
	dmonitor *monitor; /* of a lock-holder, the buffer's */
};

struct self {
	const struct torture *torture;
	const char *endpoint;
	const struct recording *recording;
	size_t index;
	const char *label;
	struct torture_slot *slot;
	struct distribution_random random;
	struct distribution work_ns; /* of a lock-holder: how long it holds, and rests */
	unsigned char *bytes;        /* the item to put */
	uint64_t *seen;              /* of a lock-holder: what each worker had moved */
	struct connection connection;
};

void torture_worker_name(void *context, size_t index, char *text, size_t room_bytes)
{
	const struct torture_work *work = context;
	size_t producers = work->torture->producers;
	size_t consumers = work->torture->consumers;
	if (index < producers)
		sentence(text, room_bytes, "producer %zu", index);
	else if (index < producers + consumers)
		sentence(text, room_bytes, "consumer %zu", index - producers);
	else
		sentence(text, room_bytes, "lock-holder %zu", index - producers - consumers);
}

static bool is_holder(const struct self *self)
{
	return self->index >= self->torture->producers + self->torture->consumers;
}

static uint32_t phase(const struct self *self)
{
	return atomic_load(&self->torture->shared->phase);
}

static void tell_place(const struct self *self, uint64_t place)
{
	__atomic_store_n(&self->slot->watch.phase, place, __ATOMIC_RELEASE);
}

static void disconnect(struct connection *connection)
{
	(void)bounded_buffer_close(&connection->buffer);
	connection->monitor = NULL; /* goes with the session */
	(void)dmonitor_disconnect(&connection->session);
}

static int connect_once(struct self *self)
{
	const struct factors *factors = self->torture->factors;
	struct dmonitor_options options = {
		.label = self->label,
		.lease_ms = factors->lease_ns / DMONITOR_NS_PER_MS,
		.flags = factors->exit_mode == EXIT_ASYNC ? DMONITOR_ASYNC_EXIT : 0,
	};
	char history[KEYS_TEXT_BYTES];
	if (self->recording != NULL) {
		recording_history_file(self->recording, self->index, (size_t)getpid(), history);
		options.history_path = history;
	}
	struct connection *made = &self->connection;
	int failure = dmonitor_connect(self->endpoint, &options, &made->session);
	if (failure != 0)
		return failure;
	sentence(self->slot->trace, sizeof(self->slot->trace), "%s",
	         dmonitor_server_id(made->session));
	if (is_holder(self)) {
		failure = dmonitor_open(made->session, TORTURE_BUFFER_NAME, 0, &made->monitor);
	} else {
		failure = bounded_buffer_open(
		    made->session, TORTURE_BUFFER_NAME, (size_t)factors->capacity,
		    (size_t)factors->payload_bytes, (enum bounded_buffer_storage)factors->storage,
		    &made->buffer);
		if (failure == 0)
			bounded_buffer_watch(made->buffer, &self->slot->watch);
	}
	if (failure != 0)
		disconnect(made);
	return failure;
}

/* Get a session, however often that fails. */
static int connect(struct self *self)
{
	int64_t deadline_ns = dmonitor_clock_now_ns() + PATIENCE_NS;
	int failure;
	while ((failure = connect_once(self)) != 0 && dmonitor_clock_now_ns() < deadline_ns)
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS);
	if (failure != 0)
		sentence(self->slot->error, sizeof(self->slot->error), "no session for %d s: %s",
		         (int)(PATIENCE_NS / DMONITOR_NS_PER_S), strerror(failure));
	return failure;
}

static int give_up(struct self *self, int failure, const char *what)
{
	sentence(self->slot->error, sizeof(self->slot->error), "%s: %s", what, strerror(failure));
	return failure;
}

/* Whether the session is lost indeed: who says so of one that lives has broken its promise. */
static bool is_lost(struct self *self)
{
	size_t ignored;
	return is_holder(self) ? dmonitor_enter(self->connection.monitor) == ESTALE
	                       : bounded_buffer_length(self->connection.buffer, &ignored) == ESTALE;
}

/* The session is lost: another one. The buffer is opened anew before it is closed: should everybody
 * lose their sessions at once, the last close would remove the items. */
static int connect_again(struct self *self)
{
	struct connection lost = self->connection;
	if (!is_lost(self))
		return give_up(self, ESTALE, "told to be without a session, which lives");
	self->slot->sessions_lost++;
	if (!is_holder(self))
		torture_log_late(self->torture, self->index);
	self->connection = (struct connection){ .session = NULL };
	tell_place(self, BOUNDED_BUFFER_OUTSIDE);
	int failure = connect(self);
	disconnect(&lost);
	return failure;
}

/* An operation has ended under ${token}. Tell the harness if that is what it waits for. */
static void note_progress(const struct self *self, uint64_t token)
{
	struct torture_shared *shared = self->torture->shared;
	int64_t now_ns = dmonitor_clock_now_ns();
	self->slot->last_end_ns = now_ns;
	if (atomic_load(&shared->armed) == 0 || atomic_load(&shared->victim) == self->index ||
	    token <= atomic_load(&shared->armed_token))
		return;
	int64_t nobody = 0;
	const uint64_t one = 1;
	if (atomic_compare_exchange_strong(&shared->gone_on_ns, &nobody, now_ns) &&
	    write(self->torture->news_fd, &one, sizeof(one)) < 0)
		return; /* full: there is news enough */
}

static void work(struct self *self)
{
	int64_t duration_ns = distribution_draw(&self->work_ns, &self->random);
	if (duration_ns > 0)
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + duration_ns);
}

/* What a put or get has come to. */
enum outcome { MOVED, MOVED_LATE, NOTHING, LOST, BAD };

static enum outcome outcome_of(int failure)
{
	switch (failure) {
	case 0:
		return MOVED;
	case ECONNABORTED: /* the item has moved, but nobody has confirmed that we were the owner */
		return MOVED_LATE;
	case ETIMEDOUT: /* no answer, and nothing moved */
		return NOTHING;
	case ESTALE:
		return LOST;
	default:
		return BAD;
	}
}

/* Put ${item}, again where nothing came of it. */
static int put(struct self *self, const struct item *item, enum outcome *outcome)
{
	item_write(item, self->bytes, (size_t)self->torture->factors->payload_bytes);
	for (;;) {
		int64_t begin_ns = dmonitor_clock_now_ns();
		int failure = bounded_buffer_put(self->connection.buffer, self->bytes,
		                                 (size_t)self->torture->factors->payload_bytes);
		*outcome = outcome_of(failure);
		if (*outcome == BAD)
			return give_up(self, failure, "put");
		if (*outcome == LOST && (failure = connect_again(self)) != 0)
			return failure;
		if (*outcome == MOVED || *outcome == MOVED_LATE) {
			if (item->producer != TORTURE_MARK)
				histogram_add(&self->slot->latency,
				              dmonitor_clock_now_ns() - begin_ns);
			return 0;
		}
	}
}

static int put_mark(struct self *self)
{
	struct item mark = { .producer = TORTURE_MARK };
	enum outcome outcome;
	int failure = put(self, &mark, &outcome);
	if (failure == 0)
		self->slot->marks++;
	return failure;
}

static bool round_ends(const struct self *self)
{
	return phase(self) != TORTURE_RUN || atomic_load(&self->torture->shared->full) != 0;
}

/* Put until the round ends. Who is the last to rest gives every consumer its mark. */
static int produce(struct self *self)
{
	struct torture_shared *shared = self->torture->shared;
	int failure = 0;
	while (failure == 0 && !round_ends(self)) {
		work(self);
		struct item item = { (uint32_t)self->index, (uint32_t)self->slot->logged };
		enum outcome outcome;
		failure = put(self, &item, &outcome);
		if (failure != 0)
			return failure;
		struct audit_entry entry = { bounded_buffer_token(self->connection.buffer),
			                     item.producer, item.number };
		failure = torture_log(self->torture, self->index, &entry,
		                      outcome == MOVED ? AUDIT_CERTAIN : AUDIT_LATE);
		note_progress(self, entry.token);
	}
	while (phase(self) == TORTURE_RUN) /* a log was full: no marks while there may be faults */
		dmonitor_clock_sleep_until(dmonitor_clock_now_ns() + DMONITOR_NS_PER_MS);
	if (failure == 0 && atomic_fetch_add(&shared->resting, 1) + 1 == self->torture->producers)
		for (size_t i = 0; failure == 0 && i < self->torture->consumers; i++)
			failure = put_mark(self);
	return failure;
}

/* Get one item; *${marked}: it was a mark. */
static int get(struct self *self, bool *marked)
{
	unsigned char *room = torture_item(self->torture, self->index);
	size_t size_bytes = 0;
	int64_t begin_ns = dmonitor_clock_now_ns();
	int failure =
	    bounded_buffer_get(self->connection.buffer, room,
	                       (size_t)self->torture->factors->payload_bytes, &size_bytes);
	enum outcome outcome = outcome_of(failure);
	if (outcome == BAD)
		return give_up(self, failure, "get");
	if (outcome == NOTHING)
		return 0;
	if (outcome == LOST)
		return connect_again(self);
	int64_t latency_ns = dmonitor_clock_now_ns() - begin_ns;
	struct item item;
	if (item_read(room, size_bytes, &item) != 0)
		return give_up(self, EPROTO, "what was got is no item that anybody made");
	if (item.producer == TORTURE_MARK) {
		self->slot->marks++;
		*marked = true;
		return 0;
	}
	histogram_add(&self->slot->latency, latency_ns);
	struct audit_entry entry = { bounded_buffer_token(self->connection.buffer), item.producer,
		                     item.number };
	failure = torture_log(self->torture, self->index, &entry,
	                      outcome == MOVED ? AUDIT_CERTAIN : AUDIT_LATE);
	note_progress(self, entry.token);
	return failure;
}

static int consume(struct self *self)
{
	bool marked = false;
	int failure = 0;
	while (failure == 0 && !marked) {
		failure = get(self, &marked);
		if (failure == 0 && !marked)
			work(self);
	}
	return failure;
}

static uint64_t moved_by(const struct self *self, size_t worker)
{
	return __atomic_load_n(&self->torture->slots[worker].watch.moved, __ATOMIC_ACQUIRE);
}

/* Say that a lock-holder is inside with ${token}. One that is stopped in between may say so late,
 * but then its token is not the highest. */
static void tell_holding(struct torture_shared *shared, uint64_t token)
{
	uint64_t before = atomic_load(&shared->holding);
	while (before < token && !atomic_compare_exchange_weak(&shared->holding, &before, token))
		continue;
}

/* Hold the monitor for a while, and look whether anybody moves an item meanwhile, or holds it too.
 * Who does either is an owner that is none any more, or there are two. */
static void hold(struct self *self, uint64_t token)
{
	struct torture_shared *shared = self->torture->shared;
	size_t movers = self->torture->producers + self->torture->consumers;
	tell_holding(shared, token);
	for (size_t i = 0; i < movers; i++)
		self->seen[i] = moved_by(self, i);
	work(self);
	if (atomic_load(&shared->holding) != token && dmonitor_check(self->connection.monitor) == 0)
		atomic_fetch_add(&shared->two_holders, 1);
	for (size_t i = 0; i < movers; i++) {
		if (moved_by(self, i) == self->seen[i] ||
		    dmonitor_check(self->connection.monitor) != 0)
			continue;
		uint32_t place = atomic_fetch_add(&shared->overlap_count, 1);
		if (place < TORTURE_OVERLAPS)
			shared->overlaps[place] = (struct audit_overlap){
				i, __atomic_load_n(&self->torture->slots[i].watch.token,
				                   __ATOMIC_ACQUIRE)
			};
	}
}

/* Enter, hold, and signal twice each condition, which nothing has changed: some are awakened for
 * nothing, and the second of two stands awakened in line while the first is inside. */
static int enter_and_hold(struct self *self)
{
	tell_place(self, BOUNDED_BUFFER_ENTERING);
	int failure = dmonitor_enter(self->connection.monitor);
	if (failure == 0) {
		uint64_t token = dmonitor_token(self->connection.monitor);
		__atomic_store_n(&self->slot->watch.token, token, __ATOMIC_RELEASE);
		tell_place(self, BOUNDED_BUFFER_INSIDE);
		hold(self, token);
		for (int i = 0; failure == 0 && i < 4; i++)
			failure = dmonitor_signal(self->connection.monitor,
			                          i % 2 == 0 ? "not_empty" : "not_full");
		int exit_failure = dmonitor_exit(self->connection.monitor);
		failure = failure != 0 ? failure : exit_failure;
		if (failure == 0) {
			self->slot->holds++;
			note_progress(self, token);
		}
	}
	tell_place(self, BOUNDED_BUFFER_OUTSIDE);
	return failure;
}

static int hold_and_rest(struct self *self)
{
	int failure = 0;
	while (failure == 0 && phase(self) == TORTURE_RUN) {
		failure = enter_and_hold(self);
		if (failure == ESTALE)
			failure = connect_again(self);
		else if (failure == ECONNABORTED) /* of a confirmed exit: it is out all the same */
			failure = 0;
		else if (failure != 0)
			failure = give_up(self, failure, "hold");
		if (failure == 0)
			work(self);
	}
	return failure;
}

static int play(struct self *self)
{
	if (is_holder(self))
		return hold_and_rest(self);
	return self->index < self->torture->producers ? produce(self) : consume(self);
}

/* What work takes: by the key of this worker's kind. */
static void read_work(struct self *self)
{
	const struct factors *factors = self->torture->factors;
	const char *text = is_holder(self)                          ? factors->hold_time
	                   : self->index < self->torture->producers ? factors->produce_time
	                                                            : factors->consume_time;
	char ignored[KEYS_TEXT_BYTES]; /* the text was checked when the scenario was read */
	(void)distribution_parse(text, &self->work_ns, ignored, sizeof(ignored));
}

static int live(struct self *self, struct worker *worker)
{
	int failure = connect(self);
	/* Who replaces another comes into the midst of the load. */
	if (failure == 0 && self->slot->replaced == 0)
		worker_ready(worker);
	while (failure == 0 && phase(self) != TORTURE_END) {
		failure = play(self);
		if (failure == 0)
			worker_ready(worker);
	}
	disconnect(&self->connection);
	tell_place(self, BOUNDED_BUFFER_OUTSIDE);
	return failure;
}

int torture_worker(void *context, size_t index, struct worker *worker)
{
	const struct torture_work *work_to_do = context;
	const struct torture *torture = work_to_do->torture;
	char label[64];
	torture_worker_name(context, index, label, sizeof(label));
	struct self self = { .torture = torture,
		             .endpoint = work_to_do->endpoints[index],
		             .recording = work_to_do->recording,
		             .index = index,
		             .label = label,
		             .slot = &torture->slots[index] };
	prctl(PR_SET_TIMERSLACK, 1UL);
	int failure = cpus_stay_on(torture->factors->worker_cpus, NULL);
	if (failure != 0)
		return give_up(&self, failure, "cannot stay on its CPUs");
	distribution_seed(&self.random, work_to_do->seed,
	                  (uint64_t)index << 32 | self.slot->replaced);
	read_work(&self);
	self.bytes = malloc((size_t)torture->factors->payload_bytes);
	self.seen = calloc(torture->workers, sizeof(*self.seen));
	failure = self.bytes == NULL || self.seen == NULL ? give_up(&self, ENOMEM, "no memory")
	                                                  : live(&self, worker);
	free(self.seen);
	free(self.bytes);
	return failure;
}
