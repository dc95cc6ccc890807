/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_own.h - what a destination is behind with, in a durable queue of its own, and what happens when that is full.
 *
 * A destination that fails or is slow must not fill the queue that all share: its pump moves what is for it into queue/<name>.own/ and
 * reads there until it has caught up. Types that are repeatable (export/destination.h) always do: their batches may wait for hours. In
 * front of `cap` bytes that wait: BLOCK has receivers refuse telemetry (the engine's own operations are moved on, up to
 * GENOPS_PUMP_OWN_RESERVE more); the others lose their oldest or newest to the dead letters, counted. One thread: the pump's.
 */
#ifndef ENGINE_PUMP_OWN_H
#define ENGINE_PUMP_OWN_H

#include "engine/config.h"
#include "engine/pump/pump_batch.h"
#include "store/queue.h"

#define GENOPS_PUMP_OWN_RESERVE ((uint64_t)1 << 30)

struct genops_pump;

struct genops_pump_own {
	struct genops_queue *queue;          /* NULL: it is not behind */
	struct genops_queue_cursor *cursor;
	bool is_always;
	uint64_t cap, spill_from;            /* bytes in its own queue; bytes of the shared one that it may be behind */
	enum genops_overflow overflow;
	int64_t moved_ns;                    /* monotonic */
	struct genops_pump_batch taken;      /* what is being dropped */
	struct genops_queue_entry *list;     /* of a block, what is ours */
	size_t max_list;
	int is_blocking;                     /* atomic: receivers have to refuse */
	int is_disk_full;                    /* atomic, the drain's: all queues together have what they may have */
};

/* With what the last process left there. */
GENOPS_NODISCARD int genops_pump_own_begin(struct genops_pump *pump, const struct genops_config_exporter *exporter, struct genops_error *err);
void genops_pump_own_end(struct genops_pump *pump);
/* Is it time to move? Looks whether there is room again, too. */
bool genops_pump_own_wants(struct genops_pump *pump);
/* Everything that the shared queue has for it. FULL, IO, NOMEM: what was moved is moved, the rest stays where it is. */
GENOPS_NODISCARD int genops_pump_own_move(struct genops_pump *pump, struct genops_error *err);
/* Nothing of the own queue is left: back to the shared one (true). */
bool genops_pump_own_leave(struct genops_pump *pump);
/* Is there something in the shared queue that may be its own and is not moved yet? */
bool genops_pump_own_is_pending(struct genops_pump *pump);

#endif
