/* SPDX-License-Identifier: Apache-2.0
 * dialect/providers.c - the built-in providers, a row each. A provider is here only if its calls
 * can be governed now.
 *
 * The request target behind /<name> goes to base_url as it is; so base_url has no more path than
 * the SDK leaves out. stream_usage is ASKED only where asking is documented to be accepted; Mistral
 * refuses fields that it does not know. gemini, cohere and ollama are here with their
 * OpenAI-compatible paths (/v1beta/openai/..., /compatibility/v1/..., /v1/...); their native paths
 * are unknown routes until they have dialects of their own.
 */
#include "base/str.h"
#include "dialect/dialect.h"

#define ASKED  GENOPS_STREAM_USAGE_ASKED
#define ALWAYS GENOPS_STREAM_USAGE_ALWAYS

static const struct genops_provider_row rows[] = {
    {"openai", "openai", "openai", "https://api.openai.com", "OPENAI_API_KEY", {"OPENAI_BASE_URL"},
	"/v1", "authorization", ASKED},
    {"anthropic", "anthropic", "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY",
	{"ANTHROPIC_BASE_URL"}, "", "x-api-key", ALWAYS},
    {"azure", "azure", "azure", "", "AZURE_OPENAI_API_KEY", {"AZURE_OPENAI_ENDPOINT"}, "",
	"api-key", ASKED},
    {"groq", "groq", "openai", "https://api.groq.com", "GROQ_API_KEY", {"GROQ_BASE_URL"}, "",
	"authorization", ALWAYS},
    {"together", "together", "openai", "https://api.together.xyz", "TOGETHER_API_KEY",
	{"TOGETHER_BASE_URL"}, "/v1", "authorization", ALWAYS},
    {"deepseek", "deepseek", "openai", "https://api.deepseek.com", "DEEPSEEK_API_KEY", {NULL}, "",
	"authorization", ALWAYS},
    {"mistral", "mistral", "mistral", "https://api.mistral.ai", "MISTRAL_API_KEY", {NULL}, "",
	"authorization", ALWAYS},
    {"openrouter", "openrouter", "openai", "https://openrouter.ai/api", "OPENROUTER_API_KEY",
	{NULL}, "/v1", "authorization", ASKED},
    {"fireworks", "fireworks", "openai", "https://api.fireworks.ai/inference", "FIREWORKS_API_KEY",
	{NULL}, "/v1", "authorization", ASKED},
    {"xai", "xai", "openai", "https://api.x.ai", "XAI_API_KEY", {NULL}, "/v1", "authorization",
	ALWAYS},
    {"perplexity", "perplexity", "openai", "https://api.perplexity.ai", "PERPLEXITY_API_KEY",
	{NULL}, "", "authorization", ALWAYS},
    {"gemini", "gemini", "openai", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY",
	{NULL}, "/v1beta/openai", "authorization", ASKED},
    {"cohere", "cohere", "openai", "https://api.cohere.ai", "CO_API_KEY", {NULL},
	"/compatibility/v1", "authorization", ALWAYS},
    {"ollama", "ollama", "openai", "http://127.0.0.1:11434", "", {NULL}, "/v1", "authorization",
	ASKED},
    {"simulated", "simulated", "openai", "", "", {NULL}, "/v1", "authorization", ASKED},
};

const struct genops_provider_row *genops_provider_rows(size_t *ret_n)
{
	*ret_n = sizeof rows / sizeof rows[0];
	return rows;
}

const struct genops_provider_row *genops_provider_row_find(genops_str name)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (genops_str_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}
