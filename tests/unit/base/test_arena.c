/* SPDX-License-Identifier: Apache-2.0
 * test_arena.c - alignment, zeroing, the bound, and that a second use allocates nothing. */
#include "base/arena.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "failing_alloc.h"

static void test_aligned_and_zeroed(void **state)
{
	(void)state;
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < 300; size++) {
			char *ptr = genops_arena_alloc(&arena, size);
			assert_non_null(ptr);
			assert_int_equal((uintptr_t)ptr % 16, 0);
			for (size_t i = 0; i < size; i++)
				assert_int_equal(ptr[i], 0);
			memset(ptr, 0xA5, size);
		}
		genops_arena_reset(&arena);
		assert_int_equal(arena.used, 0);
	}
	genops_arena_done(&arena);
	assert_null(arena.first);
}

static void test_large_and_small_do_not_overlap(void **state)
{
	(void)state;
	struct genops_arena arena;
	static const size_t sizes[] = {10, 9000, 20, 100000, 30, 8192, 8193, 1};
	char *ptrs[sizeof sizes / sizeof *sizes];
	genops_arena_init(&arena, 1 << 20);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			ptrs[i] = genops_arena_alloc(&arena, sizes[i]);
			assert_non_null(ptrs[i]);
			memset(ptrs[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			for (size_t at = 0; at < sizes[i]; at++)
				assert_int_equal(ptrs[i][at], i + 1);
		}
		genops_arena_reset(&arena);
	}
	genops_arena_done(&arena);
}

static void test_the_bound_holds(void **state)
{
	(void)state;
	struct genops_arena arena;
	genops_arena_init(&arena, 100);
	assert_non_null(genops_arena_alloc(&arena, 64));
	assert_null(genops_arena_alloc(&arena, 37));
	assert_null(genops_arena_alloc(&arena, SIZE_MAX));
	assert_non_null(genops_arena_alloc(&arena, 36));
	assert_null(genops_arena_alloc(&arena, 1));
	genops_arena_reset(&arena);
	assert_non_null(genops_arena_alloc(&arena, 100));
	genops_arena_done(&arena);

	genops_arena_init(
	    &arena, SIZE_MAX); /* rounding up to the alignment must not wrap to zero */
	assert_null(genops_arena_alloc(&arena, SIZE_MAX));
	assert_null(genops_arena_alloc(&arena, SIZE_MAX - 8));
	assert_null(genops_arena_alloc(&arena, SIZE_MAX - 16));
	genops_arena_done(&arena);
}

static void test_texts_are_copied(void **state)
{
	(void)state;
	struct genops_arena arena;
	genops_arena_init(&arena, 4096);
	char source[] = "text";
	genops_str copy = {0};
	assert_true(genops_arena_dup(&arena, (genops_str){source, 3}, &copy));
	source[0] = 'n';
	assert_int_equal(copy.len, 3);
	assert_string_equal(copy.ptr, "tex"); /* NUL behind it */
	char *empty = genops_arena_dup_text(&arena, (genops_str){0});
	assert_string_equal(empty, "");
	genops_arena_done(&arena);

	genops_arena_init(&arena, 3);
	assert_false(genops_arena_dup(&arena, (genops_str){source, 3}, &copy));
	assert_string_equal(copy.ptr ? "untouched" : "", "untouched");
	assert_int_equal(copy.len, 3);
	assert_null(genops_arena_dup_text(&arena, (genops_str){source, SIZE_MAX}));
	genops_arena_done(&arena);
}

static void test_a_second_use_allocates_nothing(void **state)
{
	(void)state;
	if (!FAILING_ALLOC)
		skip();
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	for (int i = 0; i < 100; i++)
		assert_non_null(genops_arena_alloc(&arena, 1000));
	genops_arena_reset(&arena);
	allocs_left = 0;
	bool all = true;
	for (int i = 0; i < 100; i++)
		all = genops_arena_alloc(&arena, 1000) && all;
	bool more = genops_arena_alloc(&arena, 100000) != NULL;
	allocs_left = -1;
	assert_true(all);
	assert_false(more);
	assert_non_null(genops_arena_alloc(&arena, 100000)); /* a failure leaves the arena usable */
	genops_arena_done(&arena);
}

/* A pooled arena lives as long as its process: what fits nowhere must not stay beside what replaces it. */
static void test_growing_uses_do_not_pile_up(void **state)
{
	(void)state;
#if FAILING_ALLOC
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	struct mallinfo2 before = mallinfo2();
	for (size_t size = 9000; size < 60000; size += 64) {
		assert_non_null(genops_arena_alloc(&arena, size));
		assert_non_null(genops_arena_alloc(&arena, size + 32));
		genops_arena_reset(&arena);
	}
	size_t held = mallinfo2().uordblks - before.uordblks;
	genops_arena_done(&arena);
	assert_in_range(held, 0, 400000);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_aligned_and_zeroed),
	    cmocka_unit_test(test_large_and_small_do_not_overlap),
	    cmocka_unit_test(test_the_bound_holds),
	    cmocka_unit_test(test_texts_are_copied),
	    cmocka_unit_test(test_a_second_use_allocates_nothing),
	    cmocka_unit_test(test_growing_uses_do_not_pile_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
