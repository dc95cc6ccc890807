/* SPDX-License-Identifier: Apache-2.0 - engine/operation/settle.c: what each way out costs, and that it is counted once. */
#include "engine_fixture.h"

#include "engine/operation/operation.h"

static const char config[] = "governance: {budgets: [{name: all, total_budget: 0.00001, alerts: [50, 90]}]}\n"; /* 10,000 nano-USD */

static struct seen run(genops_engine *engine, enum genops_outcome outcome, int64_t estimate, int64_t actual)
{
	char id[64];
	genops_operation *operation = begin(engine, (struct call){.estimate = estimate});
	snprintf(id, sizeof id, "%s", genops_operation_id(operation));
	assert_int_equal(genops_operation_record_cost(operation, actual, NULL), GENOPS_OK);
	end(operation, outcome);
	return look_up(engine, "operation", id);
}

/* proves CORE-001 (reserve, then actual, then reconciliation) for every way out */
static void every_way_out(void **state)
{
	static const struct {
		enum genops_outcome outcome;
		const char *name;
		int64_t cost;
		bool is_estimated;
	} rows[] = {
	    {GENOPS_OUTCOME_OK, "ok", 70, false},
	    {GENOPS_OUTCOME_PROVIDER_ERROR, "provider_error", 70, false},
	    {GENOPS_OUTCOME_NOT_SENT, "not_sent", 0, false},
	    {GENOPS_OUTCOME_CANCELLED, "cancelled", 70, true},
	    {GENOPS_OUTCOME_CUT_OFF, "cut_off", 70, false},
	};
	genops_engine *engine = open_engine(*state, config);
	int64_t sum = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct seen seen = run(engine, rows[i].outcome, 100, 70);
		assert_int_equal(seen.n, 1);
		assert_string_equal(seen.outcome, rows[i].name);
		assert_int_equal(seen.cost, rows[i].cost);
		assert_int_equal(seen.estimated, 100);
		assert_int_equal(seen.reserved, 100);
		assert_int_equal(seen.is_cost_estimated, rows[i].is_estimated);
		sum += rows[i].cost;
		assert_int_equal(budget_of(engine, "all").consumed_nano_usd, sum);
		assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
		assert_int_equal(spent(engine), sum);
	}
	genops_engine_close(engine);
}

static void a_refused_call_costs_nothing_whatever_is_said(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct seen seen = run(engine, GENOPS_OUTCOME_OK, 20000, 70);
	assert_string_equal(seen.outcome, "refused");
	assert_string_equal(seen.reason, "BUDGET_EXCEEDED");
	assert_true(seen.is_refused);
	assert_int_equal(seen.cost, 0);
	assert_int_equal(spent(engine), 0);
	genops_engine_close(engine);
}

static void usage_is_priced_and_extra_cost_added(void **state)
{
	genops_engine *engine = open_engine(*state, "{}\n");
	genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .in = 10, .out = 10});
	genops_usage usage = {.input_tokens = 9, .output_tokens = 2}; /* 0.15 and 0.60 USD a million */
	assert_int_equal(genops_operation_record_usage(operation, &usage, NULL), GENOPS_OK);
	assert_int_equal(genops_operation_cost(operation), 2550);
	assert_int_equal(genops_operation_record_usage(operation, &usage, NULL), GENOPS_OK); /* totals, not increments */
	assert_int_equal(genops_operation_cost(operation), 2550);
	genops_operation_record_cost(operation, 50, NULL);
	genops_operation_record_cost(operation, 50, NULL); /* these add up */
	assert_int_equal(genops_operation_cost(operation), 2650);
	end(operation, GENOPS_OUTCOME_OK);
	assert_int_equal(spent(engine), 2650);
	genops_engine_close(engine);
}

/* The model that answered is billed, if its price is known; an unknown one leaves the requested one's. */
static void the_model_that_answers_is_billed(void **state)
{
	genops_engine *engine = open_engine(*state, "{}\n");
	const char *const answers[] = {"gpt-4o-mini-2024-07-18", "gpt-4o", "some-unknown-model"};
	const int64_t costs[] = {2550, 2550, 2550};
	for (size_t i = 0; i < 3; i++) {
		genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .in = 10, .out = 10});
		genops_usage usage = {.input_tokens = 9, .output_tokens = 2};
		char id[64];
		snprintf(id, sizeof id, "%s", genops_operation_id(operation));
		genops_operation_record_usage(operation, &usage, NULL);
		genops_operation_record_model(operation, genops_str_of(answers[i]), NULL);
		end(operation, GENOPS_OUTCOME_OK);
		struct seen seen = look_up(engine, "operation", id);
		assert_string_equal(seen.response_model, answers[i]);
		if (i == 1)
			assert_true(seen.cost > costs[i]);
		else
			assert_int_equal(seen.cost, costs[i]);
	}
	genops_engine_close(engine);
}

static int count_alerts(void *arg, const struct genops_audit_event *event)
{
	size_t *n = arg;
	(*n)++;
	assert_true(event->detail.len > 0);
	return GENOPS_OK;
}

static size_t alerts(genops_engine *engine)
{
	struct genops_report_filter where = {GENOPS_STR("kind"), GENOPS_STR("budget.alert")};
	struct genops_audit_report_query query = {.size = sizeof query, .where = &where, .n_where = 1};
	struct genops_error err;
	size_t n = 0;
	flush(engine);
	assert_int_equal(genops_report_audit(engine, &query, count_alerts, &n, &err), GENOPS_OK);
	return n;
}

/* proves that a threshold is told once a period */
static void alerts_come_once(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	run(engine, GENOPS_OUTCOME_OK, 4000, 4000);
	assert_int_equal(alerts(engine), 0);
	run(engine, GENOPS_OUTCOME_OK, 1500, 1500); /* 55 % */
	assert_int_equal(alerts(engine), 1);
	run(engine, GENOPS_OUTCOME_OK, 100, 100);
	assert_int_equal(alerts(engine), 1);
	run(engine, GENOPS_OUTCOME_OK, 4000, 4000); /* 96 % */
	assert_int_equal(alerts(engine), 2);
	genops_engine_close(engine);
	engine = open_engine(*state, config); /* nor told again by a new start */
	run(engine, GENOPS_OUTCOME_OK, 100, 100);
	assert_int_equal(alerts(engine), 2);
	genops_engine_close(engine);
}

static void a_reservation_grows_while_there_is_room(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	genops_operation *operation = begin(engine, (struct call){.estimate = 100});
	assert_true(genops_operation_extend(operation, 50)); /* less than it has */
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 100);
	assert_true(genops_operation_extend(operation, 9000));
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 9000);
	assert_false(genops_operation_extend(operation, 10001));
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 9000); /* what is reserved stays */
	genops_operation *other = begin(engine, (struct call){.estimate = 1001});
	assert_true(genops_operation_decision(other)->is_refused);
	end(other, GENOPS_OUTCOME_OK);
	genops_operation_record_cost(operation, 8000, NULL);
	end(operation, GENOPS_OUTCOME_CUT_OFF);
	assert_int_equal(budget_of(engine, "all").consumed_nano_usd, 8000);
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
	genops_engine_close(engine);
}

/* A wall clock that was set back between begin and end. */
static void a_call_never_ends_before_it_began(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	genops_operation *operation = begin(engine, (struct call){.estimate = 100});
	struct genops_error err;
	char id[64];
	snprintf(id, sizeof id, "%s", genops_operation_id(operation));
	genops_operation_record_cost(operation, 10, NULL);
	assert_int_equal(genops_settle(operation, GENOPS_OUTCOME_OK, operation->record.start_unix_ns - 5000000000, &err), GENOPS_OK);
	assert_true(operation->record.end_unix_ns >= operation->record.start_unix_ns);
	/* Settled already: ending it may leave another record, the money is counted once. */
	(void)genops_operation_end(operation, GENOPS_OUTCOME_OK, &err);
	assert_int_equal(look_up(engine, "operation", id).n, 1);
	assert_int_equal(budget_of(engine, "all").consumed_nano_usd, 10);
	assert_int_equal(spent(engine), 10);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(every_way_out),
	    TEST(a_refused_call_costs_nothing_whatever_is_said),
	    TEST(usage_is_priced_and_extra_cost_added),
	    TEST(the_model_that_answers_is_billed),
	    TEST(alerts_come_once),
	    TEST(a_reservation_grows_while_there_is_room),
	    TEST(a_call_never_ends_before_it_began),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
