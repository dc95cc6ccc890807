/* SPDX-License-Identifier: Apache-2.0
 * test_wire.c - protobuf's wire format against known bytes, there and back, and against hostile
 * input. */
#include "codec/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void expect_bytes(struct genops_buffer *buf, genops_str expected)
{
	assert_int_equal(buf->error, 0);
	assert_int_equal(buf->len, expected.len);
	assert_memory_equal(buf->ptr, expected.ptr, expected.len);
	genops_buffer_clear(buf);
}

/* The bytes protoc makes of the same values. */
static void test_known_bytes(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 4096);
	genops_wire_put_uint(&buf, 1, 150);
	expect_bytes(&buf, GENOPS_STR("\x08\x96\x01"));
	genops_wire_put_uint(&buf, 16, 0);
	expect_bytes(&buf, GENOPS_STR("\x80\x01\x00"));
	genops_wire_put_uint(&buf, (1u << 29) - 1, UINT64_MAX);
	expect_bytes(
	    &buf, GENOPS_STR("\xF8\xFF\xFF\xFF\x0F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));
	genops_wire_put_int(&buf, 1, -1);
	expect_bytes(&buf, GENOPS_STR("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));
	genops_wire_put_sint(&buf, 1, -1);
	expect_bytes(&buf, GENOPS_STR("\x08\x01"));
	genops_wire_put_sint(&buf, 1, INT64_MIN);
	expect_bytes(&buf, GENOPS_STR("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"));
	genops_wire_put_bool(&buf, 2, true);
	expect_bytes(&buf, GENOPS_STR("\x10\x01"));
	genops_wire_put_fixed64(&buf, 7, 0x0102030405060708);
	expect_bytes(&buf, GENOPS_STR("\x39\x08\x07\x06\x05\x04\x03\x02\x01"));
	genops_wire_put_fixed32(&buf, 7, 0x01020304);
	expect_bytes(&buf, GENOPS_STR("\x3D\x04\x03\x02\x01"));
	genops_wire_put_double(&buf, 4, 1.5);
	expect_bytes(&buf, GENOPS_STR("\x21\0\0\0\0\0\0\xF8\x3F"));
	genops_wire_put_bytes(&buf, 2, GENOPS_STR("testing"));
	expect_bytes(&buf, GENOPS_STR("\x12\x07testing"));
	genops_wire_put_bytes(&buf, 2, (genops_str){0});
	expect_bytes(&buf, GENOPS_STR("\x12\x00"));
	genops_wire_put_head(&buf, 3, 300);
	expect_bytes(&buf, GENOPS_STR("\x1A\xAC\x02"));
	size_t outer = genops_wire_begin(&buf, 3);
	size_t inner = genops_wire_begin(&buf, 1);
	genops_wire_put_uint(&buf, 1, 150);
	genops_wire_end(&buf, inner);
	genops_wire_end(&buf, outer);
	expect_bytes(&buf, GENOPS_STR("\x1A\x88\x80\x80\x00\x0A\x83\x80\x80\x00\x08\x96\x01"));
	outer = genops_wire_begin(&buf, 3);
	inner = genops_wire_begin(&buf, 1);
	genops_wire_put_uint(&buf, 1, 150);
	genops_wire_end_tight(&buf, inner);
	genops_wire_end_tight(&buf, outer);
	expect_bytes(&buf, GENOPS_STR("\x1A\x05\x0A\x03\x08\x96\x01"));
	genops_buffer_done(&buf);
}

static void test_texts_are_repaired(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 4096);
	genops_wire_put_text(&buf, 1, GENOPS_STR("a\xE2\x82\xAC"));
	expect_bytes(&buf, GENOPS_STR("\x0A\x04"
				      "a\xE2\x82\xAC"));
	genops_wire_put_text(&buf, 1, GENOPS_STR("a\xFF"));
	expect_bytes(&buf, GENOPS_STR("\x0A\x84\x80\x80\x00"
				      "a\xEF\xBF\xBD"));
	genops_buffer_done(&buf);
}

static void test_lengths_of_varints(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 64);
	for (int bit = 0; bit < 64; bit++) {
		for (uint64_t off = 0; off < 2; off++) {
			uint64_t value = (UINT64_C(1) << bit) - off, back;
			struct genops_wire_reader in;
			genops_buffer_clear(&buf);
			genops_wire_put_varint(&buf, value);
			assert_int_equal(genops_wire_varint_len(value), buf.len);
			genops_wire_reader_init(&in, genops_buffer_view(&buf), 0);
			assert_int_equal(genops_wire_next_varint(&in, &back), 1);
			assert_true(back == value);
			assert_int_equal(genops_wire_next_varint(&in, &back), 0);
		}
	}
	genops_buffer_done(&buf);
}

static void test_there_and_back(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 4096);
	genops_wire_put_sint(&buf, 1, -5);
	genops_wire_put_double(&buf, 2, -0.1);
	uint32_t bits;
	float number = 2.5f;
	memcpy(&bits, &number, sizeof bits);
	genops_wire_put_fixed32(&buf, 3, bits);
	size_t packed = genops_wire_begin(&buf, 4);
	genops_wire_put_raw64(&buf, 7);
	genops_wire_put_raw64(&buf, UINT64_MAX);
	genops_wire_end(&buf, packed);

	struct genops_wire_reader in, inner;
	struct genops_wire_field field;
	uint64_t value;
	genops_wire_reader_init(&in, genops_buffer_view(&buf), 1);
	assert_int_equal(genops_wire_next(&in, &field), 1);
	assert_int_equal(field.number, 1);
	assert_int_equal(genops_wire_unzigzag(field.value), -5);
	assert_int_equal(genops_wire_enter(&in, &field, &inner), GENOPS_SYNTAX);
	assert_int_equal(genops_wire_next(&in, &field), 1);
	assert_true(genops_wire_double(field.value) == -0.1);
	assert_int_equal(genops_wire_next(&in, &field), 1);
	assert_int_equal(field.type, GENOPS_WIRE_FIXED32);
	assert_true(genops_wire_float(field.value) == 2.5f);
	assert_int_equal(genops_wire_next(&in, &field), 1);
	assert_int_equal(genops_wire_enter(&in, &field, &inner), GENOPS_OK);
	assert_int_equal(genops_wire_next_fixed64(&inner, &value), 1);
	assert_true(value == 7);
	assert_int_equal(genops_wire_next_fixed64(&inner, &value), 1);
	assert_true(value == UINT64_MAX);
	assert_int_equal(genops_wire_next_fixed64(&inner, &value), 0);
	assert_int_equal(genops_wire_next(&in, &field), 0);
	assert_int_equal(genops_wire_unzigzag(UINT64_MAX), INT64_MIN);
	genops_buffer_done(&buf);
}

static void test_what_is_no_message(void **state)
{
	(void)state;
	static const genops_str wrong[] = {
	    {"\x00", 1}, /* field 0 */
	    {"\x80", 1}, /* a tag that is cut off */
	    {"\x08", 1}, /* no value */
	    {"\x08\x80", 2}, {"\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02", 11}, /* 65 bits */
	    {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12},		   /* 11 bytes */
	    {"\x0A\x05"
	     "abcd",
		6}, /* longer than what there is */
	    {"\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11}, {"\x09\0\0\0\0\0\0\0", 8},
	    {"\x0D\0\0\0", 4}, {"\x0B\x0C", 2},				       /* a group */
	    {"\x0E\x01", 2}, {"\x0F\x01", 2}, {"\x80\x80\x80\x80\x10\x01", 6}, /* field 2^29 */
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		/* on the heap and exactly as long, so that a sanitizer sees a read behind the
		 * end */
		char *bytes = malloc(wrong[i].len);
		assert_non_null(bytes);
		memcpy(bytes, wrong[i].ptr, wrong[i].len);
		struct genops_wire_reader in;
		struct genops_wire_field field = {.number = 77};
		genops_wire_reader_init(&in, (genops_str){bytes, wrong[i].len}, 4);
		if (genops_wire_next(&in, &field) != GENOPS_SYNTAX)
			fail_msg("row %zu was taken", i);
		assert_int_equal(field.number, 77);
		free(bytes);
	}
	struct genops_wire_reader empty;
	struct genops_wire_field field;
	genops_wire_reader_init(&empty, (genops_str){0}, 0);
	assert_int_equal(genops_wire_next(&empty, &field), 0);
}

static void test_depth_is_bounded(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 1 << 16);
	size_t marks[70];
	for (size_t i = 0; i < 70; i++)
		marks[i] = genops_wire_begin(&buf, 1);
	for (size_t i = 70; i-- > 0;)
		genops_wire_end(&buf, marks[i]);
	struct genops_wire_reader in;
	struct genops_wire_field field;
	unsigned depth = 0;
	int code = GENOPS_OK;
	genops_wire_reader_init(&in, genops_buffer_view(&buf), 64);
	while (code == GENOPS_OK) {
		assert_int_equal(genops_wire_next(&in, &field), 1);
		code = genops_wire_enter(&in, &field, &in);
		depth += code == GENOPS_OK;
	}
	assert_int_equal(code, GENOPS_LIMIT);
	assert_int_equal(depth, 64);
	genops_buffer_done(&buf);
}

static void test_a_full_buffer_stays_a_fault(void **state)
{
	(void)state;
	struct genops_buffer buf;
	genops_buffer_init(&buf, 6);
	size_t mark = genops_wire_begin(&buf, 1);
	genops_wire_put_uint(&buf, 1, 1000);
	genops_wire_end(&buf, mark);
	assert_int_equal(buf.error, GENOPS_LIMIT);
	genops_buffer_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_bytes),
	    cmocka_unit_test(test_texts_are_repaired),
	    cmocka_unit_test(test_lengths_of_varints),
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_what_is_no_message),
	    cmocka_unit_test(test_depth_is_bounded),
	    cmocka_unit_test(test_a_full_buffer_stays_a_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
