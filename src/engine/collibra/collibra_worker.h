/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_worker.h - the background import of policies: a thread of the process that drains. */
#ifndef ENGINE_COLLIBRA_COLLIBRA_WORKER_H
#define ENGINE_COLLIBRA_COLLIBRA_WORKER_H

#include "engine/engine.h"

struct genops_collibra_worker;

/* Is there anything for it to do? */
bool genops_collibra_worker_is_wanted(const struct genops_config *config);
GENOPS_NODISCARD int genops_collibra_worker_start(
    genops_engine *engine, struct genops_collibra_worker **ret_worker, struct genops_error *err);
/* Starts or stops it, as the configuration wants it now: it reads its settings itself. A failure is logged. */
void genops_collibra_worker_keep(
    genops_engine *engine, const struct genops_config *config, struct genops_collibra_worker **worker);
/* A call under way is broken off. NULL is fine. */
void genops_collibra_worker_stop(struct genops_collibra_worker *worker);

#endif
