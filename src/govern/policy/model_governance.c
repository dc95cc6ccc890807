/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/model_governance.c - policy type model_governance: which models may be used
 * (contract COL-145, A-056, A-057).
 *
 * The longest pattern that matches decides; of two equally long ones the allowed list wins. With an
 * allowed list, a model in neither list is refused; without one, only what is blocked. An operation
 * without a provider calls no model and is not judged; one with a provider that names no model
 * cannot be judged (a provider has defaults). */
#include "govern/policy/policy.h"

#include "base/str.h"

struct model_governance {
	struct genops_texts allowed, blocked;
};

static const struct genops_option options[] = {
    {.name = "allowed_models",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct model_governance, allowed),
	.text =
	    "models that may be used, and no other: a name, a family (gpt-4), or a glob with *"},
    {.name = "blocked_models",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct model_governance, blocked),
	.text =
	    "models that may not be used; the longest match of both lists decides, the allowed list when equal"},
    {.name = NULL},
};

static int compile(void *object, struct genops_arena *arena, struct genops_error *err)
{
	const struct model_governance *settings = object;
	if (!settings->allowed.n && !settings->blocked.n)
		return genops_fail_fix(err, GENOPS_CONFIG,
		    "give allowed_models, blocked_models or both",
		    "model_governance: both lists are empty");
	return GENOPS_OK;
}

static size_t strongest(
    const struct genops_texts *patterns, genops_str model, genops_str *ret_pattern)
{
	size_t best = 0;
	for (size_t i = 0; i < patterns->n; i++) {
		size_t strength = genops_model_match(patterns->items[i], model);
		if (strength > best) {
			best = strength;
			*ret_pattern = patterns->items[i];
		}
	}
	return best;
}

static void evaluate(const struct genops_policy *policy, const struct genops_policy_input *input,
    struct genops_verdict *ret_verdict)
{
	const struct model_governance *settings = policy->settings;
	genops_str model = input->subject.model, pattern = {0}, ignored;
	if (!model.len) {
		if (!input->subject.provider.len)
			return;
		ret_verdict->is_error = true;
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": the call names no model", GENOPS_STR_ARG(policy->name));
		return;
	}
	size_t allowed = strongest(&settings->allowed, model, &ignored);
	size_t blocked = strongest(&settings->blocked, model, &pattern);
	if (blocked <= allowed && (allowed || !settings->allowed.n))
		return;
	ret_verdict->is_violation = true;
	ret_verdict->reason = GENOPS_REASON_POLICY_DENY_MODEL;
	if (blocked)
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": model \"%.*s\" is blocked (by \"%.*s\")",
		    GENOPS_STR_ARG(policy->name), GENOPS_STR_ARG(model), GENOPS_STR_ARG(pattern));
	else
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": model \"%.*s\" is not one of its %zu allowed models",
		    GENOPS_STR_ARG(policy->name), GENOPS_STR_ARG(model), settings->allowed.n);
}

const struct genops_policy_type genops_policy_type_model_governance = {
    GENOPS_POLICY_TYPE_NAME("model_governance"),
    .summary = "says which models may be used",
    .options = options,
    .settings_size = sizeof(struct model_governance),
    .compile = compile,
    .evaluate = evaluate,
};
