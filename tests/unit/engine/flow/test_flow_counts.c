/* SPDX-License-Identifier: Apache-2.0
 * engine/flow: what pipelines count, over a reload too, and what they cannot process. */
#include "flow_fixture.h"

#include "engine/engine.h"
#include "engine/flow/flow.h"

static struct genops_config *load(const char *rule)
{
	char text[2048];
	struct genops_error err = {0};
	snprintf(text, sizeof text,
	    "destinations: [{id: console, type: debug}]\n"
	    "pipelines:\n"
	    "  - id: p\n"
	    "    filters: [{name: first, expression: \"name != 'thing-3-'\"}]\n"
	    "    processors: [%s]\n"
	    "    routes: [{name: all, destination: console}]\n", rule);
	const struct genops_config_source source = {.file = "", .text = text, .state_dir = "/nonexistent"};
	struct genops_config *config = genops_config_load(&source, &err);
	if (!config)
		fail_msg("%s", err.message);
	return config;
}

static void configure(struct genops_flow *flow, const char *rule)
{
	struct genops_config *config = load(rule);
	struct genops_error err;
	assert_int_equal(genops_flow_configure(flow, config, &err), GENOPS_OK);
	genops_config_unref(config);
}

static void take(struct genops_flow *flow, size_t n_expected)
{
	const struct genops_queue_entry *given;
	struct genops_buffer entry;
	struct genops_error err;
	size_t n;
	make_envelope(GENOPS_SIGNAL_TRACES, 0, 10, 0, &entry);
	const struct genops_queue_entry taken = {GENOPS_ENTRY_SPANS, genops_buffer_view(&entry)};
	assert_int_equal(genops_flow_take(flow, &taken, &err), GENOPS_OK);
	assert_int_equal(genops_flow_give(flow, &given, &n, &err), GENOPS_OK);
	assert_int_equal(n, n_expected);
	genops_flow_forget(flow);
	genops_buffer_done(&entry);
}

static void assert_counted(const struct genops_flow *flow, const char *line)
{
	struct genops_buffer text;
	genops_buffer_init(&text, 1 << 20);
	genops_flow_expose(flow, &text);
	genops_buffer_add_char(&text, '\0');
	if (!strstr(text.ptr, line))
		fail_msg("%s is not in\n%s", line, text.ptr);
	genops_buffer_done(&text);
}

static void counts_outlive_a_reload(void **state)
{
	struct genops_error err;
	struct genops_log log = {0};
	struct genops_metrics *metrics = genops_metrics_new(100);
	struct genops_flow *flow = genops_flow_new(&log, *state, metrics, &err);
	assert_non_null(flow);
	configure(flow, "{name: cut, type: drop, filter: \"name == 'thing-4-'\"}");
	take(flow, 1);
	assert_counted(flow, "genops_pipeline_in_total{pipeline=\"p\",kind=\"filter\",name=\"first\"} 10\n");
	assert_counted(flow, "genops_pipeline_matched_total{pipeline=\"p\",kind=\"filter\",name=\"first\"} 9\n");
	assert_counted(flow, "genops_pipeline_dropped_total{pipeline=\"p\",kind=\"drop\",name=\"cut\"} 1\n");
	assert_counted(flow, "genops_pipeline_matched_total{pipeline=\"p\",kind=\"route\",name=\"all\"} 8\n");
	configure(flow, "{name: cut2, type: drop, filter: \"name == 'thing-4-'\"}, {name: cut, type: drop, filter: \"name == 'thing-5-'\"}");
	take(flow, 1);
	assert_counted(flow, "genops_pipeline_dropped_total{pipeline=\"p\",kind=\"drop\",name=\"cut\"} 2\n");
	assert_counted(flow, "genops_pipeline_dropped_total{pipeline=\"p\",kind=\"drop\",name=\"cut2\"} 1\n");
	assert_counted(flow, "genops_pipeline_matched_total{pipeline=\"p\",kind=\"route\",name=\"all\"} 15\n");
	assert_counted(flow, "genops_pipeline_dead_letters_total{pipeline=\"p\"} 0\n");
	genops_flow_free(flow);
	genops_metrics_free(metrics);
}

static void make_greedy(char *rule, size_t size)
{
	size_t len = (size_t)snprintf(rule, size, "{name: greedy, type: eval, expressions: {a: \"'x'.padEnd(900000)\"");
	for (int i = 0; i < 20; i++)
		len += (size_t)snprintf(rule + len, size - len, ", f%d: \"a + %d\"", i, i);
	snprintf(rule + len, size - len, "}}");
}

/* An event that needs more memory than an event may have: told with its ids, counted, and the others go on. */
static void what_cannot_be_processed_is_told(void **state)
{
	char rule[2048], text[65536];
	struct genops_error err;
	struct genops_log log = {0};
	struct genops_metrics *metrics = genops_metrics_new(100);
	struct genops_flow *flow = genops_flow_new(&log, *state, metrics, &err);
	make_greedy(rule, sizeof rule);
	configure(flow, rule);
	take(flow, 0);
	assert_counted(flow, "genops_pipeline_dead_letters_total{pipeline=\"p\"} 9\n"); /* the filter let nine pass */
	read_file(*state, "dead-letter.jsonl", text, sizeof text);
	assert_non_null(strstr(text, "\"destination\":\"pipeline p\""));
	assert_non_null(strstr(text, "\"span_id\":\"3030303030303035\""));
	assert_null(strstr(text, "thing-")); /* what it says stays here: telemetry.content is none */
	configure(flow, "");
	take(flow, 1);
	genops_flow_free(flow);
	genops_metrics_free(metrics);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_state, remove_state)
	const struct CMUnitTest tests[] = {
	    TEST(counts_outlive_a_reload),
	    TEST(what_cannot_be_processed_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
