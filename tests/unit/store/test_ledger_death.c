/* SPDX-License-Identifier: Apache-2.0
 * tests/unit/store/test_ledger_death.c - the writer is killed at any moment: what was committed is there, the rest is not, the chain is
 * whole, and the sums are those of the rows. */
#include "ledger_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#define BATCH 7

static int64_t query(const struct fixture *fixture, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *row;
	assert_int_equal(sqlite3_open(fixture->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	sqlite3_close(db);
	return value;
}

static void write_for_ever(struct fixture *fixture, uint64_t first, int fd)
{
	fixture_open(fixture);
	for (uint64_t i = first;; i += BATCH) {
		fixture_begin(fixture);
		for (uint64_t k = i; k < i + BATCH; k++) {
			struct sample sample;
			sample_make(&sample, k, k % 2 ? "ml" : "ops", "gpt-4o", NOON_S + (int64_t)k, 3);
			fixture_add(fixture, &sample);
		}
		fixture_commit(fixture);
		if (write(fd, "", 1) != 1)
			_exit(1);
	}
}

static void test_killed_writer(void **state)
{
	struct fixture *fixture = *state;
	int64_t n_before = 0, n_rows, bad;
	fixture_close(fixture);
	for (int round = 0; round < 15; round++) {
		int pipes[2];
		char byte;
		assert_int_equal(pipe(pipes), 0);
		pid_t child = fork();
		if (child == 0)
			write_for_ever(fixture, (uint64_t)n_before + 1, pipes[1]);
		close(pipes[1]);
		for (int i = 0; i < 1 + round * 3 % 11; i++, n_before += BATCH)
			assert_int_equal(read(pipes[0], &byte, 1), 1);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		while (read(pipes[0], &byte, 1) == 1)
			n_before += BATCH;
		close(pipes[0]);
		fixture_open(fixture);
		assert_int_equal(genops_ledger_verify(fixture->ledger, &n_rows, &bad, NULL), GENOPS_OK);
		fixture_close(fixture);
		assert_int_equal(bad, 0);
		/* one batch more may be in: committed, but the child died before it could tell */
		assert_true(n_rows == n_before || n_rows == n_before + BATCH);
		assert_int_equal(query(fixture, "SELECT count(*) FROM operation"), n_rows);
		for (int level = 0; level < 3; level++) {
			char sql[96];
			snprintf(sql, sizeof sql, "SELECT sum(cost_nano_usd) FROM rollup WHERE level = %d", level);
			assert_int_equal(query(fixture, sql), 3 * n_rows);
		}
		n_before = n_rows;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_killed_writer, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
