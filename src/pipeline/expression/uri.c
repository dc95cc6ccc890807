/* SPDX-License-Identifier: Apache-2.0
 * pipeline/expression/uri.c - encodeURIComponent and back. */
#include "pipeline/expression/functions.h"

#define ARGUMENTS struct genops_machine *machine, const struct genops_value *args, unsigned n, struct genops_value *ret

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && c < 0x80 && strchr("-_.!~*'()", c));
}

bool genops_uri_encode_component(ARGUMENTS)
{
	static const char hex[] = "0123456789ABCDEF";
	genops_str text;
	if (!genops_convert_to_text(machine, args[0], &text))
		return false;
	if (!genops_str_is_utf8(text))
		return genops_run_throw(machine, "", "URIError: the text has half a character");
	char *out = genops_arena_take(machine->run->arena, text.len * 3 + 1), *at = out;
	if (!out)
		return genops_run_full(machine);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (is_unreserved(c)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return genops_run_text(machine, (genops_str){out, (size_t)(at - out)}, ret);
}

bool genops_uri_decode_component(ARGUMENTS)
{
	genops_str text;
	uint8_t byte;
	if (!genops_convert_to_text(machine, args[0], &text))
		return false;
	char *out = genops_arena_take(machine->run->arena, text.len + 1);
	if (!out)
		return genops_run_full(machine);
	bool is_wrong = false;
	for (size_t i = 0; i < text.len && !is_wrong; i++) {
		if (text.ptr[i] == '%')
			is_wrong = i + 2 >= text.len || !genops_str_from_hex((genops_str){text.ptr + i + 1, 2}, &byte, 1);
	}
	genops_str decoded = genops_str_percent_decode(text, false, out);
	if (is_wrong || (decoded.len != text.len && !genops_str_is_utf8(decoded)))
		return genops_run_throw(machine, "", "URIError: the text is not percent-encoded UTF-8");
	return genops_run_text(machine, decoded.len ? decoded : (genops_str){out, 0}, ret);
}
