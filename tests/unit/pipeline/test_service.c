/* SPDX-License-Identifier: Apache-2.0
 * test_service.c - an envelope through service.pipelines: whose it is, in which order, in which pieces, and what is counted. proves OTL-056,
 * OTL-057, OTL-064 */
#include "collector_fixture.h"

struct emitted {
	int n;
	int64_t items[16];
	char pipelines[256], last[4096];
};

static int emit(void *arg, const struct genops_service_pipeline *pipeline, const struct genops_envelope *envelope, int64_t n_items,
    struct genops_error *err)
{
	struct emitted *emitted = arg;
	struct genops_buffer json;
	genops_buffer_init(&json, 1 << 20);
	assert_int_equal(genops_otlp_json_write(envelope->signal, envelope->request, &json, err), GENOPS_OK);
	assert_int_equal(genops_service_count(envelope->signal, envelope->request), n_items);
	snprintf(emitted->last, sizeof emitted->last, "%.*s", (int)json.len, json.ptr);
	snprintf(emitted->pipelines + strlen(emitted->pipelines), sizeof emitted->pipelines - strlen(emitted->pipelines), "%s ", pipeline->name.ptr);
	genops_buffer_done(&json);
	emitted->items[emitted->n++] = n_items;
	return GENOPS_OK;
}

static struct emitted take(struct fixture *fixture, enum genops_signal signal, const char *receiver, const char *json)
{
	struct emitted emitted = {0};
	struct genops_buffer request;
	genops_buffer_init(&request, 1 << 20);
	assert_int_equal(genops_otlp_json_read(signal, genops_str_of(json), &request, &fixture->err), GENOPS_OK);
	const struct genops_envelope envelope = {
	    .signal = signal, .receiver = genops_str_of(receiver), .request = genops_buffer_view(&request)};
	assert_int_equal(genops_service_take(&fixture->service, fixture->run, &envelope, 1, emit, &emitted, &fixture->err), GENOPS_OK);
	genops_buffer_done(&request);
	return emitted;
}

#define SPANS "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"d\"},{\"name\":\"e\"}]}]}]}"

static void load(struct fixture *fixture, const char *yaml, struct genops_service_pipeline *pipelines, size_t n)
{
	assert_int_equal(fixture_load(fixture, yaml), GENOPS_OK);
	fixture->service = (struct genops_service){1, &fixture->processor, n, pipelines};
	assert_int_equal(genops_service_run_new(&fixture->asks, &fixture->run, &fixture->err), GENOPS_OK);
}

static void receivers_and_signals(void **state)
{
	struct fixture fixture;
	genops_str both[] = {GENOPS_STR("otlp"), GENOPS_STR("otlp/2")};
	struct genops_service_pipeline pipelines[] = {
	    {.name = GENOPS_STR("traces"), .receivers = {1, both}},
	    {.name = GENOPS_STR("traces/both"), .receivers = {2, both}},
	    {.name = GENOPS_STR("logs"), .signal = GENOPS_SIGNAL_LOGS, .receivers = {2, both}},
	};
	(void)state;
	load(&fixture, "batch:", pipelines, 3);
	assert_string_equal(take(&fixture, GENOPS_SIGNAL_TRACES, "otlp", SPANS).pipelines, "traces traces/both ");
	assert_string_equal(take(&fixture, GENOPS_SIGNAL_TRACES, "otlp/2", SPANS).pipelines, "traces/both ");
	assert_string_equal(take(&fixture, GENOPS_SIGNAL_TRACES, "genops", SPANS).pipelines, "");
	assert_string_equal(take(&fixture, GENOPS_SIGNAL_METRICS, "otlp", "{}").pipelines, "");
	assert_true(genops_service_is_fed(&fixture.service, GENOPS_SIGNAL_LOGS, GENOPS_STR("otlp/2")));
	assert_false(genops_service_is_fed(&fixture.service, GENOPS_SIGNAL_METRICS, GENOPS_STR("otlp/2")));
	fixture_done(&fixture);
}

/* One pipeline's processors do not touch what another one gets. */
static void pipelines_do_not_mix(void **state)
{
	struct fixture fixture;
	genops_str otlp = GENOPS_STR("otlp");
	struct genops_service_pipeline pipelines[] = {
	    {.name = GENOPS_STR("traces/1"), .receivers = {1, &otlp}},
	    {.name = GENOPS_STR("traces/2"), .receivers = {1, &otlp}},
	    {.name = GENOPS_STR("traces/3"), .receivers = {1, &otlp}},
	};
	(void)state;
	load(&fixture, "filter: {traces: {span: ['name != \"c\"']}}", pipelines, 3);
	pipelines[1].n_processors = 1;
	pipelines[1].processors = fixture.processors;
	struct emitted emitted = take(&fixture, GENOPS_SIGNAL_TRACES, "otlp", SPANS);
	assert_int_equal(emitted.n, 3);
	assert_int_equal(emitted.items[0], 5);
	assert_int_equal(emitted.items[1], 1);
	assert_int_equal(emitted.items[2], 5);
	assert_string_equal(emitted.last, SPANS);
	fixture_done(&fixture);
}

static void pieces(void **state)
{
	struct fixture fixture;
	genops_str otlp = GENOPS_STR("otlp");
	struct genops_service_pipeline pipelines[] = {{.name = GENOPS_STR("traces"), .receivers = {1, &otlp}, .items_max = 2},
	    {.name = GENOPS_STR("metrics"), .signal = GENOPS_SIGNAL_METRICS, .receivers = {1, &otlp}, .items_max = 2}};
	(void)state;
	load(&fixture, "batch:", pipelines, 2);
	struct emitted emitted = take(&fixture, GENOPS_SIGNAL_TRACES, "otlp", SPANS);
	assert_int_equal(emitted.n, 3);
	assert_int_equal(emitted.items[0], 2);
	assert_int_equal(emitted.items[2], 1);
	assert_string_equal(emitted.last, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"e\"}]}]}]}");
	emitted = take(&fixture, GENOPS_SIGNAL_METRICS, "otlp",
	    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"a\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"1\"}]}},"
	    "{\"name\":\"b\",\"gauge\":{\"dataPoints\":[{\"asInt\":\"1\"},{\"asInt\":\"2\"},{\"asInt\":\"3\"}]}}]}]}]}");
	assert_int_equal(emitted.n, 2);
	assert_int_equal(emitted.items[0], 1);
	assert_int_equal(emitted.items[1], 3); /* a metric is not torn apart */
	fixture_done(&fixture);
}

/* What is remembered outlives the service: a reload. */
static void counts_outlive_a_reload(void **state)
{
	struct fixture fixture;
	genops_str otlp = GENOPS_STR("otlp");
	struct genops_service_pipeline pipelines[] = {{.name = GENOPS_STR("traces"), .receivers = {1, &otlp}}};
	(void)state;
	load(&fixture, "filter/x: {traces: {span: ['name == \"a\"']}}", pipelines, 1);
	pipelines[0].n_processors = 1;
	pipelines[0].processors = fixture.processors;
	assert_null(genops_service_run_count(fixture.run, GENOPS_STR("filter/x")));
	(void)take(&fixture, GENOPS_SIGNAL_TRACES, "otlp", SPANS);
	struct fixture next;
	assert_int_equal(fixture_load(&next, "filter/x: {traces: {span: ['name == \"b\"']}}"), GENOPS_OK);
	pipelines[0].processors = next.processors;
	(void)take(&fixture, GENOPS_SIGNAL_TRACES, "otlp", SPANS);
	const struct genops_processor_count *count = genops_service_run_count(fixture.run, GENOPS_STR("filter/x"));
	assert_int_equal(count->n_in, 10);
	assert_int_equal(count->n_out, 8);
	fixture_done(&next);
	fixture_done(&fixture);
}

/* The strictest of the pipelines that a receiver feeds. */
static void memory_limits(void **state)
{
	struct fixture fixture;
	genops_str otlp = GENOPS_STR("otlp");
	struct genops_service_pipeline pipelines[] = {{.name = GENOPS_STR("traces"), .receivers = {1, &otlp}}};
	(void)state;
	load(&fixture, "memory_limiter: {check_interval: 1s, limit_mib: 100}", pipelines, 1);
	assert_null(genops_service_memory_limiter(&fixture.service, otlp));
	pipelines[0].n_processors = 1;
	pipelines[0].processors = fixture.processors;
	assert_int_equal(genops_service_memory_limiter(&fixture.service, otlp)->soft_limit_bytes, (100 << 20) - (20 << 20));
	assert_null(genops_service_memory_limiter(&fixture.service, GENOPS_STR("other")));
	fixture_done(&fixture);
	static const char *const wrong[] = {"memory_limiter: {limit_mib: 5}", "memory_limiter: {check_interval: 1s}",
	    "memory_limiter: {check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}", "memory_limiter: {check_interval: 1s, limit_percentage: 101}",
	    "memory_limiter: {check_interval: 1s, limit_mib: 5, min_gc_interval_when_soft_limited: 10s}", "batch: {send_batch_size: 10, send_batch_max_size: 5}",
	    "batch: {metadata_keys: [tenant]}", "batch: {timeout: -1s}"};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_int_equal(fixture_load(&fixture, wrong[i]), GENOPS_CONFIG);
		assert_true(fixture.err.line > 0);
		fixture_done(&fixture);
	}
}

static void type_names(void **state)
{
	(void)state;
	assert_ptr_equal(genops_processor_type_find(GENOPS_STR("filter")), &genops_processor_type_filter);
	assert_ptr_equal(genops_processor_type_find(GENOPS_STR("filter/a/b")), &genops_processor_type_filter);
	assert_ptr_equal(genops_processor_type_find(GENOPS_STR("genops/cost_aggregator/x")), &genops_processor_type_cost_aggregator);
	assert_null(genops_processor_type_find(GENOPS_STR("filters")));
	assert_null(genops_processor_type_find(GENOPS_STR("filter/")));
	assert_null(genops_processor_type_find(GENOPS_STR("genops")));
	assert_string_equal(genops_processor_type_nearest(GENOPS_STR("genops/cost_agregator")), "genops/cost_aggregator");
	assert_string_equal(genops_processor_type_nearest(GENOPS_STR("fliter/x")), "filter");
	assert_null(genops_processor_type_nearest(GENOPS_STR("tail_sampling")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(receivers_and_signals),
	    cmocka_unit_test(pipelines_do_not_mix),
	    cmocka_unit_test(pieces),
	    cmocka_unit_test(counts_outlive_a_reload),
	    cmocka_unit_test(memory_limits),
	    cmocka_unit_test(type_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
