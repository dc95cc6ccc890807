/* SPDX-License-Identifier: Apache-2.0
 * dialect/anthropic/anthropic_messages.c - POST /v1/messages: what its request and its answer mean.
 *
 * A stream's message_start tells the input and a placeholder for the output; message_delta's usage
 * is cumulative and overrides it member by member. Cached tokens stand apart from input_tokens and
 * are added (read/counts.c).
 */
#include "dialect/anthropic/anthropic.h"
#include "dialect/read/usage_rows.h"

/* The blocks of a list of content blocks. */
#define BLOCK_ROWS(at)                                                                             \
	{at, GENOPS_FIELD_TEXT}, {at "[].type", GENOPS_FIELD_PART_TYPE},                           \
	    {at "[].text", GENOPS_FIELD_TEXT}, {at "[].title", GENOPS_FIELD_TEXT},                 \
	    {at "[].context", GENOPS_FIELD_TEXT}, {at "[].source", GENOPS_FIELD_SOURCE},           \
	    {at "[].source.type", GENOPS_FIELD_SOURCE_TYPE},                                       \
	    {at "[].source.data", GENOPS_FIELD_SOURCE_DATA},                                       \
	    {at "[].source.content", GENOPS_FIELD_TEXT},                                           \
	{                                                                                          \
		at "[].source.content[].text", GENOPS_FIELD_TEXT                                   \
	}

static const struct genops_field request_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"stream", GENOPS_FIELD_STREAM},
    {"max_tokens", GENOPS_FIELD_MAX_TOKENS},
    {"temperature", GENOPS_FIELD_TEMPERATURE},
    {"service_tier", GENOPS_FIELD_TIER},
    {"speed", GENOPS_FIELD_SPEED},
    {"system", GENOPS_FIELD_TEXT},
    {"system[].text", GENOPS_FIELD_TEXT},
    BLOCK_ROWS("messages[].content"),
    {"messages[].content[].thinking", GENOPS_FIELD_TEXT},
    {"messages[].content[].name", GENOPS_FIELD_TEXT},
    {"messages[].content[].input", GENOPS_FIELD_TOOLS},
    {"messages[].content[].input.**", GENOPS_FIELD_WORDS},
    BLOCK_ROWS("messages[].content[].content"),
    {"messages[].content[].content[].content", GENOPS_FIELD_TEXT},
    {"messages[].content[].content[].content[].text", GENOPS_FIELD_TEXT},
    {"tools", GENOPS_FIELD_TOOLS},
    {"tools[].type", GENOPS_FIELD_TOOL_TYPE},
    {"tools[].name", GENOPS_FIELD_TEXT},
    {"tools[].description", GENOPS_FIELD_TEXT},
    {"tools[].**", GENOPS_FIELD_WORDS},
    {"context_management.edits[].type", GENOPS_FIELD_TOOL_TYPE},
    {"output_format", GENOPS_FIELD_TOOLS},
    {"output_format.**", GENOPS_FIELD_WORDS},
    {"output_config", GENOPS_FIELD_TOOLS},
    {"output_config.**", GENOPS_FIELD_WORDS},
    {"mcp_servers", GENOPS_FIELD_OPEN},
    {"container", GENOPS_FIELD_OPEN},
};

static const struct genops_field answer_rows[] = {
    {"type", GENOPS_ANSWER_TYPE},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
    /* in the events of a stream */
    {"message.id", GENOPS_ANSWER_ID},
    {"message.model", GENOPS_ANSWER_MODEL},
    {"message.usage", GENOPS_ANSWER_FIRST_USAGE},
    GENOPS_RESPONSES_USAGE_ROWS("message.usage"),
    GENOPS_ANTHROPIC_USAGE_ROWS("message.usage"),
    {"content_block.type", GENOPS_ANSWER_ITEM_TYPE},
    {"content_block.text", GENOPS_ANSWER_TEXT},
    {"content_block.name", GENOPS_ANSWER_TEXT},
    {"delta.text", GENOPS_ANSWER_TEXT},
    {"delta.thinking", GENOPS_ANSWER_TEXT},
    {"delta.partial_json", GENOPS_ANSWER_TEXT},
    {"delta.stop_reason", GENOPS_ANSWER_FINISH},
    /* whole; usage also in message_delta */
    {"id", GENOPS_ANSWER_ID},
    {"model", GENOPS_ANSWER_MODEL},
    {"stop_reason", GENOPS_ANSWER_FINISH},
    {"content[].type", GENOPS_ANSWER_ITEM_TYPE},
    {"content[].text", GENOPS_ANSWER_TEXT},
    {"content[].thinking", GENOPS_ANSWER_TEXT},
    {"usage", GENOPS_ANSWER_USAGE},
    GENOPS_RESPONSES_USAGE_ROWS("usage"),
    GENOPS_ANTHROPIC_USAGE_ROWS("usage"),
};

struct genops_fields genops_anthropic_messages_request = GENOPS_FIELDS(request_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

const struct genops_reading genops_anthropic_messages_reading = {
    .request = &genops_anthropic_messages_request,
    .answer = &answer_fields,
    .data_max = (size_t)4 << 20,
};
