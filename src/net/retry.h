/* SPDX-License-Identifier: Apache-2.0
 * net/retry.h - when to try again: exponential back-off with full jitter, Retry-After honoured, circuit breaker. Pure.
 *
 * What is worth another try is not decided here but by a destination's judge (export/destination.h). One struct
 * belongs to one destination and to one thread.
 */
#ifndef NET_RETRY_H
#define NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* The longest wait that a server may ask for: a fault over there must not silence a destination for days. */
#define GENOPS_RETRY_SERVER_DELAY_MAX_NS (INT64_C(3600) * 1000000000)

struct genops_retry {
	int64_t initial_ns, max_ns;     /* back-off bounds: 1 s, 30 s by default */
	double multiplier;              /* 2 */
	uint32_t breaker_failures;      /* open after this many failures in a row; 0: no breaker */
	int64_t breaker_open_ns;
	/* state */
	uint32_t n_failures;
	int64_t next_at_ns;             /* monotonic; nothing is sent before */
	bool is_open;
};

/* All fields, also the bounds, to their defaults; breaker: 8 failures, then one probe a minute. */
void genops_retry_init(struct genops_retry *retry);
bool genops_retry_may_send(const struct genops_retry *retry, int64_t now_ns);
void genops_retry_succeeded(struct genops_retry *retry);
/* server_delay_ns 0: none said. random: any 64 random bits. */
void genops_retry_failed(struct genops_retry *retry, int64_t server_delay_ns, uint64_t random, int64_t now_ns);

#endif
