/* SPDX-License-Identifier: Apache-2.0
 * export/prometheus/event_metrics_read.c - the mappings of event_metrics.h, out of a document or as the guides' queries want them. */
#include "base/str.h"
#include "export/prometheus/event_metrics.h"
#include "telemetry/metrics/series.h"

#define LIST_MAX 200

/* X(name, kind, value, label, its value, text): OTL-072..075, over the fields of the guides' four pipelines. */
static const struct {
	const char *name;
	enum genops_metric_kind kind;
	const char *value, *label, *label_value, *text;
} usual[] = {
    {"genops_cost_total", GENOPS_METRIC_COUNTER, "${cost_total}", NULL, NULL, "Cost of AI operations in USD."},
    {"genops_tokens_total", GENOPS_METRIC_COUNTER, "${tokens_input}", "type", "input", "Tokens by type, input or output."},
    {"genops_tokens_total", GENOPS_METRIC_COUNTER, "${tokens_output}", "type", "output", "Tokens by type, input or output."},
    {"genops_operations_total", GENOPS_METRIC_COUNTER, "${cost_total == null ? '' : 1}", NULL, NULL, "Governed AI operations."},
    {"ai_request_duration", GENOPS_METRIC_HISTOGRAM, "${cost_total == null ? '' : duration_ms / 1000}", NULL, NULL, "Duration of AI requests in seconds."},
    {"traces", GENOPS_METRIC_COUNTER, "${cost_total == null ? '' : 1}", NULL, NULL, "Spans made from AI operations."},
    {"genops_policy_violations_total", GENOPS_METRIC_COUNTER, "${is_violation ? 1 : 0}", "genops_policy_name", "${policy_name}", "Violated policies."},
    {"genops_budget_consumed", GENOPS_METRIC_GAUGE, "${budget_used}", "genops_budget_name", "${budget_name}", "Settled cost in a budget's current window in USD."},
    {"genops_budget_limit", GENOPS_METRIC_GAUGE, "${budget_limit}", "genops_budget_name", "${budget_name}", "Limit of a budget's window in USD."},
};
#define N_USUAL (sizeof usual / sizeof *usual)

static const char *const usual_labels[][2] = {{"genops_team", "${team}"}, {"genops_project", "${project}"}, {"genops_environment", "${environment}"},
    {"genops_customer_id", "${customer_id}"}, {"genops_feature", "${feature}"}, {"ai_model_provider", "${cost_provider}"}, {"ai_model_name", "${cost_model}"}};
#define N_USUAL_LABELS (sizeof usual_labels / sizeof *usual_labels)

static const double usual_bounds[] = {
#define X(ms, seconds) (ms) / 1000.0,
    GENOPS_DURATION_BUCKETS(X)
#undef X
};

#define AT(field) offsetof(struct genops_event_metrics, field)
const struct genops_option genops_event_metrics_rows[] = {
    {.name = "prefix", .type = GENOPS_OPTION_TEXT, .offset = AT(prefix), .text = "stands before every name"},
    {.name = "scale_sampled", .type = GENOPS_OPTION_BOOL, .offset = AT(is_scaled), .default_text = "true", .text = "an event that stands for n (sampled: n) counts n times, so that sums stay right"},
    {.name = "labels", .type = GENOPS_OPTION_CUSTOM, .text = "label: template, of all metrics: genops_team: ${team}"},
    {.name = "mappings", .type = GENOPS_OPTION_CUSTOM, .text = "list of metrics; without, the guides' (docs/destinations.md)"},
    {.name = NULL},
};

#define OF(field) offsetof(struct genops_event_metric, field)
const struct genops_option genops_event_metrics_mapping_rows[] = {
    {.name = "name", .type = GENOPS_OPTION_TEXT, .offset = OF(name), .is_required = true, .text = "of the metric"},
    {.name = "type", .type = GENOPS_OPTION_ENUM, .offset = OF(kind), .default_text = "gauge", .names = (const char *const[]){"gauge", "counter", "histogram", NULL}, .text = "counter: events add to it; gauge: the last one says it; histogram: each is one observation"},
    {.name = "value", .type = GENOPS_OPTION_CUSTOM, .text = "template; an event of which it says no number is passed over"},
    {.name = "help", .type = GENOPS_OPTION_TEXT, .offset = OF(help), .aliases = (const char *const[]){"description", NULL}, .text = "for people"},
    {.name = "labels", .type = GENOPS_OPTION_CUSTOM, .text = "label: template, of this metric only"},
    {.name = "buckets", .type = GENOPS_OPTION_CUSTOM, .text = "histogram: upper bounds, rising"},
    {.name = NULL},
};

static int no_memory(struct genops_error *err)
{
	return genops_fail(err, GENOPS_NOMEM, "no memory for settings");
}

static int compile(const struct genops_yaml_rows *in, const char *source, struct genops_template **ret)
{
	return genops_template_compile(genops_str_of(source), GENOPS_TEMPLATE_TEXT, NULL, NULL, ret, in->err);
}

static int read_usual_metric(const struct genops_yaml_rows *in, size_t i, struct genops_event_metric *metric)
{
	*metric = (struct genops_event_metric){.name = genops_str_of(usual[i].name), .help = genops_str_of(usual[i].text), .kind = usual[i].kind};
	GENOPS_TRY(compile(in, usual[i].value, &metric->value));
	if (metric->kind == GENOPS_METRIC_HISTOGRAM) {
		metric->bounds = genops_arena_alloc(in->arena, sizeof usual_bounds);
		if (!metric->bounds)
			return no_memory(in->err);
		memcpy(metric->bounds, usual_bounds, sizeof usual_bounds);
		metric->n_bounds = GENOPS_DURATION_BOUNDS;
	}
	if (!usual[i].label)
		return GENOPS_OK;
	metric->labels = genops_arena_alloc(in->arena, sizeof *metric->labels);
	if (!metric->labels)
		return no_memory(in->err);
	metric->labels[metric->n_labels++].name = genops_str_of(usual[i].label);
	return compile(in, usual[i].label_value, &metric->labels[0].value);
}

static int read_usual(const struct genops_yaml_rows *in, struct genops_event_metrics *metrics)
{
	metrics->metrics = genops_arena_alloc(in->arena, N_USUAL * sizeof *metrics->metrics);
	if (!metrics->metrics)
		return no_memory(in->err);
	for (size_t i = 0; i < N_USUAL; i++) /* counted before it is read: what is compiled is freed */
		GENOPS_TRY(read_usual_metric(in, i, &metrics->metrics[metrics->n_metrics++]));
	return GENOPS_OK;
}

static int read_usual_labels(const struct genops_yaml_rows *in, struct genops_event_metrics *metrics)
{
	metrics->labels = genops_arena_alloc(in->arena, N_USUAL_LABELS * sizeof *metrics->labels);
	if (!metrics->labels)
		return no_memory(in->err);
	for (size_t i = 0; i < N_USUAL_LABELS; i++) {
		metrics->labels[metrics->n_labels++].name = genops_str_of(usual_labels[i][0]);
		GENOPS_TRY(compile(in, usual_labels[i][1], &metrics->labels[i].value));
	}
	return GENOPS_OK;
}

static int read_labels(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_event_metric_label **ret_labels, size_t *n)
{
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_expect(in, node, "labels", GENOPS_YAML_MAPPING));
	if (node->n > 32)
		return genops_yaml_rows_fail(in, node, NULL, "labels: at most 32");
	*ret_labels = genops_arena_alloc(in->arena, (node->n + 1) * sizeof **ret_labels);
	if (!*ret_labels)
		return no_memory(in->err);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next) {
		struct genops_event_metric_label *label = &(*ret_labels)[*n];
		if (!genops_metric_label_is_valid(entry->key->text) || genops_str_is(entry->key->text, "le"))
			return genops_yaml_rows_fail(in, entry->key, "letters, digits and _, no digit first", "labels: \"%.*s\" is no name of a label",
			    entry->key->text.len > 64 ? 64 : (int)entry->key->text.len, entry->key->text.ptr);
		if (!genops_arena_dup(in->arena, entry->key->text, &label->name))
			return no_memory(in->err);
		++*n;
		GENOPS_TRY(genops_event_template_read(in, entry->key, entry->value, "a label", GENOPS_TEMPLATE_TEXT, &label->value));
	}
	return GENOPS_OK;
}

static int read_buckets(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_event_metric *metric)
{
	struct genops_texts texts = {0};
	metric->bounds = genops_arena_alloc(in->arena, GENOPS_METRIC_BOUNDS_MAX * sizeof *metric->bounds);
	if (!metric->bounds)
		return no_memory(in->err);
	memcpy(metric->bounds, usual_bounds, sizeof usual_bounds);
	metric->n_bounds = GENOPS_DURATION_BOUNDS;
	if (!node)
		return GENOPS_OK;
	GENOPS_TRY(genops_yaml_rows_texts(in, node, "buckets", &texts));
	if (texts.n > GENOPS_METRIC_BOUNDS_MAX)
		return genops_yaml_rows_fail(in, node, NULL, "buckets: at most %d", GENOPS_METRIC_BOUNDS_MAX);
	for (size_t i = 0; i < texts.n; i++) {
		if (!genops_str_to_double(texts.items[i], &metric->bounds[i]) || (i && !(metric->bounds[i] > metric->bounds[i - 1])))
			return genops_yaml_rows_fail(in, node, "like [0.1, 0.5, 1, 5]", "buckets are numbers, each above the one before");
	}
	metric->n_bounds = texts.n;
	return GENOPS_OK;
}

static int read_mapping(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_event_metric *metric)
{
	struct genops_event_metric read = {.n_labels = 0};
	GENOPS_TRY(genops_yaml_rows_section(in, node, "a mapping", genops_event_metrics_mapping_rows, &read));
	struct genops_buffer name;
	genops_buffer_init(&name, 1024);
	genops_metric_name_write(read.name, GENOPS_STR(""), GENOPS_METRIC_GAUGE, false, &name);
	bool is_named = !name.error && name.len && genops_arena_dup(in->arena, genops_buffer_view(&name), &read.name);
	genops_buffer_done(&name);
	if (!is_named)
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "name"), "letters, digits and _", "this cannot be a metric's name");
	*metric = read;
	const struct genops_yaml_node *value = genops_yaml_get(node, "value");
	if (!value)
		return genops_yaml_rows_fail(in, node, "as value: ${cost_total}", "a mapping needs \"value\"");
	GENOPS_TRY(genops_event_template_read(in, NULL, value, "value", GENOPS_TEMPLATE_TEXT, &metric->value));
	GENOPS_TRY(read_labels(in, genops_yaml_get(node, "labels"), &metric->labels, &metric->n_labels));
	const struct genops_yaml_node *buckets = genops_yaml_get(node, "buckets");
	if (metric->kind == GENOPS_METRIC_HISTOGRAM)
		return read_buckets(in, buckets, metric);
	return buckets ? genops_yaml_rows_fail(in, buckets, "remove it, or set type: histogram", "only a histogram has buckets") : GENOPS_OK;
}

static int read_mappings(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_event_metrics *metrics)
{
	GENOPS_TRY(genops_yaml_rows_expect(in, node, "mappings", GENOPS_YAML_SEQUENCE));
	if (!node->n || node->n > LIST_MAX)
		return genops_yaml_rows_fail(in, node, "like - {name: genops_cost_total, type: counter, value: \"${cost_total}\"}", "mappings: 1 to %d", LIST_MAX);
	metrics->metrics = genops_arena_alloc(in->arena, node->n * sizeof *metrics->metrics);
	if (!metrics->metrics)
		return no_memory(in->err);
	for (const struct genops_yaml_entry *entry = node->first; entry; entry = entry->next)
		GENOPS_TRY(read_mapping(in, entry->value, &metrics->metrics[metrics->n_metrics++]));
	return GENOPS_OK;
}

int genops_event_metrics_read(const struct genops_yaml_rows *in, const struct genops_yaml_node *node, struct genops_event_metrics *metrics)
{
	GENOPS_TRY(genops_yaml_rows_section(in, node, "metrics", genops_event_metrics_rows, metrics));
	const struct genops_yaml_node *labels = node ? genops_yaml_get(node, "labels") : NULL, *mappings = node ? genops_yaml_get(node, "mappings") : NULL;
	if (metrics->prefix.len && !genops_metric_name_is_valid(metrics->prefix))
		return genops_yaml_rows_fail(in, genops_yaml_get(node, "prefix"), "letters, digits and _, like genops_", "prefix cannot begin a name");
	GENOPS_TRY(labels ? read_labels(in, labels, &metrics->labels, &metrics->n_labels) : read_usual_labels(in, metrics));
	return mappings ? read_mappings(in, mappings, metrics) : read_usual(in, metrics);
}

void genops_event_metrics_done(struct genops_event_metrics *metrics)
{
	for (size_t i = 0; i < metrics->n_labels; i++)
		genops_template_free(metrics->labels[i].value);
	for (size_t i = 0; i < metrics->n_metrics; i++) {
		genops_template_free(metrics->metrics[i].value);
		for (size_t j = 0; j < metrics->metrics[i].n_labels; j++)
			genops_template_free(metrics->metrics[i].labels[j].value);
	}
}
