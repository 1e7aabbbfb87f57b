/* internal.h: what the files of the simulation share. */
#ifndef DMONITOR_TEST_SIMULATION_INTERNAL_H
#define DMONITOR_TEST_SIMULATION_INTERNAL_H

#include "../../client.h"
#include "../../core.h"
#include "../../model.h"
#include "fiber.h"
#include "simulation.h"

#define MS INT64_C(1000000)

enum happening_kind {
	TO_SERVER,     /* a message arrives */
	TO_CLIENT,     /* a message arrives */
	LINK_MADE,     /* the client's end learns that the connection is there */
	LINK_ENDED,    /* ... that it is gone */
	SERVER_CLOSED, /* the server's end learns that it is gone */
	SERVER_TICK,
	WAKE,  /* a fiber's time is over */
	CHAOS, /* time for faults */
};

struct happening {
	int64_t at_ns;
	uint64_t serial; /* of equals, what was arranged first */
	enum happening_kind kind;
	struct dmonitor_link *link;
	struct strand *strand;
	uint64_t wake; /* WAKE: of that pause of the strand */
	char *text;
};

/* A fiber of a client: its program, or the keeper of its session. */
struct strand {
	struct fiber *fiber;
	struct simulated_client *client;
	bool pauses;
	uint64_t wakes; /* counts the pauses */
};

/* What client_link.c would be. */
struct dmonitor_link {
	struct dmonitor_link *next; /* of the simulation's, which frees them */
	struct simulated_client *client;
	dmonitor_peer peer; /* 0: the server has not accepted it yet */
	bool made, news, ended;
	bool closed;                            /* by the client */
	bool server_closed;                     /* the server has been told */
	int64_t server_last_ns, client_last_ns; /* when the last message each way arrives */
	char **inbox;
	unsigned inbox_count, inbox_room, inbox_read;
};

struct simulated_client {
	struct simulation *simulation;
	int number;
	struct strand program;
	struct strand keeper;
	dmonitor_session *session; /* that the keeper keeps */
	struct dmonitor_link *link;
	int64_t drift_ppm;
	int64_t stopped_until_ns;
	int64_t silent_until_ns;
	bool crashed;
};

struct simulation {
	int64_t now_ns;
	uint64_t random;
	struct simulation_faults faults;
	simulation_body *body;
	uint64_t serial;
	struct happening *heap;
	unsigned heap_count, heap_room;
	struct simulated_client *clients[SIMULATION_CLIENTS];
	struct dmonitor_link *links;
	char blame[512];

	struct dmonitor_core *core;
	struct dmonitor_model *model;
	struct dmonitor_outbox outbox;
	dmonitor_peer last_peer;
	uint64_t generations; /* of the server */
	int64_t server_stopped_until_ns;
	int64_t tick_ns; /* arranged; INT64_MAX: none */
	uint64_t steps;
	uint64_t lost, doubled, cuts, silences, crashes, stops, server_stops, server_restarts;
};

/* The simulation and the client whose fiber runs; NULL outside of fibers. */
extern struct simulated_client *current_client;

/* simulation.c */
struct happening *arrange(struct simulation *simulation, int64_t at_ns, enum happening_kind kind);
/* Pause the running strand until it is woken, or its client's clock reads ${due_ns}. */
void strand_pause(struct strand *strand, int64_t due_ns);
void strand_wake(struct strand *strand);
int64_t client_now_ns(const struct simulated_client *client);

/* link.c */
void link_arrives(struct dmonitor_link *link, char *text);
void link_is_made(struct dmonitor_link *link);
void link_is_ended(struct dmonitor_link *link);
/* Cut it: both ends learn it, each in its time. */
void link_cut(struct dmonitor_link *link);
void link_free(struct dmonitor_link *link);
/* Have ${text}, which is taken over, travel; or not. */
void link_carry(struct dmonitor_link *link, char *text, bool to_server);

/* server.c */
void server_start(struct simulation *simulation);
void server_stop(struct simulation *simulation);
void server_restart(struct simulation *simulation);
void server_hears(struct simulation *simulation, struct dmonitor_link *link, char *text);
void server_loses(struct simulation *simulation, struct dmonitor_link *link);
void server_ticks(struct simulation *simulation);

#endif
