/* SPDX-License-Identifier: Apache-2.0
 * engine/pump/pump_hold.h - a batch that waits for long, and that is the same one when it comes again after a kill.
 *
 * For types that are repeatable (export/destination.h). While the batch waits it is only counted: an hour's worth stays in the queue and
 * not in memory. When it is due its end goes to the disk, and it is read again from its begin to there. Since when it waits is on the disk,
 * too: a restart does not begin the hour anew. One thread: the pump's.
 */
#ifndef ENGINE_PUMP_HOLD_H
#define ENGINE_PUMP_HOLD_H

#include "engine/pump/pump_batch.h"

struct genops_pump_hold {
	bool is_used;     /* set by the owner */
	/* private */
	bool is_begun;    /* what the disk says of this batch is known */
	uint64_t end;     /* behind its last block; 0: not cut */
	uint64_t counted; /* behind the last block that is counted */
	uint64_t n_done;  /* items of the cut batch that were done with before a kill */
};

/* Before a read: is there nothing more to read, as the batch ends here? Of a batch that begins it looks at what the disk says. */
bool genops_pump_hold_is_whole(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, struct genops_pump_batch *batch);
/* After a block of which something was for us. *gathered_since_ns (monotonic): since when the batch waits, 0: not known yet. IO, FULL: it
 * goes on all the same. */
int genops_pump_hold_added(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, bool is_long, int64_t *gathered_since_ns,
    struct genops_error *err);
/* It is due whatever else there is: it was cut. */
static inline bool genops_pump_hold_is_cut(const struct genops_pump_hold *hold)
{
	return hold->end != 0;
}
/* A batch that is due and only counted is cut and has to be gathered again (true). Faults (to be told; err->code is OK without one) cost
 * only that it may come differently after a kill. */
bool genops_pump_hold_cut(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, struct genops_pump_batch *batch,
    int64_t gathered_since_ns, struct genops_error *err);
/* So many items of the batch that was cut are done with, in their order: they do not come again. For types that take one item a request. */
int genops_pump_hold_done(struct genops_pump_hold *hold, struct genops_queue_cursor *cursor, uint64_t n_done, struct genops_error *err);
/* All of it was acknowledged. */
void genops_pump_hold_over(struct genops_pump_hold *hold, struct genops_pump_batch *batch);

#endif
