/* SPDX-License-Identifier: Apache-2.0
 * Expositions put together and dressed: one family each, no series twice, OpenMetrics for whom prefers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "telemetry/metrics/exposition_text.h"

#include <string.h>

static const char own[] = "# HELP genops_cost_total Cost.\n# TYPE genops_cost_total counter\ngenops_cost_total{genops_team=\"a\"} 1.5\n"
			  "# HELP ai_request_duration D.\n# TYPE ai_request_duration histogram\nai_request_duration_bucket{le=\"+Inf\"} 1\n"
			  "ai_request_duration_sum 2\nai_request_duration_count 1\n"
			  "# HELP traces T \"x\".\n# TYPE traces untyped\ntraces{t=\"} {\\\"\"} 3\n";

static void joined(const char *a, const char *b, const char *expected)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 16);
	assert_int_equal(genops_exposition_join(genops_str_of(a), genops_str_of(b), &out), GENOPS_OK);
	genops_buffer_add_char(&out, '\0');
	assert_string_equal(out.ptr, expected);
	genops_buffer_done(&out);
}

static void one_family_one_place(void **state)
{
	joined(own, "", own);
	joined("", own, own);
	joined("# HELP a A\n# TYPE a gauge\na 1\n# HELP b B\n# TYPE b gauge\nb 1\n",
	    "# HELP a X\n# TYPE a counter\na{x=\"1\"} 2\na 7\na{x=\"} \"} 9\n# HELP c C\n# TYPE c gauge\nc 5\n",
	    "# HELP a A\n# TYPE a gauge\na 1\na{x=\"1\"} 2\na{x=\"} \"} 9\n# HELP b B\n# TYPE b gauge\nb 1\n# HELP c C\n# TYPE c gauge\nc 5\n");
	/* A number among a histogram's series would make the whole scrape fail. */
	joined("# TYPE h histogram\nh_count 1\n", "# TYPE h gauge\nh 2\n", "# TYPE h histogram\nh_count 1\n");
}

static void dressed(const char *text, const struct genops_exposition_dress *dress, const char *expected)
{
	struct genops_buffer out;
	genops_buffer_init(&out, 1 << 16);
	genops_exposition_dress(genops_str_of(text), dress, &out);
	genops_buffer_add_char(&out, '\0');
	assert_string_equal(out.ptr, expected);
	genops_buffer_done(&out);
}

static void open_metrics(void **state)
{
	const struct genops_exposition_dress dress = {.is_open_metrics = true};
	dressed(own, &dress,
	    "# HELP genops_cost Cost.\n# TYPE genops_cost counter\ngenops_cost_total{genops_team=\"a\"} 1.5\n"
	    "# HELP ai_request_duration D.\n# TYPE ai_request_duration histogram\nai_request_duration_bucket{le=\"+Inf\"} 1\n"
	    "ai_request_duration_sum 2\nai_request_duration_count 1\n"
	    "# HELP traces T \\\"x\\\".\n# TYPE traces unknown\ntraces{t=\"} {\\\"\"} 3\n# EOF\n");
	/* No counter without _total there; times are seconds. */
	dressed("# HELP c C\n# TYPE c counter\nc 1 1700000000123\n", &dress, "# HELP c C\n# TYPE c unknown\nc 1 1700000000.123\n# EOF\n");
	dressed("", &dress, "# EOF\n");
}

static void namespace_and_labels(void **state)
{
	struct genops_text_pair pairs[] = {{GENOPS_STR("cluster"), GENOPS_STR("a\"b\n")}, {GENOPS_STR("t"), GENOPS_STR("mine")}};
	const struct genops_text_map labels = {2, pairs};
	const struct genops_exposition_dress dress = {GENOPS_STR("prod"), &labels, false};
	dressed("# HELP x X\n# TYPE x gauge\nx 1\nx{t=\"their, s\"} 2\nx{ut=\"1\"} 3\nx{} 4\n", &dress,
	    "# HELP prod_x X\n# TYPE prod_x gauge\nprod_x{cluster=\"a\\\"b\\n\",t=\"mine\"} 1\n"
	    "prod_x{cluster=\"a\\\"b\\n\",t=\"their, s\"} 2\nprod_x{cluster=\"a\\\"b\\n\",t=\"mine\",ut=\"1\"} 3\n"
	    "prod_x{cluster=\"a\\\"b\\n\",t=\"mine\"} 4\n");
}

static void who_wants_what(void **state)
{
	static const struct {
		const char *accept;
		bool wants;
	} cases[] = {
	    /* Prometheus 2.42, 3, a browser, curl. */
	    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true},
	    {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", true},
	    {"text/html,application/xhtml+xml,*/*;q=0.8", false},
	    {"*/*", false},
	    {"", false},
	    {"text/plain;version=0.0.4, application/openmetrics-text;q=0.5", false},
	    {"application/openmetrics-text;q=0", false},
	    {"application/openmetrics-text; version=2.0.0", false},
	    {" Application/OpenMetrics-Text ; q=1", true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(genops_exposition_wants_open_metrics(genops_str_of(cases[i].accept)), cases[i].wants);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_family_one_place),
	    cmocka_unit_test(open_metrics),
	    cmocka_unit_test(namespace_and_labels),
	    cmocka_unit_test(who_wants_what),
	};
	return cmocka_run_group_tests_name("exposition_text", tests, NULL, NULL);
}
