/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/forward.h - a batch's way into the queue: through the flow, as blocks with the position behind them.
 *
 * What the flow made of an entry goes into the queue whole, then the position behind the entry. While the queue is full, what was made and
 * did not go in yet is kept here (at most what one block's entries became), so that nothing is counted, sampled or queued twice for it;
 * everything behind it stays in the segments. Killed, it is made anew from the segments: what comes twice is bounded by that.
 * One thread: the drain's.
 */
#ifndef ENGINE_FORWARD_H
#define ENGINE_FORWARD_H

#include "engine/drain/batch.h"
#include "engine/flow/flow.h"

struct genops_forwarder {
	struct genops_flow *flow;            /* borrowed */
	bool takes_operations;               /* some destination wants them as they are */
	int64_t events_max;                  /* that go through the flow together; 0: any, and nobody counts them */
	int64_t most_events;                 /* that did, since somebody set it to 0 */
	bool is_held;                        /* the queue was full: push it first */
	bool has_position;                   /* what is held came from a batch, up to: */
	struct genops_segment_position held; /* reached when it is in the queue */
	/* private */
	struct genops_error why;             /* it is held */
	struct genops_queue_entry *entries;  /* of the block that is being made; of what is held */
	size_t n, max;
	int64_t n_events, n_next;            /* in the flow, in the entry that comes next; only with a maximum */
	struct genops_buffer kept;           /* the bytes of what is held */
};

void genops_forward_init(struct genops_forwarder *forward, struct genops_flow *flow);
void genops_forward_done(struct genops_forwarder *forward);
/* From the next batch on; on failure what was configured before stays in use. */
GENOPS_NODISCARD int genops_forward_configure(struct genops_forwarder *forward, struct genops_config *config, struct genops_error *err);

/* `err` is never NULL here. *ret_after: behind the last entry that is in the queue whole, also on failure. FULL (also while something is held), IO, NOMEM. */
GENOPS_NODISCARD int genops_forward_batch(struct genops_forwarder *forward, const struct genops_batch *batch, struct genops_queue *queue,
    struct genops_segment_position *ret_after, struct genops_error *err);
/* What the flow says by itself. */
GENOPS_NODISCARD int genops_forward_given(struct genops_forwarder *forward, struct genops_queue *queue, struct genops_error *err);
/* Tries again to put in what is held; nothing is: OK. */
GENOPS_NODISCARD int genops_forward_push(struct genops_forwarder *forward, struct genops_queue *queue, struct genops_error *err);

#endif
