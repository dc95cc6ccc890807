/* SPDX-License-Identifier: Apache-2.0
 * govern/prices/prices_name.c - the many names of one model: providers' names, versions, dates,
 * regions and resellers. See prices_build.h.
 *
 * Names are cut, never rewritten, so that a look-up needs no memory. The exact name is always tried
 * first: what is taken off here only finds a price for a name that has none of its own. Pure; any
 * thread. */
#include "govern/prices/prices_build.h"

#include "base/str.h"

/* A literal with its length: the tables are walked for every name that is not known as it
 * stands. */
#define TEXT(literal)                                                                              \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	}

struct other_name {
	genops_str name, provider;
};

/* Our own names, those of OpenTelemetry (gen_ai.provider.name), and LiteLLM's. */
static const struct other_name other_names[] = {
    {TEXT("ai21_chat"), TEXT("ai21")},
    {TEXT("amazon"), TEXT("bedrock")},
    {TEXT("aws"), TEXT("bedrock")},
    {TEXT("aws.bedrock"), TEXT("bedrock")},
    {TEXT("aws_bedrock"), TEXT("bedrock")},
    {TEXT("bedrock_converse"), TEXT("bedrock")},
    {TEXT("az.ai.openai"), TEXT("azure")},
    {TEXT("azure.ai.inference"), TEXT("azure")},
    {TEXT("azure.ai.openai"), TEXT("azure")},
    {TEXT("azure_ai"), TEXT("azure")},
    {TEXT("azure_openai"), TEXT("azure")},
    {TEXT("azure_text"), TEXT("azure")},
    {TEXT("cohere_chat"), TEXT("cohere")},
    {TEXT("fireworks_ai"), TEXT("fireworks")},
    {TEXT("gcp.gemini"), TEXT("gemini")},
    {TEXT("google"), TEXT("gemini")},
    {TEXT("google_genai"), TEXT("gemini")},
    {TEXT("google_ai"), TEXT("gemini")},
    {TEXT("gcp.gen_ai"), TEXT("gemini")},
    {TEXT("gcp.vertex_ai"), TEXT("vertex")},
    {TEXT("google_vertex"), TEXT("vertex")},
    {TEXT("vertex_ai"), TEXT("vertex")},
    {TEXT("vertexai"), TEXT("vertex")},
    {TEXT("mistral_ai"), TEXT("mistral")},
    {TEXT("mistralai"), TEXT("mistral")},
    {TEXT("ollama_chat"), TEXT("ollama")},
    {TEXT("open_router"), TEXT("openrouter")},
    {TEXT("text-completion-openai"), TEXT("openai")},
    {TEXT("together_ai"), TEXT("together")},
    {TEXT("togetherai"), TEXT("together")},
    {TEXT("x-ai"), TEXT("xai")},
    {TEXT("x_ai"), TEXT("xai")},
};

/* Resellers' vendor names that are not the provider's name. */
static const struct other_name vendors[] = {{TEXT("mistralai"), TEXT("mistral")},
    {TEXT("google"), TEXT("gemini")}, {TEXT("x-ai"), TEXT("xai")},
    {TEXT("amazon"), TEXT("bedrock")}, {TEXT("openai"), TEXT("openai")},
    {TEXT("anthropic"), TEXT("anthropic")}, {TEXT("cohere"), TEXT("cohere")},
    {TEXT("deepseek"), TEXT("deepseek")}};

struct fallback {
	genops_str provider, other;
	int step;
};

static const struct fallback fallbacks[] = {{TEXT("azure"), TEXT("openai"), 0},
    {TEXT("vertex"), TEXT("gemini"), 0}, {TEXT("vertex"), TEXT("anthropic"), 1},
    {TEXT("bedrock"), TEXT("anthropic"), 0}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

genops_str genops_prices_name_provider(genops_str provider)
{
	for (size_t i = 0; i < COUNT(other_names); i++) {
		if (provider.len == other_names[i].name.len &&
		    genops_str_equal_nocase(provider, other_names[i].name))
			return other_names[i].provider;
	}
	/* LiteLLM tells Vertex's families apart: vertex_ai-language-models,
	 * vertex_ai-anthropic_models ... */
	if (genops_str_starts(provider, GENOPS_STR("vertex_ai-")))
		return GENOPS_STR("vertex");
	return provider;
}

genops_str genops_prices_name_fallback(genops_str provider, int step)
{
	for (size_t i = 0; i < COUNT(fallbacks); i++) {
		if (fallbacks[i].step == step &&
		    genops_str_equal_nocase(provider, fallbacks[i].provider))
			return fallbacks[i].other;
	}
	return (genops_str){0};
}

bool genops_prices_name_vendor(genops_str model, genops_str *ret_provider, genops_str *ret_model)
{
	genops_str rest = model;
	genops_str vendor = genops_str_split(&rest, '/');
	for (size_t i = 0; rest.len && i < COUNT(vendors); i++) {
		if (genops_str_equal_nocase(vendor, vendors[i].name)) {
			*ret_provider = vendors[i].provider;
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
static bool cut_shape(genops_str *text, genops_str shape)
{
	size_t n = shape.len;
	if (text->len <= n)
		return false;
	const char *end = text->ptr + text->len - n;
	for (size_t i = 0; i < n; i++) {
		if (shape.ptr[i] == '0' ? end[i] < '0' || end[i] > '9' : end[i] != shape.ptr[i])
			return false;
	}
	text->len -= n;
	return true;
}

/* Where a model is run: full resource names, cross-region profiles of Bedrock, paths of Gemini. */
static bool cut_place(genops_str *model)
{
	static const genops_str regions[] = {TEXT("us."), TEXT("eu."), TEXT("apac."),
	    TEXT("global."), TEXT("us-gov."), TEXT("au."), TEXT("ca."), TEXT("jp."), TEXT("sa."),
	    TEXT("me.")};
	size_t at = last_of(*model, '/');
	if (genops_str_starts(*model, GENOPS_STR("arn:")) && at != SIZE_MAX &&
	    at + 1 < model->len) {
		*model = genops_str_skip(*model, at + 1);
		return true;
	}
	if (cut_prefix(model, GENOPS_STR("models/")))
		return true;
	size_t models = at == SIZE_MAX ? SIZE_MAX : genops_str_find(*model, GENOPS_STR("/models/"));
	if (models != SIZE_MAX && models + 8 < model->len) {
		*model = genops_str_skip(*model, models + 8);
		return true;
	}
	for (size_t i = 0; i < COUNT(regions); i++) {
		if (cut_prefix(model, regions[i]))
			return true;
	}
	return false;
}

/* "ft:gpt-4o-mini-2024-07-18:acme::x" is priced as "ft:gpt-4o-mini-2024-07-18", never as its
 * base. */
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
	static const genops_str shapes[] = {TEXT("-0000-00-00"), TEXT("-00000000"),
	    TEXT("-00-00-0000"), TEXT("-00-0000"), TEXT("-00-00"), TEXT("-0000"), TEXT("-000"),
	    TEXT("-v0")};
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
	return cut_prefix(
	    model, GENOPS_STR("anthropic.")); /* Bedrock's name of what Anthropic sells itself */
}
