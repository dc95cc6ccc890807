/* SPDX-License-Identifier: Apache-2.0
 * net/retry.c - see retry.h. Pure: time and randomness are arguments. One thread per struct. */
#include "net/retry.h"

#include "base/clock.h"

#define FLOOR_DIVISOR                                                                              \
	10 /* the shortest wait is a tenth of the first bound: jitter must not become a busy loop */

void genops_retry_init(struct genops_retry *retry)
{
	*retry = (struct genops_retry){
	    .initial_ns = GENOPS_NS_PER_S,
	    .max_ns = 30 * GENOPS_NS_PER_S,
	    .multiplier = 2,
	    .breaker_failures = 8,
	    .breaker_open_ns = GENOPS_NS_PER_MIN,
	};
}

bool genops_retry_may_send(const struct genops_retry *retry, int64_t now_ns)
{
	return now_ns >= retry->next_at_ns;
}

void genops_retry_succeeded(struct genops_retry *retry)
{
	retry->n_failures = 0;
	retry->next_at_ns = 0;
	retry->is_open = false;
}

/* The bound of the n-th wait: initial * multiplier^(n-1), never over max. */
static int64_t bound(const struct genops_retry *retry)
{
	double ns = (double)retry->initial_ns;
	for (uint32_t i = 1; i < retry->n_failures && ns < (double)retry->max_ns; i++)
		ns *= retry->multiplier > 1 ? retry->multiplier : 1;
	/* The comparison is written so that a NaN becomes the maximum too. */
	return ns < (double)retry->max_ns ? (int64_t)ns : retry->max_ns;
}

/* Evenly in [0, limit]. */
static int64_t jitter(int64_t limit, uint64_t random)
{
	return limit > 0 ? (int64_t)(random % ((uint64_t)limit + 1)) : 0;
}

static int64_t later(int64_t now_ns, int64_t delay_ns)
{
	return now_ns > INT64_MAX - delay_ns ? INT64_MAX : now_ns + delay_ns;
}

void genops_retry_failed(
    struct genops_retry *retry, int64_t server_delay_ns, uint64_t random, int64_t now_ns)
{
	if (retry->n_failures < UINT32_MAX)
		retry->n_failures++;
	int64_t floor_ns = retry->initial_ns / FLOOR_DIVISOR;
	int64_t delay = jitter(bound(retry), random);
	if (delay < floor_ns)
		delay = floor_ns;
	if (server_delay_ns > GENOPS_RETRY_SERVER_DELAY_MAX_NS)
		server_delay_ns = GENOPS_RETRY_SERVER_DELAY_MAX_NS;
	/* The server's delay is a lower bound; the jitter behind it keeps a fleet from coming back at one moment. */
	if (server_delay_ns > 0)
		delay = server_delay_ns + jitter(retry->initial_ns, random);
	retry->is_open = retry->breaker_failures && retry->n_failures >= retry->breaker_failures;
	/* Open: wait longer, then one probe passes (the caller is one thread); its failure keeps it open. */
	if (retry->is_open && delay < retry->breaker_open_ns)
		delay = retry->breaker_open_ns;
	retry->next_at_ns = later(now_ns, delay);
}
