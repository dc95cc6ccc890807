/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai_usage.c - the counts of a span, made into what genops/usage.h means by them.
 *
 * Repairs (reference/ecosystem.md A3, A5.4): input that leaves cached tokens out (the cached ones are more than all; or an instrumentation
 * known for it: genai_rows.h), output that leaves thoughts out (Google's total is more than the sum; more reasoning than output). What is
 * absurd is not believed. What nobody reported is bounded by the texts' length or the cap that was asked for. All of these but the repairs are marked
 * estimated.
 */
#include "telemetry/genai/genai_fields.h"
#include "telemetry/genai/genai_rows.h"

#include "base/str.h"

#define BYTES_PER_TOKEN 4 /* of English; for what no provider counted */

enum fault { INPUT_WITHOUT_CACHE = 1, STREAM_IS_COUNTED = 2 };

/* Is version a < b? "0.27.0"; what cannot be read is not. */
static bool is_older(genops_str a, genops_str b)
{
	while (b.len) {
		int64_t left = 0, right = 0;
		genops_str first = genops_str_split(&a, '.'), second = genops_str_split(&b, '.');
		if (!genops_str_to_int(first, &left) || !genops_str_to_int(second, &right))
			return false;
		if (left != right)
			return left < right;
	}
	return false;
}

static unsigned faults_of(const struct genops_otlp_resource *resource)
{
	unsigned faults = 0;
#define X(scope, before, fault)                                                                       \
	if (genops_str_starts(resource->scope_name, GENOPS_STR(scope)) &&                             \
	    (sizeof before == 1 || is_older(resource->scope_version, GENOPS_STR(before))))            \
		faults |= fault;
	GENOPS_GENAI_FAULTS(X)
#undef X
	return faults;
}

static int64_t count(const struct genops_genai_fields *fields, enum genops_genai_field field, struct genops_genai_call *call)
{
	int64_t value = 0;
	bool is_sane;
	if (!genops_genai_fields_count(fields, field, &value, &is_sane))
		return 0;
	call->has_usage = true;
	call->usage.is_estimated |= !is_sane;
	return value;
}

static enum genops_tier tier_of(genops_str text)
{
	if (genops_str_is_nocase(text, "flex"))
		return GENOPS_TIER_FLEX;
	if (genops_str_is_nocase(text, "priority"))
		return GENOPS_TIER_PRIORITY;
	if (genops_str_is_nocase(text, "batch"))
		return GENOPS_TIER_BATCH;
	return GENOPS_TIER_STANDARD;
}

static bool is_googles(genops_str provider)
{
	return genops_str_is(provider, "gemini") || genops_str_is(provider, "vertex");
}

static void repair_input(genops_usage *usage, unsigned faults)
{
	int64_t cached = usage->cache_read_tokens + usage->cache_write_5m_tokens;
	if (cached > usage->input_tokens || (faults & INPUT_WITHOUT_CACHE))
		usage->input_tokens += cached;
}

static void repair_output(genops_usage *usage, int64_t total, genops_str provider)
{
	if (is_googles(provider) && total > usage->input_tokens + usage->output_tokens) {
		int64_t thoughts = total - usage->input_tokens - usage->output_tokens;
		usage->output_tokens += thoughts;
		if (!usage->reasoning_tokens)
			usage->reasoning_tokens = thoughts;
	} else if (usage->reasoning_tokens > usage->output_tokens) {
		usage->output_tokens += usage->reasoning_tokens;
	}
}

/* Parts are never more than the whole, whatever a span says. */
static void bound_parts(genops_usage *usage)
{
	int64_t input = usage->input_tokens, output = usage->output_tokens;
	int64_t *const of_input[] = {
	    &usage->cache_read_tokens, &usage->cache_write_5m_tokens, &usage->audio_input_tokens, &usage->image_input_tokens};
	int64_t *const of_output[] = {&usage->reasoning_tokens, &usage->audio_output_tokens, &usage->image_output_tokens};
	for (size_t i = 0; i < sizeof of_input / sizeof of_input[0]; i++) {
		if (*of_input[i] > input)
			*of_input[i] = input;
		input -= *of_input[i];
	}
	for (size_t i = 0; i < sizeof of_output / sizeof of_output[0]; i++) {
		if (*of_output[i] > output)
			*of_output[i] = output;
		output -= *of_output[i];
	}
}

/* Nobody counted. A call that failed is taken to have used nothing. */
static void guess(const struct genops_genai_fields *fields, struct genops_genai_call *call)
{
	if (call->is_error)
		return;
	call->usage.is_estimated = true;
	call->usage.input_tokens = (int64_t)(fields->input_bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
	if (fields->output_bytes)
		call->usage.output_tokens = (int64_t)(fields->output_bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
	else
		call->usage.output_tokens = call->max_output_tokens;
}

/* A chat that this instrumentation may have counted itself: the span does not say that it was a stream. */
static bool is_counted_elsewhere(const struct genops_genai_fields *fields, const struct genops_genai_call *call)
{
	bool is_said = fields->values[GENOPS_GENAI_STREAM].type == GENOPS_OTLP_BOOL;
	return (!is_said || call->is_stream) && !genops_str_starts(call->response_id, GENOPS_STR("resp_")) &&
	       !genops_str_is(call->operation, "embeddings");
}

void genops_genai_usage(
    const struct genops_otlp_resource *resource, const struct genops_genai_fields *fields, struct genops_genai_call *call)
{
	genops_usage *usage = &call->usage;
	unsigned faults = faults_of(resource);
	usage->input_tokens = count(fields, GENOPS_GENAI_INPUT, call);
	usage->output_tokens = count(fields, GENOPS_GENAI_OUTPUT, call);
	int64_t total = count(fields, GENOPS_GENAI_TOTAL, call);
	usage->cache_read_tokens = count(fields, GENOPS_GENAI_CACHE_READ, call);
	usage->cache_write_5m_tokens = count(fields, GENOPS_GENAI_CACHE_WRITE, call);
	usage->reasoning_tokens = count(fields, GENOPS_GENAI_REASONING, call);
	usage->audio_input_tokens = count(fields, GENOPS_GENAI_AUDIO_INPUT, call);
	usage->audio_output_tokens = count(fields, GENOPS_GENAI_AUDIO_OUTPUT, call);
	usage->image_input_tokens = count(fields, GENOPS_GENAI_IMAGE_INPUT, call);
	usage->image_output_tokens = count(fields, GENOPS_GENAI_IMAGE_OUTPUT, call);
	usage->tier = tier_of(genops_genai_fields_text(fields, GENOPS_GENAI_TIER));
	if (!call->has_usage) {
		guess(fields, call);
		return;
	}
	if (!usage->input_tokens && !usage->output_tokens && total) { /* only the sum is known */
		usage->input_tokens = total;
		usage->is_estimated |= !genops_str_is(call->operation, "embeddings");
	}
	repair_input(usage, faults);
	repair_output(usage, total, call->provider);
	bound_parts(usage);
	if ((faults & STREAM_IS_COUNTED) && is_counted_elsewhere(fields, call))
		usage->is_estimated = true;
}
