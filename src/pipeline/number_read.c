/* SPDX-License-Identifier: Apache-2.0
 * pipeline/number_read.c - numbers out of text, see number_text.h: what Number(), parseFloat and parseInt take. Most texts are short
 * decimals, whose value is one multiplication or division away; the others are strtod's. */
#include "pipeline/number_text.h"

#include "base/str.h"

#include <math.h>
#include <stdlib.h>

#define COPY_MAX 1024

/* strtod wants an end. A text that is too long for the stack is a text of the outside's: memory for it is rare, and bounded. */
static double slow(genops_str text)
{
	char copy[COPY_MAX + 1], *end = text.len <= COPY_MAX ? copy : malloc(text.len + 1);
	if (!end)
		return NAN;
	memcpy(end, text.ptr, text.len);
	end[text.len] = '\0';
	double value = genops_number_strtod(end);
	if (end != copy)
		free(end);
	return value;
}

/* The length of the decimal that text begins with (sign, digits, point, exponent); 0: none. */
static size_t decimal_len(genops_str text, bool *ret_is_simple)
{
	size_t at = 0, digits = 0, point = 0;
	if (at < text.len && (text.ptr[at] == '+' || text.ptr[at] == '-'))
		at++;
	for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
		digits++;
	if (at < text.len && text.ptr[at] == '.') {
		size_t from = ++at;
		while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
			at++;
		point = at - from;
		if (!digits && !point)
			return 0;
	}
	if (!digits && !point)
		return 0;
	*ret_is_simple = digits + point <= 15;
	if (at < text.len && (text.ptr[at] | 0x20) == 'e') {
		size_t from = at + 1;
		if (from < text.len && (text.ptr[from] == '+' || text.ptr[from] == '-'))
			from++;
		size_t end = from;
		while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9')
			end++;
		if (end > from) {
			at = end;
			*ret_is_simple = false;
		}
	}
	return at;
}

/* At most 15 digits and no exponent: an integer and a power of ten, both exact, so that one division rounds once. */
static double simple(genops_str text)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	int64_t value = 0;
	size_t point = 0;
	bool is_behind = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '.') {
			is_behind = true;
		} else if (c >= '0' && c <= '9') {
			value = value * 10 + (c - '0');
			point += is_behind;
		}
	}
	double number = (double)value / powers[point];
	return text.ptr[0] == '-' ? -number : number;
}

static double decimal(genops_str text, size_t *ret_len)
{
	bool is_simple = false;
	size_t len = decimal_len(text, &is_simple);
	*ret_len = len;
	if (!len)
		return NAN;
	return is_simple ? simple((genops_str){text.ptr, len}) : slow((genops_str){text.ptr, len});
}

double genops_number_from_decimal(genops_str text)
{
	size_t len;
	double value = decimal(text, &len);
	return len == text.len ? value : NAN;
}

/* White space and line ends: the length of the one that text begins with, or 0. */
static size_t space_len(genops_str text)
{
	unsigned char c = text.len ? (unsigned char)text.ptr[0] : 'x';
	if (c < 0x80)
		return c == ' ' || (c >= '\t' && c <= '\r');
	if (text.len >= 2 && c == 0xC2)
		return (unsigned char)text.ptr[1] == 0xA0 ? 2 : 0;
	if (text.len < 3)
		return 0;
	unsigned code = (c & 15U) << 12 | ((unsigned)(unsigned char)text.ptr[1] & 63U) << 6 | ((unsigned)(unsigned char)text.ptr[2] & 63U);
	bool is_space = code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
			code == 0x205F || code == 0x3000 || code == 0xFEFF;
	return c >= 0xE0 && c < 0xF0 && is_space ? 3 : 0;
}

genops_str genops_number_trim(genops_str text, bool at_start, bool at_end)
{
	for (size_t len; at_start && (len = space_len(text));)
		text = genops_str_skip(text, len);
	while (at_end && text.len) {
		size_t back = 1;
		while (back < text.len && back < 3 && ((unsigned char)text.ptr[text.len - back] & 0xC0) == 0x80)
			back++;
		if (space_len((genops_str){text.ptr + text.len - back, back}) != back)
			break;
		text.len -= back;
	}
	return text;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* Bits of a number in a radix that is a power of two, rounded once, half to even. */
static double from_bits(genops_str digits, int bits_each)
{
	uint64_t value = 0;
	int exponent = 0;
	bool sticky = false;
	for (size_t i = 0; i < digits.len; i++) {
		for (int bit = bits_each - 1; bit >= 0; bit--) {
			bool one = digit_of(digits.ptr[i]) >> bit & 1;
			if (value >> 62) {
				exponent += exponent < 100000;
				sticky |= one;
			} else {
				value = value << 1 | one;
			}
		}
	}
	return ldexp((double)(value << 1 | sticky), exponent - 1); /* 64 bits to 53: the conversion rounds */
}

/* Digits of a radix, as V8 adds them up where the specification leaves it open. */
static double from_radix(genops_str digits, int radix)
{
	if ((radix & (radix - 1)) == 0)
		return from_bits(digits, radix == 2 ? 1 : radix == 4 ? 2 : radix == 8 ? 3 : radix == 16 ? 4 : 5);
	if (radix == 10)
		return digits.len <= 15 ? simple(digits) : slow(digits);
	double value = 0;
	for (size_t at = 0; at < digits.len;) {
		unsigned part = 0, multiplier = 1;
		while (at < digits.len && multiplier <= 0xFFFFFFFFU / 36 / (unsigned)radix) {
			part = part * (unsigned)radix + (unsigned)digit_of(digits.ptr[at++]);
			multiplier *= (unsigned)radix;
		}
		value = value * multiplier + part;
	}
	return value;
}

static bool has_prefix(genops_str text, char letter)
{
	return text.len >= 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == letter;
}

double genops_number_from_text(genops_str text)
{
	text = genops_number_trim(text, true, true);
	if (!text.len)
		return 0;
	int radix = has_prefix(text, 'x') ? 16 : has_prefix(text, 'o') ? 8 : has_prefix(text, 'b') ? 2 : 10;
	if (radix != 10) {
		genops_str digits = genops_str_skip(text, 2);
		for (size_t i = 0; i < digits.len; i++) {
			if (digit_of(digits.ptr[i]) >= radix)
				return NAN;
		}
		return digits.len ? from_radix(digits, radix) : NAN;
	}
	size_t sign = text.ptr[0] == '-' || text.ptr[0] == '+';
	if (genops_str_is(genops_str_skip(text, sign), "Infinity"))
		return text.ptr[0] == '-' ? -INFINITY : INFINITY;
	return genops_number_from_decimal(text);
}

double genops_number_parse_float(genops_str text)
{
	size_t len;
	text = genops_number_trim(text, true, false);
	size_t sign = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
	if (genops_str_starts(genops_str_skip(text, sign), GENOPS_STR("Infinity")))
		return text.ptr[0] == '-' ? -INFINITY : INFINITY;
	return decimal(text, &len);
}

double genops_number_parse_int(genops_str text, int radix)
{
	text = genops_number_trim(text, true, false);
	bool is_negative = text.len && text.ptr[0] == '-';
	if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
		text = genops_str_skip(text, 1);
	if (radix && (radix < 2 || radix > 36))
		return NAN;
	if ((!radix || radix == 16) && has_prefix(text, 'x')) {
		text = genops_str_skip(text, 2);
		radix = 16;
	}
	radix = radix ? radix : 10;
	size_t n = 0;
	while (n < text.len && digit_of(text.ptr[n]) < radix)
		n++;
	if (!n)
		return NAN;
	double value = from_radix((genops_str){text.ptr, n}, radix);
	return is_negative ? -value : value;
}

double genops_number_to_integer(double value)
{
	return isnan(value) ? 0 : trunc(value) + 0.0;
}

int32_t genops_number_to_int32(double value)
{
	if (!isfinite(value))
		return 0;
	double rest = fmod(trunc(value), 4294967296.0);
	return (int32_t)(uint32_t)(int64_t)rest;
}
