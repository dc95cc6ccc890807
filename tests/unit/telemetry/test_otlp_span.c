/* SPDX-License-Identifier: Apache-2.0
 * test_otlp_span.c - reading items out of requests, in any order of fields, and putting them together again. */
#include "otlp_fixture.h"

#include "base/str.h"

static void expect_str(genops_str text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.ptr, expected, text.len);
}

/* Two resources; in the second one the scope stands behind its spans, and the resource behind its scopes, as protobuf allows. */
static void put_two_resources(struct genops_buffer *buf)
{
	size_t resource = genops_wire_begin(buf, 1);
	put_resource(buf, "first");
	size_t scope = genops_wire_begin(buf, 2);
	put_scope(buf, "scope-a");
	put_span(buf, "a1", 10);
	put_span(buf, "a2", 10);
	genops_wire_end(buf, scope);
	genops_wire_end(buf, resource);
	resource = genops_wire_begin(buf, 1);
	scope = genops_wire_begin(buf, 2);
	put_span(buf, "b1", 300);
	put_scope(buf, "scope-b");
	genops_wire_put_bytes(buf, 3, GENOPS_STR("http://scope"));
	put_span(buf, "b2", 10);
	genops_wire_end(buf, scope);
	scope = genops_wire_begin(buf, 2);
	genops_wire_end(buf, scope);
	put_resource(buf, "second");
	genops_wire_put_bytes(buf, 3, GENOPS_STR("http://resource"));
	scope = genops_wire_begin(buf, 2);
	put_span(buf, "c1", 10);
	genops_wire_end(buf, scope);
	genops_wire_end(buf, resource);
}

struct expected {
	const char *span, *service, *scope, *schema_url, *scope_schema_url;
	unsigned n_resource;
};
static const struct expected expected[] = {
    {"a1", "first", "scope-a", "", "", 1},
    {"a2", "first", "scope-a", "", "", 1},
    {"b1", "second", "scope-b", "http://resource", "http://scope", 2},
    {"b2", "second", "scope-b", "http://resource", "http://scope", 2},
    {"c1", "second", "", "http://resource", "", 2},
};

static void expect_items(genops_str request)
{
	struct genops_otlp_reader reader;
	genops_str item;
	unsigned n_scope = 0;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, request);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		struct genops_otlp_span span;
		struct genops_otlp_attributes attributes;
		struct genops_otlp_attribute attribute;
		assert_int_equal(genops_otlp_reader_next(&reader, &item), 1);
		assert_int_equal(genops_otlp_span_read(item, &span), GENOPS_OK);
		expect_str(span.name, expected[i].span);
		expect_str(reader.resource.scope_name, expected[i].scope);
		expect_str(reader.resource.scope_version, expected[i].scope[0] ? "1.2.3" : "");
		expect_str(reader.resource.schema_url, expected[i].schema_url);
		expect_str(reader.resource.scope_schema_url, expected[i].scope_schema_url);
		assert_int_equal(reader.resource.n_resource, expected[i].n_resource);
		bool is_new = i == 0 || strcmp(expected[i].scope, expected[i - 1].scope) != 0;
		assert_true(is_new ? reader.resource.n_scope > n_scope : reader.resource.n_scope == n_scope);
		n_scope = reader.resource.n_scope;
		genops_otlp_attributes_init(&attributes, reader.resource.encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES);
		assert_int_equal(genops_otlp_attributes_next(&attributes, &attribute), 1);
		expect_str(attribute.key, "service.name");
		assert_int_equal(attribute.value.type, GENOPS_OTLP_STRING);
		expect_str(attribute.value.bytes, expected[i].service);
		assert_int_equal(genops_otlp_attributes_next(&attributes, &attribute), 0);
	}
	assert_int_equal(genops_otlp_reader_next(&reader, &item), 0);
	assert_int_equal(genops_otlp_reader_next(&reader, &item), 0);
}

static void test_items_in_any_order_of_fields(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 1 << 16);
	put_two_resources(&buf);
	expect_items(genops_buffer_view(&buf));
	genops_buffer_done(&buf);
}

static size_t count_fields(genops_str message, uint32_t number)
{
	struct genops_wire_reader in;
	struct genops_wire_field field;
	size_t n = 0;
	genops_wire_reader_init(&in, message, 0);
	while (genops_wire_next(&in, &field) > 0)
		n += field.number == number;
	return n;
}

static void test_writer_shares_resource_and_scope(void **state)
{
	(void)state;
	struct genops_buffer buf, out;
	struct genops_otlp_reader reader;
	genops_str item;
	genops_buffer_init(&buf, 1 << 16);
	genops_buffer_init(&out, 1 << 16);
	put_two_resources(&buf);
	struct genops_otlp_writer writer = {.out = &out};
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&buf));
	while (genops_otlp_reader_next(&reader, &item) > 0) {
		/* Elsewhere in memory each time: content counts. */
		char *copy = malloc(reader.resource.encoded.len);
		assert_non_null(copy);
		struct genops_otlp_resource resource = reader.resource;
		memcpy(copy, resource.encoded.ptr, resource.encoded.len);
		resource.encoded.ptr = copy;
		genops_otlp_writer_place(&writer, &resource);
		genops_wire_put_bytes(&out, 2, item);
		memset(copy, 0, resource.encoded.len);
		free(copy);
	}
	genops_otlp_writer_end(&writer);
	genops_otlp_writer_end(&writer);
	assert_int_equal(out.error, 0);
	assert_int_equal(writer.n_items, 5);
	assert_int_equal(count_fields(genops_buffer_view(&out), 1), 2);
	expect_items(genops_buffer_view(&out));
	genops_buffer_done(&buf);
	genops_buffer_done(&out);
}

static void test_writer_without_anything(void **state)
{
	(void)state;
	struct genops_buffer out;
	const struct genops_otlp_resource nothing = {0};
	genops_buffer_init(&out, 1 << 16);
	struct genops_otlp_writer writer = {.out = &out};
	genops_otlp_writer_end(&writer);
	assert_int_equal(out.len, 0);
	for (int i = 0; i < 3; i++) {
		genops_otlp_writer_place(&writer, &nothing);
		genops_wire_put_bytes(&out, 2, GENOPS_STR("\x2A\x01n"));
	}
	genops_otlp_writer_end(&writer);
	struct genops_otlp_reader reader;
	genops_str item;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&out));
	for (int i = 0; i < 3; i++)
		assert_int_equal(genops_otlp_reader_next(&reader, &item), 1);
	assert_int_equal(reader.resource.n_scope, 1);
	assert_int_equal(genops_otlp_reader_next(&reader, &item), 0);
	genops_buffer_done(&out);
	/* A full buffer is an error in the buffer, nothing else. */
	genops_buffer_init(&out, 8);
	writer = (struct genops_otlp_writer){.out = &out};
	genops_otlp_writer_place(&writer, &nothing);
	genops_wire_put_bytes(&out, 2, GENOPS_STR("\x2A\x01n"));
	genops_otlp_writer_place(&writer, &nothing);
	genops_otlp_writer_end(&writer);
	assert_int_equal(out.error, GENOPS_LIMIT);
	genops_buffer_done(&out);
}

/* Every kind of value, and arrays and lists in one another. */
static void test_values(void **state)
{
	(void)state;
	static const genops_str span_bytes = {
	    "\x4A\x08\x0A\x01s\x12\x03\x0A\x01v"			   /* s: "v" */
	    "\x4A\x07\x0A\x01"
	    "b\x12\x02\x10\x01"						   /* b: true */
	    "\x4A\x10\x0A\x01i\x12\x0B\x18\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01" /* i: -1 */
	    "\x4A\x0E\x0A\x01"
	    "d\x12\x09\x21\x00\x00\x00\x00\x00\x00\xF8\x3F"			   /* d: 1.5 */
	    "\x4A\x0B\x0A\x01"
	    "a\x12\x06\x2A\x04\x0A\x02\x18\x07"				   /* a: [7] */
	    "\x4A\x10\x0A\x01k\x12\x0B\x32\x09\x0A\x07\x0A\x01x\x12\x02\x10\x00" /* k: {x: false} */
	    "\x4A\x07\x0A\x01y\x12\x02\x3A\x00"				   /* y: bytes "" */
	    "\x4A\x03\x0A\x01n"						   /* n: nothing */
	    "\x4A\x07\x0A\x01z\x12\x02\x40\x05"				   /* z: string_value_strindex */
	    "\x4A\x02\x18\x05",						   /* key_strindex */
	    10 + 9 + 18 + 16 + 13 + 18 + 9 + 5 + 9 + 4};
	static const struct {
		const char *key;
		enum genops_otlp_value_type type;
	} rows[] = {{"s", GENOPS_OTLP_STRING}, {"b", GENOPS_OTLP_BOOL}, {"i", GENOPS_OTLP_INT}, {"d", GENOPS_OTLP_DOUBLE},
	    {"a", GENOPS_OTLP_ARRAY}, {"k", GENOPS_OTLP_KVLIST}, {"y", GENOPS_OTLP_BYTES}, {"n", GENOPS_OTLP_NONE},
	    {"z", GENOPS_OTLP_NONE}, {"", GENOPS_OTLP_NONE}};
	struct genops_otlp_value found[10], element;
	struct genops_otlp_attributes attributes;
	struct genops_otlp_attribute attribute;
	struct genops_wire_reader array;
	struct genops_otlp_span span;
	assert_int_equal(genops_otlp_span_read(span_bytes, &span), GENOPS_OK);
	assert_int_equal(span.n_attributes, 10);
	genops_otlp_attributes_init(&attributes, span_bytes, GENOPS_OTLP_SPAN_ATTRIBUTES);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(genops_otlp_attributes_next(&attributes, &attribute), 1);
		expect_str(attribute.key, rows[i].key);
		assert_int_equal(attribute.value.type, rows[i].type);
		found[i] = attribute.value;
	}
	assert_int_equal(genops_otlp_attributes_next(&attributes, &attribute), 0);
	expect_str(found[0].bytes, "v");
	assert_true(found[1].integer == 1);
	assert_true(found[2].integer == -1);
	assert_true(found[3].number == 1.5);
	genops_wire_reader_init(&array, found[4].bytes, 0);
	assert_int_equal(genops_otlp_array_next(&array, &element), 1);
	assert_true(element.type == GENOPS_OTLP_INT && element.integer == 7);
	assert_int_equal(genops_otlp_array_next(&array, &element), 0);
	genops_otlp_attributes_init(&attributes, found[5].bytes, 1);
	assert_int_equal(genops_otlp_attributes_next(&attributes, &attribute), 1);
	expect_str(attribute.key, "x");
	assert_true(attribute.value.type == GENOPS_OTLP_BOOL && attribute.value.integer == 0);
	assert_int_equal(found[6].bytes.len, 0);
}

/* Of a oneof the last one counts, whichever it is: what we read is what a backend will. */
static void test_the_last_value_counts(void **state)
{
	(void)state;
	static const struct {
		genops_str bytes;
		enum genops_otlp_value_type type;
	} rows[] = {
	    {{"\x0A\x01s\x18\x05", 5}, GENOPS_OTLP_INT},
	    {{"\x18\x05\x0A\x01s", 5}, GENOPS_OTLP_STRING},
	    {{"\x0A\x01s\x40\x05", 5}, GENOPS_OTLP_NONE},
	    {{"\x0A\x01s\x48\x05", 5}, GENOPS_OTLP_STRING}, /* a field that nobody knows yet */
	    {{"", 0}, GENOPS_OTLP_NONE},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_otlp_value value;
		assert_int_equal(genops_otlp_value_read(rows[i].bytes, &value), GENOPS_OK);
		assert_int_equal(value.type, rows[i].type);
	}
	struct genops_otlp_value value;
	assert_int_equal(genops_otlp_value_read(GENOPS_STR("\x08\x01"), &value), GENOPS_CORRUPT);
	assert_int_equal(genops_otlp_value_read(GENOPS_STR("\x0A\x05s"), &value), GENOPS_CORRUPT);
}

static void test_a_span(void **state)
{
	(void)state;
	struct genops_buffer buf;
	struct genops_otlp_span span;
	genops_buffer_init(&buf, 4096);
	put_span_content(&buf, "name", 3);
	genops_wire_put_bytes(&buf, 3, GENOPS_STR("a=b"));
	genops_wire_put_bytes(&buf, 4, GENOPS_STR("parent--"));
	genops_wire_put_bytes(&buf, 11, GENOPS_STR(""));
	genops_wire_put_bytes(&buf, 13, GENOPS_STR(""));
	genops_wire_put_bytes(&buf, 13, GENOPS_STR(""));
	genops_wire_put_bytes(&buf, 15, GENOPS_STR("\x12\x03out\x18\x02"));
	genops_wire_put_fixed32(&buf, 16, 0x101);
	genops_wire_put_bytes(&buf, 99, GENOPS_STR("not known"));
	assert_int_equal(genops_otlp_span_read(genops_buffer_view(&buf), &span), GENOPS_OK);
	assert_true(span.encoded.ptr == buf.ptr && span.encoded.len == buf.len);
	assert_true(genops_str_equal(span.trace_id, TRACE_ID) && genops_str_equal(span.span_id, SPAN_ID));
	expect_str(span.parent_span_id, "parent--");
	expect_str(span.trace_state, "a=b");
	expect_str(span.name, "name");
	expect_str(span.status_message, "out");
	assert_true(span.kind == 3 && span.status_code == 2 && span.flags == 0x101);
	assert_true(span.start_unix_ns == UINT64_C(1700000000000000000) && span.end_unix_ns == UINT64_C(1700000001000000000));
	assert_true(span.n_attributes == 1 && span.n_events == 1 && span.n_links == 2);
	assert_int_equal(genops_otlp_span_read((genops_str){0}, &span), GENOPS_OK);
	assert_int_equal(span.name.len, 0);
	genops_buffer_done(&buf);
}

/* Cut anywhere, or with any byte another: no read outside, and an error or an end. */
static void test_damage(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 1 << 16);
	put_two_resources(&buf);
	for (size_t at = 0; at < 2 * buf.len; at++) {
		size_t len = at < buf.len ? at : buf.len;
		char *bytes = malloc(len + 1);
		assert_non_null(bytes);
		memcpy(bytes, buf.ptr, len);
		if (at >= buf.len)
			bytes[at - buf.len] = (char)(bytes[at - buf.len] ^ 0xA5);
		struct genops_otlp_reader reader;
		genops_str item;
		int code, n = 0;
		genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, (genops_str){bytes, len});
		while ((code = genops_otlp_reader_next(&reader, &item)) > 0) {
			struct genops_otlp_span span;
			struct genops_otlp_attributes attributes;
			struct genops_otlp_attribute attribute;
			int read = genops_otlp_span_read(item, &span);
			assert_true(read == GENOPS_OK || read == GENOPS_CORRUPT);
			genops_otlp_attributes_init(&attributes, item, GENOPS_OTLP_SPAN_ATTRIBUTES);
			while ((read = genops_otlp_attributes_next(&attributes, &attribute)) > 0)
				continue;
			assert_true(read == 0 || read == GENOPS_CORRUPT);
			assert_true(++n < 100000);
		}
		assert_true(code == 0 || code == GENOPS_CORRUPT);
		free(bytes);
	}
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_items_in_any_order_of_fields),
	    cmocka_unit_test(test_writer_shares_resource_and_scope),
	    cmocka_unit_test(test_writer_without_anything),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_the_last_value_counts),
	    cmocka_unit_test(test_a_span),
	    cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
