/* proxy_queue.c: a list of parcels; one that was sent in part keeps its place. */
#include "proxy_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct proxy_parcel {
	struct proxy_parcel *next;
	int64_t due_ns;
	size_t size_bytes;
	size_t sent_bytes;
	unsigned char bytes[];
};

void proxy_queue_init(struct proxy_queue *queue)
{
	*queue = (struct proxy_queue){ .first = NULL };
	queue->last = &queue->first;
}

static void remove_first(struct proxy_queue *queue)
{
	struct proxy_parcel *parcel = queue->first;

	queue->first = parcel->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	free(parcel);
}

void proxy_queue_fini(struct proxy_queue *queue)
{
	while (queue->first != NULL)
		remove_first(queue);
}

int proxy_queue_add(struct proxy_queue *queue, const unsigned char *bytes, size_t size_bytes,
                    int64_t due_ns)
{
	struct proxy_parcel *parcel = malloc(sizeof(*parcel) + size_bytes);

	if (parcel == NULL)
		return ENOMEM;
	queue->due_ns = due_ns > queue->due_ns ? due_ns : queue->due_ns;
	*parcel = (struct proxy_parcel){ .due_ns = queue->due_ns, .size_bytes = size_bytes };
	memcpy(parcel->bytes, bytes, size_bytes);
	*queue->last = parcel;
	queue->last = &parcel->next;
	queue->size_bytes += size_bytes;
	return 0;
}

int proxy_queue_send(struct proxy_queue *queue, int fd, int64_t now_ns)
{
	struct proxy_parcel *parcel;

	while ((parcel = queue->first) != NULL && parcel->due_ns <= now_ns) {
		const ssize_t sent =
		    send(fd, parcel->bytes + parcel->sent_bytes,
		         parcel->size_bytes - parcel->sent_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : errno;
		parcel->sent_bytes += (size_t)sent;
		queue->size_bytes -= (size_t)sent;
		if (parcel->sent_bytes < parcel->size_bytes)
			return 0;
		remove_first(queue);
	}
	return 0;
}

bool proxy_queue_empty(const struct proxy_queue *queue)
{
	return queue->first == NULL;
}

int64_t proxy_queue_due_ns(const struct proxy_queue *queue)
{
	return queue->first == NULL ? INT64_MAX : queue->first->due_ns;
}
