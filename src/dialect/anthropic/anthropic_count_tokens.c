/* SPDX-License-Identifier: Apache-2.0
 * dialect/anthropic/anthropic_count_tokens.c - POST /v1/messages/count_tokens and GET /v1/models:
 * free. The first is read like a message, as its text leaves the house all the same. */
#include "dialect/anthropic/anthropic.h"

static const struct genops_field answer_rows[] = {
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
};

static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

const struct genops_reading genops_anthropic_count_tokens_reading = {
    .request = &genops_anthropic_messages_request,
    .answer = &answer_fields,
};

const struct genops_reading genops_anthropic_models_reading = {
    .answer = &answer_fields,
};
