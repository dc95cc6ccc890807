/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_record.h - <state>/backup.json: what came of the backups, whichever process made them. Written under the backup's lock. */
#ifndef ENGINE_BACKUP_BACKUP_RECORD_H
#define ENGINE_BACKUP_BACKUP_RECORD_H

#include "base/error.h"

#include <genops/backup.h>

struct genops_backup_record {
	struct genops_backup last;      /* unix_ns 0: none yet */
	int64_t n_made, n_failed;       /* since the state directory was made */
	int64_t n_failures;             /* in a row */
	int64_t failed_unix_ns;
	char reason[512];
};

/* What does not read counts as nothing known. */
void genops_backup_record_read(const char *state_dir, struct genops_backup_record records[GENOPS_BACKUP_KINDS]);
GENOPS_NODISCARD int genops_backup_record_write(
    const char *state_dir, const struct genops_backup_record records[GENOPS_BACKUP_KINDS], struct genops_error *err);

#endif
