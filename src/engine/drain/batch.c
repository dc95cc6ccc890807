/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/batch.c - see batch.h. One thread.
 *
 * A record is decoded once, into memory that the next one uses again, and counts in the ledger and the metrics at once. A batch
 * that could not be committed (a full disk) comes again: what it had counted is taken back. */
#include "engine/drain/batch.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/json_write.h"
#include "engine/alert/alert_budget.h"

#define ARENA_MAX ((size_t)16 << 20) /* far more than as many of the longest records need */
#define DECODED_TOGETHER 32
#define ALERT_MAX ((size_t)2 << 20)

void genops_batch_init(struct genops_batch *batch)
{
	batch->n = batch->n_decoded = 0;
	genops_arena_init(&batch->arena, ARENA_MAX);
	genops_buffer_init(&batch->bytes, GENOPS_BATCH_BYTES + GENOPS_SEGMENT_ENTRY_MAX);
}

void genops_batch_done(struct genops_batch *batch)
{
	genops_arena_done(&batch->arena);
	genops_buffer_done(&batch->bytes);
}

genops_str genops_batch_entry(const struct genops_batch *batch, size_t i)
{
	return (genops_str){batch->bytes.ptr + batch->entries[i].offset, batch->entries[i].len};
}

static int add(struct genops_batch *batch, const struct genops_segment_entry *entry, struct genops_error *err)
{
	batch->entries[batch->n].kind = entry->kind;
	batch->entries[batch->n].state = GENOPS_BATCH_KNOWN;
	batch->entries[batch->n].offset = batch->bytes.len;
	batch->entries[batch->n].len = entry->payload.len;
	batch->entries[batch->n].after = entry->after;
	genops_buffer_add(&batch->bytes, entry->payload);
	if (batch->bytes.error)
		return genops_fail(err, batch->bytes.error, "a batch of entries does not fit into memory");
	batch->n++;
	batch->after = entry->after;
	return GENOPS_OK;
}

int genops_batch_read(struct genops_batch *batch, struct genops_segment_reader *reader,
    struct genops_segment_position at, uint64_t until, const struct genops_log *log, struct genops_metrics *metrics,
    struct genops_error *err)
{
	genops_buffer_clear(&batch->bytes);
	batch->n = batch->n_decoded = 0; /* what was decoded named these bytes */
	batch->is_cut = false;
	batch->after = at;
	while (batch->n < GENOPS_BATCH_ENTRIES && batch->bytes.len < GENOPS_BATCH_BYTES) {
		struct genops_segment_entry entry;
		bool is_found = false;
		struct genops_error fault;
		if (until && batch->after.sequence >= until)
			break;
		int code = genops_segment_next(reader, &entry, &is_found, &fault);
		if (code == GENOPS_CORRUPT) {
			genops_log_error(log, GENOPS_LOG_ERROR, "a segment is damaged", &fault);
			genops_metrics_add(metrics, "genops_self_damaged_segments_total", "", 1);
			continue;
		}
		/* What was read before is stored; who reads on gets the error. */
		batch->is_cut = code != GENOPS_OK && batch->n;
		if (batch->is_cut)
			break;
		if (code != GENOPS_OK)
			return genops_fail(err, code, "%s", fault.message);
		if (!is_found)
			break;
		GENOPS_TRY(add(batch, &entry, err));
	}
	return GENOPS_OK;
}

/* For who is told (engine/alert); also when nobody is today. */
static int keep_alert(struct genops_ledger *ledger, const struct genops_record *record, size_t i, struct genops_error *err)
{
	struct genops_alert_row row;
	struct genops_arena arena;
	bool is_new;
	genops_arena_init(&arena, ALERT_MAX);
	int code = genops_alert_budget_fired(record, i, &arena, &row, err);
	if (code == GENOPS_OK)
		code = genops_ledger_alert_add(ledger, &row, &is_new, err);
	genops_arena_done(&arena);
	return code;
}

static int store_alerts(struct genops_ledger *ledger, const struct genops_record *record, struct genops_error *err)
{
	for (size_t i = 0; i < record->n_alerts; i++) {
		const struct genops_record_alert *crossed = &record->alerts[i];
		const char *period = genops_period_name(crossed->alert.period);
		struct genops_buffer detail = {.ptr = NULL, .max = 4096};
		struct genops_json_writer json;
		genops_json_writer_init(&json, &detail);
		genops_json_object_begin(&json);
		genops_json_key_string(&json, "budget", crossed->budget);
		genops_json_key_string(&json, "period", genops_str_of(period));
		genops_json_key_int(&json, "percent", crossed->alert.percent);
		genops_json_key_money(&json, "limit", crossed->alert.limit_nano_usd);
		genops_json_key_money(&json, "consumed", crossed->alert.consumed_nano_usd);
		genops_json_object_end(&json);
		int code = detail.error ? genops_fail(err, detail.error, "an alert cannot be written down")
					: genops_ledger_add_event(ledger, record->end_unix_ns,
					      GENOPS_STR("budget.alert"), genops_buffer_view(&detail), err);
		genops_buffer_done(&detail);
		GENOPS_TRY(code);
		GENOPS_TRY(keep_alert(ledger, record, i, err));
	}
	return GENOPS_OK;
}

/* engine/event.c: kind, NUL, JSON. */
static int store_event(struct genops_ledger *ledger, genops_str entry, const struct genops_log *log,
    struct genops_metrics *metrics, struct genops_error *err)
{
	size_t end = genops_str_find_char(entry, '\0');
	if (end != SIZE_MAX)
		return genops_ledger_add_event(ledger, genops_clock_unix_ns(), (genops_str){entry.ptr, end},
		    genops_str_skip(entry, end + 1), err);
	genops_log_write(log, GENOPS_LOG_ERROR, "an audit event cannot be read");
	genops_metrics_add(metrics, "genops_self_undecodable_records_total", "", 1);
	return GENOPS_OK;
}

/* Several have one arena: they share the lists that are the same. */
static int decode(struct genops_batch *batch, size_t i, struct genops_record *ret_record, struct genops_error *err)
{
	if (batch->n_decoded++ % DECODED_TOGETHER == 0) {
		genops_arena_reset(&batch->arena);
		batch->before = (struct genops_record_before){0};
	}
	return genops_record_decode_after(genops_batch_entry(batch, i), &batch->before, &batch->arena, ret_record, err);
}

int genops_batch_add_record(struct genops_ledger *ledger, const struct genops_record *record, genops_str encoded,
    bool *ret_is_new, struct genops_error *err)
{
	GENOPS_TRY(genops_ledger_add(ledger, record, encoded, ret_is_new, err));
	return *ret_is_new ? store_alerts(ledger, record, err) : GENOPS_OK;
}

/* What cannot be read is not lost on the way to destinations, only not counted. */
static int store_spans(struct genops_observer *observer, genops_str entry, const struct genops_log *log,
    struct genops_metrics *metrics, struct genops_error *err)
{
	struct genops_envelope envelope;
	struct genops_error fault;
	if (!observer)
		return GENOPS_OK;
	if (genops_envelope_decode(entry, &envelope, &fault) == GENOPS_OK)
		return genops_observer_take(observer, &envelope, err);
	genops_log_error(log, GENOPS_LOG_ERROR, "received telemetry cannot be read", &fault);
	genops_metrics_add(metrics, "genops_self_undecodable_records_total", "", 1);
	return GENOPS_OK;
}

static int store_entry(struct genops_batch *batch, size_t i, struct genops_ledger *ledger, struct genops_observer *observer,
    const struct genops_log *log, struct genops_metrics *metrics, struct genops_error *err)
{
	struct genops_error fault;
	struct genops_record record;
	if (batch->entries[i].kind == GENOPS_ENTRY_EVENT)
		return store_event(ledger, genops_batch_entry(batch, i), log, metrics, err);
	if (batch->entries[i].kind == GENOPS_ENTRY_SPANS)
		return store_spans(observer, genops_batch_entry(batch, i), log, metrics, err);
	if (batch->entries[i].kind != GENOPS_ENTRY_OPERATION)
		return GENOPS_OK;
	int code = decode(batch, i, &record, &fault);
	if (code == GENOPS_NOMEM)
		return genops_fail(err, code, "%s", fault.message); /* tried again: nothing of the batch is stored */
	if (code != GENOPS_OK) {
		genops_log_error(log, GENOPS_LOG_ERROR, "a record cannot be read", &fault);
		genops_metrics_add(metrics, "genops_self_undecodable_records_total", "", 1);
		return GENOPS_OK;
	}
	bool is_new = false;
	GENOPS_TRY(genops_batch_add_record(ledger, &record, genops_batch_entry(batch, i), &is_new, err));
	if (!is_new)
		return GENOPS_OK;
	if (observer)
		GENOPS_TRY(genops_observer_know(observer, &record, err));
	batch->entries[i].state = record.n_alerts ? GENOPS_BATCH_ALERTING : GENOPS_BATCH_FRESH;
	genops_metrics_add_record(metrics, &record);
	return GENOPS_OK;
}

void genops_batch_tell_alerts(const struct genops_record *record, const struct genops_log *log)
{
	for (size_t i = 0; i < record->n_alerts; i++) {
		const struct genops_record_alert *crossed = &record->alerts[i];
		genops_log_write(log, GENOPS_LOG_WARN, "budget \"%.*s\" has passed %d %% of its %s limit",
		    (int)(crossed->budget.len > 128 ? 128 : crossed->budget.len), crossed->budget.ptr, crossed->alert.percent,
		    genops_period_name(crossed->alert.period));
	}
}

/* Of a batch that is stored. */
static void tell_alerts(struct genops_batch *batch, const struct genops_log *log)
{
	struct genops_record record;
	for (size_t i = 0; i < batch->n; i++) {
		if (batch->entries[i].state == GENOPS_BATCH_ALERTING && decode(batch, i, &record, NULL) == GENOPS_OK)
			genops_batch_tell_alerts(&record, log);
	}
}

/* Of a batch that was rolled back. */
static void take_back(struct genops_batch *batch, struct genops_metrics *metrics)
{
	struct genops_record record;
	for (size_t i = 0; i < batch->n; i++) {
		if (batch->entries[i].state != GENOPS_BATCH_KNOWN && decode(batch, i, &record, NULL) == GENOPS_OK)
			genops_metrics_remove_record(metrics, &record);
		batch->entries[i].state = GENOPS_BATCH_KNOWN;
	}
}

int genops_batch_store(struct genops_batch *batch, struct genops_ledger *ledger, struct genops_observer *observer,
    const struct genops_log *log, struct genops_metrics *metrics, struct genops_error *err)
{
	GENOPS_TRY(genops_ledger_begin(ledger, err));
	int code = GENOPS_OK;
	for (size_t i = 0; code == GENOPS_OK && i < batch->n; i++)
		code = store_entry(batch, i, ledger, observer, log, metrics, err);
	if (code == GENOPS_OK)
		code = genops_ledger_position(ledger, batch->after, err);
	if (code == GENOPS_OK)
		code = genops_ledger_commit(ledger, err);
	if (observer)
		genops_observer_taken(observer, code == GENOPS_OK);
	if (code == GENOPS_OK) {
		tell_alerts(batch, log);
	} else {
		genops_ledger_rollback(ledger);
		take_back(batch, metrics);
	}
	return code;
}
