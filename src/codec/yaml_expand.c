/* SPDX-License-Identifier: Apache-2.0
 * codec/yaml_expand.c - ${VAR} in scalars; see genops_yaml_expand in yaml.h. Pure: variables and files come from the caller. */
#include "codec/yaml.h"

#include "base/str.h"

#include <stdio.h>

#define NAME_MAX_LEN 128

static bool is_name(genops_str name)
{
	if (!name.len || name.len > NAME_MAX_LEN || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

/* `inside` is what stands between the braces. */
static int expand_one(genops_str inside, const struct genops_yaml_variables *variables,
    struct genops_buffer *out, struct genops_error *err)
{
	char name[NAME_MAX_LEN + 1], fix[200];
	size_t at = genops_str_find(inside, GENOPS_STR(":-"));
	genops_str word = {inside.ptr, at == SIZE_MAX ? inside.len : at};
	if (variables && variables->file && genops_str_starts(inside, GENOPS_STR("file:")))
		return variables->file(variables->arg, genops_str_skip(inside, 5), out, err);
	if (genops_str_starts(word, GENOPS_STR("env:")))
		word = genops_str_skip(word, 4);
	if (!is_name(word))
		return genops_fail_fix(err, GENOPS_CONFIG, "write ${NAME} or ${NAME:-default}, or $${ for a plain ${",
		    "\"${%.*s}\" names no environment variable", inside.len > 60 ? 60 : (int)inside.len,
		    inside.len ? inside.ptr : "");
	snprintf(name, sizeof name, "%.*s", (int)word.len, word.ptr);
	const char *value = variables && variables->get ? variables->get(variables->arg, name) : NULL;
	if (at != SIZE_MAX && (!value || !*value)) {
		genops_buffer_add(out, genops_str_skip(inside, at + 2));
	} else if (value) {
		genops_buffer_add_text(out, value);
	} else {
		snprintf(fix, sizeof fix, "set it, or write ${%s:-} where it may be empty", name);
		return genops_fail_fix(
		    err, GENOPS_CONFIG, fix, "environment variable %s is not set", name);
	}
	return GENOPS_OK;
}

int genops_yaml_expand(genops_str text, const struct genops_yaml_variables *variables, struct genops_buffer *out,
    struct genops_error *err)
{
	while (text.len) {
		size_t at = genops_str_find(text, GENOPS_STR("${"));
		if (at == SIZE_MAX) {
			genops_buffer_add(out, text);
			break;
		}
		bool is_escaped = at && text.ptr[at - 1] == '$';
		genops_buffer_add(out, (genops_str){text.ptr, is_escaped ? at - 1 : at});
		text = genops_str_skip(text, at + 2);
		if (is_escaped) {
			genops_buffer_add_text(out, "${");
			continue;
		}
		size_t end = genops_str_find_char(text, '}');
		if (end == SIZE_MAX)
			return genops_fail_fix(err, GENOPS_CONFIG, "close it with }, or write $${ for a plain ${",
			    "a ${ is not closed");
		GENOPS_TRY(expand_one((genops_str){text.ptr, end}, variables, out, err));
		text = genops_str_skip(text, end + 1);
	}
	if (out->error)
		return genops_fail(err, out->error, "the value is too long after ${} is expanded");
	return GENOPS_OK;
}
