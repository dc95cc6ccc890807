/* SPDX-License-Identifier: Apache-2.0
 * dialect/answer.c - what to settle a call at: the usage that the provider reported, or, where it
 * did not, what can be known from the bytes that passed. Pure.
 *
 * Unreported words are taken at BYTES_PER_TOKEN, which is dearer than English (4.2) and code (3.4)
 * really are and about true for scripts with three bytes a letter; sound at 16 kbit/s, four times
 * the bound's 4 kbit/s; pictures at their bound. Never above the bound that was reserved.
 */
#include "dialect/dialect.h"

#define BYTES_PER_TOKEN 3
#define SOUND_SLACK	4

static int64_t tokens_of(int64_t bytes)
{
	return bytes <= 0 ? 0 : (bytes + BYTES_PER_TOKEN - 1) / BYTES_PER_TOKEN;
}

static void estimate_input(const struct genops_call *call, genops_usage *usage)
{
	usage->audio_input_tokens = call->expected.audio_input_tokens / SOUND_SLACK;
	usage->image_input_tokens = call->expected.image_input_tokens;
	usage->input_tokens = tokens_of(call->input_text_bytes) + usage->audio_input_tokens +
			      usage->image_input_tokens;
	usage->characters = call->expected.characters;
	usage->audio_ms = call->expected.audio_ms / SOUND_SLACK;
}

static void estimate_output(
    const struct genops_call *call, const struct genops_answer *answer, genops_usage *usage)
{
	int64_t output = tokens_of(answer->output_bytes);
	if (call->expected.output_tokens && output > call->expected.output_tokens)
		output = call->expected.output_tokens;
	if (call->expected.images && !usage->images)
		usage->images = call->expected.images;
	if (call->expected.image_output_tokens) {
		output = call->expected.image_output_tokens;
		usage->image_output_tokens = output;
	}
	if (output > usage->output_tokens)
		usage->output_tokens = output;
}

genops_usage genops_answer_settled(
    const struct genops_call *call, const struct genops_answer *answer)
{
	genops_usage usage = answer->usage;
	if (answer->has_usage || !call->is_metered)
		return usage;
	usage.is_estimated = true;
	bool is_nothing = answer->is_error && !answer->has_input_usage && !answer->output_bytes;
	if (is_nothing)
		return usage;
	if (!answer->has_input_usage)
		estimate_input(call, &usage);
	estimate_output(call, answer, &usage);
	return usage;
}
