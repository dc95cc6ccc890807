/* SPDX-License-Identifier: Apache-2.0
 * otlp_fixture.h - OTLP requests for tests, written field by field. */
#ifndef TESTS_OTLP_FIXTURE_H
#define TESTS_OTLP_FIXTURE_H

#include "codec/wire.h"
#include "telemetry/otlp/otlp_span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define TRACE_ID GENOPS_STR("\x5B\x8A\xA5\xA2\xD2\xC8\x72\xE8\x32\x1C\xF3\x73\x08\xD6\x9D\xF2")
#define SPAN_ID	 GENOPS_STR("\x5F\xB3\x97\xBE\x34\xD2\x6B\x51")

static inline void put_attribute(struct genops_buffer *buf, uint32_t field, const char *key, const char *value)
{
	size_t attribute = genops_wire_begin(buf, field);
	genops_wire_put_bytes(buf, 1, genops_str_of(key));
	size_t any = genops_wire_begin(buf, 2);
	genops_wire_put_bytes(buf, 1, genops_str_of(value));
	genops_wire_end(buf, any);
	genops_wire_end(buf, attribute);
}

/* A Resource in field 1 with one attribute; put_scope likewise. */
static inline void put_resource(struct genops_buffer *buf, const char *service)
{
	size_t resource = genops_wire_begin(buf, 1);
	put_attribute(buf, 1, "service.name", service);
	genops_wire_end(buf, resource);
}

static inline void put_scope(struct genops_buffer *buf, const char *name)
{
	size_t scope = genops_wire_begin(buf, 1);
	genops_wire_put_bytes(buf, 1, genops_str_of(name));
	genops_wire_put_bytes(buf, 2, GENOPS_STR("1.2.3"));
	genops_wire_end(buf, scope);
}

/* A span's content: ids, name, times, one attribute with a text of `n` bytes. */
static inline void put_span_content(struct genops_buffer *buf, const char *name, size_t n)
{
	char *text = malloc(n + 1);
	assert_non_null(text);
	memset(text, 'x', n);
	text[n] = '\0';
	genops_wire_put_bytes(buf, 1, TRACE_ID);
	genops_wire_put_bytes(buf, 2, SPAN_ID);
	genops_wire_put_bytes(buf, 5, genops_str_of(name));
	genops_wire_put_uint(buf, 6, 3);
	genops_wire_put_fixed64(buf, 7, UINT64_C(1700000000000000000));
	genops_wire_put_fixed64(buf, 8, UINT64_C(1700000001000000000));
	put_attribute(buf, 9, "text", text);
	free(text);
}

static inline void put_span(struct genops_buffer *buf, const char *name, size_t n)
{
	size_t span = genops_wire_begin(buf, 2);
	put_span_content(buf, name, n);
	genops_wire_end(buf, span);
}

/* The pieces that a request was cut into, behind one another: which is a request again. */
struct pieces {
	struct genops_buffer all;
	int n;
	size_t longest;
	int fail_at; /* the n-th call fails; 0: none */
};

static inline int take_piece(void *arg, genops_str piece, struct genops_error *err)
{
	struct pieces *pieces = arg;
	pieces->n++;
	if (pieces->n == pieces->fail_at)
		return genops_fail(err, GENOPS_FULL, "full");
	if (piece.len > pieces->longest)
		pieces->longest = piece.len;
	genops_buffer_add(&pieces->all, piece);
	return GENOPS_OK;
}

#endif
