/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_kept.h - the policies that came from Collibra, as part of a configuration snapshot.
 *
 * The kept set (collibra-policies.json in the state directory) is one of the files that a
 * snapshot is made from, so that whoever attaches governs by it, and a changed one is taken like a changed configuration. */
#ifndef ENGINE_COLLIBRA_COLLIBRA_KEPT_H
#define ENGINE_COLLIBRA_COLLIBRA_KEPT_H

#include "connect/collibra/policy/policy_set.h"
#include "engine/config/config_read.h"

#define GENOPS_COLLIBRA_POLICIES_FILE "collibra-policies.json"

/* A kept set that cannot be used is a warning, never an error: governance goes on. */
GENOPS_NODISCARD int genops_collibra_kept_load(struct genops_config_reader *reader);

/* Is the kept set one of the instance and domain that are configured? */
bool genops_collibra_kept_is_own(const struct genops_config_collibra *collibra, const struct genops_collibra_policy_set *set);

#endif
