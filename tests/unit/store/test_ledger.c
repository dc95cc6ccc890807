/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_ledger.c - opening, batches, idempotence, positions, budgets, and what breaks. */
#include "ledger_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static int one_sum(void *arg, const genops_str *keys, size_t n_keys, const struct genops_sums *sums)
{
	*(struct genops_sums *)arg = *sums;
	return GENOPS_OK;
}

static struct genops_sums total(struct genops_ledger *ledger)
{
	struct genops_sums sums = {0};
	assert_int_equal(genops_ledger_sums(ledger, &(struct genops_sums_query){0}, one_sum, &sums, NULL), GENOPS_OK);
	return sums;
}

static int64_t rows_of(struct genops_ledger *ledger)
{
	int64_t n = -1, bad = -1;
	assert_int_equal(genops_ledger_verify(ledger, &n, &bad, NULL), GENOPS_OK);
	assert_int_equal(bad, 0);
	return n;
}

/* proves CORE-062: as many audit records as operations, each with its cost */
static void test_counts_each_operation_once(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	fixture_begin(fixture);
	for (uint64_t i = 1; i <= 50; i++) {
		sample_make(&sample, i, "ml", "gpt-4o", NOON_S + (int64_t)i, 1000);
		assert_true(fixture_add(fixture, &sample));
		assert_false(fixture_add(fixture, &sample));
	}
	fixture_commit(fixture);
	fixture_begin(fixture);
	sample_make(&sample, 7, "ml", "gpt-4o", NOON_S + 7, 999999);
	sample.record.outcome = GENOPS_OUTCOME_ABANDONED;
	assert_false(fixture_add(fixture, &sample));
	fixture_commit(fixture);
	struct genops_sums sums = total(fixture->ledger);
	assert_int_equal(sums.operations, 50);
	assert_int_equal(sums.cost_nano_usd, 50000);
	assert_int_equal(sums.input_tokens, 500);
	assert_int_equal(rows_of(fixture->ledger), 50);
}

static void test_rollback_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	sample_make(&sample, 1, "ml", "gpt-4o", NOON_S, 1000);
	fixture_begin(fixture);
	fixture_add(fixture, &sample);
	genops_ledger_rollback(fixture->ledger);
	assert_int_equal(total(fixture->ledger).operations, 0);
	assert_int_equal(rows_of(fixture->ledger), 0);
	fixture_begin(fixture);
	assert_true(fixture_add(fixture, &sample));
	fixture_commit(fixture);
	assert_int_equal(total(fixture->ledger).cost_nano_usd, 1000);
	assert_int_equal(rows_of(fixture->ledger), 1);
}

static void test_settled_knows_what_is_in(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	int64_t cost = -7;
	fixture_begin(fixture);
	for (uint64_t i = 0; i < 30; i++) { /* over many hours: settled does not know the start */
		sample_make(&sample, i + 1, "ml", "gpt-4o", NOON_S + (int64_t)i * 7200, 100 + (int64_t)i);
		fixture_add(fixture, &sample);
	}
	fixture_commit(fixture);
	for (uint64_t i = 0; i < 30; i++) {
		sample_make(&sample, i + 1, "", "", NOON_S, 0);
		assert_true(genops_ledger_settled(fixture->ledger, sample.record.trace_id, sample.record.span_id, &cost));
		assert_int_equal(cost, 100 + (int64_t)i);
	}
	sample_make(&sample, 31, "", "", NOON_S, 0);
	cost = -7;
	assert_false(genops_ledger_settled(fixture->ledger, sample.record.trace_id, sample.record.span_id, &cost));
	assert_int_equal(cost, -7);
}

static void test_order_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	bool is_new;
	sample_make(&sample, 1, "ml", "gpt-4o", NOON_S, 1000);
	assert_int_equal(genops_ledger_add(fixture->ledger, &sample.record, GENOPS_STR("x"), &is_new, NULL), GENOPS_MISUSE);
	assert_int_equal(genops_ledger_commit(fixture->ledger, NULL), GENOPS_MISUSE);
	fixture_begin(fixture);
	assert_int_equal(genops_ledger_begin(fixture->ledger, NULL), GENOPS_MISUSE);
	genops_ledger_rollback(fixture->ledger);
	struct genops_ledger *reader;
	assert_int_equal(genops_ledger_open(fixture->directory, false, &reader, NULL), GENOPS_OK);
	assert_int_equal(genops_ledger_begin(reader, NULL), GENOPS_MISUSE);
	genops_ledger_close(reader);
}

static void test_sums_stop_instead_of_overflowing(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	for (uint64_t i = 1; i <= 4; i++) { /* in one batch and over several */
		if (i != 2)
			fixture_begin(fixture);
		sample_make(&sample, i, "ml", "gpt-4o", NOON_S, INT64_C(8000000000000000000));
		sample.record.usage.input_tokens = i == 3 ? -5 : INT64_MAX;
		fixture_add(fixture, &sample);
		if (i != 1)
			fixture_commit(fixture);
	}
	struct genops_sums sums = total(fixture->ledger);
	assert_int_equal(sums.cost_nano_usd, INT64_C(9000000000000000000));
	assert_int_equal(sums.input_tokens, INT64_C(9000000000000000000));
	assert_int_equal(sums.operations, 4);
}

static void test_positions(void **state)
{
	struct fixture *fixture = *state;
	struct genops_segment_position a = {1, UINT64_MAX, 3, 4, 5}, b = {2, 7, 1, 64, 9}, read[4];
	fixture_begin(fixture);
	assert_int_equal(genops_ledger_position(fixture->ledger, b, NULL), GENOPS_OK);
	assert_int_equal(genops_ledger_position(fixture->ledger, a, NULL), GENOPS_OK);
	b.offset = 128;
	assert_int_equal(genops_ledger_position(fixture->ledger, b, NULL), GENOPS_OK);
	fixture_commit(fixture);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_int_equal(genops_ledger_positions(fixture->ledger, read, 1), 2);
	assert_int_equal(genops_ledger_positions(fixture->ledger, read, 4), 2);
	assert_memory_equal(&read[0].epoch, &a.epoch, 8);
	assert_int_equal(read[1].offset, 128);
	fixture_begin(fixture);
	assert_int_equal(genops_ledger_position_forget(fixture->ledger, 1, UINT64_MAX, NULL), GENOPS_OK);
	fixture_commit(fixture);
	assert_int_equal(genops_ledger_positions(fixture->ledger, read, 4), 1);
}

struct windows {
	size_t n;
	int64_t consumed[8];
	char label[96];
};

static int add_window(void *arg, struct genops_hash key, genops_str label, enum genops_period period, int64_t start,
    int64_t end, int64_t consumed)
{
	struct windows *windows = arg;
	windows->consumed[period] += consumed;
	windows->n++;
	assert_int_equal(key.high, 5);
	snprintf(windows->label, sizeof windows->label, "%.*s", (int)label.len, label.ptr);
	return GENOPS_OK;
}

static void test_budgets_of_now(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	int64_t midnight = NOON_S - 43200;
	for (int64_t day = 0; day < 2; day++) {
		fixture_begin(fixture);
		for (uint64_t i = 0; i < 10; i++) {
			struct genops_record_budget budget = {.key = {4, 5}, .name = GENOPS_STR("b"), .label = GENOPS_STR("b[team=x]"),
			    .n_lines = 2, .lines = {{GENOPS_PERIOD_DAILY, midnight + day * 86400, midnight + (day + 1) * 86400},
					      {GENOPS_PERIOD_TOTAL, 0, INT64_MAX}}};
			sample_make(&sample, 100 * (uint64_t)(day + 1) + i, "x", "m", NOON_S + day * 86400, 7);
			sample.record.n_budgets = 1;
			sample.record.budgets = &budget;
			fixture_add(fixture, &sample);
			fixture_add(fixture, &sample);
		}
		fixture_commit(fixture);
	}
	struct windows windows = {0};
	assert_int_equal(genops_ledger_budgets(fixture->ledger, NOON_S, add_window, &windows, NULL), GENOPS_OK);
	assert_int_equal(windows.n, 2);
	assert_int_equal(windows.consumed[GENOPS_PERIOD_DAILY], 70);
	assert_int_equal(windows.consumed[GENOPS_PERIOD_TOTAL], 140);
	assert_string_equal(windows.label, "b[team=x]");
	windows = (struct windows){0};
	assert_int_equal(genops_ledger_budgets(fixture->ledger, midnight + 3 * 86400, add_window, &windows, NULL), GENOPS_OK);
	assert_int_equal(windows.n, 1);
}

static void test_high_cardinality_batch(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	char team[32];
	fixture_begin(fixture);
	for (uint64_t i = 0; i < 5000; i++) { /* more roll-up rows than one batch keeps in memory */
		snprintf(team, sizeof team, "team-%d", (int)i);
		sample_make(&sample, i + 1, team, "gpt-4o", NOON_S, 3);
		fixture_add(fixture, &sample);
	}
	fixture_commit(fixture);
	assert_int_equal(total(fixture->ledger).operations, 5000);
	assert_int_equal(total(fixture->ledger).cost_nano_usd, 15000);
}

static void test_files_are_private(void **state)
{
	struct fixture *fixture = *state;
	struct stat info;
	assert_int_equal(stat(fixture->database, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(stat(fixture->head, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_nothing_recorded_yet(void **state)
{
	struct fixture fixture;
	struct genops_ledger *reader = NULL;
	fixture_path(&fixture);
	assert_int_equal(genops_ledger_open(fixture.directory, false, &reader, NULL), GENOPS_NOT_FOUND);
	assert_null(reader);
	rmdir(fixture.directory);
	assert_int_equal(genops_ledger_open("/nowhere/at/all", true, &reader, NULL), GENOPS_IO);
}

static void test_corrupt_file_says_what_to_do(void **state)
{
	struct fixture *fixture = *state;
	struct genops_error err = {0};
	fixture_close(fixture);
	int fd = open(fixture->database, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "this is no database, but long enough to be looked at as one........................................", 100), 100);
	close(fd);
	struct genops_ledger *ledger = NULL;
	assert_int_equal(genops_ledger_open(fixture->directory, true, &ledger, &err), GENOPS_CORRUPT);
	assert_null(ledger);
	assert_non_null(strstr(err.message, fixture->database));
	assert_non_null(strstr(err.fix, "backup"));
}

static void test_other_layouts_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct genops_ledger *ledger = NULL;
	struct genops_error err = {0};
	fixture_close(fixture);
	fixture_tamper(fixture, "PRAGMA user_version = 99");
	assert_int_equal(genops_ledger_open(fixture->directory, true, &ledger, NULL), GENOPS_UNSUPPORTED);
	fixture_tamper(fixture, "PRAGMA user_version = 1");
	assert_int_equal(genops_ledger_open(fixture->directory, true, &ledger, &err), GENOPS_UNSUPPORTED);
	assert_non_null(strstr(err.message, "older"));
	assert_non_null(strstr(err.fix, "another state directory"));
}

static void test_people_can_read_it(void **state)
{
	struct fixture *fixture = *state;
	struct sample sample;
	sample_make(&sample, 1, "ml", "gpt-4o", NOON_S, 1000);
	fixture_begin(fixture);
	fixture_add(fixture, &sample);
	fixture_commit(fixture);
	sqlite3 *db;
	sqlite3_stmt *row;
	assert_int_equal(sqlite3_open(fixture->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT time, team, cost_nano_usd, attributes FROM operations", -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(row, 0), "2026-11-05T12:00:00Z");
	assert_string_equal((const char *)sqlite3_column_text(row, 1), "ml");
	assert_int_equal(sqlite3_column_int(row, 2), 1000);
	assert_string_equal((const char *)sqlite3_column_text(row, 3), "{\"tier\":\"gold\",\"number\":1}");
	sqlite3_finalize(row);
	sqlite3_close(db);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_counts_each_operation_once),
	    TEST(test_rollback_leaves_nothing),
	    TEST(test_settled_knows_what_is_in),
	    TEST(test_order_is_kept),
	    TEST(test_sums_stop_instead_of_overflowing),
	    TEST(test_positions),
	    TEST(test_budgets_of_now),
	    TEST(test_high_cardinality_batch),
	    TEST(test_files_are_private),
	    cmocka_unit_test(test_nothing_recorded_yet),
	    TEST(test_corrupt_file_says_what_to_do),
	    TEST(test_other_layouts_are_refused),
	    TEST(test_people_can_read_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
