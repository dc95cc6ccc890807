/* SPDX-License-Identifier: Apache-2.0
 * telemetry/traceparent.c - see propagation.h. W3C Trace Context level 2; pure functions, any thread. */
#include "telemetry/propagation.h"

#include "base/str.h"

#include <string.h>

#define VERSION_00_LEN 55
#define FLAG_SAMPLED   0x01
#define FLAG_RANDOM    0x02

static genops_str trim_blanks(genops_str text)
{
	while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = genops_str_skip(text, 1);
	while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* n bytes of hex at `at`. Upper-case digits are malformed here, unlike everywhere else. */
static bool read_hex(genops_str header, size_t at, size_t n, uint8_t *bytes)
{
	genops_str digits = {header.ptr + at, 2 * n};
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] >= 'A' && digits.ptr[i] <= 'F')
			return false;
	}
	return genops_str_from_hex(digits, bytes, n);
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	uint8_t any = 0;
	for (size_t i = 0; i < n; i++)
		any |= bytes[i];
	return any == 0;
}

bool genops_traceparent_parse(genops_str header, struct genops_trace_context *ret_context)
{
	struct genops_trace_context context;
	uint8_t version;
	header = trim_blanks(header);
	if (header.len < VERSION_00_LEN || header.ptr[2] != '-' || header.ptr[35] != '-' ||
	    header.ptr[52] != '-')
		return false;
	if (!read_hex(header, 0, 1, &version) || version == 0xff)
		return false;
	/* A later version may have more fields behind, but only behind another dash. */
	if (header.len > VERSION_00_LEN && (version == 0 || header.ptr[VERSION_00_LEN] != '-'))
		return false;
	if (!read_hex(header, 3, 16, context.trace_id) ||
	    !read_hex(header, 36, 8, context.span_id) || !read_hex(header, 53, 1, &context.flags))
		return false;
	if (is_zero(context.trace_id, 16) || is_zero(context.span_id, 8))
		return false;
	/* Of a version that we do not know, only the sampled flag means what we think. */
	if (version != 0)
		context.flags &= FLAG_SAMPLED;
	*ret_context = context;
	return true;
}

void genops_traceparent_format(
    const struct genops_trace_context *context, char out[GENOPS_TRACEPARENT_SIZE])
{
	/* Flags without a meaning yet are sent as zero, whoever set them. */
	uint8_t flags = context->flags & (FLAG_SAMPLED | FLAG_RANDOM);
	memcpy(out, "00-", 3);
	genops_str_to_hex(context->trace_id, 16, out + 3);
	out[35] = '-';
	genops_str_to_hex(context->span_id, 8, out + 36);
	out[52] = '-';
	genops_str_to_hex(&flags, 1, out + 53);
}
