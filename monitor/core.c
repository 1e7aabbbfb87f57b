/* core.c: the one door into the state machine, its time and its outbox. */
#include "core_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct dmonitor_core_options dmonitor_core_defaults = {
	.lease_ms = 5000,
	.resume_ms = 50,
	.limits = { .sessions = 10000,
	            .monitors = 200000,
	            .conditions = 10000,
	            .places = 10000,
	            .clients = 10000,
	            .ids = 64 },
};

/* Long against what a busy machine keeps a process waiting, short against any lease worth having.
 */
#define STALL_NS (INT64_C(250) * 1000000)

/* What is due first comes first; of equals, what was set first. */
static int timer_order(const struct timer *a, const struct timer *b)
{
	if (a->due_ns != b->due_ns)
		return a->due_ns < b->due_ns ? -1 : 1;
	return (a->serial > b->serial) - (a->serial < b->serial);
}

RB_GENERATE(timers, timer, node, timer_order)

int64_t core_later(int64_t start_ns, int64_t span_ms)
{
	return span_ms > (INT64_MAX - start_ns) / 1000000 ? INT64_MAX
	                                                  : start_ns + span_ms * 1000000;
}

void core_timer_clear(struct dmonitor_core *core, struct timer *timer)
{
	if (timer->due_ns != 0)
		RB_REMOVE(timers, &core->timers, timer);
	timer->due_ns = 0;
}

void core_timer_set(struct dmonitor_core *core, struct timer *timer, int64_t due_ns)
{
	core_timer_clear(core, timer);
	if (due_ns == INT64_MAX)
		return;
	timer->due_ns = due_ns > 0 ? due_ns : 1;
	timer->serial = ++core->timer_serial;
	RB_INSERT(timers, &core->timers, timer);
}

int64_t dmonitor_core_deadline_ns(const struct dmonitor_core *core)
{
	struct timers timers = core->timers;
	const struct timer *first = RB_MIN(timers, &timers);

	return first == NULL ? INT64_MAX : first->due_ns;
}

bool dmonitor_core_stood_still(const struct dmonitor_core *core, int64_t now_ns)
{
	const int64_t due_ns = dmonitor_core_deadline_ns(core);
	const int64_t idle_since_ns = due_ns > core->now_ns ? due_ns : core->now_ns;

	return now_ns - idle_since_ns > STALL_NS;
}

uint64_t dmonitor_core_token(const struct dmonitor_core *core)
{
	return core->token;
}

int core_limit(struct dmonitor_core *core, const char *of, int64_t at)
{
	core->limit_of = of;
	core->limit_at = at;
	return ENOSPC;
}

int core_reserve(struct dmonitor_core *core, size_t replies)
{
	struct dmonitor_outbox *outbox = core->outbox;
	const size_t room = outbox->count + replies;
	struct dmonitor_delivery *grown;

	if (room <= outbox->room)
		return 0;
	grown = realloc(outbox->deliveries, (room + 8) * sizeof(*grown));
	if (grown == NULL)
		return ENOMEM;
	outbox->deliveries = grown;
	outbox->room = room + 8;
	return 0;
}

void core_emit(struct dmonitor_core *core, dmonitor_peer to, const struct dmonitor_reply *reply)
{
	struct dmonitor_outbox *outbox = core->outbox;

	core->sent[reply->status]++;
	core->errors[reply->code] += reply->code != DMONITOR_CODE_NONE;
	outbox->deliveries[outbox->count++] =
	    (struct dmonitor_delivery){ .to = to, .reply = *reply };
}

static void outbox_clear(struct dmonitor_outbox *outbox)
{
	for (size_t i = 0; i < outbox->count; i++)
		free(outbox->deliveries[i].reply.report);
	outbox->count = 0;
	outbox->served = 0;
	outbox->stop = false;
}

void dmonitor_outbox_fini(struct dmonitor_outbox *outbox)
{
	outbox_clear(outbox);
	free(outbox->deliveries);
	*outbox = (struct dmonitor_outbox){ .room = 0 };
}

struct dmonitor_core *dmonitor_core_new(const struct dmonitor_core_options *options)
{
	struct dmonitor_core *core = calloc(1, sizeof(*core));

	if (core == NULL)
		return NULL;
	core->options = *options;
	RB_INIT(&core->timers);
	return core;
}

void dmonitor_core_free(struct dmonitor_core **core)
{
	struct dmonitor_outbox outbox = { .room = 0 };
	struct connection *connection, *next_connection;
	struct session *session, *next_session;
	struct place *place, *next_place;
	struct monitor *monitor, *next_monitor;
	struct condition *condition, *next_condition;

	if (*core == NULL)
		return;
	(*core)->outbox = &outbox;
	HASH_ITER (hh, (*core)->connections, connection, next_connection) {
		if (connection->held != NULL)
			held_free(*core, connection->held);
		HASH_DEL((*core)->connections, connection);
		free(connection);
	}
	HASH_CLEAR(hh_secret, (*core)->by_secret);
	HASH_ITER (hh, (*core)->sessions, session, next_session) {
		HASH_ITER (hh, session->places, place, next_place) {
			HASH_DEL(session->places, place);
			free(place);
		}
		HASH_DEL((*core)->sessions, session);
		free(session);
	}
	HASH_ITER (hh, (*core)->monitors, monitor, next_monitor) {
		HASH_ITER (hh, monitor->conditions, condition, next_condition) {
			HASH_DEL(monitor->conditions, condition);
			free(condition);
		}
		HASH_DEL((*core)->monitors, monitor);
		free(monitor);
	}
	free(*core);
	*core = NULL;
}

/* A place's ENTER or WAIT has run out. */
static int deadline_due(struct dmonitor_core *core, struct place *place)
{
	if (core_reserve(core, 2) != 0)
		return ENOMEM;
	core_timer_clear(core, &place->deadline);
	if (place->state == PLACE_IN_LINE) {
		place_give_up(core, place, DMONITOR_STATUS_TIMEOUT);
	} else {
		place->timed_out = true;
		place_awaken(core, place);
	}
	return 0;
}

static int timer_due(struct dmonitor_core *core, struct timer *timer)
{
	switch (timer->kind) {
	case TIMER_DEADLINE:
		return deadline_due(core, timer->of);
	case TIMER_LIFE:
		return session_life_due(core, timer->of);
	default:
		return held_due(core, timer->of);
	}
}

/* Each event is whole before the next: a timer that cannot be served stays for the next try. */
static int tick(struct dmonitor_core *core, uint64_t limit)
{
	struct timer *first;

	while ((limit == 0 || core->outbox->served < limit) &&
	       (first = RB_MIN(timers, &core->timers)) != NULL && first->due_ns <= core->now_ns) {
		const int result = timer_due(core, first);

		if (result != 0)
			return result;
		core->outbox->served++;
	}
	return 0;
}

static int start(struct dmonitor_core *core, const struct dmonitor_event *event)
{
	core->start_ns = event->now_ns;
	core->token = event->token;
	strncpy(core->server, event->server, sizeof(core->server) - 1);
	return 0;
}

int dmonitor_core_step(struct dmonitor_core *core, struct dmonitor_event *event,
                       struct dmonitor_outbox *outbox)
{
	outbox_clear(outbox);
	core->outbox = outbox;
	core->now_ns = event->now_ns;
	switch (event->kind) {
	case DMONITOR_EVENT_START:
		return start(core, event);
	case DMONITOR_EVENT_MESSAGE:
		return request_step(core, event);
	case DMONITOR_EVENT_CLOSED:
		connection_closed(core, event->peer);
		return 0;
	case DMONITOR_EVENT_STALLED:
		session_stalled(core);
		return 0;
	case DMONITOR_EVENT_TICK:
		break;
	}
	return tick(core, event->limit);
}
