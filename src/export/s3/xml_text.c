/* SPDX-License-Identifier: Apache-2.0
 * export/s3/xml_text.c - see xml_text.h. One pass, no recursion. */
#include "export/s3/xml_text.h"

static const struct {
	const char *name;
	char c;
} entities[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};

/* "&" was read. A character that is not ASCII, and anything unknown, is not understood. */
static bool read_entity(genops_str *rest, char *ret_c)
{
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
		if (genops_str_starts(*rest, genops_str_of(entities[i].name))) {
			*rest = genops_str_skip(*rest, strlen(entities[i].name));
			*ret_c = entities[i].c;
			return true;
		}
	}
	unsigned value = 0, base = 10;
	if (!rest->len || rest->ptr[0] != '#')
		return false;
	*rest = genops_str_skip(*rest, 1);
	if (rest->len && (rest->ptr[0] == 'x' || rest->ptr[0] == 'X')) {
		*rest = genops_str_skip(*rest, 1);
		base = 16;
	}
	for (; rest->len && rest->ptr[0] != ';'; *rest = genops_str_skip(*rest, 1)) {
		char c = rest->ptr[0];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
				 : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
				 : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
							: 99;
		if (digit >= base || (value = value * base + digit) > 127)
			return false;
	}
	if (!rest->len || !value)
		return false;
	*rest = genops_str_skip(*rest, 1);
	*ret_c = (char)value;
	return true;
}

/* Behind "<": is it the begin of that element? Then *rest is behind its ">". */
static bool is_begin(genops_str *rest, genops_str name)
{
	genops_str tag = *rest;
	size_t end = genops_str_find_char(tag, '>');
	if (end == SIZE_MAX || (end && tag.ptr[end - 1] == '/'))
		return false;
	tag.len = end;
	for (size_t i = 0; i < tag.len; i++) {
		if (tag.ptr[i] == ' ' || tag.ptr[i] == '\t' || tag.ptr[i] == '\n' || tag.ptr[i] == '\r') {
			tag.len = i;
			break;
		}
	}
	size_t colon = genops_str_find_char(tag, ':');
	if (colon != SIZE_MAX)
		tag = genops_str_skip(tag, colon + 1);
	if (!genops_str_equal(tag, name))
		return false;
	*rest = genops_str_skip(*rest, end + 1);
	return true;
}

static bool read_text(genops_str rest, char *out, size_t size)
{
	size_t n = 0;
	while (rest.len && rest.ptr[0] != '<') {
		char c = rest.ptr[0];
		rest = genops_str_skip(rest, 1);
		if (c == '&' && !read_entity(&rest, &c))
			return false;
		if (n + 1 >= size || !c)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return rest.len > 1 && rest.ptr[1] == '/' && genops_str_is_utf8((genops_str){out, n});
}

bool genops_xml_text(genops_str xml, const char *name, char *out, size_t size)
{
	size_t at;
	while ((at = genops_str_find_char(xml, '<')) != SIZE_MAX) {
		xml = genops_str_skip(xml, at + 1);
		if (!is_begin(&xml, genops_str_of(name)))
			continue;
		if (read_text(xml, out, size))
			return true;
		break;
	}
	out[0] = '\0';
	return false;
}
