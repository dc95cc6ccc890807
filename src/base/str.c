/* SPDX-License-Identifier: Apache-2.0
 * base/str.c - see str.h. Pure functions of their arguments; safe in any thread. */
#include "base/str.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

#define EVERY_BYTE UINT64_C(0x0101010101010101)

/* Eight bytes at a time: those that differ must differ in the case's bit alone, and be letters. */
static bool equal_word_nocase(const char *a, const char *b)
{
	uint64_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	uint64_t differs = x ^ y;
	if (!differs)
		return true;
	uint64_t small = (x | 0x20 * EVERY_BYTE) & 0x7f * EVERY_BYTE;
	uint64_t is_letter = (small + (0x80 - 'a') * EVERY_BYTE) & ~(small + (0x7f - 'z') * EVERY_BYTE) & ~x & 0x80 * EVERY_BYTE;
	return (differs & ~(is_letter >> 2)) == 0;
}

bool genops_str_equal_nocase(genops_str a, genops_str b)
{
	/* Most people write a name as it is. */
	if (genops_str_equal(a, b))
		return true;
	if (a.len != b.len)
		return false;
	size_t i = 0;
	for (; i + 8 <= a.len; i += 8) {
		if (!equal_word_nocase(a.ptr + i, b.ptr + i))
			return false;
	}
	if (i > 0 && i < a.len)
		return equal_word_nocase(a.ptr + a.len - 8, b.ptr + a.len - 8);
	for (; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

bool genops_str_ends(genops_str text, genops_str suffix)
{
	return text.len >= suffix.len &&
	       genops_str_equal(genops_str_skip(text, text.len - suffix.len), suffix);
}

genops_str genops_str_skip(genops_str text, size_t n)
{
	if (n >= text.len)
		return (genops_str){0};
	return (genops_str){text.ptr + n, text.len - n};
}

genops_str genops_str_trim(genops_str text)
{
	while (text.len && is_space(text.ptr[0]))
		text = genops_str_skip(text, 1);
	while (text.len && is_space(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

size_t genops_str_find_char(genops_str text, char c)
{
	const char *at = text.len ? memchr(text.ptr, c, text.len) : NULL;
	return at ? (size_t)(at - text.ptr) : SIZE_MAX;
}

size_t genops_str_find(genops_str text, genops_str needle)
{
	if (!needle.len)
		return 0;
	const char *at = text.len ? memmem(text.ptr, text.len, needle.ptr, needle.len) : NULL;
	return at ? (size_t)(at - text.ptr) : SIZE_MAX;
}

genops_str genops_str_split(genops_str *rest, char separator)
{
	genops_str all = *rest;
	size_t at = genops_str_find_char(all, separator);
	if (at == SIZE_MAX) {
		*rest = (genops_str){0};
		return all;
	}
	*rest = (genops_str){all.ptr + at + 1, all.len - at - 1};
	return (genops_str){all.ptr, at};
}

bool genops_str_to_int(genops_str text, int64_t *ret_value)
{
	bool is_negative = text.len && text.ptr[0] == '-';
	genops_str digits = is_negative ? genops_str_skip(text, 1) : text;
	int64_t value = 0;
	if (!digits.len)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return false;
		int64_t digit = digits.ptr[i] - '0';
		/* Built up negative, because that side reaches further. */
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, digit, &value))
			return false;
	}
	if (!is_negative && value == INT64_MIN)
		return false;
	*ret_value = is_negative ? value : -value;
	return true;
}

/* strtod reads the decimal point of the process's locale, which is not ours to change. The "C" locale object is
 * a constant of the C library: making it allocates nothing. */
static double c_strtod(const char *text, char **ret_end)
{
	locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (c_locale == (locale_t)0)
		return strtod(text, ret_end);
	double value = strtod_l(text, ret_end, c_locale);
	freelocale(c_locale);
	return value;
}

bool genops_str_to_double(genops_str text, double *ret_value)
{
	char copy[64];
	if (!text.len || text.len >= sizeof copy)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!(c >= '0' && c <= '9') && !memchr("+-.eE", c, 5))
			return false; /* no hex, no "inf", no "nan", no white space */
	}
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	char *end;
	double value = c_strtod(copy, &end);
	if (*end || end == copy)
		return false;
	*ret_value = value;
	return true;
}

bool genops_str_glob(genops_str pattern, genops_str text, bool ignore_case)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
	if (genops_str_equal(pattern, text))
		return true;
	while (t < text.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			mark = t;
		} else if (p < pattern.len &&
			   (ignore_case ? lower(pattern.ptr[p]) == lower(text.ptr[t])
					: pattern.ptr[p] == text.ptr[t])) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1; /* let the last star swallow one byte more */
			t = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}

#define NEAREST_MAX 64

/* Bytes added, left out, replaced, or two exchanged: the commonest slip counts as one. */
static size_t distance(genops_str a, genops_str b)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			char x = lower(a.ptr[i - 1]), y = lower(b.ptr[j - 1]);
			size_t best = above[j - 1] + (x != y);
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && lower(a.ptr[i - 2]) == y && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
	}
	return row[b.len];
}

const char *genops_str_nearest(genops_str name, const char *const *candidates, size_t n_candidates)
{
	const char *nearest = NULL;
	size_t best = SIZE_MAX;
	if (name.len > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n_candidates; i++) {
		genops_str candidate = genops_str_of(candidates[i]);
		if (candidate.len > NEAREST_MAX)
			continue;
		size_t d = distance(name, candidate);
		size_t allowed = candidate.len < 5 ? 1 : 1 + candidate.len / 4;
		if (d <= allowed && d < best) {
			best = d;
			nearest = candidates[i];
		}
	}
	return nearest;
}

/* The length of the UTF-8 sequence at s, 0 if there is none that is well formed (Unicode table 3-7). */
static inline size_t utf8_sequence(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t len;
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xC2 && s[0] <= 0xDF)
		len = 2;
	else if (s[0] >= 0xE0 && s[0] <= 0xEF)
		len = 3;
	else if (s[0] >= 0xF0 && s[0] <= 0xF4)
		len = 4;
	else
		return 0;
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	if (n < len || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (s[i] < 0x80 || s[i] > 0xBF)
			return 0;
	}
	return len;
}

size_t genops_str_utf8_sequence(genops_str text)
{
	return text.len ? utf8_sequence((const unsigned char *)text.ptr, text.len) : 0;
}

#define HIGH_BITS UINT64_C(0x8080808080808080)

static inline bool is_ascii_word(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return !(word & HIGH_BITS);
}

static inline size_t ascii_len(genops_str text)
{
	const char *s = text.ptr;
	uint64_t words[4];
	size_t i = 0;
	for (; text.len - i >= sizeof words; i += sizeof words) {
		memcpy(words, s + i, sizeof words);
		if ((words[0] | words[1] | words[2] | words[3]) & HIGH_BITS)
			break;
	}
	while (text.len - i >= 8 && is_ascii_word(s + i))
		i += 8;
	/* What is left of a text, a name mostly: looked at together with what is before it. */
	if (text.len >= 8 && text.len - i < 8 && is_ascii_word(s + text.len - 8))
		return text.len;
	while (i < text.len && (unsigned char)s[i] < 0x80)
		i++;
	return i;
}

size_t genops_str_ascii_len(genops_str text)
{
	return ascii_len(text);
}

/* A text that has `i` well-formed bytes and then one that is not ASCII. */
static bool is_utf8_from(genops_str text, size_t i)
{
	while (i < text.len) {
		size_t len = utf8_sequence((const unsigned char *)text.ptr + i, text.len - i);
		if (!len)
			return false;
		i += len;
		if (i < text.len && (unsigned char)text.ptr[i] < 0x80)
			i += genops_str_ascii_len(genops_str_skip(text, i));
	}
	return true;
}

bool genops_str_is_utf8_slow(genops_str text)
{
	size_t n = ascii_len(text);
	return n == text.len || is_utf8_from(text, n);
}

#define HEX_ROW(high) high "0" high "1" high "2" high "3" high "4" high "5" high "6" high "7" high "8" high "9" high "a" high "b" high "c" high "d" high "e" high "f"

void genops_str_to_hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char pairs[] = HEX_ROW("0") HEX_ROW("1") HEX_ROW("2") HEX_ROW("3") HEX_ROW("4") HEX_ROW("5") HEX_ROW("6")
	    HEX_ROW("7") HEX_ROW("8") HEX_ROW("9") HEX_ROW("a") HEX_ROW("b") HEX_ROW("c") HEX_ROW("d") HEX_ROW("e") HEX_ROW("f");
	for (size_t i = 0; i < n; i++)
		memcpy(out + 2 * i, pairs + 2 * bytes[i], 2);
	out[2 * n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool genops_str_from_hex(genops_str text, uint8_t *bytes, size_t n)
{
	if (text.len != 2 * n)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (hex_digit(text.ptr[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(hex_digit(text.ptr[2 * i]) << 4 | hex_digit(text.ptr[2 * i + 1]));
	return true;
}

genops_str genops_str_percent_decode(genops_str text, bool plus_is_blank, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte;
		if (text.ptr[i] == '%' && text.len - i > 2 && genops_str_from_hex((genops_str){text.ptr + i + 1, 2}, &byte, 1)) {
			out[n++] = (char)byte;
			i += 2;
		} else {
			out[n++] = plus_is_blank && text.ptr[i] == '+' ? ' ' : text.ptr[i];
		}
	}
	return (genops_str){out, n};
}
