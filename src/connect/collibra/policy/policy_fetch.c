/* SPDX-License-Identifier: Apache-2.0
 * connect/collibra/policy/policy_fetch.c - see policy_fetch.h: which way is taken. */
#include "connect/collibra/policy/policy_fetch.h"

/* GraphQL asks by public ids, which old instances do not have. */
static bool has_public_ids(const struct genops_collibra_types *types)
{
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ASSET_TYPES; i++) {
		if (genops_collibra_asset_rows[i].policy_type && types->assets[i].id[0] && !types->assets[i].public_id[0])
			return false;
	}
	return true;
}

int genops_collibra_policy_fetch(const struct genops_collibra_source *source, struct genops_arena *arena,
    struct genops_collibra_policy_set *ret_set, struct genops_error *err)
{
	struct genops_collibra_policy_set set = {0};
	int code = GENOPS_UNSUPPORTED;
	if (!*source->has_no_graphql && has_public_ids(source->types)) {
		code = genops_collibra_policy_graphql_fetch(source, arena, &set, err);
		*source->has_no_graphql = code == GENOPS_UNSUPPORTED;
	}
	if (code == GENOPS_UNSUPPORTED) {
		set = (struct genops_collibra_policy_set){0};
		code = genops_collibra_policy_rest_fetch(source, arena, &set, err);
	}
	if (code != GENOPS_OK)
		return code;
	if (!genops_arena_dup(arena, genops_str_of(source->domain->id), &set.domain_id) ||
	    !genops_arena_dup(arena, genops_str_of(source->domain->name), &set.domain_name))
		return genops_fail(err, GENOPS_NOMEM, "no memory for Collibra's policies");
	*ret_set = set;
	return GENOPS_OK;
}
