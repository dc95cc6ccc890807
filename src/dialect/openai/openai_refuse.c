/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_refuse.c - refusals in OpenAI's words, which Azure and Mistral borrow.
 *
 * OpenAI's own hard spend limit is 429 with type insufficient_quota and code
 * project_spend_limit_exceeded, which agents know to be final. A stream that has begun gets the
 * error as its last event and no [DONE]: what was cut off must not look complete.
 */
#include "base/str.h"
#include "dialect/openai/openai_refuse.h"
#include "dialect/refuse.h"

static struct genops_openai_words words_of_status(int status)
{
	switch (status) {
	case 401:
		return (struct genops_openai_words){"invalid_request_error", "invalid_api_key"};
	case 403:
		return (struct genops_openai_words){"permission_error", "permission_denied"};
	case 404:
		return (struct genops_openai_words){"invalid_request_error", "unknown_url"};
	case 413:
		return (struct genops_openai_words){"invalid_request_error", "request_too_large"};
	case 429:
		return (struct genops_openai_words){"requests", "rate_limit_exceeded"};
	case 502:
		return (struct genops_openai_words){"server_error", "upstream_error"};
	case 504:
		return (struct genops_openai_words){"server_error", "upstream_timeout"};
	default:
		return status >= 500
			   ? (struct genops_openai_words){"server_error", "internal_error"}
			   : (struct genops_openai_words){
				 "invalid_request_error", "invalid_request"};
	}
}

struct genops_openai_words genops_openai_refuse_words(
    const struct genops_refuse_input *input, enum genops_refuse_kind kind, int status)
{
	switch (kind) {
	case GENOPS_REFUSE_BUDGET:
		return (struct genops_openai_words){
		    "insufficient_quota", "project_spend_limit_exceeded"};
	case GENOPS_REFUSE_RATE:
		return (struct genops_openai_words){"requests", "rate_limit_exceeded"};
	case GENOPS_REFUSE_CONTENT:
		return (struct genops_openai_words){"permission_error", "content_policy_violation"};
	case GENOPS_REFUSE_POLICY:
		return (struct genops_openai_words){"permission_error", genops_refuse_code(input)};
	default:
		return words_of_status(status);
	}
}

void genops_openai_refuse_members(struct genops_json_writer *json,
    const struct genops_refuse_input *input, struct genops_openai_words words)
{
	genops_json_key_string(json, "message", genops_refuse_message(input));
	genops_json_key_string(json, "type", genops_str_of(words.type));
	genops_json_key(json, GENOPS_STR("param"));
	genops_json_null(json);
	genops_json_key_string(json, "code", genops_str_of(words.code));
}

/* {"error":{...}} */
void genops_openai_refuse_body(struct genops_buffer *out, const struct genops_refuse_input *input,
    struct genops_openai_words words)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("error"));
	genops_json_object_begin(&json);
	genops_openai_refuse_members(&json, input, words);
	genops_json_object_end(&json);
	genops_json_object_end(&json);
}

void genops_openai_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	int status = genops_refuse_status(input, kind, 429);
	genops_openai_refuse_body(body, input, genops_openai_refuse_words(input, kind, status));
	genops_refuse_conclude(input, kind, status, body, ret_refusal);
}

/* The responses API's error event has the members at its top; its SDKs raise on a member named
 * error. Both are there. */
static void write_responses_event(struct genops_buffer *out,
    const struct genops_refuse_input *input, struct genops_openai_words words)
{
	struct genops_json_writer json;
	genops_buffer_add_text(out, "event: error\ndata: ");
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "type", GENOPS_STR("error"));
	genops_json_key_string(&json, "code", genops_str_of(words.code));
	genops_json_key_string(&json, "message", genops_refuse_message(input));
	genops_json_key(&json, GENOPS_STR("param"));
	genops_json_null(&json);
	genops_json_key(&json, GENOPS_STR("error"));
	genops_json_object_begin(&json);
	genops_openai_refuse_members(&json, input, words);
	genops_json_object_end(&json);
	genops_json_object_end(&json);
	genops_buffer_add_text(out, "\n\n");
}

void genops_openai_refuse_in_stream(const struct genops_refuse_input *input,
    const struct genops_endpoint *endpoint, struct genops_buffer *out)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	struct genops_openai_words words =
	    genops_openai_refuse_words(input, kind, genops_refuse_status(input, kind, 429));
	if (endpoint && endpoint->reading == &genops_openai_responses_reading) {
		write_responses_event(out, input, words);
		return;
	}
	genops_buffer_add_text(out, "data: ");
	genops_openai_refuse_body(out, input, words);
	genops_buffer_add_text(out, "\n\n");
}
