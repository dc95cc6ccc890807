/* SPDX-License-Identifier: Apache-2.0
 * govern/decision.c - the names of results and reasons, and how evaluations add up to a decision.
 * Pure; any thread. Numbers that are no member get the empty name, as they can come from stored
 * records. */
#include "govern/policy/policy.h"

const char *genops_result_name(enum genops_result result)
{
	switch (result) {
#define X(symbol, guides, spec)                                                                    \
	case GENOPS_##symbol:                                                                      \
		return guides;
		GENOPS_RESULTS(X)
#undef X
	}
	return "";
}

const char *genops_result_spec_name(enum genops_result result)
{
	switch (result) {
#define X(symbol, guides, spec)                                                                    \
	case GENOPS_##symbol:                                                                      \
		return spec;
		GENOPS_RESULTS(X)
#undef X
	}
	return "";
}

const char *genops_reason_name(enum genops_reason reason)
{
	static const char *const names[] = {
#define X(symbol, wire) wire,
	    GENOPS_REASONS(X)
#undef X
	};
	return (size_t)reason < GENOPS_REASON_N ? names[reason] : "";
}

void genops_decision_tighten(
    struct genops_decision *decision, const struct genops_evaluation *evaluation)
{
	decision->result = evaluation->result;
	decision->reason = evaluation->reason;
	decision->policy = evaluation->policy;
	decision->policy_type = evaluation->policy_type;
	decision->message = evaluation->message;
	if (evaluation->result == GENOPS_BLOCKED)
		decision->is_refused = true;
}
