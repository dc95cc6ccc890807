/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_ledger_sums.c - summaries from roll-ups equal a plain sum over all operations, for any range. */
#include "ledger_fixture.h"

#define N 600
#define SPAN_S (INT64_C(100) * 86400) /* more than three months */

struct truth {
	int64_t time, cost;
	char team[16], model[16];
	const char *tier;
	bool is_refused;
};

static struct truth truths[N];

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static int setup(void **state)
{
	fixture_setup(state);
	struct fixture *fixture = *state;
	uint32_t random = 42;
	fixture_begin(fixture);
	for (size_t i = 0; i < N; i++) {
		struct truth *truth = &truths[i];
		struct sample sample;
		truth->time = NOON_S + (int64_t)(next_random(&random) % (uint32_t)SPAN_S);
		truth->cost = (int64_t)(next_random(&random) % 100000);
		snprintf(truth->team, sizeof truth->team, "team-%u", next_random(&random) % 4);
		snprintf(truth->model, sizeof truth->model, "model-%u", next_random(&random) % 3);
		truth->tier = (i + 1) % 2 ? "gold" : "silver";
		truth->is_refused = next_random(&random) % 5 == 0;
		sample_make(&sample, i + 1, truth->team, truth->model, truth->time, truth->cost);
		sample.record.is_refused = truth->is_refused;
		sample.record.result = truth->is_refused ? GENOPS_BLOCKED : GENOPS_ALLOWED;
		fixture_add(fixture, &sample);
		if (i % 97 == 0) {
			fixture_commit(fixture);
			fixture_begin(fixture);
		}
	}
	fixture_commit(fixture);
	return 0;
}

struct found {
	size_t n;
	char keys[256][4][32];
	struct genops_sums sums[256], total;
};

static int add_group(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums)
{
	struct found *found = arg;
	assert_true(found->n < 256);
	for (size_t i = 0; i < n_keys; i++)
		snprintf(found->keys[found->n][i], 32, "%.*s", (int)keys[i].len, keys[i].ptr);
	found->sums[found->n++] = *sums;
	found->total.operations += sums->operations;
	found->total.refused += sums->refused;
	found->total.cost_nano_usd += sums->cost_nano_usd;
	return GENOPS_OK;
}

static struct found sums_of(struct fixture *fixture, struct genops_sums_query query)
{
	struct found found = {0};
	struct genops_error err = {0};
	if (genops_ledger_sums(fixture->ledger, &query, add_group, &found, &err))
		fail_msg("%s", err.message);
	return found;
}

/* All operations in the range that a filter lets pass. */
static struct genops_sums expected(int64_t since, int64_t until, const char *team, const char *tier)
{
	struct genops_sums sums = {0};
	for (size_t i = 0; i < N; i++) {
		const struct truth *truth = &truths[i];
		if (truth->time < since || (until && truth->time >= until) || (team && strcmp(team, truth->team) != 0) ||
		    (tier && strcmp(tier, truth->tier) != 0))
			continue;
		sums.operations++;
		sums.refused += truth->is_refused;
		sums.cost_nano_usd += truth->cost;
	}
	return sums;
}

static void assert_sums(const struct genops_sums *got, struct genops_sums want)
{
	assert_int_equal(got->operations, want.operations);
	assert_int_equal(got->refused, want.refused);
	assert_int_equal(got->cost_nano_usd, want.cost_nano_usd);
}

static void test_any_range_is_exact(void **state)
{
	struct fixture *fixture = *state;
	uint32_t random = 7;
	for (int i = 0; i < 300; i++) {
		int64_t since = NOON_S - 86400 + (int64_t)(next_random(&random) % (uint32_t)(SPAN_S + 2 * 86400));
		int64_t until = since + (int64_t)(next_random(&random) % (i % 3 ? (uint32_t)SPAN_S : 7200u)) + 1;
		if (i % 7 == 0)
			since -= since % 86400;
		if (i % 11 == 0)
			until = 0;
		struct found found = sums_of(fixture, (struct genops_sums_query){.since_unix_s = since, .until_unix_s = until,
						   .by = {GENOPS_STR("team"), GENOPS_STR("model")}, .n_by = (size_t)i % 3});
		assert_sums(&found.total, expected(since, until, NULL, NULL));
	}
}

static void test_edges_are_operations(void **state)
{
	struct fixture *fixture = *state;
	for (size_t i = 0; i < N; i += 13) {
		int64_t time = truths[i].time;
		struct found found = sums_of(fixture, (struct genops_sums_query){.since_unix_s = time, .until_unix_s = time + 1});
		assert_sums(&found.total, expected(time, time + 1, NULL, NULL));
		found = sums_of(fixture, (struct genops_sums_query){.since_unix_s = time + 1});
		assert_sums(&found.total, expected(time + 1, 0, NULL, NULL));
		found = sums_of(fixture, (struct genops_sums_query){.until_unix_s = time});
		assert_sums(&found.total, expected(0, time, NULL, NULL));
	}
}

static void test_groups_by_dimension_and_time(void **state)
{
	struct fixture *fixture = *state;
	struct found found = sums_of(fixture, (struct genops_sums_query){.by = {GENOPS_STR("team")}, .n_by = 1});
	assert_int_equal(found.n, 4);
	for (size_t i = 0; i < found.n; i++)
		assert_sums(&found.sums[i], expected(0, 0, found.keys[i][0], NULL));
	found = sums_of(fixture, (struct genops_sums_query){.by = {GENOPS_STR("month")}, .n_by = 1});
	assert_int_equal(found.n, 4); /* 5 November and 100 days */
	for (size_t i = 0; i < found.n; i++)
		if (strcmp(found.keys[i][0], "2026-12") == 0)
			assert_sums(&found.sums[i], expected(1796083200, 1798761600, NULL, NULL));
	found = sums_of(fixture, (struct genops_sums_query){.by = {GENOPS_STR("day"), GENOPS_STR("team")}, .n_by = 2,
					      .since_unix_s = NOON_S + 17, .until_unix_s = NOON_S + 10 * 86400});
	assert_sums(&found.total, expected(NOON_S + 17, NOON_S + 10 * 86400, NULL, NULL));
	assert_int_equal(strlen(found.keys[0][0]), 10);
	found = sums_of(fixture, (struct genops_sums_query){.by = {GENOPS_STR("hour")}, .n_by = 1,
					      .since_unix_s = truths[0].time, .until_unix_s = truths[0].time + 1});
	assert_int_equal(found.n, 1);
	assert_non_null(strstr(found.keys[0][0], ":00:00Z"));
}

static void test_scanned_attributes(void **state)
{
	struct fixture *fixture = *state;
	struct found found = sums_of(fixture, (struct genops_sums_query){.by = {GENOPS_STR("team"), GENOPS_STR("attribute:tier")}, .n_by = 2});
	assert_int_equal(found.n, 8);
	for (size_t i = 0; i < found.n; i++)
		assert_sums(&found.sums[i], expected(0, 0, found.keys[i][0], found.keys[i][1]));
	struct genops_text_pair where[] = {{GENOPS_STR("tier"), GENOPS_STR("gold")}, {GENOPS_STR("team"), GENOPS_STR("team-1")}};
	found = sums_of(fixture, (struct genops_sums_query){.where = where, .n_where = 2, .since_unix_s = NOON_S + 86400});
	assert_sums(&found.total, expected(NOON_S + 86400, 0, "team-1", "gold"));
	found = sums_of(fixture, (struct genops_sums_query){.by = {GENOPS_STR("number")}, .n_by = 1});
	assert_int_equal(found.n, 3);
	found = sums_of(fixture, (struct genops_sums_query){.by = {GENOPS_STR("it's \"none\"")}, .n_by = 1});
	assert_int_equal(found.n, 1);
	assert_string_equal(found.keys[0][0], "");
	assert_sums(&found.total, expected(0, 0, NULL, NULL));
}

static void test_filters(void **state)
{
	struct fixture *fixture = *state;
	struct genops_text_pair team = {GENOPS_STR("team"), GENOPS_STR("team-2")}, none = {GENOPS_STR("team"), GENOPS_STR("' OR 1=1")},
				result = {GENOPS_STR("result"), GENOPS_STR("blocked")}, time = {GENOPS_STR("day"), GENOPS_STR("2026-11-05")};
	struct found found = sums_of(fixture, (struct genops_sums_query){.where = &team, .n_where = 1});
	assert_sums(&found.total, expected(0, 0, "team-2", NULL));
	found = sums_of(fixture, (struct genops_sums_query){.where = &none, .n_where = 1});
	assert_int_equal(found.n, 0);
	found = sums_of(fixture, (struct genops_sums_query){.where = &result, .n_where = 1});
	assert_int_equal(found.total.operations, expected(0, 0, NULL, NULL).refused);
	assert_int_equal(genops_ledger_sums(fixture->ledger, &(struct genops_sums_query){.where = &time, .n_where = 1}, add_group, &found, NULL), GENOPS_MISUSE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_any_range_is_exact),
	    TEST(test_edges_are_operations),
	    TEST(test_groups_by_dimension_and_time),
	    TEST(test_scanned_attributes),
	    TEST(test_filters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
