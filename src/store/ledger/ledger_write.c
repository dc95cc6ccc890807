/* SPDX-License-Identifier: Apache-2.0
 * store/ledger/ledger_write.c - one drained batch in one transaction: all of it is there afterwards, or none.
 *
 * After a failed add the batch cannot be committed: the caller rolls back and drains it again. An operation that is there
 * already is left as it is: a record is appended before its lease is freed, so that nobody can record the same one
 * as abandoned and the first is the true one.
 */
#include "store/ledger/ledger_impl.h"

#include "base/clock.h"
#include "base/error.h"
#include "codec/attribute_json.h"
#include "telemetry/conventions.h"

#include <string.h>

static int64_t at_least_0(int64_t value)
{
	return value < 0 ? 0 : value;
}

static int not_in_batch(const struct genops_ledger *ledger, struct genops_error *err)
{
	if (!ledger->is_writer || !ledger->is_in_batch)
		return genops_fail(err, GENOPS_MISUSE, "a ledger is written between begin and commit by its writer");
	if (ledger->has_failed)
		return genops_fail(err, GENOPS_MISUSE, "the batch has failed and must be rolled back");
	return GENOPS_OK;
}

int genops_ledger_begin(struct genops_ledger *ledger, struct genops_error *err)
{
	if (!ledger->is_writer || ledger->is_in_batch)
		return genops_fail(err, GENOPS_MISUSE, "a ledger's writer begins one batch at a time");
	GENOPS_TRY(genops_ledger_identity_load(ledger, err));
	GENOPS_TRY(genops_ledger_run(ledger, GENOPS_LEDGER_BEGIN, err));
	ledger->is_in_batch = true;
	ledger->has_failed = false;
	return GENOPS_OK;
}

static bool is_standard(genops_str key)
{
#define X(symbol, name, telemetry, header)                                                            \
	if (key.len == sizeof name - 1 && memcmp(key.ptr, name, sizeof name - 1) == 0)                \
		return true;
	GENOPS_STANDARD_ATTRIBUTES(X)
#undef X
	return false;
}

/* Attributes that are no dimension. */
static void write_attributes(struct genops_buffer *buf, const struct genops_record *record)
{
	struct genops_json_writer json;
	genops_buffer_clear(buf);
	for (size_t i = 0; i < record->n_attributes; i++) {
		if (is_standard(record->attributes[i].key))
			continue;
		if (!buf->len) {
			genops_json_writer_init(&json, buf);
			genops_json_object_begin(&json);
		}
		genops_attribute_json_add(&json, &record->attributes[i]);
	}
	if (buf->len)
		genops_json_object_end(&json);
}

/* Evaluations that found something; the audit row has all of them. */
static void write_evaluations(struct genops_buffer *buf, const struct genops_record *record)
{
	struct genops_json_writer json;
	genops_buffer_clear(buf);
	for (size_t i = 0; i < record->n_evaluations; i++) {
		const struct genops_evaluation *evaluation = &record->evaluations[i];
		if (evaluation->result == GENOPS_ALLOWED && !evaluation->is_violation && !evaluation->is_error)
			continue;
		if (!buf->len) {
			genops_json_writer_init(&json, buf);
			genops_json_array_begin(&json);
		}
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "policy", evaluation->policy);
		genops_json_key_string(&json, "policy_type", evaluation->policy_type);
		genops_json_key_string(&json, "result", genops_str_of(genops_result_name(evaluation->result)));
		genops_json_key_string(&json, "reason_code", genops_str_of(genops_reason_name(evaluation->reason)));
		genops_json_object_end(&json);
	}
	if (buf->len)
		genops_json_array_end(&json);
}

/* A statement keeps what is bound to it: what is there already is not bound again. Texts are, since they move. */
static void bind_int(struct genops_ledger *ledger, int index, int64_t value)
{
	struct genops_ledger_bound *bound = &ledger->bound[index];
	if (bound->is_set && !bound->is_null && bound->value == value)
		return;
	bound->is_set = sqlite3_bind_int64(ledger->statements[GENOPS_LEDGER_ADD_OPERATION], index, value) == SQLITE_OK;
	bound->is_null = false;
	bound->value = value;
}

static void bind_optional(struct genops_ledger *ledger, int index, genops_str text)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_OPERATION];
	struct genops_ledger_bound *bound = &ledger->bound[index];
	if (text.len) {
		genops_ledger_bind_text(row, index, text);
		bound->is_set = false;
	} else if (!bound->is_set || !bound->is_null) {
		*bound = (struct genops_ledger_bound){.is_set = sqlite3_bind_null(row, index) == SQLITE_OK, .is_null = true};
	}
}

/* When it counts: at its end, as budgets do. */
static int64_t record_time(const struct genops_record *record)
{
	int64_t time = record->end_unix_ns;
	if (time <= 0)
		time = record->decided_unix_ns;
	return at_least_0(time > 0 ? time : record->start_unix_ns);
}

static int add_operation(struct genops_ledger *ledger, const struct genops_record *record, int64_t dimension,
    struct genops_error *err)
{
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_OPERATION];
	int64_t time = record_time(record), start = at_least_0(record->start_unix_ns), n = 17;
	write_attributes(&ledger->text, record);
	write_evaluations(&ledger->evaluations, record);
	if (ledger->text.error || ledger->evaluations.error)
		return genops_fail(err, GENOPS_NOMEM, "no memory for an operation's attributes");
	bind_int(ledger, 1, ledger->head.sequence);
	genops_ledger_bind_blob(row, 2, record->trace_id, sizeof record->trace_id);
	genops_ledger_bind_blob(row, 3, record->span_id, sizeof record->span_id);
	bind_int(ledger, 4, dimension);
	bind_int(ledger, 5, time);
	bind_int(ledger, 6, start ? at_least_0(time - start) : 0);
	bind_int(ledger, 7, record->first_byte_unix_ns > start ? record->first_byte_unix_ns - start : 0);
	bind_optional(ledger, 8, record->name);
	bind_optional(ledger, 9, record->type);
	genops_ledger_bind_text(row, 10, genops_str_of(genops_conventions_outcome(record->outcome)));
	bind_optional(ledger, 11, genops_str_of(genops_reason_name(record->reason)));
	bind_optional(ledger, 12, record->policy);
	bind_int(ledger, 13, record->is_refused);
	bind_int(ledger, 14, at_least_0(record->estimated_nano_usd));
	bind_int(ledger, 15, at_least_0(record->actual_nano_usd));
	bind_int(ledger, 16, record->is_cost_estimated);
	bind_int(ledger, 17, record->http_status);
#define X(field, unit) bind_int(ledger, (int)++n, at_least_0(record->usage.field));
	GENOPS_USAGE_FIELDS(X)
#undef X
	bind_optional(ledger, (int)n + 1, genops_buffer_view(&ledger->text));
	bind_optional(ledger, (int)n + 2, genops_buffer_view(&ledger->evaluations));
	return genops_ledger_run(ledger, GENOPS_LEDGER_ADD_OPERATION, err);
}

static int add_new(struct genops_ledger *ledger, const struct genops_record *record, genops_str encoded,
    struct genops_error *err)
{
	int64_t dimension, time = record_time(record);
	GENOPS_TRY(genops_ledger_dimension(ledger, record, &dimension, err));
	GENOPS_TRY(genops_chain_add(ledger, time, GENOPS_STR("operation"), encoded, err));
	GENOPS_TRY(add_operation(ledger, record, dimension, err));
	return genops_ledger_roll(
	    ledger, record, dimension, ledger->head.sequence, time / GENOPS_NS_PER_S, err);
}

int genops_ledger_add(struct genops_ledger *ledger, const struct genops_record *record, genops_str encoded,
    bool *ret_is_new, struct genops_error *err)
{
	GENOPS_TRY(not_in_batch(ledger, err));
	bool is_new;
	int code = genops_ledger_identity_claim(ledger, record, ledger->head.sequence + 1, &is_new, err);
	if (code == GENOPS_OK && is_new)
		code = add_new(ledger, record, encoded, err);
	if (code != GENOPS_OK) {
		ledger->has_failed = true;
		return code;
	}
	*ret_is_new = is_new;
	return GENOPS_OK;
}

int genops_ledger_add_event(struct genops_ledger *ledger, int64_t unix_ns, genops_str kind,
    genops_str detail_json, struct genops_error *err)
{
	GENOPS_TRY(not_in_batch(ledger, err));
	if (detail_json.len > GENOPS_AUDIT_EVENT_MAX)
		return genops_fail(err, GENOPS_LIMIT, "an audit event's detail has at most 1 MiB");
	int code = genops_chain_add(ledger, at_least_0(unix_ns), kind, detail_json, err);
	if (code == GENOPS_MISUSE)
		return code; /* a bad kind: nothing was written */
	if (code == GENOPS_OK && ledger->hours.n + 1 > ledger->hours.max)
		code = genops_ledger_roll_flush(ledger, err);
	if (code == GENOPS_OK)
		code = genops_ledger_roll_hour(
		    ledger, ledger->head.sequence, at_least_0(unix_ns) / GENOPS_NS_PER_S, err);
	if (code != GENOPS_OK)
		ledger->has_failed = true;
	return code;
}

int genops_ledger_position(
    struct genops_ledger *ledger, struct genops_segment_position position, struct genops_error *err)
{
	GENOPS_TRY(not_in_batch(ledger, err));
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_ADD_POSITION];
	sqlite3_bind_int64(row, 1, position.process);
	sqlite3_bind_int64(row, 2, (sqlite3_int64)position.epoch);
	sqlite3_bind_int64(row, 3, (sqlite3_int64)position.file);
	sqlite3_bind_int64(row, 4, (sqlite3_int64)position.offset);
	sqlite3_bind_int64(row, 5, (sqlite3_int64)position.sequence);
	return genops_ledger_run(ledger, GENOPS_LEDGER_ADD_POSITION, err);
}

int genops_ledger_position_forget(
    struct genops_ledger *ledger, uint32_t process, uint64_t epoch, struct genops_error *err)
{
	GENOPS_TRY(not_in_batch(ledger, err));
	sqlite3_stmt *row = ledger->statements[GENOPS_LEDGER_DROP_POSITION];
	sqlite3_bind_int64(row, 1, process);
	sqlite3_bind_int64(row, 2, (sqlite3_int64)epoch);
	return genops_ledger_run(ledger, GENOPS_LEDGER_DROP_POSITION, err);
}

int genops_ledger_commit(struct genops_ledger *ledger, struct genops_error *err)
{
	GENOPS_TRY(not_in_batch(ledger, err));
	int code = genops_ledger_roll_flush(ledger, err);
	if (code == GENOPS_OK)
		code = genops_ledger_seen_flush(ledger, err);
	if (code == GENOPS_OK && ledger->head.sequence != ledger->committed.sequence)
		code = genops_chain_store(ledger, err);
	if (code == GENOPS_OK)
		code = genops_ledger_run(ledger, GENOPS_LEDGER_COMMIT, err);
	if (code != GENOPS_OK) {
		ledger->has_failed = true;
		return code;
	}
	ledger->is_in_batch = false;
	bool has_moved = ledger->head.sequence != ledger->committed.sequence;
	ledger->committed = ledger->head;
	/* The batch is in, whatever audit.head does: it may be behind, and the next commit tries again. */
	if (has_moved)
		genops_chain_publish(ledger);
	return GENOPS_OK;
}

void genops_ledger_rollback(struct genops_ledger *ledger)
{
	if (!ledger->is_in_batch)
		return;
	if (!sqlite3_get_autocommit(ledger->db)) { /* SQLite rolls some failures back by itself */
		sqlite3_step(ledger->statements[GENOPS_LEDGER_ROLLBACK]);
		sqlite3_reset(ledger->statements[GENOPS_LEDGER_ROLLBACK]);
	}
	ledger->is_in_batch = false;
	ledger->head = ledger->committed;
	genops_ledger_roll_forget(ledger);
	genops_ledger_identity_forget(ledger);
	genops_ledger_seen_forget(ledger);
	genops_ledger_table_clear(&ledger->dimensions); /* some may be gone with the batch */
	ledger->dimension_id = 0;
}
