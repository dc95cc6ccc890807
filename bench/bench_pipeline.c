/* SPDX-License-Identifier: Apache-2.0
 * bench_pipeline.c - ns a span of what pipelines cost: the span's event, each of the guide's four pipelines as they are written, all four,
 * and the span written again; how that grows with sampling rules, mask rules, pipelines that it does not enter, and attributes.
 *
 * guide_spans.h says which spans these are. CPU time of this thread; the median of many rounds, so that a busy machine does not matter much.
 *   build-release/bench/bench_pipeline [DIRECTORY OF THE GUIDE'S PIPELINES]
 */
#include "guide_spans.h"

#include "pipeline/event_span.h"
#include "pipeline/function.h"
#include "pipeline/lookup_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 25
#define SPANS  1000

static const char *const guide[] = {"genops-cost-governance", "genops-policy-compliance", "genops-budget-alerting", "genops-audit-trail"};

struct bench {
	struct genops_buffer request, out;
	struct genops_arena kept, arena;
	struct genops_event_span maker;
	struct genops_envelope envelope;
	struct genops_pipeline_run run;
	struct genops_pipeline_count counts[8192];
	uint64_t n_emitted;
};
static struct bench bench;

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what, const struct genops_error *err)
{
	fprintf(stderr, "%s: %d:%d: %s\n", what, err->line, err->column, err->message);
	exit(1);
}

/* --- pipelines --- */

static struct genops_pipeline *read_text(const char *name, genops_str text, const struct genops_lookups *lookups)
{
	struct genops_yaml *yaml;
	struct genops_pipeline *pipeline;
	struct genops_error err = {0};
	struct genops_pipeline_reading reading = {.file = name, .lookups = lookups};
	if (genops_yaml_parse(name, text, &yaml, &err) != GENOPS_OK || genops_pipeline_read(yaml->documents[0], &reading, &pipeline, &err) != GENOPS_OK)
		die(name, &err);
	genops_yaml_free(yaml);
	return pipeline;
}

static char *read_file(const char *directory, const char *name)
{
	char path[600];
	struct genops_error err = {.message = "cannot be read"};
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 1 << 16);
	if (!file || !text || !fread(text, 1, (1 << 16) - 1, file))
		die(path, &err);
	fclose(file);
	return text;
}

static struct genops_lookups *read_lookups(const char *directory)
{
	static const genops_str keys[] = {{"customer_id", 11}};
	struct genops_lookup_settings settings = {.id = GENOPS_STR("customer_budgets"), .n_keys = 1, .keys = keys};
	struct genops_lookups *lookups = genops_lookups_new();
	struct genops_lookup_table *table;
	struct genops_error err = {0};
	char *csv = read_file(directory, "../lookups/customer_budgets.csv");
	if (genops_lookup_table_parse(&settings, genops_str_of(csv), &table, &err) != GENOPS_OK ||
	    genops_lookups_add(lookups, settings.id, table, &err) != GENOPS_OK)
		die("customer_budgets", &err);
	genops_lookup_table_unref(table);
	free(csv);
	return lookups;
}

static struct genops_value written_before;
static const struct genops_otlp_span *written_span;

static int count(void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload)
{
	bench.n_emitted++;
	return GENOPS_OK;
}

/* As a destination that takes spans. */
static int write(void *arg, const struct genops_pipeline *pipeline, const struct genops_route *route, struct genops_value event, genops_str payload)
{
	bench.n_emitted++;
	return genops_event_to_span(event, written_before, written_span, &bench.out, NULL);
}

/* --- measuring --- */

static void over_all(struct genops_pipeline *const *pipelines, size_t n, genops_pipeline_emit_fn *emit)
{
	struct genops_otlp_reader reader;
	struct genops_otlp_span span;
	struct genops_value event;
	struct genops_error err = {0};
	enum genops_pipeline_result result;
	genops_str item;
	genops_buffer_clear(&bench.out);
	genops_event_span_begin(&bench.maker);
	genops_otlp_reader_init(&reader, GENOPS_SIGNAL_TRACES, genops_buffer_view(&bench.request));
	while (genops_otlp_reader_next(&reader, &item) > 0) {
		genops_arena_reset(&bench.arena);
		if (genops_otlp_span_read(item, &span) != GENOPS_OK ||
		    genops_event_of_span(&bench.maker, &bench.envelope, &reader.resource, &span, &bench.arena, &event, &err) != GENOPS_OK)
			die("event", &err);
		written_before = event;
		written_span = &span;
		for (size_t i = 0; i < n; i++) {
			if (genops_pipeline_apply(pipelines[i], &bench.run, event, bench.counts, emit, NULL, &result, &err) != GENOPS_OK)
				die("apply", &err);
		}
	}
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;
	return left < right ? -1 : left > right;
}

static void measure(const char *what, struct genops_pipeline *const *pipelines, size_t n, genops_pipeline_emit_fn *emit)
{
	double rounds[ROUNDS];
	over_all(pipelines, n, emit);
	bench.n_emitted = 0;
	for (int i = 0; i < ROUNDS; i++) {
		double start = now_ns();
		over_all(pipelines, n, emit);
		rounds[i] = (now_ns() - start) / SPANS;
	}
	qsort(rounds, ROUNDS, sizeof *rounds, by_value);
	printf("%9.0f ns  %6.2f routed  %s\n", rounds[ROUNDS / 2], (double)bench.n_emitted / ROUNDS / SPANS, what);
}

/* `rule`: what stands before and behind a number. */
static void measure_rules(const char *head, const char *const rule[2], size_t n)
{
	char what[64];
	struct genops_buffer text;
	genops_buffer_init(&text, 1 << 20);
	genops_buffer_printf(&text, "id: grown\nprocessors:\n  - %s\n    rules:\n", head);
	for (size_t i = 0; i < n; i++)
		genops_buffer_printf(&text, "      - %s%zu%s\n", rule[0], i, rule[1]);
	struct genops_pipeline *pipeline = read_text("rules", genops_buffer_view(&text), NULL);
	snprintf(what, sizeof what, "%zu rules of %s", n, head);
	measure(what, &pipeline, 1, count);
	genops_pipeline_free(pipeline);
	genops_buffer_done(&text);
}

static void measure_growth(struct genops_pipeline *const *four)
{
	static struct genops_pipeline *many[1000];
	static const unsigned attributes[] = {10, 100, 1000};
	char what[64];
	for (size_t n = 1; n <= 1000; n *= 10)
		measure_rules("type: sampling", (const char *const[]){"{condition: \"name == 'rule ", "'\", sample_rate: 0.5}"}, n);
	for (size_t n = 1; n <= 1000; n *= 10)
		measure_rules("type: mask", (const char *const[]){"{field: name, pattern: 'secret-", "-\\d+', replacement: x}"}, n);
	for (size_t i = 0; i < 1000; i++)
		many[i] = read_text("many", GENOPS_STR("id: p\nfilters: [{expression: \"attributes['genops.none'] != null\"}]\nroutes: [{destination: d}]\n"), NULL);
	for (size_t n = 1; n <= 1000; n *= 10) {
		snprintf(what, sizeof what, "%zu pipelines that it does not enter", n);
		measure(what, many, n, count);
	}
	for (size_t i = 0; i < 1000; i++)
		genops_pipeline_free(many[i]);
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
		guide_spans(&bench.request, SPANS, attributes[i]);
		snprintf(what, sizeof what, "all four, %u attributes", attributes[i]);
		measure(what, four, 4, count);
	}
}

int main(int argc, char **argv)
{
	const char *directory = argc > 1 ? argv[1] : "tests/guide/pipelines";
	struct genops_pipeline *pipelines[4];
	struct genops_lookups *lookups = read_lookups(directory);
	genops_buffer_init(&bench.request, 1 << 27);
	genops_buffer_init(&bench.out, 1 << 27);
	genops_arena_init(&bench.kept, 1 << 22);
	genops_arena_init(&bench.arena, 1 << 22);
	bench.maker.arena = &bench.kept;
	bench.envelope.input = GENOPS_STR(GENOPS_INPUT_OTLP);
	bench.run = (struct genops_pipeline_run){
	    .expression = {.arena = &bench.arena, .now_ms = 1700000000000, .random_state = {1, 2}}, .lookups = lookups, .sampling_seed = 1};
	for (size_t i = 0; i < 4; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s.yaml", guide[i]);
		char *text = read_file(directory, name);
		pipelines[i] = read_text(name, genops_str_of(text), lookups);
		free(text);
	}
	guide_spans(&bench.request, SPANS, 16);
	measure("read, event", NULL, 0, count);
	for (size_t i = 0; i < 4; i++)
		measure(guide[i], &pipelines[i], 1, count);
	measure("all four", pipelines, 4, count);
	measure("all four, and every route's span", pipelines, 4, write);
	measure_growth(pipelines);
	for (size_t i = 0; i < 4; i++)
		genops_pipeline_free(pipelines[i]);
	genops_lookups_free(lookups);
	genops_pipeline_run_done(&bench.run);
	genops_arena_done(&bench.kept);
	genops_arena_done(&bench.arena);
	genops_buffer_done(&bench.request);
	genops_buffer_done(&bench.out);
	return 0;
}
