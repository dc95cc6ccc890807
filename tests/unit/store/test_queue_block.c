/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_queue_block.c - store/queue_block.c: round trips, keys, and that no
 * changed bit passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/hash.h"
#include "store/queue/queue_block.h"

#define HEX    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const struct genops_segment_position positions[] = {
    {1, 2, 3, 4, 5}, {UINT32_MAX, UINT64_MAX, 7, 8, 9}};

static struct genops_queue_key key_of(const char *text)
{
	struct genops_queue_key key;
	struct genops_error err;
	assert_int_equal(genops_queue_block_key(genops_str_of(text), &key, &err), GENOPS_OK);
	return key;
}

static void test_keys(void **state)
{
	static const char *const bad[] = {"0", HEX "0", "00", BASE64 "=",
	    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
	    "-AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	    "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
	struct genops_queue_key none = key_of(""), hex = key_of(HEX), base64 = key_of(BASE64);
	assert_false(none.is_set);
	assert_true(hex.is_set && base64.is_set);
	assert_memory_equal(hex.bytes, base64.bytes, 32);
	assert_true(hex.id == base64.id && hex.id != 0);
	for (uint8_t i = 0; i < 32; i++)
		assert_int_equal(hex.bytes[i], i);
	struct genops_queue_key unpadded = key_of("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
	assert_memory_equal(&unpadded, &hex, sizeof hex);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct genops_error err;
		struct genops_queue_key key = {.id = 77};
		assert_int_equal(
		    genops_queue_block_key(genops_str_of(bad[i]), &key, &err), GENOPS_CONFIG);
		assert_int_equal(key.id, 77);
		assert_null(strstr(
		    err.message, bad[i])); /* a secret is not printed, not even a wrong one */
	}
	genops_queue_block_key_done(&hex);
	assert_false(hex.is_set);
}

#define MARKER "the marker text that must not be readable"

static void encode(
    bool is_compressed, const struct genops_queue_key *key, size_t n, struct genops_buffer *buf)
{
	static char repeated[5000];
	memset(repeated, 'r', sizeof repeated);
	const struct genops_queue_entry entries[] = {{GENOPS_ENTRY_OPERATION, GENOPS_STR(MARKER)},
	    {GENOPS_ENTRY_SPANS, {NULL, 0}}, {GENOPS_ENTRY_EVENT, {repeated, sizeof repeated}},
	    {GENOPS_ENTRY_OPERATION, GENOPS_STR("x")}};
	struct genops_queue_block block = {.number = 12,
	    .entries_before = 99,
	    .entries = entries,
	    .n_entries = n,
	    .positions = positions,
	    .n_positions = 2};
	struct genops_buffer scratch;
	struct genops_error err;
	genops_buffer_init(&scratch, 1 << 20);
	genops_buffer_init(buf, 1 << 20);
	assert_int_equal(
	    genops_queue_block_encode(&block, is_compressed, key, &scratch, buf, &err), GENOPS_OK);
	assert_int_equal(buf->len % 8, 0);
	genops_buffer_done(&scratch);
}

static genops_str block_of(const struct genops_buffer *buf)
{
	struct queue_block_header header;
	assert_true(genops_queue_block_header(genops_buffer_view(buf), &header));
	assert_int_equal(header.number, 12);
	assert_int_equal(header.entries_before, 99);
	assert_true(header.length <= buf->len && header.length + 8 > buf->len);
	return (genops_str){buf->ptr, header.length};
}

static int decode(genops_str bytes, const struct genops_queue_key *key, size_t *ret_n)
{
	struct genops_buffer scratch;
	struct genops_queue_entry *entries = NULL;
	size_t max = 0;
	struct genops_error err;
	genops_buffer_init(&scratch, (size_t)3 * GENOPS_QUEUE_BLOCK_MAX);
	int code = genops_queue_block_decode(bytes, key, &scratch, &entries, &max, ret_n, &err);
	if (code == GENOPS_OK && *ret_n) {
		assert_int_equal(entries[0].kind, GENOPS_ENTRY_OPERATION);
		assert_memory_equal(entries[0].payload.ptr, MARKER, sizeof MARKER - 1);
		assert_int_equal(entries[1].payload.len, 0);
		assert_int_equal(entries[2].payload.len, 5000);
		assert_int_equal(entries[2].payload.ptr[4999], 'r');
		assert_int_equal(entries[3].payload.len, 1);
	}
	free(entries);
	genops_buffer_done(&scratch);
	return code;
}

/* proves CRB-467: with a key, nothing of the content is readable in the bytes, and they still
 * read back */
static void test_round_trips(void **state)
{
	for (int made = 0; made < 4; made++) {
		bool is_compressed = made & 1, is_sealed = made & 2;
		struct genops_queue_key key = key_of(is_sealed ? HEX : "");
		struct genops_buffer buf;
		size_t n;
		encode(is_compressed, &key, 4, &buf);
		genops_str block = block_of(&buf);
		assert_true(genops_queue_block_verify(block));
		assert_int_equal(decode(block, &key, &n), GENOPS_OK);
		assert_int_equal(n, 4);
		assert_true((block.len < 1000) == is_compressed);
		bool is_readable = memmem(block.ptr, block.len, MARKER, 20) != NULL;
		assert_false(is_sealed && is_readable);
		assert_true(made != 0 || is_readable);
		struct genops_segment_position back[2];
		assert_int_equal(genops_queue_block_positions(block, back, 2), 2);
		assert_int_equal(back[0].process, 1);
		assert_int_equal(back[0].sequence, 5);
		assert_true(
		    back[1].epoch == UINT64_MAX && back[1].file == 7 && back[1].offset == 8);
		genops_buffer_done(&buf);

		encode(is_compressed, &key, 0, &buf);
		assert_int_equal(decode(block_of(&buf), &key, &n), GENOPS_OK);
		assert_int_equal(n, 0);
		genops_buffer_done(&buf);
	}
}

static void test_nonces_differ(void **state)
{
	struct genops_queue_key key = key_of(HEX);
	struct genops_buffer a, b;
	encode(false, &key, 4, &a);
	encode(false, &key, 4, &b);
	struct queue_block_header x, y;
	genops_queue_block_header(genops_buffer_view(&a), &x);
	genops_queue_block_header(genops_buffer_view(&b), &y);
	assert_memory_not_equal(x.nonce, y.nonce, sizeof x.nonce);
	genops_buffer_done(&a);
	genops_buffer_done(&b);
}

static void test_wrong_keys(void **state)
{
	struct genops_queue_key
	    key = key_of(HEX),
	    none = key_of(""),
	    other = key_of("ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
	struct genops_buffer buf;
	size_t n = 77;
	encode(true, &key, 4, &buf);
	assert_int_equal(decode(block_of(&buf), &none, &n), GENOPS_CONFIG);
	assert_int_equal(decode(block_of(&buf), &other, &n), GENOPS_CONFIG);
	assert_int_equal(n, 77);
	genops_buffer_done(&buf);
	encode(true, &none, 4,
	    &buf); /* what was written before encryption was turned on is still read */
	assert_int_equal(decode(block_of(&buf), &key, &n), GENOPS_OK);
	genops_buffer_done(&buf);
}

/* Any changed bit is found by the checksum; and by the seal, even if the checksum is made to
 * fit. */
static void test_every_bit(void **state)
{
	struct genops_queue_key key = key_of(HEX);
	struct genops_buffer buf;
	encode(true, &key, 4, &buf);
	genops_str block = block_of(&buf);
	for (size_t bit = 0; bit < block.len * 8; bit++) {
		char saved[16];
		size_t n;
		memcpy(saved, buf.ptr, sizeof saved);
		buf.ptr[bit / 8] = (char)(buf.ptr[bit / 8] ^ 1 << bit % 8);
		assert_false(genops_queue_block_verify(block));
		if (bit >= 16 * 8) {
			uint64_t checksum =
			    genops_hash_checksum(buf.ptr + 16, block.len - 16, block.len);
			memcpy(buf.ptr + 8, &checksum, sizeof checksum);
			assert_true(genops_queue_block_verify(block));
			assert_int_not_equal(decode(block, &key, &n), GENOPS_OK);
			buf.ptr[bit / 8] = (char)(buf.ptr[bit / 8] ^ 1 << bit % 8);
			memcpy(buf.ptr, saved, sizeof saved);
		} else {
			memcpy(buf.ptr, saved, sizeof saved);
		}
	}
	assert_true(genops_queue_block_verify(block));
	genops_buffer_done(&buf);
}

static void test_limits(void **state)
{
	static char big[GENOPS_QUEUE_BLOCK_MAX];
	struct genops_queue_entry entry = {GENOPS_ENTRY_SPANS, {big, sizeof big}};
	struct genops_queue_block block = {.entries = &entry, .n_entries = 1};
	struct genops_queue_key key = key_of(HEX);
	struct genops_buffer scratch, buf;
	struct genops_error err;
	genops_buffer_init(&scratch, (size_t)3 * GENOPS_QUEUE_BLOCK_MAX);
	genops_buffer_init(&buf, (size_t)3 * GENOPS_QUEUE_BLOCK_MAX);
	assert_int_equal(
	    genops_queue_block_encode(&block, true, &key, &scratch, &buf, &err), GENOPS_LIMIT);
	entry.payload.len -= 8;
	for (int is_compressed = 0; is_compressed < 2; is_compressed++) {
		size_t n, max = 0;
		struct genops_queue_entry *entries = NULL;
		assert_int_equal(
		    genops_queue_block_encode(&block, is_compressed, &key, &scratch, &buf, &err),
		    GENOPS_OK);
		struct queue_block_header header;
		genops_queue_block_header(genops_buffer_view(&buf), &header);
		assert_int_equal(genops_queue_block_decode((genops_str){buf.ptr, header.length},
				     &key, &scratch, &entries, &max, &n, &err),
		    GENOPS_OK);
		assert_int_equal(entries[0].payload.len, sizeof big - 8);
		free(entries);
	}
	block.n_positions = GENOPS_QUEUE_POSITIONS_MAX + 1;
	assert_int_equal(
	    genops_queue_block_encode(&block, true, &key, &scratch, &buf, &err), GENOPS_LIMIT);
	genops_buffer_done(&buf);
	genops_buffer_init(&buf, 100); /* not even the header and its padding */
	block.n_positions = 0;
	assert_int_equal(
	    genops_queue_block_encode(&block, false, &key, &scratch, &buf, &err), GENOPS_LIMIT);
	genops_buffer_done(&buf);
	genops_buffer_done(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_round_trips),
	    cmocka_unit_test(test_nonces_differ),
	    cmocka_unit_test(test_wrong_keys),
	    cmocka_unit_test(test_every_bit),
	    cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
