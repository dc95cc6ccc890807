/* SPDX-License-Identifier: Apache-2.0
 * engine/operation/settle.c - the way out of every operation: price, append the record, settle the counters.
 *
 * The counters are committed first, which tells the figures, windows and alerts that the record carries; then the record is
 * appended and the lease freed (store/counters.h). If this process dies in between, the reaper finds the committed lease and
 * records the call. If the record cannot be appended (full disk), it is kept and tried again by upkeep.c; the lease
 * stays committed meanwhile, so even then nothing is lost with this process.
 */
#include "engine/operation/operation.h"
#include "engine/operation/pending.h"

#include "base/clock.h"
#include "govern/money.h"

int64_t genops_settle_cost(const struct genops_operation *operation, struct genops_quote *ret_quote)
{
	*ret_quote = (struct genops_quote){0};
	if (operation->is_quoted)
		*ret_quote = operation->quote;
	else if (operation->price)
		*ret_quote = genops_prices_quote(operation->price, &operation->record.usage);
	return genops_money_add(ret_quote->total_nano_usd, operation->extra_cost_nano_usd);
}

/* Field by field: what lies between the fields is not set. */
static bool is_same(const genops_usage *a, const genops_usage *b)
{
#define X(field, unit)                                                                                                     \
	if (a->field != b->field)                                                                                          \
		return false;
	GENOPS_USAGE_FIELDS(X)
#undef X
	return a->tier == b->tier && a->is_estimated == b->is_estimated;
}

bool genops_settle_usage(struct genops_operation *operation, const genops_usage *usage)
{
	if (operation->is_quoted && is_same(&operation->record.usage, usage))
		return false;
	operation->record.usage = *usage;
	operation->is_quoted = false;
	(void)genops_settle_cost(operation, &operation->quote);
	operation->is_quoted = true;
	return true;
}

void genops_settle_price_answer(struct genops_operation *operation)
{
	const struct genops_record *record = &operation->record;
	if (!record->response_model.len || !operation->price)
		return;
	const struct genops_price *price = genops_prices_find(operation->config->prices, operation->price_provider,
	    record->response_model, record->start_unix_ns / GENOPS_NS_PER_S);
	if (!price || price->is_ceiling)
		return;
	operation->price = price;
	operation->is_quoted = false;
}

static void fill_budget(const struct genops_budget_ask *ask, const struct genops_budget_answer *answer,
    struct genops_record_budget *budget)
{
	budget->key = ask->key;
	budget->name = ask->rule->name;
	budget->label = ask->label;
	budget->period = answer->tightest;
	budget->limit_nano_usd = answer->limit_nano_usd;
	budget->consumed_nano_usd = answer->consumed_nano_usd;
	budget->reserved_nano_usd = answer->reserved_nano_usd;
	budget->alert_percent = ask->rule->n_alerts ? ask->rule->alert_percent[0] : 0;
	budget->n_lines = answer->n_windows;
	for (size_t i = 0; i < answer->n_windows; i++) {
		budget->lines[i].period = answer->windows[i].period;
		budget->lines[i].start_unix_s = answer->windows[i].start_unix_s;
		budget->lines[i].end_unix_s = answer->windows[i].end_unix_s;
	}
}

/* Commits the counters and takes over what they say. Needs no memory: nothing may fail between the counters and the record. */
static void commit(struct genops_operation *operation, int64_t now_unix_ns)
{
	struct genops_record *record = &operation->record;
	struct genops_counters_alert crossed[GENOPS_OPERATION_ALERTS_MAX];
	if (operation->lease == GENOPS_LEASE_NONE)
		return;
	size_t n = genops_counters_commit(operation->engine->counters, operation->lease, operation->asks, operation->n_asks,
	    record->actual_nano_usd, now_unix_ns, operation->answers, crossed, GENOPS_OPERATION_ALERTS_MAX);
	if (n > GENOPS_OPERATION_ALERTS_MAX)
		n = GENOPS_OPERATION_ALERTS_MAX;
	for (size_t i = 0; i < operation->n_asks; i++)
		fill_budget(&operation->asks[i], &operation->answers[i], &operation->budgets[i]);
	for (size_t i = 0; i < n; i++)
		operation->alerts[i] =
		    (struct genops_record_alert){operation->asks[crossed[i].ask].label, crossed[i].alert};
	record->budgets = operation->budgets;
	record->n_budgets = operation->n_asks;
	record->alerts = operation->alerts;
	record->n_alerts = n;
}

static void fill_decision(struct genops_operation *operation)
{
	struct genops_record *record = &operation->record;
	const struct genops_decision *decision = &operation->decision;
	record->result = decision->result;
	record->reason = decision->reason;
	record->is_refused = decision->is_refused;
	record->delayed_ns = decision->is_refused ? 0 : decision->delay_ns;
	record->policy = decision->policy;
	record->policy_type = decision->policy_type;
	record->message = decision->message;
	record->n_evaluations = decision->n_evaluations;
	record->evaluations = decision->evaluations;
	record->n_attributes = operation->attributes.n;
	record->attributes = operation->attributes.items;
	record->n_attribute_pieces = operation->attributes.n_pieces;
	record->attribute_pieces = operation->attributes.pieces;
}

static void fill_money(struct genops_operation *operation, enum genops_outcome outcome)
{
	struct genops_record *record = &operation->record;
	struct genops_quote quote = {0};
	bool is_executed = outcome != GENOPS_OUTCOME_REFUSED && outcome != GENOPS_OUTCOME_NOT_SENT;
	if (is_executed)
		record->actual_nano_usd = genops_settle_cost(operation, &quote);
	record->input_nano_usd = genops_money_add(quote.input_nano_usd, is_executed ? operation->extra_cost_nano_usd : 0);
	record->output_nano_usd = quote.output_nano_usd;
	if (operation->price) {
		record->price_source = operation->price->source;
		record->is_cost_estimated = operation->price->is_ceiling;
	}
	record->is_cost_estimated |= record->usage.is_estimated || outcome == GENOPS_OUTCOME_CANCELLED;
}

static int encode(struct genops_operation *operation, struct genops_error *err)
{
	genops_record_encode(&operation->record, &operation->encoded);
	if (operation->encoded.error)
		return genops_fail(err, operation->encoded.error, "the record of operation %s cannot be encoded: %s",
		    genops_operation_id(operation), genops_error_text(operation->encoded.error));
	return GENOPS_OK;
}

static int append(struct genops_operation *operation, struct genops_error *err)
{
	GENOPS_TRY(encode(operation, err));
	return genops_segment_append(operation->engine->segments, GENOPS_ENTRY_OPERATION,
	    genops_buffer_view(&operation->encoded), NULL, err);
}

int genops_settle(
    struct genops_operation *operation, enum genops_outcome outcome, int64_t now_unix_ns, struct genops_error *err)
{
	genops_engine *engine = operation->engine;
	struct genops_record *record = &operation->record;
	struct genops_error own;
	if (!err)
		err = &own;
	if (operation->is_settled)
		return GENOPS_OK;
	operation->is_settled = true;
	record->outcome = outcome;
	/* A wall clock that went back must not give a call that ended before it began. */
	record->end_unix_ns = now_unix_ns > record->start_unix_ns ? now_unix_ns : record->start_unix_ns;
	fill_money(operation, outcome);
	fill_decision(operation);
	commit(operation, record->end_unix_ns);
	int code = append(operation, err);
	if (code == GENOPS_OK) {
		if (operation->lease != GENOPS_LEASE_NONE)
			genops_counters_free(engine->counters, operation->lease);
		return GENOPS_OK;
	}
	atomic_fetch_add_explicit(&engine->n_append_failures, 1, memory_order_relaxed);
	genops_pending_add(engine, operation->lease, genops_buffer_view(&operation->encoded));
	genops_log_error(&engine->log, GENOPS_LOG_ERROR, "a record could not be stored yet", err);
	return code;
}

int genops_settle_observed(struct genops_operation *operation, enum genops_outcome outcome, int64_t end_unix_ns,
    int64_t cost_nano_usd, struct genops_error *err)
{
	struct genops_record *record = &operation->record;
	operation->is_settled = true;
	record->outcome = outcome;
	record->end_unix_ns = end_unix_ns > record->start_unix_ns ? end_unix_ns : record->start_unix_ns;
	if (cost_nano_usd != GENOPS_COST_UNKNOWN) {
		operation->price = NULL;
		operation->is_quoted = false;
		operation->extra_cost_nano_usd = cost_nano_usd;
		record->price_source = GENOPS_STR("span");
	}
	fill_money(operation, outcome);
	if (cost_nano_usd != GENOPS_COST_UNKNOWN) {
		record->input_nano_usd = 0; /* one sum: its parts are not known */
		record->is_cost_estimated = false;
	}
	fill_decision(operation);
	commit(operation, genops_clock_unix_ns());
	int code = encode(operation, err);
	if (code != GENOPS_OK && operation->lease != GENOPS_LEASE_NONE)
		genops_counters_revert(operation->engine->counters, operation->lease);
	return code;
}
