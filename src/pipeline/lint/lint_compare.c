/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/lint_compare.c - comparisons that can never be what their author meant.
 *
 * - Never true (or always, for !=): a field that an eval made a boolean against the text 'true', which JavaScript never finds equal.
 * - An attribute against 'true': a boolean attribute is not equal to it.
 * - A default that counts as an alarm: parseFloat(attributes['x'] || '0') <= 0 is true of every event without x. */
#include "base/str.h"
#include "pipeline/lint/lint_state.h"

#include <math.h>
#include <stdio.h>

struct comparison {
	struct genops_lint *lint;
	const struct genops_place *place;
};

static const char *sign_of(enum genops_op op)
{
	static const char *const signs[] = {"==", "!=", "===", "!==", "<", "<=", ">", ">="};
	return signs[op - OP_EQUAL];
}

static bool is_comparison(const struct genops_tree *tree)
{
	return tree->op >= OP_EQUAL && tree->op <= OP_GREATER_EQUAL;
}

static const char *type_text(unsigned types)
{
	static const struct {
		unsigned types;
		const char *text;
	} rows[] = {{GENOPS_POSSIBLE_TYPE(BOOLEAN), "a boolean"}, {GENOPS_POSSIBLE_TYPE(NUMBER), "a number"},
	    {GENOPS_POSSIBLE_TYPE(TEXT), "a text"}, {GENOPS_POSSIBLE_TYPE(LIST), "a list"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if ((types & ~GENOPS_POSSIBLE_NULLISH) == rows[i].types)
			return rows[i].text;
	}
	return "something else";
}

/* What the field or expression can be, in words: "only true or false", "a number". */
static void describe(const struct genops_possible *possible, char *out, size_t size)
{
	struct genops_buffer text;
	genops_buffer_init(&text, 200);
	genops_buffer_add_text(&text, "only ");
	for (unsigned i = 0; possible->is_listed && i < possible->n; i++) {
		genops_buffer_add_text(&text, !i ? "" : i + 1 == possible->n ? " or " : ", ");
		if (!genops_value_to_json(possible->values[i], &text))
			genops_buffer_add_text(&text, "undefined");
	}
	if (possible->is_listed && possible->n && !text.error)
		snprintf(out, size, "%.*s", (int)text.len, text.ptr);
	else
		snprintf(out, size, "%s", type_text(possible->types));
	genops_buffer_done(&text);
}

static bool is_truth_text(const struct genops_tree *tree)
{
	genops_str text = tree->op == OP_CONSTANT && tree->value.type == GENOPS_VALUE_TEXT ? genops_value_str(tree->value) : (genops_str){0};
	return genops_str_is(text, "true") || genops_str_is(text, "false");
}

static void say_never(struct comparison *at, const struct genops_tree *tree, const struct genops_tree *side, const struct genops_tree *other,
    const struct genops_possible *possible)
{
	char left[80], right[80], what[220], fix[200] = "compare with a value that it can have";
	bool is_not = tree->op == OP_NOT_EQUAL || tree->op == OP_NOT_SAME;
	describe(possible, what, sizeof what);
	if (is_truth_text(other) && (possible->types & GENOPS_POSSIBLE_TYPE(BOOLEAN)))
		snprintf(fix, sizeof fix, "write %s without quotes: to JavaScript true == 'true' is false", other->value.as.text[0] == 't' ? "true" : "false");
	else if (other->op == OP_CONSTANT && other->value.type == GENOPS_VALUE_BOOLEAN && (possible->types & GENOPS_POSSIBLE_TYPE(TEXT)))
		snprintf(fix, sizeof fix, "write %s in quotes, or set the field to a boolean", other->value.as.boolean ? "'true'" : "'false'");
	genops_lint_say(at->lint, at->place, fix, "%s %s %s is %s: %s is %s", genops_lint_text(tree->children[0], left, sizeof left), sign_of(tree->op),
	    genops_lint_text(tree->children[1], right, sizeof right), is_not ? "always true" : "never true",
	    side == tree->children[0] ? left : right, what);
}

static void check_never(struct comparison *at, const struct genops_tree *tree)
{
	struct genops_possible left = genops_lint_possible(at->lint, tree->children[0]);
	struct genops_possible right = genops_lint_possible(at->lint, tree->children[1]);
	bool is_left_constant = tree->children[0]->op == OP_CONSTANT, is_right_constant = tree->children[1]->op == OP_CONSTANT;
	const struct genops_possible *constant = is_left_constant ? &left : &right;
	/* `x == null` guards against what need not happen, and two constants are somebody's joke. */
	if (is_left_constant == is_right_constant || genops_value_is_nullish(constant->values[0]))
		return;
	if (genops_possible_holds(tree->op, &left, &right))
		return;
	int side = is_left_constant ? 1 : 0;
	say_never(at, tree, tree->children[side], tree->children[!side], side ? &right : &left);
}

static void check_truth_text(struct comparison *at, const struct genops_tree *tree)
{
	char left[120];
	for (int i = 0; i < 2; i++) {
		const struct genops_tree *side = tree->children[i], *other = tree->children[!i];
		if (side->op != OP_FIELD_MEMBER || !is_truth_text(other) || !genops_str_is(side->key, "attributes"))
			continue;
		char fix[240];
		snprintf(fix, sizeof fix, "write String(%s) %s '%s': it is right for both", genops_lint_text(side, left, sizeof left), sign_of(tree->op),
		    other->value.as.text[0] == 't' ? "true" : "false");
		genops_lint_say(at->lint, at->place, fix, "%s %s '%s' is false of a boolean attribute: true == 'true' is false",
		    left, sign_of(tree->op), other->value.as.text[0] == 't' ? "true" : "false");
		return;
	}
}

/* --- a default that counts as an alarm --- */

/* parseFloat(attributes['x'] || attributes['y'] || '0'): the last attribute, and the number that stands for nothing. */
static bool default_of(const struct genops_tree *tree, genops_str *ret_attribute, double *ret_value)
{
	static const char *const converters[] = {"parseFloat", "parseInt", "Number", "Number.parseFloat", "Number.parseInt"};
	bool is_converted = tree->op == OP_PLUS;
	for (size_t i = 0; tree->op == OP_FUNCTION && tree->n && i < 5; i++)
		is_converted |= !strcmp(tree->name, converters[i]);
	if (is_converted)
		tree = tree->children[0];
	if ((tree->op != OP_OR && tree->op != OP_COALESCE) || tree->children[1]->op != OP_CONSTANT)
		return false;
	struct genops_value value = tree->children[1]->value;
	*ret_attribute = genops_lint_source_attribute(tree);
	if (value.type == GENOPS_VALUE_NUMBER)
		*ret_value = value.as.number;
	else if (value.type != GENOPS_VALUE_TEXT || !genops_str_to_double(genops_value_str(value), ret_value))
		return false;
	return ret_attribute->len > 0;
}

static void find_guard(void *arg, const struct genops_tree *node)
{
	genops_str *attribute = arg;
	bool is_guard = (node->op == OP_NOT_EQUAL || node->op == OP_NOT_SAME) && node->children[1]->op == OP_CONSTANT &&
			genops_value_is_nullish(node->children[1]->value) && node->children[0]->op == OP_FIELD_MEMBER &&
			genops_str_equal(node->children[0]->member, *attribute);
	if (is_guard)
		*attribute = (genops_str){0};
}

/* Does a filter let only events with it through? Any mention of != null is taken for that. */
static bool is_guarded(const struct genops_lint *lint, genops_str attribute)
{
	for (size_t i = 0; i < lint->pipeline->n_filters && attribute.len; i++) {
		if (lint->guards[i])
			genops_tree_each(lint->guards[i], find_guard, &attribute);
	}
	return !attribute.len;
}

static bool is_alarm(enum genops_op op, double value, double limit)
{
	return op == OP_LESS ? value < limit : op == OP_LESS_EQUAL ? value <= limit : (op == OP_EQUAL || op == OP_SAME) && value == limit;
}

static void check_default(struct comparison *at, const struct genops_tree *tree)
{
	const struct genops_tree *side = tree->children[0], *limit = tree->children[1];
	const struct genops_lint_field *field = side->op == OP_FIELD ? genops_lint_find(at->lint, side->key) : NULL;
	genops_str attribute;
	double value;
	char fix[400];
	if (!field || !field->tree || limit->op != OP_CONSTANT || limit->value.type != GENOPS_VALUE_NUMBER || !default_of(field->tree, &attribute, &value) ||
	    !is_alarm(tree->op, value, limit->value.as.number) || is_guarded(at->lint, attribute))
		return;
	snprintf(fix, sizeof fix, "compute %.*s from what is there when the attribute is absent: attributes['%.*s'] != null ? parseFloat(attributes['%.*s']) : ...",
	    GENOPS_LINT_ARG(side->key), GENOPS_LINT_ARG(attribute), GENOPS_LINT_ARG(attribute));
	genops_lint_say(at->lint, at->place, fix, "%.*s %s %g is true of every event without attribute %.*s, which counts as %g there", GENOPS_LINT_ARG(side->key),
	    sign_of(tree->op), limit->value.as.number, GENOPS_LINT_ARG(attribute), value);
}

static void check_node(void *arg, const struct genops_tree *node)
{
	if (!is_comparison(node))
		return;
	check_never(arg, node);
	if (node->op <= OP_NOT_SAME)
		check_truth_text(arg, node);
	check_default(arg, node);
}

void genops_lint_compare(struct genops_lint *lint, const struct genops_tree *tree, const struct genops_place *place)
{
	struct comparison at = {lint, place};
	genops_tree_each(tree, check_node, &at);
}
