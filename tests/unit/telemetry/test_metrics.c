/* SPDX-License-Identifier: Apache-2.0
 * Which record counts in which series, by the guides' names; exact sums; bounded cardinality. */
#include "span_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/str.h"
#include "telemetry/metrics/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static char *expose(struct genops_metrics *metrics)
{
	struct genops_buffer buf;
	genops_buffer_init(&buf, (size_t)1 << 24);
	genops_metrics_expose(metrics, &buf);
	char *text = genops_buffer_take(&buf, NULL);
	assert_non_null(text);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);
	for (const char *at = text; (at = strstr(at, line)) != NULL; at++) {
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	}
	return false;
}

#define assert_line(text, line)                                                                    \
	do {                                                                                       \
		if (!has_line(text, line))                                                         \
			fail_msg("no line %s in:\n%s", line, text);                                \
	} while (0)

#define WHO  "genops_team=\"ml-platform\",genops_project=\"chat-service\",genops_environment=\"dev\""
#define WHAT "ai_model_provider=\"openai\",ai_model_name=\"gpt-4\""

/* proves OTL-072, OTL-073, OTL-074, OTL-075, OTL-077, A-071, A-072 */
static void test_names_and_values(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(1000);
	assert_non_null(metrics);
	for (int i = 0; i < 3; i++)
		genops_metrics_add_record(metrics, &fixture_record);
	char *text = expose(metrics);
	static const char *const lines[] = {
	    "# TYPE genops_cost_total counter",
	    "genops_cost_total{" WHO "," WHAT
	    ",genops_customer_id=\"acme-corp\",genops_cost_center=\"R&D-001\","
	    "genops_feature=\"summary\"} 0.0096",
	    "# TYPE traces untyped",
	    "traces{" WHO "} 3",
	    "genops_operations_total{" WHO "," WHAT
	    ",genops_policy_result=\"warning\",genops_outcome=\"ok\"} 3",
	    "genops_tokens_total{" WHO "," WHAT ",type=\"input\"} 450",
	    "genops_tokens_total{" WHO "," WHAT ",type=\"output\"} 255",
	    "genops_token_parts_total{" WHO "," WHAT ",type=\"reasoning\"} 60",
	    "genops_policy_violations_total{" WHO
	    ",genops_policy_name=\"cost-cap\",genops_policy_type=\"cost_limit\","
	    "genops_policy_result=\"warning\",genops_policy_reason_code=\"x_cost_limit\"} 3",
	    "# TYPE genops_budget_consumed gauge",
	    "genops_budget_consumed{genops_budget_name=\"everything\",genops_budget_period=\"monthly\"} 1",
	    "genops_budget_consumed{genops_budget_name=\"per-team\","
	    "genops_budget_scope=\"per-team[team=ml-platform]\",genops_budget_period=\"daily\"} 750",
	    "genops_budget_limit{genops_budget_name=\"everything\",genops_budget_period=\"monthly\"} 100000",
	    "genops_budget_remaining{genops_budget_name=\"everything\",genops_budget_period=\"monthly\"} 99999",
	    "genops_budget_utilization{genops_budget_name=\"per-team\","
	    "genops_budget_scope=\"per-team[team=ml-platform]\",genops_budget_period=\"daily\"} 0.75",
	    "# TYPE ai_request_duration histogram",
	    "ai_request_duration_bucket{" WHO "," WHAT ",le=\"1\"} 0",
	    "ai_request_duration_bucket{" WHO "," WHAT ",le=\"2.5\"} 3",
	    "ai_request_duration_bucket{" WHO "," WHAT ",le=\"+Inf\"} 3",
	    "ai_request_duration_sum{" WHO "," WHAT "} 6",
	    "ai_request_duration_count{" WHO "," WHAT "} 3",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_line(text, lines[i]);
	free(text);
	genops_metrics_free(metrics);
}

/* proves OTL-081 in part: a refusal is counted, but it cost nothing and took no time */
static void test_refused_and_dry_runs(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(1000);
	struct genops_record record = fixture_record;
	record.outcome = GENOPS_OUTCOME_REFUSED;
	record.result = GENOPS_BLOCKED;
	genops_metrics_add_record(metrics, &record);
	record.is_dry_run = true;
	genops_metrics_add_record(metrics, &record);
	char *text = expose(metrics);
	assert_line(text, "genops_operations_total{" WHO "," WHAT
			  ",genops_policy_result=\"blocked\",genops_outcome=\"refused\"} 1");
	assert_null(strstr(text, "genops_cost_total"));
	assert_null(strstr(text, "ai_request_duration"));
	free(text);
	genops_metrics_free(metrics);
}

static void test_alert_is_no_operation(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(1000);
	struct genops_record record = fixture_record;
	record.type = GENOPS_STR("genops.budget.alert");
	record.n_budgets = 0;
	record.n_alerts = 1;
	record.alerts = fixture_alerts;
	genops_metrics_add_record(metrics, &record);
	char *text = expose(metrics);
	assert_line(text,
	    "genops_budget_alerts_total{genops_budget_name=\"per-team[team=ml-platform]\","
	    "genops_budget_period=\"daily\",percent=\"80\"} 1");
	assert_null(strstr(text, "genops_operations_total"));
	assert_null(strstr(text, "traces{"));
	free(text);
	genops_metrics_free(metrics);
}

/* proves OTL-075: records come in any order, the figure falls only with a new window */
static void test_budget_is_monotonic_in_a_window(void **state)
{
	(void)state;
	static const struct {
		int64_t start_s, usd;
		const char *shown;
	} steps[] = {{1000, 5, "5"}, {1000, 3, "5"}, {1000, 8, "8"}, {87400, 1, "1"},
	    {1000, 9, "1"}, {87400, 2, "2"}};
	struct genops_metrics *metrics = genops_metrics_new(1000);
	struct genops_record_budget budget = fixture_budgets[1];
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		char line[200];
		budget.lines[0].start_unix_s = steps[i].start_s;
		budget.consumed_nano_usd = steps[i].usd * 1000000000;
		genops_metrics_add_budget(metrics, &budget);
		char *text = expose(metrics);
		snprintf(line, sizeof line,
		    "genops_budget_consumed{genops_budget_name=\"per-team\",genops_budget_scope=\"per-team[team="
		    "ml-platform]\",genops_budget_period=\"daily\"} %s",
		    steps[i].shown);
		assert_line(text, line);
		free(text);
	}
	genops_metrics_free(metrics);
}

static size_t count_lines(const char *text, const char *start)
{
	size_t n = 0;
	for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		n += strncmp(at, start, strlen(start)) == 0;
	return n;
}

static void test_cardinality_is_bounded(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(50);
	struct genops_attribute attribute = {.key = GENOPS_STR("team")};
	struct genops_record record = {.outcome = GENOPS_OUTCOME_OK,
	    .n_attributes = 1,
	    .attributes = &attribute,
	    .actual_nano_usd = 1};
	for (int i = 0; i < 1000; i++) {
		char team[20];
		snprintf(team, sizeof team, i == 500 ? "other" : "team-%d", i);
		attribute.value.string = genops_str_of(team);
		genops_metrics_add_record(metrics, &record);
	}
	char *text = expose(metrics);
	size_t n = count_lines(text, "traces{") + count_lines(text, "genops_operations_total{") +
		   count_lines(text, "genops_cost_total{") +
		   count_lines(text, "ai_request_duration_count{");
	assert_true(n <= 50 + 4); /* one "other" a family beyond */
	assert_int_equal(count_lines(text, "traces{genops_team=\"other\"}"), 1);
	/* Nothing is lost: the sum over all series is the whole. */
	uint64_t sum = 0;
	for (const char *at = text; (at = strstr(at, "\ntraces{")) != NULL; at++)
		sum += strtoull(strstr(at, "} ") + 2, NULL, 10);
	assert_int_equal(sum, 1000);
	assert_null(strstr(text, "genops_self_metric_other_total 0"));
	free(text);
	genops_metrics_free(metrics);
}

/* More combinations than are kept at hand, and each again. */
static void test_many_combinations(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(100000);
	struct genops_attribute attributes[2] = {{.key = GENOPS_STR("team")}, {.key = GENOPS_STR("project")}};
	struct genops_record record = {.outcome = GENOPS_OUTCOME_OK, .n_attributes = 2, .attributes = attributes,
	    .actual_nano_usd = 1};
	for (int i = 0; i < 6000; i++) {
		char team[20], project[20];
		snprintf(team, sizeof team, "%d", i % 3000 / 100);
		snprintf(project, sizeof project, "%d", i % 100);
		attributes[0].value.string = genops_str_of(team);
		attributes[1].value.string = genops_str_of(project);
		genops_metrics_add_record(metrics, &record);
	}
	char *text = expose(metrics);
	assert_int_equal(count_lines(text, "traces{"), 3000);
	assert_line(text, "traces{genops_team=\"1\",genops_project=\"11\"} 2");
	assert_line(text, "traces{genops_team=\"11\",genops_project=\"1\"} 2");
	assert_line(text, "traces{genops_team=\"29\",genops_project=\"99\"} 2");
	free(text);
	genops_metrics_free(metrics);
}

static void test_taken_back(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(1000);
	genops_metrics_add_record(metrics, &fixture_record);
	free(expose(metrics)); /* makes the series that count series */
	char *before = expose(metrics);
	genops_metrics_add_record(metrics, &fixture_record);
	genops_metrics_remove_record(metrics, &fixture_record);
	char *after = expose(metrics);
	assert_string_equal(before, after);
	free(before);
	free(after);
	genops_metrics_free(metrics);
}

static void test_labels_are_escaped_and_utf8(void **state)
{
	(void)state;
	static char long_team[400];
	struct genops_metrics *metrics = genops_metrics_new(50);
	struct genops_attribute attribute = {
	    .key = GENOPS_STR("team"), .value.string = GENOPS_STR("a\"b\\c\nd\xff")};
	struct genops_record record = {
	    .outcome = GENOPS_OUTCOME_REFUSED, .n_attributes = 1, .attributes = &attribute};
	genops_metrics_add_record(metrics, &record);
	memset(long_team, 'x', sizeof long_team);
	memcpy(long_team + 255, "\xe2\x82\xac", 3); /* a character over the cut */
	attribute.value.string = (genops_str){long_team, sizeof long_team};
	genops_metrics_add_record(metrics, &record);
	char *text = expose(metrics);
	assert_line(text, "traces{genops_team=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 1");
	assert_true(genops_str_is_utf8(genops_str_of(text)));
	assert_null(strstr(text, "\xef\xbf\xbd\"} 1\ntraces{genops_team=\"\xef\xbf\xbd"));
	char line[400];
	snprintf(line, sizeof line, "traces{genops_team=\"%.255s\"} 1", long_team);
	assert_line(text, line);
	free(text);
	genops_metrics_free(metrics);
}

static void test_self(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(50);
	genops_metrics_set(metrics, "genops_self_queue_bytes", "", 1.5e9);
	genops_metrics_add(metrics, "genops_self_exported_total", "destination=\"b\"", 2);
	genops_metrics_set(metrics, "genops_self_waiting", "", 0.25);
	genops_metrics_add(metrics, "genops_self_exported_total", "destination=\"a\"", 1);
	genops_metrics_add(metrics, "genops_self_exported_total", "destination=\"b\"", 3);
	genops_metrics_set(metrics, "genops_self_waiting", "", 0.5);
	genops_metrics_set(metrics, "go_goroutines", "", 1);
	genops_metrics_set(metrics, "genops_self_Bad", "", 1);
	genops_metrics_set(metrics, "genops_self_metric_series", "", 1);
	char *text = expose(metrics);
	assert_non_null(strstr(text, "# TYPE genops_self_exported_total counter\n"
				     "genops_self_exported_total{destination=\"a\"} 1\n"
				     "genops_self_exported_total{destination=\"b\"} 5\n"
				     "# HELP genops_self_queue_bytes"));
	assert_line(text, "genops_self_queue_bytes 1500000000");
	assert_line(text, "genops_self_waiting 0.5");
	assert_null(strstr(text, "go_goroutines"));
	assert_null(strstr(text, "Bad"));
	assert_int_equal(count_lines(text, "genops_self_metric_series "), 1);
	for (int i = 0; i < 1000; i++) {
		char labels[40];
		snprintf(labels, sizeof labels, "n=\"%d\"", i);
		genops_metrics_set(metrics, "genops_self_many", labels, 1);
	}
	free(text);
	text = expose(metrics);
	assert_true(count_lines(text, "genops_self_many{") <= 256);
	free(text);
	genops_metrics_free(metrics);
}

static void *add_many(void *arg)
{
	for (int i = 0; i < 1000; i++)
		genops_metrics_add_record(arg, &fixture_record);
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct genops_metrics *metrics = genops_metrics_new(100);
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, metrics), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	char *text = expose(metrics);
	assert_line(text, "traces{" WHO "} 4000");
	free(text);
	genops_metrics_free(metrics);
}

/* Everything but gauges; and it goes on from there. A torn or foreign line does nothing. */
static void test_restored(void **state)
{
	(void)state;
	struct genops_metrics *before = genops_metrics_new(1000), *after = genops_metrics_new(1000);
	struct genops_record odd = fixture_record;
	odd.request_model = GENOPS_STR("we{ird\"} \\ \n mo,del=\"");
	odd.start_unix_ns = odd.end_unix_ns - INT64_C(700123456789);
	genops_metrics_add_record(before, &fixture_record);
	genops_metrics_add_record(before, &odd);
	genops_metrics_set(before, "genops_self_exported_total", "destination=\"a\"", 17);
	genops_metrics_set(before, "genops_self_queue_full_total", "", 3);
	genops_metrics_set(before, "genops_self_queue_bytes", "", 99);
	char *text = expose(before);
	genops_metrics_restore(after, genops_str_of(text));
	genops_metrics_restore(after, GENOPS_STR("genops_cost_total{a=\"b\n}} {\ngenops_cost_total\n\nai_request_duration_bucket 1\nai_request_duration_sum x\n"
						 "genops_self_x_total{ -1\ntraces{a=\"b\"} -5\ngenops_cost_total 1e99\nother_total 1\n"));
	char *restored = expose(after);
	for (char *at = text, *line; (line = strsep(&at, "\n"));) {
		if (strstr(line, "genops_budget_") == line && !strstr(line, "alerts"))
			continue;
		if (strstr(line, "# ") == line || strstr(line, "genops_self_queue_bytes") == line || strstr(line, "genops_self_metric_series") == line || !line[0])
			continue;
		assert_line(restored, line);
	}
	free(restored);
	genops_metrics_add_record(after, &fixture_record);
	genops_metrics_add(after, "genops_self_exported_total", "destination=\"a\"", 1);
	genops_metrics_set_since(after, "genops_self_queue_full_total", "", 2);
	restored = expose(after);
	assert_line(restored, "traces{" WHO "} 3");
	assert_line(restored, "ai_request_duration_count{" WHO "," WHAT "} 2");
	assert_line(restored, "genops_self_exported_total{destination=\"a\"} 18");
	assert_line(restored, "genops_self_queue_full_total 5");
	free(restored);
	free(text);
	genops_metrics_free(before);
	genops_metrics_free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_and_values),
	    cmocka_unit_test(test_refused_and_dry_runs),
	    cmocka_unit_test(test_alert_is_no_operation),
	    cmocka_unit_test(test_budget_is_monotonic_in_a_window),
	    cmocka_unit_test(test_cardinality_is_bounded),
	    cmocka_unit_test(test_many_combinations),
	    cmocka_unit_test(test_taken_back),
	    cmocka_unit_test(test_labels_are_escaped_and_utf8),
	    cmocka_unit_test(test_self),
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_restored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
