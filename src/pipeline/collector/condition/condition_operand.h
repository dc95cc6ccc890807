/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/condition/condition_operand.h - what is compared: the parser's words, constants and paths. Between
 * condition_operand.c and condition_compile.c. */
#ifndef PIPELINE_COLLECTOR_CONDITION_OPERAND_H
#define PIPELINE_COLLECTOR_CONDITION_OPERAND_H

#include "pipeline/collector/condition/condition.h"

typedef struct genops_condition_node *genops_condition_node_p;

struct genops_condition_parser {
	genops_str text;
	size_t at;
	int depth;
	enum genops_signal signal;
	enum genops_condition_context context; /* INFERRED until a path says more */
	bool is_inferred;
	struct genops_arena *arena;
	struct genops_condition_node *patterns;
	struct genops_error *err;
	int code;
};

/* The first fault is kept. NULL. */
genops_condition_node_p genops_condition_operand_refuse(
    struct genops_condition_parser *p, size_t at, const char *fix, const char *format, ...) GENOPS_PRINTF(4, 5);
genops_condition_node_p genops_condition_operand_node(struct genops_condition_parser *p, enum genops_condition_kind kind); /* NULL: no memory */

/* All behind white space. */
void genops_condition_operand_skip(struct genops_condition_parser *p);
char genops_condition_operand_peek(struct genops_condition_parser *p); /* NUL: the end */
bool genops_condition_operand_take(struct genops_condition_parser *p, const char *text);
genops_str genops_condition_operand_word(struct genops_condition_parser *p);

/* A condition that asks about this is one of this, or of a part of it. */
void genops_condition_operand_infer(struct genops_condition_parser *p, enum genops_condition_context context);
/* A constant or a path; NULL: refused. */
genops_condition_node_p genops_condition_operand_parse(struct genops_condition_parser *p);

#endif
