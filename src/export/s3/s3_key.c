/* SPDX-License-Identifier: Apache-2.0
 * export/s3/s3_key.c - see s3_key.h.
 *
 * Values of events stand in paths, and events come from anywhere: "." and ".." and empty names become "_", as do control characters; what is
 * too long ends in a hash. */
#include "export/s3/s3_key.h"

#include "base/str.h"

#include <stdio.h>

#define TEXT_MAX   ((size_t)64 << 10)
#define SUFFIX_MAX 40 /* "-", a hash, ".gz" */

static bool is_plain(const struct genops_template *template)
{
	struct genops_template_piece piece;
	for (size_t i = 0; genops_template_piece_at(template, i, &piece); i++) {
		if (piece.kind != GENOPS_PIECE_PLAIN && piece.kind != GENOPS_PIECE_RANDOM)
			return false;
	}
	return true;
}

static int render(const struct genops_template *template, const struct genops_destination_item *item, struct genops_expression_run *run,
    struct genops_buffer *out, struct genops_error *err)
{
	struct genops_value event = {0};
	run->now_ms = item->time_unix_ns / 1000000;
	if (!is_plain(template) && genops_value_from_json(item->body, run->arena, &event, err) == GENOPS_NOMEM)
		return GENOPS_NOMEM;
	return genops_template_render(template, event, run, out, NULL, err);
}

/* --- what may stand in a key --- */

static void add_name(genops_str name, struct genops_buffer *out)
{
	bool is_dots = name.len && name.len <= 2 && name.ptr[0] == '.' && name.ptr[name.len - 1] == '.';
	if (!name.len || is_dots) {
		genops_buffer_add_char(out, '_');
		return;
	}
	size_t from = out->len;
	genops_buffer_add_utf8(out, name);
	for (size_t i = from; !out->error && i < out->len; i++) {
		if ((unsigned char)out->ptr[i] < 0x20 || out->ptr[i] == 0x7f || out->ptr[i] == '\\')
			out->ptr[i] = '_';
	}
}

/* A path ends in "/", or is empty. */
static void clean(genops_str text, bool is_path, struct genops_buffer *out)
{
	while (text.len && text.ptr[0] == '/')
		text = genops_str_skip(text, 1);
	for (genops_str rest = text; rest.len;) {
		genops_str name = genops_str_split(&rest, '/');
		add_name(name, out);
		if (rest.ptr || is_path)
			genops_buffer_add_char(out, '/');
	}
}

/* At most `max` bytes, between characters; what was cut off is told by a hash. */
static void shorten(struct genops_buffer *key, size_t max, bool is_path)
{
	if (key->error || key->len <= max)
		return;
	uint64_t hash = genops_hash_checksum(key->ptr, key->len, 0);
	key->len = max - 18;
	while (key->len && ((unsigned char)key->ptr[key->len] & 0xc0) == 0x80)
		key->len--;
	genops_buffer_printf(key, "-%016llx%s", (unsigned long long)hash, is_path ? "/" : "");
}

/* --- parts --- */

static int add_path(const struct genops_s3_settings *settings, const struct genops_destination_item *item, struct genops_expression_run *run,
    struct genops_buffer *text, struct genops_buffer *out, struct genops_error *err)
{
	GENOPS_TRY(render(settings->path, item, run, text, err));
	clean(genops_buffer_view(text), true, out);
	shorten(out, GENOPS_S3_KEY_MAX / 2, true);
	return out->error ? genops_fail(err, out->error, "an object's path does not fit into memory") : GENOPS_OK;
}

int genops_s3_key_partition(const struct genops_s3_settings *settings, const struct genops_destination_item *items, size_t n_items,
    struct genops_arena *scratch, uint64_t *ret_parts, struct genops_error *err)
{
	struct genops_expression_run run = {.arena = scratch};
	struct genops_buffer text, path;
	int code = GENOPS_OK;
	genops_buffer_init(&text, TEXT_MAX);
	genops_buffer_init(&path, TEXT_MAX);
	for (size_t i = 0; i < n_items && code == GENOPS_OK; i++) {
		genops_arena_reset(scratch);
		genops_buffer_clear(&text);
		genops_buffer_clear(&path);
		run.random_state[0] = run.random_state[1] = 1; /* chance is the object's, not the event's */
		code = add_path(settings, &items[i], &run, &text, &path, err);
		if (code == GENOPS_LIMIT) { /* longer than anything can be called: told apart by the hash of its begin */
			genops_buffer_clear(&path);
			code = GENOPS_OK;
		}
		ret_parts[i] = genops_hash_checksum(items[i].settings.ptr, items[i].settings.len, 0);
		ret_parts[i] = genops_hash_checksum(path.ptr, path.len, ret_parts[i]);
	}
	genops_expression_run_done(&run);
	genops_buffer_done(&text);
	genops_buffer_done(&path);
	return code;
}

/* --- the key --- */

/* genops-audit-20261121.json -> genops-audit-20261121-4f0c0a9d3b51.json: without a place for chance two objects would have one name. */
static void add_hash(struct genops_buffer *name, struct genops_hash content)
{
	char hex[20];
	size_t at = name->len, dot = name->len;
	while (at && name->ptr[at - 1] != '/')
		at--;
	for (size_t i = at; i < name->len; i++) {
		if (name->ptr[i] == '.' && i > at) {
			dot = i;
			break;
		}
	}
	int n = snprintf(hex, sizeof hex, "-%012llx", (unsigned long long)(content.low & 0xffffffffffff));
	if (!genops_buffer_reserve(name, (size_t)n))
		return;
	memmove(name->ptr + dot + n, name->ptr + dot, name->len - dot);
	memcpy(name->ptr + dot, hex, (size_t)n);
	name->len += (size_t)n;
}

static int add_filename(const struct genops_s3_settings *settings, const struct genops_destination_item *first, struct genops_hash content,
    bool is_gzip, struct genops_expression_run *run, struct genops_buffer *text, struct genops_buffer *out, struct genops_error *err)
{
	struct genops_buffer name;
	genops_buffer_init(&name, TEXT_MAX);
	genops_buffer_clear(text);
	int code = render(settings->filename, first, run, text, err);
	clean(genops_buffer_view(text), false, &name);
	if (!name.len)
		genops_buffer_add_char(&name, '_');
	shorten(&name, GENOPS_S3_KEY_MAX / 2 - SUFFIX_MAX, false);
	if (!settings->is_random)
		add_hash(&name, content);
	if (is_gzip && !genops_str_ends(genops_buffer_view(&name), GENOPS_STR(".gz")))
		genops_buffer_add(&name, GENOPS_STR(".gz"));
	genops_buffer_add(out, genops_buffer_view(&name));
	if (code == GENOPS_OK && (name.error || out->error))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for an object's name");
	genops_buffer_done(&name);
	return code;
}

int genops_s3_key_make(const struct genops_s3_settings *settings, const struct genops_destination_item *first, struct genops_hash content,
    bool is_gzip, struct genops_arena *arena, genops_str *ret_key, struct genops_error *err)
{
	struct genops_expression_run run = {.arena = arena, .random_state = {content.low | 1, content.high | 1}};
	struct genops_buffer text, key;
	genops_buffer_init(&text, TEXT_MAX);
	genops_buffer_init(&key, TEXT_MAX);
	int code = add_path(settings, first, &run, &text, &key, err);
	if (code == GENOPS_LIMIT) {
		genops_buffer_clear(&key);
		code = GENOPS_OK;
	}
	if (code == GENOPS_OK)
		code = add_filename(settings, first, content, is_gzip, &run, &text, &key, err);
	if (code == GENOPS_OK && !genops_arena_dup(arena, genops_buffer_view(&key), ret_key))
		code = genops_fail(err, GENOPS_NOMEM, "no memory for an object's name");
	genops_expression_run_done(&run);
	genops_buffer_done(&text);
	genops_buffer_done(&key);
	return code;
}
