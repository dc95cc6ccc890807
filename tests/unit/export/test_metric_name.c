/* SPDX-License-Identifier: Apache-2.0
 * OpenTelemetry's names as Prometheus' (OTL-072..077, A-071): the translator's own cases, and the guides' names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "export/prometheus/metric_name.h"

#include <string.h>

static void is_named(const char *name, const char *unit, enum genops_metric_kind kind, const char *expected)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 4096);
	genops_metric_name_write(genops_str_of(name), genops_str_of(unit), kind, true, &out);
	genops_buffer_add_char(&out, '\0');
	assert_int_equal(out.error, 0);
	assert_string_equal(out.ptr, expected);
	genops_buffer_done(&out);
}

static void names_and_units(void **state)
{
	static const struct {
		const char *name, *unit, *expected;
		enum genops_metric_kind kind;
	} cases[] = {
	    {"system.io", "By", "system_io_bytes_total", GENOPS_METRIC_COUNTER},
	    {"system.io", "", "system_io_total", GENOPS_METRIC_COUNTER},
	    {"network.transmitted.bytes.total", "By", "network_transmitted_bytes_total", GENOPS_METRIC_COUNTER},
	    {"total.bytes", "", "bytes_total", GENOPS_METRIC_COUNTER},
	    {"http.server.duration", "ms", "http_server_duration_milliseconds", GENOPS_METRIC_HISTOGRAM},
	    {"redis.instances.running", "{instances}", "redis_instances_running", GENOPS_METRIC_GAUGE},
	    {"astro.light.speed_limit", "m/s", "astro_light_speed_limit_meters_per_second", GENOPS_METRIC_GAUGE},
	    {"astro.light.speed.limit.per_second", "m/s", "astro_light_speed_limit_per_second_meters", GENOPS_METRIC_GAUGE},
	    {"memory.utilization", "1", "memory_utilization_ratio", GENOPS_METRIC_GAUGE},
	    {"memory.utilization.ratio", "1", "memory_utilization_ratio", GENOPS_METRIC_GAUGE},
	    {"cpu.load", "%", "cpu_load_percent", GENOPS_METRIC_GAUGE},
	    {"requests", "{request}/s", "requests_per_second", GENOPS_METRIC_GAUGE},
	    {"a..b__c--d", "", "a_b_c_d", GENOPS_METRIC_GAUGE},
	    {"2xx.answers", "", "_2xx_answers_total", GENOPS_METRIC_COUNTER},
	    {"job:rate5m", "", "job:rate5m", GENOPS_METRIC_GAUGE},
	    {"gr\xc3\xb6\xc3\x9f"
	     "e",
		"", "gr_e", GENOPS_METRIC_GAUGE},
	    {"...", "s", "", GENOPS_METRIC_GAUGE},
	    {"", "", "", GENOPS_METRIC_COUNTER},
	    {"x", "a/b/c", "x_a_per_b_c", GENOPS_METRIC_GAUGE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_named(cases[i].name, cases[i].unit, cases[i].kind, cases[i].expected);
}

/* OTL-073..075: whatever unit an SDK says, the guides' queries find them. */
static void the_guides_names_stay(void **state)
{
	is_named("genops.cost.total", "USD", GENOPS_METRIC_COUNTER, "genops_cost_total");
	is_named("genops.cost.total", "{USD}", GENOPS_METRIC_COUNTER, "genops_cost_total");
	is_named("genops.cost.total", "", GENOPS_METRIC_GAUGE, "genops_cost_total");
	is_named("genops.budget.consumed", "USD", GENOPS_METRIC_GAUGE, "genops_budget_consumed");
	is_named("genops.budget.consumed", "USD", GENOPS_METRIC_COUNTER, "genops_budget_consumed");
	is_named("genops.budget.utilization", "1", GENOPS_METRIC_GAUGE, "genops_budget_utilization");
	is_named("ai.request.duration", "s", GENOPS_METRIC_HISTOGRAM, "ai_request_duration");
	is_named("traces", "{trace}", GENOPS_METRIC_COUNTER, "traces");
	/* Another size is another name. */
	is_named("ai.request.duration", "ms", GENOPS_METRIC_HISTOGRAM, "ai_request_duration_milliseconds");
	is_named("genops.budget.utilization", "%", GENOPS_METRIC_GAUGE, "genops_budget_utilization_percent");
	is_named("genops.other", "USD", GENOPS_METRIC_COUNTER, "genops_other_USD_total");
}

static void labels(void **state)
{
	static const char *const cases[][2] = {{"genops.team", "genops_team"}, {"a--b..c", "a_b_c"}, {"1st", "key_1st"}, {"__meta__", "__meta__"},
	    {"_x", "_x"}, {"k\xc3\xa4se", "k_se"}, {"", ""}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct genops_buffer out;
		genops_buffer_init(&out, 256);
		genops_metric_label_write(genops_str_of(cases[i][0]), &out);
		genops_buffer_add_char(&out, '\0');
		assert_string_equal(out.ptr, cases[i][1]);
		genops_buffer_done(&out);
	}
	assert_true(genops_metric_label_is_valid(GENOPS_STR("cluster")));
	assert_false(genops_metric_label_is_valid(GENOPS_STR("__name__")));
	assert_false(genops_metric_label_is_valid(GENOPS_STR("a:b")));
	assert_false(genops_metric_label_is_valid(GENOPS_STR("1a")));
	assert_true(genops_metric_name_is_valid(GENOPS_STR("a:b")));
	assert_false(genops_metric_name_is_valid(GENOPS_STR("")));
}

static void too_long_is_an_error_of_the_buffer(void **state)
{
	char name[2000];
	struct genops_buffer out;
	memset(name, 'a', sizeof name);
	genops_buffer_init(&out, 4096);
	genops_metric_name_write((genops_str){name, sizeof name}, GENOPS_STR("s"), GENOPS_METRIC_GAUGE, true, &out);
	assert_int_not_equal(out.error, 0);
	genops_buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_and_units),
	    cmocka_unit_test(the_guides_names_stay),
	    cmocka_unit_test(labels),
	    cmocka_unit_test(too_long_is_an_error_of_the_buffer),
	};
	return cmocka_run_group_tests_name("metric_name", tests, NULL, NULL);
}
