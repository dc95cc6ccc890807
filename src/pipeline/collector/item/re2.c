/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/item/re2.c - Go's regular expressions in the words of pipeline/regex.h, see re2.h. */
#include "pipeline/collector/item/re2.h"

#include "base/str.h"

struct rewriting {
	genops_str pattern;
	size_t at;
	struct genops_buffer *out;
	bool ignore_case, multiline, dot_all;
	bool is_in_class;
};

static bool starts(const struct rewriting *r, const char *text)
{
	return genops_str_starts(genops_str_skip(r->pattern, r->at), genops_str_of(text));
}

/* "(?is)" at the very beginning; elsewhere flags are refused by the matcher. */
static int read_flags(struct rewriting *r, struct genops_error *err)
{
	if (!starts(r, "(?"))
		return GENOPS_OK;
	for (size_t i = 2; i < r->pattern.len && strchr("ims)", r->pattern.ptr[i]) && r->pattern.ptr[i]; i++) {
		char c = r->pattern.ptr[i];
		r->ignore_case |= c == 'i';
		r->multiline |= c == 'm';
		r->dot_all |= c == 's';
		if (c != ')')
			continue;
		r->at = i + 1;
		return GENOPS_OK;
	}
	r->ignore_case = r->multiline = r->dot_all = false;
	if (r->pattern.len > 2 && strchr("imsU-", r->pattern.ptr[2]))
		return genops_fail_fix(err, GENOPS_SYNTAX, "write (?i), (?m) or (?s) at the beginning, for the whole pattern",
		    "flags of a group are not done here");
	return GENOPS_OK;
}

/* Inside of [...]: [:digit:] and the like. */
static bool rewrite_class(struct rewriting *r)
{
	static const struct {
		const char *name, *text;
	} classes[] = {{"[:alnum:]", "0-9A-Za-z"}, {"[:alpha:]", "A-Za-z"}, {"[:ascii:]", "\\x00-\\x7f"}, {"[:blank:]", "\\t "},
	    {"[:cntrl:]", "\\x00-\\x1f\\x7f"}, {"[:digit:]", "0-9"}, {"[:graph:]", "!-~"}, {"[:lower:]", "a-z"}, {"[:print:]", " -~"},
	    {"[:punct:]", "!-\\/:-@\\[-`{-~"}, {"[:space:]", "\\t\\n\\v\\f\\r "}, {"[:upper:]", "A-Z"}, {"[:word:]", "0-9A-Za-z_"},
	    {"[:xdigit:]", "0-9A-Fa-f"}};
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		if (!starts(r, classes[i].name))
			continue;
		genops_buffer_add_text(r->out, classes[i].text);
		r->at += strlen(classes[i].name);
		return true;
	}
	return false;
}

/* Behind \Q, up to \E or the end, everything stands for itself. */
static void rewrite_quote(struct rewriting *r)
{
	r->at += 2;
	while (r->at < r->pattern.len && !starts(r, "\\E")) {
		char c = r->pattern.ptr[r->at++];
		if (strchr("\\^$.|?*+()[]{}/-", c) && c)
			genops_buffer_add_char(r->out, '\\');
		genops_buffer_add_char(r->out, c);
	}
	r->at += starts(r, "\\E") ? 2 : 0;
}

/* An escape; *r is at the backslash. */
static int rewrite_escape(struct rewriting *r, struct genops_error *err)
{
	char next = r->at + 1 < r->pattern.len ? r->pattern.ptr[r->at + 1] : '\0';
	if (next == 'Q') {
		rewrite_quote(r);
		return GENOPS_OK;
	}
	if (next == 'p' || next == 'P' || next == 'C' || next == 'a' || (next >= '1' && next <= '9'))
		return genops_fail_fix(err, GENOPS_SYNTAX, "", "\\%c is not done here", next);
	r->at += 2;
	if (next == 'A' || next == 'z') {
		if (r->multiline)
			return genops_fail_fix(err, GENOPS_SYNTAX, "", "\\%c together with (?m) is not done here", next);
		genops_buffer_add_char(r->out, next == 'A' ? '^' : '$');
	} else if (next == 's' || next == 'S') {
		/* Go's is ASCII */
		if (next == 'S' && r->is_in_class)
			return genops_fail_fix(err, GENOPS_SYNTAX, "", "\\S in a class is not done here");
		genops_buffer_add_text(r->out, r->is_in_class ? "\\t\\n\\f\\r " : next == 's' ? "[\\t\\n\\f\\r ]" : "[^\\t\\n\\f\\r ]");
	} else if (next == 'x' && r->at < r->pattern.len && r->pattern.ptr[r->at] == '{') {
		return genops_fail_fix(err, GENOPS_SYNTAX, "write \\x41", "\\x{...} is not done here");
	} else {
		genops_buffer_add_char(r->out, '\\');
		if (next)
			genops_buffer_add_char(r->out, next);
	}
	return GENOPS_OK;
}

static int rewrite(struct rewriting *r, struct genops_error *err)
{
	while (r->at < r->pattern.len) {
		char c = r->pattern.ptr[r->at];
		if (c == '\\') {
			GENOPS_TRY(rewrite_escape(r, err));
		} else if (r->is_in_class && c == '[') {
			if (rewrite_class(r))
				continue;
			genops_buffer_add_text(r->out, "\\[");
			r->at++;
		} else if (!r->is_in_class && starts(r, "(?P<")) {
			genops_buffer_add_text(r->out, "(?<");
			r->at += 4;
		} else if (!r->is_in_class && c == '.' && !r->dot_all) {
			genops_buffer_add_text(r->out, "[^\\n]");
			r->at++;
		} else {
			bool is_first = c == '[' && !r->is_in_class;
			genops_buffer_add_char(r->out, c);
			r->at++;
			if (is_first && starts(r, "^")) {
				genops_buffer_add_char(r->out, '^');
				r->at++;
			}
			if (is_first && starts(r, "]")) { /* for Go it stands for itself there */
				genops_buffer_add_text(r->out, "\\]");
				r->at++;
			}
			r->is_in_class = is_first || (r->is_in_class && c != ']');
		}
	}
	return GENOPS_OK;
}

/* --- searching only --- */

/* Where the alternative that begins at `from` ends: at a | that stands in no group and no class, or at the end. */
static size_t alternative_end(genops_str pattern, size_t from)
{
	int depth = 0;
	bool is_in_class = false;
	for (size_t i = from; i < pattern.len; i++) {
		char c = pattern.ptr[i];
		if (c == '\\') {
			if (genops_str_starts(genops_str_skip(pattern, i), GENOPS_STR("\\Q")))
				return SIZE_MAX; /* not worth the trouble */
			i++;
		} else if (is_in_class) {
			is_in_class = c != ']';
		} else if (c == '[') {
			is_in_class = true;
			i += i + 1 < pattern.len && pattern.ptr[i + 1] == '^';
			i += i + 1 < pattern.len && pattern.ptr[i + 1] == ']';
		} else if (c == '|' && !depth) {
			return i;
		} else {
			depth += (c == '(') - (c == ')');
		}
	}
	return pattern.len;
}

static genops_str strip_alternative(genops_str text)
{
	const genops_str any = GENOPS_STR(".*");
	genops_str all = text;
	while (genops_str_starts(text, any) && !(text.len > 2 && strchr("?+*{", text.ptr[2])))
		text = genops_str_skip(text, 2);
	while (genops_str_ends(text, any) && !(text.len > 2 && text.ptr[text.len - 3] == '\\'))
		text.len -= 2;
	return text.len ? text : all;
}

/* False: it stays as it is. */
static bool strip(genops_str pattern, struct genops_buffer *out)
{
	for (size_t from = 0;;) {
		size_t end = alternative_end(pattern, from);
		if (end == SIZE_MAX)
			return false;
		genops_buffer_add(out, strip_alternative((genops_str){pattern.ptr + from, end - from}));
		if (end == pattern.len)
			return true;
		genops_buffer_add_char(out, '|');
		from = end + 1;
	}
}

static int compile(genops_str pattern, bool is_search, struct genops_regex **ret_regex, struct genops_error *err)
{
	struct genops_buffer out, stripped;
	char flags[4];
	size_t n = 0;
	if (pattern.len > GENOPS_REGEX_LEN_MAX)
		return genops_fail(err, GENOPS_LIMIT, "a pattern is longer than %zu bytes", GENOPS_REGEX_LEN_MAX);
	genops_buffer_init(&out, GENOPS_REGEX_LEN_MAX);
	genops_buffer_init(&stripped, GENOPS_REGEX_LEN_MAX);
	struct rewriting r = {.pattern = pattern, .out = &out};
	int code = read_flags(&r, err);
	if (is_search && code == GENOPS_OK && pattern.len > r.at && strip(genops_str_skip(pattern, r.at), &stripped) && !stripped.error) {
		r.pattern = genops_buffer_view(&stripped);
		r.at = 0;
	}
	if (code == GENOPS_OK)
		code = rewrite(&r, err);
	if (code == GENOPS_OK && out.error)
		code = genops_fail(err, out.error, "a pattern is longer than %zu bytes", GENOPS_REGEX_LEN_MAX);
	if (r.ignore_case)
		flags[n++] = 'i';
	if (r.multiline)
		flags[n++] = 'm';
	if (r.dot_all)
		flags[n++] = 's';
	if (code == GENOPS_OK)
		code = genops_regex_compile(genops_buffer_view(&out), (genops_str){flags, n}, ret_regex, err);
	genops_buffer_done(&out);
	genops_buffer_done(&stripped);
	return code;
}

int genops_re2_compile(genops_str pattern, struct genops_regex **ret_regex, struct genops_error *err)
{
	return compile(pattern, false, ret_regex, err);
}

int genops_re2_compile_search(genops_str pattern, struct genops_regex **ret_regex, struct genops_error *err)
{
	return compile(pattern, true, ret_regex, err);
}
