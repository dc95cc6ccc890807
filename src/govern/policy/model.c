/* SPDX-License-Identifier: Apache-2.0
 * govern/policy/model.c - does a pattern of a model list name this model? (contract A-057, DESIGN
 * 6)
 *
 * The strength is 1 + the literal bytes of the pattern, so that of two patterns that both match,
 * the one that says more wins: "gpt-4-turbo" over "gpt-4", "gpt-4*" over "*". Pure, no
 * allocation. */
#include "govern/policy/policy.h"

#include "base/str.h"

static bool is_boundary(char c)
{
	return c == '-' || c == ':' || c == '@' || c == '/';
}

size_t genops_model_match(genops_str pattern, genops_str model)
{
	if (!pattern.len || !model.len)
		return 0;
	size_t strength = pattern.len + 1;
	if (genops_str_find_char(pattern, '*') != SIZE_MAX) {
		for (size_t i = 0; i < pattern.len; i++)
			strength -= pattern.ptr[i] == '*';
		return genops_str_glob(pattern, model, true) ? strength : 0;
	}
	if (model.len < pattern.len ||
	    !genops_str_equal_nocase(pattern, (genops_str){model.ptr, pattern.len}))
		return 0;
	if (model.len == pattern.len || is_boundary(model.ptr[pattern.len]) ||
	    is_boundary(pattern.ptr[pattern.len - 1]))
		return strength;
	return 0;
}
