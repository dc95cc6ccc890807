/* SPDX-License-Identifier: Apache-2.0
 * backup_time.h - a time in UTC for people and programs: 2026-11-22T01:00:00Z. */
#ifndef CLI_BACKUP_BACKUP_TIME_H
#define CLI_BACKUP_BACKUP_TIME_H

#include <stdint.h>

/* Returns `out`, of at least 32 bytes. */
const char *backup_time(int64_t unix_ns, char *out);

#endif
