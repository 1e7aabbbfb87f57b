/*
 * monitor_server.c: the program. A loop around the core: what arrives becomes an event, what the
 * core says becomes messages, and when nothing arrives in time that is an event too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "core.h"
#include "recorder.h"
#include "server_descriptors.h"
#include "server_identity.h"
#include "server_options.h"
#include "server_state.h"
#include "transport.h"

/* How soon to try again what failed for want of memory. */
#define RETRY_NS (10 * DMONITOR_NS_PER_MS)

struct server {
	struct dmonitor_transport *transport;
	struct dmonitor_core *core;
	struct dmonitor_outbox outbox;
	struct server_state *state; /* NULL: tokens are not reserved */
	bool tokens_ended;          /* the last step's may not be given out */
	struct recorder *recorder;  /* NULL: nothing is recorded */
	int64_t retry_ns;           /* a tick to be tried again; 0: none */
};

/* An error that is the asker's own. A limit may be others' doing. */
static bool is_fault(const struct dmonitor_reply *reply)
{
	return reply->status == DMONITOR_STATUS_ERROR && reply->code != DMONITOR_CODE_LIMIT;
}

static void send_outbox(struct server *server)
{
	for (size_t i = 0; i < server->outbox.count; i++) {
		const struct dmonitor_delivery *delivery = &server->outbox.deliveries[i];
		char *text = dmonitor_reply_encode(&delivery->reply);

		/* A reply may not be lost in silence: without memory for it the peer is let go. */
		if (text == NULL)
			dmonitor_transport_drop(server->transport, delivery->to);
		else
			dmonitor_transport_send(server->transport, delivery->to, text,
			                        is_fault(&delivery->reply));
		free(text);
	}
}

/* Whether the tokens of the last step may leave the server. */
static bool tokens_are_reserved(struct server *server)
{
	char sentence[SERVER_STATE_SENTENCE_BYTES];

	if (server->state == NULL ||
	    server_state_cover(server->state, dmonitor_core_token(server->core), sentence) == 0)
		return true;
	fprintf(stderr, "monitor_server: %s\n", sentence);
	return false;
}

static int step_with(struct server *server, struct dmonitor_event *event,
                     const struct dmonitor_envelope *envelope)
{
	int result;

	event->now_ns = dmonitor_clock_now_ns();
	result = dmonitor_core_step(server->core, event, &server->outbox);
	if (!tokens_are_reserved(server)) {
		server->tokens_ended = true;
		return result;
	}
	/* First recorded, then sent: whatever a client has heard is in the record. */
	recorder_note(server->recorder, event, envelope, result, &server->outbox);
	send_outbox(server);
	return result;
}

static int step(struct server *server, struct dmonitor_event *event)
{
	return step_with(server, event, NULL);
}

static int start(struct server *server)
{
	char identity[DMONITOR_ID_BYTES + 1];
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_START,
		                        .server = identity,
		                        .token = (uint64_t)dmonitor_clock_wall_ns() };

	if (server->state != NULL)
		event.token = server_state_first(server->state);
	server_identity(identity, sizeof(identity));
	return step(server, &event);
}

static void serve_message(struct server *server, struct dmonitor_arrival *arrival)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_MESSAGE,
		                        .peer = arrival->peer,
		                        .local = arrival->local,
		                        .request = &arrival->request };

	if (arrival->request.action == DMONITOR_ACTION_HELLO)
		getrandom(event.random, sizeof(event.random), 0);
	/* Without memory the request has had no effect, and the client must not wait for it. */
	if (step_with(server, &event, &arrival->envelope) != 0)
		dmonitor_transport_drop(server->transport, arrival->peer);
	if (arrival->heavy)
		dmonitor_transport_charge(server->transport, arrival->peer);
	dmonitor_request_fini(&arrival->request);
}

static void serve_closed(struct server *server, uint64_t peer)
{
	struct dmonitor_event event = { .kind = DMONITOR_EVENT_CLOSED, .peer = peer };

	step(server, &event);
}

static void notice_standstill(struct server *server)
{
	struct dmonitor_event stalled = { .kind = DMONITOR_EVENT_STALLED };

	if (dmonitor_core_stood_still(server->core, dmonitor_clock_now_ns()))
		step(server, &stalled);
}

static void serve_time(struct server *server)
{
	struct dmonitor_event tick = { .kind = DMONITOR_EVENT_TICK };
	const int64_t now_ns = dmonitor_clock_now_ns();

	if (dmonitor_core_deadline_ns(server->core) > now_ns)
		return;
	server->retry_ns = step(server, &tick) == 0 ? 0 : now_ns + RETRY_NS;
}

static int64_t next_deadline(const struct server *server)
{
	return server->retry_ns != 0 ? server->retry_ns : dmonitor_core_deadline_ns(server->core);
}

static int serve(struct server *server)
{
	struct dmonitor_arrival arrival;

	for (;;) {
		/* What found no memory is over; time goes on. */
		if (dmonitor_transport_next(server->transport, next_deadline(server), &arrival) !=
		    0)
			arrival.kind = DMONITOR_ARRIVAL_NONE;
		notice_standstill(server);
		switch (arrival.kind) {
		case DMONITOR_ARRIVAL_MESSAGE:
			serve_message(server, &arrival);
			break;
		case DMONITOR_ARRIVAL_CLOSED:
			serve_closed(server, arrival.peer);
			break;
		case DMONITOR_ARRIVAL_SIGNAL:
			return 0;
		case DMONITOR_ARRIVAL_NONE:
			serve_time(server);
			break;
		}
		if (server->tokens_ended)
			return EIO;
		if (server->outbox.stop)
			return 0;
	}
}

static int listen_everywhere(struct server *server, const struct server_options *options)
{
	char bound[512];

	for (size_t i = 0; i < options->endpoint_count; i++) {
		const int result = dmonitor_transport_bind(server->transport, options->endpoints[i],
		                                           bound, sizeof(bound));

		if (result != 0) {
			fprintf(stderr, "monitor_server: cannot listen at %s: %s\n",
			        options->endpoints[i], dmonitor_transport_error(result));
			return result;
		}
		printf("listening %s\n", bound);
	}
	return fflush(stdout) == 0 ? 0 : EIO;
}

/* 0, or what is wrong, which has been said. */
static int open_state(struct server *server, const struct server_options *options)
{
	char sentence[SERVER_STATE_SENTENCE_BYTES];
	int result;

	if (options->state_path == NULL)
		return 0;
	result = server_state_open(options->state_path, (uint64_t)options->state_block,
	                           (uint64_t)dmonitor_clock_wall_ns(), &server->state, sentence);
	if (result != 0)
		fprintf(stderr, "monitor_server: %s\n", sentence);
	return result;
}

/* The same of the record. */
static int open_record(struct server *server, const struct server_options *options)
{
	int result;

	if (options->record == NULL)
		return 0;
	result = recorder_open(options->record, &options->core, &server->recorder);
	if (result == EEXIST)
		fprintf(stderr,
		        "monitor_server: %s exists already, and is not overwritten: record "
		        "elsewhere, or remove it\n",
		        options->record);
	else if (result != 0)
		fprintf(stderr, "monitor_server: cannot record into %s: %s\n", options->record,
		        strerror(result));
	return result;
}

static int open_core(struct server *server, const struct server_options *options)
{
	int result = 0;

	server->core = dmonitor_core_new(&options->core);
	if (server->core == NULL)
		result = ENOMEM;
	if (result == 0)
		result = dmonitor_transport_new(&options->gate, &server->transport);
	if (result == 0)
		result = start(server);
	if (result != 0)
		fprintf(stderr, "monitor_server: cannot start: %s\n",
		        dmonitor_transport_error(result));
	return result;
}

static int run(const struct server_options *options)
{
	struct server server = { .core = NULL };
	int result = server_descriptors_raise(options);

	if (result == 0)
		result = open_state(&server, options);
	if (result == 0)
		result = open_record(&server, options);
	if (result == 0)
		result = open_core(&server, options);
	if (result == 0)
		result = listen_everywhere(&server, options);
	if (result != 0)
		recorder_discard(&server.recorder);
	if (result == 0)
		result = serve(&server);
	dmonitor_transport_free(&server.transport);
	recorder_close(&server.recorder, result == 0, dmonitor_clock_now_ns());
	dmonitor_outbox_fini(&server.outbox);
	dmonitor_core_free(&server.core);
	server_state_close(&server.state);
	return result == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct server_options options;
	int status = server_options_read(argc, argv, &options);

	if (status < 0)
		status = run(&options);
	server_options_fini(&options);
	return status;
}
