/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_span.c - CPU time to turn one full record (16 attributes, 6 evaluations, 2 budgets) into an OTLP span, and to
 * count it in the metrics. Best of many rounds of a batch of 512. */
#include "telemetry/metrics/metrics.h"
#include "telemetry/span.h"

#include <stdio.h>
#include <time.h>

#define S(literal)                                                                                 \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	} /* a static initialiser, unlike GENOPS_STR */
#define BATCH  512
#define ROUNDS 200

#define TEXT(name, text)                                                                           \
	{                                                                                          \
		.key = S(name), .type = GENOPS_ATTRIBUTE_STRING, .value.string = S(text)           \
	}

static const struct genops_attribute attributes[] = {
    TEXT("team", "ml-platform"),
    TEXT("project", "chat-service"),
    TEXT("customer_id", "acme-corp"),
    TEXT("environment", "production"),
    TEXT("cost_center", "R&D-001"),
    TEXT("feature", "summary"),
    TEXT("business.unit", "emea"),
    TEXT("request.id", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
    TEXT("session.id", "a0eebc99"),
    TEXT("app.version", "2026.11.3"),
    TEXT("user.tier", "gold"),
    TEXT("experiment.name", "prompt-7"),
    TEXT("prompt.id", "p-201"),
    TEXT("pod", "chat-5c7f"),
    TEXT("zone", "eu-central-1a"),
    TEXT("priority", "high"),
};

#define ALLOWED(name, type)                                                                        \
	{                                                                                          \
		.policy = S(name), .policy_type = S(type), .result = GENOPS_ALLOWED                \
	}

static const struct genops_evaluation evaluations[] = {
    ALLOWED("max-call-cost", "cost_limit"),
    ALLOWED("calls-a-minute", "rate_limit"),
    ALLOWED("no-secrets", "content_filter"),
    ALLOWED("team-access", "team_access"),
    ALLOWED("team-day", "budget_limit"),
    ALLOWED("approved-models", "model_governance"),
};

static const struct genops_record_budget budgets[] = {
    {.name = S("company"),
	.label = S("company"),
	.period = GENOPS_PERIOD_MONTHLY,
	.limit_nano_usd = INT64_C(100000000000000),
	.consumed_nano_usd = INT64_C(1000000000)},
    {.name = S("team-day"),
	.label = S("team-day[team=ml-platform]"),
	.period = GENOPS_PERIOD_DAILY,
	.limit_nano_usd = INT64_C(1000000000000),
	.consumed_nano_usd = INT64_C(750000000000),
	.alert_percent = 80},
};

static const struct genops_record record = {
    .trace_id = {1, 2, 3},
    .span_id = {4, 5, 6},
    .parent_span_id = {7},
    .start_unix_ns = INT64_C(1700000000000000000),
    .decided_unix_ns = INT64_C(1700000000000010000),
    .first_byte_unix_ns = INT64_C(1700000000250000000),
    .end_unix_ns = INT64_C(1700000002000000000),
    .name = S("ai.completion"),
    .type = S("ai.inference"),
    .provider = S("openai"),
    .request_model = S("gpt-4o-mini"),
    .response_model = S("gpt-4o-mini-2024-07-18"),
    .n_evaluations = 6,
    .evaluations = evaluations,
    .usage = {.input_tokens = 150, .output_tokens = 85, .cache_read_tokens = 100},
    .reserved_nano_usd = 4000000,
    .actual_nano_usd = 3200000,
    .input_nano_usd = 1500000,
    .output_nano_usd = 1700000,
    .price_source = S("shipped"),
    .n_budgets = 2,
    .budgets = budgets,
    .http_status = 200,
    .is_stream = true,
    .finish_reason = S("stop"),
    .provider_request_id = S("req_011CSHoEeqs5C35K2UUqR7Fy"),
    .dialect = S("openai.chat"),
    .max_output_tokens = 1000,
    .temperature = 0.7,
    .has_temperature = true,
    .service_name = S("shop"),
    .host = S("host-1"),
    .n_attributes = sizeof attributes / sizeof *attributes,
    .attributes = attributes,
};

static struct genops_record records[BATCH];

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef void encode_fn(const struct genops_span_batch *batch, struct genops_buffer *buf);

static void measure_spans(const char *what, encode_fn *encode, enum genops_profile profile)
{
	struct genops_span_batch batch = {profile, records, BATCH};
	struct genops_buffer buf;
	double best = 1e18;
	genops_buffer_init(&buf, (size_t)1 << 26);
	for (int i = 0; i < ROUNDS; i++) {
		double start = cpu_ns();
		genops_buffer_clear(&buf);
		encode(&batch, &buf);
		double ns = (cpu_ns() - start) / BATCH;
		best = ns < best ? ns : best;
	}
	printf("%-28s %8.0f ns a span %8zu bytes a span%s\n", what, best, buf.len / BATCH,
	    buf.error ? " ERROR" : "");
	genops_buffer_done(&buf);
}

static void measure_metrics(void)
{
	struct genops_metrics *metrics = genops_metrics_new(10000);
	double best = 1e18;
	for (int i = 0; metrics && i < ROUNDS; i++) {
		double start = cpu_ns();
		for (int j = 0; j < BATCH; j++)
			genops_metrics_add_record(metrics, &records[j]);
		double ns = (cpu_ns() - start) / BATCH;
		best = ns < best ? ns : best;
	}
	printf("%-28s %8.0f ns a record\n", "metrics", best);
	genops_metrics_free(metrics);
}

int main(void)
{
	for (size_t i = 0; i < BATCH; i++)
		records[i] = record;
	measure_spans(
	    "protobuf, profile guides", genops_span_encode_protobuf, GENOPS_PROFILE_GUIDES);
	measure_spans("protobuf, profile spec", genops_span_encode_protobuf, GENOPS_PROFILE_SPEC);
	measure_spans("JSON, profile guides", genops_span_encode_json, GENOPS_PROFILE_GUIDES);
	measure_metrics();
	return 0;
}
