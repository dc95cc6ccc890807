/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_service.c - `exporters`, `processors`, `receivers` and `service`: what goes where.
 *
 * The Collector's format; the receiver `genops` is the engine itself. Every name in a pipeline must be defined. Without a service section
 * every exporter gets the engine's own operations. */
#include "engine/config/service/config_pipeline.h"

#include "base/clock.h"
#include "base/str.h"

struct service {
	struct genops_texts extensions;
};

const struct genops_option genops_config_service_rows[] = {
    {.name = "pipelines", .type = GENOPS_OPTION_CUSTOM, .text = "traces, metrics, logs, also with a name (traces/eu): what goes where"},
    {.name = "extensions",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct service, extensions),
	.text = "the Collector's; bearertokenauth is here, others have no effect"},
    {.name = "telemetry", .type = GENOPS_OPTION_CUSTOM, .text = "the Collector's own; GenOps has /metrics and GENOPS_LOG_LEVEL"},
    {.name = NULL},
};

static int read_exporters(struct genops_config_reader *reader, struct genops_config_plan *plan)
{
	const struct genops_yaml_node *node = plan->exporters;
	if (!node || genops_yaml_is_null(node))
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, node, "exporters", GENOPS_YAML_MAPPING));
	if (node->n > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(
		    reader, node, NULL, "there are more than %d exporters", GENOPS_CONFIG_ITEMS_MAX);
	plan->candidates = genops_arena_alloc(reader->arena, (node->n + 1) * sizeof *plan->candidates);
	if (!plan->candidates)
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		struct genops_config_candidate *candidate = &plan->candidates[plan->n_candidates++];
		candidate->key = entry->key;
		GENOPS_TRY(
		    genops_config_exporter_read(reader, entry, false, &candidate->exporter, &candidate->is_here));
	}
	return GENOPS_OK;
}

static int read_service(struct genops_config_reader *reader, const struct genops_yaml_node *service, struct genops_config_plan *plan)
{
	struct service raw = {0};
	const struct genops_option *rows = genops_config_service_rows;
	GENOPS_TRY(genops_config_read_section(reader, service, "service", rows, &raw));
	for (size_t i = 0; i < raw.extensions.n; i++) {
		genops_str rest = raw.extensions.items[i];
		if (!genops_str_is(genops_str_split(&rest, '/'), "bearertokenauth")) /* which a receiver reads that names it */
			GENOPS_TRY(genops_config_read_warn(reader, genops_yaml_get(service, "extensions"), "",
			    "extension \"%.100s\" is not available in this build: it has no effect", raw.extensions.items[i].ptr));
	}
	return genops_config_pipeline_read(reader, genops_config_read_get(service, rows, "pipelines"), plan);
}

static int warn_unused(struct genops_config_reader *reader, const struct genops_yaml_node *section, const struct genops_config_plan *plan)
{
	const struct genops_service *service = &reader->config->service;
	for (size_t i = 0; i < plan->n_candidates; i++) {
		if (plan->candidates[i].is_here && !plan->candidates[i].is_named)
			GENOPS_TRY(genops_config_read_warn(reader, plan->candidates[i].key,
			    "name it in a pipeline under service.pipelines", "no pipeline uses exporter \"%.100s\"",
			    plan->candidates[i].key->text.ptr));
	}
	for (size_t i = 0; i < service->n_processors; i++) {
		const struct genops_processor *processor = &service->processors[i];
		if (!processor->is_used)
			GENOPS_TRY(genops_config_read_warn(reader, plan->processor_keys[i],
			    "name it in a pipeline under service.pipelines", "no pipeline uses processor \"%.100s\"", processor->name.ptr));
		else if (processor->type->tick && !genops_service_is_heard(service, processor))
			GENOPS_TRY(genops_config_read_warn(reader, plan->processor_keys[i],
			    "add a metrics pipeline with one of the receivers of its traces pipeline",
			    "the metrics of processor \"%.100s\" go nowhere", processor->name.ptr));
	}
	if (plan->has_genops)
		return GENOPS_OK;
	return genops_config_read_warn(reader, section, "add genops to a traces pipeline's receivers",
	    "no traces pipeline has the receiver genops: the engine's own operations are not exported");
}

/* What memory_limiter refuses is refused at the door. */
static void limit_memory(struct genops_config *config)
{
	for (size_t i = 0; i < config->n_receivers; i++)
		config->receivers[i].memory = genops_service_memory_limiter(&config->service, config->receivers[i].name);
}

static int keep(struct genops_config_reader *reader, const struct genops_config_plan *plan, bool is_all)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	telemetry->exporters = genops_arena_alloc(reader->arena, (plan->n_candidates + 1) * sizeof *telemetry->exporters);
	if (!telemetry->exporters)
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < plan->n_candidates; i++) {
		const struct genops_config_candidate *candidate = &plan->candidates[i];
		bool is_otlp = genops_str_starts(candidate->exporter.type, GENOPS_STR("otlp"));
		if (!candidate->is_here || !(candidate->is_named || is_all) || (is_otlp && !reader->is_exporting))
			continue;
		struct genops_config_exporter *exporter = &telemetry->exporters[telemetry->n_exporters++];
		*exporter = candidate->exporter;
		exporter->takes_operations |= is_all;
		if (!candidate->has_batch)
			exporter->batch =
			    (struct genops_processor_batch){.timeout_ns = telemetry->batch_timeout_ns, .size = telemetry->batch_size};
	}
	return GENOPS_OK;
}

/* What OTEL_EXPORTER_OTLP_* asks for has no place in the file's pipelines. */
static int use_environment(struct genops_config_reader *reader, bool has_service)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	size_t n = telemetry->n_exporters;
	GENOPS_TRY(genops_config_environment_exporter(reader));
	bool is_new = telemetry->n_exporters > n;
	if (is_new) {
		telemetry->exporters[0].takes_operations = true;
		telemetry->exporters[0].batch =
		    (struct genops_processor_batch){.timeout_ns = telemetry->batch_timeout_ns, .size = telemetry->batch_size};
	}
	genops_config_pipeline_prune(reader);
	if (!has_service && telemetry->n_exporters)
		return genops_config_pipeline_add(reader, GENOPS_STR("traces"));
	return is_new ? genops_config_pipeline_add(reader, GENOPS_STR("traces/environment")) : GENOPS_OK;
}

int genops_config_service_read(struct genops_config_reader *reader, const struct genops_yaml_node *root)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	const struct genops_yaml_node *service = genops_yaml_get(root, "service");
	struct genops_config_plan plan = {.receivers = genops_yaml_get(root, "receivers"),
	    .processors = genops_yaml_get(root, "processors"),
	    .exporters = genops_yaml_get(root, "exporters")};
	bool has_service = service && !genops_yaml_is_null(service);
	if (!telemetry->batch_size)
		telemetry->batch_size = 512;
	if (!telemetry->batch_timeout_ns)
		telemetry->batch_timeout_ns = 5 * GENOPS_NS_PER_S;
	if (plan.receivers && !genops_yaml_is_null(plan.receivers))
		GENOPS_TRY(genops_config_read_expect(reader, plan.receivers, "receivers", GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_config_processor_read(reader, &plan));
	GENOPS_TRY(read_exporters(reader, &plan));
	if (has_service) {
		GENOPS_TRY(read_service(reader, service, &plan));
		GENOPS_TRY(warn_unused(reader, service, &plan));
		GENOPS_TRY(genops_config_processor_budgets(reader));
		limit_memory(reader->config);
	}
	GENOPS_TRY(keep(reader, &plan, !has_service));
	return use_environment(reader, has_service);
}
