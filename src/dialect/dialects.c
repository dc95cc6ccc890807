/* SPDX-License-Identifier: Apache-2.0
 * dialect/dialects.c - the table of dialects: a new API is one row here. */
#include "dialect/anthropic/anthropic.h"
#include "dialect/openai/openai.h"

static const struct genops_dialect *const dialects[] = {
    &genops_openai_dialect,
    &genops_azure_dialect,
    &genops_mistral_dialect,
    &genops_anthropic_dialect,
};

const struct genops_dialect *const *genops_dialects(size_t *ret_n)
{
	*ret_n = sizeof dialects / sizeof dialects[0];
	return dialects;
}
