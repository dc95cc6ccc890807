/* SPDX-License-Identifier: Apache-2.0
 * telemetry/conventions.h - every attribute name that GenOps writes, as one row each: the encoder's keys, the names that a
 * user's own attribute may not overwrite, and the reference page. Also the few values that are derived from a record.
 */
#ifndef TELEMETRY_CONVENTIONS_H
#define TELEMETRY_CONVENTIONS_H

#include "govern/record.h"

/* In which profile a name is written (DESIGN 6, "Names on the wire"): GUIDES, SPEC or BOTH. A name is reserved in both.
 * X(symbol, name, type, profiles, text) */
#define GENOPS_CONVENTIONS_GOVERNANCE(X)                                                              \
	X(TEAM, "genops.team", STRING, BOTH, "Who pays inside: team.")                                \
	X(PROJECT, "genops.project", STRING, BOTH, "Project.")                                        \
	X(CUSTOMER_ID, "genops.customer_id", STRING, BOTH, "For whom it was done: billing, usage.")   \
	X(ENVIRONMENT, "genops.environment", STRING, BOTH, "Stage, in the user's own words.")         \
	X(COST_CENTER, "genops.cost_center", STRING, BOTH, "Cost centre for financial reporting.")    \
	X(FEATURE, "genops.feature", STRING, BOTH, "Feature of the product.")                         \
	X(SPEC_VERSION, "genops.spec.version", STRING, BOTH, "Governance specification: 0.1.0.")      \
	X(OPERATION_NAME, "genops.operation.name", STRING, BOTH, "Name of the operation.")            \
	X(OPERATION_TYPE, "genops.operation.type", STRING, BOTH, "Its type, as ai.inference.")        \
	X(OPERATION_DELAY, "genops.operation.delay_ms", INT, GUIDES, "Held back by a rate limit.")    \
	X(OUTCOME, "genops.outcome", STRING, BOTH,                                                    \
	    "How it ended: ok, refused, provider_error, not_sent, cancelled, cut_off, abandoned.")    \
	X(KEY_NAME, "genops.key.name", STRING, BOTH, "Name of the virtual key; never the key.")       \
	X(COST_TOTAL, "genops.cost.total", DOUBLE, BOTH, "What it cost, USD.")                        \
	X(COST_INPUT, "genops.cost.input_cost", DOUBLE, BOTH, "Part of the cost for input, USD.")     \
	X(COST_OUTPUT, "genops.cost.output_cost", DOUBLE, BOTH, "Part of the cost for output, USD.")  \
	X(COST_CURRENCY, "genops.cost.currency", STRING, BOTH, "USD.")                                \
	X(COST_MODEL, "genops.cost.model", STRING, BOTH, "Model that was priced.")                    \
	X(COST_PROVIDER, "genops.cost.provider", STRING, BOTH, "Provider that was priced.")           \
	X(COST_ESTIMATED, "genops.cost.estimated", BOOL, BOTH,                                        \
	    "True: usage not from the provider, or a ceiling price. Else absent.")                    \
	X(COST_PRICE_SOURCE, "genops.cost.price_source", STRING, BOTH, "Where the price is from.")    \
	X(TOKENS_INPUT, "genops.tokens.input", INT, BOTH, "Prompt tokens, cached ones included.")     \
	X(TOKENS_OUTPUT, "genops.tokens.output", INT, BOTH, "Output tokens, reasoning included.")     \
	X(TOKENS_TOTAL, "genops.tokens.total", INT, BOTH, "Their sum.")                               \
	X(POLICY_NAME, "genops.policy.name", STRING, BOTH,                                            \
	    "Policy or budget that decided; when allowed, the first that was evaluated.")             \
	X(POLICY_RESULT, "genops.policy.result", STRING, BOTH,                                        \
	    "allowed, warning, rate_limited, blocked (upper case in profile spec); in an event also error.") \
	X(POLICY_REASON, "genops.policy.reason", STRING, BOTH, "The reason in one sentence.")         \
	X(POLICY_REASON_CODE, "genops.policy.reason_code", STRING, BOTH,                              \
	    "The specification's closed set and x_... extensions; absent when allowed.")              \
	X(POLICY_VIOLATION_TYPE, "genops.policy.violation_type", STRING, GUIDES,                      \
	    "What kind of rule was broken: the policy's type.")                                       \
	X(POLICY_ACTION, "genops.policy.action", STRING, GUIDES, "block, alert, throttle, log.")      \
	X(POLICY_TIMESTAMP, "genops.policy.timestamp", INT, SPEC, "When it was decided, Unix ms.")    \
	X(BUDGET_NAME, "genops.budget.name", STRING, BOTH, "The budget with the least left.")         \
	X(BUDGET_SCOPE, "genops.budget.scope", STRING, BOTH,                                          \
	    "Which of the budget's counters, as name[team=a]; absent if it has only one.")            \
	X(BUDGET_LIMIT, "genops.budget.limit", DOUBLE, GUIDES, "Its limit, USD.")                     \
	X(BUDGET_ALLOCATED, "genops.budget.allocated", DOUBLE, BOTH, "The same as limit.")            \
	X(BUDGET_CONSUMED, "genops.budget.consumed", DOUBLE, BOTH, "Settled in its window, USD.")     \
	X(BUDGET_USED, "genops.budget.used", DOUBLE, GUIDES, "The same as consumed.")                 \
	X(BUDGET_REMAINING, "genops.budget.remaining", DOUBLE, BOTH, "Limit less consumed, USD.")     \
	X(BUDGET_UTILIZATION, "genops.budget.utilization_percent", DOUBLE, GUIDES,                    \
	    "Consumed in percent of the limit.")                                                      \
	X(BUDGET_PERIOD, "genops.budget.period", STRING, BOTH, "hourly, daily, weekly, monthly, total.") \
	X(BUDGET_ALERT_THRESHOLD, "genops.budget.alert_threshold", DOUBLE, GUIDES,                    \
	    "Fraction at which it warns first; in an alert, the one that was crossed.")               \
	X(ACCOUNTING_RESERVED, "genops.accounting.reserved", DOUBLE, BOTH, "Reserved before, USD.")   \
	X(ACCOUNTING_ACTUAL, "genops.accounting.actual", DOUBLE, BOTH, "Really consumed, USD.")       \
	X(ACCOUNTING_UNIT, "genops.accounting.unit", STRING, BOTH, "USD.")                            \
	X(ACCOUNTING_DELTA, "genops.accounting.reconciliation_delta", DOUBLE, BOTH,                   \
	    "Actual less reserved, USD.")                                                             \
	X(ACCOUNTING_INCOMPLETE, "genops.accounting.incomplete", BOOL, BOTH,                          \
	    "True: its process died, actual is what was known last. Else absent.")                    \
	X(DUPLICATE, "genops.duplicate", BOOL, BOTH,                                                  \
	    "True: this received span tells of a call that another one or the gateway counts; it has no cost. Else absent.") \
	X(REQUEST_ID, "genops.provider.request_id", STRING, BOTH, "The provider's id for support.")

/* The OpenTelemetry guide's ai.*, and OpenTelemetry's own gen_ai.* (v1.41). */
#define GENOPS_CONVENTIONS_MODEL(X)                                                                   \
	X(AI_PROVIDER, "ai.model.provider", STRING, GUIDES, "Provider, as openai.")                   \
	X(AI_MODEL, "ai.model.name", STRING, GUIDES, "Model as requested.")                           \
	X(AI_INPUT_TOKENS, "ai.request.input_tokens", INT, GUIDES, "Prompt tokens.")                  \
	X(AI_OUTPUT_TOKENS, "ai.request.output_tokens", INT, GUIDES, "Output tokens.")                \
	X(AI_TEMPERATURE, "ai.request.temperature", DOUBLE, GUIDES, "Temperature asked for.")         \
	X(AI_MAX_TOKENS, "ai.request.max_tokens", INT, GUIDES, "Output cap asked for.")               \
	X(GEN_AI_PROVIDER, "gen_ai.provider.name", STRING, BOTH, "Provider by OpenTelemetry's name.") \
	X(GEN_AI_OPERATION, "gen_ai.operation.name", STRING, BOTH, "chat, embeddings, ...")           \
	X(GEN_AI_REQUEST_MODEL, "gen_ai.request.model", STRING, BOTH, "Model as requested.")          \
	X(GEN_AI_RESPONSE_MODEL, "gen_ai.response.model", STRING, BOTH, "Model that answered.")       \
	X(GEN_AI_RESPONSE_ID, "gen_ai.response.id", STRING, BOTH, "The answer's own id.")             \
	X(GEN_AI_INPUT_TOKENS, "gen_ai.usage.input_tokens", INT, BOTH, "All of the prompt.")          \
	X(GEN_AI_OUTPUT_TOKENS, "gen_ai.usage.output_tokens", INT, BOTH, "All of the output.")        \
	X(GEN_AI_CACHE_READ, "gen_ai.usage.cache_read.input_tokens", INT, BOTH, "From a cache.")      \
	X(GEN_AI_CACHE_WRITE, "gen_ai.usage.cache_creation.input_tokens", INT, BOTH, "Into a cache.") \
	X(GEN_AI_REASONING, "gen_ai.usage.reasoning.output_tokens", INT, BOTH, "Spent on reasoning.") \
	X(GEN_AI_MAX_TOKENS, "gen_ai.request.max_tokens", INT, BOTH, "Output cap asked for.")         \
	X(GEN_AI_TEMPERATURE, "gen_ai.request.temperature", DOUBLE, BOTH, "Temperature asked for.")   \
	X(GEN_AI_STREAM, "gen_ai.request.stream", BOOL, BOTH, "True: a stream was asked for.")        \
	X(GEN_AI_FINISH_REASONS, "gen_ai.response.finish_reasons", STRINGS, BOTH, "Why it ended.")    \
	X(GEN_AI_FIRST_CHUNK, "gen_ai.response.time_to_first_chunk", DOUBLE, BOTH,                    \
	    "Seconds to a stream's first byte.")                                                      \
	X(ERROR_TYPE, "error.type", STRING, BOTH, "Kind of failure.")                                 \
	X(HTTP_STATUS, "http.response.status_code", INT, BOTH, "The provider's HTTP status.")

/* What describes the sender, in the resource. */
#define GENOPS_CONVENTIONS_RESOURCE(X)                                                                \
	X(SERVICE_NAME, "service.name", STRING, BOTH, "Service that ran the operation.")              \
	X(HOST_NAME, "host.name", STRING, BOTH, "Host that it ran on.")                               \
	X(SDK_NAME, "telemetry.sdk.name", STRING, BOTH, "genops")                                     \
	X(SDK_LANGUAGE, "telemetry.sdk.language", STRING, BOTH, "c")                                  \
	X(SDK_VERSION, "telemetry.sdk.version", STRING, BOTH, "GenOps' version.")

#define GENOPS_CONVENTIONS(X)                                                                         \
	GENOPS_CONVENTIONS_GOVERNANCE(X)                                                              \
	GENOPS_CONVENTIONS_MODEL(X)                                                                   \
	GENOPS_CONVENTIONS_RESOURCE(X)

enum genops_convention {
#define X(symbol, name, type, profiles, text) GENOPS_CONVENTION_##symbol,
	GENOPS_CONVENTIONS(X)
#undef X
	GENOPS_CONVENTION_N
};

enum genops_convention_type {
	GENOPS_CONVENTION_STRING,
	GENOPS_CONVENTION_INT,
	GENOPS_CONVENTION_DOUBLE,
	GENOPS_CONVENTION_BOOL,
	GENOPS_CONVENTION_STRINGS,
};

enum genops_convention_profiles {
	GENOPS_CONVENTION_GUIDES = 1,
	GENOPS_CONVENTION_SPEC = 2,
	GENOPS_CONVENTION_BOTH = 3,
};

struct genops_convention_row {
	genops_str name;
	enum genops_convention_type type;
	unsigned profiles; /* enum genops_convention_profiles */
	const char *text;
};

extern const struct genops_convention_row genops_conventions[GENOPS_CONVENTION_N];

/* A name that only GenOps itself may write, in whatever profile. The six standard ones are too. */
bool genops_conventions_is_reserved(genops_str name);

/* The record's standard attributes in order of enum genops_attribute_key; empty: absent. Borrowed. */
void genops_conventions_standard_values(
    const struct genops_record *record, genops_str ret_values[GENOPS_ATTRIBUTE_N_STANDARD]);
/* Is `key` one of the six, by short name or telemetry key? */
bool genops_conventions_is_standard(genops_str key);

/* "ok", "provider_error", ... Static. */
const char *genops_conventions_outcome(enum genops_outcome outcome);
/* Did it reach the provider? Then it has an actual cost and is reconciled. */
bool genops_conventions_is_executed(enum genops_outcome outcome);
/* A budget's alert, told as a record of its own beside the operation that crossed the threshold: no operation itself. */
bool genops_conventions_is_alert(const struct genops_record *record);

/* OpenTelemetry's names: "aws.bedrock" for "bedrock"; others as they are. "chat" for the dialect "anthropic.messages". */
genops_str genops_conventions_gen_ai_provider(genops_str provider);
genops_str genops_conventions_gen_ai_operation(genops_str dialect);

#endif
