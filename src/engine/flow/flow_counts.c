/* SPDX-License-Identifier: Apache-2.0
 * engine/flow/flow_counts.c - see flow_counts.h. */
#include "engine/flow/flow_counts.h"

#include "base/str.h"
#include "telemetry/metrics/series.h"

#include <inttypes.h>

enum family {
#define X(symbol, name, labels, text) symbol,
	GENOPS_METRIC_PIPELINE(X)
#undef X
	    N_FAMILIES
};

static const struct {
	const char *name, *text;
} families[N_FAMILIES] = {
#define X(symbol, name, labels, text) {name, text},
    GENOPS_METRIC_PIPELINE(X)
#undef X
};

struct exposition {
	struct genops_buffer *buf, labels;
	enum family family;
	bool has_head;
};

static void add(struct exposition *to, genops_str pipeline, genops_str kind, genops_str name, uint64_t value)
{
	const char *family = families[to->family].name;
	if (!to->has_head)
		genops_buffer_printf(to->buf, "# HELP %s %s\n# TYPE %s counter\n", family, families[to->family].text, family);
	to->has_head = true;
	genops_buffer_clear(&to->labels);
	genops_series_label(&to->labels, "pipeline", pipeline);
	genops_series_label(&to->labels, "kind", kind);
	genops_series_label(&to->labels, "name", name);
	genops_buffer_printf(to->buf, "%s{%.*s} %" PRIu64 "\n", family, (int)to->labels.len, to->labels.len ? to->labels.ptr : "", value);
}

static uint64_t value_of(const struct genops_pipeline_count *count, enum family family)
{
	return family == IN	   ? count->n_in
	       : family == MATCHED ? count->n_matched
	       : family == DROPPED ? count->n_dropped
				   : count->n_failed;
}

static void add_document(struct exposition *to, const struct genops_flow_document *document)
{
	const struct genops_pipeline *pipeline = document->pipeline;
	if (to->family == DEAD) {
		add(to, pipeline->id, GENOPS_STR(""), GENOPS_STR(""), document->n_rejected);
		return;
	}
	for (size_t i = 0; i < pipeline->n_counts; i++) {
		char text[256];
		genops_pipeline_count_name(pipeline, i, text, sizeof text);
		genops_str name = genops_str_of(text), kind = genops_str_split(&name, ' ');
		add(to, pipeline->id, kind, name, value_of(&document->counts[i], to->family));
	}
}

/* A processor may stand in several pipelines, and counts once. */
static void add_processor(struct exposition *to, const struct genops_processor *processor, const struct genops_processor_count *count)
{
	uint64_t value = to->family == IN	? count->n_in
			 : to->family == MATCHED ? count->n_out
			 : to->family == FAILED	? count->n_failed
						: count->n_in > count->n_out ? count->n_in - count->n_out : 0;
	add(to, GENOPS_STR("service"), GENOPS_STR("processor"), processor->name, value);
}

void genops_flow_counts_expose(const struct genops_flow_documents *documents, const struct genops_service *service,
    const struct genops_processor_run *run, uint64_t n_rejected_by_service, struct genops_buffer *buf)
{
	for (int family = 0; family < N_FAMILIES; family++) {
		struct exposition to = {.buf = buf, .family = (enum family)family};
		genops_buffer_init(&to.labels, 4096);
		for (size_t i = 0; i < genops_flow_documents_n(documents); i++)
			add_document(&to, genops_flow_documents_at(documents, i));
		for (size_t i = 0; family != DEAD && i < service->n_processors; i++) {
			const struct genops_processor_count *count = genops_service_run_count(run, service->processors[i].name);
			if (count)
				add_processor(&to, &service->processors[i], count);
		}
		if (family == DEAD && (service->n_pipelines || n_rejected_by_service))
			add(&to, GENOPS_STR("service"), GENOPS_STR(""), GENOPS_STR(""), n_rejected_by_service);
		genops_buffer_done(&to.labels);
	}
}
