/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/implies.c - see implies.h. Each condition is a && of atoms `something op constant`; an || is looked at side by side. */
#include "pipeline/lint/implies.h"

#include <math.h>

#define STEPS_MAX 20000 /* of one question: && and || multiply */

struct question {
	unsigned steps, *left;
};

static bool is_over(struct question *question)
{
	if (question->steps++ == STEPS_MAX || !*question->left)
		return true;
	--*question->left;
	return false;
}

/* `what op value`; EQUAL, NOT_EQUAL (strict ones count as these), an order, or NOT of it all: a truth by itself is op OP_VOID. */
struct atom {
	enum genops_op op;
	const struct genops_tree *what;
	struct genops_value value;
};

static enum genops_op turned(enum genops_op op)
{
	switch (op) {
	case OP_LESS:
		return OP_GREATER;
	case OP_LESS_EQUAL:
		return OP_GREATER_EQUAL;
	case OP_GREATER:
		return OP_LESS;
	case OP_GREATER_EQUAL:
		return OP_LESS_EQUAL;
	default:
		return op;
	}
}

static enum genops_op loose(enum genops_op op)
{
	return op == OP_SAME ? OP_EQUAL : op == OP_NOT_SAME ? OP_NOT_EQUAL : op;
}

static struct atom atom_of(const struct genops_tree *tree)
{
	bool is_comparison = (tree->op >= OP_EQUAL && tree->op <= OP_NOT_SAME) || (tree->op >= OP_LESS && tree->op <= OP_GREATER_EQUAL);
	struct atom atom = {OP_VOID, tree, {0}};
	if (tree->op == OP_NOT)
		return (struct atom){OP_NOT, tree->children[0], {0}};
	if (!is_comparison)
		return atom;
	if (tree->children[1]->op == OP_CONSTANT)
		atom = (struct atom){loose(tree->op), tree->children[0], tree->children[1]->value};
	else if (tree->children[0]->op == OP_CONSTANT)
		atom = (struct atom){turned(loose(tree->op)), tree->children[1], tree->children[0]->value};
	return atom;
}

/* x == true: then x is true; a text is, too, without being == true. */
static bool is_true(const struct atom *atom)
{
	return atom->op == OP_VOID || (atom->op == OP_EQUAL && atom->value.type == GENOPS_VALUE_BOOLEAN && atom->value.as.boolean);
}

static bool is_number(const struct atom *atom)
{
	return atom->value.type == GENOPS_VALUE_NUMBER;
}

/* The numbers that an atom leaves, as an interval. */
struct interval {
	double low, high;
	bool is_low_open, is_high_open;
};

static bool interval_of(const struct atom *atom, struct interval *ret)
{
	double value = atom->value.as.number;
	*ret = (struct interval){-INFINITY, INFINITY, false, false};
	if (!is_number(atom) || isnan(value))
		return false;
	if (atom->op == OP_EQUAL || atom->op == OP_GREATER || atom->op == OP_GREATER_EQUAL)
		ret->low = value;
	if (atom->op == OP_EQUAL || atom->op == OP_LESS || atom->op == OP_LESS_EQUAL)
		ret->high = value;
	ret->is_low_open = atom->op == OP_GREATER;
	ret->is_high_open = atom->op == OP_LESS;
	return atom->op == OP_EQUAL || (atom->op >= OP_LESS && atom->op <= OP_GREATER_EQUAL);
}

static bool is_within(const struct interval *a, const struct interval *b)
{
	bool is_low = a->low > b->low || (a->low == b->low && (a->is_low_open || !b->is_low_open));
	bool is_high = a->high < b->high || (a->high == b->high && (a->is_high_open || !b->is_high_open));
	return is_low && is_high;
}

static bool are_apart(const struct interval *a, const struct interval *b)
{
	return a->high < b->low || b->high < a->low || (a->high == b->low && (a->is_high_open || b->is_low_open)) ||
	       (b->high == a->low && (b->is_high_open || a->is_low_open));
}

static bool same_value(const struct atom *a, const struct atom *b)
{
	return genops_convert_same(a->value, b->value);
}

/* Two values of one type that differ: nothing is == both. (A text and a number may be equal to the same thing.) */
static bool differ(const struct atom *a, const struct atom *b)
{
	return a->value.type == b->value.type && a->value.type >= GENOPS_VALUE_BOOLEAN && a->value.type <= GENOPS_VALUE_TEXT && !same_value(a, b);
}

static bool atom_implies(const struct atom *a, const struct atom *b)
{
	struct interval x, y;
	if (!genops_tree_equal(a->what, b->what))
		return false;
	if (a->op == b->op && (a->op == OP_VOID || a->op == OP_NOT || same_value(a, b)))
		return true;
	if (b->op == OP_VOID && is_true(a))
		return true;
	if (a->op == OP_EQUAL && b->op == OP_NOT_EQUAL && (differ(a, b) || (genops_value_is_nullish(b->value) && !genops_value_is_nullish(a->value))))
		return true;
	if (b->op == OP_NOT_EQUAL && interval_of(a, &x)) {
		struct atom equal = {OP_EQUAL, b->what, b->value};
		return interval_of(&equal, &y) && are_apart(&x, &y);
	}
	return interval_of(a, &x) && interval_of(b, &y) && is_within(&x, &y);
}

static bool atom_excludes(const struct atom *a, const struct atom *b)
{
	struct interval x, y;
	if (!genops_tree_equal(a->what, b->what))
		return false;
	if ((is_true(a) && b->op == OP_NOT) || (a->op == OP_NOT && is_true(b)))
		return true;
	if (a->op == OP_EQUAL && b->op == OP_EQUAL && differ(a, b))
		return true;
	if (((a->op == OP_EQUAL && b->op == OP_NOT_EQUAL) || (a->op == OP_NOT_EQUAL && b->op == OP_EQUAL)) && same_value(a, b))
		return true;
	return interval_of(a, &x) && interval_of(b, &y) && are_apart(&x, &y);
}

/* A part of a && implies what is asked for; both sides of an || must. */
static bool implies(struct question *question, const struct genops_tree *a, const struct genops_tree *b)
{
	if (is_over(question))
		return false;
	if (b->op == OP_AND)
		return implies(question, a, b->children[0]) && implies(question, a, b->children[1]);
	if (a->op == OP_OR)
		return implies(question, a->children[0], b) && implies(question, a->children[1], b);
	if (b->op == OP_OR && (implies(question, a, b->children[0]) || implies(question, a, b->children[1])))
		return true;
	if (a->op == OP_AND && (implies(question, a->children[0], b) || implies(question, a->children[1], b)))
		return true;
	struct atom x = atom_of(a), y = atom_of(b);
	return genops_tree_equal(a, b) || atom_implies(&x, &y);
}

static bool excludes(struct question *question, const struct genops_tree *a, const struct genops_tree *b)
{
	if (is_over(question))
		return false;
	if (a->op == OP_OR)
		return excludes(question, a->children[0], b) && excludes(question, a->children[1], b);
	if (b->op == OP_OR)
		return excludes(question, a, b->children[0]) && excludes(question, a, b->children[1]);
	if (a->op == OP_AND)
		return excludes(question, a->children[0], b) || excludes(question, a->children[1], b);
	if (b->op == OP_AND)
		return excludes(question, a, b->children[0]) || excludes(question, a, b->children[1]);
	struct atom x = atom_of(a), y = atom_of(b);
	return atom_excludes(&x, &y);
}

bool genops_implies(const struct genops_tree *a, const struct genops_tree *b, unsigned *steps_left)
{
	struct question question = {0, steps_left};
	return implies(&question, a, b);
}

bool genops_implies_not(const struct genops_tree *a, const struct genops_tree *b, unsigned *steps_left)
{
	struct question question = {0, steps_left};
	return excludes(&question, a, b);
}
