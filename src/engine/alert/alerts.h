/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alerts.h - alerts on their way: from the ledger to the queue, each exactly once, and what fires and ends them.
 *
 * A budget's alert is a row of the ledger's database, stored with the operation that crossed the threshold (drain/batch.c). This stores what
 * is over - a period's turn, a rule of `alerts.rules` that holds or no longer does - and brings all rows into the durable queue, as events
 * for the destinations that are to be told. The queue's block has the number of the last row in it as the position of a writer that does not
 * exist (GENOPS_ALERTS_WRITER); after a kill at any line what it has is known by that, and the rest follows. Rows for nobody are done with.
 *
 * One thread: the drain's.
 */
#ifndef ENGINE_ALERTS_H
#define ENGINE_ALERTS_H

#include "engine/alert/alert_gauge.h"
#include "engine/engine.h"
#include "store/ledger.h"
#include "store/queue.h"
#include "telemetry/metrics/metrics.h"

#define GENOPS_ALERTS_WRITER UINT32_MAX /* no process slot */

struct genops_alerts;

GENOPS_NODISCARD int genops_alerts_new(
    genops_engine *engine, struct genops_ledger *ledger, struct genops_alerts **ret_alerts, struct genops_error *err);
void genops_alerts_free(struct genops_alerts *alerts); /* NULL is fine */

/* Will the next upkeep at this time look at what is inside? */
bool genops_alerts_will_look(const struct genops_alerts *alerts, int64_t monotonic_ns);
/* What is due; cheap when nothing is. True: something went into the queue. `now_unix_ns` decides about periods, the monotonic time about
 * everything else. `inside`: what the drain knows; its queue figures are filled in here. */
bool genops_alerts_upkeep(struct genops_alerts *alerts, const struct genops_config *config, struct genops_queue *queue,
    const struct genops_alert_inside *inside, struct genops_metrics *metrics, int64_t now_unix_ns, int64_t monotonic_ns);

#endif
