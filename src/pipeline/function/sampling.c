/* SPDX-License-Identifier: Apache-2.0
 * pipeline/function/sampling.c - keeps a share of the events; the first rule that matches says how large it is.
 *
 *   rules:
 *     - condition: cost_total > 10      Cribl's name for it: filter
 *       sample_rate: 1.0                0 to 1; or Cribl's rate: N, one of N
 *     - default: 0.1                    when no rule matches; without it such events pass
 *
 * Whole traces are kept or dropped: what decides is a hash of the trace id, the same in every process, and what a lower rate keeps a higher
 * one keeps, too. A hash and not the id's own random bits (W3C level 2, OpenTelemetry's th), because head samplers have already chosen by
 * those: of what they let through, all or nothing would be kept. Without a trace id chance decides.
 * A kept event of which others were dropped gets sampled, how many it stands for (Cribl's name), and sampling.rate, so that sums can be scaled.
 */
#include "pipeline/function.h"

#include "base/hash.h"
#include "base/str.h"
#include "pipeline/read/node.h"

#include <stdio.h>

struct rule {
	struct genops_expression *condition; /* NULL: the default */
	genops_str source, description;
	struct genops_place place;
	double rate;
};

struct sampling {
	size_t n;          /* rules with a condition */
	bool has_default;
	struct rule *rules; /* behind them the default */
	struct genops_value_key trace_id, sampled, rate;
};

static const struct genops_option rows[] = {
    {"rules", GENOPS_OPTION_CUSTOM, 0, .is_required = true,
	.text = "in order, the first that matches counts: {condition, sample_rate 0..1, description}, or Cribl's {filter, rate: one of N}; {default: 0..1} for the others"},
    {NULL}};

static const char *const condition_names[] = {"filter", NULL}, *const rate_names[] = {"rate", NULL};
static const struct genops_option rule_rows[] = {
    {"condition", GENOPS_OPTION_CUSTOM, 0, .aliases = condition_names, .text = "an expression"},
    {"sample_rate", GENOPS_OPTION_CUSTOM, 0, .aliases = rate_names, .text = "the share that is kept"},
    {"default", GENOPS_OPTION_CUSTOM, 0, .text = "the share of what no rule matches"},
    {"description", GENOPS_OPTION_CUSTOM, 0, .text = "for people"},
    {"disabled", GENOPS_OPTION_CUSTOM, 0, .text = "leaves the rule out"},
    {NULL}};

static int read_rate(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const char *name, bool is_one_of, double *ret)
{
	double number;
	GENOPS_TRY(genops_node_number(reader, node, name, &number));
	if (is_one_of && (number < 1 || number > 1e9 || number != (double)(int64_t)number))
		return genops_yaml_rows_fail(&reader->rows, node, "10 keeps one of 10; a share is written sample_rate: 0.1",
		    "rate is %g, not a whole number from 1", number);
	if (!is_one_of && !(number >= 0 && number <= 1))
		return genops_yaml_rows_fail(&reader->rows, node, "0.1 keeps one of 10", "%s is %g, not from 0 to 1", name, number);
	*ret = is_one_of ? 1 / number : number;
	return GENOPS_OK;
}

static int read_default(const struct genops_node_reader *reader, const struct genops_yaml_node *node, const struct genops_yaml_node *value,
    struct sampling *sampling, struct rule *rule)
{
	if (genops_yaml_rows_get(node, rule_rows, "condition") || genops_yaml_rows_get(node, rule_rows, "sample_rate"))
		return genops_yaml_rows_fail(&reader->rows, node, "make two rules of it", "a rule has a condition and a sample_rate, or a default");
	if (sampling->has_default)
		return genops_yaml_rows_fail(&reader->rows, node, "keep one of them", "there are two defaults");
	sampling->has_default = true;
	return read_rate(reader, value, "default", false, &rule->rate);
}

static int read_rule(const struct genops_node_reader *reader, const struct genops_yaml_node *node, struct sampling *sampling, struct rule *ret_default)
{
	struct rule rule = {.place = genops_node_place(reader->reading, node)};
	struct { int none; } nothing;
	GENOPS_TRY(genops_yaml_rows_section(&reader->rows, node, "a sampling rule", rule_rows, &nothing));
	const struct genops_yaml_node *value, *description = genops_yaml_rows_get(node, rule_rows, "description"),
					      *disabled = genops_yaml_rows_get(node, rule_rows, "disabled");
	bool is_disabled;
	GENOPS_TRY(genops_node_boolean(reader, disabled, "disabled", &is_disabled));
	if (is_disabled)
		return GENOPS_OK;
	if (description)
		GENOPS_TRY(genops_node_raw(reader, description, "description", &rule.description));
	if ((value = genops_yaml_rows_get(node, rule_rows, "default"))) {
		GENOPS_TRY(read_default(reader, node, value, sampling, &rule));
		*ret_default = rule;
		return GENOPS_OK;
	}
	const struct genops_yaml_node *rate = genops_yaml_rows_get(node, rule_rows, "sample_rate");
	if (!rate)
		return genops_yaml_rows_fail(&reader->rows, node, "add sample_rate: 0.1, or Cribl's rate: 10", "a sampling rule needs a rate");
	GENOPS_TRY(read_rate(reader, rate, "sample_rate", genops_yaml_get(node, "rate") != NULL, &rule.rate));
	value = genops_yaml_rows_get(node, rule_rows, "condition");
	if (!value)
		return genops_yaml_rows_fail(&reader->rows, node, "add condition: EXPRESSION, or write default: 0.1 instead", "a sampling rule needs a condition");
	const struct genops_yaml_entry *entry = node->first;
	while (entry->value != value)
		entry = entry->next;
	GENOPS_TRY(genops_node_expression(reader, entry->key, value, "condition", &rule.condition, &rule.source));
	sampling->rules[sampling->n++] = rule;
	return GENOPS_OK;
}

static int sampling_read(const struct genops_yaml_node *node, const struct genops_pipeline_reading *reading, struct genops_arena *arena,
    struct genops_function *function, struct genops_error *err)
{
	struct genops_node_reader reader;
	genops_node_reader_init(&reader, reading, arena, err);
	const struct genops_yaml_node *list = genops_yaml_get(node, "rules");
	GENOPS_TRY(genops_yaml_rows_expect(&reader.rows, list, "rules", GENOPS_YAML_SEQUENCE));
	if (list->n > GENOPS_PIPELINE_PARTS_MAX)
		return genops_yaml_rows_fail(&reader.rows, list, "spread them over several functions", "more than %d rules", GENOPS_PIPELINE_PARTS_MAX);
	struct sampling *sampling = genops_arena_alloc(arena, sizeof *sampling);
	if (!sampling || !(sampling->rules = genops_arena_alloc(arena, (list->n + 1) * sizeof *sampling->rules)))
		return genops_fail(err, GENOPS_NOMEM, "no memory for a pipeline");
	function->compiled = sampling;
	struct rule otherwise = {.rate = 1};
	for (const struct genops_yaml_entry *entry = list->first; entry; entry = entry->next)
		GENOPS_TRY(read_rule(&reader, entry->value, sampling, &otherwise));
	sampling->rules[sampling->n] = otherwise;
	sampling->trace_id = genops_value_key_of(GENOPS_STR("trace_id"));
	sampling->sampled = genops_value_key_of(GENOPS_STR("sampled"));
	sampling->rate = genops_value_key_of(GENOPS_STR("sampling.rate"));
	function->n_counts = 1 + sampling->n + 1;
	function->n_fields = 2;
	return GENOPS_OK;
}

static void sampling_done(struct genops_function *function)
{
	const struct sampling *sampling = function->compiled;
	for (size_t i = 0; sampling && i < sampling->n; i++)
		genops_expression_free(sampling->rules[i].condition);
}

/* SplitMix64. */
static uint64_t chance(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Stamps a kept event. Samplers that decide by the same hash keep what the strictest keeps; those by chance multiply. */
static bool stamp(const struct sampling *sampling, double rate, bool is_by_trace, struct genops_value_object *event, struct genops_arena *arena)
{
	const struct genops_value *before = genops_value_object_get(event, &sampling->rate);
	if (before && before->type == GENOPS_VALUE_NUMBER && before->as.number > 0 && before->as.number < 1)
		rate = !is_by_trace ? rate * before->as.number : rate < before->as.number ? rate : before->as.number;
	return genops_value_object_put(arena, event, sampling->sampled, genops_value_number(1 / rate)) &&
	       genops_value_object_put(arena, event, sampling->rate, genops_value_number(rate));
}

static int sampling_apply(const struct genops_function *function, struct genops_pipeline_run *run, struct genops_value_object *event,
    struct genops_pipeline_count *counts, bool *ret_is_dropped, struct genops_error *err)
{
	const struct sampling *sampling = function->compiled;
	size_t i = 0;
	for (; i < sampling->n; i++) {
		struct genops_value value;
		counts[1 + i].n_in++;
		if (genops_function_evaluate(run, sampling->rules[i].condition, &sampling->rules[i].place, event, &counts[1 + i], &value) &&
		    genops_expression_is_true(value))
			break;
	}
	double rate = sampling->rules[i].rate;
	counts[1 + i].n_in += i == sampling->n;
	counts[1 + i].n_matched++;
	if (rate >= 1)
		return GENOPS_OK;
	bool is_kept = false, is_by_trace = false;
	if (rate > 0) {
		const struct genops_value *id = genops_value_object_get(event, &sampling->trace_id);
		is_by_trace = id && id->type == GENOPS_VALUE_TEXT && id->len;
		uint64_t drawn = is_by_trace ? genops_hash_checksum(id->as.text, id->len, 0) : chance(&run->sampling_seed);
		is_kept = (double)(drawn >> 11) * 0x1p-53 < rate;
	}
	if (is_kept && !stamp(sampling, rate, is_by_trace, event, run->expression.arena))
		return genops_fail(err, GENOPS_LIMIT, "the event's memory is used up");
	counts[1 + i].n_dropped += !is_kept;
	*ret_is_dropped = !is_kept;
	return GENOPS_OK;
}

static void sampling_count_name(const struct genops_function *function, size_t i, char *out, size_t size)
{
	const struct sampling *sampling = function->compiled;
	if (i > sampling->n)
		snprintf(out, size, "default");
	else
		snprintf(out, size, "rule %zu", i);
}

static void sampling_facts(const struct genops_function *function, genops_function_fact_fn *fn, void *arg)
{
	const struct sampling *sampling = function->compiled;
	for (size_t i = 0; i < sampling->n + sampling->has_default; i++) {
		const struct rule *rule = &sampling->rules[i];
		struct genops_function_fact fact = {.kind = GENOPS_FACT_RULE, .source = rule->source, .rate = rule->rate, .expression = rule->condition,
		    .place = rule->place};
		fn(arg, &fact);
	}
	struct genops_function_fact stamp[] = {
	    {.kind = GENOPS_FACT_SETS, .field = GENOPS_STR("sampled"), .type = GENOPS_FIELD_NUMBER, .place = function->place},
	    {.kind = GENOPS_FACT_SETS, .field = GENOPS_STR("sampling.rate"), .type = GENOPS_FIELD_NUMBER, .place = function->place}};
	fn(arg, &stamp[0]);
	fn(arg, &stamp[1]);
}

const struct genops_function_type genops_function_type_sampling = {.name = "sampling",
    .summary = "Keeps a share of the events; the first rule that matches says how large it is",
    .rows = rows,
    .rule_rows = rule_rows,
    .text = "What no rule matches passes, unless there is a default. Whole traces are kept or dropped: a hash of the trace id decides, the same in all\n"
	    "processes, and what a lower share keeps a higher one keeps, too. Events without a trace id are kept by chance. A kept event of which\n"
	    "others were dropped has `sampled`, how many it stands for, and `sampling.rate`, the share.",
    .read = sampling_read,
    .done = sampling_done,
    .apply = sampling_apply,
    .count_name = sampling_count_name,
    .facts = sampling_facts};
