/* worker_result.c: one mapping: the workers' results, then the logs of one worker after another. */
#include "worker_result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../sim/actor.h"

int worker_results_init(struct worker_results *results, const struct factors *factors)
{
	struct worker_results made = { .producers = (size_t)factors->producers };
	made.workers = made.producers + (size_t)factors->consumers;
	made.items = (uint64_t)factors->producers * (uint64_t)factors->items;
	made.warmup_items = (uint64_t)factors->producers * (uint64_t)factors->warmup;
	/* every item is put once and got once */
	size_t entries = 2 * (size_t)(made.items + made.warmup_items);
	made.bytes = made.workers * sizeof(*made.results) + entries * sizeof(*made.log);
	void *memory =
	    mmap(NULL, made.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return errno;
	made.results = memory;
	made.log = (struct audit_entry *)(void *)(made.results + made.workers);
	*results = made;
	return 0;
}

void worker_results_fini(struct worker_results *results)
{
	munmap(results->results, results->bytes);
	memset(results, 0, sizeof(*results));
}

static uint64_t items_of(const struct worker_results *results, enum round round)
{
	return round == ROUND_MEASURED ? results->items : results->warmup_items;
}

uint64_t worker_results_share(const struct worker_results *results, enum round round, size_t index)
{
	uint64_t items = items_of(results, round);
	if (index < results->producers)
		return actor_share(items, results->producers, index);
	return actor_share(items, results->workers - results->producers,
	                   index - results->producers);
}

struct audit_entry *worker_results_log(const struct worker_results *results, enum round round,
                                       size_t index)
{
	uint64_t before = round == ROUND_MEASURED ? 0 : 2 * results->items;
	for (size_t i = 0; i < index; i++)
		before += worker_results_share(results, round, i);
	return results->log + before;
}

int worker_results_audit(const struct worker_results *results, enum round round, size_t capacity,
                         struct audit_result *result)
{
	struct audit_log *logs = calloc(results->workers, sizeof(*logs));
	if (logs == NULL)
		return ENOMEM;
	for (size_t i = 0; i < results->workers; i++) {
		const struct worker_result *worker = &results->results[i];
		logs[i].entries = worker_results_log(results, round, i);
		logs[i].count =
		    (size_t)(round == ROUND_MEASURED ? worker->done : worker->warmup_done);
	}
	struct audit_input input = {
		.capacity = capacity,
		.producers = results->producers,
		.consumers = results->workers - results->producers,
		.puts = logs,
		.gets = logs + results->producers,
	};
	int failure = audit_run(&input, result);
	free(logs);
	return failure;
}
