/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai.h - the OpenAI API and what speaks it: one file an endpoint, gathered in
 * openai.c. */
#ifndef DIALECT_OPENAI_OPENAI_H
#define DIALECT_OPENAI_OPENAI_H

#include "dialect/read/fields.h"

extern const struct genops_dialect genops_openai_dialect;
extern const struct genops_dialect genops_azure_dialect;   /* the same, Azure's error bodies */
extern const struct genops_dialect genops_mistral_dialect; /* the same, Mistral's */

extern const struct genops_reading genops_openai_chat_reading;
extern const struct genops_reading genops_openai_completions_reading;
extern const struct genops_reading genops_openai_responses_reading;
extern const struct genops_reading genops_openai_embeddings_reading;
extern const struct genops_reading genops_openai_images_reading;
extern const struct genops_reading genops_openai_image_forms_reading;
extern const struct genops_reading genops_openai_speech_reading;
extern const struct genops_reading genops_openai_transcriptions_reading;
extern const struct genops_reading genops_openai_moderations_reading;
extern const struct genops_reading genops_openai_models_reading;

/* Chat and legacy completions: one shape. */
extern struct genops_fields genops_openai_chat_request;
extern struct genops_fields genops_openai_chat_answer;

/* Azure names the model in the path: /openai/deployments/{deployment}/... */
void genops_openai_deployment(struct genops_request *request, struct genops_call *call);

void genops_openai_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal);
void genops_openai_refuse_in_stream(const struct genops_refuse_input *input,
    const struct genops_endpoint *endpoint, struct genops_buffer *out);
void genops_azure_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal);
void genops_mistral_refuse(const struct genops_refuse_input *input, struct genops_buffer *body,
    struct genops_refusal *ret_refusal);
void genops_mistral_refuse_in_stream(const struct genops_refuse_input *input,
    const struct genops_endpoint *endpoint, struct genops_buffer *out);

#endif
