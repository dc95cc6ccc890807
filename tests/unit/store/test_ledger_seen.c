/* SPDX-License-Identifier: Apache-2.0 - store/ledger/kept/ledger_seen.c, ledger_candidate.c: what was seen is found, in every run, after a rollback and by
 * who opens the ledger next; what waits is counted by bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/ledger/ledger_impl.h"

#define ROWS 70000 /* more than two runs */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info, (void)kind, (void)where;
	return remove(path);
}

static int make_dir(void **state)
{
	char *dir = strdup("/tmp/genops-test-XXXXXX");
	*state = dir && mkdtemp(dir) ? dir : NULL;
	return *state ? 0 : -1;
}

static int remove_dir(void **state)
{
	nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static struct genops_ledger *open_ledger(const char *dir)
{
	struct genops_ledger *ledger;
	struct genops_error err;
	assert_int_equal(genops_ledger_open(dir, true, &ledger, &err), GENOPS_OK);
	return ledger;
}

static uint64_t hash_of(const struct genops_ledger *ledger, int number)
{
	return genops_ledger_seen_hash(
	    ledger, GENOPS_SEEN_SPAN, (genops_str){(const char *)&number, sizeof number}, (genops_str){0}, (genops_str){0});
}

static void add(struct genops_ledger *ledger, int number)
{
	struct genops_seen seen = {number, number + 10};
	struct genops_error err;
	assert_int_equal(genops_ledger_seen_add(ledger, hash_of(ledger, number), &seen, &err), GENOPS_OK);
}

static size_t find(struct genops_ledger *ledger, int number, int64_t from, int64_t until)
{
	struct genops_seen seen[GENOPS_SEEN_FOUND_MAX];
	struct genops_error err;
	size_t n;
	assert_int_equal(genops_ledger_seen_find(ledger, hash_of(ledger, number), from, until, seen, &n, &err), GENOPS_OK);
	for (size_t i = 0; i < n; i++)
		assert_true(seen[i].start_unix_ns == number && seen[i].end_unix_ns == number + 10);
	return n;
}

static void check_all(struct genops_ledger *ledger)
{
	size_t n_wrong = 0;
	for (int i = 0; i < ROWS; i += 7)
		n_wrong += find(ledger, i, i, i) != 1;
	for (int i = ROWS; i < 2 * ROWS; i += 7)
		n_wrong += find(ledger, i, 0, INT64_MAX) != 0;
	assert_int_equal(n_wrong, 0);
	assert_int_equal(find(ledger, 5, GENOPS_SEEN_RUN_ROWS + 100, INT64_MAX), 0); /* in a run of another time */
}

static void what_was_seen_is_found(void **state)
{
	struct genops_ledger *ledger = open_ledger(*state);
	struct genops_error err;
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	for (int i = 0; i < ROWS; i++)
		add(ledger, i);
	assert_int_equal(genops_ledger_commit(ledger, &err), GENOPS_OK);
	check_all(ledger);
	/* What is rolled back was never seen. */
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	for (int i = ROWS; i < ROWS + 40000; i++)
		add(ledger, i);
	assert_int_equal(find(ledger, ROWS + 39999, 0, INT64_MAX), 1);
	genops_ledger_rollback(ledger);
	check_all(ledger);
	genops_ledger_close(ledger);
	ledger = open_ledger(*state);
	check_all(ledger);
	/* The same again, at most as often as is told. */
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	for (int i = 0; i < 2 * GENOPS_SEEN_FOUND_MAX; i++)
		add(ledger, 3);
	assert_int_equal(find(ledger, 3, 0, INT64_MAX), GENOPS_SEEN_FOUND_MAX);
	genops_ledger_rollback(ledger);
	genops_ledger_close(ledger);
}

/* As many runs as are kept: the oldest goes when another begins. */
static void the_oldest_go(void **state)
{
	struct genops_ledger *ledger = open_ledger(*state);
	struct genops_error err;
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	for (int i = 0; i < 3; i++) {
		add(ledger, i);
		ledger->seen.runs[ledger->seen.n - 1].n = GENOPS_SEEN_RUN_ROWS; /* full */
	}
	ledger->seen.runs[0].made_s = 1; /* in 1970 */
	add(ledger, 3);
	assert_int_equal(ledger->seen.n, 3);
	assert_int_equal(find(ledger, 0, 0, INT64_MAX), 0);
	assert_int_equal(find(ledger, 1, 0, INT64_MAX), 1);
	assert_int_equal(genops_ledger_commit(ledger, &err), GENOPS_OK);
	genops_ledger_close(ledger);
	ledger = open_ledger(*state);
	assert_int_equal(find(ledger, 3, 0, INT64_MAX), 1);
	assert_int_equal(find(ledger, 0, 0, INT64_MAX), 0);
	genops_ledger_close(ledger);
}

static void bytes_that_wait(void **state)
{
	struct genops_ledger *ledger = open_ledger(*state);
	struct genops_candidate candidate = {.trace_id = {1}, .span_id = {1}, .due_unix_ns = 5, .body = GENOPS_STR("0123456789")};
	struct genops_error err;
	bool is_new;
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_candidate_add(ledger, &candidate, &is_new, &err), GENOPS_OK);
	assert_true(is_new);
	assert_int_equal(genops_ledger_candidate_add(ledger, &candidate, &is_new, &err), GENOPS_OK);
	assert_false(is_new);
	assert_int_equal(genops_ledger_outbox_add(ledger, GENOPS_STR("req"), GENOPS_STR("enve"), &err), GENOPS_OK);
	assert_int_equal(genops_ledger_candidate_bytes(ledger), 14);
	genops_ledger_rollback(ledger);
	assert_int_equal(genops_ledger_candidate_bytes(ledger), 0);
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_candidate_add(ledger, &candidate, &is_new, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_outbox_add(ledger, GENOPS_STR("req"), GENOPS_STR("enve"), &err), GENOPS_OK);
	assert_int_equal(genops_ledger_commit(ledger, &err), GENOPS_OK);
	genops_ledger_close(ledger);
	ledger = open_ledger(*state);
	assert_int_equal(genops_ledger_candidate_bytes(ledger), 14);
	assert_int_equal(genops_ledger_begin(ledger, &err), GENOPS_OK);
	assert_int_equal(genops_ledger_outbox_drop(ledger, GENOPS_STR("other"), &err), GENOPS_OK);
	assert_int_equal(genops_ledger_outbox_drop(ledger, GENOPS_STR("req"), &err), GENOPS_OK);
	assert_int_equal(genops_ledger_candidate_bytes(ledger), 10);
	ledger->candidate_bytes = GENOPS_CANDIDATES_BYTES_MAX;
	candidate.span_id[0] = 2;
	assert_int_equal(genops_ledger_candidate_add(ledger, &candidate, &is_new, &err), GENOPS_BUSY);
	genops_ledger_rollback(ledger);
	genops_ledger_close(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_was_seen_is_found, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(the_oldest_go, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(bytes_that_wait, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
