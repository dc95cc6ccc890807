/* SPDX-License-Identifier: Apache-2.0
 * engine/dead_letter.c - see dead_letter.h. Any thread, any process: the file is locked for each append. */
#include "engine/dead_letter.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/write.h"
#include "codec/json_write.h"
#include "telemetry/otlp/otlp_json.h"
#include "telemetry/otlp/otlp_span.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAX ((size_t)64 << 20)
#define TRIES	  16

/* --- the file --- */

/* Locked, and still what the name leads to. -1: errno. */
static int open_locked(const char *path, int64_t *ret_size)
{
	for (int i = 0; i < TRIES; i++) {
		struct stat by_name, by_fd;
		int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -1;
		bool is_good = flock(fd, LOCK_EX) == 0 && fstat(fd, &by_fd) == 0;
		if (is_good && stat(path, &by_name) == 0 && by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev) {
			*ret_size = by_fd.st_size;
			return fd;
		}
		int error = errno;
		close(fd);
		errno = error;
		if (!is_good)
			return -1;
	}
	errno = EBUSY;
	return -1;
}

static bool make_room(const char *path, const struct genops_log *log)
{
	char former[4096 + 64];
	snprintf(former, sizeof former, "%s.1", path);
	if (access(former, F_OK) == 0)
		genops_log_write(log, GENOPS_LOG_WARN, "%s is full: what was in %s goes", path, former);
	return rename(path, former) == 0;
}

bool genops_dead_letter_append(const char *state_dir, genops_str lines, const struct genops_log *log)
{
	char path[4096];
	int64_t size = 0;
	snprintf(path, sizeof path, "%s/dead-letter.jsonl", state_dir);
	int fd = open_locked(path, &size);
	if (fd >= 0 && size && size + (int64_t)lines.len > GENOPS_DEAD_LETTER_BYTES_MAX && make_room(path, log)) {
		close(fd);
		fd = open_locked(path, &size);
	}
	if (fd < 0)
		return false;
	bool is_written = genops_write_all(fd, lines);
	int error = errno;
	close(fd);
	errno = error;
	return is_written;
}

/* --- the lines --- */

static void begin_line(const struct genops_dead_letter *letter, struct genops_json_writer *json, struct genops_buffer *lines)
{
	genops_json_writer_init(json, lines);
	genops_json_object_begin(json);
	genops_json_key_string(json, "destination", letter->destination);
	genops_json_key_string(json, "reason", letter->reason);
	genops_json_key_int(json, "rejected_unix_ns", genops_clock_unix_ns());
}

static void end_line(struct genops_json_writer *json)
{
	genops_json_object_end(json);
	genops_buffer_add_char(json->buf, '\n');
}

static void add_id(struct genops_json_writer *json, const char *key, genops_str id)
{
	char hex[33];
	if (!id.len || id.len > 16)
		return;
	genops_str_to_hex((const uint8_t *)id.ptr, id.len, hex);
	genops_json_key_string(json, key, genops_str_of(hex));
}

static void add_record(const struct genops_dead_letter *letter, const struct genops_record *record, struct genops_buffer *lines)
{
	struct genops_json_writer json;
	begin_line(letter, &json, lines);
	add_id(&json, "trace_id", (genops_str){(const char *)record->trace_id, sizeof record->trace_id});
	add_id(&json, "span_id", (genops_str){(const char *)record->span_id, sizeof record->span_id});
	end_line(&json);
}

static void add_spans(const struct genops_dead_letter *letter, const struct genops_destination_item *item, struct genops_buffer *lines)
{
	struct genops_otlp_reader reader;
	struct genops_json_writer json;
	struct genops_otlp_span span;
	genops_str bytes;
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, item->body);
	while (genops_otlp_reader_next(&reader, &bytes) > 0) {
		if (genops_otlp_span_read(bytes, &span) != GENOPS_OK)
			continue;
		begin_line(letter, &json, lines);
		add_id(&json, "trace_id", span.trace_id);
		add_id(&json, "span_id", span.span_id);
		end_line(&json);
	}
}

/* One line an item. "event", or "request" as OTLP JSON, where the policy allows it. */
static void add_item(const struct genops_dead_letter *letter, const struct genops_destination_item *item, struct genops_buffer *lines)
{
	static const char *const kinds[] = {"traces", "metrics", "logs", "event"};
	struct genops_json_writer json;
	char id[24];
	begin_line(letter, &json, lines);
	genops_json_key_string(&json, "kind", genops_str_of(kinds[item->kind]));
	genops_json_key_int(&json, "n", item->n);
	genops_json_key_int(&json, "time_unix_ns", item->time_unix_ns);
	if (item->kind == GENOPS_ITEM_EVENT) {
		snprintf(id, sizeof id, "%016" PRIx64, item->id);
		genops_json_key_string(&json, "id", genops_str_of(id));
		genops_json_key_string(&json, "pipeline", item->pipeline);
		genops_json_key_string(&json, "route", item->route);
	}
	if (letter->is_content_allowed && item->kind == GENOPS_ITEM_EVENT) {
		genops_json_key(&json, GENOPS_STR("event"));
		genops_json_raw(&json, item->body);
	} else if (letter->is_content_allowed) {
		struct genops_buffer request;
		struct genops_error err;
		genops_buffer_init(&request, LINES_MAX);
		if (genops_otlp_json_write((enum genops_signal)item->kind, item->body, &request, &err) == GENOPS_OK && !request.error) {
			genops_json_key(&json, GENOPS_STR("request"));
			genops_json_raw(&json, genops_buffer_view(&request));
		}
		genops_buffer_done(&request);
	}
	end_line(&json);
}

void genops_dead_letter_batch(const struct genops_dead_letter *letter, const struct genops_destination_batch *batch)
{
	struct genops_buffer lines;
	genops_buffer_init(&lines, LINES_MAX);
	for (size_t i = 0; i < batch->n_records; i++)
		add_record(letter, &batch->records[i], &lines);
	for (size_t i = 0; i < batch->n_items; i++) {
		if (batch->items[i].kind == GENOPS_ITEM_TRACES && !letter->is_content_allowed)
			add_spans(letter, &batch->items[i], &lines);
		else
			add_item(letter, &batch->items[i], &lines);
	}
	if (lines.error || !genops_dead_letter_append(letter->state_dir, genops_buffer_view(&lines), letter->log))
		genops_log_write(letter->log, GENOPS_LOG_ERROR, "%zu rejected records are not in %s/dead-letter.jsonl: %s",
		    batch->n_records + batch->n_items, letter->state_dir,
		    lines.error ? genops_error_text(lines.error) : strerror(errno));
	genops_buffer_done(&lines);
}
