/* SPDX-License-Identifier: Apache-2.0
 * Tests of connect/collibra/export/collibra_asset.c: what an operation becomes, its names and ids, urgency. Proves COL-009..011,
 * COL-046, COL-085, COL-123..131. */
#include "connect/collibra/export/collibra_asset.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct genops_arena arena;
static struct genops_collibra_assets assets;
static struct genops_error err;

static int start(void **state)
{
	genops_arena_init(&arena, 1 << 20);
	genops_collibra_assets_init(&assets, &arena);
	return 0;
}

static int stop(void **state)
{
	genops_arena_done(&arena);
	return 0;
}

#define TEXT(k, v) {.key = {"" k, sizeof k - 1}, .type = GENOPS_ATTRIBUTE_STRING, .value.string = {"" v, sizeof v - 1}}
static const struct genops_attribute attributes[] = {
    TEXT("team", "ml"),
    TEXT("project", "bot"),
    TEXT("customer_id", "acme"),
    TEXT("environment", "production"),
    TEXT("cost_center", "42"),
    TEXT("feature", "chat"),
    TEXT("model_version", "v2.1"),
    {.key = {"batch_id", 8}, .type = GENOPS_ATTRIBUTE_INT, .value.integer = 7},
    {.key = {"is_test", 7}, .type = GENOPS_ATTRIBUTE_BOOL, .value.boolean = true},
};

static const struct genops_evaluation evaluations[] = {
    {.policy = {"cap", 3}, .policy_type = {"cost_limit", 10}, .result = GENOPS_ALLOWED},
    {.policy = {"words", 5},
	.policy_type = {"content_filter", 14},
	.result = GENOPS_WARNING,
	.reason = GENOPS_REASON_POLICY_DENY_CONTENT,
	.message = {"a blocked pattern matches", 25}},
};

static struct genops_record record_of_an_operation(void)
{
	return (struct genops_record){
	    .trace_id = {0xab},
	    .span_id = {0xcd},
	    .start_unix_ns = INT64_C(1795272922189000000), /* 2026-11-21T14:55:22.189Z */
	    .end_unix_ns = INT64_C(1795272923439000000),
	    .name = GENOPS_STR("chat"),
	    .provider = GENOPS_STR("openai"),
	    .request_model = GENOPS_STR("gpt-4o"),
	    .response_model = GENOPS_STR("gpt-4o-2024-08-06"),
	    .actual_nano_usd = 2500000,
	    .usage = {.input_tokens = 100, .output_tokens = 20},
	    .attributes = attributes,
	    .n_attributes = sizeof attributes / sizeof *attributes,
	    .evaluations = evaluations,
	    .n_evaluations = 2,
	};
}

static void is(genops_str text, const char *want)
{
	if (!genops_str_is(text, want))
		fail_msg("\"%.*s\" is not \"%s\"", GENOPS_STR_ARG(text), want);
}

static genops_str value_of(const struct genops_collibra_asset *asset, enum genops_collibra_attribute_type type)
{
	genops_str found = GENOPS_STR("");
	for (size_t i = 0; i < asset->n_values; i++) {
		if (asset->values[i].type == type) {
			assert_int_equal(found.len, 0); /* each once */
			found = asset->values[i].text;
		}
	}
	return found;
}

#define VALUE(symbol, want) is(value_of(asset, GENOPS_COLLIBRA_ATTRIBUTE_##symbol), want)

static void an_operation_is_a_cost_and_its_evaluations(void **state)
{
	struct genops_record record = record_of_an_operation();
	assert_int_equal(genops_collibra_assets_add_record(&assets, &record, true, &err), GENOPS_OK);
	assert_int_equal(assets.n, 3);
	const struct genops_collibra_asset *asset = &assets.items[0];
	assert_int_equal(asset->type, GENOPS_COLLIBRA_OPERATION_COST);
	is(asset->name, "genops:cost:20261121T1455:ab000000000000000000000000000000-cd00000000000000");
	is(asset->display_name, "chat, gpt-4o-2024-08-06, team ml");
	VALUE(TEAM, "ml");
	VALUE(PROJECT, "bot");
	VALUE(CUSTOMER_IDENTIFIER, "acme");
	VALUE(ENVIRONMENT, "production");
	VALUE(COST_CENTER, "42");
	VALUE(FEATURE, "chat");
	VALUE(AI_PROVIDER, "openai");
	VALUE(MODEL_NAME, "gpt-4o-2024-08-06");
	VALUE(OPERATION_ID, "ab000000000000000000000000000000-cd00000000000000");
	VALUE(OPERATION_NAME, "chat");
	VALUE(TRACE_ID, "ab000000000000000000000000000000");
	VALUE(OCCURRED_AT, "2026-11-21T14:55:22.189Z");
	VALUE(COST_AMOUNT, "0.0025");
	VALUE(CURRENCY, "USD");
	VALUE(INPUT_TOKENS, "100");
	VALUE(OUTPUT_TOKENS, "20");
	VALUE(DURATION_MS, "1250");
	VALUE(OUTCOME, "ok");
	VALUE(CUSTOM_ATTRIBUTES, "{\"model_version\":\"v2.1\",\"batch_id\":7,\"is_test\":true}");
	asset = &assets.items[2];
	assert_int_equal(asset->type, GENOPS_COLLIBRA_POLICY_EVALUATION);
	is(asset->name, "genops:evaluation:20261121T1455:ab000000000000000000000000000000-cd00000000000000:1");
	is(asset->display_name, "words: warning, chat");
	VALUE(POLICY_NAME, "words");
	VALUE(POLICY_RESULT, "warning");
	VALUE(POLICY_REASON, "a blocked pattern matches");
	VALUE(TEAM, "ml");
	VALUE(COST_AMOUNT, "0.0025");
	VALUE(INPUT_TOKENS, "");
}

static void what_was_refused_cost_nothing(void **state)
{
	struct genops_record record = record_of_an_operation();
	record.outcome = GENOPS_OUTCOME_REFUSED;
	assert_int_equal(genops_collibra_assets_add_record(&assets, &record, true, &err), GENOPS_OK);
	assert_int_equal(assets.n, 2);
	assert_int_equal(assets.items[0].type, GENOPS_COLLIBRA_POLICY_EVALUATION);
}

static void costs_may_be_off(void **state)
{
	struct genops_record record = record_of_an_operation();
	assert_int_equal(genops_collibra_assets_add_record(&assets, &record, false, &err), GENOPS_OK);
	assert_int_equal(assets.n, 2);
}

static void a_window_of_a_budget(void **state)
{
	struct genops_collibra_budget budget = {
	    .name = GENOPS_STR("ml"),
	    .label = GENOPS_STR("ml[team=a]"),
	    .period = GENOPS_PERIOD_DAILY,
	    .start_unix_s = 1795219200,
	    .limit_nano_usd = INT64_C(100000000000),
	    .spent_nano_usd = INT64_C(120500000000),
	    .seen_unix_ns = INT64_C(1795272922189000000),
	    .team = GENOPS_STR("a"),
	};
	assert_int_equal(genops_collibra_assets_add_budget(&assets, &budget, &err), GENOPS_OK);
	const struct genops_collibra_asset *asset = &assets.items[0];
	assert_int_equal(asset->type, GENOPS_COLLIBRA_BUDGET_TRACKING);
	is(asset->name, "genops:budget:ml[team=a]:daily:20261121T0000");
	is(asset->display_name, "Budget ml[team=a], daily from 20261121");
	VALUE(BUDGET_NAME, "ml");
	VALUE(BUDGET_PERIOD, "daily");
	VALUE(PERIOD_START, "2026-11-21T00:00:00.000Z");
	VALUE(BUDGET_LIMIT, "100.00");
	VALUE(BUDGET_SPENT, "120.50");
	VALUE(BUDGET_REMAINING, "-20.50");
	VALUE(TEAM, "a");
	budget.spent_nano_usd++;
	assert_int_equal(genops_collibra_assets_add_budget(&assets, &budget, &err), GENOPS_OK);
	assert_true(genops_str_equal(assets.items[0].name, assets.items[1].name));
}

static void hybrid_criteria(void **state)
{
	struct genops_record record = record_of_an_operation();
	assert_false(genops_collibra_asset_is_urgent(&record));
	record.actual_nano_usd = INT64_C(10000000000);
	assert_false(genops_collibra_asset_is_urgent(&record)); /* over 10 USD, not 10 */
	record.actual_nano_usd++;
	assert_true(genops_collibra_asset_is_urgent(&record));
	record.actual_nano_usd = 0;
	record.result = GENOPS_WARNING;
	assert_false(genops_collibra_asset_is_urgent(&record));
	record.result = GENOPS_RATE_LIMITED;
	assert_true(genops_collibra_asset_is_urgent(&record));
	record.result = GENOPS_BLOCKED;
	assert_true(genops_collibra_asset_is_urgent(&record));
	record.result = GENOPS_ALLOWED;
	struct genops_record_alert alert = {.alert = {.percent = 90}};
	record.alerts = &alert;
	record.n_alerts = 1;
	assert_false(genops_collibra_asset_is_urgent(&record));
	alert.alert.percent = 100;
	assert_true(genops_collibra_asset_is_urgent(&record));
}

static void ids_are_uuids_of_domain_and_name(void **state)
{
	char id[GENOPS_COLLIBRA_ID_SIZE], other[GENOPS_COLLIBRA_ID_SIZE];
	assert_true(genops_collibra_asset_id(GENOPS_STR("9655163b-dcfa-44c5-a2e2-f5512755570b"), GENOPS_STR("genops:cost:x"), id));
	/* uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_DNS, "genops.ai"), domain + "\n" + name) */
	assert_string_equal(id, "d4021aad-73df-5b4b-9b8e-6b11ccb8f56c");
	assert_true(genops_collibra_asset_id(GENOPS_STR("9655163b-dcfa-44c5-a2e2-f5512755570c"), GENOPS_STR("genops:cost:x"), other));
	assert_string_not_equal(id, other);
}

static void long_texts_are_cut_between_characters(void **state)
{
	static char text[6000];
	struct genops_record record = record_of_an_operation();
	for (size_t i = 0; i < sizeof text; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	record.name = (genops_str){text, sizeof text};
	assert_int_equal(genops_collibra_assets_add_record(&assets, &record, true, &err), GENOPS_OK);
	const struct genops_collibra_asset *asset = &assets.items[0];
	genops_str name = value_of(asset, GENOPS_COLLIBRA_ATTRIBUTE_OPERATION_NAME);
	assert_int_equal(name.len, 4095);
	assert_true(genops_str_is_utf8(name) && genops_str_is_utf8(asset->display_name));
	assert_true(asset->display_name.len <= 240);
}

static void no_memory_is_said(void **state)
{
	struct genops_record record = record_of_an_operation();
	for (size_t max = 0; max < 8192; max += 64) {
		struct genops_arena small;
		genops_arena_init(&small, max);
		genops_collibra_assets_init(&assets, &small);
		int code = genops_collibra_assets_add_record(&assets, &record, true, &err);
		assert_true(code == GENOPS_NOMEM || (code == GENOPS_OK && assets.n == 3));
		genops_arena_done(&small);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(an_operation_is_a_cost_and_its_evaluations, start, stop),
	    cmocka_unit_test_setup_teardown(what_was_refused_cost_nothing, start, stop),
	    cmocka_unit_test_setup_teardown(costs_may_be_off, start, stop),
	    cmocka_unit_test_setup_teardown(a_window_of_a_budget, start, stop),
	    cmocka_unit_test_setup_teardown(hybrid_criteria, start, stop),
	    cmocka_unit_test_setup_teardown(ids_are_uuids_of_domain_and_name, start, stop),
	    cmocka_unit_test_setup_teardown(long_texts_are_cut_between_characters, start, stop),
	    cmocka_unit_test_setup_teardown(no_memory_is_said, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
