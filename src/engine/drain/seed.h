/* SPDX-License-Identifier: Apache-2.0
 * engine/drain/seed.h - a budget that is new counts what was spent in its running windows before it was there.
 *
 * The ledger knows: what operations that it matches cost since the window began, less what was counted for it already, is
 * added to the ledger's sums of the budget and, while running, to the counters. Doing it again adds only what has come since, so it is done
 * some more times after a budget appeared: calls that were begun before end later. What the drain's thread does. */
#ifndef ENGINE_DRAIN_SEED_H
#define ENGINE_DRAIN_SEED_H

#include "engine/engine.h"
#include "store/ledger.h"

struct genops_seeding {
	bool *is_new;      /* by index of config->budgets; owned */
	size_t n;
	unsigned round;    /* how often it was done for this configuration */
	int64_t due_ns;    /* monotonic */
};

/* Which budgets are new: those that `before` (NULL: unknown) has not, and those that the ledger has not seen as they are. */
void genops_seed_begin(struct genops_seeding *seeding, struct genops_ledger *ledger, const struct genops_config *before,
    const struct genops_config *config);
/* Does what is due. is_live: counters are in use and get their part; else they are restored from the ledger after this. */
void genops_seed_pass(struct genops_seeding *seeding, struct genops_engine *engine, struct genops_ledger *ledger,
    const struct genops_config *config, bool is_live, int64_t now_monotonic_ns);
void genops_seed_done(struct genops_seeding *seeding);

#endif
