/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_moderations.c - POST /v1/moderations: free, but policies read its text all
 * the same. */
#include "dialect/openai/openai.h"

static const struct genops_field request_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"input", GENOPS_FIELD_TEXT},
    {"input[]", GENOPS_FIELD_TEXT},
    {"input[].text", GENOPS_FIELD_TEXT},
};

static const struct genops_field answer_rows[] = {
    {"model", GENOPS_ANSWER_MODEL},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
};

static struct genops_fields request_fields = GENOPS_FIELDS(request_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

const struct genops_reading genops_openai_moderations_reading = {
    .request = &request_fields,
    .answer = &answer_fields,
};
