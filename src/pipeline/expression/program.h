/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/program.h - what a compiled expression is, and what runs it. Private to the expression language.
 *
 * Instructions work on a stack of values. Jumps only go forward. Everything an expression owns is in its arena, but for its patterns.
 */
#ifndef PIPELINE_EXPRESSION_PROGRAM_H
#define PIPELINE_EXPRESSION_PROGRAM_H

#include "pipeline/expression.h"

/* What each does to the stack is in the comment: [before] -> [after]. */
enum genops_op {
	OP_CONSTANT,       /* [] -> [constants[a]] */
	OP_EVENT,          /* [] -> [event] */
	OP_FIELD,          /* [] -> [event.keys[a]] */
	OP_FIELD_MEMBER,   /* [] -> [event.keys[a].keys[b]]: attributes['x'] in one step */
	OP_MEMBER,         /* [x] -> [x.keys[a]] */
	OP_INDEX,          /* [x, i] -> [x[i]] */
	OP_POP,            /* [x] -> [] */
	OP_JUMP,           /* to a */
	OP_JUMP_FALSE,     /* [x] -> []; to a if it is not true */
	OP_AND,            /* [x] -> [x] and to a if it is not true, else [] */
	OP_OR,             /* [x] -> [x] and to a if it is true, else [] */
	OP_COALESCE,       /* [x] -> [x] and to a unless it is nullish, else [] */
	OP_OPTIONAL,       /* [x] -> [undefined] and to a if it is nullish, else [x] */
	OP_NOT,            /* [x] -> [!x] and so on */
	OP_NEGATE,
	OP_PLUS,
	OP_BIT_NOT,
	OP_TYPEOF,
	OP_VOID,
	OP_ADD,            /* [x, y] -> [x + y] and so on */
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_REMAINDER,
	OP_POWER,
	OP_BIT_AND,
	OP_BIT_OR,
	OP_BIT_XOR,
	OP_SHIFT_LEFT,
	OP_SHIFT_RIGHT,
	OP_SHIFT_RIGHT_UNSIGNED,
	OP_EQUAL,
	OP_NOT_EQUAL,
	OP_SAME,           /* === */
	OP_NOT_SAME,
	OP_LESS,
	OP_LESS_EQUAL,
	OP_GREATER,
	OP_GREATER_EQUAL,
	OP_IN,
	OP_JOIN,           /* [n values] -> [their texts as one]: a template literal */
	OP_LIST,           /* [n values] -> [list] */
	OP_FUNCTION,       /* [n values] -> [functions[a](values)] */
	OP_METHOD,         /* [x, n values] -> [x.methods[a](values)] */
};

struct genops_instruction {
	uint8_t op; /* enum genops_op */
	uint8_t n;
	uint16_t b;
	uint32_t a;
};

struct genops_expression {
	struct genops_arena arena;
	genops_str source; /* a copy */
	uint32_t n_code, n_constants, n_keys, n_regexes;
	struct genops_instruction *code;
	uint32_t *places; /* offset in the source, an instruction */
	struct genops_value *constants;
	struct genops_value_key *keys;
	struct genops_regex **regexes; /* owned */
};

/* One run. A function that fails has filled err and returns false. */
struct genops_machine {
	const struct genops_expression *expression;
	struct genops_expression_run *run;
	struct genops_value event;
	struct genops_error *err;
	uint32_t place; /* of what is being done */
	int code;       /* of the failure */
};

/* args[0 .. n) and behind them undefined up to the row's maximum; a method's receiver is args[0]. */
typedef bool genops_function_fn(struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret);

#define GENOPS_ARGUMENTS_MAX 16

struct genops_builtin {
	const char *name;   /* "Math.floor", "parseInt", "new Date" */
	uint8_t min, max;   /* arguments */
	genops_function_fn *call;
	const char *text;   /* for the table of constructs */
};

struct genops_method {
	const char *name;
	uint8_t min, max;
	/* By what it is called on; NULL: that has no such method. */
	genops_function_fn *on_text, *on_number, *on_list, *on_other;
	const char *text;
};

struct genops_named_constant {
	const char *name; /* "Math.PI" */
	double value;
};

extern const struct genops_builtin genops_functions[];
extern const size_t genops_n_functions;
extern const struct genops_method genops_methods[];
extern const size_t genops_n_methods;
extern const struct genops_named_constant genops_named_constants[];
extern const size_t genops_n_named_constants;

/* --- failing --- */

/* "TypeError: ..." as JavaScript would say it; returns false. */
bool genops_run_throw(struct genops_machine *machine, const char *fix, const char *format, ...) GENOPS_PRINTF(3, 4);
bool genops_run_full(struct genops_machine *machine); /* the arena or a text is over its maximum */

/* --- converting (convert.c) --- */

bool genops_convert_to_boolean(struct genops_value value);
bool genops_convert_to_number(struct genops_machine *machine, struct genops_value value, double *ret);
bool genops_convert_to_text(struct genops_machine *machine, struct genops_value value, genops_str *ret);
bool genops_convert_add(struct genops_machine *machine, struct genops_value a, struct genops_value b, struct genops_value *ret);
bool genops_convert_equal(struct genops_machine *machine, struct genops_value a, struct genops_value b, bool *ret); /* == */
bool genops_convert_same(struct genops_value a, struct genops_value b);                                          /* === */
bool genops_convert_same_or_nan(struct genops_value a, struct genops_value b);                                   /* includes */
/* -1, 0, 1, or 2: one of them is not a number */
bool genops_convert_compare(struct genops_machine *machine, struct genops_value a, struct genops_value b, int *ret);
bool genops_convert_join(struct genops_machine *machine, const struct genops_value_list *list, genops_str between, genops_str *ret);
/* An argument as an integer in [0, length]; negative ones count from the end if asked. undefined is `otherwise`. */
bool genops_convert_position(struct genops_machine *machine, struct genops_value value, size_t length, bool from_end,
    size_t otherwise, size_t *ret);
const char *genops_convert_type_name(struct genops_value value); /* typeof */
double genops_run_power(double base, double exponent);       /* ** */

/* A text of the arena's as a value; false (and failed) if ptr is NULL or it is too long. */
bool genops_run_text(struct genops_machine *machine, genops_str text, struct genops_value *ret);

#endif
