/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/lexer.h - the words of an expression. Whether `/` divides or begins a pattern is known to the parser only, so
 * that it asks for one token at a time and says which it expects. */
#ifndef PIPELINE_EXPRESSION_LEXER_H
#define PIPELINE_EXPRESSION_LEXER_H

#include "pipeline/value.h"

enum genops_token_kind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_TEXT,   /* text: unescaped */
	TOKEN_NAME,   /* text */
	TOKEN_SIGN,   /* text: the operator or bracket as written; "`" begins a template literal */
	TOKEN_REGEX,  /* text: between the slashes; flags */
};

struct genops_token {
	enum genops_token_kind kind;
	uint32_t at, end; /* offsets in the source */
	genops_str text, flags;
	double number;
};

struct genops_lexer {
	struct genops_arena *arena; /* unescaped texts */
	genops_str source;
	uint32_t at;
	struct genops_error *err;
	int code; /* of the failure; 0: none */
};

/* The next token; `wants_operand`: a slash begins a pattern. False: failed, err is filled. */
bool genops_lexer_next(struct genops_lexer *lexer, bool wants_operand, struct genops_token *ret_token);

/* The text of a template literal up to its end or the next `${`, which is consumed. */
bool genops_lexer_template(struct genops_lexer *lexer, genops_str *ret_text, bool *ret_is_end);

/* Fills err with the place at this offset of the source; returns false. */
bool genops_lexer_fail(struct genops_lexer *lexer, uint32_t at, const char *fix, const char *format, ...) GENOPS_PRINTF(4, 5);

/* Line and column (characters, from 1) of an offset. */
void genops_lexer_place(genops_str source, uint32_t at, int *ret_line, int *ret_column);

#endif
