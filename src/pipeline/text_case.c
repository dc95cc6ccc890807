/* SPDX-License-Identifier: Apache-2.0
 * pipeline/text_case.c - toUpperCase and toLowerCase for all of Unicode, see text.h. */
#include "pipeline/text.h"

#include "base/str.h"
#include "pipeline/text_case_table.h"

#define N(array) (sizeof(array) / sizeof *(array))

#define SIGMA	    0x3A3U
#define FINAL_SIGMA "\xCF\x82"

static uint32_t other(uint32_t code, const struct case_range *ranges, size_t n)
{
	size_t low = 0, high = n;
	while (low < high) { /* the first whose last is not before code */
		size_t middle = (low + high) / 2;
		if (ranges[middle].last < code)
			low = middle + 1;
		else
			high = middle;
	}
	/* Ranges that step by two may lie within one another. */
	for (; low < n && ranges[low].first <= code; low++) {
		if (code <= ranges[low].last && (code - ranges[low].first) % ranges[low].step == 0)
			return (uint32_t)((int64_t)code + ranges[low].distance);
	}
	return code;
}

static const char *special(uint32_t code, const struct case_special *specials, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (specials[i].code == code)
			return specials[i].text;
	}
	return NULL;
}

static bool is_cased(uint32_t code)
{
	if (code < 0x80)
		return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
	return other(code, upper_ranges, N(upper_ranges)) != code || other(code, lower_ranges, N(lower_ranges)) != code ||
	       special(code, upper_specials, N(upper_specials));
}

static bool is_ignored(uint32_t code)
{
	return code == '\'' || code == '.' || code == ':' || code == '^' || code == '`' || code == 0xA8 || code == 0xAD || code == 0xAF || code == 0xB4 ||
	       code == 0xB7 || code == 0xB8 || (code >= 0x2B0 && code <= 0x36F) || (code >= 0x200B && code <= 0x200F) || code == 0x2018 ||
	       code == 0x2019;
}

/* A sigma is a final one behind a letter and before none. */
static bool is_final(genops_str text, size_t at, size_t len)
{
	bool is_behind = false;
	uint32_t code;
	for (size_t i = 0; i < at;) {
		i += genops_text_decode(genops_str_skip(text, i), &code);
		is_behind = is_ignored(code) ? is_behind : is_cased(code);
	}
	for (size_t i = at + len; i < text.len;) {
		i += genops_text_decode(genops_str_skip(text, i), &code);
		if (!is_ignored(code))
			return is_behind && !is_cased(code);
	}
	return is_behind;
}

static size_t put_text(char *out, const char *text)
{
	size_t len = strlen(text);
	memcpy(out, text, len);
	return len;
}

static genops_str change(struct genops_arena *arena, genops_str text, bool to_upper)
{
	size_t ascii = genops_str_ascii_len(text), len = 0;
	char first = to_upper ? 'a' : 'A';
	/* No letter grows to more than three times its bytes. */
	char *out = genops_arena_take(arena, ascii + 3 * (text.len - ascii) + 4);
	int n_sigmas = 0;
	if (!out)
		return (genops_str){0};
	for (size_t at = 0; at < text.len;) {
		unsigned char c = (unsigned char)text.ptr[at];
		if (c < 0x80) {
			out[len++] = (char)(c >= first && c < first + 26 ? c ^ 0x20 : c);
			at++;
			continue;
		}
		uint32_t code;
		size_t width = genops_text_decode(genops_str_skip(text, at), &code);
		const char *several = to_upper ? special(code, upper_specials, N(upper_specials)) : special(code, lower_specials, N(lower_specials));
		if (several)
			len += put_text(out + len, several);
		else if (!to_upper && code == SIGMA && n_sigmas++ < 64 && is_final(text, at, width)) /* each looks through the text */
			len += put_text(out + len, FINAL_SIGMA);
		else if (to_upper)
			len += genops_text_encode(other(code, upper_ranges, N(upper_ranges)), out + len);
		else
			len += genops_text_encode(other(code, lower_ranges, N(lower_ranges)), out + len);
		at += width;
	}
	return (genops_str){out, len};
}

genops_str genops_text_upper(struct genops_arena *arena, genops_str text)
{
	return change(arena, text, true);
}

genops_str genops_text_lower(struct genops_arena *arena, genops_str text)
{
	return change(arena, text, false);
}
