/* SPDX-License-Identifier: Apache-2.0
 * bench/bench_collector.c - CPU time a span in service.pipelines: nothing but counting, and each processor. 512 spans a request, each of 16
 * attributes and an event. Median and best of many rounds. */
#include "pipeline/collector/service.h"
#include "telemetry/otlp/otlp_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SPANS  512
#define ROUNDS 300

static const char attributes[] =
    "{\"key\":\"gen_ai.operation.name\",\"value\":{\"stringValue\":\"chat\"}},{\"key\":\"gen_ai.provider.name\",\"value\":{\"stringValue\":\"openai\"}},"
    "{\"key\":\"gen_ai.request.model\",\"value\":{\"stringValue\":\"gpt-4o-mini\"}},"
    "{\"key\":\"gen_ai.response.model\",\"value\":{\"stringValue\":\"gpt-4o-mini-2024-07-18\"}},"
    "{\"key\":\"gen_ai.response.id\",\"value\":{\"stringValue\":\"chatcmpl-B9MBs8CjcvOU2jLn\"}},"
    "{\"key\":\"gen_ai.usage.input_tokens\",\"value\":{\"intValue\":\"1520\"}},{\"key\":\"gen_ai.usage.output_tokens\",\"value\":{\"intValue\":\"850\"}},"
    "{\"key\":\"gen_ai.request.temperature\",\"value\":{\"doubleValue\":0.7}},{\"key\":\"gen_ai.request.max_tokens\",\"value\":{\"intValue\":\"1000\"}},"
    "{\"key\":\"genops.team\",\"value\":{\"stringValue\":\"ml-platform\"}},{\"key\":\"genops.project\",\"value\":{\"stringValue\":\"chat-service\"}},"
    "{\"key\":\"genops.customer_id\",\"value\":{\"stringValue\":\"acme\"}},{\"key\":\"genops.environment\",\"value\":{\"stringValue\":\"production\"}},"
    "{\"key\":\"genops.cost.total\",\"value\":{\"doubleValue\":0.0032}},{\"key\":\"server.address\",\"value\":{\"stringValue\":\"api.openai.com\"}},"
    "{\"key\":\"server.port\",\"value\":{\"intValue\":\"443\"}}";

static const struct {
	const char *name, *yaml;
} rows[] = {
    {"counted only", "batch: {}"},
    {"filter, the guide's", "filter: {spans: {include: {match_type: strict, attributes: [{key: genops.team, value: ml-platform}]}}}"},
    {"filter that drops all", "filter: {spans: {include: {match_type: strict, attributes: [{key: genops.team, value: x}]}}}"},
    {"filter, five conditions",
	"filter: {traces: {span: ['attributes[\"genops.team\"] == \"test\"', 'IsMatch(name, \"^GET /health\")', 'kind == SPAN_KIND_SERVER', "
	"'resource.attributes[\"service.name\"] == \"x\"', 'attributes[\"server.port\"] > 1000 and status.code == STATUS_CODE_ERROR']}}"},
    {"attributes, the guide's", "attributes: {actions: [{key: deployment.environment, value: production, action: insert}]}"},
    {"attributes, hash and delete", "attributes: {actions: [{key: genops.customer_id, action: hash}, {pattern: '^server[.]', action: delete}]}"},
    {"policy_evaluator, the guide's", "genops/policy_evaluator: {policies: [{name: p, pattern: '.*SSN.*|.*credit_card.*', action: redact}]}"},
};

static uint64_t now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static bool make_request(struct genops_buffer *request)
{
	struct genops_buffer json;
	struct genops_error err;
	genops_buffer_init(&json, (size_t)16 << 20);
	genops_buffer_init(request, (size_t)16 << 20);
	genops_buffer_add_text(&json, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},"
				      "\"scopeSpans\":[{\"scope\":{\"name\":\"bench\"},\"spans\":[");
	for (int i = 0; i < SPANS; i++)
		genops_buffer_printf(&json,
		    "%s{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"chat gpt-4o-mini\",\"kind\":3,\"startTimeUnixNano\":\"1700000000000000000\","
		    "\"endTimeUnixNano\":\"1700000001000000000\",\"attributes\":[%s],\"events\":[{\"timeUnixNano\":\"1700000000500000000\",\"name\":\"first token\"}],"
		    "\"status\":{\"code\":1}}",
		    i ? "," : "", i + 1, i + 1, attributes);
	genops_buffer_add_text(&json, "]}]}]}");
	bool is_made = genops_otlp_json_read(GENOPS_SIGNAL_TRACES, genops_buffer_view(&json), request, &err) == GENOPS_OK;
	genops_buffer_done(&json);
	return is_made;
}

static int emit(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_envelope *envelope, int64_t n_items,
    struct genops_error *err)
{
	(void)pipeline, (void)envelope, (void)err;
	*(int64_t *)arg += n_items;
	return GENOPS_OK;
}

static const char *get(void *arg, const char *name)
{
	(void)arg, (void)name;
	return NULL;
}

static bool measure(const char *name, const char *yaml, genops_str request)
{
	static const struct genops_yaml_variables variables = {get, NULL};
	static double rounds[ROUNDS];
	struct genops_arena arena;
	struct genops_yaml *tree;
	struct genops_error err = {0};
	struct genops_processor_run *run;
	const struct genops_yaml_rows in = {"bench", &arena, &variables, &err};
	genops_str otlp = GENOPS_STR("otlp");
	int64_t n = 0;
	genops_arena_init(&arena, (size_t)1 << 20);
	if (genops_yaml_parse("bench", genops_str_of(yaml), &tree, &err) != GENOPS_OK)
		return false;
	const struct genops_yaml_entry *entry = tree->documents[0]->first;
	const struct genops_processor_type *type = genops_processor_type_find(entry->key->text);
	struct genops_processor processor = {entry->key->text, type, genops_arena_alloc(&arena, type->settings_size), true};
	if (genops_yaml_rows_section(&in, entry->value, "it", type->rows, processor.settings) != GENOPS_OK ||
	    type->compile(&processor, entry->value, &in) != GENOPS_OK || genops_service_run_new(NULL, &run, &err) != GENOPS_OK)
		return false;
	const struct genops_processor *processors[] = {&processor};
	struct genops_service_pipeline pipeline = {.name = otlp, .receivers = {1, &otlp}, .n_processors = 1, .processors = processors};
	struct genops_service service = {1, &processor, 1, &pipeline};
	const struct genops_envelope envelope = {.receiver = otlp, .request = request};
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t start = now_ns();
		if (genops_service_take(&service, run, &envelope, 1, emit, &n, &err) != GENOPS_OK)
			return false;
		rounds[i] = (double)(now_ns() - start) / SPANS;
	}
	qsort(rounds, ROUNDS, sizeof *rounds, compare);
	printf("%-32s %8.1f ns a span (best %.1f), %.2f million spans a CPU-second, %lld came out\n", name, rounds[ROUNDS / 2], rounds[0],
	    1000 / rounds[ROUNDS / 2], (long long)n);
	genops_service_run_free(run);
	genops_service_done(&service);
	genops_yaml_free(tree);
	genops_arena_done(&arena);
	return true;
}

int main(void)
{
	struct genops_buffer request;
	if (!make_request(&request))
		return 1;
	printf("%d spans, %zu bytes each\n", SPANS, request.len / SPANS);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!measure(rows[i].name, rows[i].yaml, genops_buffer_view(&request)))
			return 1;
	}
	genops_buffer_done(&request);
	return 0;
}
