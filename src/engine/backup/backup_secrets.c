/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_secrets.c - see backup_secrets.h. */
#include "engine/backup/backup_secrets.h"

#include "base/str.h"
#include "codec/yaml.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define FOUND_MAX 1000
#define NAME_MAX_ 64

struct found {
	const struct genops_yaml_node *node;
	genops_str key;
	size_t at, len;                 /* in the text, quotes included */
};

struct masking {
	const char *file;
	genops_str text;
	struct found *found;
	size_t n;
	struct genops_error *err;
};

/* --- what is a secret --- */

/* Ends of names, without "_", "-" and blanks. What ends in "file" is a path, in "tokens" a number or a list. */
static const char *const ends[] = {"password", "passphrase", "secret", "apikey", "token", "secretkey", "secretaccesskey", "privatekey", "routingkey",
    "integrationkey", "encryptionkey", "authorization", "cookie", "webhookurl", "connectionstring"};

static bool is_secret_name(genops_str key)
{
	char plain[NAME_MAX_];
	size_t n = 0;
	for (size_t i = 0; i < key.len && n + 1 < sizeof plain; i++) {
		if (key.ptr[i] != '_' && key.ptr[i] != '-' && key.ptr[i] != ' ')
			plain[n++] = (char)tolower((unsigned char)key.ptr[i]);
	}
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		if (genops_str_ends((genops_str){plain, n}, genops_str_of(ends[i])))
			return true;
	}
	return false;
}

/* Names that are secrets' only where they stand: a virtual key, Datadog's key, the address of a webhook. */
static bool is_secret_here(const struct genops_yaml_node *mapping, genops_str parent, genops_str key)
{
	const struct genops_yaml_node *type = genops_yaml_get(mapping, "type");
	if (genops_str_is(key, "key"))
		return genops_str_is(parent, "keys") || genops_str_is(parent, "api");
	return genops_str_is(key, "url") && type && type->kind == GENOPS_YAML_SCALAR &&
	       (genops_str_starts(type->text, GENOPS_STR("webhook")) || genops_str_starts(type->text, GENOPS_STR("slack")));
}

static bool is_literal(const struct genops_yaml_node *node)
{
	return node->kind == GENOPS_YAML_SCALAR && node->text.len && genops_str_find(node->text, GENOPS_STR("${")) == SIZE_MAX &&
	       !(node->is_plain && (genops_yaml_is_null(node) || genops_str_is(node->text, "true") || genops_str_is(node->text, "false")));
}

/* --- where it stands --- */

static bool is_at(genops_str text, size_t at, genops_str piece)
{
	return at + piece.len <= text.len && genops_str_equal((genops_str){text.ptr + at, piece.len}, piece);
}

/* Plain, or between quotes that escape nothing. */
static bool take_at(struct masking *masking, size_t at, struct found *found)
{
	genops_str text = masking->text, value = found->node->text;
	bool is_quoted = at < text.len && (text.ptr[at] == '"' || text.ptr[at] == '\'');
	if (!is_at(text, at + is_quoted, value) || is_quoted == found->node->is_plain)
		return false;
	if (is_quoted && (at + 1 + value.len >= text.len || text.ptr[at + 1 + value.len] != text.ptr[at]))
		return false;
	found->at = at;
	found->len = value.len + 2 * (size_t)is_quoted;
	return true;
}

static size_t line_begin(genops_str text, int line)
{
	size_t at = 0;
	for (int i = 1; i < line; i++) {
		size_t end = genops_str_find_char(genops_str_skip(text, at), '\n');
		if (end == SIZE_MAX)
			return text.len;
		at += end + 1;
	}
	return at;
}

/* Columns count characters. */
static size_t place_of(genops_str text, const struct genops_yaml_node *node)
{
	size_t at = line_begin(text, node->line);
	for (int i = 1; i < node->column && at < text.len; i++) {
		size_t n = genops_str_utf8_sequence(genops_str_skip(text, at));
		at += n ? n : 1;
	}
	return at;
}

static int take(struct masking *masking, const struct genops_yaml_node *node, genops_str key)
{
	struct found found = {.node = node, .key = key};
	if (!is_literal(node))
		return GENOPS_OK;
	for (size_t i = 0; i < masking->n; i++) {
		if (masking->found[i].node->line == node->line && masking->found[i].node->column == node->column)
			return GENOPS_OK; /* an alias of it */
	}
	size_t at = place_of(masking->text, node);
	if (masking->n == FOUND_MAX || !take_at(masking, at, &found)) {
		genops_fail_fix(masking->err, GENOPS_CONFIG, "write it as ${VARIABLE}", "the value of \"%.60s\" is a secret that cannot be left out of an archive",
		    key.ptr ? key.ptr : "");
		genops_error_place(masking->err, masking->file, node->line, node->column);
		return GENOPS_CONFIG;
	}
	masking->found[masking->n++] = found;
	return GENOPS_OK;
}

/* --- the walk --- */

static int walk(struct masking *masking, const struct genops_yaml_node *node, genops_str parent, int depth);

static int walk_entry(struct masking *masking, const struct genops_yaml_node *mapping, const struct genops_yaml_entry *entry, genops_str parent, int depth)
{
	const struct genops_yaml_node *value = entry->value;
	genops_str key = entry->key->text;
	bool is_secret = is_secret_name(key) || is_secret_here(mapping, parent, key);
	/* What stands there are expressions and names, no credentials. */
	if (depth == 1 && (genops_str_is(key, "pipelines") || genops_str_is(key, "lookups") || genops_str_is(key, "processors") || genops_str_is(key, "service")))
		return GENOPS_OK;
	if (is_secret && value->kind == GENOPS_YAML_SCALAR)
		return take(masking, value, key);
	bool is_list = (is_secret || genops_str_ends(key, GENOPS_STR("tokens")) || genops_str_ends(key, GENOPS_STR("keys"))) && value->kind == GENOPS_YAML_SEQUENCE;
	for (const struct genops_yaml_entry *item = is_list ? value->first : NULL; item; item = item->next) {
		if (item->value->kind == GENOPS_YAML_SCALAR)
			GENOPS_TRY(take(masking, item->value, key));
	}
	return walk(masking, value, key, depth + 1);
}

static int walk(struct masking *masking, const struct genops_yaml_node *node, genops_str parent, int depth)
{
	for (const struct genops_yaml_entry *entry = node->kind == GENOPS_YAML_SCALAR ? NULL : node->first; entry; entry = entry->next) {
		if (node->kind == GENOPS_YAML_SEQUENCE)
			GENOPS_TRY(walk(masking, entry->value, parent, depth + 1));
		else
			GENOPS_TRY(walk_entry(masking, node, entry, parent, depth));
	}
	return GENOPS_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct found *left = a, *right = b;
	return left->at < right->at ? -1 : left->at > right->at;
}

static void name_of(genops_str key, uint64_t n, char out[NAME_MAX_ + 48])
{
	char plain[NAME_MAX_];
	size_t len = 0;
	for (size_t i = 0; i < key.len && len + 1 < sizeof plain; i++)
		plain[len++] = isalnum((unsigned char)key.ptr[i]) ? (char)toupper((unsigned char)key.ptr[i]) : '_';
	plain[len] = '\0';
	snprintf(out, NAME_MAX_ + 48, "GENOPS_SECRET_%s_%llu", plain, (unsigned long long)n);
}

static void write_masked(struct masking *masking, uint64_t *n, genops_backup_secret_fn *on_secret, void *arg, struct genops_buffer *out)
{
	char variable[NAME_MAX_ + 48];
	size_t at = 0;
	qsort(masking->found, masking->n, sizeof *masking->found, by_place);
	for (size_t i = 0; i < masking->n; i++) {
		const struct found *found = &masking->found[i];
		name_of(found->key, ++*n, variable);
		genops_buffer_add(out, (genops_str){masking->text.ptr + at, found->at - at});
		genops_buffer_printf(out, "\"${%s}\"", variable);
		at = found->at + found->len;
		on_secret(arg, variable, found->node->line, found->key);
	}
	genops_buffer_add(out, genops_str_skip(masking->text, at));
}

int genops_backup_secrets_mask(const char *file, genops_str text, uint64_t *n, genops_backup_secret_fn *on_secret, void *arg,
    struct genops_buffer *out, struct genops_error *err)
{
	struct genops_yaml *yaml;
	struct masking masking = {.file = file, .text = text, .err = err};
	GENOPS_TRY(genops_yaml_parse(file, text, &yaml, err));
	masking.found = calloc(FOUND_MAX, sizeof *masking.found);
	int code = masking.found ? GENOPS_OK : genops_fail(err, GENOPS_NOMEM, "no memory for a backup");
	for (size_t i = 0; code == GENOPS_OK && i < yaml->n_documents; i++)
		code = walk(&masking, yaml->documents[i], (genops_str){0}, 1);
	if (code == GENOPS_OK)
		write_masked(&masking, n, on_secret, arg, out);
	if (code == GENOPS_OK && out->error)
		code = genops_fail(err, out->error, "%.300s does not fit into memory", file);
	free(masking.found);
	genops_yaml_free(yaml);
	return code;
}
