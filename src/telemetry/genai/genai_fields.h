/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai_fields.h - the attributes of one span by what they mean, before anything is concluded. For this folder only. */
#ifndef TELEMETRY_GENAI_FIELDS_H
#define TELEMETRY_GENAI_FIELDS_H

#include "telemetry/genai/genai.h"

/* X(field): what an attribute of genai_rows.h is about. */
#define GENOPS_GENAI_FIELDS(X)                                                                        \
	X(SPAN_KIND) X(COST) X(OUTCOME) X(SPEC) X(OPERATION) X(REQUEST_TYPE) X(PROVIDER) X(REQUEST_MODEL) X(RESPONSE_MODEL) \
	X(RESPONSE_ID) X(INPUT) X(OUTPUT) X(TOTAL) X(CACHE_READ) X(CACHE_WRITE) X(REASONING) X(AUDIO_INPUT) X(AUDIO_OUTPUT) \
	X(IMAGE_INPUT) X(IMAGE_OUTPUT) X(TIER) X(STREAM) X(FINISH) X(ERROR_TYPE) X(HTTP_STATUS) X(MAX_TOKENS) X(SERVER)     \
	X(INPUT_TEXT) X(OUTPUT_TEXT)

enum genops_genai_field {
#define X(field) GENOPS_GENAI_##field,
	GENOPS_GENAI_FIELDS(X)
#undef X
	GENOPS_GENAI_FIELD_N
};

struct genops_genai_fields {
	struct genops_otlp_value values[GENOPS_GENAI_FIELD_N]; /* NONE: not there */
	unsigned char rows[GENOPS_GENAI_FIELD_N];              /* which row gave it: the first of the table wins */
	genops_str provider_names[4];                          /* of all its rows: one may name a framework only */
	size_t input_bytes, output_bytes;                      /* of texts, where the span carries them */
};

GENOPS_NODISCARD int genops_genai_fields_read(
    const struct genops_otlp_span *span, struct genops_genai_fields *ret_fields, struct genops_error *err);

/* A count: integers, numbers that are whole, texts that are one. False: there is none. *ret_is_sane false: negative or absurd. */
bool genops_genai_fields_count(const struct genops_genai_fields *fields, enum genops_genai_field field, int64_t *ret_count, bool *ret_is_sane);
/* A text's own, an array's first; else "". */
genops_str genops_genai_fields_text(const struct genops_genai_fields *fields, enum genops_genai_field field);

/* What the operation is called, and whether it is one that is priced; "" : nothing says so. */
struct genops_genai_operation {
	genops_str name;
	bool is_known, is_priced;
};
struct genops_genai_operation genops_genai_operation_of(genops_str name);
struct genops_genai_operation genops_genai_operation_of_span(genops_str span_name); /* by the span's name: openai.chat */

/* genai_provider.c: the catalogue's name of who was called. */
genops_str genops_genai_provider(const struct genops_genai_fields *fields, const struct genops_otlp_span *span);

/* genai_usage.c */
void genops_genai_usage(const struct genops_otlp_resource *resource, const struct genops_genai_fields *fields, struct genops_genai_call *call);

#endif
