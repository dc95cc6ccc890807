/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/telemetry/span_fixture.h - a full record, with the figures of the OpenTelemetry guide (contract OTL-003, OTL-008). */
#ifndef TESTS_SPAN_FIXTURE_H
#define TESTS_SPAN_FIXTURE_H

#include "govern/record.h"

/* Unlike GENOPS_STR a constant initialiser. */
#define FIXTURE_STR(text)                                                                          \
	{                                                                                          \
		"" text, sizeof(text) - 1                                                          \
	}

#define FIXTURE_TEXT(name, text)                                                                   \
	{                                                                                          \
		.key = FIXTURE_STR(name), .type = GENOPS_ATTRIBUTE_STRING,                         \
		.value.string = FIXTURE_STR(text)                                                  \
	}

static const struct genops_attribute fixture_attributes[] = {
    FIXTURE_TEXT("team", "ml-platform"),
    FIXTURE_TEXT("genops.project", "chat-service"),
    FIXTURE_TEXT("customer_id", "acme-corp"),
    FIXTURE_TEXT("environment", "dev"),
    FIXTURE_TEXT("cost_center", "R&D-001"),
    FIXTURE_TEXT("feature", "summary"),
    FIXTURE_TEXT("business.unit", "emea"),
    FIXTURE_TEXT("genops.cost.total", "free of charge"),
    FIXTURE_TEXT("ai.model.name", "another"),
    FIXTURE_TEXT("genops.eval.metric", "accuracy"),
    {.key = FIXTURE_STR("genops.eval.score"),
	.type = GENOPS_ATTRIBUTE_DOUBLE,
	.value.number = 0.92},
    {.key = FIXTURE_STR("response.length"), .type = GENOPS_ATTRIBUTE_INT, .value.integer = -42},
    {.key = FIXTURE_STR("experiment.is_control"),
	.type = GENOPS_ATTRIBUTE_BOOL,
	.value.boolean = true},
};

static const struct genops_evaluation fixture_evaluations[] = {
    {.policy = FIXTURE_STR("pii-filter"),
	.policy_type = FIXTURE_STR("content_filter"),
	.result = GENOPS_ALLOWED},
    {.policy = FIXTURE_STR("cost-cap"),
	.policy_type = FIXTURE_STR("cost_limit"),
	.result = GENOPS_WARNING,
	.reason = GENOPS_REASON_COST_LIMIT,
	.is_violation = true,
	.action = FIXTURE_STR("alert"),
	.message = FIXTURE_STR("cost-cap: 0.004 USD asked, 0.003 USD allowed")},
};

static const struct genops_record_budget fixture_budgets[] = {
    {.name = FIXTURE_STR("everything"),
	.label = FIXTURE_STR("everything"),
	.period = GENOPS_PERIOD_MONTHLY,
	.limit_nano_usd = INT64_C(100000) * 1000000000,
	.consumed_nano_usd = INT64_C(1000000000)},
    {.name = FIXTURE_STR("per-team"),
	.label = FIXTURE_STR("per-team[team=ml-platform]"),
	.period = GENOPS_PERIOD_DAILY,
	.limit_nano_usd = INT64_C(1000) * 1000000000,
	.consumed_nano_usd = INT64_C(750) * 1000000000,
	.alert_percent = 80,
	.n_lines = 1,
	.lines = {{GENOPS_PERIOD_DAILY, 1000, 87400}}},
};

static const struct genops_record_alert fixture_alerts[] = {
    {FIXTURE_STR("per-team[team=ml-platform]"), {.period = GENOPS_PERIOD_DAILY,
						    .percent = 80,
						    .limit_nano_usd = INT64_C(1000) * 1000000000,
						    .consumed_nano_usd = INT64_C(801) * 1000000000,
						    .period_start_unix_s = 1000}},
};

static const struct genops_record fixture_record = {
    .trace_id = {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e,
	0x47, 0x36},
    .span_id = {0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7},
    .tracestate = FIXTURE_STR("vendor=1"),
    .start_unix_ns = INT64_C(1700000000000000000),
    .decided_unix_ns = INT64_C(1700000000000010000),
    .first_byte_unix_ns = INT64_C(1700000000250000000),
    .end_unix_ns = INT64_C(1700000002000000000),
    .provider = FIXTURE_STR("openai"),
    .request_model = FIXTURE_STR("gpt-4"),
    .response_model = FIXTURE_STR("gpt-4-0613"),
    .outcome = GENOPS_OUTCOME_OK,
    .result = GENOPS_WARNING,
    .reason = GENOPS_REASON_COST_LIMIT,
    .policy = FIXTURE_STR("cost-cap"),
    .policy_type = FIXTURE_STR("cost_limit"),
    .message = FIXTURE_STR("cost-cap: 0.004 USD asked, 0.003 USD allowed"),
    .n_evaluations = 2,
    .evaluations = fixture_evaluations,
    .usage = {.input_tokens = 150,
	.output_tokens = 85,
	.cache_read_tokens = 100,
	.cache_write_5m_tokens = 10,
	.cache_write_1h_tokens = 5,
	.reasoning_tokens = 20},
    .estimated_nano_usd = 4000000,
    .reserved_nano_usd = 4000000,
    .actual_nano_usd = 3200000,
    .input_nano_usd = 1500000,
    .output_nano_usd = 1700000,
    .price_source = FIXTURE_STR("shipped"),
    .n_budgets = 2,
    .budgets = fixture_budgets,
    .http_status = 200,
    .is_stream = true,
    .finish_reason = FIXTURE_STR("stop"),
    .provider_request_id = FIXTURE_STR("req_1"),
    .dialect = FIXTURE_STR("openai.chat"),
    .max_output_tokens = 1000,
    .temperature = 0.7,
    .has_temperature = true,
    .service_name = FIXTURE_STR("shop"),
    .host = FIXTURE_STR("host-1"),
    .n_attributes = sizeof fixture_attributes / sizeof *fixture_attributes,
    .attributes = fixture_attributes,
};

#endif
