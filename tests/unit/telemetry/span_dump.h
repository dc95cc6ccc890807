/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/telemetry/span_dump.h - an ExportTraceServiceRequest as text, one fact a line, read with codec/wire.h:
 *
 *   resource service.name=s:shop
 *   span ai.completion kind=3 start=1 end=2 status=1
 *   attr genops.team=s:ml
 *   event policy.evaluated at=1
 *   event-attr policy.evaluated genops.policy.result=s:allowed
 */
#ifndef TESTS_SPAN_DUMP_H
#define TESTS_SPAN_DUMP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/str.h"
#include "codec/wire.h"

#include <inttypes.h>
#include <stdio.h>

static genops_str dump_enter(const struct genops_wire_reader *in,
    const struct genops_wire_field *field, struct genops_wire_reader *inner)
{
	assert_int_equal(genops_wire_enter(in, field, inner), GENOPS_OK);
	return field->bytes;
}

static void dump_value(struct genops_wire_reader *in, struct genops_buffer *out)
{
	struct genops_wire_field field;
	struct genops_wire_reader inner;
	assert_int_equal(genops_wire_next(in, &field), 1); /* a oneof: exactly one */
	if (field.number == 1) {
		assert_true(genops_str_is_utf8(field.bytes));
		genops_buffer_printf(out, "s:%.*s", GENOPS_STR_ARG(field.bytes));
	} else if (field.number == 2) {
		genops_buffer_printf(out, "b:%d", (int)field.value);
	} else if (field.number == 3) {
		genops_buffer_printf(out, "i:%" PRId64, (int64_t)field.value);
	} else if (field.number == 4) {
		genops_buffer_printf(out, "d:%.12g", genops_wire_double(field.value));
	} else {
		assert_int_equal(field.number, 5);
		dump_enter(in, &field, &inner);
		genops_buffer_add_char(out, '[');
		while (genops_wire_next(&inner, &field) > 0) {
			struct genops_wire_reader element;
			dump_enter(&inner, &field, &element);
			dump_value(&element, out);
		}
		genops_buffer_add_char(out, ']');
	}
	assert_int_equal(genops_wire_next(in, &field), 0);
}

static void dump_attribute(
    struct genops_wire_reader in, const char *before, struct genops_buffer *out)
{
	struct genops_wire_field field;
	struct genops_wire_reader inner;
	genops_buffer_add_text(out, before);
	while (genops_wire_next(&in, &field) > 0) {
		dump_enter(&in, &field, &inner);
		if (field.number == 1)
			genops_buffer_printf(out, " %.*s=", GENOPS_STR_ARG(field.bytes));
		else
			dump_value(&inner, out);
	}
	genops_buffer_add_char(out, '\n');
}

static void dump_event(struct genops_wire_reader in, struct genops_buffer *out)
{
	struct genops_wire_field field;
	struct genops_wire_reader inner;
	char name[96] = "event-attr ?";
	uint64_t at = 0;
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number == 1) {
			at = field.value;
		} else if (field.number == 2) {
			snprintf(name, sizeof name, "event-attr %.*s", GENOPS_STR_ARG(field.bytes));
			genops_buffer_printf(
			    out, "event %.*s at=%" PRIu64 "\n", GENOPS_STR_ARG(field.bytes), at);
		} else {
			assert_int_equal(field.number, 3);
			dump_enter(&in, &field, &inner);
			dump_attribute(inner, name, out);
		}
	}
}

static void dump_span_head(struct genops_wire_reader in, struct genops_buffer *out)
{
	struct genops_wire_field field;
	uint64_t kind = 0, start = 0, end = 0, status = 0;
	genops_str name = {0}, message = {0}, parent = {0};
	while (genops_wire_next(&in, &field) > 0) {
		struct genops_wire_reader inner;
		if (field.number == 4)
			parent = field.bytes;
		else if (field.number == 5)
			name = field.bytes;
		else if (field.number == 6)
			kind = field.value;
		else if (field.number == 7)
			start = field.value;
		else if (field.number == 8)
			end = field.value;
		if (field.number != 15)
			continue;
		dump_enter(&in, &field, &inner);
		while (genops_wire_next(&inner, &field) > 0) {
			if (field.number == 2)
				message = field.bytes;
			else if (field.number == 3)
				status = field.value;
		}
	}
	genops_buffer_printf(out,
	    "span %.*s kind=%" PRIu64 " start=%" PRIu64 " end=%" PRIu64 " status=%" PRIu64,
	    GENOPS_STR_ARG(name), kind, start, end, status);
	if (message.len)
		genops_buffer_printf(out, " message=%.*s", GENOPS_STR_ARG(message));
	genops_buffer_printf(out, "%s\n", parent.len ? " child" : "");
}

static void dump_span(struct genops_wire_reader in, struct genops_buffer *out)
{
	struct genops_wire_field field;
	struct genops_wire_reader inner;
	dump_span_head(in, out);
	while (genops_wire_next(&in, &field) > 0) {
		if (field.number != 9 && field.number != 11)
			continue;
		dump_enter(&in, &field, &inner);
		if (field.number == 9)
			dump_attribute(inner, "attr", out);
		else
			dump_event(inner, out);
	}
}

static void dump_scope_spans(struct genops_wire_reader in, struct genops_buffer *out)
{
	struct genops_wire_field field;
	struct genops_wire_reader inner;
	while (genops_wire_next(&in, &field) > 0) {
		dump_enter(&in, &field, &inner);
		if (field.number == 2)
			dump_span(inner, out);
	}
}

static void dump_resource_spans(struct genops_wire_reader in, struct genops_buffer *out)
{
	struct genops_wire_field field;
	struct genops_wire_reader inner, attribute;
	while (genops_wire_next(&in, &field) > 0) {
		dump_enter(&in, &field, &inner);
		if (field.number == 2)
			dump_scope_spans(inner, out);
		while (field.number == 1 && genops_wire_next(&inner, &field) > 0) {
			dump_enter(&inner, &field, &attribute);
			dump_attribute(attribute, "resource", out);
			field.number = 1;
		}
	}
}

/* The text, NUL-terminated; the caller frees it. Fails the test on bytes that are not such a request. */
static char *dump_request(genops_str bytes)
{
	struct genops_wire_reader in, inner;
	struct genops_wire_field field;
	struct genops_buffer out;
	int code;
	genops_buffer_init(&out, (size_t)1 << 24);
	genops_wire_reader_init(&in, bytes, 16);
	while ((code = genops_wire_next(&in, &field)) > 0) {
		assert_int_equal(field.number, 1);
		dump_enter(&in, &field, &inner);
		dump_resource_spans(inner, &out);
	}
	assert_int_equal(code, 0);
	genops_buffer_add_char(&out, '\n');
	char *text = genops_buffer_take(&out, NULL);
	assert_non_null(text);
	return text;
}

/* Is `line` one of the lines? */
static bool dump_has(const char *text, const char *line)
{
	size_t len = strlen(line);
	for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	}
	return false;
}

#define assert_line(text, line)                                                                    \
	do {                                                                                       \
		if (!dump_has(text, line))                                                         \
			fail_msg("no line \"%s\" in:\n%s", line, text);                            \
	} while (0)

/* Does any line begin so? */
__attribute__((unused)) static bool dump_has_start(const char *text, const char *start)
{
	size_t len = strlen(start);
	for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		if (strncmp(at, start, len) == 0)
			return true;
	}
	return false;
}

#define assert_no_line_starts(text, start)                                                         \
	do {                                                                                       \
		if (dump_has_start(text, start))                                                   \
			fail_msg("a line begins with \"%s\" in:\n%s", start, text);                \
	} while (0)

#endif
