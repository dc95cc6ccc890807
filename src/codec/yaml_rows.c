/* SPDX-License-Identifier: Apache-2.0
 * codec/yaml_rows.c - mappings into structs by their rows, and the one way to say what is wrong where.
 *
 * A value that came out of ${} is never shown in a message: it may be a key. See yaml_rows.h. */
#include "codec/yaml_rows.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#define CHOICES_MAX 160
#define PAIRS_MAX   4096

static int no_memory(const struct genops_yaml_rows *in)
{
	return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
}

int genops_yaml_rows_place(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, int code)
{
	if (code != GENOPS_OK && node && node->line && !in->err->file[0])
		genops_error_place(in->err, in->file, node->line, node->column);
	return code;
}

int genops_yaml_rows_fail(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...)
{
	char message[512];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	genops_fail_fix(in->err, GENOPS_CONFIG, fix, "%s", message);
	return genops_yaml_rows_place(in, node, GENOPS_CONFIG);
}

int genops_yaml_rows_warn(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *fix,
    const char *format, ...)
{
	char message[512];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return in->warn ? in->warn(in->warn_arg, node, fix, message) : GENOPS_OK;
}

int genops_yaml_rows_expect(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, enum genops_yaml_kind kind)
{
	if (node->kind == kind)
		return GENOPS_OK;
	return genops_yaml_rows_fail(in, node, NULL, "%s must be %s, not %s", what,
	    genops_yaml_kind_text(kind), genops_yaml_kind_text(node->kind));
}

/* `out` keeps the expanded text; the caller frees it. */
static int expand(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what,
    struct genops_buffer *out)
{
	genops_buffer_init(out, GENOPS_YAML_VALUE_MAX);
	GENOPS_TRY(genops_yaml_rows_expect(in, node, what, GENOPS_YAML_SCALAR));
	int code = genops_yaml_expand(node->text, in->variables, out, in->err);
	return genops_yaml_rows_place(in, node, code);
}

static void forget(struct genops_buffer *text)
{
	if (text->ptr)
		explicit_bzero(text->ptr, text->cap);
	genops_buffer_done(text);
}

int genops_yaml_rows_text(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, genops_str *ret_text)
{
	struct genops_buffer text;
	int code = expand(in, node, what, &text);
	if (code == GENOPS_OK && !genops_arena_dup(in->arena, genops_buffer_view(&text), ret_text))
		code = no_memory(in);
	forget(&text);
	return code;
}

int genops_yaml_rows_texts(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, struct genops_texts *ret_texts)
{
	bool is_list = node->kind == GENOPS_YAML_SEQUENCE;
	size_t n = is_list ? node->n : 1;
	struct genops_texts texts = {0};
	if (n > PAIRS_MAX)
		return genops_yaml_rows_fail(in, node, NULL, "%s has more than %d entries", what, PAIRS_MAX);
	if (n && !(texts.items = genops_arena_alloc(in->arena, n * sizeof *texts.items)))
		return no_memory(in);
	const struct genops_yaml_entry *entry = is_list ? node->first : NULL;
	for (; texts.n < n; texts.n++) {
		const struct genops_yaml_node *item = entry ? entry->value : node;
		GENOPS_TRY(genops_yaml_rows_text(in, item, what, &texts.items[texts.n]));
		entry = entry ? entry->next : NULL;
	}
	*ret_texts = texts;
	return GENOPS_OK;
}

int genops_yaml_rows_check_variables(const struct genops_yaml_rows *in, const struct genops_yaml_node *node)
{
	if (node->kind == GENOPS_YAML_SCALAR) {
		struct genops_buffer text;
		int code = expand(in, node, "a value", &text);
		forget(&text);
		return code;
	}
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(genops_yaml_rows_check_variables(in, entry->value));
	return GENOPS_OK;
}

static int read_scalar(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	struct genops_buffer text;
	struct genops_option quiet = *row;
	quiet.is_secret |= genops_str_find(node->text, GENOPS_STR("${")) != SIZE_MAX;
	int code = expand(in, node, row->name, &text);
	if (code == GENOPS_OK)
		code = genops_option_set(&quiet, object, genops_buffer_view(&text), in->arena, in->err);
	forget(&text);
	return genops_yaml_rows_place(in, node, code);
}

static int read_list(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	struct genops_texts texts;
	GENOPS_TRY(genops_yaml_rows_texts(in, node, row->name, &texts));
	int code = genops_option_set_items(row, object, texts.items, texts.n, in->arena, in->err);
	return genops_yaml_rows_place(in, node, code);
}

static int read_map(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	GENOPS_TRY(genops_yaml_rows_expect(in, node, row->name, GENOPS_YAML_MAPPING));
	struct genops_text_pair *pairs = genops_arena_alloc(in->arena, (node->n + 1) * sizeof *pairs);
	size_t n = 0;
	if (!pairs)
		return no_memory(in);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next, n++) {
		pairs[n].key = entry->key->text;
		GENOPS_TRY(genops_yaml_rows_text(in, entry->value, row->name, &pairs[n].value));
	}
	int code = genops_option_set_pairs(row, object, pairs, n, in->arena, in->err);
	return genops_yaml_rows_place(in, node, code);
}

static int read_value(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const struct genops_option *row, void *object)
{
	if (row->type == GENOPS_OPTION_CUSTOM || genops_yaml_is_null(node))
		return GENOPS_OK;
	if (row->type == GENOPS_OPTION_MAP)
		return read_map(in, node, row, object);
	if (row->type == GENOPS_OPTION_LIST && node->kind == GENOPS_YAML_SEQUENCE)
		return read_list(in, node, row, object);
	return read_scalar(in, node, row, object);
}

static int fail_unknown(const struct genops_yaml_rows *in, const struct genops_yaml_node *key, const char *what,
    const struct genops_yaml_part *parts, size_t n_parts)
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
	return genops_yaml_rows_fail(in, key, fix, "unknown key \"%.*s\" in %s",
	    key->text.len > 64 ? 64 : (int)key->text.len, key->text.ptr, what);
}

/* A row may be said once, by whatever of its names. */
static int check_once(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const struct genops_yaml_entry *entry, const struct genops_option *row)
{
	for (const struct genops_yaml_entry *before = node->first; before != entry; before = before->next) {
		struct genops_option pair[2] = {*row, {.name = NULL}};
		if (row->aliases && genops_option_find(pair, before->key->text))
			return genops_yaml_rows_fail(in, entry->key, "keep one of them",
			    "\"%s\" means the same as \"%s\" in line %d", entry->key->text.ptr,
			    before->key->text.ptr, before->key->line);
	}
	return GENOPS_OK;
}

static int check_required(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what,
    const struct genops_yaml_part *part)
{
	for (const struct genops_option *row = part->rows; row->name; row++) {
		if (row->is_required && !genops_yaml_rows_get(node, part->rows, row->name))
			return genops_yaml_rows_fail(in, node, NULL, "%s needs \"%s\"", what, row->name);
	}
	return GENOPS_OK;
}

static int read_entry(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const struct genops_yaml_entry *entry, const char *what, const struct genops_yaml_part *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++) {
		const struct genops_option *row = genops_option_find(parts[i].rows, entry->key->text);
		if (!row)
			continue;
		GENOPS_TRY(check_once(in, node, entry, row));
		return read_value(in, entry->value, row, parts[i].object);
	}
	return fail_unknown(in, entry->key, what, parts, n_parts);
}

int genops_yaml_rows_parts(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, const struct genops_yaml_part *parts, size_t n_parts)
{
	for (size_t i = 0; i < n_parts; i++)
		GENOPS_TRY(genops_option_defaults(parts[i].rows, parts[i].object, in->arena, in->err));
	if (!node || genops_yaml_is_null(node))
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(in, node, what, GENOPS_YAML_MAPPING));
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(read_entry(in, node, entry, what, parts, n_parts));
	for (size_t i = 0; i < n_parts; i++)
		GENOPS_TRY(check_required(in, node, what, &parts[i]));
	return GENOPS_OK;
}

int genops_yaml_rows_section(const struct genops_yaml_rows *in, const struct genops_yaml_node *node,
    const char *what, const struct genops_option *rows, void *object)
{
	struct genops_yaml_part part = {rows, object};
	return genops_yaml_rows_parts(in, node, what, &part, 1);
}

const struct genops_yaml_node *genops_yaml_rows_get(
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
