/* SPDX-License-Identifier: Apache-2.0
 * dialect/detect.c - gateway.unknown_routes: pass. Any JSON request is read for what the known APIs
 * mean by their names, any JSON or event stream is searched for a usage object in any API's form,
 * so that no route is free of metering. Bodies that are no JSON pass unread.
 */
#include "dialect/read/follow.h"
#include "dialect/read/request.h"
#include "dialect/read/usage_rows.h"

static const struct genops_field request_rows[] = {
    {"model", GENOPS_FIELD_MODEL}, {"modelId", GENOPS_FIELD_MODEL}, {"stream", GENOPS_FIELD_STREAM},
    {"max_tokens", GENOPS_FIELD_MAX_TOKENS}, {"max_completion_tokens", GENOPS_FIELD_MAX_TOKENS},
    {"max_output_tokens", GENOPS_FIELD_MAX_TOKENS},
    {"generationConfig.maxOutputTokens", GENOPS_FIELD_MAX_TOKENS},
    {"inferenceConfig.maxTokens", GENOPS_FIELD_MAX_TOKENS}, {"n", GENOPS_FIELD_CHOICES},
    {"temperature", GENOPS_FIELD_TEMPERATURE}, {"service_tier", GENOPS_FIELD_TIER},
    {"system", GENOPS_FIELD_TEXT}, {"system[].text", GENOPS_FIELD_TEXT},
    {"instructions", GENOPS_FIELD_TEXT}, {"prompt", GENOPS_FIELD_TEXT},
    {"prompt[]", GENOPS_FIELD_PROMPT}, {"query", GENOPS_FIELD_TEXT},
    {"documents[]", GENOPS_FIELD_TEXT}, {"documents[].text", GENOPS_FIELD_TEXT},
    {"text", GENOPS_FIELD_TEXT}, {"texts[]", GENOPS_FIELD_TEXT}, {"message", GENOPS_FIELD_TEXT},
    {"input", GENOPS_FIELD_TEXT}, {"input[]", GENOPS_FIELD_TEXT},
    {"input[].content", GENOPS_FIELD_TEXT}, {"input[].content[].text", GENOPS_FIELD_TEXT},
    {"messages[].content", GENOPS_FIELD_TEXT}, {"messages[].content[].text", GENOPS_FIELD_TEXT},
    {"contents[].parts[].text", GENOPS_FIELD_TEXT},
    {"tools", GENOPS_FIELD_OPEN}, /* whose tools they are is not known */
};

static const struct genops_field answer_rows[] = {
    {"model", GENOPS_ANSWER_MODEL},
    {"modelVersion", GENOPS_ANSWER_MODEL},
    {"message.model", GENOPS_ANSWER_MODEL},
    {"response.model", GENOPS_ANSWER_MODEL},
    {"type", GENOPS_ANSWER_TYPE},
    {"delta", GENOPS_ANSWER_TEXT},
    {"delta.text", GENOPS_ANSWER_TEXT},
    {"choices[].delta.content", GENOPS_ANSWER_TEXT},
    {"choices[].message.content", GENOPS_ANSWER_TEXT},
    {"choices[].text", GENOPS_ANSWER_TEXT},
    {"content[].text", GENOPS_ANSWER_TEXT},
    {"candidates[].content.parts[].text", GENOPS_ANSWER_TEXT},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
    {"error.status", GENOPS_ANSWER_ERROR_TYPE},
    GENOPS_OPENAI_USAGE_ROWS("usage"),
    GENOPS_RESPONSES_USAGE_ROWS("usage"),
    GENOPS_ANTHROPIC_USAGE_ROWS("usage"),
    GENOPS_OPENAI_USAGE_ROWS("x_groq.usage"),
    GENOPS_OPENAI_USAGE_ROWS("response.usage"),
    GENOPS_RESPONSES_USAGE_ROWS("response.usage"),
    {"message.usage", GENOPS_ANSWER_FIRST_USAGE},
    GENOPS_RESPONSES_USAGE_ROWS("message.usage"),
    GENOPS_ANTHROPIC_USAGE_ROWS("message.usage"),
    GENOPS_COUNT_ROW("usage.inputTokens", INPUT),
    GENOPS_COUNT_ROW("usage.outputTokens", OUTPUT),
    GENOPS_COUNT_ROW("usage.cacheReadInputTokens", CACHE_READ),
    GENOPS_COUNT_ROW("usage.cacheWriteInputTokens", CACHE_WRITE),
    {"usageMetadata", GENOPS_ANSWER_USAGE},
    GENOPS_COUNT_ROW("usageMetadata.promptTokenCount", INPUT),
    GENOPS_COUNT_ROW("usageMetadata.candidatesTokenCount", OUTPUT),
    GENOPS_COUNT_ROW("usageMetadata.thoughtsTokenCount", THOUGHTS),
    GENOPS_COUNT_ROW("usageMetadata.cachedContentTokenCount", CACHED),
    GENOPS_COUNT_ROW("usageMetadata.totalTokenCount", TOTAL),
    {"[].usageMetadata", GENOPS_ANSWER_USAGE},
    GENOPS_COUNT_ROW("[].usageMetadata.promptTokenCount", INPUT),
    GENOPS_COUNT_ROW("[].usageMetadata.candidatesTokenCount", OUTPUT),
    GENOPS_COUNT_ROW("[].usageMetadata.thoughtsTokenCount", THOUGHTS),
    GENOPS_COUNT_ROW("[].usageMetadata.cachedContentTokenCount", CACHED),
    GENOPS_COUNT_ROW("[].usageMetadata.totalTokenCount", TOTAL),
    {"meta.billed_units", GENOPS_ANSWER_USAGE},
    GENOPS_COUNT_ROW("meta.billed_units.input_tokens", INPUT),
    GENOPS_COUNT_ROW("meta.billed_units.output_tokens", OUTPUT),
    {"usage.billed_units", GENOPS_ANSWER_USAGE},
    GENOPS_COUNT_ROW("usage.billed_units.input_tokens", INPUT),
    GENOPS_COUNT_ROW("usage.billed_units.output_tokens", OUTPUT),
    {"delta.usage.billed_units", GENOPS_ANSWER_USAGE},
    GENOPS_COUNT_ROW("delta.usage.billed_units.input_tokens", INPUT),
    GENOPS_COUNT_ROW("delta.usage.billed_units.output_tokens", OUTPUT),
    GENOPS_COUNT_ROW("prompt_eval_count", INPUT),
    GENOPS_COUNT_ROW("eval_count", OUTPUT),
};

static struct genops_fields request_fields = GENOPS_FIELDS(request_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

/* Ollama's counts stand in no object of their own. */
static void answer_finish(struct genops_follow *follow)
{
	if (follow->answer->is_complete && !follow->answer->has_usage && follow->pending.seen)
		genops_follow_commit(follow, false);
}

static const struct genops_reading reading = {
    .request = &request_fields,
    .answer = &answer_fields,
    .answer_finish = answer_finish,
    .data_max = (size_t)16 << 20,
    .is_lenient = true,
};

const struct genops_endpoint genops_dialect_detect = {
    .name = "unknown",
    .method = "",
    .path = "",
    .operation = "unknown",
    .body_form = GENOPS_BODY_JSON,
    .is_metered = true,
    .reading = &reading,
    .request_size = sizeof(struct genops_request),
    .request_begin = genops_request_begin,
    .request_feed = genops_request_feed,
    .request_finish = genops_request_finish,
    .request_done = genops_request_done,
    .response_size = sizeof(struct genops_follow),
    .response_begin = genops_follow_begin,
    .response_header = genops_follow_header,
    .response_feed = genops_follow_feed,
    .response_finish = genops_follow_finish,
    .response_done = genops_follow_done,
};
