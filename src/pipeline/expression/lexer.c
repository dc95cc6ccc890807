/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/lexer.c - see lexer.h. */
#include "pipeline/expression/lexer.h"

#include "pipeline/number_text.h"
#include "pipeline/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void genops_lexer_place(genops_str source, uint32_t at, int *ret_line, int *ret_column)
{
	int line = 1, column = 1;
	for (uint32_t i = 0; i < at && i < source.len; i++) {
		if (source.ptr[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)source.ptr[i] & 0xC0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

bool genops_lexer_fail(struct genops_lexer *lexer, uint32_t at, const char *fix, const char *format, ...)
{
	char message[400];
	int line, column;
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	lexer->code = genops_fail_fix(lexer->err, GENOPS_SYNTAX, fix ? fix : "", "%s", message);
	genops_lexer_place(lexer->source, at, &line, &column);
	genops_error_place(lexer->err, "", line, column);
	return false;
}

static int peek(const struct genops_lexer *lexer, uint32_t ahead)
{
	uint32_t at = lexer->at + ahead;
	return at < lexer->source.len ? (unsigned char)lexer->source.ptr[at] : -1;
}

static genops_str rest(const struct genops_lexer *lexer)
{
	return genops_str_skip(lexer->source, lexer->at);
}

/* White space, line ends and comments. */
static bool skip(struct genops_lexer *lexer)
{
	for (;;) {
		genops_str trimmed = genops_number_trim(rest(lexer), true, false);
		lexer->at = (uint32_t)(lexer->source.len - trimmed.len);
		if (peek(lexer, 0) != '/')
			return true;
		if (peek(lexer, 1) == '/') {
			size_t end = genops_str_find_char(rest(lexer), '\n');
			lexer->at = end == SIZE_MAX ? (uint32_t)lexer->source.len : lexer->at + (uint32_t)end;
		} else if (peek(lexer, 1) == '*') {
			size_t end = genops_str_find(genops_str_skip(rest(lexer), 2), GENOPS_STR("*/"));
			if (end == SIZE_MAX)
				return genops_lexer_fail(lexer, lexer->at, "close it with */", "a comment that does not end");
			lexer->at += (uint32_t)end + 4;
		} else {
			return true;
		}
	}
}

static bool is_name(int c, bool is_first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80 || (!is_first && c >= '0' && c <= '9');
}

/* --- texts --- */

static int hex(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool hex_digits(struct genops_lexer *lexer, int least, int most, uint32_t *ret_code)
{
	uint32_t code = 0;
	int n = 0;
	for (int digit; n < most && (digit = hex(peek(lexer, 0))) >= 0 && code <= 0x10FFFF; n++, lexer->at++)
		code = code << 4 | (uint32_t)digit;
	*ret_code = code;
	return n >= least && code <= 0x10FFFF;
}

static bool unicode_escape(struct genops_lexer *lexer, int c, uint32_t *ret_code)
{
	if (c == 'x')
		return hex_digits(lexer, 2, 2, ret_code);
	if (peek(lexer, 0) != '{')
		return hex_digits(lexer, 4, 4, ret_code);
	lexer->at++;
	return hex_digits(lexer, 1, 16, ret_code) && lexer->source.ptr[lexer->at < lexer->source.len ? lexer->at++ : 0] == '}';
}

/* What stands behind a backslash, as code points; -1: nothing (a line that goes on). */
static bool escape(struct genops_lexer *lexer, int64_t *ret_code)
{
	static const char letters[] = "bfnrtv0", codes[] = "\b\f\n\r\t\v";
	uint32_t start = lexer->at - 1, code;
	int c = peek(lexer, 0);
	if (c < 0)
		return genops_lexer_fail(lexer, start, "", "a text that does not end");
	const char *found = strchr(letters, c);
	bool is_octal = c >= '1' && c <= '9';
	if (c == '0' && peek(lexer, 1) >= '0' && peek(lexer, 1) <= '9')
		is_octal = true;
	if (is_octal)
		return genops_lexer_fail(lexer, start, "write \\x and two hexadecimal digits", "an octal escape");
	if (c == 'x' || c == 'u') {
		lexer->at++;
		if (!unicode_escape(lexer, c, &code))
			return genops_lexer_fail(lexer, start, "\\x41, \\u0041 or \\u{41}", "an escape that is not one");
		*ret_code = code;
		return true;
	}
	if (found && c) {
		*ret_code = c == '0' ? 0 : codes[found - letters];
		lexer->at++;
		return true;
	}
	if (c == '\r' || c == '\n') {
		lexer->at += c == '\r' && peek(lexer, 1) == '\n' ? 2 : 1;
		*ret_code = -1;
		return true;
	}
	uint32_t plain;
	lexer->at += (uint32_t)genops_text_decode(rest(lexer), &plain);
	*ret_code = plain == 0x2028 || plain == 0x2029 ? -1 : (int64_t)plain;
	return true;
}

/* The two halves of a pair, written as two escapes, are one character. */
static size_t put(char *out, size_t len, uint32_t code)
{
	uint32_t before;
	if (code >= 0xDC00 && code <= 0xDFFF && len >= 3 && (unsigned char)out[len - 3] == 0xED) {
		genops_text_decode((genops_str){out + len - 3, 3}, &before);
		if (before >= 0xD800 && before <= 0xDBFF)
			return len - 3 + genops_text_encode(0x10000 + ((before & 0x3FF) << 10 | (code & 0x3FF)), out + len - 3);
	}
	return len + genops_text_encode(code, out + len);
}

/* Up to a byte of `stops` (or, in a template, `${`); the stop is not consumed. An escape is never shorter than what it stands for. */
static bool read_text(struct genops_lexer *lexer, int stop, genops_str *ret_text)
{
	uint32_t start = lexer->at;
	size_t len = 0, most = 0;
	for (int c; (c = peek(lexer, (uint32_t)most)) >= 0 && c != stop && !(stop == '`' && c == '$' && peek(lexer, (uint32_t)most + 1) == '{');)
		most += c == '\\' ? 2 : 1;
	char *out = genops_arena_take(lexer->arena, most + 8);
	if (!out) {
		lexer->code = genops_fail(lexer->err, GENOPS_NOMEM, "no memory for an expression");
		return false;
	}
	for (int c; (c = peek(lexer, 0)) != stop;) {
		int64_t code = 0;
		if (c < 0 || (c == '\n' && stop != '`') || (c == '\r' && stop != '`'))
			return genops_lexer_fail(lexer, start - 1, "close it with the quote that began it", "a text that does not end");
		if (stop == '`' && c == '$' && peek(lexer, 1) == '{')
			break;
		lexer->at++;
		if (c == '\r') { /* a template's line ends are \n, however the file writes them */
			lexer->at += peek(lexer, 0) == '\n';
			c = '\n';
		}
		if (c != '\\') {
			out[len++] = (char)c;
			continue;
		}
		if (!escape(lexer, &code))
			return false;
		if (code >= 0)
			len = put(out, len, (uint32_t)code);
	}
	*ret_text = (genops_str){out, len};
	return true;
}

bool genops_lexer_template(struct genops_lexer *lexer, genops_str *ret_text, bool *ret_is_end)
{
	if (!read_text(lexer, '`', ret_text))
		return false;
	*ret_is_end = peek(lexer, 0) == '`';
	lexer->at += *ret_is_end ? 1 : 2;
	return true;
}

/* --- numbers --- */

static int radix_of(int letter)
{
	letter |= 0x20;
	return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
}

/* Digits, with single underscores between them, behind what `text` has. False: too many. */
static bool digits(struct genops_lexer *lexer, char *text, size_t size, size_t *len)
{
	for (int c, before = 0; (c = peek(lexer, 0)) >= 0; before = c, lexer->at++) {
		if (c == '_' && hex(before) >= 0 && hex(peek(lexer, 1)) >= 0)
			continue;
		if (hex(c) < 0) /* which digits a radix has is asked later */
			break;
		if (*len == size - 1)
			return false;
		text[(*len)++] = (char)c;
	}
	return true;
}

static bool decimal_digits(struct genops_lexer *lexer, char *text, size_t size, size_t *len)
{
	for (int c, before = 0; (c = peek(lexer, 0)) >= 0; before = c, lexer->at++) {
		bool is_between = before >= '0' && before <= '9' && peek(lexer, 1) >= '0' && peek(lexer, 1) <= '9';
		if (c == '_' && is_between)
			continue;
		if (c < '0' || c > '9')
			break;
		if (*len == size - 1)
			return false;
		text[(*len)++] = (char)c;
	}
	return true;
}

/* The parts of a number into `text`, without underscores. */
static bool number_text(struct genops_lexer *lexer, int radix, char *text, size_t size, size_t *len)
{
	if (radix != 10) {
		text[(*len)++] = '0';
		text[(*len)++] = (char)peek(lexer, 1);
		lexer->at += 2;
		return digits(lexer, text, size, len);
	}
	if (!decimal_digits(lexer, text, size - 3, len))
		return false;
	if (peek(lexer, 0) == '.') {
		text[(*len)++] = '.';
		lexer->at++;
		if (!decimal_digits(lexer, text, size - 3, len))
			return false;
	}
	int c = peek(lexer, 0), sign = peek(lexer, 1);
	bool has_sign = sign == '+' || sign == '-';
	int digit = peek(lexer, has_sign ? 2 : 1);
	if ((c != 'e' && c != 'E') || digit < '0' || digit > '9')
		return true;
	text[(*len)++] = 'e';
	if (has_sign)
		text[(*len)++] = (char)sign;
	lexer->at += has_sign ? 2 : 1;
	return decimal_digits(lexer, text, size, len);
}

static bool read_number(struct genops_lexer *lexer, struct genops_token *token)
{
	char text[400];
	size_t len = 0;
	uint32_t start = lexer->at;
	int radix = peek(lexer, 0) == '0' && peek(lexer, 1) >= 0 ? radix_of(peek(lexer, 1)) : 10;
	if (!number_text(lexer, radix, text, sizeof text, &len))
		return genops_lexer_fail(lexer, start, "", "a number with too many digits");
	genops_str view = {text, len};
	bool has_zero = len > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
	token->kind = TOKEN_NUMBER;
	token->number = radix == 10 ? genops_number_from_decimal(view) : genops_number_from_text(view);
	if (peek(lexer, 0) == 'n')
		return genops_lexer_fail(lexer, start, "write it without n", "BigInt numbers are outside the expression language");
	if (isnan(token->number) || has_zero || is_name(peek(lexer, 0), false))
		return genops_lexer_fail(lexer, start, "a number begins with no zero that digits follow, and ends in no letter",
		    "this is not a number");
	return true;
}

/* --- patterns --- */

static bool read_regex(struct genops_lexer *lexer, struct genops_token *token)
{
	uint32_t start = lexer->at++;
	bool in_class = false;
	for (int c; (c = peek(lexer, 0)) != '/' || in_class; lexer->at++) {
		if (c < 0 || c == '\n' || c == '\r')
			return genops_lexer_fail(lexer, start, "close it with /", "a pattern that does not end");
		if (c == '\\' && peek(lexer, 1) >= 0 && peek(lexer, 1) != '\n')
			lexer->at++;
		else if (c == '[' || c == ']')
			in_class = c == '[';
	}
	token->kind = TOKEN_REGEX;
	token->text = (genops_str){lexer->source.ptr + start + 1, lexer->at - start - 1};
	uint32_t flags = ++lexer->at;
	while (is_name(peek(lexer, 0), false))
		lexer->at++;
	token->flags = (genops_str){lexer->source.ptr + flags, lexer->at - flags};
	return true;
}

/* --- all of them --- */

/* Longer ones before their own beginnings. */
static const char *const signs[] = {">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "?\?=", "=>", "==", "!=", "<=",
    ">=", "&&", "||", "??", "?.", "**", "++", "--", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "+", "-", "*", "/", "%", "&",
    "|", "^", "~", "!", "<", ">", "=", "?", ":", "(", ")", "[", "]", "{", "}", ".", ",", ";", "`"};

static bool read_sign(struct genops_lexer *lexer, struct genops_token *token)
{
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		genops_str sign = genops_str_of(signs[i]);
		if (!genops_str_starts(rest(lexer), sign))
			continue;
		if (genops_str_is(sign, "?.") && peek(lexer, 2) >= '0' && peek(lexer, 2) <= '9')
			continue; /* a ?.5 : b */
		token->kind = TOKEN_SIGN;
		token->text = sign;
		lexer->at += (uint32_t)sign.len;
		return true;
	}
	return genops_lexer_fail(lexer, lexer->at, "", "a character that is not part of an expression");
}

bool genops_lexer_next(struct genops_lexer *lexer, bool wants_operand, struct genops_token *token)
{
	bool ok = true;
	*token = (struct genops_token){0};
	if (!skip(lexer))
		return false;
	token->at = lexer->at;
	int c = peek(lexer, 0);
	if (c < 0) {
		token->kind = TOKEN_END;
	} else if (c == '"' || c == '\'') {
		token->kind = TOKEN_TEXT;
		lexer->at++;
		ok = read_text(lexer, c, &token->text);
		lexer->at++;
	} else if ((c >= '0' && c <= '9') || (c == '.' && peek(lexer, 1) >= '0' && peek(lexer, 1) <= '9')) {
		ok = read_number(lexer, token);
	} else if (is_name(c, true)) {
		token->kind = TOKEN_NAME;
		while (is_name(peek(lexer, 0), false))
			lexer->at++;
		token->text = (genops_str){lexer->source.ptr + token->at, lexer->at - token->at};
	} else if (c == '/' && wants_operand) {
		ok = read_regex(lexer, token);
	} else {
		ok = read_sign(lexer, token);
	}
	token->end = lexer->at;
	return ok;
}
