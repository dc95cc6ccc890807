/* SPDX-License-Identifier: Apache-2.0
 * base/clock.h - the only place that asks what time it is. Only engine/, store/, net/ and hosts call it;
 * govern/ and everything pure gets time as an argument. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define GENOPS_NS_PER_MS  INT64_C(1000000)
#define GENOPS_NS_PER_S   INT64_C(1000000000)
#define GENOPS_NS_PER_MIN (60 * GENOPS_NS_PER_S)

int64_t genops_clock_unix_ns(void);      /* wall clock; may jump */
int64_t genops_clock_monotonic_ns(void); /* the same for all processes since boot; never jumps */

/* Both at once for the price of one: how far the wall clock is from the monotonic one is asked for anew 10 ms later, so that a wall
 * clock that was set is seen that much later. */
struct genops_clock_moment {
	int64_t unix_ns, monotonic_ns;
};
struct genops_clock_moment genops_clock_now(void);

#endif
