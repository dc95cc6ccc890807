/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_policy.c - `governance.policies`: each entry by the common rows and its type's own (govern/policy/policy.h).
 *
 * A policy of type budget_limit also becomes a budget rule: budgets decide about it. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <stdio.h>

#define SETTINGS_MAX 65536

struct policy {
	genops_str name, type;
	int on_error;
	bool is_enabled;
	genops_str description;
};

#define AT(field) offsetof(struct policy, field)
const struct genops_option genops_config_policy_rows[] = {
    {.name = "name",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(name),
	.is_required = true,
	.text = "its name in decisions, messages and reports; one of its own"},
    {.name = "type",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(type),
	.is_required = true,
	.text = "cost_limit, rate_limit, content_filter, team_access, budget_limit, model_governance or region"},
    {.name = "enforcement_level",
	.type = GENOPS_OPTION_CUSTOM,
	.default_text = "block; rate_limit for a rate_limit",
	.text = "block, warn, rate_limit or allow"},
    {.name = "match",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "attributes that an operation must have for the policy to apply: a value, a glob with *, or a list"},
    {.name = "on_error",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(on_error),
	.default_text = "closed",
	.names = (const char *const[]){"closed", "open", NULL},
	.text = "closed: what cannot be evaluated counts as violated; open: as allowed"},
    {.name = "enabled", .type = GENOPS_OPTION_BOOL, .offset = AT(is_enabled), .default_text = "true", .text = "false turns it off"},
    {.name = "description", .type = GENOPS_OPTION_TEXT, .offset = AT(description), .text = "for people"},
    {.name = NULL},
};

static int find_type(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_policy_type **ret_type)
{
	const char *names[32];
	char fix[160] = "";
	genops_str text;
	size_t n;
	const struct genops_policy_type *const *types = genops_policy_types(&n);
	const struct genops_yaml_node *value = genops_config_read_get(node, genops_config_policy_rows, "type");
	if (!value)
		return genops_config_read_fail(reader, node, NULL, "a policy needs \"type\"");
	GENOPS_TRY(genops_config_read_text(reader, value, "type", &text));
	*ret_type = genops_policy_type_find(text);
	if (*ret_type)
		return GENOPS_OK;
	n = n > 32 ? 32 : n;
	for (size_t i = 0; i < n; i++)
		names[i] = types[i]->name;
	const char *nearest = genops_str_nearest(text, names, n);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	else
		snprintf(fix, sizeof fix, "types are cost_limit, rate_limit, content_filter, team_access, "
					  "budget_limit, model_governance, region");
	return genops_config_read_fail(reader, value, fix, "there is no policy type \"%.*s\"",
	    text.len > 64 ? 64 : (int)text.len, text.ptr);
}

static int check_name(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct policy *common)
{
	const struct genops_config *config = reader->config;
	const struct genops_yaml_node *name = genops_yaml_get(node, "name");
	if (!common->name.len)
		return genops_config_read_fail(reader, name, NULL, "a policy's name is empty");
	for (size_t i = 0; i < config->n_policies; i++) {
		if (genops_str_equal(config->policies[i]->name, common->name))
			return genops_config_read_fail(reader, name, "give each policy a name of its own",
			    "there are two policies \"%s\", the other in %s", common->name.ptr,
			    config->policies[i]->origin.ptr);
	}
	return GENOPS_OK;
}

static int name_origin(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_policy *policy)
{
	char origin[256];
	const char *slash = strrchr(reader->file, '/');
	snprintf(origin, sizeof origin, "%s:%d", slash ? slash + 1 : reader->file, node->line);
	if (!genops_arena_dup(reader->arena, genops_str_of(origin), &policy->origin))
		return genops_config_read_no_memory(reader);
	return GENOPS_OK;
}

static int add_budget(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_policy *policy)
{
	struct genops_budget_rule rule = {
	    .name = policy->name,
	    .match = policy->match,
	    .level = policy->level,
	    .on_error = policy->on_error,
	    .origin = policy->origin,
	    .is_policy = true,
	};
	if (policy->type != &genops_policy_type_budget_limit || !policy->is_enabled)
		return GENOPS_OK;
	return genops_config_budget_add(reader, node, &rule, policy->settings);
}

static int fill(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_policy *policy)
{
	const struct genops_option *rows = genops_config_policy_rows;
	struct policy common = {0};
	char what[64];
	snprintf(what, sizeof what, "a %s policy", policy->type->name);
	const struct genops_yaml_part parts[] = {{rows, &common}, {policy->type->options, policy->settings}};
	GENOPS_TRY(genops_config_read_parts(reader, node, what, parts, 2));
	GENOPS_TRY(check_name(reader, node, &common));
	policy->name = common.name;
	policy->on_error = (enum genops_on_error)common.on_error;
	policy->is_enabled = common.is_enabled;
	policy->level =
	    policy->type == &genops_policy_type_rate_limit ? GENOPS_LEVEL_RATE_LIMIT : GENOPS_LEVEL_BLOCK;
	GENOPS_TRY(genops_config_level_read(
	    reader, genops_config_read_get(node, rows, "enforcement_level"), &policy->level));
	GENOPS_TRY(genops_config_match_read(
	    reader, genops_config_read_get(node, rows, "match"), &policy->match));
	return name_origin(reader, node, policy);
}

/* From here on genops_config_unref releases what compile took. */
static int compile(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_policy *policy)
{
	struct genops_config *config = reader->config;
	if (policy->type->compile) {
		int code = policy->type->compile(policy->settings, reader->arena, reader->err);
		GENOPS_TRY(genops_config_read_place(reader, node, code));
	}
	config->policies[config->n_policies++] = policy;
	if (policy->is_enabled && policy->type == &genops_policy_type_content_filter)
		config->wants_content = true;
	return add_budget(reader, node, policy);
}

static int read_policy(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	const struct genops_policy_type *type;
	GENOPS_TRY(genops_config_read_expect(reader, node, "a policy", GENOPS_YAML_MAPPING));
	GENOPS_TRY(find_type(reader, node, &type));
	struct genops_policy *policy = genops_arena_alloc(reader->arena, sizeof *policy);
	if (!policy)
		return genops_config_read_no_memory(reader);
	policy->type = type;
	policy->settings = genops_arena_alloc(reader->arena, type->settings_size + 1);
	if (!policy->settings || type->settings_size > SETTINGS_MAX)
		return genops_config_read_no_memory(reader);
	GENOPS_TRY(fill(reader, node, policy));
	return compile(reader, node, policy);
}

int genops_config_policy_read(struct genops_config_reader *reader, const struct genops_yaml_node *list)
{
	struct genops_config *config = reader->config;
	if (!list)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, list, "governance.policies", GENOPS_YAML_SEQUENCE));
	if (list->n > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(
		    reader, list, NULL, "there are more than %d policies", GENOPS_CONFIG_ITEMS_MAX);
	config->policies = genops_arena_alloc(reader->arena, (list->n + 1) * sizeof *config->policies);
	if (!config->policies)
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_policy(reader, entry->value));
	return GENOPS_OK;
}
