/* SPDX-License-Identifier: Apache-2.0
 * dialect/anthropic/anthropic.h - the Anthropic API: one file an endpoint, gathered in anthropic.c.
 */
#ifndef DIALECT_ANTHROPIC_ANTHROPIC_H
#define DIALECT_ANTHROPIC_ANTHROPIC_H

#include "dialect/read/fields.h"

extern const struct genops_dialect genops_anthropic_dialect;

extern const struct genops_reading genops_anthropic_messages_reading;
extern const struct genops_reading genops_anthropic_count_tokens_reading;
extern const struct genops_reading genops_anthropic_complete_reading;
extern const struct genops_reading genops_anthropic_models_reading;

extern struct genops_fields genops_anthropic_messages_request;

void genops_anthropic_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal);
void genops_anthropic_refuse_in_stream(const struct genops_refuse_input *input,
    const struct genops_endpoint *endpoint, struct genops_buffer *out);

#endif
