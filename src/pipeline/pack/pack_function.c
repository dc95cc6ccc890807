/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pack/pack_function.c - one processor as functions of Cribl's conf.yml. A mask becomes one function a list of fields, since Cribl
 * has the fields at the function; a sample rate of 0 becomes a drop before the sampling, since Cribl keeps one of N. */
#include "pipeline/pack/pack.h"

#include "base/str.h"
#include "codec/json_write.h"

#include <math.h>
#include <stdio.h>

struct writer {
	struct genops_pack_export *export;
	struct genops_buffer *out;
	const struct genops_yaml_node *node;
	char where[300];
};

static genops_str text_of(const struct genops_yaml_node *node, const char *key)
{
	const struct genops_yaml_node *value = node ? genops_yaml_get(node, key) : NULL;
	return value && value->kind == GENOPS_YAML_SCALAR ? value->text : (genops_str){0};
}

static void note(struct writer *writer, const char *what)
{
	genops_pack_note(writer->export->pack, genops_str_of(writer->where), "%s", what);
}

/* What all functions have. `filter` is anded to the processor's own. */
static void begin(struct writer *writer, const char *id, genops_str filter)
{
	struct genops_buffer *out = writer->out;
	genops_str own = genops_str_trim(text_of(writer->node, "filter")), description = text_of(writer->node, "description");
	genops_pack_yaml(out, 1, "- id: %s", id);
	genops_buffer_add_text(out, "    filter: ");
	if (own.len && filter.len) {
		struct genops_buffer both;
		genops_buffer_init(&both, 65536);
		genops_buffer_printf(&both, "(%.*s) && (%.*s)", GENOPS_STR_ARG(own), GENOPS_STR_ARG(filter));
		genops_json_add_string(out, genops_buffer_view(&both));
		genops_buffer_done(&both);
	} else {
		genops_json_add_string(out, own.len ? own : filter.len ? filter : GENOPS_STR("true"));
	}
	genops_buffer_add_char(out, '\n');
	genops_pack_yaml(out, 2, "disabled: %s", genops_str_is(text_of(writer->node, "disabled"), "true") ? "true" : "false");
	genops_pack_yaml_text(out, 2, "description", description.len ? description : text_of(writer->node, "name"));
	genops_pack_yaml(out, 2, "conf:%s", genops_str_is(genops_str_of(id), "drop") ? " {}" : "");
}

/* --- eval --- */

static void add_eval(struct writer *writer, const struct genops_yaml_entry *entry)
{
	genops_pack_yaml(writer->out, 4, "- disabled: false");
	genops_pack_yaml_text(writer->out, 5, "name", entry->key->text);
	genops_pack_yaml_text(writer->out, 5, "value", genops_str_trim(entry->value->text));
	if (genops_str_find_char(entry->key->text, '[') != SIZE_MAX)
		note(writer, "a field with brackets in its name: look whether Cribl takes it as that path");
}

static void write_eval(struct writer *writer)
{
	const struct genops_yaml_node *list = genops_yaml_get(writer->node, "expressions");
	begin(writer, "eval", (genops_str){0});
	genops_pack_yaml(writer->out, 3, "add:");
	for (const struct genops_yaml_entry *item = list->first; item; item = item->next) {
		if (list->kind == GENOPS_YAML_MAPPING)
			add_eval(writer, item);
		for (const struct genops_yaml_entry *entry = list->kind == GENOPS_YAML_SEQUENCE ? item->value->first : NULL; entry; entry = entry->next)
			add_eval(writer, entry);
	}
	genops_pack_yaml(writer->out, 3, "keep: []");
	genops_pack_yaml(writer->out, 3, "remove: []");
}

/* --- lookup --- */

static void remember(struct genops_pack_export *export, genops_str id)
{
	for (size_t i = 0; i < export->n_lookups; i++) {
		if (genops_str_equal(export->lookups[i], id))
			return;
	}
	if (export->n_lookups < GENOPS_PACK_FILES_MAX && genops_arena_dup(&export->pack->arena, id, &export->lookups[export->n_lookups]))
		export->n_lookups++;
}

static void add_output(struct writer *writer, genops_str column, genops_str field, const struct genops_yaml_node *defaults)
{
	genops_buffer_add_text(writer->out, "        - lookupField: ");
	genops_json_add_string(writer->out, column);
	genops_buffer_add_char(writer->out, '\n');
	genops_pack_yaml_text(writer->out, 5, "eventField", field);
	for (const struct genops_yaml_entry *entry = defaults ? defaults->first : NULL; entry; entry = entry->next) {
		if (genops_str_equal(entry->key->text, field) && entry->value->kind == GENOPS_YAML_SCALAR)
			genops_pack_yaml_text(writer->out, 5, "defaultValue", entry->value->text);
	}
}

static void write_lookup(struct writer *writer)
{
	const struct genops_yaml_node *match = genops_yaml_get(writer->node, "match_field"), *fields = genops_yaml_get(writer->node, "add_fields"),
				      *defaults = genops_yaml_get(writer->node, "default_values");
	genops_str table = text_of(writer->node, "lookup_table");
	char file[300];
	remember(writer->export, table);
	begin(writer, "lookup", (genops_str){0});
	snprintf(file, sizeof file, "%.*s.csv", (int)(table.len > 200 ? 200 : table.len), table.ptr);
	genops_pack_yaml_text(writer->out, 3, "file", genops_str_of(file));
	genops_pack_yaml(writer->out, 3, "dbLookup: false");
	genops_pack_yaml(writer->out, 3, "matchMode: exact");
	genops_pack_yaml(writer->out, 3, "reloadPeriodSec: 300");
	genops_pack_yaml(writer->out, 3, "addToEvent: false");
	genops_pack_yaml(writer->out, 3, "ignoreCase: true");
	genops_pack_yaml(writer->out, 3, "inFields:");
	const struct genops_yaml_entry *entry = match->kind == GENOPS_YAML_SEQUENCE ? match->first : NULL;
	bool is_several = match->kind == GENOPS_YAML_SEQUENCE && match->n > 1;
	for (const struct genops_yaml_node *field = entry ? entry->value : match; field; field = entry ? entry->value : NULL) {
		genops_pack_yaml(writer->out, 4, "- disabled: false");
		genops_pack_yaml_text(writer->out, 5, "eventField", field->text);
		genops_pack_yaml_text(writer->out, 5, "lookupField", field->text);
		entry = entry ? entry->next : NULL;
	}
	if (is_several)
		note(writer, "the columns of inFields have the fields' names: correct them to those of the table's first line");
	genops_pack_yaml(writer->out, 3, "outFields:%s", fields && fields->n ? "" : " []");
	for (entry = fields ? fields->first : NULL; entry; entry = entry->next) {
		bool is_pair = entry->value->kind == GENOPS_YAML_MAPPING && entry->value->first;
		genops_str column = is_pair ? entry->value->first->key->text : entry->value->text;
		add_output(writer, column, is_pair ? entry->value->first->value->text : column, defaults);
	}
	note(writer, "look at ignoreCase and reloadPeriodSec: GenOps has them at the lookup");
}

/* --- sampling --- */

static double rate_of(struct writer *writer, const struct genops_yaml_node *rule, const char *key)
{
	double rate = 1;
	genops_str text = text_of(rule, key);
	if (genops_str_to_double(text, &rate) && rate > 0 && fabs(1 / rate - round(1 / rate)) > 1e-9)
		genops_pack_note(writer->export->pack, genops_str_of(writer->where), "Cribl keeps one of N: %g becomes one of %g", rate, round(1 / rate));
	return rate;
}

/* The condition of a rule that says 0, with those before it that match first. */
static void add_drop(struct writer *writer, const struct genops_yaml_node *rules, const struct genops_yaml_entry *rule, genops_str condition)
{
	struct genops_buffer filter;
	genops_buffer_init(&filter, 65536);
	for (const struct genops_yaml_entry *before = rules->first; before != rule; before = before->next) {
		genops_str other = text_of(before->value, genops_yaml_get(before->value, "condition") ? "condition" : "filter");
		if (other.len)
			genops_buffer_printf(&filter, "!(%.*s) && ", GENOPS_STR_ARG(other));
	}
	genops_buffer_printf(&filter, "(%.*s)", GENOPS_STR_ARG(condition.len ? condition : GENOPS_STR("true")));
	begin(writer, "drop", filter.error ? GENOPS_STR("false") : genops_buffer_view(&filter));
	if (filter.error)
		note(writer, "the rules are too long to be written as the filter of a drop");
	genops_buffer_done(&filter);
}

static void add_rule(struct writer *writer, const struct genops_yaml_entry *entry, bool is_default)
{
	const struct genops_yaml_node *rule = entry->value;
	genops_str condition = text_of(rule, genops_yaml_get(rule, "condition") ? "condition" : "filter");
	if (genops_str_is(text_of(rule, "disabled"), "true") || (genops_yaml_get(rule, "default") != NULL) != is_default)
		return;
	genops_buffer_add_text(writer->out, "        - filter: ");
	genops_json_add_string(writer->out, is_default ? GENOPS_STR("true") : condition);
	genops_str rate = text_of(rule, "rate");
	if (rate.len) { /* Cribl's own */
		genops_buffer_printf(writer->out, "\n          rate: %.*s\n", GENOPS_STR_ARG(rate));
		return;
	}
	double share = rate_of(writer, rule, is_default ? "default" : "sample_rate");
	genops_buffer_printf(writer->out, "\n          rate: %.0f\n", share > 0 ? round(1 / share) : 1);
}

static void write_sampling(struct writer *writer)
{
	const struct genops_yaml_node *rules = genops_yaml_get(writer->node, "rules");
	for (const struct genops_yaml_entry *entry = rules->first; entry; entry = entry->next) {
		double rate = 1;
		bool is_default = genops_yaml_get(entry->value, "default") != NULL;
		if (genops_str_to_double(text_of(entry->value, is_default ? "default" : "sample_rate"), &rate) && rate <= 0)
			add_drop(writer, rules, is_default ? NULL : entry,
			    is_default ? (genops_str){0} : text_of(entry->value, genops_yaml_get(entry->value, "condition") ? "condition" : "filter"));
	}
	begin(writer, "sampling", (genops_str){0});
	genops_pack_yaml(writer->out, 3, "rules:%s", rules->n ? "" : " []");
	for (int pass = 0; pass < 2; pass++) { /* the default is the last */
		for (const struct genops_yaml_entry *entry = rules->first; entry; entry = entry->next)
			add_rule(writer, entry, pass == 1);
	}
	note(writer, "Cribl counts events, a worker process for itself; GenOps keeps whole traces");
}

/* --- mask --- */

/* 'text', with $1 and $& as Cribl's g1 and g0. */
static void add_replacement(struct genops_buffer *out, genops_str replacement)
{
	genops_buffer_add_char(out, '`');
	for (size_t i = 0; i < replacement.len; i++) {
		char c = replacement.ptr[i], next = i + 1 < replacement.len ? replacement.ptr[i + 1] : '\0';
		if (c == '$' && next == '$') {
			genops_buffer_add_text(out, "$");
			i++;
		} else if (c == '$' && (next == '&' || (next >= '1' && next <= '9'))) {
			genops_buffer_printf(out, "${g%c}", next == '&' ? '0' : next);
			i++;
		} else {
			if (c == '`' || c == '\\' || (c == '$' && next == '{'))
				genops_buffer_add_char(out, '\\');
			genops_buffer_add_char(out, c);
		}
	}
	genops_buffer_add_char(out, '`');
}

static void add_mask_rule(struct writer *writer, const struct genops_yaml_node *rule)
{
	struct genops_buffer text;
	genops_str flags = text_of(rule, "flags"), pattern = text_of(rule, "pattern");
	genops_buffer_init(&text, 16384);
	genops_buffer_add_char(&text, '/');
	for (size_t i = 0; i < pattern.len; i++) {
		if (pattern.ptr[i] == '\\' && i + 1 < pattern.len)
			genops_buffer_add_char(&text, pattern.ptr[i++]);
		else if (pattern.ptr[i] == '/')
			genops_buffer_add_char(&text, '\\');
		genops_buffer_add_char(&text, pattern.ptr[i]);
	}
	genops_buffer_printf(&text, "/g%.*s", GENOPS_STR_ARG(flags));
	genops_buffer_add_text(writer->out, "        - matchRegex: ");
	genops_str match = text_of(rule, "matchRegex"), replace = text_of(rule, "replaceExpr");
	genops_json_add_string(writer->out, match.len ? match : genops_buffer_view(&text));
	genops_buffer_add_char(writer->out, '\n');
	genops_buffer_clear(&text);
	add_replacement(&text, text_of(rule, "replacement"));
	genops_pack_yaml_text(writer->out, 5, "replaceExpr", match.len ? replace : genops_buffer_view(&text));
	genops_pack_yaml(writer->out, 5, "disabled: %s", genops_str_is(text_of(rule, "disabled"), "true") ? "true" : "false");
	if (text.error)
		note(writer, "a pattern or replacement is too long");
	genops_buffer_done(&text);
}

static const struct genops_yaml_node *fields_of(const struct genops_yaml_node *rule)
{
	const struct genops_yaml_node *field = genops_yaml_get(rule, "field");
	return field ? field : genops_yaml_get(rule, "fields");
}

static bool same_fields(const struct genops_yaml_node *a, const struct genops_yaml_node *b)
{
	if (!a || !b || a->kind != b->kind || a->n != b->n)
		return a == b;
	if (a->kind == GENOPS_YAML_SCALAR)
		return genops_str_equal(a->text, b->text);
	const struct genops_yaml_entry *other = b->first;
	for (const struct genops_yaml_entry *entry = a->first; entry && other; entry = entry->next, other = other->next) {
		if (!genops_str_equal(entry->value->text, other->value->text))
			return false;
	}
	return true;
}

static void add_field(struct writer *writer, genops_str field)
{
	genops_buffer_add_text(writer->out, "        - ");
	genops_json_add_string(writer->out, field);
	genops_buffer_add_char(writer->out, '\n');
	if (genops_str_find_char(field, '[') != SIZE_MAX)
		note(writer, "a mask of attributes by a flat name: look whether Cribl finds them under it");
}

static void begin_mask(struct writer *writer, const struct genops_yaml_node *fields)
{
	genops_str depth = text_of(writer->node, "depth");
	begin(writer, "mask", (genops_str){0});
	genops_pack_yaml(writer->out, 3, "fields:");
	if (fields && fields->kind == GENOPS_YAML_SCALAR)
		add_field(writer, fields->text);
	for (const struct genops_yaml_entry *entry = fields && fields->kind == GENOPS_YAML_SEQUENCE ? fields->first : NULL; entry; entry = entry->next)
		add_field(writer, entry->value->text);
	genops_buffer_printf(writer->out, "      depth: %.*s\n", GENOPS_STR_ARG(depth.len ? depth : GENOPS_STR("5")));
	genops_pack_yaml(writer->out, 3, "flags: []");
	genops_pack_yaml(writer->out, 3, "rules:");
}

static void write_mask(struct writer *writer)
{
	const struct genops_yaml_node *rules = genops_yaml_get(writer->node, "rules"), *all = genops_yaml_get(writer->node, "fields"), *last = NULL;
	for (const struct genops_yaml_entry *entry = rules->first; entry; entry = entry->next) {
		const struct genops_yaml_node *fields = fields_of(entry->value);
		fields = fields ? fields : all;
		if (entry == rules->first || !same_fields(fields, last))
			begin_mask(writer, fields);
		last = fields;
		add_mask_rule(writer, entry->value);
	}
}

void genops_pack_function(struct genops_pack_export *export, genops_str pipeline, const struct genops_yaml_node *node, struct genops_buffer *out)
{
	struct writer writer = {.export = export, .out = out, .node = node};
	genops_str type = text_of(node, "type"), name = text_of(node, "name");
	snprintf(writer.where, sizeof writer.where, "%.*s, %.*s %.*s", (int)(pipeline.len > 100 ? 100 : pipeline.len), pipeline.ptr,
	    (int)(type.len > 40 ? 40 : type.len), type.len ? type.ptr : "", (int)(name.len > 100 ? 100 : name.len), name.len ? name.ptr : "");
	if (genops_str_is(type, "eval"))
		write_eval(&writer);
	else if (genops_str_is(type, "lookup"))
		write_lookup(&writer);
	else if (genops_str_is(type, "sampling"))
		write_sampling(&writer);
	else if (genops_str_is(type, "mask"))
		write_mask(&writer);
	else if (genops_str_is(type, "drop"))
		begin(&writer, "drop", (genops_str){0});
	else
		note(&writer, "this function has no counterpart in a pack and was left out");
}
