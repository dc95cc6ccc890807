/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/policy_fetch.h - the complete set of a domain's policy assets, in the fewest calls.
 *
 * One GraphQL query where the instance answers it; else REST: the assets, then their attributes, asset by asset while they are
 * few, in one listing of all attributes of the policies' own types when they are many. Complete or an error: what a partial listing
 * lacks must not look deleted. */
#ifndef CONNECT_COLLIBRA_POLICY_POLICY_FETCH_H
#define CONNECT_COLLIBRA_POLICY_POLICY_FETCH_H

#include "connect/collibra/domain.h"
#include "connect/collibra/policy/policy_set.h"

struct genops_collibra_source {
	struct genops_collibra_client *client;
	const struct genops_collibra_types *types; /* at least the asset types of policies */
	const struct genops_collibra_domain *domain;
	genops_str prefix;                         /* of attribute types */
	bool *has_no_graphql;                      /* remembered between fetches: the instance does not answer it */
};

/* *ret_set in the arena, with url left to the caller. Errors: those of calls, SYNTAX, LIMIT, NOMEM. */
GENOPS_NODISCARD int genops_collibra_policy_fetch(const struct genops_collibra_source *source, struct genops_arena *arena,
    struct genops_collibra_policy_set *ret_set, struct genops_error *err);

/* The two ways. graphql: UNSUPPORTED where the instance does not answer such queries, or not completely. */
GENOPS_NODISCARD int genops_collibra_policy_graphql_fetch(const struct genops_collibra_source *source, struct genops_arena *arena,
    struct genops_collibra_policy_set *set, struct genops_error *err);
GENOPS_NODISCARD int genops_collibra_policy_rest_fetch(const struct genops_collibra_source *source, struct genops_arena *arena,
    struct genops_collibra_policy_set *set, struct genops_error *err);

/* Their answers, read: for tests and fuzzing too. A page of GraphQL: *ret_n assets in it, *ret_is_cut: something in it reached its limit.
 * UNSUPPORTED: it holds errors, or no data. */
GENOPS_NODISCARD int genops_collibra_policy_graphql_read(genops_str body, genops_str prefix, const struct genops_collibra_types *types,
    struct genops_arena *arena, struct genops_collibra_policy_set *set, size_t *ret_n, bool *ret_is_cut, struct genops_error *err);
/* A page of GET /assets, and of GET /attributes: attributes of assets that are not in the set are passed over. */
GENOPS_NODISCARD int genops_collibra_policy_rest_read_assets(genops_str body, const struct genops_collibra_types *types,
    struct genops_arena *arena, struct genops_collibra_policy_set *set, struct genops_error *err);
GENOPS_NODISCARD int genops_collibra_policy_rest_read_attributes(genops_str body, const struct genops_collibra_types *types,
    struct genops_arena *arena, struct genops_collibra_policy_set *set, struct genops_error *err);

#endif
