/*
 * budget.h: a share of the server's time for what costs much: long messages, and STATUS. Pure.
 */
#ifndef DMONITOR_BUDGET_H
#define DMONITOR_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

/* A leaky bucket: when all that was charged would be paid off at the share. */
struct budget {
	int64_t paid_off_ns;
};

struct budget_terms {
	int64_t divisor;  /* the share is one part of so many */
	int64_t burst_ns; /* of time, at once */
};

bool budget_allows(const struct budget *budget, struct budget_terms terms, int64_t now_ns);
void budget_charge(struct budget *budget, struct budget_terms terms, int64_t now_ns,
                   int64_t cost_ns);

/* A longer message costs much: to read one of 64 KiB takes a millisecond and more. */
enum { BUDGET_LIGHT_BYTES = 4096 };

/* As dmonitor_request_decode(), for a message that is beyond a budget: it becomes one to be refused
 * with LIMIT. A long one is not read. */
int budget_refuse(const char *text, size_t size_bytes, size_t frames,
                  struct dmonitor_request *request);

#endif
