/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_budget.c - `governance.budgets`, the budgets that policies of type budget_limit are, and their time zones. */
#include "engine/config/config_read.h"

#include "base/str.h"

#include <genops/operation.h>

#include <stdio.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_MAX    ((size_t)64 << 10)
#define ZONES_MAX   512

struct budget {
	genops_str name;
	int on_error;
	genops_str description;
};

#define AT(field) offsetof(struct budget, field)
/* Beside these, a budget has the rows of policy type budget_limit: windows, timezone, alerts, per. */
const struct genops_option genops_config_budget_rows[] = {
    {.name = "name",
	.type = GENOPS_OPTION_TEXT,
	.offset = AT(name),
	.is_required = true,
	.text = "its name in decisions, messages and reports; one of its own"},
    {.name = "match",
	.type = GENOPS_OPTION_CUSTOM,
	.text = "attributes that an operation must have to be paid from it; none: every operation"},
    {.name = "enforcement_level",
	.type = GENOPS_OPTION_CUSTOM,
	.default_text = "block",
	.text = "what happens to a call that does not fit: block, warn, rate_limit or allow"},
    {.name = "on_error",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(on_error),
	.default_text = "closed",
	.names = (const char *const[]){"closed", "open", NULL},
	.text = "what happens to a call when this budget's counters cannot be used: closed: what enforcement_level says; open: it passes, uncounted here"},
    {.name = "description", .type = GENOPS_OPTION_TEXT, .offset = AT(description), .text = "for people"},
    {.name = NULL},
};

/* Only names of zones, never a path elsewhere. */
static bool is_zone_name(genops_str name)
{
	if (!name.len || name.len > 64 || name.ptr[0] == '/' || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_word && c != '_' && c != '+' && c != '-' && c != '/')
			return false;
	}
	return true;
}

/* "did you mean" from the database's own list, where it is installed. */
static void suggest_zone(genops_str name, char *fix, size_t size)
{
	const char *names[ZONES_MAX];
	struct genops_buffer table;
	size_t n = 0;
	snprintf(fix, size, "use a name of the IANA time zone database like Europe/Berlin (Debian package tzdata)");
	if (genops_config_file_read(ZONE_FOLDER "/zone1970.tab", ZONE_MAX, &table, NULL) != GENOPS_OK)
		return;
	genops_buffer_add_char(&table, '\n');
	for (genops_str rest = genops_buffer_view(&table); rest.len && n < ZONES_MAX;) {
		genops_str line = genops_str_split(&rest, '\n');
		genops_str_split(&line, '\t');
		genops_str_split(&line, '\t');
		genops_str zone = genops_str_split(&line, '\t');
		if (!zone.len)
			continue;
		table.ptr[(size_t)(zone.ptr - table.ptr) + zone.len] = '\0'; /* over its tab or line feed */
		names[n++] = zone.ptr;
	}
	const char *nearest = genops_str_nearest(name, names, n);
	if (nearest)
		snprintf(fix, size, "did you mean \"%s\"?", nearest);
	genops_buffer_done(&table);
}

static int read_zone(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str name,
    const struct genops_zone **ret_zone)
{
	char path[128], fix[160];
	struct genops_buffer bytes;
	*ret_zone = genops_zone_utc();
	if (!name.len || genops_str_is(name, "UTC") || genops_str_is(name, "Etc/UTC"))
		return GENOPS_OK;
	snprintf(path, sizeof path, ZONE_FOLDER "/%.*s", GENOPS_STR_ARG(name));
	int code = is_zone_name(name) ? genops_config_file_read(path, ZONE_MAX, &bytes, NULL) : GENOPS_CONFIG;
	if (code == GENOPS_NOMEM)
		return genops_config_read_no_memory(reader);
	if (code != GENOPS_OK) {
		suggest_zone(name, fix, sizeof fix);
		return genops_config_read_fail(reader, node, fix, "timezone: \"%.*s\" is not known",
		    name.len > 64 ? 64 : (int)name.len, name.ptr);
	}
	code = genops_zone_compile(name, genops_buffer_view(&bytes), reader->arena, ret_zone, reader->err);
	genops_buffer_done(&bytes);
	return genops_config_read_place(reader, node, code);
}

static int grow(struct genops_config_reader *reader)
{
	struct genops_config *config = reader->config;
	if (config->n_budgets < reader->n_budgets_cap)
		return GENOPS_OK;
	size_t cap = reader->n_budgets_cap ? 2 * reader->n_budgets_cap : 8;
	struct genops_budget_rule *budgets = genops_arena_alloc(reader->arena, cap * sizeof *budgets);
	if (!budgets)
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < config->n_budgets; i++)
		budgets[i] = config->budgets[i];
	config->budgets = budgets;
	reader->n_budgets_cap = cap;
	return GENOPS_OK;
}

static int check_name(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str name)
{
	const struct genops_config *config = reader->config;
	if (!name.len)
		return genops_config_read_fail(reader, node, NULL, "a budget's name is empty");
	for (size_t i = 0; i < config->n_budgets; i++) {
		if (genops_str_equal(config->budgets[i].name, name))
			return genops_config_read_fail(reader, node, "give each budget a name of its own",
			    "there are two budgets \"%s\", the other in %s", name.ptr,
			    config->budgets[i].origin.ptr);
	}
	return GENOPS_OK;
}

int genops_config_budget_add(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    const struct genops_budget_rule *rule, const struct genops_budget_limit *limit)
{
	struct genops_budget_rule added = *rule;
	const struct genops_yaml_node *name = genops_yaml_get(node, "name");
	const struct genops_yaml_node *zone = genops_yaml_get(node, "timezone");
	GENOPS_TRY(check_name(reader, name ? name : node, rule->name));
	GENOPS_TRY(grow(reader));
	for (int i = 0; i < GENOPS_PERIOD_N; i++)
		added.limit_nano_usd[i] = limit->limit_nano_usd[i] > 0 ? limit->limit_nano_usd[i] : GENOPS_COST_UNKNOWN;
	GENOPS_TRY(read_zone(reader, zone ? zone : node, limit->timezone, &added.zone));
	added.n_alerts = reader->is_alerting ? limit->n_alerts : 0;
	for (size_t i = 0; i < added.n_alerts; i++)
		added.alert_percent[i] = limit->alert_percent[i];
	added.n_per = limit->per.n;
	added.per = limit->per.items;
	reader->config->budgets[reader->config->n_budgets++] = added;
	return GENOPS_OK;
}

static int read_limit(struct genops_config_reader *reader, const struct genops_yaml_node *node,
    struct budget *common, struct genops_budget_limit *limit)
{
	const struct genops_option *rows = genops_policy_type_budget_limit.options;
	const struct genops_yaml_part parts[] = {{genops_config_budget_rows, common}, {rows, limit}};
	bool has_window = false;
	GENOPS_TRY(genops_config_read_parts(reader, node, "a budget", parts, 2));
	for (int i = 0; i < GENOPS_PERIOD_N; i++)
		has_window |= limit->limit_nano_usd[i] > 0;
	if (!has_window)
		return genops_config_read_fail(reader, node,
		    "give it one or more of hourly_budget, daily_budget, weekly_budget, monthly_budget, total_budget",
		    "budget \"%.*s\" has no limit", GENOPS_STR_ARG(common->name));
	if (!genops_yaml_get(node, "per"))
		limit->per = (struct genops_texts){0}; /* one counter; only the policy type is per team and project */
	int code = genops_policy_type_budget_limit.compile(limit, reader->arena, reader->err);
	const struct genops_yaml_node *alerts = genops_yaml_get(node, "alerts");
	return genops_config_read_place(reader, alerts ? alerts : node, code);
}

static int read_budget(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_budget_limit limit = {0};
	struct genops_budget_rule rule = {.level = GENOPS_LEVEL_BLOCK};
	struct budget common = {0};
	char origin[256];
	GENOPS_TRY(genops_config_read_expect(reader, node, "a budget", GENOPS_YAML_MAPPING));
	GENOPS_TRY(read_limit(reader, node, &common, &limit));
	rule.name = common.name;
	rule.on_error = (enum genops_on_error)common.on_error;
	GENOPS_TRY(genops_config_level_read(reader,
	    genops_config_read_get(node, genops_config_budget_rows, "enforcement_level"), &rule.level));
	GENOPS_TRY(genops_config_match_read(
	    reader, genops_config_read_get(node, genops_config_budget_rows, "match"), &rule.match));
	const char *slash = strrchr(reader->file, '/');
	snprintf(origin, sizeof origin, "%s:%d", slash ? slash + 1 : reader->file, node->line);
	if (!genops_arena_dup(reader->arena, genops_str_of(origin), &rule.origin))
		return genops_config_read_no_memory(reader);
	return genops_config_budget_add(reader, node, &rule, &limit);
}

int genops_config_budget_read(struct genops_config_reader *reader, const struct genops_yaml_node *list)
{
	if (!list)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, list, "governance.budgets", GENOPS_YAML_SEQUENCE));
	if (list->n > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(
		    reader, list, NULL, "there are more than %d budgets", GENOPS_CONFIG_ITEMS_MAX);
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_budget(reader, entry->value));
	return GENOPS_OK;
}

int genops_config_budget_add_daily(struct genops_config_reader *reader)
{
	struct genops_budget_limit limit = {.n_alerts = 3, .alert_percent = {80, 90, 100}};
	const struct genops_budget_rule rule = {
	    .name = GENOPS_STR("daily_budget_limit"),
	    .level = GENOPS_LEVEL_BLOCK,
	    .origin = GENOPS_STR("daily_budget_limit"),
	};
	if (reader->daily_budget_limit == GENOPS_COST_UNKNOWN)
		return GENOPS_OK;
	limit.limit_nano_usd[GENOPS_PERIOD_DAILY] = reader->daily_budget_limit;
	return genops_config_budget_add(reader, NULL, &rule, &limit);
}
