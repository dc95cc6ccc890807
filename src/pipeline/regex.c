/* SPDX-License-Identifier: Apache-2.0
 * pipeline/regex.c - see regex.h. PCRE2 with JIT where the system allows it, and bounds on each search. */
#include "pipeline/regex.h"

#include "base/str.h"
#include "pipeline/regex_translate.h"
#include "pipeline/text.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT    200000 /* steps of one search */
#define DEPTH_LIMIT    10000
#define HEAP_LIMIT_KIB 4096
#define JIT_STACK_FIRST ((size_t)32 * 1024)
#define JIT_STACK_MAX	((size_t)512 * 1024)
#define REPLACED_MAX	100000 /* matches of one pattern in one text */

struct genops_regex {
	pcre2_code *code;
	bool is_global;
	unsigned n_groups;
	char *source; /* "/pattern/flags", owned */
};

struct genops_regex_space {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

/* --- compiling --- */

struct flags {
	bool global, ignore_case, multiline, dot_all;
};

static int read_flags(genops_str text, struct flags *ret_flags, struct genops_error *err)
{
	*ret_flags = (struct flags){0};
	for (size_t i = 0; i < text.len; i++) {
		char flag = text.ptr[i];
		bool is_twice = memchr(text.ptr, flag, i) != NULL;
		if (!strchr("gimsu", flag) || is_twice)
			return genops_fail_fix(err, GENOPS_SYNTAX, "g, i, m, s and u are, each once", "\"%c\" is not a flag of a pattern here", flag);
		ret_flags->global |= flag == 'g';
		ret_flags->ignore_case |= flag == 'i';
		ret_flags->multiline |= flag == 'm';
		ret_flags->dot_all |= flag == 's';
	}
	return GENOPS_OK;
}

static int compile(genops_str translated, bool ignore_case, pcre2_code **ret_code, struct genops_error *err)
{
	int number;
	PCRE2_SIZE offset;
	PCRE2_UCHAR message[128];
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)(translated.ptr ? translated.ptr : ""), translated.len,
	    PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY |
		(ignore_case ? PCRE2_CASELESS : 0),
	    &number, &offset, NULL);
	if (!code) {
		if (number == PCRE2_ERROR_HEAP_FAILED)
			return genops_fail(err, GENOPS_NOMEM, "no memory for a pattern");
		pcre2_get_error_message(number, message, sizeof message);
		return genops_fail(err, GENOPS_SYNTAX, "the pattern is not well formed: %s", (const char *)message);
	}
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it, matching interprets */
	*ret_code = code;
	return GENOPS_OK;
}

static int build(genops_str pattern, const struct flags *flags, struct genops_regex *regex, struct genops_error *err)
{
	uint32_t n_groups = 0;
	struct genops_buffer translated;
	genops_buffer_init(&translated, 64 * GENOPS_REGEX_LEN_MAX);
	int code = genops_regex_translate(pattern, flags->dot_all, flags->multiline, &translated, err);
	if (code == GENOPS_OK)
		code = compile(genops_buffer_view(&translated), flags->ignore_case, &regex->code, err);
	genops_buffer_done(&translated);
	if (code != GENOPS_OK)
		return code;
	pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &n_groups);
	if (n_groups > GENOPS_REGEX_GROUPS_MAX)
		return genops_fail_fix(err, GENOPS_LIMIT, "write (?:...) for groups that need not be kept", "a pattern with over %d groups",
		    GENOPS_REGEX_GROUPS_MAX);
	regex->n_groups = n_groups;
	regex->is_global = flags->global;
	return GENOPS_OK;
}

int genops_regex_compile(genops_str pattern, genops_str flags_text, struct genops_regex **ret, struct genops_error *err)
{
	struct flags flags;
	GENOPS_TRY(read_flags(flags_text, &flags, err));
	if (pattern.len > GENOPS_REGEX_LEN_MAX)
		return genops_fail(err, GENOPS_LIMIT, "a pattern over %zu bytes", GENOPS_REGEX_LEN_MAX);
	if (!genops_str_is_utf8(pattern))
		return genops_fail(err, GENOPS_SYNTAX, "a pattern that is not UTF-8");
	struct genops_regex *regex = calloc(1, sizeof *regex);
	size_t len = pattern.len + flags_text.len + 3;
	if (!regex || !(regex->source = malloc(len))) {
		genops_regex_free(regex);
		return genops_fail(err, GENOPS_NOMEM, "no memory for a pattern");
	}
	regex->source[0] = '/';
	memcpy(regex->source + 1, pattern.ptr ? pattern.ptr : "", pattern.len);
	regex->source[pattern.len + 1] = '/';
	memcpy(regex->source + pattern.len + 2, flags_text.ptr ? flags_text.ptr : "", flags_text.len);
	regex->source[len - 1] = '\0';
	int code = build(pattern, &flags, regex, err);
	if (code != GENOPS_OK) {
		genops_regex_free(regex);
		return code;
	}
	*ret = regex;
	return GENOPS_OK;
}

void genops_regex_free(struct genops_regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->code);
	free(regex->source);
	free(regex);
}

bool genops_regex_is_global(const struct genops_regex *regex)
{
	return regex->is_global;
}

genops_str genops_regex_source(const struct genops_regex *regex)
{
	return genops_str_of(regex->source);
}

unsigned genops_regex_n_groups(const struct genops_regex *regex)
{
	return regex->n_groups;
}

int genops_regex_group(const struct genops_regex *regex, genops_str name)
{
	char copy[64];
	if (name.len >= sizeof copy)
		return -1;
	memcpy(copy, name.ptr ? name.ptr : "", name.len);
	copy[name.len] = '\0';
	return pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)copy);
}

/* --- searching --- */

void genops_regex_space_free(struct genops_regex_space *space)
{
	if (!space)
		return;
	pcre2_match_data_free(space->data);
	pcre2_match_context_free(space->context);
	pcre2_jit_stack_free(space->stack);
	free(space);
}

static struct genops_regex_space *space_new(void)
{
	struct genops_regex_space *space = calloc(1, sizeof *space);
	if (!space)
		return NULL;
	space->data = pcre2_match_data_create(GENOPS_REGEX_GROUPS_MAX + 1, NULL);
	space->context = pcre2_match_context_create(NULL);
	space->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MAX, NULL);
	if (!space->data || !space->context || !space->stack) {
		genops_regex_space_free(space);
		return NULL;
	}
	pcre2_set_match_limit(space->context, MATCH_LIMIT);
	pcre2_set_depth_limit(space->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(space->context, HEAP_LIMIT_KIB);
	pcre2_jit_stack_assign(space->context, NULL, space->stack);
	return space;
}

int genops_regex_find(
    const struct genops_regex *regex, struct genops_regex_space **space, genops_str text, size_t from, struct genops_regex_match *ret)
{
	if (!*space && !(*space = space_new()))
		return -1;
	if (from > text.len)
		return 0;
	int n = pcre2_match(regex->code, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, from, 0, (*space)->data, (*space)->context);
	if (n == PCRE2_ERROR_NOMATCH)
		return 0;
	if (n < 0)
		return -1;
	const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer((*space)->data);
	ret->n = (unsigned)n;
	for (unsigned i = 0; i < (unsigned)n; i++) {
		bool is_set = offsets[2 * (size_t)i] != PCRE2_UNSET;
		ret->groups[i].start = is_set ? offsets[2 * (size_t)i] : SIZE_MAX;
		ret->groups[i].end = is_set ? offsets[2 * (size_t)i + 1] : SIZE_MAX;
	}
	return 1;
}

/* --- replacing --- */

static void add_group(struct genops_buffer *buf, genops_str text, const struct genops_regex_match *match, unsigned i)
{
	if (i < match->n && match->groups[i].start != SIZE_MAX && match->groups[i].end > match->groups[i].start)
		genops_buffer_add(buf, (genops_str){text.ptr + match->groups[i].start, match->groups[i].end - match->groups[i].start});
}

/* "$1" to "$99" at `at`: the longest that names a group of the pattern; its length, or 0. */
static size_t numbered(genops_str replacement, size_t at, unsigned n_groups, unsigned *ret_group)
{
	unsigned number = 0;
	size_t len = 0;
	for (size_t i = 1; i <= 2 && at + i < replacement.len; i++) {
		char c = replacement.ptr[at + i];
		if (c < '0' || c > '9')
			break;
		number = number * 10 + (unsigned)(c - '0');
		if (number >= 1 && number <= n_groups) {
			*ret_group = number;
			len = i + 1;
		}
	}
	return len;
}

/* What stands at the dollar; how long it is. */
static size_t add_special(struct genops_buffer *buf, const struct genops_regex *regex, genops_str text, genops_str replacement, size_t at,
    const struct genops_regex_match *match)
{
	char next = at + 1 < replacement.len ? replacement.ptr[at + 1] : '\0';
	unsigned group;
	size_t len = numbered(replacement, at, regex->n_groups, &group);
	if (len) {
		add_group(buf, text, match, group);
		return len;
	}
	if (next == '&') {
		add_group(buf, text, match, 0);
	} else if (next == '`') {
		genops_buffer_add(buf, (genops_str){text.ptr, match->groups[0].start});
	} else if (next == '\'') {
		genops_buffer_add(buf, genops_str_skip(text, match->groups[0].end));
	} else if (next == '<' && pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &group) == 0 && group) {
		genops_str name = genops_str_skip(replacement, at + 2);
		size_t end = genops_str_find_char(name, '>');
		if (end != SIZE_MAX) {
			int number = genops_regex_group(regex, (genops_str){name.ptr, end});
			if (number > 0)
				add_group(buf, text, match, (unsigned)number);
			return end + 3;
		}
		genops_buffer_add_char(buf, '$');
		return 1;
	} else {
		genops_buffer_add_char(buf, '$');
		return next == '$' ? 2 : 1;
	}
	return 2;
}

static void add_replacement(struct genops_buffer *buf, const struct genops_regex *regex, genops_str text, genops_str replacement,
    const struct genops_regex_match *match)
{
	for (size_t at = 0; at < replacement.len && !buf->error;) {
		size_t dollar = genops_str_find_char(genops_str_skip(replacement, at), '$');
		size_t plain = dollar == SIZE_MAX ? replacement.len - at : dollar;
		genops_buffer_add(buf, (genops_str){replacement.ptr + at, plain});
		at += plain;
		if (at < replacement.len)
			at += add_special(buf, regex, text, replacement, at, match);
	}
}

bool genops_regex_replace(const struct genops_regex *regex, struct genops_regex_space **space, genops_str text, genops_str replacement,
    struct genops_buffer *buf)
{
	struct genops_regex_match match;
	size_t copied = 0, from = 0;
	for (int n = 0; from <= text.len && n < REPLACED_MAX && !buf->error; n++) {
		int found = genops_regex_find(regex, space, text, from, &match);
		uint32_t ignored;
		if (found < 0)
			return false;
		if (!found)
			break;
		genops_buffer_add(buf, (genops_str){text.ptr + copied, match.groups[0].start - copied});
		add_replacement(buf, regex, text, replacement, &match);
		copied = from = match.groups[0].end;
		if (match.groups[0].end == match.groups[0].start)
			from += from < text.len ? genops_text_decode(genops_str_skip(text, from), &ignored) : 1;
		if (!regex->is_global)
			break;
		if (n == REPLACED_MAX - 1)
			return false;
	}
	genops_buffer_add(buf, genops_str_skip(text, copied));
	return true;
}
