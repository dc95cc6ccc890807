/* SPDX-License-Identifier: Apache-2.0
 * export/file/file.c - destination type file: JSON lines - OTLP requests as the Collector's file exporter writes them, or pipelines' events - at
 * the end of a file that is rotated by size and age; or events as Parquet, a file a batch. Pure.
 *
 * Killed anywhere, a line is there once: batches are cut again as they were, what the memory has written is passed over, and what was written
 * without the memory knowing it is found at the file's end (net/append.h). A Parquet file's name is that of its content: written again, it is
 * the same file. */
#include "export/file/event_table.h"
#include "export/file/file_memory.h"
#include "export/otlp_outgoing.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/compress.h"

#include <stdio.h>
#include <time.h>

#define ZSTD_LEVEL 3
#define GZIP_LEVEL 6
#define MEGABYTE   1000000

enum format { FORMAT_JSON, FORMAT_PARQUET };
enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD, COMPRESSION_SNAPPY, COMPRESSION_UNSET };

struct file {
	genops_str path;
	int format, compression;
	bool is_rotated;
	int64_t max_megabytes, max_backups, max_days, interval_ns;
};

#define AT(field) offsetof(struct file, field)
static const struct genops_option rows[] = {
    {.name = "path", .type = GENOPS_OPTION_TEXT, .offset = AT(path), .is_required = true, .text = "JSON: lines are appended to it; Parquet: the beginning and the end of the files' names"},
    {.name = "format", .type = GENOPS_OPTION_ENUM, .offset = AT(format), .default_text = "json", .names = (const char *const[]){"json", "parquet", NULL}, .text = "json: a line a request or event; parquet: events, a file a batch"},
    {.name = "compression", .type = GENOPS_OPTION_ENUM, .offset = AT(compression), .default_text = "unset", .names = (const char *const[]){"none", "gzip", "zstd", "snappy", "unset", NULL}, .text = "json: none, gzip or zstd (a member or frame a request); parquet: snappy, unless none"},
    {.name = "rotation", .type = GENOPS_OPTION_CUSTOM, .text = "max_megabytes (100), interval, max_backups (100), max_days: when a file is put aside, how many such files are kept, how long"},
    {.name = NULL},
};

static const struct genops_option rotation_rows[] = {
    {.name = "max_megabytes", .type = GENOPS_OPTION_INT, .offset = AT(max_megabytes), .default_text = "100", .min = 1, .max = 1000000},
    {.name = "interval", .type = GENOPS_OPTION_DURATION, .offset = AT(interval_ns), .max = 366 * 86400.0},
    {.name = "max_backups", .type = GENOPS_OPTION_INT, .offset = AT(max_backups), .default_text = "100", .max = 100000},
    {.name = "max_days", .type = GENOPS_OPTION_INT, .offset = AT(max_days), .max = 36600},
    {.name = NULL},
};

static int read_settings(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *object)
{
	static const char *const none_here[] = {"headers", "tls", "timeout"};
	struct file *own = object;
	const struct genops_yaml_node *compression = genops_yaml_get(node, "compression"), *rotation = genops_yaml_get(node, "rotation");
	for (size_t i = 0; i < sizeof none_here / sizeof *none_here; i++) {
		if (genops_yaml_get(node, none_here[i]))
			return genops_yaml_rows_fail(in, genops_yaml_get(node, none_here[i]), "remove it", "a file has no %s", none_here[i]);
	}
	bool is_parquet = own->format == FORMAT_PARQUET;
	if (own->compression == COMPRESSION_UNSET)
		own->compression = is_parquet ? COMPRESSION_SNAPPY : COMPRESSION_NONE;
	if (own->compression != COMPRESSION_NONE && (own->compression == COMPRESSION_SNAPPY) != is_parquet)
		return genops_yaml_rows_fail(in, compression, is_parquet ? "use snappy or none" : "use gzip, zstd or none", "format %s has no such compression",
		    is_parquet ? "parquet" : "json");
	own->is_rotated = rotation && !genops_yaml_is_null(rotation);
	if (own->is_rotated && is_parquet)
		return genops_yaml_rows_fail(in, rotation, "use batch_size and flush_interval", "rotation: a batch is a Parquet file");
	return own->is_rotated ? genops_yaml_rows_section(in, rotation, "rotation", rotation_rows, own) : GENOPS_OK;
}

static int read_exporter(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, void *object)
{
	if (((struct file *)object)->format == FORMAT_PARQUET)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "format"), "route a pipeline's events to a document of `destinations` with this format",
		    "format: OTLP is no flat table");
	return read_settings(in, node, object);
}

static int check(const struct genops_destination_settings *settings, struct genops_error *err)
{
	if (!settings->endpoint.len || memchr(settings->endpoint.ptr, '\0', settings->endpoint.len))
		return genops_fail_fix(err, GENOPS_CONFIG, "as path: /var/log/genops/traces.jsonl",
		    "path: is missing");
	return GENOPS_OK;
}

/* --- names --- */

/* What stands before the time in the names of files beside `path`, and what behind it: "/x/a.jsonl.gz" gives "/x/a-" and ".jsonl.gz". */
static bool split_path(genops_str path, struct genops_arena *arena, genops_str *ret_prefix, genops_str *ret_suffix)
{
	size_t base = path.len;
	while (base && path.ptr[base - 1] != '/')
		base--;
	size_t dot = genops_str_find_char((genops_str){path.ptr + base, path.len - base}, '.');
	size_t end = dot == SIZE_MAX || !dot ? path.len : base + dot;
	char *prefix = genops_arena_alloc(arena, end + 2);
	if (!prefix)
		return false;
	memcpy(prefix, path.ptr, end);
	prefix[end] = '-';
	*ret_prefix = (genops_str){prefix, end + 1};
	*ret_suffix = (genops_str){path.ptr + end, path.len - end};
	return true;
}

/* prefix 20261121T215000.123-7 suffix: sorted by name, sorted by time. */
static bool name_file(genops_str prefix, genops_str suffix, int64_t time_unix_ns, uint64_t number, struct genops_arena *arena, genops_str *ret_name)
{
	char text[64];
	struct tm tm;
	time_t seconds = (time_t)(time_unix_ns / GENOPS_NS_PER_S);
	gmtime_r(&seconds, &tm);
	size_t n = strftime(text, sizeof text, "%Y%m%dT%H%M%S", &tm);
	n += (size_t)snprintf(text + n, sizeof text - n, ".%03d-%08llx", (int)(time_unix_ns / GENOPS_NS_PER_MS % 1000), (unsigned long long)(uint32_t)number);
	char *name = genops_arena_alloc(arena, prefix.len + n + suffix.len + 1);
	if (!name)
		return false;
	memcpy(name, prefix.ptr, prefix.len);
	memcpy(name + prefix.len, text, n);
	if (suffix.len)
		memcpy(name + prefix.len + n, suffix.ptr, suffix.len);
	*ret_name = (genops_str){name, prefix.len + n + suffix.len};
	return true;
}

static int64_t time_of(const struct genops_destination_batch *batch)
{
	return batch->n_items ? batch->items[0].time_unix_ns : batch->n_records ? batch->records[0].end_unix_ns : 0;
}

/* When a file begins: a time from the future would keep it from ever being put aside by its age. */
static int64_t begin_of(const struct genops_destination_batch *batch)
{
	int64_t at = time_of(batch);
	return at < 0 ? 0 : batch->now_unix_ns && at > batch->now_unix_ns ? batch->now_unix_ns : at;
}

/* --- content --- */

/* A payload may have line breaks between its values, never in one: JSON escapes them. */
static void add_line(struct genops_buffer *body, genops_str json)
{
	size_t start = body->len;
	genops_buffer_add(body, json);
	for (size_t i = start; !body->error && i < body->len; i++) {
		if (body->ptr[i] == '\n' || body->ptr[i] == '\r')
			body->ptr[i] = ' ';
	}
	genops_buffer_add_char(body, '\n');
}

static genops_str event_at(const void *arg, size_t i)
{
	const struct genops_destination_item *items = arg;
	return items[i].payload.len ? items[i].payload : items[i].body;
}

static int add_lines(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_buffer *body,
    struct genops_error *err)
{
	bool are_events = batch->n_items && batch->items[0].kind == GENOPS_ITEM_EVENT;
	for (size_t i = 0; are_events && i < batch->n_items; i++)
		add_line(body, event_at(batch->items, i));
	struct genops_destination_batch line = *batch;
	for (size_t at = 0; !are_events && (!at || at < batch->n_items); at += line.n_items ? line.n_items : 1) {
		size_t len = 0;
		line.items = batch->items + at;
		for (line.n_items = 0; at + line.n_items < batch->n_items; line.n_items++) { /* a line is what a gRPC server would take */
			len += line.items[line.n_items].body.len;
			if (line.n_items && len > GENOPS_OTLP_BYTES_MAX)
				break;
		}
		GENOPS_TRY(genops_otlp_outgoing_encode(settings, &line, true, body, err));
		genops_buffer_add_char(body, '\n');
	}
	return body->error ? genops_fail(err, body->error, "a batch of %zu lines: %s", batch->n_records + batch->n_items, genops_error_text(body->error))
			   : GENOPS_OK;
}

static int compress(const struct file *own, struct genops_buffer *body, struct genops_error *err)
{
	struct genops_buffer small;
	if (!own || own->compression == COMPRESSION_NONE)
		return GENOPS_OK;
	bool is_gzip = own->compression == COMPRESSION_GZIP;
	genops_buffer_init(&small, GENOPS_DESTINATION_BODY_MAX);
	int code = genops_compress_encode(is_gzip ? GENOPS_COMPRESS_GZIP : GENOPS_COMPRESS_ZSTD, is_gzip ? GZIP_LEVEL : ZSTD_LEVEL, genops_buffer_view(body), &small, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&small);
		return code;
	}
	genops_buffer_done(body);
	*body = small;
	return GENOPS_OK;
}

/* --- requests --- */

static int no_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "no memory for a file's name");
}

static int encode_parquet(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_file_request *file, struct genops_request *request, struct genops_error *err)
{
	const struct file *own = settings->own;
	genops_str prefix, suffix;
	if (!batch->n_items || batch->items[0].kind != GENOPS_ITEM_EVENT)
		return genops_fail(err, GENOPS_UNSUPPORTED, "only events of pipelines are rows of a Parquet file");
	GENOPS_TRY(genops_event_table_write(event_at, batch->items, batch->n_items, own->compression == COMPRESSION_NONE, &request->body, err));
	file->is_whole = true;
	bool is_named = split_path(settings->endpoint, arena, &prefix, &suffix) &&
			name_file(prefix, suffix, time_of(batch), genops_file_batch_hash(batch, genops_buffer_view(&request->body)).low, arena, &request->url);
	return is_named ? GENOPS_OK : no_memory(err);
}

static int encode_lines(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch,
    struct genops_arena *arena, struct genops_file_request *file, struct genops_request *request, struct genops_error *err)
{
	const struct file *own = settings->own;
	struct genops_file_memory *memory = settings->memory;
	GENOPS_TRY(add_lines(settings, batch, &request->body, err));
	GENOPS_TRY(compress(own, &request->body, err));
	if (!memory || !own)
		return GENOPS_OK;
	file->inode = memory->inode;
	file->len = memory->len;
	memory->next_first_ns = memory->len ? memory->first_ns : begin_of(batch);
	bool is_due = memory->len && (memory->len + (int64_t)request->body.len > own->max_megabytes * MEGABYTE ||
					 (own->interval_ns && time_of(batch) >= memory->first_ns + own->interval_ns));
	if (!own->is_rotated)
		return GENOPS_OK;
	file->max_backups = (size_t)own->max_backups;
	file->max_age_ns = own->max_days * 86400 * GENOPS_NS_PER_S;
	if (!split_path(settings->endpoint, arena, &file->prefix, &file->suffix))
		return no_memory(err);
	if (is_due && !name_file(file->prefix, file->suffix, memory->first_ns, memory->n_rotated, arena, &file->backup))
		return no_memory(err);
	if (is_due)
		memory->next_first_ns = begin_of(batch);
	memory->is_rotating = is_due;
	return GENOPS_OK;
}

static int encode(const struct genops_destination_settings *settings, const struct genops_destination_batch *batch, struct genops_arena *arena,
    struct genops_request *ret_request, struct genops_error *err)
{
	const struct file *own = settings->own;
	struct genops_file_memory *memory = settings->memory;
	struct genops_file_request *file = genops_arena_alloc(arena, sizeof *file);
	struct genops_request request = {.transport = GENOPS_TRANSPORT_FILE, .method = "", .url = settings->endpoint, .file = file};
	if (!file)
		return no_memory(err);
	genops_buffer_init(&request.body, GENOPS_DESTINATION_BODY_MAX);
	if (memory)
		memory->is_rotating = false;
	int code = own && own->format == FORMAT_PARQUET ? encode_parquet(settings, batch, arena, file, &request, err)
							: encode_lines(settings, batch, arena, file, &request, err);
	if (code != GENOPS_OK) {
		genops_buffer_done(&request.body);
		return code;
	}
	if (memory && genops_file_memory_knows(memory, genops_file_batch_hash(batch, genops_buffer_view(&request.body)))) {
		genops_buffer_done(&request.body);
		request = (struct genops_request){.transport = GENOPS_TRANSPORT_NONE, .method = "", .url = settings->endpoint};
	}
	*ret_request = request;
	return GENOPS_OK;
}

static void judge(const struct genops_destination_settings *settings, const struct genops_response *response, struct genops_send_verdict *ret_verdict)
{
	genops_destination_judge_file(response, ret_verdict);
	if (settings->memory && ret_verdict->kind == GENOPS_SENT)
		genops_file_memory_sent(settings->memory, response);
}

static const struct genops_destination_form exporter_form = {.rows = rows, .size = sizeof(struct file), .read = read_exporter, .file_row = "path"};
static const struct genops_destination_form document_form = {.rows = rows, .size = sizeof(struct file), .read = read_settings, .file_row = "path"};

const struct genops_destination_type genops_destination_type_file = {
    .name = "file",
    .summary = "Files: OTLP JSON or events a line, rotated, gzip or zstd; events as Parquet",
    .exporter = &exporter_form,
    .document = &document_form,
    .route_keys = genops_route_keys_all,
    .takes = GENOPS_TAKES_OTLP | GENOPS_TAKES(GENOPS_ITEM_EVENT),
    .bytes_max = (size_t)64 << 20,
    .is_repeatable = true,
    .check = check,
    .memory = &genops_file_memory_row,
    .encode = encode,
    .judge = judge,
};
