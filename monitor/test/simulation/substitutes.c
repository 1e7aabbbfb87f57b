/* substitutes.c: in the place of clock.c and client_keeper.c. */
#include "internal.h"

#include <errno.h>

#include "../../clock.h"

/* The clock of the client that runs. The dead have all time behind them. */
int64_t dmonitor_clock_now_ns(void)
{
	return client_now_ns(current_client);
}

int64_t dmonitor_clock_wall_ns(void)
{
	return dmonitor_clock_now_ns();
}

int64_t dmonitor_clock_cpu_ns(pid_t process)
{
	(void)process;
	return 0;
}

int dmonitor_clock_milliseconds_to(int64_t due_ns)
{
	return due_ns > dmonitor_clock_now_ns();
}

void dmonitor_clock_sleep_until(int64_t due_ns)
{
	while (dmonitor_clock_now_ns() < due_ns)
		strand_pause(&current_client->program, due_ns);
}

/* As the real one does, but that it never has to be told of another link. */
static void keep(void *argument)
{
	struct simulated_client *client = argument;

	while (!client->crashed) {
		dmonitor_session *session = client->session;
		int64_t due_ns = client_now_ns(client) + 5 * MS;

		if (session != NULL && pthread_mutex_trylock(&session->lock) == 0) {
			dmonitor_hear_all(session);
			due_ns = client_now_ns(client) + session->conversation.lease_ns / 12;
			if (dmonitor_conversation_deadline_ns(&session->conversation) < due_ns)
				due_ns = dmonitor_conversation_deadline_ns(&session->conversation);
			if (session->conversation.lost)
				due_ns = client_now_ns(client) + 1000 * MS;
			pthread_mutex_unlock(&session->lock);
		}
		strand_pause(&client->keeper, due_ns);
	}
}

int dmonitor_keeper_start(dmonitor_session *session)
{
	struct simulated_client *client = current_client;

	client->session = session;
	session->keeper_runs = true;
	client->keeper.fiber = fiber_new(keep, client);
	client->keeper.pauses = true;
	strand_wake(&client->keeper);
	return 0;
}

void dmonitor_keeper_notice(dmonitor_session *session)
{
	(void)session;
}

/* It pauses, and holds nothing then. */
void dmonitor_keeper_stop(dmonitor_session *session)
{
	struct simulated_client *client = current_client;

	if (!session->keeper_runs)
		return;
	session->keeper_runs = false;
	client->session = NULL;
	client->keeper.pauses = false;
	client->keeper.wakes++;
	fiber_free(&client->keeper.fiber);
}
