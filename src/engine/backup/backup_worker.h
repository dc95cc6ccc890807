/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_worker.h - the thread of whoever drains that makes backups when they are due (backup_strategy). It stands in nobody's way: what it
 * does, it does by itself, and a backup that fails is told and tried again. */
#ifndef ENGINE_BACKUP_BACKUP_WORKER_H
#define ENGINE_BACKUP_BACKUP_WORKER_H

#include "engine/engine.h"
#include "telemetry/metrics/metrics.h"

struct genops_backup_worker;

/* Starts or stops it as the configuration wants. `metrics` outlives it. The drain's thread. */
void genops_backup_worker_keep(
    genops_engine *engine, const struct genops_config *config, struct genops_metrics *metrics, struct genops_backup_worker **worker);
/* Gives up what it is doing. NULL is fine. */
void genops_backup_worker_stop(struct genops_backup_worker *worker);

#endif
