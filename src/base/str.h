/* SPDX-License-Identifier: Apache-2.0
 * base/str.h - comparing, cutting and reading string views. ASCII rules, no locale, no allocation. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <genops/attribute.h>

#include <string.h>

#define GENOPS_STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : "" /* for "%.*s" */

bool genops_str_equal_nocase(genops_str a, genops_str b);

/* Inline, so that comparing with a literal of another length costs no call; nor do names of a usual length, which are compared as
 * two words that overlap. */
static inline bool genops_str_equal(genops_str a, genops_str b)
{
	uint64_t words[4];
	uint32_t halves[4];
	if (a.len != b.len)
		return false;
	if (a.len >= 8 && a.len <= 16) {
		memcpy(&words[0], a.ptr, 8);
		memcpy(&words[1], a.ptr + a.len - 8, 8);
		memcpy(&words[2], b.ptr, 8);
		memcpy(&words[3], b.ptr + b.len - 8, 8);
		return !((words[0] ^ words[2]) | (words[1] ^ words[3]));
	}
	if (a.len >= 4 && a.len < 8) {
		memcpy(&halves[0], a.ptr, 4);
		memcpy(&halves[1], a.ptr + a.len - 4, 4);
		memcpy(&halves[2], b.ptr, 4);
		memcpy(&halves[3], b.ptr + b.len - 4, 4);
		return !((halves[0] ^ halves[2]) | (halves[1] ^ halves[3]));
	}
	return a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* Equal to a C string? The first letter mostly says no. */
static inline bool genops_str_is(genops_str a, const char *text)
{
	if (!a.len || !text)
		return !a.len && (!text || !text[0]);
	return a.ptr[0] == text[0] && genops_str_equal(a, genops_str_of(text));
}

/* Letters that are equal but for their case differ in one bit, if at all: the first one mostly says no. */
static inline bool genops_str_is_nocase(genops_str a, const char *text)
{
	genops_str b = genops_str_of(text);
	return a.len == b.len && (!a.len || ((a.ptr[0] ^ b.ptr[0]) | 0x20) == 0x20) && genops_str_equal_nocase(a, b);
}

static inline bool genops_str_starts(genops_str text, genops_str prefix)
{
	return text.len >= prefix.len && genops_str_equal((genops_str){text.ptr, prefix.len}, prefix);
}

bool genops_str_ends(genops_str text, genops_str suffix);
genops_str genops_str_trim(genops_str text);               /* without ASCII white space at both ends */
genops_str genops_str_skip(genops_str text, size_t n);     /* without the first n bytes */

/* Cuts `*rest` at the first `separator`: returns what is before it, leaves what is after it in *rest.
 * Without one, returns all and leaves *rest empty with ptr NULL. */
genops_str genops_str_split(genops_str *rest, char separator);

/* Where `needle` stands in `text`, or SIZE_MAX. */
size_t genops_str_find(genops_str text, genops_str needle);
size_t genops_str_find_char(genops_str text, char c);

/* Whole text as a decimal int64 / a JSON-like number; false if it is not one or does not fit. */
bool genops_str_to_int(genops_str text, int64_t *ret_value);
bool genops_str_to_double(genops_str text, double *ret_value);

/* Glob with `*` only, ASCII case ignored if asked. */
bool genops_str_glob(genops_str pattern, genops_str text, bool ignore_case);

/* The candidate nearest to `name` by edit distance, if near enough to suggest ("did you mean ..."); or NULL. */
const char *genops_str_nearest(genops_str name, const char *const *candidates, size_t n_candidates);

/* How many bytes at the beginning are ASCII. */
size_t genops_str_ascii_len(genops_str text);
/* UTF-8 well-formed (no surrogates, no overlong forms)? Names and short values, ASCII mostly, are told without a call: by two
 * words that overlap. */
bool genops_str_is_utf8_slow(genops_str text);
static inline bool genops_str_is_utf8(genops_str text)
{
	uint64_t words[2];
	uint32_t halves[2];
	if (text.len >= 8 && text.len <= 16) {
		memcpy(&words[0], text.ptr, 8);
		memcpy(&words[1], text.ptr + text.len - 8, 8);
		if (!((words[0] | words[1]) & UINT64_C(0x8080808080808080)))
			return true;
	} else if (text.len >= 4 && text.len < 8) {
		memcpy(&halves[0], text.ptr, 4);
		memcpy(&halves[1], text.ptr + text.len - 4, 4);
		if (!((halves[0] | halves[1]) & UINT32_C(0x80808080)))
			return true;
	} else if (text.len && text.len < 4) { /* the middle one may be the first or the last */
		if (!((text.ptr[0] | text.ptr[text.len / 2] | text.ptr[text.len - 1]) & 0x80))
			return true;
	}
	return genops_str_is_utf8_slow(text);
}
/* The length of the well-formed sequence (one character) that text begins with; 0: there is none. */
size_t genops_str_utf8_sequence(genops_str text);

/* Copies text to `to`, which has room for it; returns where the next one goes. Names are short: two overlapping stores are
 * several times as fast as calling memcpy. */
static inline char *genops_str_put(char *to, genops_str text)
{
	if (text.len > 32) {
		memcpy(to, text.ptr, text.len);
	} else if (text.len >= 16) {
		memcpy(to, text.ptr, 16);
		memcpy(to + text.len - 16, text.ptr + text.len - 16, 16);
	} else if (text.len >= 8) {
		memcpy(to, text.ptr, 8);
		memcpy(to + text.len - 8, text.ptr + text.len - 8, 8);
	} else if (text.len >= 4) {
		memcpy(to, text.ptr, 4);
		memcpy(to + text.len - 4, text.ptr + text.len - 4, 4);
	} else if (text.len) { /* the middle one may be the first or the last */
		to[0] = text.ptr[0];
		to[text.len / 2] = text.ptr[text.len / 2];
		to[text.len - 1] = text.ptr[text.len - 1];
	}
	return to + text.len;
}

/* Undoes %XX (and '+' for a blank if asked) into `out`, which holds text.len bytes; a malformed escape stays as it is.
 * Returns the decoded view of `out`. */
genops_str genops_str_percent_decode(genops_str text, bool plus_is_blank, char *out);

/* 2*n lower-case hex digits and a NUL into `out`. And back: false unless exactly n bytes of hex. */
void genops_str_to_hex(const uint8_t *bytes, size_t n, char *out);
bool genops_str_from_hex(genops_str text, uint8_t *bytes, size_t n);

#endif
