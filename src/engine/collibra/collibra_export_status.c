/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_export_status.c - genops/collibra_export.h: looking at the place, and asking whoever exports to go on. */
#include "engine/collibra/collibra_export.h"

#include "base/clock.h"
#include "engine/collibra/collibra_exporter.h"
#include "telemetry/metrics/metrics.h"

#include <genops/collibra_export.h>

#include <stdio.h>
#include <unistd.h>

#define POLL_US 5000

static int read_ledger(const char *state_dir, int64_t after, int64_t *ret_last, uint64_t *ret_waiting, struct genops_error *err)
{
	struct genops_ledger *ledger;
	*ret_last = 0;
	*ret_waiting = 0;
	int code = genops_ledger_open(state_dir, false, &ledger, err);
	if (code == GENOPS_NOT_FOUND)
		return GENOPS_OK; /* nothing is recorded yet */
	GENOPS_TRY(code);
	code = genops_ledger_behind(ledger, after, ret_last, ret_waiting, err);
	genops_ledger_close(ledger);
	return code;
}

static void fill(const struct genops_collibra_place *place, struct genops_collibra_export_status *status)
{
	static const char *const states[] = {"idle", "sending", "failing", "held"};
	snprintf(status->state, sizeof status->state, "%s", states[place->state < 4 ? place->state : 0]);
	snprintf(status->reason, sizeof status->reason, "%s", place->reason);
	status->operations_exported = place->n_operations;
	status->assets_created = place->n_created;
	status->assets_updated = place->n_updated;
	status->assets_failed = place->n_rejected + place->n_unsent;
	status->assets_rejected = place->n_rejected;
	status->batches_sent = place->n_batches;
	status->urgent_sent = place->n_urgent;
	status->calls_made = place->n_calls;
	status->calls_repeated = place->n_repeats;
	status->calls_limited = place->n_limited;
	status->average_export_time_ms =
	    place->n_batches ? (double)place->export_ns / (double)place->n_batches / (double)GENOPS_NS_PER_MS : 0;
	status->cost_nano_usd = place->cost_nano_usd;
	status->last_export_unix_ns = place->sent_unix_ns;
	status->last_failure_unix_ns = place->failed_unix_ns;
}

int genops_collibra_export_status(
    genops_engine *engine, struct genops_collibra_export_status *ret_status, struct genops_error *err)
{
	static const char *const modes[] = {"batch", "realtime", "hybrid", "off"};
	struct genops_collibra_export_status status = {0};
	struct genops_collibra_place place;
	int64_t last;
	GENOPS_TRY(genops_collibra_export_look(engine->state_dir, &place, err));
	struct genops_config *config = genops_engine_config(engine);
	status.is_on = genops_collibra_export_is_on(config);
	snprintf(status.mode, sizeof status.mode, "%s", modes[config->collibra.export_mode]);
	genops_config_unref(config);
	fill(&place, &status);
	if (place.version)
		GENOPS_TRY(read_ledger(engine->state_dir, place.cursor, &last, &status.operations_waiting, err));
	*ret_status = status;
	return GENOPS_OK;
}

void genops_collibra_export_publish(genops_engine *engine, struct genops_metrics *metrics)
{
	struct genops_collibra_place place;
	struct genops_error err;
	struct genops_config *config = genops_engine_config(engine);
	bool is_on = genops_collibra_export_is_on(config);
	genops_config_unref(config);
	if (!is_on || genops_collibra_export_look(engine->state_dir, &place, &err) != GENOPS_OK || !place.version)
		return;
	if (engine->collibra_exporter)
		genops_metrics_set(metrics, "genops_self_collibra_waiting", "", (double)atomic_load(&engine->collibra_exporter->n_shown));
	genops_metrics_set(metrics, "genops_self_collibra_failing", "", place.reason[0] ? 1 : 0);
	genops_metrics_set(metrics, "genops_self_collibra_operations_total", "", (double)place.n_operations);
	genops_metrics_set(metrics, "genops_self_collibra_assets_total", "", (double)place.n_created);
	genops_metrics_set(metrics, "genops_self_collibra_rejected_total", "", (double)place.n_rejected);
	genops_metrics_set(metrics, "genops_self_collibra_calls_total", "", (double)place.n_calls);
	genops_metrics_set(metrics, "genops_self_collibra_repeats_total", "", (double)place.n_repeats);
}

/* --- flush --- */

static bool is_reached(const struct genops_collibra_place *place, int64_t target)
{
	return place->cursor >= target;
}

static int wait_for(genops_engine *engine, int64_t target, int64_t deadline_ns, struct genops_collibra_place *place,
    struct genops_error *err)
{
	int64_t asked_unix_ns = genops_clock_unix_ns();
	for (;;) {
		GENOPS_TRY(genops_collibra_export_look(engine->state_dir, place, err));
		if (is_reached(place, target))
			return GENOPS_OK;
		if (place->state == GENOPS_COLLIBRA_WAITING_FOR_REPAIR && place->failed_unix_ns >= asked_unix_ns)
			return genops_fail(err, GENOPS_REMOTE, "%s", place->reason);
		if (genops_clock_monotonic_ns() > deadline_ns)
			return genops_fail_fix(err, GENOPS_TIMEOUT, "nothing is lost; it is sent as soon as Collibra takes it",
			    "not everything was in Collibra in time%s%s", place->reason[0] ? ": " : "", place->reason);
		usleep(POLL_US);
	}
}

static int flush(genops_engine *engine, int64_t deadline_ns, struct genops_collibra_place *place, struct genops_error *err)
{
	uint64_t n_waiting;
	int64_t target, left_ns = deadline_ns - genops_clock_monotonic_ns();
	GENOPS_TRY(genops_engine_flush(engine, deadline_ns == INT64_MAX ? -1 : left_ns / GENOPS_NS_PER_MS, err));
	GENOPS_TRY(read_ledger(engine->state_dir, 0, &target, &n_waiting, err));
	GENOPS_TRY(genops_collibra_export_look(engine->state_dir, place, err));
	if (is_reached(place, target))
		return GENOPS_OK;
	GENOPS_TRY(genops_place_ask(engine->state_dir, GENOPS_COLLIBRA_PLACE_NAME, target, err));
	genops_collibra_export_wake(engine->collibra_exporter);
	return wait_for(engine, target, deadline_ns, place, err);
}

int genops_collibra_flush(genops_engine *engine, int64_t timeout_ms, uint64_t *ret_created, struct genops_error *err)
{
	int64_t deadline_ns = timeout_ms < 0 ? INT64_MAX : genops_clock_monotonic_ns() + timeout_ms * GENOPS_NS_PER_MS;
	struct genops_collibra_place before, place = {0};
	struct genops_config *config = genops_engine_config(engine);
	bool is_on = genops_collibra_export_is_on(config);
	genops_config_unref(config);
	if (ret_created)
		*ret_created = 0;
	if (!is_on)
		return genops_fail_fix(err, GENOPS_CONFIG, "set collibra.url (COLLIBRA_URL) and an export_mode other than off",
		    "nothing is exported to Collibra");
	GENOPS_TRY(genops_collibra_export_look(engine->state_dir, &before, err));
	place = before;
	int code = flush(engine, deadline_ns, &place, err);
	if (ret_created)
		*ret_created = place.n_created - before.n_created;
	return code;
}
