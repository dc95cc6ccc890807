/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/pace.c - see pace.h. */
#include "engine/drain/pace.h"

#include "base/clock.h"

#define LOADED_ENTRIES 256                  /* a tick; what comes faster is gathered */
#define GATHER_NS      GENOPS_NS_PER_S
#define GATHER_BYTES   ((uint64_t)24 << 20) /* fewer than the spare files hold: who takes new ones has the kernel fill them with zeros */
#define ROOM_PART      4

static double least(double a, double b)
{
	return a < b ? a : b;
}

int64_t genops_pace_wait_ns(const struct genops_pace *pace)
{
	double longest_ns = least(GATHER_NS, (double)pace->unsynced_ns), tick_ns = least(GENOPS_PACE_TICK_NS, longest_ns);
	double bytes = least(GATHER_BYTES, (double)(pace->room / ROOM_PART)), ticks = (double)pace->since_ns / GENOPS_PACE_TICK_NS;
	if ((double)pace->n < LOADED_ENTRIES * (ticks > 1 ? ticks : 1) && (double)pace->bytes < bytes)
		return (int64_t)tick_ns;
	double gather_ns = (double)pace->since_ns * bytes / (double)(pace->bytes ? pace->bytes : 1);
	double wait_ns = least(gather_ns, longest_ns) - (double)pace->took_ns;
	return wait_ns > 0 ? (int64_t)wait_ns : 0;
}
