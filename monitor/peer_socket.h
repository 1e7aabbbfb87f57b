/*
 * peer_socket.h: what the kernel knows of a peer's socket, and what it can be told to do with it.
 *
 * The descriptors are libzmq's, which may close one and use its number again at any time. So a
 * socket is known by its cookie, which the kernel never gives twice.
 */
#ifndef DMONITOR_PEER_SOCKET_H
#define DMONITOR_PEER_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

/* 0: there is no socket. */
uint64_t peer_socket_cookie(int descriptor);

/* Whether it is still open and connected. */
bool peer_socket_lives(int descriptor, uint64_t cookie);

/* Whether the other end is on this machine. */
bool peer_socket_local(int descriptor);

/* Bytes that libzmq has read from it so far; -1: cannot be told, as of ipc. */
int64_t peer_socket_taken_bytes(int descriptor);

/* Bytes that have arrived and that libzmq has not read. */
int64_t peer_socket_waiting_bytes(int descriptor);

/* Bytes that were sent to it and that it has not taken. */
int64_t peer_socket_unsent_bytes(int descriptor);

/* End the connection. */
void peer_socket_cut(int descriptor, uint64_t cookie);

/* Let no data in, or let them in again: TCP at the other end then waits and repeats, so nothing is
 * lost, and its program cannot send once its buffer is full. Of no effect on ipc. */
void peer_socket_pause(int descriptor, uint64_t cookie);
void peer_socket_resume(int descriptor, uint64_t cookie);

#endif
