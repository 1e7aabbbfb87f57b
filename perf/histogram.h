/*
 * histogram.h: durations counted in log-linear buckets: exact below 128 ns, above that 64 buckets
 * to each power of two, so that a bucket is at most 1/64 of its own low end wide and its middle
 * at most 0.8 % away from anything in it. From 0 up to 2^42 ns (73 minutes); beyond, and below 0,
 * a value is counted apart and never clamped into a bucket.
 *
 * Of a fixed size and free of pointers, so that it can lie in shared memory; adding allocates
 * nothing and takes no lock (one writer a histogram). Merging is adding. Pure.
 */
#ifndef PERF_HISTOGRAM_H
#define PERF_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HISTOGRAM_HALF = 64, /* buckets to a power of two */
	HISTOGRAM_BITS = 42, /* values are below 2^this */
	HISTOGRAM_BUCKETS = (HISTOGRAM_BITS - 6 + 1) * HISTOGRAM_HALF
};

struct histogram {
	uint64_t count;    /* values from 0 on, those beyond the last bucket included */
	uint64_t overflow; /* values beyond the last bucket */
	uint64_t negative; /* values below 0, a failure: a clock ran backwards; not in count */
	int64_t minimum;   /* exact, of all that count counts; as maximum and sum */
	int64_t maximum;
	int64_t sum; /* INT64_MAX where the true one, 292 years and more, does not fit */
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Empty it. Writes every byte, so that the timed part meets no page that is not there yet. */
void histogram_init(struct histogram *histogram);

void histogram_add(struct histogram *histogram, int64_t value_ns);

/* Add all of ${other}'s values to ${histogram}. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);

/**
 * histogram_quantile(histogram, q):
 * The value at or below which the share ${q}, 0 to 1, of all counted values lies (nearest rank):
 * the middle of the bucket in which it stands, but never outside minimum..maximum; for the last
 * rank the maximum itself. -1 if there is no value, or if it stands beyond the last bucket.
 */
int64_t histogram_quantile(const struct histogram *histogram, double q);

/* Mean of all counted values, exact but for rounding; -1 if there is none. */
double histogram_mean(const struct histogram *histogram);

/* The bucket of a value in range, and the values low <= v < high that it holds. */
size_t histogram_bucket(int64_t value_ns);
int64_t histogram_low_ns(size_t bucket);
int64_t histogram_high_ns(size_t bucket);

#endif
