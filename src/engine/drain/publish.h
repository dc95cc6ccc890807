/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/publish.h - metrics from the drain to whoever serves /metrics, through <state>/metrics.prom.
 *
 * The drain is the only one that counts operations; a gateway worker or command reads its file (written aside, then renamed)
 * and adds what it knows live: budgets and leases from shared memory, its own process.
 */
#ifndef ENGINE_PUBLISH_H
#define ENGINE_PUBLISH_H

#include "engine/engine.h"
#include "engine/flow/flow.h"
#include "store/ledger.h"
#include "store/queue.h"
#include "telemetry/metrics/metrics.h"

struct genops_published; /* what a former process had counted of pipelines */

/* Goes on where the file stops: counters as it has them, and what the ledger has that the file did not know yet. So counters do not fall when
 * another process takes over, and those of operations are the ledger's. A file that is gone or damaged: they begin anew. NULL: no memory. */
struct genops_published *genops_published_restore(genops_engine *engine, struct genops_metrics *metrics, struct genops_ledger *ledger);
void genops_published_free(struct genops_published *published);

void genops_publish_metrics(genops_engine *engine, struct genops_metrics *metrics, struct genops_queue *queue, struct genops_ledger *ledger,
    const struct genops_flow *flow, const struct genops_published *published);

/* publish_destinations.c: <state>/destinations.json and the gauges, with the metrics. */
struct genops_drain;
void genops_publish_destinations(struct genops_drain *drain);
/* publish_limits.c: what may be taken of this machine, and what is, with the metrics. */
void genops_publish_limits(struct genops_drain *drain);
/* <state>/queue/blocked is there while as much waits for some destination as may. With each pass. */
void genops_publish_blocked(struct genops_drain *drain);

#endif
