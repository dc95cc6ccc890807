/* SPDX-License-Identifier: Apache-2.0
 * govern/attributes.c - see attributes.h. An array, the standard six also by index. One thread at a
 * time, as the operation it belongs to. */
#include "govern/attributes.h"

#include "base/str.h"
#include "govern/record/record_attribute.h"

#include <stdio.h>

#define FIRST_CAP 16 /* what most operations carry; doubles from there to GENOPS_ATTRIBUTES_MAX */
#define FIRST_ROOM 4 /* for short attributes of a layer: defaults, a key's bindings, the call's own */
#define KEYS_MAX  ((size_t)64 << 10) /* over that, keys that change all the time are not kept any more */

struct standard_name {
	genops_str name, key, header;
};

static const struct standard_name standard_names[GENOPS_ATTRIBUTE_N_STANDARD] = {
#define X(symbol, name, key, header)                                                               \
	{{name, sizeof name - 1}, {key, sizeof key - 1}, {header, sizeof header - 1}},
    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
};

/* The lengths and last letters that a standard name has, as bits: most keys are told by them alone. */
#define X(symbol, name, key, header)                                                               \
	| UINT64_C(1) << (sizeof name - 1) | UINT64_C(1) << (sizeof key - 1) |                     \
	    UINT64_C(1) << (sizeof header - 1)
static const uint64_t standard_lengths = 0 GENOPS_STANDARD_ATTRIBUTES(X);
#undef X
#define X(symbol, name, key, header) | UINT32_C(1) << (name[sizeof name - 2] - 'a')
static const uint32_t standard_ends = 0 GENOPS_STANDARD_ATTRIBUTES(X);
#undef X

void genops_attributes_init(struct genops_attributes *attributes, struct genops_arena *arena)
{
	*attributes = (struct genops_attributes){.arena = arena, .keys = arena};
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++)
		attributes->standard[i] = -1;
}

void genops_attributes_renew(
    struct genops_attributes *attributes, struct genops_arena *arena, struct genops_arena *keys)
{
	if (!attributes->keys || keys->used > KEYS_MAX) {
		genops_arena_reset(keys);
		genops_attributes_init(attributes, arena);
		attributes->keys = keys;
	}
	attributes->arena = arena;
	attributes->n = attributes->n_pieces = attributes->n_layers = 0;
}

/* Case ignored; length and last letter first, which differ nearly always. */
static inline bool is_name(genops_str text, genops_str name)
{
	return text.len == name.len && (text.ptr[text.len - 1] | 0x20) == name.ptr[name.len - 1] &&
	       genops_str_equal_nocase(text, name);
}

static inline bool may_be_standard(genops_str name)
{
	if (name.len >= 64 || !(standard_lengths >> name.len & 1))
		return false;
	unsigned last = (unsigned)((unsigned char)name.ptr[name.len - 1] | 0x20) - 'a';
	return last <= 'z' - 'a' && (standard_ends >> last & 1);
}

static int find_standard(genops_str name)
{
	/* By far the commonest way to write one. */
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++) {
		if (genops_str_equal(name, standard_names[i].name))
			return i;
	}
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++) {
		const struct standard_name *row = &standard_names[i];
		if (is_name(name, row->name) || is_name(name, row->key) || is_name(name, row->header))
			return i;
	}
	return -1;
}

static inline int standard_key(genops_str name)
{
	return may_be_standard(name) ? find_standard(name) : -1;
}

int genops_attributes_standard_key(genops_str name)
{
	return standard_key(name);
}

/* A bit for a key. Keys have long prefixes in common: their last two bytes and their length tell most of them apart. */
static inline uint64_t bit_of(genops_str key)
{
	unsigned last = (unsigned char)key.ptr[key.len - 1];
	unsigned before = (unsigned char)key.ptr[key.len - 1 - (key.len > 1)];
	return UINT64_C(1) << ((last + 11 * before + 5 * (unsigned)key.len) & 63);
}

static inline struct genops_attribute *find(
    const struct genops_attributes *attributes, genops_str key, int standard)
{
	if (standard >= 0) {
		int at = attributes->standard[standard];
		return at < 0 || at >= (int)attributes->n ? NULL : &attributes->items[at];
	}
	if (!(attributes->seen & bit_of(key)))
		return NULL;
	for (size_t i = 0; i < attributes->n; i++) {
		if (genops_str_equal(attributes->items[i].key, key))
			return &attributes->items[i];
	}
	return NULL;
}

static int check(const struct genops_attribute *attribute, struct genops_error *err)
{
	genops_str key = attribute->key;
	if (!key.len)
		return genops_fail(err, GENOPS_SYNTAX, "an attribute has an empty key");
	if (key.len > GENOPS_ATTRIBUTE_KEY_MAX)
		return genops_fail(err, GENOPS_LIMIT,
		    "an attribute's key is %zu bytes long; at most %d are taken", key.len,
		    GENOPS_ATTRIBUTE_KEY_MAX);
	if (!genops_str_is_utf8(key))
		return genops_fail(err, GENOPS_SYNTAX, "an attribute's key is not UTF-8");
	if (attribute->type != GENOPS_ATTRIBUTE_STRING)
		return GENOPS_OK;
	genops_str value = attribute->value.string;
	if (value.len > GENOPS_ATTRIBUTE_VALUE_MAX)
		return genops_fail(err, GENOPS_LIMIT,
		    "the value of attribute \"%.*s\" is %zu bytes long; at most %d are taken",
		    GENOPS_STR_ARG(key), value.len, GENOPS_ATTRIBUTE_VALUE_MAX);
	if (!genops_str_is_utf8(value))
		return genops_fail(err, GENOPS_SYNTAX,
		    "the value of attribute \"%.*s\" is not UTF-8", GENOPS_STR_ARG(key));
	return GENOPS_OK;
}

/* Room for one more item, if there may be one. */
static int grow(struct genops_attributes *attributes, struct genops_error *err)
{
	if (attributes->n < attributes->cap)
		return GENOPS_OK;
	if (attributes->cap >= GENOPS_ATTRIBUTES_MAX)
		return genops_fail(err, GENOPS_LIMIT, "an operation has more than %d attributes",
		    GENOPS_ATTRIBUTES_MAX);
	size_t cap = attributes->cap ? 2 * attributes->cap : FIRST_CAP;
	struct genops_attribute *items = genops_arena_take(attributes->keys, cap * sizeof *items);
	if (!items)
		return genops_fail(err, GENOPS_NOMEM, "no memory for attributes");
	if (attributes->n)
		memcpy(items, attributes->items, attributes->n * sizeof *items); /* all that are kept: n reached cap */
	attributes->items = items;
	attributes->cap = cap;
	return GENOPS_OK;
}

genops_str genops_attributes_text(const struct genops_attribute *attribute, char *out, size_t size)
{
	int n = 0;
	switch (attribute->type) {
	case GENOPS_ATTRIBUTE_STRING:
		return attribute->value.string;
	case GENOPS_ATTRIBUTE_INT:
		n = snprintf(out, size, "%lld", (long long)attribute->value.integer);
		break;
	case GENOPS_ATTRIBUTE_DOUBLE:
		n = snprintf(out, size, "%.15g", attribute->value.number);
		break;
	case GENOPS_ATTRIBUTE_BOOL:
		n = snprintf(out, size, "%s", attribute->value.boolean ? "true" : "false");
		break;
	}
	return (genops_str){out, n > 0 && (size_t)n < size ? (size_t)n : 0};
}

/* The keys from here on are others than before. */
static void forget_kept(struct genops_attributes *attributes)
{
	attributes->n_kept = attributes->n;
	attributes->seen = 0;
	for (size_t i = 0; i < attributes->n; i++)
		attributes->seen |= bit_of(attributes->items[i].key);
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++) {
		if (attributes->standard[i] >= (int)attributes->n)
			attributes->standard[i] = -1;
	}
}

static inline bool is_kept_next(const struct genops_attributes *attributes, genops_str key)
{
	return attributes->n < attributes->n_kept && genops_str_equal(attributes->items[attributes->n].key, key);
}

/* A new item, not counted in yet; NULL: *ret_code says why. A standard key is not copied: it gets its short name. */
static struct genops_attribute *append(struct genops_attributes *attributes, genops_str key, int standard, int *ret_code,
    struct genops_error *err)
{
	if (standard >= 0)
		key = standard_names[standard].name;
	if (is_kept_next(attributes, key))
		return &attributes->items[attributes->n];
	*ret_code = grow(attributes, err);
	if (*ret_code != GENOPS_OK)
		return NULL;
	if (standard < 0 && !genops_arena_dup(attributes->keys, key, &key)) {
		*ret_code = genops_fail(err, GENOPS_NOMEM, "no memory for attributes");
		return NULL;
	}
	if (attributes->n < attributes->n_kept)
		forget_kept(attributes);
	struct genops_attribute *item = &attributes->items[attributes->n_kept++];
	item->key = key;
	for (size_t i = attributes->n_layers; i < GENOPS_ATTRIBUTES_PIECES_MAX; i++)
		attributes->layers[i].size = 0; /* what follows was written under other keys */
	if (standard >= 0)
		attributes->standard[standard] = (int16_t)attributes->n;
	else
		attributes->seen |= bit_of(key);
	return item;
}

/* The place for the value of a key that was checked: one that is there, or the next one. */
static struct genops_attribute *place_of(struct genops_attributes *attributes, genops_str key, int *ret_code,
    struct genops_error *err)
{
	int standard = standard_key(key);
	struct genops_attribute *item = find(attributes, key, standard);
	if (!item)
		return append(attributes, key, standard, ret_code, err);
	/* It is about to change: what was written down of it is not true any more. */
	while (attributes->n_pieces && attributes->pieces[attributes->n_pieces - 1].end > (size_t)(item - attributes->items))
		attributes->n_pieces--;
	return item;
}

static inline int put_text(
    struct genops_attributes *attributes, struct genops_attribute *item, genops_str text, struct genops_error *err)
{
	char *to = genops_arena_take(attributes->arena, text.len + 1);
	if (!to)
		return genops_fail(err, GENOPS_NOMEM, "no memory for attributes");
	*genops_str_put(to, text) = '\0';
	item->type = GENOPS_ATTRIBUTE_STRING;
	item->value.string = (genops_str){to, text.len};
	attributes->n += item == &attributes->items[attributes->n];
	return GENOPS_OK;
}

int genops_attributes_set(struct genops_attributes *attributes,
    const struct genops_attribute *attribute, struct genops_error *err)
{
	char scratch[64];
	int code = GENOPS_OK;
	GENOPS_TRY(check(attribute, err));
	struct genops_attribute *item = place_of(attributes, attribute->key, &code, err);
	if (!item)
		return code;
	/* A standard one is a text whatever type the caller used: it is what policies match and
	 * reports group by. */
	if (attribute->type == GENOPS_ATTRIBUTE_STRING || standard_key(attribute->key) >= 0)
		return put_text(attributes, item, genops_attributes_text(attribute, scratch, sizeof scratch), err);
	item->type = attribute->type;
	item->value = attribute->value;
	attributes->n += item == &attributes->items[attributes->n];
	return GENOPS_OK;
}

/* The next layer, with room for n short attributes; NULL: there is none. */
static struct genops_attributes_layer *next_layer(struct genops_attributes *attributes, size_t n)
{
	if (attributes->n_layers == GENOPS_ATTRIBUTES_PIECES_MAX)
		return NULL;
	struct genops_attributes_layer *layer = &attributes->layers[attributes->n_layers];
	if (layer->cap < n * GENOPS_RECORD_ATTRIBUTE_SHORT_MAX) {
		size_t room = FIRST_ROOM;
		while (room < n)
			room *= 2;
		room *= GENOPS_RECORD_ATTRIBUTE_SHORT_MAX;
		char *bytes = genops_arena_take(attributes->keys, room);
		if (!bytes)
			return NULL;
		*layer = (struct genops_attributes_layer){.bytes = bytes, .cap = room};
	}
	if (layer->first != attributes->n)
		layer->size = 0;
	layer->first = attributes->n;
	attributes->n_layers++;
	return layer;
}

/* Adds the first of the layer that are short texts under the keys kept for them, which nearly all of an operation's are; returns how
 * many these were. As long as the lengths are those of before, so are key and place, and only a value that differs is written. */
static size_t add_usual(struct genops_attributes *attributes, const struct genops_attribute *from, size_t n)
{
	size_t left = attributes->n_kept - attributes->n, i = 0;
	struct genops_attribute *items = attributes->items + attributes->n;
	n = n < left ? n : left;
	struct genops_attributes_layer *layer = n ? next_layer(attributes, n) : NULL;
	if (!layer)
		return 0;
	char *to = layer->bytes;
	const char *same_until = to + layer->size;
	for (; i < n && from[i].type == GENOPS_ATTRIBUTE_STRING; i++) {
		genops_str key = from[i].key, text = from[i].value.string;
		char *value = to + GENOPS_RECORD_ATTRIBUTE_HEAD + key.len;
		bool has_place = to < same_until && genops_record_attribute_has_lengths(to, key, text);
		if (!has_place || !genops_str_equal((genops_str){to + GENOPS_RECORD_ATTRIBUTE_HEAD, key.len}, key) ||
		    !genops_str_equal((genops_str){value, text.len}, text)) {
			if (!genops_str_equal(items[i].key, key) || !genops_record_attribute_is_short(key, text) ||
			    !genops_str_is_utf8(text))
				break;
			genops_record_attribute_put(to, items[i].key, text);
			same_until = has_place ? same_until : to;
		}
		items[i].type = GENOPS_ATTRIBUTE_STRING;
		items[i].value.string = (genops_str){value, text.len};
		to = value + text.len;
	}
	layer->size = (size_t)(to - layer->bytes);
	if (i)
		attributes->pieces[attributes->n_pieces++] = (struct genops_attributes_piece){
		    attributes->n, attributes->n + i, {layer->bytes, layer->size}};
	attributes->n += i;
	return i;
}

int genops_attributes_add(struct genops_attributes *attributes, const struct genops_attribute *layer, size_t n,
    struct genops_error *err)
{
	for (size_t i = 0; i < n;) {
		size_t n_usual = attributes->n < attributes->n_kept ? add_usual(attributes, layer + i, n - i) : 0;
		if (!n_usual)
			GENOPS_TRY(genops_attributes_set(attributes, &layer[i++], err));
		i += n_usual;
	}
	return GENOPS_OK;
}

int genops_attributes_set_text(struct genops_attributes *attributes, genops_str key,
    genops_str value, struct genops_error *err)
{
	struct genops_attribute attribute = {
	    .key = key, .type = GENOPS_ATTRIBUTE_STRING, .value.string = value};
	return genops_attributes_set(attributes, &attribute, err);
}

const struct genops_attribute *genops_attributes_get(
    const struct genops_attributes *attributes, genops_str key)
{
	return key.len ? find(attributes, key, standard_key(key)) : NULL;
}
