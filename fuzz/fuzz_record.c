/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_record.c - genops_record_decode on any bytes; what it accepts must encode, and
 * decode(encode(x)) must encode to the same bytes again (so nothing that was read is lost or
 * changed). */
#include <stdlib.h>

#include "govern/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(const struct genops_record *record, struct genops_buffer *buf)
{
	genops_buffer_init(buf, GENOPS_RECORD_MAX);
	genops_record_encode(record, buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
