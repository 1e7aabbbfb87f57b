/* simulation.c: virtual time, the clients' fibers, and the faults that strike them. */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct simulated_client *current_client;

uint64_t simulation_draw(struct simulation *simulation, uint64_t below)
{
	simulation->random ^= simulation->random << 13;
	simulation->random ^= simulation->random >> 7;
	simulation->random ^= simulation->random << 17;
	return simulation->random % below;
}

void simulation_blame(struct simulation *simulation, const char *format, ...)
{
	va_list arguments;

	if (simulation->blame[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(simulation->blame, sizeof(simulation->blame), format, arguments);
	va_end(arguments);
}

const char *simulation_fault(const struct simulation *simulation)
{
	return simulation->blame[0] == '\0' ? NULL : simulation->blame;
}

int64_t simulation_now_ns(const struct simulation *simulation)
{
	return simulation->now_ns;
}

bool simulation_crashed(const struct simulation *simulation, int client)
{
	return simulation->clients[client]->crashed;
}

/* ----- What is to happen, the earliest first: a binary heap ----- */

static bool earlier(const struct happening *a, const struct happening *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->serial < b->serial;
}

static void swap(struct happening *a, struct happening *b)
{
	const struct happening kept = *a;

	*a = *b;
	*b = kept;
}

/* Valid until the next one is arranged. */
struct happening *arrange(struct simulation *simulation, int64_t at_ns, enum happening_kind kind)
{
	unsigned at = simulation->heap_count++;

	if (at == simulation->heap_room) {
		simulation->heap_room = simulation->heap_room * 2 + 64;
		simulation->heap =
		    realloc(simulation->heap, simulation->heap_room * sizeof(*simulation->heap));
		if (simulation->heap == NULL)
			abort();
	}
	simulation->heap[at] =
	    (struct happening){ .at_ns = at_ns, .serial = ++simulation->serial, .kind = kind };
	for (; at > 0 && earlier(&simulation->heap[at], &simulation->heap[(at - 1) / 2]);
	     at = (at - 1) / 2)
		swap(&simulation->heap[at], &simulation->heap[(at - 1) / 2]);
	return &simulation->heap[at];
}

static struct happening take_earliest(struct simulation *simulation)
{
	struct happening *heap = simulation->heap;
	const struct happening first = heap[0];
	const unsigned count = --simulation->heap_count;
	unsigned at = 0;

	heap[0] = heap[count];
	for (;;) {
		unsigned least = at;

		for (unsigned child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
			if (earlier(&heap[child], &heap[least]))
				least = child;
		if (least == at)
			return first;
		swap(&heap[at], &heap[least]);
		at = least;
	}
}

/* ----- Fibers and their clients ----- */

/* Far in the future: whatever a dead client still believes in is over. */
#define AFTERLIFE_NS (INT64_MAX / 4)

int64_t client_now_ns(const struct simulated_client *client)
{
	const int64_t now_ns = client->simulation->now_ns;

	return client->crashed ? AFTERLIFE_NS : now_ns + now_ns / 1000000 * client->drift_ppm;
}

/* When ${client}'s clock will read ${due_ns}, or somewhat later. */
static int64_t simulation_time(const struct simulated_client *client, int64_t due_ns)
{
	const int64_t span_ns = due_ns - client_now_ns(client);

	return client->simulation->now_ns + span_ns - span_ns / 1000000 * client->drift_ppm + 1000;
}

void strand_pause(struct strand *strand, int64_t due_ns)
{
	struct simulated_client *client = strand->client;

	strand->wakes++;
	strand->pauses = true;
	if (due_ns < AFTERLIFE_NS) {
		struct happening *wake =
		    arrange(client->simulation, simulation_time(client, due_ns), WAKE);

		wake->strand = strand;
		wake->wake = strand->wakes;
	}
	fiber_pause();
	current_client = client;
}

static void resume(struct strand *strand)
{
	strand->pauses = false;
	current_client = strand->client;
	fiber_resume(strand->fiber);
	current_client = NULL;
}

/* A stopped client goes on when it is continued; what woke it is still there then. */
void strand_wake(struct strand *strand)
{
	struct simulation *simulation = strand->client->simulation;
	struct happening *wake;

	if (!strand->pauses || strand->fiber == NULL)
		return;
	wake = arrange(simulation,
	               strand->client->stopped_until_ns > simulation->now_ns
	                   ? strand->client->stopped_until_ns
	                   : simulation->now_ns,
	               WAKE);
	wake->strand = strand;
	wake->wake = strand->wakes;
}

static void wake(const struct happening *happening)
{
	struct strand *strand = happening->strand;

	if (!strand->pauses || strand->fiber == NULL || happening->wake != strand->wakes)
		return;
	if (strand->client->stopped_until_ns > strand->client->simulation->now_ns)
		strand_wake(strand);
	else
		resume(strand);
}

void simulation_sleep(struct simulation *simulation, int64_t span_ns)
{
	struct strand *strand = &current_client->program;
	const int64_t due_ns = client_now_ns(current_client) + span_ns;

	(void)simulation;
	while (client_now_ns(strand->client) < due_ns && !strand->client->crashed)
		strand_pause(strand, due_ns);
}

bool simulation_claims(struct simulation *simulation, int client, dmonitor_session *session)
{
	const struct simulated_client *other = simulation->clients[client];
	struct dmonitor_conversation copy;

	/* One that stands still claims nothing, for it does nothing. */
	if (other->crashed || session == NULL || other->stopped_until_ns > simulation->now_ns)
		return false;
	copy = session->conversation;
	return dmonitor_conversation_claims(&copy, client_now_ns(other));
}

static void run_program(void *argument)
{
	struct simulated_client *client = argument;

	client->simulation->body(client->simulation, client->number);
}

static void start_client(struct simulation *simulation, int number)
{
	struct simulated_client *client = simulation->clients[number];

	*client = (struct simulated_client){ .simulation = simulation, .number = number };
	/* Clocks that run unlike by up to half a percent each way. */
	client->drift_ppm = (int64_t)simulation_draw(simulation, 10001) - 5000;
	client->program.client = client->keeper.client = client;
	client->program.fiber = fiber_new(run_program, client);
	client->program.pauses = true;
	arrange(simulation, simulation->now_ns + (int64_t)simulation_draw(simulation, 10 * MS),
	        WAKE)
	    ->strand = &client->program;
}

/* ----- Faults ----- */

/* The dead client's calls all fail, so that its fiber ends and frees what it held; to the server it
 * just falls silent, and its connection ends. */
static void crash(struct simulation *simulation, struct simulated_client *client)
{
	simulation->crashes++;
	client->stopped_until_ns = 0;
	if (client->link != NULL)
		link_cut(client->link);
	client->crashed = true;
	while (!fiber_ended(client->program.fiber))
		resume(&client->program);
	fiber_free(&client->program.fiber);
	fiber_free(&client->keeper.fiber);
	start_client(simulation, client->number);
}

static int64_t up_to_a_second(struct simulation *simulation)
{
	/* Mostly shorter than a lease, sometimes longer. */
	return simulation->now_ns +
	       (int64_t)simulation_draw(simulation,
	                                (simulation_draw(simulation, 3) == 0 ? 1000 : 200) * MS);
}

static bool strikes(struct simulation *simulation, uint64_t chance, uint64_t *count)
{
	if (simulation_draw(simulation, 1000) >= chance)
		return false;
	++*count;
	return true;
}

static void do_chaos(struct simulation *simulation)
{
	const struct simulation_faults *faults = &simulation->faults;
	struct simulated_client *client =
	    simulation->clients[simulation_draw(simulation, SIMULATION_CLIENTS)];

	if (client->link != NULL && client->link->made &&
	    strikes(simulation, faults->cut, &simulation->cuts))
		link_cut(client->link);
	if (strikes(simulation, faults->silent, &simulation->silences))
		client->silent_until_ns = up_to_a_second(simulation);
	if (strikes(simulation, faults->stop, &simulation->stops))
		client->stopped_until_ns = up_to_a_second(simulation);
	if (strikes(simulation, faults->server_stop, &simulation->server_stops))
		simulation->server_stopped_until_ns = up_to_a_second(simulation);
	if (strikes(simulation, faults->server_restart, &simulation->server_restarts))
		server_restart(simulation);
	if (simulation_draw(simulation, 1000) < faults->crash)
		crash(simulation, client);
	arrange(simulation, simulation->now_ns + 10 * MS, CHAOS);
}

void simulation_heal(struct simulation *simulation)
{
	simulation->faults = (struct simulation_faults){ 0 };
	simulation->server_stopped_until_ns = 0;
	for (int i = 0; i < SIMULATION_CLIENTS; i++) {
		struct simulated_client *client = simulation->clients[i];

		client->stopped_until_ns = client->silent_until_ns = 0;
		strand_wake(&client->program);
		strand_wake(&client->keeper);
	}
}

void simulation_describe(const struct simulation *simulation, char *text, unsigned room_bytes)
{
	snprintf(text, room_bytes,
	         "%llu steps, %llu messages lost, %llu doubled, %llu cuts, %llu silences, %llu "
	         "crashes, %llu stops, %llu server stops, %llu server restarts",
	         (unsigned long long)simulation->steps, (unsigned long long)simulation->lost,
	         (unsigned long long)simulation->doubled, (unsigned long long)simulation->cuts,
	         (unsigned long long)simulation->silences, (unsigned long long)simulation->crashes,
	         (unsigned long long)simulation->stops,
	         (unsigned long long)simulation->server_stops,
	         (unsigned long long)simulation->server_restarts);
}

/* ----- The course of things ----- */

struct simulation *simulation_new(uint64_t seed, const struct simulation_faults *faults,
                                  simulation_body *body)
{
	struct simulation *simulation = calloc(1, sizeof(*simulation));

	if (simulation == NULL)
		abort();
	simulation->now_ns = 1000 * MS;
	simulation->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	simulation->faults = *faults;
	simulation->body = body;
	server_start(simulation);
	for (int i = 0; i < SIMULATION_CLIENTS; i++) {
		simulation->clients[i] = malloc(sizeof(*simulation->clients[i]));
		if (simulation->clients[i] == NULL)
			abort();
		start_client(simulation, i);
	}
	arrange(simulation, simulation->now_ns + 10 * MS, CHAOS);
	return simulation;
}

/* Whoever still runs dies, and so frees what it holds. */
void simulation_free(struct simulation **freed)
{
	struct simulation *simulation = *freed;

	for (int i = 0; i < SIMULATION_CLIENTS; i++) {
		struct simulated_client *client = simulation->clients[i];

		client->crashed = true;
		while (!fiber_ended(client->program.fiber))
			resume(&client->program);
		fiber_free(&client->program.fiber);
		fiber_free(&client->keeper.fiber);
		free(client);
	}
	while (simulation->heap_count > 0)
		free(take_earliest(simulation).text);
	free(simulation->heap);
	while (simulation->links != NULL) {
		struct dmonitor_link *link = simulation->links;

		simulation->links = link->next;
		link_free(link);
	}
	server_stop(simulation);
	free(simulation);
	*freed = NULL;
}

bool simulation_all_ended(const struct simulation *simulation)
{
	for (int i = 0; i < SIMULATION_CLIENTS; i++)
		if (!fiber_ended(simulation->clients[i]->program.fiber))
			return false;
	return true;
}

/* What the server would do while it stands still it does afterwards, messages before time. */
static bool waits_for_server(struct simulation *simulation, const struct happening *happening)
{
	struct happening *later;

	if (simulation->server_stopped_until_ns <= simulation->now_ns ||
	    (happening->kind != TO_SERVER && happening->kind != SERVER_CLOSED &&
	     happening->kind != SERVER_TICK))
		return false;
	later = arrange(simulation,
	                simulation->server_stopped_until_ns + (happening->kind == SERVER_TICK),
	                happening->kind);
	later->link = happening->link;
	later->text = happening->text;
	return true;
}

static void happen(struct simulation *simulation, const struct happening *happening)
{
	if (waits_for_server(simulation, happening))
		return;
	switch (happening->kind) {
	case TO_SERVER:
		server_hears(simulation, happening->link, happening->text);
		break;
	case TO_CLIENT:
		link_arrives(happening->link, happening->text);
		break;
	case LINK_MADE:
		link_is_made(happening->link);
		break;
	case LINK_ENDED:
		link_is_ended(happening->link);
		break;
	case SERVER_CLOSED:
		server_loses(simulation, happening->link);
		break;
	case SERVER_TICK:
		server_ticks(simulation);
		break;
	case WAKE:
		wake(happening);
		break;
	case CHAOS:
		do_chaos(simulation);
		break;
	}
}

void simulation_run(struct simulation *simulation, int64_t until_ns)
{
	while (simulation->heap_count > 0 && simulation->heap[0].at_ns <= until_ns &&
	       simulation->blame[0] == '\0' && !simulation_all_ended(simulation)) {
		const struct happening next = take_earliest(simulation);

		if (next.at_ns > simulation->now_ns)
			simulation->now_ns = next.at_ns;
		happen(simulation, &next);
	}
}
