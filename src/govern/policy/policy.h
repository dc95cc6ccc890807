/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/policy.h - what a policy is, and the row that each policy type fills.
 *
 * A type is one file (cost_limit.c ...) ending in one const struct genops_policy_type, plus one row
 * in GENOPS_POLICY_TYPES. Policies are compiled once, are immutable, and are evaluated by any
 * thread at once. The rate limiter and the content matcher that evaluation needs from outside come
 * in through genops_policy_input (govern/ does no I/O). */
#ifndef GOVERN_POLICY_POLICY_H
#define GOVERN_POLICY_POLICY_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/option.h"
#include "govern/attributes.h"
#include "govern/level.h"

/* One symbol genops_policy_type_<name> per row. */
#define GENOPS_POLICY_TYPES(X)                                                                        \
	X(cost_limit)                                                                                 \
	X(rate_limit)                                                                                 \
	X(content_filter)                                                                             \
	X(team_access)                                                                                \
	X(budget_limit)                                                                               \
	X(model_governance)                                                                           \
	X(region)

/* A token bucket somewhere outside (shared memory). Takes one token of `key`; if it would have to
 * wait, *ret_delay_ns says how long. A wait over max_delay_ns takes nothing and returns false (then
 * *ret_delay_ns is when a token will be there). is_dry_run looks without taking. */
struct genops_limiter {
	bool (*take)(void *arg, struct genops_hash key, double tokens_per_minute, int64_t burst, int64_t max_delay_ns,
	    bool is_dry_run, int64_t *ret_delay_ns);
	void *arg;
};

struct genops_policy_input {
	struct genops_match_subject subject;
	genops_str region;
	genops_str content;            /* what content filters read; may be long */
	bool has_content;              /* false: there was none to read (embeddings by token ids, images ...) */
	int64_t estimated_cost_nano_usd; /* GENOPS_COST_UNKNOWN when it cannot be estimated: cost_limit is then an error */
	const struct genops_limiter *limiter;
	uint64_t hash_seed;
	bool is_dry_run;
	struct genops_arena *arena;    /* for messages: the operation's */
};

/* How long a call is held back that violates a policy of level rate_limit that is no rate limit (a
 * cost limit, a model ...), and then goes on: long enough to slow a loop down, short enough for
 * every client's timeout. */
#define GENOPS_HOLD_BACK_NS INT64_C(1000000000)

/* A type's own verdict, before level and mode. */
struct genops_verdict {
	bool is_violation;
	bool is_error;                 /* could not be evaluated; message says why */
	bool is_limited;               /* rate limit: hold back delay_ns, then go on */
	enum genops_reason reason;
	int64_t delay_ns, retry_after_ns;
	genops_str message;            /* in the arena; limit and value, never content */
};

struct genops_policy;

struct genops_policy_type {
	const char *name;              /* "cost_limit" */
	size_t name_len;               /* every evaluation names its type */
	const char *summary;           /* one line for help and the reference page */
	const struct genops_option *options; /* rows; feed parser, validator and page; end in a row with name NULL */
	size_t settings_size;
	/* Checks and compiles settings that the option rows have filled. Errors: CONFIG with a fix.
	 * May be NULL. */
	int (*compile)(void *settings, struct genops_arena *arena, struct genops_error *err);
	void (*release)(void *settings); /* what compile took besides the arena; may be NULL */
	void (*evaluate)(const struct genops_policy *policy, const struct genops_policy_input *input,
	    struct genops_verdict *ret_verdict); /* NULL for budget_limit: budgets decide */
	bool is_taking;                /* evaluation takes something (a token): it comes after all others, and only looks when
					* the call is refused already */
};

#define GENOPS_POLICY_TYPE_NAME(text) .name = (text), .name_len = sizeof(text) - 1

#define X(name) extern const struct genops_policy_type genops_policy_type_##name;
GENOPS_POLICY_TYPES(X)
#undef X

struct genops_policy {
	genops_str name;
	const struct genops_policy_type *type;
	enum genops_level level;
	enum genops_on_error on_error;
	bool is_enabled;
	struct genops_match match;
	genops_str origin;             /* "genops.yaml:12", "collibra:<asset id>" */
	void *settings;                /* of type->settings_size */
};

const struct genops_policy_type *genops_policy_type_find(genops_str name); /* NULL: unknown */
const struct genops_policy_type *const *genops_policy_types(size_t *ret_n);

/* A message for a verdict, in input->arena: printable UTF-8, at most 511 bytes. A fixed text when
 * there is no memory. */
genops_str genops_policy_message(const struct genops_policy_input *input, const char *format, ...) GENOPS_PRINTF(2, 3);

/* Evaluates every enabled matching policy, in order (rate limits last), into `ret_evaluations`
 * (room for max), with level, mode and on_error applied; adds to *decision (strictest wins, delays
 * add up to the longest). Returns how many were written; those over max still decide. Pure but for
 * input->limiter.
 *
 * A violation becomes what genops_level_result says. One that is RATE_LIMITED is held back, for a
 * rate limit as long as its bucket says (over max_delay: refused with retry_after_ns), for any
 * other type GENOPS_HOLD_BACK_NS. What cannot be evaluated is allowed with on_error open; closed,
 * it is taken as a violation that no delay can heal: BLOCKED for levels block and rate_limit,
 * WARNING for warn, ALLOWED for allow, less in the weaker modes; reason x_policy_error. */
size_t genops_policies_evaluate(const struct genops_policy *const *policies, size_t n_policies, enum genops_mode mode,
    const struct genops_policy_input *input, struct genops_evaluation *ret_evaluations, size_t max,
    struct genops_decision *decision);

/* Folds one evaluation into a decision by strictness; budgets use it too. */
void genops_decision_tighten(struct genops_decision *decision, const struct genops_evaluation *evaluation);
static inline void genops_decision_add(struct genops_decision *decision, const struct genops_evaluation *evaluation)
{
	/* Strictly stricter: among equals the first, in the order of the configuration, is the one that is named. */
	if (evaluation->result > decision->result)
		genops_decision_tighten(decision, evaluation);
}

/* Does `pattern` name `model`? Exact, `*`, or family at - : @ / ; ASCII case ignored. Returns the
 * match's strength (length), 0: no. DESIGN 6: the longest match wins. */
size_t genops_model_match(genops_str pattern, genops_str model);

#endif
