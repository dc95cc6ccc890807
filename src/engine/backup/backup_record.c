/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_record.c - see backup_record.h. */
#include "engine/backup/backup_record.h"

#include "base/str.h"
#include "codec/json_write.h"
#include "pipeline/value.h"
#include "store/state_file.h"

#include <stdio.h>

#define NAME    "backup.json"
#define MAX     ((size_t)64 << 10)

static genops_str get_text(const struct genops_value_object *object, const char *name)
{
	struct genops_value_key key = genops_value_key_of(genops_str_of(name));
	const struct genops_value *value = genops_value_object_get(object, &key);
	return value && value->type == GENOPS_VALUE_TEXT ? genops_value_str(*value) : (genops_str){0};
}

/* Written as texts: a double does not hold nanoseconds. */
static int64_t get_int(const struct genops_value_object *object, const char *name)
{
	int64_t value = 0;
	return genops_str_to_int(get_text(object, name), &value) && value > 0 ? value : 0;
}

static void read_one(const struct genops_value_object *object, enum genops_backup_kind kind, struct genops_backup_record *record)
{
	record->last.kind = kind;
	snprintf(record->last.name, sizeof record->last.name, "%.*s", GENOPS_STR_ARG(get_text(object, "name")));
	snprintf(record->last.place, sizeof record->last.place, "%.*s", GENOPS_STR_ARG(get_text(object, "place")));
	snprintf(record->reason, sizeof record->reason, "%.*s", GENOPS_STR_ARG(get_text(object, "reason")));
	record->last.unix_ns = get_int(object, "unix_ns");
	record->last.bytes = (uint64_t)get_int(object, "bytes");
	record->last.n_files = (uint64_t)get_int(object, "files");
	record->n_made = get_int(object, "made");
	record->n_failed = get_int(object, "failed");
	record->n_failures = get_int(object, "failures");
	record->failed_unix_ns = get_int(object, "failed_unix_ns");
}

void genops_backup_record_read(const char *state_dir, struct genops_backup_record records[GENOPS_BACKUP_KINDS])
{
	struct genops_buffer text;
	struct genops_arena arena;
	struct genops_value value = {0};
	memset(records, 0, GENOPS_BACKUP_KINDS * sizeof *records);
	genops_arena_init(&arena, (size_t)1 << 20);
	bool ok = genops_state_file_read(state_dir, NAME, MAX, &text, NULL) == GENOPS_OK &&
		  genops_value_from_json(genops_buffer_view(&text), &arena, &value, NULL) == GENOPS_OK && value.type == GENOPS_VALUE_OBJECT;
	for (int kind = 0; ok && kind < GENOPS_BACKUP_KINDS; kind++) {
		struct genops_value_key key = genops_value_key_of(genops_str_of(genops_backup_kind_name((enum genops_backup_kind)kind)));
		const struct genops_value *one = genops_value_object_get(value.as.object, &key);
		if (one && one->type == GENOPS_VALUE_OBJECT)
			read_one(one->as.object, (enum genops_backup_kind)kind, &records[kind]);
	}
	genops_buffer_done(&text);
	genops_arena_done(&arena);
}

static void add_int(struct genops_json_writer *json, const char *name, int64_t value)
{
	char text[32];
	snprintf(text, sizeof text, "%lld", (long long)value);
	genops_json_key_string(json, name, genops_str_of(text));
}

static void add_one(struct genops_json_writer *json, enum genops_backup_kind kind, const struct genops_backup_record *record)
{
	genops_json_key(json, genops_str_of(genops_backup_kind_name(kind)));
	genops_json_object_begin(json);
	genops_json_key_string(json, "name", genops_str_of(record->last.name));
	genops_json_key_string(json, "place", genops_str_of(record->last.place));
	genops_json_key_string(json, "reason", genops_str_of(record->reason));
	add_int(json, "unix_ns", record->last.unix_ns);
	add_int(json, "bytes", (int64_t)record->last.bytes);
	add_int(json, "files", (int64_t)record->last.n_files);
	add_int(json, "made", record->n_made);
	add_int(json, "failed", record->n_failed);
	add_int(json, "failures", record->n_failures);
	add_int(json, "failed_unix_ns", record->failed_unix_ns);
	genops_json_object_end(json);
}

int genops_backup_record_write(
    const char *state_dir, const struct genops_backup_record records[GENOPS_BACKUP_KINDS], struct genops_error *err)
{
	struct genops_buffer text;
	struct genops_json_writer json;
	genops_buffer_init(&text, MAX);
	genops_json_writer_init(&json, &text);
	genops_json_object_begin(&json);
	for (int kind = 0; kind < GENOPS_BACKUP_KINDS; kind++)
		add_one(&json, (enum genops_backup_kind)kind, &records[kind]);
	genops_json_object_end(&json);
	int code = text.error ? genops_fail(err, text.error, "no memory for the backups' record")
			      : genops_state_file_write(state_dir, NAME, genops_buffer_view(&text), err);
	genops_buffer_done(&text);
	return code;
}
