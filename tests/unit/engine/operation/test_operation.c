/* SPDX-License-Identifier: Apache-2.0 - engine/operation/operation.c: begin, what may be recorded, end, the pool. */
#include "engine_fixture.h"

static const char config[] = "governance:\n"
			     "  attributes: {team: default-team, environment: test, cost_center: cc1}\n"
			     "  budgets: [{name: all, total_budget: 1.0}]\n";

/* proves CORE-009, CORE-010: defaults < baggage < the operation's own */
static void attributes_have_an_order(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct genops_attribute own[] = {text_attribute("project", "own"), text_attribute("x.custom", "1")};
	genops_operation *operation = begin(engine,
	    (struct call){.baggage = "genops.team=bags,genops.project=bags,genops.customer_id=acme,other=2", .attributes = own, .n_attributes = 2});
	char id[64];
	snprintf(id, sizeof id, "%s", genops_operation_id(operation));
	end(operation, GENOPS_OUTCOME_OK);
	struct seen seen = look_up(engine, "operation", id);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.team, "bags");
	assert_string_equal(seen.project, "own");
	assert_string_equal(seen.environment, "test");
	assert_string_equal(seen.customer_id, "acme");
	assert_non_null(strstr(seen.attributes, "x.custom"));
	assert_null(strstr(seen.attributes, "other"));
	genops_engine_close(engine);
}

static void a_trace_is_continued(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	genops_operation *operation =
	    begin(engine, (struct call){.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"});
	assert_memory_equal(genops_operation_id(operation), "0af7651916cd43dd8448eb211c80319c-", 33);
	assert_int_equal(strlen(genops_operation_id(operation)), 49);
	assert_memory_equal(genops_operation_traceparent(operation), "00-0af7651916cd43dd8448eb211c80319c-", 36);
	assert_null(strstr(genops_operation_traceparent(operation), "b7ad6b7169203331"));
	genops_operation *other = begin(engine, (struct call){.traceparent = "00-garbage"});
	assert_int_equal(strlen(genops_operation_id(other)), 49);
	assert_string_not_equal(genops_operation_id(other), genops_operation_id(operation));
	end(operation, GENOPS_OUTCOME_OK);
	end(other, GENOPS_OUTCOME_OK);
	genops_engine_close(engine);
}

/* proves the specification's immutability of team, project and environment, by whatever name they are called */
static void who_pays_cannot_change(void **state)
{
	static const char *const fixed[] = {
	    "team", "genops.team", "x-genops-team", "X-GenOps-Team", "project", "genops.project", "environment", "genops.environment"};
	genops_engine *engine = open_engine(*state, config);
	genops_operation *operation = begin(engine, (struct call){0});
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
		struct genops_attribute attribute = text_attribute(fixed[i], "thief");
		struct genops_error err = {0};
		assert_int_equal(genops_operation_set_attribute(operation, &attribute, &err), GENOPS_MISUSE);
		assert_true(err.fix[0]);
	}
	struct genops_attribute more = text_attribute("experiment", "a");
	assert_int_equal(genops_operation_set_attribute(operation, &more, NULL), GENOPS_OK);
	more = text_attribute("experiment", "b");
	assert_int_equal(genops_operation_set_attribute(operation, &more, NULL), GENOPS_OK);
	char id[64];
	snprintf(id, sizeof id, "%s", genops_operation_id(operation));
	end(operation, GENOPS_OUTCOME_OK);
	struct seen seen = look_up(engine, "operation", id);
	assert_string_equal(seen.team, "default-team");
	assert_non_null(strstr(seen.attributes, "\"experiment\":\"b\""));
	genops_engine_close(engine);
}

static void misuse_is_told(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct genops_operation_options options;
	genops_operation *operation = NULL;
	struct genops_error err = {0};
	genops_operation_options_init(&options);
	assert_int_equal(genops_operation_begin(NULL, &options, &operation, &err), GENOPS_MISUSE);
	assert_int_equal(genops_operation_begin(engine, NULL, &operation, &err), GENOPS_MISUSE);
	assert_int_equal(genops_operation_begin(engine, &options, NULL, NULL), GENOPS_MISUSE);
	options.size--;
	assert_int_equal(genops_operation_begin(engine, &options, &operation, &err), GENOPS_MISUSE);
	options.size++;
	options.estimated_cost_nano_usd = -2;
	assert_int_equal(genops_operation_begin(engine, &options, &operation, &err), GENOPS_MISUSE);
	assert_null(operation);
	operation = begin(engine, (struct call){0});
	genops_usage bad = {.input_tokens = -1};
	assert_int_equal(genops_operation_record_usage(operation, &bad, &err), GENOPS_MISUSE);
	bad = (genops_usage){.output_tokens = GENOPS_USAGE_COUNT_MAX + 1};
	assert_int_equal(genops_operation_record_usage(operation, &bad, &err), GENOPS_MISUSE);
	assert_int_equal(genops_operation_record_cost(operation, -1, &err), GENOPS_MISUSE);
	end(operation, GENOPS_OUTCOME_OK);
	assert_int_equal(genops_operation_end(NULL, GENOPS_OUTCOME_OK, &err), GENOPS_OK);
	assert_int_equal(spent(engine), 0);
	genops_engine_close(engine);
}

/* What is too large is refused at the start, so that no record is too large at the end. */
static void bounds_hold(void **state)
{
	static char big[GENOPS_ATTRIBUTE_VALUE_MAX + 2];
	static struct genops_attribute many[GENOPS_ATTRIBUTES_MAX + 8];
	static char keys[GENOPS_ATTRIBUTES_MAX + 8][16];
	genops_engine *engine = open_engine(*state, config);
	genops_operation *operation = NULL;
	struct genops_error err = {0};
	memset(big, 'x', sizeof big - 1);
	assert_int_equal(try_begin(engine, (struct call){.provider = "openai", .model = big}, &operation, &err), GENOPS_LIMIT);
	struct genops_attribute wide = text_attribute("team", big);
	assert_int_equal(
	    try_begin(engine, (struct call){.attributes = &wide, .n_attributes = 1}, &operation, &err), GENOPS_LIMIT);
	big[GENOPS_ATTRIBUTE_VALUE_MAX] = '\0';
	for (size_t i = 0; i < GENOPS_ATTRIBUTES_MAX + 8; i++) {
		snprintf(keys[i], sizeof keys[i], "key%zu", i);
		many[i] = text_attribute(keys[i], big);
	}
	assert_int_equal(try_begin(engine, (struct call){.attributes = many, .n_attributes = GENOPS_ATTRIBUTES_MAX + 1}, &operation, &err),
	    GENOPS_LIMIT);
	assert_null(operation);
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 0);
	/* The most that is taken can be stored: three defaults of the configuration count too. */
	operation = begin(engine, (struct call){.provider = "openai", .model = big, .estimate = 5, .attributes = many, .n_attributes = GENOPS_ATTRIBUTES_MAX - 3});
	assert_int_equal(genops_operation_record_cost(operation, 5, NULL), GENOPS_OK);
	end(operation, GENOPS_OUTCOME_OK);
	assert_int_equal(spent(engine), 5);
	genops_engine_close(engine);
}

/* The pool hands out clean operations, whatever the one before was. */
static void operations_are_reused_clean(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct genops_attribute team = text_attribute("team", "first");
	genops_usage usage = {.input_tokens = 1000, .output_tokens = 10};
	genops_operation *operation = begin(engine,
	    (struct call){.provider = "openai", .model = "gpt-4o-mini", .attributes = &team, .n_attributes = 1, .in = 1000, .out = 10});
	genops_operation_record_usage(operation, &usage, NULL);
	genops_operation_record_model(operation, GENOPS_STR("gpt-4o-mini-2024-07-18"), NULL);
	genops_operation_record_cost(operation, 7, NULL);
	int64_t cost = genops_operation_cost(operation);
	assert_true(cost > 7);
	end(operation, GENOPS_OUTCOME_OK);
	genops_operation *again = begin(engine, (struct call){0});
	assert_ptr_equal(again, operation); /* the pool's only one */
	assert_int_equal(genops_operation_cost(again), 0);
	char id[64];
	snprintf(id, sizeof id, "%s", genops_operation_id(again));
	end(again, GENOPS_OUTCOME_OK);
	struct seen seen = look_up(engine, "operation", id);
	assert_string_equal(seen.team, "default-team");
	assert_string_equal(seen.model, "");
	assert_string_equal(seen.response_model, "");
	assert_int_equal(seen.cost, 0);
	assert_int_equal(seen.input_tokens, 0);
	assert_int_equal(spent(engine), cost);
	genops_engine_close(engine);
}

/* close() settles what was forgotten, once. */
static void what_is_open_at_close_is_settled(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	for (int i = 0; i < 3; i++) {
		genops_operation *operation = begin(engine, (struct call){.estimate = 100});
		assert_int_equal(genops_operation_record_cost(operation, 40, NULL), GENOPS_OK);
	}
	assert_int_equal(budget_of(engine, "all").reserved_nano_usd, 300);
	genops_engine_close(engine);
	engine = open_engine(*state, config);
	struct seen seen = look_up(engine, "outcome", "cancelled");
	assert_int_equal(seen.n, 3);
	assert_true(seen.is_cost_estimated);
	assert_int_equal(spent(engine), 120);
	struct genops_budget_window window = budget_of(engine, "all");
	assert_int_equal(window.consumed_nano_usd, 120);
	assert_int_equal(window.reserved_nano_usd, 0);
	genops_engine_close(engine);
}

/* The second end of a bug must not put an operation into the pool twice: two callers would then share it. */
static void an_end_counts_once(void **state)
{
	genops_engine *engine = open_engine(*state, config);
	struct genops_error err = {0};
	genops_operation *operation = begin(engine, (struct call){0});
	end(operation, GENOPS_OUTCOME_OK);
	assert_int_equal(genops_operation_end(operation, GENOPS_OUTCOME_OK, &err), GENOPS_MISUSE);
	assert_true(err.fix[0]);
	genops_operation *one = begin(engine, (struct call){0}), *other = begin(engine, (struct call){0});
	assert_ptr_not_equal(one, other);
	end(one, GENOPS_OUTCOME_OK);
	end(other, GENOPS_OUTCOME_OK);
	assert_int_equal(look_up(engine, NULL, NULL).n, 3);
	genops_engine_close(engine);
}

/* One program's start in the wrong unit must not begin everybody's next day. */
static void a_start_to_come_moves_no_budget(void **state)
{
	genops_engine *engine = open_engine(*state, "governance: {budgets: [{name: all, daily_budget: 1.0}]}\n");
	genops_operation *operation = begin(engine, (struct call){.estimate = 400});
	assert_int_equal(genops_operation_record_cost(operation, 400, NULL), GENOPS_OK);
	end(operation, GENOPS_OUTCOME_OK);
	struct genops_budget_window before = budget_of(engine, "all");
	struct genops_operation_options options;
	genops_operation_options_init(&options);
	options.start_unix_ns = INT64_MAX - 5;
	options.estimated_cost_nano_usd = 7;
	assert_int_equal(genops_operation_begin(engine, &options, &operation, NULL), GENOPS_OK);
	end(operation, GENOPS_OUTCOME_OK);
	operation = begin(engine, (struct call){.estimate = 1});
	end(operation, GENOPS_OUTCOME_OK);
	struct genops_budget_window after = budget_of(engine, "all");
	assert_int_equal(after.consumed_nano_usd, before.consumed_nano_usd);
	assert_int_equal(after.resets_at_unix_s, before.resets_at_unix_s);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(attributes_have_an_order),
	    TEST(a_trace_is_continued),
	    TEST(who_pays_cannot_change),
	    TEST(misuse_is_told),
	    TEST(bounds_hold),
	    TEST(operations_are_reused_clean),
	    TEST(what_is_open_at_close_is_settled),
	    TEST(a_start_to_come_moves_no_budget),
	    TEST(an_end_counts_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
