/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/parse.c - source to instructions in one pass: a recursive descent whose depth is bounded. See expression.h for
 * what is taken; what is outside is refused here, with its place and what to write instead. */
#include "pipeline/expression/emit.h"

#include <stdio.h>

/* What the expression just parsed is, where JavaScript forbids mixing without parentheses. */
enum shape { PLAIN, UNARY, LOGICAL, COALESCED };

struct binary {
	const char *sign;
	uint8_t precedence, op;
};

enum { PRECEDENCE_COALESCE = 1, PRECEDENCE_OR, PRECEDENCE_AND, PRECEDENCE_POWER = 12 };

static const struct binary binaries[] = {{"??", PRECEDENCE_COALESCE, OP_COALESCE}, {"||", PRECEDENCE_OR, OP_OR},
    {"&&", PRECEDENCE_AND, OP_AND}, {"|", 4, OP_BIT_OR}, {"^", 5, OP_BIT_XOR}, {"&", 6, OP_BIT_AND}, {"==", 7, OP_EQUAL},
    {"!=", 7, OP_NOT_EQUAL}, {"===", 7, OP_SAME}, {"!==", 7, OP_NOT_SAME}, {"<", 8, OP_LESS}, {"<=", 8, OP_LESS_EQUAL},
    {">", 8, OP_GREATER}, {">=", 8, OP_GREATER_EQUAL}, {"in", 8, OP_IN}, {"<<", 9, OP_SHIFT_LEFT}, {">>", 9, OP_SHIFT_RIGHT},
    {">>>", 9, OP_SHIFT_RIGHT_UNSIGNED}, {"+", 10, OP_ADD}, {"-", 10, OP_SUBTRACT}, {"*", 11, OP_MULTIPLY}, {"/", 11, OP_DIVIDE},
    {"%", 11, OP_REMAINDER}, {"**", PRECEDENCE_POWER, OP_POWER}};

/* Signs and words of JavaScript that are outside, and what to do instead. */
static const struct {
	const char *word, *what, *fix;
} outside[] = {
    {"=", "assignments are outside the expression language", "write == to compare"},
    {"=>", "functions of one's own are outside the expression language", "use the methods of texts and lists, like includes"},
    {"++", "assignments are outside the expression language", "write + 1"},
    {"--", "assignments are outside the expression language", "write - 1"},
    {"+=", "assignments are outside the expression language", "write +"},
    {"-=", "assignments are outside the expression language", "write -"},
    {"{", "objects and blocks cannot be written in an expression", "use a list, or fields of the event"},
    {"...", "... is outside the expression language", "name each element"},
    {";", "an expression is one value; statements are outside", "leave the ; away"},
    {",", "one value is due; the comma operator is outside", "write one expression only"},
    {"instanceof", "instanceof is outside the expression language", "use typeof or Array.isArray()"},
    {"function", "functions of one's own are outside the expression language", "use the methods of texts and lists"},
    {"async", "functions of one's own are outside the expression language", ""},
    {"await", "an expression waits for nothing", ""}, {"yield", "an expression waits for nothing", ""},
    {"delete", "an expression changes nothing", "set the field to undefined in an eval"},
    {"class", "classes are outside the expression language", ""}, {"this", "there is no this", "write __e for the event"},
    {"super", "there is no super", ""}, {"import", "nothing can be imported", ""}, {"throw", "an expression cannot throw", ""},
    {"var", "declarations are outside the expression language", "use a field of an eval before this one"},
    {"let", "declarations are outside the expression language", "use a field of an eval before this one"},
    {"const", "declarations are outside the expression language", "use a field of an eval before this one"},
    {"if", "statements are outside the expression language", "write condition ? a : b"},
    {"switch", "statements are outside the expression language", "write condition ? a : b"},
    {"for", "loops are outside the expression language", ""}, {"while", "loops are outside the expression language", ""},
    {"do", "loops are outside the expression language", ""}, {"return", "statements are outside", "leave return away"},
    {"try", "statements are outside the expression language", ""}, {"with", "statements are outside the expression language", ""},
    {"debugger", "statements are outside the expression language", ""}, {"eval", "eval is outside the expression language", ""},
    {"constructor", "constructor is not reachable", ""}, {"prototype", "prototype is not reachable", ""},
    {"__proto__", "__proto__ is not reachable", ""}, {"globalThis", "there is no globalThis", "name the function itself"},
    {"arguments", "there are no arguments", ""},
};

static bool refuse_outside(struct genops_parser *parser, const char *otherwise)
{
	const struct genops_token *token = &parser->token;
	bool is_word = token->kind == TOKEN_SIGN || token->kind == TOKEN_NAME;
	for (size_t i = 0; is_word && i < sizeof outside / sizeof *outside; i++) {
		if (genops_str_is(token->text, outside[i].word))
			return genops_lexer_fail(&parser->lexer, token->at, outside[i].fix, "%s", outside[i].what);
	}
	if (token->kind == TOKEN_END)
		return genops_lexer_fail(&parser->lexer, token->at, "", "the expression ends where %s is due", otherwise);
	return genops_lexer_fail(&parser->lexer, token->at, "", "%s is due here", otherwise);
}

static bool is_outside_name(genops_str name)
{
	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
		if (genops_str_is(name, outside[i].word))
			return true;
	}
	return false;
}

/* "write NAME" into `out`, or what to do else. */
static const char *suggest(const char *nearest, const char *otherwise, char *out, size_t size)
{
	if (!nearest)
		return otherwise;
	snprintf(out, size, "write %s", nearest);
	return out;
}

static bool is_sign(const struct genops_parser *parser, const char *sign)
{
	return parser->token.kind == TOKEN_SIGN && genops_str_is(parser->token.text, sign);
}

static bool advance(struct genops_parser *parser, bool wants_operand)
{
	parser->before = parser->token.end;
	return genops_lexer_next(&parser->lexer, wants_operand, &parser->token);
}

/* Consumes the sign that is due. */
static bool expect(struct genops_parser *parser, const char *sign, bool wants_operand)
{
	char what[16];
	if (is_sign(parser, sign))
		return advance(parser, wants_operand);
	snprintf(what, sizeof what, "\"%s\"", sign);
	return refuse_outside(parser, what);
}

static bool parse_conditional(struct genops_parser *parser);

bool genops_parse_expression(struct genops_parser *parser)
{
	if (parser->depth == GENOPS_EXPRESSION_DEPTH_MAX)
		return genops_lexer_fail(&parser->lexer, parser->token.at, "compute parts of it in an eval before", "nested too deeply (over %d)",
		    GENOPS_EXPRESSION_DEPTH_MAX);
	parser->depth++;
	bool ok = parse_conditional(parser);
	parser->depth--;
	return ok;
}

/* --- operands --- */

/* The token is "`" : all of it up to the closing one, and the token behind it. */
static bool parse_template(struct genops_parser *parser)
{
	uint32_t at = parser->token.at;
	unsigned n = 0;
	for (bool is_end = false; !is_end;) {
		genops_str text;
		if (!genops_lexer_template(&parser->lexer, &text, &is_end))
			return false;
		if (text.len || (is_end && !n)) {
			n++;
			if (!genops_emit_constant(parser, at, genops_value_text(text)))
				return false;
		}
		if (is_end)
			break;
		n++;
		if (!advance(parser, true) || !genops_parse_expression(parser))
			return false;
		if (!is_sign(parser, "}"))
			return refuse_outside(parser, "\"}\"");
	}
	return genops_emit_n(parser, at, OP_JOIN, 0, n) && advance(parser, false);
}

/* Expressions between commas up to `close`, which is consumed. */
static bool parse_items(struct genops_parser *parser, const char *close, unsigned most, unsigned *ret_n)
{
	unsigned n = 0;
	while (!is_sign(parser, close)) {
		if (n == most)
			return genops_lexer_fail(&parser->lexer, parser->token.at, "", "more than %u are not taken here", most);
		if (!genops_parse_expression(parser))
			return false;
		n++;
		if (!is_sign(parser, ","))
			break;
		if (!advance(parser, true))
			return false;
	}
	*ret_n = n;
	return expect(parser, close, false);
}

static bool check_arguments(struct genops_parser *parser, uint32_t at, const char *name, unsigned n, unsigned min, unsigned max)
{
	if (n >= min && n <= max)
		return true;
	if (min == max)
		return genops_lexer_fail(&parser->lexer, at, "", "%s takes %u argument%s here, not %u", name, min, min == 1 ? "" : "s", n);
	return genops_lexer_fail(&parser->lexer, at, "", "%s takes %u to %u arguments here, not %u", name, min, max, n);
}

/* The token is "(" behind the name of a function. */
static bool parse_call(struct genops_parser *parser, uint32_t at, size_t function)
{
	unsigned n;
	const struct genops_builtin *row = &genops_functions[function];
	if (!advance(parser, true) || !parse_items(parser, ")", GENOPS_ARGUMENTS_MAX, &n) ||
	    !check_arguments(parser, at, row->name, n, row->min, row->max))
		return false;
	return genops_emit_n(parser, at, OP_FUNCTION, (uint32_t)function, n);
}

/* A name of JavaScript's own: a constant, or a function that is called. Its parts are joined by a point. */
static bool parse_global(struct genops_parser *parser, uint32_t at, genops_str name)
{
	char whole[80], fix[100];
	snprintf(whole, sizeof whole, "%.*s", GENOPS_STR_ARG(name));
	if (is_sign(parser, ".")) {
		if (!advance(parser, false))
			return false;
		snprintf(whole, sizeof whole, "%.*s.%.*s", GENOPS_STR_ARG(name),
		    parser->token.kind == TOKEN_NAME && parser->token.text.len < 40 ? (int)parser->token.text.len : 0, parser->token.text.ptr);
		if (!advance(parser, false))
			return false;
	}
	double value;
	size_t function;
	if (genops_emit_find_constant(genops_str_of(whole), &value))
		return genops_emit_constant(parser, at, genops_value_number(value));
	if (!genops_emit_find_function(genops_str_of(whole), &function)) {
		const char *nearest = genops_emit_nearest_function(genops_str_of(whole));
		return genops_lexer_fail(&parser->lexer, at, suggest(nearest, "a field of that name is __e['...']", fix, sizeof fix),
		    "%s is not part of the expression language", whole);
	}
	if (!is_sign(parser, "("))
		return genops_lexer_fail(&parser->lexer, at, "a field of that name is __e['...']", "%s is a function: call it", whole);
	return parse_call(parser, at, function);
}

/* `new` and what is behind it: a date, of which a method must be called at once. */
static bool parse_new(struct genops_parser *parser)
{
	uint32_t at = parser->token.at;
	unsigned n = 0;
	size_t function;
	char whole[80];
	if (!advance(parser, true))
		return false;
	if (parser->token.kind != TOKEN_NAME || !genops_str_is(parser->token.text, "Date"))
		return genops_lexer_fail(&parser->lexer, at, "only new Date(...) is", "this is not part of the expression language");
	if (!advance(parser, false))
		return false;
	if (is_sign(parser, "(") && (!advance(parser, true) || !parse_items(parser, ")", 1, &n)))
		return false;
	(void)genops_emit_find_function(GENOPS_STR("new Date"), &function);
	if (!genops_emit_n(parser, at, OP_FUNCTION, (uint32_t)function, n) || !expect(parser, ".", false))
		return false;
	snprintf(whole, sizeof whole, "Date#%.*s", parser->token.text.len < 60 ? (int)parser->token.text.len : 0, parser->token.text.ptr);
	if (parser->token.kind != TOKEN_NAME || !genops_emit_find_function(genops_str_of(whole), &function))
		return genops_lexer_fail(&parser->lexer, parser->token.at, "use toISOString, getTime or a getUTC method: they depend on no time zone",
		    "not a method of dates that the expression language has");
	if (!advance(parser, false) || !expect(parser, "(", true) || !expect(parser, ")", false))
		return false;
	return genops_emit_n(parser, at, OP_FUNCTION, (uint32_t)function, 1);
}

static bool parse_name(struct genops_parser *parser)
{
	static const struct {
		const char *name;
		struct genops_value value;
	} words[] = {{"true", {.type = GENOPS_VALUE_BOOLEAN, .as.boolean = true}}, {"false", {.type = GENOPS_VALUE_BOOLEAN}},
	    {"null", {.type = GENOPS_VALUE_NULL}}, {"undefined", {.type = GENOPS_VALUE_UNDEFINED}}};
	genops_str name = parser->token.text;
	uint32_t at = parser->token.at;
	char fix[100];
	if (genops_str_is(name, "new"))
		return parse_new(parser);
	if (is_outside_name(name))
		return refuse_outside(parser, "a value");
	if (!advance(parser, false))
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (genops_str_is(name, words[i].name))
			return genops_emit_constant(parser, at, words[i].value);
	}
	if (genops_emit_is_global(name))
		return parse_global(parser, at, name);
	if (is_sign(parser, "("))
		return genops_lexer_fail(&parser->lexer, at, suggest(genops_emit_nearest_function(name), "", fix, sizeof fix), "%.*s is not a function of the expression language",
		    GENOPS_STR_ARG(name));
	if (is_sign(parser, "=>"))
		return refuse_outside(parser, "an operator");
	return genops_str_is(name, "__e") ? genops_emit(parser, at, OP_EVENT, 0) : genops_emit_key(parser, at, OP_FIELD, name);
}

static bool parse_sign_operand(struct genops_parser *parser)
{
	uint32_t at = parser->token.at;
	unsigned n;
	if (is_sign(parser, "`"))
		return parse_template(parser);
	if (is_sign(parser, "(")) {
		if (!advance(parser, true) || !genops_parse_expression(parser))
			return false;
		return expect(parser, ")", false) && (!is_sign(parser, "=>") || refuse_outside(parser, "an operator"));
	}
	if (is_sign(parser, "["))
		return advance(parser, true) && parse_items(parser, "]", 100, &n) && genops_emit_n(parser, at, OP_LIST, 0, n);
	return refuse_outside(parser, "a value");
}

static bool parse_operand(struct genops_parser *parser)
{
	struct genops_token token = parser->token;
	switch (token.kind) {
	case TOKEN_NUMBER:
		return genops_emit_constant(parser, token.at, genops_value_number(token.number)) && advance(parser, false);
	case TOKEN_TEXT:
		return genops_emit_constant(parser, token.at, genops_value_text(token.text)) && advance(parser, false);
	case TOKEN_REGEX:
		return genops_emit_regex(parser, &token) && advance(parser, false);
	case TOKEN_NAME:
		return parse_name(parser);
	case TOKEN_SIGN:
		return parse_sign_operand(parser);
	case TOKEN_END:
		break;
	}
	return refuse_outside(parser, "a value");
}

/* --- members and methods --- */

/* The token is the name behind a point. */
static bool parse_member(struct genops_parser *parser)
{
	struct genops_token token = parser->token;
	size_t method;
	unsigned n;
	char fix[100];
	if (token.kind != TOKEN_NAME)
		return refuse_outside(parser, "a name");
	if (genops_str_is(token.text, "constructor") || genops_str_is(token.text, "prototype") || genops_str_is(token.text, "__proto__"))
		return refuse_outside(parser, "a name");
	if (!advance(parser, false))
		return false;
	if (!is_sign(parser, "("))
		return genops_emit_key(parser, token.at, OP_MEMBER, token.text);
	if (!genops_emit_find_method(token.text, &method))
		return genops_lexer_fail(&parser->lexer, token.at, suggest(genops_emit_nearest_method(token.text), "", fix, sizeof fix),
		    "there is no method %.*s in the expression language", token.text.len < 80 ? (int)token.text.len : 80, token.text.ptr);
	const struct genops_method *row = &genops_methods[method];
	if (!advance(parser, true) || !parse_items(parser, ")", GENOPS_ARGUMENTS_MAX, &n) ||
	    !check_arguments(parser, token.at, row->name, n, row->min, row->max))
		return false;
	return genops_emit_n(parser, token.at, OP_METHOD, (uint32_t)method, n + 1);
}

/* The token is "[" . */
static bool parse_index(struct genops_parser *parser)
{
	uint32_t at = parser->token.at;
	if (!advance(parser, true))
		return false;
	struct genops_token token = parser->token;
	struct genops_parser before = *parser;
	if (token.kind == TOKEN_TEXT) { /* a key that is known now; if it is but the beginning of an expression, that is parsed */
		if (!advance(parser, false))
			return false;
		if (is_sign(parser, "]"))
			return advance(parser, false) && genops_emit_key(parser, at, OP_MEMBER, token.text);
		parser->lexer.at = before.lexer.at;
		parser->token = before.token;
	}
	return genops_parse_expression(parser) && expect(parser, "]", false) && genops_emit(parser, at, OP_INDEX, 0);
}

static bool parse_postfix(struct genops_parser *parser)
{
	uint32_t jumps = GENOPS_NO_JUMP; /* of ?. in this chain */
	if (!parse_operand(parser))
		return false;
	for (;;) {
		uint32_t at = parser->token.at;
		bool is_optional = is_sign(parser, "?.");
		if (is_optional && (!genops_emit_jump(parser, at, OP_OPTIONAL, &jumps) || !advance(parser, true)))
			return false;
		if (is_sign(parser, "[")) {
			if (!parse_index(parser))
				return false;
		} else if (is_sign(parser, ".") || is_optional) {
			if (!is_optional && !advance(parser, true))
				return false;
			if (is_optional && is_sign(parser, "("))
				return genops_lexer_fail(&parser->lexer, at, "write ?. before the method's name", "only a method can be called");
			if (!parse_member(parser))
				return false;
		} else {
			break;
		}
	}
	if (is_sign(parser, "("))
		return genops_lexer_fail(&parser->lexer, parser->token.at, "", "only functions and methods of the language can be called");
	if (is_sign(parser, "`"))
		return genops_lexer_fail(&parser->lexer, parser->token.at, "", "tagged templates are outside the expression language");
	genops_emit_land(parser, jumps);
	return true;
}

/* --- operators --- */

static bool parse_unary(struct genops_parser *parser, enum shape *ret_shape)
{
	static const struct {
		const char *sign;
		enum genops_op op;
	} rows[] = {{"!", OP_NOT}, {"-", OP_NEGATE}, {"+", OP_PLUS}, {"~", OP_BIT_NOT}, {"typeof", OP_TYPEOF}, {"void", OP_VOID}};
	const struct genops_token token = parser->token;
	*ret_shape = PLAIN;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if ((token.kind != TOKEN_SIGN && token.kind != TOKEN_NAME) || !genops_str_is(token.text, rows[i].sign))
			continue;
		if (parser->depth == GENOPS_EXPRESSION_DEPTH_MAX)
			return genops_lexer_fail(&parser->lexer, token.at, "", "nested too deeply");
		parser->depth++;
		bool ok = advance(parser, true) && parse_unary(parser, ret_shape) && genops_emit(parser, token.at, rows[i].op, 0);
		parser->depth--;
		*ret_shape = UNARY;
		return ok;
	}
	return parse_postfix(parser);
}

static const struct binary *binary_of(const struct genops_token *token)
{
	for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++) {
		if ((token->kind == TOKEN_SIGN || token->kind == TOKEN_NAME) && genops_str_is(token->text, binaries[i].sign))
			return &binaries[i];
	}
	return NULL;
}

static bool check_mixing(struct genops_parser *parser, uint32_t at, const struct binary *binary, enum shape shape)
{
	bool is_coalesce = binary->op == OP_COALESCE, is_logical = binary->op == OP_OR || binary->op == OP_AND;
	if ((is_coalesce && shape == LOGICAL) || (is_logical && shape == COALESCED))
		return genops_lexer_fail(&parser->lexer, at, "put parentheses around one of them", "?? stands beside || or &&");
	if (binary->op == OP_POWER && shape == UNARY)
		return genops_lexer_fail(&parser->lexer, at, "put parentheses around it", "a sign stands before what is raised by **");
	return true;
}

static bool parse_binary(struct genops_parser *parser, int least, enum shape *ret_shape)
{
	enum shape right;
	const struct binary *binary;
	if (!parse_unary(parser, ret_shape))
		return false;
	while ((binary = binary_of(&parser->token)) && binary->precedence >= least) {
		uint32_t at = parser->token.at, jump = GENOPS_NO_JUMP;
		bool is_short = binary->precedence <= PRECEDENCE_AND;
		if (!check_mixing(parser, at, binary, *ret_shape) || (is_short && !genops_emit_jump(parser, at, binary->op, &jump)))
			return false;
		if (parser->depth == GENOPS_EXPRESSION_DEPTH_MAX)
			return genops_lexer_fail(&parser->lexer, at, "", "nested too deeply");
		parser->depth++;
		bool ok = advance(parser, true) && parse_binary(parser, binary->precedence + (binary->op != OP_POWER), &right);
		parser->depth--;
		if (!ok || !check_mixing(parser, at, binary, right == UNARY ? PLAIN : right))
			return false;
		if (is_short)
			genops_emit_land(parser, jump);
		else if (!genops_emit(parser, at, binary->op, 0))
			return false;
		*ret_shape = binary->op == OP_COALESCE ? COALESCED : is_short ? LOGICAL : PLAIN;
	}
	return true;
}

static bool parse_conditional(struct genops_parser *parser)
{
	enum shape shape;
	uint32_t otherwise = GENOPS_NO_JUMP, end = GENOPS_NO_JUMP, at;
	if (!parse_binary(parser, 0, &shape))
		return false;
	if (!is_sign(parser, "?"))
		return true;
	at = parser->token.at;
	if (!genops_emit_jump(parser, at, OP_JUMP_FALSE, &otherwise) || !advance(parser, true) || !genops_parse_expression(parser) ||
	    !expect(parser, ":", true) || !genops_emit_jump(parser, at, OP_JUMP, &end))
		return false;
	genops_emit_land(parser, otherwise);
	if (!genops_parse_expression(parser))
		return false;
	genops_emit_land(parser, end);
	return true;
}

bool genops_parse_to_brace(struct genops_parser *parser)
{
	if (!advance(parser, true))
		return false;
	if (is_sign(parser, "}"))
		return genops_lexer_fail(&parser->lexer, parser->token.at, "write a value, a field's name for example", "the expression is empty");
	return genops_parse_expression(parser) && (is_sign(parser, "}") || refuse_outside(parser, "an operator or \"}\""));
}

bool genops_parse_all(struct genops_parser *parser)
{
	if (!advance(parser, true))
		return false;
	if (parser->token.kind == TOKEN_END)
		return genops_lexer_fail(&parser->lexer, 0, "write a value, a field's name for example", "the expression is empty");
	if (!genops_parse_expression(parser))
		return false;
	return parser->token.kind == TOKEN_END || refuse_outside(parser, "an operator or the end");
}
