/* SPDX-License-Identifier: Apache-2.0
 * base/hash_avx2.h - see hash_avx2.c. Inner header of hash.c. */
#ifndef BASE_HASH_AVX2_H
#define BASE_HASH_AVX2_H

#include <stddef.h>
#include <stdint.h>

uint64_t genops_hash_avx2_checksum(const void *bytes, size_t len, uint64_t seed);

#endif
