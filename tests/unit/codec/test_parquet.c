/* SPDX-License-Identifier: Apache-2.0
 * test_parquet.c - the file's structure byte by byte, row groups, compression, misuse and a failing
 * sink.
 *
 * golden/codec/three_rows.parquet was read back with pyarrow, DuckDB and fastparquet when it was
 * made. */
#include "base/buffer.h"
#include "codec/parquet.h"
#include "codec/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "failing_alloc.h"

static const struct genops_parquet_column columns[] = {
    {"id", GENOPS_PARQUET_INT, false},
    {"team", GENOPS_PARQUET_TEXT, true},
    {"ok", GENOPS_PARQUET_BOOL, true},
    {"cost", GENOPS_PARQUET_DOUBLE, false},
};
#define N_COLUMNS (sizeof columns / sizeof *columns)

static int to_buffer(void *arg, genops_str bytes, struct genops_error *err)
{
	genops_buffer_add(arg, bytes);
	return ((struct genops_buffer *)arg)->error ? genops_fail(err, GENOPS_FULL, "disk full")
						    : GENOPS_OK;
}

static struct genops_parquet *begin(
    struct genops_buffer *out, size_t max, bool is_plain, size_t rows)
{
	const struct genops_parquet_options options = {
	    .is_plain = is_plain, .row_group_rows = rows};
	genops_buffer_init(out, max);
	struct genops_parquet *file =
	    genops_parquet_new(columns, N_COLUMNS, &options, to_buffer, out, NULL);
	assert_non_null(file);
	return file;
}

static int add_row(struct genops_parquet *file, int64_t id, genops_str team, int ok)
{
	genops_parquet_add_int(file, 0, id);
	if (team.ptr)
		genops_parquet_add_text(file, 1, team);
	if (ok >= 0)
		genops_parquet_add_bool(file, 2, ok);
	genops_parquet_add_double(file, 3, (double)id / 4);
	return genops_parquet_end_row(file, NULL);
}

static void three_rows(struct genops_parquet *file)
{
	assert_int_equal(add_row(file, 1, GENOPS_STR("core"), 1), GENOPS_OK);
	assert_int_equal(add_row(file, -2, (genops_str){0}, -1), GENOPS_OK);
	assert_int_equal(add_row(file, INT64_MAX, GENOPS_STR("a\xFF"), 0), GENOPS_OK);
	assert_int_equal(genops_parquet_finish(file, NULL), GENOPS_OK);
}

static void test_three_rows_are_the_golden_file(void **state)
{
	(void)state;
	struct genops_buffer out;
	struct genops_parquet *file = begin(&out, 1 << 16, true, 0);
	three_rows(file);
	assert_int_not_equal(genops_parquet_finish(file, NULL), GENOPS_OK); /* once */
	genops_parquet_free(file);
	char golden[4096];
	FILE *in = fopen(GOLDEN_DIR "/codec/three_rows.parquet", "rb");
	assert_non_null(in);
	size_t len = fread(golden, 1, sizeof golden, in);
	fclose(in);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.ptr, golden, len);
	genops_buffer_done(&out);
}

/* The pages by hand: levels, values and header of the plain file. */
static void test_pages_are_what_the_format_says(void **state)
{
	(void)state;
	struct genops_buffer out;
	struct genops_parquet *file = begin(&out, 1 << 16, true, 0);
	three_rows(file);
	genops_parquet_free(file);
	static const char pages[] =
	    "PAR1"
	    "\x15\x00\x15\x30\x15\x30\x2C\x15\x06\x15\x00\x15\x06\x15\x06\x00\x00"
	    "\x01\0\0\0\0\0\0\0"
	    "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
	    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"
	    "\x15\x00\x15\x2C\x15\x2C\x2C\x15\x06\x15\x00\x15\x06\x15\x06\x00\x00"
	    "\x02\0\0\0\x03\x05"
	    "\x04\0\0\0core"
	    "\x04\0\0\0"
	    "a\xEF\xBF\xBD"
	    "\x15\x00\x15\x0E\x15\x0E\x2C\x15\x06\x15\x00\x15\x06\x15\x06\x00\x00"
	    "\x02\0\0\0\x03\x05"
	    "\x01";
	/* levels 101, 2 bytes: one bit-packed group; a repaired text has its new length */
	genops_str expected = {pages, sizeof pages - 1};
	assert_true(out.len > expected.len);
	for (size_t i = 0; i < expected.len; i++) {
		if (out.ptr[i] != expected.ptr[i])
			fail_msg("byte %zu is %02x instead of %02x", i, (unsigned char)out.ptr[i],
			    (unsigned char)expected.ptr[i]);
	}
	assert_memory_equal(out.ptr + out.len - 4, "PAR1", 4);
	uint32_t footer = 0;
	for (size_t i = 0; i < 4; i++)
		footer |= (uint32_t)(unsigned char)out.ptr[out.len - 8 + i] << 8 * i;
	assert_true(footer < out.len);
	assert_memory_equal(
	    out.ptr + out.len - 8 - footer, "\x15\x02\x19\x5C\x48\x06schema\x15\x08\x00", 14);
	genops_buffer_done(&out);
}

/* A thrift integer behind its one-byte field head. */
static size_t header_int(struct genops_wire_reader *in)
{
	uint64_t value;
	in->at++;
	assert_int_equal(genops_wire_next_varint(in, &value), 1);
	return (size_t)genops_wire_unzigzag(value);
}

static void test_compressed_pages_hold_the_same(void **state)
{
	(void)state;
	struct genops_buffer plain, packed;
	struct genops_parquet *files[] = {
	    begin(&plain, 1 << 20, true, 0), begin(&packed, 1 << 20, false, 0)};
	for (int i = 0; i < 2; i++) {
		for (int row = 0; row < 1000; row++)
			assert_int_equal(add_row(files[i], 5, GENOPS_STR("team"), 1), GENOPS_OK);
		assert_int_equal(genops_parquet_finish(files[i], NULL), GENOPS_OK);
		genops_parquet_free(files[i]);
	}
	assert_true(packed.len < plain.len / 5);
	struct genops_wire_reader a, b;
	genops_wire_reader_init(&a, (genops_str){plain.ptr + 4, plain.len - 4}, 0);
	genops_wire_reader_init(&b, (genops_str){packed.ptr + 4, packed.len - 4}, 0);
	for (size_t i = 0; i < N_COLUMNS; i++) {
		char page[16384];
		assert_int_equal(header_int(&a), 0);
		assert_int_equal(header_int(&b), 0);
		size_t len = header_int(&a), out_len = sizeof page;
		assert_int_equal(header_int(&b), len);
		assert_int_equal(header_int(&a), len);
		size_t packed_len = header_int(&b);
		a.at += 12; /* DataPageHeader: 1000 rows, encodings */
		b.at += 12;
		assert_int_equal(snappy_uncompress(b.at, packed_len, page, &out_len), SNAPPY_OK);
		assert_int_equal(out_len, len);
		assert_memory_equal(page, a.at, len);
		a.at += len;
		b.at += packed_len;
	}
	genops_buffer_done(&plain);
	genops_buffer_done(&packed);
}

static size_t count(const struct genops_buffer *buf, genops_str needle)
{
	size_t n = 0;
	for (size_t i = 0; i + needle.len <= buf->len; i++)
		n += memcmp(buf->ptr + i, needle.ptr, needle.len) == 0;
	return n;
}

static void test_row_groups_bound_the_memory(void **state)
{
	(void)state;
	struct genops_buffer out;
	struct genops_parquet *file = begin(&out, 1 << 20, true, 10);
	size_t before = 0;
	for (int row = 0; row < 35; row++) {
		assert_int_equal(add_row(file, row, GENOPS_STR("t"), 1), GENOPS_OK);
		assert_true(
		    (out.len != before) == (row % 10 == 9)); /* only a full group goes out */
		before = out.len;
	}
	assert_int_equal(genops_parquet_finish(file, NULL), GENOPS_OK);
	genops_parquet_free(file);
	assert_int_equal(
	    count(&out, GENOPS_STR("\x2C\x15\x14\x15\x00\x15\x06\x15\x06\x00\x00")), 3 * N_COLUMNS);
	assert_int_equal(
	    count(&out, GENOPS_STR("\x2C\x15\x0A\x15\x00\x15\x06\x15\x06\x00\x00")), N_COLUMNS);
	genops_buffer_done(&out);

	file = begin(&out, 1 << 16, false, 0); /* no row at all is a file, too */
	assert_int_equal(genops_parquet_finish(file, NULL), GENOPS_OK);
	genops_parquet_free(file);
	assert_memory_equal(out.ptr, "PAR1\x15\x02", 6);
	genops_buffer_done(&out);
}

static void test_misuse_is_told_and_stays(void **state)
{
	(void)state;
	for (int fault = 0; fault < 5; fault++) {
		struct genops_buffer out;
		struct genops_error err = {0};
		struct genops_parquet *file = begin(&out, 1 << 16, true, 0);
		genops_parquet_add_int(file, 0, 1);
		if (fault == 0)
			genops_parquet_add_int(file, 0, 1); /* twice */
		if (fault == 1)
			genops_parquet_add_int(file, 3, 1); /* another type */
		if (fault == 2)
			genops_parquet_add_int(file, N_COLUMNS, 1);
		if (fault != 3) /* required, and missing */
			genops_parquet_add_double(file, 3, 1);
		if (fault != 4) /* finish inside a row */
			assert_int_equal(genops_parquet_end_row(file, &err), GENOPS_MISUSE);
		assert_int_equal(genops_parquet_finish(file, &err), GENOPS_MISUSE);
		assert_int_equal(err.code, GENOPS_MISUSE);
		assert_int_equal(out.len, 0);
		genops_parquet_free(file);
		genops_buffer_done(&out);
	}
	assert_null(genops_parquet_new(columns, 0, NULL, to_buffer, NULL, NULL));
	genops_parquet_free(NULL);
}

static void test_a_failing_sink_ends_it(void **state)
{
	(void)state;
	struct genops_buffer out;
	struct genops_error err = {0};
	struct genops_parquet *file = begin(&out, 40, true, 1);
	genops_parquet_add_int(file, 0, 1);
	genops_parquet_add_double(file, 3, 1);
	assert_int_equal(genops_parquet_end_row(file, &err), GENOPS_FULL);
	assert_string_equal(err.message, "disk full");
	assert_int_equal(genops_parquet_end_row(file, &err), GENOPS_FULL);
	assert_int_equal(genops_parquet_finish(file, &err), GENOPS_FULL);
	genops_parquet_free(file);
	genops_buffer_done(&out);
}

static void test_every_allocation_may_fail(void **state)
{
	(void)state;
	if (!FAILING_ALLOC)
		skip();
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 16);
	assert_non_null(genops_buffer_reserve(&out, 1 << 14));
	long n = 0;
	int code;
	do {
		assert_true(n < 100);
		code = GENOPS_NOMEM;
		genops_buffer_clear(&out);
		allocs_left = n++;
		const struct genops_parquet_options plain = {
		    .is_plain = true}; /* libsnappy does not survive this */
		struct genops_parquet *file =
		    genops_parquet_new(columns, N_COLUMNS, &plain, to_buffer, &out, NULL);
		if (file)
			code = add_row(file, 1, GENOPS_STR("a\xFF"), 1);
		if (file && !code)
			code = genops_parquet_finish(file, NULL);
		allocs_left = -1;
		assert_true(code == GENOPS_OK || code == GENOPS_NOMEM);
		genops_parquet_free(file);
	} while (code != GENOPS_OK);
	assert_true(n > 8);
	genops_buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_three_rows_are_the_golden_file),
	    cmocka_unit_test(test_pages_are_what_the_format_says),
	    cmocka_unit_test(test_compressed_pages_hold_the_same),
	    cmocka_unit_test(test_row_groups_bound_the_memory),
	    cmocka_unit_test(test_misuse_is_told_and_stays),
	    cmocka_unit_test(test_a_failing_sink_ends_it),
	    cmocka_unit_test(test_every_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
