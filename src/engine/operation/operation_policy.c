/* SPDX-License-Identifier: Apache-2.0
 * engine/operation/operation_policy.c - what a program's own policy said about its operation: evidence, not a decision of ours. */
#include "engine/operation/operation.h"

#include "base/str.h"

#include <stdio.h>

#define TEXT_MAX 512

static genops_str copy(struct genops_operation *operation, genops_str text, bool *is_copied)
{
	genops_str out = GENOPS_STR("");
	if (text.len > TEXT_MAX)
		text.len = TEXT_MAX;
	if (text.len && !genops_arena_dup(&operation->arena, text, &out))
		*is_copied = false;
	return out;
}

/* Spellings that nobody knows are kept as they are (contract A-001). */
static genops_str read_result(genops_str result, enum genops_result *ret_result, char *verbatim, size_t size)
{
	enum genops_level level;
	if (genops_level_parse(genops_str_trim(result), &level)) {
		*ret_result = genops_level_result(level, GENOPS_MODE_ENFORCED);
		return genops_level_action(*ret_result);
	}
	int n = snprintf(verbatim, size, GENOPS_RECORD_VERBATIM "%.*s", (int)(result.len > 64 ? 64 : result.len), result.ptr);
	return (genops_str){verbatim, (size_t)n};
}

int genops_operation_record_policy(genops_operation *operation, genops_str policy, genops_str result, genops_str reason,
    struct genops_error *err)
{
	struct genops_evaluation evaluation = {.policy_type = GENOPS_STR("recorded"), .result = GENOPS_ALLOWED};
	char verbatim[96];
	bool is_copied = true;
	if (!policy.len || !genops_str_trim(result).len)
		return genops_fail(err, GENOPS_MISUSE, "a policy's result wants the policy's name and the result");
	if (!genops_str_is_utf8(policy) || !genops_str_is_utf8(result) || !genops_str_is_utf8(reason))
		return genops_fail(err, GENOPS_MISUSE, "a policy's name, result and reason are UTF-8");
	if (operation->decision.n_evaluations == GENOPS_EVALUATIONS_MAX)
		return genops_fail(err, GENOPS_LIMIT, "an operation carries at most %d evaluations", GENOPS_EVALUATIONS_MAX);
	evaluation.action = copy(operation, read_result(result, &evaluation.result, verbatim, sizeof verbatim), &is_copied);
	evaluation.policy = copy(operation, policy, &is_copied);
	evaluation.message = copy(operation, reason, &is_copied);
	evaluation.is_violation = evaluation.result != GENOPS_ALLOWED;
	if (evaluation.is_violation)
		evaluation.reason = GENOPS_REASON_POLICY_RECORDED;
	if (!is_copied)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a policy's result");
	operation->evaluations[operation->decision.n_evaluations++] = evaluation;
	return GENOPS_OK;
}
