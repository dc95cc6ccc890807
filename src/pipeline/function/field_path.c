/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function/field_path.c - see field_path.h. */
#include "pipeline/function/field_path.h"

/* --- reading --- */

static int add_segment(struct genops_field_path *path, struct genops_arena *arena, genops_str text)
{
	genops_str copy;
	if (path->n == GENOPS_FIELD_PATH_MAX || !text.len)
		return GENOPS_SYNTAX;
	if (!genops_arena_dup(arena, text, &copy))
		return GENOPS_NOMEM;
	path->segments[path->n++] =
	    (struct genops_field_segment){genops_value_key_of(copy), genops_str_find_char(copy, '*') != SIZE_MAX};
	return GENOPS_OK;
}

/* ['name'] or ["name"] at the beginning of *rest. */
static bool take_brackets(genops_str *rest, genops_str *ret_text)
{
	if (rest->len < 5 || (rest->ptr[1] != '\'' && rest->ptr[1] != '"'))
		return false;
	const char closing[] = {rest->ptr[1], ']'};
	genops_str body = genops_str_skip(*rest, 2);
	size_t at = genops_str_find(body, (genops_str){closing, 2});
	if (at == SIZE_MAX)
		return false;
	*ret_text = (genops_str){body.ptr, at};
	*rest = genops_str_skip(body, at + 2);
	return true;
}

/* Are the keys behind this one attributes, with dots in them? */
static bool is_flat(const struct genops_field_path *path)
{
	return path->n && genops_str_is(path->segments[path->n - 1].key.text, "attributes");
}

/* A name behind a dot, or at the beginning. */
static bool take_name(const struct genops_field_path *path, genops_str *rest, genops_str *ret_text)
{
	size_t end = 0;
	bool is_rest = is_flat(path);
	if (path->n && rest->ptr[0] != '.')
		return false;
	*rest = genops_str_skip(*rest, path->n > 0);
	while (end < rest->len && (is_rest || (rest->ptr[end] != '.' && rest->ptr[end] != '[')))
		end++;
	*ret_text = (genops_str){rest->ptr, end};
	*rest = genops_str_skip(*rest, end);
	return true;
}

int genops_field_path_parse(genops_str source, struct genops_arena *arena, struct genops_field_path *ret_path)
{
	struct genops_field_path path = {0};
	genops_str rest = genops_str_trim(source), text;
	if (!rest.len)
		return GENOPS_SYNTAX;
	if (!genops_arena_dup(arena, rest, &path.source))
		return GENOPS_NOMEM;
	while (rest.len) {
		bool is_taken = rest.ptr[0] == '[' ? path.n && take_brackets(&rest, &text) : take_name(&path, &rest, &text);
		if (!is_taken)
			return GENOPS_SYNTAX;
		GENOPS_TRY(add_segment(&path, arena, text));
	}
	*ret_path = path;
	return GENOPS_OK;
}

/* --- writing --- */

struct walk {
	const struct genops_field_path *path;
	struct genops_value_object *event;
	struct genops_arena *arena;
	genops_field_change_fn *fn;
	void *arg;
};

/* An object that may be written to in place of `object`. NULL: no memory. */
static struct genops_value_object *own(const struct walk *walk, struct genops_value_object *object)
{
	if (object == walk->event || object->owner == walk->event)
		return object;
	struct genops_value_object *copy = genops_value_object_over(walk->arena, object, 4);
	if (copy)
		copy->owner = walk->event;
	return copy;
}

bool genops_field_path_put(const struct genops_field_path *path, struct genops_value_object *event, struct genops_arena *arena,
    struct genops_value value)
{
	struct walk walk = {.event = event, .arena = arena};
	struct genops_value_object *at = event;
	for (unsigned i = 0; i + 1 < path->n; i++) {
		const struct genops_value *inner = genops_value_object_get(at, &path->segments[i].key);
		if (inner && !genops_value_is_nullish(*inner) && inner->type != GENOPS_VALUE_OBJECT)
			return false;
		bool is_there = inner && inner->type == GENOPS_VALUE_OBJECT;
		struct genops_value_object *next = is_there ? own(&walk, inner->as.object) : genops_value_object_new(arena, 4);
		if (!next)
			return false;
		next->owner = event;
		if ((!is_there || next != inner->as.object) &&
		    !genops_value_object_put(arena, at, path->segments[i].key, (struct genops_value){.type = GENOPS_VALUE_OBJECT, .as.object = next}))
			return false;
		at = next;
	}
	return genops_value_object_put(arena, at, path->segments[path->n - 1].key, value);
}

static bool change_below(const struct walk *walk, unsigned depth, struct genops_value *value);

static bool is_same(const struct genops_value *a, const struct genops_value *b)
{
	return a->type == b->type && a->len == b->len && memcmp(&a->as, &b->as, sizeof a->as) == 0;
}

/* Changes one member's value; the first change makes *object one that may be written to. */
static bool change_member(const struct walk *walk, unsigned depth, struct genops_value_object **object, const struct genops_value_key *key,
    struct genops_value value)
{
	struct genops_value changed = value;
	if (!change_below(walk, depth, &changed))
		return false;
	if (is_same(&changed, &value))
		return true;
	*object = own(walk, *object);
	return *object && genops_value_object_put(walk->arena, *object, *key, changed);
}

static bool change_list(const struct walk *walk, unsigned depth, struct genops_value *value)
{
	const struct genops_value_list *list = value->as.list;
	struct genops_value_list *copy = NULL;
	for (uint32_t i = 0; i < list->n; i++) {
		struct genops_value changed = list->items[i];
		if (!change_below(walk, depth, &changed))
			return false;
		if (is_same(&changed, &list->items[i]))
			continue;
		if (!copy && !(copy = genops_value_list_new(walk->arena, list->n)))
			return false;
		if (value->as.list != copy)
			memcpy(copy->items, list->items, list->n * sizeof *copy->items);
		value->as.list = copy;
		copy->items[i] = changed;
	}
	return true;
}

/* All of a value, down to `depth` lists and objects. */
static bool change_below(const struct walk *walk, unsigned depth, struct genops_value *value)
{
	if (genops_value_is_nullish(*value))
		return true;
	if (value->type != GENOPS_VALUE_LIST && value->type != GENOPS_VALUE_OBJECT)
		return walk->fn(walk->arg, value);
	if (!depth)
		return true;
	if (value->type == GENOPS_VALUE_LIST)
		return change_list(walk, depth - 1, value);
	const struct genops_value_object *whole = genops_value_object_whole(value->as.object);
	for (uint32_t i = 0; whole && i < whole->n; i++) {
		struct genops_value_member member = whole->members[i];
		if (!change_member(walk, depth - 1, &value->as.object, &member.key, member.value))
			return false;
	}
	return whole != NULL;
}

static bool change_segment(const struct walk *walk, unsigned segment, unsigned depth, struct genops_value_object **object);

static bool change_matched(const struct walk *walk, unsigned segment, unsigned depth, struct genops_value_object **object,
    const struct genops_value_key *key, struct genops_value value)
{
	if (segment + 1 == walk->path->n)
		return change_member(walk, depth, object, key, value);
	if (value.type != GENOPS_VALUE_OBJECT)
		return true;
	struct genops_value_object *inner = value.as.object;
	if (!change_segment(walk, segment + 1, depth, &inner))
		return false;
	if (inner == value.as.object)
		return true;
	value.as.object = inner;
	*object = own(walk, *object);
	return *object && genops_value_object_put(walk->arena, *object, *key, value);
}

static bool change_segment(const struct walk *walk, unsigned segment, unsigned depth, struct genops_value_object **object)
{
	const struct genops_field_segment *wanted = &walk->path->segments[segment];
	if (!wanted->is_pattern) {
		const struct genops_value *found = genops_value_object_get(*object, &wanted->key);
		return !found || change_matched(walk, segment, depth, object, &wanted->key, *found);
	}
	const struct genops_value_object *whole = genops_value_object_whole(*object);
	for (uint32_t i = 0; whole && i < whole->n; i++) {
		struct genops_value_member member = whole->members[i];
		if (genops_str_glob(wanted->key.text, member.key.text, false) &&
		    !change_matched(walk, segment, depth, object, &member.key, member.value))
			return false;
	}
	return whole != NULL;
}

bool genops_field_path_change(const struct genops_field_path *path, struct genops_value_object *event, struct genops_arena *arena,
    unsigned depth, genops_field_change_fn *fn, void *arg)
{
	struct walk walk = {.path = path, .event = event, .arena = arena, .fn = fn, .arg = arg};
	struct genops_value_object *top = event;
	return change_segment(&walk, 0, depth, &top);
}
