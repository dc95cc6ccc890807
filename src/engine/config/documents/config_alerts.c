/* SPDX-License-Identifier: Apache-2.0
 * engine/config/documents/config_alerts.c - `alerts`: who is told of budgets and of the engine's own health, and the rules for the latter.
 *
 * Rules are read as the Cribl guide writes them ("Alert Rules:" of sources, "monitoring:"), or plainly. A target of
 * "monitoring: metrics_to_watch:" is a rule that it is not missed. The channels of a guide's
 * rule (Slack, PagerDuty, Email) are names, not destinations: `notify` maps them, else the only destination that fits the name is it. */
#include "engine/config/documents/documents.h"

#include "base/clock.h"
#include "base/str.h"
#include "export/destination.h"

#include <stdio.h>

#define RULES_MAX   200
#define TARGETS_MAX 32

struct target {
	genops_str destination;
	int64_t from;
};

struct rule {
	genops_str name, condition, remedy;
	int severity;
	int64_t for_ns;
	struct genops_texts notify;
};

struct alerts {
	struct genops_text_map notify;
	int64_t silence_ns;
};

static const char *const severities[] = {"critical", "high", "medium", "low", "warning", "info", "error", NULL};

const struct genops_option genops_config_alert_rows[] = {
    {.name = "to", .type = GENOPS_OPTION_CUSTOM, .text = "ids of destinations: budgets' alerts, and rules that name nobody; {destination: ID, from: 90} is told of budgets from 90 % on"},
    {.name = "notify", .type = GENOPS_OPTION_MAP, .offset = offsetof(struct alerts, notify), .text = "which destination a channel of a rule is: {Slack: ID, PagerDuty: ID, Email: ID}"},
    {.name = "silence", .type = GENOPS_OPTION_DURATION, .offset = offsetof(struct alerts, silence_ns), .default_text = "5m", .min = 1, .max = 86400, .text = "how long nothing may come until source_status is \"down\""},
    {.name = "rules", .type = GENOPS_OPTION_CUSTOM, .text = "inline, or paths of files"},
    {.name = NULL},
};

const struct genops_option genops_config_alert_target_rows[] = {
    {.name = "destination", .type = GENOPS_OPTION_TEXT, .offset = offsetof(struct target, destination), .is_required = true, .text = "its id"},
    {.name = "from", .type = GENOPS_OPTION_INT, .offset = offsetof(struct target, from), .max = 1000, .text = "percent of a budget; what is below is not told there"},
    {.name = NULL},
};

#define AT(field) offsetof(struct rule, field)
#define ALIAS(name) .aliases = (const char *const[]){name, NULL}
const struct genops_option genops_config_alert_rule_rows[] = {
    {.name = "name", .type = GENOPS_OPTION_TEXT, .offset = AT(name), .is_required = true, .text = "in every message", ALIAS("Name")},
    {.name = "condition", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "over the gauges of docs/alerts.md: error_rate > 5%", ALIAS("Condition")},
    {.name = "for", .type = GENOPS_OPTION_DURATION, .offset = AT(for_ns), .max = 86400 * 7, .text = "how long it must hold", ALIAS("For")},
    {.name = "severity", .type = GENOPS_OPTION_CUSTOM, .text = "critical, high, medium, low, warning, info; unset: warning", ALIAS("Severity")},
    {.name = "notify", .type = GENOPS_OPTION_LIST, .offset = AT(notify), .text = "ids of destinations, or channels of alerts.notify; unset: alerts.to", .aliases = (const char *const[]){"Notification", "notification", NULL}},
    {.name = "remedy", .type = GENOPS_OPTION_TEXT, .offset = AT(remedy), .text = "what to do; unset: what the gauge stands for"},
    {.name = NULL},
};

struct reading {
	const struct genops_yaml_node *notify_node;
	struct genops_text_map notify;
};

/* --- who is told --- */

static int fail_destination(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str id)
{
	const struct genops_config *config = reader->config;
	const char *names[64];
	char fix[160];
	size_t n = 0;
	for (; n < config->n_destinations && n < 64; n++)
		names[n] = config->destinations[n].name.ptr;
	const char *nearest = genops_str_nearest(id, names, n);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%.100s\"?", nearest);
	else
		snprintf(fix, sizeof fix, "add a document with that id to destinations, or say which one it is in alerts.notify");
	return genops_config_read_fail(reader, node, fix, "alerts: there is no destination \"%.*s\"", (int)(id.len > 100 ? 100 : id.len), id.ptr);
}

static bool takes_alerts(const struct genops_config_exporter *destination)
{
	const struct genops_destination_type *type = genops_destination_type_find(destination->type);
	return type && (type->takes & GENOPS_TAKES(GENOPS_ITEM_EVENT));
}

static int use(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str id,
    const struct genops_config_exporter **ret)
{
	const struct genops_config_exporter *found = genops_config_destination_find(reader->config, id);
	if (!found)
		return fail_destination(reader, node, id);
	if (!takes_alerts(found))
		return genops_config_read_fail(reader, node, "name one of type slack, pagerduty or webhook",
		    "alerts: destination \"%.100s\" of type %.64s takes no events", found->name.ptr, found->type.ptr);
	*ret = found;
	return GENOPS_OK;
}

static int read_target(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_config_alert_target *ret_target)
{
	const struct genops_config_exporter *found;
	struct target target = {.from = 0};
	if (node->kind == GENOPS_YAML_SCALAR)
		GENOPS_TRY(genops_config_read_text(reader, node, "to", &target.destination));
	else
		GENOPS_TRY(genops_config_read_section(reader, node, "alerts.to", genops_config_alert_target_rows, &target));
	GENOPS_TRY(use(reader, node, target.destination, &found));
	*ret_target = (struct genops_config_alert_target){found->name, target.from};
	return GENOPS_OK;
}

static int read_targets(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_alerts *alerts = &reader->config->alerts;
	if (!node)
		return GENOPS_OK;
	alerts->targets = genops_arena_alloc(reader->arena, TARGETS_MAX * sizeof *alerts->targets);
	if (!alerts->targets)
		return genops_config_read_no_memory(reader);
	if (node->kind != GENOPS_YAML_SEQUENCE) {
		alerts->n_targets = 1;
		return read_target(reader, node, &alerts->targets[0]);
	}
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		if (alerts->n_targets == TARGETS_MAX)
			return genops_config_read_fail(reader, entry->value, NULL, "alerts.to names more than %d destinations", TARGETS_MAX);
		GENOPS_TRY(read_target(reader, entry->value, &alerts->targets[alerts->n_targets++]));
	}
	return GENOPS_OK;
}

/* "PagerDuty" is the destination of type pagerduty, "Slack" the one of type slack or whose id says so; if there is just one. */
static const struct genops_config_exporter *guess(const struct genops_config *config, genops_str channel)
{
	const struct genops_config_exporter *found = NULL;
	char pattern[128];
	size_t n = 0;
	snprintf(pattern, sizeof pattern, "*%.*s*", (int)(channel.len > 100 ? 100 : channel.len), channel.ptr);
	for (size_t i = 0; i < config->n_destinations; i++) {
		const struct genops_config_exporter *destination = &config->destinations[i];
		bool fits = genops_str_is_nocase(channel, destination->type.ptr) || genops_str_glob(genops_str_of(pattern), destination->name, true);
		if (!fits || !takes_alerts(destination))
			continue;
		found = destination;
		n++;
	}
	return n == 1 ? found : NULL;
}

static int find_channel(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *node,
    genops_str channel, const struct genops_config_exporter **ret)
{
	for (size_t i = 0; i < reading->notify.n; i++) {
		if (genops_str_equal_nocase(reading->notify.items[i].key, channel))
			return use(reader, reading->notify_node, reading->notify.items[i].value, ret);
	}
	*ret = genops_config_destination_find(reader->config, channel);
	if (*ret)
		return use(reader, node, channel, ret);
	*ret = guess(reader->config, channel);
	if (*ret || !genops_str_is_nocase(channel, "email"))
		return *ret ? GENOPS_OK : fail_destination(reader, node, channel);
	return genops_config_read_warn(reader, node, "alerts: {notify: {Email: ID}} with the id of a webhook that sends mail",
	    "nobody is told by Email: there is no destination for it");
}

static int read_notify(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *node,
    const struct genops_texts *channels, struct genops_alert_rule *rule)
{
	const struct genops_config_alerts *alerts = &reader->config->alerts;
	genops_str *targets = genops_arena_alloc(reader->arena, (channels->n + alerts->n_targets + 1) * sizeof *targets);
	if (!targets)
		return genops_config_read_no_memory(reader);
	rule->targets = targets;
	for (size_t i = 0; !channels->n && i < alerts->n_targets; i++)
		targets[rule->n_targets++] = alerts->targets[i].destination;
	for (size_t i = 0; i < channels->n; i++) {
		const struct genops_config_exporter *found = NULL;
		GENOPS_TRY(find_channel(reader, reading, node, channels->items[i], &found));
		for (size_t k = 0; found && k < rule->n_targets; k++)
			found = genops_str_equal(targets[k], found->name) ? NULL : found;
		if (found)
			targets[rule->n_targets++] = found->name;
	}
	return GENOPS_OK;
}

/* --- rules --- */

static int read_severity(struct genops_config_reader *reader, const struct genops_yaml_node *node, genops_str *ret)
{
	genops_str text;
	*ret = GENOPS_STR("warning");
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_text(reader, node, "severity", &text));
	for (size_t i = 0; severities[i]; i++) {
		if (genops_str_is_nocase(text, severities[i])) {
			*ret = genops_str_of(severities[i]);
			return GENOPS_OK;
		}
	}
	return genops_config_read_fail(reader, node, "write critical, high, medium, low, warning or info", "severity \"%.64s\" is not known", text.ptr);
}

static int compile_condition(struct genops_config_reader *reader, const struct genops_yaml_node *node, struct genops_alert_rule *rule)
{
	struct genops_error inner = {0};
	int code = genops_alert_rule_compile(rule->condition, &rule->expression, &inner);
	if (code == GENOPS_NOMEM)
		return genops_config_read_no_memory(reader);
	return code == GENOPS_OK ? code
				 : genops_config_read_fail(reader, node, inner.fix[0] ? inner.fix : NULL, "condition: %s", inner.message);
}

/* Room for one more, with a name that no other has. It counts when its condition is compiled. */
static int begin_rule(struct genops_config_reader *reader, const struct genops_yaml_node *node, const struct rule *raw,
    struct genops_alert_rule **ret_rule)
{
	struct genops_config_alerts *alerts = &reader->config->alerts;
	for (size_t i = 0; i < alerts->n_rules; i++) {
		if (genops_str_equal(alerts->rules[i].name, raw->name))
			return genops_config_read_fail(
			    reader, node, "give one of them another name", "there are two alert rules \"%.100s\"", raw->name.ptr);
	}
	if (!alerts->rules)
		alerts->rules = genops_arena_alloc(reader->arena, RULES_MAX * sizeof *alerts->rules);
	if (!alerts->rules)
		return genops_config_read_no_memory(reader);
	if (alerts->n_rules == RULES_MAX)
		return genops_config_read_fail(reader, node, NULL, "there are more than %d alert rules", RULES_MAX);
	*ret_rule = &alerts->rules[alerts->n_rules];
	**ret_rule = (struct genops_alert_rule){.name = raw->name, .remedy = raw->remedy, .for_ns = raw->for_ns};
	return GENOPS_OK;
}

static int read_rule(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *node)
{
	const struct genops_option *rows = genops_config_alert_rule_rows;
	const struct genops_yaml_node *name = genops_config_read_get(node, rows, "name"), *notify = genops_config_read_get(node, rows, "notify");
	const struct genops_yaml_node *condition = genops_config_read_get(node, rows, "condition");
	struct genops_alert_rule *rule;
	struct rule raw = {.for_ns = 0};
	GENOPS_TRY(genops_config_read_section(reader, node, "an alert rule", rows, &raw));
	GENOPS_TRY(begin_rule(reader, name ? name : node, &raw, &rule));
	GENOPS_TRY(read_severity(reader, genops_config_read_get(node, rows, "severity"), &rule->severity));
	GENOPS_TRY(read_notify(reader, reading, notify ? notify : node, &raw.notify, rule));
	GENOPS_TRY(genops_config_read_expect(reader, condition, "condition", GENOPS_YAML_SCALAR));
	if (!genops_arena_dup(reader->arena, genops_str_trim(condition->text), &rule->condition))
		return genops_config_read_no_memory(reader);
	GENOPS_TRY(compile_condition(reader, condition, rule));
	reader->config->alerts.n_rules++;
	return GENOPS_OK;
}

static int read_list(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *list, const char *what)
{
	GENOPS_TRY(genops_config_read_expect(reader, list, what, GENOPS_YAML_SEQUENCE));
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_rule(reader, reading, entry->value));
	return GENOPS_OK;
}

/* --- what is to be watched --- */

#define TARGET_FOR_NS (60 * GENOPS_NS_PER_S)
#define WATCHED_FIX   "write it like cpu_utilization (target: < 70%)"

/* A target that is missed: "< 70%" becomes ">= 70". false: it is none. */
static bool turn_round(genops_str target, bool is_seconds, char *out, size_t size)
{
	static const char *const signs[][2] = {{"<=", ">"}, {">=", "<"}, {"<", ">="}, {">", "<="}};
	size_t sign = 0;
	double number = 0;
	int64_t ns;
	target = genops_str_trim(target);
	while (sign < 4 && !genops_str_starts(target, genops_str_of(signs[sign][0])))
		sign++;
	if (sign == 4)
		return false;
	target = genops_str_trim(genops_str_skip(target, strlen(signs[sign][0])));
	if (is_seconds && genops_option_parse_duration(target, &ns)) {
		number = (double)ns / (double)GENOPS_NS_PER_S;
	} else {
		if (target.len && !is_seconds && target.ptr[target.len - 1] == '%')
			target = genops_str_trim((genops_str){target.ptr, target.len - 1});
		if (!genops_str_to_double(target, &number))
			return false;
	}
	return snprintf(out, size, "%s %.15g", signs[sign][1], number) < (int)size;
}

/* Who is told by alerts.to; without it the log and the audit trail are. */
static int watch_target(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *node, genops_str name,
    genops_str target)
{
	char condition[160], title[160], bound[64];
	const struct genops_texts nobody = {0};
	struct genops_alert_rule *rule;
	struct rule raw = {.for_ns = TARGET_FOR_NS};
	target = genops_str_trim(target);
	if (!turn_round(target, genops_str_ends(name, GENOPS_STR("_lag")) || genops_str_is(name, "source_silence"), bound, sizeof bound))
		return genops_config_read_fail(reader, node, WATCHED_FIX, "metrics_to_watch: \"%.*s\" is no target of %.*s",
		    (int)(target.len > 64 ? 64 : target.len), target.ptr, GENOPS_STR_ARG(name));
	snprintf(condition, sizeof condition, "%.*s %s", GENOPS_STR_ARG(name), bound);
	snprintf(title, sizeof title, "Target %.*s %.*s", GENOPS_STR_ARG(name), (int)(target.len > 32 ? 32 : target.len), target.ptr);
	if (!genops_arena_dup(reader->arena, genops_str_of(title), &raw.name))
		return genops_config_read_no_memory(reader);
	GENOPS_TRY(begin_rule(reader, node, &raw, &rule));
	rule->severity = GENOPS_STR("info");
	if (!genops_arena_dup(reader->arena, genops_str_of(condition), &rule->condition))
		return genops_config_read_no_memory(reader);
	GENOPS_TRY(read_notify(reader, reading, node, &nobody, rule));
	GENOPS_TRY(compile_condition(reader, node, rule));
	reader->config->alerts.n_rules++;
	return GENOPS_OK;
}

/* "cpu_utilization (target: < 70%)", which YAML takes for a mapping, or "throughput (events/second)". */
static int watch(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *item)
{
	char text[256], fix[128];
	bool is_pair = item->kind == GENOPS_YAML_MAPPING && item->n == 1 && item->first->value->kind == GENOPS_YAML_SCALAR;
	genops_str key = is_pair ? item->first->key->text : item->text, value = is_pair ? item->first->value->text : (genops_str){0};
	int len = snprintf(text, sizeof text, is_pair ? "%.*s: %.*s" : "%.*s%.*s", GENOPS_STR_ARG(key), GENOPS_STR_ARG(value));
	if (item->kind == GENOPS_YAML_SEQUENCE || (item->kind == GENOPS_YAML_MAPPING && !is_pair) || len >= (int)sizeof text)
		return genops_config_read_fail(reader, item, WATCHED_FIX, "metrics_to_watch: an entry is a metric, and its target in parentheses");
	genops_str rest = genops_str_of(text), name = genops_str_trim(genops_str_split(&rest, '('));
	const char *nearest = genops_str_nearest(name, genops_alert_gauge_names, GENOPS_ALERT_GAUGE_N);
	bool is_known = false;
	for (size_t i = 0; i < GENOPS_ALERT_GAUGE_N; i++)
		is_known |= genops_str_is(name, genops_alert_gauge_names[i]);
	snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest ? nearest : "");
	if (!is_known && nearest)
		return genops_config_read_fail(reader, item, fix, "metrics_to_watch: there is no gauge \"%.*s\"", GENOPS_STR_ARG(name));
	if (!is_known)
		return genops_config_read_warn(reader, item, "remove it; docs/alerts.md says what there is",
		    "metrics_to_watch: \"%.*s\" is not measured: nobody watches it", GENOPS_STR_ARG(name));
	rest = genops_str_trim(genops_str_split(&rest, ')'));
	if (!genops_str_starts(rest, GENOPS_STR("target:"))) /* its unit: /metrics has it */
		return GENOPS_OK;
	return watch_target(reader, reading, item, name, genops_str_skip(rest, 7));
}

static int read_watched(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *list)
{
	GENOPS_TRY(genops_config_read_expect(reader, list, "metrics_to_watch", GENOPS_YAML_SEQUENCE));
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(watch(reader, reading, entry->value));
	return GENOPS_OK;
}

/* The Cribl guide's, a document of `rules` or a section. */
static int read_monitoring(struct genops_config_reader *reader, const struct reading *reading, const struct genops_yaml_node *node)
{
	static const struct genops_option rows[] = {{.name = "metrics_to_watch", .type = GENOPS_OPTION_CUSTOM},
	    {.name = "alerts", .type = GENOPS_OPTION_CUSTOM}, {.name = NULL}};
	char nothing;
	GENOPS_TRY(genops_config_read_section(reader, node, "monitoring", rows, &nothing));
	if (genops_yaml_get(node, "metrics_to_watch"))
		GENOPS_TRY(read_watched(reader, reading, genops_yaml_get(node, "metrics_to_watch")));
	return genops_yaml_get(node, "alerts") ? read_list(reader, reading, genops_yaml_get(node, "alerts"), "alerts") : GENOPS_OK;
}

static int read_document(struct genops_config_reader *reader, const struct genops_yaml_node *node, void *arg)
{
	const struct genops_yaml_node *of_source = genops_yaml_get(node, "Alert Rules"), *monitoring = genops_yaml_get(node, "monitoring");
	if (!of_source && !monitoring)
		return read_rule(reader, arg, node);
	if (node->n > 1)
		return genops_config_read_fail(reader, node, NULL, "beside \"%s\" nothing may stand", of_source ? "Alert Rules" : "monitoring");
	return of_source ? read_list(reader, arg, of_source, "Alert Rules") : read_monitoring(reader, arg, monitoring);
}

int genops_config_alerts_read(struct genops_config_reader *reader, const struct genops_yaml_node *section, const struct genops_yaml_node *monitoring)
{
	const struct genops_option *rows = genops_config_alert_rows;
	struct alerts raw = {.silence_ns = 0};
	GENOPS_TRY(genops_config_read_section(reader, section, "alerts", rows, &raw));
	struct reading reading = {genops_config_read_get(section, rows, "notify"), raw.notify};
	reader->config->alerts.silence_ns = raw.silence_ns;
	GENOPS_TRY(read_targets(reader, genops_config_read_get(section, rows, "to")));
	GENOPS_TRY(genops_config_documents_each(reader, genops_config_read_get(section, rows, "rules"), "an alert rule", GENOPS_PART_MAIN, read_document, &reading));
	return monitoring ? read_monitoring(reader, &reading, monitoring) : GENOPS_OK;
}

void genops_config_alerts_forget(struct genops_config *config)
{
	for (size_t i = 0; i < config->alerts.n_rules; i++)
		genops_expression_free(config->alerts.rules[i].expression);
	config->alerts.n_rules = 0;
}
