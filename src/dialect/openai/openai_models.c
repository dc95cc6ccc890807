/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_models.c - GET /v1/models and the other look-ups (stored responses and
 * completions): no body, nothing to meter; what they return was paid for when it was made. */
#include "dialect/openai/openai.h"

static const struct genops_field answer_rows[] = {
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
};

static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

const struct genops_reading genops_openai_models_reading = {
    .answer = &answer_fields,
};
