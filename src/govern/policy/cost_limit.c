/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/cost_limit.c - policy type cost_limit: one call may not cost more than max_cost, by
 * its estimate, before it is made. Strictly more refuses (contract A-052, COL-133); an estimate
 * that is not known is an error, so that on_error decides. */
#include "govern/policy/policy.h"

#include "base/str.h"
#include "govern/money.h"

#include <genops/operation.h>

struct cost_limit {
	int64_t max_cost;
};

static const struct genops_option options[] = {
    {.name = "max_cost",
	.type = GENOPS_OPTION_MONEY,
	.offset = offsetof(struct cost_limit, max_cost),
	.max = 9e9,
	.is_required = true,
	.text = "USD that one call may cost at most, by its estimate before it is made",
	.aliases = (const char *const[]){"cost_limit", NULL}},
    {.name = NULL},
};

static void evaluate(const struct genops_policy *policy, const struct genops_policy_input *input,
    struct genops_verdict *ret_verdict)
{
	const struct cost_limit *settings = policy->settings;
	int64_t cost = input->estimated_cost_nano_usd;
	if (cost < 0) {
		ret_verdict->is_error = true;
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": the cost of this call cannot be estimated",
		    GENOPS_STR_ARG(policy->name));
		return;
	}
	if (cost <= settings->max_cost)
		return;
	char asked[32], limit[32];
	genops_money_format(cost, 2, asked);
	genops_money_format(settings->max_cost, 2, limit);
	ret_verdict->is_violation = true;
	ret_verdict->reason = GENOPS_REASON_COST_LIMIT;
	ret_verdict->message = genops_policy_message(input,
	    "policy \"%.*s\": the call may cost up to %s USD, more than the limit of %s USD a call",
	    GENOPS_STR_ARG(policy->name), asked, limit);
}

const struct genops_policy_type genops_policy_type_cost_limit = {
    GENOPS_POLICY_TYPE_NAME("cost_limit"),
    .summary = "limits what a single call may cost",
    .options = options,
    .settings_size = sizeof(struct cost_limit),
    .evaluate = evaluate,
};
