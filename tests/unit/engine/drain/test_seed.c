/* SPDX-License-Identifier: Apache-2.0 - engine/drain/seed.c: a budget that is new counts what its windows had spent before it was there. */
#include "file_fixture.h"

#define HEAD "governance:\n  keys: [{name: bot, key: vk-0123456789abcdef0123, budgets: [by key]}]\n  budgets:\n" \
	     "    - {name: by key, match: {team: nobody}, total_budget: 1}\n"

static void write_budgets(const char *budgets)
{
	char text[4096];
	assert_in_range(snprintf(text, sizeof text, HEAD "%s", budgets), 1, (int)sizeof text - 1);
	write_config(text);
}

static void spend(genops_engine *engine, const char *team, const char *customer, int64_t amount)
{
	struct genops_attribute attributes[] = {text_attribute("team", team), text_attribute("customer_id", customer)};
	genops_operation *operation = begin(engine, (struct call){.provider = "openai", .model = "gpt-4o-mini", .estimate = amount,
							.attributes = attributes, .n_attributes = 2});
	genops_operation_record_cost(operation, amount, NULL);
	end(operation, GENOPS_OUTCOME_OK);
}

/* Two flushes: the second ends in a round of upkeep that began with the new configuration. */
static void reload(genops_engine *engine, const char *budgets)
{
	struct genops_error err = {0};
	write_budgets(budgets);
	if (genops_engine_reload(engine, NULL, &err) != GENOPS_OK)
		fail_msg("%s; %s", err.message, err.fix);
	for (int i = 0; i < 3; i++)
		flush(engine);
}

static void check(genops_engine *engine, const char *label, int64_t amount)
{
	struct genops_budget_report *report;
	struct genops_error err = {0};
	if (genops_report_budgets(engine, genops_str_of(label), &report, &err) != GENOPS_OK)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < report->budgets[0].n_windows; i++)
		if (report->budgets[0].windows[i].consumed_nano_usd != amount)
			fail_msg("%s, %s: %lld", label, report->budgets[0].windows[i].period,
			    (long long)report->budgets[0].windows[i].consumed_nano_usd);
	genops_report_budgets_free(report);
}

#define ALL	 "    - {name: all, daily_budget: 1, monthly_budget: 10, total_budget: 100}\n"
#define TEAM	 "    - {name: blue, match: {team: 'blu*', model: gpt-4o-mini}, daily_budget: 1}\n"
#define EACH	 "    - {name: each, match: {team: blue}, per: [customer_id], total_budget: 1}\n"
#define STRANGE	 "    - {name: strange, match: {a: b, c: d, e: f, g: h, i: j}, total_budget: 1}\n"
#define OTHER	 "    - {name: blue, match: {team: [blue, red]}, daily_budget: 1}\n"

static void check_all(genops_engine *engine, int64_t more)
{
	check(engine, "all", 111 + more);
	check(engine, "blue", 11 + more);
	check(engine, "each[customer_id=x]", 1 + more);
	check(engine, "each[customer_id=y]", 10);
	check(engine, "by key", 0);
}

static void spend_before(genops_engine *engine)
{
	spend(engine, "blue", "x", 1);
	spend(engine, "blue", "y", 10);
	spend(engine, "red", "x", 100);
	flush(engine);
}

static void on_reload(void **state)
{
	write_budgets("");
	genops_engine *engine = open_file(*state);
	spend_before(engine);
	reload(engine, ALL TEAM EACH STRANGE);
	check_all(engine, 0);
	spend(engine, "blue", "x", 1000);
	flush(engine);
	check_all(engine, 1000);
	assert_int_equal(spent(engine), 1111); /* what `genops cost` says */
	/* What another budget counts is another budget. */
	reload(engine, ALL OTHER EACH);
	check(engine, "blue", 1111);
	/* One that went and comes again has not missed anything. */
	reload(engine, ALL);
	spend(engine, "blue", "y", 10000);
	reload(engine, ALL OTHER EACH);
	check(engine, "blue", 11111);
	check(engine, "each[customer_id=y]", 10010);
	check(engine, "all", 11111);
	genops_engine_close(engine);
	engine = open_file(*state); /* restored from the ledger's sums */
	check(engine, "blue", 11111);
	check(engine, "each[customer_id=y]", 10010);
	check(engine, "all", 11111);
	genops_engine_close(engine);
}

static void at_start(void **state)
{
	write_budgets("");
	genops_engine *engine = open_file(*state);
	spend_before(engine);
	genops_engine_close(engine);
	write_budgets(ALL TEAM EACH STRANGE);
	for (int i = 0; i < 3; i++) { /* and only once */
		engine = open_file(*state);
		check_all(engine, 0);
		genops_engine_close(engine);
	}
}

/* The limit holds at once. */
static void it_refuses(void **state)
{
	write_budgets("");
	genops_engine *engine = open_file(*state);
	spend(engine, "blue", "x", 600000000);
	reload(engine, "    - {name: small, daily_budget: 1}\n");
	genops_operation *operation = begin(engine, (struct call){.estimate = 500000000});
	assert_true(genops_operation_decision(operation)->is_refused);
	end(operation, GENOPS_OUTCOME_NOT_SENT);
	operation = begin(engine, (struct call){.estimate = 400000000});
	assert_false(genops_operation_decision(operation)->is_refused);
	end(operation, GENOPS_OUTCOME_NOT_SENT);
	genops_engine_close(engine);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_file, remove_file)
	const struct CMUnitTest tests[] = {TEST(on_reload), TEST(at_start), TEST(it_refuses)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
