/* SPDX-License-Identifier: Apache-2.0
 * genai_fixture.h - one span from a few texts, as an instrumentation would send it. For tests of src/telemetry/genai. */
#ifndef TESTS_GENAI_FIXTURE_H
#define TESTS_GENAI_FIXTURE_H

#include "otlp_fixture.h"

#include "telemetry/genai/genai.h"

/* scope, version, span's name, kind; then key and value by turns up to NULL. A value with '#' in front is an integer, with '~' a double,
 * with '[' a list of that text, '!' true. */
struct told {
	const char *scope, *version, *name;
	uint32_t kind;
	const char *pairs[32];
};

static inline void put_any(struct genops_buffer *buf, const char *value)
{
	size_t any, element;
	switch (value[0]) {
	case '#':
		genops_wire_put_int(buf, 3, strtoll(value + 1, NULL, 10));
		break;
	case '~':
		genops_wire_put_double(buf, 4, strtod(value + 1, NULL));
		break;
	case '!':
		genops_wire_put_bool(buf, 2, true);
		break;
	case '[':
		any = genops_wire_begin(buf, 5);
		element = genops_wire_begin(buf, 1);
		genops_wire_put_bytes(buf, 1, genops_str_of(value + 1));
		genops_wire_end(buf, element);
		genops_wire_end(buf, any);
		break;
	default:
		genops_wire_put_bytes(buf, 1, genops_str_of(value));
	}
}

static inline genops_str request_of(const struct told *told, struct genops_buffer *buf)
{
	genops_buffer_clear(buf);
	size_t resource_spans = genops_wire_begin(buf, 1);
	put_resource(buf, "app");
	size_t scope_spans = genops_wire_begin(buf, 2), scope = genops_wire_begin(buf, 1);
	genops_wire_put_bytes(buf, 1, genops_str_of(told->scope ? told->scope : "x"));
	genops_wire_put_bytes(buf, 2, genops_str_of(told->version ? told->version : "1"));
	genops_wire_end(buf, scope);
	size_t span = genops_wire_begin(buf, 2);
	genops_wire_put_bytes(buf, 1, TRACE_ID);
	genops_wire_put_bytes(buf, 2, SPAN_ID);
	genops_wire_put_bytes(buf, 5, genops_str_of(told->name ? told->name : "a"));
	genops_wire_put_uint(buf, 6, told->kind ? told->kind : 3);
	for (size_t i = 0; told->pairs[i]; i += 2) {
		size_t attribute = genops_wire_begin(buf, 9);
		genops_wire_put_bytes(buf, 1, genops_str_of(told->pairs[i]));
		size_t any = genops_wire_begin(buf, 2);
		put_any(buf, told->pairs[i + 1]);
		genops_wire_end(buf, any);
		genops_wire_end(buf, attribute);
	}
	genops_wire_end(buf, span);
	genops_wire_end(buf, scope_spans);
	genops_wire_end(buf, resource_spans);
	assert_int_equal(buf->error, 0);
	return genops_buffer_view(buf);
}

/* Texts of the result are good until the next call. */
static inline struct genops_genai_call call_of(struct told told)
{
	static struct genops_buffer buf;
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	struct genops_genai_call call;
	genops_str item;
	if (!buf.max)
		genops_buffer_init(&buf, 1 << 20);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request_of(&told, &buf));
	assert_int_equal(genops_otlp_reader_next(&reader, &item), 1);
	assert_int_equal(genops_otlp_span_read(item, &span), GENOPS_OK);
	assert_int_equal(genops_genai_read(&reader.resource, &span, &call, NULL), GENOPS_OK);
	assert_int_equal(genops_genai_is_call(&reader.resource, &span), call.source != GENOPS_GENAI_NONE);
	return call;
}

#define assert_text(text, expected)                                                                   \
	do {                                                                                          \
		char got_[256];                                                                       \
		snprintf(got_, sizeof got_, "%.*s", (int)(text).len, (text).len ? (text).ptr : "");   \
		assert_string_equal(got_, expected);                                                  \
	} while (0)

#endif
