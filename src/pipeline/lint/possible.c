/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/possible.c - see possible.h. */
#include "pipeline/lint/possible.h"

#include "base/str.h"

#include <math.h>

#define TYPE(type) GENOPS_POSSIBLE_TYPE(type)

struct genops_possible genops_possible_types(unsigned types)
{
	struct genops_possible made = {.types = types};
	if (types == TYPE(BOOLEAN)) {
		made.is_listed = true;
		made.values[made.n++] = genops_value_boolean(false);
		made.values[made.n++] = genops_value_boolean(true);
	}
	return made;
}

struct genops_possible genops_possible_one(struct genops_value value)
{
	return (struct genops_possible){.types = 1u << value.type, .is_listed = true, .n = 1, .values = {value}};
}

/* Adds what passes: 1 those that are true, 0 those that are not, -1 all. */
static void add(struct genops_possible *to, const struct genops_possible *from, int truth)
{
	for (unsigned i = 0; i < from->n && from->is_listed; i++) {
		struct genops_value value = from->values[i];
		bool is_known = truth >= 0 && genops_convert_to_boolean(value) != (truth == 1);
		for (unsigned k = 0; k < to->n; k++)
			is_known |= genops_convert_same_or_nan(to->values[k], value);
		if (is_known)
			continue;
		to->types |= 1u << value.type;
		if (to->n == GENOPS_POSSIBLE_MAX)
			to->is_listed = false;
		else
			to->values[to->n++] = value;
	}
	if (from->is_listed)
		return;
	to->is_listed = false;
	to->types |= truth == 1 ? from->types & ~GENOPS_POSSIBLE_NULLISH : from->types;
}

struct genops_possible genops_possible_either(const struct genops_possible *a, const struct genops_possible *b)
{
	struct genops_possible made = {.is_listed = true};
	add(&made, a, -1);
	add(&made, b, -1);
	return made;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (!strcmp(name, *names))
			return true;
	}
	return false;
}

static struct genops_possible of_function(const char *name)
{
	static const char *const numbers[] = {"parseInt", "parseFloat", "Number", "Number.parseFloat", "Number.parseInt", "Date.now", "Date.parse",
	    "Date.UTC", NULL};
	static const char *const texts[] = {"String", "encodeURIComponent", "decodeURIComponent", "Date#toISOString", NULL};
	static const char *const booleans[] = {"Boolean", "isNaN", "isFinite", "Array.isArray", "Number.isNaN", "Number.isFinite", "Number.isInteger",
	    "Number.isSafeInteger", NULL};
	if (is_one_of(name, numbers) || !strncmp(name, "Math.", 5))
		return genops_possible_types(TYPE(NUMBER));
	if (is_one_of(name, texts))
		return genops_possible_types(TYPE(TEXT));
	if (is_one_of(name, booleans))
		return genops_possible_types(TYPE(BOOLEAN));
	return genops_possible_types(GENOPS_POSSIBLE_ANY);
}

/* What a method throws on leaves the field that it would set as it was: the caller knows. */
static struct genops_possible of_method(const struct genops_tree *tree)
{
	static const char *const texts[] = {"toFixed", "toString", "toUpperCase", "toLowerCase", "trim", "trimStart", "trimEnd", "charAt", "substr",
	    "substring", "padStart", "padEnd", "repeat", "replace", "replaceAll", "join", "toPrecision", "toExponential", NULL};
	static const char *const booleans[] = {"startsWith", "endsWith", "includes", "test", NULL};
	static const char *const numbers[] = {"indexOf", "lastIndexOf", "search", "charCodeAt", NULL};
	unsigned undefined = tree->is_optional ? TYPE(UNDEFINED) : 0;
	if (is_one_of(tree->name, texts))
		return genops_possible_types(TYPE(TEXT) | undefined);
	if (is_one_of(tree->name, booleans))
		return genops_possible_types(TYPE(BOOLEAN) | undefined);
	if (is_one_of(tree->name, numbers))
		return genops_possible_types(TYPE(NUMBER) | undefined);
	return genops_possible_types(GENOPS_POSSIBLE_ANY);
}

static struct genops_possible of_choice(const struct genops_tree *tree, genops_possible_field_fn *field, void *arg)
{
	struct genops_possible a = genops_possible_of(tree->children[tree->n - 2], field, arg);
	struct genops_possible b = genops_possible_of(tree->children[tree->n - 1], field, arg);
	struct genops_possible made = {.is_listed = true};
	if (tree->op == OP_COALESCE) {
		if (a.is_listed)
			return genops_possible_either(&a, &b); /* null itself may stay: too many, not too few */
		a.types &= ~GENOPS_POSSIBLE_NULLISH;
	}
	add(&made, &a, tree->op == OP_OR ? 1 : tree->op == OP_AND ? 0 : -1);
	add(&made, &b, -1);
	return made;
}

static struct genops_possible of_sum(const struct genops_tree *tree, genops_possible_field_fn *field, void *arg)
{
	struct genops_possible a = genops_possible_of(tree->children[0], field, arg);
	struct genops_possible b = genops_possible_of(tree->children[1], field, arg);
	unsigned numeric = GENOPS_POSSIBLE_NULLISH | TYPE(BOOLEAN) | TYPE(NUMBER);
	if (!((a.types | b.types) & ~numeric))
		return genops_possible_types(TYPE(NUMBER));
	if (a.types == TYPE(TEXT) || b.types == TYPE(TEXT))
		return genops_possible_types(TYPE(TEXT));
	return genops_possible_types(TYPE(NUMBER) | TYPE(TEXT));
}

static struct genops_possible of_comparison(const struct genops_tree *tree, genops_possible_field_fn *field, void *arg)
{
	struct genops_possible a = genops_possible_of(tree->children[0], field, arg);
	struct genops_possible b = genops_possible_of(tree->children[1], field, arg);
	bool is_not = tree->op == OP_NOT_EQUAL || tree->op == OP_NOT_SAME;
	return genops_possible_holds(tree->op, &a, &b) ? genops_possible_types(TYPE(BOOLEAN)) : genops_possible_one(genops_value_boolean(is_not));
}

static struct genops_possible of_typeof(void)
{
	static const char *const names[] = {"undefined", "object", "boolean", "number", "string"};
	struct genops_possible made = {.types = TYPE(TEXT), .is_listed = true};
	for (; made.n < 5; made.n++)
		made.values[made.n] = genops_value_text(genops_str_of(names[made.n]));
	return made;
}

struct genops_possible genops_possible_of(const struct genops_tree *tree, genops_possible_field_fn *field, void *arg)
{
	struct genops_possible made = {0};
	switch (tree->op) {
	case OP_CONSTANT:
		return tree->value.type <= GENOPS_VALUE_TEXT ? genops_possible_one(tree->value) : genops_possible_types(GENOPS_POSSIBLE_ANY);
	case OP_FIELD:
		return field(arg, tree->key, &made) ? made : genops_possible_types(GENOPS_POSSIBLE_ANY);
	case OP_AND: case OP_OR: case OP_COALESCE: case OP_JUMP_FALSE:
		return of_choice(tree, field, arg);
	case OP_NOT: case OP_IN:
		return genops_possible_types(TYPE(BOOLEAN));
	case OP_EQUAL: case OP_NOT_EQUAL: case OP_SAME: case OP_NOT_SAME: case OP_LESS: case OP_LESS_EQUAL: case OP_GREATER: case OP_GREATER_EQUAL:
		return of_comparison(tree, field, arg);
	case OP_NEGATE: case OP_PLUS: case OP_BIT_NOT: case OP_SUBTRACT: case OP_MULTIPLY: case OP_DIVIDE: case OP_REMAINDER: case OP_POWER:
	case OP_BIT_AND: case OP_BIT_OR: case OP_BIT_XOR: case OP_SHIFT_LEFT: case OP_SHIFT_RIGHT: case OP_SHIFT_RIGHT_UNSIGNED:
		return genops_possible_types(TYPE(NUMBER));
	case OP_ADD:
		return of_sum(tree, field, arg);
	case OP_TYPEOF:
		return of_typeof();
	case OP_JOIN:
		return genops_possible_types(TYPE(TEXT));
	case OP_VOID:
		return genops_possible_one((struct genops_value){0});
	case OP_LIST:
		return genops_possible_types(TYPE(LIST));
	case OP_FUNCTION:
		return of_function(tree->name);
	case OP_METHOD:
		return of_method(tree);
	default:
		return genops_possible_types(GENOPS_POSSIBLE_ANY);
	}
}

/* --- comparing --- */

static double number_of(struct genops_value value)
{
	struct genops_error err;
	struct genops_machine machine = {.err = &err};
	double number = NAN;
	return value.type <= GENOPS_VALUE_TEXT && genops_convert_to_number(&machine, value, &number) ? number : NAN;
}

static bool is_equal(struct genops_value a, struct genops_value b)
{
	struct genops_error err;
	struct genops_machine machine = {.err = &err};
	bool is_equal = true;
	return !genops_convert_equal(&machine, a, b, &is_equal) || is_equal;
}

static bool is_ordered(enum genops_op op, struct genops_value a, struct genops_value b)
{
	struct genops_error err;
	struct genops_machine machine = {.err = &err};
	int order;
	if (!genops_convert_compare(&machine, a, b, &order) || order == 2)
		return order != 2;
	return op == OP_LESS ? order < 0 : op == OP_LESS_EQUAL ? order <= 0 : op == OP_GREATER ? order > 0 : order >= 0;
}

static bool holds_for(enum genops_op op, struct genops_value a, struct genops_value b)
{
	switch (op) {
	case OP_SAME: case OP_NOT_SAME:
		return genops_convert_same(a, b);
	case OP_EQUAL: case OP_NOT_EQUAL:
		return is_equal(a, b);
	default:
		return is_ordered(op, a, b);
	}
}

/* Can some value of these types be in that relation to `value`? */
static bool holds_for_types(enum genops_op op, unsigned types, struct genops_value value)
{
	bool is_nullish = genops_value_is_nullish(value), is_number = !isnan(number_of(value));
	unsigned objects = TYPE(LIST) | TYPE(OBJECT) | TYPE(REGEX);
	if (op == OP_SAME || op == OP_NOT_SAME)
		return types & (1u << value.type);
	if (op == OP_EQUAL || op == OP_NOT_EQUAL) {
		if (is_nullish)
			return types & GENOPS_POSSIBLE_NULLISH;
		return ((types & TYPE(TEXT)) && (value.type == GENOPS_VALUE_TEXT || is_number)) || ((types & (TYPE(NUMBER) | TYPE(BOOLEAN))) && is_number) ||
		       (types & objects);
	}
	if (value.type == GENOPS_VALUE_TEXT && (types & TYPE(TEXT)))
		return true;
	return is_number && (types & ~TYPE(UNDEFINED));
}

bool genops_possible_holds(enum genops_op op, const struct genops_possible *a, const struct genops_possible *b)
{
	if (a->is_listed && b->is_listed) {
		for (unsigned i = 0; i < a->n; i++) {
			for (unsigned k = 0; k < b->n; k++) {
				if (holds_for(op, a->values[i], b->values[k]))
					return true;
			}
		}
		return false;
	}
	if (!a->is_listed && !b->is_listed)
		return true;
	const struct genops_possible *listed = a->is_listed ? a : b, *other = a->is_listed ? b : a;
	for (unsigned i = 0; i < listed->n; i++) {
		if (holds_for_types(op, other->types, listed->values[i]) || ((other->types & TYPE(BOOLEAN)) && listed->values[i].type == GENOPS_VALUE_BOOLEAN))
			return true;
	}
	return false;
}
