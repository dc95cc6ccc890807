/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_sweep.h - budgets that stand over a threshold without an alert, found once a second.
 *
 * The record of the call that crosses a threshold brings its alert. A process that dies between its settlement and its record takes the alert
 * along: the counters say that it was told, and nobody was. So what the counters show is compared with what the ledger has; one that has
 * stood over its threshold for some looks, and is not in the ledger, is told now. The same key in both ways makes it one alert. One thread.
 */
#ifndef ENGINE_ALERT_SWEEP_H
#define ENGINE_ALERT_SWEEP_H

#include "engine/engine.h"
#include "store/ledger.h"

struct genops_alert_sweep;

GENOPS_NODISCARD int genops_alert_sweep_new(
    genops_engine *engine, struct genops_ledger *ledger, struct genops_alert_sweep **ret_sweep, struct genops_error *err);
void genops_alert_sweep_free(struct genops_alert_sweep *sweep); /* NULL is fine */

/* Call once a second. */
GENOPS_NODISCARD int genops_alert_sweep_look(
    struct genops_alert_sweep *sweep, const struct genops_config *config, int64_t now_unix_ns, struct genops_error *err);

#endif
