/* SPDX-License-Identifier: Apache-2.0
 * base/clock.c - see clock.h. Both clocks are read through the vDSO: about 20 ns, no system call. Any thread. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

#define DISTANCE_KEPT_NS (10 * GENOPS_NS_PER_MS)
#define DISTANCE_OFF_NS  1000 /* at most, by the time between the two readings */

/* Wall clock less monotonic clock, and until when that holds. The second is stored last: who sees it sees that distance or a newer one. */
static _Atomic int64_t distance_ns, distance_until_ns;

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * GENOPS_NS_PER_S + ts.tv_nsec;
}

int64_t genops_clock_unix_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t genops_clock_monotonic_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* Between two readings this thread may have had to wait: such a distance is not kept. */
static struct genops_clock_moment measure(int64_t monotonic_ns)
{
	struct genops_clock_moment now = {.unix_ns = genops_clock_unix_ns(), .monotonic_ns = genops_clock_monotonic_ns()};
	if (now.monotonic_ns - monotonic_ns <= DISTANCE_OFF_NS) {
		atomic_store_explicit(&distance_ns, now.unix_ns - now.monotonic_ns, memory_order_relaxed);
		atomic_store_explicit(&distance_until_ns, now.monotonic_ns + DISTANCE_KEPT_NS, memory_order_release);
	}
	return now;
}

struct genops_clock_moment genops_clock_now(void)
{
	int64_t now = genops_clock_monotonic_ns();
	if (now >= atomic_load_explicit(&distance_until_ns, memory_order_acquire))
		return measure(now);
	return (struct genops_clock_moment){now + atomic_load_explicit(&distance_ns, memory_order_relaxed), now};
}
