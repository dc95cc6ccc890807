/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/team_access.c - policy type team_access: only listed teams run (contract COL-140).
 * An operation without a team is in no list. Names are compared exactly, case included; `*`
 * is a glob. */
#include "govern/policy/policy.h"

#include "base/str.h"

struct team_access {
	struct genops_texts allowed;
};

static const struct genops_option options[] = {
    {.name = "allowed_teams",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct team_access, allowed),
	.is_required = true,
	.text = "the teams that may run; a name or a glob with *"},
    {.name = NULL},
};

static int compile(void *object, struct genops_arena *arena, struct genops_error *err)
{
	const struct team_access *settings = object;
	if (!settings->allowed.n)
		return genops_fail_fix(err, GENOPS_CONFIG,
		    "name at least one team, or \"*\" for any team",
		    "allowed_teams: the list is empty");
	return GENOPS_OK;
}

static void evaluate(const struct genops_policy *policy, const struct genops_policy_input *input,
    struct genops_verdict *ret_verdict)
{
	const struct team_access *settings = policy->settings;
	genops_str team = {0};
	if (input->subject.attributes)
		team = genops_attributes_standard(input->subject.attributes, GENOPS_ATTRIBUTE_TEAM);
	for (size_t i = 0; team.len && i < settings->allowed.n; i++) {
		if (genops_str_glob(settings->allowed.items[i], team, false))
			return;
	}
	ret_verdict->is_violation = true;
	ret_verdict->reason = GENOPS_REASON_TEAM_ACCESS;
	if (team.len)
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": team \"%.*s\" is not one of its %zu allowed teams",
		    GENOPS_STR_ARG(policy->name), GENOPS_STR_ARG(team), settings->allowed.n);
	else
		ret_verdict->message = genops_policy_message(input,
		    "policy \"%.*s\": the call names no team, and only %zu listed teams are allowed",
		    GENOPS_STR_ARG(policy->name), settings->allowed.n);
}

const struct genops_policy_type genops_policy_type_team_access = {
    GENOPS_POLICY_TYPE_NAME("team_access"),
    .summary = "lets only listed teams run",
    .options = options,
    .settings_size = sizeof(struct team_access),
    .compile = compile,
    .evaluate = evaluate,
};
