/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_name.c - the many names of one model: providers' names, versions, dates, regions and resellers. See prices_build.h.
 *
 * Names are cut, never rewritten, so that a look-up needs no memory. The exact name is always tried first: what is
 * taken off here only finds a price for a name that has none of its own. Pure; any thread. */
#include "govern/prices/prices_build.h"

#include "base/str.h"

struct other_name {
	const char *name, *provider;
};

/* Our own names, those of OpenTelemetry (gen_ai.provider.name), and LiteLLM's. */
static const struct other_name other_names[] = {
    {"ai21_chat", "ai21"},
    {"amazon", "bedrock"},
    {"aws", "bedrock"},
    {"aws.bedrock", "bedrock"},
    {"aws_bedrock", "bedrock"},
    {"bedrock_converse", "bedrock"},
    {"az.ai.openai", "azure"},
    {"azure.ai.inference", "azure"},
    {"azure.ai.openai", "azure"},
    {"azure_ai", "azure"},
    {"azure_openai", "azure"},
    {"azure_text", "azure"},
    {"cohere_chat", "cohere"},
    {"fireworks_ai", "fireworks"},
    {"gcp.gemini", "gemini"},
    {"google", "gemini"},
    {"google_genai", "gemini"},
    {"google_ai", "gemini"},
    {"gcp.gen_ai", "gemini"},
    {"gcp.vertex_ai", "vertex"},
    {"google_vertex", "vertex"},
    {"vertex_ai", "vertex"},
    {"vertexai", "vertex"},
    {"mistral_ai", "mistral"},
    {"mistralai", "mistral"},
    {"ollama_chat", "ollama"},
    {"open_router", "openrouter"},
    {"text-completion-openai", "openai"},
    {"together_ai", "together"},
    {"togetherai", "together"},
    {"x-ai", "xai"},
    {"x_ai", "xai"},
};

/* Resellers' vendor names that are not the provider's name. */
static const struct other_name vendors[] = {
    {"mistralai", "mistral"}, {"google", "gemini"}, {"x-ai", "xai"}, {"amazon", "bedrock"}, {"openai", "openai"},
    {"anthropic", "anthropic"}, {"cohere", "cohere"}, {"deepseek", "deepseek"}};

struct fallback {
	const char *provider, *other;
	int step;
};

static const struct fallback fallbacks[] = {
    {"azure", "openai", 0}, {"vertex", "gemini", 0}, {"vertex", "anthropic", 1}, {"bedrock", "anthropic", 0}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

genops_str genops_prices_name_provider(genops_str provider)
{
	for (size_t i = 0; i < COUNT(other_names); i++) {
		if (genops_str_is_nocase(provider, other_names[i].name))
			return genops_str_of(other_names[i].provider);
	}
	/* LiteLLM tells Vertex's families apart: vertex_ai-language-models, vertex_ai-anthropic_models ... */
	if (genops_str_starts(provider, GENOPS_STR("vertex_ai-")))
		return GENOPS_STR("vertex");
	return provider;
}

genops_str genops_prices_name_fallback(genops_str provider, int step)
{
	for (size_t i = 0; i < COUNT(fallbacks); i++) {
		if (fallbacks[i].step == step && genops_str_is_nocase(provider, fallbacks[i].provider))
			return genops_str_of(fallbacks[i].other);
	}
	return (genops_str){0};
}

bool genops_prices_name_vendor(genops_str model, genops_str *ret_provider, genops_str *ret_model)
{
	genops_str rest = model;
	genops_str vendor = genops_str_split(&rest, '/');
	for (size_t i = 0; rest.len && i < COUNT(vendors); i++) {
		if (genops_str_is_nocase(vendor, vendors[i].name)) {
			*ret_provider = genops_str_of(vendors[i].provider);
			*ret_model = rest;
			return true;
		}
	}
	return false;
}

static size_t last_of(genops_str text, char c)
{
	for (size_t i = text.len; i > 0; i--) {
		if (text.ptr[i - 1] == c)
			return i - 1;
	}
	return SIZE_MAX;
}

static bool cut_prefix(genops_str *model, genops_str prefix)
{
	if (!genops_str_starts(*model, prefix) || model->len == prefix.len)
		return false;
	*model = genops_str_skip(*model, prefix.len);
	return true;
}

static bool cut_suffix(genops_str *model, genops_str suffix)
{
	if (!genops_str_ends(*model, suffix) || model->len == suffix.len)
		return false;
	model->len -= suffix.len;
	return true;
}

/* Does the end of `text` look like `shape`, where 0 stands for any digit? */
static bool cut_shape(genops_str *text, const char *shape)
{
	size_t n = strlen(shape);
	if (text->len <= n)
		return false;
	const char *end = text->ptr + text->len - n;
	for (size_t i = 0; i < n; i++) {
		if (shape[i] == '0' ? end[i] < '0' || end[i] > '9' : end[i] != shape[i])
			return false;
	}
	text->len -= n;
	return true;
}

/* Where a model is run: full resource names, cross-region profiles of Bedrock, paths of Gemini. */
static bool cut_place(genops_str *model)
{
	static const char *const regions[] = {"us.", "eu.", "apac.", "global.", "us-gov.", "au.", "ca.", "jp.", "sa.", "me."};
	size_t at = last_of(*model, '/');
	if (genops_str_starts(*model, GENOPS_STR("arn:")) && at != SIZE_MAX && at + 1 < model->len) {
		*model = genops_str_skip(*model, at + 1);
		return true;
	}
	if (cut_prefix(model, GENOPS_STR("models/")))
		return true;
	size_t models = genops_str_find(*model, GENOPS_STR("/models/"));
	if (models != SIZE_MAX && models + 8 < model->len) {
		*model = genops_str_skip(*model, models + 8);
		return true;
	}
	for (size_t i = 0; i < COUNT(regions); i++) {
		if (cut_prefix(model, genops_str_of(regions[i])))
			return true;
	}
	return false;
}

/* "ft:gpt-4o-mini-2024-07-18:acme::x" is priced as "ft:gpt-4o-mini-2024-07-18", never as its base. */
static bool cut_tag(genops_str *model)
{
	size_t at = last_of(*model, ':');
	if (genops_str_starts(*model, GENOPS_STR("ft:"))) {
		if (at == 2)
			return false;
		model->len = 3 + genops_str_find_char(genops_str_skip(*model, 3), ':');
		return true;
	}
	if (at == SIZE_MAX || at == 0)
		at = last_of(*model, '@');
	if (at == SIZE_MAX || at == 0)
		return false;
	model->len = at;
	return true;
}

static bool cut_version(genops_str *model)
{
	static const char *const shapes[] = {
	    "-0000-00-00", "-00000000", "-00-00-0000", "-00-0000", "-00-00", "-0000", "-000", "-v0"};
	if (cut_suffix(model, GENOPS_STR("-latest")))
		return true;
	for (size_t i = 0; i < COUNT(shapes); i++) {
		if (cut_shape(model, shapes[i]))
			return true;
	}
	return cut_suffix(model, GENOPS_STR("-preview")) || cut_suffix(model, GENOPS_STR("-exp"));
}

bool genops_prices_name_shorten(genops_str *model)
{
	if (cut_place(model) || cut_tag(model) || cut_version(model))
		return true;
	size_t at = genops_str_find_char(*model, '/');
	if (at != SIZE_MAX && at + 1 < model->len) {
		*model = genops_str_skip(*model, at + 1);
		return true;
	}
	return cut_prefix(model, GENOPS_STR("anthropic.")); /* Bedrock's name of what Anthropic sells itself */
}
