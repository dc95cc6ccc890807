/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_refuse.c - refusals in the words of OpenAI, Azure and Mistral.
 *
 * OpenAI's own hard spend limit is 429 with type insufficient_quota and code project_spend_limit_exceeded, which agents know to be
 * final. A stream that has begun gets the error as its last event and no [DONE]: what was cut off must not look complete.
 */
#include "base/str.h"
#include "dialect/openai/openai.h"
#include "dialect/refuse.h"

struct words {
	const char *type, *code;
};

static struct words words_of_status(int status)
{
	switch (status) {
	case 401:
		return (struct words){"invalid_request_error", "invalid_api_key"};
	case 403:
		return (struct words){"permission_error", "permission_denied"};
	case 404:
		return (struct words){"invalid_request_error", "unknown_url"};
	case 413:
		return (struct words){"invalid_request_error", "request_too_large"};
	case 429:
		return (struct words){"requests", "rate_limit_exceeded"};
	case 502:
		return (struct words){"server_error", "upstream_error"};
	case 504:
		return (struct words){"server_error", "upstream_timeout"};
	default:
		return status >= 500 ? (struct words){"server_error", "internal_error"}
				     : (struct words){"invalid_request_error", "invalid_request"};
	}
}

static struct words words_of(const struct genops_refuse_input *input, enum genops_refuse_kind kind, int status)
{
	switch (kind) {
	case GENOPS_REFUSE_BUDGET:
		return (struct words){"insufficient_quota", "project_spend_limit_exceeded"};
	case GENOPS_REFUSE_RATE:
		return (struct words){"requests", "rate_limit_exceeded"};
	case GENOPS_REFUSE_CONTENT:
		return (struct words){"permission_error", "content_policy_violation"};
	case GENOPS_REFUSE_POLICY:
		return (struct words){"permission_error", genops_refuse_code(input)};
	default:
		return words_of_status(status);
	}
}

static void write_members(struct genops_json_writer *json, const struct genops_refuse_input *input, struct words words)
{
	genops_json_key_string(json, "message", genops_refuse_message(input));
	genops_json_key_string(json, "type", genops_str_of(words.type));
	genops_json_key(json, GENOPS_STR("param"));
	genops_json_null(json);
	genops_json_key_string(json, "code", genops_str_of(words.code));
}

/* {"error":{...}} */
static void write_body(struct genops_buffer *out, const struct genops_refuse_input *input, struct words words)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("error"));
	genops_json_object_begin(&json);
	write_members(&json, input, words);
	genops_json_object_end(&json);
	genops_json_object_end(&json);
}

/* {"object":"error",...} */
static void write_mistral_body(struct genops_buffer *out, const struct genops_refuse_input *input, struct words words)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "object", GENOPS_STR("error"));
	write_members(&json, input, words);
	genops_json_object_end(&json);
}

void genops_openai_refuse(
    const struct genops_refuse_input *input, struct genops_buffer *body, struct genops_refusal *ret_refusal)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	int status = genops_refuse_status(input, kind, 429);
	write_body(body, input, words_of(input, kind, status));
	genops_refuse_conclude(input, kind, status, body, ret_refusal);
}

/* Azure gives the status as the code of an error that has no better one. */
void genops_azure_refuse(
    const struct genops_refuse_input *input, struct genops_buffer *body, struct genops_refusal *ret_refusal)
{
	static const struct words denied = {"permission_error", "403"};
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	int status = genops_refuse_status(input, kind, 429);
	struct words words = words_of(input, kind, status);
	if (kind == GENOPS_REFUSE_CONTENT)
		words.code = "content_filter";
	else if (kind == GENOPS_REFUSE_OTHER && status == 403)
		words = denied;
	write_body(body, input, words);
	genops_refuse_conclude(input, kind, status, body, ret_refusal);
}

/* Mistral's SDK retries 429 when told to; 402 it never does. */
void genops_mistral_refuse(
    const struct genops_refuse_input *input, struct genops_buffer *body, struct genops_refusal *ret_refusal)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	int status = genops_refuse_status(input, kind, 402);
	write_mistral_body(body, input, words_of(input, kind, status));
	genops_refuse_conclude(input, kind, status, body, ret_refusal);
}

/* The responses API's error event has the members at its top; its SDKs raise on a member named error. Both are there. */
static void write_responses_event(
    struct genops_buffer *out, const struct genops_refuse_input *input, struct words words)
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
	write_members(&json, input, words);
	genops_json_object_end(&json);
	genops_json_object_end(&json);
	genops_buffer_add_text(out, "\n\n");
}

void genops_openai_refuse_in_stream(
    const struct genops_refuse_input *input, const struct genops_endpoint *endpoint, struct genops_buffer *out)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	struct words words = words_of(input, kind, genops_refuse_status(input, kind, 429));
	if (endpoint && endpoint->reading == &genops_openai_responses_reading) {
		write_responses_event(out, input, words);
		return;
	}
	genops_buffer_add_text(out, "data: ");
	write_body(out, input, words);
	genops_buffer_add_text(out, "\n\n");
}

void genops_mistral_refuse_in_stream(
    const struct genops_refuse_input *input, const struct genops_endpoint *endpoint, struct genops_buffer *out)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	genops_buffer_add_text(out, "data: ");
	write_mistral_body(out, input, words_of(input, kind, genops_refuse_status(input, kind, 402)));
	genops_buffer_add_text(out, "\n\n");
}
