/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_sync.h - one import of policies: fetched whole, compared with the kept set, kept; and what all syncs together did.
 *
 * Under a lock of the state directory, so that two processes do not overwrite one another. After a failed or partial listing nothing
 * but the statistics changes. */
#ifndef ENGINE_COLLIBRA_COLLIBRA_SYNC_H
#define ENGINE_COLLIBRA_COLLIBRA_SYNC_H

#include "engine/collibra/collibra_session.h"

#include <genops/collibra.h>

/* `cancel` may be NULL. */
GENOPS_NODISCARD int genops_collibra_sync_run(genops_engine *engine, struct genops_collibra_session *session, const volatile int *cancel,
    struct genops_collibra_sync *ret_sync, struct genops_error *err);

/* collibra_stats.c. Absent or damaged statistics are empty ones. */
#define GENOPS_COLLIBRA_STATS_FILE "collibra-sync.json"
void genops_collibra_stats_read(const char *state_dir, struct genops_collibra_sync_stats *ret_stats);
GENOPS_NODISCARD int genops_collibra_stats_write(
    const char *state_dir, const struct genops_collibra_sync_stats *stats, struct genops_error *err);

#endif
