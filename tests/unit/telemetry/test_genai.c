/* SPDX-License-Identifier: Apache-2.0 - telemetry/genai: which spans are AI calls, in whose dialect, and what they used.
 *
 * proves OTL-010, OTL-047; reference: semantic conventions v1.26 to v1.41 and after, both families of OpenLLMetry. */
#include "genai_fixture.h"

#define SPAN(...) ((struct told){.pairs = {__VA_ARGS__}})

/* One call, 1000 in, 100 out, 600 of them read from a cache where the dialect can say so. */
static void every_dialect(void **state)
{
	static const struct told rows[] = {
	    /* v1.26 and the old Traceloop */
	    {.pairs = {"llm.request.type", "chat", "gen_ai.system", "OpenAI", "gen_ai.request.model", "gpt-4o", "gen_ai.usage.prompt_tokens",
		 "#1000", "gen_ai.usage.completion_tokens", "#100", "llm.usage.total_tokens", "#1100",
		 "gen_ai.usage.cache_read_input_tokens", "#600"}},
	    /* v1.27 to v1.36 */
	    {.pairs = {"gen_ai.operation.name", "chat", "gen_ai.system", "openai", "gen_ai.request.model", "gpt-4o",
		 "gen_ai.usage.input_tokens", "#1000", "gen_ai.usage.output_tokens", "#100", "gen_ai.usage.cache_read_input_tokens", "#600"}},
	    /* v1.37 on */
	    {.pairs = {"gen_ai.operation.name", "chat", "gen_ai.provider.name", "openai", "gen_ai.request.model", "gpt-4o",
		 "gen_ai.usage.input_tokens", "#1000", "gen_ai.usage.output_tokens", "#100", "gen_ai.usage.cache_read.input_tokens", "#600"}},
	    /* nothing but usage, on a CLIENT span; numbers as texts and doubles */
	    {.pairs = {"gen_ai.provider.name", "openai", "gen_ai.request.model", "gpt-4o", "gen_ai.usage.input_tokens", "1000",
		 "gen_ai.usage.output_tokens", "~100", "gen_ai.usage.cache_read.input_tokens", "#600"}},
	    /* the OpenTelemetry guide's own names, on any kind of span */
	    {.kind = 1,
		.pairs = {"ai.model.provider", "openai", "ai.model.name", "gpt-4o", "ai.request.input_tokens", "#1000",
		    "ai.request.output_tokens", "#100", "gen_ai.usage.cache_read.input_tokens", "#600"}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct genops_genai_call call = call_of(rows[i]);
		assert_int_equal(call.source, GENOPS_GENAI_INSTRUMENTATION);
		assert_text(call.provider, "openai");
		assert_text(call.request_model, "gpt-4o");
		assert_true(call.has_usage);
		assert_false(call.usage.is_estimated);
		assert_int_equal(call.usage.input_tokens, 1000);
		assert_int_equal(call.usage.output_tokens, 100);
		assert_int_equal(call.usage.cache_read_tokens, 600);
	}
}

static void what_is_no_call(void **state)
{
	static const struct told rows[] = {
	    {.pairs = {"traceloop.span.kind", "workflow", "gen_ai.operation.name", "chat", "gen_ai.usage.input_tokens", "#5"}},
	    {.pairs = {"gen_ai.operation.name", "invoke_agent", "gen_ai.usage.input_tokens", "#5", "gen_ai.request.model", "gpt-4o"}},
	    {.pairs = {"gen_ai.operation.name", "execute_tool", "genops.cost.total", "~1"}},
	    {.pairs = {"gen_ai.operation.name", "retrieval"}},
	    {.kind = 1, .pairs = {"gen_ai.usage.input_tokens", "#5"}}, /* INTERNAL: an agent's sum */
	    {.name = "openai.chat", .pairs = {"http.method", "POST"}},
	    {.name = "GET /", .pairs = {"http.method", "GET", "url.full", "http://x/"}},
	    {.pairs = {"gen_ai.request.model", "gpt-4o"}},
	    {.pairs = {NULL}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(call_of(rows[i]).source, GENOPS_GENAI_NONE);
}

static void who_told_it(void **state)
{
	(void)state;
	struct told told = SPAN("gen_ai.operation.name", "chat", "gen_ai.usage.input_tokens", "#1");
	told.scope = "com.anthropic.sdk.typescript";
	assert_int_equal(call_of(told).source, GENOPS_GENAI_NATIVE);
	struct genops_genai_call call = call_of(SPAN("genops.cost.total", "~0.05", "genops.outcome", "cancelled"));
	assert_int_equal(call.source, GENOPS_GENAI_GENOPS);
	assert_true(call.has_cost);
	assert_int_equal(call.cost_nano_usd, 50000000);
	assert_int_equal(call.outcome, GENOPS_OUTCOME_CANCELLED);
	assert_int_equal(call_of(SPAN("genops.cost.total", "0.0032")).cost_nano_usd, 3200000);
	assert_false(call_of(SPAN("genops.cost.total", "~-1")).has_cost);
	assert_false(call_of(SPAN("genops.cost.total", "~nan")).has_cost);
	assert_false(call_of(SPAN("genops.cost.total", "much")).has_cost);
	call = call_of(SPAN("genops.spec.version", "0.1.0", "gen_ai.operation.name", "chat", "genops.outcome", "refused"));
	assert_int_equal(call.source, GENOPS_GENAI_GENOPS);
	assert_int_equal(call.outcome, GENOPS_OUTCOME_REFUSED);
}

static void whose_call(void **state)
{
	static const struct {
		struct told told;
		const char *provider;
	} rows[] = {
	    {{.pairs = {"gen_ai.provider.name", "aws.bedrock"}}, "bedrock"},
	    {{.pairs = {"gen_ai.system", "MistralAI"}}, "mistral"},
	    {{.pairs = {"gen_ai.system", "az.ai.openai"}}, "azure"},
	    {{.pairs = {"gen_ai.system", "Google"}}, "gemini"},
	    {{.pairs = {"gen_ai.system", "TogetherAI"}}, "together"},
	    {{.pairs = {"gen_ai.provider.name", "langchain", "gen_ai.request.model", "claude-3-haiku"}}, "anthropic"},
	    {{.pairs = {"gen_ai.provider.name", "litellm", "gen_ai.request.model", "mistralai/mixtral-8x7b"}}, "mistral"},
	    {{.pairs = {"server.address", "bedrock-runtime.us-east-1.amazonaws.com"}}, "bedrock"},
	    {{.pairs = {"gen_ai.openai.api_base", "https://acme.openai.azure.com/openai/"}}, "azure"},
	    {{.name = "ollama.chat", .pairs = {"gen_ai.request.model", "llama3"}}, "ollama"},
	    {{.pairs = {"gen_ai.response.model", "gemini-1.5-pro"}}, "gemini"},
	    {{.pairs = {"gen_ai.provider.name", "acme"}}, "acme"},
	    {{.pairs = {"gen_ai.request.model", "who-knows"}}, ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct told told = rows[i].told;
		size_t n = 0;
		while (told.pairs[n])
			n++;
		told.pairs[n] = "gen_ai.operation.name", told.pairs[n + 1] = "chat";
		assert_text(call_of(told).provider, rows[i].provider);
	}
}

/* Spans that say nothing but what they are called: OpenLLMetry's for Bedrock Converse, Vercel's. */
static void by_the_spans_name(void **state)
{
	(void)state;
	struct told told = SPAN("gen_ai.system", "AWS", "gen_ai.request.model", "amazon.nova-lite-v1:0", "gen_ai.request.max_tokens", "#50");
	told.name = "bedrock.completion";
	struct genops_genai_call call = call_of(told);
	assert_text(call.operation, "text_completion");
	assert_text(call.provider, "bedrock");
	assert_false(call.has_usage);
	assert_true(call.usage.is_estimated);
	assert_int_equal(call.usage.output_tokens, 50);
	told.name = "ai.generateText.doGenerate", told.kind = 1;
	assert_text(call_of(told).operation, "chat");
}

#define CHAT "gen_ai.operation.name", "chat"

static void usage_is_repaired(void **state)
{
	(void)state;
	/* more cached than there was: the input leaves it out */
	struct genops_genai_call call = call_of(SPAN(CHAT, "gen_ai.usage.input_tokens", "#4", "gen_ai.usage.output_tokens", "#202",
	    "gen_ai.usage.cache_read.input_tokens", "#1163", "gen_ai.usage.cache_creation.input_tokens", "#0"));
	assert_int_equal(call.usage.input_tokens, 1167);
	assert_int_equal(call.usage.cache_read_tokens, 1163);
	assert_false(call.usage.is_estimated);
	/* known to leave it out, though it does not show */
	struct told told = SPAN(CHAT, "gen_ai.usage.input_tokens", "#433", "gen_ai.usage.output_tokens", "#16",
	    "gen_ai.usage.cache_read.input_tokens", "#100", "gen_ai.usage.cache_write.input_tokens", "#20");
	assert_int_equal(call_of(told).usage.input_tokens, 433);
	told.scope = "opentelemetry.instrumentation.bedrock";
	assert_int_equal(call_of(told).usage.input_tokens, 553);
	assert_int_equal(call_of(told).usage.cache_write_5m_tokens, 20);
	told.scope = "@traceloop/instrumentation-anthropic", told.version = "0.27.0";
	assert_int_equal(call_of(told).usage.input_tokens, 553);
	told.version = "0.28.0"; /* repaired there */
	assert_int_equal(call_of(told).usage.input_tokens, 433);
	/* Google's thoughts are in the total only */
	call = call_of(SPAN(CHAT, "gen_ai.system", "gcp.gen_ai", "gen_ai.usage.input_tokens", "#10", "gen_ai.usage.output_tokens", "#5",
	    "gen_ai.usage.total_tokens", "#45"));
	assert_int_equal(call.usage.output_tokens, 35);
	assert_int_equal(call.usage.reasoning_tokens, 30);
	call = call_of(SPAN(CHAT, "gen_ai.system", "openai", "gen_ai.usage.input_tokens", "#10", "gen_ai.usage.output_tokens", "#5",
	    "gen_ai.usage.total_tokens", "#45"));
	assert_int_equal(call.usage.output_tokens, 5);
	/* more thoughts than output */
	call = call_of(SPAN(CHAT, "gen_ai.usage.output_tokens", "#5", "gen_ai.usage.reasoning.output_tokens", "#40"));
	assert_int_equal(call.usage.output_tokens, 45);
	/* only a total */
	call = call_of(SPAN("gen_ai.operation.name", "embeddings", "gen_ai.usage.total_tokens", "#8"));
	assert_int_equal(call.usage.input_tokens, 8);
	assert_false(call.usage.is_estimated);
}

static void what_is_not_the_providers_count(void **state)
{
	(void)state;
	struct genops_genai_call call = call_of(SPAN(CHAT, "gen_ai.usage.input_tokens", "#-7", "gen_ai.usage.output_tokens", "#5"));
	assert_int_equal(call.usage.input_tokens, 0);
	assert_true(call.usage.is_estimated);
	call = call_of(SPAN(CHAT, "gen_ai.usage.input_tokens", "~1e300", "gen_ai.usage.output_tokens", "~nan"));
	assert_int_equal(call.usage.input_tokens, 0);
	assert_true(call.usage.is_estimated);
	/* counted by the instrumentation itself, where it was a stream, which the span does not tell */
	struct told told = SPAN(CHAT, "gen_ai.usage.input_tokens", "#1", "gen_ai.response.id", "chatcmpl-1");
	told.scope = "@traceloop/instrumentation-openai";
	assert_true(call_of(told).usage.is_estimated);
	told.pairs[5] = "resp_1";
	assert_false(call_of(told).usage.is_estimated);
	/* nobody counted: by the length of the texts */
	call = call_of(SPAN(CHAT, "gen_ai.input.messages", "0123456789", "gen_ai.completion.0.content", "01234567"));
	assert_int_equal(call.usage.input_tokens, 3);
	assert_int_equal(call.usage.output_tokens, 2);
	assert_true(call.usage.is_estimated);
	/* it failed: nothing was used, and that is no guess */
	call = call_of(SPAN(CHAT, "error.type", "404", "http.response.status_code", "#404", "gen_ai.request.max_tokens", "#5"));
	assert_true(call.is_error);
	assert_int_equal(call.outcome, GENOPS_OUTCOME_PROVIDER_ERROR);
	assert_int_equal(call.http_status, 404);
	assert_int_equal(call.usage.output_tokens, 0);
	assert_false(call.usage.is_estimated);
}

static void what_else_a_span_says(void **state)
{
	(void)state;
	struct genops_genai_call call = call_of(SPAN(CHAT, "gen_ai.response.finish_reasons", "[stop", "gen_ai.request.stream", "!",
	    "openai.response.service_tier", "flex", "gen_ai.response.model", "gpt-4o-2024-08-06", "gen_ai.response.id", "r1"));
	assert_text(call.finish_reason, "stop");
	assert_true(call.is_stream);
	assert_int_equal(call.usage.tier, GENOPS_TIER_FLEX);
	assert_text(call.response_model, "gpt-4o-2024-08-06");
	assert_text(call.response_id, "r1");
}

static void families_of_models(void **state)
{
	(void)state;
	assert_text(genops_genai_model_family(GENOPS_STR("gpt-4o-2024-08-06")), "gpt-4o");
	assert_text(genops_genai_model_family(GENOPS_STR("openai/gpt-4o")), "gpt-4o");
	assert_text(genops_genai_model_family(GENOPS_STR("us.anthropic.claude-3-5-sonnet-20240620-v1:0")), "claude-3-5-sonnet");
	assert_text(genops_genai_model_family(GENOPS_STR("")), "");
}

static void a_request_without_its_calls(void **state)
{
	(void)state;
	struct genops_buffer call, other, scratch;
	genops_str rest;
	genops_buffer_init(&call, 1 << 16);
	genops_buffer_init(&other, 1 << 16);
	genops_buffer_init(&scratch, 1 << 16);
	genops_str alone = request_of(&SPAN(CHAT), &call);
	assert_int_equal(genops_genai_split(alone, &scratch, &rest, NULL), GENOPS_OK);
	assert_int_equal(rest.len, 0);
	genops_str none = request_of(&SPAN("http.method", "GET"), &other);
	assert_int_equal(genops_genai_split(none, &scratch, &rest, NULL), GENOPS_OK);
	assert_ptr_equal(rest.ptr, none.ptr);
	genops_buffer_add(&call, none);
	assert_int_equal(genops_genai_split(genops_buffer_view(&call), &scratch, &rest, NULL), GENOPS_OK);
	struct genops_otlp_reader reader;
	genops_str item;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, rest);
	assert_int_equal(genops_otlp_reader_next(&reader, &item), 1);
	assert_int_equal(genops_otlp_reader_next(&reader, &item), 0);
	genops_buffer_done(&call);
	genops_buffer_done(&other);
	genops_buffer_done(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_dialect),
	    cmocka_unit_test(what_is_no_call),
	    cmocka_unit_test(who_told_it),
	    cmocka_unit_test(whose_call),
	    cmocka_unit_test(by_the_spans_name),
	    cmocka_unit_test(usage_is_repaired),
	    cmocka_unit_test(what_is_not_the_providers_count),
	    cmocka_unit_test(what_else_a_span_says),
	    cmocka_unit_test(families_of_models),
	    cmocka_unit_test(a_request_without_its_calls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
