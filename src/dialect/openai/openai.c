/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai.c - the endpoints of the OpenAI API, and the dialects that have them:
 * OpenAI's own, Azure's and Mistral's, which differ in how they refuse. Paths are suffixes, so that
 * Azure's deployments, Groq's /openai, DeepSeek's /beta and OpenRouter's /api come in by the same
 * rows; longer paths stand before their own suffixes.
 */
#include "dialect/openai/openai.h"
#include "dialect/read/follow.h"
#include "dialect/read/form.h"
#include "dialect/read/request.h"

#define RESPONSE                                                                                   \
	.response_size = sizeof(struct genops_follow), .response_begin = genops_follow_begin,      \
	.response_header = genops_follow_header, .response_feed = genops_follow_feed,              \
	.response_finish = genops_follow_finish, .response_done = genops_follow_done

#define REQUEST                                                                                    \
	.request_size = sizeof(struct genops_request), .request_begin = genops_request_begin,      \
	.request_feed = genops_request_feed, .request_finish = genops_request_finish,              \
	.request_done = genops_request_done

#define FORM                                                                                       \
	.request_size = sizeof(struct genops_form), .request_begin = genops_form_begin,            \
	.request_feed = genops_form_feed, .request_finish = genops_form_finish,                    \
	.request_done = genops_form_done

#define POST_JSON(name_, path_, operation_, reading_, is_metered_)                                 \
	{                                                                                          \
		.name = name_, .method = "POST", .path = path_, .operation = operation_,           \
		.body_form = GENOPS_BODY_JSON, .is_metered = is_metered_, .reading = &reading_,    \
		REQUEST, RESPONSE                                                                  \
	}

#define POST_FORM(name_, path_, operation_, reading_)                                              \
	{                                                                                          \
		.name = name_, .method = "POST", .path = path_, .operation = operation_,           \
		.body_form = GENOPS_BODY_MULTIPART, .is_metered = true, .reading = &reading_,      \
		FORM, RESPONSE                                                                     \
	}

/* Look-ups and the like: free, no body that matters. */
#define FREE(name_, method_, path_)                                                                \
	{                                                                                          \
		.name = name_, .method = method_, .path = path_, .operation = "lookup",            \
		.body_form = GENOPS_BODY_NONE, .reading = &genops_openai_models_reading, REQUEST,  \
		RESPONSE                                                                           \
	}

static const struct genops_endpoint endpoints[] = {
    POST_JSON("openai.chat", "/chat/completions", "chat", genops_openai_chat_reading, true),
    POST_JSON("openai.fim", "/fim/completions", "text_completion",
	genops_openai_completions_reading, true),
    POST_JSON("openai.completions", "/completions", "text_completion",
	genops_openai_completions_reading, true),
    POST_JSON("openai.input_tokens", "/responses/input_tokens", "count_tokens",
	genops_openai_responses_reading, false),
    POST_JSON(
	"openai.compact", "/responses/compact", "chat", genops_openai_responses_reading, true),
    POST_JSON("openai.responses", "/responses", "chat", genops_openai_responses_reading, true),
    POST_JSON(
	"openai.embeddings", "/embeddings", "embeddings", genops_openai_embeddings_reading, true),
    POST_JSON("openai.images", "/images/generations", "image_generation",
	genops_openai_images_reading, true),
    POST_FORM(
	"openai.image_edits", "/images/edits", "image_edit", genops_openai_image_forms_reading),
    POST_FORM("openai.image_variations", "/images/variations", "image_variation",
	genops_openai_image_forms_reading),
    POST_JSON("openai.speech", "/audio/speech", "speech", genops_openai_speech_reading, true),
    POST_FORM("openai.transcriptions", "/audio/transcriptions", "transcription",
	genops_openai_transcriptions_reading),
    POST_FORM("openai.translations", "/audio/translations", "translation",
	genops_openai_transcriptions_reading),
    POST_JSON("openai.moderations", "/moderations", "moderation", genops_openai_moderations_reading,
	false),
    FREE("openai.models", "GET", "/models"),
    FREE("openai.model", "GET", "/models/{}"),
    FREE("openai.model", "GET", "/models/{}/{}"), /* "owner/name" */
    FREE("openai.response", "GET", "/responses/{}"),
    FREE("openai.response", "DELETE", "/responses/{}"),
    FREE("openai.response", "POST", "/responses/{}/cancel"),
    FREE("openai.response", "GET", "/responses/{}/input_items"),
    FREE("openai.stored_chat", "GET", "/chat/completions"),
    FREE("openai.stored_chat", "GET", "/chat/completions/{}"),
    FREE("openai.stored_chat", "GET", "/chat/completions/{}/messages"),
    FREE("openai.stored_chat", "DELETE", "/chat/completions/{}"),
};

static const char *const key_headers[] = {"authorization", "api-key", NULL};
static const char *const azure_key_headers[] = {"api-key", "authorization", NULL};

const struct genops_dialect genops_openai_dialect = {
    .name = "openai",
    .summary = "OpenAI and compatible APIs",
    .endpoints = endpoints,
    .n_endpoints = sizeof endpoints / sizeof endpoints[0],
    .refuse = genops_openai_refuse,
    .refuse_in_stream = genops_openai_refuse_in_stream,
    .key_headers = key_headers,
};

const struct genops_dialect genops_azure_dialect = {
    .name = "azure",
    .summary = "OpenAI on Azure: deployments in the path",
    .endpoints = endpoints,
    .n_endpoints = sizeof endpoints / sizeof endpoints[0],
    .refuse = genops_azure_refuse,
    .refuse_in_stream = genops_openai_refuse_in_stream,
    .key_headers = azure_key_headers,
};

const struct genops_dialect genops_mistral_dialect = {
    .name = "mistral",
    .summary = "Mistral: OpenAI-compatible, its own error bodies",
    .endpoints = endpoints,
    .n_endpoints = sizeof endpoints / sizeof endpoints[0],
    .refuse = genops_mistral_refuse,
    .refuse_in_stream = genops_mistral_refuse_in_stream,
    .key_headers = key_headers,
};
