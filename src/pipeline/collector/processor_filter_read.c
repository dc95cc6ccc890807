/* SPDX-License-Identifier: Apache-2.0
 * pipeline/collector/processor_filter_read.c - the filter processor's section: spans, metrics, logs, traces, and *_conditions. */
#include "pipeline/collector/processor_filter.h"

#include "base/str.h"

#include <stdio.h>

static const char *const error_modes[] = {"propagate", "ignore", "silent", NULL};

#define CUSTOM(key, says) {.name = key, .type = GENOPS_OPTION_CUSTOM, .text = says}
#define ERROR_MODE(place)                                                                             \
	{.name = "error_mode",                                                                        \
	    .type = GENOPS_OPTION_ENUM,                                                               \
	    .offset = place,                                                                          \
	    .default_text = "propagate",                                                              \
	    .names = error_modes,                                                                     \
	    .text = "a condition that cannot be evaluated: propagate: the request goes to the dead letters; ignore: the next condition " \
		    "is asked, and it is logged; silent: the next one is asked"}

const struct genops_option genops_filter_rows[] = {
    ERROR_MODE(offsetof(struct genops_filter, error_mode)),
    CUSTOM("spans", "include and exclude, of traces"),
    CUSTOM("traces", "conditions that drop: resource, span, spanevent"),
    CUSTOM("metrics", "include and exclude, or conditions that drop: resource, metric, datapoint"),
    CUSTOM("logs", "include and exclude, or conditions that drop: resource, log_record"),
    CUSTOM("trace_conditions", "conditions that drop; each path says of what it is (span.name), or a list of context and conditions"),
    CUSTOM("metric_conditions", "the same of metrics and data points"),
    CUSTOM("log_conditions", "the same of log records"),
    {.name = NULL},
};

#define INCLUDE CUSTOM("include", "only these go on"), CUSTOM("exclude", "these do not")
static const struct genops_option spans_rows[] = {INCLUDE, {.name = NULL}};
static const struct genops_option traces_rows[] = {CUSTOM("resource", "drops all of a resource"), CUSTOM("span", "drops a span"),
    CUSTOM("spanevent", "drops an event of a span"), {.name = NULL}};
static const struct genops_option metrics_rows[] = {INCLUDE, CUSTOM("resource", "drops all of a resource"),
    CUSTOM("metric", "drops a metric"), CUSTOM("datapoint", "drops a data point"), {.name = NULL}};
static const struct genops_option logs_rows[] = {INCLUDE, CUSTOM("resource", "drops all of a resource"),
    CUSTOM("log_record", "drops a log record"), {.name = NULL}};

struct group {
	genops_str context;
	int error_mode;
};
static const struct genops_option group_rows[] = {
    {.name = "context",
	.type = GENOPS_OPTION_TEXT,
	.offset = offsetof(struct group, context),
	.text = "resource, scope, span, spanevent, metric, datapoint or log; unset: each path says it"},
    {.name = "conditions", .type = GENOPS_OPTION_CUSTOM, .is_required = true, .text = "if one holds, it is dropped"},
    ERROR_MODE(offsetof(struct group, error_mode)),
    {.name = NULL},
};

const struct genops_processor_part genops_filter_parts[] = {
    {"spans", "", spans_rows},
    {"traces", "Lists of conditions: `attributes[\"genops.team\"] == \"search\"`, see collector.md.", traces_rows},
    {"metrics", "", metrics_rows},
    {"logs", "", logs_rows},
    {"*.include, *.exclude", "", genops_item_match_rows},
    {"*.include.attributes[], resources[]", "", genops_item_match_attribute_rows},
    {"*.include.libraries[]", "", genops_item_match_library_rows},
    {"*.include.log_severity_number", "", genops_item_match_severity_rows},
    {"*_conditions[]", "", group_rows},
    {.name = NULL},
};

struct reading {
	const struct genops_yaml_rows *in;
	struct genops_filter *filter;
	const char *what;
	enum genops_signal signal;
};

/* --- conditions --- */

static struct genops_filter_conditions *conditions_of(struct genops_filter_signal *signal, enum genops_condition_context context)
{
	bool is_part = context == GENOPS_CONDITION_SPANEVENT || context == GENOPS_CONDITION_DATAPOINT;
	return is_part ? &signal->parts : &signal->items;
}

static int add_condition(const struct reading *reading, const struct genops_yaml_node *node, const struct genops_filter_condition *added)
{
	struct genops_filter_conditions *to =
	    conditions_of(&reading->filter->signals[reading->signal], added->condition.context);
	if (to->n == GENOPS_FILTER_CONDITIONS_MAX)
		return genops_yaml_rows_fail(reading->in, node, NULL, "there are more than %d conditions", GENOPS_FILTER_CONDITIONS_MAX);
	if (!(to->n & (to->n - 1))) { /* at each power of two */
		struct genops_filter_condition *items =
		    genops_arena_alloc(reading->in->arena, (to->n ? 2 * to->n : 1) * sizeof *items);
		if (!items)
			return genops_fail(reading->in->err, GENOPS_NOMEM, "out of memory while reading the configuration");
		for (size_t i = 0; i < to->n; i++)
			items[i] = to->items[i];
		to->items = items;
	}
	to->items[to->n++] = *added;
	return GENOPS_OK;
}

static int read_condition(const struct reading *reading, const struct genops_yaml_node *node, enum genops_condition_context context,
    enum genops_filter_error_mode error_mode)
{
	struct genops_filter_condition added = {.error_mode = error_mode};
	struct genops_error why = {0};
	genops_str text;
	GENOPS_TRY(genops_yaml_rows_text(reading->in, node, reading->what, &text));
	int code = genops_condition_compile(text, reading->signal, context, reading->in->arena, &added.condition, &why);
	if (code == GENOPS_NOMEM)
		return genops_fail(reading->in->err, code, "%s", why.message);
	if (code != GENOPS_OK)
		return genops_yaml_rows_fail(reading->in, node, why.fix, "%s: at character %d of the condition: %s", reading->what, why.column,
		    why.message);
	code = add_condition(reading, node, &added);
	if (code != GENOPS_OK)
		genops_condition_done(&added.condition);
	return code;
}

/* A list of conditions, or one. */
static int read_conditions(const struct reading *reading, const struct genops_yaml_node *node, enum genops_condition_context context,
    enum genops_filter_error_mode error_mode)
{
	if (!node)
		return GENOPS_OK;
	if (node->kind != GENOPS_YAML_SEQUENCE)
		return read_condition(reading, node, context, error_mode);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(read_condition(reading, entry->value, context, error_mode));
	return GENOPS_OK;
}

static int read_group(const struct reading *reading, const struct genops_yaml_node *node)
{
	enum genops_condition_context context = GENOPS_CONDITION_INFERRED;
	struct group group = {0};
	GENOPS_TRY(genops_yaml_rows_section(reading->in, node, reading->what, group_rows, &group));
	enum genops_filter_error_mode mode = (enum genops_filter_error_mode)(
	    genops_yaml_get(node, "error_mode") ? group.error_mode : reading->filter->error_mode);
	for (int i = 0; i < GENOPS_CONDITION_INFERRED; i++) {
		if (genops_str_is(group.context, genops_condition_context_name((enum genops_condition_context)i)))
			context = (enum genops_condition_context)i;
	}
	if (group.context.len && context == GENOPS_CONDITION_INFERRED)
		return genops_yaml_rows_fail(reading->in, genops_yaml_get(node, "context"), group_rows[0].text, "%s: there is no context \"%.*s\"",
		    reading->what, group.context.len > 32 ? 32 : (int)group.context.len, group.context.ptr);
	return read_conditions(reading, genops_yaml_get(node, "conditions"), context, mode);
}

/* trace_conditions and its like. */
static int read_groups(struct reading *reading, const struct genops_yaml_node *node, enum genops_signal signal)
{
	reading->signal = signal;
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(reading->in, node, reading->what, GENOPS_YAML_SEQUENCE));
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		const struct genops_yaml_node *value = entry->value;
		GENOPS_TRY(value->kind == GENOPS_YAML_MAPPING
			       ? read_group(reading, value)
			       : read_condition(reading, value, GENOPS_CONDITION_INFERRED,
				     (enum genops_filter_error_mode)reading->filter->error_mode));
	}
	return GENOPS_OK;
}

/* --- include, exclude --- */

static int read_match(const struct reading *reading, const struct genops_yaml_node *section, const char *key, struct genops_item_match *match)
{
	const struct genops_yaml_node *node = genops_yaml_get(section, key);
	if (node && genops_yaml_is_null(node))
		node = NULL;
	GENOPS_TRY(genops_item_match_read(reading->in, node, reading->what, match));
	const char *misfit = genops_item_match_misfit(match, reading->signal);
	return misfit ? genops_yaml_rows_fail(reading->in, node, misfit, "%s: %s does not say what to match", reading->what, key) : GENOPS_OK;
}

static int read_matches(const struct reading *reading, const struct genops_yaml_node *section)
{
	struct genops_filter_signal *signal = &reading->filter->signals[reading->signal];
	GENOPS_TRY(read_match(reading, section, "include", &signal->include));
	GENOPS_TRY(read_match(reading, section, "exclude", &signal->exclude));
	signal->exclude.is_any_of = true;
	return GENOPS_OK;
}

/* --- sections --- */

struct context_key {
	const char *key;
	enum genops_condition_context context;
};

static int read_signal(struct reading *reading, const struct genops_yaml_node *section, enum genops_signal signal,
    const struct genops_option *rows, const struct context_key *keys, size_t n_keys)
{
	reading->signal = signal;
	if (!section)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(reading->in, section, reading->what, GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_yaml_rows_section(reading->in, section, reading->what, rows, reading->filter));
	if (genops_option_find(rows, GENOPS_STR("include")))
		GENOPS_TRY(read_matches(reading, section));
	for (size_t i = 0; i < n_keys; i++)
		GENOPS_TRY(read_conditions(reading, genops_yaml_rows_get(section, rows, keys[i].key), keys[i].context,
		    (enum genops_filter_error_mode)reading->filter->error_mode));
	return GENOPS_OK;
}

static int check_mixed(const struct reading *reading, const struct genops_yaml_node *node)
{
	for (int i = 0; i < GENOPS_SIGNAL_N; i++) {
		const struct genops_filter_signal *signal = &reading->filter->signals[i];
		bool has_match = signal->include.is_set || signal->exclude.is_set;
		if (has_match && (signal->items.n || signal->parts.n))
			return genops_yaml_rows_fail(reading->in, node, "make two filters of it",
			    "%s: conditions and include or exclude do not go together for %s", reading->what,
			    genops_signal_name((enum genops_signal)i));
	}
	return GENOPS_OK;
}

int genops_filter_read(struct genops_processor *processor, const struct genops_yaml_node *node, const struct genops_yaml_rows *in)
{
	static const struct context_key traces[] = {{"resource", GENOPS_CONDITION_RESOURCE}, {"span", GENOPS_CONDITION_SPAN},
	    {"spanevent", GENOPS_CONDITION_SPANEVENT}};
	static const struct context_key metrics[] = {{"resource", GENOPS_CONDITION_RESOURCE}, {"metric", GENOPS_CONDITION_METRIC},
	    {"datapoint", GENOPS_CONDITION_DATAPOINT}};
	static const struct context_key logs[] = {{"resource", GENOPS_CONDITION_RESOURCE}, {"log_record", GENOPS_CONDITION_LOG}};
	char what[128];
	snprintf(what, sizeof what, "processor \"%.100s\"", processor->name.ptr);
	struct reading reading = {.in = in, .filter = processor->settings, .what = what};
	const struct genops_option *rows = genops_filter_rows;
	GENOPS_TRY(read_signal(
	    &reading, genops_yaml_rows_get(node, rows, "spans"), GENOPS_SIGNAL_TRACES, spans_rows, NULL, 0));
	GENOPS_TRY(read_signal(
	    &reading, genops_yaml_rows_get(node, rows, "traces"), GENOPS_SIGNAL_TRACES, traces_rows, traces, 3));
	GENOPS_TRY(read_signal(
	    &reading, genops_yaml_rows_get(node, rows, "metrics"), GENOPS_SIGNAL_METRICS, metrics_rows, metrics, 3));
	GENOPS_TRY(read_signal(&reading, genops_yaml_rows_get(node, rows, "logs"), GENOPS_SIGNAL_LOGS, logs_rows, logs, 2));
	GENOPS_TRY(read_groups(&reading, genops_yaml_rows_get(node, rows, "trace_conditions"), GENOPS_SIGNAL_TRACES));
	GENOPS_TRY(read_groups(&reading, genops_yaml_rows_get(node, rows, "metric_conditions"), GENOPS_SIGNAL_METRICS));
	GENOPS_TRY(read_groups(&reading, genops_yaml_rows_get(node, rows, "log_conditions"), GENOPS_SIGNAL_LOGS));
	return check_mixed(&reading, node);
}
