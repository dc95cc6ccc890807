/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/possible.h - which values an expression can have, as far as it says so itself: types, and sometimes all of them.
 *
 * Always too many rather than too few: what is not among them cannot happen.
 */
#ifndef PIPELINE_LINT_POSSIBLE_H
#define PIPELINE_LINT_POSSIBLE_H

#include "pipeline/lint/tree.h"

#define GENOPS_POSSIBLE_MAX 16

#define GENOPS_POSSIBLE_TYPE(type) (1u << GENOPS_VALUE_##type)
#define GENOPS_POSSIBLE_NULLISH    (GENOPS_POSSIBLE_TYPE(UNDEFINED) | GENOPS_POSSIBLE_TYPE(NULL))
#define GENOPS_POSSIBLE_ANY                                                                                                              \
	(GENOPS_POSSIBLE_NULLISH | GENOPS_POSSIBLE_TYPE(BOOLEAN) | GENOPS_POSSIBLE_TYPE(NUMBER) | GENOPS_POSSIBLE_TYPE(TEXT) |           \
	    GENOPS_POSSIBLE_TYPE(LIST) | GENOPS_POSSIBLE_TYPE(OBJECT))

struct genops_possible {
	unsigned types;
	bool is_listed; /* values[0, n) are all of them */
	unsigned n;
	struct genops_value values[GENOPS_POSSIBLE_MAX];
};

/* What a field can be at this point; false: nothing is known of it. */
typedef bool genops_possible_field_fn(void *arg, genops_str field, struct genops_possible *ret);

struct genops_possible genops_possible_types(unsigned types);
struct genops_possible genops_possible_one(struct genops_value value);
/* Of both. */
struct genops_possible genops_possible_either(const struct genops_possible *a, const struct genops_possible *b);
struct genops_possible genops_possible_of(const struct genops_tree *tree, genops_possible_field_fn *field, void *arg);

/* Can `a op b` be true (for != and !==: can it be false)? op: EQUAL, SAME, their opposites, or an order. */
bool genops_possible_holds(enum genops_op op, const struct genops_possible *a, const struct genops_possible *b);

#endif
