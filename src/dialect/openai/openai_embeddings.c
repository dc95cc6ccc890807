/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_embeddings.c - POST /v1/embeddings: text or token ids in, usage of the
 * input only. */
#include "dialect/openai/openai.h"
#include "dialect/read/usage_rows.h"

static const struct genops_field request_rows[] = {
    {"", GENOPS_FIELD_ROOT},
    {"model", GENOPS_FIELD_MODEL},
    {"input", GENOPS_FIELD_TEXT},
    {"input[]", GENOPS_FIELD_TEXT},
    {"input[].text", GENOPS_FIELD_TEXT},
    {"input[].image", GENOPS_FIELD_IMAGE},
};

/* Not chat's rows: an embedding has thousands of numbers, and nothing above them is wanted. */
static const struct genops_field answer_rows[] = {
    {"model", GENOPS_ANSWER_MODEL},
    {"error", GENOPS_ANSWER_ERROR},
    {"error.type", GENOPS_ANSWER_ERROR_TYPE},
    {"object", GENOPS_ANSWER_OBJECT},
    {"type", GENOPS_ANSWER_ERROR_TYPE},
    GENOPS_OPENAI_USAGE_ROWS("usage"),
};

static struct genops_fields request_fields = GENOPS_FIELDS(request_rows);
static struct genops_fields answer_fields = GENOPS_FIELDS(answer_rows);

const struct genops_reading genops_openai_embeddings_reading = {
    .request = &request_fields,
    .answer = &answer_fields,
    .request_finish = genops_openai_deployment,
};
