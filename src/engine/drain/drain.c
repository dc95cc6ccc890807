/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/drain.c - see drain.h.
 *
 * One pass: for each writer's segments, batches go into one ledger transaction together with the position
 * behind them, then through the flow into the queue, as blocks of which the last holds the same position (forward.h).
 * When the queue is behind (a crash between the
 * two, or it was full), what it lacks is read from the segments once more, for the queue alone; segments are removed only
 * when both are past them. So a slow or dead destination never holds up the ledger.
 */
#include "engine/drain/drain.h"

#include "base/clock.h"
#include "engine/alert/alerts.h"
#include "engine/backup/backup_worker.h"
#include "engine/collibra/collibra_worker.h"
#include "engine/drain/drain_state.h"
#include "engine/drain/publish.h"
#include "engine/drain/reap.h"
#include "store/state_dir.h"
#include "store/state_file.h"

#include <stdio.h>
#include <stdlib.h>

#define SERIES_MAX       10000
#define SYNC_EVERY_NS    GENOPS_NS_PER_S
#define PUBLISH_EVERY_NS (250 * GENOPS_NS_PER_MS)
#define PUBLISH_AT_LEAST_NS (10 * GENOPS_NS_PER_S)
#define REMOVE_EVERY_NS  GENOPS_NS_PER_S /* a sync of the queue each */
#define REMOVE_EVERY_BYTES ((uint64_t)16 << 20) /* so that what is read is written again while it is at hand */

/* Whether or not they could be started: what is for them waits in the queue. */
static bool has_destinations(const struct genops_drain *drain)
{
	return drain->config->telemetry.n_exporters + drain->config->n_destinations > 0;
}

/* --- one pass --- */

static int read_batch(struct genops_drain *drain, struct genops_drain_source *source, struct genops_segment_reader *reader,
    struct genops_segment_position at, uint64_t until, struct genops_error *err)
{
	int code = genops_batch_read(&drain->batch, reader, at, until, &drain->engine->log, drain->metrics, err);
	source->is_unreadable = code != GENOPS_OK;
	return code;
}

/* What the ledger has and the queue has not. */
static int catch_up_queue(struct genops_drain *drain, struct genops_drain_source *source, struct genops_error *err)
{
	/* Nothing goes in before what is held: not even read. */
	if (drain->forward.is_held && drain->forward.why.code == GENOPS_FULL) {
		*err = drain->forward.why;
		return GENOPS_FULL;
	}
	struct genops_segment_reader *reader =
	    genops_segment_reader_new(drain->engine->state_dir, source->queue_at, err);
	if (!reader)
		return GENOPS_IO;
	int code = GENOPS_OK;
	while (code == GENOPS_OK && source->queue_at.sequence < source->ledger_at.sequence) {
		code = read_batch(drain, source, reader, source->queue_at, source->ledger_at.sequence, err);
		if (code != GENOPS_OK || !drain->batch.n)
			break;
		drain->is_queue_unsynced = drain->is_queue_fed = true;
		code = genops_forward_batch(&drain->forward, &drain->batch, drain->queue, &source->queue_at, err);
	}
	if (code == GENOPS_OK && source->queue_at.sequence < source->ledger_at.sequence)
		source->queue_at = source->ledger_at; /* the rest is gone: damage, told by batch_read */
	genops_segment_reader_free(reader);
	return code;
}

static int drain_batch(struct genops_drain *drain, struct genops_drain_source *source, struct genops_error *err)
{
	struct genops_batch *batch = &drain->batch;
	bool is_level = source->queue_at.sequence == source->ledger_at.sequence;
	int code = genops_batch_store(batch, drain->ledger, drain->observer, &drain->engine->log, drain->metrics, err);
	/* FULL is what the queue says, and then the ledger goes on. A ledger without space does not. */
	if (code == GENOPS_FULL)
		code = err->code = GENOPS_IO;
	if (code != GENOPS_OK)
		return code;
	source->ledger_at = batch->after;
	drain->is_changed = drain->is_unsynced = true;
	if (!has_destinations(drain)) {
		source->queue_at = batch->after;
		return GENOPS_OK;
	}
	if (!is_level)
		return GENOPS_OK; /* catch_up_queue brings it, in order */
	drain->is_queue_unsynced = true;
	return genops_forward_batch(&drain->forward, batch, drain->queue, &source->queue_at, err);
}

/* This process's own appends end a pass where they were when it began: its threads may append faster than SQLite stores, and a pass
 * that never ends would starve flush, reload and reaping. */
static bool is_own_and_done(const struct genops_drain *drain, const struct genops_drain_source *source)
{
	const struct genops_counters *counters = drain->engine->counters;
	return source->ledger_at.process == genops_counters_process(counters) &&
	       source->ledger_at.epoch == genops_counters_epoch(counters) && source->ledger_at.sequence >= drain->own_until;
}

/* A batch that has room left was the end. Behind full ones a writer that never pauses ends the pass too: at the file that it had
 * begun by the first of them. What was there when the pass began is taken in any case; reaping relies on it. */
static bool is_at_end(const struct genops_drain *drain, const struct genops_drain_source *source, uint64_t *newest_file)
{
	const struct genops_segment_position *at = &source->ledger_at;
	if (drain->batch.n < GENOPS_BATCH_ENTRIES && drain->batch.bytes.len < GENOPS_BATCH_BYTES && !drain->batch.is_cut)
		return true;
	if (!*newest_file)
		*newest_file = genops_segment_newest(drain->engine->state_dir, at->process, at->epoch);
	return at->file > *newest_file;
}

static int drain_source(struct genops_drain *drain, struct genops_drain_source *source, size_t *n, struct genops_error *err)
{
	uint64_t newest_file = 0;
	bool is_over = false;
	source->is_unreadable = false;
	int code = GENOPS_OK;
	if (has_destinations(drain) && source->queue_at.sequence < source->ledger_at.sequence)
		code = catch_up_queue(drain, source, err);
	if (code != GENOPS_OK && code != GENOPS_FULL)
		return code;
	if (!source->reader) {
		source->reader = genops_segment_reader_new(drain->engine->state_dir, source->ledger_at, err);
		if (!source->reader)
			return GENOPS_IO;
	}
	while (!is_over && !is_own_and_done(drain, source)) {
		int taken = read_batch(drain, source, source->reader, source->ledger_at, 0, err);
		if (taken == GENOPS_OK && !drain->batch.n)
			return code;
		if (taken == GENOPS_OK)
			taken = drain_batch(drain, source, err);
		if (taken == GENOPS_FULL) {
			code = taken; /* the ledger has them, the queue catches up later */
		} else if (taken != GENOPS_OK) {
			/* The reader may be past entries that were not stored: begin again at the stored position. */
			genops_segment_reader_free(source->reader);
			source->reader = NULL;
			return taken;
		}
		*n += drain->batch.n;
		drain->bytes_taken += drain->batch.bytes.len;
		drain->bytes_unremoved += drain->batch.bytes.len;
		is_over = is_at_end(drain, source, &newest_file);
	}
	return code;
}

static void remove_now(struct genops_drain *drain)
{
	struct genops_error err;
	if (genops_queue_release(drain->queue, &err) != GENOPS_OK)
		genops_log_error(&drain->engine->log, GENOPS_LOG_WARN, "what is delivered could not be let go of", &err);
	if (drain->is_queue_unsynced && genops_queue_sync(drain->queue, &err) != GENOPS_OK) {
		genops_log_error(&drain->engine->log, GENOPS_LOG_ERROR, "the queue could not be synced; segments stay", &err);
		return;
	}
	drain->is_queue_unsynced = false;
	for (size_t i = 0; i < drain->n_sources; i++) {
		const struct genops_drain_source *source = &drain->sources[i];
		genops_segment_remove_before(drain->engine->state_dir,
		    source->queue_at.sequence < source->ledger_at.sequence ? source->queue_at : source->ledger_at);
	}
}

/* Now and then: the queue must be on the disk before what it was made from goes. */
static void remove_drained(struct genops_drain *drain)
{
	int64_t now_ns = genops_clock_monotonic_ns();
	struct genops_error err;
	int hold = -1;
	if (now_ns - drain->removed_ns < REMOVE_EVERY_NS && drain->bytes_unremoved < REMOVE_EVERY_BYTES)
		return;
	drain->removed_ns = now_ns;
	drain->bytes_unremoved = 0;
	if (genops_state_file_lock(drain->engine->state_dir, GENOPS_STATE_HOLD, &hold, &err) == GENOPS_BUSY)
		return; /* a backup copies what is there */
	remove_now(drain);
	if (hold >= 0)
		genops_state_file_unlock(hold);
}

/* What the queue was too full for. While it is, whoever has something for it is told. */
static void push_held(struct genops_drain *drain)
{
	struct genops_forwarder *forward = &drain->forward;
	struct genops_error err;
	drain->is_queue_fed |= forward->is_held;
	if (!forward->is_held || genops_forward_push(forward, drain->queue, &err) != GENOPS_OK || !forward->has_position)
		return;
	struct genops_drain_source *source = genops_drain_source_find(drain, forward->held);
	if (source)
		source->queue_at = forward->held;
}

static int collect(struct genops_drain *drain, size_t *ret_n, struct genops_error *err)
{
	size_t n = 0;
	int result = GENOPS_OK;
	drain->bytes_taken = 0;
	drain->is_queue_fed = false;
	drain->own_until = genops_segment_last_sequence(drain->engine->segments);
	genops_drain_source_discover(drain);
	push_held(drain);
	for (size_t i = 0; i < drain->n_sources; i++) {
		struct genops_error fault;
		int code = drain_source(drain, &drain->sources[i], &n, &fault);
		if (code == GENOPS_OK)
			continue;
		if (result == GENOPS_OK || result == GENOPS_FULL) {
			result = code;
			if (err)
				*err = fault;
		}
		if (code != GENOPS_FULL && code != GENOPS_BUSY && !drain->sources[i].is_unreadable)
			break; /* nothing can be stored now */
	}
	for (size_t i = 0; i < drain->n_pumps; i++) {
		if (n || drain->is_queue_fed)
			genops_pump_wake(drain->pumps[i]);
		if (result == GENOPS_FULL) /* nobody waits for a batch to grow while nothing more can come */
			(void)genops_pump_is_offered(drain->pumps[i], INT64_MAX);
	}
	*ret_n = n;
	return result;
}

static struct genops_reaping reap(struct genops_drain *drain)
{
	struct genops_reaping reaping = {.engine = drain->engine, .ledger = drain->ledger};
	size_t n = genops_counters_reap(drain->engine->counters, genops_clock_unix_ns(), genops_reap_settle, &reaping);
	if (n)
		genops_log_write(&drain->engine->log, GENOPS_LOG_WARN,
		    "%zu calls of processes that died were settled; %zu of them had left no record and are marked abandoned", n,
		    reaping.n_recorded);
	return reaping;
}

/* BUSY: received spans wait for room among the candidates, which only settling some makes. */
static int resolve(struct genops_drain *drain, struct genops_error *err)
{
	size_t n = 0;
	int code = genops_observer_resolve(drain->observer, genops_clock_unix_ns(), &n, err);
	drain->is_changed |= n > 0;
	return code;
}

/* What may wait in the segments before anybody is refused for it. */
static uint64_t room(const struct genops_config *config)
{
	uint64_t least = GENOPS_ENGINE_SEGMENTS_MAX;
	for (size_t i = 0; i < config->n_receivers; i++) {
		const struct genops_config_receiver *receiver = &config->receivers[i];
		if ((uint64_t)receiver->buffer_max < least)
			least = (uint64_t)receiver->buffer_max;
		if (receiver->memory && receiver->memory->soft_limit_bytes < least)
			least = receiver->memory->soft_limit_bytes;
	}
	return least;
}

int genops_drain_pass(struct genops_drain *drain, struct genops_pace *pace, struct genops_error *err)
{
	struct genops_error fault;
	int code = collect(drain, &pace->n, err);
	pace->bytes = drain->bytes_taken;
	pace->room = room(drain->config);
	pace->unsynced_ns = drain->config->sync_interval_ns;
	/* Nobody's call is taken for abandoned while its record may be in what cannot be read. */
	if (code == GENOPS_OK || code == GENOPS_FULL)
		(void)reap(drain);
	if (code == GENOPS_OK || code == GENOPS_FULL || code == GENOPS_BUSY) {
		int resolved = resolve(drain, &fault);
		if (resolved != GENOPS_OK && (code == GENOPS_OK || code == GENOPS_BUSY)) {
			code = resolved == GENOPS_FULL ? GENOPS_IO : resolved;
			if (err)
				*err = fault;
		}
	}
	if (code == GENOPS_OK)
		drain->behind_since_ns = 0;
	else if (!drain->behind_since_ns)
		drain->behind_since_ns = genops_clock_monotonic_ns();
	remove_drained(drain); /* of what is in the ledger, whatever cannot be read or stored now */
	return code;
}

/* --- configuration and destinations --- */

bool genops_drain_configure(struct genops_drain *drain, struct genops_config *config)
{
	struct genops_error err;
	if (config == drain->config)
		return false;
	/* Who reads the queue holds it; who is not changed goes on as if nothing had been. */
	bool is_queue_changed = genops_drain_queue_is_changed(drain->config, config);
	genops_drain_destinations_stop(drain, is_queue_changed ? NULL : config);
	if (is_queue_changed)
		genops_drain_queue_follow(drain->engine, config, &drain->queue);
	drain->is_queue_unsynced = true;
	genops_seed_begin(&drain->seeding, drain->ledger, drain->config, config);
	genops_config_unref(drain->config);
	drain->config = genops_config_ref(config);
	if (genops_forward_configure(&drain->forward, drain->config, &err) != GENOPS_OK)
		genops_log_error(&drain->engine->log, GENOPS_LOG_ERROR, "the changed pipelines are not used", &err);
	genops_drain_destinations_start(drain);
	genops_config_tell(drain->config, &drain->engine->log);
	genops_collibra_worker_keep(drain->engine, drain->config, &drain->importer);
	genops_backup_worker_keep(drain->engine, drain->config, drain->metrics, &drain->backups);
	return true;
}

bool genops_drain_offer(struct genops_drain *drain, int64_t since_monotonic_ns)
{
	for (size_t i = 0; i < drain->n_pumps; i++) {
		if (!genops_pump_is_offered(drain->pumps[i], since_monotonic_ns))
			return false;
	}
	return true;
}

/* Sums of cost as metrics, and what else processors say by themselves. Nothing is lost when it cannot be said now. */
static void tick(struct genops_drain *drain)
{
	int64_t now_unix_ns = genops_clock_unix_ns();
	struct genops_error err;
	if (!has_destinations(drain) || drain->forward.is_held || genops_flow_due(drain->flow) > now_unix_ns)
		return;
	int code = genops_flow_tick(drain->flow, now_unix_ns, &err);
	drain->is_queue_unsynced = true;
	if (code == GENOPS_OK)
		code = genops_forward_given(&drain->forward, drain->queue, &err);
	if (code != GENOPS_OK && code != GENOPS_FULL)
		genops_log_error(&drain->engine->log, GENOPS_LOG_WARN, "the metrics of service.pipelines wait", &err);
	for (size_t i = 0; i < drain->n_pumps; i++)
		genops_pump_wake(drain->pumps[i]);
}

static void look_after_alerts(struct genops_drain *drain, int64_t now_ns)
{
	struct genops_alert_inside inside = {.behind_since_ns = drain->behind_since_ns};
	struct genops_pump_status status;
	for (size_t i = 0; i < drain->n_pumps && genops_alerts_will_look(drain->alerts, now_ns); i++) {
		genops_pump_status(drain->pumps[i], &status);
		inside.disk_bytes += status.own_bytes;
		genops_alert_gauge_destination(&inside, status.name, status.reason[0] != '\0', status.lag_ns);
	}
	if (!genops_alerts_upkeep(drain->alerts, drain->config, drain->queue, &inside, drain->metrics, genops_clock_unix_ns(), now_ns))
		return;
	drain->is_queue_unsynced = true;
	for (size_t i = 0; i < drain->n_pumps; i++)
		genops_pump_wake(drain->pumps[i]);
}

void genops_drain_upkeep(struct genops_drain *drain)
{
	int64_t now_ns = genops_clock_monotonic_ns();
	struct genops_error err;
	tick(drain);
	genops_publish_blocked(drain);
	look_after_alerts(drain, now_ns);
	genops_seed_pass(&drain->seeding, drain->engine, drain->ledger, drain->config, true, now_ns);
	if (now_ns - drain->synced_ns >= drain->config->sync_interval_ns && drain->is_unsynced) {
		drain->is_unsynced = false;
		if (genops_segment_sync(drain->engine->state_dir, &err) != GENOPS_OK)
			genops_log_error(&drain->engine->log, GENOPS_LOG_ERROR, "the segments could not be synced", &err);
		drain->synced_ns = now_ns;
	}
	/* Also now and then when nothing happens: a budget's window may have begun anew. */
	if (now_ns - drain->published_ns >= (drain->is_changed ? PUBLISH_EVERY_NS : PUBLISH_AT_LEAST_NS)) {
		drain->is_changed = false;
		drain->published_ns = now_ns;
		genops_publish_destinations(drain);
		genops_publish_limits(drain);
		genops_publish_metrics(drain->engine, drain->metrics, drain->queue, drain->ledger, drain->flow, drain->published);
	}
}

/* --- open and close --- */

static int restore_budget(void *arg, struct genops_hash key, genops_str label, enum genops_period period,
    int64_t start_unix_s, int64_t end_unix_s, int64_t consumed_nano_usd)
{
	struct genops_drain *drain = arg;
	struct genops_error err;
	int code = genops_counters_restore(drain->engine->counters, key, label, period, start_unix_s, end_unix_s,
	    consumed_nano_usd, &err);
	if (code != GENOPS_OK)
		genops_log_error(&drain->engine->log, GENOPS_LOG_ERROR, "a budget could not be restored", &err);
	return code;
}

int genops_drain_restore(struct genops_drain *drain, struct genops_error *err)
{
	size_t n;
	int code = collect(drain, &n, err);
	if (code == GENOPS_OK || code == GENOPS_FULL) {
		struct genops_reaping reaping = reap(drain);
		if (reaping.n_failed) {
			*err = reaping.fault;
			return err->code;
		}
		code = collect(drain, &n, err);
	}
	if (code != GENOPS_OK && code != GENOPS_FULL)
		return code;
	genops_seed_pass(&drain->seeding, drain->engine, drain->ledger, drain->config, false, genops_clock_monotonic_ns());
	genops_seed_done(&drain->seeding);
	return genops_ledger_budgets(
	    drain->ledger, genops_clock_unix_ns() / GENOPS_NS_PER_S, restore_budget, drain, err);
}

static int open_stores(struct genops_drain *drain, struct genops_error *err)
{
	GENOPS_TRY(genops_drain_lock_try(drain->engine->state_dir, &drain->lock, err));
	GENOPS_TRY(genops_ledger_open(drain->engine->state_dir, true, &drain->ledger, err));
	GENOPS_TRY(genops_drain_queue_open(drain->engine, drain->config, &drain->queue, err));
	drain->metrics = genops_metrics_new(SERIES_MAX);
	if (!drain->metrics)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the metrics");
	drain->published = genops_published_restore(drain->engine, drain->metrics, drain->ledger);
	if (!drain->published)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the metrics");
	drain->flow = genops_flow_new(&drain->engine->log, drain->engine->state_dir, drain->metrics, err);
	if (!drain->flow)
		return GENOPS_NOMEM;
	genops_flow_ask(drain->flow, &(const struct genops_flow_sources){drain->engine, drain->ledger});
	genops_forward_init(&drain->forward, drain->flow);
	GENOPS_TRY(genops_forward_configure(&drain->forward, drain->config, err));
	GENOPS_TRY(genops_alerts_new(drain->engine, drain->ledger, &drain->alerts, err));
	GENOPS_TRY(genops_observer_new(drain->engine, drain->ledger, drain->metrics, &drain->observer, err));
	genops_drain_source_load(drain);
	return GENOPS_OK;
}

int genops_drain_open(genops_engine *engine, struct genops_drain **ret_drain, struct genops_error *err)
{
	struct genops_drain *drain = calloc(1, sizeof *drain);
	if (!drain)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the drain");
	drain->engine = engine;
	drain->config = genops_engine_config(engine);
	genops_batch_init(&drain->batch);
	int code = open_stores(drain, err);
	if (code != GENOPS_OK) {
		genops_drain_close(drain);
		return code;
	}
	drain->is_changed = drain->is_queue_unsynced = true;
	genops_seed_begin(&drain->seeding, drain->ledger, NULL, drain->config);
	genops_drain_destinations_start(drain);
	genops_config_tell(drain->config, &engine->log);
	genops_collibra_worker_keep(drain->engine, drain->config, &drain->importer);
	genops_backup_worker_keep(drain->engine, drain->config, drain->metrics, &drain->backups);
	*ret_drain = drain;
	return GENOPS_OK;
}

void genops_drain_close(struct genops_drain *drain)
{
	if (!drain)
		return;
	genops_collibra_worker_stop(drain->importer);
	genops_backup_worker_stop(drain->backups);
	genops_drain_destinations_stop(drain, NULL);
	for (size_t i = 0; i < drain->n_sources; i++)
		genops_segment_reader_free(drain->sources[i].reader);
	if (drain->published && drain->queue && drain->flow)
		genops_publish_metrics(drain->engine, drain->metrics, drain->queue, drain->ledger, drain->flow, drain->published);
	genops_seed_done(&drain->seeding);
	genops_observer_free(drain->observer);
	genops_alerts_free(drain->alerts);
	genops_queue_close(drain->queue);
	genops_ledger_close(drain->ledger);
	genops_drain_lock_release(drain->lock);
	genops_forward_done(&drain->forward);
	genops_flow_free(drain->flow);
	genops_metrics_free(drain->metrics);
	genops_published_free(drain->published);
	genops_batch_done(&drain->batch);
	genops_config_unref(drain->config);
	free(drain);
}
