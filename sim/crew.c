/* crew.c: the demo's producers and consumers as processes. */
#include "crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../buffer/bounded_buffer.h"
#include "actor.h"

/* What a worker tells the watching process, in shared memory. */
struct board {
	uint64_t done;       /* entries in its log */
	char trouble[256];   /* why it has failed; empty if it has not */
	char server_id[256]; /* of the server that it found; empty before */
};

struct crew {
	struct crew_plan plan;
	size_t workers;
	void *shared; /* one mapping: the boards, then the logs */
	size_t shared_bytes;
	struct board *boards;
	struct audit_entry **logs;     /* for each worker, within the mapping */
	struct history_log *histories; /* for each worker */
	struct audit_log *audited;     /* for each worker */
	struct picture_worker *drawn;  /* for each worker */
	struct picture_item *cells;    /* as many as the buffer has */
};

static uint64_t items_of(const struct crew_plan *plan, size_t index)
{
	if (index < plan->producers)
		return plan->items;
	return actor_share(plan->items * plan->producers, plan->consumers, index - plan->producers);
}

int crew_new(const struct crew_plan *plan, struct crew **result)
{
	const size_t workers = plan->producers + plan->consumers;
	const size_t entries = 2 * plan->items * plan->producers;
	struct audit_entry *log;
	struct crew *crew;
	int error;

	if ((crew = calloc(1, sizeof(*crew))) == NULL)
		return ENOMEM;
	crew->plan = *plan;
	crew->workers = workers;
	crew->shared_bytes = workers * sizeof(*crew->boards) + entries * sizeof(*log);
	crew->shared = mmap(NULL, crew->shared_bytes, PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (crew->shared == MAP_FAILED) {
		error = errno;
		free(crew);
		return error;
	}
	crew->boards = crew->shared;
	crew->logs = calloc(workers, sizeof(*crew->logs));
	crew->histories = calloc(workers, sizeof(*crew->histories));
	crew->audited = calloc(workers, sizeof(*crew->audited));
	crew->drawn = calloc(workers, sizeof(*crew->drawn));
	crew->cells = calloc(plan->capacity, sizeof(*crew->cells));
	if (crew->logs == NULL || crew->histories == NULL || crew->audited == NULL ||
	    crew->drawn == NULL || crew->cells == NULL) {
		crew_free(&crew);
		return ENOMEM;
	}
	log = (struct audit_entry *)(void *)(crew->boards + workers);
	for (size_t i = 0; i < workers; i++) {
		crew->logs[i] = log;
		log += items_of(plan, i);
	}
	*result = crew;
	return 0;
}

void crew_free(struct crew **address)
{
	struct crew *crew = *address;

	*address = NULL;
	if (crew == NULL)
		return;
	free(crew->cells);
	free(crew->drawn);
	free(crew->audited);
	free(crew->histories);
	free(crew->logs);
	munmap(crew->shared, crew->shared_bytes);
	free(crew);
}

void crew_name(void *context, size_t index, char *text, size_t room_bytes)
{
	const struct crew *crew = context;
	const size_t producers = crew->plan.producers;

	if (index < producers)
		snprintf(text, room_bytes, "producer %zu", index + 1);
	else
		snprintf(text, room_bytes, "consumer %zu", index - producers + 1);
}

static int port_put(void *context, const void *item, size_t size_bytes)
{
	return bounded_buffer_put(context, item, size_bytes);
}

static int port_get(void *context, void *item, size_t room_bytes, size_t *size_bytes)
{
	return bounded_buffer_get(context, item, room_bytes, size_bytes);
}

static uint64_t port_token(void *context)
{
	return bounded_buffer_token(context);
}

static int act(struct crew *crew, size_t index, bounded_buffer *buffer)
{
	const struct crew_plan *plan = &crew->plan;
	const bool producer = index < plan->producers;
	struct actor actor = { .role = producer ? ACTOR_PRODUCER : ACTOR_CONSUMER,
		               .number = (uint32_t)(producer ? index : index - plan->producers),
		               .items = items_of(plan, index),
		               .item_bytes = plan->item_bytes,
		               .port = { .context = buffer,
		                         .put = port_put,
		                         .get = port_get,
		                         .token = port_token },
		               .work_ns = producer ? plan->produce : plan->consume,
		               .seed = plan->seed,
		               .log = crew->logs[index],
		               .done = &crew->boards[index].done };

	return actor_run(&actor);
}

/* Write down, for the one who watches, who failed at what and why. Returns ${error}. */
static int complain(struct crew *crew, size_t index, const char *what, int error, const char *why)
{
	struct board *board = &crew->boards[index];
	char name[32];

	crew_name(crew, index, name, sizeof(name));
	snprintf(board->trouble, sizeof(board->trouble), "%s, %s: %s%s%s", name, what,
	         strerror(error), why[0] != '\0' ? ": " : "", why);
	return error;
}

int crew_run(void *context, size_t index, struct worker *self)
{
	struct crew *crew = context;
	const struct crew_plan *plan = &crew->plan;
	char label[32];
	const struct dmonitor_options options = { .label = label,
		                                  .poll_interval_ms = plan->poll_interval_ms };
	dmonitor_session *session;
	bounded_buffer *buffer;
	int error, closed;

	crew_name(crew, index, label, sizeof(label));
	if ((error = dmonitor_connect(plan->endpoint, &options, &session)) != 0)
		return complain(crew, index, "connecting", error, dmonitor_error(NULL));
	snprintf(crew->boards[index].server_id, sizeof(crew->boards[index].server_id), "%s",
	         dmonitor_server_id(session));
	error = bounded_buffer_open(session, plan->buffer_name, plan->capacity, plan->item_bytes,
	                            BOUNDED_BUFFER_SHARED_MEMORY, &buffer);
	if (error != 0) {
		complain(crew, index, "opening the buffer", error, dmonitor_error(session));
		goto err0;
	}
	worker_ready(self);
	if ((error = act(crew, index, buffer)) != 0)
		complain(crew, index,
		         index < plan->producers ? "putting an item" : "getting an item", error,
		         dmonitor_error(session));
	closed = bounded_buffer_close(&buffer);
	if (error == 0 && (error = closed) != 0)
		complain(crew, index, "closing the buffer", error, dmonitor_error(session));

err0:
	closed = dmonitor_disconnect(&session);
	if (error == 0 && (error = closed) != 0)
		complain(crew, index, "disconnecting", error, "");
	return error;
}

void crew_follow(struct crew *crew, struct history *history, struct picture *picture)
{
	const struct crew_plan *plan = &crew->plan;

	for (size_t i = 0; i < crew->workers; i++) {
		crew->histories[i] =
		    (struct history_log){ .entries = crew->logs[i], .done = &crew->boards[i].done };
		crew->drawn[i] = (struct picture_worker){ .items = items_of(plan, i) };
	}
	*history = (struct history){ .capacity = plan->capacity,
		                     .producers = plan->producers,
		                     .consumers = plan->consumers,
		                     .puts = crew->histories,
		                     .gets = crew->histories + plan->producers };
	*picture = (struct picture){ .capacity = plan->capacity,
		                     .items = crew->cells,
		                     .producers = plan->producers,
		                     .producer = crew->drawn,
		                     .consumers = plan->consumers,
		                     .consumer = crew->drawn + plan->producers };
}

int crew_audit(const struct crew *crew, struct audit_result *result)
{
	const struct audit_input input = { .capacity = crew->plan.capacity,
		                           .producers = crew->plan.producers,
		                           .consumers = crew->plan.consumers,
		                           .puts = crew->audited,
		                           .gets = crew->audited + crew->plan.producers };

	for (size_t i = 0; i < crew->workers; i++)
		crew->audited[i] =
		    (struct audit_log){ .entries = crew->logs[i],
			                .count = __atomic_load_n(&crew->boards[i].done,
			                                         __ATOMIC_ACQUIRE) };
	return audit_run(&input, result);
}

const char *crew_trouble(const struct crew *crew)
{
	for (size_t i = 0; i < crew->workers; i++)
		if (crew->boards[i].trouble[0] != '\0')
			return crew->boards[i].trouble;
	return NULL;
}

void crew_remove_buffer(const struct crew *crew)
{
	for (size_t i = 0; i < crew->workers; i++)
		if (crew->boards[i].server_id[0] != '\0') {
			bounded_buffer_remove(crew->boards[i].server_id, crew->plan.buffer_name);
			return;
		}
}
