/* SPDX-License-Identifier: Apache-2.0
 * pipeline/regex_translate.c - a JavaScript pattern in PCRE2's words. Every construct is either one that both read alike, or one that is
 * rewritten here, or refused: nothing of PCRE2's own syntax gets through by accident. */
#include "pipeline/regex_translate.h"

#include "base/str.h"
#include "pipeline/text.h"

#include <stdarg.h>
#include <stdio.h>

#define GROUP_DEPTH_MAX 32

/* What \s is, inside a class, and what ends a line. */
#define SPACES "\\x09-\\x0d\\x20\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define NOT_SPACES                                                                                    \
	"\\x00-\\x08\\x0e-\\x1f\\x21-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}"     \
	"\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"
#define LINE_ENDS "\\n\\r\\x{2028}\\x{2029}"

struct group {
	bool is_look, is_capture, has_capture; /* a capturing group stands in it */
	bool consumes;                         /* what stands in this alternative so far matches one character at least */
	bool can_be_empty;                     /* an alternative before it does not */
};

struct translation {
	genops_str pattern;
	size_t at;
	bool dot_all, multiline;
	struct genops_buffer *out;
	struct genops_error *err;
	int code;
	struct group groups[GROUP_DEPTH_MAX + 1]; /* the first is the whole pattern */
	int depth;
	unsigned n_captures; /* in the whole pattern */
	bool can_repeat;     /* what was last written may be followed by a quantifier */
	bool closed_capture; /* it was a group with another capturing group in it */
	bool closed_empty;   /* it was a group with captures, that can match nothing */
	bool atom_consumes;  /* what was last written matches one character at least */
};

static bool refuse(struct translation *t, size_t at, const char *fix, const char *format, ...)
{
	char message[200];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	t->code = genops_fail_fix(t->err, GENOPS_SYNTAX, fix, "%s", message);
	genops_error_place(t->err, "", 1, (int)at + 1);
	return false;
}

static int peek(const struct translation *t, size_t ahead)
{
	return t->at + ahead < t->pattern.len ? (unsigned char)t->pattern.ptr[t->at + ahead] : -1;
}

static void add(struct translation *t, const char *text)
{
	genops_buffer_add_text(t->out, text);
}

static void add_code(struct translation *t, uint32_t code)
{
	genops_buffer_printf(t->out, "\\x{%x}", code);
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(int c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool hex(struct translation *t, int n, uint32_t *ret_code)
{
	uint32_t code = 0;
	for (int i = 0; i < n; i++) {
		int c = peek(t, (size_t)i), digit = is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
		if (c < 0 || digit < 0)
			return false;
		code = code << 4 | (uint32_t)digit;
	}
	t->at += (size_t)n;
	*ret_code = code;
	return true;
}

/* An escape that is one character, behind the backslash: its code. What is no escape of JavaScript stands for itself, if it is not a
 * letter or digit. */
static bool character_escape(struct translation *t, uint32_t *ret_code)
{
	static const char letters[] = "nrtvf", codes[] = "\n\r\t\v\f";
	size_t start = t->at - 1;
	int c = peek(t, 0);
	const char *found = c > 0 ? strchr(letters, c) : NULL;
	if (c < 0)
		return refuse(t, start, "", "the pattern ends in a backslash");
	if (found || (c == '0' && !is_digit(peek(t, 1)))) {
		t->at++;
		*ret_code = found ? (uint32_t)codes[found - letters] : 0;
		return true;
	}
	if (c == 'x' || c == 'u') {
		t->at++;
		return hex(t, c == 'x' ? 2 : 4, ret_code) || refuse(t, start, "write \\x41 or \\u0041", "an escape that is not one");
	}
	if (c == 'c' && (peek(t, 1) | 0x20) >= 'a' && (peek(t, 1) | 0x20) <= 'z') {
		*ret_code = (uint32_t)peek(t, 1) & 31;
		t->at += 2;
		return true;
	}
	if (is_word(c))
		return refuse(t, start, "", "\\%c is not an escape that the expression language has", c);
	t->at += genops_text_decode(genops_str_skip(t->pattern, t->at), ret_code);
	return true;
}

/* --- classes --- */

/* \d \w \s and their opposites, in a class; t->at is at the letter. */
static bool class_set(struct translation *t)
{
	int c = peek(t, 0);
	if (c == 'd' || c == 'D' || c == 'w' || c == 'W')
		genops_buffer_printf(t->out, "\\%c", c);
	else if (c == 's' || c == 'S')
		add(t, c == 's' ? SPACES : NOT_SPACES);
	else
		return false;
	t->at++;
	return true;
}

/* One character of a class; *ret_is_set: it was \d or the like, and is written. */
static bool class_atom(struct translation *t, uint32_t *ret_code, bool *ret_is_set)
{
	*ret_is_set = false;
	if (peek(t, 0) != '\\') {
		t->at += genops_text_decode(genops_str_skip(t->pattern, t->at), ret_code);
		return true;
	}
	t->at++;
	if (peek(t, 0) == 'b') {
		t->at++;
		*ret_code = '\b';
		return true;
	}
	*ret_is_set = class_set(t);
	if (peek(t, 0) == '-' && !*ret_is_set) {
		t->at++;
		*ret_code = '-';
		return true;
	}
	return *ret_is_set || character_escape(t, ret_code);
}

static bool class_items(struct translation *t, size_t start)
{
	for (int c; (c = peek(t, 0)) != ']';) {
		uint32_t from = 0, to = 0;
		bool is_set, is_set_too;
		if (c < 0)
			return refuse(t, start, "close it with ]", "a class that does not end");
		if (!class_atom(t, &from, &is_set))
			return false;
		if (peek(t, 0) != '-' || peek(t, 1) == ']' || peek(t, 1) < 0) {
			if (!is_set)
				add_code(t, from);
			continue;
		}
		size_t dash = t->at++;
		if (is_set)
			return refuse(t, dash, "write the - first or last", "a range that begins with a set of characters");
		if (!class_atom(t, &to, &is_set_too))
			return false;
		if (is_set_too)
			return refuse(t, dash, "write the - first or last", "a range that ends with a set of characters");
		if (to < from)
			return refuse(t, dash, "", "a range whose end is before its beginning");
		add_code(t, from);
		add(t, "-");
		add_code(t, to);
	}
	return true;
}

static bool class(struct translation *t)
{
	size_t start = t->at++;
	bool is_negated = peek(t, 0) == '^';
	t->at += is_negated;
	if (peek(t, 0) == ']') { /* [] is nothing, [^] anything */
		add(t, is_negated ? "[\\x00-\\x{10ffff}]" : "(?!)");
	} else {
		add(t, is_negated ? "[^" : "[");
		if (!class_items(t, start))
			return false;
		add(t, "]");
	}
	t->at++;
	t->can_repeat = true;
	return true;
}

/* --- escapes outside of classes --- */

static bool back_reference(struct translation *t, size_t start)
{
	unsigned number = 0;
	while (is_digit(peek(t, 0)) && number < 1000)
		number = number * 10 + (unsigned)(t->pattern.ptr[t->at++] - '0');
	if (number > t->n_captures)
		return refuse(t, start, "", "\\%u names a group that is not there", number);
	genops_buffer_printf(t->out, "\\g{%u}", number);
	return true;
}

static bool named_reference(struct translation *t, size_t start)
{
	size_t from = t->at + 2, end = from;
	while (end < t->pattern.len && is_word((unsigned char)t->pattern.ptr[end]))
		end++;
	if (peek(t, 1) != '<' || end == from || end >= t->pattern.len || t->pattern.ptr[end] != '>')
		return refuse(t, start, "write \\k<name>", "a reference that names no group");
	genops_buffer_printf(t->out, "\\k<%.*s>", (int)(end - from), t->pattern.ptr + from);
	t->at = end + 1;
	return true;
}

static bool escape(struct translation *t)
{
	uint32_t code;
	size_t start = t->at++;
	int c = peek(t, 0);
	t->can_repeat = true;
	if (c == 'b' || c == 'B') {
		add(t, c == 'b' ? "\\b" : "\\B");
		t->at++;
		t->can_repeat = false;
		return true;
	}
	if (c == 's' || c == 'S') {
		add(t, c == 's' ? "[" SPACES "]" : "[^" SPACES "]");
		t->at++;
		t->atom_consumes = true;
		return true;
	}
	if (c >= '1' && c <= '9')
		return back_reference(t, start);
	if (c == 'k')
		return named_reference(t, start);
	t->atom_consumes = true;
	if (c >= 0 && class_set(t))
		return true;
	if (!character_escape(t, &code))
		return false;
	add_code(t, code);
	return true;
}

/* --- groups and quantifiers --- */

/* What was last written is not followed by a quantifier: it counts. */
static void settle(struct translation *t)
{
	t->groups[t->depth].consumes |= t->atom_consumes;
	t->atom_consumes = false;
}

static void end_alternative(struct translation *t)
{
	struct group *group = &t->groups[t->depth];
	settle(t);
	group->can_be_empty |= !group->consumes;
	group->consumes = false;
}

static bool open_group(struct translation *t)
{
	static const struct {
		const char *text;
		bool is_look;
	} kinds[] = {{"(?:", false}, {"(?=", true}, {"(?!", true}, {"(?<=", true}, {"(?<!", true}};
	genops_str rest = genops_str_skip(t->pattern, t->at);
	struct group group = {0};
	size_t start = t->at, len = 0;
	for (size_t i = 0; !len && i < sizeof kinds / sizeof *kinds; i++) {
		if (genops_str_starts(rest, genops_str_of(kinds[i].text))) {
			len = strlen(kinds[i].text);
			group.is_look = kinds[i].is_look;
		}
	}
	bool is_capture = !len;
	if (!len && genops_str_starts(rest, GENOPS_STR("(?<"))) {
		for (len = 3; len < rest.len && is_word((unsigned char)rest.ptr[len]);)
			len++;
		if (len == 3 || is_digit((unsigned char)rest.ptr[3]) || len == rest.len || rest.ptr[len++] != '>')
			return refuse(t, start, "write (?<name>...)", "a group without a name");
	} else if (!len && genops_str_starts(rest, GENOPS_STR("(?"))) {
		return refuse(t, start, "", "a kind of group that JavaScript does not have");
	} else if (!len && genops_str_starts(rest, GENOPS_STR("(*"))) {
		return refuse(t, start + 1, "", "nothing to repeat");
	} else if (!len) {
		len = 1;
	}
	group.is_capture = is_capture;
	for (int i = 1; is_capture && i <= t->depth; i++)
		t->groups[i].has_capture = true;
	if (t->depth == GROUP_DEPTH_MAX)
		return refuse(t, start, "", "groups nested too deeply");
	settle(t);
	t->groups[++t->depth] = group;
	genops_buffer_add(t->out, (genops_str){rest.ptr, len});
	t->at += len;
	t->can_repeat = false;
	return true;
}

static bool close_group(struct translation *t)
{
	if (!t->depth)
		return refuse(t, t->at, "", "a ) that closes nothing");
	end_alternative(t);
	const struct group *group = &t->groups[t->depth--];
	add(t, ")");
	t->at++;
	t->can_repeat = !group->is_look;
	t->closed_capture = group->has_capture;
	t->closed_empty = group->can_be_empty && (group->has_capture || group->is_capture);
	t->atom_consumes = !group->is_look && !group->can_be_empty;
	return true;
}

/* {n}, {n,}, {n,m}: how long it is and whether it repeats more than once; 0: the brace is a character. */
static size_t braces(const struct translation *t, bool *ret_is_many, bool *ret_is_large, bool *ret_is_optional)
{
	size_t at = 1;
	unsigned least = 0, most = 0;
	for (; is_digit(peek(t, at)); at++)
		least = least < 100000 ? least * 10 + (unsigned)(peek(t, at) - '0') : least;
	if (at == 1)
		return 0;
	most = least;
	if (peek(t, at) == ',') {
		size_t from = ++at;
		for (most = 0; is_digit(peek(t, at)); at++)
			most = most < 100000 ? most * 10 + (unsigned)(peek(t, at) - '0') : most;
		if (at == from)
			most = 2;
		else if (most < least)
			*ret_is_large = true;
	}
	*ret_is_many = most > 1;
	*ret_is_optional = least == 0;
	*ret_is_large |= least > 1000 || most > 1000;
	return peek(t, at) == '}' ? at + 1 : 0;
}

static bool quantifier(struct translation *t)
{
	bool is_many = true, is_large = false, is_optional = peek(t, 0) != '+';
	size_t start = t->at, len = 1;
	int c = peek(t, 0);
	if (c == '{') {
		len = braces(t, &is_many, &is_large, &is_optional);
		if (!len) {
			settle(t);
			add(t, "\\{");
			t->at++;
			t->can_repeat = t->atom_consumes = true;
			t->closed_capture = t->closed_empty = false;
			return true;
		}
	} else {
		is_many = c != '?';
	}
	if (is_large)
		return refuse(t, start, "", "a number of repetitions over 1000, or out of order");
	if (!t->can_repeat)
		return refuse(t, start, "write \\ before the character if it is meant", "nothing to repeat");
	/* JavaScript forgets what groups matched at each repetition, and that they matched nothing; PCRE2 does not. */
	if (t->closed_capture && is_many)
		return refuse(t, start, "write (?:...) for the groups inside", "a repeated group with a capturing group in it");
	if (t->closed_empty && (is_many || is_optional))
		return refuse(t, start, "write (?:...) for it", "a repeated or optional capturing group that can match nothing");
	t->atom_consumes &= !is_optional;
	genops_buffer_add(t->out, (genops_str){t->pattern.ptr + start, len});
	t->at += len;
	if (peek(t, 0) == '?') {
		add(t, "?");
		t->at++;
	}
	t->can_repeat = false;
	return true;
}

/* --- all of it --- */

static bool anchor(struct translation *t, bool is_start)
{
	if (t->multiline)
		add(t, is_start ? "(?<![^" LINE_ENDS "])" : "(?![^" LINE_ENDS "])");
	else
		add(t, is_start ? "\\A" : "\\z");
	t->at++;
	t->can_repeat = false;
	return true;
}

static bool piece(struct translation *t)
{
	uint32_t code;
	switch (peek(t, 0)) {
	case '\\':
		settle(t);
		t->closed_capture = t->closed_empty = false;
		return escape(t);
	case '[':
		settle(t);
		t->closed_capture = t->closed_empty = false;
		t->atom_consumes = true;
		return class(t);
	case '(':
		return open_group(t);
	case ')':
		return close_group(t);
	case '*':
	case '+':
	case '?':
	case '{':
		return quantifier(t);
	case '^':
	case '$':
		return anchor(t, peek(t, 0) == '^');
	case '|':
		end_alternative(t);
		add(t, "|");
		t->at++;
		t->can_repeat = false;
		return true;
	case '.':
		settle(t);
		add(t, t->dot_all ? "[\\x00-\\x{10ffff}]" : "[^" LINE_ENDS "]");
		t->at++;
		break;
	default:
		settle(t);
		t->at += genops_text_decode(genops_str_skip(t->pattern, t->at), &code);
		add_code(t, code);
	}
	t->can_repeat = t->atom_consumes = true;
	t->closed_capture = t->closed_empty = false;
	return true;
}

static unsigned count_captures(genops_str pattern)
{
	unsigned n = 0;
	bool in_class = false;
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.ptr[i], next = i + 1 < pattern.len ? pattern.ptr[i + 1] : '\0', third = i + 2 < pattern.len ? pattern.ptr[i + 2] : '\0',
		     fourth = i + 3 < pattern.len ? pattern.ptr[i + 3] : '\0';
		if (c == '\\')
			i++;
		else if (c == '[' || c == ']')
			in_class = c == '[';
		else if (c == '(' && !in_class)
			n += next != '?' || (third == '<' && fourth != '=' && fourth != '!');
	}
	return n;
}

int genops_regex_translate(genops_str pattern, bool dot_all, bool multiline, struct genops_buffer *out, struct genops_error *err)
{
	struct translation t = {.pattern = pattern, .dot_all = dot_all, .multiline = multiline, .out = out, .err = err};
	t.n_captures = count_captures(pattern);
	while (t.at < pattern.len) {
		if (!piece(&t))
			return t.code;
	}
	if (t.depth)
		return refuse(&t, pattern.len, "close it with )", "a group that does not end") ? GENOPS_OK : t.code;
	if (out->error)
		return genops_fail(err, out->error, "the pattern is too long");
	return GENOPS_OK;
}
