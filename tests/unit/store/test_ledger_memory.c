/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_ledger_memory.c - every allocation of a batch, a summary and a verification fails once: nothing is lost,
 * counted twice, leaked or left locked. */
#include "ledger_fixture.h"

#include "../failing_alloc.h" /* behind a header of the C library, which says whose malloc this is */

#define WALK_MAX 20000

static int ignore_group(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums)
{
	*(int64_t *)arg += sums->operations;
	return GENOPS_OK;
}

/* One batch of three operations of a new team each. */
static int write_batch(struct genops_ledger *ledger, uint64_t first)
{
	char team[32];
	bool is_new;
	int code = genops_ledger_begin(ledger, NULL);
	for (uint64_t i = first; i < first + 3 && code == GENOPS_OK; i++) {
		struct sample sample;
		snprintf(team, sizeof team, "team-%d", (int)i);
		sample_make(&sample, i, team, "gpt-4o", NOON_S + (int64_t)i * 4000, 5);
		code = genops_ledger_add(ledger, &sample.record, GENOPS_STR("payload"), &is_new, NULL);
	}
	if (code == GENOPS_OK)
		code = genops_ledger_commit(ledger, NULL);
	if (code != GENOPS_OK)
		genops_ledger_rollback(ledger);
	return code;
}

static int64_t count(struct genops_ledger *ledger)
{
	int64_t n = 0;
	assert_int_equal(genops_ledger_sums(ledger, &(struct genops_sums_query){.by = {GENOPS_STR("team"), GENOPS_STR("tier")}, .n_by = 2},
			     ignore_group, &n, NULL), GENOPS_OK);
	return n;
}

/* Fails all allocations from the n-th on until one pass gets through. */
static void test_batches(void **state)
{
	struct fixture *fixture = *state;
	int64_t n_batches = 0;
	long n = 0;
	int code = GENOPS_NOMEM;
	for (; FAILING_ALLOC && code != GENOPS_OK && n < WALK_MAX; n++) {
		fixture_close(fixture);
		allocs_left = n;
		code = genops_ledger_open(fixture->directory, true, &fixture->ledger, NULL);
		if (code == GENOPS_OK)
			code = write_batch(fixture->ledger, 100);
		allocs_left = -1;
		if (!fixture->ledger)
			fixture_open(fixture);
		if (code != GENOPS_OK)
			assert_int_equal(count(fixture->ledger), 0);
	}
	n_batches += code == GENOPS_OK;
	assert_int_equal(count(fixture->ledger), FAILING_ALLOC ? 3 * n_batches : 0);
	if (FAILING_ALLOC)
		assert_true(n > 50 && n < WALK_MAX);
	int64_t rows, bad;
	assert_int_equal(genops_ledger_verify(fixture->ledger, &rows, &bad, NULL), GENOPS_OK);
	assert_int_equal(bad, 0);
	assert_int_equal(rows, FAILING_ALLOC ? 3 : 0);
}

static void test_reading(void **state)
{
	struct fixture *fixture = *state;
	struct genops_text_pair where = {GENOPS_STR("attribute:tier"), GENOPS_STR("gold")};
	assert_int_equal(write_batch(fixture->ledger, 1), GENOPS_OK);
	int code = GENOPS_NOMEM;
	long n = 0;
	for (; FAILING_ALLOC && code != GENOPS_OK && n < WALK_MAX; n++) {
		struct genops_ledger *reader = NULL;
		int64_t rows, bad, sum = 0;
		allocs_left = n;
		code = genops_ledger_open(fixture->directory, false, &reader, NULL);
		if (code == GENOPS_OK)
			code = genops_ledger_sums(reader, &(struct genops_sums_query){.by = {GENOPS_STR("team"), GENOPS_STR("number")},
							      .n_by = 2, .where = &where, .n_where = 1}, ignore_group, &sum, NULL);
		if (code == GENOPS_OK)
			code = genops_ledger_verify(reader, &rows, &bad, NULL);
		allocs_left = -1;
		genops_ledger_close(reader);
		if (code == GENOPS_OK)
			assert_int_equal(bad, 0);
	}
	if (FAILING_ALLOC)
		assert_true(n > 50 && n < WALK_MAX);
	assert_int_equal(count(fixture->ledger), 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {TEST(test_batches), TEST(test_reading)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
