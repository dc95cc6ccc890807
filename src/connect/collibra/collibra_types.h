/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/collibra_types.h - the asset types and attribute types of GenOps in Collibra, as rows; and which of them an
 * instance has.
 *
 * The rows feed set-up, export, import and the documentation. Names are the guide's; the public ids are DESIGN 5's. Asset
 * types are found by public id, then by name; attribute types, which are global in an instance, by name (with a prefix, if one is
 * configured), and only if their kind is one that we can use. Rows of one array never change places: ids are indexes.
 */
#ifndef CONNECT_COLLIBRA_COLLIBRA_TYPES_H
#define CONNECT_COLLIBRA_COLLIBRA_TYPES_H

#include "connect/collibra/client.h"

#include <stdint.h>

/* X(symbol, public id, name, policy type or NULL, acronym, what for) */
#define GENOPS_COLLIBRA_ASSET_TYPES(X)                                                                                     \
	X(OPERATION_COST, "AIOperationCost_C", "AI Operation Cost", NULL, "AIOC", "What one AI operation cost.")            \
	X(POLICY_EVALUATION, "AIPolicyEvaluation_C", "AI Policy Evaluation", NULL, "AIPE",                                  \
	    "What a policy said about one AI operation.")                                                                   \
	X(BUDGET_TRACKING, "AIBudgetTracking_C", "AI Budget Tracking", NULL, "AIBT", "What a budget's period has consumed.") \
	X(COST_LIMIT, "AICostLimit_C", "AI Cost Limit", "cost_limit", "AICL", "The most that one AI operation may cost.")   \
	X(RATE_LIMIT, "AIRateLimit_C", "AI Rate Limit", "rate_limit", "AIRL", "How many AI requests a minute may pass.")    \
	X(CONTENT_FILTER, "ContentFilter_C", "Content Filter", "content_filter", "AICF",                                    \
	    "Texts that an AI request may not contain.")                                                                    \
	X(TEAM_ACCESS, "TeamAccessControl_C", "Team Access Control", "team_access", "AITA", "The teams that may use AI.")   \
	X(BUDGET_CONSTRAINT, "BudgetConstraint_C", "Budget Constraint", "budget_limit", "AIBC",                             \
	    "What may be spent on AI in a period.")                                                                         \
	X(MODEL_GOVERNANCE, "ModelGovernance_C", "Model Governance", "model_governance", "AIMG",                            \
	    "The AI models that may and may not be used.")

enum genops_collibra_asset_type {
#define X(symbol, id, name, policy, acronym, text) GENOPS_COLLIBRA_##symbol,
	GENOPS_COLLIBRA_ASSET_TYPES(X)
#undef X
	GENOPS_COLLIBRA_N_ASSET_TYPES
};

/* Who uses an attribute type: a bit for each asset type, and these unions. */
#define GENOPS_COLLIBRA_OF(symbol) (1U << GENOPS_COLLIBRA_##symbol)
#define GENOPS_COLLIBRA_OF_EXPORTS                                                                                         \
	(GENOPS_COLLIBRA_OF(OPERATION_COST) | GENOPS_COLLIBRA_OF(POLICY_EVALUATION) | GENOPS_COLLIBRA_OF(BUDGET_TRACKING))
#define GENOPS_COLLIBRA_OF_OPERATIONS (GENOPS_COLLIBRA_OF(OPERATION_COST) | GENOPS_COLLIBRA_OF(POLICY_EVALUATION))
#define GENOPS_COLLIBRA_OF_POLICIES   (((1U << GENOPS_COLLIBRA_N_ASSET_TYPES) - 1) & ~GENOPS_COLLIBRA_OF_EXPORTS)

/* X(symbol, name, kind, asset types, what for) */
#define GENOPS_COLLIBRA_ATTRIBUTE_TYPES(X)                                                                                 \
	X(TEAM, "team", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "genops.team")                                                    \
	X(PROJECT, "project", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "genops.project")                                           \
	X(CUSTOMER_IDENTIFIER, "customer_identifier", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "genops.customer_id")               \
	X(ENVIRONMENT, "environment", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "genops.environment")                               \
	X(COST_CENTER, "cost_center", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "genops.cost_center")                               \
	X(FEATURE, "feature", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "genops.feature")                                           \
	X(AI_PROVIDER, "ai_provider", TEXT, GENOPS_COLLIBRA_OF_OPERATIONS, "genops.cost.provider")                          \
	X(MODEL_NAME, "model_name", TEXT, GENOPS_COLLIBRA_OF_OPERATIONS, "genops.cost.model")                               \
	X(OPERATION_ID, "operation_id", TEXT, GENOPS_COLLIBRA_OF_OPERATIONS, "the operation's id")                          \
	X(OPERATION_NAME, "operation_name", TEXT, GENOPS_COLLIBRA_OF_OPERATIONS, "the operation's name")                    \
	X(TRACE_ID, "trace_id", TEXT, GENOPS_COLLIBRA_OF_OPERATIONS, "the trace it belongs to")                             \
	X(OCCURRED_AT, "occurred_at", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "when, as ISO 8601")                                \
	X(COST_AMOUNT, "cost_amount", NUMBER, GENOPS_COLLIBRA_OF_OPERATIONS, "genops.cost.total")                           \
	X(CURRENCY, "currency", TEXT, GENOPS_COLLIBRA_OF_EXPORTS, "of every amount: USD")                                   \
	X(INPUT_TOKENS, "input_tokens", NUMBER, GENOPS_COLLIBRA_OF(OPERATION_COST), "tokens in")                            \
	X(OUTPUT_TOKENS, "output_tokens", NUMBER, GENOPS_COLLIBRA_OF(OPERATION_COST), "tokens out")                         \
	X(DURATION_MS, "duration_ms", NUMBER, GENOPS_COLLIBRA_OF(OPERATION_COST), "how long it took")                       \
	X(OUTCOME, "outcome", TEXT, GENOPS_COLLIBRA_OF(OPERATION_COST), "how it ended")                                     \
	X(CUSTOM_ATTRIBUTES, "custom_attributes", TEXT, GENOPS_COLLIBRA_OF(OPERATION_COST), "all other attributes, as JSON") \
	X(POLICY_NAME, "policy_name", TEXT, GENOPS_COLLIBRA_OF(POLICY_EVALUATION), "genops.policy.name")                    \
	X(POLICY_RESULT, "policy_result", TEXT, GENOPS_COLLIBRA_OF(POLICY_EVALUATION), "genops.policy.result")              \
	X(POLICY_REASON, "policy_reason", TEXT, GENOPS_COLLIBRA_OF(POLICY_EVALUATION), "genops.policy.reason")              \
	X(BUDGET_NAME, "budget_name", TEXT, GENOPS_COLLIBRA_OF(BUDGET_TRACKING), "the budget's name")                       \
	X(BUDGET_PERIOD, "budget_period", TEXT, GENOPS_COLLIBRA_OF(BUDGET_TRACKING), "daily, monthly ...")                  \
	X(PERIOD_START, "period_start", TEXT, GENOPS_COLLIBRA_OF(BUDGET_TRACKING), "of the period, as ISO 8601")            \
	X(BUDGET_LIMIT, "budget_limit", NUMBER, GENOPS_COLLIBRA_OF(BUDGET_TRACKING), "what may be spent")                   \
	X(BUDGET_SPENT, "budget_spent", NUMBER, GENOPS_COLLIBRA_OF(BUDGET_TRACKING), "what was spent")                      \
	X(BUDGET_REMAINING, "budget_remaining", NUMBER, GENOPS_COLLIBRA_OF(BUDGET_TRACKING), "what is left")                \
	X(ENFORCEMENT_LEVEL, "enforcement_level", LEVEL, GENOPS_COLLIBRA_OF_POLICIES,                                       \
	    "block, warn, rate_limit or allow, in any of the guide's spellings")                                            \
	X(MAX_COST, "max_cost", NUMBER, GENOPS_COLLIBRA_OF(COST_LIMIT), "USD that one operation may cost")                  \
	X(MAX_REQUESTS_PER_MINUTE, "max_requests_per_minute", NUMBER, GENOPS_COLLIBRA_OF(RATE_LIMIT), "requests a minute")  \
	X(BLOCKED_PATTERNS, "blocked_patterns", LIST, GENOPS_COLLIBRA_OF(CONTENT_FILTER), "texts, separated by commas")     \
	X(ALLOWED_TEAMS, "allowed_teams", LIST, GENOPS_COLLIBRA_OF(TEAM_ACCESS), "teams, separated by commas")              \
	X(DAILY_BUDGET, "daily_budget", NUMBER, GENOPS_COLLIBRA_OF(BUDGET_CONSTRAINT), "USD a day")                         \
	X(MONTHLY_BUDGET, "monthly_budget", NUMBER, GENOPS_COLLIBRA_OF(BUDGET_CONSTRAINT), "USD a month")                   \
	X(ALLOWED_MODELS, "allowed_models", LIST, GENOPS_COLLIBRA_OF(MODEL_GOVERNANCE), "models, separated by commas")      \
	X(BLOCKED_MODELS, "blocked_models", LIST, GENOPS_COLLIBRA_OF(MODEL_GOVERNANCE), "models, separated by commas")      \
	X(APPLIES_TO_TEAMS, "applies_to_teams", LIST, GENOPS_COLLIBRA_OF_POLICIES, "teams it is for; none: all")            \
	X(APPLIES_TO_PROJECTS, "applies_to_projects", LIST, GENOPS_COLLIBRA_OF_POLICIES, "projects it is for; none: all")   \
	X(APPLIES_TO_ENVIRONMENTS, "applies_to_environments", LIST, GENOPS_COLLIBRA_OF_POLICIES,                            \
	    "environments it is for; none: all")

enum genops_collibra_attribute_type {
#define X(symbol, name, kind, of, text) GENOPS_COLLIBRA_ATTRIBUTE_##symbol,
	GENOPS_COLLIBRA_ATTRIBUTE_TYPES(X)
#undef X
	GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES
};

/* What GenOps needs of an attribute type. */
enum genops_collibra_kind {
	GENOPS_COLLIBRA_KIND_TEXT,   /* STRING; made as PLAIN_TEXT */
	GENOPS_COLLIBRA_KIND_NUMBER, /* NUMERIC, or STRING */
	GENOPS_COLLIBRA_KIND_LEVEL,  /* SINGLE_VALUE_LIST of the levels, or STRING */
	GENOPS_COLLIBRA_KIND_LIST,   /* STRING with commas, or MULTI_VALUE_LIST */
};

struct genops_collibra_asset_row {
	const char *public_id, *name;
	const char *policy_type; /* of govern/policy; NULL: an export */
	const char *acronym, *text;
};

struct genops_collibra_attribute_row {
	const char *name;
	enum genops_collibra_kind kind;
	uint32_t asset_types; /* bits: 1 << enum genops_collibra_asset_type */
	const char *text;
};

extern const struct genops_collibra_asset_row genops_collibra_asset_rows[GENOPS_COLLIBRA_N_ASSET_TYPES];
extern const struct genops_collibra_attribute_row genops_collibra_attribute_rows[GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES];

#define GENOPS_COLLIBRA_ID_SIZE   40  /* a UUID, NUL-terminated */
#define GENOPS_COLLIBRA_NAME_SIZE 256

/* What an instance has of them. id "": it has not. */
struct genops_collibra_found_type {
	char id[GENOPS_COLLIBRA_ID_SIZE];
	char public_id[GENOPS_COLLIBRA_NAME_SIZE]; /* asset types; "" : an instance too old to say */
	char name[GENOPS_COLLIBRA_NAME_SIZE];      /* as it is called there */
	char kind[24];                             /* attribute types: "STRING", "NUMERIC", ... */
};

struct genops_collibra_types {
	struct genops_collibra_found_type assets[GENOPS_COLLIBRA_N_ASSET_TYPES];
	struct genops_collibra_found_type attributes[GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES];
};

/* Two listings, whatever there is. `prefix` goes before the names of attribute types. What is missing is no error: its id is "".
 * An attribute type of a kind that we cannot use is one (CONFIG; the message names both kinds). Other errors: those of
 * genops_collibra_client_list. */
GENOPS_NODISCARD int genops_collibra_types_find(struct genops_collibra_client *client, genops_str prefix,
    struct genops_collibra_types *ret_types, struct genops_error *err);

/* NOT_FOUND, naming everything that is missing of the asset types in `wanted` (bits) and of their attribute types, and the command that
 * makes it. */
GENOPS_NODISCARD int genops_collibra_types_need(
    const struct genops_collibra_types *types, uint32_t wanted, genops_str prefix, struct genops_error *err);

#endif
