/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_worker.c - see backup_worker.h.
 *
 * It looks at the configuration and at backup.json anew each time, so a changed schedule needs no restart, and a backup that somebody made by hand counts.
 * Commands that end within seconds make none: it begins after SETTLE_NS. */
#include "engine/backup/backup_worker.h"

#include "base/clock.h"
#include "base/str.h"
#include "engine/backup/backup_name.h"
#include "engine/backup/backup_run.h"
#include "engine/thread.h"

#include <stdio.h>
#include <stdlib.h>

#define SETTLE_NS   (3 * GENOPS_NS_PER_S)
#define PATIENCE_NS (2 * GENOPS_NS_PER_S) /* between looks */

struct genops_backup_worker {
	genops_engine *engine;
	struct genops_metrics *metrics;
	struct genops_thread_loop loop;
	char complaints[GENOPS_BACKUP_KINDS][512]; /* told already */
};

static void publish(struct genops_backup_worker *worker, const struct genops_backup_record records[GENOPS_BACKUP_KINDS])
{
	char labels[32];
	for (int kind = 0; kind < GENOPS_BACKUP_KINDS; kind++) {
		const struct genops_backup_record *record = &records[kind];
		snprintf(labels, sizeof labels, "kind=\"%s\"", genops_backup_kind_name((enum genops_backup_kind)kind));
		genops_metrics_set(worker->metrics, "genops_self_backup_last_timestamp_seconds", labels, (double)record->last.unix_ns / 1e9);
		genops_metrics_set(worker->metrics, "genops_self_backup_last_bytes", labels, (double)record->last.bytes);
		genops_metrics_set(worker->metrics, "genops_self_backup_failing", labels, record->n_failures ? 1 : 0);
		genops_metrics_set(worker->metrics, "genops_self_backups_total", labels, (double)record->n_made);
		genops_metrics_set(worker->metrics, "genops_self_backup_failures_total", labels, (double)record->n_failed);
	}
}

static void tell(struct genops_backup_worker *worker, const struct genops_backup *backup)
{
	char secrets[160] = "";
	if (backup->n_masked)
		snprintf(secrets, sizeof secrets, "; %llu secrets that stand in documents are not in it: genops restore names their variables",
		    (unsigned long long)backup->n_masked);
	genops_log_write(&worker->engine->log, GENOPS_LOG_INFO, "backup %s/%s: %llu files, %llu bytes%s", backup->place, backup->name,
	    (unsigned long long)backup->n_files, (unsigned long long)backup->bytes, secrets);
	worker->complaints[backup->kind][0] = '\0';
}

/* The same cause once. */
static void complain(struct genops_backup_worker *worker, enum genops_backup_kind kind, const struct genops_error *err)
{
	char what[96];
	if (!strcmp(worker->complaints[kind], err->message))
		return;
	snprintf(worker->complaints[kind], sizeof worker->complaints[kind], "%s", err->message);
	snprintf(what, sizeof what, "the backup of the %s failed and is tried again", kind == GENOPS_BACKUP_STATE ? "state" : "configuration");
	genops_log_error(&worker->engine->log, GENOPS_LOG_ERROR, what, err);
}

static void make_if_due(struct genops_backup_worker *worker, const struct genops_config *config, enum genops_backup_kind kind,
    const struct genops_backup_record *record)
{
	const struct genops_config_backup *settings = &config->backups[kind];
	struct genops_backup backup;
	struct genops_error err = {0};
	int64_t now = genops_clock_unix_ns();
	if (!settings->is_on || genops_backup_next(settings->every_ns, record->last.unix_ns, record->failed_unix_ns, record->n_failures, now) > now)
		return;
	const struct genops_backup_run run = {.engine = worker->engine, .config = config, .kind = kind, .place = &settings->place,
	    .retention_ns = settings->retention_ns, .now_unix_ns = now, .cancel = &worker->loop.must_stop};
	int code = genops_backup_run(&run, &backup, &err);
	if (code == GENOPS_OK)
		tell(worker, &backup);
	else if (code != GENOPS_BUSY)
		complain(worker, kind, &err);
}

static void look(struct genops_backup_worker *worker)
{
	struct genops_backup_record records[GENOPS_BACKUP_KINDS];
	struct genops_config *config = genops_engine_config(worker->engine);
	genops_backup_record_read(worker->engine->state_dir, records);
	for (int kind = 0; kind < GENOPS_BACKUP_KINDS && !genops_thread_loop_is_ending(&worker->loop); kind++)
		make_if_due(worker, config, (enum genops_backup_kind)kind, &records[kind]);
	genops_backup_record_read(worker->engine->state_dir, records);
	publish(worker, records);
	genops_config_unref(config);
}

static void *run(void *arg)
{
	struct genops_backup_worker *worker = arg;
	for (int64_t pause_ns = SETTLE_NS; genops_thread_loop_pause(&worker->loop, pause_ns, NULL); pause_ns = PATIENCE_NS)
		look(worker);
	return NULL;
}

static void free_worker(struct genops_backup_worker *worker)
{
	genops_thread_loop_done(&worker->loop);
	free(worker);
}

static int start(genops_engine *engine, struct genops_metrics *metrics, struct genops_backup_worker **ret_worker, struct genops_error *err)
{
	struct genops_backup_worker *worker = calloc(1, sizeof *worker);
	if (!worker)
		return genops_fail(err, GENOPS_NOMEM, "no memory for backups");
	worker->engine = engine;
	worker->metrics = metrics;
	genops_thread_loop_init(&worker->loop);
	int code = genops_thread_loop_start(&worker->loop, run, worker, "the backups", err);
	if (code != GENOPS_OK) {
		free_worker(worker);
		return code;
	}
	*ret_worker = worker;
	return GENOPS_OK;
}

void genops_backup_worker_stop(struct genops_backup_worker *worker)
{
	if (!worker)
		return;
	genops_thread_loop_stop(&worker->loop);
	free_worker(worker);
}

void genops_backup_worker_keep(
    genops_engine *engine, const struct genops_config *config, struct genops_metrics *metrics, struct genops_backup_worker **worker)
{
	bool is_wanted = (config->backups[GENOPS_BACKUP_CONFIG].is_on || config->backups[GENOPS_BACKUP_STATE].is_on) &&
			 engine->drain_option != GENOPS_DRAIN_NEVER;
	struct genops_error err;
	if (!is_wanted) {
		genops_backup_worker_stop(*worker);
		*worker = NULL;
	} else if (!*worker && start(engine, metrics, worker, &err) != GENOPS_OK) {
		genops_log_error(&engine->log, GENOPS_LOG_ERROR, "no backups are made", &err);
	}
}
