/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_api.c - the bodies of genops/collibra.h that read what is kept, and the sync that somebody asks for. */
#include "base/str.h"
#include "codec/json_write.h"
#include "connect/collibra/setup/collibra_setup.h"
#include "engine/collibra/collibra_kept.h"
#include "engine/collibra/collibra_sync.h"
#include "store/state_file.h"

#define ARENA_MAX ((size_t)128 << 20)
#define TEXT_MAX  ((size_t)16 << 20)

int genops_collibra_sync(genops_engine *engine, struct genops_collibra_sync *ret_sync, struct genops_error *err)
{
	struct genops_collibra_session session = {0};
	int code = genops_collibra_sync_run(engine, &session, NULL, ret_sync, err);
	genops_collibra_session_close(&session);
	return code;
}

/* The kept set in the arena; empty when there is none of this instance and domain. */
static int read_kept(genops_engine *engine, struct genops_arena *arena, struct genops_collibra_policy_set *set, struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	struct genops_buffer text;
	*set = (struct genops_collibra_policy_set){0};
	int code = genops_state_file_read(engine->state_dir, GENOPS_COLLIBRA_POLICIES_FILE, GENOPS_COLLIBRA_SET_MAX, &text, err);
	if (code == GENOPS_OK)
		code = genops_collibra_policy_set_read(genops_buffer_view(&text), arena, set, err);
	if (code == GENOPS_OK && !genops_collibra_kept_is_own(&config->collibra, set))
		*set = (struct genops_collibra_policy_set){0};
	genops_buffer_done(&text);
	genops_config_unref(config);
	if (code == GENOPS_SYNTAX)
		return genops_fail_fix(err, GENOPS_CORRUPT, "run genops collibra sync", "the policies kept from Collibra cannot be read");
	return code == GENOPS_NOT_FOUND ? GENOPS_OK : code;
}

int genops_collibra_sync_stats(genops_engine *engine, struct genops_collibra_sync_stats *ret_stats, struct genops_error *err)
{
	struct genops_collibra_policy_set set;
	struct genops_arena arena;
	genops_arena_init(&arena, ARENA_MAX);
	int code = read_kept(engine, &arena, &set, err);
	if (code == GENOPS_OK) {
		genops_collibra_stats_read(engine->state_dir, ret_stats);
		for (size_t i = 0; i < set.n; i++)
			ret_stats->n_off += genops_collibra_policy_is_off(&set.policies[i]);
		ret_stats->n_policies = set.n - ret_stats->n_off;
		ret_stats->policies_changed_unix_ns = set.changed_unix_ns;
	}
	genops_arena_done(&arena);
	return code;
}

static void write_attributes(const struct genops_collibra_policy *policy, struct genops_buffer *out)
{
	struct genops_json_writer json;
	genops_buffer_clear(out);
	genops_json_writer_init(&json, out);
	genops_json_object_begin(&json);
	for (size_t i = 0; i < GENOPS_COLLIBRA_N_ATTRIBUTE_TYPES; i++) {
		if (!policy->values[i].n)
			continue;
		genops_json_key(&json, genops_str_of(genops_collibra_attribute_rows[i].name));
		genops_json_array_begin(&json);
		for (size_t j = 0; j < policy->values[i].n; j++)
			genops_json_string(&json, policy->values[i].items[j]);
		genops_json_array_end(&json);
	}
	genops_json_object_end(&json);
}

static int tell(const struct genops_collibra_policy *policy, struct genops_buffer *attributes, genops_collibra_policy_fn *on_policy,
    void *arg, struct genops_error *err)
{
	const struct genops_collibra_asset_row *type = &genops_collibra_asset_rows[policy->type];
	write_attributes(policy, attributes);
	if (attributes->error)
		return genops_fail(err, attributes->error, "no memory for Collibra's policies");
	const struct genops_collibra_policy_row row = {
	    .id = policy->id,
	    .name = policy->name,
	    .status = policy->status,
	    .asset_type = genops_str_of(type->name),
	    .type = genops_str_of(type->policy_type),
	    .attributes = genops_buffer_view(attributes),
	    .is_in_force = !genops_collibra_policy_is_off(policy),
	};
	return on_policy(arg, &row);
}

int genops_collibra_policies(genops_engine *engine, genops_collibra_policy_fn *on_policy, void *arg, struct genops_error *err)
{
	struct genops_collibra_policy_set set;
	struct genops_buffer attributes;
	struct genops_arena arena;
	genops_arena_init(&arena, ARENA_MAX);
	genops_buffer_init(&attributes, TEXT_MAX);
	int code = read_kept(engine, &arena, &set, err);
	for (size_t i = 0; code == GENOPS_OK && i < set.n; i++)
		code = tell(&set.policies[i], &attributes, on_policy, arg, err);
	genops_buffer_done(&attributes);
	genops_arena_done(&arena);
	return code;
}

int genops_collibra_set_up(genops_engine *engine, const char *community, bool is_dry_run, genops_collibra_step_fn *on_step, void *arg,
    struct genops_error *err)
{
	struct genops_config *config = genops_engine_config(engine);
	struct genops_collibra_session session = {0};
	struct genops_collibra_setup setup = {
	    .domain_id = config->collibra.domain_id,
	    .domain_name = config->collibra.domain,
	    .community = genops_str_of(community),
	    .prefix = config->collibra.attribute_prefix,
	    .is_dry_run = is_dry_run,
	    .on_step = on_step,
	    .arg = arg,
	};
	int code = genops_collibra_session_open(&session, engine, config, NULL, err);
	setup.client = session.client;
	if (code == GENOPS_OK)
		code = genops_collibra_setup_run(&setup, err);
	genops_collibra_session_close(&session);
	genops_config_unref(config);
	return code;
}
