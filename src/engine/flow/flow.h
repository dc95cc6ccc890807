/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow.h - from what lies in the segments to what lies in the queue: service.pipelines, then the documents of `pipelines`.
 *
 * The drain hands over each entry that goes towards destinations: received OTLP (GENOPS_ENTRY_SPANS) and the engine's own operations.
 * The AI calls of an envelope that is not observed yet are left out: they come again, priced, in one that is (engine/observe). What comes
 * out is collected a destination and becomes entries of kind GENOPS_ENTRY_ROUTED in the queue's blocks (routed.h), which a pump hands to
 * its destination as items. A thing goes into the queue whole before the position behind it does; after a kill the rest comes again:
 * duplicates are bounded by one batch, and a span that nobody wants goes nowhere on purpose only (counted by rule and route).
 *
 * One thread: the drain's. Pipelines, lookups and processors are of the configuration's snapshot; what they remember between batches
 * (aggregates, counters) is the flow's and outlives a reload.
 */
#ifndef ENGINE_FLOW_H
#define ENGINE_FLOW_H

#include "base/log.h"
#include "engine/config.h"
#include "engine/flow/flow_sources.h"
#include "store/queue.h"
#include "telemetry/metrics/metrics.h"

struct genops_flow;
struct genops_flow *genops_flow_new(const struct genops_log *log, const char *state_dir, struct genops_metrics *metrics, struct genops_error *err);
void genops_flow_free(struct genops_flow *flow);
/* From the next entry on. What rules and routes have counted stays. On failure what was configured before stays in use. */
GENOPS_NODISCARD int genops_flow_configure(struct genops_flow *flow, struct genops_config *config, struct genops_error *err);

/* What processors may ask for; without, they find nothing. */
void genops_flow_ask(struct genops_flow *flow, const struct genops_flow_sources *sources);
/* When genops_flow_tick has something to do; INT64_MAX: never. */
int64_t genops_flow_due(const struct genops_flow *flow);
/* What processors say by themselves; it comes out with genops_flow_give. NOMEM. */
GENOPS_NODISCARD int genops_flow_tick(struct genops_flow *flow, int64_t now_unix_ns, struct genops_error *err);

/* Takes one entry (borrowed for the call). An event that cannot be processed goes to the dead letters with its reason, is counted, and is
 * no error. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_flow_take(struct genops_flow *flow, const struct genops_queue_entry *entry, struct genops_error *err);
/* What has come out since the last genops_flow_forget, borrowed until the next take or forget. */
GENOPS_NODISCARD int genops_flow_give(
    struct genops_flow *flow, const struct genops_queue_entry **ret_entries, size_t *ret_n, struct genops_error *err);
/* It is in the queue (or will be made anew). */
void genops_flow_forget(struct genops_flow *flow);

/* What rules, routes and processors have counted, in Prometheus' text: genops_pipeline_... Appends; check buf->error. */
void genops_flow_expose(const struct genops_flow *flow, struct genops_buffer *buf);

#endif
