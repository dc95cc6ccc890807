/* SPDX-License-Identifier: Apache-2.0
 * test_hash.c - stored checksums must never change: known answers of XXH3, checked with xxhsum's
 * library. */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void test_known_answers(void **state)
{
	(void)state;
	assert_true(genops_hash_checksum("", 0, 0) == UINT64_C(0x2D06800538D394C2));
	assert_true(genops_hash_checksum(NULL, 0, 0) == UINT64_C(0x2D06800538D394C2));
	struct genops_hash h = genops_hash_of((genops_str){0}, 0);
	assert_true(
	    h.high == UINT64_C(0x99AA06D3014798D8) && h.low == UINT64_C(0x6001C324468D497F));
}

static void test_every_bit_counts(void **state)
{
	(void)state;
	char bytes[300] = {0};
	uint64_t plain = genops_hash_checksum(bytes, sizeof bytes, 5);
	struct genops_hash plain_key = genops_hash_of((genops_str){bytes, sizeof bytes}, 5);
	for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
		bytes[bit / 8] = (char)(1 << bit % 8);
		assert_true(genops_hash_checksum(bytes, sizeof bytes, 5) != plain);
		assert_false(genops_hash_equal(
		    genops_hash_of((genops_str){bytes, sizeof bytes}, 5), plain_key));
		bytes[bit / 8] = 0;
	}
	assert_true(genops_hash_checksum(bytes, sizeof bytes, 6) != plain);
	assert_true(genops_hash_checksum(bytes, sizeof bytes - 1, 5) != plain);
	assert_true(
	    genops_hash_equal(genops_hash_of((genops_str){bytes, sizeof bytes}, 5), plain_key));
	assert_false(
	    genops_hash_equal(genops_hash_of((genops_str){bytes, sizeof bytes}, 6), plain_key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_answers),
	    cmocka_unit_test(test_every_bit_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
