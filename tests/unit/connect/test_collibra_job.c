/* SPDX-License-Identifier: Apache-2.0
 * Tests of connect/collibra/export/collibra_job.c: what the end of a job means for each asset. */
#include "connect/collibra/export/collibra_bulk.h"

#include "base/clock.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define N 12

static struct genops_arena arena;
static struct genops_collibra_asset items[N];
static struct genops_collibra_assets assets;
static struct genops_collibra_job job;

static int start(void **state)
{
	struct genops_error err;
	genops_arena_init(&arena, 1 << 20);
	memset(items, 0, sizeof items);
	assets = (struct genops_collibra_assets){.arena = &arena, .n = N, .max = N, .items = items};
	assert_int_equal(genops_collibra_job_begin(&job, &assets, &err), GENOPS_OK);
	job.n_picked = N;
	for (uint32_t i = 0; i < N; i++)
		job.picked[i] = i;
	memset(job.marks, 0, N);
	snprintf(job.id, sizeof job.id, "J");
	return 0;
}

static int stop(void **state)
{
	genops_arena_done(&arena);
	return 0;
}

static void mark(bool is_validation, uint32_t index, const char *message)
{
	struct genops_collibra_import_error error = {.is_validation = is_validation, .n_indices = 1, .indices = {index}};
	snprintf(error.message, sizeof error.message, "%s", message);
	genops_collibra_job_mark(&job, &error);
}

static enum genops_collibra_progress end(const char *state, const char *result)
{
	struct genops_collibra_job_state is = {0};
	snprintf(is.state, sizeof is.state, "%s", state);
	snprintf(is.result, sizeof is.result, "%s", result);
	return genops_collibra_job_judge(&job, &is, 1000);
}

static size_t count(enum genops_collibra_fate fate)
{
	return genops_collibra_assets_count(&assets, fate);
}

static void success_stores_all(void **state)
{
	assert_int_equal(end("COMPLETED", "SUCCESS"), GENOPS_COLLIBRA_DONE);
	assert_int_equal(count(GENOPS_COLLIBRA_STORED), N);
}

static void what_fails_to_validate_is_rejected_with_its_reason(void **state)
{
	mark(true, 4, "no such value");
	assert_int_equal(end("COMPLETED", "COMPLETED_WITH_ERROR"), GENOPS_COLLIBRA_DONE);
	assert_int_equal(count(GENOPS_COLLIBRA_STORED), N - 1);
	assert_int_equal(items[4].fate, GENOPS_COLLIBRA_REJECTED);
	assert_true(genops_str_is(items[4].reason, "no such value"));
}

static void what_fails_for_now_is_tried_again_with_growing_waits(void **state)
{
	int64_t before = 0;
	for (int round = 0; round < 6; round++) {
		mark(false, 4, "busy");
		assert_int_equal(end("COMPLETED", "COMPLETED_WITH_ERROR"), GENOPS_COLLIBRA_RUNNING);
		assert_string_equal(job.id, ""); /* another job */
		assert_int_equal(items[4].fate, GENOPS_COLLIBRA_PENDING);
		assert_true(job.next_at_ns > before);
		before = job.next_at_ns;
	}
	mark(false, 4, "busy");
	assert_int_equal(end("COMPLETED", "COMPLETED_WITH_ERROR"), GENOPS_COLLIBRA_DONE);
	assert_int_equal(items[4].fate, GENOPS_COLLIBRA_REJECTED);
	assert_int_equal(count(GENOPS_COLLIBRA_STORED), N - 1);
}

static void an_error_without_a_place_may_be_about_any(void **state)
{
	struct genops_collibra_import_error error = {.message = "something"};
	genops_collibra_job_mark(&job, &error);
	assert_int_equal(end("COMPLETED", "COMPLETED_WITH_ERROR"), GENOPS_COLLIBRA_RUNNING);
	assert_int_equal(count(GENOPS_COLLIBRA_PENDING), N);
	mark(false, 99, "beyond the file"); /* no harm */
}

static void a_job_that_failed_stored_nothing_for_certain(void **state)
{
	static const char *const ends[][2] = {
	    {"ERROR", "FAILURE"}, {"CANCELED", "NOT_SET"}, {"COMPLETED", "ABORTED"}, {"COMPLETED", "FAILURE"}, {"ERROR", "ABORTED"}};
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		assert_int_equal(end(ends[i][0], ends[i][1]), GENOPS_COLLIBRA_AGAIN);
		assert_int_equal(count(GENOPS_COLLIBRA_PENDING), N);
	}
}

static void an_aborted_job_goes_on_without_what_stopped_it(void **state)
{
	mark(true, 1, "bad");
	assert_int_equal(end("ERROR", "ABORTED"), GENOPS_COLLIBRA_RUNNING);
	assert_int_equal(job.next_at_ns, 1000); /* at once */
	assert_int_equal(count(GENOPS_COLLIBRA_REJECTED), 1);
	assert_int_equal(count(GENOPS_COLLIBRA_PENDING), N - 1);
}

static void if_nothing_validates_the_setup_is_wrong(void **state)
{
	for (uint32_t i = 0; i < N; i++)
		mark(true, i, "no such attribute type");
	assert_int_equal(end("COMPLETED", "COMPLETED_WITH_ERROR"), GENOPS_COLLIBRA_HELD);
	assert_int_equal(count(GENOPS_COLLIBRA_PENDING), N);
	assert_string_equal(job.reason, "no such attribute type");
}

static void what_is_left_is_judged_by_what_was_stored_before(void **state)
{
	mark(false, 4, "busy");
	assert_int_equal(end("COMPLETED", "COMPLETED_WITH_ERROR"), GENOPS_COLLIBRA_RUNNING);
	job.n_picked = 1;
	job.picked[0] = 4;
	memset(job.marks, 0, N);
	mark(true, 0, "bad after all");
	assert_int_equal(end("COMPLETED", "COMPLETED_WITH_ERROR"), GENOPS_COLLIBRA_DONE);
	assert_int_equal(items[4].fate, GENOPS_COLLIBRA_REJECTED);
}

static void refusals(void **state)
{
	static const struct {
		enum genops_collibra_outcome outcome;
		enum genops_collibra_progress progress;
	} rows[] = {{GENOPS_COLLIBRA_FORBIDDEN, GENOPS_COLLIBRA_CANNOT}, {GENOPS_COLLIBRA_NOT_FOUND, GENOPS_COLLIBRA_STALE},
	    {GENOPS_COLLIBRA_REFUSED, GENOPS_COLLIBRA_HELD}, {GENOPS_COLLIBRA_UNAUTHENTICATED, GENOPS_COLLIBRA_HELD},
	    {GENOPS_COLLIBRA_UNKNOWN, GENOPS_COLLIBRA_DOUBTFUL}, {GENOPS_COLLIBRA_LIMITED, GENOPS_COLLIBRA_AGAIN},
	    {GENOPS_COLLIBRA_UNAVAILABLE, GENOPS_COLLIBRA_AGAIN}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct genops_collibra_answer answer = {.outcome = rows[i].outcome, .message = "what", .fix = "do"};
		char reason[64];
		assert_int_equal(genops_collibra_job_refusal(&answer, reason, sizeof reason), rows[i].progress);
		assert_string_equal(reason, "what; do");
	}
}

static void prefixes(void **state)
{
	assert_true(genops_str_is(genops_collibra_bulk_prefix(GENOPS_STR("genops:cost:20261121T1455:x:1")), "genops:cost:20261121T1455"));
	assert_true(genops_str_is(genops_collibra_bulk_prefix(GENOPS_STR("genops:budget")), "genops:budget"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(success_stores_all),
	    TEST(what_fails_to_validate_is_rejected_with_its_reason),
	    TEST(what_fails_for_now_is_tried_again_with_growing_waits),
	    TEST(an_error_without_a_place_may_be_about_any),
	    TEST(a_job_that_failed_stored_nothing_for_certain),
	    TEST(an_aborted_job_goes_on_without_what_stopped_it),
	    TEST(if_nothing_validates_the_setup_is_wrong),
	    TEST(what_is_left_is_judged_by_what_was_stored_before),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(prefixes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
