/* SPDX-License-Identifier: Apache-2.0
 * dialect/dialect.c - which dialect a name means, and which endpoint a method and path belong to.
 */
#include "base/str.h"
#include "dialect/dialect.h"

const struct genops_dialect *genops_dialect_find(genops_str name)
{
	size_t n;
	const struct genops_dialect *const *dialects = genops_dialects(&n);
	for (size_t i = 0; i < n; i++)
		if (genops_str_is(name, dialects[i]->name))
			return dialects[i];
	return NULL;
}

/* Cuts the last segment ("/x") off; it is returned without its slash. */
static genops_str last_segment(genops_str *path)
{
	size_t start = path->len;
	while (start > 0 && path->ptr[start - 1] != '/')
		start--;
	genops_str segment = genops_str_skip(*path, start);
	path->len = start ? start - 1 : 0;
	return segment;
}

/* Do the last segments of `path` match all of `pattern`? "{}" is any one segment that is not empty.
 */
static bool is_suffix(genops_str pattern, genops_str path)
{
	while (pattern.len) {
		if (!path.len)
			return false;
		genops_str wanted = last_segment(&pattern), segment = last_segment(&path);
		bool is_match = genops_str_is(wanted, "{}") ? segment.len > 0
							    : genops_str_equal(wanted, segment);
		if (!is_match)
			return false;
	}
	return true;
}

const struct genops_endpoint *genops_dialect_route(
    const struct genops_dialect *dialect, genops_str method, genops_str path)
{
	size_t query = genops_str_find_char(path, '?');
	if (query != SIZE_MAX)
		path.len = query;
	for (size_t i = 0; i < dialect->n_endpoints; i++) {
		const struct genops_endpoint *endpoint = &dialect->endpoints[i];
		if (genops_str_is(method, endpoint->method) &&
		    is_suffix(genops_str_of(endpoint->path), path))
			return endpoint;
	}
	return NULL;
}
