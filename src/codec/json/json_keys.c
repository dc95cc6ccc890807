/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_keys.c - see json_keys.h. */
#include "codec/json/json_keys.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define COMPARED_MAX                                                                               \
	32 /* up to here each key is compared with all before it; beyond, sorting is cheaper */

void genops_json_keys_init(struct genops_json_keys *keys, uint64_t seed)
{
	keys->hashes = keys->first;
	keys->n = 0;
	keys->cap = GENOPS_JSON_FIRST_KEYS;
	keys->seed = seed;
}

void genops_json_keys_done(struct genops_json_keys *keys)
{
	if (keys->hashes != keys->first)
		free(keys->hashes);
}

static bool grow(struct genops_json_keys *keys)
{
	size_t cap = 2 * keys->cap;
	bool is_first = keys->hashes == keys->first;
	uint64_t *hashes = realloc(is_first ? NULL : keys->hashes, cap * sizeof *hashes);
	if (!hashes)
		return false;
	if (is_first)
		memcpy(hashes, keys->first, sizeof keys->first);
	keys->hashes = hashes;
	keys->cap = cap;
	return true;
}

int genops_json_keys_add(struct genops_json_keys *keys, size_t first, genops_str key)
{
	uint64_t hash = genops_hash_checksum(key.ptr, key.len, keys->seed);
	if (keys->n - first < COMPARED_MAX) {
		for (size_t i = first; i < keys->n; i++) {
			if (keys->hashes[i] == hash)
				return GENOPS_EXISTS;
		}
	}
	if (keys->n == GENOPS_JSON_KEYS_MAX)
		return GENOPS_LIMIT;
	if (keys->n == keys->cap && !grow(keys))
		return GENOPS_NOMEM;
	keys->hashes[keys->n++] = hash;
	return GENOPS_OK;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

bool genops_json_keys_close(struct genops_json_keys *keys, size_t first)
{
	size_t n = keys->n - first;
	keys->n = first;
	if (n <= COMPARED_MAX)
		return true;
	uint64_t *hashes = keys->hashes + first;
	qsort(hashes, n, sizeof *hashes, compare);
	for (size_t i = 1; i < n; i++) {
		if (hashes[i] == hashes[i - 1])
			return false;
	}
	return true;
}
