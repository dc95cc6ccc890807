/* SPDX-License-Identifier: Apache-2.0
 * base/hash_avx2.c - the checksum of hash.h for processors that have AVX2: the same number in half the instructions. Compiled for
 * them as a whole (-mavx2, a library of its own), so nothing else may be in this file, and nothing in it may run elsewhere. */
#if defined(__AVX2__)
#define XXH_INLINE_ALL
#define XXH_VECTOR 2 /* XXH_AVX2 */
#include <xxhash.h>

#include "base/hash_avx2.h"

uint64_t genops_hash_avx2_checksum(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}
#endif
