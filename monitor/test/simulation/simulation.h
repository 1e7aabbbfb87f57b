/*
 * simulation.h: a server's core and clients' libraries in one process and in virtual time, with a
 * network between them that delays, loses, doubles and cuts, by a seed.
 *
 * The core is the real one; so are the sessions and monitors of the library, which call what this
 * folder puts in the place of client_link.c, client_keeper.c and clock.c. A client is a fiber;
 * where it would block, virtual time goes on. Nothing else takes time.
 */
#ifndef DMONITOR_TEST_SIMULATION_H
#define DMONITOR_TEST_SIMULATION_H

#include <stdbool.h>
#include <stdint.h>

#include "../../dmonitor.h"

enum { SIMULATION_CLIENTS = 6 };

/* What may go wrong while there is chaos; chances are in 1/1000 of each message or each 10 ms. */
struct simulation_faults {
	uint64_t lose;
	uint64_t double_up;
	uint64_t delay;  /* a message takes up to 40 ms instead of 2 */
	uint64_t cut;    /* one client's connection */
	uint64_t silent; /* one client's messages vanish both ways, for up to 1 s */
	uint64_t crash;  /* a client dies, and another takes its place */
	uint64_t stop;   /* a client stands still, for up to 1 s */
	uint64_t server_stop;
	uint64_t server_restart; /* with empty memory */
};

struct simulation;

/* What a client does, in its own fiber; it may end, and ends when its client has crashed: every
 * call then fails. */
typedef void simulation_body(struct simulation *simulation, int client);

struct simulation *simulation_new(uint64_t seed, const struct simulation_faults *faults,
                                  simulation_body *body);
void simulation_free(struct simulation **simulation);

/* Let virtual time pass until ${until_ns}, or until all clients have ended. */
void simulation_run(struct simulation *simulation, int64_t until_ns);

/* No more faults from now on: all messages arrive, everybody runs. */
void simulation_heal(struct simulation *simulation);

/* The first broken invariant, or NULL. ..._blame() notes one, if it is the first. */
const char *simulation_fault(const struct simulation *simulation);
__attribute__((format(printf, 2, 3))) void simulation_blame(struct simulation *simulation,
                                                            const char *format, ...);

int64_t simulation_now_ns(const struct simulation *simulation);
uint64_t simulation_draw(struct simulation *simulation, uint64_t below);
bool simulation_crashed(const struct simulation *simulation, int client);
bool simulation_all_ended(const struct simulation *simulation);

/* Let the calling client's time pass. */
void simulation_sleep(struct simulation *simulation, int64_t span_ns);

/* Whether ${client} would claim what it owned, now and by its own clock. */
bool simulation_claims(struct simulation *simulation, int client, dmonitor_session *session);

/* Whether two tokens were given by a server that was not restarted in between. */
bool simulation_same_server(uint64_t a, uint64_t b);

/* How many sessions and monitors the server has, and how many steps it has done. */
uint64_t simulation_sessions(struct simulation *simulation);
uint64_t simulation_monitors(struct simulation *simulation);
uint64_t simulation_steps(const struct simulation *simulation);

/* How often each kind of fault has struck, in words. */
void simulation_describe(const struct simulation *simulation, char *text, unsigned room_bytes);

#endif
