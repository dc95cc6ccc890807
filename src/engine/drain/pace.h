/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/pace.h - when the drain's next pass is due. Any thread; holds nothing.
 *
 * A pass takes a core from the calls, and every begin and end of one makes the kernel place the others anew, which leaves a core
 * idle for a while although there is work: where a machine is busy, few long passes cost less than many short ones, and nobody waits for
 * them (who does, asks: genops_counters_ask_drain). What is gathered is bounded by time, because it is not on the disk yet, and by
 * bytes, because a file that is drained soon is written again while its pages are at hand.
 */
#ifndef ENGINE_DRAIN_PACE_H
#define ENGINE_DRAIN_PACE_H

#include <stddef.h>
#include <stdint.h>

#define GENOPS_PACE_TICK_NS INT64_C(50000000) /* between passes that find little, and between looks at who asks */

struct genops_pace {
	size_t n;            /* entries that the last pass took, */
	uint64_t bytes;      /* their bytes, */
	int64_t since_ns;    /* and what time they had to come: from the begin of the pass before it to its own */
	int64_t took_ns;     /* from its begin until now */
	uint64_t room;       /* bytes that may wait before writers are refused */
	int64_t unsynced_ns; /* how much a power failure may take (state.sync_interval) */
};

/* From now to the begin of the next pass, nanoseconds; 0: at once. */
int64_t genops_pace_wait_ns(const struct genops_pace *pace);

#endif
