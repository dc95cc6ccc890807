/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_processor.c - section `processors`: every instance is read and compiled, also one that no pipeline uses,
 * so that a mistake in it is told.
 *
 * The types are rows of pipeline/collector/processor.h. What the Collector has and GenOps has not is refused where a pipeline uses it:
 * spans that should have been redacted or dropped do not pass in silence. */
#include "engine/config/service/config_pipeline.h"

#include "base/str.h"

#include <stdio.h>

/* The Collector's own, core and contrib, that have no row. */
static const char *const others[] = {"resource", "transform", "redaction", "probabilistic_sampler", "tail_sampling", "span", "metricstransform",
    "groupbytrace", "groupbyattrs", "k8sattributes", "resourcedetection", "cumulativetodelta", "deltatorate", "deltatocumulative", "routing",
    "schema", "sumologic", "interval", "logdedup", "lookup", "metricsgeneration", "metricstarttime", "remotetap", "geoip", "coralogix",
    "isolationforest", "unroll", "dnslookup", "cardinality_guardian", "log_dedup", "tailtracer", "experimental_metricsgeneration", NULL};


static bool is_other(genops_str name)
{
	genops_str rest = name, type = genops_str_split(&rest, '/');
	for (const char *const *other = others; *other; other++) {
		if (genops_str_is(type, *other))
			return true;
	}
	return false;
}

static int find_type(struct genops_config_reader *reader, const struct genops_yaml_node *key, const struct genops_processor_type **ret_type)
{
	char fix[96] = "";
	*ret_type = genops_processor_type_find(key->text);
	if (*ret_type || is_other(key->text))
		return GENOPS_OK;
	const char *nearest = genops_processor_type_nearest(key->text);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(reader, key, fix, "there is no processor type \"%.*s\"",
	    key->text.len > 64 ? 64 : (int)key->text.len, key->text.len ? key->text.ptr : "");
}

static int read_processor(
    struct genops_config_reader *reader, const struct genops_yaml_entry *entry, struct genops_config_plan *plan)
{
	struct genops_service *service = &reader->config->service;
	const struct genops_yaml_node *section = genops_yaml_is_null(entry->value) ? NULL : entry->value;
	const struct genops_processor_type *type;
	struct genops_processor *processor = &service->processors[service->n_processors];
	char what[128];
	GENOPS_TRY(find_type(reader, entry->key, &type));
	if (!type)
		return section ? genops_config_read_check_variables(reader, section) : GENOPS_OK;
	if (!genops_arena_dup(reader->arena, entry->key->text, &processor->name) ||
	    !(processor->settings = genops_arena_alloc(reader->arena, type->settings_size)))
		return genops_config_read_no_memory(reader);
	processor->type = type;
	plan->processor_keys[service->n_processors++] = entry->key;
	snprintf(what, sizeof what, "processor \"%.100s\"", processor->name.ptr);
	const struct genops_yaml_rows in = genops_config_read_in(reader);
	GENOPS_TRY(genops_config_read_section(reader, section, what, type->rows, processor->settings));
	return type->compile ? type->compile(processor, section ? section : entry->key, &in) : GENOPS_OK;
}

int genops_config_processor_read(struct genops_config_reader *reader, struct genops_config_plan *plan)
{
	struct genops_service *service = &reader->config->service;
	const struct genops_yaml_node *node = plan->processors;
	if (!node || genops_yaml_is_null(node))
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, node, "processors", GENOPS_YAML_MAPPING));
	if (node->n > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(reader, node, NULL, "there are more than %d processors", GENOPS_CONFIG_ITEMS_MAX);
	service->processors = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *service->processors);
	plan->processor_keys = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *plan->processor_keys);
	if (!service->processors || !plan->processor_keys)
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(read_processor(reader, entry, plan));
	return GENOPS_OK;
}

int genops_config_processor_find(struct genops_config_reader *reader, const struct genops_yaml_node *at, genops_str name,
    enum genops_signal signal, struct genops_processor **ret_processor)
{
	struct genops_service *service = &reader->config->service;
	for (size_t i = 0; i < service->n_processors; i++) {
		struct genops_processor *processor = &service->processors[i];
		if (!genops_str_equal(processor->name, name))
			continue;
		if (!(processor->type->signals & 1u << signal))
			return genops_config_read_fail(reader, at, "remove it from this pipeline", "processor \"%.100s\" does not work on %s",
			    name.ptr, genops_signal_name(signal));
		const char *misfit = processor->type->misfit ? processor->type->misfit(processor, signal) : NULL;
		if (misfit)
			return genops_config_read_fail(reader, at, misfit, "include or exclude of processor \"%.100s\" does not fit %s",
			    name.ptr, genops_signal_name(signal));
		*ret_processor = processor;
		return GENOPS_OK;
	}
	return genops_config_read_fail(reader, at, "remove it from this pipeline, or send to a Collector that has it",
	    "processor \"%.100s\" of the Collector is not done here", name.ptr);
}

/* --- budgets --- */

static int add_budget(struct genops_config_reader *reader, const struct genops_processor_budget *budget)
{
	struct genops_budget_limit limit = {.n_alerts = 3, .alert_percent = {80, 90, 100}, .timezone = budget->timezone};
	struct genops_budget_rule rule = {.name = budget->name, .level = budget->is_blocking ? GENOPS_LEVEL_BLOCK : GENOPS_LEVEL_WARN};
	struct genops_match_entry *entries = genops_arena_alloc(reader->arena, (budget->n_match + 1) * sizeof *entries);
	const char *slash = strrchr(reader->file, '/');
	char origin[256];
	snprintf(origin, sizeof origin, "%s:%d", slash ? slash + 1 : reader->file, budget->node->line);
	if (!entries || !genops_arena_dup(reader->arena, genops_str_of(origin), &rule.origin))
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < budget->n_match; i++)
		entries[i] = (struct genops_match_entry){budget->match[i].key, 1, &budget->match[i].value, genops_match_part(budget->match[i].key)};
	rule.match = (struct genops_match){budget->n_match, entries};
	limit.limit_nano_usd[budget->period] = budget->limit_nano_usd;
	return genops_config_budget_add(reader, budget->node, &rule, &limit);
}

int genops_config_processor_budgets(struct genops_config_reader *reader)
{
	struct genops_service *service = &reader->config->service;
	for (size_t i = 0; i < service->n_processors; i++) {
		const struct genops_processor *processor = &service->processors[i];
		const struct genops_processor_budget_enforcer *enforcer = processor->settings;
		if (!processor->is_used || processor->type != &genops_processor_type_budget_enforcer)
			continue;
		for (size_t k = 0; k < enforcer->n_budgets; k++)
			GENOPS_TRY(add_budget(reader, &enforcer->budgets[k]));
	}
	return GENOPS_OK;
}
