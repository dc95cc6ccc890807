/* SPDX-License-Identifier: Apache-2.0
 * engine/backup/backup_name.h - what archives are called, which of them are too old, and when the next one is due. Pure: time is an argument. */
#ifndef ENGINE_BACKUP_BACKUP_NAME_H
#define ENGINE_BACKUP_BACKUP_NAME_H

#include "base/str.h"

#include <genops/backup.h>

#define GENOPS_BACKUP_NAME_SIZE 64

/* "config-20261122T010000Z.tar.zst" */
void genops_backup_name(enum genops_backup_kind kind, int64_t unix_ns, char ret_name[GENOPS_BACKUP_NAME_SIZE]);
/* False: no name that genops_backup_name makes. */
bool genops_backup_name_read(genops_str name, enum genops_backup_kind *ret_kind, int64_t *ret_unix_ns);

/* Is an archive of `unix_ns` to be removed, when `newest_unix_ns` is the newest of its kind? Never the newest one, nor one of a time to come. */
bool genops_backup_is_expired(int64_t unix_ns, int64_t newest_unix_ns, int64_t retention_ns, int64_t now_unix_ns);

/* When the next one is due: with each hour, day (UTC) or whatever every_ns is, of which there is none yet; what was missed while nobody ran is made up for
 * once. After failures it waits 1 min, 2, 4 ... up to an hour, and never past the next regular one. 0 for last and failed: never. */
int64_t genops_backup_next(int64_t every_ns, int64_t last_unix_ns, int64_t failed_unix_ns, int64_t n_failures, int64_t now_unix_ns);

#endif
