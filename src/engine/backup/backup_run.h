/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_run.h - one backup: packed, sent, told, and those that are too old removed. */
#ifndef ENGINE_BACKUP_BACKUP_RUN_H
#define ENGINE_BACKUP_BACKUP_RUN_H

#include "engine/backup/backup_record.h"
#include "engine/engine.h"

struct genops_backup_run {
	genops_engine *engine;
	const struct genops_config *config;
	enum genops_backup_kind kind;
	const struct genops_config_backup_place *place;
	int64_t retention_ns;           /* 0: nothing is removed */
	int64_t now_unix_ns;
	const volatile int *cancel;     /* NULL: none */
};

/* What came of it is in <state>/backup.json, whichever it was; but for BUSY, which is nobody's fault. A place where old ones cannot be listed or removed is
 * told in the log, and no failure: the archive is there. */
GENOPS_NODISCARD int genops_backup_run(const struct genops_backup_run *run, struct genops_backup *ret_backup, struct genops_error *err);

#endif
