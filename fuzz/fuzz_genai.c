/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_genai.c - telemetry/genai over any bytes that a reader takes for spans: the same answer twice, counts within their bounds and
 * parts within their wholes, texts within the request; and a request without its AI calls has none. */
#include <stdlib.h>

#include "telemetry/genai/genai.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_usage(const genops_usage *usage)
{
#define X(field, unit) check(usage->field >= 0 && usage->field <= 4 * GENOPS_USAGE_COUNT_MAX);
	GENOPS_USAGE_FIELDS(X)
#undef X
	check(usage->cache_read_tokens + usage->cache_write_5m_tokens + usage->audio_input_tokens + usage->image_input_tokens <=
	      usage->input_tokens);
	check(usage->reasoning_tokens + usage->audio_output_tokens + usage->image_output_tokens <= usage->output_tokens);
}

static void check_span(const struct genops_otlp_resource *resource, genops_str item)
{
	struct genops_otlp_span span;
	struct genops_genai_call call;
	if (genops_otlp_span_read(item, &span) != GENOPS_OK)
		return;
	bool is_call = genops_genai_is_call(resource, &span);
	check(is_call == genops_genai_is_call(resource, &span));
	if (genops_genai_read(resource, &span, &call, NULL) != GENOPS_OK)
		return;
	check(is_call == (call.source != GENOPS_GENAI_NONE));
	check(call.cost_nano_usd >= 0);
	check_usage(&call.usage);
	check(genops_genai_model_family(call.request_model).len <= call.request_model.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str request = {(const char *)data, size}, rest, again;
	struct genops_otlp_reader reader;
	struct genops_buffer first, second;
	genops_str item;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while (genops_otlp_reader_next(&reader, &item) == 1)
		check_span(&reader.resource, item);
	genops_buffer_init(&first, 1 << 22);
	genops_buffer_init(&second, 1 << 22);
	if (genops_genai_split(request, &first, &rest, NULL) == GENOPS_OK &&
	    genops_genai_split(rest, &second, &again, NULL) == GENOPS_OK)
		check(again.ptr == rest.ptr && again.len == rest.len);
	genops_buffer_done(&first);
	genops_buffer_done(&second);
	return 0;
}
