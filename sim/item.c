/* item.c: behind an item's beginning stands a stream of random numbers that has it for its seed. */
#include "item.h"

#include <errno.h>
#include <string.h>

#include "distribution.h"

void item_write(const struct item *item, unsigned char *bytes, size_t size_bytes)
{
	struct distribution_random random;

	memcpy(bytes, item, sizeof(*item));
	distribution_seed(&random, item->producer, item->number);
	for (size_t at = sizeof(*item); at < size_bytes; at += sizeof(uint64_t)) {
		const uint64_t word = distribution_next(&random);
		const size_t left = size_bytes - at;

		memcpy(bytes + at, &word, left < sizeof(word) ? left : sizeof(word));
	}
}

int item_read(const unsigned char *bytes, size_t size_bytes, struct item *item)
{
	struct distribution_random random;
	struct item found;

	if (size_bytes < sizeof(found))
		return EPROTO;
	memcpy(&found, bytes, sizeof(found));
	distribution_seed(&random, found.producer, found.number);
	for (size_t at = sizeof(found); at < size_bytes; at += sizeof(uint64_t)) {
		const uint64_t word = distribution_next(&random);
		const size_t left = size_bytes - at;

		if (memcmp(bytes + at, &word, left < sizeof(word) ? left : sizeof(word)) != 0)
			return EPROTO;
	}
	*item = found;
	return 0;
}
