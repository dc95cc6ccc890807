/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/policy.c - the policy types by name, and what a verdict becomes under level, mode
 * and on_error.
 *
 * This is the only place that turns a type's own verdict into a result, so that every type behaves
 * alike under every level (contract COL-148). Pure but for the limiter; policies are immutable; any
 * thread. Nothing is allocated unless a message is needed. */
#include "govern/policy/policy.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX 512

static const struct genops_policy_type *const types[] = {
#define X(name) &genops_policy_type_##name,
    GENOPS_POLICY_TYPES(X)
#undef X
};

const struct genops_policy_type *const *genops_policy_types(size_t *ret_n)
{
	*ret_n = sizeof types / sizeof *types;
	return types;
}

const struct genops_policy_type *genops_policy_type_find(genops_str name)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (genops_str_is(name, types[i]->name))
			return types[i];
	}
	return NULL;
}

/* Names of models and teams come from outside, and the formatting may have cut a character in
 * two. */
static void make_printable(char *text, size_t len)
{
	bool is_utf8 = genops_str_is_utf8((genops_str){text, len});
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8))
			text[i] = '?';
	}
}

genops_str genops_policy_message(const struct genops_policy_input *input, const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	genops_str message = GENOPS_STR("a policy was violated");
	make_printable(text, len);
	if (input->arena)
		(void)genops_arena_dup(input->arena, (genops_str){text, len}, &message);
	return message;
}

static int64_t longest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static enum genops_result result_of(
    const struct genops_policy *policy, enum genops_mode mode, const struct genops_verdict *verdict)
{
	enum genops_level level = policy->level;
	if (!verdict->is_error)
		return verdict->is_violation ? genops_level_result(level, mode) : GENOPS_ALLOWED;
	if (policy->on_error == GENOPS_ON_ERROR_OPEN)
		return GENOPS_ALLOWED;
	/* Holding back a call of which nothing is known would let it through: as strict as
	 * block. */
	return genops_level_result(
	    level == GENOPS_LEVEL_RATE_LIMIT ? GENOPS_LEVEL_BLOCK : level, mode);
}

/* Adds what a rate limit or a hold-back means for the call, besides the result. */
static void add_delay(struct genops_decision *decision, const struct genops_verdict *verdict,
    const struct genops_evaluation *evaluation)
{
	bool is_rate = verdict->reason == GENOPS_REASON_RATE_LIMITED;
	if (evaluation->result == GENOPS_BLOCKED && is_rate)
		decision->retry_after_ns =
		    longest(decision->retry_after_ns, verdict->retry_after_ns);
	if (evaluation->result != GENOPS_RATE_LIMITED)
		return;
	if (verdict->is_limited || !is_rate) {
		decision->delay_ns = longest(decision->delay_ns,
		    verdict->is_limited ? verdict->delay_ns : GENOPS_HOLD_BACK_NS);
		return;
	}
	decision->retry_after_ns = longest(decision->retry_after_ns, verdict->retry_after_ns);
	if (decision->is_refused)
		return;
	/* Refused: stricter than whatever only holds back, although the result has the same
	 * name. */
	decision->is_refused = true;
	decision->reason = evaluation->reason;
	decision->policy = evaluation->policy;
	decision->policy_type = evaluation->policy_type;
	decision->message = evaluation->message;
}

static genops_str type_name(const struct genops_policy *policy)
{
	return (genops_str){policy->type->name, policy->type->name_len};
}

static void evaluate(const struct genops_policy *policy, enum genops_mode mode,
    const struct genops_policy_input *input, struct genops_decision *decision,
    struct genops_evaluation *ret_evaluation)
{
	struct genops_verdict verdict = {0};
	policy->type->evaluate(policy, input, &verdict);
	/* As nearly always: nothing is wrong, and the decision stays as it is. */
	if (!(verdict.is_violation | verdict.is_error)) {
		*ret_evaluation = (struct genops_evaluation){
		    .policy = policy->name,
		    .policy_type = type_name(policy),
		    .action = genops_level_action(GENOPS_ALLOWED),
		};
		return;
	}
	enum genops_result result = result_of(policy, mode, &verdict);
	*ret_evaluation = (struct genops_evaluation){
	    .policy = policy->name,
	    .policy_type = type_name(policy),
	    .result = result,
	    .is_violation = verdict.is_violation && !verdict.is_error,
	    .is_error = verdict.is_error,
	    .action = genops_level_action(result),
	    .message = verdict.message,
	};
	if (ret_evaluation->is_violation)
		ret_evaluation->reason = verdict.reason;
	else if (result != GENOPS_ALLOWED)
		ret_evaluation->reason = GENOPS_REASON_POLICY_ERROR;
	genops_decision_add(decision, ret_evaluation);
	if (ret_evaluation->is_violation)
		add_delay(decision, &verdict, ret_evaluation);
}

size_t genops_policies_evaluate(const struct genops_policy *const *policies, size_t n_policies,
    enum genops_mode mode, const struct genops_policy_input *input,
    struct genops_evaluation *ret_evaluations, size_t max, struct genops_decision *decision)
{
	struct genops_policy_input looking; /* once it is refused: nothing more is taken for it */
	struct genops_evaluation over; /* those over max still decide */
	size_t n = 0;
	for (int is_taking = 0; is_taking <= 1; is_taking++) {
		for (size_t i = 0; i < n_policies; i++) {
			const struct genops_policy *policy = policies[i];
			if (!policy->is_enabled || !policy->type->evaluate ||
			    policy->type->is_taking != is_taking ||
			    !genops_match_holds(&policy->match, &input->subject))
				continue;
			if (decision->is_refused && !input->is_dry_run) {
				looking = *input;
				looking.is_dry_run = true;
				input = &looking;
			}
			evaluate(policy, mode, input, decision,
			    n < max ? &ret_evaluations[n] : &over);
			n += n < max;
		}
	}
	if (decision->is_refused)
		decision->delay_ns = 0;
	return n;
}
