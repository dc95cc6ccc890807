/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_record.c - CPU time to encode and to decode a typical operation record
 * (16 attributes, 6 evaluations, 2 budgets). */
#include <stdio.h>
#include <time.h>

#include "govern/record.h"

#define S(literal)                                                                                 \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	} /* a static initialiser, unlike GENOPS_STR */
#define ROUNDS 1000000

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const struct genops_evaluation evaluations[] = {
    {.policy = S("max-call-cost"), .policy_type = S("cost_limit"), .action = S("log")},
    {.policy = S("calls-a-minute"), .policy_type = S("rate_limit"), .action = S("log")},
    {.policy = S("no-secrets"), .policy_type = S("content_filter"), .action = S("log")},
    {.policy = S("team-access"), .policy_type = S("team_access"), .action = S("log")},
    {.policy = S("team-day"), .policy_type = S("budget_limit"), .action = S("log")},
    {.policy = S("approved-models"), .policy_type = S("model_governance"), .action = S("log")},
};

#define BUDGET(text)                                                                               \
	{                                                                                          \
		.key = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)},               \
		.name = S(text), .label = S(text "[team=search,project=ranking]"),                 \
		.period = GENOPS_PERIOD_DAILY, .limit_nano_usd = INT64_C(50000000000),             \
		.consumed_nano_usd = INT64_C(12345678901), .reserved_nano_usd = 2500000,           \
		.n_lines = 2, .lines = {                                                           \
			{GENOPS_PERIOD_DAILY, 1699920000, 1700006400},                             \
			{GENOPS_PERIOD_MONTHLY, 1698796800, 1701388800},                           \
		}                                                                                  \
	}
static const struct genops_record_budget budgets[] = {BUDGET("team-day"), BUDGET("company")};

#define TEXT(key, text)                                                                            \
	{                                                                                          \
		S(key), GENOPS_ATTRIBUTE_STRING,                                                   \
		{                                                                                  \
			.string = S(text)                                                          \
		}                                                                                  \
	}
static const struct genops_attribute attributes[] = {
    TEXT("team", "search"),
    TEXT("project", "ranking"),
    TEXT("customer_id", "cust-00042"),
    TEXT("environment", "production"),
    TEXT("cost_center", "cc-7001"),
    TEXT("feature", "rerank"),
    TEXT("user_tier", "gold"),
    TEXT("tenant", "acme"),
    TEXT("experiment", "b"),
    TEXT("release", "2025.11.3"),
    TEXT("pipeline", "nightly"),
    TEXT("dataset", "queries-v7"),
    {S("retries"), GENOPS_ATTRIBUTE_INT, {.integer = 2}},
    {S("score"), GENOPS_ATTRIBUTE_DOUBLE, {.number = 0.92}},
    {S("cached"), GENOPS_ATTRIBUTE_BOOL, {.boolean = true}},
    {S("shard"), GENOPS_ATTRIBUTE_INT, {.integer = 17}},
};

static const struct genops_record typical = {
    .trace_id = {1, 2, 3},
    .span_id = {4, 5, 6},
    .start_unix_ns = INT64_C(1700000000123456789),
    .decided_unix_ns = INT64_C(1700000000123457789),
    .first_byte_unix_ns = INT64_C(1700000000523457789),
    .end_unix_ns = INT64_C(1700000001523457789),
    .name = S("ai.completion"),
    .type = S("ai.inference"),
    .provider = S("openai"),
    .request_model = S("gpt-4o-mini"),
    .response_model = S("gpt-4o-mini-2024-07-18"),
    .lease = 12,
    .n_evaluations = 6,
    .evaluations = evaluations,
    .usage = {.input_tokens = 812, .output_tokens = 207, .cache_read_tokens = 512},
    .estimated_nano_usd = 2500000,
    .reserved_nano_usd = 2500000,
    .actual_nano_usd = 246000,
    .input_nano_usd = 121800,
    .output_nano_usd = 124200,
    .price_source = S("catalog:2025-11-01"),
    .n_budgets = 2,
    .budgets = budgets,
    .http_status = 200,
    .is_stream = true,
    .finish_reason = S("stop"),
    .provider_request_id = S("req_0a1b2c3d4e5f60718293a4b5c6d7e8f9"),
    .key_name = S("search-prod"),
    .dialect = S("openai.chat"),
    .max_output_tokens = 1024,
    .temperature = 0.7,
    .has_temperature = true,
    .service_name = S("ranker"),
    .host = S("node-17"),
    .pid = 4242,
    .n_attributes = 16,
    .attributes = attributes,
};

int main(void)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, GENOPS_RECORD_MAX);
	struct genops_record record = typical;
	double begin = cpu_ns();
	for (int i = 0; i < ROUNDS; i++) {
		record.start_unix_ns++;
		genops_buffer_clear(&buf);
		genops_record_encode(&record, &buf);
	}
	double encode = (cpu_ns() - begin) / ROUNDS;
	if (buf.error)
		return 1;

	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	begin = cpu_ns();
	for (int i = 0; i < ROUNDS; i++) {
		genops_arena_reset(&arena);
		if (genops_record_decode(genops_buffer_view(&buf), &arena, &record, NULL) !=
		    GENOPS_OK)
			return 1;
	}
	double decode = (cpu_ns() - begin) / ROUNDS;
	printf("record/encode %.0f ns, decode %.0f ns, %zu bytes\n", encode, decode, buf.len);
	genops_arena_done(&arena);
	genops_buffer_done(&buf);
	return 0;
}
