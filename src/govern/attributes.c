/* SPDX-License-Identifier: Apache-2.0
 * govern/attributes.c - see attributes.h. An array in the operation's arena; the standard six also
 * by index. One thread at a time, as the operation it belongs to. Strings are copied into the
 * arena. */
#include "govern/attributes.h"

#include "base/str.h"

#include <stdio.h>

#define FIRST_CAP 16 /* what most operations carry; doubles from there to GENOPS_ATTRIBUTES_MAX */

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
	*attributes = (struct genops_attributes){.arena = arena};
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++)
		attributes->standard[i] = -1;
}

/* Case ignored; length and last letter first, which differ nearly always. */
static inline bool is_name(genops_str text, genops_str name)
{
	return text.len == name.len && (text.ptr[text.len - 1] | 0x20) == name.ptr[name.len - 1] &&
	       genops_str_equal_nocase(text, name);
}

int genops_attributes_standard_key(genops_str name)
{
	if (name.len >= 64 || !(standard_lengths >> name.len & 1))
		return -1;
	unsigned last = (unsigned)((unsigned char)name.ptr[name.len - 1] | 0x20) - 'a';
	if (last > 'z' - 'a' || !(standard_ends >> last & 1))
		return -1;
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++) {
		const struct standard_name *row = &standard_names[i];
		if (is_name(name, row->name) || is_name(name, row->key) || is_name(name, row->header))
			return i;
	}
	return -1;
}

/* A bit for a key. Keys have long prefixes in common: their last two bytes and their length tell most of them apart. */
static uint64_t bit_of(genops_str key)
{
	unsigned last = (unsigned char)key.ptr[key.len - 1];
	unsigned before = key.len > 1 ? (unsigned char)key.ptr[key.len - 2] : 0;
	return UINT64_C(1) << ((last + 11 * before + 5 * (unsigned)key.len) & 63);
}

static inline bool is_key(genops_str key, genops_str other)
{
	return key.len == other.len && key.ptr[key.len - 1] == other.ptr[key.len - 1] &&
	       !memcmp(key.ptr, other.ptr, key.len);
}

static inline struct genops_attribute *find(
    const struct genops_attributes *attributes, genops_str key, int standard)
{
	if (standard >= 0) {
		int at = attributes->standard[standard];
		return at < 0 ? NULL : &attributes->items[at];
	}
	if (!key.len || !(attributes->seen & bit_of(key)))
		return NULL;
	for (size_t i = 0; i < attributes->n; i++) {
		if (is_key(attributes->items[i].key, key))
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
	struct genops_attribute *items = genops_arena_take(attributes->arena, cap * sizeof *items);
	if (!items)
		return genops_fail(err, GENOPS_NOMEM, "no memory for attributes");
	if (attributes->n)
		memcpy(items, attributes->items, attributes->n * sizeof *items);
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

/* Copies those that are given, one behind the other. */
static inline bool copy_texts(struct genops_arena *arena, genops_str *key, genops_str *value)
{
	size_t key_size = key ? key->len + 1 : 0, value_size = value ? value->len + 1 : 0;
	char *to = key_size + value_size ? genops_arena_take(arena, key_size + value_size) : NULL;
	if (key_size + value_size && !to)
		return false;
	if (key) {
		memcpy(to, key->ptr, key->len);
		to[key->len] = '\0';
		key->ptr = to;
	}
	if (value) {
		if (value->len)
			memcpy(to + key_size, value->ptr, value->len);
		to[key_size + value->len] = '\0';
		value->ptr = to + key_size;
	}
	return true;
}

int genops_attributes_set(struct genops_attributes *attributes,
    const struct genops_attribute *attribute, struct genops_error *err)
{
	char scratch[64];
	GENOPS_TRY(check(attribute, err));
	int standard = genops_attributes_standard_key(attribute->key);
	/* A standard one is a text whatever type the caller used: it is what policies match and
	 * reports group by. */
	bool is_text = standard >= 0 || attribute->type == GENOPS_ATTRIBUTE_STRING;
	genops_str key = standard >= 0 ? standard_names[standard].name : attribute->key, text = {0};
	if (is_text)
		text = genops_attributes_text(attribute, scratch, sizeof scratch);
	struct genops_attribute *item = find(attributes, key, standard);
	if (!item)
		GENOPS_TRY(grow(attributes, err));
	if (!copy_texts(attributes->arena, item || standard >= 0 ? NULL : &key, is_text ? &text : NULL))
		return genops_fail(err, GENOPS_NOMEM, "no memory for attributes");
	if (!item) {
		if (standard >= 0)
			attributes->standard[standard] = (int16_t)attributes->n;
		else
			attributes->seen |= bit_of(key);
		item = &attributes->items[attributes->n++];
		item->key = key;
	}
	item->type = is_text ? GENOPS_ATTRIBUTE_STRING : attribute->type;
	if (is_text)
		item->value.string = text;
	else
		item->value = attribute->value;
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
	return find(attributes, key, genops_attributes_standard_key(key));
}

genops_str genops_attributes_standard(
    const struct genops_attributes *attributes, enum genops_attribute_key key)
{
	int at = attributes->standard[key];
	return at < 0 ? (genops_str){0} : attributes->items[at].value.string;
}
