/* SPDX-License-Identifier: Apache-2.0
 * pipeline/value.h - the values of events and of expressions: JavaScript's, as JSON knows them, and undefined.
 *
 * A value is 16 bytes and passed by value. Texts, lists and objects live in an arena, the caller's, and are gone with it; what is
 * in them never changes once others can see it. Texts are UTF-8, except that a half of a surrogate pair, which cutting a text as
 * JavaScript does can leave, stands as the three bytes that UTF-8 would give it.
 *
 * Objects keep the order in which keys were put. Small ones are searched one after another by hash, larger ones by an index;
 * the hash is seeded by the process, so that nobody outside can choose keys that collide. Objects have no prototype.
 *
 * What nobody reads need not be made: an object may have a source, which is asked for what the object itself has not. So an event's parts
 * are made when they are read (event_span.h), and a copy that is written to is an object over the one that it copies: its own members are
 * what has changed.
 */
#ifndef PIPELINE_VALUE_H
#define PIPELINE_VALUE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/str.h"

enum genops_value_type {
	GENOPS_VALUE_UNDEFINED, /* all bytes zero */
	GENOPS_VALUE_NULL,
	GENOPS_VALUE_BOOLEAN,
	GENOPS_VALUE_NUMBER,
	GENOPS_VALUE_TEXT,
	GENOPS_VALUE_LIST,
	GENOPS_VALUE_OBJECT,
	GENOPS_VALUE_REGEX, /* only between the instructions of an expression */
};

struct genops_regex;
struct genops_value_list;
struct genops_value_object;

struct genops_value {
	uint8_t type;
	uint32_t len; /* text: bytes */
	union {
		bool boolean;
		double number;
		const char *text;
		const struct genops_value_list *list;
		struct genops_value_object *object;
		const struct genops_regex *regex;
	} as;
};

struct genops_value_list {
	uint32_t n;
	struct genops_value items[];
};

struct genops_value_key {
	genops_str text;
	uint32_t hash;
};

struct genops_value_member {
	struct genops_value_key key;
	struct genops_value value;
};

/* Its own members [0, n) in the order put; all there are only without a source: see genops_value_object_whole. */
struct genops_value_object {
	uint32_t n, capacity;
	uint32_t n_index;   /* a power of two, or 0: no index */
	uint32_t *index;    /* number of the member + 1, or 0 */
	struct genops_value_member *members;
	struct genops_value_source *source;      /* NULL: none */
	const struct genops_value_object *owner; /* of a copy that a function made: the event that may write to it; or NULL */
};

/* What else an object has. Lives in the object's arena. */
struct genops_value_source {
	/* NULL: no such member. The value stays where it is. */
	const struct genops_value *(*get)(struct genops_value_source *source, const struct genops_value_key *key);
	/* A new object of all members, the object's own before those of the source; NULL: no memory. */
	struct genops_value_object *(*whole)(struct genops_value_source *source, const struct genops_value_object *object);
	struct genops_value_object *known_whole; /* since it was made the object had known_n members */
	uint32_t known_n;
	bool is_full;                            /* something could not be made: the arena is full */
};

#define GENOPS_VALUE_TEXT_MAX  ((size_t)1 << 20) /* bytes of one text */
#define GENOPS_VALUE_DEPTH_MAX 64                /* of lists and objects in one another */

static inline struct genops_value genops_value_null(void)
{
	return (struct genops_value){.type = GENOPS_VALUE_NULL};
}

static inline struct genops_value genops_value_boolean(bool boolean)
{
	return (struct genops_value){.type = GENOPS_VALUE_BOOLEAN, .as.boolean = boolean};
}

static inline struct genops_value genops_value_number(double number)
{
	return (struct genops_value){.type = GENOPS_VALUE_NUMBER, .as.number = number};
}

/* Borrows the text, at most UINT32_MAX bytes. */
static inline struct genops_value genops_value_text(genops_str text)
{
	return (struct genops_value){.type = GENOPS_VALUE_TEXT, .len = (uint32_t)text.len, .as.text = text.ptr};
}

static inline genops_str genops_value_str(struct genops_value value)
{
	return (genops_str){value.as.text, value.len};
}

static inline bool genops_value_is_nullish(struct genops_value value)
{
	return value.type <= GENOPS_VALUE_NULL;
}

struct genops_value_key genops_value_key_of(genops_str text); /* borrows */

/* NULL: no memory, or over the arena's maximum. The texts of keys and values are borrowed: they must live as long as the arena's
 * content. */
struct genops_value_object *genops_value_object_new(struct genops_arena *arena, uint32_t capacity);
bool genops_value_object_put(struct genops_arena *arena, struct genops_value_object *object, struct genops_value_key key,
    struct genops_value value); /* replaces, keeping the place */
/* The same eight bytes at a time, the last eight of them perhaps again. */
static inline bool genops_value_key_same_text(const char *a, const char *b, size_t len)
{
	uint64_t x, y;
	if (len < 8)
		return memcmp(a, b, len) == 0;
	for (size_t at = 0; at + 8 < len; at += 8) {
		memcpy(&x, a + at, 8);
		memcpy(&y, b + at, 8);
		if (x != y)
			return false;
	}
	memcpy(&x, a + len - 8, 8);
	memcpy(&y, b + len - 8, 8);
	return x == y;
}

/* Inline, because expressions do little else. Hashes are equal before, so texts mostly are, too. */
static inline bool genops_value_key_equal(const struct genops_value_key *a, const struct genops_value_key *b)
{
	return a->hash == b->hash && a->text.len == b->text.len &&
	       (a->text.ptr == b->text.ptr || genops_value_key_same_text(a->text.ptr, b->text.ptr, a->text.len));
}

/* Where in its index an object has the key, or would have it; only with an index. */
static inline uint32_t genops_value_object_place(const struct genops_value_object *object, const struct genops_value_key *key)
{
	uint32_t mask = object->n_index - 1, at = key->hash & mask;
	while (object->index[at] && !genops_value_key_equal(&object->members[object->index[at] - 1].key, key))
		at = (at + 1) & mask;
	return at;
}

/* Its own member; NULL: none. */
static inline struct genops_value *genops_value_object_own(const struct genops_value_object *object, const struct genops_value_key *key)
{
	if (object->n_index) {
		uint32_t at = genops_value_object_place(object, key);
		return object->index[at] ? &object->members[object->index[at] - 1].value : NULL;
	}
	for (uint32_t i = 0; i < object->n; i++) {
		if (genops_value_key_equal(&object->members[i].key, key))
			return &object->members[i].value;
	}
	return NULL;
}

/* NULL: no such key. Valid until the next put. */
static inline const struct genops_value *genops_value_object_get(const struct genops_value_object *object, const struct genops_value_key *key)
{
	const struct genops_value *own = genops_value_object_own(object, key);
	return own || !object->source ? own : object->source->get(object->source, key);
}

/* A copy to be written to, over an object that is not written to any more while the copy is used. */
struct genops_value_object *genops_value_object_over(
    struct genops_arena *arena, const struct genops_value_object *under, uint32_t capacity);
/* Of an object made by genops_value_object_over the one below; else NULL. */
const struct genops_value_object *genops_value_object_under(const struct genops_value_object *object);
/* For going over all members: the object, or with a source another one of the same members in their order. NULL: no memory. */
const struct genops_value_object *genops_value_object_whole(const struct genops_value_object *object);

struct genops_value_list *genops_value_list_new(struct genops_arena *arena, size_t n); /* n times undefined; NULL as above */

/* The members' numbers in JavaScript's order (array indexes ascending, then as put) into `order`, which holds object->n. */
void genops_value_object_order(const struct genops_value_object *object, uint32_t *order);
/* Is it an array index, as "0" and "17" and not "01"? */
bool genops_value_is_index(genops_str text, uint32_t *ret_index);

/* --- JSON (value_json.c) --- */

/* One document. What it says is copied into the arena. SYNTAX, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_value_from_json(
    genops_str json, struct genops_arena *arena, struct genops_value *ret_value, struct genops_error *err);

/* As JSON.stringify writes it; undefined in a list becomes null, in an object it leaves the member out. False: undefined itself, for
 * which JSON has nothing. Errors are in buf->error (nesting over the maximum: LIMIT). */
bool genops_value_to_json(struct genops_value value, struct genops_buffer *buf);

#endif
