/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/budget_limit.h - the settings of policy type budget_limit, read by whoever makes
 * the budget rule of it. */
#ifndef GOVERN_POLICY_BUDGET_LIMIT_H
#define GOVERN_POLICY_BUDGET_LIMIT_H

#include "govern/budget.h"
#include "govern/policy/policy.h"

struct genops_budget_limit {
	int64_t limit_nano_usd[GENOPS_PERIOD_N]; /* after compile: -1 where no window was given */
	genops_str timezone;
	struct genops_texts alerts, per;
	size_t n_alerts;		      /* after compile */
	int alert_percent[GENOPS_ALERTS_MAX]; /* ascending */
};

#endif
