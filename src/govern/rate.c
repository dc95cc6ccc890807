/* SPDX-License-Identifier: Apache-2.0
 * govern/rate.c - see rate.h. `arrival_ns` is when the bucket would be full again: full means arrival_ns <= now, and each
 * token taken moves it one interval later. A token is there once arrival - (burst - 1) * interval has come. */
#include "govern/rate.h"

#define NS_PER_MINUTE 60e9
#define INTERVAL_MAX  (366.0 * 24 * 60 * NS_PER_MINUTE) /* one token a year; keeps all sums in range */
#define SPAN_MAX      1e18                              /* ns, 31 years */
#define HOPELESS_NS   INT64_C(60000000000)              /* what to say when there will never be a token */

static double clamp(double value, double max)
{
	return value < max ? value : max;
}

/* The bucket owes as many tokens after a change of rate as before it. */
static int64_t arrival_at_new_rate(
    const struct genops_rate_bucket *bucket, double interval, int64_t now_ns)
{
	if (!(bucket->tokens_per_minute > 0) || bucket->arrival_ns <= now_ns)
		return now_ns;
	double old_interval = clamp(NS_PER_MINUTE / bucket->tokens_per_minute, INTERVAL_MAX);
	double owed = (double)(bucket->arrival_ns - now_ns) / old_interval;
	return now_ns + (int64_t)clamp(owed * interval, SPAN_MAX);
}

bool genops_rate_take(struct genops_rate_bucket *bucket, double tokens_per_minute, int64_t burst,
    int64_t max_delay_ns, int64_t now_ns, bool is_dry_run, int64_t *ret_delay_ns)
{
	if (!(tokens_per_minute > 0)) { /* NaN too */
		*ret_delay_ns = HOPELESS_NS;
		return false;
	}
	double interval = clamp(NS_PER_MINUTE / tokens_per_minute, INTERVAL_MAX);
	int64_t arrival_ns = bucket->arrival_ns;
	if (bucket->tokens_per_minute < tokens_per_minute || bucket->tokens_per_minute > tokens_per_minute)
		arrival_ns = arrival_at_new_rate(bucket, interval, now_ns);
	if (arrival_ns < now_ns)
		arrival_ns = now_ns;
	double span = burst > 1 ? clamp((double)(burst - 1) * interval, SPAN_MAX) : 0;
	int64_t wait_ns = arrival_ns - now_ns - (int64_t)(span + 0.5);
	if (wait_ns < 0)
		wait_ns = 0;
	*ret_delay_ns = wait_ns;
	if (wait_ns > max_delay_ns)
		return false;
	if (!is_dry_run) {
		bucket->arrival_ns = arrival_ns + (int64_t)(interval + 0.5);
		bucket->tokens_per_minute = tokens_per_minute;
		bucket->burst = burst;
	}
	return true;
}
