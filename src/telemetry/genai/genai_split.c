/* SPDX-License-Identifier: Apache-2.0
 * telemetry/genai/genai_split.c - a request without its AI calls: genops_genai_split. See genai.h. */
#include "telemetry/genai/genai.h"

enum { SPANS_FIELD = 2 };

int genops_genai_split(genops_str request, struct genops_buffer *scratch, genops_str *ret_rest, struct genops_error *err)
{
	struct genops_otlp_reader reader;
	struct genops_otlp_writer writer = {.out = scratch};
	genops_str item;
	size_t n_calls = 0;
	int more;
	/* Most requests have none: look first. */
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while ((more = genops_otlp_reader_next(&reader, &item)) == 1) {
		struct genops_otlp_span span;
		n_calls += genops_otlp_span_read(item, &span) == GENOPS_OK && genops_genai_is_call(&reader.resource, &span);
	}
	*ret_rest = request;
	if (!n_calls)
		return GENOPS_OK;
	genops_buffer_clear(scratch);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	while ((more = genops_otlp_reader_next(&reader, &item)) == 1) {
		struct genops_otlp_span span;
		if (genops_otlp_span_read(item, &span) == GENOPS_OK && genops_genai_is_call(&reader.resource, &span))
			continue;
		genops_otlp_writer_place(&writer, &reader.resource);
		genops_wire_put_bytes(scratch, SPANS_FIELD, item);
	}
	genops_otlp_writer_end(&writer);
	if (scratch->error)
		return genops_fail(err, scratch->error, "no memory for received spans");
	*ret_rest = writer.n_items ? genops_buffer_view(scratch) : (genops_str){0};
	return GENOPS_OK;
}
