/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alert_budget.h - a threshold that a budget has crossed, and the end of its period, as events for destinations.
 *
 * The event has the fields that the guide's budget pipeline computes (budget_name, budget_used, actual_utilization, budget_status,
 * alert_title ...), so that the guide's templates say the same of it; and what every alert has: alert_key, alert_state, alert_severity,
 * alert_title, alert_message, alert_remedy. Pure.
 */
#ifndef ENGINE_ALERT_BUDGET_H
#define ENGINE_ALERT_BUDGET_H

#include "govern/record.h"
#include "store/alerts.h"

/* A counter that stands over a threshold, whoever brought it there. */
struct genops_alert_budget_line {
	genops_str label;
	enum genops_period period;
	int percent;
	int64_t limit_nano_usd, consumed_nano_usd, start_unix_s, end_unix_s;
};
GENOPS_NODISCARD int genops_alert_budget_found(const struct genops_alert_budget_line *line, int64_t now_unix_ns,
    struct genops_arena *arena, struct genops_alert_row *ret_row, struct genops_error *err);

/* The i-th alert of a record as a row; texts in the arena. NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_alert_budget_fired(const struct genops_record *record, size_t i, struct genops_arena *arena,
    struct genops_alert_row *ret_row, struct genops_error *err);

/* The row that says that `fired`, whose period is over (or whose budget is gone), is. CORRUPT, NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_alert_budget_over(const struct genops_alert_row *fired, int64_t now_unix_ns, bool is_quiet,
    struct genops_arena *arena, struct genops_alert_row *ret_row, struct genops_error *err);

#endif
