/* SPDX-License-Identifier: Apache-2.0
 * pipeline/text.c - see text.h. Nearly all texts are ASCII, where units are bytes. */
#include "pipeline/text.h"

#include "base/str.h"

static const char nothing[] = "";

size_t genops_text_decode(genops_str text, uint32_t *ret_code)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	if (at[0] < 0x80 || text.len < 2) {
		*ret_code = at[0];
		return 1;
	}
	if (at[0] < 0xE0) {
		*ret_code = (at[0] & 0x1FU) << 6 | (at[1] & 0x3FU);
		return 2;
	}
	if (at[0] < 0xF0 && text.len >= 3) {
		*ret_code = (at[0] & 0xFU) << 12 | (at[1] & 0x3FU) << 6 | (at[2] & 0x3FU);
		return 3;
	}
	if (text.len < 4) {
		*ret_code = 0xFFFD;
		return text.len;
	}
	*ret_code = (at[0] & 7U) << 18 | (at[1] & 0x3FU) << 12 | (at[2] & 0x3FU) << 6 | (at[3] & 0x3FU);
	return 4;
}

size_t genops_text_encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3F));
		out[2] = (char)(0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3F));
	out[2] = (char)(0x80 | (code >> 6 & 0x3F));
	out[3] = (char)(0x80 | (code & 0x3F));
	return 4;
}

/* The length of the sequence that a lead byte begins; and how many units it is. */
static size_t sequence(unsigned char lead)
{
	return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

static size_t units_of(unsigned char lead)
{
	return lead >= 0xF0 ? 2 : 1;
}

size_t genops_text_position(genops_str text, size_t byte)
{
	size_t units = genops_str_ascii_len((genops_str){text.ptr, byte});
	for (size_t at = units; at < byte; at += sequence((unsigned char)text.ptr[at]))
		units += units_of((unsigned char)text.ptr[at]);
	return units;
}

size_t genops_text_length(genops_str text)
{
	return genops_text_position(text, text.len);
}

/* The byte of the character that unit `at` belongs to; *ret_is_second: it is the second of two. */
static size_t seek(genops_str text, size_t at, bool *ret_is_second)
{
	size_t ascii = genops_str_ascii_len(text), units = ascii < at ? ascii : at, byte = units;
	*ret_is_second = false;
	while (units < at && byte < text.len) {
		size_t width = units_of((unsigned char)text.ptr[byte]);
		if (width == 2 && units + 1 == at) {
			*ret_is_second = true;
			return byte;
		}
		units += width;
		byte += sequence((unsigned char)text.ptr[byte]);
	}
	return byte;
}

int genops_text_unit(genops_str text, size_t at)
{
	bool is_second;
	uint32_t code;
	size_t byte = seek(text, at, &is_second);
	if (byte >= text.len)
		return -1;
	genops_text_decode(genops_str_skip(text, byte), &code);
	if (code < 0x10000)
		return (int)code;
	return is_second ? (int)(0xDC00 | ((code - 0x10000) & 0x3FF)) : (int)(0xD800 | (code - 0x10000) >> 10);
}

genops_str genops_text_slice(struct genops_arena *arena, genops_str text, size_t from, size_t to)
{
	bool from_second, to_second;
	if (from >= to)
		return (genops_str){nothing, 0};
	size_t first = seek(text, from, &from_second), end = seek(text, to, &to_second);
	if (!from_second && !to_second)
		return (genops_str){text.ptr + first, end - first};
	char *out = genops_arena_take(arena, end - first + 8), *at = out;
	if (!out)
		return (genops_str){0};
	if (from_second) {
		at += genops_text_encode((uint32_t)genops_text_unit(text, from), at);
		first += 4;
	}
	if (end > first) {
		memcpy(at, text.ptr + first, end - first);
		at += end - first;
	}
	if (to_second)
		at += genops_text_encode((uint32_t)genops_text_unit(text, to - 1), at);
	return (genops_str){out, (size_t)(at - out)};
}

static bool ends_with_half(const char *start, const char *end)
{
	return end - start >= 3 && (unsigned char)end[-3] == 0xED && ((unsigned char)end[-2] & 0xF0) == 0xA0;
}

static bool starts_with_half(genops_str text)
{
	return text.len >= 3 && (unsigned char)text.ptr[0] == 0xED && ((unsigned char)text.ptr[1] & 0xF0) == 0xB0;
}

genops_str genops_text_join(struct genops_arena *arena, const genops_str *parts, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		len += parts[i].len;
	char *out = genops_arena_take(arena, len + 1), *at = out;
	if (!out)
		return (genops_str){0};
	for (size_t i = 0; i < n; i++) {
		genops_str part = parts[i];
		if (starts_with_half(part) && ends_with_half(out, at)) {
			uint32_t high, low;
			genops_text_decode((genops_str){at - 3, 3}, &high);
			genops_text_decode(part, &low);
			at += genops_text_encode(0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF)), at - 3) - 3;
			part = genops_str_skip(part, 3);
		}
		if (part.len)
			memcpy(at, part.ptr, part.len);
		at += part.len;
	}
	return (genops_str){out, (size_t)(at - out)};
}

/* --- searching: by bytes, unless a half of a pair is looked for, which may stand within a character --- */

static bool is_cut(genops_str part)
{
	return starts_with_half(part) || ends_with_half(part.ptr, part.ptr + part.len);
}

static uint16_t *units(struct genops_arena *arena, genops_str text, size_t *ret_n)
{
	uint16_t *out = genops_arena_take(arena, (text.len + 1) * sizeof *out);
	size_t n = 0;
	for (size_t at = 0; out && at < text.len;) {
		uint32_t code;
		at += genops_text_decode(genops_str_skip(text, at), &code);
		if (code >= 0x10000) {
			out[n++] = (uint16_t)(0xD800 | (code - 0x10000) >> 10);
			code = 0xDC00 | ((code - 0x10000) & 0x3FF);
		}
		out[n++] = (uint16_t)code;
	}
	*ret_n = n;
	return out;
}

static size_t find_units(struct genops_arena *arena, genops_str text, genops_str part, size_t from, bool is_last)
{
	size_t n, n_part, found = GENOPS_TEXT_NOWHERE;
	const uint16_t *in = units(arena, text, &n), *wanted = units(arena, part, &n_part);
	if (!in || !wanted || n_part > n)
		return GENOPS_TEXT_NOWHERE;
	for (size_t at = is_last ? 0 : from; at <= n - n_part; at++) {
		if (is_last && at > from)
			break;
		if (memcmp(in + at, wanted, n_part * sizeof *in) != 0)
			continue;
		found = at;
		if (!is_last)
			break;
	}
	return found;
}

size_t genops_text_find(struct genops_arena *arena, genops_str text, genops_str part, size_t from)
{
	bool is_second;
	if (is_cut(part))
		return find_units(arena, text, part, from, false);
	size_t byte = seek(text, from, &is_second);
	if (is_second) {
		if (!part.len)
			return from;
		byte += 4;
	}
	size_t found = genops_str_find(genops_str_skip(text, byte), part);
	return found == SIZE_MAX ? GENOPS_TEXT_NOWHERE : genops_text_position(text, byte + found);
}

size_t genops_text_find_last(struct genops_arena *arena, genops_str text, genops_str part, size_t from)
{
	bool is_second;
	if (is_cut(part))
		return find_units(arena, text, part, from, true);
	if (!part.len)
		return from;
	for (size_t byte = seek(text, from, &is_second) + 1; byte-- > 0;) {
		if (byte + part.len <= text.len && memcmp(text.ptr + byte, part.ptr, part.len) == 0)
			return genops_text_position(text, byte);
	}
	return GENOPS_TEXT_NOWHERE;
}

/* Bytes order as code points do; units differ where one text has a pair and the other a unit above the halves. */
int genops_text_compare(genops_str a, genops_str b)
{
	size_t len = a.len < b.len ? a.len : b.len, at = 0;
	while (at < len && a.ptr[at] == b.ptr[at])
		at++;
	if (at == len)
		return a.len < b.len ? -1 : a.len > b.len;
	while (at > 0 && ((unsigned char)a.ptr[at] & 0xC0) == 0x80)
		at--;
	uint32_t left, right;
	genops_text_decode(genops_str_skip(a, at), &left);
	genops_text_decode(genops_str_skip(b, at), &right);
	uint32_t left_unit = left >= 0x10000 ? 0xD800 | (left - 0x10000) >> 10 : left;
	uint32_t right_unit = right >= 0x10000 ? 0xD800 | (right - 0x10000) >> 10 : right;
	if (left_unit != right_unit)
		return left_unit < right_unit ? -1 : 1;
	if ((left >= 0x10000) != (right >= 0x10000)) { /* a pair, and its first half alone: what follows the half decides */
		genops_str rest = genops_str_skip(left >= 0x10000 ? b : a, at + 3);
		int next = rest.len ? genops_text_unit(rest, 0) : -1, of_pair = (int)(0xDC00 | ((left >= 0x10000 ? left : right) & 0x3FF));
		return (next < of_pair) == (left >= 0x10000) ? 1 : -1;
	}
	return left < right ? -1 : 1;
}
