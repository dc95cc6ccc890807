/* SPDX-License-Identifier: Apache-2.0
 * pipeline/read/node.c - see node.h. */
#include "pipeline/read/node.h"

#include "base/str.h"
#include "pipeline/number_text.h"

#include <math.h>
#include <stdio.h>

/* A variable of the environment, for names and other texts that codec/yaml_rows.h expands. */
static const char *variable(void *arg, const char *name)
{
	const struct genops_node_reader *reader = arg;
	genops_str value;
	if (!reader->reading->variable || !reader->reading->variable(reader->reading->variable_arg, genops_str_of(name), &value))
		return NULL;
	return genops_arena_dup_text(reader->arena, value);
}

void genops_node_reader_init(struct genops_node_reader *reader, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
    struct genops_error *err)
{
	*reader = (struct genops_node_reader){.reading = reading, .arena = arena};
	reader->variables = (struct genops_yaml_variables){variable, reader};
	reader->rows = (struct genops_yaml_rows){reading->file, arena, &reader->variables, err ? err : &reader->own_error};
}

struct genops_place genops_node_place(const struct genops_pipeline_reading *reading, const struct genops_yaml_node *node)
{
	return (struct genops_place){reading->file, node->line, node->column};
}

int genops_node_raw(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, genops_str *ret)
{
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, node, what, GENOPS_YAML_SCALAR));
	if (!genops_arena_dup(reader->arena, node->text, ret))
		return genops_fail(reader->rows.err, GENOPS_NOMEM, "no memory for a pipeline");
	return GENOPS_OK;
}

/* A block's text begins in the node's line, two columns behind its key as a rule; another's where it stands, behind its quote. */
int genops_node_fail_in(const struct genops_node_reader *reader, const struct genops_yaml_node *key, const struct genops_yaml_node *node,
    const char *what, const struct genops_error *inner)
{
	struct genops_error *err = reader->rows.err;
	bool is_block = !node->is_plain && key && node->line > key->line;
	int line = node->line, column = node->column;
	if (inner->line && is_block)
		column = key->column + 2 + inner->column - 1;
	else if (inner->line == 1)
		column += inner->column - 1 + !node->is_plain;
	if (inner->line > 1)
		line += inner->line - 1;
	int code = inner->code == GENOPS_NOMEM ? GENOPS_NOMEM : GENOPS_CONFIG;
	genops_fail_fix(err, code, inner->fix[0] ? inner->fix : NULL, "%s: %s", what, inner->message);
	genops_error_place(err, reader->reading->file, line, column);
	return code;
}

int genops_node_expression(const struct genops_node_reader *reader, const struct genops_yaml_node *key,
    const struct genops_yaml_node *node, const char *what, struct genops_expression **ret, genops_str *ret_source)
{
	struct genops_error inner = {0};
	GENOPS_TRY(genops_node_raw(reader, node, what, ret_source));
	if (!genops_str_trim(node->text).len)
		return genops_yaml_rows_fail(&reader->rows, node, "write an expression, or leave the key out", "%s is empty", what);
	if (genops_expression_compile(node->text, ret, &inner) != GENOPS_OK)
		return genops_node_fail_in(reader, key, node, what, &inner);
	return GENOPS_OK;
}

/* YAML 1.2's core schema, decimal. */
static bool is_number(genops_str text)
{
	size_t digits = 0, at = text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
	for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
		digits++;
	if (at < text.len && text.ptr[at] == '.') {
		for (at++; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
			digits++;
	}
	if (!digits)
		return false;
	if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
		at += at + 1 < text.len && (text.ptr[at + 1] == '-' || text.ptr[at + 1] == '+') ? 2 : 1;
		if (at == text.len)
			return false;
		while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
			at++;
	}
	return at == text.len;
}

int genops_node_value(
    const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, struct genops_value *ret)
{
	genops_str text;
	GENOPS_TRY(genops_node_raw(reader, node, what, &text));
	if (genops_yaml_is_null(node))
		*ret = genops_value_null();
	else if (node->is_plain && (genops_str_is(text, "true") || genops_str_is(text, "false")))
		*ret = genops_value_boolean(text.ptr[0] == 't');
	else if (node->is_plain && is_number(text))
		*ret = genops_value_number(genops_number_from_text(text));
	else
		*ret = genops_value_text(text);
	return GENOPS_OK;
}

int genops_node_number(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, double *ret)
{
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, node, what, GENOPS_YAML_SCALAR));
	double number = is_number(node->text) ? genops_number_from_text(node->text) : NAN;
	if (!isfinite(number))
		return genops_yaml_rows_fail(&reader->rows, node, "write it like 0.1", "%s must be a number", what);
	*ret = number;
	return GENOPS_OK;
}

int genops_node_boolean(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *what, bool *ret)
{
	if (node && !genops_str_is(node->text, "true") && !genops_str_is(node->text, "false"))
		return genops_yaml_rows_fail(&reader->rows, node, NULL, "%s must be true or false", what);
	*ret = node && genops_str_is(node->text, "true");
	return GENOPS_OK;
}
