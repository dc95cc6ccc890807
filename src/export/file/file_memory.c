/* SPDX-License-Identifier: Apache-2.0
 * export/file/file_memory.c - see file_memory.h. Kept as the bytes of its first fields, in the machine's byte order, behind a word that says
 * so. */
#include "export/file/file_memory.h"

#include "base/str.h"

#include <stdlib.h>

#define MAGIC GENOPS_STR("genops file 1\n")
#define KEPT  offsetof(struct genops_file_memory, next)

static void *open_memory(const struct genops_destination_settings *settings, genops_str kept)
{
	struct genops_file_memory *memory = calloc(1, sizeof *memory);
	(void)settings;
	if (memory && kept.len == MAGIC.len + KEPT && genops_str_starts(kept, MAGIC))
		memcpy(memory, kept.ptr + MAGIC.len, KEPT);
	return memory;
}

static void keep(const void *memory, struct genops_buffer *out)
{
	genops_buffer_add(out, MAGIC);
	genops_buffer_add(out, (genops_str){memory, KEPT});
}

struct genops_hash genops_file_batch_hash(const struct genops_destination_batch *batch, genops_str content)
{
	struct genops_hash hash = genops_hash_of(content, batch->n_items);
	for (size_t i = 0; i < batch->n_items; i++) {
		const uint64_t of[3] = {hash.low, batch->items[i].id, (uint64_t)batch->items[i].time_unix_ns};
		struct genops_hash next = genops_hash_of((genops_str){(const char *)of, sizeof of}, hash.high);
		hash = next;
	}
	return hash;
}

bool genops_file_memory_knows(struct genops_file_memory *memory, struct genops_hash batch)
{
	size_t n = memory->n_written < GENOPS_FILE_MEMORY_BATCHES ? memory->n_written : GENOPS_FILE_MEMORY_BATCHES;
	memory->is_known = false;
	for (size_t i = 0; i < n && !memory->is_known; i++)
		memory->is_known = genops_hash_equal(memory->written[i], batch);
	memory->next = batch;
	return memory->is_known;
}

void genops_file_memory_sent(struct genops_file_memory *memory, const struct genops_response *response)
{
	if (memory->is_known)
		return;
	memory->written[memory->n_written++ % GENOPS_FILE_MEMORY_BATCHES] = memory->next;
	memory->inode = response->file_inode;
	memory->len = response->file_len;
	memory->first_ns = memory->next_first_ns;
	memory->n_rotated += memory->is_rotating;
}

const struct genops_destination_memory genops_file_memory_row = {.open = open_memory, .close = free, .keep = keep};
