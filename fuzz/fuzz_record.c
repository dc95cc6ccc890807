/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_record.c - genops_record_decode on any bytes; what it accepts must encode, and
 * decode(encode(x)) must encode to the same bytes again (so nothing that was read is lost or
 * changed). And what is read after other records, whose lists it may share, is what is read of it alone: the bytes come again, with
 * two of them changed as the last four say, and once more as they were. */
#include <stdlib.h>

#include "govern/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(const struct genops_record *record, struct genops_buffer *buf)
{
	genops_buffer_init(buf, GENOPS_RECORD_MAX);
	genops_record_encode(record, buf);
}

static void expect_same(genops_str bytes, struct genops_record_before *before, struct genops_arena *arena)
{
	struct genops_arena own;
	struct genops_record alone, after;
	struct genops_buffer first, second;
	struct genops_error err;
	genops_arena_init(&own, 1 << 20);
	int code = genops_record_decode(bytes, &own, &alone, &err);
	int code_after = genops_record_decode_after(bytes, before, arena, &after, &err);
	/* Who shares needs less memory. */
	if (code != code_after && code != GENOPS_NOMEM && code_after != GENOPS_NOMEM)
		abort();
	if (code == GENOPS_OK && code_after == GENOPS_OK) {
		encode(&alone, &first);
		encode(&after, &second);
		if (first.error != second.error || first.len != second.len || (first.len && memcmp(first.ptr, second.ptr, first.len) != 0))
			abort();
		genops_buffer_done(&first);
		genops_buffer_done(&second);
	}
	genops_arena_done(&own);
}

static void read_in_a_row(const uint8_t *data, size_t size)
{
	if (size < 5)
		return;
	struct genops_arena arena;
	struct genops_record_before before = {0};
	const uint8_t *how = data + size - 4;
	char *changed = malloc(size);
	if (!changed)
		return;
	genops_arena_init(&arena, 1 << 20);
	memcpy(changed, data, size);
	changed[((size_t)how[0] | (size_t)how[1] << 8) % size] ^= (char)how[2];
	changed[((size_t)how[1] | (size_t)how[3] << 8) % size] += (char)how[3];
	expect_same((genops_str){(const char *)data, size}, &before, &arena);
	expect_same((genops_str){changed, size}, &before, &arena);
	expect_same((genops_str){(const char *)data, size}, &before, &arena);
	expect_same((genops_str){changed, size - how[0] % size}, &before, &arena);
	genops_arena_done(&arena);
	free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_in_a_row(data, size);
	struct genops_arena arena;
	genops_arena_init(&arena, 1 << 20);
	struct genops_record record, again;
	struct genops_error err;
	struct genops_buffer first, second;
	genops_str bytes = {(const char *)data, size};
	if (genops_record_decode(bytes, &arena, &record, &err) == GENOPS_OK) {
		encode(&record, &first);
		if (first.error && first.error != GENOPS_LIMIT)
			abort();
		if (!first.error) {
			if (genops_record_decode(
				genops_buffer_view(&first), &arena, &again, &err) != GENOPS_OK)
				abort();
			encode(&again, &second);
			if (second.len != first.len ||
			    memcmp(first.ptr, second.ptr, first.len) != 0)
				abort();
			genops_buffer_done(&second);
		}
		genops_buffer_done(&first);
	}
	genops_arena_done(&arena);
	return 0;
}
