/*
 * server_process.h: a monitor_server of one's own, which lives no longer than who started it.
 */
#ifndef SIM_SERVER_PROCESS_H
#define SIM_SERVER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct server_process;

/* What to start. Zero means the default, for every field. */
struct server_process_options {
	const char *program;          /* its path; default: see server_process_find() */
	const char *bind;             /* default "tcp://127.0.0.1:*" */
	const char *const *arguments; /* further ones, ended by NULL */
	int64_t timeout_ns;           /* to say that it listens; default 5 s */
};

/**
 * server_process_find(program, path, room_bytes):
 * Write the path of monitor_server into ${path}: ${program} if it is not NULL, else the one beside
 * the running program, else one or two folders above that, where a build keeps it for its tests,
 * else the one in PREFIX/bin.
 *
 * Errors   ENOENT        there is no such program
 *          ENAMETOOLONG  ${path} has too little room
 */
int server_process_find(const char *program, char *path, size_t room_bytes);

/* Write an endpoint for ${transport}, "tcp" or "ipc", that no other server uses into ${endpoint}.
 * That of ipc lies in Linux's abstract name space, so that it can leave no file behind.
 * Errors: EINVAL for another transport. */
int server_process_endpoint_for(const char *transport, char *endpoint, size_t room_bytes);

/**
 * server_process_start(options, server, error, room_bytes):
 * Start a server and wait until it listens. ${options} may be NULL.
 *
 * Owns     on 0 the caller owns *${server} until server_process_stop(). The server gets SIGTERM
 *          when the calling thread ends, however that ends; Ctrl-C at the terminal does not reach
 *          it by itself.
 * Blocks   at most the options' timeout.
 * Errors   any errno value, with a sentence in ${error}
 */
int server_process_start(const struct server_process_options *options,
                         struct server_process **server, char *error, size_t room_bytes);

/* Where it listens, with the real port. Valid until server_process_stop(). */
const char *server_process_endpoint(const struct server_process *server);

pid_t server_process_pid(const struct server_process *server);

/* Whether it has ended by itself. It is still to be stopped. */
bool server_process_ended(const struct server_process *server);

/* The CPU time that it has used so far; -1 if it has ended. */
int64_t server_process_cpu_ns(const struct server_process *server);

/**
 * server_process_stop(server, error, room_bytes):
 * End the server by SIGTERM, or by SIGKILL where that does not end it in two seconds; reap it, free
 * *${server} and null it; it may be NULL.
 *
 * Errors   EIO  it had ended before, did not stop in time, or exited with another status than 0;
 *          a sentence is in ${error}
 */
int server_process_stop(struct server_process **server, char *error, size_t room_bytes);

#endif
