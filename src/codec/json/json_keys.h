/* SPDX-License-Identifier: Apache-2.0
 * codec/json/json_keys.h - has an open object this key already? Private to the scanner.
 *
 * Keys are remembered as 64-bit hashes on one stack, so an object costs nothing to open and memory
 * is that of the open objects only. The first few keys of an object are compared as they come; a
 * larger object is sorted once when it ends. Equal keys have equal hashes, so none is missed; two
 * different keys of one object share a hash once in 2^64 pairs, and the hash is seeded, so that the
 * author of a document cannot arrange it.
 */
#ifndef CODEC_JSON_JSON_KEYS_H
#define CODEC_JSON_JSON_KEYS_H

#include "base/error.h"

#include <genops/attribute.h>

/* Keys of all open objects together; over it the document is refused. */
#define GENOPS_JSON_KEYS_MAX ((size_t)1 << 20)

#define GENOPS_JSON_FIRST_KEYS 32 /* more than nearly every document has open at once */

struct genops_json_keys {
	uint64_t *hashes; /* first, or owned once they are more */
	size_t n, cap;
	uint64_t seed;
	uint64_t first[GENOPS_JSON_FIRST_KEYS];
};

void genops_json_keys_init(struct genops_json_keys *keys, uint64_t seed); /* stays where it is */
void genops_json_keys_done(struct genops_json_keys *keys);

/* Adds a key of the object whose keys begin at `first`. OK, EXISTS (it is there), LIMIT or
 * NOMEM. */
GENOPS_NODISCARD int genops_json_keys_add(
    struct genops_json_keys *keys, size_t first, genops_str key);

/* The object ends: forgets its keys. False: one of them stood twice. */
GENOPS_NODISCARD bool genops_json_keys_close(struct genops_json_keys *keys, size_t first);

#endif
