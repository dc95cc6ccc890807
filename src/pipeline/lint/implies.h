/* SPDX-License-Identifier: Apache-2.0
 * pipeline/lint/implies.h - does one condition follow from another, do they exclude one another? Decided for comparisons of the same thing with
 * constants, joined by &&, || and !; false means: cannot be shown, or not within *steps_left, which is counted down. */
#ifndef PIPELINE_LINT_IMPLIES_H
#define PIPELINE_LINT_IMPLIES_H

#include "pipeline/lint/tree.h"

bool genops_implies(const struct genops_tree *a, const struct genops_tree *b, unsigned *steps_left); /* whenever a is true, b is */
bool genops_implies_not(const struct genops_tree *a, const struct genops_tree *b, unsigned *steps_left); /* whenever a is true, b is not */

#endif
