/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/report/test_report_cost.c - the cost report: order, keys, exact texts as JSON and CSV. */
#include "../store/ledger_fixture.h"

#include "report/report_cost.h"

static struct genops_cost_report *report_of(struct fixture *fixture, struct genops_cost_query query)
{
	struct genops_cost_report *report = NULL;
	struct genops_error err = {0};
	query.size = sizeof query;
	if (genops_report_cost_make(fixture ? fixture->ledger : NULL, &query, &report, &err))
		fail_msg("%s", err.message);
	return report;
}

static void fill(struct fixture *fixture)
{
	static const struct {
		const char *team, *model;
		int64_t cost;
	} rows[] = {{"ml", "gpt-4o", 100}, {"ml", "gpt-4o", 50}, {"search, \"it\"", "gpt-4o", 1500000000}, {"ops", "mini", 50}, {"", "mini", 150}};
	struct sample sample;
	fixture_begin(fixture);
	for (uint64_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		sample_make(&sample, i + 1, rows[i].team, rows[i].model, NOON_S + (int64_t)i * 86400, rows[i].cost);
		sample.record.is_refused = i == 3;
		fixture_add(fixture, &sample);
	}
	fixture_commit(fixture);
}

static void assert_key(const struct genops_cost_line *line, const char *key)
{
	assert_int_equal(line->key.len, strlen(key));
	assert_memory_equal(line->key.ptr, key, line->key.len);
}

static void test_dearest_first(void **state)
{
	fill(*state);
	genops_str by[] = {GENOPS_STR("team")};
	struct genops_cost_report *report = report_of(*state, (struct genops_cost_query){.by = by, .n_by = 1});
	assert_int_equal(report->n_groups, 4);
	assert_key(&report->groups[0], "search, \"it\"");
	assert_key(&report->groups[1], ""); /* 150 each: then by key */
	assert_key(&report->groups[2], "ml");
	assert_key(&report->groups[3], "ops");
	assert_int_equal(report->total.operations, 5);
	assert_int_equal(report->total.refused, 1);
	assert_int_equal(report->total.cost_nano_usd, 1500000350);
	genops_report_cost_free(report);
}

static void test_time_in_order(void **state)
{
	fill(*state);
	genops_str by[] = {GENOPS_STR("day"), GENOPS_STR("model")};
	struct genops_cost_report *report = report_of(*state, (struct genops_cost_query){.by = by, .n_by = 2});
	assert_int_equal(report->n_groups, 5);
	assert_key(&report->groups[0], "2026-11-05, gpt-4o");
	assert_key(&report->groups[4], "2026-11-09, mini");
	genops_report_cost_free(report);
}

static void test_json(void **state)
{
	char *text;
	size_t len;
	fill(*state);
	genops_str by[] = {GENOPS_STR("team"), GENOPS_STR("model")};
	struct genops_report_filter where = {GENOPS_STR("model"), GENOPS_STR("gpt-4o")};
	struct genops_cost_report *report = report_of(*state, (struct genops_cost_query){.by = by, .n_by = 2, .where = &where,
						       .n_where = 1, .since_unix_s = NOON_S});
	assert_int_equal(genops_report_cost_json(report, &text, &len, NULL), GENOPS_OK);
	assert_int_equal(strlen(text), len);
#define REST ",\"cache_read_tokens\":0,\"cache_write_5m_tokens\":0,\"cache_write_1h_tokens\":0,\"reasoning_tokens\":0," \
	     "\"audio_input_tokens\":0,\"audio_output_tokens\":0,\"image_input_tokens\":0,\"image_output_tokens\":0,"     \
	     "\"images\":0,\"characters\":0,\"audio_ms\":0,\"web_searches\":0,\"tool_calls\":0}"
	assert_string_equal(text,
	    "{\"since\":\"2026-11-05T12:00:00Z\",\"until\":null,"
	    "\"total\":{\"operations\":3,\"refused\":0,\"cost_nano_usd\":1500000150,\"cost_usd\":1.50000015,"
	    "\"input_tokens\":30,\"output_tokens\":15" REST ",\"groups\":["
	    "{\"key\":\"search, \\\"it\\\", gpt-4o\",\"keys\":{\"team\":\"search, \\\"it\\\"\",\"model\":\"gpt-4o\"},\"operations\":1,\"refused\":0,"
	    "\"cost_nano_usd\":1500000000,\"cost_usd\":1.5,\"input_tokens\":10,\"output_tokens\":5" REST ","
	    "{\"key\":\"ml, gpt-4o\",\"keys\":{\"team\":\"ml\",\"model\":\"gpt-4o\"},\"operations\":2,\"refused\":0,"
	    "\"cost_nano_usd\":150,\"cost_usd\":0.00000015,\"input_tokens\":20,\"output_tokens\":10" REST "]}\n");
	free(text);
	genops_report_cost_free(report);
}

static void test_csv(void **state)
{
	char *text;
	size_t len;
	fill(*state);
	genops_str by[] = {GENOPS_STR("team")};
	struct genops_cost_report *report = report_of(*state, (struct genops_cost_query){.by = by, .n_by = 1});
	assert_int_equal(genops_report_cost_csv(report, &text, &len, NULL), GENOPS_OK);
	assert_non_null(strstr(text, "team,operations,refused,cost_nano_usd,cost_usd,input_tokens,"));
	assert_non_null(strstr(text, "\r\n\"search, \"\"it\"\"\",1,0,1500000000,1.50,10,5,"));
	assert_non_null(strstr(text, "\r\nops,1,1,50,0.00000005,10,5,"));
	free(text);
	genops_report_cost_free(report);
}

static void test_nothing_recorded(void **state)
{
	char *text;
	size_t len;
	genops_str by[] = {GENOPS_STR("team")};
	struct genops_cost_report *report = report_of(NULL, (struct genops_cost_query){.by = by, .n_by = 1});
	assert_int_equal(report->n_groups, 0);
	assert_int_equal(report->total.operations, 0);
	assert_int_equal(genops_report_cost_json(report, &text, &len, NULL), GENOPS_OK);
	assert_non_null(strstr(text, "\"groups\":[]}"));
	free(text);
	genops_report_cost_free(report);
}

static void test_too_many_keys(void **state)
{
	struct genops_cost_report *report = NULL;
	genops_str by[5] = {GENOPS_STR("team"), GENOPS_STR("team"), GENOPS_STR("team"), GENOPS_STR("team"), GENOPS_STR("team")};
	assert_int_equal(genops_report_cost_make(NULL, &(struct genops_cost_query){.by = by, .n_by = 5}, &report, NULL), GENOPS_LIMIT);
	assert_null(report);
}

/* A mistyped name is told; an attribute that operations have is none, whatever it looks like. */
static void test_names(void **state)
{
	static const struct {
		const char *name, *fix; /* NULL: fine */
	} rows[] = {{"team", NULL}, {"key_name", NULL}, {"hour", NULL}, {"taem", "did you mean \"team\"?"},
	    {"modle", "did you mean \"model\"?"}, {"something-else", "use team"}, {"attribute:something-else", NULL}, {"teams", NULL}};
	struct fixture *fixture = *state;
	struct sample sample;
	fill(fixture);
	fixture_begin(fixture);
	sample_make(&sample, 77, "ml", "gpt-4o", NOON_S, 1);
	sample.attributes[sample.record.n_attributes++] =
	    (struct genops_attribute){.key = GENOPS_STR("teams"), .value.string = GENOPS_STR("x")};
	fixture_add(fixture, &sample);
	fixture_commit(fixture);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		genops_str by[] = {genops_str_of(rows[i].name)};
		struct genops_report_filter where = {by[0], GENOPS_STR("nobody's")};
		struct genops_cost_query queries[] = {{.by = by, .n_by = 1}, {.where = &where, .n_where = 1}};
		for (int k = 0; k < 2; k++) {
			struct genops_cost_report *report = NULL;
			struct genops_error err = {0};
			if (k && !strcmp(rows[i].name, "hour"))
				continue;
			const char *fix = k && rows[i].fix && !strstr(rows[i].fix, "did you mean") ? NULL : rows[i].fix;
			int code = genops_report_cost_make(fixture->ledger, &queries[k], &report, &err);
			if (code != (fix ? GENOPS_MISUSE : GENOPS_OK) || (fix && !strstr(err.fix, fix)))
				fail_msg("%s: %d %s; %s", rows[i].name, code, err.message, err.fix);
			genops_report_cost_free(report);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_dearest_first),
	    TEST(test_time_in_order),
	    TEST(test_json),
	    TEST(test_csv),
	    TEST(test_names),
	    cmocka_unit_test(test_nothing_recorded),
	    cmocka_unit_test(test_too_many_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
