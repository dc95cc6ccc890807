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

#endif
