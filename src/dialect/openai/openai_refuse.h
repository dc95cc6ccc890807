/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_refuse.h - the parts of a refusal that the OpenAI family shares: which type
 * and code, and their JSON. */
#ifndef DIALECT_OPENAI_OPENAI_REFUSE_H
#define DIALECT_OPENAI_OPENAI_REFUSE_H

#include "dialect/openai/openai.h"
#include "dialect/refuse.h"

struct genops_openai_words {
	const char *type, *code; /* static texts */
};

struct genops_openai_words genops_openai_refuse_words(
    const struct genops_refuse_input *input, enum genops_refuse_kind kind, int status);

/* "message":...,"type":...,"param":null,"code":... */
void genops_openai_refuse_members(struct genops_json_writer *json,
    const struct genops_refuse_input *input, struct genops_openai_words words);

/* {"error":{...}} */
void genops_openai_refuse_body(struct genops_buffer *out, const struct genops_refuse_input *input,
    struct genops_openai_words words);

#endif
