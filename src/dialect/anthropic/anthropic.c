/* SPDX-License-Identifier: Apache-2.0
 * dialect/anthropic/anthropic.c - the endpoints of the Anthropic API. Batches and files are unknown
 * routes. */
#include "dialect/anthropic/anthropic.h"
#include "dialect/read/follow.h"
#include "dialect/read/request.h"

#define FUNCTIONS                                                                                  \
	.request_size = sizeof(struct genops_request), .request_begin = genops_request_begin,      \
	.request_feed = genops_request_feed, .request_finish = genops_request_finish,              \
	.request_done = genops_request_done, .response_size = sizeof(struct genops_follow),        \
	.response_begin = genops_follow_begin, .response_header = genops_follow_header,            \
	.response_feed = genops_follow_feed, .response_finish = genops_follow_finish,              \
	.response_done = genops_follow_done

static const struct genops_endpoint endpoints[] = {
    {.name = "anthropic.messages",
	.method = "POST",
	.path = "/v1/messages",
	.operation = "chat",
	.body_form = GENOPS_BODY_JSON,
	.is_metered = true,
	.reading = &genops_anthropic_messages_reading,
	FUNCTIONS},
    {.name = "anthropic.count_tokens",
	.method = "POST",
	.path = "/v1/messages/count_tokens",
	.operation = "count_tokens",
	.body_form = GENOPS_BODY_JSON,
	.reading = &genops_anthropic_count_tokens_reading,
	FUNCTIONS},
    {.name = "anthropic.complete",
	.method = "POST",
	.path = "/v1/complete",
	.operation = "text_completion",
	.body_form = GENOPS_BODY_JSON,
	.is_metered = true,
	.reading = &genops_anthropic_complete_reading,
	FUNCTIONS},
    {.name = "anthropic.models",
	.method = "GET",
	.path = "/v1/models",
	.operation = "lookup",
	.body_form = GENOPS_BODY_NONE,
	.reading = &genops_anthropic_models_reading,
	FUNCTIONS},
    {.name = "anthropic.model",
	.method = "GET",
	.path = "/v1/models/{}",
	.operation = "lookup",
	.body_form = GENOPS_BODY_NONE,
	.reading = &genops_anthropic_models_reading,
	FUNCTIONS},
};

static const char *const key_headers[] = {"x-api-key", "authorization", NULL};

const struct genops_dialect genops_anthropic_dialect = {
    .name = "anthropic",
    .summary = "Anthropic messages and legacy complete",
    .endpoints = endpoints,
    .n_endpoints = sizeof endpoints / sizeof endpoints[0],
    .refuse = genops_anthropic_refuse,
    .refuse_in_stream = genops_anthropic_refuse_in_stream,
    .key_headers = key_headers,
};
