/* SPDX-License-Identifier: Apache-2.0
 * base/hash.h - hashes (xxHash's XXH3): 128-bit keys for shared tables, 64-bit checksums for stored records.
 * Not cryptographic: evidence and secrets use SHA-256 from OpenSSL. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <genops/attribute.h>

struct genops_hash {
	uint64_t low, high;
};

/* `seed` is random per state directory, so that nobody outside can make two names collide. */
struct genops_hash genops_hash_of(genops_str bytes, uint64_t seed);
uint64_t genops_hash_checksum(const void *bytes, size_t len, uint64_t seed);

static inline bool genops_hash_equal(struct genops_hash a, struct genops_hash b)
{
	return a.low == b.low && a.high == b.high;
}

#endif
