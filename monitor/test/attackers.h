/*
 * attackers.h: hostile peers of a server, hand-written over TCP without libzmq, each a process
 * body.
 */
#ifndef DMONITOR_TEST_ATTACKERS_H
#define DMONITOR_TEST_ATTACKERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Seen by the attacker and by who measures it. */
struct attack_record {
	atomic_uint_fast64_t bytes_sent;
	atomic_uint_fast64_t bytes_read;
	atomic_uint_fast64_t cut;  /* connections that the server closed */
	atomic_uint_fast64_t open; /* connections that stand now */
};

struct attack {
	const char *name;
	size_t connections; /* of one process; 0: as many as it may have descriptors */
	/* Write what is sent over and over, at most ${room_bytes}; its length. ${round} counts from
	 * 0. NULL: nothing is sent. */
	size_t (*payload)(char *bytes, size_t room_bytes, uint64_t round);
	/* Sent once on each connection; NULL: nothing. */
	size_t (*opening)(char *bytes, size_t room_bytes);
	_Bool plain;  /* no ZMTP: bytes from the first one on */
	_Bool deaf;   /* reads nothing */
	_Bool churns; /* closes each connection once its payload is sent and something is read */
	_Bool wants_crowd; /* 1,000 clients stand in line at the monitor `crowd` */
};

extern const struct attack attacks[];
extern const size_t attack_count;

/* Attack the server at 127.0.0.1:${port} until killed. */
void attack_run(const struct attack *attack, uint16_t port, struct attack_record *record);

/* Bring 1,000 polling clients into the line of the monitor `crowd`, and stay. */
void attack_crowd(uint16_t port, atomic_int *ready);

#endif
