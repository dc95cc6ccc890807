/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_budget_enforcer.c - `genops/budget_enforcer`: budgets that observed spans are counted against.
 *
 * Each line becomes an ordinary budget of the configuration (engine/config/service/), so that one limit holds for what the gateway
 * proxies, what programs ask to be decided, and what spans tell of: the AI calls in them are settled against it (engine/observe), and alerts
 * are told as those of any budget. What is left here is to say on spans that pass while a budget is used up that it is. */
#include "pipeline/collector/processor.h"

#include "base/str.h"
#include "govern/attributes.h"
#include "govern/calendar.h"
#include "govern/money.h"
#include "pipeline/collector/item/item_mark.h"
#include "telemetry/conventions.h"

#include <stdio.h>

#define BUDGETS_MAX 256
#define MATCH_MAX   16

struct budget {
	genops_str name, standard[GENOPS_ATTRIBUTE_N_STANDARD], timezone;
	struct genops_text_map match;
	int64_t limit_nano_usd;
	int period, action;
};

static const struct genops_option rows[] = {
    {.name = "budgets", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "a limit each"},
    {.name = NULL},
};

/* In the order of enum genops_period. */
static const char *const periods[GENOPS_PERIOD_N + 1] = {"hourly", "daily", "weekly", "monthly", "total", NULL};

#define AT(field)             offsetof(struct budget, field)
#define STANDARD(key, index, says) {.name = key, .type = GENOPS_OPTION_TEXT, .offset = AT(standard[index]), .text = says}

static const struct genops_option budget_rows[] = {
    STANDARD("team", GENOPS_ATTRIBUTE_TEAM, "whose calls are paid from it; none of these: everybody's"),
    STANDARD("project", GENOPS_ATTRIBUTE_PROJECT, "the same by project"),
    STANDARD("customer_id", GENOPS_ATTRIBUTE_CUSTOMER_ID, "by customer"),
    STANDARD("environment", GENOPS_ATTRIBUTE_ENVIRONMENT, "by stage"),
    STANDARD("cost_center", GENOPS_ATTRIBUTE_COST_CENTER, "by cost centre"),
    STANDARD("feature", GENOPS_ATTRIBUTE_FEATURE, "by feature"),
    {.name = "match", .type = GENOPS_OPTION_MAP, .offset = AT(match), .text = "other attributes that a call must have"},
    {.name = "limit",
	.type = GENOPS_OPTION_MONEY,
	.offset = AT(limit_nano_usd),
	.is_required = true,
	.min = 0.000000001,
	.max = 9e9,
	.text = "USD in a period"},
    {.name = "period",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(period),
	.default_text = "daily",
	.names = periods,
	.text = "the calendar's, in timezone"},
    {.name = "action",
	.type = GENOPS_OPTION_ENUM,
	.offset = AT(action),
	.default_text = "block",
	.names = (const char *const[]){"block", "alert", NULL},
	.text = "block: further calls are refused where GenOps decides (gateway, libraries, control API), spans are marked; alert: calls go on "
		"with a warning"},
    {.name = "timezone", .type = GENOPS_OPTION_TEXT, .offset = AT(timezone), .text = "of the IANA database, as Europe/Berlin; unset: UTC"},
    {.name = "name", .type = GENOPS_OPTION_TEXT, .offset = AT(name), .text = "of the budget; unset: PROCESSOR: team=TEAM PERIOD"},
    {.name = NULL},
};

static const struct genops_processor_part parts[] = {
    {"budgets[]", "Each is a budget like those of `governance.budgets`: in `genops budget`, with alerts at 80, 90 and 100 percent.", budget_rows},
    {.name = NULL},
};

/* --- spans --- */

struct enforcing {
	const struct genops_processor_budget_enforcer *settings;
	struct genops_processor_run *run;
	bool is_known[BUDGETS_MAX], is_used_up[BUDGETS_MAX]; /* in this request */
	int64_t consumed_nano_usd[BUDGETS_MAX];
};

/* The value in the span, else in its resource; short names stand for genops.*, too. */
static bool find_value(const struct genops_item *item, genops_str key, struct genops_otlp_value *ret_value)
{
	int standard = genops_attributes_standard_key(key);
	genops_str keys[2] = {standard >= 0 ? genops_conventions[GENOPS_CONVENTION_TEAM + standard].name : key, key};
	for (int i = 0; i < 2; i++) {
		if (genops_item_attribute(item->encoded, genops_item_attributes_field(item->signal), keys[i], ret_value) ||
		    genops_item_attribute(item->resource->encoded, GENOPS_OTLP_RESOURCE_ATTRIBUTES, keys[i], ret_value))
			return true;
	}
	return false;
}

static bool is_of(const struct enforcing *enforcing, const struct genops_processor_budget *budget, const struct genops_item *item)
{
	for (size_t i = 0; i < budget->n_match; i++) {
		struct genops_otlp_value value;
		if (!find_value(item, budget->match[i].key, &value))
			return false;
		genops_str text = genops_item_value_text(&value, &enforcing->run->arena);
		if (!text.ptr || !genops_str_equal(text, budget->match[i].value))
			return false;
	}
	return true;
}

static bool is_used_up(struct enforcing *enforcing, size_t i)
{
	const struct genops_service_asks *asks = &enforcing->run->asks;
	const struct genops_processor_budget *budget = &enforcing->settings->budgets[i];
	int64_t limit = 0, consumed = 0;
	if (!enforcing->is_known[i]) {
		enforcing->is_known[i] = true;
		enforcing->is_used_up[i] = asks->budget &&
					   asks->budget(asks->arg, budget->name, enforcing->run->now_unix_ns, &limit, &consumed) &&
					   consumed >= limit;
		enforcing->consumed_nano_usd[i] = consumed;
	}
	return enforcing->is_used_up[i];
}

static int put_figures(struct genops_item_map *map, const struct genops_processor_budget *budget, int64_t consumed, struct genops_error *err)
{
	const struct {
		enum genops_convention row;
		struct genops_otlp_value value;
	} figures[] = {{GENOPS_CONVENTION_BUDGET_NAME, {.type = GENOPS_OTLP_STRING, .bytes = budget->name}},
	    {GENOPS_CONVENTION_BUDGET_LIMIT, {.type = GENOPS_OTLP_DOUBLE, .number = genops_money_to_usd(budget->limit_nano_usd)}},
	    {GENOPS_CONVENTION_BUDGET_CONSUMED, {.type = GENOPS_OTLP_DOUBLE, .number = genops_money_to_usd(consumed)}},
	    {GENOPS_CONVENTION_BUDGET_REMAINING, {.type = GENOPS_OTLP_DOUBLE, .number = genops_money_to_usd(budget->limit_nano_usd - consumed)}},
	    {GENOPS_CONVENTION_BUDGET_PERIOD, {.type = GENOPS_OTLP_STRING, .bytes = genops_str_of(periods[budget->period])}}};
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		GENOPS_TRY(genops_item_map_set(map, genops_conventions[figures[i].row].name, figures[i].value, err));
	return GENOPS_OK;
}

static int enforce_item(
    void *arg, const struct genops_item *item, struct genops_buffer *out, enum genops_item_outcome *ret_outcome, struct genops_error *err)
{
	struct enforcing *enforcing = arg;
	struct genops_item_map *map = &enforcing->run->map;
	uint32_t field = genops_item_attributes_field(item->signal);
	bool is_loaded = false;
	for (size_t i = 0; i < enforcing->settings->n_budgets; i++) {
		const struct genops_processor_budget *budget = &enforcing->settings->budgets[i];
		if (!is_used_up(enforcing, i) || !is_of(enforcing, budget, item))
			continue;
		enum genops_result result = budget->is_blocking ? GENOPS_BLOCKED : GENOPS_WARNING;
		const struct genops_item_mark mark = {.policy = budget->name,
		    .reason = GENOPS_STR("the budget is used up"),
		    .action = budget->is_blocking ? GENOPS_STR("block") : GENOPS_STR("alert"),
		    .result = result,
		    .code = GENOPS_REASON_BUDGET_EXCEEDED};
		if (!is_loaded)
			GENOPS_TRY(genops_item_map_load(map, item->encoded, field, err));
		is_loaded = true;
		if (!genops_item_mark_is_news(map, result))
			continue;
		GENOPS_TRY(genops_item_mark_set(map, &mark, err));
		GENOPS_TRY(put_figures(map, budget, enforcing->consumed_nano_usd[i], err));
	}
	if (!is_loaded || !map->is_changed)
		return GENOPS_OK;
	genops_item_map_put(map, item->encoded, field, out);
	*ret_outcome = GENOPS_ITEM_CHANGE;
	return GENOPS_OK;
}

static int apply(const struct genops_processor *processor, struct genops_processor_run *run, const struct genops_envelope *envelope,
    struct genops_buffer *out, bool *ret_is_same, struct genops_error *err)
{
	struct enforcing enforcing = {.settings = processor->settings, .run = run};
	return genops_item_walk(run, envelope, enforce_item, &enforcing, out, ret_is_same, err);
}

/* --- reading --- */

static int no_memory(const struct genops_yaml_rows *in)
{
	return genops_fail(in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
}

static int make_name(const struct genops_yaml_rows *in, const struct genops_processor *processor, struct genops_processor_budget *budget)
{
	struct genops_buffer name;
	genops_buffer_init(&name, 512);
	genops_buffer_add(&name, processor->name);
	genops_buffer_add_char(&name, ':');
	for (size_t i = 0; i < budget->n_match; i++)
		genops_buffer_printf(&name, " %.*s=%.*s", GENOPS_STR_ARG(budget->match[i].key), GENOPS_STR_ARG(budget->match[i].value));
	genops_buffer_printf(&name, " %s", periods[budget->period]);
	bool is_made = !name.error && genops_arena_dup(in->arena, genops_buffer_view(&name), &budget->name);
	int code = name.error == GENOPS_LIMIT ? genops_fail(in->err, GENOPS_CONFIG, "a budget's attributes are too long: give it a name") : GENOPS_OK;
	genops_buffer_done(&name);
	return is_made ? GENOPS_OK : code != GENOPS_OK ? code : no_memory(in);
}

static int read_budget(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, const char *what,
    const struct genops_processor *processor, struct genops_processor_budget *budget)
{
	struct budget raw = {0};
	GENOPS_TRY(genops_yaml_rows_expect(in, node, what, GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_yaml_rows_section(in, node, what, budget_rows, &raw));
	if (raw.match.n > MATCH_MAX)
		return genops_yaml_rows_fail(in, node, NULL, "%s: a budget matches at most %d attributes", what, MATCH_MAX);
	budget->match = genops_arena_alloc(in->arena, (raw.match.n + GENOPS_ATTRIBUTE_N_STANDARD) * sizeof *budget->match);
	if (!budget->match)
		return no_memory(in);
	for (int i = 0; i < GENOPS_ATTRIBUTE_N_STANDARD; i++) {
		if (raw.standard[i].len)
			budget->match[budget->n_match++] =
			    (struct genops_text_pair){genops_str_of(budget_rows[i].name), raw.standard[i]};
	}
	for (size_t i = 0; i < raw.match.n; i++)
		budget->match[budget->n_match++] = raw.match.items[i];
	budget->limit_nano_usd = raw.limit_nano_usd;
	budget->period = raw.period;
	budget->is_blocking = raw.action == 0;
	budget->timezone = raw.timezone;
	budget->node = node;
	budget->name = raw.name;
	return raw.name.len ? GENOPS_OK : make_name(in, processor, budget);
}

static int compile(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in)
{
	struct genops_processor_budget_enforcer *settings = processor->settings;
	const struct genops_yaml_node *list = genops_yaml_rows_get(node, rows, "budgets");
	char what[128];
	snprintf(what, sizeof what, "processor \"%.100s\"", processor->name.ptr);
	if (!list)
		return genops_yaml_rows_fail(in, node, NULL, "%s needs \"budgets\"", what);
	GENOPS_TRY(genops_yaml_rows_expect(in, list, what, GENOPS_YAML_SEQUENCE));
	if (!list->n || list->n > BUDGETS_MAX)
		return genops_yaml_rows_fail(in, list, NULL, "%s takes 1 to %d budgets", what, BUDGETS_MAX);
	settings->budgets = genops_arena_alloc(in->arena, list->n * sizeof *settings->budgets);
	if (!settings->budgets)
		return no_memory(in);
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_budget(in, entry->value, what, processor, &settings->budgets[settings->n_budgets++]));
	return GENOPS_OK;
}

const struct genops_processor_type genops_processor_type_budget_enforcer = {
    .name = "genops/budget_enforcer",
    .summary = "Budgets that spans, too, are counted against; what passes while one is used up is marked.",
    .rows = rows,
    .parts = parts,
    .settings_size = sizeof(struct genops_processor_budget_enforcer),
    .signals = 1u << GENOPS_SIGNAL_TRACES,
    .compile = compile,
    .apply = apply,
};
