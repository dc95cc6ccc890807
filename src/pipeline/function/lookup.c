/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function/lookup.c - fields from a row of a lookup table (lookup_table.h), found by one or several fields of the event.
 *
 *   lookup_table: customer_budgets
 *   match_field: customer_id          or a list, by position against the table's keys
 *   add_fields: [budget_limit, ...]   columns; a pair `column: field` gives another name
 *   default_values: {budget_tier: free}   when no row matches; other fields then stay as they were
 *
 * Cells are texts. Which table there is, is the run's to say: it may change between two events, while the pipeline stays.
 */
#include "pipeline/function.h"

#include "base/str.h"
#include "pipeline/lookup_table.h"
#include "pipeline/number_text.h"
#include "pipeline/read/node.h"

#include <stdio.h>

struct lookup {
	genops_str table;
	struct genops_lookup_question question;
	struct genops_value_key *match;   /* the fields of the event */
	struct genops_value_key *fields;  /* that add_fields set; NULL: the columns' names */
	size_t n_defaults;
	struct genops_value_member *defaults;
};

static const struct genops_option rows[] = {
    {"lookup_table", GENOPS_OPTION_CUSTOM, 0, .is_required = true, .text = "the id of a lookup"},
    {"match_field", GENOPS_OPTION_CUSTOM, 0, .is_required = true, .text = "the field, or list of fields, to look up; by position the lookup's key_field"},
    {"add_fields", GENOPS_OPTION_CUSTOM, 0, .text = "columns that become fields, as a list; {column: field} gives another name. All unless set"},
    {"default_values", GENOPS_OPTION_CUSTOM, 0, .text = "fields and their values when no row matches"},
    {NULL}};

/* --- reading --- */

static int no_memory(const struct genops_node_reader *reader)
{
	return genops_fail(reader->rows.err, GENOPS_NOMEM, "no memory for a pipeline");
}

static int read_match(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct lookup *lookup)
{
	bool is_list = node->kind == GENOPS_YAML_SEQUENCE;
	size_t n = is_list ? node->n : 1;
	if (!n || n > GENOPS_LOOKUP_KEYS_MAX)
		return genops_yaml_rows_fail(&reader->rows, node, NULL, "match_field names %zu fields, not 1 to %d", n, GENOPS_LOOKUP_KEYS_MAX);
	genops_str *names = genops_arena_alloc(reader->arena, n * sizeof *names);
	lookup->match = genops_arena_alloc(reader->arena, n * sizeof *lookup->match);
	if (!names || !lookup->match)
		return no_memory(reader);
	const struct genops_yaml_entry *entry = is_list ? node->first : NULL;
	for (size_t i = 0; i < n; i++, entry = entry ? entry->next : NULL) {
		GENOPS_TRY(genops_node_raw(reader, entry ? entry->value : node, "match_field", &names[i]));
		lookup->match[i] = genops_value_key_of(names[i]);
	}
	lookup->question.keys = names;
	lookup->question.n_keys = n;
	return GENOPS_OK;
}

/* A column, or {column: field}. */
static int read_output(const struct genops_node_reader *reader, const struct genops_yaml_node *node, genops_str *ret_column, struct genops_value_key *ret_field)
{
	genops_str field;
	if (node->kind == GENOPS_YAML_MAPPING && node->n == 1) {
		GENOPS_TRY(genops_node_raw(reader, node->first->key, "a column", ret_column));
		GENOPS_TRY(genops_node_raw(reader, node->first->value, "a field", &field));
	} else {
		GENOPS_TRY(genops_node_raw(reader, node, "each of add_fields", ret_column));
		field = *ret_column;
	}
	*ret_field = genops_value_key_of(field);
	return GENOPS_OK;
}

static int read_outputs(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct lookup *lookup)
{
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, node, "add_fields", GENOPS_YAML_SEQUENCE));
	if (node->n > GENOPS_LOOKUP_COLUMNS_MAX)
		return genops_yaml_rows_fail(&reader->rows, node, NULL, "more than %d fields", GENOPS_LOOKUP_COLUMNS_MAX);
	genops_str *names = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *names);
	lookup->fields = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *lookup->fields);
	if (!names || !lookup->fields)
		return no_memory(reader);
	size_t n = 0;
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next, n++)
		GENOPS_TRY(read_output(reader, entry->value, &names[n], &lookup->fields[n]));
	lookup->question.outputs = names;
	lookup->question.n_outputs = n;
	if (!n)
		lookup->fields = NULL;
	return GENOPS_OK;
}

static int read_defaults(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct lookup *lookup)
{
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(&reader->rows, node, "default_values", GENOPS_YAML_MAPPING));
	lookup->defaults = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *lookup->defaults);
	if (!lookup->defaults)
		return no_memory(reader);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		struct genops_value_member *member = &lookup->defaults[lookup->n_defaults++];
		genops_str name;
		GENOPS_TRY(genops_node_raw(reader, entry->key, "a field", &name));
		GENOPS_TRY(genops_node_value(reader, entry->value, "a default value", &member->value));
		member->key = genops_value_key_of(name);
	}
	return GENOPS_OK;
}

/* Is there such a table, and has it these columns? A table that is reloaded later may lose them: that is told while it runs. */
static int check(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const struct lookup *lookup)
{
	const struct genops_lookups *lookups = reader->reading->lookups;
	const struct genops_yaml_node *id = genops_yaml_get(node, "lookup_table"), *outputs = genops_yaml_get(node, "add_fields");
	const struct genops_lookup_view *view;
	struct genops_error inner = {0};
	char fix[200] = "add it to lookups:";
	if (!lookups)
		return GENOPS_OK;
	struct genops_lookup_table *table = genops_lookups_find(lookups, lookup->table);
	const char *nearest = genops_lookups_nearest(lookups, lookup->table);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	if (!table)
		return genops_yaml_rows_fail(&reader->rows, id, fix, "there is no lookup table \"%.*s\"", lookup->table.len > 64 ? 64 : (int)lookup->table.len,
		    lookup->table.ptr);
	int code = genops_lookup_table_view(table, &lookup->question, &view, &inner);
	if (code == GENOPS_OK || code == GENOPS_NOMEM)
		return code == GENOPS_OK ? code : no_memory(reader);
	return genops_yaml_rows_fail(&reader->rows, outputs ? outputs : id, inner.fix, "lookup table \"%.*s\": %s",
	    lookup->table.len > 64 ? 64 : (int)lookup->table.len, lookup->table.ptr, inner.message);
}

static int lookup_read(const struct genops_yaml_node *node, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
    struct genops_function *function, struct genops_error *err)
{
	struct genops_node_reader reader;
	genops_node_reader_init(&reader, reading, arena, err);
	struct lookup *lookup = genops_arena_alloc(arena, sizeof *lookup);
	if (!lookup)
		return no_memory(&reader);
	GENOPS_TRY(genops_node_raw(&reader, genops_yaml_get(node, "lookup_table"), "lookup_table", &lookup->table));
	GENOPS_TRY(read_match(&reader, genops_yaml_get(node, "match_field"), lookup));
	GENOPS_TRY(read_outputs(&reader, genops_yaml_rows_get(node, rows, "add_fields"), lookup));
	GENOPS_TRY(read_defaults(&reader, genops_yaml_rows_get(node, rows, "default_values"), lookup));
	genops_lookup_question_init(&lookup->question);
	GENOPS_TRY(check(&reader, node, lookup));
	function->compiled = lookup;
	function->n_counts = 1;
	function->n_fields = (uint32_t)(lookup->question.n_outputs + lookup->n_defaults);
	return GENOPS_OK;
}

/* --- looking up --- */

/* The values to look up as texts; false: one is not there, and nothing matches. */
static bool keys_of(const struct lookup *lookup, const struct genops_value_object *event, struct genops_arena *arena, genops_str *keys)
{
	char number[GENOPS_NUMBER_TEXT_MAX];
	for (size_t i = 0; i < lookup->question.n_keys; i++) {
		const struct genops_value *value = genops_value_object_get(event, &lookup->match[i]);
		if (!value)
			return false;
		if (value->type == GENOPS_VALUE_TEXT)
			keys[i] = genops_value_str(*value);
		else if (value->type == GENOPS_VALUE_BOOLEAN)
			keys[i] = genops_str_of(value->as.boolean ? "true" : "false");
		else if (value->type != GENOPS_VALUE_NUMBER || !genops_arena_dup(arena, genops_number_to_text(value->as.number, number), &keys[i]))
			return false;
	}
	return true;
}

static bool put_row(const struct lookup *lookup, const struct genops_lookup_view *view, const genops_str *cells, struct genops_value_object *event,
    struct genops_arena *arena)
{
	const struct genops_value_key *names = lookup->fields ? lookup->fields : genops_lookup_view_outputs(view);
	for (size_t i = 0; i < genops_lookup_view_n_outputs(view); i++) {
		if (!genops_value_object_put(arena, event, names[i], genops_value_text(cells[i])))
			return false;
	}
	return true;
}

static bool put_defaults(const struct lookup *lookup, struct genops_value_object *event, struct genops_arena *arena)
{
	for (size_t i = 0; i < lookup->n_defaults; i++) {
		if (!genops_value_object_put(arena, event, lookup->defaults[i].key, lookup->defaults[i].value))
			return false;
	}
	return true;
}

static int lookup_apply(const struct genops_function *function, struct genops_pipeline_run *run, struct genops_value_object *event,
    struct genops_pipeline_count *counts, bool *ret_is_dropped, struct genops_error *err)
{
	const struct lookup *lookup = function->compiled;
	struct genops_arena *arena = run->expression.arena;
	genops_str keys[GENOPS_LOOKUP_KEYS_MAX];
	const struct genops_lookup_view *view = NULL;
	const genops_str *cells = NULL;
	struct genops_error *fault = &run->error;
	struct genops_lookup_table *table = genops_lookups_find(run->lookups, lookup->table);
	if (!table)
		genops_function_fault(run, &function->place, counts, GENOPS_NOT_FOUND, "lookup table \"%.*s\" is not there", GENOPS_STR_ARG(lookup->table));
	else if (genops_lookup_table_view(table, &lookup->question, &view, fault) != GENOPS_OK)
		genops_function_fault(run, &function->place, counts, fault->code, "lookup table \"%.*s\": %s", GENOPS_STR_ARG(lookup->table), fault->message);
	else if (keys_of(lookup, event, arena, keys))
		cells = genops_lookup_view_find(view, arena, keys);
	counts->n_matched += cells != NULL;
	if (cells ? put_row(lookup, view, cells, event, arena) : put_defaults(lookup, event, arena))
		return GENOPS_OK;
	return genops_fail(err, GENOPS_LIMIT, "the event's memory is used up");
}

static void lookup_facts(const struct genops_function *function, genops_function_fact_fn *fn, void *arg)
{
	const struct lookup *lookup = function->compiled;
	for (size_t i = 0; i < lookup->question.n_keys; i++) {
		struct genops_function_fact fact = {.kind = GENOPS_FACT_READS, .field = lookup->match[i].text, .place = function->place};
		fn(arg, &fact);
	}
	for (size_t i = 0; lookup->fields && i < lookup->question.n_outputs; i++) {
		struct genops_function_fact fact = {.kind = GENOPS_FACT_SETS, .field = lookup->fields[i].text, .type = GENOPS_FIELD_TEXT, .place = function->place};
		fn(arg, &fact);
	}
	for (size_t i = 0; i < lookup->n_defaults; i++) {
		struct genops_function_fact fact = {.kind = GENOPS_FACT_SETS, .field = lookup->defaults[i].key.text, .is_always = true, .place = function->place};
		fn(arg, &fact);
	}
}

const struct genops_function_type genops_function_type_lookup = {.name = "lookup",
    .summary = "Adds fields from a row of a lookup table",
    .rows = rows,
    .text = "Values are texts, as they stand in the file; of several rows with one key the last one counts. Without a row the defaults are put, with\n"
	    "the type that YAML gives them (`50.00` is a number), and all other fields stay as they were. Which columns are matched: those of the\n"
	    "lookup's `key_field` (without one, of all) that are called as the fields are; else as many by position.",
    .read = lookup_read, .apply = lookup_apply, .facts = lookup_facts};
