/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function/eval.c - fields from expressions, one after another; later ones see what earlier ones put.
 *
 *   expressions:                    a list of single pairs, or one mapping
 *     - cost_total: "parseFloat(attributes['genops.cost.total'] || '0')"
 *
 * A name may be a path (attributes['genops.team']). An expression that fails leaves its field as it was.
 */
#include "pipeline/function.h"

#include "base/str.h"
#include "pipeline/function/field_path.h"
#include "pipeline/read/node.h"

#include <stdio.h>

struct field {
	genops_str source;
	struct genops_expression *expression;
	struct genops_field_path path;
	struct genops_place place;
};

struct eval {
	size_t n;
	struct field *fields;
};

static const struct genops_option rows[] = {
    {"expressions", GENOPS_OPTION_CUSTOM, 0, .is_required = true, .text = "fields and the expressions that they get, in order: a list of `name: expression`"},
    {NULL}};

static int read_field(const struct genops_node_reader *reader, const struct genops_yaml_entry *entry, struct eval *eval)
{
	char what[128];
	const struct genops_yaml_node *key = entry->key;
	struct field *field = &eval->fields[eval->n];
	snprintf(what, sizeof what, "the expression of \"%.*s\"", key->text.len > 80 ? 80 : (int)key->text.len, key->text.ptr ? key->text.ptr : "");
	int code = genops_field_path_parse(key->text, reader->arena, &field->path);
	if (code == GENOPS_NOMEM)
		return genops_fail(reader->rows.err, code, "no memory for a pipeline");
	if (code != GENOPS_OK)
		return genops_yaml_rows_fail(&reader->rows, key, "write a name, or a path like attributes['genops.team']", "\"%.*s\" is no field",
		    key->text.len > 64 ? 64 : (int)key->text.len, key->text.ptr ? key->text.ptr : "");
	for (unsigned i = 0; i < field->path.n; i++) {
		if (field->path.segments[i].is_pattern)
			return genops_yaml_rows_fail(&reader->rows, key, "name each field", "an expression sets one field, not those of a pattern");
	}
	field->place = genops_node_place(reader->reading, entry->value);
	GENOPS_TRY(genops_node_expression(reader, key, entry->value, what, &field->expression, &field->source));
	eval->n++;
	return GENOPS_OK;
}

static int eval_read(const struct genops_yaml_node *node, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
    struct genops_function *function, struct genops_error *err)
{
	struct genops_node_reader reader;
	genops_node_reader_init(&reader, reading, arena, err);
	const struct genops_yaml_node *list = genops_yaml_get(node, "expressions");
	struct eval *eval = genops_arena_alloc(arena, sizeof *eval);
	size_t n = 0;
	if (list->kind == GENOPS_YAML_SCALAR)
		return genops_yaml_rows_expect(&reader.rows, list, "expressions", GENOPS_YAML_SEQUENCE);
	bool is_list = list->kind == GENOPS_YAML_SEQUENCE;
	for (const struct genops_yaml_entry *item = list->first; item; item = item->next) {
		if (is_list)
			GENOPS_TRY(genops_yaml_rows_expect(&reader.rows, item->value, "each of expressions", GENOPS_YAML_MAPPING));
		n += is_list ? item->value->n : 1;
	}
	if (n > GENOPS_PIPELINE_PARTS_MAX)
		return genops_yaml_rows_fail(&reader.rows, list, "spread them over several evals", "more than %d expressions", GENOPS_PIPELINE_PARTS_MAX);
	if (!eval || !(eval->fields = genops_arena_alloc(arena, (n + 1) * sizeof *eval->fields)))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a pipeline");
	function->compiled = eval;
	for (const struct genops_yaml_entry *item = list->first; item; item = item->next) {
		for (const struct genops_yaml_entry *entry = is_list ? item->value->first : item; entry; entry = is_list ? entry->next : NULL)
			GENOPS_TRY(read_field(&reader, entry, eval));
	}
	function->n_counts = 1 + eval->n;
	function->n_fields = (uint32_t)eval->n;
	return GENOPS_OK;
}

static void eval_done(struct genops_function *function)
{
	const struct eval *eval = function->compiled;
	for (size_t i = 0; eval && i < eval->n; i++)
		genops_expression_free(eval->fields[i].expression);
}

static int eval_apply(const struct genops_function *function, struct genops_pipeline_run *run, struct genops_value_object *event,
    struct genops_pipeline_count *counts, bool *ret_is_dropped, struct genops_error *err)
{
	const struct eval *eval = function->compiled;
	struct genops_arena *arena = run->expression.arena;
	for (size_t i = 0; i < eval->n; i++) {
		const struct field *field = &eval->fields[i];
		struct genops_value value;
		if (!genops_function_evaluate(run, field->expression, &field->place, event, &counts[1 + i], &value))
			continue;
		bool is_put = field->path.n == 1 ? genops_value_object_put(arena, event, field->path.segments[0].key, value)
						 : genops_field_path_put(&field->path, event, arena, value);
		if (!is_put)
			genops_function_fault(run, &field->place, &counts[1 + i], GENOPS_LIMIT, "%.*s cannot be set: what it is in is no object, or the event's memory is used up",
			    GENOPS_STR_ARG(field->path.source));
	}
	return GENOPS_OK;
}

static void eval_count_name(const struct genops_function *function, size_t i, char *out, size_t size)
{
	const struct eval *eval = function->compiled;
	snprintf(out, size, "%.*s", GENOPS_STR_ARG(eval->fields[i - 1].path.source));
}

static void eval_facts(const struct genops_function *function, genops_function_fact_fn *fn, void *arg)
{
	const struct eval *eval = function->compiled;
	for (size_t i = 0; i < eval->n; i++) {
		const struct field *field = &eval->fields[i];
		struct genops_function_fact fact = {.kind = GENOPS_FACT_SETS, .field = field->path.source, .source = field->source, .is_always = true,
		    .expression = field->expression, .place = field->place};
		fn(arg, &fact);
	}
}

const struct genops_function_type genops_function_type_eval = {.name = "eval",
    .summary = "Puts fields that expressions give, one after another; later ones see what earlier ones put",
    .rows = rows,
    .text = "    expressions:\n      - cost_total: \"parseFloat(attributes['genops.cost.total'] || '0')\"\n      - \"attributes['genops.team']\": \"team.toLowerCase()\"",
    .read = eval_read,
    .done = eval_done,
    .apply = eval_apply,
    .count_name = eval_count_name,
    .facts = eval_facts};
