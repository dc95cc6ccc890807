/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai_provider.c - who was called, as the price catalogue calls it: what the span says, the host, the span's name, the
 * model's name, in this order. */
#include "telemetry/genai/genai_fields.h"
#include "telemetry/genai/genai_rows.h"

#include "base/str.h"
#include "govern/prices/prices_build.h"

/* "" : no provider (a framework, or nothing). One that nobody knows is as it was written. */
static genops_str by_name(genops_str name)
{
	name = genops_prices_name_provider(name);
#define X(text, canonical)                                                                            \
	if (genops_str_is_nocase(name, text))                                                         \
		return GENOPS_STR(canonical);
	GENOPS_GENAI_PROVIDERS(X)
#undef X
	return name;
}

static genops_str by_host(genops_str host)
{
#define X(glob, canonical)                                                                            \
	if (genops_str_glob(GENOPS_STR(glob), host, true))                                            \
		return GENOPS_STR(canonical);
	GENOPS_GENAI_HOSTS(X)
#undef X
	return (genops_str){0};
}

static genops_str by_span(genops_str name)
{
#define X(prefix, canonical)                                                                          \
	if (genops_str_starts(name, GENOPS_STR(prefix)))                                              \
		return GENOPS_STR(canonical);
	GENOPS_GENAI_SPANS(X)
#undef X
	return (genops_str){0};
}

static genops_str by_model(genops_str model)
{
	genops_str vendor, rest;
	if (genops_prices_name_vendor(model, &vendor, &rest))
		return vendor;
#define X(prefix, canonical)                                                                          \
	if (model.len >= sizeof prefix - 1 &&                                                         \
	    genops_str_equal_nocase((genops_str){model.ptr, sizeof prefix - 1}, GENOPS_STR(prefix)))  \
		return GENOPS_STR(canonical);
	GENOPS_GENAI_MODELS(X)
#undef X
	return (genops_str){0};
}

genops_str genops_genai_provider(const struct genops_genai_fields *fields, const struct genops_otlp_span *span)
{
	genops_str provider = {0};
	for (size_t i = 0; !provider.len && i < sizeof fields->provider_names / sizeof fields->provider_names[0]; i++)
		provider = by_name(fields->provider_names[i]);
	if (!provider.len)
		provider = by_host(genops_genai_fields_text(fields, GENOPS_GENAI_SERVER));
	if (!provider.len)
		provider = by_span(span->name);
	if (!provider.len)
		provider = by_model(genops_genai_fields_text(fields, GENOPS_GENAI_RESPONSE_MODEL));
	if (!provider.len)
		provider = by_model(genops_genai_fields_text(fields, GENOPS_GENAI_REQUEST_MODEL));
	return provider;
}

genops_str genops_genai_model_family(genops_str model)
{
	for (int i = 0; i < 16 && genops_prices_name_shorten(&model); i++)
		;
	return model;
}
