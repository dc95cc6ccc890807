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

/* Whatever vectors the processor has: a record that one machine stored is read by another. From libxxhash. */
static void test_long_ones(void **state)
{
	static const struct {
		size_t len;
		uint64_t plain, seeded;
	} rows[] = {
	    {240, UINT64_C(0xB80284837259EEE4), UINT64_C(0x2C548594B6E39E61)},
	    {241, UINT64_C(0x44DBD3180A664E27), UINT64_C(0x944A27D4AEF84AAD)},
	    {256, UINT64_C(0x266A2C816CBB31C5), UINT64_C(0x16D12412D3DC7BFB)},
	    {1000, UINT64_C(0x2AC5B3B66D7CF18F), UINT64_C(0x25DD366246371DBD)},
	    {1024, UINT64_C(0xC6C700C409D40C4B), UINT64_C(0xAB762FCEA69F75BE)},
	    {1025, UINT64_C(0x3EF78C3256F23450), UINT64_C(0x05108BA2E49BD66D)},
	    {4999, UINT64_C(0xF828DE05F0C373FF), UINT64_C(0xD1B02C2181DC57CB)},
	};
	unsigned char bytes[5001];
	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i * 131 + (i >> 8));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_true(genops_hash_checksum(bytes, rows[i].len, 0) == rows[i].plain);
		assert_true(genops_hash_checksum(bytes + 1, rows[i].len, 7) == rows[i].seeded);
	}
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
	    cmocka_unit_test(test_long_ones),
	    cmocka_unit_test(test_every_bit_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
