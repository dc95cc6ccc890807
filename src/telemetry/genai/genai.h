/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai.h - what a span of anybody's instrumentation says of an AI call: five dialects of gen_ai.*, both families of
 * OpenLLMetry, and genops.* itself.
 *
 * Pure. reference: OpenTelemetry semantic conventions v1.26 to v1.41 and semantic-conventions-genai; semconv_ai 0.4 and 0.5. The rows
 * of aliases are in genai_rows.h. Usage is repaired (cached tokens that the input leaves out, thoughts that the output leaves out), never
 * guessed in silence: what is not the provider's own count is marked estimated.
 */
#ifndef TELEMETRY_GENAI_H
#define TELEMETRY_GENAI_H

#include "telemetry/otlp/otlp_span.h"

#include <genops/operation.h>
#include <genops/usage.h>

/* Whose span wins when several tell of one call; higher is better. */
enum genops_genai_source {
	GENOPS_GENAI_NONE,            /* no AI call: workflow, agent, tool and all other spans */
	GENOPS_GENAI_INSTRUMENTATION, /* OpenLLMetry and the like, from outside of the SDK */
	GENOPS_GENAI_NATIVE,          /* the provider's SDK itself */
	GENOPS_GENAI_GENOPS,          /* another GenOps: has priced it */
};

struct genops_genai_call {
	enum genops_genai_source source;
	genops_str operation;                 /* chat, text_completion, generate_content, embeddings, rerank ... */
	genops_str provider;                  /* the catalogue's name; "" : not known */
	genops_str request_model, response_model, response_id;
	genops_usage usage;
	bool has_usage;                       /* the span reports it; else usage is a guess by length or cap, or zero */
	bool has_cost;                        /* genops.cost.total is there: taken as it is */
	int64_t cost_nano_usd;
	bool is_error;
	enum genops_outcome outcome;          /* as another GenOps said, else OK or PROVIDER_ERROR */
	int http_status;                      /* 0: not said */
	genops_str error_type, finish_reason;
	int64_t max_output_tokens;            /* asked for; 0: not said */
	bool is_stream;
};

/* Is it an AI call at all? Cheap: asked for every span. The same answer for the same bytes, always: drain and pipelines rely on it. */
bool genops_genai_is_call(const struct genops_otlp_resource *resource, const struct genops_otlp_span *span);
/* Texts borrow from the request or are constants. CORRUPT. */
GENOPS_NODISCARD int genops_genai_read(const struct genops_otlp_resource *resource, const struct genops_otlp_span *span,
    struct genops_genai_call *ret_call, struct genops_error *err);

/* *ret_rest: the request's spans that are no AI calls. The request itself if there are none of these; else in `scratch`, or empty. */
GENOPS_NODISCARD int genops_genai_split(
    genops_str request, struct genops_buffer *scratch, genops_str *ret_rest, struct genops_error *err);

/* The name without what only says which version, where or whose: "openai/gpt-4o-2024-08-06", "us.anthropic.claude-x-v1:0". Two names
 * of one model have the same. */
genops_str genops_genai_model_family(genops_str model);

#endif
