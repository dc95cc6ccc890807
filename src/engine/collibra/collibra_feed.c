/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_feed.c - what waits in the ledger's audit chain: seen as it comes, read when it is sent.
 *
 * Seeing counts operations and, in the modes that have them, picks the urgent ones; nothing is kept of the others. A batch reads
 * them once more. Both read behind a sequence with a limit, so no read transaction stays open. */
#include "engine/collibra/collibra_exporter.h"

#include "base/clock.h"

#define SCAN_ROWS	4096
#define URGENT_MAX	200
#define OPERATIONS_MAX	5000
#define COMMANDS_MAX	9000 /* Collibra's advice is 10,000 assets a file */
#define BYTES_MAX	((size_t)6 << 20)

struct reading {
	struct genops_collibra_exporter *exporter;
	struct genops_arena *arena;
	struct genops_error *err;
	int64_t until;
	size_t n;
};

static int read_rows(struct genops_collibra_exporter *exporter, int64_t after, int64_t limit, genops_audit_fn *on_row,
    struct reading *reading, struct genops_error *err)
{
	const struct genops_text_pair where = {GENOPS_STR("kind"), GENOPS_STR("operation")};
	struct genops_audit_query query = {.after_sequence = after, .limit = limit, .where = &where, .n_where = 1};
	reading->exporter = exporter;
	reading->err = err;
	return genops_ledger_audit(exporter->ledger, &query, on_row, reading, err);
}

/* False: it cannot be read; the ledger counted it when it came. */
static bool decode(const struct reading *reading, genops_str bytes, struct genops_record *ret_record, int *ret_code)
{
	struct genops_error err;
	*ret_code = genops_record_decode(bytes, reading->arena, ret_record, &err);
	if (*ret_code == GENOPS_CORRUPT)
		*ret_code = GENOPS_OK;
	else if (*ret_code != GENOPS_OK)
		return genops_fail(reading->err, *ret_code, "%s", err.message), false;
	else
		return true;
	return false;
}

/* --- a delivery's assets --- */

static int add(struct genops_collibra_exporter *exporter, struct genops_collibra_delivery *delivery,
    const struct genops_record *record, int64_t sequence, struct genops_error *err)
{
	GENOPS_TRY(genops_collibra_assets_add_record(&delivery->assets, record, exporter->config->collibra.has_costs, err));
	delivery->until = sequence;
	delivery->n_operations++;
	delivery->cost_nano_usd += record->actual_nano_usd;
	return GENOPS_OK;
}

/* Into memory of the delivery's: the row's is the ledger's. A record is small beside what becomes of it. */
static int copy(struct genops_collibra_delivery *delivery, genops_str payload, genops_str *ret_bytes, struct genops_error *err)
{
	if (!genops_arena_dup(&delivery->arena, payload, ret_bytes))
		return genops_fail(err, GENOPS_NOMEM, "no memory for operations on their way to Collibra");
	return GENOPS_OK;
}

/* --- seeing --- */

static bool has_urgent_ones(const struct genops_collibra_exporter *exporter)
{
	int mode = exporter->config->collibra.export_mode;
	return mode == GENOPS_COLLIBRA_REALTIME || mode == GENOPS_COLLIBRA_HYBRID;
}

static bool is_urgent(const struct genops_collibra_exporter *exporter, const struct genops_record *record)
{
	return exporter->config->collibra.export_mode == GENOPS_COLLIBRA_REALTIME || genops_collibra_asset_is_urgent(record);
}

static bool exceeds_budget(const struct genops_record *record)
{
	bool is_exceeded = record->reason == GENOPS_REASON_BUDGET_EXCEEDED || record->reason == GENOPS_REASON_BUDGET_RESERVATION_FAILED;
	for (size_t i = 0; i < record->n_alerts && !is_exceeded; i++)
		is_exceeded = record->alerts[i].alert.percent >= 100;
	return is_exceeded;
}

static int pick_urgent(struct reading *reading, const struct genops_audit_row *row, bool *ret_is_urgent)
{
	struct genops_collibra_exporter *exporter = reading->exporter;
	struct genops_collibra_delivery *urgent = &exporter->urgent;
	struct genops_record record;
	genops_str bytes;
	int code;
	genops_arena_reset(reading->arena);
	*ret_is_urgent = decode(reading, row->payload, &record, &code) && is_urgent(exporter, &record);
	if (!*ret_is_urgent || row->sequence <= exporter->place.urgent_until)
		return code;
	struct reading kept = {.arena = &urgent->arena, .err = reading->err};
	GENOPS_TRY(copy(urgent, row->payload, &bytes, reading->err));
	if (!decode(&kept, bytes, &record, &code))
		return code;
	exporter->has_exceeded_budget |= exceeds_budget(&record);
	return add(exporter, urgent, &record, row->sequence, reading->err);
}

/* From here on a wall clock that is put back delays nothing. */
static int64_t monotonic_of(int64_t unix_ns)
{
	int64_t age_ns = genops_clock_unix_ns() - unix_ns;
	return genops_clock_monotonic_ns() - (age_ns > 0 ? age_ns : 0);
}

static int on_seen(void *arg, const struct genops_audit_row *row)
{
	struct reading *reading = arg;
	struct genops_collibra_exporter *exporter = reading->exporter;
	bool is_picked = false;
	if (has_urgent_ones(exporter))
		GENOPS_TRY(pick_urgent(reading, row, &is_picked));
	exporter->seen = row->sequence;
	reading->n++;
	if (!is_picked && !exporter->n_waiting++)
		exporter->waiting_since_ns = monotonic_of(row->unix_ns);
	return exporter->urgent.n_operations < URGENT_MAX ? GENOPS_OK : GENOPS_LIMIT;
}

/* A failure of the ledger's is told by its code; LIMIT is our own end. */
int genops_collibra_feed_scan(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	struct genops_arena arena;
	struct reading reading = {.arena = &arena};
	if (exporter->urgent.is_open)
		return GENOPS_OK; /* its order is the ledger's: what comes behind it waits for it */
	if (exporter->seen < exporter->place.cursor)
		exporter->seen = exporter->place.cursor;
	genops_arena_init(&arena, (size_t)8 << 20);
	int code = read_rows(exporter, exporter->seen, SCAN_ROWS, on_seen, &reading, err);
	genops_arena_done(&arena);
	if (code != GENOPS_OK && code != GENOPS_LIMIT)
		return code;
	if (exporter->urgent.n_operations) {
		exporter->urgent.is_open = true;
		exporter->urgent.until = exporter->seen;
		exporter->urgent.began_ns = genops_clock_monotonic_ns();
	} else if (has_urgent_ones(exporter)) {
		exporter->place.urgent_until = exporter->seen > exporter->place.urgent_until ? exporter->seen : exporter->place.urgent_until;
	}
	return GENOPS_OK;
}

void genops_collibra_feed_forget(struct genops_collibra_exporter *exporter)
{
	exporter->seen = exporter->place.cursor;
	exporter->n_waiting = 0;
	exporter->waiting_since_ns = 0;
}

/* --- a batch --- */

static int on_batch_row(void *arg, const struct genops_audit_row *row)
{
	struct reading *reading = arg;
	struct genops_collibra_exporter *exporter = reading->exporter;
	struct genops_collibra_delivery *batch = &exporter->batch;
	struct genops_record record;
	genops_str bytes;
	int code;
	if (row->sequence > reading->until || batch->n_operations >= OPERATIONS_MAX || batch->assets.n >= COMMANDS_MAX ||
	    batch->arena.used > BYTES_MAX)
		return GENOPS_LIMIT;
	GENOPS_TRY(copy(batch, row->payload, &bytes, reading->err));
	if (!decode(reading, bytes, &record, &code)) {
		batch->until = row->sequence;
		return code;
	}
	reading->n++;
	batch->until = row->sequence;
	/* It went ahead, or goes there now. */
	if (row->sequence <= exporter->place.urgent_until && is_urgent(exporter, &record))
		return GENOPS_OK;
	return add(exporter, batch, &record, row->sequence, reading->err);
}

int genops_collibra_feed_gather(struct genops_collibra_exporter *exporter, struct genops_error *err)
{
	struct genops_collibra_delivery *batch = &exporter->batch;
	struct reading reading = {.arena = &batch->arena};
	/* Not beyond what is urgent and was not picked yet. */
	reading.until = has_urgent_ones(exporter) && exporter->place.urgent_until < exporter->seen ? exporter->place.urgent_until
												    : exporter->seen;
	genops_collibra_delivery_reset(batch);
	batch->until = exporter->place.cursor;
	int code = read_rows(exporter, exporter->place.cursor, -1, on_batch_row, &reading, err);
	if (code == GENOPS_LIMIT)
		code = GENOPS_OK;
	else if (code == GENOPS_OK && batch->until < reading.until)
		batch->until = reading.until; /* the rest are events */
	if (code == GENOPS_OK)
		code = genops_collibra_budgets_add(exporter, err);
	if (code != GENOPS_OK) {
		genops_collibra_delivery_reset(batch);
		return code;
	}
	batch->is_open = true;
	batch->began_ns = genops_clock_monotonic_ns();
	return GENOPS_OK;
}
