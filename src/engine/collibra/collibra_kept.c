/* SPDX-License-Identifier: Apache-2.0
 * engine/collibra/collibra_kept.c - the kept policies of Collibra become policies of the snapshot, behind the file's own. */
#include "engine/collibra/collibra_kept.h"

#include "base/str.h"
#include "govern/policy/budget_limit.h"
#include "store/state_file.h"

#include <stdio.h>

static bool is_taken(const struct genops_config *config, const char *name)
{
	for (size_t i = 0; i < config->n_policies; i++) {
		if (genops_str_is(config->policies[i]->name, name))
			return true;
	}
	for (size_t i = 0; i < config->n_budgets; i++) {
		if (genops_str_is(config->budgets[i].name, name))
			return true;
	}
	return false;
}

/* Counters go by names, so two may not have one; the file's own keeps it. */
static int name_apart(struct genops_config_reader *reader, const struct genops_collibra_policy *from, struct genops_policy *policy)
{
	char name[4200];
	snprintf(name, sizeof name, "%.*s", (int)(policy->name.len > 4000 ? 4000 : policy->name.len), policy->name.ptr);
	if (!is_taken(reader->config, name))
		return GENOPS_OK;
	snprintf(name, sizeof name, "%.*s (Collibra)", (int)(policy->name.len > 4000 ? 4000 : policy->name.len), policy->name.ptr);
	if (is_taken(reader->config, name))
		snprintf(name, sizeof name, "%.*s (Collibra %.*s)", (int)(policy->name.len > 4000 ? 4000 : policy->name.len), policy->name.ptr,
		    (int)(from->id.len > 64 ? 64 : from->id.len), from->id.ptr);
	return genops_arena_dup(reader->arena, genops_str_of(name), &policy->name) ? GENOPS_OK : genops_config_read_no_memory(reader);
}

static int add_budget(struct genops_config_reader *reader, const struct genops_policy *policy)
{
	const struct genops_budget_rule rule = {
	    .name = policy->name,
	    .match = policy->match,
	    .level = policy->level,
	    .on_error = policy->on_error,
	    .origin = policy->origin,
	    .is_policy = true,
	};
	return genops_config_budget_add(reader, NULL, &rule, policy->settings);
}

/* A policy that this version cannot build any more is left out with a warning; NOMEM is an error. */
static int add_policy(struct genops_config_reader *reader, const struct genops_collibra_policy *from)
{
	struct genops_config *config = reader->config;
	struct genops_error cause = {0};
	struct genops_policy *policy = genops_arena_alloc(reader->arena, sizeof *policy);
	int code = policy ? genops_collibra_policy_build(from, reader->arena, policy, &cause) : GENOPS_NOMEM;
	if (code == GENOPS_NOMEM)
		return genops_config_read_no_memory(reader);
	if (code != GENOPS_OK)
		return genops_config_read_warn(reader, NULL, "correct it in Collibra", "policy \"%.*s\" of Collibra is not used: %.300s",
		    from->name.len > 80 ? 80 : (int)from->name.len, from->name.ptr, cause.message);
	code = name_apart(reader, from, policy);
	/* From here on genops_config_unref releases what compile took. */
	config->policies[config->n_policies++] = policy;
	if (code == GENOPS_OK && policy->type == &genops_policy_type_budget_limit)
		code = add_budget(reader, policy);
	config->wants_content |= policy->type == &genops_policy_type_content_filter;
	return code;
}

bool genops_collibra_kept_is_own(const struct genops_config_collibra *collibra, const struct genops_collibra_policy_set *set)
{
	if (!genops_str_equal(collibra->url, set->url))
		return false;
	if (collibra->domain_id.len)
		return genops_str_equal(collibra->domain_id, set->domain_id);
	return !collibra->domain.len || genops_str_equal(collibra->domain, set->domain_name);
}

static int add_policies(struct genops_config_reader *reader, const struct genops_collibra_policy_set *set)
{
	struct genops_config *config = reader->config;
	const struct genops_policy **policies = genops_arena_alloc(reader->arena, (config->n_policies + set->n + 1) * sizeof *policies);
	if (!policies)
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < config->n_policies; i++)
		policies[i] = config->policies[i];
	config->policies = policies;
	for (size_t i = 0; i < set->n; i++) {
		if (!genops_collibra_policy_is_off(&set->policies[i]))
			GENOPS_TRY(add_policy(reader, &set->policies[i]));
	}
	return GENOPS_OK;
}

int genops_collibra_kept_load(struct genops_config_reader *reader)
{
	const struct genops_config_collibra *collibra = &reader->config->collibra;
	struct genops_collibra_policy_set set;
	struct genops_error cause = {0};
	struct genops_buffer text;
	char path[4096];
	genops_str copy;
	if (!collibra->url.len)
		return GENOPS_OK;
	snprintf(path, sizeof path, "%.*s/" GENOPS_COLLIBRA_POLICIES_FILE, GENOPS_STR_ARG(reader->config->state_dir));
	GENOPS_TRY(genops_config_file_path(reader, genops_str_of(path), reader->start, &copy));
	GENOPS_TRY(genops_config_file_watch(reader, copy));
	int code = genops_state_file_read(
	    reader->config->state_dir.ptr, GENOPS_COLLIBRA_POLICIES_FILE, GENOPS_COLLIBRA_SET_MAX, &text, &cause);
	if (code == GENOPS_OK)
		code = genops_collibra_policy_set_read(genops_buffer_view(&text), reader->arena, &set, &cause);
	genops_buffer_done(&text);
	if (code == GENOPS_NOMEM)
		return genops_config_read_no_memory(reader);
	if (code == GENOPS_NOT_FOUND)
		return GENOPS_OK;
	reader->config->collibra.is_kept_unread = code != GENOPS_OK;
	if (code != GENOPS_OK)
		return genops_config_read_warn(reader, NULL, "run genops collibra sync", "the policies kept from Collibra cannot be used: %.300s",
		    cause.message);
	if (genops_collibra_kept_is_own(collibra, &set))
		return add_policies(reader, &set);
	return genops_config_read_warn(reader, NULL, "run genops collibra sync",
	    "the policies kept from Collibra are of another instance or domain; they are not used");
}
