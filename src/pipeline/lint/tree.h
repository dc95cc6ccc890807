/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/tree.h - a compiled expression as a tree, for those who reason about it instead of running it.
 *
 * Made from the instructions, so that there is one parser only. A node is an instruction with what it works on as children; AND, OR and
 * COALESCE have both sides, JUMP_FALSE is `condition ? a : b`. ?. is gone: what is behind it may just be undefined.
 */
#ifndef PIPELINE_LINT_TREE_H
#define PIPELINE_LINT_TREE_H

#include "pipeline/expression/program.h"

struct genops_tree {
	enum genops_op op;
	uint32_t at;                 /* offset in the source */
	genops_str key, member;      /* FIELD: key; FIELD_MEMBER: key and member; MEMBER: member */
	const char *name;            /* FUNCTION, METHOD */
	struct genops_value value;   /* CONSTANT */
	bool is_optional;            /* something in it stands behind ?. */
	unsigned n;
	const struct genops_tree **children;
};

/* In the arena. NULL: no memory, or nested too deeply to reason about. */
const struct genops_tree *genops_tree_of(const struct genops_expression *expression, struct genops_arena *arena);

/* The same reading of the same things? Time and chance are never the same. */
bool genops_tree_equal(const struct genops_tree *a, const struct genops_tree *b);

/* Calls fn for the node and all below it, children first. */
typedef void genops_tree_fn(void *arg, const struct genops_tree *node);
void genops_tree_each(const struct genops_tree *tree, genops_tree_fn *fn, void *arg);

#endif
