/* link.c: in the place of client_link.c: connections over a network that need not be good. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int dmonitor_link_open(const char *endpoint, struct dmonitor_link **link)
{
	struct simulated_client *client = current_client;
	struct simulation *simulation = client->simulation;
	struct dmonitor_link *made = calloc(1, sizeof(*made));

	(void)endpoint;
	if (made == NULL)
		abort();
	made->client = client;
	made->next = simulation->links;
	simulation->links = made;
	client->link = made;
	*link = made;
	/* The dead reach nobody. */
	if (client->crashed)
		made->ended = true;
	else
		arrange(simulation,
		        simulation->now_ns + (int64_t)simulation_draw(simulation, 2 * MS),
		        LINK_MADE)
		    ->link = made;
	return 0;
}

static void tell_server(struct dmonitor_link *link)
{
	struct simulation *simulation = link->client->simulation;
	/* The end of a connection comes after what was sent on it, and soon. */
	int64_t at_ns = simulation->now_ns + (int64_t)simulation_draw(simulation, 5 * MS);

	if (link->server_closed)
		return;
	link->server_closed = true;
	if (at_ns < link->server_last_ns)
		at_ns = link->server_last_ns;
	arrange(simulation, at_ns, SERVER_CLOSED)->link = link;
}

void dmonitor_link_close(struct dmonitor_link **link)
{
	if (*link == NULL)
		return;
	(*link)->closed = true;
	if ((*link)->client->link == *link)
		(*link)->client->link = NULL;
	tell_server(*link);
	*link = NULL;
}

int dmonitor_link_event_fd(const struct dmonitor_link *link)
{
	(void)link;
	return -1;
}

static bool strikes(struct simulation *simulation, uint64_t chance)
{
	return simulation_draw(simulation, 1000) < chance;
}

static void carry_once(struct dmonitor_link *link, char *text, bool to_server)
{
	struct simulation *simulation = link->client->simulation;
	int64_t *last_ns = to_server ? &link->server_last_ns : &link->client_last_ns;
	const int64_t span = strikes(simulation, simulation->faults.delay) ? 40 * MS : MS;
	int64_t at_ns =
	    simulation->now_ns + 50000 + (int64_t)simulation_draw(simulation, (uint64_t)span);
	struct happening *happening;

	/* Messages of a connection do not overtake each other. */
	if (at_ns < *last_ns)
		at_ns = *last_ns;
	*last_ns = at_ns;
	happening = arrange(simulation, at_ns, to_server ? TO_SERVER : TO_CLIENT);
	happening->link = link;
	happening->text = text;
}

void link_carry(struct dmonitor_link *link, char *text, bool to_server)
{
	struct simulation *simulation = link->client->simulation;

	if (link->client->silent_until_ns > simulation->now_ns ||
	    strikes(simulation, simulation->faults.lose)) {
		simulation->lost++;
		free(text);
		return;
	}
	if (strikes(simulation, simulation->faults.double_up)) {
		simulation->doubled++;
		carry_once(link, strdup(text), to_server);
	}
	carry_once(link, text, to_server);
}

int dmonitor_link_send(struct dmonitor_link *link, const char *text)
{
	if (!link->made || link->ended || link->client->crashed)
		return EAGAIN;
	link_carry(link, strdup(text), true);
	return 0;
}

int dmonitor_link_receive(struct dmonitor_link *link, int64_t due_ns, struct dmonitor_reply *reply)
{
	struct simulated_client *client = current_client;

	for (;;) {
		if (client->crashed)
			return EAGAIN;
		if (link != NULL && link->ended)
			return ENOTCONN;
		if (link != NULL && link->inbox_read < link->inbox_count) {
			char *text = link->inbox[link->inbox_read++];
			const int result = dmonitor_reply_decode(text, strlen(text), reply);

			free(text);
			if (link->inbox_read == link->inbox_count)
				link->inbox_read = link->inbox_count = 0;
			return result;
		}
		if (link != NULL && link->news) {
			link->news = false;
			return EAGAIN;
		}
		if (client_now_ns(client) >= due_ns)
			return EAGAIN;
		strand_pause(&client->program, due_ns);
	}
}

void link_arrives(struct dmonitor_link *link, char *text)
{
	if (link->closed || link->ended || link->client->crashed) {
		free(text);
		return;
	}
	if (link->inbox_count == link->inbox_room) {
		link->inbox_room = link->inbox_room * 2 + 8;
		link->inbox = realloc(link->inbox, link->inbox_room * sizeof(*link->inbox));
		if (link->inbox == NULL)
			abort();
	}
	link->inbox[link->inbox_count++] = text;
	strand_wake(&link->client->program);
}

void link_is_made(struct dmonitor_link *link)
{
	if (link->closed || link->ended)
		return;
	link->peer = ++link->client->simulation->last_peer;
	link->made = link->news = true;
	strand_wake(&link->client->program);
}

void link_is_ended(struct dmonitor_link *link)
{
	if (link->closed || link->ended)
		return;
	link->ended = true;
	strand_wake(&link->client->program);
	strand_wake(&link->client->keeper);
}

/* Both ends hear of it well within a probation; whoever does later claims what is not its own any
 * more, which only a fencing token can tell. */
void link_cut(struct dmonitor_link *link)
{
	struct simulation *simulation = link->client->simulation;

	arrange(simulation, simulation->now_ns + (int64_t)simulation_draw(simulation, 5 * MS),
	        LINK_ENDED)
	    ->link = link;
	tell_server(link);
}

void link_free(struct dmonitor_link *link)
{
	while (link->inbox_read < link->inbox_count)
		free(link->inbox[link->inbox_read++]);
	free(link->inbox);
	free(link);
}
