/* SPDX-License-Identifier: Apache-2.0
 * dialect/anthropic/anthropic_complete.c - POST /v1/complete, the legacy API: it reports no usage,
 * so that every call is settled at an estimate from its bytes. */
#include "dialect/anthropic/anthropic.h"

static const struct genops_field request_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"stream", GENOPS_FIELD_STREAM},
    {"max_tokens_to_sample", GENOPS_FIELD_MAX_TOKENS},
    {"temperature", GENOPS_FIELD_TEMPERATURE},
    {"prompt", GENOPS_FIELD_TEXT},
};

static const struct genops_field answer_rows[] = {
    {"type", GENOPS_ANSWER_TYPE},
    {"model", GENOPS_ANSWER_MODEL},
    {"completion", GENOPS_ANSWER_TEXT},
    {"stop_reason", GENOPS_ANSWER_END},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
};

static struct genops_fields request_fields = GENOPS_FIELDS(request_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

const struct genops_reading genops_anthropic_complete_reading = {
    .request = &request_fields,
    .answer = &answer_fields,
};
