/*
 * server_state.h: the file by which tokens rise over every restart, whatever the wall clock does.
 *
 * A block of tokens is reserved in the file, synced, before any token of it is given out; the next
 * start begins where the reservation ended. The file is replaced as a whole (written beside it,
 * synced, renamed, the folder synced), so that it is never found half written.
 */
#ifndef DMONITOR_SERVER_STATE_H
#define DMONITOR_SERVER_STATE_H

#include <stdint.h>

struct server_state;

/* Room for any sentence of these functions. */
enum { SERVER_STATE_SENTENCE_BYTES = 512 };

/**
 * server_state_open(path, block, fresh, state, sentence):
 * Lock ${path} against other servers, read it, and reserve ${block} tokens above what is reserved
 * there; above ${fresh} where there is no such file yet.
 * Errors   an errno value, and what is wrong and what to do in ${sentence}
 */
int server_state_open(const char *path, uint64_t block, uint64_t fresh, struct server_state **state,
                      char *sentence);
void server_state_close(struct server_state **state);

/* Tokens begin above this one. */
uint64_t server_state_first(const struct server_state *state);

/**
 * server_state_cover(state, token, sentence):
 * See that all tokens up to ${token} are reserved, and further ones in good time.
 * Errors   an errno value, with a ${sentence}: ${token} is not reserved and must not be given out.
 *          As long as tokens are left, a reservation that fails is no error; it is tried again.
 */
int server_state_cover(struct server_state *state, uint64_t token, char *sentence);

#endif
