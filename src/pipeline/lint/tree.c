/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/tree.c - see tree.h. The instructions are run with nodes in place of values: jumps only go forward, and each is the end of
 * one operand, so a part of the code makes exactly one node. */
#include "pipeline/lint/tree.h"

#include "base/str.h"

#define DEPTH_MAX 200

struct maker {
	const struct genops_expression *expression;
	struct genops_arena *arena;
	int depth;
	unsigned n; /* on the stack */
	const struct genops_tree *stack[GENOPS_EXPRESSION_STACK_MAX];
};

static struct genops_tree *new_node(struct maker *maker, uint32_t at, unsigned n)
{
	const struct genops_instruction *code = &maker->expression->code[at];
	struct genops_tree *node = genops_arena_alloc(maker->arena, sizeof *node);
	if (!node || !(node->children = genops_arena_alloc(maker->arena, (n + 1) * sizeof *node->children)))
		return NULL;
	node->op = (enum genops_op)code->op;
	node->at = maker->expression->places[at];
	node->n = n;
	return node;
}

static bool push(struct maker *maker, const struct genops_tree *node)
{
	if (!node || maker->n == GENOPS_EXPRESSION_STACK_MAX)
		return false;
	maker->stack[maker->n++] = node;
	return true;
}

/* What an instruction without jumps takes from the stack. */
static unsigned taken(const struct genops_instruction *code)
{
	switch ((enum genops_op)code->op) {
	case OP_CONSTANT: case OP_EVENT: case OP_FIELD: case OP_FIELD_MEMBER:
		return 0;
	case OP_MEMBER: case OP_POP: case OP_NOT: case OP_NEGATE: case OP_PLUS: case OP_BIT_NOT: case OP_TYPEOF: case OP_VOID:
		return 1;
	case OP_JOIN: case OP_LIST: case OP_FUNCTION: case OP_METHOD:
		return code->n;
	default:
		return 2;
	}
}

static bool add_plain(struct maker *maker, uint32_t at)
{
	const struct genops_expression *expression = maker->expression;
	const struct genops_instruction *code = &expression->code[at];
	unsigned n = taken(code);
	struct genops_tree *node = n <= maker->n ? new_node(maker, at, n) : NULL;
	if (!node)
		return false;
	for (unsigned i = 0; i < n; i++) {
		node->children[i] = maker->stack[maker->n - n + i];
		node->is_optional |= node->children[i]->is_optional;
	}
	maker->n -= n;
	if (node->op == OP_CONSTANT)
		node->value = expression->constants[code->a];
	if (node->op == OP_FIELD || node->op == OP_FIELD_MEMBER)
		node->key = expression->keys[code->a].text;
	if (node->op == OP_FIELD_MEMBER || node->op == OP_MEMBER)
		node->member = expression->keys[node->op == OP_MEMBER ? code->a : code->b].text;
	if (node->op == OP_FUNCTION)
		node->name = genops_functions[code->a].name;
	if (node->op == OP_METHOD)
		node->name = genops_methods[code->a].name;
	return push(maker, node);
}

static const struct genops_tree *make(struct maker *maker, uint32_t from, uint32_t to);

static bool add_short(struct maker *maker, uint32_t at, uint32_t end)
{
	struct genops_tree *node = maker->n ? new_node(maker, at, 2) : NULL;
	if (!node)
		return false;
	node->children[0] = maker->stack[--maker->n];
	node->children[1] = make(maker, at + 1, end);
	return node->children[1] && push(maker, node);
}

/* condition, JUMP_FALSE b, a, JUMP end, b, end */
static bool add_choice(struct maker *maker, uint32_t at, uint32_t otherwise, uint32_t to, uint32_t *ret_end)
{
	const struct genops_instruction *code = maker->expression->code;
	struct genops_tree *node = maker->n ? new_node(maker, at, 3) : NULL;
	if (!node || otherwise <= at + 1 || otherwise > to || code[otherwise - 1].op != OP_JUMP)
		return false;
	*ret_end = code[otherwise - 1].a;
	node->children[0] = maker->stack[--maker->n];
	node->children[1] = make(maker, at + 1, otherwise - 1);
	node->children[2] = *ret_end <= to && *ret_end > otherwise ? make(maker, otherwise, *ret_end) : NULL;
	return node->children[1] && node->children[2] && push(maker, node);
}

static bool step(struct maker *maker, uint32_t *i, uint32_t to)
{
	const struct genops_instruction *code = &maker->expression->code[*i];
	uint32_t at = *i;
	switch ((enum genops_op)code->op) {
	case OP_AND: case OP_OR: case OP_COALESCE:
		*i = code->a;
		return code->a > at && code->a <= to && add_short(maker, at, code->a);
	case OP_JUMP_FALSE:
		return add_choice(maker, at, code->a, to, i);
	case OP_OPTIONAL: {
		struct genops_tree *copy = maker->n ? genops_arena_alloc(maker->arena, sizeof *copy) : NULL;
		if (!copy)
			return false;
		*copy = *maker->stack[maker->n - 1];
		copy->is_optional = true;
		maker->stack[maker->n - 1] = copy;
		++*i;
		return true;
	}
	default:
		++*i;
		return add_plain(maker, at);
	}
}

/* The one value that code[from, to) leaves. */
static const struct genops_tree *make(struct maker *maker, uint32_t from, uint32_t to)
{
	unsigned n = maker->n;
	bool is_good = maker->depth++ < DEPTH_MAX;
	for (uint32_t i = from; is_good && i < to;)
		is_good = step(maker, &i, to) && maker->n > n;
	maker->depth--;
	if (!is_good || maker->n != n + 1)
		return NULL;
	return maker->stack[--maker->n];
}

const struct genops_tree *genops_tree_of(const struct genops_expression *expression, struct genops_arena *arena)
{
	struct maker maker = {.expression = expression, .arena = arena};
	return make(&maker, 0, expression->n_code);
}

static bool is_fleeting(const struct genops_tree *node)
{
	return node->op == OP_FUNCTION && (!strcmp(node->name, "Math.random") || !strcmp(node->name, "Date.now") || !strcmp(node->name, "new Date"));
}

bool genops_tree_equal(const struct genops_tree *a, const struct genops_tree *b)
{
	if (a->op != b->op || a->n != b->n || !genops_str_equal(a->key, b->key) || !genops_str_equal(a->member, b->member) || a->name != b->name ||
	    is_fleeting(a))
		return false;
	if (a->op == OP_CONSTANT && !genops_convert_same(a->value, b->value))
		return false;
	for (unsigned i = 0; i < a->n; i++) {
		if (!genops_tree_equal(a->children[i], b->children[i]))
			return false;
	}
	return true;
}

void genops_tree_each(const struct genops_tree *tree, genops_tree_fn *fn, void *arg)
{
	for (unsigned i = 0; i < tree->n; i++)
		genops_tree_each(tree->children[i], fn, arg);
	fn(arg, tree);
}
