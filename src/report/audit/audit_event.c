/* SPDX-License-Identifier: Apache-2.0
 * report/audit/audit_event.c - see audit_event.h. The texts that are made here are written one after the other into one buffer, as pieces; only
 * when all are there do they become views, since the buffer moves while it grows. */
#include "report/audit/audit_event.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/str.h"
#include "codec/attribute_json.h"
#include "govern/level.h"
#include "telemetry/conventions.h"

#define TEXT_MAX  ((size_t)8 << 20)
#define ARENA_MAX (GENOPS_RECORD_MAX * 8)

#define COLUMN(name, type, field, scope)                                                              \
	{name, GENOPS_AUDIT_##type, offsetof(struct genops_audit_event, field), GENOPS_AUDIT_##scope}
#define SAME(type, field) COLUMN(#field, type, field, OPERATION)

const struct genops_audit_column genops_audit_columns[] = {
    COLUMN("sequence", INT, sequence, ALL),
    COLUMN("time", TIME, unix_ns, ALL),
    COLUMN("kind", TEXT, kind, ALL),
    /* who */
    SAME(TEXT, operation_id),
    SAME(TEXT, parent_span_id),
    SAME(TEXT, user),
    SAME(TEXT, team),
    SAME(TEXT, project),
    SAME(TEXT, customer_id),
    SAME(TEXT, environment),
    SAME(TEXT, cost_center),
    SAME(TEXT, feature),
    SAME(TEXT, key_name),
    /* where */
    SAME(TEXT, service),
    SAME(TEXT, host),
    SAME(INT, pid),
    SAME(TEXT, region),
    /* what */
    SAME(TEXT, name),
    SAME(TEXT, type),
    SAME(TEXT, provider),
    SAME(TEXT, model),
    SAME(TEXT, response_model),
    SAME(TEXT, dialect),
    SAME(TEXT, result),
    SAME(BOOL, is_refused),
    SAME(TEXT, outcome),
    /* why */
    SAME(TEXT, reason_code),
    SAME(TEXT, policy),
    SAME(TEXT, policy_type),
    SAME(TEXT, message),
    SAME(TEXT, mode),
    /* how much, how long */
    COLUMN("estimated", MONEY, estimated_nano_usd, OPERATION),
    COLUMN("reserved", MONEY, reserved_nano_usd, OPERATION),
    COLUMN("cost", MONEY, cost_nano_usd, OPERATION),
    SAME(BOOL, is_cost_estimated),
    SAME(TEXT, price_source),
#define X(field, unit) SAME(INT, field),
    GENOPS_USAGE_FIELDS(X)
#undef X
    SAME(INT, delay_ms),
    SAME(INT, first_byte_ms),
    SAME(INT, duration_ms),
    SAME(INT, http_status),
    SAME(BOOL, is_stream),
    SAME(TEXT, finish_reason),
    SAME(TEXT, error_type),
    SAME(TEXT, provider_request_id),
    SAME(RAW, attributes),
    SAME(RAW, evaluations),
    SAME(RAW, budgets),
    COLUMN("detail", RAW, detail, OTHER),
    COLUMN("hash", TEXT, hash, ALL),
};
const size_t genops_audit_n_columns = sizeof genops_audit_columns / sizeof *genops_audit_columns;

const void *genops_audit_field(const struct genops_audit_event *event, const struct genops_audit_column *column)
{
	bool is_operation = genops_str_is(event->kind, "operation");
	if (column->scope == (is_operation ? GENOPS_AUDIT_OTHER : GENOPS_AUDIT_OPERATION))
		return NULL;
	return (const char *)event + column->offset;
}

void genops_audit_reader_init(struct genops_audit_reader *reader)
{
	genops_arena_init(&reader->arena, ARENA_MAX);
	genops_buffer_init(&reader->text, TEXT_MAX);
}

void genops_audit_reader_done(struct genops_audit_reader *reader)
{
	genops_arena_done(&reader->arena);
	genops_buffer_done(&reader->text);
}

/* A made text: where it begins and ends in the buffer. */
struct piece {
	size_t start, end;
};

static genops_str view_of(const struct genops_buffer *buf, struct piece piece)
{
	return piece.end > piece.start ? (genops_str){buf->ptr + piece.start, piece.end - piece.start} : (genops_str){0};
}

static void add_hex(struct genops_buffer *buf, const uint8_t *bytes, size_t n)
{
	char hex[65];
	genops_str_to_hex(bytes, n, hex);
	genops_buffer_add_text(buf, hex);
}

static bool is_zero(const uint8_t *bytes, size_t n)
{
	uint8_t all = 0;
	for (size_t i = 0; i < n; i++)
		all |= bytes[i];
	return !all;
}

static struct piece add_operation_id(struct genops_buffer *buf, const struct genops_record *record)
{
	struct piece piece = {.start = buf->len};
	add_hex(buf, record->trace_id, sizeof record->trace_id);
	genops_buffer_add_char(buf, '-');
	add_hex(buf, record->span_id, sizeof record->span_id);
	piece.end = buf->len;
	return piece;
}

static struct piece add_bytes(struct genops_buffer *buf, const uint8_t *bytes, size_t n)
{
	struct piece piece = {.start = buf->len};
	if (!is_zero(bytes, n))
		add_hex(buf, bytes, n);
	piece.end = buf->len;
	return piece;
}

static struct piece add_attributes(struct genops_buffer *buf, const struct genops_record *record)
{
	struct piece piece = {.start = buf->len};
	struct genops_json_writer json;
	genops_json_writer_init(&json, buf);
	genops_json_object_begin(&json);
	for (size_t i = 0; i < record->n_attributes; i++)
		genops_attribute_json_add(&json, &record->attributes[i]);
	genops_json_object_end(&json);
	piece.end = buf->len;
	return piece;
}

static struct piece add_evaluations(struct genops_buffer *buf, const struct genops_record *record)
{
	struct piece piece = {.start = buf->len};
	struct genops_json_writer json;
	genops_json_writer_init(&json, buf);
	genops_json_array_begin(&json);
	for (size_t i = 0; i < record->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &record->evaluations[i];
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "policy", evaluation->policy);
		genops_json_key_string(&json, "policy_type", evaluation->policy_type);
		genops_json_key_string(&json, "result", genops_str_of(genops_result_name(evaluation->result)));
		genops_json_key_string(&json, "reason_code", genops_str_of(genops_reason_name(evaluation->reason)));
		genops_json_key_bool(&json, "is_violation", evaluation->is_violation);
		genops_json_key_bool(&json, "is_error", evaluation->is_error);
		genops_json_key_string(&json, "action", evaluation->action);
		genops_json_key_string(&json, "message", evaluation->message);
		genops_json_object_end(&json);
	}
	genops_json_array_end(&json);
	piece.end = buf->len;
	return piece;
}

static struct piece add_budgets(struct genops_buffer *buf, const struct genops_record *record)
{
	struct piece piece = {.start = buf->len};
	struct genops_json_writer json;
	genops_json_writer_init(&json, buf);
	genops_json_array_begin(&json);
	for (size_t i = 0; i < record->n_budgets; i++) {
		const struct genops_record_budget *budget = &record->budgets[i];
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "name", budget->name);
		genops_json_key_string(&json, "label", budget->label);
		genops_json_key_string(&json, "period", genops_str_of(genops_period_name(budget->period)));
		genops_json_key_money(&json, "limit", budget->limit_nano_usd);
		genops_json_key_money(&json, "consumed", budget->consumed_nano_usd);
		genops_json_key_money(&json, "reserved", budget->reserved_nano_usd);
		genops_json_object_end(&json);
	}
	genops_json_array_end(&json);
	piece.end = buf->len;
	return piece;
}

static genops_str text_of(const struct genops_record *record, const char *key)
{
	for (size_t i = 0; i < record->n_attributes; i++)
		if (record->attributes[i].type == GENOPS_ATTRIBUTE_STRING && genops_str_is(record->attributes[i].key, key))
			return record->attributes[i].value.string;
	return (genops_str){0};
}

static int64_t ms_between(int64_t start, int64_t end)
{
	return start > 0 && end > start ? (end - start) / GENOPS_NS_PER_MS : 0;
}

static void fill_texts(struct genops_audit_event *event, const struct genops_record *record)
{
	event->name = record->name;
	event->type = record->type;
	event->user = record->user;
	event->service = record->service_name;
	event->host = record->host;
	event->team = text_of(record, "team");
	event->project = text_of(record, "project");
	event->customer_id = text_of(record, "customer_id");
	event->environment = text_of(record, "environment");
	event->cost_center = text_of(record, "cost_center");
	event->feature = text_of(record, "feature");
	event->key_name = record->key_name;
	event->provider = record->provider;
	event->model = record->request_model;
	event->response_model = record->response_model;
	event->region = record->region;
	event->dialect = record->dialect;
	event->result = genops_str_of(genops_result_name(record->result));
	event->outcome = genops_str_of(genops_conventions_outcome(record->outcome));
	event->reason_code = genops_str_of(genops_reason_name(record->reason));
	event->mode = genops_str_of(genops_mode_name(record->mode));
	event->policy = record->policy;
	event->policy_type = record->policy_type;
	event->message = record->message;
	event->price_source = record->price_source;
	event->finish_reason = record->finish_reason;
	event->error_type = record->error_type;
	event->provider_request_id = record->provider_request_id;
}

static void fill_numbers(struct genops_audit_event *event, const struct genops_record *record)
{
	event->pid = record->pid;
	event->is_refused = record->is_refused;
	event->is_cost_estimated = record->is_cost_estimated;
	event->is_stream = record->is_stream;
	event->delay_ms = record->delayed_ns / GENOPS_NS_PER_MS;
	event->first_byte_ms = ms_between(record->start_unix_ns, record->first_byte_unix_ns);
	event->duration_ms = ms_between(record->start_unix_ns, record->end_unix_ns);
	event->estimated_nano_usd = record->estimated_nano_usd;
	event->reserved_nano_usd = record->reserved_nano_usd;
	event->cost_nano_usd = record->actual_nano_usd;
#define X(field, unit) event->field = record->usage.field;
	GENOPS_USAGE_FIELDS(X)
#undef X
	event->http_status = record->http_status;
}

static int read_operation(struct genops_audit_reader *reader, const struct genops_audit_row *row,
    struct genops_audit_event *event, struct genops_error *err)
{
	struct genops_record record;
	struct genops_buffer *buf = &reader->text;
	int code = genops_record_decode(row->payload, &reader->arena, &record, err);
	if (code != GENOPS_OK)
		return code;
	struct piece id = add_operation_id(buf, &record);
	struct piece parent = add_bytes(buf, record.parent_span_id, sizeof record.parent_span_id);
	struct piece attributes = add_attributes(buf, &record);
	struct piece evaluations = add_evaluations(buf, &record);
	struct piece budgets = add_budgets(buf, &record);
	if (buf->error)
		return genops_fail(err, buf->error, "no memory for audit record %lld", (long long)row->sequence);
	fill_texts(event, &record);
	fill_numbers(event, &record);
	event->operation_id = view_of(buf, id);
	event->parent_span_id = view_of(buf, parent);
	event->attributes = view_of(buf, attributes);
	event->evaluations = view_of(buf, evaluations);
	event->budgets = view_of(buf, budgets);
	return GENOPS_OK;
}

int genops_audit_reader_read(struct genops_audit_reader *reader, const struct genops_audit_row *row,
    struct genops_audit_event *ret_event, struct genops_error *err)
{
	struct genops_audit_event event = {.sequence = row->sequence, .unix_ns = row->unix_ns, .kind = row->kind};
	genops_arena_reset(&reader->arena);
	genops_buffer_clear(&reader->text);
	struct piece hash = {.end = 64};
	add_hex(&reader->text, row->hash, sizeof row->hash);
	if (genops_str_is(row->kind, "operation"))
		GENOPS_TRY(read_operation(reader, row, &event, err));
	else
		event.detail = row->payload;
	if (reader->text.error)
		return genops_fail(err, GENOPS_NOMEM, "no memory for audit record %lld", (long long)row->sequence);
	event.hash = view_of(&reader->text, hash);
	*ret_event = event;
	return GENOPS_OK;
}
