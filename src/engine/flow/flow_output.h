/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_output.h - items on their way to one set of destinations, gathered into routed entries (routed.h). One thread. */
#ifndef ENGINE_FLOW_OUTPUT_H
#define ENGINE_FLOW_OUTPUT_H

#include "engine/flow/routed.h"
#include "store/queue.h"

#define GENOPS_FLOW_ITEM_MAX ((size_t)6 << 20) /* longer ones fit into no request; a block of the queue holds two */

struct genops_flow_output {
	const genops_str *destinations; /* of the configuration's snapshot */
	size_t n_destinations;
	/* private */
	uint16_t audience;
	struct genops_buffer bytes;     /* entries, one behind the other */
	size_t *starts;                 /* of each */
	size_t n_starts, max_starts;
};

void genops_flow_output_init(struct genops_flow_output *output, const genops_str *destinations, size_t n);
void genops_flow_output_done(struct genops_flow_output *output);
void genops_flow_output_clear(struct genops_flow_output *output);

/* LIMIT: it is longer than GENOPS_FLOW_ITEM_MAX. NOMEM: nothing was added. */
GENOPS_NODISCARD int genops_flow_output_add(
    struct genops_flow_output *output, const struct genops_destination_item *item, struct genops_error *err);
/* Back to where it was: what was added since is not. */
struct genops_flow_mark {
	size_t len, n_starts;
};
static inline struct genops_flow_mark genops_flow_output_mark(const struct genops_flow_output *output)
{
	return (struct genops_flow_mark){output->bytes.len, output->n_starts};
}
static inline void genops_flow_output_back(struct genops_flow_output *output, struct genops_flow_mark mark)
{
	output->bytes.len = mark.len;
	output->n_starts = mark.n_starts;
}
/* The i-th entry, borrowed until the next add. */
struct genops_queue_entry genops_flow_output_entry(const struct genops_flow_output *output, size_t i);

#endif
