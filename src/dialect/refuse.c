/* SPDX-License-Identifier: Apache-2.0
 * dialect/refuse.c - see refuse.h. Pure. */
#include "dialect/refuse.h"

#define NS_PER_MS    INT64_C(1000000)
#define MS_PER_S     1000
#define RETRY_MS_MAX INT64_C(60000)

enum genops_refuse_kind genops_refuse_kind(const struct genops_refuse_input *input)
{
	if (!input->decision)
		return GENOPS_REFUSE_OTHER;
	switch (input->decision->reason) {
	case GENOPS_REASON_BUDGET_EXCEEDED:
	case GENOPS_REASON_BUDGET_RESERVATION_FAILED:
		return GENOPS_REFUSE_BUDGET;
	case GENOPS_REASON_RATE_LIMITED:
		return GENOPS_REFUSE_RATE;
	case GENOPS_REASON_POLICY_DENY_CONTENT:
		return GENOPS_REFUSE_CONTENT;
	default:
		return GENOPS_REFUSE_POLICY;
	}
}

int genops_refuse_status(
    const struct genops_refuse_input *input, enum genops_refuse_kind kind, int budget_status)
{
	switch (kind) {
	case GENOPS_REFUSE_BUDGET:
		return budget_status;
	case GENOPS_REFUSE_RATE:
		return 429;
	case GENOPS_REFUSE_OTHER:
		return input->status >= 400 && input->status <= 599 ? input->status : 500;
	default:
		return 403;
	}
}

const char *genops_refuse_code(const struct genops_refuse_input *input)
{
	return input->decision ? genops_reason_name(input->decision->reason) : "";
}

static const char *text_of_status(int status)
{
	switch (status) {
	case 400:
		return "The request is not well formed.";
	case 401:
		return "The key is not known.";
	case 403:
		return "The request is not allowed.";
	case 404:
		return "There is no such route.";
	case 413:
		return "The request is too large.";
	case 429:
		return "There are too many requests.";
	case 502:
		return "The provider could not be reached.";
	case 504:
		return "The provider did not answer in time.";
	default:
		return "The request could not be handled.";
	}
}

genops_str genops_refuse_message(const struct genops_refuse_input *input)
{
	if (input->message.len)
		return input->message;
	if (input->decision && input->decision->message.len)
		return input->decision->message;
	return genops_str_of(text_of_status(input->decision ? 403 : input->status));
}

static void add_header(struct genops_refusal *refusal, const char *name, genops_str value)
{
	struct genops_header *header = &refusal->headers[refusal->n_headers++];
	header->name = genops_str_of(name);
	header->value = value;
}

/* Appends digits behind the body; the view is made when the buffer stands still. */
static size_t add_digits(struct genops_buffer *body, int64_t value)
{
	size_t before = body->len;
	genops_buffer_add_int(body, value);
	return body->len - before;
}

void genops_refuse_conclude(const struct genops_refuse_input *input, enum genops_refuse_kind kind,
    int status, struct genops_buffer *body, struct genops_refusal *ret_refusal)
{
	size_t body_len = body->len;
	int64_t ms = kind == GENOPS_REFUSE_RATE
			 ? (input->decision->retry_after_ns + NS_PER_MS - 1) / NS_PER_MS
			 : 0;
	bool is_soon = kind == GENOPS_REFUSE_RATE && ms <= RETRY_MS_MAX;
	if (ms < 1)
		ms = 1;
	size_t n_seconds = is_soon ? add_digits(body, (ms + MS_PER_S - 1) / MS_PER_S) : 0;
	size_t n_ms = is_soon ? add_digits(body, ms) : 0;
	*ret_refusal = (struct genops_refusal){
	    .status = status, .content_type = GENOPS_STR("application/json")};
	if (kind == GENOPS_REFUSE_BUDGET || (kind == GENOPS_REFUSE_RATE && !is_soon))
		add_header(ret_refusal, "x-should-retry", GENOPS_STR("false"));
	if (body->error) {
		ret_refusal->body = GENOPS_STR("{\"error\":{\"message\":\"Refused by GenOps.\"}}");
		return;
	}
	ret_refusal->body = (genops_str){body->ptr, body_len};
	if (is_soon) {
		add_header(
		    ret_refusal, "retry-after", (genops_str){body->ptr + body_len, n_seconds});
		add_header(ret_refusal, "retry-after-ms",
		    (genops_str){body->ptr + body_len + n_seconds, n_ms});
	}
}
