/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_responses.c - POST /v1/responses: its usage comes unasked, in the event
 * that ends the stream.
 *
 * Stored conversations, prompts, files and hosted tools bring in tokens that the request does not
 * show (is_input_open). A background response answers at once without usage: it is settled at an
 * estimate.
 */
#include "dialect/openai/openai.h"
#include "dialect/read/usage_rows.h"

#define DATA_MAX ((size_t)16 << 20) /* a generated image stands in one event */

static const struct genops_field request_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"stream", GENOPS_FIELD_STREAM},
    {"max_output_tokens", GENOPS_FIELD_MAX_TOKENS},
    {"temperature", GENOPS_FIELD_TEMPERATURE},
    {"service_tier", GENOPS_FIELD_TIER},
    {"instructions", GENOPS_FIELD_TEXT},
    {"previous_response_id", GENOPS_FIELD_OPEN},
    {"conversation", GENOPS_FIELD_OPEN},
    {"prompt", GENOPS_FIELD_OPEN},
    {"input", GENOPS_FIELD_TEXT},
    {"input[]", GENOPS_FIELD_TEXT},
    {"input[].type", GENOPS_FIELD_PART_TYPE},
    {"input[].content", GENOPS_FIELD_TEXT},
    {"input[].content[].type", GENOPS_FIELD_PART_TYPE},
    {"input[].content[].text", GENOPS_FIELD_TEXT},
    {"input[].content[].refusal", GENOPS_FIELD_TEXT},
    {"input[].content[].image_url", GENOPS_FIELD_IMAGE},
    {"input[].content[].file_id", GENOPS_FIELD_OPEN},
    {"input[].content[].input_audio", GENOPS_FIELD_AUDIO},
    {"input[].summary[].text", GENOPS_FIELD_TEXT},
    {"input[].name", GENOPS_FIELD_TEXT},
    {"input[].arguments", GENOPS_FIELD_TEXT},
    {"input[].input", GENOPS_FIELD_TEXT},
    {"input[].output", GENOPS_FIELD_TEXT},
    {"input[].output.image_url", GENOPS_FIELD_IMAGE},
    {"input[].output[].type", GENOPS_FIELD_PART_TYPE},
    {"input[].output[].text", GENOPS_FIELD_TEXT},
    {"input[].output[].stdout", GENOPS_FIELD_TEXT},
    {"input[].output[].stderr", GENOPS_FIELD_TEXT},
    {"input[].output[].image_url", GENOPS_FIELD_IMAGE},
    {"tools", GENOPS_FIELD_TOOLS},
    {"tools[].type", GENOPS_FIELD_TOOL_TYPE},
    {"tools[].name", GENOPS_FIELD_TEXT},
    {"tools[].description", GENOPS_FIELD_TEXT},
    {"tools[].server_description", GENOPS_FIELD_TEXT},
    {"tools[].**", GENOPS_FIELD_WORDS},
    {"input[].tools.**", GENOPS_FIELD_WORDS},
    {"input[].action.**", GENOPS_FIELD_WORDS},
    {"prompt.variables.**", GENOPS_FIELD_WORDS},
    {"text.format", GENOPS_FIELD_TOOLS},
    {"text.format.description", GENOPS_FIELD_TEXT},
    {"text.format.**", GENOPS_FIELD_WORDS},
};

static const struct genops_field answer_rows[] = {
    {"type", GENOPS_ANSWER_TYPE},
    {"delta", GENOPS_ANSWER_TEXT},
    {"item.type", GENOPS_ANSWER_ITEM_TYPE},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
    {"error.code", GENOPS_ANSWER_ERROR_TYPE},
    {"code", GENOPS_ANSWER_ERROR_TYPE},
    /* in the events of a stream */
    {"response.id", GENOPS_ANSWER_ID},
    {"response.model", GENOPS_ANSWER_MODEL},
    {"response.service_tier", GENOPS_ANSWER_TIER},
    {"response.status", GENOPS_ANSWER_FINISH},
    {"response.error", GENOPS_ANSWER_ERROR},
    {"response.error.code", GENOPS_ANSWER_ERROR_TYPE},
    {"response.output", GENOPS_ANSWER_ITEMS},
    {"response.output[].type", GENOPS_ANSWER_ITEM_TYPE},
    GENOPS_OPENAI_USAGE_ROWS("response.usage"),
    GENOPS_RESPONSES_USAGE_ROWS("response.usage"),
    /* whole */
    {"id", GENOPS_ANSWER_ID},
    {"model", GENOPS_ANSWER_MODEL},
    {"service_tier", GENOPS_ANSWER_TIER},
    {"status", GENOPS_ANSWER_FINISH},
    {"output[].type", GENOPS_ANSWER_ITEM_TYPE},
    {"output[].arguments", GENOPS_ANSWER_TEXT},
    {"output[].input", GENOPS_ANSWER_TEXT},
    {"output[].content[].text", GENOPS_ANSWER_TEXT},
    {"output[].content[].refusal", GENOPS_ANSWER_TEXT},
    {"output[].summary[].text", GENOPS_ANSWER_TEXT},
    GENOPS_OPENAI_USAGE_ROWS("usage"),
    GENOPS_RESPONSES_USAGE_ROWS("usage"),
};

static struct genops_fields request_fields = GENOPS_FIELDS(request_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

const struct genops_reading genops_openai_responses_reading = {
    .request = &request_fields,
    .answer = &answer_fields,
    .request_finish = genops_openai_deployment,
    .data_max = DATA_MAX,
};
