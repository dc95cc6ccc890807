/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_chat.c - POST /v1/chat/completions: what its request and its answer mean.
 *
 * Legacy completions are read by the same rows: what looks like one and is served as the other must
 * not slip through.
 */
#include "base/str.h"
#include "dialect/openai/openai.h"
#include "dialect/read/request.h"
#include "dialect/read/usage_rows.h"

static const struct genops_field request_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"stream", GENOPS_FIELD_STREAM},
    {"stream_options", GENOPS_FIELD_STREAM_OPTIONS},
    {"stream_options.include_usage", GENOPS_FIELD_INCLUDE_USAGE},
    {"max_tokens", GENOPS_FIELD_MAX_TOKENS},
    {"max_completion_tokens", GENOPS_FIELD_MAX_TOKENS},
    {"n", GENOPS_FIELD_CHOICES},
    {"temperature", GENOPS_FIELD_TEMPERATURE},
    {"service_tier", GENOPS_FIELD_TIER},
    {"prediction", GENOPS_FIELD_PREDICTION},
    {"prediction.content", GENOPS_FIELD_TEXT},
    {"prediction.content[].text", GENOPS_FIELD_TEXT},
    {"messages[].name", GENOPS_FIELD_TEXT},
    {"messages[].content", GENOPS_FIELD_TEXT},
    {"messages[].content[]", GENOPS_FIELD_TEXT},
    {"messages[].content[].type", GENOPS_FIELD_PART_TYPE},
    {"messages[].content[].text", GENOPS_FIELD_TEXT},
    {"messages[].content[].text.value", GENOPS_FIELD_TEXT},
    {"messages[].content[].refusal", GENOPS_FIELD_TEXT},
    {"messages[].content[].content", GENOPS_FIELD_TEXT},
    {"messages[].content[].thinking[].text", GENOPS_FIELD_TEXT},
    {"messages[].content[].image_url", GENOPS_FIELD_IMAGE},
    {"messages[].content[].video_url", GENOPS_FIELD_OPEN},
    {"messages[].content[].document_url", GENOPS_FIELD_OPEN},
    {"messages[].content[].input_audio", GENOPS_FIELD_AUDIO},
    {"messages[].refusal", GENOPS_FIELD_TEXT},
    {"messages[].reasoning", GENOPS_FIELD_TEXT},
    {"messages[].reasoning_content", GENOPS_FIELD_TEXT},
    {"messages[].audio.id", GENOPS_FIELD_OPEN},
    {"messages[].tool_calls[].function.name", GENOPS_FIELD_TEXT},
    {"messages[].tool_calls[].function.arguments", GENOPS_FIELD_TEXT},
    {"messages[].tool_calls[].custom.input", GENOPS_FIELD_TEXT},
    {"messages[].function_call.name", GENOPS_FIELD_TEXT},
    {"messages[].function_call.arguments", GENOPS_FIELD_TEXT},
    {"tools", GENOPS_FIELD_TOOLS},
    {"tools[].type", GENOPS_FIELD_TOOL_TYPE},
    {"tools[].function.name", GENOPS_FIELD_TEXT},
    {"tools[].function.description", GENOPS_FIELD_TEXT},
    {"tools[].custom.name", GENOPS_FIELD_TEXT},
    {"tools[].custom.description", GENOPS_FIELD_TEXT},
    {"tools[].**", GENOPS_FIELD_WORDS},
    {"tools[].function.**", GENOPS_FIELD_WORDS},
    {"tools[].custom.**", GENOPS_FIELD_WORDS},
    {"functions", GENOPS_FIELD_TOOLS},
    {"functions[].**", GENOPS_FIELD_WORDS},
    {"functions[].name", GENOPS_FIELD_TEXT},
    {"functions[].description", GENOPS_FIELD_TEXT},
    {"response_format", GENOPS_FIELD_TOOLS},
    {"response_format.json_schema.description", GENOPS_FIELD_TEXT},
    {"response_format.**", GENOPS_FIELD_WORDS},
    {"response_format.json_schema.**", GENOPS_FIELD_WORDS},
    {"web_search_options", GENOPS_FIELD_OPEN},
    {"data_sources", GENOPS_FIELD_OPEN},      /* Azure, on your data */
    {"plugins", GENOPS_FIELD_OPEN},	      /* OpenRouter */
    {"search_parameters", GENOPS_FIELD_OPEN}, /* xAI */
    {"documents", GENOPS_FIELD_TOOLS},
    {"documents.**", GENOPS_FIELD_WORDS},
    /* legacy completions: n or best_of answers to each prompt; token ids alone make one prompt */
    {"best_of", GENOPS_FIELD_CHOICES},
    {"prompt", GENOPS_FIELD_TEXT},
    {"prompt[]", GENOPS_FIELD_PROMPT},
    {"suffix", GENOPS_FIELD_TEXT},
};

static const struct genops_field answer_rows[] = {
    {"id", GENOPS_ANSWER_ID},
    {"model", GENOPS_ANSWER_MODEL},
    {"service_tier", GENOPS_ANSWER_TIER},
    {"choices[]", GENOPS_ANSWER_CHOICE},
    {"choices[].finish_reason", GENOPS_ANSWER_FINISH},
    {"choices[].text", GENOPS_ANSWER_TEXT},
    {"choices[].delta.content", GENOPS_ANSWER_TEXT},
    {"choices[].delta.content[].text", GENOPS_ANSWER_TEXT},
    {"choices[].delta.content[].thinking[].text", GENOPS_ANSWER_TEXT},
    {"choices[].delta.refusal", GENOPS_ANSWER_TEXT},
    {"choices[].delta.reasoning", GENOPS_ANSWER_TEXT},
    {"choices[].delta.reasoning_content", GENOPS_ANSWER_TEXT},
    {"choices[].delta.audio.transcript", GENOPS_ANSWER_TEXT},
    {"choices[].delta.audio.data", GENOPS_ANSWER_TEXT},
    {"choices[].delta.tool_calls[].function.name", GENOPS_ANSWER_TOOL},
    {"choices[].delta.tool_calls[].function.arguments", GENOPS_ANSWER_TEXT},
    {"choices[].delta.tool_calls[].custom.name", GENOPS_ANSWER_TOOL},
    {"choices[].delta.tool_calls[].custom.input", GENOPS_ANSWER_TEXT},
    {"choices[].delta.function_call.name", GENOPS_ANSWER_TOOL},
    {"choices[].delta.function_call.arguments", GENOPS_ANSWER_TEXT},
    {"choices[].message.content", GENOPS_ANSWER_TEXT},
    {"choices[].message.content[].text", GENOPS_ANSWER_TEXT},
    {"choices[].message.refusal", GENOPS_ANSWER_TEXT},
    {"choices[].message.reasoning", GENOPS_ANSWER_TEXT},
    {"choices[].message.reasoning_content", GENOPS_ANSWER_TEXT},
    {"choices[].message.audio.transcript", GENOPS_ANSWER_TEXT},
    {"choices[].message.tool_calls[].function.name", GENOPS_ANSWER_TOOL},
    {"choices[].message.tool_calls[].function.arguments", GENOPS_ANSWER_TEXT},
    {"choices[].message.tool_calls[].custom.name", GENOPS_ANSWER_TOOL},
    {"choices[].message.tool_calls[].custom.input", GENOPS_ANSWER_TEXT},
    {"choices[].message.function_call.name", GENOPS_ANSWER_TOOL},
    {"choices[].message.function_call.arguments", GENOPS_ANSWER_TEXT},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
    {"x_groq.error", GENOPS_ANSWER_ERROR},
    {"object", GENOPS_ANSWER_OBJECT},	/* Mistral: "error" */
    {"type", GENOPS_ANSWER_ERROR_TYPE}, /* with it */
    GENOPS_OPENAI_USAGE_ROWS("usage"),
    GENOPS_RESPONSES_USAGE_ROWS("usage"),
    GENOPS_OPENAI_USAGE_ROWS("x_groq.usage"),
};

struct genops_fields genops_openai_chat_request = GENOPS_FIELDS(request_rows);
struct genops_fields genops_openai_chat_answer = GENOPS_FIELDS(answer_rows);

/* Segments from the path's end: the one behind "deployments" is the model. */
void genops_openai_deployment(struct genops_request *request, struct genops_call *call)
{
	genops_str path = request->info.target, behind = {0}, name;
	size_t end = genops_str_find_char(path, '?');
	if (end == SIZE_MAX)
		end = path.len;
	for (size_t i = 0; i < 8; i++) {
		size_t start = end;
		while (start > 0 && path.ptr[start - 1] != '/')
			start--;
		genops_str here = {path.ptr + start, end - start};
		if (i > 0 && genops_str_is(here, "deployments")) {
			if (behind.len && behind.len <= GENOPS_REQUEST_MODEL_MAX && genops_arena_dup(request->arena, behind, &name))
				call->model = name;
			return;
		}
		if (start == 0)
			return; /* the path has no more */
		behind = here;
		end = start - 1;
	}
}

const struct genops_reading genops_openai_chat_reading = {
    .request = &genops_openai_chat_request,
    .answer = &genops_openai_chat_answer,
    .request_finish = genops_openai_deployment,
    .can_ask_usage = true,
};
