/* SPDX-License-Identifier: Apache-2.0
 * test_compress.c - there and back, bombs, cut and damaged input, and outputs untouched on
 * failure. */
#include "codec/compress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define MIB ((size_t)1 << 20)

static const enum genops_compress_kind kinds[] = {
    GENOPS_COMPRESS_NONE, GENOPS_COMPRESS_GZIP, GENOPS_COMPRESS_ZLIB, GENOPS_COMPRESS_ZSTD};
#define N_KINDS (sizeof kinds / sizeof *kinds)

/* Half noise, half repetition. */
static char *sample(size_t len)
{
	char *bytes = malloc(len + 1);
	uint32_t random = 7;
	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = (char)(i / 1000 % 2 ? random >> 24 : 'x');
	}
	return bytes;
}

static void test_there_and_back(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 3 * MIB};
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		char *bytes = sample(sizes[s]);
		for (size_t k = 0; k < N_KINDS; k++) {
			struct genops_buffer packed, back;
			genops_buffer_init(&packed, 8 * MIB);
			genops_buffer_init(&back, sizes[s] + 6); /* exactly what comes out */
			genops_buffer_add_text(&back, "before");
			assert_int_equal(genops_compress_encode(kinds[k], k % 2 ? 0 : 1,
					     (genops_str){bytes, sizes[s]}, &packed, NULL),
			    GENOPS_OK);
			assert_int_equal(genops_compress_decode(
					     kinds[k], genops_buffer_view(&packed), &back, NULL),
			    GENOPS_OK);
			assert_int_equal(back.len, sizes[s] + 6);
			assert_memory_equal(back.ptr, "before", 6);
			assert_memory_equal(back.ptr + 6, bytes, sizes[s]);
			genops_buffer_done(&packed);
			genops_buffer_done(&back);
		}
		free(bytes);
	}
}

static void test_foreign_bytes(void **state)
{
	(void)state;
	/* "hello" from gzip(1) with its name, from Python's zlib, and from zstd(1) with checksum */
	static char gzip[] = "\x1f\x8b\x08\x08\0\0\0\0\0\x03"
			     "f\0\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0";
	static const char zlib[] = "\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\0\x06\x2c\x02\x15";
	static char zstd[] = "\x28\xb5\x2f\xfd\x04\x58\x29\0\0hello\xa3\x6d\x9f\x88";
	struct genops_buffer out;
	genops_buffer_init(&out, 100);
	assert_int_equal(genops_compress_decode(
			     GENOPS_COMPRESS_GZIP, (genops_str){gzip, sizeof gzip - 1}, &out, NULL),
	    GENOPS_OK);
	assert_int_equal(genops_compress_decode(
			     GENOPS_COMPRESS_ZLIB, (genops_str){zlib, sizeof zlib - 1}, &out, NULL),
	    GENOPS_OK);
	assert_int_equal(out.len, 10);
	assert_memory_equal(out.ptr, "hellohello", 10);
	assert_int_equal(genops_compress_decode(
			     GENOPS_COMPRESS_ZSTD, (genops_str){zstd, sizeof zstd - 1}, &out, NULL),
	    GENOPS_OK);
	assert_int_equal(out.len, 15);
	zstd[sizeof zstd - 2] ^= 1; /* the checksum */
	assert_int_equal(genops_compress_decode(
			     GENOPS_COMPRESS_ZSTD, (genops_str){zstd, sizeof zstd - 1}, &out, NULL),
	    GENOPS_SYNTAX);
	gzip[sizeof gzip - 6] ^= 1;
	assert_int_equal(genops_compress_decode(
			     GENOPS_COMPRESS_GZIP, (genops_str){gzip, sizeof gzip - 1}, &out, NULL),
	    GENOPS_SYNTAX);
	assert_int_equal(out.len, 15);
	genops_buffer_done(&out);
}

static void test_bombs_stop_at_the_bound(void **state)
{
	(void)state;
	size_t len = 64 * MIB;
	char *zeros = calloc(1, len);
	assert_non_null(zeros);
	for (size_t k = 1; k < N_KINDS; k++) {
		struct genops_buffer packed, out;
		struct genops_error err = {0};
		genops_buffer_init(&packed, MIB);
		genops_buffer_init(&out, 100000);
		assert_int_equal(
		    genops_compress_encode(kinds[k], 0, (genops_str){zeros, len}, &packed, NULL),
		    GENOPS_OK);
		genops_buffer_add_text(&out, "x");
		assert_int_equal(
		    genops_compress_decode(kinds[k], genops_buffer_view(&packed), &out, &err),
		    GENOPS_LIMIT);
		assert_int_equal(err.code, GENOPS_LIMIT);
		assert_int_equal(out.len, 1);
		assert_int_equal(out.error, 0);
		assert_true(out.cap <= 2 * 131072);
		genops_buffer_done(&packed);
		genops_buffer_done(&out);
	}
	free(zeros);
}

static void test_one_byte_too_many(void **state)
{
	(void)state;
	char *bytes = sample(70000);
	for (size_t k = 0; k < N_KINDS; k++) {
		struct genops_buffer packed, out;
		genops_buffer_init(&packed, MIB);
		genops_buffer_init(&out, 69999);
		assert_int_equal(
		    genops_compress_encode(kinds[k], 0, (genops_str){bytes, 70000}, &packed, NULL),
		    GENOPS_OK);
		assert_int_equal(
		    genops_compress_decode(kinds[k], genops_buffer_view(&packed), &out, NULL),
		    GENOPS_LIMIT);
		/* and on the way in: it fits exactly (zstd wants some slack), and one byte less
		 * does not do */
		struct genops_buffer tight;
		genops_buffer_init(
		    &tight, packed.len + (kinds[k] == GENOPS_COMPRESS_ZSTD ? 1000 : 0));
		assert_int_equal(
		    genops_compress_encode(kinds[k], 0, (genops_str){bytes, 70000}, &tight, NULL),
		    GENOPS_OK);
		genops_buffer_done(&tight);
		genops_buffer_init(&tight, packed.len - 1);
		assert_int_equal(
		    genops_compress_encode(kinds[k], 0, (genops_str){bytes, 70000}, &tight, NULL),
		    GENOPS_LIMIT);
		assert_int_equal(tight.len, 0);
		assert_int_equal(tight.error, 0);
		genops_buffer_done(&tight);
		genops_buffer_done(&packed);
		genops_buffer_done(&out);
	}
	free(bytes);
}

static void test_cut_off_anywhere(void **state)
{
	(void)state;
	char *bytes = sample(3000);
	for (size_t k = 1; k < N_KINDS; k++) {
		struct genops_buffer packed, out;
		genops_buffer_init(&packed, MIB);
		genops_buffer_init(&out, MIB);
		assert_int_equal(
		    genops_compress_encode(kinds[k], 0, (genops_str){bytes, 3000}, &packed, NULL),
		    GENOPS_OK);
		for (size_t len = 0; len < packed.len; len++) {
			char *head = malloc(len ? len : 1);
			assert_non_null(head);
			memcpy(head, packed.ptr, len);
			if (genops_compress_decode(kinds[k], (genops_str){head, len}, &out, NULL) !=
			    GENOPS_SYNTAX)
				fail_msg("kind %d, the first %zu bytes of %zu were taken",
				    (int)kinds[k], len, packed.len);
			free(head);
			assert_int_equal(out.len, 0);
		}
		genops_buffer_add_text(&packed, "garbage");
		assert_int_equal(
		    genops_compress_decode(kinds[k], genops_buffer_view(&packed), &out, NULL),
		    GENOPS_SYNTAX);
		genops_buffer_done(&packed);
		genops_buffer_done(&out);
	}
	free(bytes);
}

static void test_members_follow_one_another(void **state)
{
	(void)state;
	for (size_t k = 1; k < N_KINDS; k++) {
		struct genops_buffer packed, out;
		genops_buffer_init(&packed, 1000);
		genops_buffer_init(&out, 6);
		assert_int_equal(
		    genops_compress_encode(kinds[k], 0, GENOPS_STR("abc"), &packed, NULL),
		    GENOPS_OK);
		assert_int_equal(
		    genops_compress_encode(kinds[k], 0, GENOPS_STR("def"), &packed, NULL),
		    GENOPS_OK);
		assert_int_equal(
		    genops_compress_decode(kinds[k], genops_buffer_view(&packed), &out, NULL),
		    GENOPS_OK);
		assert_memory_equal(out.ptr, "abcdef", 6);
		genops_buffer_done(&packed);
		genops_buffer_done(&out);
	}
}

static void test_names_and_levels(void **state)
{
	(void)state;
	enum genops_compress_kind kind = GENOPS_COMPRESS_NONE;
	for (size_t k = 0; k < N_KINDS; k++) {
		assert_true(
		    genops_compress_named(genops_str_of(genops_compress_name(kinds[k])), &kind));
		assert_int_equal(kind, kinds[k]);
	}
	assert_true(genops_compress_named(GENOPS_STR("X-GZip"), &kind));
	assert_int_equal(kind, GENOPS_COMPRESS_GZIP);
	assert_true(genops_compress_named(GENOPS_STR("identity"), &kind));
	assert_int_equal(kind, GENOPS_COMPRESS_NONE);
	assert_false(genops_compress_named(GENOPS_STR("br"), &kind));
	struct genops_buffer out;
	genops_buffer_init(&out, 1000);
	assert_int_equal(
	    genops_compress_encode(GENOPS_COMPRESS_GZIP, 10, GENOPS_STR("a"), &out, NULL),
	    GENOPS_MISUSE);
	assert_int_equal(
	    genops_compress_encode(GENOPS_COMPRESS_ZSTD, 20, GENOPS_STR("a"), &out, NULL),
	    GENOPS_MISUSE);
	genops_buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_foreign_bytes),
	    cmocka_unit_test(test_bombs_stop_at_the_bound),
	    cmocka_unit_test(test_one_byte_too_many),
	    cmocka_unit_test(test_cut_off_anywhere),
	    cmocka_unit_test(test_members_follow_one_another),
	    cmocka_unit_test(test_names_and_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
