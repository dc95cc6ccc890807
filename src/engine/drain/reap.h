/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/reap.h - calls whose process died: settled, and recorded as abandoned. */
#ifndef ENGINE_REAP_H
#define ENGINE_REAP_H

#include "engine/engine.h"
#include "store/ledger.h"

struct genops_reaping {
	genops_engine *engine;
	struct genops_ledger *ledger; /* already holds all that the dead process appended */
	size_t n_recorded;            /* abandoned records appended */
	size_t n_failed;              /* could not be: their leases stay for the next time */
	struct genops_error fault;    /* the last of them */
};

/* For genops_counters_reap; arg is a struct genops_reaping. */
int64_t genops_reap_settle(void *arg, const struct genops_dead_lease *lease);

#endif
