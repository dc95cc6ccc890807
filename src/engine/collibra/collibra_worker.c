/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_worker.c - see collibra_worker.h.
 *
 * It reads the configuration anew before each sync, so a changed interval or instance needs no restart. A process that begins
 * to drain syncs at once if nothing is known yet, else a little later: commands that end within a second call nobody. */
#include "engine/collibra/collibra_worker.h"

#include "base/clock.h"
#include "engine/collibra/collibra_sync.h"
#include "engine/thread.h"

#include <stdio.h>
#include <stdlib.h>

#define SETTLE_NS   GENOPS_NS_PER_S
#define PATIENCE_NS (5 * GENOPS_NS_PER_S) /* between looks at a configuration that may have changed */

struct genops_collibra_worker {
	genops_engine *engine;
	struct genops_thread_loop loop;
	struct genops_collibra_session session;
	struct genops_collibra_sync sync;
	struct genops_collibra_sync_stats stats;
	char complaint[GENOPS_COLLIBRA_ERROR_MAX]; /* told already */
};

bool genops_collibra_worker_is_wanted(const struct genops_config *config)
{
	return config->collibra.url.len && config->collibra.has_policy_sync;
}

/* "3 hours" */
static void age_text(int64_t ns, char *out, size_t size)
{
	int64_t s = ns / GENOPS_NS_PER_S;
	if (s < 120)
		snprintf(out, size, "%lld seconds", (long long)(s < 0 ? 0 : s));
	else if (s < 7200)
		snprintf(out, size, "%lld minutes", (long long)(s / 60));
	else if (s < 172800)
		snprintf(out, size, "%lld hours", (long long)(s / 3600));
	else
		snprintf(out, size, "%lld days", (long long)(s / 86400));
}

static void tell_failure(struct genops_collibra_worker *worker, const struct genops_error *err)
{
	const struct genops_log *log = &worker->engine->log;
	const struct genops_collibra_sync_stats *stats = &worker->stats;
	char age[48], kept[160];
	if (!strncmp(worker->complaint, err->message, sizeof worker->complaint - 1))
		return;
	snprintf(worker->complaint, sizeof worker->complaint, "%s", err->message);
	if (genops_collibra_sync_stats(worker->engine, &worker->stats, NULL) != GENOPS_OK || !stats->last_sync_unix_ns) {
		snprintf(kept, sizeof kept, "none is known from before");
	} else {
		age_text(genops_clock_unix_ns() - stats->last_sync_unix_ns, age, sizeof age);
		snprintf(kept, sizeof kept, "the %zu policies of the last sync, %s ago, stay in force", stats->n_policies, age);
	}
	genops_log_write(log, GENOPS_LOG_WARN, "Collibra's policies cannot be imported: %s%s%s; %s", err->message, err->fix[0] ? "; " : "",
	    err->fix, kept);
}

static void tell_success(struct genops_collibra_worker *worker)
{
	const struct genops_log *log = &worker->engine->log;
	const struct genops_collibra_sync *sync = &worker->sync;
	const char *first = sync->n_errors ? sync->errors[0] : "";
	if (sync->n_imported || sync->n_updated || sync->n_removed)
		genops_log_write(log, GENOPS_LOG_INFO, "policies of Collibra: %lld imported, %lld updated, %lld removed",
		    (long long)sync->n_imported, (long long)sync->n_updated, (long long)sync->n_removed);
	if (strncmp(worker->complaint, first, sizeof worker->complaint - 1)) {
		for (size_t i = 0; i < sync->n_errors; i++)
			genops_log_write(log, GENOPS_LOG_WARN, "Collibra: %s", sync->errors[i]);
		if (!sync->n_errors)
			genops_log_write(log, GENOPS_LOG_INFO, "Collibra's policies are imported again");
	}
	snprintf(worker->complaint, sizeof worker->complaint, "%s", first);
}

/* Returns how long to wait for the next one. */
static int64_t sync_once(struct genops_collibra_worker *worker)
{
	struct genops_config *config = genops_engine_config(worker->engine);
	int64_t interval_ns = (int64_t)(config->collibra.policy_sync_interval_minutes * (double)GENOPS_NS_PER_MIN);
	bool is_wanted = genops_collibra_worker_is_wanted(config);
	struct genops_error err = {0};
	genops_config_unref(config);
	if (!is_wanted)
		return PATIENCE_NS;
	int code = genops_collibra_sync_run(worker->engine, &worker->session, &worker->loop.must_stop, &worker->sync, &err);
	if (genops_thread_loop_is_ending(&worker->loop))
		return 0;
	if (code == GENOPS_OK)
		tell_success(worker);
	else
		tell_failure(worker, &err);
	return interval_ns;
}

static void *run(void *arg)
{
	struct genops_collibra_worker *worker = arg;
	genops_collibra_stats_read(worker->engine->state_dir, &worker->stats);
	int64_t pause_ns = worker->stats.last_sync_unix_ns ? SETTLE_NS : 0;
	while (genops_thread_loop_pause(&worker->loop, pause_ns, NULL))
		pause_ns = sync_once(worker);
	return NULL;
}

static void free_worker(struct genops_collibra_worker *worker)
{
	genops_collibra_session_close(&worker->session);
	genops_thread_loop_done(&worker->loop);
	free(worker);
}

int genops_collibra_worker_start(genops_engine *engine, struct genops_collibra_worker **ret_worker, struct genops_error *err)
{
	struct genops_collibra_worker *worker = calloc(1, sizeof *worker);
	if (!worker)
		return genops_fail(err, GENOPS_NOMEM, "no memory for the import of policies");
	worker->engine = engine;
	genops_thread_loop_init(&worker->loop);
	int code = genops_thread_loop_start(&worker->loop, run, worker, "the import of policies", err);
	if (code != GENOPS_OK) {
		free_worker(worker);
		return code;
	}
	*ret_worker = worker;
	return GENOPS_OK;
}

void genops_collibra_worker_stop(struct genops_collibra_worker *worker)
{
	if (!worker)
		return;
	genops_thread_loop_stop(&worker->loop);
	free_worker(worker);
}

void genops_collibra_worker_keep(
    genops_engine *engine, const struct genops_config *config, struct genops_collibra_worker **worker)
{
	bool is_wanted = genops_collibra_worker_is_wanted(config) && engine->drain_option != GENOPS_DRAIN_NEVER;
	struct genops_error err;
	if (!is_wanted) {
		genops_collibra_worker_stop(*worker);
		*worker = NULL;
	} else if (!*worker && genops_collibra_worker_start(engine, worker, &err) != GENOPS_OK) {
		genops_log_error(&engine->log, GENOPS_LOG_ERROR, "policies are not imported", &err);
	}
}
