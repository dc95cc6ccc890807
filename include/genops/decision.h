/* SPDX-License-Identifier: Apache-2.0
 * genops/decision.h - what governance said about an operation, and why.
 *
 * A decision is a value, complete when an operation has begun and immutable after (specification 0.1.0:
 * a retry is a new operation). It is built from one evaluation per matching policy and budget; the strictest
 * wins: blocked > rate_limited > warning > allowed.
 */
#ifndef GENOPS_DECISION_H
#define GENOPS_DECISION_H

#include <genops/attribute.h>
#include <genops/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(symbol, wire name in profile `guides`, wire name in profile `spec`), in order of strictness. */
#define GENOPS_RESULTS(X)                                                                             \
	X(ALLOWED, "allowed", "ALLOWED")                                                              \
	X(WARNING, "warning", "WARNING")                                                              \
	X(RATE_LIMITED, "rate_limited", "RATE_LIMITED")                                               \
	X(BLOCKED, "blocked", "BLOCKED")

enum genops_result {
#define X(symbol, guides, spec) GENOPS_##symbol,
	GENOPS_RESULTS(X)
#undef X
};

/* The specification's closed set of reason codes, then ours (x_...). X(symbol, wire name). */
#define GENOPS_REASONS(X)                                                                             \
	X(NONE, "")                                                                                   \
	X(BUDGET_EXCEEDED, "BUDGET_EXCEEDED")                                                         \
	X(BUDGET_RESERVATION_FAILED, "BUDGET_RESERVATION_FAILED")                                     \
	X(POLICY_DENY_MODEL, "POLICY_DENY_MODEL")                                                     \
	X(POLICY_DENY_REGION, "POLICY_DENY_REGION")                                                   \
	X(POLICY_DENY_CONTENT, "POLICY_DENY_CONTENT")                                                 \
	X(RATE_LIMITED, "RATE_LIMITED")                                                               \
	X(SLA_LATENCY_VIOLATION, "SLA_LATENCY_VIOLATION")                                             \
	X(PROVIDER_ERROR_UPSTREAM, "PROVIDER_ERROR_UPSTREAM")                                         \
	X(ACCOUNTING_INVARIANT_VIOLATION, "ACCOUNTING_INVARIANT_VIOLATION")                           \
	X(COST_LIMIT, "x_cost_limit")                                                                 \
	X(TEAM_ACCESS, "x_team_access")                                                               \
	X(UNKNOWN_MODEL, "x_unknown_model")                                                           \
	X(KEY_BINDING, "x_key_binding")                                                               \
	X(POLICY_ERROR, "x_policy_error")                                                             \
	X(APPROVAL_REQUIRED, "x_approval_required")                                                  \
	X(POLICY_RECORDED, "x_policy_recorded")

enum genops_reason {
#define X(symbol, wire) GENOPS_REASON_##symbol,
	GENOPS_REASONS(X)
#undef X
	GENOPS_REASON_N
};

/* One policy's or budget's own verdict. The views live as long as the operation or dry run they came from. */
struct genops_evaluation {
	genops_str policy;          /* the policy's or budget's name */
	genops_str policy_type;     /* "cost_limit", ..., "budget" */
	enum genops_result result;
	enum genops_reason reason;  /* NONE iff allowed and not violated */
	bool is_violation;          /* the rule was broken, whatever its level made of it (audit, CORE-036) */
	bool is_error;              /* it could not be evaluated; `result` is what on_error made of it */
	genops_str action;          /* genops.policy.action: "block", "alert", "throttle", "log" */
	genops_str message;         /* for people; names limit and value, never content */
};

#define GENOPS_EVALUATIONS_MAX 64

struct genops_decision {
	enum genops_result result;
	enum genops_reason reason;        /* of the strictest evaluation; NONE iff result is ALLOWED */
	int64_t estimated_cost_nano_usd;  /* upper bound for the call; what was or would be reserved */
	int64_t delay_ns;                 /* result RATE_LIMITED with is_refused false: hold the call this long */
	int64_t retry_after_ns;           /* refused by a rate limit: the soonest that a retry can pass */
	int64_t resets_at_ns;             /* refused by a budget: when its window resets (Unix ns); 0: never */
	bool is_refused;                  /* the call must not be made */
	genops_str policy;                /* name of the deciding policy or budget; empty when allowed */
	genops_str policy_type;
	genops_str message;               /* one sentence: which policy or budget, the limit, what was asked */
	size_t n_evaluations;
	const struct genops_evaluation *evaluations; /* borrowed, as the views above */
};

/* "blocked" / "BLOCKED", "BUDGET_EXCEEDED": static texts for the wire. */
GENOPS_API const char *genops_result_name(enum genops_result result);
GENOPS_API const char *genops_result_spec_name(enum genops_result result);
GENOPS_API const char *genops_reason_name(enum genops_reason reason);

#ifdef __cplusplus
}
#endif
#endif
