/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/policy_set.h - all policy assets of a domain as one listing found them, and as they are kept between listings.
 *
 * The kept form is JSON (collibra-policies.json in the state directory): the last good set, which governs while Collibra is
 * away. It says which instance and domain it is of, so that another configuration does not take it for its own. Pure. */
#ifndef CONNECT_COLLIBRA_POLICY_POLICY_SET_H
#define CONNECT_COLLIBRA_POLICY_POLICY_SET_H

#include "connect/collibra/policy/collibra_policy.h"

#include <genops/collibra.h>

#define GENOPS_COLLIBRA_POLICIES_MAX 1000
#define GENOPS_COLLIBRA_SET_MAX      ((size_t)16 << 20) /* bytes, kept */

struct genops_collibra_policy_set {
	genops_str url, domain_id, domain_name;
	int64_t changed_unix_ns;                 /* when a listing last found it changed */
	size_t n;
	struct genops_collibra_policy *policies; /* in the arena */
};

struct genops_collibra_policy *genops_collibra_policy_set_find(const struct genops_collibra_policy_set *set, genops_str id);

/* A new one at the end, empty but for its id. LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_collibra_policy_set_add(struct genops_collibra_policy_set *set, genops_str id, struct genops_arena *arena,
    struct genops_collibra_policy **ret_policy, struct genops_error *err);

void genops_collibra_policy_set_write(const struct genops_collibra_policy_set *set, struct genops_buffer *out);
/* Errors: SYNTAX (not what was written), LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_collibra_policy_set_read(genops_str text, struct genops_arena *arena,
    struct genops_collibra_policy_set *ret_set, struct genops_error *err);

/* What came of a listing. */
struct genops_collibra_changes {
	int64_t n_imported, n_updated, n_removed, n_failed;
	size_t n_errors;                         /* kept ones; n_failed may be more */
	char errors[GENOPS_COLLIBRA_ERRORS_MAX][GENOPS_COLLIBRA_ERROR_MAX];
};

/* Replaces `before` by `found`: what can be used is taken, what cannot is reported, and of those that were good before the last good one stays.
 * *ret_after is in the arena; off ones stay in it. is_changed: it says something else than before. Errors: NOMEM, LIMIT. */
GENOPS_NODISCARD int genops_collibra_policy_set_diff(const struct genops_collibra_policy_set *before,
    const struct genops_collibra_policy_set *found, struct genops_arena *arena, struct genops_collibra_policy_set *ret_after,
    struct genops_collibra_changes *ret_changes, bool *ret_is_changed, struct genops_error *err);

#endif
