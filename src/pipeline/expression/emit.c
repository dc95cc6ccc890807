/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/emit.c - instructions, constants and keys of the expression that is being compiled, and looking up the names of
 * functions and methods. See emit.h. The stack's height is known at every instruction, so that its maximum is checked here. */
#include "pipeline/expression/emit.h"

#include "pipeline/regex.h"

#define N_OF(buf, type) ((uint32_t)((buf).len / sizeof(type)))

static bool add(struct genops_parser *parser, struct genops_buffer *buf, const void *bytes, size_t len)
{
	genops_buffer_add(buf, (genops_str){bytes, len});
	if (!buf->error)
		return true;
	if (buf->error == GENOPS_NOMEM) {
		parser->lexer.code = genops_fail(parser->lexer.err, GENOPS_NOMEM, "no memory for an expression");
		return false;
	}
	return genops_lexer_fail(&parser->lexer, parser->token.at, "compute parts of it in an eval before", "the expression is too long");
}

/* How many values each instruction takes away, and whether it leaves one. n: those of its own. */
static unsigned taken(enum genops_op op, unsigned n)
{
	switch (op) {
	case OP_CONSTANT:
	case OP_EVENT:
	case OP_FIELD:
	case OP_FIELD_MEMBER:
		return 0;
	case OP_JOIN:
	case OP_LIST:
	case OP_FUNCTION:
	case OP_METHOD:
		return n;
	default:
		return op >= OP_ADD || op == OP_INDEX ? 2 : 1;
	}
}

static bool leaves_none(enum genops_op op)
{
	return op == OP_POP || op == OP_JUMP || op == OP_JUMP_FALSE || op == OP_AND || op == OP_OR || op == OP_COALESCE;
}

static bool emit(struct genops_parser *parser, uint32_t at, struct genops_instruction instruction)
{
	enum genops_op op = instruction.op;
	parser->stack -= taken(op, instruction.n);
	parser->stack += !leaves_none(op);
	if (parser->stack > GENOPS_EXPRESSION_STACK_MAX - GENOPS_ARGUMENTS_MAX)
		return genops_lexer_fail(&parser->lexer, at, "compute parts of it in an eval before", "the expression needs too many values at once");
	return add(parser, &parser->code, &instruction, sizeof instruction) && add(parser, &parser->places, &at, sizeof at);
}

bool genops_emit(struct genops_parser *parser, uint32_t at, enum genops_op op, uint32_t a)
{
	return emit(parser, at, (struct genops_instruction){.op = (uint8_t)op, .a = a});
}

bool genops_emit_n(struct genops_parser *parser, uint32_t at, enum genops_op op, uint32_t a, unsigned n)
{
	return emit(parser, at, (struct genops_instruction){.op = (uint8_t)op, .n = (uint8_t)n, .a = a});
}

bool genops_emit_constant(struct genops_parser *parser, uint32_t at, struct genops_value value)
{
	uint32_t n = N_OF(parser->constants, value);
	return add(parser, &parser->constants, &value, sizeof value) && genops_emit(parser, at, OP_CONSTANT, n);
}

static bool key_index(struct genops_parser *parser, genops_str text, uint32_t *ret_index)
{
	struct genops_value_key key = genops_value_key_of(text);
	uint32_t n = N_OF(parser->keys, key);
	const struct genops_value_key *keys = (const void *)parser->keys.ptr;
	for (uint32_t i = 0; i < n; i++) {
		if (keys[i].hash == key.hash && genops_str_equal(keys[i].text, text)) {
			*ret_index = i;
			return true;
		}
	}
	*ret_index = n;
	return add(parser, &parser->keys, &key, sizeof key);
}

bool genops_emit_key(struct genops_parser *parser, uint32_t at, enum genops_op op, genops_str text)
{
	uint32_t key, n = N_OF(parser->code, struct genops_instruction);
	struct genops_instruction *last = n ? (struct genops_instruction *)(void *)parser->code.ptr + (n - 1) : NULL;
	if (!key_index(parser, text, &key))
		return false;
	/* attributes['x'] in one step, unless a jump leads between the two */
	if (op == OP_MEMBER && last && last->op == OP_FIELD && parser->landed != n && key <= UINT16_MAX) {
		last->op = OP_FIELD_MEMBER;
		last->b = (uint16_t)key;
		return true;
	}
	return genops_emit(parser, at, op, key);
}

bool genops_emit_regex(struct genops_parser *parser, const struct genops_token *token)
{
	struct genops_regex *regex = NULL;
	struct genops_error err = {0};
	int code = genops_regex_compile(token->text, token->flags, &regex, &err);
	if (code != GENOPS_OK) {
		genops_lexer_fail(&parser->lexer, token->at + (err.column > 0 ? (uint32_t)err.column : 0), err.fix, "%s", err.message);
		parser->lexer.code = code;
		return false;
	}
	if (!add(parser, &parser->regexes, &regex, sizeof regex)) {
		genops_regex_free(regex);
		return false;
	}
	return genops_emit_constant(parser, token->at, (struct genops_value){.type = GENOPS_VALUE_REGEX, .as.regex = regex});
}

bool genops_emit_jump(struct genops_parser *parser, uint32_t at, enum genops_op op, uint32_t *chain)
{
	uint32_t before = *chain;
	*chain = N_OF(parser->code, struct genops_instruction);
	return genops_emit(parser, at, op, before);
}

void genops_emit_land(struct genops_parser *parser, uint32_t chain)
{
	uint32_t here = N_OF(parser->code, struct genops_instruction);
	struct genops_instruction *code = (void *)parser->code.ptr;
	while (chain != GENOPS_NO_JUMP) {
		uint32_t next = code[chain].a;
		code[chain].a = here;
		chain = next;
		parser->landed = here;
	}
}

/* --- names --- */

bool genops_emit_is_global(genops_str name)
{
	static const char *const reserved[] = {"Math", "Date", "JSON", "Number", "String", "Boolean", "Object", "Array", "RegExp", "Symbol", "BigInt",
	    "Promise", "Function", "Error", "Map", "Set", "Intl", "Reflect", "C", "parseInt", "parseFloat", "isNaN", "isFinite",
	    "encodeURIComponent", "decodeURIComponent", "encodeURI", "decodeURI", "escape", "unescape", "NaN", "Infinity"};
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
		if (genops_str_is(name, reserved[i]))
			return true;
	}
	return false;
}

bool genops_emit_find_constant(genops_str name, double *ret_value)
{
	for (size_t i = 0; i < genops_n_named_constants; i++) {
		if (genops_str_is(name, genops_named_constants[i].name)) {
			*ret_value = genops_named_constants[i].value;
			return true;
		}
	}
	return false;
}

bool genops_emit_find_function(genops_str name, size_t *ret_index)
{
	for (size_t i = 0; i < genops_n_functions; i++) {
		if (genops_str_is(name, genops_functions[i].name)) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

bool genops_emit_find_method(genops_str name, size_t *ret_index)
{
	for (size_t i = 0; i < genops_n_methods; i++) {
		if (genops_str_is(name, genops_methods[i].name)) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

const char *genops_emit_nearest_function(genops_str name)
{
	const char *names[128];
	size_t n = 0;
	for (size_t i = 0; i < genops_n_functions && n < 128; i++) {
		if (!strchr(genops_functions[i].name, '#') && !strchr(genops_functions[i].name, ' '))
			names[n++] = genops_functions[i].name;
	}
	return genops_str_nearest(name, names, n);
}

const char *genops_emit_nearest_method(genops_str name)
{
	const char *names[128];
	size_t n = 0;
	for (size_t i = 0; i < genops_n_methods && n < 128; i++)
		names[n++] = genops_methods[i].name;
	return genops_str_nearest(name, names, n);
}
