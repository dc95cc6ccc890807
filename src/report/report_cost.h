/* SPDX-License-Identifier: Apache-2.0
 * report/report_cost.h - the cost report, made from a ledger. Its texts as JSON and CSV are public: genops/report.h. */
#ifndef REPORT_COST_H
#define REPORT_COST_H

#include "store/ledger.h"

#include <genops/report.h>

/* `ledger` NULL: nothing is recorded yet; the report is all zeros. */
GENOPS_NODISCARD int genops_report_cost_make(struct genops_ledger *ledger, const struct genops_cost_query *query,
    struct genops_cost_report **ret_report, struct genops_error *err);

#endif
