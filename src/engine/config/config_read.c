/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_read.c - mappings into structs by their rows, and the one way to say what is wrong where.
 *
 * A value that came out of ${} is never shown in a message: it may be a key. See config_read.h. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#define CHOICES_MAX 160
#define PAIRS_MAX   4096

int genops_config_read_place(struct genops_config_reader *reader, const struct genops_yaml_node *node, int code)
{
	if (code != GENOPS_OK && node && !reader->err->file[0])
		genops_error_place(reader->err, reader->file, node->line, node->column);
	return code;
}

int genops_config_read_missing(struct genops_config_reader *reader, const struct genops_yaml_node *node, int code)
{
	if (code == GENOPS_IO)
		reader->err->code = code = GENOPS_CONFIG;
	return genops_config_read_place(reader, node, code);
}

int genops_config_read_fail(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...)
{
	char message[512];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	genops_fail_fix(reader->err, GENOPS_CONFIG, fix, "%s", message);
	return genops_config_read_place(reader, node, GENOPS_CONFIG);
}

int genops_config_read_no_memory(struct genops_config_reader *reader)
{
	return genops_fail(reader->err, GENOPS_NOMEM, "out of memory while reading the configuration");
}

int genops_config_read_warn(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...)
{
	struct genops_config *config = reader->config;
	char message[512];
	va_list args;
	if (config->n_warnings == GENOPS_CONFIG_WARNINGS_MAX)
		return GENOPS_OK;
	if (!config->warnings)
		config->warnings = genops_arena_alloc(
		    reader->arena, GENOPS_CONFIG_WARNINGS_MAX * sizeof *config->warnings);
	if (!config->warnings)
		return genops_config_read_no_memory(reader);
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	struct genops_config_warning warning = {.line = node ? node->line : 0, .column = node ? node->column : 0};
	if (!genops_arena_dup(reader->arena, genops_str_of(message), &warning.message) ||
	    !genops_arena_dup(reader->arena, genops_str_of(fix), &warning.fix))
		return genops_config_read_no_memory(reader);
	config->warnings[config->n_warnings++] = warning;
	return GENOPS_OK;
}

int genops_config_read_expect(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const char *what, enum genops_yaml_kind kind)
{
	if (node->kind == kind)
		return GENOPS_OK;
	return genops_config_read_fail(reader, node, NULL, "%s must be %s, not %s", what,
	    genops_yaml_kind_text(kind), genops_yaml_kind_text(node->kind));
}

/* `out` keeps the expanded text; the caller frees it. */
static int expand(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    struct genops_buffer *out)
{
	genops_buffer_init(out, GENOPS_CONFIG_VALUE_MAX);
	GENOPS_TRY(genops_config_read_expect(reader, node, what, GENOPS_YAML_SCALAR));
	int code = genops_yaml_expand(node->text, &reader->variables, out, reader->err);
	return genops_config_read_place(reader, node, code);
}

static void forget(struct genops_buffer *text)
{
	if (text->ptr)
		explicit_bzero(text->ptr, text->cap);
	genops_buffer_done(text);
}

int genops_config_read_text(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const char *what, genops_str *ret_text)
{
	struct genops_buffer text;
	int code = expand(reader, node, what, &text);
	if (code == GENOPS_OK && !genops_arena_dup(reader->arena, genops_buffer_view(&text), ret_text))
		code = genops_config_read_no_memory(reader);
	forget(&text);
	return code;
}

int genops_config_read_texts(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const char *what, struct genops_texts *ret_texts)
{
	bool is_list = node->kind == GENOPS_YAML_SEQUENCE;
	size_t n = is_list ? node->n : 1;
	struct genops_texts texts = {0};
	if (n > PAIRS_MAX)
		return genops_config_read_fail(reader, node, NULL, "%s has more than %d entries", what, PAIRS_MAX);
	if (n && !(texts.items = genops_arena_alloc(reader->arena, n * sizeof *texts.items)))
		return genops_config_read_no_memory(reader);
	const struct genops_yaml_entry *entry = is_list ? node->first : NULL;
	for (; texts.n < n; texts.n++) {
		const struct genops_yaml_node *item = entry ? entry->value : node;
		GENOPS_TRY(genops_config_read_text(reader, item, what, &texts.items[texts.n]));
		entry = entry ? entry->next : NULL;
	}
	*ret_texts = texts;
	return GENOPS_OK;
}

int genops_config_read_check_variables(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	if (node->kind == GENOPS_YAML_SCALAR) {
		struct genops_buffer text;
		int code = expand(reader, node, "a value", &text);
		forget(&text);
		return code;
	}
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(genops_config_read_check_variables(reader, entry->value));
	return GENOPS_OK;
}

static int read_scalar(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	struct genops_buffer text;
	struct genops_option quiet = *row;
	quiet.is_secret |= genops_str_find(node->text, GENOPS_STR("${")) != SIZE_MAX;
	int code = expand(reader, node, row->name, &text);
	if (code == GENOPS_OK)
		code = genops_option_set(&quiet, object, genops_buffer_view(&text), reader->arena, reader->err);
	forget(&text);
	return genops_config_read_place(reader, node, code);
}

static int read_list(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	struct genops_texts texts;
	GENOPS_TRY(genops_config_read_texts(reader, node, row->name, &texts));
	int code = genops_option_set_items(row, object, texts.items, texts.n, reader->arena, reader->err);
	return genops_config_read_place(reader, node, code);
}

static int read_map(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	GENOPS_TRY(genops_config_read_expect(reader, node, row->name, GENOPS_YAML_MAPPING));
	struct genops_text_pair *pairs = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *pairs);
	size_t n = 0;
	if (!pairs)
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next, n++) {
		pairs[n].key = entry->key->text;
		GENOPS_TRY(genops_config_read_text(reader, entry->value, row->name, &pairs[n].value));
	}
	int code = genops_option_set_pairs(row, object, pairs, n, reader->arena, reader->err);
	return genops_config_read_place(reader, node, code);
}

static int read_value(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	if (row->type == GENOPS_OPTION_CUSTOM || genops_yaml_is_null(node))
		return GENOPS_OK;
	if (row->type == GENOPS_OPTION_MAP)
		return read_map(reader, node, row, object);
	if (row->type == GENOPS_OPTION_LIST && node->kind == GENOPS_YAML_SEQUENCE)
		return read_list(reader, node, row, object);
	return read_scalar(reader, node, row, object);
}

static int fail_unknown(struct genops_config_reader *reader, const struct genops_yaml_node *key, const char *what,
    const struct genops_config_part *parts, size_t n_parts)
{
	const char *choices[CHOICES_MAX] = {NULL};
	char fix[256];
	size_t n = 0, len = 0;
	for (size_t i = 0; i < n_parts; i++) {
		for (const struct genops_option *row = parts[i].rows; row->name && n < CHOICES_MAX; row++) {
			choices[n++] = row->name;
			for (const char *const *alias = row->aliases; alias && *alias && n < CHOICES_MAX; alias++)
				choices[n++] = *alias;
		}
	}
	const char *nearest = genops_str_nearest(key->text, choices, n);
	if (nearest) {
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	} else {
		len = (size_t)snprintf(fix, sizeof fix, "the keys here are ");
		for (size_t i = 0; i < n && len + strlen(choices[i]) + 3 < sizeof fix; i++)
			len += (size_t)snprintf(fix + len, sizeof fix - len, "%s%s", i ? ", " : "", choices[i]);
	}
	return genops_config_read_fail(reader, key, fix, "unknown key \"%.*s\" in %s",
	    key->text.len > 64 ? 64 : (int)key->text.len, key->text.ptr, what);
}

/* A row may be said once, by whatever of its names. */
static int check_once(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_yaml_entry *entry, const struct genops_option *row)
{
	for (const struct genops_yaml_entry *before = node->first; before != entry; before = before->next) {
		struct genops_option pair[2] = {*row, {.name = NULL}};
		if (row->aliases && genops_option_find(pair, before->key->text))
			return genops_config_read_fail(reader, entry->key, "keep one of them",
			    "\"%s\" means the same as \"%s\" in line %d", entry->key->text.ptr,
			    before->key->text.ptr, before->key->line);
	}
	return GENOPS_OK;
}

static int check_required(struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what,
    const struct genops_config_part *part)
{
	for (const struct genops_option *row = part->rows; row->name; row++) {
		if (row->is_required && !genops_config_read_get(node, part->rows, row->name))
			return genops_config_read_fail(reader, node, NULL, "%s needs \"%s\"", what, row->name);
	}
	return GENOPS_OK;
}

static int read_entry(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_yaml_entry *entry, const char *what, const struct genops_config_part *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++) {
		const struct genops_option *row = genops_option_find(parts[i].rows, entry->key->text);
		if (!row)
			continue;
		GENOPS_TRY(check_once(reader, node, entry, row));
		return read_value(reader, entry->value, row, parts[i].object);
	}
	return fail_unknown(reader, entry->key, what, parts, n_parts);
}

int genops_config_read_parts(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const char *what, const struct genops_config_part *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		GENOPS_TRY(genops_option_defaults(parts[i].rows, parts[i].object, reader->arena, reader->err));
	if (!node || genops_yaml_is_null(node))
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, node, what, GENOPS_YAML_MAPPING));
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(read_entry(reader, node, entry, what, parts, n_parts));
	for (size_t i = 0; i < n_parts; i++)
		GENOPS_TRY(check_required(reader, node, what, &parts[i]));
	return GENOPS_OK;
}

int genops_config_read_section(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const char *what, const struct genops_option *rows, void *object)
{
	struct genops_config_part part = {rows, object};
	return genops_config_read_parts(reader, node, what, &part, 1);
}

const struct genops_yaml_node *genops_config_read_get(
    const struct genops_yaml_node *node, const struct genops_option *rows, const char *name)
{
	if (!node || node->kind != GENOPS_YAML_MAPPING)
		return NULL;
	const struct genops_option *row = genops_option_find(rows, genops_str_of(name));
	const struct genops_yaml_node *value = genops_yaml_get(node, name);
	for (const char *const *alias = row ? row->aliases : NULL; !value && alias && *alias; alias++)
		value = genops_yaml_get(node, *alias);
	return value && !genops_yaml_is_null(value) ? value : NULL;
}
