/* SPDX-License-Identifier: Apache-2.0
 * engine/alert/alerts.c - see alerts.h. */
#include "engine/alert/alerts.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/str.h"
#include "engine/alert/alert_budget.h"
#include "engine/alert/alert_health.h"
#include "engine/alert/alert_sweep.h"
#include "engine/flow/routed.h"
#include "store/alerts.h"

#include <math.h>
#include <stdlib.h>

#define FORWARD_EVERY_NS (100 * GENOPS_NS_PER_MS)
#define LOOK_EVERY_NS    GENOPS_NS_PER_S
#define ROWS_MAX         32
#define ROWS_BYTES_MAX   ((size_t)32 << 20)
#define TARGETS_MAX      256
#define COMPLAIN_NS      (10 * GENOPS_NS_PER_S)

struct genops_alerts {
	genops_engine *engine;
	struct genops_ledger *ledger;
	struct genops_arena arena;      /* rows that are being worked on */
	struct genops_buffer bytes;     /* of a block's entries */
	struct genops_alert_health *health;
	struct genops_alert_sweep *sweep;
	int64_t queued;                 /* number of the newest row in the queue */
	bool is_resumed;                /* `queued` is known */
	int64_t forward_at_ns, look_at_ns, complain_at_ns;
};

int genops_alerts_new(
    genops_engine *engine, struct genops_ledger *ledger, struct genops_alerts **ret_alerts, struct genops_error *err)
{
	struct genops_alerts *alerts = calloc(1, sizeof *alerts);
	if (!alerts)
		return genops_fail(err, GENOPS_NOMEM, "no memory for alerts");
	alerts->engine = engine;
	alerts->ledger = ledger;
	genops_arena_init(&alerts->arena, ROWS_BYTES_MAX);
	genops_buffer_init(&alerts->bytes, ROWS_BYTES_MAX);
	int code = genops_alert_health_new(engine, ledger, &alerts->health, err);
	if (code == GENOPS_OK)
		code = genops_alert_sweep_new(engine, ledger, &alerts->sweep, err);
	if (code != GENOPS_OK) {
		genops_alerts_free(alerts);
		return code;
	}
	*ret_alerts = alerts;
	return GENOPS_OK;
}

void genops_alerts_free(struct genops_alerts *alerts)
{
	if (!alerts)
		return;
	genops_alert_health_free(alerts->health);
	genops_alert_sweep_free(alerts->sweep);
	genops_arena_done(&alerts->arena);
	genops_buffer_done(&alerts->bytes);
	free(alerts);
}

static void complain(struct genops_alerts *alerts, int64_t monotonic_ns, const char *what, const struct genops_error *err)
{
	if (monotonic_ns < alerts->complain_at_ns)
		return;
	alerts->complain_at_ns = monotonic_ns + COMPLAIN_NS;
	genops_log_error(&alerts->engine->log, GENOPS_LOG_ERROR, what, err);
}

/* --- periods that are over --- */

static int resolve_rows(struct genops_alerts *alerts, const struct genops_alert_row *rows, size_t n, int64_t now_unix_ns, struct genops_error *err)
{
	for (size_t i = 0; i < n; i++) {
		struct genops_alert_row over;
		bool is_new, is_quiet = false;
		/* The highest of a budget's comes first (alerts_over). */
		for (size_t k = 0; k < i && !is_quiet; k++)
			is_quiet = genops_str_equal(rows[k].subject, rows[i].subject);
		GENOPS_TRY(genops_alert_budget_over(&rows[i], now_unix_ns, is_quiet, &alerts->arena, &over, err));
		GENOPS_TRY(genops_ledger_alert_add(alerts->ledger, &over, &is_new, err));
		if (is_new)
			GENOPS_TRY(genops_ledger_add_event(alerts->ledger, now_unix_ns, GENOPS_STR("budget.alert_over"), over.body, err));
	}
	return GENOPS_OK;
}

static int resolve(struct genops_alerts *alerts, int64_t now_unix_ns, struct genops_error *err)
{
	struct genops_alert_row rows[ROWS_MAX];
	size_t n = 0;
	genops_arena_reset(&alerts->arena);
	GENOPS_TRY(genops_ledger_alerts_over(
	    alerts->ledger, now_unix_ns / GENOPS_NS_PER_S, &alerts->arena, rows, ROWS_MAX, &n, err));
	if (!n)
		return GENOPS_OK;
	/* A budget's alerts stay together: which is its highest cannot be said of some of them. */
	for (size_t last = n; n == ROWS_MAX && last > 1 && !genops_str_equal(rows[last - 1].subject, rows[0].subject); last--) {
		if (!genops_str_equal(rows[last - 1].subject, rows[last - 2].subject)) {
			n = last - 1;
			break;
		}
	}
	GENOPS_TRY(genops_ledger_begin(alerts->ledger, err));
	int code = resolve_rows(alerts, rows, n, now_unix_ns, err);
	if (code == GENOPS_OK)
		code = genops_ledger_commit(alerts->ledger, err);
	if (code != GENOPS_OK)
		genops_ledger_rollback(alerts->ledger);
	return code;
}

/* --- into the queue --- */

static bool wants(const struct genops_config *config, const struct genops_alert_row *row, genops_str id)
{
	const struct genops_config_exporter *destination = genops_config_destination_find(config, id);
	const struct genops_destination_type *type = destination ? genops_destination_type_find(destination->type) : NULL;
	return type && (!row->is_quiet || type->has_incidents);
}

/* Who is told of it. */
static size_t find_targets(const struct genops_config *config, const struct genops_alert_row *row, struct genops_arena *arena, genops_str *ret_ids)
{
	size_t n = 0, n_ids = 0;
	const genops_str *ids = genops_alert_health_targets(row, arena, &n_ids);
	for (size_t i = 0; i < n_ids && n < TARGETS_MAX; i++) {
		if (wants(config, row, ids[i]))
			ret_ids[n++] = ids[i];
	}
	if (ids)
		return n;
	for (size_t i = 0; i < config->alerts.n_targets && n < TARGETS_MAX; i++) {
		const struct genops_config_alert_target *target = &config->alerts.targets[i];
		if (row->rank >= target->from && wants(config, row, target->destination))
			ret_ids[n++] = target->destination;
	}
	return n;
}

/* One row as an entry; false: it is for nobody. */
static bool add_entry(struct genops_alerts *alerts, const struct genops_config *config, const struct genops_alert_row *row,
    struct genops_queue_entry *ret_entry)
{
	genops_str ids[TARGETS_MAX];
	const struct genops_destination_item item = {.kind = GENOPS_ITEM_EVENT,
	    .n = 1,
	    .time_unix_ns = row->unix_ns,
	    .id = genops_hash_checksum(row->key.ptr, row->key.len, row->is_resolved),
	    .body = row->body,
	    .route = GENOPS_STR("alerts")};
	size_t n = find_targets(config, row, &alerts->arena, ids), begin = alerts->bytes.len;
	if (!n)
		return false;
	genops_routed_begin(ids, n, &alerts->bytes);
	genops_routed_add(&item, &alerts->bytes);
	*ret_entry = (struct genops_queue_entry){.kind = GENOPS_ENTRY_ROUTED, .payload = {NULL, alerts->bytes.len - begin}};
	for (size_t i = 0; i < n; i++)
		ret_entry->audience |= genops_queue_audience(ids[i]);
	return true;
}

static void resume(struct genops_alerts *alerts, struct genops_queue *queue)
{
	struct genops_segment_position *positions = calloc(GENOPS_QUEUE_POSITIONS_MAX, sizeof *positions);
	size_t n = positions ? genops_queue_positions(queue, positions, GENOPS_QUEUE_POSITIONS_MAX) : 0;
	for (size_t i = 0; i < n && i < GENOPS_QUEUE_POSITIONS_MAX; i++) {
		if (positions[i].process == GENOPS_ALERTS_WRITER)
			alerts->queued = (int64_t)positions[i].sequence;
	}
	alerts->is_resumed = positions != NULL;
	free(positions);
}

static int mark(struct genops_alerts *alerts, int64_t number, int64_t now_unix_ns, struct genops_error *err)
{
	GENOPS_TRY(genops_ledger_begin(alerts->ledger, err));
	int code = genops_ledger_alerts_queued(alerts->ledger, number, now_unix_ns / GENOPS_NS_PER_S, err);
	if (code == GENOPS_OK)
		code = genops_ledger_commit(alerts->ledger, err);
	if (code != GENOPS_OK)
		genops_ledger_rollback(alerts->ledger);
	return code;
}

static int append(struct genops_alerts *alerts, const struct genops_config *config, struct genops_queue *queue,
    const struct genops_alert_row *rows, size_t n, size_t *ret_n, struct genops_error *err)
{
	struct genops_queue_entry entries[ROWS_MAX];
	const struct genops_segment_position position = {
	    .process = GENOPS_ALERTS_WRITER, .epoch = 1, .file = 1, .offset = 1, .sequence = (uint64_t)rows[n - 1].number};
	size_t n_entries = 0, at = 0;
	genops_buffer_clear(&alerts->bytes);
	for (size_t i = 0; i < n; i++)
		n_entries += add_entry(alerts, config, &rows[i], &entries[n_entries]);
	if (alerts->bytes.error)
		return genops_fail(err, alerts->bytes.error, "no memory for alerts");
	for (size_t i = 0; i < n_entries; at += entries[i++].payload.len)
		entries[i].payload.ptr = alerts->bytes.ptr + at;
	*ret_n = n_entries;
	return n_entries ? genops_queue_append(queue, entries, n_entries, &position, 1, err) : GENOPS_OK;
}

/* What the queue has already is only marked: who brought it there was killed before he could. */
static int forward(struct genops_alerts *alerts, const struct genops_config *config, struct genops_queue *queue, int64_t now_unix_ns,
    size_t *ret_n, struct genops_error *err)
{
	struct genops_alert_row rows[ROWS_MAX];
	size_t n = 0, known = 0;
	genops_arena_reset(&alerts->arena);
	GENOPS_TRY(genops_ledger_alerts_waiting(alerts->ledger, 0, &alerts->arena, rows, ROWS_MAX, &n, err));
	while (known < n && rows[known].number <= alerts->queued)
		known++;
	if (!n)
		return GENOPS_OK;
	if (known < n) {
		GENOPS_TRY(append(alerts, config, queue, rows + known, n - known, ret_n, err));
		alerts->queued = rows[n - 1].number;
	}
	return mark(alerts, rows[n - 1].number, now_unix_ns, err);
}

bool genops_alerts_will_look(const struct genops_alerts *alerts, int64_t monotonic_ns)
{
	return monotonic_ns >= alerts->look_at_ns && monotonic_ns >= alerts->forward_at_ns;
}

bool genops_alerts_upkeep(struct genops_alerts *alerts, const struct genops_config *config, struct genops_queue *queue,
    const struct genops_alert_inside *inside, struct genops_metrics *metrics, int64_t now_unix_ns, int64_t monotonic_ns)
{
	struct genops_error err;
	size_t n = 0;
	if (monotonic_ns < alerts->forward_at_ns)
		return false;
	alerts->forward_at_ns = monotonic_ns + FORWARD_EVERY_NS;
	if (!alerts->is_resumed)
		resume(alerts, queue);
	if (monotonic_ns >= alerts->look_at_ns) {
		alerts->look_at_ns = monotonic_ns + LOOK_EVERY_NS;
		if (resolve(alerts, now_unix_ns, &err) != GENOPS_OK)
			complain(alerts, monotonic_ns, "budgets whose period is over are not told yet", &err);
		if (genops_alert_sweep_look(alerts->sweep, config, now_unix_ns, &err) != GENOPS_OK)
			complain(alerts, monotonic_ns, "budgets over a threshold are not told yet", &err);
		if (genops_alert_health_look(alerts->health, config, queue, inside, metrics, now_unix_ns, monotonic_ns, &err) != GENOPS_OK)
			complain(alerts, monotonic_ns, "alert rules could not be looked at", &err);
	}
	if (alerts->is_resumed && forward(alerts, config, queue, now_unix_ns, &n, &err) != GENOPS_OK)
		complain(alerts, monotonic_ns, "alerts wait", &err);
	return n > 0;
}
