/* SPDX-License-Identifier: Apache-2.0
 * engine/check/reference_expressions.h - the reference page of the expression language. */
#ifndef ENGINE_REFERENCE_EXPRESSIONS_H
#define ENGINE_REFERENCE_EXPRESSIONS_H

#include "base/buffer.h"

void genops_reference_expressions(struct genops_buffer *out);

#endif
