/* SPDX-License-Identifier: Apache-2.0
 * base/hash.c - see hash.h. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"

struct genops_hash genops_hash_of(genops_str bytes, uint64_t seed)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(bytes.ptr, bytes.len, seed);
	return (struct genops_hash){h.low64, h.high64};
}

uint64_t genops_hash_checksum(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}
