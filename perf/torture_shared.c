/* torture_shared.c: logs that survive their writers. */
#include "torture_shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

int torture_shared_init(struct torture *torture, const struct factors *factors)
{
	struct torture made = { .factors = factors,
		                .producers = (size_t)factors->producers,
		                .consumers = (size_t)factors->consumers };
	made.workers = made.producers + made.consumers + (size_t)factors->holders;
	size_t item_bytes = (size_t)factors->payload_bytes;
	size_t logs = (made.producers + made.consumers) * TORTURE_LOG_ENTRIES;
	size_t slots_at = (sizeof(*made.shared) + 63) / 64 * 64;
	size_t entries_at = slots_at + made.workers * sizeof(*made.slots);
	size_t doubts_at = entries_at + logs * sizeof(*made.entries);
	size_t items_at = doubts_at + logs * sizeof(*made.doubts);
	made.bytes = items_at + made.workers * item_bytes;
	made.news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made.news_fd == -1)
		return errno;
	unsigned char *memory = mmap(NULL, made.bytes, PROT_READ | PROT_WRITE,
	                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		int failure = errno;
		close(made.news_fd);
		return failure;
	}
	made.shared = (void *)memory;
	made.slots = (void *)(memory + slots_at);
	made.entries = (void *)(memory + entries_at);
	made.doubts = memory + doubts_at;
	made.items = memory + items_at;
	for (size_t i = 0; i < made.workers; i++)
		histogram_init(&made.slots[i].latency);
	*torture = made;
	return 0;
}

void torture_shared_fini(struct torture *torture)
{
	munmap(torture->shared, torture->bytes);
	close(torture->news_fd);
	*torture = (struct torture){ .news_fd = -1 };
}

unsigned char *torture_item(const struct torture *torture, size_t index)
{
	return torture->items + index * (size_t)torture->factors->payload_bytes;
}

static size_t place_of(size_t index, uint64_t in_round)
{
	return index * TORTURE_LOG_ENTRIES + (size_t)in_round;
}

int torture_log(const struct torture *torture, size_t index, const struct audit_entry *entry,
                enum audit_doubt doubt)
{
	struct torture_slot *slot = &torture->slots[index];
	uint64_t in_round = slot->logged - slot->round_first;
	if (in_round >= TORTURE_LOG_ENTRIES)
		return EOVERFLOW;
	if (in_round >= TORTURE_LOG_FULL)
		atomic_store(&torture->shared->full, 1);
	torture->entries[place_of(index, in_round)] = *entry;
	torture->doubts[place_of(index, in_round)] = (uint8_t)doubt;
	__atomic_store_n(&slot->logged, slot->logged + 1, __ATOMIC_RELEASE);
	return 0;
}

void torture_log_late(const struct torture *torture, size_t index)
{
	uint64_t in_round = torture->slots[index].logged - torture->slots[index].round_first;
	if (in_round == 0)
		return;
	uint8_t *doubt = &torture->doubts[place_of(index, in_round - 1)];
	if (*doubt == AUDIT_CERTAIN)
		*doubt = AUDIT_LATE;
}

/* The item that worker ${index} has moved without logging it. */
static int settle_moved(const struct torture *torture, size_t index)
{
	struct torture_slot *slot = &torture->slots[index];
	struct audit_entry entry = { slot->watch.token, (uint32_t)index, (uint32_t)slot->logged };
	if (index >= torture->producers) {
		struct item item;
		if (item_read(torture_item(torture, index), (size_t)torture->factors->payload_bytes,
		              &item) != 0)
			return EPROTO;
		if (item.producer == TORTURE_MARK) {
			slot->marks++;
			return 0;
		}
		entry.producer = item.producer;
		entry.number = item.number;
	}
	return torture_log(torture, index, &entry, AUDIT_CERTAIN);
}

int torture_settle(const struct torture *torture, size_t index)
{
	struct torture_slot *slot = &torture->slots[index];
	int failure = 0;
	if (index >= torture->producers + torture->consumers)
		return 0;
	if (slot->watch.moved + slot->unknown > slot->logged + slot->marks)
		failure = settle_moved(torture, index);
	if (failure == 0 && slot->watch.begun > slot->watch.moved) {
		struct audit_entry entry = { slot->watch.token, (uint32_t)index,
			                     (uint32_t)slot->logged };
		failure = torture_log(torture, index, &entry, AUDIT_UNKNOWN);
		slot->unknown++;
		slot->watch.begun = slot->watch.moved;
	}
	return failure;
}

int torture_audit(struct torture *torture, struct audit_result *result)
{
	size_t loggers = torture->producers + torture->consumers;
	uint32_t overlaps = atomic_load(&torture->shared->overlap_count);
	struct audit_log *logs = calloc(loggers, sizeof(*logs));
	if (logs == NULL)
		return ENOMEM;
	for (size_t i = 0; i < loggers; i++) {
		size_t begin = place_of(i, 0);
		logs[i] = (struct audit_log){
			.entries = torture->entries + begin,
			.count = (size_t)(torture->slots[i].logged - torture->slots[i].round_first),
			.doubts = torture->doubts + begin,
			.first_number = (uint32_t)torture->slots[i].round_first,
		};
		torture->slots[i].round_first = torture->slots[i].logged;
	}
	struct audit_input input = {
		.capacity = (size_t)torture->factors->capacity,
		.producers = torture->producers,
		.consumers = torture->consumers,
		.puts = logs,
		.gets = logs + torture->producers,
		.overlaps = torture->shared->overlaps,
		.overlap_count = overlaps < TORTURE_OVERLAPS ? overlaps : TORTURE_OVERLAPS,
	};
	int failure = audit_run(&input, result);
	free(logs);
	if (failure == 0)
		result->two_owners += atomic_exchange(&torture->shared->two_holders, 0);
	atomic_store(&torture->shared->overlap_count, 0);
	return failure;
}
