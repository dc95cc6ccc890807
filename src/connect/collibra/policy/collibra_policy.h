/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/collibra_policy.h - a policy asset of Collibra, and the policy that it means.
 *
 * The asset's values are kept as texts, in one form whatever way they were stored (one text with commas, several values, a list; a
 * number as text or number; rich text), so that two readings of an unchanged asset are equal. Pure.
 */
#ifndef CONNECT_COLLIBRA_POLICY_COLLIBRA_POLICY_H
#define CONNECT_COLLIBRA_POLICY_COLLIBRA_POLICY_H

#include "connect/collibra/collibra_types.h"
#include "govern/policy/policy.h"

#define GENOPS_COLLIBRA_VALUES_MAX 1000              /* of one attribute of one policy */
#define GENOPS_COLLIBRA_VALUE_MAX  ((size_t)64 << 10) /* bytes of one */
#define GENOPS_COLLIBRA_POLICY_MAX ((size_t)256 << 10) /* bytes of all of a policy */
#define GENOPS_COLLIBRA_NAME_MAX   2000               /* Collibra's own maximum */

struct genops_collibra_policy {
	genops_str id, name, status; /* of the asset */
	enum genops_collibra_asset_type type;
	struct genops_texts values[GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES]; /* by attribute type; what its type does not use is ignored */
	size_t n_bytes;              /* of the values */
	const char *flaw;            /* NULL, or why its values are not all here: build refuses it */
	enum genops_collibra_attribute_type flawed; /* whose they are, with a flaw */
};

/* A status of Obsolete, Deprecated or Rejected: the policy is off. */
bool genops_collibra_policy_is_off(const struct genops_collibra_policy *policy);

/* Adds a value as it came, cut at commas and freed from HTML where the attribute is a list. What is too long or too many is left out
 * and is the policy's flaw: one such policy does not hinder the others. NOMEM. */
GENOPS_NODISCARD int genops_collibra_policy_add(struct genops_collibra_policy *policy,
    enum genops_collibra_attribute_type attribute, genops_str value, struct genops_arena *arena, struct genops_error *err);

/* The policy it means, compiled, in the arena; its name and origin ("collibra:<id>") too. Release settings with type->release.
 * Errors: CONFIG (a value that cannot be used, or one that is missing; the message names the attribute), NOMEM. */
GENOPS_NODISCARD int genops_collibra_policy_build(const struct genops_collibra_policy *policy, struct genops_arena *arena,
    struct genops_policy *ret_policy, struct genops_error *err);

/* Do they say the same, but for their status? */
bool genops_collibra_policy_equal(const struct genops_collibra_policy *a, const struct genops_collibra_policy *b);

#endif
