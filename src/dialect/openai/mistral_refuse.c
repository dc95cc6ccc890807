/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/mistral_refuse.c - refusals in Mistral's words: OpenAI's members at the top,
 * "object":"error" before them. */
#include "dialect/openai/openai_refuse.h"

/* {"object":"error",...} */
static void write_body(struct genops_buffer *out, const struct genops_refuse_input *input,
    struct genops_openai_words words)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "object", GENOPS_STR("error"));
	genops_openai_refuse_members(&json, input, words);
	genops_json_object_end(&json);
}

/* Mistral's SDK retries 429 when told to; 402 it never does. */
void genops_mistral_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	int status = genops_refuse_status(input, kind, 402);
	write_body(body, input, genops_openai_refuse_words(input, kind, status));
	genops_refuse_conclude(input, kind, status, body, ret_refusal);
}

void genops_mistral_refuse_in_stream(const struct genops_refuse_input *input,
    const struct genops_endpoint *endpoint, struct genops_buffer *out)
{
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	genops_buffer_add_text(out, "data: ");
	write_body(out, input,
	    genops_openai_refuse_words(input, kind, genops_refuse_status(input, kind, 402)));
	genops_buffer_add_text(out, "\n\n");
}
