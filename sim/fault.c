/* fault.c: a table of kinds; their order, victims and lengths by chance from a seed. */
#include "fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct kind {
	const char *name;
	bool of_connection;
	int64_t shortest,
	    longest; /* how long it lasts, in hundredths of the lease; 0: an instant */
	const char *help;
} kinds[FAULT_KINDS] = {
	[FAULT_CONTROL] = { "control", false, 0, 0,
	                    "nothing is done; what is measured is the load by itself" },
	[FAULT_KILL] = { "kill", false, 0, 0, "SIGKILL; another one takes the worker's place" },
	[FAULT_PAUSE] = { "pause", false, 5, 50, "stopped, for less than the lease" },
	[FAULT_FREEZE] = { "freeze", false, 125, 200, "stopped, for longer than the lease" },
	[FAULT_CUT] = { "cut", true, 0, 0, "its connection is closed" },
	[FAULT_REFUSE] = { "refuse", true, 1, 50,
	                   "the same, and no new one is let in for less than the lease" },
	[FAULT_SILENCE] = { "silence", true, 5, 50,
	                    "nothing passes on its connection for less than the lease" },
	[FAULT_BLACKOUT] = { "blackout", true, 125, 200, "the same for longer than the lease" },
	[FAULT_DROP] = { "drop", true, 5, 20, "for a while a quarter of its messages is lost" },
	[FAULT_DUPLICATE] = { "duplicate", true, 5, 50,
	                      "for a while half of its messages come twice" },
	[FAULT_DELAY] = { "delay", true, 5, 50, "for a while its messages come late" },
	[FAULT_STALL] = { "stall", false, 5, 150, "the server itself is stopped for a while" },
};

static const char *const places[FAULT_PLACES] = {
	[FAULT_OUTSIDE] = "outside",
	[FAULT_QUEUED] = "queued",
	[FAULT_HOLDING] = "holding",
	[FAULT_WAITING] = "waiting",
};

void fault_plan_init(struct fault_plan *plan, uint64_t seed, fault_set set, size_t victims,
                     int64_t mean_ns, int64_t lease_ns)
{
	*plan = (struct fault_plan){
		.pause_ns = { DISTRIBUTION_EXPONENTIAL, mean_ns, mean_ns },
		.victims = victims,
		.lease_ns = lease_ns,
	};
	distribution_seed(&plan->random, seed, 0);
	for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++)
		if ((set >> kind & 1) != 0)
			plan->kinds[plan->kind_count++] = kind;
}

/* One of 0 to ${count} - 1. That this is not quite even for such small numbers shows nowhere. */
static size_t choose(struct fault_plan *plan, size_t count)
{
	return (size_t)(distribution_next(&plan->random) % count);
}

void fault_next(struct fault_plan *plan, struct fault *fault)
{
	const struct kind *kind;
	struct distribution length;

	fault->kind = plan->kinds[choose(plan, plan->kind_count)];
	kind = &kinds[fault->kind];
	fault->place = (enum fault_place)choose(plan, FAULT_PLACES);
	fault->victim = choose(plan, plan->victims);
	fault->pause_ns = distribution_draw(&plan->pause_ns, &plan->random);
	length = (struct distribution){ DISTRIBUTION_UNIFORM, plan->lease_ns / 100 * kind->shortest,
		                        plan->lease_ns / 100 * kind->longest };
	fault->length_ns = kind->longest == 0 ? 0 : distribution_draw(&length, &plan->random);
}

const char *fault_name(enum fault_kind kind)
{
	return kind < FAULT_KINDS ? kinds[kind].name : "";
}

const char *fault_place_name(enum fault_place place)
{
	return places[place];
}

const char *fault_help(enum fault_kind kind)
{
	return kinds[kind].help;
}

bool fault_of_connection(enum fault_kind kind)
{
	return kinds[kind].of_connection;
}

/* The kind called so, of ${length} bytes, or FAULT_KINDS. */
static enum fault_kind find(const char *name, size_t length)
{
	enum fault_kind kind = 0;

	while (kind < FAULT_KINDS &&
	       (strlen(kinds[kind].name) != length || strncmp(kinds[kind].name, name, length) != 0))
		kind++;
	return kind;
}

int fault_parse(const char *text, fault_set *set, char *wrong, size_t room_bytes)
{
	fault_set found = 0;

	if (strcmp(text, "none") == 0 || strcmp(text, "all") == 0) {
		*set = text[0] == 'a' ? (UINT32_C(1) << FAULT_KINDS) - 1 : 0;
		return 0;
	}
	for (;;) {
		const size_t length = strcspn(text, "+");
		const enum fault_kind kind = find(text, length);

		if (kind == FAULT_KINDS) {
			snprintf(wrong, room_bytes, "there is no fault \"%.*s\"",
			         length > 40 ? 40 : (int)length, text);
			return EINVAL;
		}
		if ((found >> kind & 1) != 0) {
			snprintf(wrong, room_bytes, "%s is there twice", kinds[kind].name);
			return EINVAL;
		}
		found |= UINT32_C(1) << kind;
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	*set = found;
	return 0;
}
