/* SPDX-License-Identifier: Apache-2.0
 * dialect/read/request_tokens.c - an upper bound of a request's input tokens, from its bytes. Pure.
 *
 * Why it holds: every tokenizer in use falls back to bytes, so a token stands for at least one byte
 * of the text it is given. That text is
 *   (a) what stands in the body: unescaped, so never longer than the body's bytes;
 *   (b) grown, where a tokenizer normalises to NFKC first: growth() adds the most that Unicode has;
 *   (c) what the provider puts around it: the marks of a message and the rendering of a tool cost
 *       fewer tokens than the JSON around them has bytes; what stands once in a request (system
 *       and tool preambles) is in the constants below.
 *
 * Pictures and sound are not words: they count what providers document as the most (2026-11).
 *   OpenAI     tiles: 85 + 8 x 170; gpt-4o-mini: 2833 + 8 x 5667 = 48169;
 *              patches: 1536 x 2.46; with detail "original" 10000 x 1.72
 *   Anthropic  4784 in high resolution, else 1600
 *   Together   4 x 1601
 *   sound      10 tokens a second, at least 500 bytes a second
 * What the request only names (stored conversations, files, hosted tools) cannot be bounded:
 * genops_call.is_input_open.
 */
#include "dialect/read/request.h"

#include "base/str.h"

#define REQUEST_TOKENS 256  /* chat template, date and identity preambles */
#define TOOLS_TOKENS   1024 /* tool and schema preambles: Anthropic's longest is 804 */
#define BUILT_TOOL_TOKENS                                                                          \
	2048 /* a vendor-defined client tool: text editor 700, computer use 735 + 499 */
#define IMAGE_TOKENS	      17200
#define IMAGE_TOKENS_MINI     48169
#define AUDIO_BYTES_PER_TOKEN 50

static int64_t growth_of_two(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xC2:
		return second >= 0xBC ? 3 : 1;
	case 0xC4:
	case 0xC5:
	case 0xC7:
	case 0xCB:
	case 0xCD:
	case 0xD6:
		return 2;
	case 0xCE:
		return second <= 0x85 ? 3 : 0;
	case 0xD9:
		return second >= 0xB5 && second <= 0xB8 ? 2 : 0;
	default:
		return 0;
	}
}

/* Bytes that NFKC may add to a character, by its first two bytes (computed over all of Unicode 15).
 */
static int64_t growth_of(unsigned char first, unsigned char second)
{
	if (first < 0xE0)
		return growth_of_two(first, second);
	if (first == 0xE0)
		return 6;
	if (first == 0xE1)
		return 2;
	if (first == 0xE2)
		return 9;
	if (first == 0xE3)
		return second == 0x8C || second == 0x8D	  ? 15
		       : second >= 0x88 && second <= 0x8F ? 5
							  : 3;
	if (first == 0xEF)
		return second == 0xB7 ? 30 : second >= 0xBC ? 0 : 3;
	return first >= 0xF0 ? 8 : 0;
}

int64_t genops_request_growth(genops_str text)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	int64_t growth = 0;
	for (size_t i = 0; i < text.len;) {
		if (at[i] < 0x80) {
			i += genops_str_ascii_len(genops_str_skip(text, i));
			continue;
		}
		if (at[i] >= 0xC0 && i + 1 < text.len)
			growth += growth_of(at[i], at[i + 1]);
		i++;
	}
	return growth;
}

int64_t genops_request_characters(genops_str text)
{
	int64_t n = 0;
	for (size_t i = 0; i < text.len; i++)
		n += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
	return n;
}

void genops_request_tool(struct genops_request *request, genops_str type)
{
	static const char *const built[] = {
	    "bash_", "text_editor_", "computer_", "memory_", "local_shell", "shell", "apply_patch"};
	if (genops_str_starts(type, GENOPS_STR("clear_")))
		return; /* an edit of the context that only takes away */
	request->has_tools = true;
	if (genops_str_is(type, "function") || genops_str_is(type, "custom") || !type.len)
		return;
	for (size_t i = 0; i < sizeof built / sizeof built[0]; i++) {
		if (genops_str_starts(type, genops_str_of(built[i]))) {
			request->n_hosted_words += BUILT_TOOL_TOKENS;
			return;
		}
	}
	request->call.is_input_open =
	    true; /* search, code, retrieval: what they find comes in too; a compaction reads all
		   * that it shortens */
}

int64_t genops_request_image_tokens(genops_str model)
{
	return genops_str_find(model, GENOPS_STR("4o-mini")) != SIZE_MAX ? IMAGE_TOKENS_MINI
									 : IMAGE_TOKENS;
}

static int64_t bounded(int64_t count, int64_t times)
{
	return times > 0 && count > GENOPS_USAGE_COUNT_MAX / times ? GENOPS_USAGE_COUNT_MAX
								   : count * times;
}

void genops_request_bound(const struct genops_request *request, struct genops_call *call)
{
	if (!call->is_metered)
		return;
	genops_usage *expected = &call->expected;
	int64_t text = (int64_t)(request->n_bytes - request->media_bytes - request->slack_bytes) +
		       request->growth;
	call->input_text_bytes = text;
	expected->image_input_tokens =
	    bounded(genops_request_image_tokens(call->model), request->n_images);
	expected->audio_input_tokens = request->audio_bytes / AUDIO_BYTES_PER_TOKEN;
	expected->input_tokens = text + REQUEST_TOKENS + request->n_hosted_words +
				 expected->image_input_tokens + expected->audio_input_tokens +
				 (request->has_tools ? TOOLS_TOKENS : 0);
	if (call->max_output_tokens)
		expected->output_tokens =
		    bounded(call->max_output_tokens + expected->output_tokens, call->n_choices);
	else
		expected->output_tokens = 0;
	expected->tier = call->tier;
	expected->is_estimated = true;
}
