/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/govern/test_record_after.c - records that share lists with the one decoded before them (govern/record.h) are the same as
 * decoded alone, whatever stands in either. */
#include "record_fixture.h"

/* Decoded behind a record that it is like, a record is the same as decoded alone: for each bit that may be another. */
static void check_after(genops_str first, genops_str second, struct genops_arena *arena)
{
	struct genops_record_before before = {0};
	struct genops_record a, alone, after = {.pid = 77}, again;
	genops_arena_reset(arena);
	int code = genops_record_decode_after(first, &before, arena, &a, NULL);
	code = genops_record_decode(second, arena, &alone, NULL);
	assert_int_equal(genops_record_decode_after(second, &before, arena, &after, NULL), code);
	if (code == GENOPS_OK)
		assert_same(&alone, &after);
	else
		assert_int_equal(after.pid, 77);
	/* Whatever the second was, the third is not misled by it. */
	code = genops_record_decode(first, arena, &alone, NULL);
	assert_int_equal(genops_record_decode_after(first, &before, arena, &again, NULL), code);
	if (code == GENOPS_OK)
		assert_same(&alone, &again);
}

static void test_decoded_after_another(void **state)
{
	struct genops_record record = full_record();
	struct genops_buffer buf, changed;
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	genops_buffer_init(&buf, GENOPS_RECORD_MAX);
	genops_buffer_init(&changed, GENOPS_RECORD_MAX);
	genops_record_encode(&record, &buf);
	genops_str bytes = genops_buffer_view(&buf);
	check_after(bytes, bytes, &arena);
	for (size_t bit = 0; bit < buf.len * 8; bit++) {
		genops_buffer_clear(&changed);
		genops_buffer_add(&changed, bytes);
		changed.ptr[bit / 8] = (char)(changed.ptr[bit / 8] ^ 1 << bit % 8);
		check_after(bytes, genops_buffer_view(&changed), &arena);
		check_after(genops_buffer_view(&changed), bytes, &arena);
	}
	for (size_t len = 0; len < buf.len; len++)
		check_after(bytes, (genops_str){buf.ptr, len}, &arena);
	genops_buffer_done(&changed);
	genops_buffer_done(&buf);
	genops_arena_done(&arena);
}

/* Lists that begin alike, lists without an end, elements that something else stands between. */
static void test_lists_after_others(void **state)
{
	static const char e[] = "\x13\x03\x07\x01p", f[] = "\x13\x03\x07\x01q", x[] = "\x77\x04\0\x01kv", y[] = "\x77\x04\0\x01kw";
	static const char b[] = "\x53\x0a\x1d\x01\0\0\0\x21\x02\0\0\0", r[] = "\x53\x0a\x21\x02\0\0\0\x1d\x01\0\0\0";
	static const char twice[] = "\x53\x0f\x1d\x01\0\0\0\x1d\x05\0\0\0\x21\x02\0\0\0", pid[] = "\xc5\x01\x07\0\0\0";
#define PART(text) {text, sizeof text - 1}
	static const genops_str parts[] = {PART(e), PART(f), PART(x), PART(y), PART(b), PART(r), PART(twice), PART(pid)};
	size_t n = sizeof parts / sizeof parts[0];
	struct genops_arena arena;
	struct genops_buffer bufs[2];
	genops_arena_init(&arena, 1 << 20);
	uint64_t random = 1;
	for (size_t round = 0; round < 20000; round++) {
		for (size_t k = 0; k < 2; k++) {
			genops_buffer_init(&bufs[k], 4096);
			genops_buffer_add_char(&bufs[k], RECORD_VERSION);
			for (size_t i = 0; i < 6; i++) {
				random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
				if (random >> 61)
					genops_buffer_add(&bufs[k], parts[(random >> 40) % n]);
			}
		}
		check_after(genops_buffer_view(&bufs[0]), genops_buffer_view(&bufs[1]), &arena);
		genops_buffer_done(&bufs[0]);
		genops_buffer_done(&bufs[1]);
	}
	genops_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decoded_after_another),
	    cmocka_unit_test(test_lists_after_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
