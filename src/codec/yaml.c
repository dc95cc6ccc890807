/* SPDX-License-Identifier: Apache-2.0
 * codec/yaml.c - see yaml.h. libfyaml's events become nodes in an arena.
 *
 * Aliases share the anchored node instead of copying it, so a "billion laughs" costs nothing here; its weight
 * (what a reader would walk) is bounded by GENOPS_YAML_NODES_MAX. An anchor counts only once its node is closed,
 * so there are no cycles. One thread a tree while parsing.
 */
#include "codec/yaml.h"

#include "base/str.h"

#include <libfyaml.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)128 << 20)
#define TAG_MAX   64 /* bytes of a tag as written; YAML's own are shorter */

struct anchor {
	struct anchor *next;
	genops_str name;
	const struct genops_yaml_node *node; /* NULL while it is open */
};

struct level {
	struct genops_yaml_node *node;
	struct genops_yaml_entry *last;
	const struct genops_yaml_node *key; /* of a mapping: read, its value is awaited */
	struct anchor *anchor;
};

struct builder {
	const char *name;
	struct genops_yaml *yaml;
	struct genops_error *err;
	struct level levels[GENOPS_YAML_DEPTH_MAX];
	size_t depth, n_nodes, n_anchors, n_documents_cap;
	struct anchor *anchors; /* newest first; an anchor may be defined again */
	int line, column;       /* of the event at hand */
};

static int fail_at(struct builder *b, int code, int line, int column, const char *message)
{
	genops_fail(b->err, code, "%s", message);
	genops_error_place(b->err, b->name, line, column);
	return code;
}

static int fail_here(struct builder *b, int code, const char *message)
{
	return fail_at(b, code, b->line, b->column, message);
}

static int no_memory(struct builder *b)
{
	return fail_here(b, GENOPS_NOMEM, "out of memory while reading YAML");
}

static struct genops_yaml_node *add_node(struct builder *b, enum genops_yaml_kind kind)
{
	struct genops_yaml_node *node = genops_arena_alloc(&b->yaml->arena, sizeof *node);
	if (!node)
		return NULL;
	node->kind = kind;
	node->line = b->line;
	node->column = b->column;
	node->weight = 1;
	return node;
}

static int add_document(struct builder *b, const struct genops_yaml_node *node)
{
	struct genops_yaml *yaml = b->yaml;
	if (yaml->n_documents == b->n_documents_cap) {
		size_t cap = b->n_documents_cap ? 2 * b->n_documents_cap : 4;
		const struct genops_yaml_node **documents =
		    genops_arena_alloc(&yaml->arena, cap * sizeof(*documents));
		if (!documents)
			return no_memory(b);
		for (size_t i = 0; i < yaml->n_documents; i++)
			documents[i] = yaml->documents[i];
		yaml->documents = documents;
		b->n_documents_cap = cap;
	}
	yaml->documents[yaml->n_documents++] = node;
	return GENOPS_OK;
}

static int check_key(struct builder *b, const struct level *level, const struct genops_yaml_node *key)
{
	char message[160];
	if (key->kind != GENOPS_YAML_SCALAR)
		return fail_at(b, GENOPS_SYNTAX, key->line, key->column,
		    "a key must be a text, not a list or a mapping");
	if (level->node->n >= GENOPS_YAML_PAIRS_MAX)
		return fail_here(b, GENOPS_LIMIT, "a mapping has too many keys");
	for (const struct genops_yaml_entry *entry = level->node->first; entry; entry = entry->next) {
		if (!genops_str_equal(entry->key->text, key->text))
			continue;
		snprintf(message, sizeof message, "key \"%.*s\" is there twice, first in line %d",
		    key->text.len > 64 ? 64 : (int)key->text.len, key->text.ptr, entry->key->line);
		return fail_here(b, GENOPS_SYNTAX, message);
	}
	return GENOPS_OK;
}

/* Puts a finished node where it belongs: a document, a list's item, a key or a key's value. */
static int place(struct builder *b, const struct genops_yaml_node *node)
{
	if (!b->depth)
		return add_document(b, node);
	struct level *level = &b->levels[b->depth - 1];
	if (level->node->kind == GENOPS_YAML_MAPPING && !level->key) {
		GENOPS_TRY(check_key(b, level, node));
		level->key = node;
		return GENOPS_OK;
	}
	struct genops_yaml_entry *entry = genops_arena_alloc(&b->yaml->arena, sizeof *entry);
	if (!entry)
		return no_memory(b);
	entry->key = level->key;
	entry->value = node;
	if (level->last)
		level->last->next = entry;
	else
		level->node->first = entry;
	level->last = entry;
	level->key = NULL;
	level->node->n++;
	level->node->weight += node->weight + (entry->key ? 1 : 0);
	if (level->node->weight > GENOPS_YAML_NODES_MAX)
		return fail_here(b, GENOPS_LIMIT, "the document is too large, aliases counted in full");
	return GENOPS_OK;
}

static int add_anchor(struct builder *b, struct fy_token *token, struct anchor **ret_anchor)
{
	*ret_anchor = NULL;
	if (!token)
		return GENOPS_OK;
	size_t len = 0;
	const char *name = fy_token_get_text(token, &len);
	struct anchor *anchor = genops_arena_alloc(&b->yaml->arena, sizeof *anchor);
	if (!name || !anchor || !genops_arena_dup(&b->yaml->arena, (genops_str){name, len}, &anchor->name))
		return no_memory(b);
	if (++b->n_anchors > GENOPS_YAML_ANCHORS_MAX)
		return fail_here(b, GENOPS_LIMIT, "too many anchors");
	anchor->next = b->anchors;
	b->anchors = anchor;
	*ret_anchor = anchor;
	return GENOPS_OK;
}

static int on_alias(struct builder *b, struct fy_token *token)
{
	size_t len = 0;
	const char *name = token ? fy_token_get_text(token, &len) : NULL;
	if (!name)
		return no_memory(b);
	for (struct anchor *anchor = b->anchors; anchor; anchor = anchor->next) {
		if (!genops_str_equal(anchor->name, (genops_str){name, len}))
			continue;
		if (!anchor->node)
			return fail_here(b, GENOPS_SYNTAX, "an alias stands inside its own anchor");
		return place(b, anchor->node);
	}
	return fail_here(b, GENOPS_SYNTAX, "an alias names no anchor before it");
}

/* The text of a scalar. Read by libfyaml's iterator, because its fy_token_get_text (0.7.12) loses memory on every
 * scalar of many lines or escapes. */
static int read_scalar(struct builder *b, struct fy_token *token, genops_str *ret_text)
{
	int failed = 0, code = GENOPS_OK;
	struct genops_buffer text;
	struct fy_token_iter *iter = token ? fy_token_iter_create(token) : NULL;
	if (token && !iter)
		return no_memory(b);
	genops_buffer_init(&text, GENOPS_YAML_BYTES_MAX * 2);
	const struct fy_iter_chunk *chunk = iter ? fy_token_iter_chunk_next(iter, NULL, &failed) : NULL;
	for (; chunk; chunk = fy_token_iter_chunk_next(iter, chunk, &failed))
		genops_buffer_add(&text, (genops_str){chunk->str, chunk->len});
	if (failed || text.error || !genops_arena_dup(&b->yaml->arena, genops_buffer_view(&text), ret_text))
		code = no_memory(b);
	fy_token_iter_destroy(iter);
	if (text.ptr)
		explicit_bzero(text.ptr, text.cap); /* it may have held a key */
	genops_buffer_done(&text);
	return code;
}

/* Tags of the core schema say nothing that the reader does not know, except !!str: never null. */
static int read_tag(struct builder *b, struct fy_token *token, bool *ret_is_text)
{
	size_t len = 0;
	const struct fy_mark *start = token ? fy_token_start_mark(token) : NULL;
	const struct fy_mark *end = token ? fy_token_end_mark(token) : NULL;
	bool is_short = start && end && end->input_pos - start->input_pos < TAG_MAX;
	const char *text = is_short ? fy_token_get_text(token, &len) : NULL;
	genops_str tag = {text, text ? len : 0};
	*ret_is_text = genops_str_is(tag, "tag:yaml.org,2002:str") || genops_str_is(tag, "!");
	if (!token || *ret_is_text || genops_str_starts(tag, GENOPS_STR("tag:yaml.org,2002:")))
		return GENOPS_OK;
	return fail_here(b, GENOPS_SYNTAX, "tags other than YAML's own are not supported");
}

static int on_scalar(struct builder *b, const struct fy_event_scalar_data *data)
{
	struct anchor *anchor;
	bool is_text;
	struct genops_yaml_node *node = add_node(b, GENOPS_YAML_SCALAR);
	if (!node)
		return no_memory(b);
	GENOPS_TRY(read_scalar(b, data->value, &node->text));
	GENOPS_TRY(read_tag(b, data->tag, &is_text));
	GENOPS_TRY(add_anchor(b, data->anchor, &anchor));
	node->is_plain = !is_text && fy_token_scalar_style(data->value) == FYSS_PLAIN;
	if (anchor)
		anchor->node = node;
	return place(b, node);
}

static int on_start(
    struct builder *b, enum genops_yaml_kind kind, struct fy_token *anchor_token, struct fy_token *tag)
{
	struct anchor *anchor;
	bool is_text;
	if (b->depth == GENOPS_YAML_DEPTH_MAX)
		return fail_here(b, GENOPS_LIMIT, "lists and mappings are nested too deep");
	struct genops_yaml_node *node = add_node(b, kind);
	if (!node)
		return no_memory(b);
	GENOPS_TRY(read_tag(b, tag, &is_text));
	GENOPS_TRY(add_anchor(b, anchor_token, &anchor));
	b->levels[b->depth++] = (struct level){.node = node, .anchor = anchor};
	return GENOPS_OK;
}

static int on_end(struct builder *b)
{
	if (!b->depth)
		return fail_here(b, GENOPS_SYNTAX, "a collection ends that did not begin");
	struct level *level = &b->levels[--b->depth];
	if (level->anchor)
		level->anchor->node = level->node;
	return place(b, level->node);
}

/* libfyaml's mark stands behind an opening quote and behind an alias's asterisk; people count from them. */
static int leading_bytes(const struct fy_event *event)
{
	if (event->type == FYET_ALIAS)
		return 1;
	if (event->type != FYET_SCALAR || !event->scalar.value)
		return 0;
	enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
	return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

static int on_event(struct builder *b, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	if (mark) {
		b->line = mark->line + 1;
		b->column = mark->column + 1 - leading_bytes(event);
	}
	if (event->type >= FYET_MAPPING_START && ++b->n_nodes > GENOPS_YAML_NODES_MAX)
		return fail_here(b, GENOPS_LIMIT, "the document has too many entries");
	switch (event->type) {
	case FYET_DOCUMENT_START:
		b->anchors = NULL; /* anchors do not reach into the next document */
		return GENOPS_OK;
	case FYET_MAPPING_START:
		return on_start(b, GENOPS_YAML_MAPPING, event->mapping_start.anchor, event->mapping_start.tag);
	case FYET_SEQUENCE_START:
		return on_start(
		    b, GENOPS_YAML_SEQUENCE, event->sequence_start.anchor, event->sequence_start.tag);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return on_end(b);
	case FYET_SCALAR:
		return on_scalar(b, &event->scalar);
	case FYET_ALIAS:
		return on_alias(b, event->alias.anchor);
	default:
		return GENOPS_OK;
	}
}

/* libfyaml's own first complaint, as one line. */
static int fail_syntax(struct builder *b, struct fy_diag *diag)
{
	char message[256] = "it is not well-formed YAML";
	void *previous = NULL;
	const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &previous);
	if (!error)
		return fail_here(b, GENOPS_SYNTAX, message);
	snprintf(message, sizeof message, "%s", error->msg ? error->msg : "it is not well-formed YAML");
	size_t len = strlen(message);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)message[i] < 0x20)
			message[i] = ' ';
	}
	while (len && message[len - 1] == ' ')
		message[--len] = '\0';
	return fail_at(b, GENOPS_SYNTAX, error->line > 0 ? error->line : 1,
	    error->column > 0 ? error->column : 1, message);
}

/* Not printing is the point: errors are collected and become our one line. */
static void print_nothing(struct fy_diag *diag, void *user, const char *bytes, size_t len)
{
	(void)diag;
	(void)user;
	(void)bytes;
	(void)len;
}

static int parse_events(struct builder *b, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_event *event;
	while ((event = fy_parser_parse(parser))) {
		int code = on_event(b, event);
		fy_parser_event_free(parser, event);
		GENOPS_TRY(code);
	}
	if (fy_parser_get_stream_error(parser) || fy_diag_got_error(diag))
		return fail_syntax(b, diag);
	if (b->depth)
		return fail_here(b, GENOPS_SYNTAX, "the document ends inside a collection");
	return GENOPS_OK;
}

static int parse_text(struct builder *b, genops_str text)
{
	const struct fy_diag_cfg diag_cfg = {
	    .output_fn = print_nothing, .level = FYET_ERROR, .module_mask = UINT_MAX};
	struct fy_diag *diag = fy_diag_create(&diag_cfg);
	if (!diag)
		return no_memory(b);
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = {
	    .search_path = "",
	    .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
	    .diag = diag,
	};
	int code;
	struct fy_parser *parser = fy_parser_create(&cfg);
	if (!parser || fy_parser_set_string(parser, text.ptr, text.len))
		code = no_memory(b);
	else
		code = parse_events(b, parser, diag);
	if (parser)
		fy_parser_destroy(parser);
	fy_diag_destroy(diag); /* frees the collected errors too, which unref does not */
	return code;
}

/* What libfyaml should not even see. Finds the place of the first bad byte by cutting at lines. */
static int check_bytes(struct builder *b, genops_str text)
{
	if (text.len > GENOPS_YAML_BYTES_MAX)
		return fail_at(b, GENOPS_LIMIT, 1, 1, "the file is larger than 8 MiB");
	genops_str rest = text;
	for (int line = 1; rest.ptr; line++) {
		genops_str one = genops_str_split(&rest, '\n');
		size_t nul = genops_str_find_char(one, '\0');
		if (nul != SIZE_MAX)
			return fail_at(b, GENOPS_SYNTAX, line, (int)nul + 1, "there is a NUL byte");
		if (!genops_str_is_utf8(one))
			return fail_at(b, GENOPS_SYNTAX, line, 1, "this line is not UTF-8");
	}
	return GENOPS_OK;
}

int genops_yaml_parse(const char *name, genops_str text, struct genops_yaml **ret_yaml, struct genops_error *err)
{
	struct builder *b = calloc(1, sizeof *b);
	struct genops_yaml *yaml = calloc(1, sizeof *yaml);
	int code;
	if (!b || !yaml) {
		code = genops_fail(err, GENOPS_NOMEM, "out of memory while reading YAML");
	} else {
		genops_arena_init(&yaml->arena, ARENA_MAX);
		*b = (struct builder){.name = name, .yaml = yaml, .err = err, .line = 1, .column = 1};
		code = check_bytes(b, text);
		if (code == GENOPS_OK && text.len)
			code = parse_text(b, text);
	}
	free(b);
	if (code != GENOPS_OK) {
		genops_yaml_free(yaml);
		return code;
	}
	*ret_yaml = yaml;
	return GENOPS_OK;
}

void genops_yaml_free(struct genops_yaml *yaml)
{
	if (!yaml)
		return;
	genops_arena_done(&yaml->arena);
	free(yaml);
}

const struct genops_yaml_node *genops_yaml_get(const struct genops_yaml_node *mapping, const char *key)
{
	if (!mapping || mapping->kind != GENOPS_YAML_MAPPING)
		return NULL;
	for (const struct genops_yaml_entry *entry = mapping->first; entry; entry = entry->next) {
		if (genops_str_is(entry->key->text, key))
			return entry->value;
	}
	return NULL;
}

bool genops_yaml_is_null(const struct genops_yaml_node *node)
{
	return node->kind == GENOPS_YAML_SCALAR && node->is_plain &&
	       (!node->text.len || genops_str_is(node->text, "~") || genops_str_is_nocase(node->text, "null"));
}

const char *genops_yaml_kind_text(enum genops_yaml_kind kind)
{
	switch (kind) {
	case GENOPS_YAML_SCALAR:
		return "a single value";
	case GENOPS_YAML_SEQUENCE:
		return "a list";
	case GENOPS_YAML_MAPPING:
		return "a mapping";
	}
	return "something else";
}

void genops_yaml_wipe(const struct genops_yaml_node *node)
{
	/* The arena's bytes are ours and writable; const only keeps readers from changing the tree. */
	if (node->kind == GENOPS_YAML_SCALAR && node->text.len)
		explicit_bzero((char *)(uintptr_t)node->text.ptr, node->text.len);
}
