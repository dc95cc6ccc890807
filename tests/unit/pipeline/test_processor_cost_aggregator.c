/* SPDX-License-Identifier: Apache-2.0
 * test_processor_cost_aggregator.c - sums as metrics, each interval, into the metrics pipelines of the same receivers. proves OTL-061,
 * OTL-064, OTL-065 */
#include "collector_fixture.h"

#define S INT64_C(1000000000)

static int64_t cost;
static char asked[256];

static int costs(void *arg, const genops_str *by, size_t n_by, genops_service_costs_fn *fn, void *fn_arg, int64_t *ret_begin_unix_ns,
    struct genops_error *err)
{
	const genops_str first[4] = {GENOPS_STR("a"), GENOPS_STR("x")}, second[4] = {GENOPS_STR("b")};
	(void)arg, (void)err;
	asked[0] = '\0';
	for (size_t i = 0; i < n_by; i++)
		snprintf(asked + strlen(asked), sizeof asked - strlen(asked), "%.*s ", (int)by[i].len, by[i].ptr);
	*ret_begin_unix_ns = 42;
	return fn(fn_arg, first, cost) == GENOPS_OK ? fn(fn_arg, second, 1) : GENOPS_NOMEM;
}

/* A traces pipeline in which it stands, a metrics pipeline of the same receiver, and one of another. */
static void make_service(struct fixture *fixture, struct genops_service_pipeline pipelines[3], genops_str other[1])
{
	const struct genops_texts ours = {1, fixture->receivers}, others = {1, other};
	other[0] = GENOPS_STR("otlp/other");
	pipelines[0] = (struct genops_service_pipeline){.name = GENOPS_STR("traces"), .receivers = ours, .n_processors = 1, .processors = fixture->processors};
	pipelines[1] = (struct genops_service_pipeline){.name = GENOPS_STR("metrics"), .signal = GENOPS_SIGNAL_METRICS, .receivers = ours};
	pipelines[2] = (struct genops_service_pipeline){.name = GENOPS_STR("metrics/x"), .signal = GENOPS_SIGNAL_METRICS, .receivers = others};
	fixture->service = (struct genops_service){1, &fixture->processor, 3, pipelines};
	fixture->asks.costs = costs;
	assert_int_equal(genops_service_run_new(&fixture->asks, &fixture->run, &fixture->err), GENOPS_OK);
}

static int tick(struct fixture *fixture)
{
	int before = fixture->n_emitted;
	assert_int_equal(
	    genops_service_tick(&fixture->service, fixture->run, fixture->now, fixture_emit, fixture, &fixture->err), GENOPS_OK);
	return fixture->n_emitted - before;
}

static void guide(void **state)
{
	struct genops_service_pipeline pipelines[3];
	struct fixture fixture;
	genops_str other[1];
	(void)state;
	assert_int_equal(fixture_load(&fixture, "genops/cost_aggregator: {dimensions: [genops.team, genops.project], export_interval: 60s}"), GENOPS_OK);
	make_service(&fixture, pipelines, other);
	assert_true(genops_service_is_heard(&fixture.service, &fixture.processor));
	cost = 1234567890123456;
	assert_int_equal(tick(&fixture), 0); /* the first interval begins */
	assert_int_equal(genops_service_due(&fixture.service, fixture.run), fixture.now + 60 * S);
	fixture.now += 59 * S;
	assert_int_equal(tick(&fixture), 0);
	fixture.now += S;
	assert_int_equal(tick(&fixture), 1);
	assert_string_equal(asked, "team project ");
	assert_int_equal(fixture.n_items, 2);
	assert_string_equal(fixture.out,
	    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[" TEXT_VALUE("service.name", "genops") "]},\"scopeMetrics\":[{\"scope\":{\"name\":"
	    "\"genops/cost_aggregator\"},\"metrics\":[{\"name\":\"genops.cost.total\",\"description\":\"What AI calls have cost.\",\"unit\":\"{USD}\","
	    "\"sum\":{\"dataPoints\":[{\"startTimeUnixNano\":\"42\",\"timeUnixNano\":\"1700000060000000000\",\"asDouble\":1234567.890123456,"
	    "\"attributes\":[" TEXT_VALUE("genops.team", "a") "," TEXT_VALUE("genops.project", "x") "]},{\"startTimeUnixNano\":\"42\","
	    "\"timeUnixNano\":\"1700000060000000000\",\"asDouble\":1e-09,\"attributes\":[" TEXT_VALUE("genops.team", "b") "]}],\"aggregationTemporality\":2,"
	    "\"isMonotonic\":true}}]}]}]}");
	assert_int_equal(tick(&fixture), 0);
	fixture.now += 60 * S;
	assert_int_equal(tick(&fixture), 1); /* two intervals, two exports */
	fixture.now -= 3600 * S;
	assert_int_equal(tick(&fixture), 1); /* a clock that was put back does not silence it */
	fixture_done(&fixture);
}

static void names(void **state)
{
	struct genops_service_pipeline pipelines[3];
	struct fixture fixture;
	genops_str other[1];
	(void)state;
	assert_int_equal(fixture_load(&fixture, "genops/cost_aggregator/by_model: {dimensions: [ai.model.name, region, gen_ai.provider.name, environment]}"), GENOPS_OK);
	make_service(&fixture, pipelines, other);
	assert_int_equal(genops_processor_type_cost_aggregator.interval_ns(&fixture.processor), 60 * S);
	(void)tick(&fixture);
	fixture.now += 60 * S;
	fixture.receivers[0] = GENOPS_STR("nobody");
	assert_int_equal(tick(&fixture), 1);
	assert_string_equal(asked, "model attribute:region provider environment ");
	assert_non_null(strstr(fixture.out, "{\"name\":\"genops/cost_aggregator/by_model\"}"));
	pipelines[1].receivers.items = other;
	assert_false(genops_service_is_heard(&fixture.service, &fixture.processor));
	fixture_done(&fixture);
}

static void refusals(void **state)
{
	static const char *const wrong[][2] = {{"genops/cost_aggregator:", "dimensions"}, {"genops/cost_aggregator: {dimensions: []}", "1 to 4"},
	    {"genops/cost_aggregator: {dimensions: [a, b, c, d, e]}", "1 to 4"}, {"genops/cost_aggregator: {dimensions: [team, genops.team]}", "twice"},
	    {"genops/cost_aggregator: {dimensions: [team], export_interval: 0s}", "export_interval"}};
	(void)state;
	fixture_refuses(wrong, sizeof wrong / sizeof *wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(guide),
	    cmocka_unit_test(names),
	    cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
