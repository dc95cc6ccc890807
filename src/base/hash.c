/* SPDX-License-Identifier: Apache-2.0
 * base/hash.c - see hash.h. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"
#include "base/hash_avx2.h"

#define LONG 240 /* from here on XXH3 works on whole vectors */

struct genops_hash genops_hash_of(genops_str bytes, uint64_t seed)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(bytes.ptr, bytes.len, seed);
	return (struct genops_hash){h.low64, h.high64};
}

uint64_t genops_hash_checksum(const void *bytes, size_t len, uint64_t seed)
{
#if defined(__x86_64__)
	if (len > LONG && __builtin_cpu_supports("avx2"))
		return genops_hash_avx2_checksum(bytes, len, seed);
#endif
	return XXH3_64bits_withSeed(bytes, len, seed);
}
