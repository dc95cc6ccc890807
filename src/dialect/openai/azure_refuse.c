/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/azure_refuse.c - refusals in Azure's words: OpenAI's, but for two codes. */
#include "dialect/openai/openai_refuse.h"

/* Azure gives the status as the code of an error that has no better one. */
void genops_azure_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal)
{
	static const struct genops_openai_words denied = {"permission_error", "403"};
	enum genops_refuse_kind kind = genops_refuse_kind(input);
	int status = genops_refuse_status(input, kind, 429);
	struct genops_openai_words words = genops_openai_refuse_words(input, kind, status);
	if (kind == GENOPS_REFUSE_CONTENT)
		words.code = "content_filter";
	else if (kind == GENOPS_REFUSE_OTHER && status == 403)
		words = denied;
	genops_openai_refuse_body(body, input, words);
	genops_refuse_conclude(input, kind, status, body, ret_refusal);
}
