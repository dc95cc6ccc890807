/* SPDX-License-Identifier: Apache-2.0
 * report/audit/audit_export.c - see audit_export.h. Events are written as they are read; what is held in memory is one event and
 * a buffer of some 64 KiB.
 */
#include "report/audit/audit_export.h"

#include "base/error.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "report/audit/audit_event.h"
#include "report/audit/audit_parquet.h"
#include "report/csv_write.h"
#include "report/report_text.h"
#include "report/timestamp.h"

#include <stdio.h>
#include <string.h>

#define WHERE_MAX    32
#define PIECE        ((size_t)65536)
#define BUFFER_MAX   ((size_t)32 << 20) /* one event, written out */
#define VERIFIED_MAX ((size_t)4096)

struct walk {
	struct genops_audit_reader reader;
	genops_audit_event_fn *on_event;
	void *arg;
	struct genops_error *err;
};

static int read_row(void *arg, const struct genops_audit_row *row)
{
	struct walk *walk = arg;
	struct genops_audit_event event;
	GENOPS_TRY(genops_audit_reader_read(&walk->reader, row, &event, walk->err));
	return walk->on_event(walk->arg, &event);
}

int genops_audit_export_each(struct genops_ledger *ledger, const struct genops_audit_report_query *query,
    genops_audit_event_fn *on_event, void *arg, struct genops_error *err)
{
	struct genops_text_pair where[WHERE_MAX];
	if (query->n_where > WHERE_MAX)
		return genops_fail(err, GENOPS_LIMIT, "audit records are filtered by at most %d keys", WHERE_MAX);
	for (size_t i = 0; i < query->n_where; i++)
		where[i] = (struct genops_text_pair){query->where[i].key, query->where[i].value};
	struct genops_audit_query rows = {.since_unix_ns = query->since_unix_ns, .until_unix_ns = query->until_unix_ns,
	    .after_sequence = query->after_sequence, .limit = query->limit, .where = where, .n_where = query->n_where,
	    .newest_first = query->newest_first};
	if (!ledger)
		return GENOPS_OK;
	struct walk walk = {.on_event = on_event, .arg = arg, .err = err};
	genops_audit_reader_init(&walk.reader);
	int code = genops_ledger_audit(ledger, &rows, read_row, &walk, err);
	genops_audit_reader_done(&walk.reader);
	return code;
}

struct export {
	enum genops_audit_format format;
	genops_report_write_fn *on_bytes;
	void *arg;
	struct genops_error *err;
	struct genops_buffer buf;
	struct genops_json_writer json;
	struct genops_audit_parquet *parquet;
	int64_t n_events;
};

static int flush(struct export *export, size_t at_least)
{
	if (export->buf.error)
		return genops_fail(export->err, export->buf.error, "an audit record does not fit into memory");
	if (export->buf.len < at_least)
		return GENOPS_OK;
	int code = export->on_bytes(export->arg, export->buf.ptr, export->buf.len);
	genops_buffer_clear(&export->buf);
	return code == GENOPS_OK
		? GENOPS_OK
		: genops_fail(export->err, code, "the audit trail could not be written out: %s", genops_error_text(code));
}

static void write_json_field(
    struct genops_json_writer *json, const struct genops_audit_event *event, const struct genops_audit_column *column)
{
	const void *field = genops_audit_field(event, column);
	genops_str text = {0};
	char time[GENOPS_TIMESTAMP_MAX];
	if (!field)
		return;
	if (column->type == GENOPS_AUDIT_MONEY) {
		genops_json_key_money(json, column->name, *(const int64_t *)field);
		return;
	}
	genops_json_key(json, genops_str_of(column->name));
	switch (column->type) {
	case GENOPS_AUDIT_TIME:
		genops_json_string(json, genops_timestamp_nanoseconds(*(const int64_t *)field, time));
		break;
	case GENOPS_AUDIT_BOOL:
		genops_json_bool(json, *(const bool *)field);
		break;
	case GENOPS_AUDIT_TEXT:
	case GENOPS_AUDIT_RAW:
		text = *(const genops_str *)field;
		if (!text.len)
			genops_json_null(json);
		else if (column->type == GENOPS_AUDIT_RAW)
			genops_json_raw(json, text);
		else
			genops_json_string(json, text);
		break;
	case GENOPS_AUDIT_INT:
	case GENOPS_AUDIT_MONEY:
		genops_json_int(json, *(const int64_t *)field);
		break;
	}
}

static void write_json(struct export *export, const struct genops_audit_event *event)
{
	struct genops_json_writer *json = &export->json;
	genops_json_object_begin(json);
	for (size_t i = 0; i < genops_audit_n_columns; i++)
		write_json_field(json, event, &genops_audit_columns[i]);
	genops_json_object_end(json);
}

static void write_csv_field(
    struct genops_csv_writer *csv, const struct genops_audit_event *event, const struct genops_audit_column *column)
{
	const void *field = genops_audit_field(event, column);
	char time[GENOPS_TIMESTAMP_MAX];
	if (!field) {
		genops_csv_text(csv, (genops_str){0});
		if (column->type == GENOPS_AUDIT_MONEY)
			genops_csv_text(csv, (genops_str){0});
		return;
	}
	switch (column->type) {
	case GENOPS_AUDIT_TIME:
		genops_csv_text(csv, genops_timestamp_nanoseconds(*(const int64_t *)field, time));
		return;
	case GENOPS_AUDIT_TEXT:
	case GENOPS_AUDIT_RAW:
		genops_csv_text(csv, *(const genops_str *)field);
		return;
	case GENOPS_AUDIT_BOOL:
		genops_csv_bool(csv, *(const bool *)field);
		return;
	case GENOPS_AUDIT_MONEY:
		genops_csv_money(csv, *(const int64_t *)field);
		return;
	case GENOPS_AUDIT_INT:
		genops_csv_int(csv, *(const int64_t *)field);
		return;
	}
}

static void write_csv(struct export *export, const struct genops_audit_event *event)
{
	struct genops_csv_writer csv;
	genops_csv_writer_init(&csv, &export->buf);
	for (size_t i = 0; i < genops_audit_n_columns; i++)
		write_csv_field(&csv, event, &genops_audit_columns[i]);
	genops_csv_end(&csv);
}

static void write_csv_header(struct export *export)
{
	struct genops_csv_writer csv;
	char name[64];
	genops_csv_writer_init(&csv, &export->buf);
	for (size_t i = 0; i < genops_audit_n_columns; i++) {
		const struct genops_audit_column *column = &genops_audit_columns[i];
		if (column->type != GENOPS_AUDIT_MONEY) {
			genops_csv_text(&csv, genops_str_of(column->name));
			continue;
		}
		snprintf(name, sizeof name, "%s_nano_usd", column->name);
		genops_csv_text(&csv, genops_str_of(name));
		snprintf(name, sizeof name, "%s_usd", column->name);
		genops_csv_text(&csv, genops_str_of(name));
	}
	genops_csv_end(&csv);
}

static int write_event(void *arg, const struct genops_audit_event *event)
{
	struct export *export = arg;
	export->n_events++;
	if (export->format == GENOPS_AUDIT_PARQUET)
		return genops_audit_parquet_add(export->parquet, event, export->err);
	if (export->format == GENOPS_AUDIT_CSV) {
		write_csv(export, event);
	} else {
		write_json(export, event);
		genops_buffer_add_char(&export->buf, '\n');
	}
	return flush(export, PIECE);
}

static int begin(struct export *export)
{
	switch (export->format) {
	case GENOPS_AUDIT_PARQUET:
		export->parquet = genops_audit_parquet_new(export->on_bytes, export->arg, export->err);
		return export->parquet ? GENOPS_OK : export->err->code;
	case GENOPS_AUDIT_CSV:
		write_csv_header(export);
		return GENOPS_OK;
	case GENOPS_AUDIT_JSON:
		genops_json_writer_init(&export->json, &export->buf);
		genops_json_object_begin(&export->json);
		genops_json_key(&export->json, GENOPS_STR("events"));
		genops_json_array_begin(&export->json);
		return GENOPS_OK;
	}
	return genops_fail(export->err, GENOPS_MISUSE, "there is no such format");
}

static int end(struct export *export)
{
	if (export->format == GENOPS_AUDIT_PARQUET)
		return genops_audit_parquet_finish(export->parquet, export->err);
	if (export->format == GENOPS_AUDIT_JSON) {
		genops_json_array_end(&export->json);
		genops_json_key_int(&export->json, "count", export->n_events);
		genops_json_key(&export->json, GENOPS_STR("retention_days"));
		genops_json_null(&export->json); /* kept without end: nothing prunes the chain */
		genops_json_object_end(&export->json);
		genops_buffer_add_char(&export->buf, '\n');
	}
	return flush(export, 1);
}

int genops_audit_export_file(struct genops_ledger *ledger, const struct genops_audit_report_query *query,
    enum genops_audit_format format, genops_report_write_fn *on_bytes, void *arg, int64_t *ret_n_events,
    struct genops_error *err)
{
	struct genops_error fault = {0};
	struct export export = {.format = format, .on_bytes = on_bytes, .arg = arg, .err = err ? err : &fault};
	genops_buffer_init(&export.buf, BUFFER_MAX);
	int code = begin(&export);
	if (code == GENOPS_OK)
		code = genops_audit_export_each(ledger, query, write_event, &export, export.err);
	if (code == GENOPS_OK)
		code = end(&export);
	genops_buffer_done(&export.buf);
	genops_audit_parquet_free(export.parquet);
	if (code == GENOPS_OK && ret_n_events)
		*ret_n_events = export.n_events;
	return code;
}

int genops_audit_export_verify(
    struct genops_ledger *ledger, struct genops_audit_verification *ret_verification, struct genops_error *err)
{
	struct genops_audit_verification verification = {0};
	struct genops_error fault = {0};
	uint8_t hash[32] = {0};
	if (ledger) {
		int code = genops_ledger_verify(ledger, &verification.n_records, &verification.first_bad, &fault);
		if (code == GENOPS_OK)
			code = genops_ledger_head(ledger, &verification.head_sequence, hash, &fault);
		if (code != GENOPS_OK) {
			if (err)
				*err = fault;
			return code;
		}
	}
	if (verification.first_bad)
		memcpy(verification.message, fault.message, sizeof verification.message);
	genops_str_to_hex(hash, sizeof hash, verification.head_hash);
	*ret_verification = verification;
	return GENOPS_OK;
}

int genops_report_audit_verify_json(
    const struct genops_audit_verification *verification, char **ret_text, size_t *ret_len, struct genops_error *err)
{
	struct genops_buffer buf;
	struct genops_json_writer json;
	genops_buffer_init(&buf, VERIFIED_MAX);
	genops_json_writer_init(&json, &buf);
	genops_json_object_begin(&json);
	genops_json_key_bool(&json, "valid", verification->first_bad == 0);
	genops_json_key_int(&json, "records", verification->n_records);
	genops_json_key(&json, GENOPS_STR("first_bad"));
	if (verification->first_bad)
		genops_json_int(&json, verification->first_bad);
	else
		genops_json_null(&json);
	genops_json_key_string(&json, "message", genops_str_of(verification->message));
	genops_json_key(&json, GENOPS_STR("head"));
	genops_json_object_begin(&json);
	genops_json_key_int(&json, "sequence", verification->head_sequence);
	genops_json_key_string(&json, "hash", genops_str_of(verification->head_hash));
	genops_json_object_end(&json);
	genops_json_object_end(&json);
	genops_buffer_add_char(&buf, '\n');
	return genops_report_text_take(&buf, ret_text, ret_len, err);
}
