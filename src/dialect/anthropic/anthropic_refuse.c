/* SPDX-License-Identifier: Apache-2.0
 * dialect/anthropic/anthropic_refuse.c - refusals in Anthropic's words:
 * {"type":"error","error":{...},"request_id"}, in a stream `event: error`. A budget is
 * billing_error with 429 and x-should-retry: false, which its SDKs take as final. */
#include "dialect/anthropic/anthropic.h"
#include "dialect/refuse.h"

static const char *type_of_status(int status)
{
	switch (status) {
	case 401:
		return "authentication_error";
	case 402:
		return "billing_error";
	case 403:
		return "permission_error";
	case 404:
		return "not_found_error";
	case 413:
		return "request_too_large";
	case 429:
		return "rate_limit_error";
	case 504:
		return "timeout_error";
	default:
		return status >= 500 ? "api_error" : "invalid_request_error";
	}
}

static const char *type_of(enum genops_refuse_kind kind, int status)
{
	switch (kind) {
	case GENOPS_REFUSE_BUDGET:
		return "billing_error";
	case GENOPS_REFUSE_RATE:
		return "rate_limit_error";
	case GENOPS_REFUSE_OTHER:
		return type_of_status(status);
	default:
		return "permission_error";
	}
}

static void write_body(
    struct genops_buffer *out, const struct genops_refuse_input *input, const char *type)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "type", GENOPS_STR("error"));
	genops_json_key(&json, GENOPS_STR("error"));
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "type", genops_str_of(type));
	genops_json_key_string(&json, "message", genops_refuse_message(input));
	genops_json_object_end(&json);
	genops_json_key(&json, GENOPS_STR("request_id"));
	if (input->operation_id.len)
		genops_json_string(&json, input->operation_id);
	else
		genops_json_null(&json);
	genops_json_object_end(&json);
}

void genops_anthropic_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	int status = genops_refuse_status(input, kind, 429);
	write_body(body, input, type_of(kind, status));
	genops_refuse_conclude(input, kind, status, body, ret_refusal);
}

void genops_anthropic_refuse_in_stream(const struct genops_refuse_input *input,
    const struct genops_endpoint *endpoint, struct genops_buffer *out)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	genops_buffer_add_text(out, "event: error\ndata: ");
	write_body(out, input, type_of(kind, genops_refuse_status(input, kind, 429)));
	genops_buffer_add_text(out, "\n\n");
}
