/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_ledger_identity.c - an operation is known again, whether its identity is still pending in memory or in a
 * run, in this process and in the next one. */
#include "ledger_fixture.h"

#define MANY 70000 /* two runs and some that are in none */

static void add(struct fixture *fixture, uint64_t first, uint64_t n, bool is_new)
{
	struct sample sample;
	for (uint64_t i = first; i < first + n; i++) {
		sample_make(&sample, i, "ml", "gpt-4o", NOON_S + (int64_t)i / 10, (int64_t)i);
		assert_int_equal(fixture_add(fixture, &sample), is_new);
	}
}

static void check_settled(struct fixture *fixture, uint64_t number)
{
	struct sample sample;
	int64_t cost = -1;
	sample_make(&sample, number, "", "", NOON_S, 0);
	assert_true(genops_ledger_settled(fixture->ledger, sample.record.trace_id, sample.record.span_id, &cost));
	assert_int_equal(cost, number);
}

static int count(void *arg, const struct genops_audit_row *row)
{
	++*(int *)arg;
	return GENOPS_OK;
}

/* Another process looks for one operation. */
static void check_audit(struct fixture *fixture, uint64_t number)
{
	struct genops_ledger *reader;
	struct sample sample;
	char id[64] = "";
	int n = 0;
	sample_make(&sample, number, "", "", NOON_S, 0);
	for (size_t i = 0; i < 16; i++)
		snprintf(id + 2 * i, 3, "%02x", sample.record.trace_id[i]);
	id[32] = '-';
	for (size_t i = 0; i < 8; i++)
		snprintf(id + 33 + 2 * i, 3, "%02x", sample.record.span_id[i]);
	struct genops_text_pair where = {GENOPS_STR("operation"), genops_str_of(id)};
	struct genops_audit_query query = {.where = &where, .n_where = 1};
	assert_int_equal(genops_ledger_open(fixture->directory, false, &reader, NULL), GENOPS_OK);
	assert_int_equal(genops_ledger_audit(reader, &query, count, &n, NULL), GENOPS_OK);
	assert_int_equal(n, 1);
	genops_ledger_close(reader);
}

static void check_all(struct fixture *fixture)
{
	static const uint64_t numbers[] = {1, MANY / 2, MANY};
	fixture_begin(fixture);
	add(fixture, 1, 100, false);
	add(fixture, MANY - 99, 100, false);
	fixture_commit(fixture);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		check_settled(fixture, numbers[i]);
		check_audit(fixture, numbers[i]);
	}
}

static void test_known_here_and_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	fixture_begin(fixture);
	add(fixture, 1, MANY / 2, true);
	fixture_commit(fixture);
	fixture_begin(fixture);
	add(fixture, MANY / 2 + 1, MANY / 2, true);
	fixture_commit(fixture);
	check_all(fixture);
	fixture_close(fixture);
	fixture_open(fixture);
	check_settled(fixture, MANY); /* before any batch */
	check_all(fixture);
}

static void test_rolled_back_is_unknown(void **state)
{
	struct fixture *fixture = *state;
	fixture_begin(fixture);
	add(fixture, 1, 10, true);
	fixture_commit(fixture);
	fixture_begin(fixture);
	add(fixture, 11, MANY, true); /* some of them went into a run */
	genops_ledger_rollback(fixture->ledger);
	fixture_begin(fixture);
	add(fixture, 1, 10, false);
	add(fixture, 11, MANY - 10, true);
	fixture_commit(fixture);
	check_all(fixture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {TEST(test_known_here_and_after_a_restart), TEST(test_rolled_back_is_unknown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
