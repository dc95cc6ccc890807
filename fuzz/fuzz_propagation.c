/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_propagation.c - genops_traceparent_parse/format, genops_baggage_read/strip: any header, by anybody.
 * Properties: what is parsed formats to a header that parses to the same; what is read as ours is UTF-8 and not empty; nothing
 * of ours is left after stripping, and stripping again changes nothing. */
#include "base/str.h"
#include "telemetry/propagation.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void traceparent(genops_str header)
{
	struct genops_trace_context context, again;
	char out[GENOPS_TRACEPARENT_SIZE];
	if (!genops_traceparent_parse(header, &context))
		return;
	genops_traceparent_format(&context, out);
	check(genops_traceparent_parse(genops_str_of(out), &again));
	check(memcmp(context.trace_id, again.trace_id, 16) == 0 &&
	      memcmp(context.span_id, again.span_id, 8) == 0);
	check((context.flags & 3) == again.flags);
}

static void read_all(genops_str header, struct genops_arena *arena, size_t *ret_n)
{
	struct genops_attributes attributes;
	genops_attributes_init(&attributes, arena);
	genops_baggage_read(header, &attributes);
	for (size_t i = 0; i < attributes.n; i++)
		check(attributes.items[i].value.string.len &&
		      genops_str_is_utf8(attributes.items[i].value.string));
	*ret_n = attributes.n;
}

static void baggage(genops_str header)
{
	struct genops_arena arena;
	genops_str once, twice;
	size_t n;
	genops_arena_init(&arena, (size_t)1 << 24);
	read_all(header, &arena, &n);
	if (genops_baggage_strip(header, &arena, &once)) {
		check(once.len <= header.len);
		read_all(once, &arena, &n);
		check(n == 0);
		check(genops_baggage_strip(once, &arena, &twice) && genops_str_equal(once, twice));
	}
	genops_arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	genops_str header = {(const char *)data, size};
	traceparent(header);
	baggage(header);
	return 0;
}
