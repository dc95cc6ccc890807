/* SPDX-License-Identifier: Apache-2.0
 * engine/config/config_service.c - `exporters`, `processors`, `receivers` and `service`: what of whom reaches which exporters.
 *
 * The Collector's format; the receiver `genops` is the engine itself. Every name in a pipeline must be defined.
 * Without a service section every exporter gets the operations. */
#include "engine/config/config_read.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

struct batch {
	int64_t timeout_ns, size;
};

struct pipeline {
	struct genops_texts receivers, processors, exporters;
};

struct service {
	struct genops_texts extensions;
};

const struct genops_option genops_config_batch_rows[] = {
    {.name = "timeout",
	.type = GENOPS_OPTION_DURATION,
	.offset = offsetof(struct batch, timeout_ns),
	.max = 3600,
	.text = "how long a batch may wait; unset: 5s"},
    {.name = "send_batch_size",
	.type = GENOPS_OPTION_INT,
	.offset = offsetof(struct batch, size),
	.default_text = "512",
	.min = 1,
	.max = 65536,
	.text = "operations that a batch waits for"},
    {.name = NULL},
};

const struct genops_option genops_config_service_rows[] = {
    {.name = "pipelines", .type = GENOPS_OPTION_CUSTOM, .text = "traces, traces/NAME ...: what goes where"},
    {.name = "extensions",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct service, extensions),
	.text = "the Collector's; none are available in this build"},
    {.name = "telemetry", .type = GENOPS_OPTION_CUSTOM, .text = "the Collector's own; GenOps has /metrics and GENOPS_LOG_LEVEL"},
    {.name = NULL},
};

const struct genops_option genops_config_pipeline_rows[] = {
    {.name = "receivers",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct pipeline, receivers),
	.is_required = true,
	.text = "where it comes from; genops: the engine's own operations"},
    {.name = "processors", .type = GENOPS_OPTION_LIST, .offset = offsetof(struct pipeline, processors), .text = "what happens to it"},
    {.name = "exporters",
	.type = GENOPS_OPTION_LIST,
	.offset = offsetof(struct pipeline, exporters),
	.is_required = true,
	.text = "where it goes"},
    {.name = NULL},
};

/* One exporter of the section while pipelines are read. */
struct candidate {
	const struct genops_yaml_node *key;
	struct genops_config_exporter exporter;
	bool is_here, is_named, is_fed;
};

struct plan {
	struct candidate *candidates;
	size_t n_candidates;
	const struct genops_yaml_node *receivers, *processors;
	bool has_genops;
};

static int read_exporters(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, struct plan *plan)
{
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
		struct candidate *candidate = &plan->candidates[plan->n_candidates++];
		candidate->key = entry->key;
		GENOPS_TRY(
		    genops_config_exporter_read(reader, entry, &candidate->exporter, &candidate->is_here));
	}
	return GENOPS_OK;
}

static int check_section(
    struct genops_config_reader *reader, const struct genops_yaml_node *node, const char *what)
{
	if (!node || genops_yaml_is_null(node))
		return GENOPS_OK;
	return genops_config_read_expect(reader, node, what, GENOPS_YAML_MAPPING);
}

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
	for (size_t i = 0; i < names->n; i++) {
		if (kind[0] == 'r' && genops_str_is(names->items[i], "genops"))
			continue;
		if (!section || !genops_yaml_get(section, names->items[i].ptr))
			return fail_dangling(reader, item_place(list, i), names->items[i], kind, section);
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

static int read_batch(struct genops_config_reader *reader, const struct genops_yaml_node *node)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	struct batch batch = {.timeout_ns = -1};
	GENOPS_TRY(genops_config_read_section(reader, node, "processor batch", genops_config_batch_rows, &batch));
	telemetry->batch_size = batch.size;
	if (batch.timeout_ns >= 0)
		telemetry->batch_timeout_ns = batch.timeout_ns;
	return GENOPS_OK;
}

/* Of a pipeline that the engine's operations go through. */
static int use_processors(struct genops_config_reader *reader, const struct genops_yaml_node *list,
    const struct genops_texts *names, const struct genops_yaml_node *section)
{
	for (size_t i = 0; i < names->n; i++) {
		genops_str name = names->items[i], rest = name;
		if (genops_str_is(genops_str_split(&rest, '/'), "batch")) {
			GENOPS_TRY(read_batch(reader, genops_yaml_get(section, name.ptr)));
			continue;
		}
		GENOPS_TRY(genops_config_read_warn(reader, item_place(list, i), "",
		    "processor \"%.100s\" is not available in this build: operations pass it unchanged", name.ptr));
	}
	return GENOPS_OK;
}

static void name_exporters(struct plan *plan, const struct genops_texts *names, bool is_fed)
{
	for (size_t i = 0; i < plan->n_candidates; i++) {
		struct candidate *candidate = &plan->candidates[i];
		bool is_named = contains(names, candidate->key->text.ptr);
		candidate->is_named |= is_named;
		candidate->is_fed |= is_named && is_fed;
	}
}

/* In the order of enum genops_signal; profiles are read, and go nowhere. */
static int check_signal(struct genops_config_reader *reader, const struct genops_yaml_node *key, size_t *ret_signal)
{
	static const char *const signals[] = {"traces", "metrics", "logs", "profiles"};
	char fix[96] = "pipelines are traces, metrics or logs, also with a name: traces/2";
	genops_str rest = key->text, signal = genops_str_split(&rest, '/');
	for (size_t i = 0; i < 4; i++) {
		*ret_signal = i;
		if (genops_str_is(signal, signals[i]))
			return GENOPS_OK;
	}
	const char *nearest = genops_str_nearest(signal, signals, 4);
	if (nearest)
		snprintf(fix, sizeof fix, "did you mean \"%s\"?", nearest);
	return genops_config_read_fail(reader, key, fix, "there is no kind of pipeline \"%.*s\"",
	    signal.len > 64 ? 64 : (int)signal.len, signal.len ? signal.ptr : "");
}

static int keep_pipeline(struct genops_config_reader *reader, const struct genops_yaml_node *key, size_t signal,
    const struct pipeline *pipeline)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	struct genops_config_service_pipeline *kept = &telemetry->service_pipelines[telemetry->n_service_pipelines];
	if (signal >= GENOPS_SIGNAL_N)
		return genops_config_read_warn(reader, key, "", "profiles are not read in this build: pipeline \"%.100s\" stays empty",
		    key->text.ptr);
	*kept = (struct genops_config_service_pipeline){.signal = (enum genops_signal)signal,
	    .receivers = pipeline->receivers,
	    .processors = pipeline->processors,
	    .exporters = pipeline->exporters};
	if (!genops_arena_dup(reader->arena, key->text, &kept->name))
		return genops_config_read_no_memory(reader);
	telemetry->n_service_pipelines++;
	return GENOPS_OK;
}

static int read_pipeline(struct genops_config_reader *reader, const struct genops_yaml_entry *entry,
    const struct genops_yaml_node *exporters, struct plan *plan)
{
	const struct genops_option *rows = genops_config_pipeline_rows;
	const struct genops_yaml_node *node = entry->value, *processors;
	struct pipeline pipeline = {0};
	size_t signal;
	GENOPS_TRY(check_signal(reader, entry->key, &signal));
	GENOPS_TRY(genops_config_read_expect(reader, node, "a pipeline", GENOPS_YAML_MAPPING));
	GENOPS_TRY(genops_config_read_section(reader, node, "a pipeline", rows, &pipeline));
	processors = genops_config_read_get(node, rows, "processors");
	GENOPS_TRY(check_names(reader, genops_config_read_get(node, rows, "receivers"), &pipeline.receivers,
	    "receiver", plan->receivers));
	GENOPS_TRY(check_names(reader, processors, &pipeline.processors, "processor", plan->processors));
	GENOPS_TRY(check_names(reader, genops_config_read_get(node, rows, "exporters"), &pipeline.exporters,
	    "exporter", exporters));
	bool has_genops = contains(&pipeline.receivers, "genops"), is_traces = signal == GENOPS_SIGNAL_TRACES;
	GENOPS_TRY(keep_pipeline(reader, entry->key, signal, &pipeline));
	name_exporters(plan, &pipeline.exporters, has_genops && is_traces);
	if (!has_genops)
		return GENOPS_OK;
	if (!is_traces)
		return genops_config_read_warn(reader, entry->key, "scrape /metrics, or feed traces",
		    "receiver genops only gives traces in this build: pipeline \"%.100s\" stays empty",
		    entry->key->text.ptr);
	plan->has_genops = true;
	return use_processors(reader, processors, &pipeline.processors, plan->processors);
}

static int read_pipelines(struct genops_config_reader *reader, const struct genops_yaml_node *service,
    const struct genops_yaml_node *exporters, struct plan *plan)
{
	struct service raw = {0};
	const struct genops_option *rows = genops_config_service_rows;
	GENOPS_TRY(genops_config_read_section(reader, service, "service", rows, &raw));
	if (raw.extensions.n)
		GENOPS_TRY(genops_config_read_warn(reader, genops_yaml_get(service, "extensions"), "",
		    "extensions of the Collector are not available in this build; they have no effect"));
	const struct genops_yaml_node *pipelines = genops_config_read_get(service, rows, "pipelines");
	if (!pipelines)
		return GENOPS_OK;
	GENOPS_TRY(genops_config_read_expect(reader, pipelines, "service.pipelines", GENOPS_YAML_MAPPING));
	if (pipelines->n > GENOPS_CONFIG_ITEMS_MAX)
		return genops_config_read_fail(
		    reader, pipelines, NULL, "there are more than %d pipelines", GENOPS_CONFIG_ITEMS_MAX);
	reader->config->telemetry.service_pipelines =
	    genops_arena_alloc(reader->arena, (pipelines->n + 1) * sizeof(struct genops_config_service_pipeline));
	if (!reader->config->telemetry.service_pipelines)
		return genops_config_read_no_memory(reader);
	for (const struct genops_yaml_entry *entry = pipelines->first; entry; entry = entry->next)
		GENOPS_TRY(read_pipeline(reader, entry, exporters, plan));
	return GENOPS_OK;
}

static int warn_unused(struct genops_config_reader *reader, const struct genops_yaml_node *service, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_candidates; i++) {
		if (plan->candidates[i].is_here && !plan->candidates[i].is_named)
			GENOPS_TRY(genops_config_read_warn(reader, plan->candidates[i].key,
			    "name it in a pipeline under service.pipelines", "no pipeline uses exporter \"%.100s\"",
			    plan->candidates[i].key->text.ptr));
	}
	if (plan->has_genops)
		return GENOPS_OK;
	return genops_config_read_warn(reader, service, "add genops to a traces pipeline's receivers",
	    "no traces pipeline has the receiver genops: the engine's own operations are not exported");
}

static int keep(struct genops_config_reader *reader, const struct plan *plan, bool is_all)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	telemetry->exporters = genops_arena_alloc(reader->arena, (plan->n_candidates + 1) * sizeof *telemetry->exporters);
	if (!telemetry->exporters)
		return genops_config_read_no_memory(reader);
	for (size_t i = 0; i < plan->n_candidates; i++) {
		const struct candidate *candidate = &plan->candidates[i];
		bool is_otlp = genops_str_starts(candidate->exporter.type, GENOPS_STR("otlp"));
		if (!candidate->is_here || !(candidate->is_named || is_all) || !(reader->is_exporting || !is_otlp))
			continue;
		struct genops_config_exporter *exporter = &telemetry->exporters[telemetry->n_exporters++];
		*exporter = candidate->exporter;
		exporter->takes_operations = candidate->is_fed || is_all;
	}
	return GENOPS_OK;
}

int genops_config_service_read(struct genops_config_reader *reader, const struct genops_yaml_node *root)
{
	struct genops_config_telemetry *telemetry = &reader->config->telemetry;
	const struct genops_yaml_node *exporters = genops_yaml_get(root, "exporters");
	const struct genops_yaml_node *service = genops_yaml_get(root, "service");
	struct plan plan = {
	    .receivers = genops_yaml_get(root, "receivers"), .processors = genops_yaml_get(root, "processors")};
	bool has_service = service && !genops_yaml_is_null(service);
	telemetry->batch_size = 512;
	if (!telemetry->batch_timeout_ns)
		telemetry->batch_timeout_ns = 5 * GENOPS_NS_PER_S;
	GENOPS_TRY(check_section(reader, plan.receivers, "receivers"));
	GENOPS_TRY(check_section(reader, plan.processors, "processors"));
	GENOPS_TRY(read_exporters(reader, exporters, &plan));
	if (plan.receivers)
		GENOPS_TRY(genops_config_read_warn(reader, plan.receivers, "send OTLP to a Collector meanwhile",
		    "receivers are read by a later version: nothing listens for OTLP yet"));
	if (has_service) {
		GENOPS_TRY(read_pipelines(reader, service, exporters, &plan));
		GENOPS_TRY(warn_unused(reader, service, &plan));
	}
	GENOPS_TRY(keep(reader, &plan, !has_service));
	return genops_config_environment_exporter(reader);
}
