/* SPDX-License-Identifier: Apache-2.0
 * dialect/openai/openai_completions.c - POST /v1/completions (and Mistral's /v1/fim/completions):
 * prompts, each answered n or best_of times. Request and answer have the shape of chat
 * (openai_chat.c). */
#include "dialect/openai/openai.h"

const struct genops_reading genops_openai_completions_reading = {
    .request = &genops_openai_chat_request,
    .answer = &genops_openai_chat_answer,
    .request_finish = genops_openai_deployment,
    .can_ask_usage = true,
};
