/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/region.c - policy type region: where calls may run. Region names match exactly or
 * by glob, case ignored.
 *
 * A region in both lists is allowed, as for models. A call to a provider whose region nobody knows
 * is in no allowed list, and cannot be judged by a blocked list alone: on_error decides. An
 * operation without a provider runs nowhere. */
#include "govern/policy/policy.h"

#include "base/str.h"

struct region {
	struct genops_texts allowed, blocked;
};

static const struct genops_option options[] = {
    {.name = "allowed_regions",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct region, allowed),
	.text = "regions where calls may run, and no other: a name or a glob (eu-*)"},
    {.name = "blocked_regions",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct region, blocked),
	.text = "regions where calls may not run; a region in both lists is allowed"},
    {.name = NULL},
};

static int compile(void *object, struct genops_arena *arena, struct genops_error *err)
{
	const struct region *settings = object;
	if (!settings->allowed.n && !settings->blocked.n)
		return genops_fail_fix(err, GENOPS_CONFIG,
		    "give allowed_regions, blocked_regions or both",
		    "region: both lists are empty");
	return GENOPS_OK;
}

static bool is_listed(const struct genops_texts *patterns, genops_str region)
{
	for (size_t i = 0; i < patterns->n; i++) {
		if (genops_str_glob(patterns->items[i], region, true))
			return true;
	}
	return false;
}

static void evaluate(const struct genops_policy *policy, const struct genops_policy_input *input,
    struct genops_verdict *ret_verdict)
{
	const struct region *settings = policy->settings;
	genops_str region = input->region;
	if (!input->subject.provider.len && !region.len)
		return;
	if (!region.len) {
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": it is not known in which region this call would run",
		    GENOPS_STR_ARG(policy->name));
		ret_verdict->is_error = !settings->allowed.n;
		ret_verdict->is_violation = settings->allowed.n > 0;
		ret_verdict->reason = GENOPS_REASON_POLICY_DENY_REGION;
		return;
	}
	if (is_listed(&settings->allowed, region) ||
	    (!settings->allowed.n && !is_listed(&settings->blocked, region)))
		return;
	ret_verdict->is_violation = true;
	ret_verdict->reason = GENOPS_REASON_POLICY_DENY_REGION;
	ret_verdict->message =
	    genops_policy_message(input, "policy \"%.*s\": region \"%.*s\" is not allowed",
		GENOPS_STR_ARG(policy->name), GENOPS_STR_ARG(region));
}

const struct genops_policy_type genops_policy_type_region = {
    GENOPS_POLICY_TYPE_NAME("region"),
    .summary = "says in which regions calls may run",
    .options = options,
    .settings_size = sizeof(struct region),
    .compile = compile,
    .evaluate = evaluate,
};
