/* SPDX-License-Identifier: Apache-2.0
 * export/snowflake/snowflake_statement.c - see snowflake_statement.h. */
#include "export/snowflake/snowflake_statement.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "codec/json_scan.h"
#include "codec/json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define NAME_MAX_LEN 255
#define PARTS_MAX    3

/* --- the table --- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* One part of a name: "quoted" or plain. Returns what is behind it; NULL: it is none. */
static const char *add_part(const char *at, const char *end, struct genops_buffer *out)
{
	const char *start = at;
	bool is_quoted = at < end && *at == '"';
	genops_buffer_add_char(out, '"');
	if (is_quoted) {
		for (at++; at < end && (*at != '"' || (at + 1 < end && at[1] == '"')); at++) {
			if ((unsigned char)*at < ' ')
				return NULL;
			if (*at == '"')
				genops_buffer_add_char(out, *at++);
			genops_buffer_add_char(out, *at);
		}
		if (at == end || at == start + 1)
			return NULL;
		at++;
	} else {
		for (; at < end && (is_letter(*at) || (at > start && ((*at >= '0' && *at <= '9') || *at == '$'))); at++)
			genops_buffer_add_char(out, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
		if (at == start)
			return NULL;
	}
	genops_buffer_add_char(out, '"');
	return at - start <= NAME_MAX_LEN ? at : NULL;
}

int genops_snowflake_statement_table(genops_str name, struct genops_arena *arena, genops_str *ret, struct genops_error *err)
{
	struct genops_buffer text;
	const char *at = name.ptr, *end = at + name.len;
	genops_buffer_init(&text, 4096);
	bool is_name = false;
	for (int n = 1; at && (at = add_part(at, end, &text)); n++) {
		is_name = at == end && !text.error;
		if (at == end || *at != '.' || n == PARTS_MAX)
			break;
		genops_buffer_add_char(&text, *at++);
	}
	bool is_kept = is_name && genops_arena_dup(arena, genops_buffer_view(&text), ret);
	bool is_full = text.error == GENOPS_NOMEM || is_name;
	genops_buffer_done(&text);
	if (is_kept)
		return GENOPS_OK;
	if (is_full)
		return genops_fail(err, GENOPS_NOMEM, "no memory for a statement");
	return genops_fail_fix(err, GENOPS_CONFIG, "as in genops_audit_trail, or audit.public.\"Genops Audit\"",
	    "table: \"%.*s\" is no name of a table", name.len > 100 ? 100 : (int)name.len, name.len ? name.ptr : "");
}

struct table {
	struct genops_arena *arena;
	genops_str name;
	bool is_full;
};

static void on_table(void *arg, const struct genops_json_value *value)
{
	struct table *table = arg;
	if (value->type == GENOPS_JSON_STRING && !genops_arena_dup(table->arena, value->text, &table->name))
		table->is_full = true;
}

int genops_snowflake_statement_table_of(const struct genops_snowflake_settings *own, const struct genops_destination_item *item,
    struct genops_arena *arena, genops_str *ret, struct genops_error *err)
{
	static const struct genops_json_path path = {"table", 1};
	struct table table = {.arena = arena, .name = own->table};
	*ret = own->table;
	if (genops_str_find(item->settings, GENOPS_STR("\"table\"")) == SIZE_MAX)
		return GENOPS_OK;
	struct genops_json_paths *paths = genops_json_paths_new(&path, 1, NULL);
	struct genops_json_scan *scan = paths ? genops_json_scan_new(paths, NULL, on_table, &table) : NULL;
	int code = scan ? genops_json_scan_feed(scan, item->settings, err) : genops_fail(err, GENOPS_NOMEM, "no memory for a statement");
	if (code == GENOPS_OK)
		code = genops_json_scan_end(scan, err);
	genops_json_scan_free(scan);
	genops_json_paths_free(paths);
	if (code == GENOPS_OK && table.is_full)
		code = genops_fail(err, GENOPS_NOMEM, "no memory for a statement");
	if (code == GENOPS_OK)
		*ret = table.name;
	return code;
}

/* --- the rows --- */

static void add_time(struct genops_json_writer *json, int64_t unix_ns)
{
	time_t seconds = (time_t)(unix_ns / GENOPS_NS_PER_S);
	struct tm tm;
	char text[48];
	if (unix_ns <= 0 || !gmtime_r(&seconds, &tm))
		return;
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)(unix_ns % GENOPS_NS_PER_S));
	genops_json_key_string(json, "event_time", genops_str_of(text));
}

/* The event, the route, the pipeline, the tenant: what it is, whenever it comes. */
static void add_id(struct genops_json_writer *json, const struct genops_destination_item *item)
{
	const uint64_t words[4] = {item->id, (uint64_t)item->time_unix_ns, genops_hash_checksum(item->pipeline.ptr, item->pipeline.len, 0),
	    genops_hash_checksum(item->route.ptr, item->route.len, 0)};
	uint64_t seed = item->tenant.len ? genops_hash_checksum(item->tenant.ptr, item->tenant.len, 0) : 0;
	struct genops_hash hash = genops_hash_of((genops_str){(const char *)words, sizeof words}, seed);
	char text[33];
	snprintf(text, sizeof text, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
	genops_json_key_string(json, "event_id", genops_str_of(text));
}

static void put_text(struct genops_json_writer *json, const char *key, genops_str text)
{
	if (text.len)
		genops_json_key_string(json, key, text);
}

static void add_row(struct genops_json_writer *json, const struct genops_destination_item *item)
{
	genops_json_object_begin(json);
	add_id(json, item);
	add_time(json, item->time_unix_ns);
	put_text(json, "pipeline", item->pipeline);
	put_text(json, "route", item->route);
	put_text(json, "tenant", item->tenant);
	genops_json_key(json, GENOPS_STR("event"));
	genops_json_raw(json, item->payload.len ? item->payload : item->body);
	genops_json_object_end(json);
}

/* Rows for one table; they stop where the table changes. */
static int add_rows(const struct genops_snowflake_settings *own, const struct genops_destination_batch *batch, genops_str table,
    struct genops_arena *arena, struct genops_buffer *rows, size_t *ret_n, struct genops_error *err)
{
	struct genops_json_writer json;
	genops_str other = table;
	genops_json_writer_init(&json, rows);
	genops_json_array_begin(&json);
	for (*ret_n = 0; *ret_n < batch->n_items; ++*ret_n) {
		const struct genops_destination_item *item = &batch->items[*ret_n];
		if (!*ret_n || !genops_str_equal(item->settings, item[-1].settings))
			GENOPS_TRY(genops_snowflake_statement_table_of(own, item, arena, &other, err));
		if (!genops_str_equal(table, other))
			break;
		add_row(&json, item);
	}
	genops_json_array_end(&json);
	return GENOPS_OK;
}

/* --- the statement --- */

static const char merge[] =
    " AS t USING (SELECT f.value:event_id::VARCHAR AS event_id, f.value:event_time::TIMESTAMP_TZ AS event_time, f.value:pipeline::VARCHAR AS pipeline, "
    "f.value:route::VARCHAR AS route, f.value:tenant::VARCHAR AS tenant, f.value:event AS event "
    "FROM (SELECT PARSE_JSON(?) AS doc) AS b, LATERAL FLATTEN(INPUT => b.doc) AS f "
    "QUALIFY ROW_NUMBER() OVER (PARTITION BY f.value:event_id::VARCHAR ORDER BY f.index) = 1) AS s ON t.event_id = s.event_id "
    "WHEN NOT MATCHED THEN INSERT (event_id, event_time, pipeline, route, tenant, event) "
    "VALUES (s.event_id, s.event_time, s.pipeline, s.route, s.tenant, s.event)";

static void add_statement(struct genops_json_writer *json, genops_str table)
{
	struct genops_buffer sql;
	genops_buffer_init(&sql, 16384);
	genops_buffer_add_text(&sql, "MERGE INTO ");
	genops_buffer_add(&sql, table);
	genops_buffer_add_text(&sql, merge);
	if (sql.error && !json->buf->error)
		json->buf->error = sql.error;
	genops_json_key_string(json, "statement", genops_buffer_view(&sql));
	genops_buffer_done(&sql);
}

static void add_body(const struct genops_snowflake_settings *own, genops_str table, genops_str rows, struct genops_buffer *out)
{
	struct genops_json_writer json;
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	add_statement(&json, table);
	if (own->statement_timeout_ns)
		genops_json_key_int(&json, "timeout", own->statement_timeout_ns / GENOPS_NS_PER_S);
	put_text(&json, "database", own->database);
	put_text(&json, "schema", own->schema);
	put_text(&json, "warehouse", own->warehouse);
	put_text(&json, "role", own->role);
	genops_json_key(&json, GENOPS_STR("bindings"));
	genops_json_object_begin(&json);
	genops_json_key(&json, GENOPS_STR("1"));
	genops_json_object_begin(&json);
	genops_json_key_string(&json, "type", GENOPS_STR("TEXT"));
	genops_json_key_string(&json, "value", rows);
	genops_json_object_end(&json);
	genops_json_object_end(&json);
	genops_json_object_end(&json);
}

int genops_snowflake_statement_write(const struct genops_snowflake_settings *own, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_buffer *out, size_t *ret_n, struct genops_error *err)
{
	struct genops_buffer rows;
	genops_str name, table;
	GENOPS_TRY(genops_snowflake_statement_table_of(own, &batch->items[0], arena, &name, err));
	GENOPS_TRY(genops_snowflake_statement_table(name, arena, &table, err));
	genops_buffer_init(&rows, GENOPS_DESTINATION_BODY_MAX);
	int code = add_rows(own, batch, name, arena, &rows, ret_n, err);
	if (code == GENOPS_OK && rows.error)
		code = genops_fail(err, rows.error, "rows for Snowflake: %s", genops_error_text(rows.error));
	if (code == GENOPS_OK)
		add_body(own, table, genops_buffer_view(&rows), out);
	genops_buffer_done(&rows);
	return code;
}
