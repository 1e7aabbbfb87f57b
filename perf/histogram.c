/* histogram.c: the arithmetic of log-linear buckets. */
#include "histogram.h"

#include <math.h>
#include <string.h>

void histogram_init(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->minimum = INT64_MAX;
	histogram->maximum = -1;
}

/* Group 0 holds 0..127, one value a bucket, over 2 * HALF buckets. Each later group g holds the
 * values with 7 + g binary digits, 2^g of them a bucket, over HALF buckets. */
size_t histogram_bucket(int64_t value_ns)
{
	uint64_t value = (uint64_t)value_ns;
	if (value < 2 * HISTOGRAM_HALF)
		return (size_t)value;
	unsigned group = 63 - 6 - (unsigned)__builtin_clzll(value);
	return (size_t)group * HISTOGRAM_HALF + (size_t)(value >> group);
}

int64_t histogram_low_ns(size_t bucket)
{
	if (bucket < 2 * HISTOGRAM_HALF)
		return (int64_t)bucket;
	unsigned group = (unsigned)(bucket / HISTOGRAM_HALF) - 1;
	return (int64_t)(HISTOGRAM_HALF + bucket % HISTOGRAM_HALF) << group;
}

int64_t histogram_high_ns(size_t bucket)
{
	return histogram_low_ns(bucket + 1);
}

static void add_to_sum(struct histogram *histogram, int64_t amount)
{
	if (__builtin_add_overflow(histogram->sum, amount, &histogram->sum))
		histogram->sum = INT64_MAX;
}

void histogram_add(struct histogram *histogram, int64_t value_ns)
{
	if (value_ns < 0) {
		histogram->negative++;
		return;
	}
	histogram->count++;
	add_to_sum(histogram, value_ns);
	if (value_ns < histogram->minimum)
		histogram->minimum = value_ns;
	if (value_ns > histogram->maximum)
		histogram->maximum = value_ns;
	if (value_ns >> HISTOGRAM_BITS != 0)
		histogram->overflow++;
	else
		histogram->buckets[histogram_bucket(value_ns)]++;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		histogram->buckets[i] += other->buckets[i];
	histogram->count += other->count;
	histogram->overflow += other->overflow;
	histogram->negative += other->negative;
	add_to_sum(histogram, other->sum);
	if (other->minimum < histogram->minimum)
		histogram->minimum = other->minimum;
	if (other->maximum > histogram->maximum)
		histogram->maximum = other->maximum;
}

int64_t histogram_quantile(const struct histogram *histogram, double q)
{
	double wanted = ceil(q * (double)histogram->count);
	uint64_t rank = wanted < 1.0 ? 1 : (uint64_t)wanted;
	if (rank >= histogram->count && histogram->count > 0)
		return histogram->maximum;
	uint64_t seen = 0;
	size_t bucket = 0;
	while (bucket < HISTOGRAM_BUCKETS && (seen += histogram->buckets[bucket]) < rank)
		bucket++;
	if (bucket == HISTOGRAM_BUCKETS)
		return -1;
	int64_t low = histogram_low_ns(bucket);
	int64_t middle = low + (histogram_high_ns(bucket) - 1 - low) / 2;
	if (middle < histogram->minimum)
		return histogram->minimum;
	return middle > histogram->maximum ? histogram->maximum : middle;
}

double histogram_mean(const struct histogram *histogram)
{
	if (histogram->count == 0)
		return -1.0;
	return (double)histogram->sum / (double)histogram->count;
}
