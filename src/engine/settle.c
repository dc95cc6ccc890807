/* SPDX-License-Identifier: Apache-2.0
 * engine/settle.c - the way out of every operation: price, append the record, settle the counters.
 *
 * The record is appended first and the counters settle after it (store/counters.h): if this process dies in
 * between, the drain finds the record and settles the lease with its amount. If the record cannot be appended
 * (full disk), the counters still settle, because the money is spent; the error tells the caller and the log.
 */
#include "engine/operation.h"

#include "base/clock.h"
#include "govern/money.h"

#define ALERTS_MAX 16

int64_t genops_settle_cost(const struct genops_operation *operation, struct genops_quote *ret_quote)
{
	*ret_quote = (struct genops_quote){0};
	if (operation->price)
		*ret_quote = genops_prices_quote(operation->price, &operation->record.usage);
	return genops_money_add(ret_quote->total_nano_usd, operation->extra_cost_nano_usd);
}

/* The model that answered is what is billed, if its price is known. */
static void price_answering_model(struct genops_operation *operation)
{
	const struct genops_record *record = &operation->record;
	if (!record->response_model.len || !operation->price)
		return;
	const struct genops_price *price = genops_prices_find(operation->config->prices, operation->price->provider,
	    record->response_model, record->start_unix_ns / GENOPS_NS_PER_S);
	if (price && !price->is_ceiling)
		operation->price = price;
}

static int fill_budgets(struct genops_operation *operation, int64_t actual, struct genops_error *err)
{
	struct genops_record *record = &operation->record;
	if (operation->lease == GENOPS_LEASE_NONE || !operation->n_asks)
		return GENOPS_OK;
	struct genops_record_budget *budgets =
	    genops_arena_alloc(&operation->arena, operation->n_asks * sizeof *budgets);
	if (!budgets)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the record's budgets");
	int64_t now_s = record->end_unix_ns / GENOPS_NS_PER_S;
	for (size_t i = 0; i < operation->n_asks; i++) {
		const struct genops_budget_ask *ask = &operation->asks[i];
		const struct genops_budget_answer *answer = &operation->answers[i];
		struct genops_record_budget *budget = &budgets[i];
		budget->key = ask->key;
		budget->name = ask->rule->name;
		budget->label = ask->label;
		budget->period = answer->tightest;
		budget->limit_nano_usd = answer->limit_nano_usd;
		budget->consumed_nano_usd = genops_money_add(answer->consumed_nano_usd, actual);
		budget->reserved_nano_usd = answer->reserved_nano_usd;
		for (int period = 0; period < GENOPS_PERIOD_N; period++) {
			if (ask->rule->limit_nano_usd[period] == GENOPS_COST_UNKNOWN)
				continue;
			budget->lines[budget->n_lines].period = (enum genops_period)period;
			genops_period_bounds(ask->rule->zone, (enum genops_period)period, now_s,
			    &budget->lines[budget->n_lines].start_unix_s, &budget->lines[budget->n_lines].end_unix_s);
			budget->n_lines++;
		}
	}
	record->budgets = budgets;
	record->n_budgets = operation->n_asks;
	return GENOPS_OK;
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
}

static void fill_money(struct genops_operation *operation, enum genops_outcome outcome)
{
	struct genops_record *record = &operation->record;
	struct genops_quote quote = {0};
	bool is_executed = outcome != GENOPS_OUTCOME_REFUSED && outcome != GENOPS_OUTCOME_NOT_SENT;
	if (is_executed) {
		price_answering_model(operation);
		record->actual_nano_usd = genops_settle_cost(operation, &quote);
	}
	record->input_nano_usd = genops_money_add(quote.input_nano_usd, is_executed ? operation->extra_cost_nano_usd : 0);
	record->output_nano_usd = quote.output_nano_usd;
	if (operation->price) {
		record->price_source = operation->price->source;
		record->is_cost_estimated = operation->price->is_ceiling;
	}
	record->is_cost_estimated |= record->usage.is_estimated;
}

/* Alerts are told as an entry of their own: which call crossed a threshold is only known once it has settled. */
static void append_alerts(struct genops_operation *operation, const struct genops_counters_alert *crossed, size_t n)
{
	struct genops_record_alert alerts[ALERTS_MAX];
	struct genops_record event = operation->record;
	for (size_t i = 0; i < n; i++) {
		alerts[i].budget = operation->asks[crossed[i].ask].label;
		alerts[i].alert = crossed[i].alert;
	}
	memcpy(event.parent_span_id, event.span_id, sizeof event.parent_span_id);
	genops_span_id_new(event.span_id);
	event.name = GENOPS_STR("budget.alert");
	event.type = GENOPS_STR("genops.budget.alert");
	event.start_unix_ns = event.decided_unix_ns = event.end_unix_ns;
	event.usage = (genops_usage){0};
	event.actual_nano_usd = event.input_nano_usd = event.output_nano_usd = event.reserved_nano_usd = 0;
	event.n_budgets = event.n_evaluations = 0;
	event.alerts = alerts;
	event.n_alerts = n;
	genops_buffer_clear(&operation->encoded);
	genops_record_encode(&event, &operation->encoded);
	struct genops_error err;
	if (operation->encoded.error ||
	    genops_segment_append(operation->engine->segments, GENOPS_ENTRY_EVENT,
		genops_buffer_view(&operation->encoded), NULL, &err) != GENOPS_OK)
		genops_log_write(&operation->engine->log, GENOPS_LOG_ERROR, "a budget alert could not be stored: %s",
		    operation->encoded.error ? "out of memory" : err.message);
}

static int append(struct genops_operation *operation, struct genops_error *err)
{
	genops_record_encode(&operation->record, &operation->encoded);
	if (operation->encoded.error)
		return genops_fail(err, operation->encoded.error, "the record of operation %s cannot be encoded: %s",
		    operation->id, genops_error_text(operation->encoded.error));
	return genops_segment_append(operation->engine->segments, GENOPS_ENTRY_OPERATION,
	    genops_buffer_view(&operation->encoded), NULL, err);
}

int genops_settle(
    struct genops_operation *operation, enum genops_outcome outcome, int64_t now_unix_ns, struct genops_error *err)
{
	genops_engine *engine = operation->engine;
	struct genops_record *record = &operation->record;
	struct genops_counters_alert alerts[ALERTS_MAX];
	record->outcome = outcome;
	/* A wall clock that went back must not give a call that ended before it began. */
	record->end_unix_ns = now_unix_ns > record->start_unix_ns ? now_unix_ns : record->start_unix_ns;
	fill_money(operation, outcome);
	fill_decision(operation);
	int code = fill_budgets(operation, record->actual_nano_usd, err);
	if (code == GENOPS_OK)
		code = append(operation, err);
	if (code != GENOPS_OK) {
		atomic_fetch_add_explicit(&engine->n_append_failures, 1, memory_order_relaxed);
		if (err)
			genops_log_error(&engine->log, GENOPS_LOG_ERROR, "a record was not stored", err);
	}
	if (operation->lease != GENOPS_LEASE_NONE) {
		size_t n = genops_counters_settle(engine->counters, operation->lease, operation->asks, operation->n_asks,
		    record->actual_nano_usd, now_unix_ns, NULL, alerts, ALERTS_MAX);
		operation->lease = GENOPS_LEASE_NONE;
		if (n)
			append_alerts(operation, alerts, n < ALERTS_MAX ? n : ALERTS_MAX);
	}
	return code;
}
