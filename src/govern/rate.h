/* SPDX-License-Identifier: Apache-2.0
 * govern/rate.h - a token bucket in 24 bytes (GCRA form: the theoretical arrival time). Pure; the caller locks. */
#ifndef GOVERN_RATE_H
#define GOVERN_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct genops_rate_bucket {
	int64_t arrival_ns;    /* theoretical arrival time of the next token, monotonic clock */
	double tokens_per_minute;
	int64_t burst;
};

/* Takes one token at now_ns. True: go on after *ret_delay_ns (0: at once). False: the wait would pass max_delay_ns; nothing
 * is taken and *ret_delay_ns is the wait. A changed rate or burst takes effect at once. */
bool genops_rate_take(struct genops_rate_bucket *bucket, double tokens_per_minute, int64_t burst, int64_t max_delay_ns,
    int64_t now_ns, bool is_dry_run, int64_t *ret_delay_ns);

#endif
