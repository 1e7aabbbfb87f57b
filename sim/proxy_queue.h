/*
 * proxy_queue.h: bytes on their way through the proxy, each piece with the time at which it may go
 * on. Order is kept: nothing overtakes what came before it.
 */
#ifndef SIM_PROXY_QUEUE_H
#define SIM_PROXY_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proxy_parcel;

struct proxy_queue {
	struct proxy_parcel *first, **last;
	size_t size_bytes; /* that are still to be sent */
	int64_t due_ns;    /* of the last parcel */
};

void proxy_queue_init(struct proxy_queue *queue);
void proxy_queue_fini(struct proxy_queue *queue);

/* Append a copy of ${bytes}, to be sent at ${due_ns} or when what is before it is. ENOMEM. */
int proxy_queue_add(struct proxy_queue *queue, const unsigned char *bytes, size_t size_bytes,
                    int64_t due_ns);

/* Send to the socket ${fd} what is due by ${now_ns}, as far as it takes it. Errors: send(2)'s. */
int proxy_queue_send(struct proxy_queue *queue, int fd, int64_t now_ns);

bool proxy_queue_empty(const struct proxy_queue *queue);

/* When its first parcel is due; INT64_MAX: there is none. */
int64_t proxy_queue_due_ns(const struct proxy_queue *queue);

#endif
