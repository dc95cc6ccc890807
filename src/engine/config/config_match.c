/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_match.c - `match:` clauses, `attributes:` mappings and enforcement levels of a configuration. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <stdio.h>

static const char *const match_names[] = {
#define X(symbol, name, key, header) name,
    GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
    "provider", "model", "operation", "type"};
#define N_MATCH_NAMES (sizeof match_names / sizeof *match_names)

/* Any attribute may be matched, so a mistyped name is no error; but it looks like one. */
static int warn_near(struct genops_config_reader *reader, const struct genops_yaml_node *key)
{
	char fix[96];
	for (size_t i = 0; i < N_MATCH_NAMES; i++) {
		if (genops_str_is(key->text, match_names[i]))
			return GENOPS_OK;
	}
	const char *nearest = genops_str_nearest(key->text, match_names, N_MATCH_NAMES);
	if (!nearest || genops_attributes_standard_key(key->text) >= 0)
		return GENOPS_OK;
	snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_warn(reader, key, fix, "\"%.*s\" is not a standard attribute",
	    key->text.len > 64 ? 64 : (int)key->text.len, key->text.ptr);
}

int genops_config_match_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_match *ret_match)
{
	struct genops_match match = {0};
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, node, "match", GENOPS_YAML_MAPPING));
	if (node->n && !(match.entries = genops_arena_alloc(reader->arena, node->n * sizeof *match.entries)))
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		struct genops_match_entry *to = &match.entries[match.n_entries++];
		struct genops_texts values;
		GENOPS_TRY(warn_near(reader, entry->key));
		if (genops_yaml_is_null(entry->value))
			return genops_config_read_fail(reader, entry->key, "give a value, * for any",
			    "match: \"%s\" has no value", entry->key->text.ptr);
		GENOPS_TRY(genops_config_read_texts(reader, entry->value, "a value of match", &values));
		if (!values.n)
			return genops_config_read_fail(reader, entry->value, "give at least one value, * for any",
			    "match: an empty list matches nothing");
		if (!genops_arena_dup(reader->arena, entry->key->text, &to->key))
			return genops_config_read_no_memory(reader);
		to->part = genops_match_part(to->key);
		to->n_values = values.n;
		to->values = values.items;
	}
	*ret_match = match;
	return GENOPS_OK;
}

/* A plain 5, 1.5 or true is a number or a boolean, as in every YAML; the standard attributes are texts anyway. */
static struct genops_attribute typed(const struct genops_yaml_node *node, genops_str key, genops_str text)
{
	struct genops_attribute attribute = {.key = key, .type = GENOPS_ATTRIBUTE_STRING, .value.string = text};
	if (!node->is_plain)
		return attribute;
	if (genops_str_to_int(text, &attribute.value.integer))
		attribute.type = GENOPS_ATTRIBUTE_INT;
	else if (genops_str_to_double(text, &attribute.value.number))
		attribute.type = GENOPS_ATTRIBUTE_DOUBLE;
	else if (genops_str_is(text, "true") || genops_str_is(text, "false"))
		attribute = (struct genops_attribute){.key = key,
		    .type = GENOPS_ATTRIBUTE_BOOL,
		    .value.boolean = genops_str_is(text, "true")};
	else
		attribute.value.string = text;
	return attribute;
}

int genops_config_match_attributes(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const char *what, struct genops_attributes *attributes)
{
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, node, what, GENOPS_YAML_MAPPING));
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		genops_str text;
		if (genops_yaml_is_null(entry->value))
			continue;
		GENOPS_TRY(warn_near(reader, entry->key));
		GENOPS_TRY(genops_config_read_text(reader, entry->value, what, &text));
		if (genops_attributes_standard_key(entry->key->text) >= 0 && !text.len)
			continue; /* "${VAR:-}": not given */
		struct genops_attribute attribute = typed(entry->value, entry->key->text, text);
		int code = genops_attributes_set(attributes, &attribute, reader->err);
		if (code == GENOPS_LIMIT || code == GENOPS_SYNTAX)
			reader->err->code = code = GENOPS_CONFIG;
		GENOPS_TRY(genops_config_read_place(reader, entry->key, code));
	}
	return GENOPS_OK;
}

int genops_config_level_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, enum genops_level *level)
{
	static const char *const names[] = {"block", "blocked", "warn", "warning", "rate_limit", "throttle", "allow", "allowed"};
	char fix[64] = "";
	genops_str text;
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_text(reader, node, "enforcement_level", &text));
	if (genops_level_parse(text, level))
		return GENOPS_OK;
	const char *nearest = genops_str_nearest(text, names, sizeof names / sizeof *names);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(reader, node, fix,
	    "enforcement_level: \"%.*s\" is not one of block, warn, rate_limit, allow",
	    text.len > 40 ? 40 : (int)text.len, text.ptr);
}
