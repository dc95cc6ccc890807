/* SPDX-License-Identifier: Apache-2.0
 * govern/attributes.h - the attributes of one operation, merged in order of strength.
 *
 * Add the weakest source first; a later add of the same key replaces. The six standard ones are
 * found without a search. Values are copied into the arena. dev -> development and prod ->
 * production for matching only (contract A-007); the attribute itself keeps the user's text.
 *
 * Operation after operation of a program has the same keys in the same order. So a set that is used
 * again keeps them: a key that equals the kept one of its position was checked and told from the others
 * before. Invariant: items[0 .. n_kept) have keys that differ; items[0 .. n) are in the set. */
#ifndef GOVERN_ATTRIBUTES_H
#define GOVERN_ATTRIBUTES_H

#include "base/arena.h"
#include "base/error.h"

#include <genops/attribute.h>

/* Nearly all attributes of an operation are short texts, and end up in its record. Those that are merged together are written down at
 * once as the record stores them (record/record_attribute.h): items[first .. end), whose values point into the bytes. */
#define GENOPS_ATTRIBUTES_PIECES_MAX 6
struct genops_attributes_piece {
	size_t first, end;
	genops_str bytes;
};

/* What a layer was written down as by the operation before: values are mostly the same, and then it is as good for this one. */
struct genops_attributes_layer {
	char *bytes;  /* in the set's keys */
	size_t first; /* item */
	size_t size, cap;
};

struct genops_attributes {
	struct genops_arena *arena, *keys; /* borrowed; keys: the items, their keys and the layers */
	struct genops_attribute *items;
	size_t n, n_kept, cap;
	uint64_t seen; /* a bit for each kept key's hash: most new keys are seen to be new by it */
	int16_t standard[GENOPS_ATTRIBUTE_N_STANDARD]; /* index into items; -1, or n and over: absent */
	size_t n_pieces;
	struct genops_attributes_piece pieces[GENOPS_ATTRIBUTES_PIECES_MAX]; /* ascending; items between them are in none */
	size_t n_layers; /* written to: values point into them, whatever becomes of their pieces */
	struct genops_attributes_layer layers[GENOPS_ATTRIBUTES_PIECES_MAX];
};

/* Empty; everything goes into the arena. */
void genops_attributes_init(struct genops_attributes *attributes, struct genops_arena *arena);
/* Empty, to be used again and again: `keys` is the set's own, and is reset by it alone; `arena` was, before each call, and has the
 * values. First use: after zeroing *attributes. */
void genops_attributes_renew(
    struct genops_attributes *attributes, struct genops_arena *arena, struct genops_arena *keys);

/* Copies. Keys may be the short name, its telemetry key, or anything else. Errors: LIMIT (count,
 * length), SYNTAX (empty key, not UTF-8), NOMEM. */
GENOPS_NODISCARD int genops_attributes_set(struct genops_attributes *attributes,
    const struct genops_attribute *attribute, struct genops_error *err);
/* All of a layer, over what is there. Stops at the first that fails. */
GENOPS_NODISCARD int genops_attributes_add(struct genops_attributes *attributes, const struct genops_attribute *layer,
    size_t n, struct genops_error *err);
GENOPS_NODISCARD int genops_attributes_set_text(
    struct genops_attributes *attributes, genops_str key, genops_str value, struct genops_error *err);

/* Borrowed; NULL when absent. `key` as in set. */
const struct genops_attribute *genops_attributes_get(const struct genops_attributes *attributes, genops_str key);
/* The same for a standard one. */
static inline const struct genops_attribute *genops_attributes_standard_item(
    const struct genops_attributes *attributes, enum genops_attribute_key key)
{
	int at = attributes->standard[key];
	return at < 0 || (size_t)at >= attributes->n ? NULL : &attributes->items[at];
}
/* Its text; empty when absent. */
static inline genops_str genops_attributes_standard(
    const struct genops_attributes *attributes, enum genops_attribute_key key)
{
	const struct genops_attribute *item = genops_attributes_standard_item(attributes, key);
	return item ? item->value.string : (genops_str){0};
}

/* A standard attribute by short name, telemetry key or header (case ignored); -1 if it is none. */
int genops_attributes_standard_key(genops_str name);

/* The value as a text: a string's own, a number or boolean written into `out` (64 bytes are
 * enough). */
genops_str genops_attributes_text(const struct genops_attribute *attribute, char *out, size_t size);

/* `match: {environment: production, team: [a, b], customer_id: "acme-*"}`: every entry must hold; a
 * value is exact, a glob with *, or a list of them. provider, model, operation name and type match
 * as "provider", "model", "operation", "type". */
struct genops_match_entry {
	genops_str key;
	size_t n_values;
	genops_str *values;
	int part; /* genops_match_part(key), or 0 */
};
struct genops_match {
	size_t n_entries;
	struct genops_match_entry *entries; /* arena of the snapshot */
};

struct genops_match_subject {
	const struct genops_attributes *attributes;
	genops_str provider, model, name, type;
};

/* What a key of `match` or `per` names: found out once, so that names are not compared for every operation. */
enum genops_match_part {
	GENOPS_PART_UNKNOWN, /* the key says */
	GENOPS_PART_PROVIDER,
	GENOPS_PART_MODEL,
	GENOPS_PART_NAME,
	GENOPS_PART_TYPE,
	GENOPS_PART_OTHER,    /* an attribute that is none of the next */
	GENOPS_PART_STANDARD, /* + enum genops_attribute_key */
};
int genops_match_part(genops_str key);

bool genops_match_entries_hold(const struct genops_match *match, const struct genops_match_subject *subject);
static inline bool genops_match_holds(const struct genops_match *match, const struct genops_match_subject *subject)
{
	return !match->n_entries || genops_match_entries_hold(match, subject);
}

#endif
