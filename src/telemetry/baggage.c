/* SPDX-License-Identifier: Apache-2.0
 * telemetry/baggage.c - see propagation.h. W3C Baggage; pure functions, any thread. */
#include "telemetry/propagation.h"

#include "base/str.h"

#include <string.h>

static genops_str trim_blanks(genops_str text)
{
	while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
		text = genops_str_skip(text, 1);
	while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* RFC 7230 token. */
static bool is_token(genops_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool is_alnum =
		    (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!is_alnum && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return text.len > 0;
}

/* Percent-decodes into out (which holds text.len bytes); false: not a baggage value. '+' is a plus sign. */
static bool decode_value(genops_str text, char *out, size_t *ret_len)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		uint8_t byte;
		if (c <= 0x20 || c == 0x7f || c == '"' || c == '\\')
			return false;
		if (c == '%') {
			if (text.len - i < 3 ||
			    !genops_str_from_hex((genops_str){text.ptr + i + 1, 2}, &byte, 1))
				return false;
			c = (char)byte;
			i += 2;
		}
		out[n++] = c;
	}
	*ret_len = n;
	return true;
}

static genops_str member_key(genops_str member)
{
	genops_str rest = member;
	genops_str pair = genops_str_split(&rest, ';'); /* properties say how, not what: not used */
	rest = pair;
	return trim_blanks(genops_str_split(&rest, '='));
}

static void read_member(genops_str member, struct genops_attributes *attributes)
{
	char value[GENOPS_ATTRIBUTE_VALUE_MAX];
	size_t len;
	genops_str properties = member;
	genops_str rest = genops_str_split(&properties, ';');
	genops_str key = trim_blanks(genops_str_split(&rest, '='));
	genops_str text = trim_blanks(rest);
	if (!genops_str_starts(key, GENOPS_STR("genops.")) || key.len == strlen("genops.") ||
	    !is_token(key))
		return;
	if (!text.len || text.len > sizeof value || !decode_value(text, value, &len) || !len)
		return;
	/* What the set refuses (too many, not UTF-8, no memory) is skipped like any malformed member. */
	int code = genops_attributes_set_text(attributes, key, (genops_str){value, len}, NULL);
	(void)code;
}

void genops_baggage_read(genops_str header, struct genops_attributes *attributes)
{
	size_t n_left = GENOPS_BAGGAGE_BYTES_MAX;
	for (size_t i = 0; header.len && i < GENOPS_BAGGAGE_MEMBERS_MAX; i++) {
		genops_str member = genops_str_split(&header, ',');
		if (member.len > n_left)
			return;
		n_left -= member.len;
		n_left -= n_left > 0; /* its comma */
		read_member(member, attributes);
	}
}

/* Case is ignored here, unlike when reading: what is stripped too much costs nothing, what is stripped too little leaks. */
static bool is_ours(genops_str member)
{
	genops_str key = member_key(member);
	genops_str prefix = GENOPS_STR("genops.");
	if (key.len < prefix.len)
		return false;
	key.len = prefix.len;
	return genops_str_equal_nocase(key, prefix);
}

static bool has_ours(genops_str header)
{
	while (header.len) {
		if (is_ours(genops_str_split(&header, ',')))
			return true;
	}
	return false;
}

bool genops_baggage_strip(genops_str header, struct genops_arena *arena, genops_str *ret_rest)
{
	genops_str whole = trim_blanks(header);
	if (!has_ours(whole)) {
		*ret_rest = whole;
		return true;
	}
	char *out = genops_arena_alloc(arena, whole.len + 1);
	size_t n = 0;
	if (!out)
		return false;
	while (whole.len) {
		genops_str member = genops_str_split(&whole, ',');
		if (!trim_blanks(member).len || is_ours(member))
			continue;
		member = trim_blanks(member);
		if (n)
			out[n++] = ',';
		memcpy(out + n, member.ptr, member.len);
		n += member.len;
	}
	*ret_rest = (genops_str){out, n};
	return true;
}
