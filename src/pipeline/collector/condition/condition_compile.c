/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/condition/condition_compile.c - conditions out of their text: recursive descent, as deep as
 * GENOPS_CONDITION_DEPTH_MAX. `or` binds weakest, then `and`, then `not`. */
#include "pipeline/collector/condition/condition_operand.h"

#include "base/str.h"
#include "pipeline/collector/item/re2.h"

static bool take_keyword(struct genops_condition_parser *p, const char *word)
{
	size_t before = p->at;
	if (genops_str_is(genops_condition_operand_word(p), word))
		return true;
	p->at = before;
	return false;
}

static bool is_deeper(struct genops_condition_parser *p)
{
	if (++p->depth <= GENOPS_CONDITION_DEPTH_MAX)
		return true;
	genops_condition_operand_refuse(p, p->at, "divide it into several conditions", "a condition is nested more than %d deep", GENOPS_CONDITION_DEPTH_MAX);
	return false;
}

/* --- booleans --- */

static const struct {
	const char *name;
	enum genops_condition_function function;
	int n_arguments;
} functions[] = {
    {"IsMatch", GENOPS_CONDITION_IS_MATCH, 2},
    {"HasPrefix", GENOPS_CONDITION_HAS_PREFIX, 2},
    {"HasSuffix", GENOPS_CONDITION_HAS_SUFFIX, 2},
    {"IsString", GENOPS_CONDITION_IS_STRING, 1},
    {"IsBool", GENOPS_CONDITION_IS_BOOL, 1},
    {"IsInt", GENOPS_CONDITION_IS_INT, 1},
    {"IsDouble", GENOPS_CONDITION_IS_DOUBLE, 1},
    {"IsMap", GENOPS_CONDITION_IS_MAP, 1},
    {"IsList", GENOPS_CONDITION_IS_LIST, 1},
    {"IsRootSpan", GENOPS_CONDITION_IS_ROOT_SPAN, 0},
    {"HasAttrKeyOnDatapoint", GENOPS_CONDITION_HAS_ATTR_KEY, 1},
    {"HasAttrOnDatapoint", GENOPS_CONDITION_HAS_ATTR, 2},
};

static bool own_pattern(struct genops_condition_parser *p, genops_condition_node_p node, size_t at)
{
	struct genops_error why = {0};
	node->pattern.text = node->right->value.bytes;
	int code = genops_re2_compile_search(node->pattern.text, &node->pattern.regex, &why);
	if (code == GENOPS_OK) {
		node->next_pattern = p->patterns;
		p->patterns = node;
		return true;
	}
	if (code == GENOPS_NOMEM)
		p->code = genops_fail(p->err, code, "%s", why.message);
	return genops_condition_operand_refuse(p, at, why.fix, "the pattern of IsMatch: %s", why.message) != NULL;
}

static bool fits_context(struct genops_condition_parser *p, enum genops_condition_function function)
{
	if (function == GENOPS_CONDITION_IS_ROOT_SPAN)
		return p->context == GENOPS_CONDITION_SPAN || (p->is_inferred && p->signal == GENOPS_SIGNAL_TRACES);
	if (function >= GENOPS_CONDITION_HAS_ATTR_KEY)
		return p->context == GENOPS_CONDITION_METRIC || (p->is_inferred && p->signal == GENOPS_SIGNAL_METRICS);
	return true;
}

/* Behind the name. Second arguments, and first ones of Has...OnDatapoint, are constants. */
static genops_condition_node_p parse_call(struct genops_condition_parser *p, size_t i, size_t start)
{
	genops_condition_node_p node = genops_condition_operand_node(p, GENOPS_CONDITION_CALL);
	if (!node)
		return NULL;
	node->function = functions[i].function;
	if (!fits_context(p, node->function))
		return genops_condition_operand_refuse(p, start, "", "%s is not for a %s", functions[i].name, genops_condition_context_name(p->context));
	if (node->function >= GENOPS_CONDITION_IS_ROOT_SPAN)
		genops_condition_operand_infer(p, node->function == GENOPS_CONDITION_IS_ROOT_SPAN ? GENOPS_CONDITION_SPAN : GENOPS_CONDITION_METRIC);
	if (!genops_condition_operand_take(p, "("))
		return genops_condition_operand_refuse(p, p->at, "", "( expected");
	if (functions[i].n_arguments > 0 && !(node->left = genops_condition_operand_parse(p)))
		return NULL;
	if (functions[i].n_arguments > 1 && !genops_condition_operand_take(p, ","))
		return genops_condition_operand_refuse(p, p->at, "", "%s takes two arguments", functions[i].name);
	size_t second = p->at;
	if (functions[i].n_arguments > 1 && !(node->right = genops_condition_operand_parse(p)))
		return NULL;
	bool needs_text = node->function >= GENOPS_CONDITION_HAS_ATTR_KEY;
	if (needs_text && (node->left->kind != GENOPS_CONDITION_VALUE || node->left->value.type != GENOPS_OTLP_STRING))
		return genops_condition_operand_refuse(p, start, "", "%s takes texts", functions[i].name);
	if (node->right && (node->right->kind != GENOPS_CONDITION_VALUE || node->right->value.type != GENOPS_OTLP_STRING))
		return genops_condition_operand_refuse(p, second, "", "the second argument of %s must be a text", functions[i].name);
	if (!genops_condition_operand_take(p, ")"))
		return genops_condition_operand_refuse(p, p->at, "", ") expected");
	if (node->function == GENOPS_CONDITION_IS_MATCH && !own_pattern(p, node, second))
		return NULL;
	return node;
}

static bool take_operator(struct genops_condition_parser *p, enum genops_condition_operator *ret_op)
{
	static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
	static const enum genops_condition_operator codes[] = {GENOPS_CONDITION_EQ, GENOPS_CONDITION_NE, GENOPS_CONDITION_LE,
	    GENOPS_CONDITION_GE, GENOPS_CONDITION_LT, GENOPS_CONDITION_GT};
	for (size_t i = 0; i < 6; i++) {
		*ret_op = codes[i];
		if (genops_condition_operand_take(p, operators[i]))
			return true;
	}
	return false;
}

static genops_condition_node_p parse_comparison(struct genops_condition_parser *p)
{
	size_t start = (genops_condition_operand_skip(p), p->at);
	enum genops_condition_operator op;
	genops_str word = genops_condition_operand_word(p);
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
		if (genops_str_is(word, functions[i].name))
			return parse_call(p, i, start);
	}
	p->at = start;
	genops_condition_node_p left = genops_condition_operand_parse(p);
	if (!left)
		return NULL;
	if (!take_operator(p, &op)) {
		if (left->kind == GENOPS_CONDITION_VALUE && left->value.type == GENOPS_OTLP_BOOL)
			return left;
		if (genops_condition_operand_peek(p) && strchr("+-*/", genops_condition_operand_peek(p)))
			return genops_condition_operand_refuse(p, p->at, "", "arithmetic is not done here");
		return genops_condition_operand_refuse(p, p->at, "write ... == true, or ... != nil", "a comparison (==, !=, <, <=, >, >=) expected");
	}
	genops_condition_node_p node = genops_condition_operand_node(p, GENOPS_CONDITION_COMPARE), right = genops_condition_operand_parse(p);
	if (!node || !right)
		return NULL;
	node->op = op;
	node->left = left;
	node->right = right;
	return node;
}

static genops_condition_node_p parse_or(struct genops_condition_parser *p);

static genops_condition_node_p parse_not(struct genops_condition_parser *p)
{
	genops_condition_node_p node = NULL;
	if (!is_deeper(p))
		return NULL;
	if (take_keyword(p, "not")) {
		node = genops_condition_operand_node(p, GENOPS_CONDITION_NOT);
		if (node && !(node->left = parse_not(p)))
			node = NULL;
	} else if (genops_condition_operand_take(p, "(")) {
		node = parse_or(p);
		if (node && !genops_condition_operand_take(p, ")"))
			node = genops_condition_operand_refuse(p, p->at, "", ") expected");
	} else {
		node = parse_comparison(p);
	}
	p->depth--;
	return node;
}

static genops_condition_node_p join(struct genops_condition_parser *p, enum genops_condition_kind kind, genops_condition_node_p left, genops_condition_node_p right)
{
	genops_condition_node_p node = left && right ? genops_condition_operand_node(p, kind) : NULL;
	if (!node)
		return NULL;
	node->left = left;
	node->right = right;
	return node;
}

/* Joined to the right, so that a long row is no deep tree to its left; each step counts as depth all the same. */
static genops_condition_node_p parse_and(struct genops_condition_parser *p)
{
	genops_condition_node_p left = is_deeper(p) ? parse_not(p) : NULL;
	if (left && take_keyword(p, "and"))
		left = join(p, GENOPS_CONDITION_AND, left, parse_and(p));
	p->depth--;
	return left;
}

static genops_condition_node_p parse_or(struct genops_condition_parser *p)
{
	genops_condition_node_p left = is_deeper(p) ? parse_and(p) : NULL;
	if (left && take_keyword(p, "or"))
		left = join(p, GENOPS_CONDITION_OR, left, parse_or(p));
	p->depth--;
	return left;
}

int genops_condition_compile(genops_str text, enum genops_signal signal, enum genops_condition_context context,
    struct genops_arena *arena, struct genops_condition *ret_condition, struct genops_error *err)
{
	struct genops_error own = {0};
	struct genops_condition_parser p = {.text = text,
	    .signal = signal,
	    .context = context,
	    .is_inferred = context == GENOPS_CONDITION_INFERRED,
	    .arena = arena,
	    .err = err ? err : &own};
	if (text.len > GENOPS_CONDITION_LEN_MAX)
		return genops_fail(err, GENOPS_LIMIT, "a condition is longer than %zu bytes", GENOPS_CONDITION_LEN_MAX);
	genops_condition_node_p root =
	    text.len ? parse_or(&p) : genops_condition_operand_refuse(&p, 0, "", "the condition is empty");
	if (root && genops_condition_operand_peek(&p))
		root = genops_condition_operand_refuse(&p, p.at, strchr("+-*/", genops_condition_operand_peek(&p)) ? "arithmetic is not done here" : "", "\"and\", \"or\" or the end expected");
	struct genops_condition condition = {.source = text,
	    .context = p.context == GENOPS_CONDITION_INFERRED ? GENOPS_CONDITION_RESOURCE : p.context,
	    .root = root,
	    .patterns = p.patterns};
	if (!root) {
		genops_condition_done(&condition);
		return p.code;
	}
	*ret_condition = condition;
	return GENOPS_OK;
}

void genops_condition_done(struct genops_condition *condition)
{
	for (struct genops_condition_node *node = condition->patterns; node; node = node->next_pattern)
		genops_regex_free(node->pattern.regex);
	condition->patterns = NULL;
}
