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
#include "telemetry/metrics.h"

void genops_publish_metrics(genops_engine *engine, struct genops_metrics *metrics, struct genops_queue *queue,
    const struct genops_flow *flow);

/* publish_destinations.c: <state>/destinations.json and the gauges, with the metrics. */
struct genops_drain;
void genops_publish_destinations(struct genops_drain *drain);
/* <state>/queue/blocked is there while as much waits for some destination as may. With each pass. */
void genops_publish_blocked(struct genops_drain *drain);

#endif
