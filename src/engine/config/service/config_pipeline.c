/* SPDX-License-Identifier: Apache-2.0
 * engine/config/service/config_pipeline.c - service.pipelines: every name in them is defined, every processor fits the signal, and each
 * exporter knows how its requests are batched. */
#include "engine/config/service/config_pipeline.h"

#include "base/str.h"

#include <stdio.h>

struct pipeline {
	struct genops_texts receivers, processors, exporters;
};

const struct genops_option genops_config_pipeline_rows[] = {
    {.name = "receivers",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct pipeline, receivers),
	.is_required = true,
	.text = "where it comes from; genops: the engine's own operations"},
    {.name = "processors",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct pipeline, processors),
	.text = "what happens to it, in this order"},
    {.name = "exporters",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct pipeline, exporters),
	.is_required = true,
	.text = "where it goes"},
    {.name = NULL},
};

/* --- names --- */

static int fail_dangling(struct genops_config_reader *reader, const struct genops_yaml_node *place, genops_str name,
    const char *kind, const struct genops_yaml_node *section)
{
	const char *names[64];
	char fix[160];
	size_t n = 0;
	for (const struct genops_yaml_entry *entry = section ? section->first : NULL; entry && n < 63; entry = entry->next)
		names[n++] = entry->key->text.ptr;
	if (kind[0] == 'r')
		names[n++] = "genops";
	const char *nearest = genops_str_nearest(name, names, n);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%.100s\"?", nearest);
	else
		snprintf(fix, sizeof fix, "define it under %ss", kind);
	return genops_config_read_fail(reader, place, fix, "there is no %s \"%.*s\"", kind,
	    name.len > 100 ? 100 : (int)name.len, name.len ? name.ptr : "");
}

/* The node of the i-th entry of a list that was read by rows; the list itself when it was one text. */
static const struct genops_yaml_node *item_place(const struct genops_yaml_node *list, size_t index)
{
	const struct genops_yaml_entry *entry = list->kind == GENOPS_YAML_SEQUENCE ? list->first : NULL;
	for (; entry && index; index--)
		entry = entry->next;
	return entry ? entry->value : list;
}

static int check_names(struct genops_config_reader *reader, const struct genops_yaml_node *list,
    const struct genops_texts *names, const char *kind, const struct genops_yaml_node *section)
{
	if (names->n > GENOPS_SERVICE_PARTS_MAX)
		return genops_config_read_fail(
		    reader, list, NULL, "a pipeline has more than %d %ss", GENOPS_SERVICE_PARTS_MAX, kind);
	for (size_t i = 0; i < names->n; i++) {
		if (kind[0] == 'r' && genops_str_is(names->items[i], "genops"))
			continue;
		if (!section || !genops_yaml_get(section, names->items[i].ptr))
			return fail_dangling(reader, item_place(list, i), names->items[i], kind, section);
		for (size_t k = 0; k < i; k++) {
			if (genops_str_equal(names->items[i], names->items[k]))
				return genops_config_read_fail(reader, item_place(list, i), "name it once",
				    "%s \"%.100s\" stands twice in a pipeline", kind, names->items[i].ptr);
		}
	}
	return GENOPS_OK;
}

static bool contains(const struct genops_texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->n; i++) {
		if (genops_str_is(texts->items[i], text))
			return true;
	}
	return false;
}

/* Profiles are the Collector's fourth: read, and go nowhere. */
static int read_signal(
    struct genops_config_reader *reader, const struct genops_yaml_node *key, enum genops_signal *ret_signal, bool *ret_is_here)
{
	const char *signals[GENOPS_SIGNAL_N];
	char fix[96] = "pipelines are traces, metrics or logs, also with a name: traces/2";
	genops_str rest = key->text, signal = genops_str_split(&rest, '/');
	*ret_is_here = !genops_str_is(signal, "profiles");
	if (!*ret_is_here)
		return genops_config_read_warn(
		    reader, key, "", "profiles are not read in this build: pipeline \"%.100s\" stays empty", key->text.ptr);
	for (int i = 0; i < GENOPS_SIGNAL_N; i++) {
		signals[i] = genops_signal_name((enum genops_signal)i);
		if (genops_str_is(signal, signals[i])) {
			*ret_signal = (enum genops_signal)i;
			return GENOPS_OK;
		}
	}
	const char *nearest = genops_str_nearest(signal, signals, GENOPS_SIGNAL_N);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(reader, key, fix, "there is no kind of pipeline \"%.*s\"",
	    signal.len > 64 ? 64 : (int)signal.len, signal.len ? signal.ptr : "");
}

/* --- one pipeline --- */

static int use_processors(struct genops_config_reader *reader, const struct genops_yaml_node *list, const struct genops_texts *names,
    struct genops_service_pipeline *pipeline)
{
	pipeline->is_plain = !reader->config->mask;
	if (!names->n)
		return GENOPS_OK;
	pipeline->processors = genops_arena_alloc(reader->arena, names->n * sizeof *pipeline->processors);
	if (!pipeline->processors)
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < names->n; i++) {
		struct genops_processor *processor;
		GENOPS_TRY(genops_config_processor_find(
		    reader, item_place(list, i), names->items[i], pipeline->signal, &processor));
		processor->is_used = true;
		pipeline->is_plain &= !processor->type->apply;
		pipeline->processors[pipeline->n_processors++] = processor;
	}
	return GENOPS_OK;
}

/* How what comes out of the pipeline is batched; several batch processors: the last one does. */
static const struct genops_processor_batch *find_batch(const struct genops_service_pipeline *pipeline)
{
	for (size_t i = pipeline->n_processors; i > 0; i--) {
		if (pipeline->processors[i - 1]->type == &genops_processor_type_batch)
			return pipeline->processors[i - 1]->settings;
	}
	return NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* An exporter that several pipelines feed has one pump, which keeps the promises of all of them. */
static int use_batch(struct genops_config_reader *reader, const struct genops_yaml_node *key, struct genops_config_candidate *candidate,
    const struct genops_processor_batch *batch)
{
	struct genops_processor_batch *own = &candidate->exporter.batch, before = *own;
	if (!candidate->has_batch) {
		*own = *batch;
		own->size = batch->size ? batch->size : 1; /* 0: nothing waits */
		candidate->has_batch = true;
		return GENOPS_OK;
	}
	own->timeout_ns = smaller(own->timeout_ns, batch->timeout_ns);
	own->size = smaller(own->size, batch->size ? batch->size : 1);
	if (batch->size_max && (!own->size_max || batch->size_max < own->size_max))
		own->size_max = batch->size_max;
	if (own->timeout_ns == before.timeout_ns && own->size == before.size && own->size_max == before.size_max &&
	    batch->timeout_ns == before.timeout_ns && batch->size == before.size && batch->size_max == before.size_max)
		return GENOPS_OK;
	return genops_config_read_warn(reader, key, "use one batch processor in front of an exporter",
	    "exporter \"%.100s\" is fed through different batch processors: the shortest timeout and the smallest sizes hold",
	    candidate->exporter.name.ptr);
}

static int name_exporters(struct genops_config_reader *reader, const struct genops_yaml_node *key,
    const struct genops_service_pipeline *pipeline, struct genops_config_plan *plan)
{
	const struct genops_processor_batch *batch = find_batch(pipeline);
	bool takes_operations = pipeline->signal == GENOPS_SIGNAL_TRACES && contains(&pipeline->receivers, "genops");
	for (size_t i = 0; i < plan->n_candidates; i++) {
		struct genops_config_candidate *candidate = &plan->candidates[i];
		if (!contains(&pipeline->exporters, candidate->key->text.ptr))
			continue;
		candidate->is_named = true;
		candidate->exporter.takes_operations |= takes_operations && pipeline->is_plain; /* else as spans, by the flow */
		if (batch && candidate->is_here)
			GENOPS_TRY(use_batch(reader, key, candidate, batch));
	}
	plan->has_genops |= takes_operations;
	return GENOPS_OK;
}

static int read_pipeline(struct genops_config_reader *reader, const struct genops_yaml_entry *entry, struct genops_config_plan *plan)
{
	struct genops_service *service = &reader->config->service;
	struct genops_service_pipeline *pipeline = &service->pipelines[service->n_pipelines];
	const struct genops_option *rows = genops_config_pipeline_rows;
	const struct genops_yaml_node *node = entry->value, *processors;
	struct pipeline raw = {0};
	bool is_here;
	GENOPS_TRY(read_signal(reader, entry->key, &pipeline->signal, &is_here));
	GENOPS_TRY(genops_config_read_expect(reader, node, "a pipeline", GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_config_read_section(reader, node, "a pipeline", rows, &raw));
	processors = genops_config_read_get(node, rows, "processors");
	GENOPS_TRY(check_names(
	    reader, genops_config_read_get(node, rows, "receivers"), &raw.receivers, "receiver", plan->receivers));
	GENOPS_TRY(check_names(reader, processors, &raw.processors, "processor", plan->processors));
	GENOPS_TRY(check_names(
	    reader, genops_config_read_get(node, rows, "exporters"), &raw.exporters, "exporter", plan->exporters));
	if (!is_here)
		return GENOPS_OK;
	if (!genops_arena_dup(reader->arena, entry->key->text, &pipeline->name))
		return genops_config_read_no_memory(reader);
	pipeline->receivers = raw.receivers;
	pipeline->exporters = raw.exporters;
	GENOPS_TRY(use_processors(reader, processors, &raw.processors, pipeline));
	pipeline->items_max = find_batch(pipeline) ? find_batch(pipeline)->size_max : 0;
	GENOPS_TRY(name_exporters(reader, entry->key, pipeline, plan));
	service->n_pipelines++;
	return GENOPS_OK;
}

/* The engine itself gives spans; its metrics only by way of genops/cost_aggregator. */
static int warn_empty(struct genops_config_reader *reader, const struct genops_yaml_node *pipelines)
{
	const struct genops_service *service = &reader->config->service;
	for (size_t i = 0; i < service->n_pipelines; i++) {
		const struct genops_service_pipeline *pipeline = &service->pipelines[i];
		bool is_heard = false;
		if (pipeline->signal == GENOPS_SIGNAL_TRACES || pipeline->receivers.n != 1 || !contains(&pipeline->receivers, "genops"))
			continue;
		for (size_t k = 0; k < service->n_processors; k++)
			is_heard |= service->processors[k].type->tick && genops_service_is_heard(service, &service->processors[k]);
		if (!is_heard || pipeline->signal != GENOPS_SIGNAL_METRICS)
			GENOPS_TRY(genops_config_read_warn(reader, genops_yaml_get(pipelines, pipeline->name.ptr), "scrape /metrics, or feed traces",
			    "receiver genops only gives traces: pipeline \"%.100s\" stays empty", pipeline->name.ptr));
	}
	return GENOPS_OK;
}

int genops_config_pipeline_read(
    struct genops_config_reader *reader, const struct genops_yaml_node *pipelines, struct genops_config_plan *plan)
{
	struct genops_service *service = &reader->config->service;
	if (!pipelines)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, pipelines, "service.pipelines", GENOPS_YAML_MAPPING));
	if (pipelines->n > GENOPS_SERVICE_PIPELINES_MAX)
		return genops_config_read_fail(
		    reader, pipelines, NULL, "there are more than %d pipelines", GENOPS_SERVICE_PIPELINES_MAX);
	service->pipelines = genops_arena_alloc(reader->arena, (pipelines->n + 1) * sizeof *service->pipelines);
	if (!service->pipelines)
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = pipelines->first; entry; entry = entry->next)
		GENOPS_TRY(read_pipeline(reader, entry, plan));
	return warn_empty(reader, pipelines);
}

int genops_config_pipeline_add(struct genops_config_reader *reader, genops_str name)
{
	struct genops_service *service = &reader->config->service;
	const struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	struct genops_service_pipeline *pipelines =
	    genops_arena_alloc(reader->arena, (service->n_pipelines + 1) * sizeof *pipelines);
	genops_str *exporters = genops_arena_alloc(reader->arena, (telemetry->n_exporters + 1) * sizeof *exporters);
	genops_str *receivers = genops_arena_alloc(reader->arena, sizeof *receivers);
	if (!pipelines || !exporters || !receivers)
		return genops_config_read_no_memory(reader);
	receivers[0] = GENOPS_STR("genops");
	for (size_t i = 0; i < service->n_pipelines; i++)
		pipelines[i] = service->pipelines[i];
	for (size_t i = 0; i < telemetry->n_exporters; i++)
		exporters[i] = telemetry->exporters[i].name;
	pipelines[service->n_pipelines] = (struct genops_service_pipeline){.name = name,
	    .signal = GENOPS_SIGNAL_TRACES,
	    .receivers = {1, receivers},
	    .exporters = {telemetry->n_exporters, exporters},
	    .is_plain = !reader->config->mask};
	service->pipelines = pipelines;
	service->n_pipelines++;
	return GENOPS_OK;
}

static bool is_exporter(const struct genops_config_telemetry *telemetry, genops_str name)
{
	for (size_t i = 0; i < telemetry->n_exporters; i++) {
		if (genops_str_equal(telemetry->exporters[i].name, name))
			return true;
	}
	return false;
}

void genops_config_pipeline_prune(struct genops_config_reader *reader)
{
	struct genops_service *service = &reader->config->service;
	for (size_t i = 0; i < service->n_pipelines; i++) {
		struct genops_texts *exporters = &service->pipelines[i].exporters;
		size_t n = 0;
		for (size_t k = 0; k < exporters->n; k++) {
			if (is_exporter(&reader->config->telemetry, exporters->items[k]))
				exporters->items[n++] = exporters->items[k];
		}
		exporters->n = n;
	}
}
