/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/govern/record_fixture.h - a record with something in every field, and whether two records are the same. */
#ifndef TESTS_RECORD_FIXTURE_H
#define TESTS_RECORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "govern/record.h"
#include "govern/record/record_fields.h"

#define S(literal)                                                                                 \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	} /* a static initialiser, unlike GENOPS_STR */

static const struct genops_evaluation evaluations[] = {
    {S("max-cost"), S("cost_limit"), GENOPS_WARNING, GENOPS_REASON_COST_LIMIT, true, false,
	S("log"), S("estimated 0.9 USD is over the limit of 0.5 USD")},
    {S("models"), S("model_governance"), GENOPS_ALLOWED, GENOPS_REASON_NONE, false, true, S(""),
	S("")},
    {S(""), S(""), GENOPS_BLOCKED, GENOPS_REASON_APPROVAL_REQUIRED, true, false, S("block"),
	S("x")},
};

static const struct genops_record_budget budgets[] = {
    {.key = {UINT64_C(0x8877665544332211), UINT64_MAX},
	.name = S("team-day"),
	.label = S("team-day[team=search]"),
	.period = GENOPS_PERIOD_DAILY,
	.limit_nano_usd = INT64_C(50000000000),
	.consumed_nano_usd = 7,
	.reserved_nano_usd = -1,
	.n_lines = 2,
	.lines = {{GENOPS_PERIOD_HOURLY, 1700000000, 1700003600},
	    {GENOPS_PERIOD_TOTAL, 0, INT64_MAX}}},
    {.name = S("all"), .period = GENOPS_PERIOD_TOTAL},
};

static const struct genops_record_alert alerts[] = {
    {S("team-day"),
	{GENOPS_PERIOD_DAILY, 80, INT64_C(50000000000), INT64_C(41000000000), 1700000000}},
    {S("all"), {GENOPS_PERIOD_HOURLY, 0, 0, 0, 0}},
};

static const struct genops_attribute attributes[] = {
    {S("team"), GENOPS_ATTRIBUTE_STRING, {.string = S("search")}},
    {S("empty"), GENOPS_ATTRIBUTE_STRING, {.string = S("")}},
    {S("count"), GENOPS_ATTRIBUTE_INT, {.integer = -5}},
    {S("zero"), GENOPS_ATTRIBUTE_INT, {.integer = 0}},
    {S("score"), GENOPS_ATTRIBUTE_DOUBLE, {.number = -0.125}},
    {S("yes"), GENOPS_ATTRIBUTE_BOOL, {.boolean = true}},
    {S("no"), GENOPS_ATTRIBUTE_BOOL, {.boolean = false}},
};

static struct genops_record full_record(void)
{
	struct genops_record r = {
	    .trace_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	    .span_id = {21, 22, 23, 24, 25, 26, 27, 28},
	    .parent_span_id = {0, 0, 0, 0, 0, 0, 0, 9},
	    .tracestate = S("a=b"),
	    .start_unix_ns = INT64_C(1700000000123456789),
	    .decided_unix_ns = INT64_C(1700000000123457789),
	    .first_byte_unix_ns = 1,
	    .end_unix_ns = INT64_MAX,
	    .name = S("chat"),
	    .type = S("ai.inference"),
	    .provider = S("openai"),
	    .request_model = S("gpt-4o"),
	    .response_model = S("gpt-4o-2024-08-06"),
	    .region = S("eu"),
	    .outcome = GENOPS_OUTCOME_ABANDONED,
	    .lease = 0,
	    .result = GENOPS_BLOCKED,
	    .reason = GENOPS_REASON_BUDGET_EXCEEDED,
	    .mode = GENOPS_MODE_AUDIT_ONLY,
	    .is_refused = true,
	    .delayed_ns = INT64_MIN,
	    .policy = S("p"),
	    .policy_type = S("budget"),
	    .message = S("a message that is longer than thirty-two bytes, quite a bit"),
	    .n_evaluations = 3,
	    .evaluations = evaluations,
	    .estimated_nano_usd = -1,
	    .reserved_nano_usd = UINT32_MAX,
	    .actual_nano_usd = INT64_C(1) << 32,
	    .input_nano_usd = 1,
	    .output_nano_usd = 2,
	    .is_cost_estimated = true,
	    .price_source = S("catalog"),
	    .n_budgets = 2,
	    .budgets = budgets,
	    .n_alerts = 2,
	    .alerts = alerts,
	    .http_status = 429,
	    .is_stream = true,
	    .is_dry_run = true,
	    .finish_reason = S("stop"),
	    .error_type = S("e"),
	    .provider_request_id = S("req_1"),
	    .key_name = S("k"),
	    .dialect = S("openai.chat"),
	    .max_output_tokens = 4096,
	    .temperature = 0.7,
	    .has_temperature = true,
	    .service_name = S("svc"),
	    .host = S("h"),
	    .user = S("u"),
	    .pid = UINT32_MAX,
	    .n_attributes = 7,
	    .attributes = attributes,
	};
	int64_t count = 1;
#define X(field, unit) r.usage.field = count++;
	GENOPS_USAGE_FIELDS(X)
#undef X
	r.usage.images = GENOPS_USAGE_COUNT_MAX;
	r.usage.tier = GENOPS_TIER_PRIORITY;
	r.usage.is_estimated = true;
	return r;
}

static void assert_text(genops_str a, genops_str b)
{
	assert_int_equal(a.len, b.len);
	if (a.len)
		assert_memory_equal(a.ptr, b.ptr, a.len);
}

#define SAME_ID(field)			 assert_memory_equal(a->field, b->field, sizeof a->field);
#define SAME_INT(field)			 assert_true(a->field == b->field);
#define SAME_U32(field)			 assert_true(a->field == b->field);
#define SAME_SMALL(field)		 assert_true(a->field == b->field);
#define SAME_ENUM(field)		 assert_true(a->field == b->field);
#define SAME_FLAG(field)		 assert_true(a->field == b->field);
#define SAME_TEXT(field)		 assert_text(a->field, b->field);
#define SAME(number, kind, field, limit) SAME_##kind(field)

static void assert_same_budget(
    const struct genops_record_budget *a, const struct genops_record_budget *b)
{
	BUDGET_FIELDS(SAME)
	assert_int_equal(a->n_lines, b->n_lines);
	for (size_t i = 0; i < a->n_lines; i++) {
		assert_int_equal(a->lines[i].period, b->lines[i].period);
		assert_true(a->lines[i].start_unix_s == b->lines[i].start_unix_s);
		assert_true(a->lines[i].end_unix_s == b->lines[i].end_unix_s);
	}
}

static void assert_same_attribute(
    const struct genops_attribute *a, const struct genops_attribute *b)
{
	assert_text(a->key, b->key);
	assert_int_equal(a->type, b->type);
	switch (a->type) {
	case GENOPS_ATTRIBUTE_STRING:
		assert_text(a->value.string, b->value.string);
		break;
	case GENOPS_ATTRIBUTE_INT:
		assert_true(a->value.integer == b->value.integer);
		break;
	case GENOPS_ATTRIBUTE_DOUBLE:
		assert_memory_equal(&a->value.number, &b->value.number, 8);
		break;
	case GENOPS_ATTRIBUTE_BOOL:
		assert_true(a->value.boolean == b->value.boolean);
		break;
	}
}

static void assert_same_lists(const struct genops_record *x, const struct genops_record *y)
{
	assert_int_equal(x->n_evaluations, y->n_evaluations);
	for (size_t i = 0; i < x->n_evaluations; i++) {
		const struct genops_evaluation *a = &x->evaluations[i], *b = &y->evaluations[i];
		EVALUATION_FIELDS(SAME)
		assert_text(a->action, b->action);
	}
	assert_int_equal(x->n_budgets, y->n_budgets);
	for (size_t i = 0; i < x->n_budgets; i++)
		assert_same_budget(&x->budgets[i], &y->budgets[i]);
	assert_int_equal(x->n_alerts, y->n_alerts);
	for (size_t i = 0; i < x->n_alerts; i++) {
		const struct genops_record_alert *a = &x->alerts[i], *b = &y->alerts[i];
		ALERT_FIELDS(SAME)
	}
	assert_int_equal(x->n_attributes, y->n_attributes);
	for (size_t i = 0; i < x->n_attributes; i++)
		assert_same_attribute(&x->attributes[i], &y->attributes[i]);
}

static void assert_same(const struct genops_record *a, const struct genops_record *b)
{
	RECORD_FIELDS(SAME)
	assert_int_equal(a->lease, b->lease);
	assert_true(a->has_temperature == b->has_temperature);
	assert_memory_equal(&a->temperature, &b->temperature, 8);
#define X(field, unit) assert_true(a->usage.field == b->usage.field);
	GENOPS_USAGE_FIELDS(X)
#undef X
	assert_same_lists(a, b);
}

#endif
