/* SPDX-License-Identifier: Apache-2.0
 * engine/operation/decide.c - the one place that decides: estimate, key binding, policies, budgets, reservation.
 *
 * Order: estimate -> what the key forbids -> every matching policy -> every matching budget, reserved all or
 * none. Each leaves an evaluation; the strictest wins. Nothing is reserved for a call that policy refuses.
 * The same inputs and state give the same decision (specification 0.1.0).
 */
#include "engine/operation/operation.h"

#include "base/clock.h"
#include "base/str.h"
#include "govern/money.h"

#include <stdio.h>
#include <time.h>

static bool take_rate(void *arg, struct genops_hash key, double tokens_per_minute, int64_t burst, int64_t max_delay_ns,
    bool is_dry_run, int64_t *ret_delay_ns)
{
	const struct genops_operation *operation = arg;
	return genops_counters_take_rate(operation->engine->counters, key, tokens_per_minute, burst, max_delay_ns,
	    operation->begun_monotonic_ns, is_dry_run, ret_delay_ns);
}

static struct genops_match_subject subject_of(const struct genops_operation *operation)
{
	const struct genops_record *record = &operation->record;
	return (struct genops_match_subject){
	    .attributes = &operation->attributes,
	    .provider = record->provider,
	    .model = record->request_model,
	    .name = record->name,
	    .type = record->type,
	};
}

/* --- estimate --- */

static int64_t estimate(struct genops_operation *operation, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin)
{
	const struct genops_record *record = &operation->record;
	if (origin->is_free)
		return 0;
	if (record->provider.len) {
		int64_t now_s = record->start_unix_ns / GENOPS_NS_PER_S;
		/* Of the snapshot, or of the operation's own texts: both outlive it. */
		operation->price_provider = origin->price_provider.len ? origin->price_provider : record->provider;
		operation->price = genops_prices_find(
		    operation->config->prices, operation->price_provider, record->request_model, now_s);
		if (!operation->price)
			operation->price = genops_prices_ceiling(operation->config->prices, now_s);
	}
	if (options->estimated_cost_nano_usd != GENOPS_COST_UNKNOWN)
		return options->estimated_cost_nano_usd;
	if (!operation->price)
		return GENOPS_COST_UNKNOWN;
	if (!origin->is_input_open && origin->n_choices <= 1)
		return genops_prices_upper_bound(operation->price, &options->expected);
	genops_usage expected = options->expected;
	if (origin->is_input_open && operation->price->max_input_tokens > expected.input_tokens)
		expected.input_tokens = operation->price->max_input_tokens;
	if (!expected.output_tokens && origin->n_choices > 1)
		expected.output_tokens =
		    origin->n_choices * (operation->price->max_output_tokens ? operation->price->max_output_tokens
									      : GENOPS_OUTPUT_TOKENS_DEFAULT_MAX);
	return genops_prices_upper_bound(operation->price, &expected);
}

/* --- evaluations --- */

static struct genops_evaluation *next_evaluation(struct genops_operation *operation)
{
	if (operation->decision.n_evaluations >= GENOPS_EVALUATIONS_MAX)
		return NULL;
	return &operation->evaluations[operation->decision.n_evaluations];
}

/* Over the maximum the record loses its line, the decision never its verdict. */
static void count_evaluation(struct genops_operation *operation, const struct genops_evaluation *evaluation)
{
	operation->decision.n_evaluations += evaluation == next_evaluation(operation);
	genops_decision_add(&operation->decision, evaluation);
}

static void add_evaluation(struct genops_operation *operation, const struct genops_evaluation *evaluation)
{
	struct genops_evaluation *place = next_evaluation(operation);
	if (place)
		*place = *evaluation;
	count_evaluation(operation, place ? place : evaluation);
}

static genops_str message(struct genops_operation *operation, const char *text)
{
	genops_str copy = GENOPS_STR("");
	(void)genops_arena_dup(&operation->arena, genops_str_of(text), &copy);
	return copy;
}

/* A refusal that is not a configured policy's: it blocks in every mode but audit_only and advisory. */
static void refuse(struct genops_operation *operation, genops_str policy, genops_str type, enum genops_reason reason,
    const char *text)
{
	enum genops_result result = genops_level_result(GENOPS_LEVEL_BLOCK, operation->config->mode);
	struct genops_evaluation evaluation = {
	    .policy = policy,
	    .policy_type = type,
	    .result = result,
	    .reason = reason,
	    .is_violation = true,
	    .action = result == GENOPS_BLOCKED ? GENOPS_STR("block") : GENOPS_STR("log"),
	    .message = message(operation, text),
	};
	add_evaluation(operation, &evaluation);
}

static void check_key(struct genops_operation *operation, const struct genops_operation_origin *origin)
{
	const struct genops_config_key *key = origin->key;
	genops_str model = operation->record.request_model;
	/* A look-up that names no model, like the list of models, uses none. */
	if (!key || !key->models.n || (origin->is_free && !model.len))
		return;
	for (size_t i = 0; i < key->models.n; i++) {
		if (genops_model_match(key->models.items[i], model))
			return;
	}
	char text[256];
	snprintf(text, sizeof text, "key \"%.*s\" may not use model \"%.*s\"", (int)(key->name.len > 64 ? 64 : key->name.len),
	    key->name.ptr, (int)(model.len > 96 ? 96 : model.len), model.len ? model.ptr : "");
	refuse(operation, key->name, GENOPS_STR("key"), GENOPS_REASON_KEY_BINDING, text);
}

static void check_model_is_known(struct genops_operation *operation)
{
	const struct genops_record *record = &operation->record;
	if (!operation->config->blocks_unknown_model || !record->provider.len || !record->request_model.len)
		return;
	if (operation->price && !operation->price->is_ceiling)
		return;
	char text[256];
	snprintf(text, sizeof text,
	    "the price of model \"%.*s\" of %.*s is not known and pricing.unknown_model is block; add it with pricing.files",
	    (int)(record->request_model.len > 96 ? 96 : record->request_model.len), record->request_model.ptr,
	    (int)(record->provider.len > 32 ? 32 : record->provider.len), record->provider.ptr);
	refuse(operation, GENOPS_STR("pricing.unknown_model"), GENOPS_STR("pricing"), GENOPS_REASON_UNKNOWN_MODEL, text);
}

static void check_policies(struct genops_operation *operation, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin)
{
	const struct genops_config *config = operation->config;
	struct genops_limiter limiter = {.take = take_rate, .arg = operation};
	struct genops_policy_input input = {
	    .subject = subject_of(operation),
	    .region = operation->record.region,
	    .content = options->content,
	    .has_content = origin->has_content,
	    .estimated_cost_nano_usd = operation->decision.estimated_cost_nano_usd,
	    .limiter = &limiter,
	    .hash_seed = genops_counters_hash_seed(operation->engine->counters),
	    .is_dry_run = options->is_dry_run || origin->observed,
	    .arena = &operation->arena,
	};
	size_t n = operation->decision.n_evaluations;
	operation->decision.n_evaluations += genops_policies_evaluate(config->policies, config->n_policies, config->mode,
	    &input, operation->evaluations + n, GENOPS_EVALUATIONS_MAX - n, &operation->decision);
}

/* --- budgets --- */

static bool is_bound(const struct genops_config_key *key, genops_str budget)
{
	for (size_t i = 0; key && i < key->budgets.n; i++) {
		if (key->budgets.items[i].len == budget.len && !memcmp(key->budgets.items[i].ptr, budget.ptr, budget.len))
			return true;
	}
	return false;
}

static void add_fault(struct genops_operation *operation, const struct genops_budget_ask *ask, const struct genops_error *err)
{
	bool is_open = ask->rule->on_error == GENOPS_ON_ERROR_OPEN;
	enum genops_result result = is_open ? GENOPS_ALLOWED : genops_level_result(ask->rule->level, operation->config->mode);
	char text[700];
	snprintf(text, sizeof text, "budget \"%.*s\" cannot be reserved from: %s",
	    (int)(ask->label.len > 96 ? 96 : ask->label.len), ask->label.ptr, err->message);
	struct genops_evaluation evaluation = {
	    .policy = ask->rule->name,
	    .policy_type = ask->rule->is_policy ? GENOPS_STR("budget_limit") : GENOPS_STR("budget"),
	    .result = result,
	    .reason = result == GENOPS_ALLOWED ? GENOPS_REASON_NONE : GENOPS_REASON_BUDGET_RESERVATION_FAILED,
	    .is_error = true,
	    .action = genops_level_action(result),
	    .message = message(operation, text),
	};
	add_evaluation(operation, &evaluation);
}

static int collect_budgets(
    struct genops_operation *operation, const struct genops_config_key *key, struct genops_error *err)
{
	const struct genops_config *config = operation->config;
	struct genops_match_subject subject = subject_of(operation);
	uint64_t seed = genops_counters_hash_seed(operation->engine->counters);
	for (size_t i = 0; i < config->n_budgets; i++) {
		const struct genops_budget_rule *rule = &config->budgets[i];
		if (!genops_match_holds(&rule->match, &subject) && !is_bound(key, rule->name))
			continue;
		bool has_place = operation->n_asks < GENOPS_RESERVATION_BUDGETS_MAX;
		struct genops_budget_ask over, *ask = has_place ? &operation->asks[operation->n_asks] : &over;
		ask->rule = rule;
		GENOPS_TRY(genops_budget_key(rule, &subject, &operation->arena, seed, &ask->key, &ask->label, err));
		if (!has_place) {
			(void)genops_fail(err, GENOPS_LIMIT, "more than %d budgets apply to one operation; narrow the `match` of some",
			    GENOPS_RESERVATION_BUDGETS_MAX);
			add_fault(operation, ask, err);
			continue;
		}
		ask->may_refuse = !operation->record.is_observed && genops_level_result(rule->level, config->mode) == GENOPS_BLOCKED;
		operation->may_extend |= ask->may_refuse;
		operation->n_asks++;
	}
	return GENOPS_OK;
}

static void reset_text(int64_t unix_s, char *out, size_t size)
{
	time_t at = (time_t)unix_s;
	struct tm utc;
	if (unix_s <= 0 || unix_s == INT64_MAX || !gmtime_r(&at, &utc))
		snprintf(out, size, "it does not reset");
	else
		strftime(out, size, "it resets at %Y-%m-%dT%H:%M:%SZ", &utc);
}

static void describe_refusal(const struct genops_budget_ask *ask, const struct genops_budget_answer *answer, char *text,
    size_t size)
{
	char limit[32], consumed[32], reserved[32], asked[32], resets[64];
	const struct genops_budget_refusal *refusal = &answer->refusal;
	genops_money_format(refusal->limit_nano_usd, 2, limit);
	genops_money_format(refusal->consumed_nano_usd, 2, consumed);
	genops_money_format(refusal->reserved_nano_usd, 2, reserved);
	genops_money_format(refusal->asked_nano_usd, 2, asked);
	reset_text(refusal->resets_at_unix_s, resets, sizeof resets);
	snprintf(text, size, "budget \"%.*s\": the %s limit is $%s, $%s is spent and $%s is reserved by running calls; this call may cost up to $%s; %s",
	    (int)(ask->label.len > 96 ? 96 : ask->label.len), ask->label.ptr, genops_period_name(refusal->period), limit,
	    consumed, reserved, asked, resets);
}

static void refuse_budget(struct genops_operation *operation, const struct genops_budget_ask *ask,
    const struct genops_budget_answer *answer, struct genops_evaluation *evaluation)
{
	char text[512];
	describe_refusal(ask, answer, text, sizeof text);
	evaluation->is_violation = true;
	evaluation->reason = GENOPS_REASON_BUDGET_EXCEEDED;
	evaluation->result = genops_level_result(ask->rule->level, operation->config->mode);
	evaluation->action = evaluation->result == GENOPS_BLOCKED   ? GENOPS_STR("block")
			     : evaluation->result == GENOPS_WARNING ? GENOPS_STR("alert")
								    : GENOPS_STR("log");
	evaluation->message = message(operation, text);
	if (evaluation->result == GENOPS_BLOCKED && !operation->decision.resets_at_ns &&
	    answer->refusal.resets_at_unix_s > 0 && answer->refusal.resets_at_unix_s < INT64_MAX / GENOPS_NS_PER_S)
		operation->decision.resets_at_ns = answer->refusal.resets_at_unix_s * GENOPS_NS_PER_S;
}

/* One evaluation per budget, over or not: the audit wants to see what was looked at. */
static void add_budget_evaluations(struct genops_operation *operation)
{
	for (size_t i = 0; i < operation->n_asks; i++) {
		const struct genops_budget_ask *ask = &operation->asks[i];
		const struct genops_budget_answer *answer = &operation->answers[i];
		/* Filled where it stays: copying what was only just stored makes the processor wait. */
		struct genops_evaluation over, *place = next_evaluation(operation);
		struct genops_evaluation *evaluation = place ? place : &over;
		*evaluation = (struct genops_evaluation){
		    .policy = ask->rule->name,
		    .policy_type = ask->rule->is_policy ? GENOPS_STR("budget_limit") : GENOPS_STR("budget"),
		    .action = GENOPS_STR("log"),
		};
		if (answer->is_over)
			refuse_budget(operation, ask, answer, evaluation);
		count_evaluation(operation, evaluation);
	}
}

static void copy_cut(char *to, size_t size, genops_str text)
{
	if (text.len >= size)
		text.len = size - 1;
	*genops_str_put(to, text) = '\0';
}

static void identify(const struct genops_operation *operation, struct genops_lease_identity *identity)
{
	const struct genops_record *record = &operation->record;
	const struct genops_attributes *attributes = &operation->attributes;
	*identity = (struct genops_lease_identity){.start_unix_ns = record->start_unix_ns, .is_observed = record->is_observed};
	memcpy(identity->trace_id, record->trace_id, sizeof identity->trace_id);
	memcpy(identity->span_id, record->span_id, sizeof identity->span_id);
#define COPY(field, text) copy_cut(identity->field, sizeof identity->field, text)
	COPY(provider, record->provider);
	COPY(model, record->request_model);
	COPY(key_name, record->key_name);
	COPY(team, genops_attributes_standard(attributes, GENOPS_ATTRIBUTE_TEAM));
	COPY(project, genops_attributes_standard(attributes, GENOPS_ATTRIBUTE_PROJECT));
	COPY(environment, genops_attributes_standard(attributes, GENOPS_ATTRIBUTE_ENVIRONMENT));
	COPY(customer_id, genops_attributes_standard(attributes, GENOPS_ATTRIBUTE_CUSTOMER_ID));
#undef COPY
}

static int ask_counters(struct genops_operation *operation, bool is_dry_run, int64_t amount, bool *ret_granted,
    struct genops_error *err)
{
	struct genops_counters *counters = operation->engine->counters;
	int64_t now_ns = operation->record.decided_unix_ns;
	struct genops_lease_identity identity;
	if (is_dry_run)
		return genops_counters_peek(counters, operation->asks, operation->n_asks, amount, now_ns, operation->answers,
		    ret_granted, err);
	identify(operation, &identity);
	return genops_counters_reserve(counters, operation->asks, operation->n_asks, amount, &identity, now_ns,
	    operation->answers, ret_granted, &operation->lease, err);
}

static bool is_counters_fault(int code)
{
	return code == GENOPS_LIMIT || code == GENOPS_CORRUPT;
}

/* Would this one, asked for alone, be the one that fails? */
static bool is_faulty(struct genops_operation *operation, const struct genops_budget_ask *ask, int64_t amount)
{
	struct genops_counters *counters = operation->engine->counters;
	struct genops_lease_identity identity;
	struct genops_budget_answer answer;
	struct genops_error err;
	uint32_t lease = GENOPS_LEASE_NONE;
	bool is_granted;
	identify(operation, &identity);
	int code = genops_counters_reserve(
	    counters, ask, 1, amount, &identity, genops_clock_unix_ns(), &answer, &is_granted, &lease, &err);
	if (code == GENOPS_OK && lease != GENOPS_LEASE_NONE)
		genops_counters_free(counters, lease);
	return is_counters_fault(code);
}

/* Budgets that cannot be reserved from, or all: `on_error` decides, as for a policy that cannot be evaluated. They are asked no more. */
static void give_up(struct genops_operation *operation, bool all, int64_t amount, const struct genops_error *err)
{
	size_t n = 0;
	operation->may_extend = false;
	for (size_t i = 0; i < operation->n_asks; i++) {
		const struct genops_budget_ask *ask = &operation->asks[i];
		if (all || is_faulty(operation, ask, amount)) {
			add_fault(operation, ask, err);
		} else {
			operation->may_extend |= ask->may_refuse;
			operation->asks[n++] = *ask;
		}
	}
	operation->n_asks = n;
}

static int reserve(struct genops_operation *operation, bool is_dry_run, struct genops_error *err)
{
	int64_t amount = operation->decision.estimated_cost_nano_usd;
	bool is_granted = false, had_asks = operation->n_asks > 0;
	if (amount == GENOPS_COST_UNKNOWN)
		amount = 0;
	int code = ask_counters(operation, is_dry_run, amount, &is_granted, err);
	for (int round = 0; is_counters_fault(code) && operation->n_asks; round++) {
		give_up(operation, round > 0, amount, err);
		if (operation->decision.is_refused && !operation->record.is_observed)
			return GENOPS_OK;
		code = ask_counters(operation, is_dry_run, amount, &is_granted, err);
	}
	if (is_counters_fault(code) && operation->record.is_observed)
		return err->code = GENOPS_BUSY; /* it can wait */
	/* Not even the call can be kept track of; all its budgets let it pass. */
	if (is_counters_fault(code) && had_asks)
		code = GENOPS_OK;
	if (code != GENOPS_OK)
		return code;
	operation->record.lease = operation->lease;
	add_budget_evaluations(operation);
	if (is_granted) {
		operation->reserved_nano_usd = amount;
		operation->record.reserved_nano_usd = amount;
	}
	return GENOPS_OK;
}

int genops_decide(struct genops_operation *operation, const struct genops_operation_options *options,
    const struct genops_operation_origin *origin, struct genops_error *err)
{
	struct genops_decision *decision = &operation->decision;
	operation->evaluations =
	    genops_arena_take(&operation->arena, GENOPS_EVALUATIONS_MAX * sizeof *operation->evaluations);
	if (!operation->evaluations)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation");
	decision->evaluations = operation->evaluations;
	decision->estimated_cost_nano_usd = estimate(operation, options, origin);
	check_key(operation, origin);
	if (!origin->is_free)
		check_model_is_known(operation);
	check_policies(operation, options, origin);
	GENOPS_TRY(collect_budgets(operation, origin->key, err));
	if (!decision->is_refused || origin->observed)
		GENOPS_TRY(reserve(operation, options->is_dry_run, err));
	if (origin->observed)
		decision->is_refused = false; /* the result says what would have been */
	if (decision->estimated_cost_nano_usd == GENOPS_COST_UNKNOWN)
		decision->estimated_cost_nano_usd = 0;
	operation->record.estimated_nano_usd = decision->estimated_cost_nano_usd;
	return GENOPS_OK;
}
