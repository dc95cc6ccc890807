/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/emit.h - the compiler's state, and writing instructions. Private to the compiler: parse.c reads, emit.c writes. */
#ifndef PIPELINE_EXPRESSION_EMIT_H
#define PIPELINE_EXPRESSION_EMIT_H

#include "pipeline/expression/lexer.h"
#include "pipeline/expression/program.h"

#define GENOPS_NO_JUMP UINT32_MAX

struct genops_parser {
	struct genops_lexer lexer;
	struct genops_token token; /* not yet consumed */
	uint32_t before;           /* where the one before it ended */
	int depth;                 /* nesting of the source */
	unsigned stack;            /* values on the stack at this point */
	uint32_t landed;           /* the instruction that a jump leads to, the latest */
	struct genops_buffer code, places, constants, keys, regexes;
};

/* One value, with all that stands behind the token that ends it left alone; or the whole source. */
bool genops_parse_expression(struct genops_parser *parser);
bool genops_parse_all(struct genops_parser *parser);
bool genops_parse_to_brace(struct genops_parser *parser); /* the "}" is read, nothing behind it */

/* All of these fail as the lexer does. */
bool genops_emit(struct genops_parser *parser, uint32_t at, enum genops_op op, uint32_t a);
bool genops_emit_n(struct genops_parser *parser, uint32_t at, enum genops_op op, uint32_t a, unsigned n);
bool genops_emit_constant(struct genops_parser *parser, uint32_t at, struct genops_value value);
bool genops_emit_key(struct genops_parser *parser, uint32_t at, enum genops_op op, genops_str key); /* FIELD or MEMBER */
bool genops_emit_regex(struct genops_parser *parser, const struct genops_token *token);

/* A jump forward. Those that lead to one place are chained: *chain is NO_JUMP at first. */
bool genops_emit_jump(struct genops_parser *parser, uint32_t at, enum genops_op op, uint32_t *chain);
void genops_emit_land(struct genops_parser *parser, uint32_t chain); /* here */

/* The rows of functions.c and methods.c. */
bool genops_emit_is_global(genops_str name); /* does a name of JavaScript's own begin so? */
bool genops_emit_find_constant(genops_str name, double *ret_value);
bool genops_emit_find_function(genops_str name, size_t *ret_index);
bool genops_emit_find_method(genops_str name, size_t *ret_index);
const char *genops_emit_nearest_function(genops_str name); /* the nearest name, or NULL */
const char *genops_emit_nearest_method(genops_str name);

#endif
