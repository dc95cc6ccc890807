/* SPDX-License-Identifier: Apache-2.0
 * pipeline/value.c - see value.h: objects and lists in an arena. */
#include "pipeline/value.h"

#include "base/hash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/auxv.h>

#define SEARCHED 8 /* members up to which an object has no index */

/* The kernel's random bytes of this process: no state to set up, the same in all its threads. */
static uint64_t seed(void)
{
	uint64_t bytes[2] = {0};
	const void *random = (const void *)getauxval(AT_RANDOM); /* NOLINT: an address in an integer is what it gives */
	if (random)
		memcpy(bytes, random, sizeof bytes);
	return bytes[1];
}

struct genops_value_key genops_value_key_of(genops_str text)
{
	static _Atomic uint64_t known; /* whoever is first writes the same */
	uint64_t value = atomic_load_explicit(&known, memory_order_relaxed);
	if (!value)
		atomic_store_explicit(&known, value = seed() | 1, memory_order_relaxed);
	return (struct genops_value_key){text, (uint32_t)genops_hash_checksum(text.ptr, text.len, value)};
}

static void index_add(struct genops_value_object *object, uint32_t member)
{
	uint32_t mask = object->n_index - 1, at = object->members[member].key.hash & mask;
	while (object->index[at])
		at = (at + 1) & mask;
	object->index[at] = member + 1;
}

/* Room for twice as many members, and an index at most half full. */
static bool grow(struct genops_arena *arena, struct genops_value_object *object, uint32_t capacity)
{
	if (capacity > UINT32_MAX / 4)
		return false;
	struct genops_value_member *members = genops_arena_take(arena, sizeof *members * capacity);
	uint32_t n_index = 0, *index = NULL;
	if (capacity > SEARCHED) {
		for (n_index = 4 * SEARCHED; n_index < 2 * capacity;)
			n_index *= 2;
		index = genops_arena_alloc(arena, sizeof *index * n_index);
	}
	if (!members || (n_index && !index))
		return false;
	if (object->n)
		memcpy(members, object->members, sizeof *members * object->n);
	object->members = members;
	object->capacity = capacity;
	object->index = index;
	object->n_index = n_index;
	for (uint32_t i = 0; n_index && i < object->n; i++)
		index_add(object, i);
	return true;
}

struct genops_value_object *genops_value_object_new(struct genops_arena *arena, uint32_t capacity)
{
	struct genops_value_object *object = genops_arena_alloc(arena, sizeof *object);
	if (!object || !grow(arena, object, capacity ? capacity : 4))
		return NULL;
	return object;
}

bool genops_value_object_put(struct genops_arena *arena, struct genops_value_object *object, struct genops_value_key key,
    struct genops_value value)
{
	uint32_t at = object->n_index ? genops_value_object_place(object, &key) : 0;
	struct genops_value *known = !object->n_index	? genops_value_object_own(object, &key)
				     : object->index[at] ? &object->members[object->index[at] - 1].value
							 : NULL;
	if (known) {
		*known = value;
		if (object->source)
			object->source->known_whole = NULL;
		return true;
	}
	bool is_grown = object->n == object->capacity;
	if (is_grown && !grow(arena, object, object->capacity * 2))
		return false;
	object->members[object->n] = (struct genops_value_member){key, value};
	if (object->n_index && is_grown)
		index_add(object, object->n);
	else if (object->n_index)
		object->index[at] = object->n + 1;
	object->n++;
	return true;
}

/* --- copies that are written to --- */

struct over {
	struct genops_value_source source;
	struct genops_arena *arena;
	const struct genops_value_object *under;
};

static const struct genops_value *over_get(struct genops_value_source *source, const struct genops_value_key *key)
{
	const struct over *over = (const struct over *)source;
	return genops_value_object_get(over->under, key);
}

/* As { ...under, ...own }: what was there keeps its place. */
static struct genops_value_object *over_whole(struct genops_value_source *source, const struct genops_value_object *object)
{
	struct over *over = (struct over *)source;
	const struct genops_value_object *parts[] = {genops_value_object_whole(over->under), object};
	struct genops_value_object *whole = parts[0] ? genops_value_object_new(over->arena, parts[0]->n + object->n) : NULL;
	for (size_t p = 0; whole && p < 2; p++) {
		for (uint32_t i = 0; i < parts[p]->n; i++) {
			if (!genops_value_object_put(over->arena, whole, parts[p]->members[i].key, parts[p]->members[i].value))
				return NULL;
		}
	}
	return whole;
}

struct genops_value_object *genops_value_object_over(
    struct genops_arena *arena, const struct genops_value_object *under, uint32_t capacity)
{
	struct over *over = genops_arena_alloc(arena, sizeof *over);
	struct genops_value_object *object = genops_value_object_new(arena, capacity);
	if (!over || !object)
		return NULL;
	over->source.get = over_get;
	over->source.whole = over_whole;
	over->arena = arena;
	over->under = under;
	object->source = &over->source;
	return object;
}

const struct genops_value_object *genops_value_object_under(const struct genops_value_object *object)
{
	return object->source && object->source->get == over_get ? ((const struct over *)object->source)->under : NULL;
}

const struct genops_value_object *genops_value_object_whole(const struct genops_value_object *object)
{
	struct genops_value_source *source = object->source;
	if (!source)
		return object;
	if (source->known_whole && source->known_n == object->n)
		return source->known_whole;
	source->known_whole = source->whole(source, object);
	source->known_n = object->n;
	source->is_full = source->is_full || !source->known_whole;
	return source->known_whole;
}

struct genops_value_list *genops_value_list_new(struct genops_arena *arena, size_t n)
{
	if (n > UINT32_MAX / sizeof(struct genops_value))
		return NULL;
	struct genops_value_list *list = genops_arena_alloc(arena, sizeof *list + n * sizeof *list->items);
	if (list)
		list->n = (uint32_t)n;
	return list;
}

bool genops_value_is_index(genops_str text, uint32_t *ret_index)
{
	uint64_t value = 0;
	if (!text.len || text.len > 10 || (text.ptr[0] == '0' && text.len > 1))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	if (value >= UINT32_MAX)
		return false;
	*ret_index = (uint32_t)value;
	return true;
}

static int by_index(const void *a, const void *b, void *arg)
{
	const struct genops_value_object *object = arg;
	uint32_t left = 0, right = 0;
	(void)genops_value_is_index(object->members[*(const uint32_t *)a].key.text, &left);
	(void)genops_value_is_index(object->members[*(const uint32_t *)b].key.text, &right);
	return left < right ? -1 : left > right;
}

void genops_value_object_order(const struct genops_value_object *object, uint32_t *order)
{
	uint32_t n = 0, ignored;
	for (uint32_t i = 0; i < object->n; i++) {
		if (genops_value_is_index(object->members[i].key.text, &ignored))
			order[n++] = i;
	}
	/* In place for small numbers; glibc's qsort_r takes memory for large ones and does without if there is none. */
	qsort_r(order, n, sizeof *order, by_index, (void *)(uintptr_t)object);
	for (uint32_t i = 0; n < object->n; i++) {
		if (!genops_value_is_index(object->members[i].key.text, &ignored))
			order[n++] = i;
	}
}
