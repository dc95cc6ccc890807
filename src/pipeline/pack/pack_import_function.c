/* SPDX-License-Identifier: Apache-2.0
 * pipeline/pack/pack_import_function.c - functions of Cribl's conf.yml as processors. Expressions and patterns are compiled at once, so that what
 * is written loads: one that does not is left out with a note, and its pipeline is switched off. */
#include "pipeline/pack/pack_import.h"

#include "base/str.h"
#include "codec/json_write.h"
#include "pipeline/expression.h"
#include "pipeline/regex.h"

#include <stdio.h>

struct taker {
	struct genops_pack_import *import;
	const struct genops_yaml_node *node, *conf;
	struct genops_buffer *out;
	char where[300];
};

#define TEXT genops_pack_import_text

static bool is_true(const struct genops_yaml_node *node, const char *key)
{
	return genops_str_is(TEXT(node, key), "true");
}

/* Something that matters cannot be said. */
static void lame(struct taker *taker, const char *what)
{
	genops_pack_note(taker->import->out, genops_str_of(taker->where), "%s", what);
	taker->import->is_lame = true;
}

static bool is_expression(struct taker *taker, genops_str source)
{
	struct genops_expression *expression;
	struct genops_error err = {0};
	if (genops_expression_compile(source, &expression, &err) == GENOPS_OK) {
		genops_expression_free(expression);
		return true;
	}
	genops_pack_note(taker->import->out, genops_str_of(taker->where), "left out: %.80s%.*s: %.200s", source.len > 80 ? "a long expression, beginning " : "",
	    source.len > 80 ? 80 : (int)source.len, source.len ? source.ptr : "", err.message);
	taker->import->is_lame = true;
	return false;
}

static void add_item(struct genops_buffer *out, int depth, const char *before, genops_str text)
{
	genops_buffer_printf(out, "%*s%s", 2 * depth, "", before);
	genops_json_add_string(out, text);
	genops_buffer_add_char(out, '\n');
}

/* False: its filter is none that we have, so it is left out. */
static bool begin(struct taker *taker, const char *type, size_t index)
{
	genops_str filter = genops_str_trim(TEXT(taker->node, "filter")), description = TEXT(taker->node, "description");
	char name[64];
	bool has_filter = filter.len && !genops_str_is(filter, "true");
	if (has_filter && !is_expression(taker, filter))
		return false;
	snprintf(name, sizeof name, "%s_%zu", type, index + 1);
	add_item(taker->out, 1, "- name: ", genops_str_of(name));
	genops_pack_yaml(taker->out, 2, "type: %s", type);
	if (description.len)
		genops_pack_yaml_text(taker->out, 2, "description", description);
	if (has_filter)
		genops_pack_yaml_text(taker->out, 2, "filter", filter);
	if (is_true(taker->node, "disabled"))
		genops_pack_yaml(taker->out, 2, "disabled: true");
	if (is_true(taker->node, "final"))
		lame(taker, "final: events that the function takes would skip those behind it; GenOps has no such word");
	return true;
}

/* --- eval --- */

static size_t count_fields(struct taker *taker, const struct genops_yaml_node *add, struct genops_buffer *fields)
{
	size_t n = 0;
	for (const struct genops_yaml_entry *entry = add ? add->first : NULL; entry; entry = entry->next) {
		genops_str name = TEXT(entry->value, "name"), value = genops_str_trim(TEXT(entry->value, "value"));
		if (is_true(entry->value, "disabled"))
			continue;
		if (!name.len) {
			lame(taker, "an expression without a field was left out");
			continue;
		}
		if (!is_expression(taker, value))
			continue;
		genops_buffer_add_text(fields, "      - ");
		genops_json_add_string(fields, name);
		genops_buffer_add_text(fields, ": ");
		genops_json_add_string(fields, value);
		genops_buffer_add_char(fields, '\n');
		n++;
	}
	return n;
}

static size_t count_removed(struct taker *taker, const struct genops_yaml_node *remove, struct genops_buffer *fields)
{
	size_t n = 0;
	for (const struct genops_yaml_entry *entry = remove && remove->kind == GENOPS_YAML_SEQUENCE ? remove->first : NULL; entry; entry = entry->next) {
		genops_str name = entry->value->text;
		if (entry->value->kind != GENOPS_YAML_SCALAR || !name.len || name.ptr[0] == '!' || genops_str_find_char(name, '*') != SIZE_MAX) {
			lame(taker, "fields are removed by a pattern: name each of them");
			continue;
		}
		genops_buffer_add_text(fields, "      - ");
		genops_json_add_string(fields, name);
		genops_buffer_add_text(fields, ": \"undefined\"\n");
		n++;
	}
	return n;
}

static void take_eval(struct taker *taker, size_t index)
{
	const struct genops_yaml_node *keep = taker->conf ? genops_yaml_get(taker->conf, "keep") : NULL;
	struct genops_buffer fields;
	genops_buffer_init(&fields, (size_t)1 << 20);
	size_t n = count_fields(taker, taker->conf ? genops_yaml_get(taker->conf, "add") : NULL, &fields);
	n += count_removed(taker, taker->conf ? genops_yaml_get(taker->conf, "remove") : NULL, &fields);
	if (keep && keep->n)
		lame(taker, "keep: only some fields stay; GenOps has no such word");
	if (n && begin(taker, "eval", index)) {
		genops_pack_yaml(taker->out, 2, "expressions:");
		genops_buffer_add(taker->out, genops_buffer_view(&fields));
	}
	genops_buffer_done(&fields);
}

/* --- lookup --- */

static bool add_keys(const struct genops_yaml_node *fields, struct genops_buffer *match, char *keys, size_t size)
{
	struct genops_buffer names;
	bool is_good = fields && fields->n;
	genops_buffer_init(&names, size - 1);
	for (const struct genops_yaml_entry *entry = is_good ? fields->first : NULL; entry; entry = entry->next) {
		genops_str event = TEXT(entry->value, "eventField"), column = TEXT(entry->value, "lookupField");
		genops_buffer_add_text(match, match->len ? ", " : "[");
		genops_json_add_string(match, event);
		genops_buffer_add_text(&names, names.len ? ", " : "[");
		genops_json_add_string(&names, column.len ? column : event);
	}
	genops_buffer_add_text(match, "]");
	genops_buffer_add_text(&names, "]");
	is_good &= !names.error && !match->error;
	snprintf(keys, size, "%.*s", is_good ? (int)names.len : 0, is_good ? names.ptr : "");
	genops_buffer_done(&names);
	return is_good;
}

/* The lookup of that table and those keys: an id, made when it is new. */
static const char *lookup_id(struct taker *taker, const char *file, const char *keys)
{
	struct genops_pack_import *import = taker->import;
	genops_str period = TEXT(taker->conf, "reloadPeriodSec");
	struct genops_pack_lookup *lookup = &import->seen[import->n_lookups];
	int64_t seconds = 300;
	size_t n = 0;
	for (size_t i = 0; i < import->n_lookups; i++) {
		if (!strcmp(import->seen[i].file, file) && !strcmp(import->seen[i].keys, keys))
			return import->seen[i].id;
		n += !strcmp(import->seen[i].file, file);
	}
	if (import->n_lookups == GENOPS_PACK_FILES_MAX)
		return "";
	snprintf(lookup->file, sizeof lookup->file, "%s", file);
	snprintf(lookup->keys, sizeof lookup->keys, "%s", keys);
	if (n)
		snprintf(lookup->id, sizeof lookup->id, "%.100s_%zu", file, n + 1);
	else
		snprintf(lookup->id, sizeof lookup->id, "%.120s", file);
	if (period.len && (!genops_str_to_int(period, &seconds) || seconds < 0))
		seconds = 0; /* -1: never */
	genops_buffer_printf(&import->lookups, "%sid: %s\ntype: csv\nfile: %s.csv\nreload_interval: %llds\ncase_sensitive: %s\nkey_field: %s\n",
	    import->n_lookups ? "---\n" : "", lookup->id, file, (long long)seconds, is_true(taker->conf, "ignoreCase") ? "false" : "true", keys);
	import->n_lookups++;
	return lookup->id;
}

static void add_outputs(struct taker *taker)
{
	const struct genops_yaml_node *fields = genops_yaml_get(taker->conf, "outFields");
	bool has_defaults = false;
	for (const struct genops_yaml_entry *entry = fields ? fields->first : NULL; entry; entry = entry->next) {
		genops_str column = TEXT(entry->value, "lookupField"), field = TEXT(entry->value, "eventField");
		if (entry == fields->first)
			genops_pack_yaml(taker->out, 2, "add_fields:");
		genops_buffer_add_text(taker->out, "      - {");
		genops_json_add_string(taker->out, column);
		genops_buffer_add_text(taker->out, ": ");
		genops_json_add_string(taker->out, field.len ? field : column);
		genops_buffer_add_text(taker->out, "}\n");
		has_defaults |= genops_yaml_get(entry->value, "defaultValue") != NULL;
	}
	if (has_defaults)
		genops_pack_yaml(taker->out, 2, "default_values:");
	for (const struct genops_yaml_entry *entry = has_defaults ? fields->first : NULL; entry; entry = entry->next) {
		genops_str column = TEXT(entry->value, "lookupField"), field = TEXT(entry->value, "eventField");
		if (!genops_yaml_get(entry->value, "defaultValue"))
			continue;
		genops_buffer_add_text(taker->out, "      ");
		genops_json_add_string(taker->out, field.len ? field : column);
		genops_buffer_add_text(taker->out, ": ");
		genops_json_add_string(taker->out, TEXT(entry->value, "defaultValue"));
		genops_buffer_add_char(taker->out, '\n');
	}
}

static void take_lookup(struct taker *taker, size_t index)
{
	genops_str file = TEXT(taker->conf, "file"), mode = TEXT(taker->conf, "matchMode");
	char path[400], clean[128], keys[512];
	struct genops_buffer match;
	if (mode.len && !genops_str_is(mode, "exact")) {
		lame(taker, "left out: a lookup by pattern or network; GenOps has exact ones");
		return;
	}
	snprintf(path, sizeof path, "data/lookups/%.*s", (int)(file.len > 300 ? 300 : file.len), file.len ? file.ptr : "");
	if (!genops_str_ends(file, GENOPS_STR(".csv")) || !genops_pack_find(taker->import->in, path).ptr) {
		lame(taker, "left out: its table is no CSV file of the pack");
		return;
	}
	genops_pack_import_clean((genops_str){file.ptr, file.len - 4}, clean, sizeof clean);
	genops_buffer_init(&match, 4096);
	if (!add_keys(genops_yaml_get(taker->conf, "inFields"), &match, keys, sizeof keys)) {
		lame(taker, "left out: it says not by which fields");
	} else if (begin(taker, "lookup", index)) {
		genops_pack_yaml_text(taker->out, 2, "lookup_table", genops_str_of(lookup_id(taker, clean, keys)));
		genops_pack_yaml(taker->out, 2, "match_field: %.*s", GENOPS_STR_ARG(genops_buffer_view(&match)));
		add_outputs(taker);
	}
	genops_buffer_done(&match);
}

/* --- sampling, mask --- */

static void take_sampling(struct taker *taker, size_t index)
{
	const struct genops_yaml_node *rules = genops_yaml_get(taker->conf, "rules");
	if (!rules || !rules->n || !begin(taker, "sampling", index))
		return;
	genops_pack_yaml(taker->out, 2, "rules:");
	for (const struct genops_yaml_entry *entry = rules->first; entry; entry = entry->next) {
		genops_str filter = genops_str_trim(TEXT(entry->value, "filter")), rate = TEXT(entry->value, "rate");
		int64_t n = 1;
		if (is_true(entry->value, "disabled") || !is_expression(taker, filter.len ? filter : GENOPS_STR("true")))
			continue;
		if (rate.len && (!genops_str_to_int(rate, &n) || n < 1 || n > 1000000000)) {
			lame(taker, "a rate that is no whole number from 1: 1 is written");
			n = 1;
		}
		add_item(taker->out, 3, "- filter: ", filter.len ? filter : GENOPS_STR("true"));
		genops_pack_yaml(taker->out, 4, "rate: %lld", (long long)n);
	}
}

static bool is_pattern(struct taker *taker, genops_str text)
{
	struct genops_regex *regex;
	struct genops_error err = {0};
	genops_str pattern = text, flags = {0};
	size_t end = text.len;
	if (text.len > 2 && text.ptr[0] == '/') {
		while (end > 1 && text.ptr[end - 1] != '/')
			end--;
		if (end > 1) {
			pattern = (genops_str){text.ptr + 1, end - 2};
			flags = genops_str_skip(text, end);
		}
	}
	if (genops_regex_compile(pattern, flags, &regex, &err) == GENOPS_OK) {
		genops_regex_free(regex);
		return true;
	}
	genops_pack_note(taker->import->out, genops_str_of(taker->where), "left out: pattern %.*s: %.200s", text.len > 80 ? 80 : (int)text.len,
	    text.len ? text.ptr : "", err.message);
	taker->import->is_lame = true;
	return false;
}

static size_t add_mask_rules(struct taker *taker, const struct genops_yaml_node *rules, struct genops_buffer *out)
{
	size_t n = 0;
	for (const struct genops_yaml_entry *entry = rules ? rules->first : NULL; entry; entry = entry->next) {
		genops_str match = TEXT(entry->value, "matchRegex"), replace = TEXT(entry->value, "replaceExpr");
		if (is_true(entry->value, "disabled") || !is_pattern(taker, match) || !is_expression(taker, replace))
			continue;
		add_item(out, 3, "- matchRegex: ", match);
		genops_pack_yaml_text(out, 4, "replaceExpr", replace);
		n++;
	}
	return n;
}

static void take_mask(struct taker *taker, size_t index)
{
	const struct genops_yaml_node *fields = genops_yaml_get(taker->conf, "fields"), *flags = genops_yaml_get(taker->conf, "flags");
	struct genops_buffer rules;
	genops_buffer_init(&rules, (size_t)1 << 20);
	size_t n = add_mask_rules(taker, genops_yaml_get(taker->conf, "rules"), &rules);
	if (flags && flags->n)
		lame(taker, "flags: fields that say a mask has found something; GenOps has no such word");
	if (n && begin(taker, "mask", index)) {
		genops_str depth = TEXT(taker->conf, "depth");
		int64_t number = 5;
		genops_pack_yaml(taker->out, 2, "fields:%s", "");
		for (const struct genops_yaml_entry *entry = fields && fields->kind == GENOPS_YAML_SEQUENCE ? fields->first : NULL; entry; entry = entry->next)
			add_item(taker->out, 3, "- ", entry->value->text);
		if (!fields || !fields->n)
			add_item(taker->out, 3, "- ", GENOPS_STR("_raw"));
		(void)genops_str_to_int(depth, &number);
		genops_pack_yaml(taker->out, 2, "depth: %lld", (long long)(number < 0 ? 0 : number > 16 ? 16 : number));
		genops_pack_yaml(taker->out, 2, "rules:");
		genops_buffer_add(taker->out, genops_buffer_view(&rules));
	}
	genops_buffer_done(&rules);
}

void genops_pack_import_function(struct genops_pack_import *import, const struct genops_yaml_node *node, size_t index, struct genops_buffer *out)
{
	static const struct genops_yaml_node none = {.kind = GENOPS_YAML_MAPPING};
	genops_str id = TEXT(node, "id");
	const struct genops_yaml_node *conf = genops_yaml_get(node, "conf");
	struct taker taker = {.import = import, .node = node, .conf = conf && conf->kind == GENOPS_YAML_MAPPING ? conf : &none, .out = out};
	snprintf(taker.where, sizeof taker.where, "%.*s, function %zu (%.*s)", (int)(import->pipeline.len > 100 ? 100 : import->pipeline.len),
	    import->pipeline.ptr, index + 1, (int)(id.len > 40 ? 40 : id.len), id.len ? id.ptr : "");
	if (genops_str_is(id, "comment") || !id.len)
		return;
	if (genops_str_is(id, "eval"))
		take_eval(&taker, index);
	else if (genops_str_is(id, "lookup"))
		take_lookup(&taker, index);
	else if (genops_str_is(id, "sampling"))
		take_sampling(&taker, index);
	else if (genops_str_is(id, "mask"))
		take_mask(&taker, index);
	else if (genops_str_is(id, "drop"))
		(void)begin(&taker, "drop", index);
	else if (!is_true(node, "disabled"))
		lame(&taker, "left out: GenOps has no such function");
}
