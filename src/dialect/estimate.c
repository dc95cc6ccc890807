/* SPDX-License-Identifier: Apache-2.0
 * dialect/estimate.c - what to settle a call at: the usage that the provider reported, or, where it did not, what can be
 * known from the bytes that passed. Pure.
 *
 * Unreported words are taken at BYTES_PER_TOKEN, which is dearer than English (4.2) and code (3.4) really are and about
 * true for scripts with three bytes a letter. Never above the bound that was reserved.
 */
#include "dialect/dialect.h"

#define BYTES_PER_TOKEN 3

static int64_t tokens_of(int64_t bytes)
{
	return bytes <= 0 ? 0 : (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
}

static int64_t input_estimate(const struct genops_call *call)
{
	return call->expected.input_tokens - call->input_text_bytes + tokens_of(call->input_text_bytes);
}

genops_usage genops_answer_settled(const struct genops_call *call, const struct genops_answer *answer)
{
	genops_usage usage = answer->usage;
	if (answer->has_usage || !call->is_metered)
		return usage;
	usage.is_estimated = true;
	bool is_nothing = answer->is_error && !answer->has_input_usage && !answer->output_bytes;
	if (is_nothing)
		return usage;
	if (!answer->has_input_usage) {
		usage.input_tokens = input_estimate(call);
		usage.audio_input_tokens = call->expected.audio_input_tokens;
		usage.image_input_tokens = call->expected.image_input_tokens;
		usage.characters = call->expected.characters;
		usage.audio_ms = call->expected.audio_ms;
	}
	if (!usage.images)
		usage.images = call->expected.images;
	int64_t output = tokens_of(answer->output_bytes);
	if (call->expected.output_tokens && output > call->expected.output_tokens)
		output = call->expected.output_tokens;
	if (output > usage.output_tokens)
		usage.output_tokens = output;
	if (call->expected.image_output_tokens > usage.output_tokens)
		usage.output_tokens = call->expected.image_output_tokens;
	if (call->expected.image_output_tokens > usage.image_output_tokens)
		usage.image_output_tokens = call->expected.image_output_tokens;
	return usage;
}
