/* SPDX-License-Identifier: Apache-2.0
 * telemetry/span_events.c - see span_events.h.
 *
 * Profile `guides` has the guides' events (policy.evaluated, one an evaluation; cost.calculated) and beside them the
 * specification's; profile `spec` the latter only. The specification's order is kept: evaluated, reserved, reconciled, and
 * what did not run is never reconciled. */
#include "telemetry/span_events.h"

#include "base/clock.h"
#include "base/str.h"
#include "govern/money.h"

enum { SPAN_EVENTS = 11, EVENT_TIME = 1, EVENT_NAME = 2, EVENT_ATTRIBUTES = 3 };

static bool is_spec(const struct genops_span_writer *out)
{
	return (out->profiles & GENOPS_CONVENTION_GUIDES) == 0;
}

static void begin_event(struct genops_span_writer *out, const char *name, int64_t unix_ns)
{
	genops_span_writer_open_element(out, SPAN_EVENTS, EVENT_ATTRIBUTES);
	genops_span_writer_time(out, EVENT_TIME, "timeUnixNano", unix_ns);
	genops_span_writer_text(out, EVENT_NAME, "name", genops_str_of(name));
	genops_span_writer_open_list(out, "attributes");
}

static void end_event(struct genops_span_writer *out)
{
	genops_span_writer_close_list(out);
	genops_span_writer_close(out);
}

static void add_result(
    struct genops_span_writer *out, enum genops_result result, enum genops_reason reason)
{
	genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_RESULT,
	    genops_str_of(
		is_spec(out) ? genops_result_spec_name(result) : genops_result_name(result)));
	/* Set if and only if the result is not "allowed" (specification 0.1.0). */
	if (result != GENOPS_ALLOWED)
		genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_REASON_CODE,
		    genops_str_of(genops_reason_name(reason)));
}

/* The evaluation behind the decision: the named policy's, else the first. NULL: there was none. */
static const struct genops_evaluation *deciding(const struct genops_record *record)
{
	for (size_t i = 0; i < record->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &record->evaluations[i];
		if (evaluation->result == record->result &&
		    genops_str_equal(evaluation->policy, record->policy))
			return evaluation;
	}
	return record->n_evaluations ? &record->evaluations[0] : NULL;
}

static genops_str action_of(const struct genops_evaluation *evaluation, enum genops_result result)
{
	if (evaluation && evaluation->action.len && evaluation->result == result)
		return evaluation->action;
	switch (result) {
	case GENOPS_ALLOWED:
		return (genops_str){0};
	case GENOPS_WARNING:
		return GENOPS_STR("alert");
	case GENOPS_RATE_LIMITED:
		return GENOPS_STR("throttle");
	case GENOPS_BLOCKED:
		return GENOPS_STR("block");
	}
	return (genops_str){0};
}

void genops_span_events_decision(struct genops_span_writer *out, const struct genops_record *record)
{
	const struct genops_evaluation *evaluation = deciding(record);
	genops_str name = record->policy;
	if (!name.len && evaluation)
		name = evaluation->policy;
	genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_NAME, name);
	add_result(out, record->result, record->reason);
	genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_REASON, record->message);
	genops_span_writer_int(
	    out, GENOPS_CONVENTION_POLICY_TIMESTAMP, record->decided_unix_ns / GENOPS_NS_PER_MS);
	if (record->result != GENOPS_ALLOWED)
		genops_span_writer_string(
		    out, GENOPS_CONVENTION_POLICY_VIOLATION_TYPE, record->policy_type);
	genops_span_writer_string(
	    out, GENOPS_CONVENTION_POLICY_ACTION, action_of(evaluation, record->result));
}

static genops_str model_of(const struct genops_record *record)
{
	return record->response_model.len ? record->response_model : record->request_model;
}

static void add_cost_core(struct genops_span_writer *out, const struct genops_record *record)
{
	genops_span_writer_money(out, GENOPS_CONVENTION_COST_TOTAL, record->actual_nano_usd);
	genops_span_writer_string(out, GENOPS_CONVENTION_COST_CURRENCY, GENOPS_STR("USD"));
	genops_span_writer_string(out, GENOPS_CONVENTION_COST_MODEL, model_of(record));
	genops_span_writer_string(out, GENOPS_CONVENTION_COST_PROVIDER, record->provider);
}

/* What never ran has no cost: not even a zero, which would look like a free call. */
void genops_span_events_cost(struct genops_span_writer *out, const struct genops_record *record)
{
	if (!genops_conventions_is_executed(record->outcome))
		return;
	add_cost_core(out, record);
	/* A cost that somebody recorded as one sum has no parts. */
	if (record->input_nano_usd || record->output_nano_usd || !record->actual_nano_usd) {
		genops_span_writer_money(out, GENOPS_CONVENTION_COST_INPUT, record->input_nano_usd);
		genops_span_writer_money(
		    out, GENOPS_CONVENTION_COST_OUTPUT, record->output_nano_usd);
	}
	if (record->is_cost_estimated)
		genops_span_writer_bool(out, GENOPS_CONVENTION_COST_ESTIMATED, true);
	genops_span_writer_string(out, GENOPS_CONVENTION_COST_PRICE_SOURCE, record->price_source);
}

static double used_share(int64_t consumed_nano_usd, int64_t limit_nano_usd)
{
	if (limit_nano_usd <= 0)
		return 1;
	return (double)consumed_nano_usd / (double)limit_nano_usd;
}

/* A span has room for one budget: the one with the largest share used up. NULL: none applied. */
static const struct genops_record_budget *tightest(const struct genops_record *record)
{
	const struct genops_record_budget *best = NULL;
	for (size_t i = 0; i < record->n_budgets; i++) {
		const struct genops_record_budget *budget = &record->budgets[i];
		if (!best || used_share(budget->consumed_nano_usd, budget->limit_nano_usd) >
				 used_share(best->consumed_nano_usd, best->limit_nano_usd))
			best = budget;
	}
	return best;
}

/* Limit, what is used of it and what is left, under all the names that readers look for (contract A-005). */
static void add_budget_amounts(struct genops_span_writer *out, enum genops_period period,
    int64_t limit_nano_usd, int64_t consumed_nano_usd)
{
	int64_t remaining = genops_money_difference(limit_nano_usd, consumed_nano_usd);
	genops_span_writer_money(out, GENOPS_CONVENTION_BUDGET_LIMIT, limit_nano_usd);
	genops_span_writer_money(out, GENOPS_CONVENTION_BUDGET_ALLOCATED, limit_nano_usd);
	genops_span_writer_money(out, GENOPS_CONVENTION_BUDGET_CONSUMED, consumed_nano_usd);
	genops_span_writer_money(out, GENOPS_CONVENTION_BUDGET_USED, consumed_nano_usd);
	genops_span_writer_money(out, GENOPS_CONVENTION_BUDGET_REMAINING, remaining);
	genops_span_writer_double(out, GENOPS_CONVENTION_BUDGET_UTILIZATION,
	    100 * used_share(consumed_nano_usd, limit_nano_usd));
	genops_span_writer_string(
	    out, GENOPS_CONVENTION_BUDGET_PERIOD, genops_str_of(genops_period_name(period)));
}

static void add_alert(struct genops_span_writer *out, const struct genops_record_alert *alert)
{
	genops_span_writer_string(out, GENOPS_CONVENTION_BUDGET_NAME, alert->budget);
	add_budget_amounts(
	    out, alert->alert.period, alert->alert.limit_nano_usd, alert->alert.consumed_nano_usd);
	genops_span_writer_double(
	    out, GENOPS_CONVENTION_BUDGET_ALERT_THRESHOLD, alert->alert.percent / 100.0);
}

void genops_span_events_budget(struct genops_span_writer *out, const struct genops_record *record)
{
	const struct genops_record_budget *budget = tightest(record);
	if (!budget && record->n_alerts) {
		add_alert(out, &record->alerts[record->n_alerts - 1]); /* an alert's own span */
		return;
	}
	if (!budget)
		return;
	genops_span_writer_string(out, GENOPS_CONVENTION_BUDGET_NAME, budget->name);
	if (!genops_str_equal(budget->label, budget->name))
		genops_span_writer_string(out, GENOPS_CONVENTION_BUDGET_SCOPE, budget->label);
	add_budget_amounts(out, budget->period, budget->limit_nano_usd, budget->consumed_nano_usd);
	if (budget->alert_percent > 0)
		genops_span_writer_double(
		    out, GENOPS_CONVENTION_BUDGET_ALERT_THRESHOLD, budget->alert_percent / 100.0);
}

static void add_reserved(struct genops_span_writer *out, const struct genops_record *record)
{
	genops_span_writer_money(
	    out, GENOPS_CONVENTION_ACCOUNTING_RESERVED, record->reserved_nano_usd);
	genops_span_writer_string(out, GENOPS_CONVENTION_ACCOUNTING_UNIT, GENOPS_STR("USD"));
}

static void add_actual(struct genops_span_writer *out, const struct genops_record *record)
{
	genops_span_writer_money(out, GENOPS_CONVENTION_ACCOUNTING_ACTUAL, record->actual_nano_usd);
	genops_span_writer_money(out, GENOPS_CONVENTION_ACCOUNTING_DELTA,
	    genops_money_difference(record->actual_nano_usd, record->reserved_nano_usd));
	if (record->outcome == GENOPS_OUTCOME_ABANDONED)
		genops_span_writer_bool(out, GENOPS_CONVENTION_ACCOUNTING_INCOMPLETE, true);
}

/* A refusal ends before anything is reserved (DESIGN 3). */
void genops_span_events_accounting(
    struct genops_span_writer *out, const struct genops_record *record)
{
	if (record->is_refused)
		return;
	add_reserved(out, record);
	if (genops_conventions_is_executed(record->outcome))
		add_actual(out, record);
}

static void write_evaluation(
    struct genops_span_writer *out, const struct genops_evaluation *evaluation, int64_t at)
{
	begin_event(out, "policy.evaluated", at);
	genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_NAME, evaluation->policy);
	/* The guides have a fourth result for what could not be evaluated; the span tells what was made of it. */
	if (evaluation->is_error)
		genops_span_writer_string(
		    out, GENOPS_CONVENTION_POLICY_RESULT, GENOPS_STR("error"));
	else
		add_result(out, evaluation->result, evaluation->reason);
	genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_REASON, evaluation->message);
	if (evaluation->is_violation)
		genops_span_writer_string(
		    out, GENOPS_CONVENTION_POLICY_VIOLATION_TYPE, evaluation->policy_type);
	genops_span_writer_string(
	    out, GENOPS_CONVENTION_POLICY_ACTION, action_of(evaluation, evaluation->result));
	end_event(out);
}

static void write_decision(struct genops_span_writer *out, const struct genops_record *record,
    const char *name, int64_t at)
{
	begin_event(out, name, at);
	genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_NAME, record->policy);
	add_result(out, record->result, record->reason);
	genops_span_writer_string(out, GENOPS_CONVENTION_POLICY_REASON, record->message);
	end_event(out);
}

static void write_reservation(
    struct genops_span_writer *out, const struct genops_record *record, int64_t at)
{
	const struct genops_record_budget *budget = tightest(record);
	begin_event(out, "genops.budget.reservation", at);
	add_reserved(out, record);
	if (budget)
		genops_span_writer_string(out, GENOPS_CONVENTION_BUDGET_NAME, budget->name);
	end_event(out);
}

static void write_reconciliation(struct genops_span_writer *out, const struct genops_record *record)
{
	const struct genops_record_budget *budget = tightest(record);
	begin_event(out, "genops.budget.reconciliation", record->end_unix_ns);
	add_reserved(out, record);
	add_actual(out, record);
	if (budget)
		genops_span_writer_string(out, GENOPS_CONVENTION_BUDGET_NAME, budget->name);
	end_event(out);
}

static bool is_same_evaluation(const struct genops_evaluation *a, const struct genops_evaluation *b)
{
	return a->result == b->result && a->reason == b->reason && a->is_violation == b->is_violation &&
	       a->is_error == b->is_error && genops_str_equal(a->policy, b->policy) &&
	       genops_str_equal(a->policy_type, b->policy_type) && genops_str_equal(a->action, b->action) &&
	       genops_str_equal(a->message, b->message);
}

/* Are the events of their decisions the same, but for the time? */
static bool is_decided_alike(const struct genops_record *a, const struct genops_record *b)
{
	bool is_alike = a->n_evaluations == b->n_evaluations && a->result == b->result && a->reason == b->reason &&
			genops_str_equal(a->policy, b->policy) && genops_str_equal(a->message, b->message);
	for (size_t i = 0; is_alike && i < a->n_evaluations; i++)
		is_alike = is_same_evaluation(&a->evaluations[i], &b->evaluations[i]);
	return is_alike;
}

static void write_decisions(struct genops_span_writer *out, const struct genops_record *record, int64_t decided)
{
	const struct genops_record *told = genops_span_writer_told(out, GENOPS_SPAN_TOLD_EVALUATIONS);
	size_t from = out->buf->len;
	if (told && is_decided_alike(told, record)) {
		genops_span_writer_tell_events_again(out, GENOPS_SPAN_TOLD_EVALUATIONS, decided);
		return;
	}
	if (!is_spec(out)) {
		for (size_t i = 0; i < record->n_evaluations; i++)
			write_evaluation(out, &record->evaluations[i], decided);
		if (!record->n_evaluations)
			write_decision(out, record, "policy.evaluated", decided);
	}
	write_decision(out, record, "genops.policy.evaluated", decided);
	genops_span_writer_remember(out, GENOPS_SPAN_TOLD_EVALUATIONS, record, from);
}

static void write_operation(struct genops_span_writer *out, const struct genops_record *record)
{
	int64_t decided = record->decided_unix_ns ? record->decided_unix_ns : record->start_unix_ns;
	write_decisions(out, record, decided);
	if (record->is_refused)
		return;
	write_reservation(out, record, decided);
	if (!genops_conventions_is_executed(record->outcome))
		return;
	begin_event(
	    out, is_spec(out) ? "genops.cost.calculated" : "cost.calculated", record->end_unix_ns);
	add_cost_core(out, record);
	end_event(out);
	write_reconciliation(out, record);
}

void genops_span_events_write(struct genops_span_writer *out, const struct genops_record *record)
{
	if (!genops_conventions_is_alert(record))
		write_operation(out, record);
	for (size_t i = 0; i < record->n_alerts; i++) {
		begin_event(out, "genops.budget.alert", record->end_unix_ns);
		add_alert(out, &record->alerts[i]);
		end_event(out);
	}
}
