/*
 * server.c: the real core, fed with what arrives, and watched: after each step its invariants hold,
 * and the model, which was written apart from it, expects what it says.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dmonitor_link *link_of(const struct simulation *simulation, dmonitor_peer peer)
{
	struct dmonitor_link *link = simulation->links;

	while (link != NULL && link->peer != peer)
		link = link->next;
	return link;
}

static void arrange_tick(struct simulation *simulation)
{
	const int64_t due_ns = dmonitor_core_deadline_ns(simulation->core);

	if (due_ns >= simulation->tick_ns)
		return;
	simulation->tick_ns = due_ns;
	arrange(simulation, due_ns, SERVER_TICK);
}

static void step(struct simulation *simulation, struct dmonitor_event *event)
{
	const char *fault;

	event->now_ns = simulation->now_ns;
	simulation->steps++;
	if (dmonitor_model_expect(simulation->model, event) != 0)
		simulation_blame(simulation, "the model found no memory");
	if (dmonitor_core_step(simulation->core, event, &simulation->outbox) != 0)
		simulation_blame(simulation, "the core found no memory");
	fault = dmonitor_core_check(simulation->core);
	if (fault != NULL)
		simulation_blame(simulation, "the core: %s", fault);
	fault = dmonitor_model_compare(simulation->model, &simulation->outbox);
	if (fault != NULL)
		simulation_blame(simulation, "the model: %s", fault);
	for (size_t i = 0; i < simulation->outbox.count; i++) {
		const struct dmonitor_delivery *delivery = &simulation->outbox.deliveries[i];
		struct dmonitor_link *link = link_of(simulation, delivery->to);

		if (link != NULL)
			link_carry(link, dmonitor_reply_encode(&delivery->reply), false);
	}
	arrange_tick(simulation);
}

static void notice_standstill(struct simulation *simulation)
{
	struct dmonitor_event stalled = { .kind = DMONITOR_EVENT_STALLED };

	if (dmonitor_core_stood_still(simulation->core, simulation->now_ns))
		step(simulation, &stalled);
}

/* Tokens rise over restarts, as the server's state file or a wall clock has them do. */
#define TOKENS_OF_A_SERVER UINT64_C(1000000000)

bool simulation_same_server(uint64_t a, uint64_t b)
{
	return a / TOKENS_OF_A_SERVER == b / TOKENS_OF_A_SERVER;
}

void server_start(struct simulation *simulation)
{
	char identity[32];
	struct dmonitor_event start = { .kind = DMONITOR_EVENT_START, .server = identity };

	simulation->generations++;
	snprintf(identity, sizeof(identity), "server-%llu",
	         (unsigned long long)simulation->generations);
	start.token = simulation->generations * TOKENS_OF_A_SERVER;
	simulation->core = dmonitor_core_new(&dmonitor_core_defaults);
	simulation->model = dmonitor_model_new(&dmonitor_core_defaults);
	simulation->tick_ns = INT64_MAX;
	step(simulation, &start);
}

void server_stop(struct simulation *simulation)
{
	dmonitor_core_free(&simulation->core);
	dmonitor_model_free(&simulation->model);
	dmonitor_outbox_fini(&simulation->outbox);
}

/* All that it knew is gone, and so are its connections. */
void server_restart(struct simulation *simulation)
{
	server_stop(simulation);
	for (struct dmonitor_link *link = simulation->links; link != NULL; link = link->next)
		if (!link->closed) {
			link->peer = 0;
			link_cut(link);
		}
	server_start(simulation);
}

void server_hears(struct simulation *simulation, struct dmonitor_link *link, char *text)
{
	struct dmonitor_request request;
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = link->peer,
		                        .local = true,
		                        .request = &request };

	if (link->peer != 0 && dmonitor_request_decode(text, strlen(text), 1, &request) == 0) {
		for (size_t i = 0; i < sizeof(event.random); i++)
			event.random[i] = (uint8_t)simulation_draw(simulation, 256);
		notice_standstill(simulation);
		step(simulation, &event);
		dmonitor_request_fini(&request);
	}
	free(text);
}

void server_loses(struct simulation *simulation, struct dmonitor_link *link)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_CLOSED, .peer = link->peer };

	if (link->peer != 0) {
		notice_standstill(simulation);
		step(simulation, &event);
	}
	link->peer = 0;
}

void server_ticks(struct simulation *simulation)
{
	struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK };

	simulation->tick_ns = INT64_MAX;
	notice_standstill(simulation);
	if (dmonitor_core_deadline_ns(simulation->core) <= simulation->now_ns)
		step(simulation, &tick);
	arrange_tick(simulation);
}

uint64_t simulation_steps(const struct simulation *simulation)
{
	return simulation->steps;
}

/* What STATUS tells, asked by somebody who is not there. */
static struct dmonitor_status_report *report(struct simulation *simulation)
{
	struct dmonitor_request request = { .action = DMONITOR_ACTION_STATUS, .timeout_ms = -1 };
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = UINT64_MAX,
		                        .request = &request };

	step(simulation, &event);
	return simulation->outbox.deliveries[0].reply.report;
}

uint64_t simulation_sessions(struct simulation *simulation)
{
	return report(simulation)->sessions;
}

uint64_t simulation_monitors(struct simulation *simulation)
{
	return report(simulation)->monitors;
}
