/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_health.h - the rules of `alerts.rules`, looked at once a second: what fires is a row of store/alerts.h, what is over
 * another one. What is open is in the ledger, so a restart neither repeats nor forgets. One thread: the drain's. */
#ifndef ENGINE_ALERT_HEALTH_H
#define ENGINE_ALERT_HEALTH_H

#include "engine/alert/alert_gauge.h"
#include "engine/engine.h"
#include "store/alerts.h"
#include "store/queue.h"
#include "telemetry/metrics/metrics.h"

struct genops_alert_health;

GENOPS_NODISCARD int genops_alert_health_new(genops_engine *engine, struct genops_ledger *ledger, struct genops_alert_health **ret_health,
    struct genops_error *err);
void genops_alert_health_free(struct genops_alert_health *health); /* NULL is fine */

GENOPS_NODISCARD int genops_alert_health_look(struct genops_alert_health *health, const struct genops_config *config,
    struct genops_queue *queue, const struct genops_alert_inside *inside, struct genops_metrics *metrics, int64_t now_unix_ns,
    int64_t monotonic_ns, struct genops_error *err);

/* Who is told of a row that a rule has made, as it was when it fired; in the arena. NULL: it is not a rule's. */
const genops_str *genops_alert_health_targets(const struct genops_alert_row *row, struct genops_arena *arena, size_t *ret_n);

#endif
