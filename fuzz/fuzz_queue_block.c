/* SPDX-License-Identifier: Apache-2.0
 * fuzz/fuzz_queue_block.c - genops_queue_block_header, _verify, _positions and _decode on any
 * bytes.
 *
 * Header and checksum are made to fit, so that positions, decompression and the splitting into
 * entries are reached (a seal cannot be made to fit). Property: what is accepted encodes again to a
 * block with the same entries.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "store/queue/queue_block.h"

#define BUFFER_MAX ((size_t)3 * GENOPS_QUEUE_BLOCK_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct genops_queue_key no_key;
static struct genops_queue_key key;

static void check_again(const struct genops_queue_entry *entries, size_t n, genops_str bytes)
{
	struct genops_segment_position positions[8];
	size_t n_positions = genops_queue_block_positions(bytes, positions, 8);
	struct genops_queue_block block = {.number = 1,
	    .entries = entries,
	    .n_entries = n,
	    .positions = positions,
	    .n_positions = n_positions < 8 ? n_positions : 8};
	struct genops_buffer scratch, buf;
	struct genops_error err;
	genops_buffer_init(&scratch, BUFFER_MAX);
	genops_buffer_init(&buf, BUFFER_MAX);
	if (genops_queue_block_encode(
		&block, n % 2, n % 3 ? &key : &no_key, &scratch, &buf, &err) != GENOPS_OK)
		abort();
	struct queue_block_header header;
	if (!genops_queue_block_header(genops_buffer_view(&buf), &header) ||
	    !genops_queue_block_verify((genops_str){buf.ptr, header.length}))
		abort();
	struct genops_queue_entry *back = NULL;
	size_t max = 0, n_back = 0;
	if (genops_queue_block_decode((genops_str){buf.ptr, header.length}, &key, &scratch, &back,
		&max, &n_back, &err) != GENOPS_OK ||
	    n_back != n)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (back[i].kind != entries[i].kind ||
		    back[i].payload.len != entries[i].payload.len ||
		    (back[i].payload.len && memcmp(back[i].payload.ptr, entries[i].payload.ptr,
						back[i].payload.len) != 0))
			abort();
	}
	free(back);
	genops_buffer_done(&buf);
	genops_buffer_done(&scratch);
}

static void fit(char *bytes, size_t size)
{
	struct queue_block_header header;
	if (size < sizeof header)
		return;
	memcpy(&header, bytes, sizeof header);
	header.magic = QUEUE_BLOCK_MAGIC;
	header.length = (uint32_t)size;
	if (header.flags & QUEUE_BLOCK_SEALED)
		header.key_id = key.id;
	memcpy(bytes, &header, sizeof header);
	header.checksum = genops_hash_checksum(bytes + 16, size - 16, size);
	memcpy(bytes, &header, sizeof header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct genops_error err;
	if (!key.is_set &&
	    genops_queue_block_key(
		GENOPS_STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
		&key, &err) != GENOPS_OK)
		abort();
	char *bytes = malloc(size + 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	fit(bytes, size);
	genops_str block = {bytes, size};
	struct genops_buffer scratch;
	genops_buffer_init(&scratch, BUFFER_MAX);
	struct genops_queue_entry *entries = NULL;
	size_t max = 0, n = 0;
	if (genops_queue_block_verify(block) && genops_queue_block_decode(block, &key, &scratch,
						    &entries, &max, &n, &err) == GENOPS_OK) {
		check_again(entries, n, block);
	}
	free(entries);
	genops_buffer_done(&scratch);
	free(bytes);
	return 0;
}
