/* SPDX-License-Identifier: Apache-2.0
 * report/report_budget.h - the budget report: every configured budget and every counter that it has. Pure; time is an argument. */
#ifndef REPORT_BUDGET_H
#define REPORT_BUDGET_H

#include "store/counters.h"

#include <genops/report.h>

/* Rules and views are borrowed for the call. A view belongs to the rule whose name its label begins with; those of rules that are not
 * configured any more are left out. */
GENOPS_NODISCARD int genops_report_budgets_make(const struct genops_budget_rule *rules, size_t n_rules,
    const struct genops_budget_view *views, size_t n_views, genops_str name, int64_t now_unix_s,
    struct genops_budget_report **ret_report, struct genops_error *err);

#endif
